"""Agreement between readers, and of readers with themselves, counted as the readings come in."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.grading.kappa import Weights, kappa
from analysis.reading.readings.cases import Case
from analysis.reading.readings.entries import Entry
from analysis.reading.readings.form import Form

#: Stands for a value that is missing or does not apply.
_NONE = 255
_QUANTILE = NormalDist().inv_cdf(0.975)


class Pair(NamedTuple):
    """Two readings of one exam.

    Attributes
    ----------
    kind : {"between", "within"}
        Of two readers, or of one reader on two occasions.
    first, second : str
        The readers' names.
    values : bytes
        A byte for each field of the form, of the first reading and then of the second.
    """

    kind: str
    first: str
    second: str
    values: bytes


def pairs_of(case: Case, form: Form) -> list[Pair]:
    """Return the pairs of an exam's independent readings, and of second occasions with the first."""
    listed = sorted(case.readings, key=lambda entry: entry.name)
    found = [_pair("between", one, other, form) for one, other in itertools.combinations(listed, 2)]
    if any(entry.occasion == 2 for entry in case.further):
        once = {entry.reader: entry for entry in (*case.readings, *case.further) if entry.occasion == 1}
        if case.senior:
            once[case.senior.reader] = case.senior
        again = (entry for entry in case.further if entry.occasion == 2 and entry.reader in once)
        found += [_pair("within", once[entry.reader], entry, form) for entry in again]
    return found


def _pair(kind: str, one: Entry, other: Entry, form: Form) -> Pair:
    given = [entry.values.get(field.name) for entry in (one, other) for field in form.fields]
    return Pair(kind, one.name, other.name, bytes(_NONE if value is None else value for value in given))


def measure(cases: Iterable[Case], form: Form) -> list[dict[str, Any]]:
    """Measure agreement with everything that the study reports of it, for a table.

    Returns
    -------
    list of dict
        kind, first, second (readers' names), field, title, and what `measure_agreement` gives.
    """
    from analysis.grading.agreement import measure_agreement  # brings a library of statistics along

    found: dict[tuple[str, str, str], list[bytes]] = {}
    for case in cases:
        for pair in pairs_of(case, form):
            found.setdefault(pair[:3], []).append(pair.values)
    rows = []
    for (kind, first, second), packed in sorted(found.items()):
        values = np.frombuffer(b"".join(packed), np.uint8).reshape(len(packed), 2, -1).astype(int)
        for i, field in enumerate(form.fields):
            both = values[(values[:, :, i] != _NONE).all(axis=1), :, i]
            if len(both):
                measured = measure_agreement(both[:, 0], both[:, 1], form.highest[field.name])
                row = {"kind": kind, "first": first, "second": second, "field": field.name, "title": field.title}
                rows.append(row | measured)
    return rows


class Tally:
    """Counts of who gave what where somebody else gave what, pair of readers by pair; always up to date.

    Parameters
    ----------
    form : Form
    """

    def __init__(self, form: Form) -> None:
        self._form = form
        self._levels = [form.highest[field.name] + 1 for field in form.fields]
        self._begin = [0, *itertools.accumulate(levels**2 for levels in self._levels)]
        self._counts: dict[tuple[str, str, str], list[int]] = {}
        self._of: dict[str, list[Pair]] = {}

    def enter(self, exam: str, case: Case) -> None:
        """Take in an exam as it stands now, in place of how it stood before."""
        new = pairs_of(case, self._form)
        for sign, pairs in ((-1, self._of.pop(exam, ())), (1, new)):
            for pair in pairs:
                counts = self._counts.setdefault(pair[:3], [0] * self._begin[-1])
                half = len(self._levels)
                for begin, levels, one, other in zip(
                    self._begin, self._levels, pair.values[:half], pair.values[half:], strict=False
                ):
                    if _NONE not in (one, other):
                        counts[begin + one * levels + other] += sign
        if new:
            self._of[exam] = new

    def snapshot(self) -> dict[tuple[str, str, str], list[int]]:
        """Return the counts as they are, for `summary`."""
        return {pair: counts.copy() for pair, counts in sorted(self._counts.items())}

    def summary(self, counts: dict[tuple[str, str, str], list[int]]) -> list[dict[str, Any]]:
        """Return share and kappa of each pair and field with 95 % intervals; exams count as independent.

        Returns
        -------
        list of dict
            kind, first, second, field, title, n, conflicts, percent and its Wilson interval, kappa and
            kappa_quadratic with the intervals of Fleiss, Cohen & Everitt (1969): None where there is none.
        """
        if not counts:
            return []
        whole = np.array(list(counts.values()), dtype=np.int64)
        rows: list[dict[str, Any]] = []
        for i, field in enumerate(self._form.fields):
            size = self._levels[i]
            tables = whole[:, self._begin[i] : self._begin[i + 1]].reshape(-1, size, size)
            columns = _measures(tables)
            rows += [
                {"kind": kind, "first": first, "second": second, "field": field.name, "title": field.title}
                | {name: values[k] for name, values in columns.items()}
                for k, (kind, first, second) in enumerate(counts)
                if columns["n"][k]
            ]
        return sorted(rows, key=lambda row: (row["kind"], row["first"], row["second"]))


def _measures(tables: NDArray[np.int64]) -> dict[str, list[Any]]:
    n = tables.sum(axis=(1, 2))
    alike = np.trace(tables, axis1=1, axis2=2)
    with np.errstate(all="ignore"):  # of pairs that have no exam in common, and of tables without kappa
        share = alike / n
        spread = _QUANTILE * np.sqrt(share * (1 - share) / n + (_QUANTILE / n) ** 2 / 4)
        centre, shrink = share + _QUANTILE**2 / n / 2, 1 + _QUANTILE**2 / n
        found = {
            "percent": share,
            "percent_low": (centre - spread) / shrink,
            "percent_high": (centre + spread) / shrink,
        }
        found = {name: 100 * np.clip(values, 0, 1) for name, values in found.items()}
        wanted: dict[str, Weights] = {"kappa": None, "kappa_quadratic": "quadratic"}
        for name, weights in wanted.items():
            value, influence = kappa(tables, weights)
            variance = (influence**2 * tables).sum(axis=(1, 2)) / n**2
            half = np.where(variance > 1e-12, _QUANTILE * np.sqrt(variance), np.nan)
            found |= {
                name: value,
                f"{name}_low": np.maximum(-1, value - half),
                f"{name}_high": np.minimum(1, value + half),
            }
    columns: dict[str, list[Any]] = {"n": n.tolist(), "conflicts": (n - alike).tolist()}
    for name, values in found.items():
        columns[name] = [None if value != value else value for value in values.tolist()]
    return columns
