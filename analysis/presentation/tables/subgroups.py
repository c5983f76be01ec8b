"""Subgroups in a table."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from analysis.grading.scheme import Outcome
from analysis.presentation.format import count, decapitalise, interval, known, listed, p_value
from analysis.presentation.markdown import Table
from analysis.presentation.results import Results

if TYPE_CHECKING:
    import pandas as pd


def subgroups(results: Results) -> Table | None:
    """AUC by subgroup, each level's difference to the one it is compared with, and P values after Holm's correction.

    Of outcomes that ask the same question the first, which was tested, stands for all, and a subgroup of one level has no
    row: it would repeat the whole test set. Every row is in subgroups.csv of the statistics.
    """
    frame = several_levels(results)
    if frame.empty:
        return None
    digits = results.settings.digits
    rows: list[list[str]] = []
    for same in shown(results):
        part = frame[frame["outcome"] == same[0].id]
        rows.append([listed([same[0].title, *(decapitalise(outcome.title) for outcome in same[1:])])])
        for _, row in part.iterrows():
            rows.append(
                [
                    _level(dict(row)),
                    f"{count(row['cases'])} / {count(row['n'])}",
                    interval(dict(row), "auc", digits),
                    interval(dict(row), "difference", digits) if known(row.get("against")) else "compared with",
                    p_value(row.get("p_holm")),
                ]
            )
    level = results.level
    return Table(["", "Cases / exams", f"AUC ({level} CI)", f"Difference ({level} CI)", "P (Holm)"], rows)


def several_levels(results: Results) -> pd.DataFrame:
    """Return the rows of subgroups.csv that have an AUC, of subgroups that divide the exams: those of several levels."""
    frame = results.estimates("subgroups")
    known_here = frame["outcome"].isin([outcome.id for outcome in results.outcomes()])
    frame = frame[frame["auc"].notna() & known_here]
    return frame[frame.groupby(["outcome", "subgroup"])["level"].transform("size") > 1]


def shown(results: Results) -> list[list[Outcome]]:
    """Return the questions whose subgroups are shown, each with its outcomes, the one that was tested first.

    They are those that a merged grade or disease asks; where neither was compared, all.
    """
    frame = several_levels(results)
    questions = asked(results, among=set(frame["outcome"]))
    merged = [same for same in questions if any(outcome.kind in ("group", "disease") for outcome in same)]
    return merged or questions


def asked(results: Results, *kinds: str, among: Collection[str] | None = None) -> list[list[Outcome]]:
    """Return the outcomes of some kinds, those that ask one question together; `among` are those that have estimates."""
    found: dict[str, list[Outcome]] = {}
    for outcome in results.outcomes(*kinds):
        if among is None or outcome.id in among:
            found.setdefault(results.question[outcome.id], []).append(outcome)
    return list(found.values())


def _level(row: Mapping[Any, Any]) -> str:
    """Return "Sex: female"."""
    text = level_name(f"{row['subgroup']}: {row['level']}")
    return text[0].upper() + text[1:]


def level_name(text: str) -> str:
    """Return a subgroup or a level of one as it is printed: "lateral view", "AP + lateral"."""
    return re.sub(r"\bap\b", "AP", re.sub(r"^view (\w+)", r"\1 view", text.replace("_", " ")))
