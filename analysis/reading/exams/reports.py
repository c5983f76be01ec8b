"""The radiologist's reports, masked when they are shown: few roles see any, so none is masked before."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import Any

from analysis.archive.inspect import SEPARATOR

HIDDEN = "▒▒▒"
#: Columns of the private index whose values must not be read by anybody in the room.
_NAMES = ("patient_id", "other_ids", "patient_name", "people", "contacts", "accession", "study_uid", "birth_date")
# Swedish personal identity numbers and dates, and whatever else is a long number.
_NUMBERS = re.compile(r"\b(?:\d{2,4}[-/. ]\d{1,2}[-/. ]\d{1,4}(?:[-+ ]?\d{4})?|\d{6,}(?:[-+]\d{4})?)\b")


class Reports:
    """The reports of an archive.

    Parameters
    ----------
    archive : Path
        The folder with reports.csv, where there is one.
    private_file : Path
        The private index, for accession numbers and for all that must be masked.
    """

    def __init__(self, archive: Path, private_file: Path) -> None:
        self._path, self._private_file = archive / "reports.csv", private_file

    def of(self, exam: str) -> str:
        """Return an exam's report with what identifies its patient masked; empty where there is none."""
        text = self._texts.get(exam, "")
        if not text:
            return ""
        private = _rows(self._private_file, exam)
        return mask(
            text,
            {word for name in _NAMES if name in private for cell in private[name].dropna() for word in _words(cell)},
        )

    @cached_property
    def _texts(self) -> dict[str, str]:
        if not self._path.is_file():
            return {}
        from analysis.archive.people.matching import reports_of_exams
        from analysis.archive.tables import read_reports
        from analysis.files import read_table

        files = read_table(self._private_file, columns=["exam", "accession", "study_uid"])
        table, _ = reports_of_exams(read_reports(self._path), files, self._path)
        return dict(zip(table["exam"], table["text"].astype(str), strict=True))


def _rows(private_file: Path, exam: str) -> Any:
    """Return the rows of one exam, without the whole table in memory where its format allows that."""
    import pandas as pd

    from analysis.files import read_table
    from analysis.schemas import PRIVATE

    if private_file.suffix == ".parquet":
        return pd.read_parquet(private_file, filters=[("exam", "==", exam)])
    table = read_table(private_file, PRIVATE)
    return table[table["exam"] == exam]


def _words(cell: str) -> set[str]:
    """Return a cell's values whole, and their parts of three letters or more."""
    values = [value for value in str(cell).split(SEPARATOR) if value]
    parts = {part for value in values for part in re.split(r"[\^ ,=]+", value)}
    return {word for word in (*values, *parts) if len(word) >= 3}


def mask(text: str, words: set[str]) -> str:
    """Hide words, dates and long numbers in a text."""
    if words:
        listed = "|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word)))
        text = re.sub(rf"(?<!\w)(?:{listed})(?!\w)", HIDDEN, text, flags=re.IGNORECASE)
    return _NUMBERS.sub(HIDDEN, text)
