"""Readings and decisions as they stand: the latest version of each, out of the ledger."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from analysis.reading.settings import Role
from analysis.reading.tables import assignments, ledger, readers

#: What of an entry is the reader's word; the rest is when and how.
CONTENT = ("values", "views", "revisit", "comment", "present")


@dataclass(frozen=True, slots=True)
class Entry:
    """A reading or decision as it stands: the latest version of one assignment.

    Attributes
    ----------
    assignment, version, reader : int
    name, role
        The reader's.
    exam, set, kind : str
        Kind is "read", "consensus" or "practice".
    occasion : int
        1, or 2 where the exam came back.
    first_id : int
        The ledger's row of version 0.
    first : str
        When version 0 was written: who came first. ISO 8601, UTC.
    written : str
        When this version was.
    seconds : float
        Time spent on version 0.
    correcting : float
        Time spent on all later versions.
    values : dict of str to int or None
        None where an item does not apply.
    views : list of str or None
        An entry an image.
    revisit : bool
    comment : str
    present : list of str
        Who signs a decision.
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
    first_id: int
    first: str
    written: str
    seconds: float
    correcting: float
    values: dict[str, int | None]
    views: list[str | None]
    revisit: bool
    comment: str
    present: list[str]

    @property
    def content(self) -> dict[str, Any]:
        """What the reader said."""
        return {name: getattr(self, name) for name in CONTENT}


def _entry(row: Row[Any], earlier: Entry | None) -> Entry:
    return Entry(
        assignment=row.assignment,
        version=row.version,
        reader=row.reader,
        name=row.name,
        role=row.role,
        exam=row.exam,
        set=row.set,
        kind=row.kind,
        occasion=row.occasion,
        first_id=earlier.first_id if earlier else row.id,
        first=earlier.first if earlier else row.written,
        written=row.written,
        seconds=earlier.seconds if earlier else row.seconds,
        correcting=earlier.correcting + row.seconds if earlier else 0.0,
        values=row.values,
        views=row.views,
        revisit=row.revisit,
        comment=row.comment,
        present=row.present,
    )


def rows_of() -> Select[Any]:
    """Select every version, with its reader and exam; the caller orders and narrows it."""
    return (
        select(ledger, readers.c.name, readers.c.role, assignments.c.exam, assignments.c.kind, assignments.c.occasion)
        .join(assignments, assignments.c.id == ledger.c.assignment)
        .join(readers, readers.c.id == ledger.c.reader)
    )


def latest(rows: Iterable[Row[Any]]) -> list[Entry]:
    """Reduce versions, in the order of the ledger, to entries as they stand, in the order of their first versions."""
    found: dict[int, Entry] = {}
    for row in rows:
        found[row.assignment] = _entry(row, found.get(row.assignment))
    return list(found.values())


def standing(db: Connection, *, exam: str | None = None) -> list[Entry]:
    """Return the latest version of every reading and decision, in the order of their first versions."""
    query = rows_of().order_by(ledger.c.id)
    if exam is not None:
        query = query.where(assignments.c.exam == exam)
    return latest(db.execute(query))


def by_exam(db: Connection) -> Iterator[list[Entry]]:
    """Go through the ledger exam by exam, so that it never lies in memory as a whole."""
    held: list[Row[Any]] = []
    query = rows_of().order_by(assignments.c.exam, ledger.c.id)
    rows = db.execution_options(yield_per=500).execute(query).partitions()
    for row in itertools.chain.from_iterable(rows):
        if held and held[0].exam != row.exam:
            yield latest(held)
            held = []
        held.append(row)
    if held:
        yield latest(held)
