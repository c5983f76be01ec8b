"""Numbers about subgroups."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.presentation.format import NOT_ESTIMABLE, count, counted, listed, p_equation, were
from analysis.presentation.results import Results
from analysis.presentation.tables.subgroups import level_name
from analysis.presentation.values.performance import name


def subgroup_values(results: Results) -> dict[str, Any]:
    """Return `subgroups`: how many comparisons were made, and which were significant after correction."""
    frame = results.estimates("subgroups")
    tested = frame[frame["p_holm"].notna()] if len(frame) and "p_holm" in frame else pd.DataFrame()
    significant = tested[tested["p_holm"] < results.alpha] if len(tested) else tested
    which = [
        f"{name(results, results.scheme.outcome(str(row['outcome'])))} ({level_name(row['subgroup'])}: {level_name(row['level'])})"
        for _, row in significant.iterrows()
    ]
    if len(which) > 6:
        which = [*which[:5], f"{count(len(which) - 5)} more"]
    return {
        "subgroups": {
            "any": len(frame) > 0,
            "tested": len(tested) > 0,
            "comparisons": counted(len(tested), "comparison"),
            "significant": were(len(significant)),
            "none_significant": len(tested) > 0 and len(significant) == 0,
            "some_significant": len(significant) > 0,
            "which": listed(which) or "none",
            "smallest_p": p_equation(tested["p_holm"].min()) if len(tested) else NOT_ESTIMABLE,
        }
    }
