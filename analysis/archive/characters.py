"""The character set of a file's texts, where its header declares a wrong one."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement

from analysis.archive.corrections import correct

if TYPE_CHECKING:
    from pydicom import Dataset

_TEXT = {"LO", "LT", "PN", "SH", "ST", "UC", "UT"}
#: Sets of one byte a letter. In others (Japanese, Korean, Chinese) short words can look like UTF-8 by chance.
_SINGLE = {"", *(f"ISO_IR {n}" for n in (6, 100, 101, 109, 110, 126, 127, 138, 144, 148, 166))}
_ESCAPED = {f"ISO_IR {n}" for n in (58, 87, 149, 159)}
_UTF8, _LATIN = "ISO_IR 192", "ISO_IR 100"
_LONGEST = 10_240


def correct_characters(dataset: Dataset) -> None:
    """Declare UTF-8 where all texts are valid UTF-8 although the header says otherwise, and Latin-1 where they aren't.

    Text in another character set is hardly ever valid UTF-8, so valid bytes are better evidence than the header.
    """
    raw = (element for element in dataset.values() if isinstance(element, RawDataElement))
    written = [one for one in raw if isinstance(one.value, bytes) and not one.value.isascii() and _is_text(one)]
    if not written:
        return
    found = dataset.get("SpecificCharacterSet") or ""
    declared = "\\".join([found] if isinstance(found, str) else found).strip("\0\\ ").replace("ISO 2022 IR", "ISO_IR")
    read = [_as_utf8(element.value or b"") for element in written]
    # A Latin letter at a text's very end, as in Knä, looks like the beginning of one that was cut off.
    utf8 = None not in read and not all(one.isascii() for one in read if one is not None)
    # Sets of several bytes begin with an escape in a text.
    unescaped = _ESCAPED & set(declared.split("\\")) and not any(b"\x1b" in (one.value or b"") for one in written)
    if utf8 and (declared in _SINGLE or unescaped):
        true = _UTF8
    elif declared == _UTF8 and not utf8:
        true = _LATIN
    else:
        return
    correct(dataset, "characters")
    dataset.SpecificCharacterSet = true
    implicit, little = dataset.original_encoding
    dataset.set_original_encoding(implicit, little, "utf8" if true == _UTF8 else "latin_1")


def _is_text(element: RawDataElement) -> bool:
    if len(element.value or b"") > _LONGEST:
        return False
    if element.VR is not None:
        return element.VR in _TEXT
    try:
        return dictionary_VR(element.tag) in _TEXT
    except KeyError:
        return False


def _as_utf8(value: bytes) -> str | None:
    try:
        # Not to the end: a text that was cut to its longest length may break off within a letter.
        return codecs.getincrementaldecoder("utf-8")().decode(value)
    except UnicodeDecodeError:
        return None
