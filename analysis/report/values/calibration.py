"""Numbers about calibration, and about thresholds chosen on the test set."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.report.format import NOT_ESTIMABLE, number, span
from analysis.report.results import Results


def _usable(results: Results, name: str, column: str) -> pd.Series:
    """Return one column of a table of estimates, of the outcomes that have enough cases."""
    frame = results.estimates(name)
    if frame.empty:
        return pd.Series(dtype=float)
    ids = [o.id for o in results.outcomes("grade", "group", "disease") if not results.few(o.id)]
    return frame.loc[frame["outcome"].isin(ids), column].dropna().astype(float)


def optimism_values(results: Results) -> dict[str, Any]:
    """Return `optimism`: what choosing thresholds on the test set itself would gain."""
    gain = _usable(results, "optimism", "optimism")
    digits = results.settings.digits
    return {
        "optimism": {
            "any": len(gain) > 0,
            "mean": number(gain.mean(), digits) if len(gain) else NOT_ESTIMABLE,
            "most": number(gain.max(), digits) if len(gain) else NOT_ESTIMABLE,
        }
    }


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
