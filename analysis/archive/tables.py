"""The tables that come with an archive: reports.csv, readings.csv, sets.csv, exams.csv."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from analysis import schemas
from analysis.archive.describe import sex_named
from analysis.archive.markup import is_rtf, unmarked
from analysis.archive.people.names import FRACTION, SIDES, identifier, spelling
from analysis.delimited import column_name, text_cells
from analysis.errors import StudyError
from analysis.schemas import FLAGS, ROLES, SETS
from analysis.tables import MARKS, MISSING, YES_OR_NO, by_value, numbers, read_text_table

if TYPE_CHECKING:
    from collections.abc import Sequence

REPORTS = ("accession", "text")
READINGS = tuple(schemas.READINGS.columns)
SPLIT = ("patient", "set")
EXAMS = ("exam", "age", "sex")
#: What each table has to have, and what is read beside it.
_READ: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "reports.csv": (REPORTS, ()),
    "readings.csv": (READINGS, ("side",)),
    "sets.csv": (SPLIT, ()),
    "exams.csv": (EXAMS, ()),
}
#: In which radiographs can have been read.
_YEARS = (1895, 2150)
#: Letters and words for a side, as they stand in a column of their own.
_WORDS = {
    **dict.fromkeys(
        ("left", "l", "lt", "vänster", "vä", "sin", "links", "linke", "gauche", "izquierda", "sol"), "left"
    ),
    **dict.fromkeys(("right", "r", "rt", "höger", "hö", "dx", "rechts", "rechte", "droite", "derecha", "sağ"), "right"),
}
#: What a column of sides is called, whatever its words.
_CALLED = {"laterality", "lateralitet", "lateralität", "sida", "seite", "côté", "lado"}


def read_readings(path: Path) -> pd.DataFrame:
    """Read readings.csv and check the form of each row; the index is the line of the file.

    Returns
    -------
    pandas.DataFrame
        Columns of READINGS: `value` int, `revisit` bool, `time` datetime or missing, the rest text. `side` is left, right,
        or empty, as it is where the table has no such column.

    Raises
    ------
    StudyError
        Names the exam and the line of the first row with an unknown role, a value that is no whole
        number, a revisit flag other than 0 and 1, an unknown side, a time that is none or centuries away, or a reader
        or an item spelled in two ways.
    """
    frame = read_text_table(path, READINGS)
    for column in () if "side" in frame else frame.columns.difference(list(READINGS)):
        cells = set(frame[column].str.lower()) - MISSING
        if cells and (cells <= {*_WORDS} or column in _CALLED):
            raise StudyError(f"{path}: the column '{column}' says left and right; call it 'side', or remove it.")
    frame = frame[list(READINGS)].assign(side=frame.get("side", ""))
    written = frame["value"]
    for column in (*READINGS, "side"):
        frame = _identified(frame, column)
    frame["value"] = frame["value"].mask(written.str.contains(MARKS), written)
    for column in ("session", "revisit", "time", "side"):  # NA, as R writes it
        frame[column] = frame[column].mask(frame[column].str.lower().isin(MISSING), "")

    def stop(wrong: pd.Series, column: str, what: str) -> None:
        if wrong.any():
            line = wrong.index[wrong.to_numpy()][0]
            row = frame.loc[line]
            raise StudyError(
                f"{path}, line {line}: the {column} of exam {row['exam'] or '(none)'} is '{row[column]}'; {what}."
            )

    for column in ("exam", "reader", "item"):
        stop(frame[column] == "", column, "it can't be empty")
    frame["role"], frame["side"] = frame["role"].str.lower(), frame["side"].str.lower().replace(_WORDS)
    frame["item"] = frame["item"].str.lower()  # a scheme's items are in lower case
    stop(~frame["role"].isin(ROLES), "role", f"it must be one of {', '.join(ROLES)}")
    stop(~frame["value"].str.fullmatch(r"[0-9]{1,9}([.,]0*)?"), "value", "it must be a whole number, 0 or more")
    flag = ~frame["item"].isin(FLAGS) | frame["value"].str.fullmatch(r"0*[01]([.,]0*)?")
    stop(~flag, "value", f"of {' and '.join(FLAGS)} it must be 1 (yes) or 0 (no)")
    for column, known in (("reader", ()), ("item", FLAGS)):
        names = pd.Series(list(dict.fromkeys([*known, *frame[column].unique()])), dtype="str")
        again = names[names.map(spelling).duplicated()]
        stop(frame[column].isin(again), column, f"it is spelled differently elsewhere; write each {column} in one way")
    stop(~frame["side"].isin(("", *SIDES)), "side", "it must be left, right, or empty where the exam has one knee")
    # Where some are empty, a statistics program writes whole numbers as fractions.
    flags = frame["revisit"].str.lower().str.replace(FRACTION, "", regex=True)
    flags = flags.replace({**YES_OR_NO, "": "0"})
    stop(~flags.isin(("0", "1")), "revisit", "it must be 0 or 1")
    time = pd.to_datetime(frame["time"].where(frame["time"] != ""), errors="coerce", format="ISO8601", utc=True)
    # A year or month alone would be read as its first day; a year of another calendar would be centuries away.
    no_day = ~time.dt.year.between(*_YEARS) | ~frame["time"].str.match(r"\d{4}-?\d\d-?\d\d")
    stop(no_day & (frame["time"] != ""), "time", "it must be a time such as 2021-05-31T14:30:00, or empty")
    return frame.assign(
        value=by_value(frame["value"], lambda values: values.str.replace(FRACTION, "", regex=True).astype(int)),
        revisit=flags == "1",
        time=time.dt.tz_localize(None),
        session=frame["session"].where(frame["session"] != ""),
    )


def readings_or_problem(path: Path) -> tuple[pd.DataFrame, str | None]:
    """Read readings.csv where there is one, or say what is wrong with it: then it counts as empty."""
    none = pd.DataFrame({name: [] for name in (*READINGS, "side")}, dtype="str")
    if not path.exists():
        return none, None
    try:
        return read_readings(path), None
    except StudyError as error:
        return none, str(error)


def columns_not_read(folder: Path) -> dict[str, int]:
    """Count the cells in columns of an archive's tables that nothing is read from, by table and column (`reports.csv: title`)."""
    found = {}
    for name, (needs, more) in _READ.items():
        if not (folder / name).exists() or _has_no_more(folder / name, needs, more):
            continue
        try:  # without these columns a table may have no header, and a report's own words are in its place
            frame = read_text_table(folder / name, needs)
        except StudyError:  # which whoever reads the table says
            continue
        for column in frame.columns.difference([*needs, *more]):
            found[f"{name}: {column}"] = int((~frame[column].str.lower().isin(MISSING)).sum())
    return {column: n for column, n in found.items() if n}


def _has_no_more(path: Path, needs: Sequence[str], more: Sequence[str]) -> bool:
    """Return whether the first line of a table names known columns alone: then a long table isn't read once more for others."""
    try:
        with path.open("rb") as file:
            names, _, _ = text_cells(file.readline(), path, [*needs])
    except (StudyError, OSError):  # what it names takes more than a line to tell
        return False
    return {*map(column_name, names)} <= {*needs, *more}


def read_reports(path: Path) -> pd.DataFrame:
    """Read reports.csv: a text for each accession number, without marks of HTML, several texts of one exam joined.

    Returns
    -------
    pandas.DataFrame
        Columns `accession`, `text`, and `texts`, the number of different ones that were joined.

    Raises
    ------
    StudyError
        Names the line of a text in the code of a word processor, whose words can't be looked for.
    """
    frame = _identified(read_text_table(path, REPORTS), "accession")
    if (coded := frame["text"].map(is_rtf).astype(bool)).any():
        raise StudyError(
            f"{path}, line {frame.index[coded.to_numpy()][0]}: the text is in RTF, a word processor's code ({coded.sum()} "
            "such texts); export the reports as plain text."
        )
    return joined(frame.assign(text=frame["text"].map(unmarked).astype("str")), "accession")


def _identified(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """Write a column's identifiers as those of the headers are compared."""
    return frame.assign(**{column: by_value(frame[column], lambda names: names.map(identifier).astype("str"))})


def joined(texts: pd.DataFrame, key: str) -> pd.DataFrame:
    """Join the texts (column `text`) of each key, in the order of the keys; `texts` says how many different ones they are.

    A blank line parts them, so that what the last line of one denies isn't taken to go on in the next.
    """
    found: dict[str, list[str]] = {}
    for name, text in zip(texts[key], texts["text"], strict=True):
        found.setdefault(name, []).append(text)
    listed = sorted(found.items())
    rows = [(name, "\n\n".join(some)) for name, some in listed]
    return pd.DataFrame(rows, columns=[key, "text"], dtype="str").assign(
        texts=[len({*some} - {""}) for _, some in listed]
    )


def read_split(path: Path) -> pd.DataFrame:
    """Read sets.csv; the index is the line of the file.

    Raises
    ------
    StudyError
        If a set is called something else than training, validation or test.
    """
    frame = _identified(read_text_table(path, SPLIT)[list(SPLIT)], "set")
    frame["set"] = frame["set"].str.lower()
    unknown = frame[~frame["set"].isin(SETS)]
    if len(unknown):
        raise StudyError(
            f"{path}, line {unknown.index[0]}: the set '{unknown['set'].iloc[0]}' isn't one of {', '.join(SETS)}; "
            "correct it."
        )
    return frame.drop_duplicates()


def read_exams(path: Path) -> pd.DataFrame:
    """Read exams.csv: what the headers don't say of an exam, by its accession number.

    Returns
    -------
    pandas.DataFrame
        Columns `exam`, `age` (years, missing where unknown), `sex` (female, male, other or missing).

    Raises
    ------
    StudyError
        Names the line of an age that is no number from 0 to 120, of an unknown sex, of no exam, or of an exam that another
        line tells something else of.
    """
    frame = _identified(_identified(read_text_table(path, EXAMS)[list(EXAMS)], "exam"), "sex")

    def named(sex: str) -> str:
        return "" if sex.lower() in {*MISSING, "u", "unknown"} else sex_named(sex) or sex

    age = numbers(frame, ["age"], path)["age"]
    sex = by_value(frame["sex"], lambda cells: cells.map(named).astype("str"))
    told = frame.assign(age=age, sex=sex)
    again = frame["exam"].duplicated() & ~told.duplicated()
    for wrong, what in (
        (frame["exam"] == "", "it can't be empty"),
        (again, "an earlier line says something else of it"),
        (age.notna() & ~age.between(0, 120), "the age must be 0 to 120 years, or empty"),
        (~sex.isin(("", "female", "male", "other")), "the sex must be female, male, other, or empty"),
    ):
        if wrong.any():
            line = wrong.index[wrong.to_numpy()][0]
            raise StudyError(f"{path}, line {line}: exam {frame.loc[line, 'exam'] or '(none)'}: {what}; correct it.")
    return told.assign(sex=sex.where(sex != ""))[~told.duplicated()]
