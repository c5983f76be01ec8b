"""Decode every indexed image once, and store it as a small square."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import pandas as pd

from analysis.archive.dicom.dataset import Unreadable
from analysis.archive.find import real_path
from analysis.archive.knees.units import boxes
from analysis.archive.reasons import sentence
from analysis.errors import StudyError
from analysis.files import atomic, write_table
from analysis.imaging.decoding import decode_files
from analysis.imaging.image import prepare_file
from analysis.schemas import PREPARED, UNREADABLE

if TYPE_CHECKING:
    from analysis.imaging.settings import ImagesSettings


def shard_of(images: pd.DataFrame, shard: int, shards: int) -> pd.DataFrame:
    """Return the images of every `shards`-th exam, in the order of exam and image."""
    exams = np.sort(images["exam"].unique())[shard::shards]
    return images[images["exam"].isin(exams)].sort_values(["exam", "image"], ignore_index=True)


def prepare(
    archive: Path,
    images: pd.DataFrame,
    files: pd.DataFrame,
    settings: ImagesSettings,
    out: Path,
    *,
    shard: int,
    shards: int,
) -> tuple[int, int]:
    """Prepare one shard: `pixels-K.npy`, `rows-K.parquet` (schema PREPARED) and `unreadable-K.csv` in `out`.

    Parameters
    ----------
    archive : Path
    images : pandas.DataFrame
        Schema IMAGES.
    files : pandas.DataFrame
        The private index, for the paths and what the files held.
    settings : ImagesSettings
    out : Path
    shard, shards : int
        Which part, of how many.

    Returns
    -------
    tuple of int
        Images prepared, and images that can't be read.

    Raises
    ------
    StudyError
        If the shard doesn't exist, or the private index is of another archive.
    """
    if not 0 <= shard < shards:
        raise StudyError(f"There is no shard {shard} of {shards}; they count from 0 to {shards - 1}.")
    _forget(out, shards)
    known = files.dropna(subset=["image"]).set_index("image")
    wanted = shard_of(images, shard, shards)
    missing = wanted[~wanted["image"].isin(known.index)]
    if len(missing):
        raise StudyError(f"Image {missing['image'].iloc[0]} isn't in the private index; run 'ingest' again.")
    there = known.loc[wanted["image"]]
    places = [real_path(archive, path) for path in there["path"]]
    results = decode_files(places, settings, prepare_file, boxes(wanted), there["pixel_hash"].fillna("").tolist())
    good, hashes, corrected, unreadable = [], [], [], []
    with atomic(out / f"pixels-{shard}.npy") as temporary, temporary.open("wb") as file:
        _header(file, 0, settings.size)
        for position, result in enumerate(results):
            if isinstance(result, Unreadable):
                told = sentence(result.code, result.detail)
                unreadable.append((wanted["image"][position], wanted["exam"][position], result.code, told))
            else:
                file.write(result[0].tobytes())
                good.append(position)
                hashes.append(result[1])
                corrected.append(result[2] or None)
        file.seek(0)
        _header(file, len(good), settings.size)
    rows = wanted.loc[good].reindex(columns=["image", "exam", "view", "side", "burned_in"])
    rows = rows.assign(shard=shard, row=np.arange(len(good)), decoded=hashes)
    rows["corrected"] = pd.array(corrected, dtype="str")
    write_table(rows.reset_index(drop=True), out / f"rows-{shard}.parquet", PREPARED)
    write_table(pd.DataFrame(unreadable, columns=list(UNREADABLE.columns)), out / f"unreadable-{shard}.csv", UNREADABLE)
    return len(good), len(unreadable)


def _forget(out: Path, shards: int) -> None:
    """Remove shards of a time when there were more of them: they hold images that others hold now."""
    for path in out.glob("*-*.*"):
        number = path.stem.rpartition("-")[2]
        if number.isdigit() and int(number) >= shards:
            path.unlink(missing_ok=True)


def _header(file: BinaryIO, n: int, size: int) -> None:
    """Write the header of a .npy file. NumPy leaves room in it for the first axis to grow."""
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": (n, size, size)})
