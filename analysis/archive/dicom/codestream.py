"""What compressed pixels say of themselves, by which a header that says otherwise is put right."""

from __future__ import annotations

from typing import NamedTuple

from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    JPEG2000TransferSyntaxes,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSNearLossless,
    JPEGLSTransferSyntaxes,
    RLELossless,
)

ITEM = b"\xfe\xff\x00\xe0"
#: Second bytes of the markers of a JPEG's frame (ITU-T T.81, table B.1; JPEG-LS: T.87), of each the usual transfer syntax.
_FRAMES = {
    0xC0: JPEGBaseline8Bit, 0xC1: JPEGExtended12Bit, 0xC2: JPEGExtended12Bit, 0xC3: JPEGLosslessSV1, 0xF7: JPEGLSNearLossless,
}  # fmt: skip
#: Transfer syntaxes of JPEGs of cosines.
COSINES = (JPEGBaseline8Bit, JPEGExtended12Bit)
#: Those that may have lost something.
LOSSY = (*COSINES, JPEGLSNearLossless, JPEG2000, HTJ2K)
#: Those that one decoder reads.
_ALIKE = (COSINES, (JPEGLossless, JPEGLosslessSV1), JPEGLSTransferSyntaxes, JPEG2000TransferSyntaxes)
#: Beginnings of a JPEG 2000's code and of the box that files have about it.
_J2K, _JP2 = b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP"

#: Bytes before the first segment of run-length encoded pixels (DICOM PS3.5 G.5); rows that are looked at.
_RLE_HEADER, _RLE_ROWS = 64, 16
#: Bytes in which a stream has said what it is.
_ENOUGH = 1_000_000


class Stream(NamedTuple):
    """Transfer syntax, and as far as it is told (0 otherwise) rows, columns, bits of a sample, and samples of a pixel."""

    syntax: UID
    rows: int = 0
    columns: int = 0
    bits: int = 0
    samples: int = 0


def in_items(data: bytes | memoryview, declared: UID) -> bytes | None:
    """Return pixel data with the items, or the table of offsets before them, that they lack; None where they lack neither.

    Parameters
    ----------
    data : bytes or memoryview
        Compressed pixel data as stored.
    declared : pydicom.uid.UID
        The header's transfer syntax: run lengths have no mark of their own.
    """
    items = bytes(data[:4]) == ITEM
    start = bytes(data[8:20] if items else data[:12])
    runs = declared == RLELossless and start[:8] in {n.to_bytes(4, "little") + b"\x40\0\0\0" for n in (1, 2, 4)}
    if not (runs or start.startswith((b"\xff\xd8\xff", _J2K, _JP2))):
        return None
    return ITEM + bytes(4) + (b"" if items else ITEM + len(data).to_bytes(4, "little")) + bytes(data)


def described(data: bytes | memoryview, declared: UID) -> Stream | None:
    """Read the beginning of encapsulated pixel data (DICOM PS3.5 A.4); None where they are none, or of an unknown kind.

    Parameters
    ----------
    data : bytes or memoryview
        Pixel data as stored.
    declared : pydicom.uid.UID
        The header's transfer syntax, which stays where the pixels are of its kind.
    """
    if bytes(data[:4]) != ITEM:
        return None
    start = 8 + int.from_bytes(data[4:8], "little")  # after the table of offsets
    code = bytes(data[start + 8 : start + 8 + _ENOUGH])
    found = _jpeg(code) if code[:2] == b"\xff\xd8" else _jpeg_2000(code)
    if found is None:
        segments, first = (int.from_bytes(code[at : at + 4], "little") for at in (0, 4))
        rle = segments in (1, 2, 4) and (first == _RLE_HEADER or declared == RLELossless)
        return Stream(RLELossless, bits=8 * segments) if rle else None
    alike = any(found.syntax in kinds and declared in kinds for kinds in _ALIKE)
    return found._replace(syntax=declared) if alike else found


def ends_with_runs(data: bytes | memoryview, columns: int) -> bool:
    """Return whether rows of run-length encoded pixels end where runs do, as they must (DICOM PS3.5 G.3.1).

    Parameters
    ----------
    data : bytes or memoryview
        Pixel data as stored.
    columns : int
        Pixels of a row, if they are so many.
    """
    position = 16 + int.from_bytes(data[4:8], "little") + _RLE_HEADER
    ends, pixel = set[int](), 0
    while pixel < _RLE_ROWS * columns and position < len(data):
        head = data[position]
        position += head + 2 if head < 128 else 2 if head > 128 else 1
        pixel += head + 1 if head < 128 else 257 - head if head > 128 else 0
        ends.add(pixel)
    return ends.issuperset(range(columns, _RLE_ROWS * columns + 1, columns))


def _jpeg(code: bytes) -> Stream | None:
    position = 2
    while position + 10 <= len(code) and code[position] == 0xFF:
        marker = code[position + 1]
        if marker in _FRAMES:
            bits, samples = code[position + 4], code[position + 9]
            rows, columns = (int.from_bytes(code[position + at : position + at + 2], "big") for at in (5, 7))
            return Stream(_FRAMES[marker], rows, columns, bits, samples)
        position += 1 if marker == 0xFF else 2 + int.from_bytes(code[position + 2 : position + 4], "big")
    return None


def _jpeg_2000(code: bytes) -> Stream | None:
    start = code.find(_J2K, 0, 1024) if code.startswith(_JP2) else 0
    code = code[start : start + 43] if start >= 0 else b""
    if len(code) < 43 or not code.startswith(_J2K):
        return None
    right, lower, left, upper = (int.from_bytes(code[at : at + 4], "big") for at in (8, 12, 16, 20))
    return Stream(JPEG2000, lower - upper, right - left, (code[42] & 0x7F) + 1, int.from_bytes(code[40:42], "big"))
