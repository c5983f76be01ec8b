"""Read one DICOM file, however odd, without trusting what it says about its own size."""

from __future__ import annotations

import errno
import stat
import warnings
import zlib
from contextlib import suppress
from functools import cache
from io import BytesIO
from math import isfinite
from pathlib import Path
from typing import Any

import pydicom
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag, Tag
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from analysis.archive.dicom.characters import correct_characters
from analysis.archive.dicom.corrections import correct
from analysis.archive.dicom.elements import read_elements, tag_of
from analysis.archive.dicom.others import kind_of

NATIVE = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian)
# What a data set without preamble begins with: group 0002 or 0008, in either byte order.
_HEADLESS = (b"\x02\x00", b"\x08\x00", b"\x00\x02", b"\x00\x08")

#: For zlib: what it has packed begins with a header, its own or gzip's.
_WITH_HEADER = 32 + zlib.MAX_WBITS
#: Elements of which every DICOM object has one.
_SAID = ("SOPClassUID", "Modality", "StudyInstanceUID", "PatientID", "Rows", "DirectoryRecordSequence")

# Value representations that hold words, several of them separated by backslashes (DICOM PS3.5 6.2); of the names of
# applications (AE) pydicom keeps the padding.
_WORDS = {"AS", "CS", "DA", "DS", "DT", "IS", "LO", "PN", "SH", "TM", "UC", "UI"}

#: Of these, the ones in the file's character set.
_TEXTS = {"LO", "PN", "SH", "UC"}
#: Character sets by pydicom's names for them, in which every letter is read by itself.
_CODECS = {"utf8": "utf-8", "iso8859": "latin-1", "latin_1": "latin-1"}

pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE


class Unreadable(Exception):  # noqa: N818 - it names the state of an image, and ends as a row, not as a message
    """A file that is no image to use, or whose pixels can't be shown.

    Parameters
    ----------
    code : str
        Reason code, for the row that the file gets.
    detail : str
        What was found; never a value that identifies a person.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code, self.detail = code, detail


def read(path: Path, *, max_mb: float | None = None) -> pydicom.Dataset:
    """Read a file whole.

    The values of its elements are converted when they are asked for; `value` does so safely.

    Parameters
    ----------
    path : Path
    max_mb : float, optional
        Larger files are not read, MB.

    Returns
    -------
    pydicom.Dataset
        Its file meta has a transfer syntax whenever that could be found out.

    Raises
    ------
    Unreadable
        With the reason code for the row that the file gets.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise Unreadable("not_a_file")
        if max_mb is not None and found.st_size > max_mb * 1e6:
            raise Unreadable("file_too_large", f"{found.st_size / 1e6:.0f} MB")
        data = path.read_bytes()
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            raise Unreadable("not_a_file") from error
        raise Unreadable("no_access", error.strerror or "") from error
    if not data:
        raise Unreadable("empty")
    if data[:4] == b"DICM":
        data = bytes(128) + data  # all but its preamble
    headless = data[128:132] != b"DICM"
    if headless and data[:2] not in _HEADLESS:
        raise Unreadable(*kind_of(data))
    return _parse(data, headless)


def _parse(data: bytes, headless: bool) -> pydicom.Dataset:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = None
        for reader in (read_elements, _whole_file, _header, _as_it_lies):
            try:
                dataset = reader(data, headless)
            except Unreadable:  # out of time
                raise
            except MemoryError as error:
                raise Unreadable("memory") from error
            except Exception:  # a parser of broken files may raise anything
                continue
            found = found or dataset or None
            if dataset and present(dataset, _SAID):
                found = dataset
                break
    kind = text(getattr(found, "file_meta", None) or {}, "MediaStorageSOPClassUID") if found else ""
    if not found or not (headless or kind or present(found, _SAID)):
        raise Unreadable("broken")
    dataset = found
    if headless and not (value(dataset, "SOPClassUID") or value(dataset, "Rows")):
        raise Unreadable("not_dicom")
    if not getattr(dataset, "file_meta", None):
        dataset.file_meta = pydicom.dataset.FileMetaDataset()
    if not text(dataset.file_meta, "TransferSyntaxUID"):
        implicit, little = dataset.original_encoding
        guess = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = guess
    correct_characters(dataset)
    return dataset


def _whole_file(data: bytes, headless: bool) -> pydicom.Dataset:
    return pydicom.dcmread(BytesIO(data), force=headless)


def _header(data: bytes, headless: bool) -> pydicom.Dataset:
    """Read the header of a file whose pixel data are broken: it still says whose exam it was."""
    file = BytesIO(data)
    dataset = pydicom.dcmread(file, force=headless, stop_before_pixels=True)
    rest = data[file.tell() :]
    if dataset and rest:
        dataset.add_new("PixelData", "OB", rest[12:])
    return dataset


def _as_it_lies(data: bytes, headless: bool) -> pydicom.Dataset:
    """Read a file that lies in plain sight though its header names another byte order, or says that it is deflated.

    Or the reverse: one that is deflated, and doesn't say so.
    """
    start = 144 + int.from_bytes(data[140:144], "little")
    if headless or data[132:140] != b"\x02\x00\x00\x00UL\x04\x00":
        raise Unreadable("broken")
    body = data[start:]
    for bits in (-zlib.MAX_WBITS, _WITH_HEADER):
        with suppress(zlib.error):
            body = zlib.decompress(body, bits)
            break
    dataset = pydicom.dcmread(BytesIO(body), force=True)
    correct(dataset, "syntax")
    return dataset


@cache
def _tag(keyword: str) -> BaseTag:
    return tag_of(int(Tag(keyword)))  # as a plain number: to the cache a tag would be another key


@cache
def _vr(keyword: str) -> str:
    return dictionary_VR(_tag(keyword))


def value(dataset: Any, keyword: str) -> Any:
    """Return an element's value, or None where it is missing, empty or can't be converted."""
    try:
        # By tag and not by name: asking pydicom for a name that isn't there takes longer than reading one that is.
        tag = _tag(keyword)
        found = dataset[tag].value if tag in dataset.keys() else None  # noqa: SIM118 - `in dataset` parses the tag again
    except Exception:
        return None
    return None if found is None or found == "" or (hasattr(found, "__len__") and len(found) == 0) else found


def present(dataset: Any, keywords: tuple[str, ...]) -> list[str]:
    """Return the names of the elements that a data set has."""
    there = dataset.keys()
    return [keyword for keyword in keywords if _tag(keyword) in there]


def text(dataset: Any, *keywords: str) -> str:
    """Return the values of several elements as one line of text, the missing ones left out."""
    parts = []
    for keyword in keywords:
        written = _plain(dataset, keyword)
        if written is None:
            found = value(dataset, keyword)
            many = found if isinstance(found, pydicom.multival.MultiValue) else [found]
            written = " ".join(str(one) for one in many if one is not None)
        if written:
            parts.append(written)
    return " ".join(" ".join(parts).split())


def _plain(dataset: pydicom.Dataset, keyword: str) -> str | None:
    """Return an element's text by its bytes, where they are plain: pydicom's conversion takes ten times as long."""
    try:
        # Most names that are asked for aren't there: dataset.get_item takes five times as long to say so.
        element = dataset._dict.get(_tag(keyword))
    except Exception:  # an item of a broken sequence may be anything
        return None
    if element is None:
        return ""
    kind = element.VR or _vr(keyword)
    if not isinstance(element, RawDataElement) or kind not in _WORDS or element.value is None:
        return None
    data = element.value.rstrip(b"\0 ")
    # Other character sets begin with an escape; a name may have more spellings.
    if b"\x1b" in data or b"\0" in data or b"=" in data:
        return None
    if data.isascii():
        return data.decode("ascii").replace("\\", " ")
    written = dataset.original_character_set
    codec = _CODECS.get(written if isinstance(written, str) else written[0]) if kind in _TEXTS else None
    try:
        return data.decode(codec).replace("\\", " ") if codec else None
    except UnicodeDecodeError:
        return None


def whole(dataset: Any, keyword: str) -> int | None:
    """Return an element's value, or the first of several, as a whole number, or None."""
    try:
        element = dataset._dict.get(_tag(keyword))  # as in `_plain`
        if element is None:
            return None
        short = isinstance(element, RawDataElement) and element.value is not None and len(element.value) == 2
        if short and (element.VR or _vr(keyword)) == "US":  # as in `text`: pydicom's conversion takes ten times as long
            return int.from_bytes(element.value, "little" if element.is_little_endian else "big")
        found = value(dataset, keyword)
        return int(found[0] if isinstance(found, list | pydicom.multival.MultiValue) else found)
    except (TypeError, ValueError, OverflowError):
        return None


def numbers(dataset: Any, keyword: str) -> list[float]:
    """Return an element's numbers, a comma for a point or not; none where it is missing or one is no finite number."""
    try:
        found = [float(one) for one in text(dataset, keyword).replace(",", ".").split()]
    except ValueError:
        return []
    return found if all(map(isfinite, found)) else []


def syntax_of(dataset: pydicom.Dataset) -> UID:
    """Return the transfer syntax of a data set of `read`."""
    return UID(text(dataset.file_meta, "TransferSyntaxUID"))
