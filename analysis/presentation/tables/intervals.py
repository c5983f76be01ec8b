"""Intervals, their coverage, and comparisons of AUCs, in tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.grading.scheme import Outcome
from analysis.presentation.format import NONE, count, interval, known, number, p_value, span
from analysis.presentation.markdown import Table
from analysis.presentation.results import Results
from analysis.presentation.tables.performance import by_heading
from analysis.presentation.tables.readers import reader
from analysis.presentation.tables.subgroups import asked

if TYPE_CHECKING:
    import pandas as pd

#: Kinds of interval, as roc.csv calls them; the last is the one recommended.
METHODS = {
    "delong": "DeLong",
    "bootstrap": "bootstrap of exams",
    "patients": "bootstrap of patients",
    "score": "recommended",
}
#: The same as the simulation calls them, in the order of its table and figure.
SIMULATED = {"reported": "recommended"} | {name: METHODS[name] for name in ("delong", "bootstrap", "patients")}
TESTS = {
    "subgroups": "Two subgroups, AUC",
    "networks": "Two networks on the same exams, AUC",
    "readers": "Network and reader on the same exams, balanced accuracy",
}


def comparisons(results: Results) -> Table | None:
    """Tabulate network and readers compared, one outcome a question, with P values after Holm's correction."""
    frame = results.estimates("comparisons")
    if frame.empty:
        return None
    digits = results.settings.digits
    rows: list[list[str]] = []
    for same in asked(results, among=set(frame["outcome"])):
        heading, part = results.heading(same[0]), frame[frame["outcome"] == same[0].id]
        found = [
            [
                f"{results.name(same[0])}, {reader(row['second'])}",
                count(row["cases"]),
                interval(dict(row), "difference", digits),
                p_value(row.get("p_holm")),
            ]
            for _, row in part.iterrows()
            if known(row.get("difference"))
        ]
        rows += [[heading]] if found and [heading] not in rows else []
        rows += found
    return Table(["", "Cases", f"Difference ({results.level} CI)", "P (Holm)"], rows) if rows else None


def intervals(results: Results) -> Table | None:
    """Every kind of interval of each AUC, and the numbers that the recommended one counts."""
    digits = results.settings.digits + 1

    def cells(outcome: Outcome) -> list[str]:
        row = results.auc(outcome.id)
        if not known(row["auc"]):
            return [NONE] * (len(METHODS) + 1) + [str(row.get("reason") or NONE)]
        found = []
        for method in METHODS:
            low, high = row.get(f"{method}_low"), row.get(f"{method}_high")
            found.append(f"{number(low, digits)} to {number(high, digits)}" if known(low) else NONE)
        effective = [row.get(f"effective_{name}") for name in ("cases", "controls")]
        counted = " / ".join(number(value, 1) for value in effective)
        return [number(row["auc"], digits), *found, counted if known(effective[0]) else str(row.get("reason") or NONE)]

    head = ["", "AUC", *(_capital(title) for title in METHODS.values()), "Effective cases / controls"]
    return Table(head, by_heading(results, results.outcomes(), cells), align="lr" + "r" * len(METHODS) + "l")


def coverage(results: Results) -> Table | None:
    """How often each kind of interval covered the true AUC in simulated studies: mean and range over true AUCs."""
    frame = results.covered
    if frame.empty:
        return None
    methods = [name for name in SIMULATED if (frame["method"] == name).any()]
    rows: list[list[str]] = []
    for size in sorted(frame["exams_per_patient"].unique()):
        rows.append([_exams(size)])
        part = frame[frame["exams_per_patient"] == size]
        for cases in sorted(part["cases"].unique()):
            here = part[part["cases"] == cases]
            found = [_mean_and_range(here.loc[here["method"] == name, "coverage"]) for name in methods]
            width = number(here.loc[here["method"] == methods[0], "width"].mean(), results.settings.digits)
            rows.append([f"{count(cases)} / {count(here['controls'].iloc[0])}", *found, width])
    head = ["Cases / controls", *(f"{_capital(SIMULATED[name])}, %" for name in methods)]
    return Table([*head, f"Mean width, {SIMULATED[methods[0]]}"], rows)


def positives(results: Results) -> Table | None:
    """How often each test found a difference that isn't there: mean and range over true AUCs."""
    frame = results.positives
    if frame.empty:
        return None
    sizes = sorted(frame["exams_per_patient"].unique())
    rows: list[list[str]] = []
    for test, title in TESTS.items():
        part = frame[frame["test"] == test]
        if part.empty:
            continue
        rows.append([title])
        for cases in sorted(part["cases"].unique()):
            here = part[part["cases"] == cases]
            found = [_mean_and_range(here.loc[here["exams_per_patient"] == size, "rejected"]) for size in sizes]
            rows.append([f"{count(cases)} / {count(here['controls'].iloc[0])}", *found])
    return Table(["Cases / controls", *(f"{_exams(size)}, %" for size in sizes)], rows)


def _exams(size: int) -> str:
    return "One exam of each patient" if size == 1 else f"{count(size)} exams of each patient"


def _mean_and_range(shares: pd.Series) -> str:
    """Return shares in percent, "95.1 (94.0 to 96.2)"; one number where there is one, a dash where there is none."""
    if shares.empty:
        return NONE
    mean, ends = number(100 * shares.mean(), 1), span(100 * shares, 1)
    return f"{mean} ({ends})" if " to " in ends else mean


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
