"""What a header doesn't say of how its pixels lie, where the rest of it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.uid import UID, ExplicitVRLittleEndian

from analysis.archive.codestream import ITEM, described
from analysis.archive.corrections import correct
from analysis.archive.dicom import NATIVE, Unreadable, text, whole

if TYPE_CHECKING:
    from pydicom import Dataset

#: Bits that a pixel may take, where the length of the pixel data is what tells.
_DEPTHS = (8, 16, 32)


def complete(dataset: Dataset) -> None:
    """Write down what an image's header lacks, or says impossibly, and what follows from the rest (DICOM PS3.5 8.1.1).

    Compressed pixels say for themselves how many bits they have, native ones by their length how many they take. The
    highest bit is that of the bits stored. Grey pixels have one sample. Their sign isn't taken from here: values tell a
    wrong one (`analysis.archive.stored`), and radiographs (DX) have none.

    Raises
    ------
    Unreadable
        `lacking`, with the name of what nothing tells; `colour`, where compressed pixels have several samples.
    """
    _as_compressed(dataset)
    for keyword in ("Rows", "Columns"):
        if not whole(dataset, keyword):
            raise Unreadable("lacking", keyword)
    allocated = whole(dataset, "BitsAllocated") or 0
    native = UID(str(dataset.file_meta.TransferSyntaxUID)) in NATIVE
    if allocated < 1:
        allocated = _allocated(dataset) if native else 0
        if not allocated:
            raise Unreadable("lacking", "BitsAllocated")
        dataset.BitsAllocated = allocated
        correct(dataset, "header")
    if allocated not in _DEPTHS:
        return  # refused for that
    stored, above = whole(dataset, "BitsStored") or 0, whole(dataset, "HighBit")
    if not 0 < stored <= allocated:
        if above is not None and 0 < above < allocated:
            stored = above + 1
        elif allocated == 8 or not native:
            stored = allocated
        else:
            raise Unreadable("lacking", "BitsStored")
        dataset.BitsStored = stored
        correct(dataset, "header")
    if whole(dataset, "PixelRepresentation") not in (0, 1):
        dataset.PixelRepresentation = 0
        correct(dataset, "header")
    if not whole(dataset, "SamplesPerPixel") and text(dataset, "PhotometricInterpretation").startswith("MONOCHROME"):
        dataset.SamplesPerPixel = 1
        correct(dataset, "header")


def _as_compressed(dataset: Dataset) -> None:
    """Let the header say what compressed pixels say of themselves, or that they aren't compressed."""
    declared = UID(str(dataset.file_meta.TransferSyntaxUID))
    data = _pixels(dataset)
    stream = described(data, declared)
    if stream is None:
        if declared not in NATIVE and bytes(data[:4]) != ITEM and _allocated(dataset):
            dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            correct(dataset, "syntax")
        return
    if stream.samples > 1:
        raise Unreadable("colour")
    if stream.syntax != declared:
        dataset.file_meta.TransferSyntaxUID = stream.syntax
        correct(dataset, "syntax")
    allocated = next((depth for depth in _DEPTHS if stream.bits <= depth), 0)
    told = {"Rows": stream.rows, "Columns": stream.columns, "BitsAllocated": allocated if stream.bits else 0}
    for keyword, number in told.items():
        if number and number != whole(dataset, keyword):
            setattr(dataset, keyword, number)
            correct(dataset, "header")


def _pixels(dataset: Dataset) -> bytes | memoryview:
    try:
        data = dataset.get_item("PixelData").value
    except (AttributeError, KeyError):
        return b""
    return data if isinstance(data, bytes | memoryview) else b""


def _allocated(dataset: Dataset) -> int:
    """Return how many bits each of the pixels takes by how many there are; 0 where that doesn't come out even."""
    pixels = (whole(dataset, "Rows") or 0) * (whole(dataset, "Columns") or 0)
    length = len(_pixels(dataset))
    return next((bits for bits in _DEPTHS if pixels and length - pixels * bits // 8 in (0, 1)), 0)
