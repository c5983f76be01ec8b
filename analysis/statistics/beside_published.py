"""A published study's AUCs beside this one's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm
from statsmodels.stats.multitest import multipletests

from analysis.grading.scheme import Outcome, Scheme
from analysis.schemas.statistics import PUBLISHED
from analysis.statistics.comparisons import too_few
from analysis.statistics.published import Performance, Published
from analysis.statistics.questions import Questions


def compare_published(published: Published, roc: pd.DataFrame, scheme: Scheme, minimum: int) -> pd.DataFrame:
    """Put each published AUC beside this study's for the same outcome, in the test set.

    Parameters
    ----------
    published : Published
    roc : pandas.DataFrame
        roc.csv.
    scheme : Scheme
        Rows of outcomes that it doesn't have are left out, and those that it only calls alike: of other levels, or of a
        scale that ends elsewhere.
    minimum : int
        With fewer cases or controls than this in either study, or fewer patients with one in this, a difference has neither
        interval nor test.

    Returns
    -------
    pandas.DataFrame
        outcome, label, the published estimate with its level, this study's with its own, their difference (this
        study minus published) with its interval at this study's level and its P value (see `difference`), and that
        after Holm's correction. An outcome and its complement (0 to 1, 2 to 4) are one question: the P value stands
        with the first of them, and `reason` says so beside the other.
    """
    here = roc[roc["set"] == "test"].set_index("outcome")
    rows: list[dict[str, object]] = []
    questions, known_here = Questions(scheme), {outcome.id: outcome for outcome in scheme.outcomes}
    for row in published.performance:
        outcome = known_here.get(row.outcome)
        if outcome is None or row.outcome not in here.index or not _is_same(row, outcome, published, scheme):
            continue
        own: Any = here.loc[row.outcome]
        theirs = (row.auc, row.low, row.high, published.level)
        gap, low, high, p = difference((own["auc"], own["low"], own["high"], own["level"]), theirs, own["level"])
        reason = own["reason"] if pd.notna(own["reason"]) else None
        counts = (row.cases, published.sets["test"] - row.cases, own["cases"], own["controls"])
        # Of the published study only exams are known, of this one patients are.
        if own["too_few"] or min(counts) < minimum:
            low = high = p = float("nan")
            few = f"fewer than {minimum} cases or controls in one of the studies: no test"
            reason = reason or (few if min(counts) < minimum else too_few(minimum))
        if same := questions.repeated(row.outcome, p, row.label):
            p, reason = float("nan"), same
        rows.append(
            {
                "outcome": row.outcome,
                "label": row.label,
                "published_cases": row.cases,
                "published_auc": row.auc,
                "published_low": row.low,
                "published_high": row.high,
                "published_level": published.level,
                "cases": own["cases"],
                "auc": own["auc"],
                "low": own["low"],
                "high": own["high"],
                "level": own["level"],
                "difference": gap,
                "difference_low": low,
                "difference_high": high,
                "p": p,
                "reason": reason,
            }
        )
    table = pd.DataFrame(rows, columns=list(PUBLISHED.columns))
    known = table["p"].notna()
    if known.any():
        table.loc[known, "p_holm"] = multipletests(table.loc[known, "p"].astype(float), method="holm")[1]
    return table


def _is_same(row: Performance, outcome: Outcome, published: Published, scheme: Scheme) -> bool:
    """Whether an outcome of the scheme is what a published row is about: the same levels of as long a scale."""
    if not (row.item and row.levels):
        return outcome.item is None
    top = max(level for other in published.performance if other.item == row.item for level in other.levels)
    same = outcome.item == row.item and outcome.levels == tuple(sorted(row.levels))
    return same and scheme.highest[row.item] == top


def difference(
    first: tuple[float, float, float, float], second: tuple[float, float, float, float], level: float
) -> tuple[float, float, float, float]:
    """Compare two independent estimates of which nothing is known but their intervals.

    The interval is put together from the distances of either estimate to its own limits (Zou and Donner, Statistics
    in Medicine 2008;27:1693), so that it is as lopsided as they are. The P value is one less the level at which
    that interval would end at zero, distances growing with the level as those of a normal estimate do. Published
    limits are rounded, so both are as exact as the print.

    Parameters
    ----------
    first, second : tuple of float
        Estimate, low, high, and the level of low and high.
    level : float
        Level of the interval of the difference.

    Returns
    -------
    difference, low, high, p : float
        First minus second; NaN where a limit is missing or neither interval has a width.
    """
    gap = first[0] - second[0]
    # Distances in standard errors of one, below and above.
    down, up = (
        [np.maximum(0, sign * (value[0] - value[side])) / norm.isf((1 - value[3]) / 2) for value in (first, second)]
        for sign, side in ((1, 1), (-1, 2))
    )
    below, above = np.hypot(down[0], up[1]), np.hypot(up[0], down[1])
    towards = below if gap > 0 else above
    if not np.isfinite(below + above) or towards == 0:
        return gap, float("nan"), float("nan"), float("nan")
    z = norm.isf((1 - level) / 2)
    return gap, gap - z * below, gap + z * above, float(2 * norm.sf(abs(gap) / towards))
