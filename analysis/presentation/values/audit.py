"""Numbers about the audit of the published tables."""

from __future__ import annotations

from typing import Any

from analysis.presentation.format import count
from analysis.presentation.results import Results


def audit_values(results: Results) -> dict[str, Any]:
    """Return `audit`: how many relations within the published tables were checked, and how many fail."""
    holds = results.audited["holds"].astype(bool)
    return {
        "audit": {
            "any": len(holds) > 0,
            "n": count(len(holds)),
            "failed": count((~holds).sum()),
            "all_hold": bool(len(holds) and holds.all()),
            "some_fail": bool(len(holds) and not holds.all()),
        }
    }
