"""Performance on the test set: the paper's Tables 3 and 4 from this run, and what they lacked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from analysis.grading.scheme import Outcome
from analysis.presentation.beside import pair
from analysis.presentation.format import NONE, count, interval, known, number, p_value, percent, span
from analysis.presentation.markdown import Table
from analysis.presentation.results import BUT_IMPLANTS, Results

if TYPE_CHECKING:
    import pandas as pd

MEASURES = {
    "accuracy": "Accuracy, %",
    "balanced_accuracy": "Balanced accuracy, %",
    "mean_absolute_error": "Mean absolute error, grades",
    "quadratic_kappa": "Quadratic weighted kappa",
    "mean_auc_plain_grades": "Mean AUC of single grades",
    "mean_auc_weighted_grades": "Mean AUC of single grades, weighted by cases",
    "mean_auc_plain": "Mean AUC of single and merged grades",
    "mean_auc_weighted": "Mean AUC of single and merged grades, weighted by cases",
    "hand_till": "Hand and Till's AUC",
}
PERCENT = ("accuracy", "balanced_accuracy")


def by_heading(
    results: Results, outcomes: Iterable[Outcome], cells: Callable[[Outcome], list[str] | None]
) -> list[list[str]]:
    """Return a row for each outcome, below the heading it belongs to; outcomes without cells are left out."""
    parts: dict[str, list[list[str]]] = {}
    for outcome in outcomes:
        row = cells(outcome)
        if row is not None:
            parts.setdefault(results.heading(outcome), []).append([results.name(outcome), *row])
    return [line for heading, rows in parts.items() for line in ([heading], *rows)]


def by_outcome(
    results: Results,
    frame: pd.DataFrame,
    outcomes: Iterable[Outcome],
    cells: Callable[[Outcome, dict[str, Any]], list[str]],
) -> list[list[str]]:
    """Return a row as `by_heading` does for each outcome that a frame, indexed by outcome, has a row of."""
    return by_heading(
        results,
        (outcome for outcome in outcomes if outcome.id in frame.index),
        lambda outcome: cells(outcome, {str(name): value for name, value in frame.loc[outcome.id].items()}),
    )


def _cells(results: Results, outcome: Outcome) -> list[str]:
    digits = results.settings.digits
    row, chosen = results.auc(outcome.id), results.threshold(outcome.id)
    single = results.single_networks
    return [
        f"{count(row['cases'])} / {count(row['controls'])}" if results.scored(outcome) else NONE,
        interval(chosen, "sensitivity", 0, 100),
        interval(chosen, "specificity", 0, 100),
        number(chosen.get("youden"), digits) + (" *" if few_threshold(chosen) else ""),
        number(row["auc"], digits),
        *([_apart(single, outcome.id, digits)] if len(single) else []),
        *beside_delong(row, digits),
    ]


def _apart(single: pd.DataFrame, outcome: str, digits: int) -> str:
    """Return the lowest and the highest AUC of single networks, "0.78 to 0.82"."""
    if outcome not in single.index:
        return NONE
    row: Any = single.loc[outcome]
    return span((row["lowest"], row["highest"]), digits)


def few_threshold(chosen: Mapping[str, Any]) -> bool:
    """Whether a threshold rests on too few cases or controls of the set that it was chosen on."""
    return bool(chosen.get("too_few")) and known(chosen.get("threshold"))


def beside_delong(row: Mapping[str, Any], digits: int) -> list[str]:
    """Return the cells of pROC's DeLong interval and of the one recommended, signs saying why they differ."""
    both = pair(row, digits)
    return [both.delong or NONE, f"{both.recommended} {both.signs}".strip() or NONE]


def _performance(results: Results, *kinds: str) -> Table | None:
    outcomes = results.outcomes(*kinds)
    if not outcomes:
        return None
    level = results.level
    head = [
        "", "Cases / controls", "Sensitivity, %", "Specificity, %", "Youden's J", "AUC",
        *(["Single networks"] if len(results.single_networks) else []), f"DeLong's {level} CI, pROC", f"Recommended {level} CI",
    ]  # fmt: skip
    published = results.published.to_dict("index")
    beside = any(outcome.id in published for outcome in outcomes)
    digits = results.settings.digits

    def cells(outcome: Outcome) -> list[str]:
        row = _cells(results, outcome)
        if beside:
            row.append(published_auc(published.get(outcome.id, {}), digits))
        return row

    if beside:
        head.append(f"Published AUC ({results.published_level} CI)")
    return Table(head, by_heading(results, outcomes, cells))


def published_auc(row: Mapping[Any, Any], digits: int) -> str:
    """Return a published AUC with its published interval."""
    return interval(
        {"auc": row.get("published_auc"), "low": row.get("published_low"), "high": row.get("published_high")},
        "auc",
        digits,
    )


def performance(results: Results) -> Table | None:
    """Grades, merged grades and disease: cases, threshold measures and AUC."""
    return _performance(results, "grade", "group", "disease")


def location(results: Results) -> Table | None:
    """Locations and findings; nothing where the network scores none."""
    return _performance(results, "location", "finding") if _some_scored(results, "location", "finding") else None


def implants(results: Results) -> Table | None:
    """Implants; nothing where the network scores none."""
    return _performance(results, "implant") if _some_scored(results, "implant") else None


def _some_scored(results: Results, *kinds: str) -> bool:
    return any(results.scored(outcome) for outcome in results.outcomes(*kinds))


def summary(results: Results) -> Table | None:
    """Measures of each item as a whole, one column an item where they are few, one row otherwise."""
    items = [name for name in results.scheme.items if any(results.measure(name, m) for m in MEASURES)]
    if not items:
        return None
    measures = [name for name in MEASURES if any(results.measure(item, name) for item in items)]
    digits = results.settings.digits

    def cell(item: str, name: str) -> str:
        row = results.measure(item, name)
        return interval(row, "estimate", *((0, 100) if name in PERCENT else (digits, 1)))

    if len(items) <= 2:
        head = ["", *(results.scheme.items[item].title for item in items)]
        return Table(head, [[MEASURES[name], *(cell(item, name) for item in items)] for name in measures])
    shown = ["balanced_accuracy", "mean_absolute_error", "quadratic_kappa", "mean_auc_plain_grades"]
    head = ["", *(MEASURES[name] for name in shown)]
    return Table(head, [[results.scheme.items[i].title, *(cell(i, n) for n in shown)] for i in items])


def prevalence(results: Results) -> Table | None:
    """Predictive values in the test set, and at the prevalence that the statistics were reweighted to if it is another."""
    frame = results.estimates("prevalence")
    if frame.empty:
        return None
    shown = 3 if results.at_own_prevalence(frame) else 6
    frame = frame.drop_duplicates("outcome").set_index("outcome")

    def cells(outcome: Outcome, row: dict[str, Any]) -> list[str]:
        chosen, roc = results.threshold(outcome.id), results.auc(outcome.id)
        # A threshold that was chosen on the test set itself says nothing of what is to be expected.
        stated = row if row.get("chosen_on") == "validation" else {}
        return [
            percent(roc["cases"], roc["cases"] + roc["controls"], 1),
            interval(chosen, "ppv", 0, 100),
            interval(chosen, "npv", 0, 100),
            number(100 * row["prevalence"], 1) if known(row.get("prevalence")) else NONE,
            interval(stated, "ppv", 0, 100),
            interval(stated, "npv", 0, 100),
        ][:shown]

    head = ["", "Test set, %", "PPV, %", "NPV, %", "Reweighted to, %", "PPV, %", "NPV, %"]
    return Table(head[: shown + 1], by_outcome(results, frame, results.outcomes(*BUT_IMPLANTS), cells))


def published(results: Results) -> Table | None:
    """Tabulate the published AUC beside this study's."""
    frame = results.published
    if frame.empty:
        return None
    digits = results.settings.digits

    def cells(outcome: Outcome, row: dict[str, Any]) -> list[str]:
        return [
            count(row.get("published_cases")),
            published_auc(row, digits),
            count(results.roc.loc[outcome.id, "cases"]) if results.scored(outcome) else NONE,
            interval(results.auc(outcome.id), "auc", digits),
            interval(row, "difference", digits) if known(row.get("difference_low")) else number(row.get("difference")),
            p_value(row.get("p_holm")),
        ]

    head = [
        "", "Cases, published", f"AUC, published ({results.published_level} CI)", "Cases, here",
        f"AUC, here ({results.level} CI)", f"Difference ({results.level} CI)", "P (Holm)",
    ]  # fmt: skip
    return Table(head, by_outcome(results, frame, results.outcomes(), cells))
