"""The processes that read an archive's headers.

They do without pandas, which takes as long to import as some 300 headers to read.
"""

from __future__ import annotations

import logging
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from analysis.workers.context import clean_context, start_server

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from analysis.archive.find import Entry
    from analysis.archive.settings import IngestSettings

T = TypeVar("T")

_CHUNK = 128
_CUTS = "analysis.archive.knees.films"
#: What the server imports: what describes a file, what cuts films, and the settings' words, compiled.
_MODULES = ("analysis.archive.inspect", _CUTS, "analysis.archive.usual_words")
#: The exams of which both knees were read, in each process: sent once, and not with every chunk.
_BOTH_READ: set[str] = set()


def expect_readers() -> None:
    """Let what these processes need be imported from now on, beside what this one imports; a command calls it first."""
    start_server(*_MODULES)


def read_files(
    found: Iterable[tuple[Path, Sequence[Entry]]],
    settings: IngestSettings,
    workers: int,
    both_read: frozenset[str] = frozenset(),
) -> Iterator[tuple[Path, dict[str, list[Any]]]]:
    """Describe files by their headers, in their order. The processes begin at once, and not when the first is asked for.

    Parameters
    ----------
    found : iterable of tuple
        Folders, each with its files, from `find`.
    settings : IngestSettings
    workers : int
        Processes. Also one is a process of its own: its memory is limited, this one's is not.
    both_read : frozenset of str
        Names of the exams of which both knees were read.

    Returns
    -------
    iterator of tuple
        A folder, and the columns of `inspect` for some of its files.
    """
    chunks = [
        (folder, [entry[:2] for entry in entries[start : start + _CHUNK]])
        for folder, entries in found
        for start in range(0, len(entries), _CHUNK)
    ]
    if not chunks:
        return iter(())
    started_with = (settings.max_memory_mb, both_read)
    pool = ProcessPoolExecutor(workers, clean_context(*_MODULES), _start, started_with)
    return _until_all_is_read(pool, pool.map(partial(_read_chunk, settings), chunks))


def _until_all_is_read(pool: ProcessPoolExecutor, read: Iterator[T]) -> Iterator[T]:
    with pool:
        yield from read


def _start(megabytes: int, both_read: frozenset[str]) -> None:
    from analysis.archive.dicom.limits import limit_memory

    _BOTH_READ.update(both_read)
    import_module(_CUTS)  # before the limit: a library that finds no memory while it is loaded may crash
    limit_memory(megabytes)


def _read_chunk(
    settings: IngestSettings, chunk: tuple[Path, list[tuple[str, tuple[str, str] | None]]]
) -> tuple[Path, dict[str, list[Any]]]:
    from analysis.archive.inspect import COLUMNS, inspect
    from analysis.archive.reasons import sentence

    folder, entries = chunk
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    warnings.simplefilter("ignore")  # of values as well, which only now are read
    records: list[dict[str, Any]] = [
        {"path": path, "code": problem[0], "detail": sentence(*problem)}
        if problem
        else inspect(folder, path, settings, _BOTH_READ)
        for path, problem in entries
    ]
    return folder, {name: [record.get(name) for record in records] for name in COLUMNS}
