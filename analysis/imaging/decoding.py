"""Images are decoded in a process of their own, which does without pandas: it starts in half the time."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from analysis.archive.dicom.dataset import Unreadable
from analysis.archive.dicom.limits import limit_memory
from analysis.workers.context import clean_context

if TYPE_CHECKING:
    from analysis.archive.knees.films import Box
    from analysis.imaging.settings import ImagesSettings

_AHEAD, _BATCH = 2, 16

T = TypeVar("T")
_Job = tuple[Path, "Box | None", str | None]


def _attempt(prepare: Callable[..., T], settings: ImagesSettings, jobs: list[_Job]) -> list[T | Unreadable]:
    results: list[T | Unreadable] = []
    for path, box, digest in jobs:
        given = {name: value for name, value in (("box", box), ("digest", digest)) if value}
        try:
            results.append(prepare(path, settings, **given))
        except Unreadable as reason:
            results.append(Unreadable(reason.code, reason.detail))
        except MemoryError:
            results.append(Unreadable("memory"))
        except Exception:  # no image may stop the shard
            results.append(Unreadable("decode"))
    return results


def _start(megabytes: int) -> None:
    import cv2

    cv2.setNumThreads(1)
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    limit_memory(megabytes)


def decode_files(
    paths: list[Path],
    settings: ImagesSettings,
    prepare: Callable[..., T],
    parts: list[Box | None] | None = None,
    digests: list[str] | None = None,
) -> Iterator[T | Unreadable]:
    """Prepare images in a process of their own: a decoder that crashes or hangs takes one image with it, no more.

    Images go there in batches, since the way to and fro costs a fifth of the decoding. A batch
    that fails goes again one by one, to find out whose fault it was.
    """
    attempt = partial(_attempt, prepare, settings)

    def pool() -> ProcessPoolExecutor:
        started = ProcessPoolExecutor(1, clean_context(prepare.__module__), _start, (settings.max_memory_mb,))
        started.submit(int).result()  # an image's time starts when the worker is there
        return started

    worker = pool()
    unsaid = [None] * len(paths)
    jobs = list(zip(paths, parts or unsaid, digests or unsaid, strict=True))
    waiting = (jobs[start : start + _BATCH] for start in range(0, len(jobs), _BATCH))
    ahead: deque[tuple[list[_Job], Future[list[T | Unreadable]]]] = deque()
    try:
        while True:
            while len(ahead) < _AHEAD and (batch := next(waiting, None)) is not None:
                ahead.append((batch, worker.submit(attempt, batch)))
            if not ahead:
                return
            batch, first = ahead.popleft()
            try:
                yield from first.result(timeout=settings.max_seconds)
            except (BrokenProcessPool, TimeoutError) as error:
                _stop(worker)
                worker = pool()
                again = [batch, *(later for later, _ in ahead)]
                if len(batch) > 1:
                    again[:1] = [[job] for job in batch]
                else:
                    again = again[1:]
                    crash = isinstance(error, BrokenProcessPool)
                    yield Unreadable("crash" if crash else "too_slow")
                ahead = deque((later, worker.submit(attempt, later)) for later in again)
    finally:
        _stop(worker)


def _stop(worker: ProcessPoolExecutor) -> None:
    # A decoder that hangs doesn't listen, so it isn't asked.
    for process in list((worker._processes or {}).values()):
        process.kill()
    worker.shutdown(wait=True, cancel_futures=True)
