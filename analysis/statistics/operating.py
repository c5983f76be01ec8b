"""The network at a threshold: where it is chosen, what it costs to choose it on the test set, predictive values."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.statistics.sample import Sample
from analysis.statistics.settings import StatisticsSettings
from analysis.statistics.uncertainty import roc
from analysis.statistics.uncertainty.proportions import difference, effective, ratio, wilson
from analysis.statistics.uncertainty.resample import Floats

NAN = float("nan")
#: Parts of the patients in cross-validation, and how often they are drawn.
FOLDS, REPEATS = 10, 20
MEASURES = ("sensitivity", "specificity", "youden", "ppv", "npv")


def choose_threshold(sample: Sample) -> tuple[float, str | None]:
    """Choose the threshold with the highest Youden index.

    Returns
    -------
    threshold : float
        Scores at or above it are positive; NaN where there is none.
    reason : str or None
        Why there is none.
    """
    if sample.problem:
        return NAN, sample.problem
    threshold, specificity, sensitivity = roc.best_threshold(sample.truth, sample.score)
    if not np.isfinite(threshold):
        return NAN, f"no threshold has a Youden index above 0 (it is {sensitivity + specificity - 1:.3g})"
    return threshold, None


def threshold_row(
    test: Sample,
    outcome: str,
    chosen: Sample,
    chosen_on: str,
    threshold: float,
    *,
    reason: str | None,
    settings: StatisticsSettings,
) -> dict[str, Any]:
    """Measure the test set at a threshold.

    Sensitivity, specificity and predictive values have Wilson's interval, Youden's index Newcombe's for the
    difference of two proportions, both with the effective number of exams where patients have several
    (`analysis.statistics.uncertainty.proportions`). A threshold chosen on the test set is taken as given: its intervals
    don't know that it was chosen to please.

    Parameters
    ----------
    test : Sample
    outcome : str
    chosen : Sample
        What the threshold was chosen on; few cases there make it a matter of chance.
    chosen_on : str
        The set of `chosen`.
    threshold : float
    reason : str or None
        Why there is no threshold.
    settings : StatisticsSettings

    Returns
    -------
    dict
        A row of thresholds.csv. `too_few` marks a threshold that rests on fewer than `settings.minimum_cases` patients
        with a case, or with a control.
    """
    row: dict[str, Any] = {
        "outcome": outcome,
        "chosen_on": chosen_on,
        "chosen_cases": chosen.cases,
        "chosen_controls": chosen.controls,
        "too_few": chosen.fewest < settings.minimum_cases,
        "threshold": threshold,
        "cases": test.cases,
        "controls": test.controls,
        "tp": None,
        "fn": None,
        "tn": None,
        "fp": None,
    }
    for measure in MEASURES:
        row |= {measure: NAN, f"{measure}_low": NAN, f"{measure}_high": NAN}
    row |= {"level": settings.level, "method": "Wilson; Newcombe", "reason": None}
    if reason:
        return row | {"method": None, "reason": f"no threshold from the {chosen_on} set: {reason}"}
    if test.problem:
        return row | {"method": None, "reason": test.problem}

    row["tp"], row["fn"], row["tn"], row["fp"] = roc.counts_at(test.truth, test.score, threshold)
    positive, case = test.score >= threshold, test.truth == 1
    for measure, hit, among in (
        ("sensitivity", positive, case),
        ("specificity", ~positive, ~case),
        ("ppv", case, positive),
        ("npv", ~case, ~positive),
    ):
        values = wilson(hit[among], test.patients[among], settings.level)
        row |= dict(zip((measure, f"{measure}_low", f"{measure}_high"), values, strict=True))
    values = difference(_rate(test, positive, case), _rate(test, positive, ~case), settings.level)
    row |= dict(zip(("youden", "youden_low", "youden_high"), values, strict=True))
    empty = [name for name in ("ppv", "npv") if np.isnan(row[name])]
    if empty:
        row["reason"] = f"no {empty[0]}: nothing is called {'positive' if empty[0] == 'ppv' else 'negative'}"
    return row


def optimism_row(
    rows: dict[str, dict[str, Any]], outcome: str, test: Sample, settings: StatisticsSettings, *, seed: int
) -> dict[str, Any]:
    """Estimate what choosing the threshold on the test set itself adds to Youden's index there.

    By cross-validation, patients kept together: the threshold is chosen on nine tenths and held against the last tenth,
    many times over. (Harrell's bootstrap finds a third too little: the best of many thresholds is no smooth function of
    the exams.) The limits are those of Youden's index of the exams held out, as in `threshold_row`.

    Parameters
    ----------
    rows : dict
        The outcome's rows of thresholds.csv, by the set that the threshold was chosen on.
    outcome : str
    test : Sample
    settings : StatisticsSettings
    seed : int
        Of the folds.

    Returns
    -------
    dict
        A row of optimism.csv: Youden's index on the test set at the threshold of the validation set
        (youden_validation), at its own (youden_test), and held out (youden_held_out, with limits); difference, the
        first two's, which holds what a small validation set loses as well; optimism, the last two's, with limits;
        reason.
    """
    validation, own = (rows[chosen_on]["youden"] for chosen_on in ("validation", "test"))
    row: dict[str, Any] = {"outcome": outcome, "youden_validation": validation, "youden_test": own}
    row["difference"] = own - validation
    for name in ("youden_held_out", "optimism"):
        row |= {name: NAN, f"{name}_low": NAN, f"{name}_high": NAN}
    row |= {"level": settings.level, "reason": rows["test"]["reason"] if np.isnan(own) else None}
    if row["reason"]:
        return row
    if test.fewest < settings.minimum_cases:
        return row | {"reason": f"fewer than {settings.minimum_cases} patients with a case or a control: not estimated"}
    shares = _held_out(test, np.random.default_rng(seed))
    positive, case = test.score >= rows["test"]["threshold"], test.truth == 1
    numbers = [_rate(test, positive, which)[1] for which in (case, ~case)]
    held, low, high = difference((shares[0], numbers[0]), (shares[1], numbers[1]), settings.level)
    row |= {"youden_held_out": held, "youden_held_out_low": low, "youden_held_out_high": high}
    row |= {"optimism": own - held, "optimism_low": own - high, "optimism_high": own - low}
    return row | {"reason": rows["validation"]["reason"]}


def _held_out(test: Sample, rng: np.random.Generator) -> tuple[float, float]:
    """Return the share of cases, and of controls, called positive at the threshold that is best without their tenth."""
    order = np.argsort(-test.score, kind="stable")
    score, case = test.score[order], test.truth[order] == 1
    names, patient = np.unique(test.patients[order].astype(str), return_inverse=True)
    called = np.zeros(2)
    for _ in range(REPEATS):
        fold = rng.permutation(len(names))[patient] % FOLDS
        for number in range(FOLDS):
            held = fold == number
            positive = held & (score >= _best(score[~held], case[~held]))
            called += [(positive & case).sum(), (positive & ~case).sum()]
    return float(called[0] / test.cases / REPEATS), float(called[1] / test.controls / REPEATS)


def _best(score: Floats, case: npt.NDArray[np.bool_]) -> float:
    """Return the threshold with the highest Youden index as pROC does, of falling scores: midway to the next."""
    last = np.r_[np.flatnonzero(score[1:] != score[:-1]), len(score) - 1]
    if not 0 < case.sum() < len(case):
        return float("inf")
    youden = (np.cumsum(case) / case.sum() - np.cumsum(~case) / (~case).sum())[last]
    # Of thresholds with the same index the most sensitive, as `roc.best_threshold` takes it.
    best = len(youden) - 1 - int(youden[::-1].argmax())
    if best == len(youden) - 1:
        return float("-inf")
    return float((score[last[best]] + score[last[best + 1]]) / 2)


def prevalence_row(
    test: Sample, outcome: str, row: dict[str, Any], prevalence: float, source: str, *, level: float
) -> dict[str, Any]:
    """Reweight the predictive values to a stated prevalence, by Bayes' theorem.

    The intervals are those of the likelihood ratios (recovered from Wilson intervals), which
    the predictive values rise with; the prevalence is taken as known.

    Parameters
    ----------
    test : Sample
    outcome : str
    row : dict
        Its row of thresholds.csv.
    prevalence : float
        0 to 1, exclusive.
    source : str
        Where the prevalence comes from.
    level : float

    Returns
    -------
    dict
        A row of prevalence.csv.
    """
    found: dict[str, Any] = {
        "outcome": outcome,
        "chosen_on": row["chosen_on"],
        "threshold": row["threshold"],
        "prevalence": prevalence,
        "source": source,
        "test_prevalence": test.truth.mean() if len(test.truth) else NAN,
    }
    for name in ("ppv", "npv", "lr_positive", "lr_negative"):
        found |= {name: NAN, f"{name}_low": NAN, f"{name}_high": NAN}
    if row["method"] is None:
        return found | {"reason": row["reason"]}
    if not 0 < prevalence < 1:
        return found | {"reason": f"no prevalence to reweight to: {source}"}
    positive, case = test.score >= row["threshold"], test.truth == 1
    odds = prevalence / (1 - prevalence)
    plus = ratio(_rate(test, positive, case), _rate(test, positive, ~case), level)
    minus = ratio(_rate(test, ~positive, case), _rate(test, ~positive, ~case), level)
    ppv = [1.0 if np.isinf(value) else value * odds / (1 + value * odds) for value in plus]
    npv = [1 / (1 + value * odds) for value in (minus[0], minus[2], minus[1])]
    for name, values in (("ppv", ppv), ("npv", npv), ("lr_positive", plus), ("lr_negative", minus)):
        found |= dict(zip((name, f"{name}_low", f"{name}_high"), values, strict=True))
    return found | {"reason": row["reason"]}


def _rate(test: Sample, hit: Any, among: Any) -> tuple[float, float]:
    """Return the share of hits among some exams, with the effective number of them."""
    return float(hit[among].mean()), effective(hit[among], test.patients[among])
