"""Files that hold the same image as another one."""

from __future__ import annotations

import pandas as pd

from analysis.archive.dicom.codestream import LOSSY
from analysis.archive.reasons import sentence

_LOSSY = [str(syntax) for syntax in LOSSY]


def mark_copies(files: pd.DataFrame) -> None:
    """Give the copies among the good files a reason code, and say whose copies they are.

    Files with the same stored pixels are copies, of which the first by path stays. So are files of one SOP instance in
    several transfer syntaxes, of which one that lost nothing stays.

    ASSUME: the same pixels under another exam or patient are a copy as well (sent twice, or filed under a wrong name);
    both can't be right, and a copy in two sets would be a leak between them.

    Parameters
    ----------
    files : pandas.DataFrame
        Columns `code`, `detail`, `path`, `pixel_hash`, `sop_uid`, `rows`, `columns`, `transfer_syntax`, `exam_key` and
        `patient_key`; changed in place.
    """
    good = files[files["code"].isna()]
    _mark(files, good, good["pixel_hash"])
    good = files[files["code"].isna()].dropna(subset=["sop_uid"])
    # A number of a UID begins with no nought, and it ends with no point: programs pad them so.
    uid = good["sop_uid"].str.replace(r"(^|\.)0+(?=\d)", r"\1", regex=True).str.strip(".")
    instance = uid + " " + good["rows"].astype(str) + " " + good["columns"].astype(str)
    # Two images in one syntax share the identifier: the program that wrote them reuses it, so it says nothing.
    wrong = (
        instance.groupby([instance, good["transfer_syntax"]]).transform("size").groupby(instance).transform("max") > 1
    )
    good = good.assign(lossy=good["transfer_syntax"].isin(_LOSSY))[~wrong].sort_values(["lossy", "path"])
    _mark(files, good, instance.reindex(good.index))


def kind_of_copy(same_exam: pd.Series, same_patient: pd.Series) -> pd.Series:
    """Return the reason code of copies, by whether they are of the exam and the patient of their original."""
    kind = pd.Series("duplicate_in_exam", same_exam.index, dtype="str")
    kind[~same_exam] = "duplicate_in_patient"
    kind[~same_patient] = "duplicate_in_archive"
    return kind


def _mark(files: pd.DataFrame, good: pd.DataFrame, key: pd.Series) -> None:
    """Mark all but the first file of each key."""
    first = good.groupby(key, sort=False).head(1)
    first = first.set_index(key[first.index])
    copies = good[key.duplicated()]
    original = first.loc[key[copies.index]].set_index(copies.index)
    kind = kind_of_copy(copies["exam_key"] == original["exam_key"], copies["patient_key"] == original["patient_key"])
    files.loc[copies.index, "code"] = kind
    files.loc[copies.index, "detail"] = kind.map(sentence) + " Kept: " + original["path"] + "."
