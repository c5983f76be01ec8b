"""The radiographs of a folder, knee by knee, and what can't be graded with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xxhash
from PIL import Image

from analysis.archive.dicom.dataset import Unreadable
from analysis.archive.find import escaped, real_path
from analysis.archive.headers import as_table, together
from analysis.archive.ingest import reject
from analysis.archive.inspect import check_size
from analysis.archive.knees.units import BOX, divide
from analysis.archive.people.copies import mark_copies
from analysis.archive.people.patients import borne_by_many, exams, patients, shared
from analysis.archive.reasons import sentence
from analysis.inference.radiograph import PICTURES

if TYPE_CHECKING:
    from analysis.archive.settings import IngestSettings

Image.MAX_IMAGE_PIXELS = None  # `check_size` refuses what is too large, and says why


@dataclass(frozen=True)
class Knee:
    """The images of one knee in one exam.

    Attributes
    ----------
    exam : str
        Accession number, else StudyInstanceUID, else the name of the file.
    side : str or None
        left or right.
    files : pandas.DataFrame
        A row an image: path and place of its file, view, side, rows, columns, body_part and noted. A film of both knees is
        an image of each.
    """

    exam: str
    side: str | None
    files: pd.DataFrame


def collect(
    read: Iterable[tuple[Path, dict[str, list[Any]]]], settings: IngestSettings, side: str | None
) -> pd.DataFrame:
    """Put together what the headers of files say.

    Parameters
    ----------
    read : iterable of tuple
        From `read_files`.
    settings : IngestSettings
        As the network's own archive was read.
    side : str, optional
        left or right: what those show that don't say it, such as pictures (PNG, JPEG). Without it pictures are refused.

    Returns
    -------
    pandas.DataFrame
        A row a file: `place` (Path), the columns of ingest, `code` and `detail` where it is a duplicate or can't be graded, and
        `exam_key`, which the files of an exam share.
    """
    parts = []
    for folder, columns in read:
        described = as_table(columns)
        # Paths, not text: a name that isn't UTF-8 is no text that a column of strings could hold.
        places = pd.Series([real_path(folder, one) for one in described["path"]], dtype=object)
        parts.append(described.assign(place=places))
    files = together(parts)
    if files["path"].duplicated().any():  # of two folders
        files["path"] = [escaped(str(place)) for place in files["place"]]
    if side:
        _take_pictures(files, side, settings)
    who = patients(files, settings.placeholders, borne_by_many(files))
    # Of a picture nobody is named: its copy is of the same exam, and not another patient's.
    picture = ("file " + files["pixel_hash"]).where(who.isna())
    files["exam_key"] = exams(files, who).fillna(picture).fillna("file " + files["path"])
    if side:  # an exam that says one of its sides itself is left to that
        unsaid = files.groupby("exam_key")["side"].transform("nunique") == 0
        files.loc[unsaid & files["code"].isna(), "side"] = side
    reject(files, shared(files["exam_key"], who), "exam_of_two_patients")
    files["patient_key"] = who.fillna("exam " + files["exam_key"])
    mark_copies(files)
    return files


def _take_pictures(files: pd.DataFrame, side: str, settings: IngestSettings) -> None:
    """Turn PNG and JPEG files into radiographs of one side, a knee each."""
    for row in files.index[files["code"] == "picture"]:
        place: Any = files.loc[row, "place"]
        try:
            data = place.read_bytes()
            if not any(data.startswith(magic) for magic in PICTURES):
                continue
            with Image.open(place) as image:
                columns, rows = image.size
            check_size(rows, columns, 8, settings)
        except Unreadable as why:
            files.loc[row, ["code", "detail"]] = [why.code, sentence(why.code, why.detail)]
            continue
        except Exception:  # Pillow raises what it likes
            files.loc[row, ["code", "detail"]] = ["decode", sentence("decode")]
            continue
        files.loc[row, ["code", "detail"]] = None
        files.loc[row, "side"] = side
        files.loc[row, ["rows", "columns"]] = [rows, columns]
        files.loc[row, "pixel_hash"] = xxhash.xxh3_128(data).hexdigest()


def by_knee(files: pd.DataFrame) -> pd.DataFrame:
    """Return the usable files with a column `knee`, those of a knee one after the other, in the order of their first paths.

    A film of both knees is an image of each. An image whose side isn't said is of the knee that the exam's other images
    show, if they show one alone.
    """
    good = files[files["code"].isna()]
    # Here each file stands for itself: what is of no known side is of neither knee of a film beside it.
    number = pd.Series(np.arange(len(good)), good.index).astype(str)
    good = divide(good.assign(exam=number), set(number[good["side"] == "both"]))
    sides = good.groupby("exam_key")["side"]
    alone = sides.transform("first").where(sides.transform("nunique") == 1)
    good["side"] = good["side"].fillna(alone)
    good["knee"] = good["exam_key"] + " " + good["side"].fillna("")
    return good.iloc[np.argsort(good.groupby("knee", sort=False).ngroup(), kind="stable")]


def knees(files: pd.DataFrame) -> Iterator[Knee]:
    """Yield the knees of some files that `by_knee` has ordered."""
    names = list(files["accession"].fillna(files["study_uid"]).fillna(files["path"]))
    sides = list(files["side"])
    # Of one type, since a table has many knees, and cutting one out of columns of several takes ten times as long.
    about = files[["path", "place", "view", "side", "rows", "columns", "body_part", "noted", *BOX]].astype(object)
    starts = np.flatnonzero(files["knee"] != files["knee"].shift())
    for start, end in pairwise([*starts, len(files)]):
        yield Knee(names[start], sides[start] if isinstance(sides[start], str) else None, about.iloc[start:end])
