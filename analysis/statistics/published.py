"""Results of a published study: as a data file, and beside this study's."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from analysis.errors import StudyError
from analysis.grading.scheme import Scheme
from analysis.settings import Settings, load

COLUMNS = (
    *("outcome", "label", "published_cases", "published_auc", "published_low", "published_high"),
    *("cases", "auc", "low", "high", "difference", "overlap", "reason"),
)


class Distribution(Settings):
    """A row of a table of counts: [present, %, absent, %] in each set; a set may be missing."""

    table: str
    label: str
    outcome: str
    item: str | None = None
    part_of: str | None = None
    training: tuple[int, int, int, int] | None = None
    test: tuple[int, int, int, int] | None = None


class Performance(Settings):
    """A row of a table of performance; sensitivity and specificity in whole per cent."""

    table: str
    label: str
    outcome: str
    item: str | None = None
    levels: tuple[int, ...] = ()
    cases: int
    sensitivity: int
    specificity: int
    youden: float
    auc: float
    low: float
    high: float


class MeanAuc(Settings):
    """A mean AUC that the text names, over the rows of an item."""

    item: str
    value: float


class Published(Settings):
    """What a published study prints."""

    source: str
    sets: dict[str, int]
    distribution: tuple[Distribution, ...] = ()
    performance: tuple[Performance, ...] = ()
    mean_auc: MeanAuc | None = None


def load_published(name: str) -> Published:
    """Read published results: a name of a file beside this module, or a path.

    Raises
    ------
    StudyError
        If there is no such file, or it has a hole.
    """
    beside = Path(__file__).parent / f"{name}.yaml"
    if not beside.is_file() and not Path(name).is_file():
        raise StudyError(f"statistics.published is '{name}', which is neither {beside} nor a file; correct it.")
    return load(Published, beside if beside.is_file() else name)


def compare_published(published: Published, roc: pd.DataFrame, scheme: Scheme) -> pd.DataFrame:
    """Put each published AUC beside this study's for the same outcome, in the test set.

    Parameters
    ----------
    published : Published
    roc : pandas.DataFrame
        roc.csv.
    scheme : Scheme
        Rows of outcomes that it doesn't have are left out.

    Returns
    -------
    pandas.DataFrame
        outcome, label, the published estimate, this study's, their difference (this study minus published), and
        whether the intervals overlap (missing where this study has none).
    """
    here = roc[roc["set"] == "test"].set_index("outcome")
    rows = []
    for row in published.performance:
        if row.outcome not in {outcome.id for outcome in scheme.outcomes} or row.outcome not in here.index:
            continue
        own = here.loc[row.outcome]
        known = pd.notna(own["low"])
        rows.append(
            {
                "outcome": row.outcome,
                "label": row.label,
                "published_cases": row.cases,
                "published_auc": row.auc,
                "published_low": row.low,
                "published_high": row.high,
                "cases": own["cases"],
                "auc": own["auc"],
                "low": own["low"],
                "high": own["high"],
                "difference": own["auc"] - row.auc,
                "overlap": bool(own["low"] <= row.high and row.low <= own["high"]) if known else None,
                "reason": own["reason"],
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))
