"""Tables that people bring: any separator, encoding and spelling of a header, and every cell as the text it is.

The project's own tables are read by `analysis.files`; a table that somebody exported, typed or saved from a
spreadsheet is read here, wherever it is used. An identifier stays text, so that `007`, `7` and `7.0` are three.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.delimited import Columns, column_name, require, text_cells
from analysis.errors import StudyError
from analysis.files import hold, read_bytes

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pa

#: Cells that say that there is nothing; \N is how databases write it out.
MISSING = {"", ".", "-", "na", "n/a", "nan", "none", "null", "\\n"}
#: Marks of footnotes, which are no digits: 2\u00b9 isn't 21.
MARKS = "[\u00b9\u00b2\u00b3\u2070-\u2079]"
#: Words that say yes and no, as spreadsheets write them in English, German, French and Swedish.
YES_OR_NO = dict.fromkeys(("true", "wahr", "vrai", "sant"), "1") | dict.fromkeys(
    ("false", "falsch", "faux", "falskt"), "0"
)
#: A number with a comma that may part its thousands, and one that says what a comma means in its column: a decimal point.
_THOUSANDS, _POINT = r"[+-]?[1-9]\d{0,2},\d{3}", r"[+-]?\d*\.\d+|[+-]?(?!100$)\d{3,}"


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

    path, needs = Path(path), [column_name(name) for name in needs]
    data = read_bytes(path)
    parquet = path.suffix.lower() == ".parquet"
    header, lines, columns = _parquet(data, path) if parquet else text_cells(data, path, needs)
    names = [column_name(name) for name in header]
    for position, name in enumerate(names):
        if name and name in names[:position]:
            raise StudyError(
                f"The table {path} has two columns called '{name}' (the {_nth(names.index(name))} and the "
                f"{_nth(position)}); remove or rename one."
            )
    require(names, needs, path)
    for position in (position for position, name in enumerate(names) if not name):
        if position == 0 and len({*columns[0]}) == len(columns[0]) and all(map(str.isdecimal, columns[0])):
            continue  # the numbers of the rows, which R and pandas write before them
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
        if not cells.str.isascii().all():  # digits as they are typed in Japan, and the minus sign of typesetters
            cells = cells.mask(
                ~cells.str.contains(MARKS), cells.str.normalize("NFKC").str.replace("\N{MINUS SIGN}", "-")
            )
        written = cells.replace(YES_OR_NO).str.replace(r"^([+-]?\d*),(\d+)", r"\1.\2", regex=True)
        written = written.mask(cells.isin(MISSING))
        # 950 and 1,050: where other cells have no decimals, or a point before them, a comma may part thousands.
        commas = cells.str.contains(",", regex=False)
        doubtful = commas & cells.str.fullmatch(_THOUSANDS)
        if doubtful.any() and (commas == doubtful).all() and cells.str.fullmatch(_POINT).any():
            line = frame.index[doubtful.to_numpy()][0]
            raise StudyError(
                f"{path}, line {line}: '{frame.loc[line, name]}' in the column '{name}' has a comma that may part thousands; "
                "write the numbers without it, or all with a decimal point."
            )
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


def _parquet(data: bytes, path: Path) -> Columns:
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
