"""Tables in a header that values are looked up in: of what the detector stored (modality LUT), and of brightness (VOI LUT)."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.archive.dicom.corrections import correct
from analysis.archive.dicom.dataset import numbers, present, value, whole

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom import Dataset

#: What there is where one of two is missing.
_SLOPE = {"RescaleSlope": 1.0, "RescaleIntercept": 0.0}
#: How many times a table of brightness may go from black to white, or back; of how many steps none may do so at once; and
#: what part of them at either end may, as where the value of padding is black in a table that falls.
_TURNS, _SMOOTH = 8, 64
#: Share of the values that a table of what was stored may leave out.
_LEFT_OUT = 0.1
#: Share of its range that it may take in one step.
_STEP = 0.25
#: How much lower the second half of one that falls is, as a share of its range: of a straight line half of it.
_FALL = 0.1


def stored_as_told(values: NDArray[Any], dataset: Dataset) -> NDArray[Any]:
    """Apply the modality LUT, or slope and intercept where there is none or it is broken; of these one may be missing.

    Of a table that is broken and falls, that it falls is kept: without it the image would be a negative.
    """
    tables = value(dataset, "ModalityLUTSequence")
    slope = present(dataset, tuple(_SLOPE))
    if not (slope or tables):
        return values
    ways = [_by_table] * bool(tables) + [_by_slope] * bool(slope)
    for way in ways:
        with suppress(Exception):  # a broken LUT or slope: the other, or the stored values, are the best there is
            found, as_told = way(values, dataset)
            if found.min() < found.max():
                if not as_told or way is not ways[0]:
                    correct(dataset, "modality")
                return np.asarray(found)
    correct(dataset, "modality")
    falls = False
    with suppress(Exception):
        falls = _falls(tables[0])
    return int(values.max()) + int(values.min()) - values.astype(np.int64) if falls else values


def _by_table(values: NDArray[Any], dataset: Dataset) -> tuple[NDArray[Any], bool]:
    """Look values up in the modality LUT, and tell whether it is as it says."""
    item = value(dataset, "ModalityLUTSequence")[0]
    entries, first, _, as_told = _entries(item, dataset)
    _refuse_noise(entries, _STEP)
    true = _first(values, first, len(entries), dataset)
    if (values >= true + len(entries)).mean() > _LEFT_OUT:
        raise ValueError("the table is of other values")
    return entries[_places(values, true, len(entries))], as_told and true in (first, first - 65536)


def _by_slope(values: NDArray[Any], dataset: Dataset) -> tuple[NDArray[Any], bool]:
    """Apply slope and intercept, and tell whether there are both."""
    told = present(dataset, tuple(_SLOPE))
    slope, intercept = (
        numbers(dataset, keyword)[0] if keyword in told else otherwise for keyword, otherwise in _SLOPE.items()
    )
    return values * slope + intercept, len(told) == 2 or (slope, intercept) == (1, 0)


def _falls(item: Dataset) -> bool:
    """Return whether a LUT's entries fall as a whole, as far as there are any."""
    data = item.LUTData
    entries = np.frombuffer(data, "<u2") if isinstance(data, bytes) else np.atleast_1d(np.array(data))
    half = len(entries) // 2
    return half > 0 and bool(np.mean(entries[:half]) - np.mean(entries[half:]) > _FALL * np.ptp(entries))


def _first(values: NDArray[Any], first: int, n: int, dataset: Dataset) -> int:
    """Return the value of a table's first entry.

    That is 0 where the table leaves out many values as it is told, has entries for values that none can have, and fits so.
    """
    low, high = int(values.min()), int(values.max())
    if first >= 32768 and (low < 0 or high < first) and first - 65536 + n > low:  # written without its sign
        first -= 65536
    bits = max(whole(dataset, "BitsStored") or 0, high.bit_length())
    out = ((values < first) | (values >= first + n)).mean() > _LEFT_OUT
    unused = first < min(low, 0) or first + n > 2**bits
    return 0 if out and unused and low >= 0 and n // 2 <= high < n else first


def looked_up(values: NDArray[Any], item: Dataset, dataset: Dataset) -> NDArray[np.float64]:
    """Look values up in a VOI LUT, and bring its entries to 0..1 by the bits that they really use.

    Descriptors claim 16 bits where the entries reach 4095, or 8 where they are twice as wide or two to a word.
    """
    entries, first, bits, told = _entries(item, dataset)
    top = int(entries.max())
    depth = bits if 2 ** (bits - 1) <= top < 2**bits else top.bit_length()
    if not told or depth != bits:
        correct(dataset, "table")
    true = _first(values, first, len(entries), dataset)
    if true not in (first, first - 65536):
        correct(dataset, "table")
    curve = entries[_places(values, true, len(entries))]
    _refuse_noise(curve)
    return np.asarray(curve / (2.0**depth - 1))


def _refuse_noise(curve: NDArray[np.int64], largest: float = 0.5) -> None:
    """Refuse entries that go up and down too often, or that turn with one large step, as where the rest is missing.

    Of what a detector stores none takes more than `largest` of their range at once, whether they turn or not.
    """
    steps = np.diff(curve)
    turns = steps.size > _SMOOTH and (steps.min() < 0 < steps.max() or largest < 0.5)
    end = 1 + steps.size // _SMOOTH
    fast = turns and np.abs(steps[end:-end]).max() > largest * np.ptp(curve)
    if fast or np.abs(steps).sum() > _TURNS * curve.max():
        raise ValueError("no curve of brightness goes up and down so often, or so fast")


def _entries(item: Dataset, dataset: Dataset) -> tuple[NDArray[np.int64], int, int, bool]:
    """Return a LUT's entries, the value of its first, the bits that it claims, and whether its bytes lie as it says."""
    n, first, bits = (int(one) for one in item.LUTDescriptor)
    n = n or 65536
    data, big = item.LUTData, not dataset.original_encoding[1]
    told = True
    if isinstance(data, bytes):
        words = len(data) > n + n % 2  # else a byte each, and one to make them even
        entries = np.frombuffer(data, (">u2" if big else "<u2") if words else "u1")
        if words:  # programs write them the other way round, too, which makes noise of a curve
            written = entries
            entries = min(entries, entries.byteswap(), key=lambda one: int(np.abs(np.diff(one.astype(np.int64))).sum()))
            told = entries is written
    else:
        entries = np.atleast_1d(np.array(data)).astype(np.uint16)
        if bits <= 8 and len(entries) < n <= 2 * len(entries):  # two to a word, the lower byte first
            entries = entries.astype("<u2").view("u1")
    found = entries[:n].astype(np.int64)
    if len(found) < n or found.min() == found.max():
        raise ValueError("the table is cut, or says nothing")
    return found, first, bits, told


def _places(values: NDArray[Any], first: int, n: int) -> NDArray[np.int64]:
    """Return the place of each value in a table of n entries whose first is of the value `first`.

    Where a value is below zero, or all are below `first`, that was written without its sign.
    """
    if first >= 32768 and (values.min() < 0 or values.max() < first):
        first -= 65536
    return np.clip(values.astype(np.int64) - first, 0, n - 1)
