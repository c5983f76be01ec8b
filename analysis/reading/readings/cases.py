"""An exam with its readings: which of them count, and how far it has come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from analysis.grading.settings import ReadingPolicy
from analysis.reading.readings.conflicts import State, state_of
from analysis.reading.readings.entries import Entry
from analysis.reading.readings.form import Form


@dataclass(frozen=True)
class Case:
    """An exam with the readings that count.

    Attributes
    ----------
    exam, set : str
    readings : tuple of Entry
        The independent readings, as many as the queue asks for, the earliest first.
    senior : Entry or None
        A senior's reading of an exam flagged for another look.
    decisions : tuple of Entry
        Of consensus sessions, in order.
    further : tuple of Entry
        Second occasions, and readings beyond the number asked for.
    state : State
    """

    exam: str
    set: str
    readings: tuple[Entry, ...]
    senior: Entry | None
    decisions: tuple[Entry, ...]
    further: tuple[Entry, ...]
    state: State

    @property
    def decision(self) -> dict[str, int | None]:
        """All that has been decided, later sessions over earlier ones."""
        return {name: value for entry in self.decisions for name, value in entry.values.items()}

    @property
    def settled(self) -> dict[str, int | None]:
        """All that the readings agree in, or that has been decided."""
        values = [entry.values for entry in self.readings]
        alike = {n: v for n, v in values[0].items() if all(other.get(n) == v for other in values)} if values else {}
        return alike | self.decision


def cases(
    entries: Iterable[Entry],
    queues: Mapping[str, ReadingPolicy],
    form: Form | None = None,
    sets: Mapping[str, str] | None = None,
) -> dict[str, Case]:
    """Sort entries by exam, and say which of them count; practice never does.

    Parameters
    ----------
    entries : iterable of Entry
    queues : mapping of str to ReadingPolicy
    form : Form, optional
        For the items that don't apply to an exam.
    sets : mapping of str to str, optional
        The set of each exam as it is now: a new selection may have moved it. Without, as it was read last.

    Returns
    -------
    dict of str to Case
        For exams with any entry.
    """
    listed: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.kind != "practice":
            listed.setdefault(entry.exam, []).append(entry)
    now = {exam: (sets or {}).get(exam, its[-1].set) for exam, its in listed.items()}
    return {exam: _case(exam, now[exam], its, queues[now[exam]], form) for exam, its in listed.items()}


def _case(exam: str, name: str, entries: list[Entry], queue: ReadingPolicy, form: Form | None) -> Case:
    first = [entry for entry in entries if entry.kind == "read" and entry.occasion == 1]
    own = [entry for entry in first if entry.role == queue.role]
    seniors = [entry for entry in first if entry.role == "senior" and queue.role != "senior"]
    readings, senior = own[: queue.readings], next(iter(seniors), None)
    counted = {entry.assignment for entry in (*readings, *seniors[:1])}
    decisions = tuple(entry for entry in entries if entry.kind == "consensus")
    decision = {name: value for entry in decisions for name, value in entry.values.items()}
    values = [entry.values for entry in readings]
    absent = (form.absent,) if form else ()
    return Case(
        exam,
        name,
        tuple(readings),
        senior,
        decisions,
        tuple(entry for entry in entries if entry.kind == "read" and entry.assignment not in counted),
        state_of(values, decision, queue.readings, *absent),
    )
