"""The piles of all readers: what each may read by the queues, kept up to date by what is new in the book."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from analysis.grading.settings import ReadingPolicy
from analysis.reading.access import Reader
from analysis.reading.exams.index import Exam
from analysis.reading.order.book import Book, Brief, News
from analysis.reading.order.pile import Ints, Pile, order
from analysis.reading.settings import RoomSettings
from analysis.reading.tables import assignments, ledger


class Piles:
    """The piles, reader by reader.

    Parameters
    ----------
    exams : mapping of str to Exam
        What is read; practice is not.
    settings : RoomSettings
    book : Book
    asked : frozenset of str, optional
        The only exams that readers get; without it all of them.

    Attributes
    ----------
    names : list of str
        The exams in the order of their numbers.
    number : dict of str to int
    """

    def __init__(
        self, exams: Mapping[str, Exam], settings: RoomSettings, book: Book, asked: frozenset[str] | None
    ) -> None:
        self._settings, self._book, self._asked = settings, book, asked
        self.names = sorted(exams)
        self.number = {exam: i for i, exam in enumerate(self.names)}
        self._set_of = [exams[exam].set for exam in self.names]
        self._queues: Mapping[str, ReadingPolicy] = settings.queues
        self._piles: dict[int, Pile] = {}

    def of(self, db: Connection, reader: Reader) -> Pile:
        """Return a reader's pile, laid out where it has not been yet."""
        if reader.id not in self._piles:
            self.lay_out(db, [reader])
        return self._piles[reader.id]

    def lay_out(self, db: Connection, readers: Iterable[Reader]) -> None:
        """Lay out the piles of some readers: what they have read is taken off, what comes back is laid aside."""
        roles: dict[str, tuple[Ints, NDArray[np.bool_]]] = {}
        for reader in readers:
            if reader.role not in roles:
                roles[reader.role] = self._may_read(reader.role), self._wanted_now(reader.role)
            may, wanted = roles[reader.role]
            pile = Pile(order(reader.name, may, self._settings), len(self.names), reader.role)
            pile.want_all(wanted)
            query = (
                select(assignments.c.exam, assignments.c.occasion)
                .join(ledger, (ledger.c.assignment == assignments.c.id) & (ledger.c.version == 0))
                .where(assignments.c.reader == reader.id, assignments.c.kind == "read")
                .order_by(ledger.c.id)
            )
            for exam, occasion in db.execute(query).tuples():
                if exam in self.number:
                    pile.has_read(self.number[exam], occasion)
            for place in [place for place in pile.waiting if self._is_over(place)]:
                del pile.waiting[place]
            self._piles[reader.id] = pile

    def take(self, news: News) -> None:
        """Take in what is new in the book."""
        shut = [place for place, name in enumerate(self._set_of) if name in news.closed] if news.closed else ()
        for who, exam, occasion in news.first:
            if who in self._piles and exam in self.number:
                self._piles[who].has_read(self.number[exam], occasion)
                if exam in self._book.settled:
                    self._piles[who].waiting.pop(self.number[exam], None)
        for pile in self._piles.values():
            for exam in news.settled:
                pile.waiting.pop(self.number.get(exam, -1), None)
            for exam in news.changed:
                if exam in self.number:
                    place = self.number[exam]
                    pile.want(place, wanted=self._wanted(pile.role, place, self._book.briefs.get(exam)))
            for place in shut:
                pile.want(place, wanted=False)
                pile.waiting.pop(place, None)

    def comes_back(self, exam: str, brief: Brief) -> bool:
        """Return whether a second occasion of one of an exam's readings is still to come."""
        place = self.number.get(exam, -1)
        return any(
            reader not in brief.again and reader in self._piles and self._piles[reader].comes_back(place)
            for reader in brief.readers
        )

    def _is_over(self, place: int) -> bool:
        """Return whether an exam is read no more: it has come before a session, or its set is closed."""
        return self.names[place] in self._book.settled or self._set_of[place] in self._book.closed

    def _may_read(self, role: str) -> Ints:
        open_ = {n for n, queue in self._queues.items() if role in (queue.role, queue.revisit)}
        listed = [
            place
            for place, (exam, name) in enumerate(zip(self.names, self._set_of, strict=True))
            if name in open_ and (self._asked is None or exam in self._asked)
        ]
        return np.array(listed, dtype=np.int32)

    def _wanted_now(self, role: str) -> NDArray[np.bool_]:
        """Tell of every exam whether it still needs a reading of a role."""
        own = {n: q.role == role and n not in self._book.closed for n, q in self._queues.items()}
        found = np.array([own[name] for name in self._set_of], dtype=bool)
        for exam, brief in self._book.briefs.items():
            place = self.number.get(exam)
            if place is not None:
                found[place] = self._wanted(role, place, brief)
        return found

    def _wanted(self, role: str, place: int, brief: Brief | None) -> bool:
        """Return whether an exam still needs a reading of a role, what colleagues have open aside."""
        if self._set_of[place] in self._book.closed:
            return False
        queue = self._queues[self._set_of[place]]
        if queue.role == role:
            return (len(brief.readers) if brief else 0) < queue.readings
        return brief is not None and brief.flagged
