"""All estimates of one study: outcome by outcome on all workers, then what sums them up."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from analysis.files import write_table
from analysis.grading.scheme import Outcome, Scheme
from analysis.statistics import calibration, discrimination, grades, operating
from analysis.statistics.data import EVALUATED, Study, load_study
from analysis.statistics.resample import Resamples, seed_for
from analysis.statistics.settings import StatisticsSettings

T = TypeVar("T")
R = TypeVar("R")
Tables = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Task:
    """What every worker needs to know."""

    study: Study
    settings: StatisticsSettings
    seed: int

    def resamples(self, which: str) -> Resamples:
        """Return the replicates of a set's patients: the same in every process."""
        settings = self.settings
        return Resamples.draw(
            self.study.patients(which), settings.replicates, settings.level, seed_for(self.seed, "patients", which)
        )


def evaluate(
    predictions: Path,
    reference: Path,
    scheme: Scheme,
    settings: StatisticsSettings,
    *,
    seed: int,
    workers: int,
    out: Path,
) -> None:
    """Work out every estimate of a study and write the tables.

    Parameters
    ----------
    predictions, reference : Path
        See `analysis.statistics.data.load_study`.
    scheme : Scheme
    settings : StatisticsSettings
    seed : int
        Seed of all resampling. The tables don't depend on `workers`.
    workers : int
        Processes, each with one R.
    out : Path
        Folder for the tables.
    """
    study = load_study(predictions, reference, scheme)
    for name, table in tables(study, settings, seed=seed, workers=workers).items():
        write_table(table, out / name)


def tables(study: Study, settings: StatisticsSettings, *, seed: int, workers: int) -> Tables:
    """Return every table by its file name; see `evaluate`."""
    task = Task(study, settings, seed)
    parts = spread(partial(_outcome, task), study.scheme.outcomes, workers)
    found = {name: _stack([part[name] for part in parts]) for name in parts[0]}
    resamples = {which: task.resamples(which) for which in EVALUATED if study.rows(which).any()}
    found["roc.csv"] = found["roc.csv"].sort_values("set", key=lambda s: s.map(EVALUATED.index), kind="stable")
    found["confusion.csv"] = grades.confusion(study)
    found["summary.csv"] = grades.summary(study, resamples)
    return found


def spread(work: Callable[[T], R], parts: Iterable[T], workers: int) -> list[R]:
    """Apply `work` to each part, in processes that each start one R; results in the order of the parts."""
    parts = list(parts)
    if workers <= 1 or len(parts) < 2:
        return [work(part) for part in parts]
    # A forked R shares its state with its parent: each worker starts its own.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(parts)), mp_context=context) as pool:
        return list(pool.map(work, parts))


def _outcome(task: Task, outcome: Outcome) -> Tables:
    """Return all that is estimated of one outcome."""
    study, settings, seed = task.study, task.settings, task.seed
    samples = {which: study.sample(which, outcome.id) for which in EVALUATED}
    test = samples["test"]
    resamples = {which: task.resamples(which) for which in EVALUATED}

    roc_rows = [
        discrimination.auc_row(sample, outcome, which, resamples[which], settings=settings, seed=seed)
        for which, sample in samples.items()
        if study.rows(which).any()
    ]
    thresholds: dict[str, dict[str, Any]] = {}
    for chosen_on, sample in samples.items():
        threshold, reason = operating.choose_threshold(sample)
        if not study.rows(chosen_on).any():
            reason = "it has no exam"
        thresholds[chosen_on] = operating.threshold_row(
            test, outcome.id, chosen_on, threshold, reason=reason, settings=settings
        )
    sound = thresholds["validation" if thresholds["validation"]["method"] else "test"]
    prevalence, source = _prevalence(study, outcome.id, settings)
    return {
        "roc.csv": pd.DataFrame(roc_rows),
        "thresholds.csv": pd.DataFrame(list(thresholds.values())),
        "optimism.csv": pd.DataFrame([operating.optimism_row(thresholds, outcome.id)]),
        "prevalence.csv": pd.DataFrame(
            [operating.prevalence_row(test, outcome.id, sound, prevalence, source, level=settings.level)]
        ),
        "curves.parquet": discrimination.curve_rows(test, outcome.id, settings=settings, seed=seed),
        "calibration.csv": pd.DataFrame([calibration.calibration_row(test, outcome.id, resamples["test"], settings)]),
        "reliability.csv": calibration.reliability_rows(test, outcome.id, settings),
    }


def _prevalence(study: Study, outcome: str, settings: StatisticsSettings) -> tuple[float, str]:
    if outcome in settings.prevalence:
        return settings.prevalence[outcome], "settings"
    labels = study.reference.loc[study.reference["set"] == settings.prevalence_set, outcome]
    return float(labels.mean()), f"{settings.prevalence_set} set"


def _stack(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Put tables one below the other; those without a row only lend their columns."""
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else frames[0]
