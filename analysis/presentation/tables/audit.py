"""The audit of the published tables, in a table."""

from __future__ import annotations

from analysis.presentation.format import NONE, count, known
from analysis.presentation.markdown import Table
from analysis.presentation.results import Results


def audit(results: Results) -> Table | None:
    """Tabulate what can be recomputed from the published tables, and whether it agrees."""
    frame = results.audited
    if frame.empty:
        return None
    rows: list[list[str]] = []
    for table in frame["table"].unique():
        part = frame[frame["table"] == table]
        failed = part[~part["holds"].astype(str).isin(("True", "true", "1"))]
        rows.append([str(table)])
        rows.append(["All checks", "", "", f"{count(len(part) - len(failed))} of {count(len(part))} hold", ""])
        for _, row in failed.iterrows():
            rows.append(
                [
                    f"{row['row']}: {row['check']}",
                    _value(row.get("published")),
                    _value(row.get("recomputed")),
                    "does not hold",
                    str(row["note"]) if known(row.get("note")) else "",
                ]
            )
    return Table(["", "Published", "Recomputed", "Result", "Note"], rows, align="lrrll")


def _value(value: object) -> str:
    try:
        return f"{float(value):g}" if known(value) else NONE  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return str(value)
