"""Calibration, and thresholds chosen on the test set, in tables."""

from __future__ import annotations

from typing import Any

from analysis.grading.scheme import Outcome
from analysis.presentation.format import NONE, count, interval, known, number
from analysis.presentation.markdown import Table
from analysis.presentation.results import BUT_IMPLANTS, Results
from analysis.presentation.tables.performance import by_outcome, few_threshold


def optimism(results: Results) -> Table | None:
    """Tabulate Youden's J by the set that the threshold was chosen on, and what choosing on the test set adds."""
    frame = results.estimates("optimism")
    if frame.empty:
        return None
    frame = frame.set_index("outcome")
    digits = results.settings.digits

    def cells(outcome: Outcome, row: dict[str, Any]) -> list[str]:
        chosen = results.threshold(outcome.id)
        counts = [count(chosen.get(f"chosen_{name}")) for name in ("cases", "controls")]
        return [
            number(chosen.get("threshold"), 3),
            " / ".join(counts) + (" *" if few_threshold(chosen) else ""),
            number(row.get("youden_validation"), digits),
            number(row.get("youden_test"), digits),
            number(row.get("difference"), digits),
            interval(row, "optimism", digits),
        ]

    head = [
        "", "Threshold (validation)", "Validation cases / controls", "J, chosen on validation", "J, chosen on test",
        "Difference", f"Optimism ({results.level} CI)",
    ]  # fmt: skip
    return Table(head, by_outcome(results, frame, results.outcomes(*BUT_IMPLANTS), cells))


def calibration(results: Results) -> Table | None:
    """Calibration intercept, slope and Brier score, at the prevalence of use and in the test set as it is.

    Where scores were calibrated, the slope that they had before stands beside theirs; its interval changes with it.
    """
    frame = results.estimates("calibration")
    if frame.empty:
        return None
    name, own = "uncalibrated_slope", results.at_own_prevalence(frame)
    frame = frame.set_index("outcome")
    head = _head(results, own)
    changed = bool((frame[name].notna() & (frame[name] != frame["slope"])).any())
    if changed:
        head.insert(4, "Slope before calibration")

    def cells(outcome: Outcome, row: dict[str, Any]) -> list[str]:
        found = _fit(row, results, own)
        if changed:
            found.insert(3, number(row[name], results.settings.digits))
        return found

    return Table(head, by_outcome(results, frame, results.outcomes(*BUT_IMPLANTS), cells))


def cumulative(results: Results) -> Table | None:
    """Calibration of each grade and above."""
    frame = results.estimates("cumulative_fit")
    if frame.empty:
        return None
    rows: list[list[str]] = []
    own = results.at_own_prevalence(frame)
    for name, part in frame.groupby("item", sort=False):
        rows.append([results.title(str(name))])
        rows += [[f"{count(row['at_least'])} or higher", *_fit(dict(row), results, own)] for _, row in part.iterrows()]
    return Table(_head(results, own), rows)


def _head(results: Results, own: bool) -> list[str]:
    level = results.level
    head = [f"{name} ({level} CI)" for name in ("Slope", "Intercept", "Brier score", "Intercept, test set as it is")]
    return ["", "Exams", "Prevalence, %", *(head[:-1] if own else head)]


def _fit(row: dict[Any, Any], results: Results, own: bool) -> list[str]:
    digits = results.settings.digits
    prevalence: Any = row.get("prevalence")
    found = [
        count(row.get("n")),
        number(100 * float(prevalence), 1) if known(prevalence) else NONE,
        interval(row, "slope", digits),
        interval(row, "intercept", digits),
        interval(row, "brier", 3),
        interval(row, "raw_intercept", digits),
    ]
    return found[:-1] if own else found


def sample_size(results: Results) -> Table | None:
    """How wide intervals are expected to be at the published AUCs and numbers of cases."""
    frame = results.planned_here
    if frame.empty:
        return None
    digits = results.settings.digits
    rows = [
        [
            _planned(results, str(row["outcome"])),
            f"{count(row['cases'])} / {count(row['controls'])}",
            number(row["auc"], digits),
            f"{number(row['low'], digits)} to {number(row['high'], digits)}",
            number(row["width"], digits),
            number(row["clustered_width"], digits),
        ]
        for _, row in frame.iterrows()
    ]
    head = ["", "Cases / controls", "AUC", f"Expected {results.level} CI", "Width", "Width, several exams a patient"]
    return Table(head, rows)


def _planned(results: Results, outcome: str) -> str:
    """Return the name of an outcome with that of its item."""
    found = results.scheme.outcome(outcome)
    return f"{results.scheme.items[found.item].title} {found.label}" if found.item else found.label
