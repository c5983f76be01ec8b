"""Numbers about how often the intervals cover."""

from __future__ import annotations

from typing import Any

from analysis.presentation.format import NOT_ESTIMABLE, count, counted, span
from analysis.presentation.results import Results

#: P values that false_positives.csv counts as significant.
NOMINAL = 0.05


def coverage_values(results: Results) -> dict[str, Any]:
    """Return `coverage`: of the reported intervals in all settings, and of the others where cases are fewest.

    Also `positives`: how often the tests found a difference that isn't there.
    """
    frame = results.covered
    found: dict[str, Any] = {"any": len(frame) > 0, "level": results.coverage_level}
    fewest = frame[frame["cases"] == frame["cases"].min()]
    for method in ("reported", "delong", "bootstrap"):
        part = {"all": frame, "few": fewest}
        found[method] = {
            where: span(100 * rows.loc[rows["method"] == method, "coverage"], 0) for where, rows in part.items()
        }
    at_few = fewest.groupby("method")["coverage"].mean()
    found["bootstrapped"] = "bootstrap" in at_few
    # Why the recommended interval is another: where cases are fewest, each of these covers too seldom.
    others = [at_few[method] for method in ("delong", "bootstrap") if method in at_few]
    found["short"] = bool(others) and max(others) < float(fewest["level"].iloc[0])
    found["exams"] = _exams(set(frame["exams_per_patient"])) if len(frame) else NOT_ESTIMABLE
    found["fewest_cases"] = counted(frame["cases"].min(), "case") if len(frame) else NOT_ESTIMABLE
    several = f"{count(frame['cases'].min())} to {count(frame['cases'].max())} cases" if len(frame) else NOT_ESTIMABLE
    found["cases"] = found["fewest_cases"] if frame["cases"].nunique() < 2 else several
    tests = results.positives
    return {
        "coverage": found,
        "positives": {
            "any": len(tests) > 0,
            "span": span(100 * tests["rejected"], 1),
            "alpha": f"{NOMINAL:g}",
        },
    }


def _exams(numbers: set[int]) -> str:
    """Describe how many exams the patients of the simulations have."""
    return "one exam" if numbers == {1} else "one or several exams" if 1 in numbers else "several exams"
