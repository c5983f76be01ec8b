"""All estimates of one study: outcome by outcome on all workers, then what sums them up."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.files import read_table, write_table
from analysis.grading.scheme import Outcome, Scheme
from analysis.schemas.calibration import DECISIONS, UPDATING
from analysis.schemas.columns import empty
from analysis.schemas.network import MEMBERS
from analysis.schemas.statistics import DEVELOPMENT, ESTIMATES, EVALUATED, SEEDS, SUBGROUPS
from analysis.statistics import calibration, decisions, discrimination, grades, operating, subgroups
from analysis.statistics.beside_published import compare_published
from analysis.statistics.cumulative import cumulative_tables
from analysis.statistics.data import Matched, match
from analysis.statistics.external import Development, development_rows, updating_rows
from analysis.statistics.parallel import spread
from analysis.statistics.published import load_published
from analysis.statistics.questions import question_of, same_as
from analysis.statistics.readers import compare_readers
from analysis.statistics.seeds import seed_rows
from analysis.statistics.settings import ExternalSettings, StatisticsSettings
from analysis.statistics.uncertainty.resample import Resamples, seed_for

Tables = dict[str, pd.DataFrame]
#: The kinds of outcome that somebody might act on.
DECIDED = ("group", "disease", "location")


@dataclass(frozen=True)
class Evaluation:
    """What every worker needs to know.

    Attributes
    ----------
    study : Matched
    groups : pandas.DataFrame
        See `analysis.statistics.subgroups.divide`.
    settings : StatisticsSettings
    seed : int
    development : Development, optional
        What a network's own study says of it, where that is another one.
    """

    study: Matched
    groups: pd.DataFrame
    settings: StatisticsSettings
    seed: int
    development: Development | None = None

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
    exams: Path | None = None,
    images: Path | None = None,
    readers: pd.DataFrame | None = None,
    members: Path | None = None,
    development: Path | None = None,
    external: ExternalSettings | None = None,
) -> Matched:
    """Work out every estimate of a study and write the tables.

    Parameters
    ----------
    predictions, reference : Path
        See `analysis.statistics.data.match`.
    scheme : Scheme
    settings : StatisticsSettings
    seed : int
        Seed of all resampling. The tables don't depend on `workers`.
    workers : int
        Processes, each with one R.
    out : Path
        Folder for the tables.
    exams, images : Path, optional
        The tables of exams (age, sex, protocol) and images (views), for subgroups.
    readers : pandas.DataFrame, optional
        Independent readings (`analysis.statistics.brought.read_readers`), to put readers beside the network.
    members : Path, optional
        seeds.parquet of the predictions: the scores of each network of an ensemble.
    development : Path, optional
        Folder of what the network's own study estimated, where it was trained elsewhere.
    external : ExternalSettings, optional
        How such a network is judged; as by default without.

    Returns
    -------
    Matched
        What it was worked out from; its `unmatched` and `unscored` take no part.

    Notes
    -----
    Every table is written, with no row but its header where there is nothing to say.
    """
    study = match(predictions, reference, scheme)
    groups = subgroups.divide(study, exams, images, settings)
    elsewhere = Development.read(development, external or ExternalSettings()) if development else None
    evaluation = Evaluation(study, groups, settings, seed, elsewhere)
    found = tables(evaluation, readers, workers=workers)
    before = read_table(members, MEMBERS) if members else empty(MEMBERS)
    found["seeds.csv"] = seed_rows(study, before, found["roc.csv"]) if members else empty(SEEDS)
    found["calibration.csv"] = found["calibration.csv"].merge(
        calibration.slopes_before(study, before, settings), on="outcome", how="left"
    )
    for name, table in found.items():
        write_table(table, out / name, ESTIMATES[name])
    return study


def tables(evaluation: Evaluation, readers: pd.DataFrame | None, *, workers: int) -> Tables:
    """Return every table by its file name; see `evaluate`."""
    study, settings = evaluation.study, evaluation.settings
    parts = spread(partial(_outcome, evaluation), study.scheme.outcomes, workers)
    found = {name: _stack([part[name] for part in parts]) for name in parts[0]}
    resamples = evaluation.resamples("test")
    found["roc.csv"] = found["roc.csv"].sort_values("set", key=lambda s: s.map(EVALUATED.index), kind="stable")
    # Of no outcome and no set: the reference doesn't know these exams.
    columns = list(found["roc.csv"])
    found["roc.csv"].insert(columns.index("missing_score") + 1, "missing_reference", len(study.unmatched))
    found["confusion.csv"] = grades.confusion(study)
    found |= cumulative_tables(study, resamples, settings)
    found["summary.csv"] = grades.summary(study, resamples, settings)
    found["subgroups.csv"] = subgroups.correct(found["subgroups.csv"], settings)
    found["published.csv"] = compare_published(
        load_published(settings.published), found["roc.csv"], study.scheme, settings.minimum_cases
    )
    found["development.csv"] = (
        development_rows(evaluation.development, found["roc.csv"], found["thresholds.csv"], study.scheme, settings)
        if evaluation.development
        else empty(DEVELOPMENT)
    )
    found["readers.csv"], found["comparisons.csv"] = compare_readers(
        study, readers, found["thresholds.csv"], resamples, settings=settings
    )
    return found


def _outcome(evaluation: Evaluation, outcome: Outcome) -> Tables:
    """Return all that is estimated of one outcome."""
    study, settings, seed = evaluation.study, evaluation.settings, evaluation.seed
    samples = {which: study.sample(which, outcome.id) for which in EVALUATED}
    test = samples["test"]
    resamples = {which: evaluation.resamples(which) for which in EVALUATED}

    roc_rows = [
        discrimination.auc_row(sample, outcome, which, resamples[which], settings=settings, seed=seed)
        for which, sample in samples.items()
        if study.rows(which).any()
    ]
    thresholds: dict[str, dict[str, Any]] = {}
    elsewhere = evaluation.development
    for chosen_on, sample in samples.items():
        if elsewhere and elsewhere.settings.thresholds == "carried" and chosen_on == "validation":
            sample, threshold, reason = elsewhere.threshold(outcome.id)
        else:
            threshold, reason = operating.choose_threshold(sample)
            if not study.rows(chosen_on).any():
                reason = "it has no exam"
        thresholds[chosen_on] = operating.threshold_row(
            test, outcome.id, sample, chosen_on, threshold, reason=reason, settings=settings
        )
    sound = thresholds["validation" if thresholds["validation"]["method"] else "test"]
    prevalence, source = _prevalence(study, outcome.id, settings)
    first = question_of(study.scheme, settings.subgroup_kinds).get(outcome.id, outcome.id)
    # Outcomes that ask one question are folded alike, so that they have one optimism.
    folds = seed_for(seed, "folds", question_of(study.scheme)[outcome.id])
    repeats = None if first == outcome.id else same_as(first)
    stated: dict[str, Any] = {"prevalence": prevalence, "source": source}
    return {
        "roc.csv": pd.DataFrame(roc_rows),
        "thresholds.csv": pd.DataFrame(list(thresholds.values())),
        "optimism.csv": pd.DataFrame([operating.optimism_row(thresholds, outcome.id, test, settings, seed=folds)]),
        "prevalence.csv": pd.DataFrame(
            [operating.prevalence_row(test, outcome.id, sound, prevalence, source, level=settings.level)]
        ),
        "curves.parquet": discrimination.curve_rows(test, outcome.id, settings=settings, seed=seed),
        "calibration.csv": pd.DataFrame(
            [calibration.calibration_row(test, outcome.id, resamples["test"], settings, **stated)]
        ),
        "reliability.csv": calibration.reliability_rows(test, outcome.id, settings, **stated),
        "updating.csv": pd.DataFrame(
            updating_rows(
                test, outcome.id, resamples["test"], elsewhere, settings, seed=seed_for(seed, "updating", outcome.id)
            )
            if elsewhere
            else [],
            columns=list(UPDATING.columns),
        ),
        "decisions.csv": decisions.decision_rows(test, outcome.id, prevalence, source, settings)
        if outcome.kind in DECIDED
        else empty(DECISIONS),
        "subgroups.csv": pd.DataFrame(
            subgroups.subgroup_rows(test, outcome.id, evaluation.groups, settings, repeats=repeats)
            if outcome.kind in settings.subgroup_kinds
            else [],
            columns=list(SUBGROUPS.columns),
        ),
    }


def _prevalence(study: Matched, outcome: str, settings: StatisticsSettings) -> tuple[float, str]:
    if outcome in settings.prevalence:
        return settings.prevalence[outcome], "settings"
    # A network that was trained elsewhere is judged on one set, with its own prevalence.
    there = settings.prevalence_set if (study.reference["set"] == settings.prevalence_set).any() else "test"
    labels = study.reference.loc[study.reference["set"] == there, outcome]
    return float(labels.mean()), f"{there} set"


def _stack(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Put tables one below the other; those without a row only lend their columns."""
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else frames[0]
