"""Numbers about subgroups."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.presentation.format import NOT_ESTIMABLE, count, counted, listed, p_equation, were
from analysis.presentation.results import Results
from analysis.presentation.tables.subgroups import level_name, several_levels, shown_kinds
from analysis.presentation.values.performance import name


def subgroup_values(results: Results) -> dict[str, Any]:
    """Return `subgroups`: how many comparisons were made, and which were significant after correction."""
    frame = results.estimates("subgroups")
    tested = frame[frame["p_holm"].notna()] if len(frame) and "p_holm" in frame else pd.DataFrame()
    significant = tested[tested["p_holm"] < results.alpha] if len(tested) else tested
    which = [_told(results, row) for _, row in significant.iterrows()]
    if len(which) > 6:
        which = [*which[:5], f"{count(len(which) - 5)} more"]
    return {
        "subgroups": {
            "any": len(several_levels(results)) > 0,
            "merged": len(shown_kinds(results)) > 0,
            "some_unshown": _unshown(results, tested),
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


def _told(results: Results, row: pd.Series) -> str:
    """Return "Kellgren-Lawrence grade 3 (sex: male)"."""
    outcome = results.scheme.outcome(str(row["outcome"]))
    return f"{name(results, outcome)} ({level_name(row['subgroup'])}: {level_name(row['level'])})"


def _unshown(results: Results, tested: pd.DataFrame) -> bool:
    """Whether some tests are of outcomes that the table of subgroups leaves out."""
    shown = {outcome.id for outcome in results.outcomes(*shown_kinds(results))}
    return bool(len(tested)) and not set(tested["outcome"]) <= shown
