"""Which exam a reader sees next."""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, func, insert, select, update

from analysis.reading.access import Reader
from analysis.reading.book import Book
from analysis.reading.index import Exam
from analysis.reading.ledger import Case
from analysis.reading.settings import ReadingSettings
from analysis.reading.store import assignments, ledger, readers


@dataclass(frozen=True)
class Slot:
    """A place in a reader's order."""

    exam: str
    occasion: int


@dataclass(frozen=True)
class Task:
    """An exam in a reader's hands.

    Attributes
    ----------
    id : int
    handle : str
        The name that the browser knows it by: random, and another one each time it is shown.
    exam : str
    kind : str
        "read" or "consensus".
    """

    id: int
    handle: str
    exam: str
    kind: str


@dataclass(frozen=True)
class Queue:
    """What is in a reader's hands, and how much is left.

    Attributes
    ----------
    tasks : list of Task
        The exam to read now and the ones to load ahead.
    done, left : int
        Exams read, and still to be read by this reader as far as that is known; occasions count apart.
    """

    tasks: list[Task]
    done: int
    left: int


def order(reader: str, exams: list[str], settings: ReadingSettings) -> list[Slot]:
    """Order exams at random for one reader, some of them twice.

    Parameters
    ----------
    reader : str
        Each name has an order of its own, the same one whenever it is asked for.
    exams : list of str
        Pseudonyms.
    settings : ReadingSettings
        For seed, share and gap.

    Returns
    -------
    list of Slot
        The second occasion is at least `repeat_gap` places after the first, or half the list where
        that is shorter; the share is of all exams, as far as there is room after them.
    """
    name = int.from_bytes(hashlib.sha256(reader.encode()).digest()[:8], "big")
    rng = np.random.default_rng([settings.seed, name])
    drawn = [Slot(exam, 1) for exam in rng.permutation(sorted(exams)).tolist()]
    n = len(drawn)
    gap = min(settings.repeat_gap, n // 2)
    early = n - gap
    number = min(round(settings.repeat_share * n), early) if gap else 0
    again = sorted(rng.permutation(early)[:number].tolist())
    # A second occasion is put behind the exam at `place`; those behind one exam keep the order of the first.
    places = [(min(n - 1, first + gap + int(rng.integers(0, gap + 1))), first) for first in again]
    behind: dict[int, list[Slot]] = {}
    for place, first in sorted(places):
        behind.setdefault(place, []).append(Slot(drawn[first].exam, 2))
    return [slot for place, slot in enumerate(drawn) for slot in (slot, *behind.get(place, []))]


class Dealer:
    """Deals exams to readers.

    Parameters
    ----------
    exams : dict of str to Exam
        What the room shows.
    settings : ReadingSettings
    asked : frozenset of str, optional
        The only exams that readers get; without it all of them.
    """

    def __init__(self, exams: dict[str, Exam], settings: ReadingSettings, asked: frozenset[str] | None = None) -> None:
        self._exams, self._settings, self._asked = exams, settings, asked
        self._orders: dict[int, list[Slot]] = {}
        self._back: dict[int, set[str]] = {}
        self._book = Book(settings.queues)

    def deal(self, db: Connection, reader: Reader, number: int, now: float) -> Queue:
        """Return the exams for a reader to see next, claiming new ones as needed.

        Parameters
        ----------
        db : Connection
            In a writing transaction, so that no two readers are dealt the same last reading.
        reader : Reader
        number : int
            How many, the ones to load ahead included.
        now : float
            Seconds since 1970.
        """
        everything = self._book.cases(db)
        mine = db.execute(select(assignments).where(assignments.c.reader == reader.id).order_by(assignments.c.id)).all()
        done = set(db.execute(select(ledger.c.assignment).where(ledger.c.reader == reader.id)).scalars())
        kind = "consensus" if reader.role == "consensus" else "read"
        asked_back = self._asked_back(reader, everything)
        claimed = self._claimed(db, reader, now)
        if kind == "consensus":
            slots = self._conflicts(everything, claimed)
        else:
            read = {Slot(row.exam, row.occasion): row.id for row in mine if row.id in done}
            slots = self._open_slots(db, reader, everything, read, claimed)
        held = [row for row in mine if row.id in asked_back]
        waiting = [row for row in mine if row.id not in done]
        still = {Slot(row.exam, row.occasion): row for row in waiting}
        # What has been dealt stays in hand, unless another reader took it meanwhile or it settled itself.
        open_now = set(slots)
        held += [row for row in waiting if Slot(row.exam, row.occasion) in open_now]
        tasks = [_task(row) for row in held[:number]]
        for row in held[:number]:
            db.execute(update(assignments).where(assignments.c.id == row.id).values(opened=now))
        fresh = [slot for slot in slots if slot not in still]
        for slot in fresh[: number - len(tasks)]:
            tasks.append(_claim(db, reader, slot, kind, now))
        left = len(slots) + len(asked_back)
        if kind == "read":  # those that will come back are counted from the start, so that the count tells nothing
            left += sum(slot.occasion == 1 and slot.exam in self._twice(reader) for slot in slots)
        return Queue(tasks, len(done) - len(asked_back & done), left)

    def _asked_back(self, reader: Reader, everything: dict[str, Case]) -> set[int]:
        return {
            case.readings[i].assignment
            for case in everything.values()
            for i in case.state.readers
            if case.readings[i].reader == reader.id
        }

    def _claimed(self, db: Connection, reader: Reader, now: float) -> Counter[str]:
        """Count, for each exam, the colleagues of the same role who have it open and are not known to have left."""
        query = (
            select(assignments.c.exam, func.count())
            .join(readers, readers.c.id == assignments.c.reader)
            .where(
                readers.c.role == reader.role,
                readers.c.id != reader.id,
                assignments.c.opened > now - 60 * self._settings.claim_minutes,
                assignments.c.id.not_in(select(ledger.c.assignment)),
                (assignments.c.kind == "consensus") | (assignments.c.occasion == 1),
            )
            .group_by(assignments.c.exam)
        )
        return Counter(dict(db.execute(query).tuples().all()))

    def _open_slots(
        self,
        db: Connection,
        reader: Reader,
        everything: dict[str, Case],
        read: dict[Slot, int],
        claimed: Counter[str],
    ) -> list[Slot]:
        """Return the places in a reader's order that can be read now, in the order they should be."""
        settled = set(db.execute(select(assignments.c.exam).where(assignments.c.kind == "consensus")).scalars())
        ranks = {row_id: rank for rank, row_id in enumerate(sorted(read.values()))}
        ready: list[Slot] = []
        early: list[Slot] = []
        gap = self._settings.repeat_gap
        for slot in self._order(reader):
            if slot in read:
                continue
            if slot.occasion == 1:
                if self._wanted(reader, slot.exam, everything.get(slot.exam), claimed[slot.exam]):
                    ready.append(slot)
            elif Slot(slot.exam, 1) in read and slot.exam not in settled:
                # Others may have read what lay between: the gap is counted in exams of this reader.
                behind = len(read) - 1 - ranks[read[Slot(slot.exam, 1)]]
                (ready if behind >= min(gap, self._half(reader)) else early).append(slot)
        return ready + early

    def _order(self, reader: Reader) -> list[Slot]:
        if reader.id not in self._orders:
            queues = self._settings.queues
            exams = [
                exam.exam
                for exam in self._exams.values()
                if (queue := getattr(queues, exam.set)).readings
                and reader.role in (queue.role, queue.revisit)
                and (self._asked is None or exam.exam in self._asked)
            ]
            self._orders[reader.id] = order(reader.name, exams, self._settings)
        return self._orders[reader.id]

    def _half(self, reader: Reader) -> int:
        return sum(slot.occasion == 1 for slot in self._order(reader)) // 2

    def _wanted(self, reader: Reader, exam: str, case: Case | None, claimed: int) -> bool:
        """Tell whether an exam still needs a reading of this reader's role that nobody is busy with."""
        queue = getattr(self._settings.queues, self._exams[exam].set)
        if queue.role == reader.role:
            return (len(case.readings) if case else 0) + claimed < queue.readings
        flagged = case is not None and case.state.name != "waiting" and any(r.revisit for r in case.readings)
        return flagged and case is not None and case.senior is None and claimed == 0

    def _conflicts(self, everything: dict[str, Case], claimed: Counter[str]) -> list[Slot]:
        """Return the exams to decide; those that will come back to a reader last, so that they may."""
        open_ = [
            case
            for exam, case in everything.items()
            if exam in self._exams and case.state.name == "conflict" and not claimed[exam]
        ]
        lot = {case.exam: hashlib.sha256(f"{self._settings.seed}|{case.exam}".encode()).digest() for case in open_}
        open_.sort(key=lambda case: (self._comes_back(case), lot[case.exam]))
        return [Slot(case.exam, len(case.decisions) + 1) for case in open_]

    def _comes_back(self, case: Case) -> bool:
        """Tell whether a second occasion of one of the readings is still to come."""
        had = {entry.reader for entry in case.further if entry.occasion == 2}
        return any(
            entry.reader not in had and case.exam in self._twice(Reader(entry.reader, entry.name, entry.role))
            for entry in case.readings
        )

    def _twice(self, reader: Reader) -> set[str]:
        if reader.id not in self._back:
            self._back[reader.id] = {slot.exam for slot in self._order(reader) if slot.occasion == 2}
        return self._back[reader.id]


def _task(row: Row[Any]) -> Task:
    return Task(row.id, row.handle, row.exam, row.kind)


def _claim(db: Connection, reader: Reader, slot: Slot, kind: str, now: float) -> Task:
    handle = secrets.token_urlsafe(12)
    values = {"handle": handle, "reader": reader.id, "exam": slot.exam, "kind": kind, "occasion": slot.occasion}
    key = db.execute(insert(assignments).values(**values, opened=now)).inserted_primary_key
    return Task(int(key[0]), handle, slot.exam, kind)  # type: ignore[index]
