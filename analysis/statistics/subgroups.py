"""The AUC in parts of the test set that the network should be robust to, and whether it differs."""

from __future__ import annotations

import itertools
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis import schemas
from analysis.errors import StudyError
from analysis.schemas.statistics import SUBGROUPS
from analysis.statistics.comparisons import TEST, compare_samples, holm, too_few
from analysis.statistics.data import Matched
from analysis.statistics.discrimination import EQUAL
from analysis.statistics.sample import Sample
from analysis.statistics.settings import StatisticsSettings
from analysis.statistics.uncertainty import roc
from analysis.statistics.uncertainty.intervals import estimate, interval
from analysis.tables import read_typed

NAN = float("nan")
WITH, WITHOUT = "with", "without"


def divide(study: Matched, exams: Path | None, images: Path | None, settings: StatisticsSettings) -> pd.DataFrame:
    """Find the level of every exam of the test set in every subgroup.

    Parameters
    ----------
    study : Matched
    exams : Path, optional
        Table of exams (age in years, sex, protocol).
    images : Path, optional
        Index of images (exam, view).
    settings : StatisticsSettings

    Returns
    -------
    pandas.DataFrame
        One row per exam of the test set, in the study's order; one column per subgroup, missing where not known:
        a finding or a view ("with", "without"), "projections" (the views of the exam), "protocol", "sex", "age".

    Raises
    ------
    StudyError
        If the table of exams lacks one of the test set.
    """
    names = study.exams.loc[study.rows("test"), "exam"].reset_index(drop=True)
    found = pd.DataFrame(index=names.index)
    reference = study.reference.set_index("exam").loc[names].reset_index(drop=True)
    for finding in settings.subgroup_findings:
        if finding in study.scheme.findings:
            found[finding] = _presence(reference[finding].gt(0).where(reference[finding].notna()))
    if images is not None:
        index = read_typed(images, schemas.IMAGES)
        views = index.dropna(subset=["view"]).groupby("exam")["view"].unique()
        seen = pd.Series([sorted(views.get(exam, ())) for exam in names], index=names.index)
        for view in sorted({view for views in seen for view in views}):
            found[f"view_{view}"] = _presence(seen.map(lambda v, view=view: view in v if v else None))
        found["projections"] = seen.map(lambda v: " + ".join(v) if v else None)
    if exams is not None:
        table = read_typed(exams, schemas.EXAMS).set_index("exam")
        missing = set(names) - set(table.index)
        if missing:
            raise StudyError(f"{exams} has no exam {min(missing)}, which the reference has; are they of one study?")
        table = table.loc[names].reset_index(drop=True)
        found["protocol"], found["sex"] = table["protocol"], table["sex"]
        found["age"] = _bands(table["age"].astype(float), settings.age_bands)
    return found.astype(object).where(found.notna(), None)


def subgroup_rows(
    sample: Sample, outcome: str, groups: pd.DataFrame, settings: StatisticsSettings, *, repeats: str | None = None
) -> list[dict[str, Any]]:
    """Estimate the AUC of one outcome in each level of each subgroup, and its difference from the largest level.

    The difference, its interval and its P value follow from the intervals of the two parts
    (`analysis.statistics.uncertainty.intervals`); where the parts share patients, with the correlation of the two.

    Parameters
    ----------
    sample : Sample
    outcome : str
    groups : pandas.DataFrame
        See `divide`.
    settings : StatisticsSettings
    repeats : str, optional
        Why nothing is tested: the question is another outcome's, and tested there.

    Returns
    -------
    list of dict
        Rows of subgroups.csv without `p_holm`, the levels of a subgroup in their order. `against` names the level that
        another is compared with; that one itself has none.
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
        for level in sorted(levels.index.astype(str), key=partial(_place, settings.age_bands)):
            part = sample.part((values == level).to_numpy())
            row = {"outcome": outcome, "subgroup": subgroup, "level": level, **_auc(part, settings)}
            if level != largest:
                row |= {"against": largest, **_difference(part, base, settings, repeats)}
            elif len(levels) == 1 and not row["reason"]:
                row["reason"] = "all exams are of this level: nothing to compare"
            rows.append(row)
    return rows


def correct(table: pd.DataFrame, settings: StatisticsSettings) -> pd.DataFrame:
    """Add Holm's correction of the p values, within `settings.holm_family`."""
    return holm(table.reindex(columns=list(SUBGROUPS.columns)), settings.holm_family)


def _presence(present: pd.Series) -> pd.Series:
    return present.map({True: WITH, False: WITHOUT})


def _bands(age: pd.Series, edges: tuple[float, ...]) -> pd.Series:
    if not edges:
        return pd.Series(None, age.index, dtype=object)
    return pd.cut(age, [-np.inf, *edges, np.inf], right=False, labels=_ages(edges)).astype(object)


def _ages(edges: tuple[float, ...]) -> list[str]:
    """Return the names of the age bands, the youngest first."""
    if not edges:
        return []
    between = [f"{low:g} to under {high:g}" for low, high in itertools.pairwise(edges)]
    return [f"under {edges[0]:g}", *between, f"{edges[-1]:g} and over"]


def _place(edges: tuple[float, ...], level: str) -> tuple[int, str]:
    """Return where a level stands among those of its subgroup: ages as they rise, without before with, else by name."""
    order = [*_ages(edges), WITHOUT, WITH]
    return (order.index(level) if level in order else -1, level)


def _auc(part: Sample, settings: StatisticsSettings) -> dict[str, Any]:
    row: dict[str, Any] = {"n": len(part.truth), "cases": part.cases, "auc": NAN, "low": NAN, "high": NAN}
    if part.problem:
        return row | {"method": None, "reason": part.problem}
    auc = roc.auc(part.truth, part.score)
    if np.ptp(part.score) == 0:
        return row | {"auc": auc, "method": None, "reason": EQUAL}
    _, cases, controls = estimate(part.truth, part.score, part.patients)
    low, high = interval(auc, cases, controls, settings.level)
    return row | {"auc": auc, "low": low, "high": high, "method": "score", "reason": None}


def _difference(part: Sample, base: Sample, settings: StatisticsSettings, repeats: str | None) -> dict[str, Any]:
    row: dict[str, Any] = {"difference": NAN, "difference_low": NAN, "difference_high": NAN, "p": NAN, "test": None}
    if part.problem or base.problem:
        return row | {"reason": part.problem or f"{base.problem} among the others"}
    row["difference"] = roc.auc(part.truth, part.score) - roc.auc(base.truth, base.score)
    if repeats:
        return row | {"reason": repeats}
    if min(part.fewest, base.fewest) < settings.minimum_cases:
        return row | {"reason": too_few(settings.minimum_cases)}
    if any(np.ptp(one.score) == 0 for one in (part, base)):
        return row | {"reason": "all scores of a part are equal: nothing to compare"}
    _, low, high, p = compare_samples(part, base, settings.level)
    return row | {"difference_low": low, "difference_high": high, "p": p, "test": TEST, "reason": None}
