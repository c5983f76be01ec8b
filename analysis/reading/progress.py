"""How far the reading has come: exams, conflicts, pace."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable
from statistics import median
from typing import Any

from analysis.reading.book import Book, Work
from analysis.reading.index import Exam
from analysis.reading.settings import QueuesSettings

_DAY = 86400
#: A pause of more than this is no reading, minutes.
_PAUSE = 10.0


def count_exams(exams: Iterable[Exam], book: Book, queues: QueuesSettings) -> list[dict[str, Any]]:
    """Count, for each set, the exams by how far they have come.

    Returns
    -------
    list of dict
        set, exams (that are to be read), begun, read (all their readings are there), conflict (open,
        reopened ones included), decided, closed.
    """
    sizes = Counter(exam.set for exam in exams)
    rows = []
    for name, size in sizes.items():
        if getattr(queues, name).readings:
            counts = book.counts.get(name, Counter())
            rows.append(
                {
                    "set": name,
                    "exams": size,
                    "begun": counts["waiting"],
                    "read": counts.total() - counts["waiting"],
                    "conflict": counts["conflict"] + counts["reopened"],
                    "decided": counts["decided"],
                    "closed": name in book.closed,
                }
            )
    return rows


def pace(work: Work | None, now: float) -> dict[str, Any]:
    """Tell how fast somebody reads.

    Parameters
    ----------
    work : Work or None
    now : float
        Seconds since 1970.

    Returns
    -------
    dict
        read (occasions), today (on the day of `now`, UTC), seconds (median of the first versions; None before
        the first), per_hour (None before the second; pauses of more than ten minutes are taken out).
    """
    if work is None or not work.at:
        return {"read": 0, "today": 0, "seconds": None, "per_hour": None}
    steps = [later - earlier for earlier, later in itertools.pairwise(sorted(work.at))]
    steps = [step for step in steps if step <= 60 * _PAUSE]
    return {
        "read": len(work.at),
        "today": sum(at // _DAY == now // _DAY for at in work.at),
        "seconds": round(median(work.seconds), 1),
        "per_hour": round(3600 * len(steps) / sum(steps)) if sum(steps) > 0 else None,
    }
