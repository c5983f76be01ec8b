"""Reporting guidelines as tables: each item, and where the manuscript addresses it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from analysis.presentation.markdown import Table
from analysis.settings import Settings, parse
from analysis.yaml_files import load_yaml


class Answer(Settings):
    """Where an item is addressed, or why it isn't.

    Attributes
    ----------
    where : list of str
        Sections, figures and tables that address it, as cross-references: `sec-…`, `fig-…`, `tbl-…`.
    status : {"addressed", "partly", "not addressed", "not applicable"}
    note : str
        Why it is not addressed, or what is missing.
    """

    where: list[str] = Field(default_factory=list)
    status: Literal["addressed", "partly", "not addressed", "not applicable"] = "addressed"
    note: str = ""

    @model_validator(mode="after")
    def _says_where(self) -> Answer:
        if self.status in ("addressed", "partly") and not self.where:
            raise ValueError(f"{self.name} is '{self.status}' but has no 'where'; name a section, figure or table")
        if self.status != "addressed" and not self.note:
            raise ValueError(f"{self.name} is '{self.status}' but has no 'note'; say why")
        return self

    @property
    def name(self) -> str:
        """What to call it in an error."""
        return "an item's answer for external validation"


class Entry(Answer):
    """One item of a guideline.

    Attributes
    ----------
    item : str
        Its number in the guideline.
    topic : str
        What it asks for, in short words of our own.
    external : Answer, optional
        The answer of a study that judges a network trained elsewhere, where it is another one.
    """

    item: str
    topic: str
    external: Answer | None = None

    @property
    def name(self) -> str:
        """What to call it in an error."""
        return f"item {self.item}"


class Checklist(Settings):
    """A guideline as data."""

    title: str
    citation: str
    sections: dict[str, list[Entry]]


def read_checklist(path: Path) -> Checklist:
    """Read a guideline from its YAML file; StudyError names the file and the key that is wrong."""
    return parse(Checklist, load_yaml(path), str(path))


def checklist(path: Path, external: bool = False) -> Table:
    """Make the table of a guideline, of a study that trains a network or, `external`, one that judges another's."""
    rows: list[list[str]] = []
    for section, entries in read_checklist(path).sections.items():
        rows.append([section])
        for entry in entries:
            answer = entry.external if external and entry.external else entry
            where = ", ".join(f"@{name}" for name in answer.where)
            said = "" if answer.status == "addressed" else answer.status.capitalize()
            note = f"{said}: {answer.note}" if said else f"({answer.note})" if answer.note else ""
            rows.append([entry.item, entry.topic, f"{where}. {note}" if where and said else f"{where} {note}".strip()])
    return Table(("Item", "Asks for", "Where"), rows, align="lll", widths=(8, 42, 50), heading=1, markdown=True)
