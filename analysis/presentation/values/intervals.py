"""Numbers about how often the intervals cover."""

from __future__ import annotations

from typing import Any

from analysis.presentation.format import NOT_ESTIMABLE, count, span
from analysis.presentation.results import Results

#: P values that false_positives.csv counts as significant.
NOMINAL = 0.05


def coverage_values(results: Results) -> dict[str, Any]:
    """Return `coverage`: of the reported intervals in all settings, and of the others where cases are fewest.

    Also `positives`: how often the tests found a difference that isn't there.
    """
    frame = results.covered
    found: dict[str, Any] = {"any": len(frame) > 0, "level": results.coverage_level}
    fewest = frame[frame["cases"] == frame["cases"].min()] if len(frame) else frame
    for method in ("reported", "delong", "bootstrap"):
        part = {"all": frame, "few": fewest}
        found[method] = {
            where: span(100 * rows.loc[rows["method"] == method, "coverage"], 0) if len(rows) else NOT_ESTIMABLE
            for where, rows in part.items()
        }
    found["fewest"] = count(frame["cases"].min()) if len(frame) else NOT_ESTIMABLE
    found["most"] = count(frame["cases"].max()) if len(frame) else NOT_ESTIMABLE
    tests = results.positives
    return {
        "coverage": found,
        "positives": {
            "any": len(tests) > 0,
            "span": span(100 * tests["rejected"], 1) if len(tests) else NOT_ESTIMABLE,
            "alpha": f"{NOMINAL:g}",
        },
    }
