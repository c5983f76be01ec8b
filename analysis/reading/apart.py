"""Work that brings large libraries and tables along, done in a process of its own: they leave with it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def apart(function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Call a function in a process that ends afterwards; what it raises is raised here."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        packed = pool.submit(_packed, partial(function, *arguments, **named)).result()
    # Unpacked when the other process is over: its memory and this one's aren't needed at one time.
    result: T = pickle.loads(packed)
    return result


def _packed(work: Callable[[], object]) -> bytes:
    return pickle.dumps(work(), pickle.HIGHEST_PROTOCOL)
