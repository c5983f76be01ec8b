"""The exams of the reading room, from the tables of the stages before it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from analysis.archive.inspect import SEPARATOR
from analysis.archive.tables import read_reports
from analysis.errors import StudyError
from analysis.files import read_table
from analysis.schemas import EXAMS, IMAGES

UNSELECTED = "unselected"
HIDDEN = "▒▒▒"
#: Columns of the private index whose values must not be read by anybody in the room.
_NAMES = ("patient_id", "other_ids", "patient_name", "people", "contacts", "accession", "study_uid", "birth_date")
# Swedish personal identity numbers and dates, and whatever else is a long number.
_NUMBERS = re.compile(r"\b(?:\d{2,4}[-/. ]\d{1,2}[-/. ]\d{1,4}(?:[-+ ]?\d{4})?|\d{6,}(?:[-+]\d{4})?)\b")


@dataclass(frozen=True)
class Image:
    """A radiograph: where it lies, and the view that ingest took it for."""

    image: str
    path: Path
    view: str | None


@dataclass(frozen=True)
class Exam:
    """An exam as the room has it.

    Attributes
    ----------
    exam : str
        Its pseudonym; never sent to a browser.
    set : str
        training, validation, test, or unselected.
    images : tuple of Image
        In the order ap, oblique, lateral, unknown.
    hash : str
        Of all its images: which version of the pixels was read.
    report : str
        The radiologist's, without names and numbers; empty where there is none.
    """

    exam: str
    set: str
    images: tuple[Image, ...]
    hash: str
    report: str = ""


_ORDER = {"ap": 0, "oblique": 1, "lateral": 2}


def load_exams(images_file: Path, private_file: Path, archive: Path, exams_file: Path | None) -> dict[str, Exam]:
    """Put together what the room shows.

    Parameters
    ----------
    images_file : Path
        The index (schema IMAGES).
    private_file : Path
        The private index, for paths and identifiers.
    archive : Path
        The folder that `path` of the private index is relative to, with reports.csv where there is one.
    exams_file : Path or None
        The selection; excluded exams are not shown. Without it all exams are.

    Returns
    -------
    dict of str to Exam
        Sorted by pseudonym.

    Raises
    ------
    StudyError
        If the tables are missing, don't belong together, or name no exam.
    """
    images = read_table(images_file, IMAGES)
    private = read_table(private_file).dropna(subset=["image"]).drop_duplicates("image").set_index("image")
    sets: dict[str, str] = dict.fromkeys(images["exam"], UNSELECTED)
    if exams_file:
        chosen = read_table(exams_file, EXAMS)
        chosen = chosen[chosen["set"] != "excluded"]
        sets = dict(zip(chosen["exam"], chosen["set"], strict=True))
    images = images[images["exam"].isin(sets)]
    missing = images[~images["image"].isin(private.index)]
    if len(missing):
        raise StudyError(
            f"{private_file} does not know image {missing['image'].iloc[0]} of {images_file}; "
            "give the private index of the same archive."
        )
    if images.empty:
        raise StudyError(f"There is no exam to read in {exams_file or images_file}; give other tables.")
    reports = _reports(archive / "reports.csv", private)
    exams: dict[str, Exam] = {}
    for exam, rows in images.groupby("exam", sort=True):
        listed = zip(rows["image"].astype(str), rows["view"], strict=True)
        shown = sorted(
            (
                Image(image, archive / str(private.at[image, "path"]), view if view in _ORDER else None)
                for image, view in listed
            ),
            key=lambda image: (_ORDER.get(image.view or "", 3), image.image),
        )
        digest = hashlib.sha256("\n".join(sorted(rows["pixel_hash"])).encode()).hexdigest()
        exams[str(exam)] = Exam(str(exam), sets[str(exam)], tuple(shown), digest, reports.get(str(exam), ""))
    return exams


def load_queue(files: Sequence[Path], exams: Container[str]) -> frozenset[str] | None:
    """Read which exams are asked for; None where no file says so.

    Parameters
    ----------
    files : sequence of Path
        Tables with a column `exam`, e.g. the queues that active learning writes.
    exams : container of str
        All exams of the room.

    Raises
    ------
    StudyError
        If a file has no such column or names an exam that the room doesn't have.
    """
    asked: set[str] = set()
    for path in files:
        table = read_table(path)
        if "exam" not in table:
            raise StudyError(f"The queue {path} has no column 'exam'; give a table that names the exams to read.")
        strange = [exam for exam in table["exam"] if exam not in exams]
        if strange:
            raise StudyError(
                f"The queue {path} asks for exam {strange[0]}, which is not in the room; give its own tables."
            )
        asked |= set(table["exam"])
    return frozenset(asked) if files else None


def _reports(path: Path, private: pd.DataFrame) -> dict[str, str]:
    """Return each exam's report, with what identifies its patient masked."""
    if not path.is_file():
        return {}
    texts = read_reports(path).set_index("accession")["text"]
    found: dict[str, str] = {}
    for exam, rows in private.groupby("exam"):
        accession = rows["accession"].dropna().iloc[:1].tolist()
        if accession and accession[0] in texts.index:
            words = {word for name in _NAMES if name in rows for cell in rows[name].dropna() for word in _words(cell)}
            found[str(exam)] = mask(str(texts[accession[0]]), words)
    return found


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
