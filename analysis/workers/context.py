"""Worker processes that share nothing with the process that asks for them."""

from __future__ import annotations

from multiprocessing import get_context
from multiprocessing.context import ForkServerContext


def clean_context(*modules: str) -> ForkServerContext:
    """Return a context whose workers are forked from a server without threads.

    A plain fork copies the locks of OpenCV's, BLAS' and R's threads, held or not, and a worker then waits for
    them for ever. A server of its own has no threads, and imports what the workers need once.

    Parameters
    ----------
    *modules : str
        What the workers import.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload([*modules, "analysis.workers.freeze"])
    return context
