"""Which exam a reader sees next."""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from analysis.reading.access import Reader
from analysis.reading.exams.index import Exam
from analysis.reading.order.book import Book, Brief
from analysis.reading.order.pile import Slot
from analysis.reading.order.piles import Piles
from analysis.reading.readings.form import Form
from analysis.reading.settings import RoomSettings
from analysis.reading.tables import assignments, readers

#: An exam in somebody's hands is marked as such again only after this long, s: asking for it writes nothing.
_FRESH = 60.0


@dataclass(frozen=True)
class Assignment:
    """An exam in a reader's hands.

    Attributes
    ----------
    id : int
    handle : str
        The name that the browser knows it by: random, and another one each time it is shown.
    exam : str
    kind : str
        "read", "consensus" or "practice".
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
    dealt : list of Assignment
        The exam to read now and the ones to load ahead.
    done, left : int
        Exams read, and still to be read by this reader as far as that is known; occasions count apart.
    """

    dealt: list[Assignment]
    done: int
    left: int


class Dealer:
    """Deals exams to readers.

    Parameters
    ----------
    exams : dict of str to Exam
        What the room shows.
    settings : RoomSettings
    form : Form
    asked : frozenset of str, optional
        The only exams that readers get; without it all of them.
    practice : sequence of str
        Exams that every reader grades first, for practice.
    """

    def __init__(
        self,
        exams: dict[str, Exam],
        settings: RoomSettings,
        form: Form,
        asked: frozenset[str] | None = None,
        practice: tuple[str, ...] = (),
    ) -> None:
        self._exams, self._settings, self._practice = exams, settings, practice
        self.book = Book(settings.queues, form, {exam: its.set for exam, its in exams.items()})
        self._piles = Piles({e: its for e, its in exams.items() if e not in practice}, settings, self.book, asked)
        self._number = self._piles.number
        self._turns: dict[str, tuple[Brief, tuple[bool, bytes]]] = {}

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
        self.look(db)
        held = db.execute(
            select(assignments)
            .where(assignments.c.reader == reader.id, assignments.c.read.is_(False))
            .order_by(assignments.c.later, assignments.c.id)
        ).all()
        practice = self._practising(db, reader, held, number, now)
        if practice is not None:
            return practice
        claimed = self._claimed(db, reader, now)
        deal = self._decisions if reader.role == "consensus" else self._readings
        return deal(db, reader, [row for row in held if row.kind != "practice"], claimed, number, now)

    def look(self, db: Connection) -> None:
        """Take in what has been written since the last time."""
        self._piles.take(self.book.update(db))

    def know(self, db: Connection, readers_: list[Reader]) -> None:
        """Lay out the piles of readers who have not been seen since the start: what comes back to them."""
        self._piles.lay_out(db, [reader for reader in readers_ if reader.role in ("reader", "senior")])

    def _readings(
        self, db: Connection, reader: Reader, held: Sequence[Row[Any]], claimed: Counter[str], number: int, now: float
    ) -> Queue:
        pile = self._piles.of(db, reader)
        back = [
            assignment
            for brief in self.book.open["reopened"].values()
            for who, assignment in brief.asked
            if who == reader.id and brief.set not in self.book.closed
        ]
        taken = self._taken(reader, claimed)
        blocked = pile.blocked([self._number[exam] for exam in taken if exam in self._number])

        def still(row: Row[Any]) -> bool:
            place = self._number.get(row.exam)
            if place is None or row.later < 0:
                return False
            return place in pile.waiting if row.occasion > 1 else pile.is_open(place) and row.exam not in taken

        rows = [] if not back else db.execute(select(assignments).where(assignments.c.id.in_(back))).all()
        mine = [row for row in held if still(row)]
        in_hand = [*rows, *(row for row in mine if not row.later)]
        known = {Slot(row.exam, row.occasion) for row in held}
        places = pile.next(min(self._settings.repeat_gap, len(pile.exams) // 2), blocked)
        slots = (Slot(self._piles.names[place], occasion) for place, occasion in places)
        fresh = (slot for slot in slots if slot not in known)
        put_off = [row for row in mine if row.later]
        shown = self._claim(db, reader, in_hand, fresh, put_off, number, "read", now)
        declined = {self._number[row.exam] for row in held if row.later < 0 and row.exam in self._number}
        left = len(back) + pile.left(blocked | pile.blocked(declined))
        return Queue(shown, self._done(reader) - len(back), left)

    def _done(self, reader: Reader) -> int:
        return len(self.book.work[reader.id].at) if reader.id in self.book.work else 0

    def _decisions(
        self, db: Connection, reader: Reader, held: Sequence[Row[Any]], claimed: Counter[str], number: int, now: float
    ) -> Queue:
        open_ = {
            exam: brief
            for exam, brief in self.book.open["conflict"].items()
            if exam in self._exams and exam not in claimed and brief.set not in self.book.closed
        }
        mine = [row for row in held if row.exam in open_ and row.occasion == open_[row.exam].decisions + 1]
        known = {row.exam for row in mine}
        first = nsmallest(number + len(known), open_, key=lambda exam: self._turn(exam, open_[exam]))
        fresh = (Slot(exam, open_[exam].decisions + 1) for exam in first if exam not in known)
        in_hand, put_off = [row for row in mine if not row.later], [row for row in mine if row.later]
        shown = self._claim(db, reader, in_hand, fresh, put_off, number, "consensus", now)
        return Queue(shown, self._done(reader), len(open_))

    def _turn(self, exam: str, brief: Brief) -> tuple[bool, bytes]:
        """Return by what conflicts are ordered: those that will come back to a reader last, so that they may."""
        before = self._turns.get(exam)
        if before is None or before[0] is not brief:
            lot = hashlib.sha256(f"{self._settings.seed}|{exam}".encode()).digest()
            before = self._turns[exam] = brief, (self._piles.comes_back(exam, brief), lot)
        return before[1]

    def _claim(
        self, db: Connection, reader: Reader, in_hand: list[Row[Any]], fresh: Iterable[Slot], put_off: list[Row[Any]],
        number: int, kind: str, now: float,
    ) -> list[Assignment]:  # fmt: skip
        """Take what is in hand, then what is new, then what was put off, up to a number."""
        taken = in_hand[:number]
        new = [self._new(db, reader, slot, kind, now) for slot in islice(fresh, number - len(taken))]
        rest = put_off[: number - len(taken) - len(new)]
        for row in (*taken, *rest):
            if not now - _FRESH < row.opened <= now:
                db.execute(update(assignments).where(assignments.c.id == row.id).values(opened=now))
        return [*map(_assignment, taken), *new, *map(_assignment, rest)]

    def _new(self, db: Connection, reader: Reader, slot: Slot, kind: str, now: float) -> Assignment:
        handle = secrets.token_urlsafe(12)
        values = {"handle": handle, "reader": reader.id, "exam": slot.exam, "kind": kind, "occasion": slot.occasion}
        values |= {"set": self._exams[slot.exam].set, "after": self.book.last, "opened": now}
        key = db.execute(insert(assignments).values(**values)).inserted_primary_key
        return Assignment(int(key[0]), handle, slot.exam, kind)  # type: ignore[index]

    def _practising(
        self, db: Connection, reader: Reader, held: Sequence[Row[Any]], number: int, now: float
    ) -> Queue | None:
        """Deal what is for practice; None when a reader is through with it."""
        if not self._practice or reader.role not in ("reader", "senior"):
            return None
        query = select(assignments.c.exam).where(
            assignments.c.reader == reader.id, assignments.c.kind == "practice", assignments.c.read.is_(True)
        )
        done = set(db.execute(query).scalars()) & set(self._practice)
        if len(done) == len(self._practice):
            return None
        mine = [row for row in held if row.kind == "practice" and row.exam in self._practice]
        known = {row.exam for row in mine} | done
        fresh = (Slot(exam, 1) for exam in self._practice if exam not in known)
        shown = self._claim(db, reader, mine, fresh, [], number, "practice", now)
        return Queue(shown, len(done), len(self._practice) - len(done))

    def _claimed(self, db: Connection, reader: Reader, now: float) -> Counter[str]:
        """Count, for each exam, the colleagues of the same role who have it open and are not known to have left.

        What was opened after `now` was opened before the clock was set back, and counts for nothing.
        """
        query = (
            select(assignments.c.exam, func.count())
            .join(readers, readers.c.id == assignments.c.reader)
            .where(
                readers.c.role == reader.role,
                readers.c.id != reader.id,
                assignments.c.opened > now - 60 * self._settings.claim_minutes,
                assignments.c.opened <= now + _FRESH,
                assignments.c.read.is_(False),
                assignments.c.later == 0,
                (assignments.c.kind == "consensus") | ((assignments.c.kind == "read") & (assignments.c.occasion == 1)),
            )
            .group_by(assignments.c.exam)
        )
        return Counter(dict(db.execute(query).tuples().all()))

    def _taken(self, reader: Reader, claimed: Counter[str]) -> set[str]:
        """Return the exams that nothing is left of for this reader while colleagues have them open."""
        found = set()
        for exam, number in claimed.items():
            if exam not in self._exams:
                continue
            queue, brief = self._settings.queues[self._exams[exam].set], self.book.briefs.get(exam)
            needed = queue.readings if queue.role == reader.role else 1
            have = len(brief.readers) if brief and queue.role == reader.role else 0
            if have + number >= needed:
                found.add(exam)
        return found


def _assignment(row: Row[Any]) -> Assignment:
    return Assignment(row.id, row.handle, row.exam, row.kind)
