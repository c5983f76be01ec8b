"""How far the reading has come: exams, conflicts, pace, and agreement so far."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from statistics import median
from typing import Any

import numpy as np

from analysis.grading.agreement import measure_agreement
from analysis.reading.form import Form
from analysis.reading.index import Exam
from analysis.reading.ledger import Case, Entry
from analysis.reading.settings import QueuesSettings

_STATES = ("waiting", "agreed", "conflict", "reopened", "decided")
#: A pause of more than this is no reading, minutes.
_PAUSE = 10.0


def count_exams(exams: dict[str, Exam], found: dict[str, Case], queues: QueuesSettings) -> list[dict[str, Any]]:
    """Count, for each set, the exams by how far they have come.

    Returns
    -------
    list of dict
        set, exams (that are to be read), begun, read (all their readings are there), conflict (open,
        reopened ones included), decided.
    """
    rows = []
    for name in dict.fromkeys(exam.set for exam in exams.values()):
        queue = getattr(queues, name)
        listed = [exam for exam in exams.values() if exam.set == name and queue.readings]
        states: list[str] = [found[exam.exam].state.name for exam in listed if exam.exam in found]
        counts = {state: states.count(state) for state in _STATES}
        if listed:
            rows.append(
                {
                    "set": name,
                    "exams": len(listed),
                    "begun": counts["waiting"],
                    "read": len(states) - counts["waiting"],
                    "conflict": counts["conflict"] + counts["reopened"],
                    "decided": counts["decided"],
                }
            )
    return rows


def pace(entries: Iterable[Entry]) -> dict[str, Any]:
    """Tell how fast somebody reads.

    Returns
    -------
    dict
        read (occasions), seconds (median an exam, corrections aside; None before the first), per_hour
        (None before the second; pauses of more than ten minutes are taken out).
    """
    mine = sorted(entries, key=lambda entry: entry.first)
    times = [datetime.fromisoformat(entry.first).timestamp() for entry in mine]
    steps = [later - earlier for earlier, later in itertools.pairwise(times)]
    steps = [step for step in steps if step <= 60 * _PAUSE]
    return {
        "read": len(mine),
        "seconds": round(median(entry.seconds for entry in mine), 1) if mine else None,
        "per_hour": round(3600 * len(steps) / sum(steps)) if sum(steps) > 0 else None,
    }


def today(entries: Iterable[Entry], now: float) -> int:
    """Count what was read on the day that `now` falls on (UTC)."""
    day = datetime.fromtimestamp(now, UTC).date().isoformat()
    return sum(entry.first.startswith(day) for entry in entries)


def between(found: Iterable[Case], form: Form) -> list[dict[str, Any]]:
    """Measure agreement of the independent readings, pair of readers by pair.

    Returns
    -------
    list of dict
        first, second (readers' names), field, title, and what `measure_agreement` gives.
    """
    pairs: dict[tuple[str, str], list[tuple[Entry, Entry]]] = {}
    for case in found:
        listed = sorted(case.readings, key=lambda entry: entry.name)
        for i, one in enumerate(listed):
            for other in listed[i + 1 :]:
                pairs.setdefault((one.name, other.name), []).append((one, other))
    return [row for names, both in sorted(pairs.items()) for row in _compare(*names, both, form)]


def within(found: Iterable[Case], form: Form) -> list[dict[str, Any]]:
    """Measure each reader's agreement with themselves, on the exams that came back.

    Returns
    -------
    list of dict
        As `between`; first and second are the same reader.
    """
    pairs: dict[str, list[tuple[Entry, Entry]]] = {}
    for case in found:
        once = {entry.reader: entry for entry in (*case.readings, *case.further) if entry.occasion == 1}
        if case.senior:
            once[case.senior.reader] = case.senior
        for entry in case.further:
            if entry.occasion == 2 and entry.reader in once:
                pairs.setdefault(entry.name, []).append((once[entry.reader], entry))
    return [row for name, both in sorted(pairs.items()) for row in _compare(name, name, both, form)]


def _compare(first: str, second: str, both: Sequence[tuple[Entry, Entry]], form: Form) -> list[dict[str, Any]]:
    rows = []
    for field in form.fields:
        graded = [(a.values[field.name], b.values[field.name]) for a, b in both if _have(field.name, a, b)]
        if graded:
            values = np.array(graded)
            measured = measure_agreement(values[:, 0], values[:, 1], form.highest[field.name])
            rows.append({"first": first, "second": second, "field": field.name, "title": field.title} | measured)
    return rows


def _have(name: str, *entries: Entry) -> bool:
    return all(name in entry.values for entry in entries)
