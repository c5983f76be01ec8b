"""How often intervals of an AUC cover the true one, by simulation: the reported interval, pROC's, and bootstraps.

Scores are normal in cases and controls alike (binormal with equal variances), so the true AUC is known: for means mu
apart it is Phi(mu / sqrt 2). Scores of a patient's exams are correlated, and a patient's exams agree in their label as
far as the number of cases allows, which is the harder case: then the exams of a patient say the same twice.

DeLong's interval is worked out for all studies at once, from the variance that a test holds equal to pROC's; so are the
AUCs of the stratified bootstrap, which draws as pROC's does. pROC's own would take hours.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import norm
from statsmodels.stats.proportion import proportion_confint

from analysis.files import write_table
from analysis.schemas.design import COVERAGE
from analysis.statistics.parallel import spread
from analysis.statistics.settings import CoverageSettings, StatisticsSettings
from analysis.statistics.uncertainty.effective import (
    Clusters,
    Floats,
    Names,
    effective_numbers,
    mean_variance,
    placements,
)
from analysis.statistics.uncertainty.intervals import limits
from analysis.statistics.uncertainty.resample import patient_weights, percentile, seed_for, weighted_auc

#: Bootstrap samples are drawn once for a scenario, this many times as many as are used; every simulated
#: study takes a stretch of them at random. Drawing it each time would take most of the time.
POOL = 8
#: Exams of a patient, at most, for which the bootstraps are simulated.
BOOTSTRAPPED = 2


class Scenario(NamedTuple):
    """One setting of the simulation."""

    cases: int
    true_auc: float
    exams_per_patient: int

    @property
    def name(self) -> str:
        """A name to derive the scenario's seed from."""
        return f"{self.cases}/{self.true_auc}/{self.exams_per_patient}"


def run_coverage(settings: StatisticsSettings, *, seed: int, workers: int, out: Path) -> None:
    """Simulate all scenarios and write the table; see `simulate`."""
    chosen = settings.coverage
    scenarios = [
        Scenario(cases, auc, size)
        for size in chosen.exams_per_patient
        for auc in chosen.true_auc
        for cases in chosen.cases
    ]
    parts = spread(partial(simulate, settings=chosen, level=settings.level, seed=seed), scenarios, workers)
    write_table(pd.DataFrame([row for part in parts for row in part]), out, COVERAGE)


def simulate(scenario: Scenario, *, settings: CoverageSettings, level: float, seed: int) -> list[dict[str, Any]]:
    """Simulate one scenario.

    Parameters
    ----------
    scenario : Scenario
    settings : CoverageSettings
    level : float
        Nominal coverage.
    seed : int
        The study's.

    Returns
    -------
    list of dict
        For each kind of interval ("reported", "delong", and where they are simulated "bootstrap" and "patients"):
        cases, controls, exams_per_patient, clustered (whether several), true_auc, method, coverage with Wilson's interval
        (coverage_low, coverage_high), width (mean), below and above (share of studies whose whole interval lies below or
        above the true AUC), simulations, replicates, level, seed.
    """
    rng = np.random.default_rng(seed_for(seed, "coverage", scenario.name))
    truth, patients = layout(scenario.cases, settings.exams - scenario.cases, scenario.exams_per_patient)
    score = draw(truth, patients, scenario.true_auc, settings.correlation, settings.simulations, rng)
    z = float(norm.ppf((1 + level) / 2))
    found = {"reported": limits(*effective_numbers(truth, score, patients), z), "delong": delong(truth, score, z)}
    count = min(settings.bootstrap_simulations, settings.simulations)
    if count and scenario.exams_per_patient <= BOOTSTRAPPED and scenario.true_auc in settings.bootstrap_true_auc:
        found |= _bootstraps(truth, score[:count], patients, settings.replicates, level, rng)
    return [_row(scenario, name, ends, settings, level=level, seed=seed) for name, ends in found.items()]


def layout(cases: int, controls: int, exams_per_patient: int) -> tuple[Floats, Names]:
    """Return truth and patient of each exam; the cases come first."""
    truth = np.r_[np.ones(cases), np.zeros(controls)]
    return truth, (np.arange(len(truth)) // exams_per_patient).astype(object)


def draw(
    truth: Floats, patients: Names, auc: float, correlation: float, studies: int, rng: np.random.Generator
) -> Floats:
    """Draw scores, shape (studies, n): unit variance, correlated within patients, cases higher by what the AUC says."""
    score = rng.normal(size=(studies, len(truth)))
    which = Clusters(patients).which
    if which.max() + 1 < len(truth):
        shared = rng.normal(size=(studies, which.max() + 1))[:, which]
        score = np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * score
    return np.asarray(score + np.sqrt(2) * norm.ppf(auc) * truth, dtype=np.float64)


def delong(truth: Floats, score: Floats, z: float) -> tuple[Floats, Floats]:
    """Return DeLong's limits of each study, clipped to 0 and 1 as pROC's are."""
    parts = placements(truth, score)
    auc = parts[0].mean(axis=-1)
    alone = (Clusters(np.arange(part.shape[-1]).astype(object)) for part in parts)
    error = np.sqrt(sum(mean_variance(part, group) for part, group in zip(parts, alone, strict=True)))
    return np.maximum(auc - z * error, 0.0), np.minimum(auc + z * error, 1.0)


def _bootstraps(
    truth: Floats, score: Floats, patients: Names, replicates: int, level: float, rng: np.random.Generator
) -> dict[str, tuple[Floats, Floats]]:
    """Return the limits of the stratified bootstrap of exams, and of that of patients where they have several."""
    size = replicates * POOL
    counts = (int(truth.sum()), int((1 - truth).sum()))
    pools = {"bootstrap": np.vstack([patient_weights(np.arange(k).astype(object), size, rng) for k in counts])}
    if len(set(patients)) < len(truth):
        pools["patients"] = patient_weights(patients, size, rng)
    found = {}
    for name, pool in pools.items():
        ends = []
        for study in score:
            first = int(rng.integers(0, size - replicates + 1))
            ends.append(percentile(weighted_auc(truth, study, pool[:, first : first + replicates]), level))
        low, high = np.array(ends).T
        found[name] = (low, high)
    return found


def _row(
    scenario: Scenario,
    method: str,
    ends: tuple[Floats, Floats],
    settings: CoverageSettings,
    *,
    level: float,
    seed: int,
) -> dict[str, Any]:
    low, high = ends
    below, above = high < scenario.true_auc, low > scenario.true_auc
    # An interval that doesn't exist covers nothing.
    covered = int(((low <= scenario.true_auc) & (scenario.true_auc <= high)).sum())
    limit = proportion_confint(covered, len(low), alpha=1 - level, method="wilson")
    return {
        "cases": scenario.cases,
        "controls": settings.exams - scenario.cases,
        "exams_per_patient": scenario.exams_per_patient,
        "clustered": scenario.exams_per_patient > 1,
        "true_auc": scenario.true_auc,
        "method": method,
        "coverage": covered / len(low),
        "coverage_low": limit[0],
        "coverage_high": limit[1],
        "width": float(np.nanmean(high - low)),
        "below": float(below.mean()),
        "above": float(above.mean()),
        "simulations": len(low),
        "replicates": settings.replicates if method in ("bootstrap", "patients") else None,
        "level": level,
        "seed": seed,
    }
