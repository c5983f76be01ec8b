"""Intervals, their coverage, and comparisons of AUCs, in tables."""

from __future__ import annotations

from analysis.grading.scheme import Outcome
from analysis.report.format import NONE, count, interval, known, number, p_value
from analysis.report.markdown import Table
from analysis.report.results import Results
from analysis.report.tables.performance import by_heading

METHODS = {
    "delong": "DeLong",
    "bootstrap": "bootstrap of exams",
    "patients": "bootstrap of patients",
    "score": "score",
}


def comparisons(results: Results) -> Table | None:
    """Comparisons of AUCs."""
    frame = results.estimates("comparisons")
    if frame.empty:
        return None
    digits = results.settings.digits
    rows = [
        [
            results.title(str(row["outcome"])),
            str(row["first"]).replace("_", " "),
            str(row["second"]).replace("_", " "),
            interval(dict(row), "difference", digits),
            p_value(row.get("p")),
            METHODS.get(str(row["method"]), str(row["method"])) if known(row.get("method")) else NONE,
        ]
        for _, row in frame.iterrows()
    ]
    return Table(["", "First", "Second", "Difference", "P", "Method"], rows, align="lllrrl")


def intervals(results: Results) -> Table | None:
    """Every kind of interval of each AUC, and the one that is reported."""
    digits = results.settings.digits + 1

    def cells(outcome: Outcome) -> list[str] | None:
        row = results.auc(outcome.id)
        if not known(row["auc"]):
            return [NONE] * (len(METHODS) + 1) + [str(row.get("reason") or NONE)]
        found = []
        for method in METHODS:
            low, high = row.get(f"{method}_low"), row.get(f"{method}_high")
            found.append(f"{number(low, digits)} to {number(high, digits)}" if known(low) else NONE)
        reported = row.get("method")
        chosen = (
            METHODS.get(str(reported), str(row.get("reason"))) if known(reported) else str(row.get("reason") or NONE)
        )
        return [number(row["auc"], digits), *found, chosen]

    head = ["", "AUC", *(title[0].upper() + title[1:] for title in METHODS.values()), "Reported"]
    return Table(head, by_heading(results, results.outcomes(), cells), align="lr" + "r" * len(METHODS) + "l")


def coverage(results: Results) -> Table | None:
    """How often each kind of interval covered the true AUC in simulated studies."""
    frame = results.covered
    if frame.empty:
        return None
    digits = results.settings.digits
    rows: list[list[str]] = []
    for clustered in sorted(frame["clustered"].unique()):
        rows.append(["Several exams of each patient" if clustered else "One exam of each patient"])
        part = frame[frame["clustered"] == clustered].sort_values(["true_auc", "cases", "method"], kind="stable")
        for _, row in part.iterrows():
            name = METHODS.get(str(row["method"]), str(row["method"]).replace("_", " "))
            rows.append(
                [
                    name[0].upper() + name[1:],
                    f"{count(row['cases'])} / {count(row['controls'])}",
                    number(row["true_auc"], digits),
                    interval(dict(row), "coverage", 1, 100),
                    number(row["width"], digits),
                ]
            )
    return Table(["", "Cases / controls", "True AUC", "Coverage, %", "Mean width"], rows)
