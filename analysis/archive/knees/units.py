"""The unit of the study: a knee in an exam.

An exam of one knee is known by its own pseudonym. Where both knees were examined, each is a unit of its own, known by the
exam's pseudonym and its side; for every later stage it is an exam like others, of the same patient.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.archive.people.names import SIDES
from analysis.errors import StudyError

if TYPE_CHECKING:
    from pathlib import Path

    from analysis.archive.knees.films import Box

#: Where a knee is in the picture of its file, stored pixels; missing where the whole picture is the image.
BOX = ("box_top", "box_left", "box_bottom", "box_right")


def find_double(files: pd.DataFrame, read: pd.DataFrame, path: Path) -> set[str]:
    """Return the exams of two knees, by what their images show and what was read.

    Parameters
    ----------
    files : pandas.DataFrame
        One row per file: `exam`, `code`, `side` (left, right, both or missing), `accession`.
    read : pandas.DataFrame
        Readings: `exam` and `side`; the index is the line of the table.
    path : Path
        The table, for messages.

    Raises
    ------
    StudyError
        If an exam of two knees has a reading without side, or a reading is of a knee that no image shows.
    """
    read = read[["exam", "side"]].drop_duplicates()  # the first line of each knee
    # A film of both knees that had to be refused still says that the exam has two.
    shows = files[files["code"].isna() | files["code"].str.startswith(("film", "duplicate")).fillna(False)]
    named = pd.concat([shows[["exam", "side"]], read]).dropna()
    named = named[named["side"] != ""]
    named = named.drop_duplicates()
    double = set(named.loc[(named["side"] == "both") | named["exam"].duplicated(), "exam"])
    number = files.dropna(subset=["accession"]).drop_duplicates("exam").set_index("exam")["accession"]

    def stop(wrong: pd.Series, what: str) -> None:
        if wrong.any():
            line = wrong.index[wrong.to_numpy()][0]
            exam = read.loc[line, "exam"]
            more = read.loc[wrong, "exam"].nunique()
            raise StudyError(f"{path}, line {line}: exam {number.get(exam, exam)} {what} ({more} such exams).")

    stop(
        read["exam"].isin(double) & (read["side"] == ""),
        "has two knees, and this reading doesn't say which one it is of; write left or right into the column 'side'",
    )
    good = shows[shows["code"].isna()]
    seen = good[["exam", "side"]].dropna()
    open_ = shows.loc[shows["side"].isna() | (shows["side"] == "both") | shows["code"].notna(), "exam"]
    stop(
        (read["side"] != "")
        & read["exam"].isin(set(seen["exam"]) - set(open_))
        & ~(read["exam"] + " " + read["side"]).isin(seen["exam"] + " " + seen["side"]),
        "has a reading of a knee that none of its images shows; correct the side of the reading, or that of the image",
    )
    return double


def both_sides_read(readings: pd.DataFrame) -> frozenset[str]:
    """Return the exams of which both knees were read, as readings.csv calls them (columns `exam`, `side`)."""
    sides = readings[readings["side"] != ""].groupby("exam")["side"].nunique()
    return frozenset(sides.index[sides > 1])


def units(exams: pd.Series, sides: pd.Series, double: set[str]) -> pd.Series:
    """Return the unit of each row: the exam, with its side where the exam has two knees."""
    return exams.where(~exams.isin(double), exams + "-" + sides)


def divide(files: pd.DataFrame, double: set[str]) -> pd.DataFrame:
    """Give each file of an exam of two knees a row for each knee that it is of, and each image the box of its knee.

    What isn't of one side, such as a file that was refused, is of both.

    Parameters
    ----------
    files : pandas.DataFrame
        `exam`, `side`, `cut` (see `inspect`).
    double : set of str
        From `find_double`.

    Returns
    -------
    pandas.DataFrame
        `exam` is the unit; the columns BOX are new, and `cut` is gone.
    """
    rows = files.assign(order=np.arange(len(files)), knee=files["side"])
    split = rows["exam"].isin(double) & ~rows["side"].isin(SIDES)
    both = rows[split]
    rows = pd.concat([rows[~split], *(both.assign(knee=side) for side in SIDES)])
    rows = rows.sort_values(["order", "knee"], kind="stable", ignore_index=True)
    rows["exam"] = units(rows["exam"], rows["knee"], double)
    cut_out = rows["cut"].notna()
    rows["side"] = rows["knee"].where(rows["knee"] != "both")
    boxes = [_box(cut, side) for cut, side in rows.loc[cut_out, ["cut", "side"]].itertuples(index=False)]
    table = pd.DataFrame(boxes, index=rows.index[cut_out], columns=list(BOX)).reindex(rows.index).astype("Int64")
    return pd.concat([rows.drop(columns=["order", "knee", "cut"]), table], axis=1)


def boxes(images: pd.DataFrame) -> list[Box | None]:
    """Return the part of its file's picture that each image is; None where it is the whole one."""
    table = images.reindex(columns=list(BOX))
    if table[BOX[0]].isna().all():  # as in most archives, for which nothing of films need be loaded
        return [None] * len(table)
    from analysis.archive.knees.films import Box

    return [Box(*map(int, row)) if pd.notna(row[0]) else None for row in table.itertuples(index=False)]


def _box(cut: str, side: object) -> list[int]:
    """Read one knee's box, as `left:0,10,200,210 right:…` says it; a single knee's may have no side."""
    parts = dict(part.split(":") for part in cut.split())
    found = parts[str(side)] if str(side) in parts else parts[""]
    return [int(number) for number in found.split(",")]
