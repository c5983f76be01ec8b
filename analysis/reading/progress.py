"""How far the reading has come: exams, conflicts, pace, and agreement so far."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from analysis.reading.book import Book, Work
from analysis.reading.cases import Case, cases
from analysis.reading.form import Form
from analysis.reading.index import Exam
from analysis.reading.ledger import Entry, by_exam
from analysis.reading.settings import QueuesSettings
from analysis.reading.store import Store

_DAY = 86400
#: Stands for a value that is missing or does not apply.
_NONE = 255
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


class Pairs:
    """The values of pairs of readings, pair of readers by pair, in a byte each."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._found: dict[tuple[str, str], list[bytes]] = {}

    def between(self, case: Case) -> None:
        """Take in the independent readings of an exam."""
        listed = sorted(case.readings, key=lambda entry: entry.name)
        for i, one in enumerate(listed):
            for other in listed[i + 1 :]:
                self._add(one, other)

    def within(self, case: Case) -> None:
        """Take in the second occasions of an exam beside the first."""
        once = {entry.reader: entry for entry in (*case.readings, *case.further) if entry.occasion == 1}
        if case.senior:
            once[case.senior.reader] = case.senior
        for entry in case.further:
            if entry.occasion == 2 and entry.reader in once:
                self._add(once[entry.reader], entry)

    def _add(self, one: Entry, other: Entry) -> None:
        self._found.setdefault((one.name, other.name), []).append(self._packed(one) + self._packed(other))

    def _packed(self, entry: Entry) -> bytes:
        values = (entry.values.get(field.name) for field in self._form.fields)
        return bytes(_NONE if value is None else value for value in values)

    def measure(self) -> list[dict[str, Any]]:
        """Measure agreement.

        Returns
        -------
        list of dict
            first, second (readers' names), field, title, and what `measure_agreement` gives.
        """
        from analysis.grading.agreement import measure_agreement  # brings a library of statistics along

        rows = []
        for (first, second), packed in sorted(self._found.items()):
            values = np.frombuffer(b"".join(packed), np.uint8).reshape(len(packed), 2, -1).astype(int)
            for i, field in enumerate(self._form.fields):
                both = values[(values[:, :, i] != _NONE).all(axis=1), :, i]
                if len(both):
                    measured = measure_agreement(both[:, 0], both[:, 1], self._form.highest[field.name])
                    rows.append(
                        {"first": first, "second": second, "field": field.name, "title": field.title} | measured
                    )
        return rows


def agreement(path: Path, queues: QueuesSettings, form: Form) -> dict[str, list[dict[str, Any]]]:
    """Measure the agreement in a store, between readers and of readers with themselves.

    Returns
    -------
    dict
        between and within: what `Pairs.measure` gives.
    """
    between, within = Pairs(form), Pairs(form)
    with Store(path).reading() as db:
        for entries in by_exam(db):
            for case in cases(entries, queues, form).values():
                between.between(case)
                within.within(case)
    return {"between": between.measure(), "within": within.measure()}
