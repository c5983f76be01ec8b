"""Agreement of predicted with reference grades, and what sums up an item: confusion, accuracy, kappa, mean AUC."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import accuracy_score, cohen_kappa_score, mean_absolute_error, recall_score

from analysis.schemas.statistics import CONFUSION, EVALUATED, SUMMARY
from analysis.statistics.data import Matched
from analysis.statistics.settings import StatisticsSettings
from analysis.statistics.uncertainty import roc
from analysis.statistics.uncertainty.proportions import Names, balanced, wilson
from analysis.statistics.uncertainty.resample import Floats, Resamples, percentile, total, weighted_auc

NAN = float("nan")
METHOD = "percentile bootstrap of patients"
MEASURES = ("accuracy", "balanced_accuracy", "mean_absolute_error", "quadratic_kappa")


def confusion(study: Matched) -> pd.DataFrame:
    """Cross reference grades with predicted grades.

    Returns
    -------
    pandas.DataFrame
        set, item, truth, predicted, n, share (of the exams with that truth; missing where there are none).
        Every cell has a row.
    """
    rows = []
    for which in EVALUATED:
        inside = study.rows(which)
        if not inside.any():
            continue
        for name, item in study.scheme.items.items():
            truth, predicted = study.grade.loc[inside, name], study.predicted.loc[inside, name]
            for level in item.levels:
                mine = predicted[(truth == level) & predicted.notna()]
                rows += [
                    {
                        "set": which,
                        "item": name,
                        "truth": level,
                        "predicted": other,
                        "n": int((mine == other).sum()),
                        "share": float((mine == other).mean()) if len(mine) else NAN,
                    }
                    for other in item.levels
                ]
    return pd.DataFrame(rows, columns=list(CONFUSION.columns))


def measures(truth: npt.NDArray[Any], predicted: npt.NDArray[Any]) -> dict[str, float]:
    """Estimate the measures of agreement by scikit-learn; NaN where one doesn't exist.

    Kappa doesn't exist where all grades, true and predicted, are the same.
    """
    same = len(set(truth) | set(predicted)) < 2
    # All levels up to the highest: grades 0 and 2 are two apart even where nobody has grade 1.
    levels = range(int(max(truth.max(), predicted.max())) + 1)
    return {
        "accuracy": float(accuracy_score(truth, predicted)),
        # The mean recall of the grades that occur; scikit-learn's function of this name warns of predicted
        # grades that don't.
        "balanced_accuracy": float(recall_score(truth, predicted, labels=sorted(set(truth)), average="macro")),
        "mean_absolute_error": float(mean_absolute_error(truth, predicted)),
        "quadratic_kappa": NAN
        if same
        else float(cohen_kappa_score(truth, predicted, labels=levels, weights="quadratic")),
    }


def replicated(truth: npt.NDArray[Any], predicted: npt.NDArray[Any], levels: int, weights: Floats) -> dict[str, Floats]:
    """Work out the measures of agreement in every replicate at once.

    Parameters
    ----------
    truth, predicted : array of int, shape (n,)
        Grades from 0 to levels - 1.
    levels : int
    weights : array of float, shape (n, B)
        How often each exam is drawn.

    Returns
    -------
    dict of str to array of float, shape (B,)
        As `measures`; NaN where one doesn't exist.
    """
    cell = truth.astype(int) * levels + predicted.astype(int)
    table = total(cell, weights, levels * levels).T.reshape(-1, levels, levels)
    apart = np.abs(np.subtract.outer(np.arange(levels), np.arange(levels)))
    n, rows, columns = table.sum((1, 2)), table.sum(2), table.sum(1)
    right = np.diagonal(table, axis1=1, axis2=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = np.where(rows > 0, right / rows, np.nan)
        expected = np.einsum("bi,bj,ij->b", rows, columns, apart**2.0) / n
        return {
            "accuracy": right.sum(1) / n,
            "balanced_accuracy": np.nansum(recall, 1) / (rows > 0).sum(1),
            "mean_absolute_error": (table * apart).sum((1, 2)) / n,
            "quadratic_kappa": np.where(expected > 0, 1 - (table * apart**2).sum((1, 2)) / expected, np.nan),
        }


def _measures_drawn(truth: Floats, predicted: Floats, levels: int, weights: Floats) -> Floats:
    """Return `replicated` as an array, shape (measures, B)."""
    found = replicated(truth, predicted, levels, weights)
    return np.array([found[measure] for measure in MEASURES])


def agreement_rows(
    truth: npt.NDArray[Any],
    predicted: npt.NDArray[Any],
    levels: int,
    patients: Names,
    resamples: Resamples,
    *,
    minimum: int,
) -> list[dict[str, Any]]:
    """Return the measures of agreement with their intervals: measure, estimate, low, high, n, method, reason.

    Accuracy has Wilson's interval, balanced accuracy one recovered from Wilson's of each grade
    (`analysis.statistics.uncertainty.proportions`); both have a width where all exams agree. The others have a bootstrap of
    patients, and no interval with fewer than `minimum` patients, or where all replicates are the same: one without a
    width would claim what nobody knows. Kappa counts the patients with another grade than the commonest, since it
    rests on these: among 300 exams with two cases it is a matter of two.
    """
    keep = ~(np.isnan(truth) | np.isnan(predicted))
    n = int(keep.sum())
    if not n:
        return [_row(measure, NAN, (NAN, NAN), 0, "no exam has both grades") for measure in MEASURES]
    estimates = measures(truth[keep], predicted[keep])
    drawn = resamples.of(keep).draws(partial(_measures_drawn, truth[keep], predicted[keep], levels))
    draws = dict(zip(MEASURES, drawn, strict=True))
    people, right = patients[keep], truth[keep] == predicted[keep]
    rows = []
    for measure, estimate in estimates.items():
        interval, method, reason = (NAN, NAN), METHOD, None
        if np.isnan(estimate):
            reason = "all grades are the same"
        elif measure == "accuracy":
            interval, method = wilson(right, people, resamples.level)[1:], "Wilson"
        elif measure == "balanced_accuracy":
            interval, method = balanced(truth[keep], right, people, resamples.level)[1:], "Wilson, recovered"
        elif len(set(people)) < minimum:
            reason = f"fewer than {minimum} patients: no interval"
        elif measure == "quadratic_kappa" and rarer(truth[keep], people) < minimum:
            reason = f"fewer than {minimum} patients with another grade than the commonest: no interval"
        else:
            interval, reason = spread(draws[measure], resamples.level)
        rows.append(_row(measure, estimate, interval, n, reason, method))
    return rows


def rarer(truth: npt.NDArray[Any], patients: Names) -> int:
    """Return the number of patients with an exam of another grade than the commonest."""
    grades, counts = np.unique(truth, return_counts=True)
    return len(set(patients[truth != grades[counts.argmax()]]))


def spread(draws: Floats, level: float) -> tuple[tuple[float, float], str | None]:
    """Return the percentile interval of the replicates, or none and the reason: they are all the same, or too few exist."""
    low, high = percentile(draws, level)
    if np.isnan(low):
        return (NAN, NAN), "in most replicates it doesn't exist, for lack of patients: no interval"
    # But for the last bits, in which replicates that are worked out of other numbers of exams differ.
    return ((NAN, NAN), "all replicates are the same") if high - low < 1e-12 else ((low, high), None)


def summary(study: Matched, resamples: Resamples, settings: StatisticsSettings) -> pd.DataFrame:
    """Sum up each item on the test set: agreement of grades, mean AUCs, and Hand and Till's multiclass AUC.

    Mean AUCs are taken over grades and groups, as the paper's 0.92, and over the grades alone
    (`…_grades`), weighted by the number of cases or plain.

    Parameters
    ----------
    study : Matched
    resamples : Resamples
        Of the test set.
    settings : StatisticsSettings

    Returns
    -------
    pandas.DataFrame
        item, measure, estimate, low, high, n, method, reason.
    """
    rows = []
    inside = study.rows("test")
    for name, item in study.scheme.items.items():
        truth, predicted = (f.loc[inside, name].to_numpy(dtype=float) for f in (study.grade, study.predicted))
        found = agreement_rows(
            truth,
            predicted,
            len(item.levels),
            study.patients("test"),
            resamples,
            minimum=settings.minimum_cases,
        )
        found += _mean_rows(study, name, resamples)
        found.append(_hand_till(study, name, resamples))
        rows += [{"item": name, **row} for row in found]
    return pd.DataFrame(rows, columns=list(SUMMARY.columns))


def _row(
    measure: str, estimate: float, interval: tuple[float, float], n: int, reason: str | None, method: str = METHOD
) -> dict[str, Any]:
    low, high = interval
    return {
        "measure": measure,
        "estimate": estimate,
        "low": low,
        "high": high,
        "n": n,
        "method": None if np.isnan(low) else method,
        "reason": reason,
    }


def _mean_rows(study: Matched, item: str, resamples: Resamples) -> list[dict[str, Any]]:
    rows = []
    for suffix, kinds in (("", ("grade", "group")), ("_grades", ("grade",))):
        outcomes = [o.id for o in study.scheme.outcomes if o.item == item and o.kind in kinds]
        samples = [s for s in (study.sample("test", outcome) for outcome in outcomes) if not s.problem]
        left_out = len(outcomes) - len(samples)
        reason = f"{left_out} of {len(outcomes)} outcomes have no AUC and are left out" if left_out else None
        n = max((len(s.truth) for s in samples), default=0)
        if not samples:
            rows += [_row(f"mean_auc_{kind}{suffix}", NAN, (NAN, NAN), 0, reason) for kind in ("weighted", "plain")]
            continue
        aucs = np.array([roc.auc(s.truth, s.score) for s in samples])
        draws = np.array([resamples.of(s.keep).draws(partial(weighted_auc, s.truth, s.score)) for s in samples])
        cases = np.array([s.cases for s in samples], dtype=float)
        for kind, share in (("weighted", cases / cases.sum()), ("plain", np.full(len(cases), 1 / len(cases)))):
            interval, same = spread(share @ draws, resamples.level)
            rows.append(_row(f"mean_auc_{kind}{suffix}", float(share @ aucs), interval, n, same or reason))
    return rows


def _hand_till(study: Matched, item: str, resamples: Resamples) -> dict[str, Any]:
    levels = [o for o in study.scheme.outcomes if o.kind == "grade" and o.item == item]
    inside = study.rows("test")
    grade = study.grade.loc[inside, item].to_numpy(dtype=float)
    scores = study.score.loc[inside, [o.id for o in levels]].to_numpy(dtype=float)
    keep = ~np.isnan(grade) & np.isfinite(scores).all(axis=1)
    grade, scores, drawn = grade[keep], scores[keep], resamples.of(keep)
    present = [i for i, o in enumerate(levels) if (grade == o.levels[0]).any()]
    if len(present) < 2:
        return _row("hand_till", NAN, (NAN, NAN), int(keep.sum()), "fewer than two grades have exams with scores")
    # Grades without an exam take no part; pROC wants them named from 0 without a gap.
    grade = np.searchsorted(present, grade)
    scores = scores[:, present]
    estimate = roc.multiclass(grade.tolist(), scores)
    draws = []
    for i in range(len(present)):
        for j in range(len(present)):
            if i != j:
                pair = (grade == i) | (grade == j)
                case = (grade[pair] == i).astype(float)
                draws.append(drawn.of(pair).draws(partial(weighted_auc, case, scores[pair, i])))
    interval, same = spread(np.mean(draws, axis=0), resamples.level)
    left_out = len(levels) - len(present)
    reason = f"{left_out} of {len(levels)} grades have no exam and take no part" if left_out else None
    return _row("hand_till", estimate, interval, int(keep.sum()), same or reason)
