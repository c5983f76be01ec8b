"""One reader's exams in the order they come, some of them twice."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.reading.settings import RoomSettings

Ints = NDArray[np.int32]


class Slot(NamedTuple):
    """An exam on one of its occasions."""

    exam: str
    occasion: int


def order(reader: str, exams: Ints, settings: RoomSettings) -> Ints:
    """Order exams at random for one reader, some of them twice.

    Parameters
    ----------
    reader : str
        Each name has an order of its own, the same one whenever it is asked for.
    exams : numpy.ndarray of int
        The numbers of the exams.
    settings : RoomSettings
        For seed, share and gap.

    Returns
    -------
    numpy.ndarray of int, shape (places, 2)
        Exam and occasion. The second occasion is at least `repeat_gap` places after the first, or half the list
        where that is shorter; the share is of all exams, as far as there is room after them.
    """
    name = int.from_bytes(hashlib.sha256(reader.encode()).digest()[:8], "big")
    rng = np.random.default_rng([settings.seed, name])
    drawn = rng.permutation(np.sort(exams))
    n = len(drawn)
    gap = min(settings.repeat_gap, n // 2)
    early = n - gap
    number = min(round(settings.repeat_share * n), early) if gap else 0
    again = np.sort(rng.permutation(early)[:number])
    # A second occasion is put behind the exam at `place`; those behind one exam keep the order of the first.
    place = np.minimum(n - 1, again + gap + rng.integers(0, gap + 1, number))
    sorted_ = np.argsort(place, kind="stable")
    place, again = place[sorted_], again[sorted_]
    slots = np.empty((n + number, 2), dtype=np.int32)
    slots[np.arange(n) + np.searchsorted(place, np.arange(n)), 0] = drawn
    slots[:, 1] = 1
    slots[place + 1 + np.arange(number)] = np.column_stack([drawn[again], np.full(number, 2)])
    return slots


class Pile:
    """What one reader has still to read. Exams are numbers here, and every question is answered at once.

    Parameters
    ----------
    slots : numpy.ndarray of int, shape (places, 2)
        The reader's order.
    number : int
        The exams of the room.
    role : str
        The reader's.

    Attributes
    ----------
    exams : numpy.ndarray of int
        The exams in their order, first occasions alone.
    waiting : dict of int to int
        Exams that have been read once and come back, with how much had been read before that.
    """

    def __init__(self, slots: Ints, number: int, role: str) -> None:
        self.role = role
        once = slots[:, 1] == 1
        self.exams = slots[once, 0]
        self._place = np.full(number + 1, -1, dtype=np.int32)  # of an exam among its first occasions
        self._place[self.exams] = np.arange(len(self.exams))
        self._slot = np.flatnonzero(once).astype(np.int32)
        self._twice = dict(zip(slots[~once, 0].tolist(), np.flatnonzero(~once).tolist(), strict=True))
        self._open = np.zeros(len(self.exams), dtype=bool)
        self._read = np.zeros(len(self.exams), dtype=bool)
        self.waiting: dict[int, int] = {}
        self._done = self._left = self._left_twice = 0

    def want(self, exam: int, *, wanted: bool) -> None:
        """Say whether an exam needs a reading by somebody of this role."""
        place = self._place[exam]
        if place < 0:
            return
        here = wanted and not self._read[place]
        change = int(here) - int(self._open[place])
        self._open[place] = here
        self._left += change
        self._left_twice += change * (exam in self._twice)

    def want_all(self, wanted: NDArray[np.bool_]) -> None:
        """Say of all exams of the room, by their numbers, whether they need a reading by somebody of this role."""
        self._open = wanted[self.exams] & ~self._read
        self._left = int(self._open.sum())
        self._left_twice = sum(self.is_open(exam) for exam in self._twice)

    def has_read(self, exam: int, occasion: int) -> None:
        """Take in a reading of this reader's, in the order they were made."""
        self._done += 1
        if occasion > 1:
            self.waiting.pop(exam, None)
        elif self._place[exam] >= 0:
            self._read[self._place[exam]] = True
            self.want(exam, wanted=False)
            if exam in self._twice:
                self.waiting[exam] = self._done

    def is_open(self, exam: int) -> bool:
        """Return whether this reader may still read an exam for the first time."""
        return bool(self._place[exam] >= 0 and self._open[self._place[exam]])

    def comes_back(self, exam: int) -> bool:
        """Return whether an exam is one that this reader gets twice."""
        return exam in self._twice

    def blocked(self, exams: Iterable[int]) -> set[int]:
        """Return those of some exams that this reader could read otherwise."""
        return {exam for exam in exams if self.is_open(exam)}

    def left(self, blocked: set[int]) -> int:
        """Count what is left to read; what will come back counts from the start, so that the count tells nothing."""
        twice = sum(exam in self._twice for exam in blocked)
        return self._left - len(blocked) + self._left_twice - twice + len(self.waiting)

    def next(self, gap: int, blocked: set[int]) -> Iterator[tuple[int, int]]:
        """Go through exam and occasion of what can be read now, in order; at the end what comes back too early.

        Parameters
        ----------
        gap : int
            Readings between the two occasions of an exam: others may have read what lay between, so it is
            counted in this reader's own.
        blocked : set of int
            Exams that colleagues have open.
        """
        back = sorted((self._twice[exam], exam, self._done - first >= gap) for exam, first in self.waiting.items())
        ready = [(slot, exam) for slot, exam, late in back if late]
        for place in np.flatnonzero(self._open):
            exam = int(self.exams[place])
            while ready and ready[0][0] < self._slot[place]:
                yield ready.pop(0)[1], 2
            if exam not in blocked:
                yield exam, 1
        yield from ((exam, 2) for _, exam in ready)
        yield from ((exam, 2) for _, exam, late in back if not late)
