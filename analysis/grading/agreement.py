"""Agreement between readers, with intervals for exams clustered in patients, or the reason why there is none."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm, t
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.proportion import proportion_confint

from analysis.grading.kappa import Weights, kappa
from analysis.grading.overall import measure_alpha
from analysis.grading.scheme import Scheme
from analysis.grading.settings import ReferenceSettings, SetPolicy
from analysis.schemas import AGREEMENT, SETS

WEIGHTS: dict[str, Weights] = {"kappa": None, "kappa_linear": "linear", "kappa_quadratic": "quadratic"}
MEASURES = ("percent", *WEIGHTS)
#: The readers of the row for all of them.
ALL = ("all", "readers")
Floats = npt.NDArray[np.float64]


def measure_agreement(
    first: np.ndarray, second: np.ndarray, highest: int, level: float = 0.95, patients: np.ndarray | None = None
) -> dict[str, object]:
    """Measure how far two readers agree on one item.

    Parameters
    ----------
    first, second : numpy.ndarray of int, shape (n,)
        What each of them gave the same exams, from 0 to `highest`.
    highest : int
        The item's highest level; the weights of kappa rest on all levels, used or not.
    level : float
        Confidence level of the intervals.
    patients : numpy.ndarray of str, shape (n,), optional
        The patient of each exam; without it every exam counts as a patient.

    Returns
    -------
    dict
        n, patients and conflicts (counts); percent, 0 to 100, with Wilson's interval; Cohen's kappa, unweighted,
        linear and quadratic, at most 1, with the intervals of Fleiss, Cohen & Everitt (1969); and `reason`, filled
        where one of these can't be had. Where patients have several exams both intervals are widened by the design
        effect: the variance by patient over that by exam, of what each exam adds to the estimate.
    """
    first, second = np.asarray(first, dtype=int), np.asarray(second, dtype=int)
    table = np.zeros((highest + 1, highest + 1), dtype=int)
    np.add.at(table, (first, second), 1)
    n = int(table.sum())
    _, who = np.unique(np.arange(n) if patients is None else patients.astype(str), return_inverse=True)
    people = int(who.max()) + 1 if n else 0
    row: dict[str, object] = {"n": n, "patients": people, "conflicts": n - int(np.trace(table)), "level": level}
    if n == 0:
        return row | {"reason": "no exam that both read"}
    row["reason"] = ""
    same = (first == second).astype(float)
    # Where all agree, or none, nothing says how much exams of a patient have in common: the fewest they can be.
    effective = people if same.min() == same.max() else n / _design_effect(same - same.mean(), who)
    share = np.trace(table) / n
    low, high = proportion_confint(share * effective, effective, alpha=1 - level, method="wilson")
    row |= {"percent": 100 * share, "percent_low": 100 * low, "percent_high": 100 * high}
    used = [np.flatnonzero(table.sum(axis=axis)) for axis in (1, 0)]
    if len(used[0]) == len(used[1]) == 1 and used[0][0] == used[1][0]:
        return row | {"reason": f"both gave only {used[0][0]}, so kappa is not defined"}
    quantile = norm.isf((1 - level) / 2) if people == n else t.isf((1 - level) / 2, max(people - 1, 1))
    for name, weights in WEIGHTS.items():
        with np.errstate(all="ignore"):  # of zero variances, handled below
            result = cohens_kappa(table, wt=weights)
        row[name] = result.kappa
        if people == 1:
            row["reason"] = "all exams are of one patient, so kappa has no interval"
        elif result.var_kappa > 1e-12:
            widened = result.var_kappa * _design_effect(kappa(table, weights)[1][first, second], who)
            half = float(quantile * np.sqrt(widened))
            row |= {f"{name}_low": max(-1.0, result.kappa - half), f"{name}_high": min(1.0, result.kappa + half)}
        else:
            why = "the two never differ" if row["conflicts"] == 0 else "one of them gave a single level"
            row["reason"] = f"{why}, so kappa's interval has no width"
    return row


def _design_effect(values: Floats, who: npt.NDArray[np.int64]) -> float:
    """Return the variance of a sum by patient over that by exam, at least 1; `values` have a mean of zero."""
    people = int(who.max()) + 1
    alone = float((values**2).sum())
    if people in (1, len(values)) or alone == 0:
        return float(len(values) / people)
    together = float((np.bincount(who, weights=values) ** 2).sum()) * people / (people - 1)
    return max(1.0, together / alone)


def tabulate_agreement(
    readers: pd.DataFrame, reference: pd.DataFrame, scheme: Scheme, settings: ReferenceSettings, level: float = 0.95
) -> pd.DataFrame:
    """Compare each two readers before consensus, all of them where there are more, and each with the reference.

    Parameters
    ----------
    readers : pandas.DataFrame
        Independent readings in long form: exam, patient, set, reader, item, value.
    reference : pandas.DataFrame
        One row per exam: exam, set, a column for each item, finding and sum, and `disease`.
    scheme : Scheme
        What was read.
    settings : ReferenceSettings
        How many readings an exam of each set has; two readers with fewer exams in common than `minimum_pair` have a row
        that says so, and no measure.
    level : float
        Confidence level of the intervals.

    Returns
    -------
    pandas.DataFrame
        Schema AGREEMENT: a row for each set, item, finding, sum and disease, and each pair; `second` is
        "consensus" where a reader is compared with the reference standard. With more than two readers the first row
        of each is `ALL`: Krippendorff's alpha of all readings. A set without two readings an exam has one row that says so.
    """
    highest = dict(scheme.highest)
    highest |= {name: sum(highest[item] for item in total.items) for name, total in scheme.sums.items()}
    if scheme.disease:
        highest["disease"] = 1
    patient = readers.drop_duplicates("exam").set_index("exam")["patient"]
    rows: list[dict[str, object]] = []
    for group, part in readers.groupby("set", sort=False):
        by_reader = {
            str(name): derived(given.pivot(index="exam", columns="item", values="value"), scheme)
            for name, given in part.groupby("reader", sort=True)
        }
        raters = by_reader | {"consensus": reference[reference["set"] == group].set_index("exam")}
        for item, top in highest.items():
            columns = {name: table.get(item, pd.Series(dtype=float)) for name, table in raters.items()}
            if len(by_reader) > 2:
                grades = pd.DataFrame({name: columns[name] for name in by_reader})
                found = measure_alpha(grades.to_numpy(), patient.loc[grades.index].to_numpy(), top, level)
                rows.append({"set": group, "item": item, "first": ALL[0], "second": ALL[1]} | found)
            for first, second in itertools.combinations(raters, 2):
                both = pd.concat([columns[first], columns[second]], axis=1).dropna()
                if not len(both) and second != "consensus":
                    continue
                pair: dict[str, object] = {"set": group, "item": item, "first": first, "second": second}
                if 0 < len(both) < settings.minimum_pair:
                    why = f"fewer than {settings.minimum_pair} exams that both read: left out"
                    conflicts = int((both.iloc[:, 0] != both.iloc[:, 1]).sum())
                    rows.append(pair | {"n": len(both), "conflicts": conflicts, "level": level, "reason": why})
                    continue
                values = both.to_numpy(dtype=int)
                people = patient.loc[both.index].to_numpy()
                rows.append(pair | measure_agreement(values[:, 0], values[:, 1], top, level, people))
    reasons = [
        {"set": name, "n": 0, "level": level, "reason": _why_none(settings.sets[name])}
        for name in SETS
        if not any(row["set"] == name for row in rows)
    ]
    return pd.DataFrame([*reasons, *rows], columns=list(AGREEMENT.columns))


def _why_none(policy: SetPolicy) -> str:
    one = policy.readings == 1
    return "one reading an exam, so there is no second to compare it with" if one else "no exam in this set"


def derived(grades: pd.DataFrame, scheme: Scheme) -> pd.DataFrame:
    """Add the sums, and disease by rule, to what was read."""
    parts = [grades, scheme.add_up(grades)]
    if scheme.disease:
        parts.append(scheme.holds("disease", grades).rename("disease").to_frame())
    return pd.concat(parts, axis=1)
