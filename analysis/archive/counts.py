"""What became of an archive's files, counted."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd

from analysis.archive.describe import parse_date
from analysis.schemas import COUNTS


def count(
    files: pd.DataFrame, double: int, texts: dict[str, int], by_study: int, items: pd.Series, unread: dict[str, int]
) -> pd.DataFrame:
    """Count what became of the files, and hold the sum to what was found: columns `kind`, `code`, `n`.

    `double` is the number of exams of two knees, `items` what was read, for each reading: a slip in a name shows. `unread` are
    the cells in columns that aren't read.
    """
    good = files[files["code"].isna()]
    duplicate = files["code"].str.startswith("duplicate").fillna(False).astype(bool)
    codes = files["code"].value_counts().sort_index()
    rows: list[tuple[str, str | None, int]] = [("found", None, len(files)), ("indexed", None, len(good))]
    rows += [
        ("duplicate" if code.startswith("duplicate") else "rejected", code, n)
        for code, n in zip(codes.index.astype(str), codes, strict=True)
    ]
    if sum(n for _, _, n in rows[1:]) != len(files):
        raise RuntimeError(f"{len(files)} files found, but {sum(n for _, _, n in rows[1:])} accounted for")
    usable = files[files["code"].isna() | duplicate]
    rows += [
        ("exams", None, files["exam"].nunique()),
        ("exams_of_two_knees", None, double),
        ("films_of_two_knees", None, int((good["side"] == "both").sum())),
        ("patients", None, files["patient"].nunique()),
        ("identifiers", None, usable["patient_id"].nunique()),
        ("patients_by_study", None, by_study),
    ]
    notes = good["noted"].dropna().str.split().explode().value_counts().sort_index()
    rows += [("noted", str(note), n) for note, n in notes.items()]
    burned_in = good["burned_in"].fillna("not_said").value_counts().sort_index()
    rows += [("burned_in", str(said), n) for said, n in burned_in.items()]
    rows += [(kind, None, n) for kind, n in texts.items()]
    rows += [("readings", str(item), n) for item, n in items.value_counts().sort_index().items()]
    rows += [("column_not_read", column, n) for column, n in unread.items()]
    return pd.DataFrame(rows, columns=list(COUNTS.columns))


def in_future(files: pd.DataFrame) -> int:
    """Count the images of an exam or a birth that is yet to come: of a wrong clock or typed wrongly, or shifted to hide it.

    In the farthest east it is tomorrow already.
    """
    tomorrow = date.today() + timedelta(days=1)
    written = files.loc[files["code"].isna(), ["date", "birth_date"]]
    later = {
        one
        for one in pd.unique(written.to_numpy().ravel())
        if isinstance(one, str) and (parse_date(one) or tomorrow) > tomorrow
    }
    return int(written.isin(later).any(axis=1).sum()) if later else 0
