"""The processes that read an archive's headers. They do without pandas, which takes as long to import as some 300 headers to read."""

from __future__ import annotations

import logging
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from analysis.workers.context import clean_context, start_server

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from analysis.archive.find import Entry
    from analysis.archive.settings import IngestSettings

_CHUNK = 128
_CUTS = "analysis.archive.films"
#: What the server imports: what describes a file, what cuts films, and the settings' words, compiled.
_MODULES = ("analysis.archive.inspect", _CUTS, "analysis.archive.usual_words")
#: The exams of which both knees were read, in each process: sent once, and not with every chunk.
_BOTH_READ: set[str] = set()


def expect_readers() -> None:
    """Let what these processes need be imported from now on, beside what this one imports; a command calls it first."""
    start_server(*_MODULES)


def read_files(
    folder: Path, entries: Sequence[Entry], settings: IngestSettings, workers: int, both_read: frozenset[str]
) -> Iterator[dict[str, list[Any]]]:
    """Describe files by their headers, in their order.

    Parameters
    ----------
    folder : Path
        The archive.
    entries : sequence of Entry
        Its files, from `find`.
    settings : IngestSettings
    workers : int
        Processes. Also one is a process of its own: its memory is limited, this one's is not.
    both_read : frozenset of str
        Names of the exams of which both knees were read.

    Yields
    ------
    dict of str to list
        The columns of `inspect` for some of the files.
    """
    chunks = [[entry[:2] for entry in entries[start : start + _CHUNK]] for start in range(0, len(entries), _CHUNK)]
    if not chunks:
        return
    started_with = (settings.max_memory_mb, both_read)
    with ProcessPoolExecutor(workers, clean_context(*_MODULES), _start, started_with) as pool:
        yield from pool.map(partial(_read_chunk, folder, settings), chunks)


def _start(megabytes: int, both_read: frozenset[str]) -> None:
    from analysis.archive.limits import limit_memory

    _BOTH_READ.update(both_read)
    import_module(_CUTS)  # before the limit: a library that finds no memory while it is loaded may crash
    limit_memory(megabytes)


def _read_chunk(
    folder: Path, settings: IngestSettings, entries: list[tuple[str, tuple[str, str] | None]]
) -> dict[str, list[Any]]:
    from analysis.archive.inspect import COLUMNS, inspect
    from analysis.archive.reasons import sentence

    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    warnings.simplefilter("ignore")  # of values as well, which only now are read
    records: list[dict[str, Any]] = [
        {"path": path, "code": problem[0], "detail": sentence(*problem)}
        if problem
        else inspect(folder, path, settings, _BOTH_READ)
        for path, problem in entries
    ]
    return {name: [record.get(name) for record in records] for name in COLUMNS}
