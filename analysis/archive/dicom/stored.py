"""What a file's pixels are, where its header says it wrongly or hides part of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from analysis.archive.dicom.corrections import correct, corrections
from analysis.archive.dicom.dataset import numbers, present, text, whole
from analysis.archive.dicom.padding import EDGE, edge, padding, touching
from analysis.archive.dicom.shutter import outside_shutter

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom import Dataset

# ASSUME: a shutter or padding that hides more than this share of the image is a wrong tag.
_HIDDEN = 0.95
#: Neighbours are torn apart where they get so many times further; and are close below this share of all values.
_TORN, _CLOSE = 2, 0.1
#: How many times the largest value that its bits can hold, or its sign allows, a window for more goes up to.
_BEYOND = 1.5
#: Share of the pixels that have more bits than an image is said to have, where they are the image's: letters take less.
_MANY = 0.1
#: Fewer pairs of neighbours tell nothing, and no letter has so few; negative values are at least so many.
_SEEN, _VALUES = 16, 3
#: Overlay Bit Position of each of the groups that hold overlays.
_OVERLAY_BITS = [group << 16 | 0x0102 for group in range(0x6000, 0x6020, 2)]


def true_values(stored: NDArray[Any], dataset: Dataset) -> NDArray[Any]:
    """Take the bits that hold the image out of those that are stored (DICOM PS3.5 8.1).

    First by what the values are (`_as_drawn`), as headers claim more bits than the image has, or the wrong sign. Then by
    the header: values that fit into the bits stored are taken as they are, whatever the high bit says. Others are shifted
    down where they are aligned to the left, or higher than to the right as the high bit or lowest bits that none uses say;
    else what lies above is cut off (overlays are drawn there), unless that makes the image rougher: then the number of bits
    is what is wrong.

    Parameters
    ----------
    stored : numpy.ndarray of int, shape (rows, columns)
        8, 16 or 32 bits a pixel, as decoded.
    dataset : pydicom.Dataset

    Returns
    -------
    numpy.ndarray
        Of the same shape and width; signed or unsigned.
    """
    native = np.asarray(stored, stored.dtype.newbyteorder("="))
    stored = _as_drawn(native)
    if stored is not native:
        correct(dataset, "overlay" if stored.dtype.kind == native.dtype.kind else "sign")
    allocated = 8 * stored.dtype.itemsize
    window = _window(dataset)
    stored = _by_sign_of_window(stored, dataset, window)
    overlay = _overlay_position(dataset) or allocated
    bits = min(whole(dataset, "BitsStored") or allocated, overlay)
    if not 0 < bits < allocated:
        return stored
    signed = np.issubdtype(stored.dtype, np.signedinteger)
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    if stored.min() >= low and stored.max() <= high:
        return stored
    for_more = window and window[1] > _BEYOND * high and window[0] <= stored.min() <= stored.max() <= window[1]
    if for_more and bits != overlay and (stored > high).mean() > _MANY:
        correct(dataset, "bits")
        return stored
    unused = allocated - bits
    above = 0 if bits == overlay else (whole(dataset, "HighBit") or bits - 1) + 1 - bits
    empty = _empty_bits(stored)
    if above == unused or empty >= unused:
        if above != unused:
            correct(dataset, "aligned")
        return stored >> unused
    masked = (stored << unused) >> unused
    # Aligned higher than to the right, and lower than to the left.
    shift = 0 if bits == overlay else empty or above
    if (
        0 < shift < unused
        and low <= int(stored.min()) >> shift
        and int(stored.max()) >> shift <= high
        and roughness(stored) < roughness(masked) << shift
    ):
        if shift != above:
            correct(dataset, "aligned")
        return stored >> shift
    if (
        "PixelPaddingValue" not in dataset
        and (border := edge(stored)).max() > high
        and (border == border.max()).mean() >= EDGE
    ):
        # More than the image can hold, along its edge: cut to its bits it would be white, and nothing would tell.
        dataset.PixelPaddingValue = int(border.max())
        correct(dataset, "padding")
    if roughness(masked) <= roughness(stored):
        return masked  # as the standard says
    correct(dataset, "bits")
    return stored


def _empty_bits(stored: NDArray[Any]) -> int:
    """Return how many of the lowest bits no value uses."""
    used = int(np.bitwise_or.reduce(stored, axis=None))
    return (used & -used).bit_length() - 1 if used else 0


def _window(dataset: Dataset) -> tuple[float, float] | None:
    """Return the ends of the first window, where they are of the values as stored."""
    if present(dataset, ("RescaleSlope", "RescaleIntercept", "ModalityLUTSequence")):
        return None
    told = [numbers(dataset, keyword)[:1] for keyword in ("WindowCenter", "WindowWidth")]
    centre, width = told if all(told) else ([0.0], [0.0])
    return (centre[0] - width[0] / 2, centre[0] + width[0] / 2) if width[0] > 0 else None


def _by_sign_of_window(stored: NDArray[Any], dataset: Dataset, window: tuple[float, float] | None) -> NDArray[Any]:
    """Undo a wrong sign where the window reaches far to values that the other one alone has, if that tears less apart."""
    bits = min(whole(dataset, "BitsStored") or 16, 8 * stored.dtype.itemsize)
    half, signed = 2 ** (bits - 1), stored.dtype.kind == "i"
    if (
        not window
        or (signed and stored.min() >= 0)
        or (not signed and (stored.max() < half or stored.max() >= 2 * half))
    ):
        return stored
    low, high = window
    if not (low >= -1 and high > _BEYOND * half if signed else low < -half / 2 and high < _BEYOND * half):
        return stored
    other = _read(stored, bits, not signed)
    if roughness(other) >= roughness(stored):
        return stored
    correct(dataset, "sign")
    return other


def _overlay_position(dataset: Dataset) -> int:
    """Return the lowest bit above those of the image that an overlay is said to lie in; 0 where there is none."""
    written = [dataset[tag].value for tag in _OVERLAY_BITS if tag in dataset.keys()]  # noqa: SIM118 - as in `value`
    if not written:
        return 0
    lowest = max(0, (whole(dataset, "HighBit") or 0) + 1 - (whole(dataset, "BitsStored") or 0))
    return min((one for one in written if isinstance(one, int) and one > lowest), default=0)


def _as_drawn(stored: NDArray[Any]) -> NDArray[Any]:
    """Undo a header that takes signed values for unsigned ones or the reverse, or an overlay's bits for the image's.

    Neighbours in a picture are close to each other. Where the highest bit in use is the image's, a brightness that rises
    past it sets that bit and clears those below, and any other reading tears the two apart. Where it is the sign, or an
    overlay's, they lie far apart as they are, and close in the right reading.
    """
    while (found := _closer(stored)) is not None:
        stored = found
    return stored


def _closer(stored: NDArray[Any]) -> NDArray[Any] | None:
    """Return the image by the other sign or by fewer bits, where that brings neighbours together; else None."""
    signed, size = stored.dtype.kind == "i", stored.dtype.itemsize
    top = max(int(stored.max()), -int(stored.min()) - 1).bit_length() + signed
    some = stored[::8]  # few rows tell of nearly all images that they are as they should be
    n, jumped = _sum_of_jumps(some, _moved(some, top, not signed))
    if n and (_TORN + 1) * jumped < n * 2**top:
        return None  # by the other sign each of them would be 2**top less what it is
    best: tuple[float, NDArray[Any]] | None = None
    readings = [(top, not signed)]
    if size > 1:  # those of one byte have no room for overlays
        lowest = 7 + _empty_bits(stored)  # fewer than eight bits hold no picture
        readings += [(bits, sign) for bits in range(top - 1, lowest, -1) for sign in sorted({False, signed})]
    for bits, sign in readings:
        moved = _moved(stored, bits, sign)
        moved &= ~_padding_within(stored, moved)
        jumps = _jumps(stored, moved)
        if len(jumps) < _SEEN:
            continue
        read = np.where(moved, _read(stored, bits, sign), stored.view(f"{'ui'[sign]}{size}"))
        after = _jumps(read, moved).mean()
        if after > _TORN * jumps.mean():
            break  # the bit is the image's
        # A constant is no range of negative values but something white, such as a letter.
        constant = sign != signed and len(np.unique(stored[moved])) < _VALUES
        if not constant and after < min(_CLOSE * 2**bits, jumps.mean()) and (best is None or after < best[0]):
            best = after, read
    return best[1] if best else None


def _moved(stored: NDArray[Any], bits: int, signed: bool) -> NDArray[np.bool_]:
    """Mark the values that aren't what their lowest bits say, read as signed or unsigned."""
    moved = stored >= 2 ** (bits - signed)
    return np.asarray(moved if stored.dtype.kind == "u" else moved | (stored < (-(2 ** (bits - 1)) if signed else 0)))


def _read(stored: NDArray[Any], bits: int, signed: bool) -> NDArray[Any]:
    """Read the lowest bits of each word, as signed or unsigned."""
    size = stored.dtype.itemsize
    unused = 8 * size - bits
    return np.asarray((stored.view(f"u{size}") << unused).view(f"{'ui'[signed]}{size}") >> unused)


def _padding_within(stored: NDArray[Any], moved: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark those that a reading moves and that look like padding, or a saturated beam: one extreme along the edge."""
    border = edge(stored)
    extreme = border.max() if moved[stored == border.max()].any() else border.min()
    mask = moved & (stored == extreme)
    return touching(mask) if edge(mask).mean() >= EDGE else np.zeros_like(mask)


def _jumps(image: NDArray[Any], moved: NDArray[np.bool_]) -> NDArray[Any]:
    """Return the differences between neighbours, across and down, of which one is moved and the other isn't."""
    columns = image.shape[1]
    values, flags = image.ravel(), moved.ravel()
    across = np.flatnonzero(flags[1:] != flags[:-1])
    across = across[(across + 1) % columns > 0]
    down = np.flatnonzero(flags[columns:] != flags[:-columns])
    first, second = np.concatenate([across, down]), np.concatenate([across + 1, down + columns])
    return np.abs(values[first].astype(_wider(image)) - values[second])


def _sum_of_jumps(image: NDArray[Any], moved: NDArray[np.bool_]) -> tuple[int, int]:
    """Return how many `_jumps` there are and their sum, without a list of them: in a third of the time."""
    if image.dtype not in (np.uint8, np.uint16) or min(image.shape) < 2:
        jumps = _jumps(image, moved)
        return len(jumps), int(jumps.sum())
    flags, count, total = moved.view(np.uint8), 0, 0
    for first, second in (np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:]):
        torn = cv2.bitwise_xor(flags[first], flags[second])
        count += cv2.countNonZero(torn)
        total += int(cv2.sumElems(torn * cv2.absdiff(image[first], image[second]))[0])
    return count, total


def roughness(image: NDArray[Any]) -> int:
    """Return how much neighbours in some rows of an image differ, all together."""
    return int(np.abs(np.diff(image[::4].astype(_wider(image)), axis=1)).sum())


def _wider(image: NDArray[Any]) -> str:
    """Return a type that holds the differences of an image's values."""
    return f"i{2 * image.dtype.itemsize}"


def grey_scale(dataset: Any) -> str:
    """Return the photometric interpretation in one spelling: MONOCHROME1, MONOCHROME2, or another."""
    return text(dataset, "PhotometricInterpretation").upper().replace("MONOCHROME ", "MONOCHROME")


def is_inverted(dataset: Any) -> bool:
    """Return whether an image's lowest value is white: MONOCHROME1, or a shape of its output (PS3.3 C.11.6) that says so.

    It is the reverse where that was seen to make a negative.
    """
    told = text(dataset, "PresentationLUTShape").upper() == "INVERSE" or grey_scale(dataset) == "MONOCHROME1"
    return told != bool(corrections(dataset, ("negative",)))


def hidden(stored: NDArray[Any], dataset: Dataset) -> NDArray[np.bool_] | None:
    """Return which pixels are none of the image: padding about it, and what lies outside a display shutter.

    Returns
    -------
    numpy.ndarray of bool, shape (rows, columns), or None
        None where there are none.
    """
    parts = [part for part in (padding(stored, dataset), outside_shutter(stored.shape, dataset)) if part is not None]
    if not parts:
        return None
    found = np.logical_or.reduce(parts)
    if found.mean() <= _HIDDEN:
        return found
    correct(dataset, "hidden")
    return None
