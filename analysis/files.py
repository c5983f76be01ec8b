"""Writing so that a reader never sees half a file, and reading tables that fit their schema.

What a step reads goes through here, is hashed as it is read, and stands in the step's log: what provenance says was
read is what was read, whatever became of the files since.
"""

from __future__ import annotations

import hashlib
import io
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
    from pandera.errors import SchemaErrors


#: Columns whose cells are names, whatever they look like: `007` is no number.
NAMES = (
    "exam",
    "patient",
    "image",
    "reader",
    "who",
    "first",
    "second",
    "item",
    "outcome",
    "subgroup",
    "label",
    "title",
)
#: The files that this process has read and their SHA-256, in the order of reading.
READ: dict[Path, str] = {}
#: The tables, texts and figures that it has written, likewise.
WRITTEN: dict[Path, str] = {}


def read_bytes(path: str | Path) -> bytes:
    """Return a file's content, and note the hash of just these bytes in `READ`.

    Raises
    ------
    StudyError
        If the file does not exist or can't be read.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise StudyError(f"The file {path} does not exist; make it first, or correct the path.") from error
    except OSError as error:
        raise StudyError(f"The file {path} can't be read ({error.strerror}).") from error
    READ[path] = hashlib.sha256(data).hexdigest()
    return data


def note(path: str | Path) -> None:
    """Note the hash of a file in `READ` that another library reads right after."""
    READ[Path(path)] = digest_of(path)


def digest_of(path: str | Path) -> str:
    """Return the SHA-256 of a file's content."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def make_folder(folder: Path) -> None:
    """Make a folder where there is none.

    Raises
    ------
    StudyError
        If it can't be made, or nothing may be written into it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StudyError(
            f"The folder {folder} can't be made ({error.strerror}); choose another place for what is written."
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StudyError(f"Nothing may be written into the folder {folder}; choose another one, or change its rights.")


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

    Raises
    ------
    StudyError
        As `make_folder`, and if there is a folder by that name.
    """
    path = Path(path)
    make_folder(path.parent)
    if path.is_dir():
        raise StudyError(f"{path} is a folder, where a file is to be written; remove it, or choose another place.")
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


@contextmanager
def result(path: str | Path) -> Iterator[Path]:
    """As `atomic`, for a table, a text or a figure: its hash is noted in `WRITTEN`."""
    with atomic(path) as temporary:
        yield temporary
        WRITTEN[Path(path)] = digest_of(temporary)


def write_text(path: str | Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, atomically."""
    with result(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


#: The list of the files in a folder that is an output as a whole.
LISTED = ".files"


def seal(folder: Path) -> None:
    """List the files of a folder, by which it is known later that one of them is missing."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    write_text(folder / LISTED, "".join(f"{name}\n" for name in names if name != LISTED))


def is_whole(folder: str | Path) -> bool:
    """Whether a folder has every file that it was sealed with; True where it never was."""
    listed = Path(folder) / LISTED
    return not listed.is_file() or all((listed.parent / name).is_file() for name in listed.read_text().splitlines())


def read_table(
    path: str | Path, schema: pa.DataFrameSchema | None = None, *, columns: list[str] | None = None
) -> pd.DataFrame:
    """Read a table (Parquet, or CSV by its suffix) and check it against its schema.

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
        data = io.BytesIO(read_bytes(path))
        if path.suffix == ".csv":
            # As `write_table` writes it: nothing is missing but an empty cell, and a name is a text, 007 or NA.
            texts = dict.fromkeys(NAMES, "str")
            frame = pd.read_csv(data, usecols=columns, dtype=texts, keep_default_na=False, na_values=[""])
        else:
            frame = pd.read_parquet(data, columns=columns)
    except Exception as error:
        raise StudyError(f"The table {path} cannot be read ({error}).") from error
    if schema is None:
        return frame
    return hold(frame, schema if columns is None else schema.select_columns(columns), path)


def write_table(frame: pd.DataFrame, path: str | Path, schema: pa.DataFrameSchema | None = None) -> None:
    """Write a table (Parquet, or CSV by its suffix) atomically, after checking it against its schema.

    Raises
    ------
    StudyError
        If the table breaks the schema; nothing is written then.
    """
    path = Path(path)
    if schema is not None:
        frame = hold(frame, schema, path)
    with result(path) as temporary:
        if path.suffix == ".csv":
            frame.to_csv(temporary, index=False)
        else:
            frame.to_parquet(temporary, index=False)


def hold(frame: pd.DataFrame, schema: pa.DataFrameSchema, path: Path) -> pd.DataFrame:
    """Return a table in the types of its schema.

    Raises
    ------
    StudyError
        If it breaks the schema; the message names `path`.
    """
    from pandera.errors import SchemaErrors

    try:
        return schema.validate(frame, lazy=True)
    except SchemaErrors as error:
        raise StudyError(
            f"The table {path} is not what this stage expects: {_first(error)}; run the stage that makes it again."
        ) from error


def _first(error: SchemaErrors) -> str:
    """Say of the first thing that is wrong with a table where it is and what."""
    found = error.failure_cases.iloc[0]
    column, check, value, row = (found[name] for name in ("column", "check", "failure_case", "index"))
    where = "" if row != row or row is None else f" in row {int(row) + 1}"
    if check == "column_in_dataframe":
        return f"the column '{value}' is missing"
    if check == "column_in_schema":
        return f"it has a column '{value}' that its schema doesn't"
    if check == "column_ordered":
        return f"the column '{value}' is not in its place"
    if check == "not_nullable":
        return f"the column '{column}' is empty{where}"
    if check == "field_uniqueness":
        return f"'{value}' is in the column '{column}' twice"
    if str(check).startswith(("coerce_dtype", "dtype")):
        kind = {"float64": "number", "str": "text"}.get(str(check).partition("'")[2].rstrip("')"), "value of its type")
        return f"the column '{column}' holds what is no {kind}"
    if found["schema_context"] == "DataFrameSchema":
        return f"it does not hold that {check}{where}"
    return f"the column '{column}' has '{value}'{where}; it must be {check}"
