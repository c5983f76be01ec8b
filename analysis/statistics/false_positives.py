"""How often the tests of a difference find one that isn't there (type I errors), by simulation.

Three comparisons with no true difference, each with and without several exams a patient:

- "subgroups": the AUC in a small part of the exams and in a part of 100 cases and 150 controls;
- "networks": the AUCs of two scores for the same exams, correlated by one half more than by the label;
- "readers": the balanced accuracies of two who say yes or no to the same exams, right as often as the AUC says.

The tests are simulated below the number of patients at which a study stops testing (`minimum_cases`) as well.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import norm, t
from statsmodels.stats.proportion import proportion_confint

from analysis.files import write_table
from analysis.schemas.design import FALSE_POSITIVES
from analysis.statistics.comparisons import calls_limits
from analysis.statistics.coverage import draw, layout
from analysis.statistics.parallel import spread
from analysis.statistics.sample import make_sample
from analysis.statistics.settings import CoverageSettings, StatisticsSettings
from analysis.statistics.uncertainty.effective import Floats, Names, effective_numbers
from analysis.statistics.uncertainty.intervals import correlation_of, difference_limits, limits
from analysis.statistics.uncertainty.resample import seed_for

TESTS = ("subgroups", "networks", "readers")
LARGE = (100, 150)
#: Controls for each case of the small part.
CONTROLS = 2
#: Correlation between two networks, or two readers, on the same exam.
SHARED = 0.5
NOMINAL = (0.05, 0.001)


class Part(NamedTuple):
    """One setting of the simulation."""

    test: str
    cases: int
    true_auc: float
    exams_per_patient: int

    @property
    def name(self) -> str:
        """A name to derive the setting's seed from."""
        return f"{self.test}/{self.cases}/{self.true_auc}/{self.exams_per_patient}"


def run_false_positives(settings: StatisticsSettings, *, seed: int, workers: int, out: Path) -> None:
    """Simulate all settings and write the table; see `simulate`."""
    chosen = settings.coverage
    parts = [
        Part(test, cases, auc, size)
        for test in TESTS
        for size in chosen.exams_per_patient
        for auc in chosen.part_true_auc
        for cases in chosen.part_cases
    ]
    rows = spread(partial(simulate, settings=chosen, level=settings.level, seed=seed), parts, workers)
    write_table(pd.DataFrame(rows), out, FALSE_POSITIVES)


def simulate(part: Part, *, settings: CoverageSettings, level: float, seed: int) -> dict[str, Any]:
    """Simulate one setting.

    Returns
    -------
    dict
        test, cases, controls, true_auc, exams_per_patient, rejected (share of studies with P < .05) with Wilson's
        interval (rejected_low, rejected_high) at `level`, rejected_001 (P < .001), simulations, level, seed.
    """
    rng = np.random.default_rng(seed_for(seed, "false positives", part.name))
    small = layout(part.cases, CONTROLS * part.cases, part.exams_per_patient)
    count = settings.test_simulations
    if part.test == "subgroups":
        large = layout(*LARGE, part.exams_per_patient)
        scores = [draw(*group, part.true_auc, settings.correlation, count, rng) for group in (small, large)]
        found = _reject(scores, (small, large), np.zeros(count))
    else:
        scores = _pair(small, part.true_auc, settings.correlation, count, rng)
        if part.test == "networks":
            found = _reject(scores, (small, small), correlation_of(*((small[0], s, small[1]) for s in scores)))
        else:
            found = _readers(scores, small, part.true_auc)
    hits = [int(rejected.sum()) for rejected in found]
    low, high = proportion_confint(hits[0], count, alpha=1 - level, method="wilson")
    return {
        "test": part.test,
        "cases": part.cases,
        "controls": CONTROLS * part.cases,
        "true_auc": part.true_auc,
        "exams_per_patient": part.exams_per_patient,
        "rejected": hits[0] / count,
        "rejected_low": low,
        "rejected_high": high,
        "rejected_001": hits[1] / count,
        "simulations": count,
        "level": level,
        "seed": seed,
    }


def _pair(
    group: tuple[Floats, Names], auc: float, correlation: float, count: int, rng: np.random.Generator
) -> list[Floats]:
    """Draw two scores for the same exams that have the same AUC, and are correlated by `SHARED`."""
    noise = [draw(*group, 0.5, correlation, count, rng) for _ in range(3)]
    shift = np.sqrt(2) * norm.ppf(auc) * group[0]
    return [np.sqrt(SHARED) * noise[0] + np.sqrt(1 - SHARED) * own + shift for own in noise[1:]]


def _reject(scores: list[Floats], groups: tuple[Any, Any], correlation: Floats) -> list[Any]:
    """Return, for each nominal level, in which studies the difference of two AUCs is significant."""
    estimates = [
        effective_numbers(truth, score, patients) for score, (truth, patients) in zip(scores, groups, strict=True)
    ]
    freedom = min(make_sample(truth, truth, patients).freedom for truth, patients in groups)
    found = []
    for nominal in NOMINAL:
        z = float(t.isf(nominal / 2, max(1, freedom)))
        parts = [(estimate[0], *limits(*estimate, z)) for estimate in estimates]
        low, high = difference_limits(parts[0], parts[1], correlation)
        found.append((low > 0) | (high < 0))
    return found


def _readers(scores: list[Floats], group: tuple[Floats, Names], auc: float) -> list[Any]:
    """Return, for each nominal level, in which studies the difference of two balanced accuracies is significant."""
    truth, patients = group
    case = truth == 1
    # Halfway between the means: sensitivity and specificity are then the same.
    cut = np.sqrt(2) * norm.ppf(auc) / 2
    right = [(score >= cut) == case for score in scores]
    ends = []
    for first, second in zip(*right, strict=True):
        at = calls_limits(case, first, second, patients)
        ends.append([at(float(norm.isf(nominal / 2))) for nominal in NOMINAL])
    low, high = np.array(ends).transpose(2, 1, 0)
    return list((low > 0) | (high < 0))
