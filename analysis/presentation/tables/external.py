"""A network that was trained elsewhere: its estimates and its exams beside those of its own study, in tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analysis.cohort.characteristics import standardised
from analysis.grading.scheme import Outcome
from analysis.presentation.format import NONE, count, count_percent, interval, known, number, p_value
from analysis.presentation.markdown import Table
from analysis.presentation.results import BUT_IMPLANTS, Results
from analysis.presentation.tables.performance import by_outcome

if TYPE_CHECKING:
    import pandas as pd

#: What each update of the calibration is called.
UPDATES = {
    "none": "as they come",
    "intercept": "new intercept, cross-fitted",
    "intercept and slope": "new intercept and slope, cross-fitted",
}
#: Characteristics in words, with their unit.
WORDS = {
    "age": "Age, years",
    "images an exam": "Images an exam",
    "brightness": "Mean grey level as prepared (0 to 255)",
    "longer": "Longer side of the file, pixels",
    "shorter": "Shorter side of the file, pixels",
    "sex": "Sex",
    "view": "View of the image",
}


def development(results: Results) -> Table | None:
    """AUC on this archive beside that in the network's own test set, and their difference."""
    frame = results.estimates("development")
    frame = frame[frame["measure"] == "auc"].set_index("outcome")
    if frame.empty:
        return None
    digits = results.settings.digits

    def cells(outcome: Outcome, row: dict[str, Any]) -> list[str]:
        return [
            f"{count(row['cases'])} / {count(row['controls'])}",
            interval(row, "estimate", digits),
            f"{count(row['development_cases'])} / {count(row['development_controls'])}",
            interval(row, "development", digits),
            interval(row, "difference", digits),
            p_value(row["p_holm"]),
        ]

    here, there = (f"({level} CI)" for level in (results.level, results.development_level))
    head = [
        "", "Cases / controls", f"AUC {here}", "Cases / controls, own test set", f"AUC, own test set {there}",
        f"Difference {here}", "P",
    ]  # fmt: skip
    return Table(head, by_outcome(results, frame, results.outcomes(*BUT_IMPLANTS), cells))


def updating(results: Results) -> Table | None:
    """Calibration as it comes, and updated by cross-fitting."""
    frame = results.estimates("updating")
    if frame.empty:
        return None
    digits = results.settings.digits
    rows: list[list[str]] = []
    for outcome in results.outcomes(*BUT_IMPLANTS):
        part = frame[(frame["outcome"] == outcome.id) & frame["slope"].notna()]
        if part.empty:
            continue
        rows.append([f"{results.title(outcome.id)}"])
        rows += [
            [
                UPDATES[row["update"]].capitalize(),
                *(interval(row, name, digits) for name in ("intercept", "slope")),
                interval(row, "brier", 3),
            ]
            for row in part.to_dict("records")
        ]
    head = ["Scores", "Intercept (in the large)", "Slope", "Brier score"]
    return Table(head, rows) if rows else None


def cohorts(results: Results) -> Table | None:
    """What the exams are like here and in the network's own study, with standardised differences."""
    if not results.origin:
        return None
    sets = [("training", results.developed), ("test", results.developed), ("test", results.characteristics)]
    parts = [_of(frame, name) for name, frame in sets]
    rows: list[list[str]] = []
    last = ""
    keys = dict.fromkeys(key for part in parts[::-1] for key in part)
    places = list(dict.fromkeys(name for name, _ in keys))
    for key in sorted(keys, key=lambda key: (places.index(key[0]), key[1])):
        name, level = key
        finding = name in results.scheme.findings
        found = [_row(part, *key) for part in parts]
        cells = [_cell(row) for row in found]
        if set(cells) == {NONE}:  # as findings that nobody read, here or there
            continue
        if level and name != last and not finding:
            rows.append([WORDS.get(name) or results.title(name)])
        last = name
        label = WORDS.get(name, name.capitalize())
        if level:
            label = results.title(name) if finding else level.upper() if level == "ap" else level.capitalize()
        apart = standardised(found[2], found[0]) if found[0] and found[2] else float("nan")
        rows.append([label, *cells, number(apart, 2) if known(apart) else NONE])
    head = ["", "Network's training set", "Network's test set", "This archive", "Standardised difference"]
    return Table(head, rows)


def _of(frame: pd.DataFrame, name: str) -> dict[tuple[str, str], Any]:
    part = frame[frame["set"] == name]
    # Where all levels are grades, a CSV gives them back as numbers.
    return {
        (row["characteristic"], row["level"].removesuffix(".0") if known_text(row["level"]) else ""): row
        for row in part.to_dict("records")
    }


def _row(part: dict[tuple[str, str], Any], name: str, level: str) -> Any:
    """Return a row; of a level that no exam has, such as a view that is taken elsewhere, one of nought."""
    others = [row for (one, other), row in part.items() if one == name and other and level]
    return part.get((name, level)) or (others[0] | {"level": level, "count": 0} if others else None)


def known_text(value: Any) -> bool:
    """Whether a cell of a table of text holds any."""
    return isinstance(value, str) and bool(value)


def _cell(row: Any) -> str:
    if row is None:
        return NONE
    if known(row["mean"]):
        return f"{number(row['median'], 0)} ({number(row['low_quartile'], 0)} to {number(row['high_quartile'], 0)})"
    if not known(row["count"]):
        return NONE
    return count_percent(row["count"], row["n"]) if known_text(row["level"]) else count(row["count"])
