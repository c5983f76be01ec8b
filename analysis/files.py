"""Writing so that a reader never sees half a file, and reading tables that keep their promises."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.errors import StudyError

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pa


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Give a temporary name beside `path` that is renamed to it when the block succeeds.

    Parameters
    ----------
    path : str or Path
        The file to write. Missing parent folders are made.

    Yields
    ------
    Path
        Where to write. It has the suffix of `path`, and is removed when the block fails.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    # mkstemp makes files private; a result is as readable as any other file.
    umask = os.umask(0)
    os.umask(umask)
    temporary.chmod(0o666 & ~umask)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, atomically."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_table(
    path: str | Path, schema: pa.DataFrameSchema | None = None, *, columns: list[str] | None = None
) -> pd.DataFrame:
    """Read a table (Parquet, or CSV by its suffix) and hold it to its schema.

    Parameters
    ----------
    path : str or Path
        A `.parquet` or `.csv` file.
    schema : pandera.DataFrameSchema, optional
        What the table must look like.
    columns : list of str, optional
        Read these alone, to spare memory.

    Raises
    ------
    StudyError
        If the file is missing, unreadable or breaks the schema; the message names the file.
    """
    import pandas as pd

    path = Path(path)
    if not path.is_file():
        raise StudyError(f"The table {path} does not exist; make it first, or correct the path.")
    try:
        frame = pd.read_csv(path, usecols=columns) if path.suffix == ".csv" else pd.read_parquet(path, columns=columns)
    except Exception as error:
        raise StudyError(f"The table {path} cannot be read ({error}).") from error
    return frame if schema is None else _hold(frame, schema, path)


def write_table(frame: pd.DataFrame, path: str | Path, schema: pa.DataFrameSchema | None = None) -> None:
    """Write a table (Parquet, or CSV by its suffix) atomically, after holding it to its schema.

    Raises
    ------
    StudyError
        If the table breaks the schema; nothing is written then.
    """
    path = Path(path)
    if schema is not None:
        frame = _hold(frame, schema, path)
    with atomic(path) as temporary:
        if path.suffix == ".csv":
            frame.to_csv(temporary, index=False)
        else:
            frame.to_parquet(temporary, index=False)


def _hold(frame: pd.DataFrame, schema: pa.DataFrameSchema, path: Path) -> pd.DataFrame:
    from pandera.errors import SchemaError, SchemaErrors

    try:
        return schema.validate(frame)
    except (SchemaError, SchemaErrors) as error:
        raise StudyError(f"The table {path} is not what this stage expects: {error}") from error
