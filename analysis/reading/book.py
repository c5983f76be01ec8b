"""All cases, kept up to date by reading only those that the ledger has grown in."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from analysis.reading.ledger import Case, cases, standing
from analysis.reading.settings import QueuesSettings
from analysis.reading.store import assignments, ledger

#: With more changed exams than this the whole ledger is read at once.
_FEW = 20


class Book:
    """The cases of a ledger that can only grow.

    Not for several threads at once: the dealer asks from within a writing transaction, of which
    there is one at a time.

    Parameters
    ----------
    queues : QueuesSettings
        Which readings count.
    """

    def __init__(self, queues: QueuesSettings) -> None:
        self._queues = queues
        self._last = 0
        self._cases: dict[str, Case] = {}

    def cases(self, db: Connection) -> dict[str, Case]:
        """Return the case of every exam with a reading, as of this transaction."""
        grown = select(assignments.c.exam).join(ledger, ledger.c.assignment == assignments.c.id)
        changed = db.execute(grown.where(ledger.c.id > self._last).distinct()).scalars().all()
        if len(changed) > _FEW:
            self._cases = cases(standing(db), self._queues)
            changed = []
        for exam in changed:
            self._cases |= cases(standing(db, exam=exam), self._queues)
        self._last = db.execute(select(func.max(ledger.c.id))).scalar() or 0
        return self._cases
