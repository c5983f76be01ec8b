"""Numbers about calibration, and about thresholds chosen on the test set."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.presentation.format import NOT_ESTIMABLE, counted, known, listed, number, span
from analysis.presentation.results import BUT_IMPLANTS, Results
from analysis.presentation.tables.subgroups import asked
from analysis.presentation.values.performance import name as name_of
from analysis.presentation.values.performance import names
from analysis.statistics.published import HIGHEST


def _usable(results: Results, name: str) -> pd.DataFrame:
    """Return a table of estimates by outcome: of those in the tables that have enough cases, one of each question."""
    frame = results.estimates(name)
    outcomes = [same[0].id for same in asked(results, *BUT_IMPLANTS) if not results.few(same[0].id)]
    return frame[frame["outcome"].isin(outcomes)].set_index("outcome")


def optimism_values(results: Results) -> dict[str, Any]:
    """Return `optimism`: what choosing thresholds on the test set itself adds, and what small validation sets lose."""
    frame = _usable(results, "optimism")
    gain = frame["optimism"].dropna()
    digits = results.settings.digits
    return {
        "optimism": {
            "any": len(gain) > 0,
            "mean": number(gain.mean(), digits, NOT_ESTIMABLE),
            # As it is printed: what rounds to nothing, or is less, has overstated nothing.
            "some": len(gain) > 0 and round(float(gain.mean()), digits) > 0,
            "outcomes": counted(len(gain), "outcome"),
            "most": number(gain.max(), digits, NOT_ESTIMABLE),
            "where": name_of(results, results.scheme.outcome(str(gain.idxmax()))) if len(gain) else NOT_ESTIMABLE,
            "difference": number(frame["difference"].mean(), digits, NOT_ESTIMABLE),
        }
    }


def sample_size_values(results: Results) -> dict[str, Any]:
    """Return `planned`: how wide intervals are expected to be at the published numbers."""
    frame = results.planned_here
    return {
        "planned": {
            "any": len(frame) > 0,
            "perfect": bool((frame["auc"] >= HIGHEST).any()),
            "widths": span(frame["width"], results.settings.digits),
        }
    }


def prevalence_values(results: Results) -> dict[str, Any]:
    """Return `prevalence`: what predictive values were reweighted to, where the settings state it for some outcomes."""
    frame = results.estimates("prevalence")
    shown = results.outcomes(*BUT_IMPLANTS)
    sources = dict(zip(frame["outcome"], frame["source"], strict=True))
    stated = [o for o in shown if sources.get(o.id) == "settings"]
    rest = sorted({str(sources[o.id]) for o in shown if o.id in sources and o not in stated})
    parts = [f"the prevalence of the {source}" for source in rest]
    if stated:
        which = f" for {names(results, stated)}" if rest else ""
        parts = [f"a prevalence stated in the configuration{which}", *(f"{part} for all others" for part in parts)]
    # Of graded items the statistics take the prevalence of one set, for each grade and above.
    graded = results.estimates("cumulative_fit")
    of_grades = str(graded["source"].iloc[0]) if len(graded) else "training set"
    return {
        "prevalence": {
            "told": listed(parts) or "no other prevalence",
            "stated": len(stated) > 0,
            "own": results.at_own_prevalence(frame),
            "own_of_grades": results.at_own_prevalence(graded),
            "of_grades": of_grades,
        }
    }


def calibration_values(results: Results) -> dict[str, Any]:
    """Return `calibration`: the span of slopes, now and before the scores were calibrated, and whose interval lies off one."""
    frame = _usable(results, "calibration")
    rows = [(results.scheme.outcome(str(name)), row) for name, row in frame.iterrows() if known(row["slope"])]
    extreme = [outcome for outcome, row in rows if row["slope_high"] < 1]
    moderate = [outcome for outcome, row in rows if row["slope_low"] > 1]
    before = [row["uncalibrated_slope"] for _, row in rows if known(row["uncalibrated_slope"])]
    changed = any(known(row["uncalibrated_slope"]) and row["uncalibrated_slope"] != row["slope"] for _, row in rows)
    return {
        "calibration": {
            "any": len(rows) > 0,
            "outcomes": counted(len(rows), "outcome"),
            "slopes": span([row["slope"] for _, row in rows], results.settings.digits),
            "changed": changed,
            "before": span(before, results.settings.digits),
            "some_extreme": len(extreme) > 0,
            "extreme": names(results, extreme) or "none",
            "some_moderate": len(moderate) > 0,
            "moderate": names(results, moderate) or "none",
            "all_open": len(rows) > 0 and not extreme and not moderate,
        }
    }
