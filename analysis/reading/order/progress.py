"""How far the reading has come: exams, conflicts, pace."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from analysis.reading.order.book import Book, Work

_DAY = 86400
#: A pause of more than this is no reading, minutes.
_PAUSE = 10.0


def count_exams(sizes: Mapping[str, int], book: Book) -> list[dict[str, Any]]:
    """Count, for each set, the exams by how far they have come.

    Parameters
    ----------
    sizes : mapping of str to int
        Exams of each set.
    book : Book

    Returns
    -------
    list of dict
        set, exams (that are to be read), begun, read (all their readings are there), conflict (open,
        reopened ones included), decided, closed.
    """
    rows = []
    for name, size in sizes.items():
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
    at = np.sort(work.at)
    steps = np.diff(at)
    steps = steps[steps <= 60 * _PAUSE]
    return {
        "read": len(at),
        "today": int((at // _DAY == now // _DAY).sum()),
        "seconds": round(float(np.median(work.seconds)), 1),
        "per_hour": round(3600 * len(steps) / steps.sum()) if steps.sum() > 0 else None,
    }
