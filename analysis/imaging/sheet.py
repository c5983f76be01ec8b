"""A contact sheet of films with both knees, for a person to look at: where they were cut, and which were refused."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pandas as pd

from analysis.archive.dicom.dataset import Unreadable, read
from analysis.archive.find import real_path
from analysis.archive.knees.units import BOX, boxes
from analysis.archive.reasons import sentence
from analysis.errors import StudyError
from analysis.files import atomic
from analysis.imaging.pixels import brightness
from analysis.plurals import plural

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TILE, _ACROSS, _LINE = 340, 5, 18
#: Blue, green, red: the right knee, the left one, and a film that was refused.
_COLOURS = {"right": (60, 180, 255), "left": (255, 160, 60), "": (60, 60, 255)}


def draw_sheet(archive: Path, images: pd.DataFrame, files: pd.DataFrame, number: int, seed: int, out: Path) -> str:
    """Draw films with the squares that were cut out of them.

    Parameters
    ----------
    archive : Path
    images : pandas.DataFrame
        Schema IMAGES.
    files : pandas.DataFrame
        The private index.
    number : int
        Films to draw at random; those whose valley between the legs is shallow, and those that were refused, come besides.
    seed : int
    out : Path
        The PNG.

    Returns
    -------
    str
        What is on it.

    Raises
    ------
    StudyError
        If the archive has no film of both knees, nor one that was refused as such, or none of them can be read.
    """
    cuts = images[images.reindex(columns=list(BOX)).notna().all(axis=1)]
    cuts = cuts.merge(files[["image", "path", "noted"]].dropna(subset=["image"]), on="image")
    doubtful = sorted(set(cuts.loc[cuts["noted"].fillna("").str.contains("film_doubtful"), "path"]))
    refused = files[files["code"].fillna("").str.startswith("film")].drop_duplicates("path").set_index("path")["detail"]
    clear = sorted(set(cuts["path"]) - set(doubtful))
    drawn = [clear[k] for k in np.random.default_rng(seed).permutation(len(clear))[:number]]
    shown = dict.fromkeys((*drawn, *doubtful), "") | {str(path): str(why) for path, why in refused.items()}
    if not shown:
        raise StudyError(
            f"The archive {archive} has no film that is known to show both knees; there is nothing to look at."
        )
    tiles, unread = [], []
    for path, why in shown.items():
        film = _film(archive, path)
        unread += [film] if isinstance(film, str) else []
        tiles.append(_tile(film, path, cuts[cuts["path"] == path], why))
    if len(unread) == len(tiles):
        raise StudyError(
            f"None of the {len(tiles)} films can be read in {archive} (the first: {unread[0]}); name the folder that ingest read."
        )
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % _ACROSS)
    rows = [np.hstack(tiles[start : start + _ACROSS]) for start in range(0, len(tiles), _ACROSS)]
    with atomic(out) as temporary:
        cv2.imwrite(str(temporary), np.vstack(rows))
    lost = f"; {len(unread)} of them can't be read, the first: {unread[0]}" if unread else ""
    return f"{out}: {plural(len(drawn), 'film')} at random, {len(doubtful)} doubtful, {len(refused)} refused{lost}."


def _film(archive: Path, path: str) -> NDArray[np.uint8] | str:
    """Return a film, or why it can't be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return brightness(read(real_path(archive, path)))
    except Unreadable as reason:
        return f"{path}, {sentence(reason.code, reason.detail).rstrip('.')}"


def _tile(film: NDArray[np.uint8] | str, path: str, cuts: pd.DataFrame, refused: str) -> NDArray[np.uint8]:
    """Draw one film, small, with its squares, or with the reason why it has none."""
    tile = np.zeros((_TILE, _TILE, 3), np.uint8)
    if isinstance(film, str):
        film, cuts, refused = np.zeros((8, 8), np.uint8), cuts.iloc[:0], "it can't be read"
    scale = (_TILE - 2 * _LINE) / max(film.shape)
    small = cv2.resize(film, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    tile[: small.shape[0], : small.shape[1]] = small[:, :, None]
    for side, box in zip(cuts["side"].astype(str), boxes(cuts), strict=True):
        if box is None:
            continue
        first = (round(box.left * scale), round(box.top * scale))
        cv2.rectangle(tile, first, (round(box.right * scale), round(box.bottom * scale)), _COLOURS[side], 2)
        place = (first[0] + 4, max(first[1], 0) + 20)
        cv2.putText(tile, side[0].upper(), place, cv2.FONT_HERSHEY_SIMPLEX, 0.6, _COLOURS[side], 2, cv2.LINE_AA)
    # The last words say why; the file's name says where.
    for line, words in enumerate((path[-52:], refused[-52:])):
        cv2.putText(tile, words.encode("ascii", "replace").decode(), (2, _TILE - _LINE + 12 - _LINE * line), cv2.FONT_HERSHEY_SIMPLEX,
                    0.35, _COLOURS[""] if line else (255, 255, 255), 1, cv2.LINE_AA)  # fmt: skip
    return tile
