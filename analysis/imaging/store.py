"""The prepared images of a cohort, as one array that is read from disk only where it is asked for."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.errors import StudyError
from analysis.files import read_table
from analysis.schemas import PREPARED, UNREADABLE

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


#: The environment's name of a folder on this computer's own disk to which pixels are copied before they are read;
#: without, they are read where they are. It may name others: $TMPDIR.
SCRATCH = "KNEE_SCRATCH"


def near(paths: list[Path]) -> list[Path]:
    """Copy files to this computer's own disk, where `SCRATCH` asks for that; they go with the process.

    Raises
    ------
    StudyError
        If the folder isn't there, is full or may not be written.
    """
    named = os.path.expandvars(os.environ.get(SCRATCH, ""))
    if not named:
        return paths
    try:
        folder = Path(tempfile.mkdtemp(prefix="knee-", dir=named))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        return [Path(shutil.copyfile(path, folder / path.name)) if path.is_file() else path for path in paths]
    except OSError as error:
        raise StudyError(
            f"The prepared images can't be copied to {named}, which {SCRATCH} names ({error.strerror}); give a folder "
            "with room for them on this computer's disk, or leave it out."
        ) from error


class ImageStore:
    """All prepared images in a folder written by `prepare`.

    The order is that of the sorted exams and images: the number of shards doesn't show.

    Parameters
    ----------
    folder : str or Path
        Holds `pixels-K.npy` and `rows-K.parquet` for each shard K.

    Attributes
    ----------
    rows : pandas.DataFrame
        One row per image (schema PREPARED), index 0 … n-1: the positions that indexing takes.
    copies : pandas.DataFrame
        Images that are not in `rows`, since they decode to the same pixels as one that is: `of` names it.
    size : int
        Side of the squares, pixels.

    Raises
    ------
    StudyError
        If the folder has no prepared images, or shards that don't belong together.

    Examples
    --------
    >>> store = ImageStore("results/simulated/images")  # doctest: +SKIP
    >>> store[store.rows.index[store.rows["exam"] == exam]].shape  # doctest: +SKIP
    (3, 96, 96)
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        paths = sorted(self.folder.glob("rows-*.parquet"))
        if not paths:
            raise StudyError(f"The folder {self.folder} holds no prepared images; run 'prepare' first.")
        rows = pd.concat([read_table(path, PREPARED) for path in paths], ignore_index=True)
        if rows["image"].duplicated().any():
            raise StudyError(f"The shards in {self.folder} overlap; remove the folder and run 'prepare' again.")
        self._stored = rows["shard"].value_counts()
        rows = rows.sort_values(["exam", "image"])
        self.copies = rows[:0].assign(of="")
        if "decoded" in rows:
            first = rows["decoded"].map(rows.drop_duplicates("decoded").set_index("decoded")["image"])
            copy = rows["decoded"].notna() & (rows["image"] != first)
            self.copies, rows = rows[copy].assign(of=first[copy]), rows[~copy]
        self.rows: pd.DataFrame = rows.reset_index(drop=True)
        self._shard = self.rows["shard"].to_numpy()
        self._row = self.rows["row"].to_numpy()

    @cached_property
    def _pixels(self) -> dict[int, NDArray[np.uint8]]:
        shards: dict[int, Any] = {}
        stored = self._stored.sort_index()
        paths = near([self.folder / f"pixels-{shard}.npy" for shard in stored.index])
        for path, (shard, n) in zip(paths, stored.items(), strict=True):
            try:
                shards[int(str(shard))] = pixels = np.load(path, mmap_mode="r")
            except (OSError, ValueError) as error:
                raise StudyError(
                    f"The prepared images {path} cannot be read ({error}); run 'prepare' again."
                ) from error
            if len(pixels) != n:
                raise StudyError(f"{path} holds {len(pixels)} images, its table {n}; run 'prepare' again.")
        if len({pixels.shape[1:] for pixels in shards.values()}) > 1:
            raise StudyError(f"The shards in {self.folder} differ in image size; run 'prepare' again for all of them.")
        return shards

    def refused(self, exam: str) -> str | None:
        """Say why an exam has no image here, if it had any and `prepare` refused them all; else None."""
        for path in sorted(self.folder.glob("unreadable-*.csv")):
            table = read_table(path, UNREADABLE)
            if len(its := table.loc[table["exam"] == exam, "detail"].dropna()):
                return f"{path} says of its images: {' '.join(dict.fromkeys(its))}"
        return None

    @property
    def size(self) -> int:
        """Side of the squares, pixels; 0 where the store is empty."""
        return int(next(iter(self._pixels.values())).shape[1]) if self._pixels else 0

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, indices: ArrayLike) -> NDArray[np.uint8]:
        """Copy images into memory.

        Parameters
        ----------
        indices : array_like of int, shape (n,), or int
            Positions in `rows`, in any order, repeats allowed.

        Returns
        -------
        numpy.ndarray of uint8, shape (n, size, size), or (size, size) for a single int
            0 is black (air), 255 white (metal).
        """
        positions = np.asarray(indices, dtype=np.intp)
        flat = positions.reshape(-1)
        out = np.empty((len(flat), self.size, self.size), np.uint8)
        shards = self._shard[flat]
        for shard in np.unique(shards):
            here = np.flatnonzero(shards == shard)
            out[here] = self._pixels[int(shard)][self._row[flat[here]]]
        return out.reshape(*positions.shape, self.size, self.size)


def mean_grey(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Mean grey level of each prepared image, (n, side, side), within the black padding."""
    found = [image[np.ix_(image.any(1), image.any(0))] for image in images]
    return np.array([part.mean() if part.size else 0.0 for part in found], dtype=np.float64)
