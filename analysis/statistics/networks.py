"""Networks on the same test exams: what each achieves, and every pair of them by AUC, accuracy and kappa."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.errors import StudyError
from analysis.files import write_table
from analysis.grading.scheme import Scheme
from analysis.schemas.comparisons import NETWORKS, PAIRS
from analysis.statistics.comparisons import GRADED, beside_nought, compare_grades, compare_paired, holm, untested
from analysis.statistics.data import Matched, match
from analysis.statistics.discrimination import EQUAL
from analysis.statistics.grades import agreement_rows
from analysis.statistics.questions import Questions
from analysis.statistics.sample import Sample, make_sample
from analysis.statistics.settings import StatisticsSettings
from analysis.statistics.uncertainty import roc
from analysis.statistics.uncertainty.effective import Floats
from analysis.statistics.uncertainty.intervals import estimate, interval
from analysis.statistics.uncertainty.resample import Resamples, seed_for, weighted_auc

NAN = float("nan")


@dataclass(frozen=True)
class Judged:
    """Networks on the test exams that all of them have scored.

    Attributes
    ----------
    networks : dict of str to Matched
        By name, in the order in which they are compared.
    keep : array of bool
        Which of the reference's evaluated exams all have scored; the same rows for each network.
    left_out : dict of str to int
        For each network the test exams that it has not scored.
    """

    networks: dict[str, Matched]
    keep: npt.NDArray[np.bool_]
    left_out: dict[str, int]

    @property
    def patients(self) -> npt.NDArray[np.object_]:
        """The patient of each exam."""
        return self._exams["patient"].to_numpy(dtype=object)

    @property
    def _exams(self) -> pd.DataFrame:
        return next(iter(self.networks.values())).exams[self.keep]

    def truth(self, outcome: str) -> Floats:
        """Return the labels of an outcome."""
        return self._column(next(iter(self.networks)), "truth", outcome)

    def grade(self, item: str) -> Floats:
        """Return the reference grades of an item."""
        return self._column(next(iter(self.networks)), "grade", item)

    def score(self, network: str, outcome: str) -> Floats:
        """Return a network's scores for an outcome."""
        return self._column(network, "score", outcome)

    def predicted(self, network: str, item: str) -> Floats:
        """Return a network's grades of an item."""
        return self._column(network, "predicted", item)

    def _column(self, network: str, which: str, name: str) -> Floats:
        frame: pd.DataFrame = getattr(self.networks[network], which)
        return frame[name].to_numpy(dtype=float)[self.keep]


def judge(predictions: Mapping[str, Path], reference: Path, scheme: Scheme) -> Judged:
    """Find the test exams that all networks have scored.

    Parameters
    ----------
    predictions : mapping of str to Path
        Predictions by exam of each network, by its name; see `analysis.statistics.data.match`.
    reference : Path
    scheme : Scheme

    Raises
    ------
    StudyError
        If there are fewer than two networks, their test sets or patients are others, or no test exam is scored by all.
    """
    if len(predictions) < 2:
        raise StudyError("Name two networks at least; one has nothing to be compared with.")
    networks = {name: match(path, reference, scheme) for name, path in predictions.items()}
    (first, own), *others = networks.items()
    inside = own.rows("test")
    for name, other in others:
        for column, what in (("exam", "exams in the test set; give the sets"), ("patient", "patients; give them")):
            if list(own.exams[column][inside]) != list(other.exams[column][other.rows("test")]):
                raise StudyError(
                    f"{predictions[first]} and {predictions[name]} don't have the same {what} in {reference}."
                )
    scored = {name: study.score.notna().any(axis=1).to_numpy() & inside for name, study in networks.items()}
    keep = np.logical_and.reduce(list(scored.values()))
    if not keep.any():
        raise StudyError(f"No test exam of {reference} is scored by all of {', '.join(predictions)}.")
    return Judged(networks, keep, {name: int((inside & ~flag).sum()) for name, flag in scored.items()})


def estimates(judged: Judged, scheme: Scheme, settings: StatisticsSettings, seed: int) -> pd.DataFrame:
    """Estimate what each network achieves, with the interval that the study recommends for it.

    Returns
    -------
    pandas.DataFrame
        Schema NETWORKS: of each network the AUC of every outcome, and accuracy and quadratic weighted kappa of every item.
    """
    drawn = Resamples.draw(judged.patients, settings.replicates, settings.level, seed_for(seed, "networks"))
    rows: list[dict[str, Any]] = []
    for name in judged.networks:
        for outcome in scheme.outcomes:
            sample = make_sample(judged.truth(outcome.id), judged.score(name, outcome.id), judged.patients)
            row: dict[str, Any] = {"n": len(sample.truth), "cases": sample.cases, "reason": sample.problem}
            if not sample.problem:
                auc, cases, controls = estimate(sample.truth, sample.score, sample.patients)
                row |= {"estimate": auc, "reason": EQUAL}
                if np.ptp(sample.score):
                    low, high = interval(auc, cases, controls, settings.level)
                    row |= {"low": low, "high": high, "method": "score", "reason": None}
            rows.append({"network": name, "outcome": outcome.id, "measure": "auc", **row})
        for item, levels in scheme.items.items():
            found = agreement_rows(
                judged.grade(item),
                judged.predicted(name, item),
                len(levels.levels),
                judged.patients,
                drawn,
                minimum=settings.minimum_cases,
            )
            rows += [{"network": name, "outcome": item, "cases": row["n"], **row} for row in found if row["measure"] in GRADED]  # fmt: skip
    return pd.DataFrame(rows, columns=list(NETWORKS.columns)).assign(level=settings.level)


def differences(judged: Judged, scheme: Scheme, settings: StatisticsSettings, seed: int) -> pd.DataFrame:
    """Compare every two networks, the first minus the second.

    Returns
    -------
    pandas.DataFrame
        Schema PAIRS: AUC of every outcome, accuracy and quadratic weighted kappa of every item. `low`, `high` and `p` are by
        the test that the study recommends (`compare_paired`, `compare_grades`); of AUCs there are also those of DeLong's paired
        test by pROC, which takes each exam for a patient of its own, and of a percentile bootstrap of patients. `p_holm` is
        Holm's correction of `p` over all pairs.
    """
    drawn = Resamples.draw(judged.patients, settings.replicates, settings.level, seed_for(seed, "networks"))
    rows: list[dict[str, Any]] = []
    for pair in combinations(judged.networks, 2):
        questions = Questions(scheme)
        for outcome in scheme.outcomes:
            truth = judged.truth(outcome.id)
            one, other = (judged.score(name, outcome.id) for name in pair)
            found = compare_paired(truth, one, other, settings, patients=judged.patients)
            found |= _both_ways(truth, one, other, judged.patients, drawn, settings)
            if same := questions.repeated(outcome.id, found["p"]):
                found |= untested(same)
            rows.append({"outcome": outcome.id, "first": pair[0], "second": pair[1], "measure": "auc", **found})
        for name, item in scheme.items.items():
            one, other = (judged.predicted(network, name) for network in pair)
            at = seed_for(seed, "compare", name)
            graded = compare_grades(
                judged.grade(name), one, other, len(item.levels), judged.patients, settings, seed=at
            )
            rows += [{"outcome": name, "first": pair[0], "second": pair[1], **row} for row in graded]
    return holm(pd.DataFrame(rows, columns=list(PAIRS.columns)), settings.holm_family)


def _both_ways(
    truth: Floats,
    one: Floats,
    other: Floats,
    patients: npt.NDArray[np.object_],
    drawn: Resamples,
    settings: StatisticsSettings,
) -> dict[str, float]:
    """Compare two AUCs by DeLong's paired test and by patients resampled, where there are exams enough for a test."""
    keep = ~(np.isnan(truth) | np.isnan(one) | np.isnan(other))
    pair = [make_sample(truth[keep], score[keep], patients[keep]) for score in (one, other)]
    found = dict.fromkeys((f"{way}_{end}" for way in WAYS for end in ("low", "high", "p")), NAN)
    if any(_untestable(sample, settings.minimum_cases) for sample in pair):
        return found
    _, low, high, p = roc.paired(pair[0].truth, pair[0].score, pair[1].score, settings.level)
    if np.isfinite(p):
        found |= {"delong_low": low, "delong_high": high, "delong_p": p}

    def gap(weights: Floats) -> Floats:
        first, second = (weighted_auc(sample.truth, sample.score, weights) for sample in pair)
        return first - second

    low, high, p = beside_nought(drawn.of(keep).draws(gap), settings.level)
    return found | {"patients_low": low, "patients_high": high, "patients_p": p}


#: How AUCs are compared beside the way that the study recommends.
WAYS = ("delong", "patients")


def _untestable(sample: Sample, minimum: int) -> bool:
    return bool(sample.problem) or sample.fewest < max(2, minimum) or np.ptp(sample.score) == 0


def compare_predictions(
    first: Path,
    second: Path,
    reference: Path,
    scheme: Scheme,
    settings: StatisticsSettings,
    *,
    names: tuple[str, str],
    out: Path,
    seed: int = 1,
) -> Judged:
    """Compare two networks' (or settings') predictions of the test set: AUCs by outcome, accuracy and kappa by item.

    Parameters
    ----------
    first, second, reference : Path
        See `judge`.
    scheme : Scheme
    settings : StatisticsSettings
    names : pair of str
        What to call them in the table.
    out : Path
        A CSV; see `differences`.
    seed : int
        Of the resampled patients.

    Returns
    -------
    Judged
        What was compared, which says what was left out.

    Raises
    ------
    StudyError
        If both have one name, or as `judge`.
    """
    if names[0] == names[1]:
        raise StudyError(f"Both are called '{names[0]}'; give them two names.")
    judged = judge(dict(zip(names, (first, second), strict=True)), reference, scheme)
    write_table(differences(judged, scheme, settings, seed), out, PAIRS)
    return judged
