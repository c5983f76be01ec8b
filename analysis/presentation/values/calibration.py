"""Numbers about calibration, and about thresholds chosen on the test set."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.presentation.format import NOT_ESTIMABLE, listed, number, span
from analysis.presentation.results import Results
from analysis.presentation.values.performance import names


def _usable(results: Results, name: str, column: str) -> pd.Series:
    """Return one column of a table of estimates, of the outcomes that have enough cases."""
    frame = results.estimates(name)
    if frame.empty:
        return pd.Series(dtype=float)
    ids = [o.id for o in results.outcomes("grade", "group", "disease") if not results.few(o.id)]
    if column not in frame:
        return pd.Series(dtype=float)
    return frame.loc[frame["outcome"].isin(ids), column].dropna().astype(float)


def optimism_values(results: Results) -> dict[str, Any]:
    """Return `optimism`: what choosing thresholds on the test set itself adds, and what small validation sets lose."""
    gain, apart = _usable(results, "optimism", "optimism"), _usable(results, "optimism", "difference")
    digits = results.settings.digits
    return {
        "optimism": {
            "any": len(gain) > 0,
            "mean": number(gain.mean(), digits) if len(gain) else NOT_ESTIMABLE,
            "most": number(gain.max(), digits) if len(gain) else NOT_ESTIMABLE,
            "difference": number(apart.mean(), digits) if len(apart) else NOT_ESTIMABLE,
        }
    }


def sample_size_values(results: Results) -> dict[str, Any]:
    """Return `planned`: how wide intervals are expected to be at the published numbers."""
    frame = results.planned
    return {
        "planned": {
            "any": len(frame) > 0,
            "widths": span(frame["width"], results.settings.digits) if len(frame) else NOT_ESTIMABLE,
        }
    }


def prevalence_values(results: Results) -> dict[str, Any]:
    """Return `prevalence`: what predictive values were reweighted to, where the settings state it for some outcomes."""
    frame = results.estimates("prevalence")
    shown = [o for o in results.outcomes("grade", "group", "disease", "location", "finding")]
    sources = dict(zip(frame["outcome"], frame["source"], strict=True)) if len(frame) else {}
    stated = [o for o in shown if sources.get(o.id) == "settings"]
    rest = sorted({str(sources[o.id]) for o in shown if o.id in sources and o not in stated})
    parts = [f"the prevalence of the {source}" for source in rest]
    if stated:
        which = f" for {names(results, stated)}" if rest else ""
        parts = [f"a prevalence stated in the configuration{which}", *(f"{part} for all others" for part in parts)]
    return {"prevalence": {"told": listed(parts) or "no other prevalence", "stated": len(stated) > 0}}


def calibration_values(results: Results) -> dict[str, Any]:
    """Return `calibration`: the span of slopes, and on which side of one most of them are."""
    slopes = _usable(results, "calibration", "slope")
    extreme = bool(len(slopes) and (slopes < 1).mean() > 0.5)
    return {
        "calibration": {
            "any": len(slopes) > 0,
            "slopes": span(slopes, results.settings.digits),
            "mostly_extreme": extreme,
            "mostly_moderate": len(slopes) > 0 and not extreme,
        }
    }
