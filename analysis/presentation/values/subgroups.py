"""Numbers about subgroups."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.presentation.format import NOT_ESTIMABLE, count, counted, listed, number, p_equation, were
from analysis.presentation.results import Results
from analysis.presentation.tables.subgroups import level_name, several_levels, shown
from analysis.presentation.values.performance import name


def subgroup_values(results: Results) -> dict[str, Any]:
    """Return `subgroups`: how many comparisons were made, and which were significant after correction."""
    frame = results.estimates("subgroups")
    tested = frame[frame["p_holm"].notna()]
    significant = tested[tested["p_holm"] < results.alpha]
    which = [_told(results, row, difference=True) for _, row in significant.iterrows()]
    listed_there = [outcome for same in shown(results) for outcome in same]
    if len(which) > 6:
        which = [*which[:5], f"{count(len(which) - 5)} more"]
    return {
        "subgroups": {
            "any": len(several_levels(results)) > 0,
            "merged": any(outcome.kind in ("group", "disease") for outcome in listed_there),
            "some_unshown": not set(tested["outcome"]) <= {outcome.id for outcome in listed_there},
            "tested": len(tested) > 0,
            "comparisons": counted(len(tested), "comparison"),
            "significant": were(len(significant)),
            "none_significant": len(tested) > 0 and len(significant) == 0,
            "some_significant": len(significant) > 0,
            "which": listed(which) or "none",
            "smallest_p": _smallest(results, tested),
        }
    }


def _smallest(results: Results, tested: pd.DataFrame) -> str:
    """Return "= 0.23, for Kellgren-Lawrence grade 3 (sex: male)"; without a name where several share it."""
    if tested.empty:
        return NOT_ESTIMABLE
    least = tested[tested["p_holm"] == tested["p_holm"].min()]
    text = p_equation(least["p_holm"].iloc[0])
    return text if len(least) > 1 else f"{text}, for {_told(results, least.iloc[0])}"


def _told(results: Results, row: pd.Series, difference: bool = False) -> str:
    """Return "Kellgren-Lawrence grade 3 (sex: male)", with the difference "(sex: male, −0.12, −0.20 to −0.04)"."""
    outcome = results.scheme.outcome(str(row["outcome"]))
    text = f"{level_name(row['subgroup'])}: {level_name(row['level'])}"
    if difference:
        digits = results.settings.digits
        ends = (number(row[f"difference_{end}"], digits) for end in ("low", "high"))
        text += f", {number(row['difference'], digits)}, {' to '.join(ends)}"
    return f"{name(results, outcome)} ({text})"
