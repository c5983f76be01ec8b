"""Which part of a file's picture shows which knee, by its header and, where both may be there, by its pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from pydicom.pixels import get_decoder

from analysis.archive.dicom.dataset import Unreadable, numbers, whole
from analysis.archive.dicom.orientation import is_mirrored, is_upside_down, towards
from analysis.archive.dicom.stored import hidden, is_inverted, true_values
from analysis.archive.sides import side_tags

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom import Dataset

    from analysis.archive.knees.films import Box
    from analysis.archive.settings import CutSettings

#: Longest side, pixels, that a film is reduced to before legs are looked for.
_ENOUGH = 860
#: Depth of the valley between two legs, as a share of their brightness, below which a person should look at the cut.
_DOUBTFUL = 0.6
#: The longer side of a radiograph, mm: of any (a knee that was cut out, whole legs), and of both knees.
# ASSUME: by another one the pixel's size is wrong, such as that of a film that was reduced since.
_ANY, _BOTH = (60.0, 1500.0), (150.0, 800.0)


def cut(
    dataset: Dataset, description: dict[str, Any], expected: bool, settings: CutSettings
) -> tuple[dict[str, Box], bool]:
    """Find out which part of an image shows which knee.

    Parameters
    ----------
    dataset : pydicom.Dataset
    description : dict
        What its header says: `view`, `side`, `body_part`, `noted`.
    expected : bool
        Whether the exam has readings of both knees.
    settings : CutSettings

    Returns
    -------
    dict of str to Box
        left and right, where the film shows both knees; the side (or an empty text) of a single knee that is to be cut
        out; empty where the whole film is the image.
    bool
        Whether a person should look at it: the valley between the legs is shallow.

    Raises
    ------
    Unreadable
        `film_unclear` or `film_contradicted`: it shows both knees, or is said to, and it can't be told where.
    """
    from analysis.archive.knees.films import part, part_one
    from analysis.archive.knees.letters import contradiction, read_letters
    from analysis.archive.knees.negative import are_legs

    view, side = description["view"], description["side"]
    frontal = view in ("ap", None)
    # Numbers in texts, which take long to read: only where a film may be cut.
    cuttable = (frontal and side in ("both", None)) or (settings.single == "knee" and view == "ap")
    size = pixel_size(dataset) if cuttable else None
    tagged = side == "both" and "both" in side_tags(dataset)
    if tagged and "side_contradicted" in (description["noted"] or ""):
        raise Unreadable("film_contradicted", "both knees by its tag, and one by its text")
    if tagged and not frontal:
        raise Unreadable("film_contradicted", f"both knees in a view that is {view}")
    # A text may tell of the exam and not of this film: its word for both counts where the film bears it out.
    if frontal and (side == "both" or (side is None and (expected or _may_show_both(dataset, description, size)))):
        film, size_both = look_at(dataset), pixel_size(dataset, _BOTH)
        parted = part(film, size_both, settings.side_mm)
        if parted:
            if parted.upside_down != (said := is_upside_down(dataset)):
                ways = ("header", "pixels") if said else ("pixels", "header")
                raise Unreadable("film_contradicted", "upside down by its {}, and not by its {}".format(*ways))
            sides, width = _sides(dataset), size_both[1] if size_both else None
            letters = read_letters(film[::-1] if said else film, width)  # upright: columns stay where they are
            if wrong := contradiction(letters, [knee.column for knee in parted.knees], sides, width):
                raise Unreadable("film_contradicted", wrong)
            halves = [
                film[half.top : half.bottom, half.left : half.right] for half in (one.half for one in parted.knees)
            ]
            if not are_legs(*halves):
                raise Unreadable("film_unclear", "a leg is no brighter than what is beside it, as in a negative")
            boxes = {
                name: knee.box if settings.both == "knee" else knee.half
                for name, knee in zip(sides, parted.knees, strict=True)
            }
            return boxes, parted.depth < _DOUBTFUL
        if tagged or (side == "both" and expected):
            raise Unreadable("film_contradicted", "both knees by its header, and one or none by its pixels")
    if settings.single == "knee" and view == "ap":
        return {(side if side != "both" else None) or "": part_one(look_at(dataset), size, settings.side_mm)}, False
    return {}, False


def _may_show_both(dataset: Dataset, description: dict[str, Any], size: tuple[float, float] | None) -> bool:
    """Return, by its shape, whether a film of a knee without a stated side may show both."""
    # ASSUME: no cassette for one knee is wider than 30 cm.
    rows, columns = whole(dataset, "Rows") or 0, whole(dataset, "Columns") or 0
    wide = columns * size[1] > 300 if size else columns > 1.15 * rows
    return wide and description["body_part"] == "knee"


def _sides(dataset: Dataset) -> tuple[str, str]:
    """Return which knee is on the image's left and which on its right, by PatientOrientation or else by convention."""
    if towards(dataset)[0] not in ("L", "R", ""):
        raise Unreadable("film_contradicted", "rows that don't run from one side of the patient to the other")
    return ("left", "right") if is_mirrored(dataset) else ("right", "left")


def look_at(dataset: Dataset) -> NDArray[np.uint8]:
    """Decode a film for a look at where its knees are: brightness without its window, which may hide a leg.

    As in the images, bits and signs that a header has wrongly are put right, and padding and shutters are black.

    Raises
    ------
    Unreadable
        If the pixels can't be decoded or aren't a picture of rows and columns.
    """
    try:
        # What lies above the bits of the image is cut off below, where that is right.
        options: dict[str, Any] = {"correct_unused_bits": False}
        decoded = get_decoder(dataset.file_meta.TransferSyntaxUID).as_array(dataset, **options)
    except (MemoryError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a decoder may raise anything; those in Rust panic past Exception
        raise Unreadable("decode") from error
    stored = decoded[0]
    if stored.ndim != 2:
        raise Unreadable("shape", f"{stored.ndim} dimensions")
    # Reduced first, by whole pixels, since films are large.
    step = max(1, max(stored.shape) // _ENOUGH)
    outside = None
    if stored.dtype.kind in "iu":
        stored = true_values(stored, dataset)
        outside = hidden(stored, dataset)
    seen = stored[::step, ::step] if outside is None else stored[::step, ::step][~outside[::step, ::step]]
    low, high = np.percentile(seen, (0.5, 99.5)) if seen.size else (0, 1)

    def grey(values: NDArray[Any]) -> NDArray[np.uint8]:
        scaled = (values.astype(np.float32) - np.float32(low)) * np.float32(255 / max(high - low, 1))
        return np.asarray(np.clip(scaled, 0, 255), np.uint8)

    if stored.dtype.kind in "iu" and stored.dtype.itemsize == 2:  # there are fewer values than pixels
        bits = stored.astype(stored.dtype.newbyteorder("="), copy=False).view(np.uint16)
        table = grey(np.arange(65536, dtype=np.uint16).view(f"{stored.dtype.kind}2"))
        shown = np.asarray(cv2.LUT(bits, table), np.uint8)
    else:
        shown = grey(stored)
    falling = (numbers(dataset, "RescaleSlope") or [1.0])[0] < 0
    if is_inverted(dataset) != falling:
        shown = np.asarray(255 - shown, np.uint8)
    if outside is not None:
        shown[outside] = 0
    return shown


def pixel_size(dataset: Dataset, longer: tuple[float, float] = _ANY) -> tuple[float, float] | None:
    """Return height and width of a pixel, mm, where the file says it.

    Parameters
    ----------
    dataset : pydicom.Dataset
    longer : tuple of float
        How long the film's longer side may be, mm. A size by which it isn't (1 where nobody knew it, one in centimetres)
        is none.
    """
    rows, columns = whole(dataset, "Rows") or 0, whole(dataset, "Columns") or 0
    for keyword in ("ImagerPixelSpacing", "PixelSpacing", "NominalScannedPixelSpacing"):
        found = numbers(dataset, keyword)
        if len(found) > 1 and min(found[:2]) > 0 and longer[0] < max(rows * found[0], columns * found[1]) < longer[1]:
            return found[0], found[1]
    return None
