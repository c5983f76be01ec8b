"""Work spread over processes that each start one R."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

from analysis.workers.context import clean_context

T = TypeVar("T")
R = TypeVar("R")


def spread(work: Callable[[T], R], parts: Iterable[T], workers: int) -> list[R]:
    """Apply `work` to each part; results in the order of the parts, whatever the number of workers.

    Parameters
    ----------
    work : callable
        Picklable. What it needs at random must be seeded from the part.
    parts : iterable
    workers : int
        Processes; with one the work is done in this process.
    """
    parts = list(parts)
    if workers <= 1 or len(parts) < 2:
        return [work(part) for part in parts]
    # A forked R would share its state with its parent: each worker starts its own.
    context = clean_context(getattr(work, "func", work).__module__)
    with ProcessPoolExecutor(min(workers, len(parts)), context) as pool:
        return list(pool.map(work, parts))
