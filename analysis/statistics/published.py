"""Results of a published study, as a data file holds them."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from analysis.errors import StudyError
from analysis.settings import Settings, load

#: The highest AUC to plan with: a published AUC of 1 has no interval, and this is the least that is printed as 1.00.
HIGHEST = 0.995


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

    source: str = Field(description="Its key in manuscript/references.bib, by which the text cites it.")
    level: float = Field(default=0.95, gt=0.5, lt=1, description="Confidence level of the intervals it prints.")
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
