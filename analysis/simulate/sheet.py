"""A contact sheet: radiographs of an archive by view and grade, to look at."""

from __future__ import annotations

import warnings
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray

from analysis.errors import StudyError
from analysis.files import atomic, read_table

VIEWS = ("ap", "lateral", "oblique")


def shown(path: Path) -> tuple[NDArray[np.uint8], str, str, str]:
    """Read one file as it would be displayed.

    Returns
    -------
    pixels : ndarray of uint8, shape (rows, columns)
    accession, view, side : str
        View as in `VIEWS` or empty; side R, L or empty.
    """
    import pydicom
    from pydicom.pixels import apply_modality_lut, apply_voi_lut

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds = pydicom.dcmread(path, force=True)
        if "TransferSyntaxUID" not in ds.file_meta:
            ds.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
        raw = apply_modality_lut(ds.pixel_array, ds)
        try:
            values = apply_voi_lut(raw, ds).astype(float)
        except ValueError:  # a window of no width
            values = np.asarray(raw, float)
        if "WindowWidth" not in ds and "VOILUTSequence" not in ds:
            values = values / (2**ds.BitsStored - 1)
    low, high = values.min(), values.max()
    values = (values - low) / max(high - low, 1e-9)
    if ds.PhotometricInterpretation == "MONOCHROME1":
        values = 1 - values
    text = f"{ds.get('ViewPosition', '')} {ds.get('SeriesDescription', '')}".lower()
    words = {"oblique": ("obl", "sned"), "lateral": ("lat", "sid", "ll"), "ap": ("ap", "front", "rak")}
    view = next((view for view, marks in words.items() if any(mark in text for mark in marks)), "")
    side = str(ds.get("ImageLaterality", ds.get("Laterality", "")))
    return (values * 255).astype(np.uint8), str(ds.AccessionNumber), view, side


def contact_sheet(archive: Path, item: str, rng: Generator, out: Path, each: int = 2, side: int = 260) -> None:
    """Write a PNG with a row for each view and columns for each value of an item, as first read.

    Parameters
    ----------
    archive : Path
        Folder with dicom/ and readings.csv.
    item : str
        An item of readings.csv, e.g. the grade.
    rng : Generator
        Chooses among the images.
    out : Path
        The PNG.
    each : int
        Images per view and value.
    side : int
        Side of a tile, pixels.

    Raises
    ------
    StudyError
        If nobody read the item.
    """
    readings = read_table(archive / "readings.csv")
    grade: pd.Series = readings[readings["item"] == item].drop_duplicates("exam").set_index("exam")["value"]
    if grade.empty:
        raise StudyError(f"{archive / 'readings.csv'} has no reading of '{item}'; choose an item that it has.")
    levels = sorted(grade.unique())
    tiles: dict[tuple[str, int], list[NDArray[np.uint8]]] = {(v, level): [] for v in VIEWS for level in levels}
    files = sorted(path for path in (archive / "dicom").rglob("*") if path.is_file())
    for k in rng.permutation(len(files)):
        try:
            pixels, accession, view, letter = shown(files[k])
        except Exception:  # whatever cannot be shown is not on the sheet
            continue
        place = tiles.get((view, grade.get(accession, -1)))
        if place is not None and len(place) < each:
            place.append(_tile(pixels, side, f"{view} {grade[accession]} {letter}"))
        if all(len(found) == each for found in tiles.values()):
            break
    blank = np.zeros((side, side), np.uint8)
    rows = [np.hstack([(tiles[v, n] + [blank] * each)[k] for n in levels for k in range(each)]) for v in VIEWS]
    with atomic(out) as temporary:
        cv2.imwrite(str(temporary), np.vstack(rows))


def _tile(pixels: NDArray[np.uint8], side: int, label: str) -> NDArray[np.uint8]:
    factor = (side - 4) / max(pixels.shape)
    small = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    tile = np.zeros((side, side), np.uint8)
    top, left = (side - small.shape[0]) // 2, (side - small.shape[1]) // 2
    tile[top : top + small.shape[0], left : left + small.shape[1]] = small
    wide = cv2.getTextSize(label, cv2.FONT_HERSHEY_SIMPLEX, 0.42, 1)[0][0]
    cv2.rectangle(tile, (0, side - 18), (wide + 6, side), 0, -1)
    cv2.putText(tile, label, (3, side - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.42, 255, 1, cv2.LINE_AA)
    return tile
