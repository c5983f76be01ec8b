"""Limits of time and memory on reading one file."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from analysis.archive.dicom.dataset import Unreadable


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `Unreadable` when the block takes longer; in the main thread of a process only."""

    def stop(*_: object) -> None:
        raise Unreadable("too_slow", f"more than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    # Again each second, should a library swallow the first.
    signal.setitimer(signal.ITIMER_REAL, seconds, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def limit_memory(megabytes: int) -> None:
    """Limit how much memory this process may take beyond what it has now (where the system can)."""
    import resource

    try:
        now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + megabytes * 1_000_000, resource.RLIM_INFINITY))
    except (OSError, ValueError):
        return
