"""The headers of a large archive, read in parts: each a job of its own, put together where the whole is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import xxhash

from analysis.archive import known
from analysis.archive.find import find
from analysis.archive.headers import read_headers, typed
from analysis.archive.knees.units import both_sides_read
from analysis.archive.tables import readings_or_problem
from analysis.errors import StudyError
from analysis.files import read_table
from analysis.schemas import HEADERS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from analysis.archive.settings import IngestSettings


def shard_of(path: str, shards: int) -> int:
    """Return which of the parts, counted from 0, a file belongs to: by its name, so that it stays there."""
    return xxhash.xxh3_64_intdigest(path.encode()) % shards


def read_shard(folder: Path, settings: IngestSettings, private: Path, shard: int, shards: int, workers: int) -> int:
    """Read the headers of one part of an archive's files.

    Parameters
    ----------
    folder : Path
        The archive.
    settings : IngestSettings
    private : Path
        Folder for what identifies people. What was read before is in its `headers.parquet`, where that is; the part is
        written to `headers-K.parquet`.
    shard, shards : int
        Which part, of how many.
    workers : int
        Processes.

    Returns
    -------
    int
        Files of the part.

    Raises
    ------
    StudyError
        If the folder or the part doesn't exist.
    """
    if not folder.is_dir():
        raise StudyError(f"The archive {folder} is no folder; correct the path.")
    if not 0 <= shard < shards:
        raise StudyError(f"There is no shard {shard} of {shards}; they count from 0 to {shards - 1}.")
    mine = [entry for entry in find(folder) if shard_of(entry.path, shards) == shard]
    readings, _ = readings_or_problem(folder / "readings.csv")
    before, record = private / "headers.parquet", private / f"headers-{shard}.parquet"
    read_headers(folder, mine, settings, workers, both_sides_read(readings), before, record)
    return len(mine)


def gather(parts: Sequence[Path], record: Path | None = None) -> pd.DataFrame:
    """Put the headers of all parts together.

    Parameters
    ----------
    parts : sequence of Path
        What `read_shard` wrote, every part in its order.
    record : Path, optional
        Where the whole is written down, for the next time.

    Returns
    -------
    pandas.DataFrame
        As `read_headers` returns it of the whole archive.

    Raises
    ------
    StudyError
        If a part is missing, can't be read, or is one of another number of parts.
    """
    tables = [read_table(part, HEADERS) for part in parts]
    for number, (table, part) in enumerate(zip(tables, parts, strict=True)):
        if any(shard_of(path, len(parts)) != number for path in table["path"]):
            raise StudyError(
                f"{part} isn't part {number} of {len(parts)} of an archive's files: give every part that read-headers "
                "wrote, in their order, or run it again for each."
            )
    whole = pd.concat(tables).sort_values("path", ignore_index=True)
    if record is not None:
        known.write(whole, record)
    return typed(whole.drop(columns=known.OWN))
