"""Worker processes that share nothing with the process that asks for them."""

from __future__ import annotations

from multiprocessing import get_context
from multiprocessing.context import ForkServerContext
from multiprocessing.forkserver import ensure_running


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


def start_server(*modules: str) -> None:
    """Start the server at once, so that it imports these modules while this process imports its own.

    It serves all contexts of this process: what a later one asks for besides, its workers import themselves.
    """
    clean_context(*modules)
    ensure_running()
