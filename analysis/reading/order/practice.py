"""Exams for practice: every reader grades them first, and sees the right answers afterwards."""

from __future__ import annotations

from pathlib import Path

from analysis.errors import StudyError
from analysis.reading.exams.index import Exam, load_exams
from analysis.reading.exams.places import Places
from analysis.reading.readings.form import Form
from analysis.tables import read_text_table


def load_practice(
    path: Path, places: Places, archive: Path, form: Form
) -> tuple[dict[str, dict[str, int]], dict[str, Exam]]:
    """Read which exams are for practice.

    Parameters
    ----------
    path : Path
        A table with the columns exam (its accession number, with -left or -right where it has two knees, or its
        pseudonym), item and value; what of the form is
        not named is absent.
    places : Places
    archive : Path
    form : Form

    Returns
    -------
    answers : dict of str to dict
        The right answers of each exam, by pseudonym, in the order of the table.
    exams : dict of str to Exam
        These exams, for the room.

    Raises
    ------
    StudyError
        If the table lacks a column or rows, an exam is unknown, one of several or belongs to the study, or an answer fits no
        field or contradicts another.
    """
    from analysis.archive.people.names import identifier, side_of
    from analysis.files import read_table
    from analysis.schemas import PRIVATE

    table = read_text_table(path, ("exam", "item", "value"))
    if table.empty:
        raise StudyError(f"The practice table {path} names no exam; add some, or leave it out.")
    private = read_table(places.private, PRIVATE, columns=["exam", "accession"]).dropna().drop_duplicates()
    number: dict[str, set[str]] = {}
    for exam, accession in private[["exam", "accession"]].astype(str).itertuples(index=False):
        number.setdefault(f"{accession}-{side_of(exam)}" if side_of(exam) else accession, set()).add(exam)
    exams = load_exams(places.images, places.private, archive, None)
    studied = _studied(places.exams)
    answers: dict[str, dict[str, int]] = {}
    for given, item, value in zip(table["exam"], table["item"].str.lower(), table["value"], strict=True):
        exam, *others = number.get(identifier(given), {given})
        if others:
            raise StudyError(f"{path}: several exams have the number '{given}'; practise with another exam.")
        if exam not in exams:
            raise StudyError(f"{path}: the archive has no exam '{given}'; correct the number.")
        if exam in studied:
            raise StudyError(
                f"{path}: exam '{given}' is read for the study, and a reader who has seen its answer is not blinded; "
                "practise with an exam that the selection leaves out."
            )
        highest = form.highest.get(item)
        if highest is None:
            raise StudyError(f"{path}: '{item}' of exam '{given}' is no field of {form.path}; correct it.")
        if not (value.isascii() and value.isdigit() and int(value) <= highest):
            raise StudyError(f"{path}: {item} of exam '{given}' can't be '{value}'; give 0 to {highest}.")
        if answers.setdefault(exam, {}).setdefault(item, int(value)) != int(value):
            raise StudyError(
                f"{path}: {item} of exam '{given}' has two answers, {answers[exam][item]} and {value}; keep one."
            )
    return answers, {exam: exams[exam] for exam in answers}


def _studied(path: Path | None) -> set[str]:
    """Return the exams that the selection has taken; without a selection the practice exams are taken out of the room."""
    if path is None:
        return set()
    from analysis.files import read_table
    from analysis.schemas import EXAMS

    chosen = read_table(path, EXAMS)
    return set(chosen.loc[chosen["set"] != "excluded", "exam"])
