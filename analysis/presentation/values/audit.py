"""Numbers about the audit of the published tables."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.presentation.format import count
from analysis.presentation.results import Results


def audit_values(results: Results) -> dict[str, Any]:
    """Return `audit`: how many relations within the published tables were checked, and how many fail."""
    audited = results.audited
    holds = audited["holds"].astype(str).isin(("True", "true", "1")) if len(audited) else pd.Series(dtype=bool)
    return {
        "audit": {
            "any": len(audited) > 0,
            "n": count(len(holds)),
            "failed": count((~holds).sum()) if len(holds) else "0",
            "all_hold": bool(len(holds) and holds.all()),
            "some_fail": bool(len(holds) and not holds.all()),
        }
    }
