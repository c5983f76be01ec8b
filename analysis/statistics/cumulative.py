"""Whether the scores of an ordinal item are probabilities: of each grade and above (cumulative calibration)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis.schemas.calibration import CUMULATIVE, CUMULATIVE_FIT
from analysis.schemas.columns import empty
from analysis.statistics.calibration import calibration_row, reliability_rows
from analysis.statistics.data import Matched
from analysis.statistics.sample import make_sample
from analysis.statistics.settings import StatisticsSettings
from analysis.statistics.uncertainty.resample import Floats, Resamples


def cumulative_tables(study: Matched, resamples: Resamples, settings: StatisticsSettings) -> dict[str, pd.DataFrame]:
    """Compare the predicted probability of each grade and above with the observed share, on the test set.

    Parameters
    ----------
    study : Matched
    resamples : Resamples
        Of the test set.
    settings : StatisticsSettings

    Returns
    -------
    dict of str to pandas.DataFrame
        cumulative.csv: item, at_least (the grade), and the columns of reliability.csv; cumulative_fit.csv: item,
        at_least, falling (share of exams in which this probability isn't above that of the grade before: 1 where the
        scores are in order), and the columns of calibration.csv. Both at the prevalence of `settings.prevalence_set`.
    """
    inside = study.rows("test")
    bins: list[pd.DataFrame] = []
    fits: list[dict[str, Any]] = []
    for name, item in study.scheme.items.items():
        grade = study.grade.loc[inside, name].to_numpy(dtype=float)
        known = study.reference.loc[study.reference["set"] == settings.prevalence_set, name].dropna()
        before = np.ones(len(grade))
        for level in list(item.levels)[1:]:
            score = at_least(study, name, level)[inside]
            truth = np.where(np.isnan(grade), np.nan, grade >= level)
            sample = make_sample(truth, score, study.patients("test"))
            stated: dict[str, Any] = {
                "prevalence": float((known >= level).mean()) if len(known) else float("nan"),
                "source": f"{settings.prevalence_set} set",
            }
            head = {"item": name, "at_least": level}
            both = ~(np.isnan(score) | np.isnan(before))
            falling = float((score <= before)[both].mean()) if both.any() else float("nan")
            fit = calibration_row(sample, f"{name}_{level}", resamples, settings, **stated)
            fits.append(head | {"falling": falling} | {key: value for key, value in fit.items() if key != "outcome"})
            rows = reliability_rows(sample, name, settings, **stated).drop(columns="outcome")
            rows.insert(0, "at_least", level)
            rows.insert(0, "item", name)
            bins.append(rows)
            before = score
    filled = [rows for rows in bins if len(rows)]
    return {
        "cumulative.csv": pd.concat(filled, ignore_index=True) if filled else empty(CUMULATIVE),
        "cumulative_fit.csv": pd.DataFrame(fits, columns=list(CUMULATIVE_FIT.columns)),
    }


def at_least(study: Matched, item: str, level: int) -> Floats:
    """Return the probability of a grade and above, by the first outcome that has a score for it.

    The outcome of exactly these grades; or one less that of all grades below; or the sum of the grades' own, at most 1 where
    they are probabilities.
    """
    outcomes = [outcome for outcome in study.scheme.outcomes if outcome.item == item]
    levels = set(study.scheme.items[item].levels)
    above = {value for value in levels if value >= level}
    scores = {frozenset(o.levels): study.score[o.id].to_numpy(dtype=float) for o in outcomes}
    unknown = np.full(len(study.exams), np.nan)
    own = np.array([scores.get(frozenset({value}), unknown) for value in above])
    found = own.sum(axis=0)
    found = np.where(((own >= 0) & (own <= 1)).all(axis=0), np.minimum(found, 1.0), found)
    for value in (1 - scores.get(frozenset(levels - above), unknown), scores.get(frozenset(above), unknown)):
        found = np.where(np.isnan(value), found, value)
    return found
