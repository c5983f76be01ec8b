"""Numbers about how often the intervals cover."""

from __future__ import annotations

from typing import Any

from analysis.report.format import NOT_ESTIMABLE, count, span
from analysis.report.results import Results


def coverage_values(results: Results) -> dict[str, Any]:
    """Return `coverage`: of each kind of interval, where cases are fewest and where they are most."""
    frame = results.covered
    found: dict[str, Any] = {"any": len(frame) > 0}
    for method in ("delong", "bootstrap", "patients"):
        for where in ("few", "many", "clustered"):
            text = NOT_ESTIMABLE
            if len(frame):
                part = frame[(frame["method"] == method) & (frame["clustered"].astype(bool) == (where == "clustered"))]
                if where != "clustered" and len(part):
                    edge = part["cases"].min() if where == "few" else part["cases"].max()
                    part = part[part["cases"] == edge]
                text = span(100 * part["coverage"], 0)
            found.setdefault(method, {})[where] = text
    found["fewest"] = count(frame["cases"].min()) if len(frame) else NOT_ESTIMABLE
    found["most"] = count(frame["cases"].max()) if len(frame) else NOT_ESTIMABLE
    return {"coverage": found}
