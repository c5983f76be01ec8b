"""What the two protocols have in common: what is looked for, what is found, and what can go wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from analysis.errors import StudyError

if TYPE_CHECKING:
    from pydicom import Dataset

#: A listing that brings nothing new for so long goes round in circles.
REPEATS = 1000


class LostError(Exception):
    """The connection was lost, or was never there; it can be built up again."""


class DeclinedError(Exception):
    """The PACS refused; asking again in the same way won't help now."""


class TooLargeError(OSError):
    """An answer is longer than any file that is wanted."""


@dataclass(frozen=True)
class Query:
    """Keys of a query at study level; empty: any."""

    accession: str = ""
    date: str = ""
    description: str = ""
    modality: str = ""


@dataclass(frozen=True)
class Study:
    """A study that was found."""

    uid: str
    accession: str


@dataclass(frozen=True)
class Series:
    """A series of a study."""

    uid: str
    modality: str
    body_part: str


#: Takes an arriving file; returns whether it was kept.
Receive = Callable[[bytes], bool]


class Pacs(Protocol):
    """A connection to a PACS."""

    def studies(self, query: Query) -> Iterator[Study]:
        """List the studies that fit."""

    def series(self, study: str) -> Iterator[Series]:
        """List the series of a study."""

    def images(self, study: str, series: str) -> Iterator[str]:
        """List the SOP instance UIDs of a series."""

    def retrieve(self, study: str, series: str, wanted: list[str], whole: bool, receive: Receive) -> None:
        """Have images sent: the `wanted` ones, or the `whole` series at once if the protocol can."""

    def close(self) -> None:
        """End the connection."""


T = TypeVar("T")


def once(found: Iterable[T], most: int, what: str) -> Iterator[T]:
    """Yield each entry of a listing once, and stop a listing that repeats itself.

    Raises
    ------
    StudyError
        If there are more than `most`.
    """
    seen: set[T] = set()
    repeats = 0
    for one in found:
        if one in seen:
            repeats += 1
            if repeats >= REPEATS:
                return
            continue
        repeats = 0
        seen.add(one)
        if len(seen) > most:
            raise StudyError(f"The PACS lists more than {most} {what}; narrow the query, or raise the limit.")
        yield one


def text(dataset: Dataset, keyword: str) -> str:
    """Return a value of an answer as text without what surrounds it; empty where there is none."""
    return str(dataset.get(keyword) or "").strip(" \0\n")
