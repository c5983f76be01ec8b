"""Tables as cohort studies release them, and those of the archive that becomes of them.

Text, SAS or the NDA's form, values with words beside them, codes for what is missing.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.archive.find import find_release
from analysis.errors import StudyError

if TYPE_CHECKING:
    import pandas as pd

#: What tables of cohorts call a side and a sex, by the code or the word, in lower case.
SIDES = {"1": "right", "r": "right", "right": "right", "2": "left", "l": "left", "left": "left"}
SEXES = {"1": "male", "m": "male", "male": "male", "2": "female", "f": "female", "female": "female"}
#: How the name of a table ends.
TABLES = (".txt", ".csv", ".tsv", ".sas7bdat", ".xpt")


@dataclass
class Told:
    """What an import met with, counted, for its report.

    Attributes
    ----------
    codes : Counter
        Column of a table and cell that is no grade, to how often.
    notes : Counter
        What else there is to know, in words, to how often.
    """

    codes: Counter[tuple[str, str]] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)

    def write(self, path: Path) -> None:
        """Write both as one table: kind, column, found, n."""
        import pandas as pd

        from analysis.files import write_table

        rows = [("code", column, cell, n) for (column, cell), n in sorted(self.codes.items())]
        rows += [("note", "", note, n) for note, n in sorted(self.notes.items())]
        write_table(pd.DataFrame(rows, columns=["kind", "column", "found", "n"]), path)

    def about(self, word: str) -> str:
        """Say in one line what the notes with a word in them count."""
        return ", ".join(f"{n} {note}" for note, n in sorted(self.notes.items()) if n and word in note)

    def __str__(self) -> str:
        """List the notes, and the cells that are no grade."""
        found = {**self.notes, **{f"cells of {column} are '{cell}'": n for (column, cell), n in self.codes.items()}}
        return "".join(f"\n{n:>8} {said}" for said, n in sorted(found.items()) if n)


def find_tables(folder: Path, pattern: str) -> list[Path]:
    """Return the tables whose name, without case and ending, matches a regular expression, in order of their names."""
    found = [Path(entry.place.path) for entry in find_release(folder) if entry.place]
    return sorted(
        (path for path in found if path.suffix.lower() in TABLES and re.fullmatch(pattern, path.stem.lower())),
        key=lambda path: path.name.lower(),
    )


def read_release(path: Path) -> pd.DataFrame:
    """Read a table, in whatever form, with column names in lower case and every cell as text.

    Text may be separated by bars, commas or tabs; the NDA's form has a second line that describes the columns. SAS gives
    numbers for text: 1.0 is read as 1.

    Raises
    ------
    StudyError
        If it can't be read.
    """
    import pandas as pd

    from analysis.tables import read_text_table

    if path.suffix.lower() not in (".sas7bdat", ".xpt"):
        frame = read_text_table(path)
        described = len(frame) and path.suffix.lower() in (".txt", ".tsv") and _describes(frame.iloc[0])
        return (frame.iloc[1:] if described else frame).reset_index(drop=True)
    try:
        frame = pd.read_sas(path, encoding="latin-1")
    except Exception as error:
        why = str(error) or "it ends too early"
        raise StudyError(f"The table {path} isn't one of SAS ({why}); copy it again.") from error
    return frame.rename(columns=str.lower).map(_text).astype("str")


def _describes(row: pd.Series) -> bool:
    """Tell a line that says what the columns are: words in nearly every cell, and no number in any."""
    cells = [cell for cell in row if cell]
    return len(cells) > len(row) / 2 and not any(re.fullmatch(r"[\d.]+", cell) for cell in cells)


def _text(cell: Any) -> str:
    if cell is None or cell != cell:
        return ""
    if isinstance(cell, bytes):
        cell = cell.decode("latin-1")
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()


def code(cell: str) -> str:
    """Return what stands before the words: `2` of '2: Left', `.A` of '.A: not expected'; 2.0 is 2."""
    return re.sub(r"\.0+$", "", cell.partition(":")[0].strip())


def column(frame: pd.DataFrame, *names: str) -> pd.Series:
    """Return the codes of the first of these columns that a table has; empty texts where it has none."""
    import pandas as pd

    found = next((name for name in names if name in frame), None)
    return frame[found].map(code) if found else pd.Series("", frame.index, dtype="str")


def demand(frame: pd.DataFrame, path: Path, *columns: tuple[str, ...]) -> None:
    """Raise a StudyError unless a table has each of these columns, by one of its names."""
    for names in columns:
        if not any(name in frame for name in names):
            there = ", ".join(f"'{name}'" for name in list(frame)[:12]) + (", …" if len(frame.columns) > 12 else "")
            raise StudyError(
                f"The table {path} lacks the column '{names[0]}'; it has {there}. Copy it again from the release, or give "
                "the column the name that it has there."
            )


def once(scores: pd.DataFrame, keys: list[str], told: Told) -> pd.DataFrame:
    """Take each knee's reading once, from tables that may hold it twice, as text and as SAS for example.

    Parameters
    ----------
    scores : pandas.DataFrame
        A row a reading, with nothing in it but the keys and what was read.
    keys : list of str
        Columns that name a knee.
    told : Told

    Returns
    -------
    pandas.DataFrame
        Rows of a knee are one, in which each cell is what any of them says; a knee whose rows contradict each other has none.
    """
    knees = scores.groupby(keys, sort=False)
    differ = (knees.nunique() > 1).any(axis=1)  # what one table lacks is no contradiction
    found = knees.first()[~differ]
    told.notes["readings that stand in the tables twice, of which one counts"] += int((knees.size() - 1)[~differ].sum())
    told.notes["knees whose readings contradict each other, left out"] += int(differ.sum())
    return found.reset_index()


def grades(
    cells: pd.Series, name: str, highest: int, told: Told, *, floor: bool = False, present: bool = False
) -> pd.Series:
    """Read the grades of a column.

    Parameters
    ----------
    cells : pandas.Series of str
    name : str
        The column, for the report.
    highest : int
        The highest grade. What is no whole number from 0 to it is missing, and counted by its code.
    told : Told
    floor : bool
        A decimal says how a grade has changed since the film before; the grade is what stands before the point.
    present : bool
        The item asks only whether it is there: every grade of 1 and more is 1.

    Returns
    -------
    pandas.Series of Int64
    """
    import pandas as pd

    codes = cells.map(code)
    decimal = codes.str.fullmatch(r"\d+\.\d+")
    if floor and decimal.any():
        told.notes[f"{name}: decimals, of which the whole grade was taken"] += int(decimal.sum())
        codes = codes.where(~decimal, codes.str.partition(".")[0])
    good = codes.str.fullmatch(r"\d+") & (pd.to_numeric(codes, errors="coerce") <= highest)
    told.codes.update((name, found or "(empty)") for found in codes[~good])
    values = pd.to_numeric(codes.where(good, None)).astype("Int64")
    return values.clip(upper=1) if present else values


def to_readings(scores: pd.DataFrame, items: list[str], reader: str) -> pd.DataFrame:
    """Turn a row a knee into a row a grade, of one reader, a session for each visit.

    Parameters
    ----------
    scores : pandas.DataFrame
        exam, side, visit, and a column for each item; what is missing gives no row.
    items : list of str
    reader : str
    """
    import pandas as pd

    long = scores.melt(["exam", "side", "visit"], items, var_name="item", value_name="value").dropna(subset=["value"])
    return pd.DataFrame(long.assign(reader=reader, role="reader", session=long["visit"]))


def write_archive(out: Path, readings: pd.DataFrame, people: pd.DataFrame, told: Told) -> None:
    """Write the archive's tables: readings.csv, exams.csv (exam, age, sex), an empty reports.csv, and import.csv.

    Parameters
    ----------
    out : Path
    readings : pandas.DataFrame
        exam, side, reader, role, session, item, value.
    people : pandas.DataFrame
        exam, age, sex.
    told : Told
    """
    import pandas as pd

    from analysis.archive.tables import READINGS, REPORTS
    from analysis.files import write_table

    for what in ("age", "sex"):
        told.notes[f"exams of which no table says the {what}"] += int(people[what].isna().sum())
    table = readings.assign(value=readings["value"].astype("Int64"), revisit=0, time="").sort_values(
        ["exam", "side", "item"], ignore_index=True
    )
    write_table(table[[*READINGS, "side"]], out / "readings.csv")
    write_table(people[["exam", "age", "sex"]].drop_duplicates("exam"), out / "exams.csv")
    write_table(pd.DataFrame(columns=list(REPORTS)), out / "reports.csv")
    told.write(out / "import.csv")
