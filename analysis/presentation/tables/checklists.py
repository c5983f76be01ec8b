"""Reporting guidelines as tables: each item, and where the manuscript addresses it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from analysis.presentation.markdown import Table
from analysis.settings import Settings, parse
from analysis.yaml_files import load_yaml


class Entry(Settings):
    """One item of a guideline.

    Attributes
    ----------
    item : str
        Its number in the guideline.
    topic : str
        What it asks for, in short words of our own.
    where : list of str
        Sections, figures and tables that address it, as cross-references: `sec-…`, `fig-…`, `tbl-…`.
    status : {"addressed", "partly", "not addressed", "not applicable"}
    note : str
        Why it is not addressed, or what is missing.
    """

    item: str
    topic: str
    where: list[str] = Field(default_factory=list)
    status: Literal["addressed", "partly", "not addressed", "not applicable"] = "addressed"
    note: str = ""

    @model_validator(mode="after")
    def _says_where(self) -> Entry:
        if self.status in ("addressed", "partly") and not self.where:
            raise ValueError(f"item {self.item} is '{self.status}' but has no 'where'; name a section, figure or table")
        if self.status != "addressed" and not self.note:
            raise ValueError(f"item {self.item} is '{self.status}' but has no 'note'; say why")
        return self


class Checklist(Settings):
    """A guideline as data."""

    title: str
    citation: str
    sections: dict[str, list[Entry]]


def read_checklist(path: Path) -> Checklist:
    """Read a guideline from its YAML file; StudyError names the file and the key that is wrong."""
    return parse(Checklist, load_yaml(path), str(path))


def checklist(path: Path) -> Table:
    """Make the table of a guideline."""
    rows: list[list[str]] = []
    for section, entries in read_checklist(path).sections.items():
        rows.append([section])
        for entry in entries:
            where = ", ".join(f"@{name}" for name in entry.where)
            said = "" if entry.status == "addressed" else entry.status.capitalize()
            note = f"{said}: {entry.note}" if said else f"({entry.note})" if entry.note else ""
            rows.append([entry.item, entry.topic, f"{where}. {note}" if where and said else f"{where} {note}".strip()])
    return Table(("Item", "Asks for", "Where"), rows, align="lll", widths=(8, 42, 50), heading=1, markdown=True)
