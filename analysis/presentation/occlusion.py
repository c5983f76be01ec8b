"""What hiding a part of the images does, summed up for table and text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis.presentation.results import Results

if TYPE_CHECKING:
    import pandas as pd

    from analysis.grading.scheme import Outcome

TITLES = {
    "joint": "Centre of the image, where the joint is",
    "elsewhere": "As much of the image elsewhere",
    "implant": "Brightest pixels, exams with an implant",
    "other_bright": "Brightest pixels, exams without one",
}


@dataclass(frozen=True)
class Hidden:
    """One region.

    Attributes
    ----------
    title : str
        What was hidden.
    exams : int
        In how many exams.
    auc, auc_hidden : float
        Mean AUC of the single grades that have cases and controls among these exams; NaN where none has.
    change : float
        Mean absolute change of a grade's score, 0 to 1.
    implant, implant_hidden : float
        Mean score of the first implant that was read for and that the network learnt; NaN where there is none.
    """

    title: str
    exams: int
    auc: float
    auc_hidden: float
    change: float
    implant: float
    implant_hidden: float


def implant_of(results: Results) -> Outcome | None:
    """Return the implant whose score is shown: the first that was read for and that the network learnt to score."""
    return next((outcome for outcome in results.outcomes("implant") if results.scored(outcome)), None)


def hidden(results: Results) -> dict[str, Hidden]:
    """Sum up each region that was hidden, in the order of TITLES; nothing where attribution was not run."""
    frame = results.occlusion
    found: dict[str, Hidden] = {}
    if frame.empty:
        return found
    kinds = {outcome.id: outcome.kind for outcome in results.scheme.outcomes}
    implant = implant_of(results)
    implants = [implant.id] if implant else []
    for region, title in TITLES.items():
        part = frame[frame["region"] == region]
        if part.empty:
            continue
        grades = part[part["outcome"].map(kinds) == "grade"]
        both = grades.dropna(subset=["auc", "auc_occluded"])
        scores = part[part["outcome"].isin(implants)]
        found[region] = Hidden(
            title,
            int(part["n"].iloc[0]),
            _mean(both["auc"]),
            _mean(both["auc_occluded"]),
            _mean(grades["absolute_change"]),
            _mean(scores["before"]),
            _mean(scores["after"]),
        )
    return found


def _mean(values: pd.Series) -> float:
    return float(values.mean())
