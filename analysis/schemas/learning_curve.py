"""The tables of the learning curve: each network, and the means over networks that differ in their seed."""

from __future__ import annotations

from typing import Any

from analysis.schemas.columns import estimate, number, share, table, text, whole

MEASURES = ("auc", "quadratic_kappa")
#: What stands for an outcome or an item in the row of their mean.
MEAN = "mean"

_OF: dict[str, Any] = {
    "set": text(among=("validation", "test")),
    "start": text(),
    "asked": text(),
}
_WHAT: dict[str, Any] = {"measure": text(among=MEASURES), "of": text()}

#: One row per network, set and measure: what it was trained on, and how good it is.
RUNS = table(
    {
        **_OF,
        "seed": whole(),
        "exams": whole(1),
        "patients": whole(1),
        **_WHAT,
        "estimate": number(-1, 1, missing=True),
    }
)

#: One row per set, start, number of exams and measure: the mean over the networks of all seeds, with limits by resampled
#: patients of the set; the lowest and highest network; and the difference to the random start on the same exams.
CURVE = table(
    {
        **_OF,
        "exams": number(1),
        "patients": number(1),
        "seeds": whole(1),
        **_WHAT,
        "estimate": number(-1, 1, missing=True),
        "low": number(-1, 1, missing=True),
        "high": number(-1, 1, missing=True),
        "lowest": number(-1, 1, missing=True),
        "highest": number(-1, 1, missing=True),
        **estimate("difference", -2, 2),
        "n": whole(),
        "level": share(),
        "replicates": whole(1),
        "seed": whole(),
    }
)
