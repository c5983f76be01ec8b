"""How many exams it takes: what the text says of the learning curve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.learning_curve.settings import LearningCurveSettings
from analysis.presentation.format import NOT_ESTIMABLE, count, counted, interval, listed, span
from analysis.presentation.learning_curve import shown
from analysis.presentation.results import KINDS, Results
from analysis.settings import parse


def learning_curve_values(results: Results, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return `learning_curve`: AUC and kappa with the fewest and the most exams, and what another start changes."""
    curve, digits = results.by_exams, results.settings.digits
    if curve.empty:
        blank = dict.fromkeys(("exams", "auc", "kappa", "networks"), NOT_ESTIMABLE)
        return {
            "learning_curve": {
                "any": False, "several": False, "set": "test", "on_validation": False, "networks": "none", "sizes": "none",
                "averaged": "none", "longer": False, "steps_of": "none", "fewest": blank, "most": blank,
                "started": False, "starts": "none", "gains": "none",
            }
        }  # fmt: skip
    frame = shown(curve)
    steps_of = parse(LearningCurveSettings, config.get("learning_curve") or {}, "section learning_curve").steps_of
    named = set(curve.loc[curve["measure"] == "auc", "of"])
    averaged = next((KINDS[outcome.kind] for outcome in results.scheme.outcomes if outcome.id in named), "outcomes")
    own = frame[frame["start"] == "random"]
    sizes = sorted(own["exams"].unique())
    others = [str(name) for name in frame["start"].unique() if name != "random"]
    return {
        "learning_curve": {
            "any": True,
            "several": len(sizes) > 1,
            "set": str(frame["set"].iloc[0]),
            "on_validation": str(frame["set"].iloc[0]) == "validation",
            "averaged": averaged,
            "longer": bool(sizes[0] < steps_of),
            "steps_of": count(steps_of),
            "networks": counted(int(own["seeds"].iloc[0]), "network"),
            "sizes": listed([count(size) for size in sizes]),
            "fewest": _at(own, sizes[0], digits),
            "most": _at(own, sizes[-1], digits),
            "started": len(others) > 0,
            "starts": listed([name.replace("_", " ") for name in others]) or "none",
            "gains": "; ".join(_gain(frame, name, digits) for name in others) or "none",
        }
    }


def _at(frame: pd.DataFrame, exams: float, digits: int) -> dict[str, str]:
    here = frame[frame["exams"] == exams].set_index("measure").to_dict("index")
    told = {"exams": count(exams)}
    for name, measure in (("auc", "auc"), ("kappa", "quadratic_kappa")):
        told[name] = interval(here.get(measure, {}), "estimate", digits, none=NOT_ESTIMABLE)
    auc = here.get("auc", {})
    told["networks"] = span((auc[limit] for limit in ("lowest", "highest") if limit in auc), digits)
    return told


def _gain(frame: pd.DataFrame, start: str, digits: int) -> str:
    """Return "for simulated 0.02 (0.01 to 0.03) with 250 and 0.00 (…) with 1,000 exams"."""
    part = frame[(frame["start"] == start) & (frame["measure"] == "auc")].sort_values("exams")
    told = [
        f"{interval(row, 'difference', digits, none=NOT_ESTIMABLE)} with {count(row['exams'])}"
        for row in part.to_dict("records")
    ]
    return f"for {start.replace('_', ' ')} {listed(told)} exams"
