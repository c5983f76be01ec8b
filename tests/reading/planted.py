"""A hundred exams whose readings are laid down beforehand, so that agreement can be worked out by hand.

Every block of twenty holds each grade four times; the second reader differs in four of them:

====================  ==  ==  ==  ==  ==  =====
second reader gives    0   1   2   3   4    all
====================  ==  ==  ==  ==  ==  =====
first reader gives 0   4                      4
first reader gives 1       2   2              4
first reader gives 2           4              4
first reader gives 3           1   3          4
first reader gives 4               1   3      4
all                    4   2   7   4   3     20
====================  ==  ==  ==  ==  ==  =====

The first reader finds medial osteoarthritis from grade 3 on, the second all but the first of these.
"""

from __future__ import annotations

import sqlite3
from fractions import Fraction
from pathlib import Path

from tests.reading.conftest import Archive

BLOCK = 20
#: Place in the block: the second reader's grade where it is not the first's, place % 5.
_DIFFER = {1: 2, 6: 2, 8: 2, 14: 3}
_MEDIAL_MISSED = 3

#: Agreement of a block, and so of any number of blocks: share, Cohen's kappa, quadratic kappa.
#: Grades: 16 of 20 alike. By chance 4 x (4 + 2 + 7 + 4 + 3) / 400 = 1/5, so kappa = (4/5 - 1/5) / (4/5).
#: Squared distances: 4 seen; expected (4 x 30 + 2 x 15 + 7 x 10 + 4 x 15 + 3 x 30) x 4 / 20 = 74.
KL = (Fraction(16, 20), Fraction(3, 4), 1 - Fraction(4, 74))
#: Medial: 7 yes-yes, 1 yes-no, 12 no-no. By chance (8 x 7 + 12 x 13) / 400 = 53/100, so kappa = (95 - 53) / (100 - 53).
MEDIAL = (Fraction(19, 20), Fraction(42, 47), Fraction(42, 47))
#: Grade 2 or more: 12 yes-yes, 2 no-yes, 6 no-no. By chance (12 x 14 + 8 x 6) / 400 = 54/100, so kappa = (90 - 54) / (100 - 54).
DISEASE = (Fraction(18, 20), Fraction(36, 46), Fraction(36, 46))
#: Exams of a block in which the readers differ in anything.
CONFLICTS = len(_DIFFER) + 1


def grade(place: int, reader: int) -> dict[str, int]:
    """Return what the first (0) or second (1) reader finds in the exam at a place; all else is absent."""
    first = place % 5
    second = _DIFFER.get(place % BLOCK, first)
    medial = first >= 3 and not (reader and place % BLOCK == _MEDIAL_MISSED)
    return {"kl": second if reader else first, "medial": int(medial)}


def decide(place: int) -> dict[str, int]:
    """Return what the seniors decide: now the first reader was right, now the second."""
    one, other = grade(place, 0), grade(place, 1)
    return {item: (one, other)[place // BLOCK % 2][item] for item in one if one[item] != other[item]}


class Places:
    """Which planted exam a handle stands for."""

    def __init__(self, archive: Archive, store: Path) -> None:
        self._order = {exam: place for place, exam in enumerate(archive.exams)}
        self._db = sqlite3.connect(f"file:{store}?mode=ro", uri=True)

    def of(self, shown: str) -> tuple[int, int]:
        query = "select exam, occasion from assignments where handle = ?"
        exam, occasion = self._db.execute(query, [shown.rsplit("/", 1)[0]]).fetchone()
        return self._order[exam], occasion
