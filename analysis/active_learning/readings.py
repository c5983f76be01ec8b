"""Labels from the reading room: the export of each round's queue becomes part of the reference standard."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from analysis.active_learning.rounds import add_unread
from analysis.archive.knees.units import units
from analysis.archive.people.matching import exams_of_readings
from analysis.archive.people.names import exam_of
from analysis.archive.tables import read_readings
from analysis.errors import StudyError
from analysis.files import read_table
from analysis.grading.reference import make_reference
from analysis.grading.scheme import Scheme
from analysis.grading.settings import ReferenceSettings
from analysis.schemas import EXAMS, PRIVATE, READINGS


def label_read(
    exports: list[Path],
    asked: list[str],
    exams_file: Path,
    readings_file: Path,
    private_file: Path,
    scheme: Scheme,
    policy: ReferenceSettings,
) -> pd.DataFrame:
    """Make the reference standard from the readings of the archive and of the reading room.

    Parameters
    ----------
    exports : list of Path
        readings.csv of each round, as `read-export --queue` writes it.
    asked : list of str
        The exams of all their queues.
    exams_file, readings_file, private_file : Path
        The selection, the archive's indexed readings, and the private index.
    scheme : Scheme
    policy : ReferenceSettings

    Returns
    -------
    pandas.DataFrame
        Schema REFERENCE, with a row without labels for each training exam that has not been read.

    Raises
    ------
    StudyError
        If an exam of a queue has no reading, a reading is of no exam, or the readings are not as the policy asks.
    """
    private = read_table(private_file, PRIVATE).dropna(subset=["exam"])
    whole = private.assign(exam=exam_of(private["exam"]))
    double = set(whole["exam"]) - set(private["exam"])
    found = [read_readings(path) for path in exports]
    given = [
        part.assign(exam=units(exams_of_readings(part, whole, path), part["side"], double), time="").astype(
            {"time": "str"}
        )
        for path, part in zip(exports, found, strict=True)
    ]
    read = {name for part in given for name in part["exam"]}
    missing = [name for name in asked if name not in read]
    if missing:
        raise StudyError(
            f"{', '.join(map(str, exports))}: exam {missing[0]}, which was asked for, has no reading ({len(missing)} of "
            f"{len(asked)} exams); read them and export again."
        )
    exams = read_table(exams_file, EXAMS)
    readings = READINGS.validate(pd.concat([read_table(readings_file, READINGS), *given], ignore_index=True))
    return add_unread(make_reference(exams, readings, scheme, policy).reference, exams)
