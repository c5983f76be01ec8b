"""Tables that people bring to be judged: the names in them, and what is refused since it would go lost in silence."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from analysis.archive.people.names import identifier, plain, spelling
from analysis.errors import StudyError
from analysis.grading.scheme import Scheme
from analysis.schemas import ROLES, SETS
from analysis.tables import MISSING, YES_OR_NO, by_value, numbers, read_text_table

#: What stands for nobody, `plain`.
_NOBODY = MISSING | {"unknown"}
#: Columns that hold names, by which rows are told apart and brought together.
_NAMES = ("exam", "patient", "set", "reader", "role", "item")


def read_brought(path: str | Path, needs: Iterable[str]) -> pd.DataFrame:
    """Read a table as text, the names in it as they are compared: without signs that can't be seen."""
    frame = read_text_table(path, needs=needs)
    named = [name for name in _NAMES if name in frame]
    return frame.assign(
        **{name: by_value(frame[name], lambda names: names.map(identifier).astype("str")) for name in named}
    )


def refuse_misnamed(frame: pd.DataFrame, known: Iterable[str], path: str | Path) -> None:
    """Refuse a column that is, but for blanks and signs, one that isn't there: what it holds would be missing.

    Raises
    ------
    StudyError
    """
    absent = {_letters(name): name for name in known if name not in frame}
    for column in frame.columns:
        if column not in known and (meant := absent.get(_letters(column))):
            raise StudyError(f"{path} has a column '{column}', which isn't read; call it '{meant}'.")


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", name)


def refuse_other_sets(frame: pd.DataFrame, path: str | Path) -> None:
    """Refuse a table without sets that has them in a column of another name: all exams would be the test set.

    Raises
    ------
    StudyError
    """
    for column in frame.columns:
        values = set(frame[column].str.lower()) - {""}
        if values <= set(SETS) and values - {"test"}:
            raise StudyError(f"{path} has no column 'set', but '{column}' names sets; call it 'set', or remove it.")


def refuse_flags(cells: pd.Series, levels: pd.Series | int, path: str | Path) -> None:
    """Refuse true and false for a grade of more than two levels: they'd be its lowest ones.

    Parameters
    ----------
    cells : pandas.Series of str
        As they are written; the index is the line.
    levels : pandas.Series or int
        The highest level of what each cell grades.
    path : str or Path

    Raises
    ------
    StudyError
    """
    wrong = cells.str.lower().isin(YES_OR_NO) & (pd.Series(levels, cells.index) > 1)
    if wrong.any():
        line = cells.index[wrong.to_numpy()][0]
        raise StudyError(
            f"{path}, line {line}: '{cells[line]}' in the column '{cells.name}' is no grade; write the grade."
        )


def refuse_nobody(patients: pd.Series, path: str | Path) -> None:
    """Refuse a word for nobody as the patient of several exams: they'd be one person's. One such name may be a name.

    Raises
    ------
    StudyError
    """
    nobody = patients[patients.map(plain).isin(_NOBODY) & patients.duplicated(keep=False)]
    if len(nobody):
        raise StudyError(
            f"{path}: {(patients == nobody.iloc[0]).sum()} exams have the patient '{nobody.iloc[0]}', as if one person had "
            "them all; name the patients (repeat the exam's name where every exam is a patient)."
        )


def read_readers(path: Path, scheme: Scheme) -> pd.DataFrame:
    """Read independent readings in long form.

    Returns
    -------
    pandas.DataFrame
        exam, reader, role, item (text; the last two in lower case) and value; the index is the line.

    Raises
    ------
    StudyError
        Names the line of a reading without exam or reader, of an unknown role, of a reader spelled in two ways, of a grade
        that the scheme doesn't have, or of a second reading by one reader.
    """
    table = read_brought(path, ("exam", "reader", "role", "item", "value"))
    table["role"], table["item"] = table["role"].str.lower(), table["item"].str.lower()
    value = numbers(table, ["value"], path)["value"]
    highest = table["item"].map(scheme.highest).astype(float)  # of an empty table pandas makes text
    refuse_flags(table["value"], highest, path)
    told = table.assign(value=value)
    readers = table["reader"].drop_duplicates()
    again = readers[readers.map(spelling).duplicated()]
    for wrong, what in (
        ((table["exam"] == "") | (table["reader"] == ""), "exam and reader can't be empty"),
        (table["reader"].isin(again), "the reader is spelled differently elsewhere; write each reader in one way"),
        (~table["role"].isin(ROLES), f"the role must be one of {', '.join(ROLES)}"),
        ((value % 1 > 0) | (value < 0) | (value > highest), "the scheme has no such grade"),
        (told.duplicated(["exam", "reader", "role", "item"]), "the reader has read it before; keep one reading"),
    ):
        if wrong.any():
            line = table.index[wrong.to_numpy()][0]
            row = table.loc[line]
            raise StudyError(
                f"{path}, line {line}: exam {row['exam']}, item '{row['item']}', {row['reader']} ({row['role']}) gave "
                f"'{row['value']}': {what}."
            )
    return told
