"""A network that was trained elsewhere: its own study's thresholds and estimates, and its calibration here, updated."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit, logit
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_linear_model import GLM
from statsmodels.tools.tools import add_constant

from analysis.files import read_table
from analysis.grading.scheme import Scheme
from analysis.schemas.network import CARRIED
from analysis.schemas.statistics import DEVELOPMENT, PERFORMANCE
from analysis.statistics.beside_published import difference
from analysis.statistics.calibration import EPSILON, calibration_row, intercept_at_large
from analysis.statistics.comparisons import NAN, holm
from analysis.statistics.questions import Questions
from analysis.statistics.sample import Floats, Sample
from analysis.statistics.settings import ExternalSettings, StatisticsSettings
from analysis.statistics.uncertainty.resample import Resamples

#: How scores are updated on the archive, from not at all on.
UPDATES = ("none", "intercept", "intercept and slope")


@dataclass(frozen=True)
class Development:
    """What the study that trained the network says of it.

    Attributes
    ----------
    thresholds, performance : pandas.DataFrame
        thresholds.csv and performance.csv of the network's folder, index outcome.
    settings : ExternalSettings
    """

    thresholds: pd.DataFrame
    performance: pd.DataFrame
    settings: ExternalSettings

    @classmethod
    def read(cls, folder: Path, settings: ExternalSettings) -> Development:
        """Read the tables that `analysis.network.trained.carry` laid down."""
        tables = [
            read_table(folder / name, schema).set_index("outcome")
            for name, schema in (("thresholds.csv", CARRIED), ("performance.csv", PERFORMANCE))
        ]
        return cls(tables[0], tables[1], settings)

    def threshold(self, outcome: str) -> tuple[Sample, float, str | None]:
        """Return what an outcome's threshold was chosen on, the threshold, and why there is none.

        Of the exams that it was chosen on only the numbers are known: their scores are missing, and each stands for a
        patient.
        """
        row: Any = self.thresholds.loc[outcome] if outcome in self.thresholds.index else {}
        numbers = [row.get(f"chosen_{name}") for name in ("cases", "controls")]
        cases, controls = (0 if value is None or np.isnan(value) else int(value) for value in numbers)
        truth = np.repeat([1.0, 0.0], [cases, controls])
        names = np.array([f"{i}" for i in range(len(truth))], dtype=object)
        chosen = Sample(truth, np.full(len(truth), NAN), names, np.ones(len(truth), bool))
        threshold = float(row.get("threshold", NAN))
        return chosen, threshold, None if np.isfinite(threshold) else "the network carries none"


def development_rows(
    development: Development, roc: pd.DataFrame, thresholds: pd.DataFrame, scheme: Scheme, settings: StatisticsSettings
) -> pd.DataFrame:
    """Put each estimate of this archive beside that of the network's own test set.

    The two rest on other patients, so the interval of their difference is put together from their own
    (`analysis.statistics.published.difference`). AUCs are tested, each question once; sensitivity and specificity, at the
    carried thresholds, have an interval alone.

    Returns
    -------
    pandas.DataFrame
        Schema DEVELOPMENT.
    """
    here = roc[roc["set"] == "test"].set_index("outcome")
    at = thresholds[thresholds["chosen_on"] == "validation"].set_index("outcome")
    carried = development.settings.thresholds == "carried"
    rows: list[dict[str, Any]] = []
    questions = Questions(scheme)
    for outcome in scheme.outcomes:
        if outcome.id not in here.index or outcome.id not in development.performance.index:
            continue
        own: Any = here.loc[outcome.id]
        theirs: Any = development.performance.loc[outcome.id]
        sides = [_estimate(one, "auc", "low", "high") for one in (own, theirs)]
        rows.append(_difference(outcome.id, "auc", own, theirs, sides, settings))
        if same := questions.repeated(outcome.id, rows[-1]["p"]):
            rows[-1] |= {"p": NAN, "reason": same}
        if not carried or outcome.id not in at.index or outcome.id not in development.thresholds.index:
            continue
        for measure in ("sensitivity", "specificity"):
            ends = (measure, f"{measure}_low", f"{measure}_high")
            sides = [_estimate(one.loc[outcome.id], *ends) for one in (at, development.thresholds)]
            rows.append(_difference(outcome.id, measure, own, theirs, sides, settings) | {"p": NAN})
    return holm(pd.DataFrame(rows, columns=list(DEVELOPMENT.columns)))


def _estimate(row: Any, name: str, low: str, high: str) -> tuple[float, float, float, float]:
    found = tuple(float(row.get(key, NAN)) for key in (name, low, high, "level"))
    return found[0], found[1], found[2], found[3]


def _difference(
    outcome: str,
    measure: str,
    own: Any,
    theirs: Any,
    sides: list[tuple[float, float, float, float]],
    settings: StatisticsSettings,
) -> dict[str, Any]:
    numbers = [(int(one.get("cases", 0)), int(one.get("controls", 0))) for one in (own, theirs)]
    gap, low, high, p = difference(sides[0], sides[1], settings.level)
    reason = None if np.isfinite(gap) else "not estimable in one of the studies"
    few = min(map(min, numbers)) < settings.minimum_cases
    if not reason and (few or any(one.get("too_few", False) for one in (own, theirs))):
        low = high = p = NAN
        what = "cases or controls" if few else "patients with a case or a control"
        reason = f"fewer than {settings.minimum_cases} {what} in one of the studies: no test"
    return {
        "outcome": outcome,
        "measure": measure,
        "cases": numbers[0][0],
        "controls": numbers[0][1],
        **dict(zip(("estimate", "low", "high", "level"), (*sides[0][:3], settings.level), strict=True)),
        "development_cases": numbers[1][0],
        "development_controls": numbers[1][1],
        **dict(zip(("development", "development_low", "development_high", "development_level"), sides[1], strict=True)),
        **{"difference": gap, "difference_low": low, "difference_high": high, "p": p, "reason": reason},
    }


def updating_rows(
    sample: Sample,
    outcome: str,
    resamples: Resamples,
    development: Development,
    settings: StatisticsSettings,
    *,
    seed: int,
) -> list[dict[str, Any]]:
    """Measure the calibration of one outcome as it comes, and after updating it on this archive.

    Updating fits the intercept, or intercept and slope, of a logistic regression of the label on the logit of the score
    (Steyerberg et al., Statistics in Medicine 2004;23:2567). By cross-fitting: each exam's score is updated by a fit to the
    other folds, no patient being in two, so that no exam is judged by a fit that knows it. All is of the archive as it is,
    at its own prevalence.

    Parameters
    ----------
    sample : Sample
    outcome : str
    resamples : Resamples
        Of the test set.
    development : Development
    settings : StatisticsSettings
    seed : int
        Of the folds.

    Returns
    -------
    list of dict
        A row of updating.csv for each of UPDATES; `reason` says why a fit doesn't exist.
    """
    rows = []
    folds = fold_of(sample.patients, development.settings.folds, np.random.default_rng(seed))
    for update in UPDATES:
        row: dict[str, Any] = {"outcome": outcome, "update": update, "cross_fitted": update != "none"}
        updated, reason = (
            (sample, None) if update == "none" else cross_fitted(sample, folds, slope=update != "intercept")
        )
        found = calibration_row(updated, outcome, resamples, settings)
        for name, source in (("intercept", "raw_intercept"), ("slope", "slope"), ("brier", "raw_brier")):
            for end in ("", "_low", "_high"):
                row[f"{name}{end}"] = NAN if reason else found[f"{source}{end}"]
        keep = {name: found[name] for name in ("n", "cases", "level")}
        rows.append(row | keep | {"folds": int(folds.max(initial=-1)) + 1, "reason": reason or found["reason"]})
    return rows


def fold_of(patients: npt.NDArray[np.object_], folds: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """Deal patients into folds, and return that of each exam; never more folds than patients."""
    names, which = np.unique(patients.astype(str), return_inverse=True)
    return np.asarray(rng.permutation(len(names))[which] % max(1, min(folds, len(names))), dtype=np.intp)


def cross_fitted(sample: Sample, folds: npt.NDArray[np.intp], *, slope: bool) -> tuple[Sample, str | None]:
    """Update each score by a fit to the other folds; with the reason where a fit doesn't exist."""
    if sample.problem:
        return sample, sample.problem
    if sample.score.min() < 0 or sample.score.max() > 1:
        return sample, "the scores lie outside 0 to 1: they are no probabilities"
    x = logit(np.clip(sample.score, EPSILON, 1 - EPSILON))
    updated = np.empty_like(x)
    for held in _held(folds):
        truth = sample.truth[~held]
        if not 0 < truth.sum() < len(truth):
            return sample, "without one of the folds there is no case, or no control: not updated"
        fitted = _fit(x[~held], truth, slope)
        if fitted is None:
            return sample, "the regression did not converge: not updated"
        updated[held] = expit(fitted[0] + fitted[1] * x[held])
    return Sample(sample.truth, updated, sample.patients, sample.keep), None


def _held(folds: npt.NDArray[np.intp]) -> Iterator[npt.NDArray[np.bool_]]:
    for number in range(int(folds.max()) + 1):
        yield folds == number


def _fit(x: Floats, truth: Floats, slope: bool) -> tuple[float, float] | None:
    """Return intercept and slope of the recalibration, the slope 1 where it isn't fitted; None without a solution."""
    if not slope:
        return intercept_at_large(x, truth), 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            fitted = GLM(truth, add_constant(x, has_constant="add"), family=Binomial()).fit()
        except Exception:  # statsmodels raises what it likes where cases and controls are apart
            return None
    if not fitted.converged or not np.isfinite(fitted.params).all():
        return None
    return float(fitted.params[0]), float(fitted.params[1])
