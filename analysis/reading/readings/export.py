"""Readings in the form of an archive's readings.csv, and what doesn't fit in there beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.archive.people.names import exam_of, side_of
from analysis.archive.tables import READINGS
from analysis.errors import StudyError
from analysis.files import read_table, write_table
from analysis.grading.settings import ReadingPolicy
from analysis.plurals import plural
from analysis.reading.exams.index import Exam
from analysis.reading.readings.agreement import measure
from analysis.reading.readings.cases import Case, cases
from analysis.reading.readings.entries import Entry, rows_of, standing
from analysis.reading.readings.form import FLAGS, Form
from analysis.reading.store import Store
from analysis.reading.tables import ledger
from analysis.schemas import PRIVATE
from analysis.tables import unlike_formula

_AGREEMENT = (
    *("kind", "first", "second", "item", "n", "conflicts", "percent", "percent_low", "percent_high"),
    *("kappa", "kappa_low", "kappa_high", "kappa_linear", "kappa_linear_low", "kappa_linear_high"),
    *("kappa_quadratic", "kappa_quadratic_low", "kappa_quadratic_high", "level", "reason"),
)


def export(
    store: Store,
    exams: dict[str, Exam],
    private_file: Path,
    *,
    form: Form,
    queues: Mapping[str, ReadingPolicy],
    out: Path,
    asked: frozenset[str] | None = None,
) -> str:
    """Write what the ledger holds.

    Parameters
    ----------
    store : Store
    exams : dict of str to Exam
        All exams of the archive, for the names of their images in views.csv.
    private_file : Path
        The private index: accession numbers stand there.
    form : Form
        What is read; corrections of fields that it no longer has are left out.
    queues : mapping of str to ReadingPolicy
        Which readings count.
    out : Path
        A private folder. Gets readings.csv (the archive's form: the readings that count, the seniors' of
        flagged exams, the decisions), further.csv (the same form: second occasions, and readings beyond
        the number asked for), lines.csv (a line a reading: seconds, comment), history.csv (a line a version: what
        was read first, and each correction), views.csv (the view of each image as each reader saw it) and
        agreement.csv.
    asked : frozenset of str, optional
        The only exams to write; without it all that have been read.

    Returns
    -------
    str
        A sentence on what was written and what is still open.

    Raises
    ------
    StudyError
        If no exam that was read is in the private index.
    """
    with store.reading() as db:
        found = cases(standing(db), queues, form)
        history = db.execute(rows_of().order_by(ledger.c.id)).all()
    found = {exam: case for exam, case in found.items() if asked is None or exam in asked}
    number = _names(private_file, found)
    gone = sorted(set(found) - set(number))
    found = {exam: case for exam, case in found.items() if exam in number}
    counted = [row for case in found.values() for row in _counted(case, number[case.exam])]
    further = [row for case in found.values() for row in _further(case, number[case.exam])]
    out.mkdir(parents=True, exist_ok=True)
    out.chmod(0o700)
    _write(_table(counted), out / "readings.csv")
    _write(_table(further), out / "further.csv")
    # These two are for people; what a study reads keeps the number as it is.
    shown = {exam: {**cells, "exam": unlike_formula(cells["exam"])} for exam, cells in number.items()}
    _write(_lines(found.values(), shown), out / "lines.csv")
    write_table(_views(found.values(), exams), out / "views.csv")
    _write(_history([row for row in history if row.exam in found], shown, form), out / "history.csv")
    measured = measure(found.values(), form)
    table = pd.DataFrame(measured).rename(columns={"field": "item"}).reindex(columns=_AGREEMENT)
    write_table(table, out / "agreement.csv")
    states = [case.state.name for case in found.values()]
    return (
        f"{out}/readings.csv: {plural(len(found), 'exam')}, of which {states.count('waiting')} wait for readings, "
        f"{states.count('conflict')} for a consensus session and {states.count('reopened')} for readers asked back."
        + (f" Left out: {plural(len(gone), 'exam')} not in the archive any more, first {gone[0]}." if gone else "")
    )


def _names(private_file: Path, found: dict[str, Case]) -> dict[str, dict[str, str]]:
    """Return what stands for each exam in the tables, and the side where the exam has two knees.

    It is the accession number; the StudyInstanceUID where there is none, or several exams have it, as ingest asks for. Exams
    that have been taken out of the archive since have neither.
    """
    private = read_table(private_file, PRIVATE).dropna(subset=["exam"])
    several = exam_of(private["exam"]).groupby(private["accession"]).transform("nunique") > 1
    number: dict[str, str] = {}
    for name, rows in (("study_uid", private), ("accession", private[~several])):
        known = rows.dropna(subset=[name])
        number |= dict(zip(known["exam"], known[name], strict=True))
    if found and number.keys().isdisjoint(found):
        raise StudyError(
            f"{private_file} has no number of exam {min(found)}, nor of any other that has been read; "
            "give the private index of the same archive."
        )
    return {exam: {"exam": number[exam], "side": side_of(exam)} for exam in found if exam in number}


def _write(table: pd.DataFrame, path: Path) -> None:
    """Write a table; without its column of sides where no exam has two knees."""
    write_table(table if (table["side"] != "").any() else table.drop(columns="side"), path)


def _rows(
    entry: Entry, named: dict[str, str], session: str, names: Iterable[str] | None = None
) -> list[dict[str, Any]]:
    """Put one reading into the archive's long form. A flag has a row where it is set, or was decided on.

    An item that does not apply has none.
    """
    return [
        {
            **named,
            "reader": entry.name,
            "role": entry.role,
            "session": session,
            "item": name,
            "value": value,
            "revisit": int(entry.revisit),
            "time": entry.written,
        }
        for name, value in entry.values.items()
        if value is not None and (name in names if names is not None else name not in FLAGS or value)
    ]


def _counted(case: Case, named: dict[str, str]) -> list[dict[str, Any]]:
    entries = [*case.readings, *([case.senior] if case.senior else [])]
    # What was graded of an item that turned out not to apply stands in history.csv alone.
    rows = [row for e in entries for row in _rows(e, named, case.set) if row["item"] not in case.state.absent]
    last = {name: entry for entry in case.decisions for name in entry.values}
    for entry in case.decisions:
        rows += _rows(entry, named, "consensus", [name for name in entry.values if last[name] is entry])
    return rows


def _further(case: Case, named: dict[str, str]) -> list[dict[str, Any]]:
    return [
        row
        for entry in case.further
        for row in _rows(entry, named, f"{case.set} {'again' if entry.occasion > 1 else 'surplus'}")
    ]


def _table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=[*READINGS, "side"])
    return table.sort_values(["exam", "role", "reader"], kind="stable", ignore_index=True)


def _all(case: Case) -> list[Entry]:
    return [*case.readings, *([case.senior] if case.senior else []), *case.further, *case.decisions]


def _lines(found: Iterable[Case], number: dict[str, dict[str, str]]) -> pd.DataFrame:
    """Make a line a reading, with what has no place in readings.csv."""
    rows = [
        {
            **number[case.exam],
            "reader": entry.name,
            "role": entry.role,
            "occasion": entry.occasion,
            "versions": entry.version + 1,
            "written": entry.written,
            "seconds": round(entry.seconds, 1),
            "seconds_correcting": round(entry.correcting, 1),
            "revisit": int(entry.revisit),
            "comment": unlike_formula(entry.comment),
            "present": unlike_formula(", ".join(entry.present)),
        }
        for case in found
        for entry in _all(case)
    ]
    columns = ["exam", "reader", "role", "occasion", "versions", "written", "seconds", "seconds_correcting"]
    columns += ["revisit", "comment", "present", "side"]
    return pd.DataFrame(rows, columns=columns).sort_values(["exam", "written"], kind="stable", ignore_index=True)


def _history(found: Iterable[Any], number: dict[str, dict[str, str]], form: Form) -> pd.DataFrame:
    """Make a line a version, in the order in which they were written, with one column per field."""
    fields = list(form.titles())
    columns = ["exam", "reader", "role", "kind", "occasion", "version", "written", "seconds", *fields]
    rows = [
        {name: getattr(row, name) for name in ("role", "kind", "occasion", "version", "written", "scheme_hash")}
        | number[row.exam]
        | {"reader": row.name, "seconds": round(row.seconds, 1), "revisit": int(row.revisit)}
        | {
            "images_hash": row.images_hash,
            "comment": unlike_formula(row.comment),
            "present": unlike_formula(", ".join(row.present)),
        }
        | {name: row._mapping[ledger.c["values"]].get(name) for name in fields}
        for row in found
    ]
    table = pd.DataFrame(
        rows, columns=[*columns, "revisit", "comment", "present", "scheme_hash", "images_hash", "side"]
    )
    return table.astype(dict.fromkeys(fields, "Int64"))


def _views(found: Iterable[Case], exams: dict[str, Exam]) -> pd.DataFrame:
    rows = [
        {"image": image.image, "reader": entry.name, "occasion": entry.occasion, "indexed": image.view, "view": view}
        for case in found
        if case.exam in exams
        for entry in _all(case)
        for image, view in zip(exams[case.exam].images, entry.views, strict=False)
    ]
    columns = ["image", "reader", "occasion", "indexed", "view"]
    return pd.DataFrame(rows, columns=columns).sort_values(["image", "reader", "occasion"], ignore_index=True)
