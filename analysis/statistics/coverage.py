"""How often each kind of interval covers the true AUC, by simulation.

Scores are normal in cases and controls alike (binormal with equal variances), so the
true AUC is known: for means mu apart it is Phi(mu / sqrt 2). In the clustered scenarios
scores of a patient's exams are correlated, and a patient's exams agree in their label as far as the
number of cases allows, which is the harder case: then the exams of a patient say the same twice.

DeLong's interval is pROC's. The stratified bootstrap draws as pROC's does, its AUCs are worked
out all at once (`analysis.statistics.resample`): pROC's own would take hours.
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
from analysis.statistics import roc
from analysis.statistics.discrimination import newcombe
from analysis.statistics.parallel import spread
from analysis.statistics.resample import Floats, patient_weights, percentile, seed_for, weighted_auc
from analysis.statistics.settings import CoverageSettings, StatisticsSettings

#: Bootstrap samples are drawn once for a scenario, this many times as many as are used; every simulated
#: study takes a stretch of them at random. Drawing anew each time would take most of the time.
POOL = 8


class Scenario(NamedTuple):
    """One setting of the simulation."""

    cases: int
    true_auc: float
    clustered: bool

    @property
    def name(self) -> str:
        """A name to derive the scenario's seed from."""
        return f"{self.cases}/{self.true_auc}/{self.clustered}"


def run_coverage(settings: StatisticsSettings, *, seed: int, workers: int, out: Path) -> None:
    """Simulate all scenarios and write the table; see `simulate`."""
    chosen = settings.coverage
    scenarios = [
        Scenario(cases, auc, clustered)
        for clustered in (False, True)
        for auc in chosen.true_auc
        for cases in chosen.cases
    ]
    parts = spread(partial(simulate, settings=chosen, level=settings.level, seed=seed), scenarios, workers)
    write_table(pd.DataFrame([row for part in parts for row in part]), out)


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
        For each kind of interval: cases, controls, clustered, true_auc, method, coverage with Wilson's interval
        (coverage_low, coverage_high), width (mean), below and above (share of studies whose whole interval lies
        below or above the true AUC), simulations, replicates, level, seed.
    """
    rng = np.random.default_rng(seed_for(seed, "coverage", scenario.name))
    n, cases = settings.exams, scenario.cases
    truth = np.r_[np.ones(cases), np.zeros(n - cases)]
    patients = (np.arange(n) // (settings.exams_per_patient if scenario.clustered else 1)).astype(object)
    size = settings.replicates * POOL
    pools = {
        "bootstrap": np.vstack([patient_weights(np.arange(k).astype(object), size, rng) for k in (cases, n - cases)])
    }
    if scenario.clustered:
        pools["patients"] = patient_weights(patients, size, rng)
    counts = (len(set(patients[:cases])), len(set(patients[cases:])))

    limits: dict[str, list[tuple[float, float]]] = {name: [] for name in ("delong", *pools, "newcombe")}
    for _ in range(settings.simulations):
        score = draw(scenario, truth, patients, settings, rng)
        auc, low, high, _ = roc.delong(truth, score, level)
        limits["delong"].append((low, high))
        limits["newcombe"].append(newcombe(auc, *counts, level))
        for name, pool in pools.items():
            first = int(rng.integers(0, size - settings.replicates + 1))
            weights = pool[:, first : first + settings.replicates]
            limits[name].append(percentile(weighted_auc(truth, score, weights), level))
    return [_row(scenario, name, np.array(found), settings, level=level, seed=seed) for name, found in limits.items()]


def draw(
    scenario: Scenario, truth: Floats, patients: Any, settings: CoverageSettings, rng: np.random.Generator
) -> Floats:
    """Draw the scores of one simulated study: unit variance, correlated within patients where clustered."""
    score = rng.normal(size=len(truth))
    if scenario.clustered:
        _, which = np.unique(patients.astype(int), return_inverse=True)
        shared = rng.normal(size=which.max() + 1)[which]
        score = np.sqrt(settings.correlation) * shared + np.sqrt(1 - settings.correlation) * score
    return score + np.sqrt(2) * norm.ppf(scenario.true_auc) * truth


def _row(
    scenario: Scenario, method: str, limits: Floats, settings: CoverageSettings, *, level: float, seed: int
) -> dict[str, Any]:
    below, above = limits[:, 1] < scenario.true_auc, limits[:, 0] > scenario.true_auc
    # An interval that doesn't exist covers nothing.
    covered = int(((limits[:, 0] <= scenario.true_auc) & (scenario.true_auc <= limits[:, 1])).sum())
    low, high = proportion_confint(covered, len(limits), alpha=1 - level, method="wilson")
    return {
        "cases": scenario.cases,
        "controls": settings.exams - scenario.cases,
        "clustered": scenario.clustered,
        "true_auc": scenario.true_auc,
        "method": method,
        "coverage": covered / len(limits),
        "coverage_low": low,
        "coverage_high": high,
        "width": float(np.nanmean(limits[:, 1] - limits[:, 0])),
        "below": float(below.mean()),
        "above": float(above.mean()),
        "simulations": settings.simulations,
        "replicates": settings.replicates,
        "level": level,
        "seed": seed,
    }
