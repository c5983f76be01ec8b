"""How far the AUC moves with the random start of the network: each network of an ensemble by itself."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm

from analysis.errors import StudyError
from analysis.schemas.statistics import SEEDS
from analysis.statistics.data import Matched
from analysis.statistics.sample import make_sample
from analysis.statistics.uncertainty import roc

NAN = float("nan")


def seed_rows(study: Matched, members: pd.DataFrame, estimates: pd.DataFrame) -> pd.DataFrame:
    """Estimate the AUC of each network of an ensemble in the test set, and set their spread beside the sampling error.

    The AUC that is reported is that of the averaged scores of n networks. Its standard error of training is that of a
    mean of n, the spread of single networks over the square root of n.

    Parameters
    ----------
    study : Matched
    members : pandas.DataFrame
        seeds.parquet of the predictions: exam, outcome, seed, score.
    estimates : pandas.DataFrame
        roc.csv, whose intervals give the sampling error.

    Returns
    -------
    pandas.DataFrame
        outcome, seeds (networks that learnt it), lowest and highest AUC of a single one, `sd` of the single ones,
        `training_error` and `sampling_error` (standard errors of the reported AUC, from both). Outcomes that no
        network learnt, or without an AUC, have no row; with one network there is neither spread nor error of training.

    Raises
    ------
    StudyError
        If a network has no score for some test exam that others have one for.
    """
    # ASSUME: to first order the scores' average moves with the random start as the mean of the single AUCs does.
    here = estimates[(estimates["set"] == "test") & estimates["auc"].notna()].set_index("outcome").to_dict("index")
    inside, patients = study.rows("test"), study.patients("test")
    exams = study.exams.loc[inside, "exam"]
    rows = []
    for name, part in members[members["score"].notna()].groupby("outcome", sort=False):
        outcome = str(name)
        if outcome not in here:
            continue
        scores = part.pivot_table(index="exam", columns="seed", values="score").reindex(exams)
        if (scores.isna().any(axis=1) & scores.notna().any(axis=1)).any():
            raise StudyError(f"The seeds of the predictions don't score the same exams for '{outcome}'; predict again.")
        truth = study.truth[outcome].to_numpy(dtype=float)[inside]
        samples = [make_sample(truth, scores[seed].to_numpy(dtype=float), patients) for seed in scores]
        if any(sample.problem for sample in samples):
            continue
        aucs = np.array([roc.auc(sample.truth, sample.score) for sample in samples])
        own = here[outcome]
        sd = float(aucs.std(ddof=1)) if len(aucs) > 1 else NAN
        rows.append(
            {
                "outcome": outcome,
                "seeds": len(aucs),
                "lowest": aucs.min(),
                "highest": aucs.max(),
                "sd": sd,
                "training_error": sd / np.sqrt(len(aucs)),
                "sampling_error": (own["high"] - own["low"]) / (2 * norm.ppf((1 + own["level"]) / 2)),
            }
        )
    return pd.DataFrame(rows, columns=list(SEEDS.columns))
