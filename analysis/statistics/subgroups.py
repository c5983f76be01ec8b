"""The AUC in parts of the test set that the network should be robust to, and whether it differs."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.stats.multitest import multipletests

from analysis import schemas
from analysis.errors import StudyError
from analysis.files import read_table
from analysis.statistics import roc
from analysis.statistics.comparisons import bootstrapped
from analysis.statistics.data import Sample, Study
from analysis.statistics.discrimination import newcombe, patients_of
from analysis.statistics.resample import Resamples, weighted_auc
from analysis.statistics.settings import StatisticsSettings

NAN = float("nan")
WITH, WITHOUT = "with", "without"
COLUMNS = (
    "outcome",
    "subgroup",
    "level",
    "against",
    "n",
    "cases",
    "auc",
    "low",
    "high",
    "method",
    *("difference", "difference_low", "difference_high", "p", "p_holm", "reason"),
)


def divide(study: Study, exams: Path | None, images: Path | None, settings: StatisticsSettings) -> pd.DataFrame:
    """Find the level of every exam of the test set in every subgroup.

    Parameters
    ----------
    study : Study
    exams : Path, optional
        Table of exams (age in years, sex, protocol).
    images : Path, optional
        Index of images (exam, view).
    settings : StatisticsSettings

    Returns
    -------
    pandas.DataFrame
        A row an exam of the test set, in the study's order; a column a subgroup, missing where not known:
        a finding or a view ("with", "without"), "projections" (the views of the exam), "protocol", "sex", "age".
    """
    names = study.exams.loc[study.rows("test"), "exam"].reset_index(drop=True)
    found = pd.DataFrame(index=names.index)
    reference = study.reference.set_index("exam").loc[names].reset_index(drop=True)
    for finding in settings.subgroup_findings:
        if finding in study.scheme.findings:
            found[finding] = _presence(reference[finding].gt(0).where(reference[finding].notna()))
    if images is not None:
        index = read_table(images, schemas.IMAGES)
        views = index.dropna(subset=["view"]).groupby("exam")["view"].unique()
        seen = pd.Series([sorted(views.get(exam, ())) for exam in names], index=names.index)
        for view in sorted({view for views in seen for view in views}):
            found[f"view_{view}"] = _presence(seen.map(lambda v, view=view: view in v if v else None))
        found["projections"] = seen.map(lambda v: " + ".join(v) if v else None)
    if exams is not None:
        table = read_table(exams, schemas.EXAMS).set_index("exam")
        missing = set(names) - set(table.index)
        if missing:
            raise StudyError(f"{exams} has no exam {min(missing)}, which the reference has; are they of one study?")
        table = table.loc[names].reset_index(drop=True)
        found["protocol"], found["sex"] = table["protocol"], table["sex"]
        found["age"] = _bands(table["age"].astype(float), settings.age_bands)
    return found.astype(object).where(found.notna(), None)


def subgroup_rows(
    sample: Sample, outcome: str, groups: pd.DataFrame, resamples: Resamples, settings: StatisticsSettings
) -> list[dict[str, Any]]:
    """Estimate the AUC of one outcome in each level of each subgroup, and its difference from the largest level.

    The difference is tested by DeLong's test for independent samples (pROC); where a patient has several exams, by
    the bootstrap of patients, since then the parts share patients.

    Returns
    -------
    list of dict
        Rows of subgroups.csv without `p_holm`. `against` names the level that others are compared with.
    """
    rows: list[dict[str, Any]] = []
    for subgroup in groups.columns:
        values = groups[subgroup]
        levels = values.value_counts()
        if levels.empty:
            continue
        # The largest level, and of equals the first by name, so that the choice doesn't rest on an order of rows.
        largest = str(min(levels[levels == levels.max()].index))
        base = sample.part((values == largest).to_numpy())
        for level in sorted(levels.index.astype(str), key=lambda name: (name != largest, name)):
            part = sample.part((values == level).to_numpy())
            row = {"outcome": outcome, "subgroup": subgroup, "level": level, **_auc(part, resamples, settings)}
            if level != largest:
                row |= {"against": largest, **_difference(part, base, resamples, settings)}
            elif len(levels) == 1 and not row["reason"]:
                row["reason"] = "all exams are of this level: nothing to compare"
            rows.append(row)
    return rows


def correct(table: pd.DataFrame, settings: StatisticsSettings) -> pd.DataFrame:
    """Add Holm's correction of the p values, within `settings.holm_family`."""
    table = table.reindex(columns=list(COLUMNS))
    tested = table["p"].notna()
    family = table[settings.holm_family] if settings.holm_family != "table" else pd.Series("table", table.index)
    for name in family[tested].unique():
        rows = tested & (family == name)
        table.loc[rows, "p_holm"] = multipletests(table.loc[rows, "p"], method="holm")[1]
    return table


def _presence(present: pd.Series) -> pd.Series:
    return present.map({True: WITH, False: WITHOUT})


def _bands(age: pd.Series, edges: tuple[float, ...]) -> pd.Series:
    if not edges:
        return pd.Series(None, age.index, dtype=object)
    labels = [f"under {edges[0]:g}"]
    labels += [f"{low:g} to under {high:g}" for low, high in itertools.pairwise(edges)]
    labels += [f"{edges[-1]:g} and over"]
    return pd.cut(age, [-np.inf, *edges, np.inf], right=False, labels=labels).astype(object)


def _auc(part: Sample, resamples: Resamples, settings: StatisticsSettings) -> dict[str, Any]:
    row: dict[str, Any] = {"n": len(part.truth), "cases": part.cases, "auc": NAN, "low": NAN, "high": NAN}
    if part.problem:
        return row | {"method": None, "reason": part.problem}
    auc = roc.auc(part.truth, part.score)
    if min(part.cases, part.controls) < settings.few_cases or auc in (0.0, 1.0):
        method, (low, high) = "newcombe", newcombe(auc, *patients_of(part), settings.level)
    elif part.clustered:
        method = "patients"
        low, high = resamples.of(part.keep).interval(lambda weights: weighted_auc(part.truth, part.score, weights))
    else:
        method = "delong"
        _, low, high, _ = roc.delong(part.truth, part.score, settings.level)
    return row | {"auc": auc, "low": low, "high": high, "method": method, "reason": None}


def _difference(part: Sample, base: Sample, resamples: Resamples, settings: StatisticsSettings) -> dict[str, Any]:
    row: dict[str, Any] = {"difference": NAN, "difference_low": NAN, "difference_high": NAN, "p": NAN}
    fewest = min(part.cases, part.controls, base.cases, base.controls)
    if part.problem or base.problem:
        return row | {"reason": part.problem or f"{base.problem} among the others"}
    row["difference"] = roc.auc(part.truth, part.score) - roc.auc(base.truth, base.score)
    if fewest < settings.minimum_cases:
        return row | {"reason": f"fewer than {settings.minimum_cases} cases or controls in a part: no test"}
    both = np.concatenate([part.patients, base.patients])
    if len(set(both)) == len(both):
        _, low, high, p = roc.unpaired(part.truth, part.score, base.truth, base.score, settings.level)
    else:
        draws = [weighted_auc(s.truth, s.score, resamples.of(s.keep).weights) for s in (part, base)]
        found = bootstrapped(row["difference"], draws[0] - draws[1], settings.level)
        low, high, p = found["low"], found["high"], found["p"]
    if not np.isfinite(p):
        return row | {"reason": "no variance: cases and controls don't overlap"}
    return row | {"difference_low": low, "difference_high": high, "p": p, "reason": None}
