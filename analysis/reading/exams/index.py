"""The exams of the reading room, from the tables of the stages before it."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Container, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.archive.find import real_path
from analysis.errors import StudyError
from analysis.reading.settings import UNSELECTED
from analysis.tables import read_text_table

if TYPE_CHECKING:
    from analysis.archive.knees.films import Box


@dataclass(frozen=True, slots=True)
class Image:
    """A radiograph.

    Attributes
    ----------
    image : str
        Its pseudonym.
    path : str
        Where it lies.
    view : str or None
        What ingest took it for: ap, oblique, lateral.
    side : str or None
        left or right, where the archive says so.
    digest : str
        Hash of the stored pixels as they were when the archive was indexed.
    box : Box or None
        The part of the picture that is shown; None: all of it.
    """

    image: str
    path: str
    view: str | None
    side: str | None = None
    digest: str = ""
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class Exam:
    """An exam as the room has it.

    Attributes
    ----------
    exam : str
        Its pseudonym; never sent to a browser.
    set : str
        training, validation, test, or unselected.
    images : tuple of Image
        In the order ap, oblique, lateral, unknown.
    hash : str
        Of all its images: which version of the pixels was read.
    """

    exam: str
    set: str
    images: tuple[Image, ...]
    hash: str


_ORDER = {"ap": 0, "oblique": 1, "lateral": 2}
_SHOWN = ["image", "exam", "view", "side", "pixel_hash"]


def load_exams(images_file: Path, private_file: Path, archive: Path, exams_file: Path | None) -> dict[str, Exam]:
    """Put together what the room shows.

    Parameters
    ----------
    images_file : Path
        The index (schema IMAGES).
    private_file : Path
        The private index, for paths.
    archive : Path
        The folder that `path` of the private index is relative to.
    exams_file : Path or None
        The selection; excluded exams are not shown. Without it all exams are.

    Returns
    -------
    dict of str to Exam
        Sorted by pseudonym.

    Raises
    ------
    StudyError
        If the tables are missing, don't belong together, or name no exam.
    """
    import pandas as pd

    from analysis.archive.knees.units import BOX, boxes
    from analysis.files import read_table
    from analysis.schemas import EXAMS, IMAGES, PRIVATE

    images = read_table(images_file, IMAGES).reindex(columns=[*_SHOWN, *BOX])
    private = read_table(private_file, PRIVATE, columns=["image", "path", "pixel_hash"])
    private = private.dropna(subset=["image"]).drop_duplicates("image").set_index("image")
    sets: dict[str, str] = dict.fromkeys(images["exam"], UNSELECTED)
    if exams_file:
        chosen = read_table(exams_file, EXAMS)
        chosen = chosen[chosen["set"] != "excluded"]
        sets = dict(zip(chosen["exam"], chosen["set"], strict=True))
    images = images[images["exam"].isin(sets)]
    missing = images[~images["image"].isin(private.index)]
    if len(missing):
        raise StudyError(
            f"{private_file} does not know image {missing['image'].iloc[0]} of {images_file}; "
            "give the private index of the same archive."
        )
    if images.empty:
        raise StudyError(f"There is no exam to read in {exams_file or images_file}; give other tables.")
    there = private.loc[images["image"]]
    images = images.assign(box=pd.Series(boxes(images), images.index, dtype=object)).drop(columns=list(BOX))
    images = images.assign(path=there["path"].to_numpy(), digest=there["pixel_hash"].to_numpy())
    images = images.assign(place=images["view"].map(_ORDER).fillna(3)).sort_values(["exam", "place", "image"])
    exams: dict[str, Exam] = {}
    for exam, rows in groupby(images.itertuples(index=False), key=attrgetter("exam")):
        listed = list(rows)
        digest = hashlib.sha256("\n".join(sorted(str(row.pixel_hash) for row in listed)).encode()).hexdigest()
        shown = tuple(_image(row, archive) for row in listed)
        exams[str(exam)] = Exam(str(exam), sys.intern(sets[str(exam)]), shown, digest)
    return exams


def _image(row: Any, archive: Path) -> Image:
    view = sys.intern(row.view) if row.view in _ORDER else None
    side = sys.intern(row.side) if row.side in ("left", "right") else None
    return Image(row.image, str(real_path(archive, row.path)), view, side, row.digest, row.box)


def load_queue(files: Sequence[Path], exams: Container[str]) -> frozenset[str] | None:
    """Read which exams are asked for; None where no file says so.

    Parameters
    ----------
    files : sequence of Path
        Tables with a column `exam`, e.g. the queues that active learning writes.
    exams : container of str
        All exams of the room.

    Raises
    ------
    StudyError
        If a file has no such column or names an exam that the room doesn't have.
    """
    asked: set[str] = set()
    for path in files:
        table = read_text_table(path)
        if "exam" not in table:
            raise StudyError(f"The queue {path} has no column 'exam'; give a table that names the exams to read.")
        strange = [exam for exam in table["exam"] if exam not in exams]
        if strange:
            raise StudyError(
                f"The queue {path} asks for exam {strange[0]}, which is not in the room; give its own tables."
            )
        asked |= set(table["exam"])
    return frozenset(asked) if files else None
