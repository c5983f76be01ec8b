"""What a header doesn't say of how its pixels lie, where the rest of it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, RLELossless

from analysis.archive.codestream import ITEM, described, ends_with_runs
from analysis.archive.corrections import correct
from analysis.archive.dicom import NATIVE, Unreadable, present, syntax_of, text, value, whole

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom import Dataset

#: Bits that a pixel may take, where the length of the pixel data is what tells.
_DEPTHS = (8, 16, 32)
#: How many pixels are compared with those below them; how much they differ, as a share of the spread of values, where
#: they may lie wrongly, and how many times less where they lie rightly.
_SOME, _TORN, _CLOSER = 256, 0.5, 3

#: The functional groups of enhanced objects, and those of their parts that say how a frame is shown, how large its pixels
#: are, and which part of whom it shows (DICOM PS3.3 C.7.6.16).
_GROUPS = ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence")
_OF_A_FRAME = (
    "FrameVOILUTSequence", "PixelValueTransformationSequence", "PixelMeasuresSequence", "FrameAnatomySequence",
    "FrameDisplayShutterSequence",
)  # fmt: skip


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
    _as_groups_say(dataset)
    _as_compressed(dataset)
    for keyword in ("Rows", "Columns"):
        if not whole(dataset, keyword):
            raise Unreadable("lacking", keyword)
    allocated = whole(dataset, "BitsAllocated") or 0
    native = syntax_of(dataset) in NATIVE
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
    if native and allocated <= 16:
        _as_neighbours_say(dataset, allocated)


def _as_groups_say(dataset: Dataset) -> None:
    """Let the header say of an enhanced object what its functional groups say of its one frame."""
    for keyword in present(dataset, _GROUPS):
        for group in (value(dataset, keyword) or ())[:1]:
            for name in present(group, _OF_A_FRAME):
                for element in (value(group, name) or [()])[0]:
                    if element.tag not in dataset:
                        dataset.add(element)


def _as_compressed(dataset: Dataset) -> None:
    """Let the header say what compressed pixels say of themselves, or that they aren't compressed."""
    declared = syntax_of(dataset)
    data = _pixels(dataset)
    stream = described(data, declared)
    if stream is None:
        if declared not in NATIVE and not declared.is_private and bytes(data[:4]) != ITEM and _allocated(dataset):
            dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            correct(dataset, "syntax")
        return
    if stream.samples > 1:
        raise Unreadable("colour")
    if stream.syntax != declared:
        dataset.file_meta.TransferSyntaxUID = stream.syntax
        dataset["PixelData"].value = bytes(data)  # a view of the file, if it was said to be native
        correct(dataset, "syntax")
    allocated = next((depth for depth in _DEPTHS if stream.bits <= depth), 0)
    told = {"Rows": stream.rows, "Columns": stream.columns, "BitsAllocated": allocated if stream.bits else 0}
    for keyword, number in told.items():
        if number and number != whole(dataset, keyword):
            setattr(dataset, keyword, number)
            correct(dataset, "header")
    rows, columns = whole(dataset, "Rows") or 0, whole(dataset, "Columns") or 0
    if stream.syntax == RLELossless and ends_with_runs(data, rows) and not ends_with_runs(data, columns):
        dataset.Rows, dataset.Columns = columns, rows
        correct(dataset, "header")
    _without_offsets(dataset, data)


def _without_offsets(dataset: Dataset, data: bytes | memoryview) -> None:
    """Leave out a table of offsets that isn't one of a single frame: where that begins is known."""
    for keyword in present(dataset, ("ExtendedOffsetTable", "ExtendedOffsetTableLengths")):
        delattr(dataset, keyword)
    end = 8 + int.from_bytes(data[4:8], "little")
    if bytes(data[8:end]) not in (b"", bytes(4)):
        dataset["PixelData"].value = ITEM + bytes(4) + bytes(data[end:])
        correct(dataset, "header")


def _as_neighbours_say(dataset: Dataset, bits: int) -> None:
    """Exchange rows and columns, or the bytes of words, where that brings together what is torn apart as the header says.

    Some pixels and those a row below tell: in a picture they differ little, as they lie wrongly like any two.
    """
    rows, columns = whole(dataset, "Rows") or 0, whole(dataset, "Columns") or 0
    little = syntax_of(dataset) != ExplicitVRBigEndian
    data = _pixels(dataset)
    if len(data) < rows * columns * bits // 8 or min(rows, columns) < 16:
        return
    stored = np.frombuffer(data, f"{'<' if little else '>'}u{bits // 8}", rows * columns)
    end = stored.size - max(rows, columns)
    step = end // _SOME + 1

    def torn(pixels: NDArray[Any], below: int) -> float:
        some = pixels[:end:step].astype(np.int32)
        spread = np.abs(some - int(some.sum()) // some.size).sum()
        return float(np.abs(pixels[below : below + end : step] - some).sum() / spread) if spread else 0.0

    limit = torn(stored, columns) / _CLOSER
    if limit < _TORN / _CLOSER:
        return
    if torn(stored, rows) < limit:
        dataset.Rows, dataset.Columns = columns, rows
        correct(dataset, "header")
    elif bits == 16 and torn(stored.byteswap(), columns) < limit:
        dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian if little else ExplicitVRLittleEndian
        correct(dataset, "syntax")


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
