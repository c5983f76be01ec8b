"""The tables in which networks, readers or gradings stand side by side."""

from __future__ import annotations

import pandera.pandas as pa

from analysis.schemas import SETS
from analysis.schemas.columns import number, share, table, text, whole

_TEST = {"p": share(missing=True), "p_holm": share(missing=True)}


def _limits(low: float, high: float, name: str = "") -> dict[str, pa.Column]:
    return {f"{name}{end}": number(low, high, missing=True) for end in ("low", "high")}


def _way(name: str) -> dict[str, pa.Column]:
    """Declare the limits and the P value of a difference by one way among several."""
    return {**_limits(-2, 2, f"{name}_"), f"{name}_p": share(missing=True)}


_COMPARED = {
    "outcome": text(),  # or an item
    "first": text(),
    "second": text(),
    "measure": text(among=("auc", "balanced_accuracy", "accuracy", "quadratic_kappa")),
    "n": whole(),
    "cases": whole(),
    "first_value": number(-1, 1, missing=True),
    "second_value": number(-1, 1, missing=True),
    "difference": number(-2, 2, missing=True),
    **_limits(-2, 2),
    **_TEST,
}
_BY = {"method": text(missing=True), "level": share(), "reason": text(missing=True)}
#: The network beside readers.
COMPARISONS = table({**_COMPARED, **_BY})
#: Two networks beside each other: of AUCs also DeLong's paired test, by exams, and patients resampled.
PAIRS = table(
    {
        **_COMPARED,
        **_way("delong"),
        **_way("patients"),
        **_BY,
    }
)
#: What each of several networks achieves on the exams that all have scored.
NETWORKS = table(
    {
        "network": text(),
        "outcome": text(),
        "measure": text(among=("auc", "accuracy", "quadratic_kappa")),
        "n": whole(),
        "cases": whole(),
        "estimate": number(-1, 1, missing=True),
        **_limits(-1, 1),
        **_BY,
    }
)

#: Two gradings of the same exams. Shares of exams are in per cent.
GRADINGS = table(
    {
        "set": text(among=SETS),
        "exams": text(among=("all", "early")),
        "measure": text(),
        "truth": text(missing=True),
        "score": text(missing=True),
        "n": whole(missing=True),
        "cases": whole(missing=True),
        "estimate": number(missing=True),
        "low": number(missing=True),
        "high": number(missing=True),
        **_TEST,
        "method": text(missing=True),
        "level": share(),
        "replicates": whole(1),
        "seed": whole(missing=True),
        "reason": text(missing=True),
    }
)
