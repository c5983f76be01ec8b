"""Calibration, and thresholds chosen on the test set, in tables."""

from __future__ import annotations

from analysis.grading.scheme import Outcome
from analysis.report.format import count, interval, number
from analysis.report.markdown import Table
from analysis.report.results import Results
from analysis.report.tables.performance import by_heading


def optimism(results: Results) -> Table | None:
    """Tabulate what Youden's J gains when the threshold is chosen on the test set itself."""
    frame = results.estimates("optimism")
    if frame.empty:
        return None
    frame = frame.set_index("outcome")
    digits = results.settings.digits

    def cells(outcome: Outcome) -> list[str] | None:
        if outcome.id not in frame.index:
            return None
        row = dict(frame.loc[outcome.id])
        chosen = results.threshold(outcome.id)
        return [
            number(chosen.get("threshold"), 3),
            number(row.get("youden_validation"), digits),
            number(row.get("youden_test"), digits),
            number(row.get("optimism"), digits),
        ]

    head = ["", "Threshold (validation)", "J, chosen on validation", "J, chosen on test", "Optimism"]
    return Table(head, by_heading(results, results.outcomes("grade", "group", "disease", "location", "finding"), cells))


def calibration(results: Results) -> Table | None:
    """Calibration intercept, slope and Brier score."""
    frame = results.estimates("calibration")
    if frame.empty:
        return None
    frame = frame.set_index("outcome")
    digits = results.settings.digits

    def cells(outcome: Outcome) -> list[str] | None:
        if outcome.id not in frame.index:
            return None
        row = dict(frame.loc[outcome.id])
        return [
            count(row.get("n")),
            interval(row, "intercept", digits),
            interval(row, "slope", digits),
            interval(row, "brier", 3),
        ]

    level = results.level
    head = ["", "Exams", f"Intercept ({level} CI)", f"Slope ({level} CI)", f"Brier score ({level} CI)"]
    return Table(head, by_heading(results, results.outcomes("grade", "group", "disease", "location", "finding"), cells))
