"""How readings and decisions are written: what is taken, what is refused, and what can't be changed any more."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from analysis.grading.settings import ReadingPolicy
from analysis.reading.access import Reader
from analysis.reading.exams.index import Exam
from analysis.reading.readings.cases import Case, cases
from analysis.reading.readings.entries import CONTENT, Entry, standing
from analysis.reading.readings.form import FLAGS, Form
from analysis.reading.tables import assignments, closed, ledger


class Refused(Exception):  # noqa: N818 - the page shows it as a message; nothing has failed
    """A reading that can't be taken, with a sentence for the reader.

    Attributes
    ----------
    saved : dict or None
        What the ledger holds in its place.
    """

    def __init__(self, message: str, saved: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.saved = saved


def locked(db: Connection, entry: Entry) -> bool:
    """Return whether a reading can't be changed any more.

    A consensus session that begins with any exam of a set locks all that had been read of the set by then, so
    that it tells nobody which exams readers differ in. A closed set is locked as a whole.
    """
    if db.execute(select(closed.c.set).where(closed.c.set == entry.set)).first():
        return True
    session = select(assignments.c.id).where(
        assignments.c.kind == "consensus", assignments.c.set == entry.set, assignments.c.after >= entry.first_id
    )
    return entry.kind == "read" and db.execute(session.limit(1)).first() is not None


def asked_back(case: Case | None, entry: Entry) -> bool:
    """Return whether a session found gradable what this reading left ungraded."""
    return case is not None and any(case.readings[i].assignment == entry.assignment for i in case.state.readers)


def save(
    db: Connection,
    reader: Reader,
    sent: dict[str, Any],
    *,
    exams: dict[str, Exam],
    form: Form,
    queues: Mapping[str, ReadingPolicy],
    now: float,
) -> dict[str, Any]:
    """Write one reading or decision; the caller's transaction makes it lasting before anybody is told.

    Parameters
    ----------
    db : Connection
        In a writing transaction.
    reader : Reader
    sent : dict
        As the browser sent it: `handle` (what it knows the assignment by), `key` (of this reading: the
        same key twice is one reading), `version` (0 for the first time, else one more than what is
        corrected), values, views, revisit, comment, present, seconds.
    exams, form, queues
        What the room shows, and how it is read.
    now : float
        Seconds since 1970.

    Returns
    -------
    dict
        What is saved now: version and content. Content that is as it was makes no version.

    Raises
    ------
    Refused
        Says in a sentence why nothing was written.
    """
    query = select(assignments).where(assignments.c.handle == sent["handle"], assignments.c.reader == reader.id)
    assignment = db.execute(query).first()
    if assignment is None or assignment.exam not in exams:
        raise Refused("This exam is not yours to read.")
    exam = exams[assignment.exam]
    entries = standing(db, exam=assignment.exam)
    before = next((entry for entry in entries if entry.assignment == assignment.id), None)
    content = {name: sent[name] for name in CONTENT} | {"comment": sent["comment"].strip()}
    double = db.execute(select(ledger).where(ledger.c.reader == reader.id, ledger.c.key == sent["key"])).first()
    if double is not None:
        if (double.assignment, double.version) != (assignment.id, sent["version"]):
            raise Refused("This reading was sent before, for another exam; reload the page.")
        if not _same(form, content, double._mapping[ledger.c["values"]], double):
            raise Refused(
                "This exam has been saved with other content meanwhile; look at what is saved.", _saved(before)
            )
        return _saved(before)
    if sent["version"] != (before.version + 1 if before else 0):
        raise Refused("This exam has been read in another window; reload the page.", _saved(before) if before else None)
    case = cases(entries, queues, form, {assignment.exam: exam.set}).get(assignment.exam)
    content["values"] = _checked(db, assignment.kind, exam.set, before, case, sent["values"], form)
    if len(sent["views"]) not in (0, len(exam.images)):
        raise Refused("There is not one view an image.")
    if assignment.kind == "consensus" and not sent["present"]:
        raise Refused("Say first who is present: a consensus is signed by name.")
    if before and _same(form, content, before.values, before):
        return _saved(before)
    db.execute(
        insert(ledger).values(
            **content,
            seconds=sent["seconds"],
            assignment=assignment.id,
            version=sent["version"],
            reader=reader.id,
            key=sent["key"],
            set=exam.set,
            written=datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds"),
            scheme=form.name,
            scheme_hash=form.hash,
            images_hash=exam.hash,
        )
    )
    if not before:
        db.execute(update(assignments).where(assignments.c.id == assignment.id).values(read=True))
    return {"version": sent["version"]} | content


def _same(form: Form, content: dict[str, Any], values: dict[str, int | None], other: Any) -> bool:
    """Return whether content is what a row or entry holds; a finding that is absent is one that isn't named."""
    items = {item.name for item in form.items}

    def said(found: dict[str, int | None]) -> dict[str, int | None]:
        return {name: value for name, value in found.items() if value or (name in items and value is not None)}

    return said(content["values"]) == said(values) and all(
        content[name] == getattr(other, name) for name in CONTENT if name != "values"
    )


def _saved(entry: Entry | None) -> dict[str, Any]:
    return {"version": entry.version} | entry.content if entry else {}


def _checked(
    db: Connection,
    kind: str,
    name: str,
    before: Entry | None,
    case: Case | None,
    values: dict[str, int | None],
    form: Form,
) -> dict[str, int | None]:
    """Check the values against the form, and against what the exam's state allows."""
    if db.execute(select(closed.c.set).where(closed.c.set == name)).first():
        raise Refused("The coordinator has closed this set; nothing can be added or changed any more.")
    if kind == "practice" and before:
        raise Refused("You have seen the answers of this exam; go on to the next one.")
    fields: tuple[str, ...] | None = None
    back = kind == "read" and before is not None and asked_back(case, before)
    if kind == "consensus":
        fields = tuple(before.values) if before else case.state.fields if case else ()
        if not fields:
            raise Refused("There is nothing to decide in this exam.")
    elif before and not back and locked(db, before):
        raise Refused("A consensus session has begun; what was read before can't be changed any more.")
    agreed = case.settled if case and fields else None
    try:
        values = form.check(values, fields, agreed)
    except ValueError as error:
        raise Refused(str(error)) from error
    if back and case and (any(values[flag] for flag in FLAGS) or any(values.get(f) is None for f in case.state.fields)):
        raise Refused("The consensus session found this exam gradable; grade it as well as you can.")
    return values
