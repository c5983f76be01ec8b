"""The tables that come with an archive: reports.csv, readings.csv, sets.csv."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from analysis.errors import StudyError
from analysis.schemas import ROLES, SETS

REPORTS = ("accession", "text")
READINGS = ("exam", "reader", "role", "session", "item", "value", "revisit", "time")
SPLIT = ("patient", "set")


def read_csv(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """Read a table as a hospital exports it: comma, semicolon or tab; UTF-8 or Windows' Western code page.

    Parameters
    ----------
    path : Path
    columns : tuple of str
        The columns that must be there; more are ignored.

    Returns
    -------
    pandas.DataFrame
        Text columns without outer blanks; an empty cell is an empty text.

    Raises
    ------
    StudyError
        If the file is missing, unreadable or lacks a column.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StudyError(f"The table {path} can't be read ({error.strerror}); put it there.") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    header = text.split("\n", 1)[0]
    separator = max(",;\t", key=header.count)
    try:
        from io import StringIO

        frame = pd.read_csv(StringIO(text), sep=separator, dtype=str, keep_default_na=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise StudyError(f"The table {path} isn't a CSV file ({' '.join(str(error).split())}); mend it.") from error
    frame.columns = frame.columns.str.strip().str.lower()
    missing = [name for name in columns if name not in frame]
    if missing:
        raise StudyError(f"The table {path} lacks the column '{missing[0]}'; it needs {', '.join(columns)}.")
    return frame[list(columns)].apply(lambda column: column.str.strip())


def read_readings(path: Path) -> pd.DataFrame:
    """Read readings.csv and hold each row to its form.

    Returns
    -------
    pandas.DataFrame
        Columns of READINGS: `value` int, `revisit` bool, `time` datetime or missing, the rest text.

    Raises
    ------
    StudyError
        Names the exam and the line of the first row with an unknown role, a value that is no whole
        number, a revisit flag other than 0 and 1, or a time that is none.
    """
    frame = read_csv(path, READINGS)

    def stop(wrong: pd.Series, column: str, what: str) -> None:
        if wrong.any():
            line = int(np.flatnonzero(wrong)[0])
            row = frame.iloc[line]
            raise StudyError(
                f"{path}, line {line + 2}: the {column} of exam {row['exam'] or '(none)'} is '{row[column]}'; {what}."
            )

    for column in ("exam", "reader", "item"):
        stop(frame[column] == "", column, "it can't be empty")
    frame["role"] = frame["role"].str.lower()
    stop(~frame["role"].isin(ROLES), "role", f"it must be one of {', '.join(ROLES)}")
    stop(~frame["value"].str.fullmatch(r"\d{1,9}(\.0*)?"), "value", "it must be a whole number, 0 or more")
    flags = frame["revisit"].str.lower().replace({"true": "1", "false": "0", "": "0"})
    stop(~flags.isin(("0", "1")), "revisit", "it must be 0 or 1")
    time = pd.to_datetime(frame["time"].where(frame["time"] != ""), errors="coerce", format="ISO8601", utc=True)
    stop(time.isna() & (frame["time"] != ""), "time", "it must be a time such as 2021-05-31T14:30:00, or empty")
    return frame.assign(
        value=frame["value"].str.extract(r"^(\d+)", expand=False).astype(int),
        revisit=flags == "1",
        time=time.dt.tz_localize(None),
        session=frame["session"].where(frame["session"] != ""),
    )


def read_reports(path: Path) -> pd.DataFrame:
    """Read reports.csv: a text for each accession number, several texts of one exam joined."""
    frame = read_csv(path, REPORTS)
    return frame.groupby("accession", sort=True)["text"].agg("\n".join).reset_index()


def read_split(path: Path) -> pd.DataFrame:
    """Read sets.csv.

    Raises
    ------
    StudyError
        If a set is called something else than training, validation or test.
    """
    frame = read_csv(path, SPLIT)
    unknown = frame[~frame["set"].isin(SETS)]
    if len(unknown):
        row = unknown.iloc[0]
        raise StudyError(
            f"{path}, line {unknown.index[0] + 2}: the set '{row['set']}' isn't one of {', '.join(SETS)}; correct it."
        )
    return frame.drop_duplicates()
