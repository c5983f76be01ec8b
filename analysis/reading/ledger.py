"""Readings as they are written and as they stand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from analysis.reading.access import Reader
from analysis.reading.conflicts import State, state_of
from analysis.reading.form import FLAGS, Form
from analysis.reading.index import Exam
from analysis.reading.settings import QueueSettings, QueuesSettings, Role
from analysis.reading.store import assignments, ledger, readers


class Refused(Exception):  # noqa: N818 - the page shows it as a message; nothing has failed
    """A reading that can't be taken, with a sentence for the reader."""


@dataclass(frozen=True)
class Entry:
    """A reading or decision as it stands: the latest version of one assignment.

    Attributes
    ----------
    assignment, version, reader : int
    name, role
        The reader's.
    exam, set, kind : str
        Kind is "read" or "consensus".
    occasion : int
        1, or 2 where the exam came back.
    first : str
        When version 0 was written: who came first. ISO 8601, UTC.
    written : str
        When this version was.
    seconds : float
        Time spent on this version.
    values : dict of str to int
    views : list of str or None
        An entry an image.
    revisit : bool
    comment : str
    """

    assignment: int
    version: int
    reader: int
    name: str
    role: Role
    exam: str
    set: str
    kind: str
    occasion: int
    first: str
    written: str
    seconds: float
    values: dict[str, int]
    views: list[str | None]
    revisit: bool
    comment: str


def _entry(row: Row[Any], first: str) -> Entry:
    fields = {name: getattr(row, name) for name in Entry.__dataclass_fields__ if name not in ("first", "values")}
    return Entry(**fields, first=first, values=row._mapping[ledger.c["values"]])


def standing(db: Connection, *, exam: str | None = None, reader: int | None = None) -> list[Entry]:
    """Return the latest version of every reading and decision, in the order of their first versions."""
    query = (
        select(ledger, readers.c.name, readers.c.role, assignments.c.exam, assignments.c.kind, assignments.c.occasion)
        .join(assignments, assignments.c.id == ledger.c.assignment)
        .join(readers, readers.c.id == ledger.c.reader)
        .order_by(ledger.c.id)
    )
    if exam is not None:
        query = query.where(assignments.c.exam == exam)
    if reader is not None:
        query = query.where(ledger.c.reader == reader)
    found: dict[int, Entry] = {}
    for row in db.execute(query):
        earlier = found.get(row.assignment)
        found[row.assignment] = _entry(row, earlier.first if earlier else row.written)
    return list(found.values())


@dataclass(frozen=True)
class Case:
    """An exam with the readings that count.

    Attributes
    ----------
    exam, set : str
    readings : tuple of Entry
        The independent readings, as many as the queue asks for, the earliest first.
    senior : Entry or None
        A senior's reading of an exam flagged for another look.
    decisions : tuple of Entry
        Of consensus sessions, in order.
    further : tuple of Entry
        Second occasions, and readings beyond the number asked for.
    state : State
    """

    exam: str
    set: str
    readings: tuple[Entry, ...]
    senior: Entry | None
    decisions: tuple[Entry, ...]
    further: tuple[Entry, ...]
    state: State

    @property
    def decision(self) -> dict[str, int]:
        """All that has been decided, later sessions over earlier ones."""
        return {name: value for entry in self.decisions for name, value in entry.values.items()}


def cases(entries: Iterable[Entry], queues: QueuesSettings) -> dict[str, Case]:
    """Sort entries by exam, and say which of them count.

    Returns
    -------
    dict of str to Case
        For exams with any entry.
    """
    by_exam: dict[str, list[Entry]] = {}
    for entry in entries:
        by_exam.setdefault(entry.exam, []).append(entry)
    return {exam: _case(exam, listed, getattr(queues, listed[0].set)) for exam, listed in by_exam.items()}


def _case(exam: str, entries: list[Entry], queue: QueueSettings) -> Case:
    first = [entry for entry in entries if entry.kind == "read" and entry.occasion == 1]
    own = [entry for entry in first if entry.role == queue.role]
    seniors = [entry for entry in first if entry.role == "senior" and queue.role != "senior"]
    readings, senior = own[: queue.readings], next(iter(seniors), None)
    counted = {entry.assignment for entry in (*readings, *seniors[:1])}
    decisions = tuple(entry for entry in entries if entry.kind == "consensus")
    decision = {name: value for entry in decisions for name, value in entry.values.items()}
    return Case(
        exam,
        entries[0].set,
        tuple(readings),
        senior,
        decisions,
        tuple(entry for entry in entries if entry.kind == "read" and entry.assignment not in counted),
        state_of([entry.values for entry in readings], decision, queue.readings),
    )


def may_correct(case: Case, entry: Entry, opened: bool) -> bool:
    """Tell whether a reader may still change a reading: not once a consensus session has had it open.

    A session that found the exam gradable asks those back who had not graded it.
    """
    asked_back = any(case.readings[i].assignment == entry.assignment for i in case.state.readers)
    return asked_back or not opened


def save(
    db: Connection,
    reader: Reader,
    sent: dict[str, Any],
    *,
    exams: dict[str, Exam],
    form: Form,
    queues: QueuesSettings,
    now: float,
) -> int:
    """Write one reading or decision; the caller's transaction makes it lasting before anybody is told.

    Parameters
    ----------
    db : Connection
        In a writing transaction.
    reader : Reader
    sent : dict
        As the browser sent it: `handle` (what it knows the assignment by), `key` (of this reading: the
        same key twice is one reading), `version` (0 for the first time, else one more than what is
        corrected), values, views, revisit, comment, seconds.
    exams, form, queues
        What the room shows, and how it is read.
    now : float
        Seconds since 1970.

    Returns
    -------
    int
        The row of the ledger.

    Raises
    ------
    Refused
        Says in a sentence why nothing was written.
    """
    handle, key, version = sent["handle"], sent["key"], sent["version"]
    task = db.execute(
        select(assignments).where(assignments.c.handle == handle, assignments.c.reader == reader.id)
    ).first()
    if task is None or task.exam not in exams:
        raise Refused("This exam is not yours to read.")
    double = db.execute(select(ledger).where(ledger.c.reader == reader.id, ledger.c.key == key)).first()
    if double is not None:
        if (double.assignment, double.version) != (task.id, version):
            raise Refused("This reading was sent before, for another exam; reload the page.")
        return int(double.id)
    entries = standing(db, exam=task.exam)
    case = cases(entries, queues).get(task.exam)
    before = next((entry for entry in entries if entry.assignment == task.id), None)
    if version != (before.version + 1 if before else 0):
        raise Refused("This exam has been read in another window; reload the page.")
    values = _checked(db, task.kind, before, case, sent["values"], form)
    exam = exams[task.exam]
    if len(sent["views"]) not in (0, len(exam.images)):
        raise Refused("There is not one view an image.")
    written = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")
    row = db.execute(
        insert(ledger).values(
            **{name: sent[name] for name in ("views", "revisit", "comment", "seconds")},
            values=values,
            assignment=task.id,
            version=version,
            reader=reader.id,
            key=key,
            set=exam.set,
            written=written,
            scheme=form.name,
            scheme_hash=form.hash,
            images_hash=exam.hash,
        )
    )
    return int(row.inserted_primary_key[0])  # type: ignore[index]


def _checked(
    db: Connection, kind: str, before: Entry | None, case: Case | None, values: dict[str, int], form: Form
) -> dict[str, int]:
    """Hold the values to the form, and to what the exam's state lets anybody say."""
    fields: tuple[str, ...] | None = None
    if kind == "consensus":
        fields = tuple(before.values) if before else case.state.fields if case else ()
        if not fields:
            raise Refused("There is nothing to decide in this exam.")
    elif before and case and not may_correct(case, before, was_opened(db, before.exam)):
        raise Refused("A consensus session has seen this reading; it can't be changed any more.")
    try:
        values = form.check(values, fields)
    except ValueError as error:
        raise Refused(str(error)) from error
    back = kind == "read" and before and case and case.state.name == "reopened"
    if back and any(values[flag] for flag in FLAGS):
        raise Refused("The consensus session found this exam gradable; grade it as well as you can.")
    return values


def was_opened(db: Connection, exam: str) -> bool:
    """Tell whether a consensus session has had an exam open."""
    query = select(assignments.c.id).where(assignments.c.exam == exam, assignments.c.kind == "consensus")
    return db.execute(query).first() is not None
