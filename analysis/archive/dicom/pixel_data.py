"""Pixel data as they are stored: whether they are all there, and still those that were indexed; nothing is decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import xxhash
from pydicom.uid import HTJ2K, HTJ2KLossless, HTJ2KLosslessRPCL, JPEG2000TransferSyntaxes, JPEGTransferSyntaxes

from analysis.archive.dicom.dataset import NATIVE, Unreadable, syntax_of, whole

if TYPE_CHECKING:
    from pydicom import Dataset

_ITEM = b"\xfe\xff\x00\xe0"
_JPEG_2000 = (*JPEG2000TransferSyntaxes, HTJ2K, HTJ2KLossless, HTJ2KLosslessRPCL)


def stored_pixels(dataset: Dataset) -> bytes | memoryview:
    """Return the pixel data as stored, after checking that they are all there; nothing is decoded.

    Raises
    ------
    Unreadable
        `no_pixels` or `truncated`.
    """
    try:
        data = dataset.get_item("PixelData").value
    except (AttributeError, KeyError):
        data = None
    if not isinstance(data, bytes | memoryview) or not data:
        raise Unreadable("no_pixels")
    syntax = syntax_of(dataset)
    if syntax in NATIVE:
        bits = (whole(dataset, "Rows") or 0) * (whole(dataset, "Columns") or 0) * (whole(dataset, "BitsAllocated") or 0)
        needed = (bits + 7) // 8
        if len(data) < needed:
            raise Unreadable("truncated", f"{len(data)} of {needed} bytes")
        return data[:needed]  # copies of an image differ in what fills up or follows
    data = bytes(data)
    code = b"".join(pieces(data)[1:])  # the first is the table of offsets
    if not code:
        raise Unreadable("no_pixels")
    # A decoder of JPEG fills with grey what is missing, so the mark of the end has to be there.
    # Anything may follow it, but no data of the picture; an icon in its header has one of its own.
    if syntax in JPEGTransferSyntaxes and b"\xff\xd9" not in code[max(code.rfind(b"\xff\xda"), 0) :]:
        raise Unreadable("truncated", "JPEG without its end")
    # Those of JPEG 2000 make a blurred picture of what was filled up, and none of what lacks its end.
    if syntax in _JPEG_2000 and b"\xff\xd9" not in code:
        raise Unreadable("truncated", "JPEG 2000 without its end")
    return data


def pieces(data: bytes) -> list[bytes]:
    """Return the fragments of encapsulated pixel data, each checked to be there whole."""
    found: list[bytes] = []
    position = 0
    while position + 8 <= len(data) and data[position : position + 4] == _ITEM:
        begin, position = position + 8, position + 8 + int.from_bytes(data[position + 4 : position + 8], "little")
        found.append(data[begin:position])
    if position > len(data) or not found:
        raise Unreadable("truncated", f"the {len(found)}. piece of them")
    return found


def pixel_hash(dataset: Dataset) -> str:
    """Hash the stored pixel data and its shape: copies of a file match, whatever their headers say.

    128 bits tell images apart; secrecy is the business of the pseudonym that is made of them.
    """
    digest = xxhash.xxh3_128(stored_pixels(dataset))
    digest.update(f"{whole(dataset, 'Rows')}x{whole(dataset, 'Columns')}".encode())
    return digest.hexdigest()


def refuse_replaced(dataset: Dataset, digest: str) -> None:
    """Refuse a completed data set that holds other pixels than when it was indexed: they may be another patient's.

    Raises
    ------
    Unreadable
    """
    if pixel_hash(dataset) != digest:
        raise Unreadable("replaced")
