"""How far every exam has come, and how fast everybody reads: kept up to date by what is new in the ledger alone."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import NamedTuple

from sqlalchemy import Connection, select

from analysis.grading.settings import ReadingPolicy
from analysis.reading.readings.agreement import Tally
from analysis.reading.readings.cases import Case, cases
from analysis.reading.readings.conflicts import State
from analysis.reading.readings.entries import Entry, by_exam, standing
from analysis.reading.readings.form import Form
from analysis.reading.tables import assignments, closed, ledger

#: With more changed exams than this the whole ledger is gone through at once.
_FEW = 50


class Brief(NamedTuple):
    """What dealing needs to know of an exam with readings."""

    set: str
    state: State
    readers: tuple[int, ...]
    asked: tuple[tuple[int, int], ...]  # reader and assignment of readings that are asked for again
    flagged: bool  # somebody wants another look, and no senior has had it
    again: frozenset[int]  # readers who have had it on a second occasion
    decisions: int


@dataclass
class Work:
    """What one reader has done: when each reading was first written, s since 1970, and how long it took, s."""

    at: array[float] = field(default_factory=lambda: array("d"))
    seconds: array[float] = field(default_factory=lambda: array("d"))


class News(NamedTuple):
    """What has been added since the last look."""

    changed: set[str]
    first: list[tuple[int, str, int]]  # reader, exam and occasion of readings, in order
    settled: set[str]
    closed: set[str]


class Book:
    """A summary of a ledger that can only grow.

    Not for several threads at once: whoever asks is within a writing transaction, of which there is one at a time.

    Parameters
    ----------
    queues : mapping of str to ReadingPolicy
        Which readings count.
    form : Form
    sets : mapping of str to str
        The set of each exam of the room; exams that the room doesn't have any more count for nothing.
    """

    def __init__(self, queues: Mapping[str, ReadingPolicy], form: Form, sets: Mapping[str, str]) -> None:
        self._queues, self._form, self._sets = queues, form, sets
        self._last = self._last_dealt = 0
        self.briefs: dict[str, Brief] = {}
        self.open: dict[str, dict[str, Brief]] = {"conflict": {}, "reopened": {}, "flagged": {}}
        self.counts: dict[str, Counter[str]] = {}
        self.work: dict[int, Work] = {}
        self.settled: set[str] = set()
        self.closed: set[str] = set()
        self.tally = Tally(form)
        self._states: dict[State, State] = {}

    @property
    def last(self) -> int:
        """The ledger's last row that is in the book."""
        return self._last

    def update(self, db: Connection) -> News:
        """Take in what is new, as of this transaction."""
        grown = (
            select(
                ledger.c.id, ledger.c.reader, ledger.c.version, ledger.c.written, ledger.c.seconds,
                assignments.c.exam, assignments.c.kind, assignments.c.occasion,
            )
            .join(assignments, ledger.c.assignment == assignments.c.id)
            .where(ledger.c.id > self._last)
            .order_by(ledger.c.id)
        )  # fmt: skip
        changed: set[str] = set()
        first: list[tuple[int, str, int]] = []
        for row in chain.from_iterable(db.execution_options(yield_per=1000).execute(grown).partitions()):
            self._last = row.id
            if row.kind == "practice":
                continue
            changed.add(row.exam)
            if row.version == 0:
                work = self.work.setdefault(row.reader, Work())
                work.at.append(datetime.fromisoformat(row.written).timestamp())
                work.seconds.append(row.seconds)
                if row.kind == "read":
                    first.append((row.reader, row.exam, row.occasion))
        dealt = select(assignments.c.id, assignments.c.exam, assignments.c.kind).order_by(assignments.c.id)
        settled: set[str] = set()
        dealt = dealt.where(assignments.c.id > self._last_dealt)
        for row in chain.from_iterable(db.execution_options(yield_per=1000).execute(dealt).partitions()):
            self._last_dealt = row.id
            if row.kind == "consensus":
                settled.add(row.exam)
        settled -= self.settled
        self.settled |= settled
        shut = set(db.execute(select(closed.c.set)).scalars()) - self.closed
        self.closed |= shut
        whole: Iterable[list[Entry]] = (
            by_exam(db) if len(changed) > _FEW else (standing(db, exam=exam) for exam in changed)
        )
        for entries in whole:
            for exam, case in cases(entries, self._queues, self._form, self._sets).items():
                if exam in self._sets:
                    self._enter(exam, case)
        return News(changed, first, settled, shut)

    def _enter(self, exam: str, case: Case) -> None:
        self.tally.enter(exam, case)
        state = self._states.setdefault(case.state, case.state)
        flagged = state.name != "waiting" and case.senior is None and any(entry.revisit for entry in case.readings)
        brief = Brief(
            case.set,
            state,
            tuple(entry.reader for entry in case.readings),
            tuple((case.readings[i].reader, case.readings[i].assignment) for i in state.readers),
            flagged,
            frozenset(entry.reader for entry in case.further if entry.occasion > 1),
            len(case.decisions),
        )
        counts = self.counts.setdefault(case.set, Counter())
        before = self.briefs.get(exam)
        if before is not None:
            counts[before.state.name] -= 1
        counts[state.name] += 1
        self.briefs[exam] = brief
        for name, here in (
            ("conflict", state.name == "conflict"),
            ("reopened", bool(brief.asked)),
            ("flagged", flagged),
        ):
            if here:
                self.open[name][exam] = brief
            else:
                self.open[name].pop(exam, None)
