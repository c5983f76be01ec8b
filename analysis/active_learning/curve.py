"""Strategies side by side: performance against the number of labelled exams."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.metrics import roc_auc_score

from analysis.active_learning.rounds import labelled, stop_round
from analysis.active_learning.settings import ActiveLearningSettings, Measure
from analysis.errors import StudyError
from analysis.files import read_table
from analysis.grading.scheme import Scheme
from analysis.schemas import PREDICTIONS, REFERENCE
from analysis.schemas.active_learning import ROUNDS

#: The folder of what all strategies have in common: the first, random batch.
START = "start"
RANDOM = "random"


def judged(scheme: Scheme, measure: Measure) -> list[str]:
    """Return the ids of the outcomes that a measure averages over.

    Raises
    ------
    StudyError
        If the scheme has none.
    """
    kind = {"groups": "group", "grades": "grade", "disease": "disease"}[measure]
    found = [outcome.id for outcome in scheme.outcomes if outcome.kind == kind]
    if not found:
        raise StudyError(f"{scheme.where()} has no outcome of kind '{kind}'; choose another active_learning.measure.")
    return found


def performance(reference: pd.DataFrame, predictions: pd.DataFrame, outcomes: Sequence[str], which: str) -> float:
    """Return the mean AUC of some outcomes in one set.

    Parameters
    ----------
    reference, predictions : pandas.DataFrame
        Schemas REFERENCE and PREDICTIONS.
    outcomes : sequence of str
    which : {"validation", "test"}

    Returns
    -------
    float
        Over the outcomes of which the set has cases and controls among the exams with a score; missing where there is none.
        An outcome that the network could not learn counts as one half: it ranks nobody.
    """
    table = reference[reference["set"] == which].merge(predictions, on="exam", suffixes=("", "_score"))
    areas = []
    for name in outcomes:
        truth = table[name].astype(float)
        scores = table[f"{name}_score"]
        learnt = scores.notna().any()
        known = truth.notna() & (scores.notna() | (not learnt))
        if truth[known].nunique() == 2:
            areas.append(roc_auc_score(truth[known], scores[known]) if learnt else 0.5)
    return float(np.mean(areas)) if areas else float("nan")


def collect(
    folder: Path, scheme: Scheme, strategies: Sequence[str], seeds: Sequence[int], rounds: int, measure: Measure
) -> pd.DataFrame:
    """Read how each round did.

    Parameters
    ----------
    folder : Path
        With <strategy>/seed-S/round-R/.
    scheme : Scheme
    strategies, seeds
    rounds : int
        The last round.
    measure : str

    Returns
    -------
    pandas.DataFrame
        strategy, seed, round, labelled (training exams), validation, test (performance); the start stands in
        each strategy as round 0.
    """
    outcomes = judged(scheme, measure)
    rows: list[dict[str, object]] = []
    for seed in seeds:
        for strategy in strategies:
            for number in range(rounds + 1):
                place = folder / (START if number == 0 else strategy) / f"seed-{seed}" / f"round-{number}"
                reference = read_table(place / "reference.parquet", REFERENCE)
                predictions = read_table(place / "predictions/exams.parquet", PREDICTIONS)
                training = reference[reference["set"] == "training"]
                row = {"strategy": strategy, "seed": seed, "round": number, "labelled": int(labelled(training).sum())}
                done = {which: performance(reference, predictions, outcomes, which) for which in ("validation", "test")}
                rows.append(row | done)
    return pd.DataFrame(rows, columns=list(ROUNDS.columns)).sort_values(
        ["strategy", "seed", "round"], ignore_index=True
    )


def summarise(table: pd.DataFrame, level: float) -> pd.DataFrame:
    """Average over seeds, and compare each strategy with random, seed by seed.

    Parameters
    ----------
    table : pandas.DataFrame
        From `collect`.
    level : float
        Confidence level.

    Returns
    -------
    pandas.DataFrame
        strategy, round, labelled, seeds, and of validation, test and difference (test AUC less that of random with
        the same seed) the mean with the limits `_low` and `_high` of Student's t interval over the seeds; level.
        Limits are missing with one seed, the difference where random was not run.
    """
    other = table[table["strategy"] == RANDOM][["seed", "round", "test"]].rename(columns={"test": "by_chance"})
    table = table.merge(other, on=["seed", "round"], how="left").assign(difference=lambda t: t["test"] - t["by_chance"])
    rows = []
    for (strategy, number), part in table.groupby(["strategy", "round"]):
        row = {"strategy": strategy, "round": number, "labelled": part["labelled"].mean(), "seeds": len(part)}
        for name in ("validation", "test", "difference"):
            row |= dict(zip((name, f"{name}_low", f"{name}_high"), _mean(part[name].to_numpy(), level), strict=True))
        rows.append(row | {"level": level})
    return pd.DataFrame(rows)


def _mean(values: np.ndarray, level: float) -> tuple[float, float, float]:
    mean = float(values.mean())
    if len(values) < 2 or np.isnan(mean):
        return mean, np.nan, np.nan
    half = float(stats.t.ppf((1 + level) / 2, len(values) - 1) * stats.sem(values))
    return mean, mean - half, mean + half


def stops(table: pd.DataFrame, settings: ActiveLearningSettings) -> pd.DataFrame:
    """Say where the stopping rule would have ended each run.

    Returns
    -------
    pandas.DataFrame
        strategy, seed, stopped (0 or 1), round, labelled, test; the last round where it would have gone on.
    """
    rows = []
    for (strategy, seed), part in table.groupby(["strategy", "seed"]):
        part = part.sort_values("round").reset_index(drop=True)
        found = stop_round(part["validation"].tolist(), settings.tolerance, settings.patience)
        at = part.iloc[len(part) - 1 if found is None else found]
        row = {"strategy": strategy, "seed": seed, "stopped": int(found is not None)}
        rows.append(row | {name: at[name] for name in ("round", "labelled", "test")})
    return pd.DataFrame(rows)
