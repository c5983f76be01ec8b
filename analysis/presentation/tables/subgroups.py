"""Subgroups in a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analysis.presentation.format import count, interval, known, p_value
from analysis.presentation.markdown import Table
from analysis.presentation.results import Results


def subgroups(results: Results) -> Table | None:
    """AUC by subgroup, with the difference to the other exams and P values after Holm's correction."""
    frame = results.estimates("subgroups")
    if frame.empty:
        return None
    digits = results.settings.digits
    rows: list[list[str]] = []
    for outcome in results.outcomes("group", "disease"):
        part = frame[(frame["outcome"] == outcome.id) & frame["auc"].notna()]
        if part.empty:
            continue
        rows.append([outcome.title])
        for _, row in part.iterrows():
            rows.append(
                [
                    _level(dict(row)),
                    f"{count(row['cases'])} / {count(row['n'])}",
                    interval(dict(row), "auc", digits),
                    interval(dict(row), "difference", digits),
                    p_value(row.get("p_holm")),
                ]
            )
    if not rows:
        return None
    level = results.level
    return Table(["", "Cases / exams", f"AUC ({level} CI)", f"Difference ({level} CI)", "P (Holm)"], rows)


def _level(row: Mapping[Any, Any]) -> str:
    """Return "Sex: female, against male"; the difference is to what stands after "against"."""
    text = f"{row['subgroup']}: {row['level']}" + (f", against {row['against']}" if known(row.get("against")) else "")
    text = text.replace("_", " ")
    return text[0].upper() + text[1:]
