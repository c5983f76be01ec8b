"""Tables that people bring: any separator, encoding and spelling of a header, and every cell as the text it is.

The project's own tables are read by `analysis.files`; a table that somebody exported, typed or saved from a
spreadsheet is read here, wherever it is used. An identifier stays text, so that `007`, `7` and `7.0` are three.
"""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.errors import StudyError
from analysis.files import hold, read_bytes

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pa

_SEPARATORS = (",", ";", "\t", "|")
#: Cells that say that there is no number.
_MISSING = {"", ".", "-", "na", "n/a", "nan", "none", "null"}
_FLAGS = {"true": "1", "false": "0"}
#: Text in disguise, by which people keep a spreadsheet from taking it for a number.
_DISGUISED = re.compile(r"""="(.*)"|'([\w./+-]*\d[\w./+-]*)""", re.DOTALL)
#: Signs without width, which come along when cells are copied from a web page.
_UNSEEN = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"

#: Letters at a table's beginning that its header is looked for in.
_HEADER = 100_000
#: The header's names, the line that each row begins in, and the cells of each column.
_Columns = tuple[list[str], list[int], list[list[str]]]


def read_text_table(path: str | Path, needs: Iterable[str] = ()) -> pd.DataFrame:
    """Read a table with all its cells as text.

    A file called .parquet is one; all others are text, with comma, semicolon, tab or vertical bar between the
    cells, in UTF-8, UTF-16 or Windows' Western code page. Every row must have as many cells as the header: a
    comma too many would move its cells under other columns.

    Parameters
    ----------
    path : str or Path
    needs : iterable of str
        Columns that must be there.

    Returns
    -------
    pandas.DataFrame
        Columns by their names in lower case without outer blanks. Cells are text without outer blanks, empty
        where there is nothing; words such as NA stay words. The index is the line of the file that a row
        begins in (of Parquet: its row, from 1).

    Raises
    ------
    StudyError
        One sentence that names the file, and the line where there is one.
    """
    import pandas as pd

    path, needs = Path(path), [name.strip().lower() for name in needs]
    data = read_bytes(path)
    header, lines, columns = _parquet(data, path) if path.suffix.lower() == ".parquet" else _text(data, path, needs)
    names = [name.strip().lower() for name in header]
    for position, name in enumerate(names):
        if name and name in names[:position]:
            raise StudyError(
                f"The table {path} has two columns called '{name}' (the {_nth(names.index(name))} and the "
                f"{_nth(position)}); remove or rename one."
            )
    missing = [name for name in needs if name not in names]
    if missing:
        there = ", ".join(f"'{name}'" for name in names if name)
        raise StudyError(f"The table {path} lacks the column '{missing[0]}'; it has {there or 'no column'}.")
    for position in (position for position, name in enumerate(names) if not name):
        if line := next((line for line, cell in zip(lines, columns[position], strict=True) if cell), None):
            raise StudyError(
                f"{path}, line {line}: a cell stands under no column's name; name the {_nth(position)} column, "
                "or put the text that was cut into two cells here into quotation marks."
            )
    kept = {name: cells for name, cells in zip(names, columns, strict=True) if name}
    return pd.DataFrame(kept, index=pd.Index(lines, dtype=int, name="line"), dtype="str")


def by_value(column: pd.Series, work: Callable[[pd.Series], pd.Series]) -> pd.Series:
    """Work out a long column from its different values, each of them once.

    Parameters
    ----------
    column : pandas.Series
    work : callable
        Of the different values (missing is one of them), in the order in which they first appear.

    Returns
    -------
    pandas.Series
        With the index of `column`.
    """
    import pandas as pd

    codes, values = pd.factorize(column, use_na_sentinel=False)
    return pd.Series(work(pd.Series(values)).array.take(codes), column.index)


def unlike_formula(text: str) -> str:
    """Keep a spreadsheet from taking a text that others wrote for a formula: an apostrophe goes before it."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def numbers(frame: pd.DataFrame, names: Iterable[str], path: str | Path) -> pd.DataFrame:
    """Read columns of a table of texts as numbers.

    Parameters
    ----------
    frame : pandas.DataFrame
        From `read_text_table`.
    names : iterable of str
        Its columns; one that isn't there is missing for every row.
    path : str or Path
        The file, for the message.

    Returns
    -------
    pandas.DataFrame of float
        Missing where a cell is empty or says so (NA, NaN, a dot). A decimal comma counts, true is 1, false 0.

    Raises
    ------
    StudyError
        Names the line, the column and what is no number there.
    """
    import numpy as np
    import pandas as pd

    found = {}
    for name in names:
        if name not in frame:
            found[name] = pd.Series(np.nan, frame.index)
            continue
        cells = frame[name].str.strip().str.lower()
        written = cells.replace(_FLAGS).str.replace(r"^([+-]?\d*),(\d+)", r"\1.\2", regex=True)
        written = written.mask(cells.isin(_MISSING))
        values = pd.to_numeric(written, errors="coerce").astype(float)
        wrong = values.isna() & written.notna()
        if wrong.any():
            line = frame.index[wrong.to_numpy()][0]
            raise StudyError(f"{path}, line {line}: '{frame.loc[line, name]}' in the column '{name}' is no number.")
        found[name] = values
    return pd.DataFrame(found, index=frame.index)


def read_typed(path: str | Path, schema: pa.DataFrameSchema) -> pd.DataFrame:
    """Read a table that a person may bring in the place of one of the project's own.

    Parameters
    ----------
    path : str or Path
        As in `read_text_table`.
    schema : pandera.DataFrameSchema
        What it must look like. Text columns are taken as they are written, the others as numbers.

    Raises
    ------
    StudyError
        If it can't be read or breaks the schema; one sentence that names the file.
    """
    texts = [name for name, column in schema.columns.items() if str(column.dtype).startswith("str")]
    others = [name for name in schema.columns if name not in texts]
    frame = read_text_table(path, needs=[name for name, column in schema.columns.items() if column.required])
    # A column that may be missing is left to the schema.
    texts, others = ([name for name in names if name in frame] for names in (texts, others))
    typed = frame.astype(object).where(frame != "", None)
    typed[others] = numbers(frame, others, path)
    return hold(typed.reset_index(drop=True), schema, Path(path))


def _nth(position: int) -> str:
    """Say which column: the numbers of a spreadsheet, from 1."""
    number = position + 1
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _cleaned(cell: str) -> str:
    cell = cell.strip().strip(_UNSEEN).strip()
    disguised = _DISGUISED.fullmatch(cell)
    return (disguised[1] or disguised[2] or "").strip() if disguised else cell


def _all_cleaned(cells: Iterable[str]) -> list[str]:
    """Clean a column's cells, each text once: a long table has few different ones."""
    cells = list(cells)
    cleaned = {cell: _cleaned(cell) for cell in set(cells)}
    return [cleaned[cell] for cell in cells]


def _decoded(data: bytes, path: Path) -> str:
    """Decode by the mark at the beginning, else as UTF-8, else as Windows' Western code page."""
    if data.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        encoding = "utf-32"
    elif data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif data[1:2] == b"\0" or data[:1] == b"\0":  # UTF-16 without its mark: a header is in plain letters
        encoding = "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
    else:
        encoding = "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8-sig":
            raise StudyError(f"The table {path} is cut or damaged (no valid {encoding}); save it as UTF-8.") from error
        text = data.decode("cp1252", errors="replace")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise StudyError(f"{path}, line {line}: the file isn't a table of text; save it as CSV in UTF-8.")
    return text


def _text(data: bytes, path: Path, needs: list[str]) -> _Columns:
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"PAR1")):
        raise StudyError(f"The table {path} is a spreadsheet or another binary file; save it as CSV in UTF-8.")
    text = _decoded(data, path)
    text = text.lstrip("\ufeff")
    begin = len(text) - len(text.lstrip("\r\n"))
    skipped, text = text.count("\n", 0, begin), text[begin:]
    if said := re.match(r"sep=(.)[ \t]*(?:\r\n|\r|\n|$)", text, re.IGNORECASE):  # Excel's own way to name the separator
        separators: tuple[str, ...] = (said[1],)
        text, skipped = text[said.end() :], skipped + 1
    else:
        separators = _SEPARATORS
    separator = max(separators, key=lambda one: _fit(text, one, needs))
    rows = _rows(text, separator, path, skipped)
    header = [_cleaned(cell) for cell in next(rows, (0, []))[1]]
    if not header:
        raise StudyError(f"The table {path} is empty; it needs a header" + (f": {', '.join(needs)}." if needs else "."))
    lines, found = list[int](), list[list[str]]()
    for line, cells in rows:
        if len(cells) != len(header):
            more = len(cells) > len(header)
            raise StudyError(
                f"{path}, line {line}: {len(cells)} cell{'s'[: len(cells) != 1]}, but the header has {len(header)} "
                f"(separated by {_named(separator)}); "
                + (
                    f"put a text that holds {_named(separator)} into quotation marks, or remove the one that is too many."
                    if more
                    else "write the ones that are missing, separated as in the header."
                )
            )
        lines.append(line)
        found.append(cells)
    columns = [_all_cleaned(cells) for cells in zip(*found, strict=True)] or [[] for _ in header]
    _swallowed(lines, columns, separator, path)
    return header, lines, columns


def _named(separator: str) -> str:
    names = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a vertical bar"}
    return names.get(separator, f"'{separator}'")


def _fit(text: str, separator: str, needs: list[str]) -> tuple[int, int]:
    """Score how well a separator splits the header: by the columns asked for that it finds, then by their number."""
    try:
        beginning = io.StringIO(text[:_HEADER], newline="")
        header = next(csv.reader(beginning, delimiter=separator, skipinitialspace=True), [])
    except csv.Error:
        return 0, 0
    return len({name.strip().lower() for name in header} & set(needs)), len(header)


def _rows(text: str, separator: str, path: Path, skipped: int) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that hold anything, as they are written, with the line that each begins in."""
    csv.field_size_limit(sys.maxsize)
    # Strict, so that an unclosed quotation mark is an error and doesn't take the rest of the file for one cell.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True, skipinitialspace=True)
    begins = 1
    try:
        for cells in reader:
            if (cells and cells[0].isalnum()) or any(map(_cleaned, cells)):
                yield begins + skipped, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        raise StudyError(
            f"{path}, line {begins + skipped}: a quotation mark isn't closed, or stands inside a cell without being "
            f"doubled ({error}, line {reader.line_num + skipped}); correct it."
        ) from error


def _swallowed(lines: list[int], columns: list[list[str]], separator: str, path: Path) -> None:
    """Refuse a cell of several lines of which one looks like a row: two missing quotation marks make such a cell."""
    several = {cell for column in columns for cell in set(column) if len(cell.splitlines()) > 1}
    if not several:
        return
    shapes = {_shape(first) for first in set(columns[0])}
    for line, cells in zip(lines, zip(*columns, strict=True), strict=True):
        for cell in several.intersection(cells):
            for inner in cell.splitlines()[1:]:
                parts = inner.split(separator)
                if len(parts) == len(cells) > 1 and (shape := _shape(parts[0])) in shapes and "9" in shape:
                    raise StudyError(
                        f"{path}, line {line}: a cell in quotation marks goes on over several lines, and one of them "
                        f"looks like a row of its own (it begins '{parts[0]}'); close the quotation mark before it."
                    )


def _shape(cell: str) -> str:
    """Return an identifier's form, so that those of one archive look alike: digits as 9, letters as A."""
    return re.sub(r"[^\W\d_]", "A", re.sub(r"\d", "9", cell.strip().strip('"')))


def _parquet(data: bytes, path: Path) -> _Columns:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(io.BytesIO(data)).read()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise StudyError(f"The table {path} isn't a Parquet file ({' '.join(str(error).split())}).") from error
    columns = [[_written(one) for one in column.to_pylist()] for column in table.columns]
    return list(table.column_names), list(range(1, table.num_rows + 1)), columns


def _written(value: Any) -> str:
    """Write a value of Parquet: a whole number without decimals, since one missing makes a column's others fractions."""
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip()
    return str(value).strip()
