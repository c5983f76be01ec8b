"""JPEGs whose data are cut or damaged: their decoders fill in what they can't read, and go on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import simplejpeg
from pydicom.encaps import encapsulate, get_frame
from pydicom.pixels import get_decoder
from pydicom.uid import JPEGTransferSyntaxes

from analysis.archive.dicom.codestream import COSINES
from analysis.archive.dicom.dataset import Unreadable, syntax_of, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from pydicom import Dataset

#: What the decoder says where data end too early, and of what does no harm; it says one thing alone.
_CUT = re.compile("[Pp]remature end")
_HARMLESS = re.compile("Invalid SOS parameters|Inconsistent progression|JFIF revision|Adobe|ICC marker")
_CUT_SHORT = ("truncated", "JPEG whose lower part is missing")
#: Bytes that a JPEG's data may hold, and that no picture goes on with; those that fill up; and the mark of the end.
_MORE = bytes(np.random.default_rng(0).integers(0, 255, 256, dtype=np.uint8))
_FILLER, _SCAN_MARK, _END_MARK = b"\0\xff", b"\xff\xda", b"\xff\xd9"
#: Last bytes that are exchanged for others, and what is added to each: what makes white brighter changes nothing.
_LAST, _MOVED = 8, (85, 170, 51, 119, 15, 240)
#: Rows beside each other that are torn apart: how much the steps between their means differ from one to the next, as a
#: share of how much neighbours differ. In one window at least of 4 % of simulated images, 1 % of public knees, and of 98 %
#: of lossless JPEGs with damaged data.
_WINDOW, _TORN = 16, 0.6
#: A marker (ITU-T T.81, table B.1) but for those without a length after them; second bytes of those of a progressive
#: frame, and of those that a scan ends with.
_MARKER = re.compile(rb"\xff[^\0\x01\xd0-\xd8\xff]")
_PROGRESSIVE = (0xC2, 0xC6, 0xCA, 0xCE)
_SCAN, _END, _LINES = 0xDA, 0xD9, 0xDC


def decode_jpeg(dataset: Dataset) -> NDArray[np.uint8] | None:
    """Decode a grey JPEG of cosines and 8 bits; None where the pixels are something else.

    libjpeg-turbo tells of damaged data, which pylibjpeg's decoder and Pillow's keep to themselves. It says nothing of few
    bytes that are left over, as where blocks got lost before: without its last byte a whole picture is too short.

    Raises
    ------
    Unreadable
        `truncated` or `damaged`, where its data aren't those of the whole picture.
    """
    if syntax_of(dataset) not in COSINES or whole(dataset, "BitsAllocated") != 8:
        return None
    code = get_frame(dataset.PixelData, 0, number_of_frames=1)
    try:
        if simplejpeg.decode_jpeg_header(code)[2] != "Gray":
            return None
    except ValueError:  # another decoder may read it, or say what is wrong
        return None
    image, said = _decoded(code)
    if _missing_bits(code) or _CUT.search(said):
        raise Unreadable(*_CUT_SHORT)
    passed_over = "extraneous bytes before marker 0xd9" in said  # which may fill up
    shorter = code[: _end(code)].rstrip(_FILLER)[:-1] + _END_MARK
    left_over = (passed_over or not said) and not _CUT.search(_decoded(shorter)[1])
    if left_over or not (passed_over or not said or _HARMLESS.search(said)):
        raise Unreadable("damaged")
    return image


def _decoded(code: bytes) -> tuple[NDArray[np.uint8], str]:
    """Decode a grey JPEG as far as it can be, and return what the decoder says of it."""
    try:
        return simplejpeg.decode_jpeg(code, "GRAY", strict=True)[..., 0], ""
    except ValueError as error:
        return simplejpeg.decode_jpeg(code, "GRAY", strict=False)[..., 0], str(error)


def _end(code: bytes) -> int:
    """Return where a JPEG's data end: at the first mark of the end after its last scan begins; anything may follow it."""
    return code.index(_END_MARK, code.rindex(_SCAN_MARK))


def refuse_damaged(dataset: Dataset, decoded: NDArray[Any], **options: Any) -> None:
    """Refuse a JPEG that `decode_jpeg` doesn't decode, where its data end before its picture does, or after it.

    Bytes put before the end are taken for the missing ones then, and the picture is another one, or none; of a picture that
    is whole they change nothing. Other last bytes make another end of a whole picture; where they change nothing, they
    are left over, since something got lost before. Both take as long as decoding. So only what looks like it is decoded
    again: a picture whose last blocks (8 x 8) are the same, as what is filled in repeats itself; a lossless one whose rows
    are torn apart, each by itself, as after damaged data; and a progressive one, which is a whole picture from its first
    scan on, and whose every coefficient has to come down to its last bit.

    Parameters
    ----------
    dataset : pydicom.Dataset
    decoded : numpy.ndarray, shape (rows, columns)
        As its pixels were decoded.
    **options
        How.

    Raises
    ------
    Unreadable
        `truncated` or `damaged`.
    """
    syntax = syntax_of(dataset)
    if syntax not in JPEGTransferSyntaxes or decoded.ndim != 2 or min(decoded.shape) < 2 * _WINDOW:
        return
    code = get_frame(dataset.PixelData, 0, number_of_frames=1)
    missing = _missing_bits(code)
    if missing:
        raise Unreadable(*_CUT_SHORT)
    if missing is None and _is_broken_up(code):
        raise Unreadable("damaged")
    rows, columns = (8 * (length // 8) for length in decoded.shape)
    last = decoded[rows - 8 : rows, columns - 16 : columns]
    torn = syntax not in COSINES and _rows_are_torn(decoded)
    if missing is None and not torn and (last[:, :8] != last[:, 8:]).any():
        return

    def is_the_same(data: bytes) -> bool:
        again = dataset.group_dataset(0x0028)
        again.file_meta = dataset.file_meta
        again.add_new("PixelData", "OB", encapsulate([data + code[end:]]))
        try:
            return bool((get_decoder(syntax).as_array(again, **options)[0] == decoded).all())
        except Exception:  # no picture goes on like this
            return False

    end = _end(code)
    if not is_the_same(code[:end] + _MORE):
        raise Unreadable(*_CUT_SHORT)
    given = code[end - _LAST : end]
    others = (bytes((one + more) % 255 for one in given) for more in _MOVED)  # 255 would be a mark
    if torn and given.strip(_FILLER) and all(is_the_same(code[: end - _LAST] + other) for other in others):
        raise Unreadable("damaged")


def _rows_are_torn(image: NDArray[Any]) -> bool:
    """Return whether, somewhere in an image, most rows are as a whole brighter or darker than those about them."""
    steps = np.diff(cv2.reduce(image, 1, cv2.REDUCE_AVG, dtype=cv2.CV_32F).ravel(), 2)
    steps = np.abs(steps[: len(steps) // _WINDOW * _WINDOW]).reshape(-1, _WINDOW)
    between = np.abs(np.diff(image[:, ::16].astype(np.float32), axis=0)).mean()
    return bool(np.median(steps, axis=1).max() > _TORN * between)


def _segments(code: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the second byte of each marker and what stands in its segment, to the mark of the end."""
    found = _MARKER.search(code, 2)
    while found:
        start, marker = found.end(), found[0][1]
        stop = start + int.from_bytes(code[start : start + 2], "big")
        yield marker, code[start + 2 : stop]
        found = None if marker == _END else _MARKER.search(code, stop)


def _missing_bits(code: bytes) -> int | None:
    """Count the coefficients of a progressive JPEG that no scan brings down to the last bit; None of any other JPEG.

    Each scan says which coefficients (0 to 63) of which components it refines, and down to which bit (T.81, B.2.3).
    """
    bits: dict[int, list[int]] = {}
    for marker, body in _segments(code):
        if marker in _PROGRESSIVE:
            bits = {component: [16] * 64 for component in body[6::3]}
        elif marker == _SCAN and not bits:
            break
        elif marker == _SCAN:
            first, last, depth = body[-3:]
            for component in body[1:-3:2]:
                bits[component][first : last + 1] = [depth & 15] * (last + 1 - first)
    return sum(bit > 0 for component in bits.values() for bit in component) if bits else None


def _is_broken_up(code: bytes) -> bool:
    """Return whether the one scan of a grey JPEG that isn't progressive holds what looks like a marker."""
    markers = [marker for marker, _ in _segments(code)]
    return markers[markers.index(_SCAN) + 1 :] not in ([_END], [_LINES, _END])
