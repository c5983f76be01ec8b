"""The text of radiologists' reports that a PACS holds as structured reports (SR)."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import pydicom

from analysis.archive.pacs.query import text

if TYPE_CHECKING:
    from pydicom import Dataset

    from analysis.archive.pacs.shelf import Shelf

#: Titles (DCM) of what machines report: measurements, as in the reports that `push` has sent, and dose.
_BY_MACHINE = ("126000", "113701")
#: Nested deeper, a report is no report.
_DEPTH = 20


def text_of(report: Dataset) -> str:
    """Return the words of a radiologist's structured report in their order, each section under its title.

    Parameters
    ----------
    report : pydicom.Dataset
        A structured report (PS3.3 A.35); the items of type TEXT are taken, wherever they are, but none of a machine's.
    """
    title = report.get("ConceptNameCodeSequence") or []
    if len(title) and (
        text(title[0], "CodeValue") in _BY_MACHINE and text(title[0], "CodingSchemeDesignator") == "DCM"
    ):
        return ""
    return "\n".join(_words(report, 0)).strip()


def _words(item: Dataset, depth: int) -> list[str]:
    if depth > _DEPTH:
        return []
    found = []
    if str(item.get("ValueType", "")) == "TEXT" and (said := text(item, "TextValue")):
        named = item.get("ConceptNameCodeSequence") or []
        title = text(named[0], "CodeMeaning") if len(named) else ""
        found.append(f"{title}: {said}" if title else said)
    for child in item.get("ContentSequence") or []:
        found += _words(child, depth + 1)
    return found


def reports_table(shelf: Shelf) -> tuple[str, int]:
    """Return reports.csv of all structured reports on the shelf, and how many could not be read or have no radiologist's text.

    Returns
    -------
    str
        Columns `accession` and `text`.
    int
    """
    table = StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(("accession", "text"))
    silent = 0
    for path, accession in shelf.files("reports"):
        said = _read(shelf.folder / path)
        silent += not said
        if said:
            writer.writerow((accession, said))
    return table.getvalue(), silent


def _read(path: Path) -> str:
    try:
        return text_of(pydicom.dcmread(path))
    except Exception:  # whatever was sent
        return ""
