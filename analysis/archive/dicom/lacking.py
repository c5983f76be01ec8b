"""What a header doesn't say of how its pixels lie, where the rest of it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, RLELossless

from analysis.archive.dicom.codestream import ITEM, described, ends_with_runs, in_items
from analysis.archive.dicom.corrections import correct
from analysis.archive.dicom.dataset import NATIVE, Unreadable, present, syntax_of, text, value, whole
from analysis.archive.dicom.pixel_data import pieces

if TYPE_CHECKING:
    from pydicom import Dataset

#: Bits that a pixel may take, where the length of the pixel data is what tells.
_DEPTHS = (8, 16, 32)
#: How many pixels are compared with those below them; how much they differ, as a share of the spread of values, where
#: they may lie wrongly, and how many times less where they lie rightly; and the share of it that is less at all.
_SOME, _TORN, _CLOSER, _LESS = 256, 0.5, 3, 0.8
#: How many times further than the last two rows of a picture the next one may be.
_SAME_STEP = 1.5

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
    wrong one (`analysis.archive.dicom.stored`), and radiographs (DX) have none.

    Raises
    ------
    Unreadable
        `lacking`, with the name of what nothing tells; `colour`, where compressed pixels have several samples.
    """
    _as_groups_say(dataset)
    if present(dataset, ("NumberOfFrames",)) and (whole(dataset, "NumberOfFrames") or 0) < 1:
        del dataset.NumberOfFrames
        correct(dataset, "header")
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
        elif allocated == 8 or not native or stored > allocated:
            stored = allocated
        else:
            raise Unreadable("lacking", "BitsStored")
        dataset.BitsStored = stored
        correct(dataset, "header")
    if whole(dataset, "PixelRepresentation") not in (0, 1):
        dataset.PixelRepresentation = 0
        correct(dataset, "header")
    if not whole(dataset, "SamplesPerPixel") and text(dataset, "PhotometricInterpretation").upper().startswith(
        "MONOCHROME"
    ):
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
    if declared not in NATIVE and (wrapped := in_items(data, declared)) is not None:
        dataset["PixelData"].value = data = wrapped
        correct(dataset, "header")
    stream = described(data, declared)
    if stream is None:
        if bytes(data[:4]) == ITEM:
            _unwrap(dataset, data)
        elif declared not in NATIVE and not declared.is_private and _allocated(dataset):
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


def _unwrap(dataset: Dataset, data: bytes | memoryview) -> None:
    """Take pixels that aren't compressed out of their items, as by the syntax Encapsulated Uncompressed (DICOM PS3.5 A.4.11)."""
    inside = b"".join(pieces(bytes(data))[1:])
    bits = _allocated(dataset, len(inside))
    if bits and bits == (whole(dataset, "BitsAllocated") or bits):
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset["PixelData"].value = inside
        correct(dataset, "syntax")


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

    So are the bits of a pixel, or the columns or rows, for which there are data. Some pixels and those a row below tell: in a
    picture they differ little, as they lie wrongly like any two.
    """
    rows, columns = whole(dataset, "Rows") or 0, whole(dataset, "Columns") or 0
    little = syntax_of(dataset) != ExplicitVRBigEndian
    data = _pixels(dataset)
    if min(rows, columns) < 16:
        return

    # The same pixels are compared whatever is tried: what follows the picture is no part of it.
    end = rows * columns - max(rows, columns)

    def torn(columns: int, bits: int, little: bool = little) -> float:
        if len(data) < (end + max(rows, columns)) * bits // 8:
            return _TORN
        stored = np.frombuffer(data, f"{'<' if little else '>'}u{bits // 8}", end + columns)
        some, below = (stored[start : start + end : end // _SOME + 1].astype(np.int64) for start in (0, columns))
        spread = np.abs(some - int(some.sum()) // some.size).sum()
        return float(np.abs(below - some).sum() / spread) if spread else 0.0

    as_told = torn(columns, bits)
    if len(data) * 8 // bits == 3 * rows * columns and torn(3 * columns, bits) < _LESS * as_told:
        raise Unreadable("colour")  # red, green and blue of each pixel side by side
    limit = as_told / _CLOSER
    there = len(data) * 8 // bits
    if as_told < _TORN:
        # That other columns come out even tells most of it.
        others = there // rows
        if others > columns and there == rows * others and torn(others, bits) < _LESS * as_told:
            dataset.Columns = others
            correct(dataset, "header")
        elif rows < there // columns <= 2 * rows and _goes_on(
            data, rows, columns, f"{'<' if little else '>'}u{bits // 8}"
        ):
            dataset.Rows = there // columns
            correct(dataset, "header")
    elif torn(rows, bits) < limit:
        dataset.Rows, dataset.Columns = columns, rows
        correct(dataset, "header")
    elif bits == 16 and torn(columns, bits, not little) < limit:
        dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian if little else ExplicitVRLittleEndian
        correct(dataset, "syntax")
    elif (depth := _allocated(dataset)) not in (0, bits) and torn(columns, depth) < limit:
        dataset.BitsAllocated = dataset.BitsStored = depth
        dataset.HighBit = depth - 1
        correct(dataset, "header")
    elif there // rows > columns and torn(there // rows, bits) < limit:
        dataset.Columns = there // rows
        correct(dataset, "header")


def _goes_on(data: bytes | memoryview, rows: int, columns: int, kind: str) -> bool:
    """Return whether what follows a picture's last row is the next one: as close to it as others are to theirs.

    Rows in which there is little tell nothing: another picture, which a file may hold as well, begins like that.
    """
    last = np.frombuffer(data, kind, 2 * columns, (rows - 2) * columns * int(kind[-1])).reshape(2, -1).astype(np.int64)
    following = np.frombuffer(data, kind, columns, rows * columns * int(kind[-1])).astype(np.int64)
    step, next_step = np.abs(np.diff(last, axis=0)).mean(), np.abs(following - last[1]).mean()
    return bool(next_step <= _SAME_STEP * step < np.ptp(following) / _CLOSER)


def _pixels(dataset: Dataset) -> bytes | memoryview:
    try:
        data = dataset.get_item("PixelData").value
    except (AttributeError, KeyError):
        return b""
    return data if isinstance(data, bytes | memoryview) else b""


def _allocated(dataset: Dataset, length: int | None = None) -> int:
    """Return how many bits each of the pixels takes by how many there are; 0 where that doesn't come out even."""
    pixels = (whole(dataset, "Rows") or 0) * (whole(dataset, "Columns") or 0)
    length = len(_pixels(dataset)) if length is None else length
    return next((bits for bits in _DEPTHS if pixels and length - pixels * bits // 8 in (0, 1)), 0)
