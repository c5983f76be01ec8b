"""Numbers about performance, and what they say: which grade was hardest, what differs from the published study."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.grading.scheme import Outcome
from analysis.presentation.beside import pair, told
from analysis.presentation.format import (
    NOT_ESTIMABLE,
    count,
    counted,
    decapitalise,
    interval,
    known,
    listed,
    number,
    p_equation,
    percentage,
    span,
)
from analysis.presentation.results import BUT_IMPLANTS, Results
from analysis.presentation.tables.performance import few_threshold
from analysis.presentation.tables.subgroups import asked

#: Decimals of the published AUCs.
PUBLISHED_DIGITS = 2
#: What the text says of the grades as a whole, where it could be estimated.
_TOLD = {
    "quadratic_kappa": "a quadratic weighted kappa of {}",
    "balanced_accuracy": "a balanced accuracy of {}",
    "mean_absolute_error": "a mean absolute error of {} grades",
}


def _auc(results: Results, outcome: Outcome) -> dict[str, Any]:
    row = results.auc(outcome.id)
    chosen = results.threshold(outcome.id)
    digits = results.settings.digits
    return {
        "title": name(results, outcome),
        "auc": interval(row, "auc", digits, none=NOT_ESTIMABLE),
        "cases": count(row["cases"]),
        "cases_told": counted(row["cases"], "case"),
        "controls": count(row["controls"]),
        "sensitivity": percentage(chosen, "sensitivity", none=NOT_ESTIMABLE),
        "specificity": percentage(chosen, "specificity", none=NOT_ESTIMABLE),
        "few": results.few(outcome.id),
        "chance": not (known(row["low"]) and row["low"] > 0.5),
    }


def name(results: Results, outcome: Outcome) -> str:
    """Return an outcome's name within a sentence, its meaning in brackets left out."""
    if outcome.item:
        return _graded(results, outcome.item, [outcome.label], plural=outcome.kind == "group")
    return decapitalise(outcome.title)


def _graded(results: Results, item: str, labels: list[str], plural: bool) -> str:
    """Return "Kellgren-Lawrence grades 0 and 1"; an item whose title doesn't end so gets the word "grade"."""
    title = decapitalise(results.scheme.items[item].title)
    title = title if title.endswith("grade") else f"{title} grade"
    return f"{title}{'s' if plural else ''} {listed(labels)}"


def names(results: Results, outcomes: list[Outcome]) -> str:
    """Return the names of several outcomes within a sentence, the grades of an item listed together."""
    graded: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        graded.setdefault(outcome.item or outcome.id, []).append(outcome)
    parts = [
        name(results, part[0])
        if len(part) == 1
        else _graded(results, item, [outcome.label for outcome in part], plural=True)
        for item, part in graded.items()
    ]
    if len(parts) > 1 and any(len(part) > 1 for part in graded.values()):
        # Names that contain an "and" are separated by semicolons.
        return "; and ".join(["; ".join(parts[:-1]), parts[-1]])
    return listed(parts)


def _extremes(results: Results, *kinds: str) -> dict[str, Any]:
    """Describe the AUCs of some kinds of outcome: their span, the lowest and the highest."""
    outcomes = results.outcomes(*kinds)
    usable = [o for o in outcomes if known(results.roc.loc[o.id, "auc"]) and not results.few(o.id)]
    usable = usable or [o for o in outcomes if known(results.roc.loc[o.id, "auc"])]
    found: dict[str, Any] = {"any": len(usable) > 0, "several": len(usable) > 1, "n": count(len(usable))}
    printed = {number(results.auc(o.id)["auc"], results.settings.digits) for o in usable}
    found["names"] = names(results, usable) or "none"
    found |= {"spread": len(printed) > 1, "alike": len(usable) > 1 and len(printed) == 1}
    if not usable:
        blank = dict.fromkeys(
            ("title", "auc", "cases", "cases_told", "controls", "sensitivity", "specificity"), NOT_ESTIMABLE
        )
        return found | {
            "lowest": blank | {"chance": False}, "highest": blank | {"chance": False}, "span": NOT_ESTIMABLE,
            "mean": NOT_ESTIMABLE, "all_above_chance": False, "some_above_chance": False, "none_above_chance": False,
            "above_chance": "none lies",
        }  # fmt: skip
    values = results.roc.loc[[o.id for o in usable], "auc"]
    by_auc = sorted(usable, key=lambda o: float(results.auc(o.id)["auc"]))
    above = int((results.roc.loc[[o.id for o in usable], "low"] > 0.5).sum())
    return found | {
        "lowest": _auc(results, by_auc[0]),
        "highest": _auc(results, by_auc[-1]),
        "span": span(values, results.settings.digits),
        "mean": number(values.mean(), results.settings.digits),
        "all_above_chance": above == len(usable),
        "some_above_chance": 0 < above < len(usable),
        "none_above_chance": above == 0,
        "above_chance": f"{count(above)} {'lies' if above == 1 else 'lie'}",
    }


def performance_values(results: Results) -> dict[str, Any]:
    """Return the values under `auc`: by kind of outcome, and how merged grades compare with single ones."""
    kinds = {
        "grades": ("grade",), "groups": ("group",), "disease": ("disease",), "locations": ("location",),
        "findings": ("finding",), "implants": ("implant",),
    }  # fmt: skip
    found: dict[str, Any] = {key: _extremes(results, *names) for key, names in kinds.items()}
    grades = _usable(results, "grade")
    groups = _usable(results, "group")
    digits = results.settings.digits
    both = len(grades) > 0 and len(groups) > 0
    # As they are printed: a mean of 0.501 is not said to be higher than one of 0.499.
    better = both and round(groups.mean(), digits) > round(grades.mean(), digits)
    found["merged_better"] = bool(better)
    found["merged_not_better"] = bool(both and not better)
    hardest = results.scheme.outcome(str(grades.idxmin())) if len(grades) else None
    middle = False
    if hardest and hardest.item:
        middle = 0 < hardest.levels[0] < len(results.scheme.items[hardest.item].levels) - 1
    found["middle_hardest"] = middle
    found["end_hardest"] = hardest is not None and not middle
    shown = results.outcomes(*BUT_IMPLANTS)
    few = [outcome for outcome in shown if results.few(outcome.id)]
    found["some_few"] = 0 < len(few) < len(shown)
    found["each_few"] = 0 < len(few) == len(shown)
    main = results.outcomes("grade", "group", "disease") or results.outcomes()
    found["all_few"] = all(results.few(outcome.id) for outcome in main)
    # What merging does, and which grade is hardest, can't be read off a handful of cases, nor off chance.
    chance = found["grades"]["none_above_chance"] and found["groups"]["none_above_chance"]
    alike = len(grades) > 0 and round(grades.min(), digits) == round(grades.max(), digits)
    for key in ("merged_better", "merged_not_better"):
        found[key] = bool(found[key] and not found["all_few"] and not chance)
    for key in ("middle_hardest", "end_hardest"):
        found[key] = bool(
            found[key] and not found["all_few"] and not alike and not found["grades"]["none_above_chance"]
        )
    found["few"] = names(results, few) or "none"
    without = [outcome for outcome in results.outcomes() if not results.scored(outcome)]
    found["any_unscored"] = len(without) > 0
    found["unscored"] = names(results, without) or "none"
    found["level"] = results.level
    found["alpha"] = f"{results.alpha:g}"
    found["few_thresholds"] = any(few_threshold(results.threshold(outcome.id)) for outcome in main)
    found["beside"] = told(pair(results.auc(outcome.id), digits) for outcome in main)
    return {"auc": found}


def _usable(results: Results, kind: str) -> pd.Series:
    ids = [o.id for o in results.outcomes(kind) if not results.few(o.id)] or [o.id for o in results.outcomes(kind)]
    return results.roc.loc[ids, "auc"].dropna().astype(float)


def summary_values(results: Results) -> dict[str, Any]:
    """Return the values under `summary`: measures of the items as a whole, one interval or a span over items."""
    items = list(results.scheme.items)
    digits = results.settings.digits
    found: dict[str, Any] = {}
    said = []
    for measure, scale, places in (
        ("accuracy", 100, 0), ("balanced_accuracy", 100, 0), ("mean_absolute_error", 1, digits),
        ("quadratic_kappa", 1, digits), ("mean_auc_weighted", 1, digits), ("mean_auc_plain", 1, digits),
        ("hand_till", 1, digits),
    ):  # fmt: skip
        rows = [row for item in items if (row := results.measure(item, measure))]
        if len(rows) == 1:
            tell = percentage if scale == 100 else interval
            found[measure] = tell(rows[0], "estimate", places, scale, none=NOT_ESTIMABLE)
        else:
            found[measure] = span([scale * row["estimate"] for row in rows if known(row["estimate"])], places)
            found[measure] += "%" if scale == 100 and rows else ""
        if measure in _TOLD and any(known(row["estimate"]) for row in rows):
            said.append(_TOLD[measure].format(found[measure]))
    found |= {"any": len(said) > 0, "told": listed(said), "none": len(results.summary) > 0 and not said}
    found["any_kappa"] = any(known(results.measure(item, "quadratic_kappa").get("estimate")) for item in items)
    return {"summary": found}


def published_values(results: Results) -> dict[str, Any]:
    """Return the values under `original.compared`: which AUCs differ from the published ones, and who was higher.

    Counts and means are those of the tests: of outcomes that ask one question the first, and none with too few cases
    where others have enough.
    """
    frame = results.published
    frame = frame[frame["auc"].notna() & frame["published_auc"].notna()]
    compared = _differences(results, frame)
    frame = frame.loc[_one_each(results, set(frame.index))]
    if frame.empty:
        blank: dict[str, Any] = {
            "n": "0", "sides": "none", "spread": "",
            "difference": NOT_ESTIMABLE, "hardest": NOT_ESTIMABLE, "hardest_auc": NOT_ESTIMABLE,
        }  # fmt: skip
        no = (
            "any",
            "beside",
            "beside_locations",
            "mostly_lower",
            "mostly_higher",
            "even",
            "same_hardest",
            "other_hardest",
            "merged_higher",
        )
        blank |= dict.fromkeys(no, False)
        return {"compared": compared | blank}
    digits = results.settings.digits
    # As they are printed: an AUC of 0.878 is not said to be lower than a published one of 0.88.
    apart = frame["difference"].round(min(digits, PUBLISHED_DIGITS))
    lower, higher = int((apart < 0).sum()), int((apart > 0).sum())
    numbers = {"lower": lower, "higher": higher, "the same": len(frame) - lower - higher}
    spread = span(frame["difference"], digits)
    grades = [o.id for o in results.outcomes("grade") if o.id in results.published.index]
    theirs, own = results.published.loc[grades, "published_auc"], results.roc.loc[grades, "auc"]
    hardest = results.scheme.outcome(str(theirs.idxmin())) if len(theirs) else None
    # Which grade is hardest can be compared only where every published grade has enough cases here.
    comparable = bool(grades) and not any(results.few(grade) for grade in grades) and bool(own.notna().all())
    comparable = comparable and bool((results.roc.loc[grades, "low"] > 0.5).any())
    groups = [o.id for o in results.outcomes("group") if o.id in results.published.index]
    merged = results.published.loc[groups, "published_auc"]
    same = comparable and bool(theirs.loc[str(own.idxmin())] == theirs.min())
    compared |= {
        "any": True,
        "beside": _published(results, "grade", "group", "disease"),
        "beside_locations": _published(results, "location", "finding"),
        "n": counted(len(frame), "outcome"),
        "sides": listed(
            [f"{side} for {'all' if n == len(frame) > 1 else count(n)}" for side, n in numbers.items() if n]
        ),
        "mostly_lower": 2 * lower > len(frame),
        "mostly_higher": 2 * higher > len(frame),
        "even": higher == lower,
        "difference": number(frame["difference"].mean(), digits),
        "spread": f" (from {spread})" if " to " in spread else "",
        "same_hardest": same,
        "other_hardest": comparable and not same,
        "merged_higher": bool(merged.mean() > theirs.mean()),
        "hardest": name(results, hardest) if hardest else NOT_ESTIMABLE,
        "hardest_auc": number(theirs.min(), digits, NOT_ESTIMABLE),
    }
    return {"compared": compared}


def _published(results: Results, *kinds: str) -> bool:
    """Whether the published study reports any outcome of some kinds, so that their table has a column of it."""
    return any(outcome.id in results.published.index for outcome in results.outcomes(*kinds))


def _one_each(results: Results, among: set[str]) -> list[str]:
    """Return one outcome of each question, those with enough cases; all where none has."""
    first = [same[0].id for same in asked(results, among=among)]
    return [outcome for outcome in first if not results.few(outcome)] or first


def _differences(results: Results, frame: pd.DataFrame) -> dict[str, Any]:
    """Describe which differences to the published AUCs are significant after correction."""
    tested = frame[frame["p_holm"].notna()]
    significant = tested[tested["p_holm"] < results.alpha]
    digits = results.settings.digits
    titles = {outcome: name(results, results.scheme.outcome(str(outcome))) for outcome in significant.index}
    which = [
        f"{titles[outcome]} ({number(row['difference'], digits)}, "
        f"{number(row['difference_low'], digits)} to {number(row['difference_high'], digits)})"
        for outcome, row in significant.iterrows()
    ]
    return {
        "tested": len(tested) > 0,
        "tests": counted(len(tested), "test"),
        "some_differ": len(significant) > 0,
        "none_differ": len(tested) > 0 and len(significant) == 0,
        "which": listed(which) or "none",
        "names": names(results, [results.scheme.outcome(str(outcome)) for outcome in significant.index]) or "none",
        "reach": span((tested["difference_low"].min(), tested["difference_high"].max()), digits),
        "smallest_p": p_equation(tested["p_holm"].min()) if len(tested) else NOT_ESTIMABLE,
    }
