"""Agreement between two readers, with intervals, or the reason why there is none."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
from scipy.stats import norm
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.proportion import proportion_confint

from analysis.grading.scheme import Scheme

WEIGHTS = {"kappa": None, "kappa_linear": "linear", "kappa_quadratic": "quadratic"}
MEASURES = ("percent", *WEIGHTS)
COLUMNS = (
    *("set", "item", "first", "second", "n"),
    *itertools.chain.from_iterable((m, f"{m}_low", f"{m}_high") for m in MEASURES),
    *("conflicts", "level", "reason"),
)


def measure_agreement(first: np.ndarray, second: np.ndarray, highest: int, level: float = 0.95) -> dict[str, object]:
    """Measure how far two readers agree on one item.

    Parameters
    ----------
    first, second : numpy.ndarray of int, shape (n,)
        What each of them gave the same exams, from 0 to `highest`.
    highest : int
        The item's highest level; the weights of kappa rest on all levels, used or not.
    level : float
        Confidence level of the intervals.

    Returns
    -------
    dict
        n and conflicts (counts); percent, 0 to 100, with Wilson's interval; Cohen's kappa, unweighted,
        linear and quadratic, at most 1, with the intervals of Fleiss, Cohen & Everitt (1969), which
        take exams as independent; and `reason`, filled where one of these can't be had.
    """
    table = np.zeros((highest + 1, highest + 1), dtype=int)
    np.add.at(table, (np.asarray(first, dtype=int), np.asarray(second, dtype=int)), 1)
    n = int(table.sum())
    row: dict[str, object] = {"n": n, "conflicts": n - int(np.trace(table)), "level": level, "reason": ""}
    if n == 0:
        return row | {"reason": "no exam that both read"}
    low, high = proportion_confint(np.trace(table), n, alpha=1 - level, method="wilson")
    row |= {"percent": 100 * np.trace(table) / n, "percent_low": 100 * low, "percent_high": 100 * high}
    used = [np.flatnonzero(table.sum(axis=axis)) for axis in (1, 0)]
    if len(used[0]) == len(used[1]) == 1 and used[0][0] == used[1][0]:
        return row | {"reason": f"both gave only {used[0][0]}, so kappa is not defined"}
    for name, weights in WEIGHTS.items():
        with np.errstate(all="ignore"):  # of variances that are nought; they are seen to below
            result = cohens_kappa(table, wt=weights)
        row[name] = result.kappa
        if result.var_kappa > 1e-12:
            half = float(norm.isf((1 - level) / 2) * np.sqrt(result.var_kappa))
            row |= {f"{name}_low": max(-1.0, result.kappa - half), f"{name}_high": min(1.0, result.kappa + half)}
        else:
            why = "the two never differ" if row["conflicts"] == 0 else "one of them gave a single level"
            row["reason"] = f"{why}, so kappa's interval has no width"
    return row


def tabulate_agreement(readers: pd.DataFrame, reference: pd.DataFrame, scheme: Scheme, level: float) -> pd.DataFrame:
    """Compare each two readers before consensus, and each reader with the reference standard.

    Parameters
    ----------
    readers : pandas.DataFrame
        Independent readings in long form: exam, set, reader, item, value.
    reference : pandas.DataFrame
        A row an exam: exam, set, a column for each item, finding and sum, and `disease`.
    scheme : Scheme
        What was read.
    level : float
        Confidence level.

    Returns
    -------
    pandas.DataFrame
        `COLUMNS`: a row for each set, item, finding, sum and disease, and each pair; `second` is
        "consensus" where a reader is compared with the reference standard.
    """
    highest = dict(scheme.highest)
    highest |= {name: sum(highest[item] for item in total.items) for name, total in scheme.sums.items()}
    if scheme.disease:
        highest["disease"] = 1
    rows: list[dict[str, object]] = []
    for group, part in readers.groupby("set", sort=False):
        by_reader = {
            str(name): derived(given.pivot(index="exam", columns="item", values="value"), scheme)
            for name, given in part.groupby("reader", sort=True)
        }
        raters = by_reader | {"consensus": reference[reference["set"] == group].set_index("exam")}
        for item, top in highest.items():
            for first, second in itertools.combinations(raters, 2):
                both = pd.concat([raters[name].get(item, pd.Series(dtype=float)) for name in (first, second)], axis=1)
                both = both.dropna()
                if len(both) or second == "consensus":
                    found = measure_agreement(both.iloc[:, 0].to_numpy(), both.iloc[:, 1].to_numpy(), top, level)
                    rows.append({"set": group, "item": item, "first": first, "second": second} | found)
    return pd.DataFrame(rows, columns=COLUMNS)


def derived(grades: pd.DataFrame, scheme: Scheme) -> pd.DataFrame:
    """Add the sums, and disease by rule, to what was read."""
    parts = [grades, scheme.add_up(grades)]
    if scheme.disease:
        parts.append(scheme.holds("disease", grades).rename("disease").to_frame())
    return pd.concat(parts, axis=1)
