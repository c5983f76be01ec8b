"""Whether a JPEG's data are all there: a decoder fills in what is missing and says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.encaps import encapsulate, get_frame
from pydicom.pixels import get_decoder
from pydicom.uid import JPEGTransferSyntaxes

from analysis.archive.dicom import syntax_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom import Dataset

#: Bytes that a JPEG's data may hold, and that no picture goes on with.
_MORE = bytes(np.random.default_rng(0).integers(0, 255, 256, dtype=np.uint8))
#: Second bytes of markers (ITU-T T.81, table B.1): those of a progressive frame; those without a length after them.
_PROGRESSIVE = (0xC2, 0xC6, 0xCA, 0xCE)
_BARE = (0x00, 0x01, *range(0xD0, 0xD9))
_SCAN, _END = 0xDA, 0xD9


def is_cut(dataset: Dataset, stored: NDArray[Any]) -> bool:
    """Return whether a JPEG's data end before its picture does, though the mark of the end is there.

    Bytes put before the end are taken for the missing ones then, and the picture is another one, or none; of a picture
    that is whole they change nothing. What is filled in repeats itself, so that only a picture whose last blocks (8 x 8)
    are the same is decoded again. A progressive JPEG is a whole picture from its first scan on, and each scan makes it
    finer: it is decoded again always, and every coefficient has to come down to its last bit.

    Parameters
    ----------
    dataset : pydicom.Dataset
    stored : numpy.ndarray, shape (rows, columns)
        As decoded; its bits may have been shifted.
    """
    syntax = syntax_of(dataset)
    if syntax not in JPEGTransferSyntaxes or stored.ndim != 2 or min(stored.shape) < 16:
        return False
    code = get_frame(dataset.PixelData, 0, number_of_frames=1)
    missing = _missing_bits(code)
    if missing:
        return True
    rows, columns = (8 * (length // 8) for length in stored.shape)
    last = stored[rows - 8 : rows, columns - 16 : columns]
    if missing is None and (last[:, :8] != last[:, 8:]).any():
        return False
    end = code.rindex(b"\xff\xd9")
    longer = dataset.group_dataset(0x0028)
    longer.file_meta = dataset.file_meta
    longer.add_new("PixelData", "OB", encapsulate([code[:end] + _MORE + code[end:]]))
    decoder = get_decoder(syntax)
    try:
        return bool((decoder.as_array(longer, raw=True)[0] != decoder.as_array(dataset, raw=True)[0]).any())
    except Exception:  # no picture goes on like this
        return True


def _missing_bits(code: bytes) -> int | None:
    """Count the coefficients of a progressive JPEG that no scan brings down to the last bit; None of any other JPEG.

    Each scan says which coefficients (0 to 63) of which components it refines, and down to which bit (T.81, B.2.3).
    """
    bits: dict[int, list[int]] = {}
    position = 2
    while position + 4 <= len(code):
        if code[position] != 0xFF or code[position + 1] in (0xFF, *_BARE):
            position += 1  # the data of a scan
            continue
        marker, length = code[position + 1], int.from_bytes(code[position + 2 : position + 4], "big")
        body = code[position + 4 : position + 2 + length]
        if marker in _PROGRESSIVE:
            bits = {component: [16] * 64 for component in body[6::3]}
        elif marker == _END or (marker == _SCAN and not bits):
            break
        elif marker == _SCAN:
            first, last, depth = body[-3:]
            for component in body[1:-3:2]:
                bits[component][first : last + 1] = [depth & 15] * (last + 1 - first)
        position += 2 + length
    return sum(bit > 0 for component in bits.values() for bit in component) if bits else None
