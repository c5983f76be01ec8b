"""A graded new knee, as the page shows it."""

from __future__ import annotations

from typing import Any

import numpy as np

from analysis.grading.scheme import Scheme
from analysis.inference.graded import MARKS, Graded
from analysis.inference.page import Pair, explained, percent, pictures, told
from analysis.network.trained.network import Trained


def article(network: Trained, one: Graded, laid: list[Pair]) -> dict[str, Any]:
    """Return what the page shows of a new knee: pictures with what the grade rests on, bars, words.

    Parameters
    ----------
    network : Trained
    one : Graded
        With its images to look at.
    laid : list of pair of numpy.ndarray
        From `attributed`.
    """
    scheme, limits = network.scheme, network.thresholds["threshold"]
    files = one.knee.files
    scores = dict(zip(network.outcomes, one.scores, strict=True))
    return {
        "number": one.number,
        "exam": one.knee.exam,
        "side": one.knee.side or "side unknown",
        "files": list(files["path"]),
        "pictures": pictures(laid, files["view"], files["path"]),
        "asked": scheme.outcome(_asked(scheme, one)).title,
        "spread": percent(one.spread),
        "marks": [(mark, MARKS[mark]) for mark in one.marks],
        "look": bool(one.marks),
        **told(scheme, scores, {str(name): float(limit) for name, limit in limits.items()}, one.grades),
    }


def _asked(scheme: Scheme, one: Graded) -> str:
    """Return the outcome that the attribution is of: the first item's grade, or the likeliest outcome."""
    for name, level in one.grades.items():
        if level is not None:
            return f"{name}_{level}"
    return scheme.outcomes[int(np.nanargmax(one.scores))].id


def attributed(network: Trained, one: Graded) -> list[Pair]:
    """Return each image of a new knee as it is looked at, and with what adds to the score laid over it."""
    outcome = network.outcomes.index(_asked(network.scheme, one))
    side = one.knee.files["side"]
    seen = network.batch(one.images, np.zeros(len(one.images), int), side).images[:, 0]
    mirrored = (side == "left").to_numpy() & network.settings.align_sides
    return explained(network.members, network.asked, outcome, seen, np.stack(one.shown), mirrored)
