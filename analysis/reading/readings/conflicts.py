"""Where the independent readings of an exam differ, and what is left to decide."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from analysis.reading.readings.form import FLAGS

Values = Mapping[str, int | None]
Absent = Callable[[Values], frozenset[str]]


@dataclass(frozen=True)
class State:
    """How far an exam has come.

    Attributes
    ----------
    name : {"waiting", "agreed", "conflict", "decided", "reopened"}
        waiting: readings are missing; conflict: a consensus session has to decide `fields`;
        reopened: the session found it gradable, and readers who had left it ungraded must grade it.
    fields : tuple of str
        What is to be decided; of a reopened exam, what is to be graded.
    readers : tuple of int
        Positions of the readers who must grade it.
    absent : tuple of str
        Items that don't apply, by what was agreed or decided: what a reader graded of them doesn't count.
    """

    name: Literal["waiting", "agreed", "conflict", "decided", "reopened"]
    fields: tuple[str, ...] = ()
    readers: tuple[int, ...] = ()
    absent: tuple[str, ...] = ()


def state_of(
    readings: Sequence[Values], decision: Values, needed: int, absent: Absent = lambda _: frozenset()
) -> State:
    """Compare the readings of one exam.

    Whether the exam can be graded at all is settled first, then whether each item can; only then do grades matter.

    Parameters
    ----------
    readings : sequence of mapping
        Each reader's latest values, flags included; grades may be missing where a flag is 1.
    decision : mapping
        What a consensus session has decided so far.
    needed : int
        Readings that the exam gets.
    absent : callable, optional
        Given what was found, the items that don't apply.
    """
    if len(readings) < needed:
        return State("waiting")
    if len(readings) < 2:
        return State("agreed")
    split = [flag for flag in FLAGS if len({reading[flag] for reading in readings}) > 1]
    undecided = tuple(flag for flag in split if flag not in decision)
    if undecided:
        return State("conflict", undecided)
    final = {flag: decision.get(flag, readings[0][flag]) for flag in FLAGS}
    if any(final.values()):
        return State("decided" if split else "agreed")
    names = dict.fromkeys(name for reading in readings for name in reading if name not in FLAGS)
    given = {name: [reading.get(name) for reading in readings] for name in names}
    common = [name for name, values in given.items() if None not in values]
    differ = [name for name in common if len(set(given[name])) > 1]
    undecided = tuple(name for name in differ if name not in decision)
    if undecided:
        return State("conflict", undecided)
    settled = {name: decision.get(name, readings[0][name]) for name in common}
    gone = tuple(sorted(absent(settled) & set(names)))
    wanted = [name for name in names if name not in gone]
    ungraded = tuple(i for i in range(len(readings)) if any(given[name][i] is None for name in wanted))
    if not names or ungraded:
        return State("reopened", tuple(wanted), ungraded or tuple(range(len(readings))), gone)
    return State("decided" if split or differ else "agreed", absent=gone)
