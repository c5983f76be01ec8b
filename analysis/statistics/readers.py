"""The network beside the readers: the same exams, the same reference, the same measures.

Readers took part in the consensus that they are compared with, the network did not: what
separates them is, if anything, in the readers' favour.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.schemas import WEIGHTS
from analysis.schemas.comparisons import COMPARISONS
from analysis.schemas.statistics import READERS
from analysis.statistics.comparisons import compare_calls, holm, untested
from analysis.statistics.data import Matched
from analysis.statistics.grades import agreement_rows
from analysis.statistics.questions import Questions
from analysis.statistics.settings import StatisticsSettings
from analysis.statistics.uncertainty.proportions import Names
from analysis.statistics.uncertainty.resample import Floats, Resamples

NETWORK = "network"


def compare_readers(
    study: Matched,
    readings: pd.DataFrame | None,
    thresholds: pd.DataFrame,
    resamples: Resamples,
    *,
    settings: StatisticsSettings,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compare the network and each reader of the test set with the reference.

    Items are compared by their grades; outcomes that are no grade or group of an item (disease, findings) as items
    of two levels, present or absent, for the network by the threshold of thresholds.csv.

    Parameters
    ----------
    study : Matched
    readings : pandas.DataFrame or None
        Independent readings in long form (`analysis.statistics.brought.read_readers`). Without them the tables
        are empty.
    thresholds : pandas.DataFrame
        thresholds.csv: the threshold of the validation set is used, that of the test set where there is none.
    resamples : Resamples
        Of the test set.
    settings : StatisticsSettings

    Returns
    -------
    readers : pandas.DataFrame
        item, who, role, measure, estimate, low, high, n, method, reason. `who` is "network" or a reader; all on
        the exams that every reader graded. Where the readers have no exam in common, each is on its own exams
        beside a network called "network on the exams of <reader>".
    comparisons : pandas.DataFrame
        Per outcome, balanced accuracy of the network at its threshold minus that of the reader, with P values as they
        are and corrected by Holm over the table.
    """
    calls, roles = _readings(study, readings)
    inside = study.rows("test")
    truth, score = study.truth[inside].reset_index(drop=True), study.score[inside].reset_index(drop=True)
    positive = _positive(score, thresholds)
    rows: list[dict[str, Any]] = []
    for item, levels in _compared(study).items():
        graded = study.grade[inside].reset_index(drop=True) if item in study.grade else truth
        network = study.predicted[inside].reset_index(drop=True) if item in study.grade else positive
        columns = {NETWORK: network, **calls}
        found = {who: table[item].to_numpy(dtype=float) for who, table in columns.items() if item in table}
        rows += _item_rows(
            item,
            levels,
            graded[item].to_numpy(dtype=float),
            found,
            study.patients("test"),
            resamples,
            minimum=settings.minimum_cases,
        )
    table = pd.DataFrame(rows, columns=[name for name in READERS.columns if name != "role"])
    table.insert(2, "role", table["who"].map(roles).fillna(NETWORK))
    return table, _comparisons(study, calls, positive, settings)


def _compared(study: Matched) -> dict[str, int]:
    """Return what is compared, with its number of levels."""
    scheme = study.scheme
    items = {name: len(item.levels) for name, item in scheme.items.items()}
    return items | {o.id: 2 for o in scheme.outcomes if o.kind not in ("grade", "group") and o.id not in items}


def _readings(study: Matched, table: pd.DataFrame | None) -> tuple[dict[str, pd.DataFrame], dict[str, str]]:
    """Return what each reader called each exam of the test set, outcomes included, and the readers' roles."""
    if table is None:
        return {}, {}
    names = study.exams.loc[study.rows("test"), "exam"].reset_index(drop=True)
    table = table[table["exam"].isin(set(names)) & (table["role"] != "consensus")]
    calls, roles = {}, {}
    for reader, mine in table.groupby("reader"):
        by_weight = mine.sort_values("role", key=lambda role: role.map(WEIGHTS), kind="stable")
        wide = by_weight.pivot_table(index="exam", columns="item", values="value", aggfunc="last").astype(float)
        wide = wide.reindex(names).reset_index(drop=True)
        calls[str(reader)] = pd.concat(
            [wide[list(set(study.scheme.items) & set(wide))], study.scheme.derive(wide)], axis=1
        )
        roles[str(reader)] = str(by_weight["role"].iloc[-1])
    return calls, roles


def left_out(study: Matched, table: pd.DataFrame, path: Path) -> list[str]:
    """Say which readings take no part, since the scheme has no such item or the reference no such exam."""
    unknown = {
        f"items that '{study.scheme.name}' doesn't have": table.loc[~table["item"].isin(study.scheme.highest), "item"],
        "exams without a reference": table.loc[~table["exam"].isin(study.reference["exam"]), "exam"],
    }
    return [
        f"{len(names)} of the readings in {path} are of {what} and take no part (such as '{names.iloc[0]}')."
        for what, names in unknown.items()
        if len(names)
    ]


def _positive(score: pd.DataFrame, thresholds: pd.DataFrame) -> pd.DataFrame:
    """Return the network's yes (1) or no (0) by outcome; missing where it has no threshold or no score."""
    chosen = thresholds[np.isfinite(thresholds["threshold"].astype(float))]
    chosen = chosen.sort_values("chosen_on", key=lambda s: s != "validation", kind="stable")
    found = {}
    for outcome, threshold in chosen.drop_duplicates("outcome").set_index("outcome")["threshold"].items():
        found[outcome] = (score[outcome] >= threshold).astype(float).where(score[outcome].notna())
    return pd.DataFrame(found, index=score.index)


def _item_rows(
    item: str,
    levels: int,
    reference: Floats,
    columns: dict[str, Floats],
    patients: Names,
    resamples: Resamples,
    *,
    minimum: int,
) -> list[dict[str, Any]]:
    graded = {who: values for who, values in columns.items() if not np.isnan(values).all()}
    machine = graded.pop(NETWORK, None)
    if machine is None or not graded:
        return []
    usable = ~(np.isnan(reference) | np.isnan(machine))
    common = usable & np.all([~np.isnan(values) for values in graded.values()], axis=0)
    parts = [(common, {NETWORK: machine, **graded})]
    if not common.any():
        parts = [
            (usable & ~np.isnan(values), {f"{NETWORK} on the exams of {who}": machine, who: values})
            for who, values in graded.items()
        ]
    rows = []
    for keep, members in parts:
        for who, values in members.items():
            found = agreement_rows(
                np.where(keep, reference, np.nan), values, levels, patients, resamples, minimum=minimum
            )
            rows += [{"item": item, "who": who, **row} for row in found]
    return rows


def _comparisons(
    study: Matched, calls: dict[str, pd.DataFrame], positive: pd.DataFrame, settings: StatisticsSettings
) -> pd.DataFrame:
    inside = study.rows("test")
    patients = study.patients("test")
    rows, questions = [], Questions(study.scheme)
    for outcome in study.scheme.outcomes:
        for reader, table in calls.items():
            if outcome.id not in positive or table[outcome.id].isna().all():
                continue
            found = compare_calls(
                study.truth[outcome.id].to_numpy(dtype=float)[inside],
                positive[outcome.id].to_numpy(dtype=float),
                table[outcome.id].to_numpy(dtype=float),
                settings,
                patients=patients,
            )
            if same := questions.repeated(outcome.id, found["p"], who=reader):
                found |= untested(same)
            name = {"outcome": outcome.id, "first": NETWORK, "second": reader, "measure": "balanced_accuracy"}
            rows.append(name | found)
    return holm(pd.DataFrame(rows, columns=list(COMPARISONS.columns)), settings.holm_family)
