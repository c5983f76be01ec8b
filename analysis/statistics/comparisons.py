"""Two scores for the same exams, compared by their AUCs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

from analysis.errors import StudyError
from analysis.files import write_table
from analysis.grading.scheme import Scheme
from analysis.statistics import roc
from analysis.statistics.data import load_study
from analysis.statistics.resample import Floats, clustered, patient_weights, percentile, seed_for, weighted_auc
from analysis.statistics.settings import StatisticsSettings

NAN = float("nan")
COLUMNS = (
    "outcome",
    "first",
    "second",
    "measure",
    "n",
    "cases",
    *("first_value", "second_value", "difference", "low", "high", "p", "method", "level", "seed", "reason"),
)


def compare_paired(
    reference: Floats,
    first: Floats,
    second: Floats,
    *,
    patients: npt.NDArray[np.object_] | None = None,
    level: float = 0.95,
    replicates: int = 2000,
    seed: int = 1,
) -> dict[str, Any]:
    """Compare the AUCs of two scores for the same exams.

    DeLong's paired test by pROC; where a patient has several exams a bootstrap of patients instead: its percentile
    interval, and a p value of the difference over its standard deviation, as pROC's own bootstrap test has it.

    Parameters
    ----------
    reference : array of float, shape (n,)
        1 for a case, 0 for a control, NaN where not known.
    first, second : array of float, shape (n,)
        Scores; exams where either is missing are left out.
    patients : array of str, shape (n,), optional
        The patient of each exam; without it every exam counts as a patient.
    level : float
        Confidence level.
    replicates : int
        Bootstrap replicates.
    seed : int
        For the bootstrap of patients.

    Returns
    -------
    dict
        n, cases, first_value and second_value (the AUCs), difference (first minus second), low, high, p, method
        ("delong" or "patients"), level, seed, reason (why something is missing, or None).
    """
    keep = ~(np.isnan(reference) | np.isnan(first) | np.isnan(second))
    truth, one, two = reference[keep], first[keep], second[keep]
    cases = int(truth.sum())
    row: dict[str, Any] = {"n": len(truth), "cases": cases}
    row |= dict.fromkeys(("first_value", "second_value", "difference", "low", "high", "p"), NAN)
    row |= {"method": None, "level": level, "seed": seed, "reason": None}
    if not (np.isfinite(one).all() and np.isfinite(two).all()):
        return row | {"reason": "infinite scores"}
    if min(cases, len(truth) - cases) < 1:
        return row | {"reason": "no case" if not cases else "no control"}
    row["first_value"], row["second_value"] = roc.auc(truth, one), roc.auc(truth, two)
    row["difference"] = row["first_value"] - row["second_value"]
    if min(cases, len(truth) - cases) < 2:
        return row | {"reason": "a single case or control: no variance"}
    if row["first_value"] in (0.0, 1.0) and row["first_value"] == row["second_value"]:
        return row | {"reason": "cases and controls don't overlap by either score: no variance"}
    if patients is None or not clustered(patients[keep]):
        _, low, high, p = roc.paired(truth, one, two, level)
        found: dict[str, Any] = {"low": low, "high": high, "p": p, "method": "delong"}
    else:
        weights = patient_weights(patients[keep], replicates, np.random.default_rng(seed))
        found = bootstrapped(
            row["difference"], weighted_auc(truth, one, weights) - weighted_auc(truth, two, weights), level
        )
    if not np.isfinite(found["p"]):
        return row | {"reason": "the difference has no variance"}
    return row | found


def bootstrapped(difference: float, draws: Floats, level: float) -> dict[str, Any]:
    """Return interval and p value of a difference from its replicates, of patients resampled."""
    low, high = percentile(draws, level)
    spread = np.nanstd(draws, ddof=1) if np.isfinite(low) else NAN
    if spread == 0:
        return {"low": low, "high": high, "p": 1.0 if difference == 0 else NAN, "method": "patients"}
    return {"low": low, "high": high, "p": float(2 * norm.sf(abs(difference) / spread)), "method": "patients"}


def compare_predictions(
    first: Path,
    second: Path,
    reference: Path,
    scheme: Scheme,
    settings: StatisticsSettings,
    *,
    names: tuple[str, str],
    seed: int,
    out: Path,
) -> None:
    """Compare two networks' (or settings') predictions of the test set, outcome by outcome.

    Parameters
    ----------
    first, second, reference : Path
        See `analysis.statistics.data.load_study`.
    scheme : Scheme
    settings : StatisticsSettings
    names : pair of str
        What to call them in the table.
    seed : int
    out : Path
        A CSV: a row an outcome, the AUC of `first` minus that of `second`.
    """
    studies = [load_study(path, reference, scheme) for path in (first, second)]
    inside, other = (study.rows("test") for study in studies)
    if list(studies[0].exams["exam"][inside]) != list(studies[1].exams["exam"][other]):
        raise StudyError(
            f"{first} and {second} don't have the same exams in the test set; give the sets in {reference}."
        )
    rows = []
    for outcome in scheme.outcomes:
        truth, one, two = (
            frame[outcome.id].to_numpy(dtype=float)[which]
            for frame, which in ((studies[0].truth, inside), (studies[0].score, inside), (studies[1].score, other))
        )
        found = compare_paired(
            truth,
            one,
            two,
            patients=studies[0].patients("test"),
            level=settings.level,
            replicates=settings.replicates,
            seed=seed_for(seed, "compare", outcome.id),
        )
        rows.append({"outcome": outcome.id, "first": names[0], "second": names[1], "measure": "auc", **found})
    write_table(pd.DataFrame(rows, columns=list(COLUMNS)), out)
