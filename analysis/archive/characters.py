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
#: Sets of several bytes a letter, by pydicom's names: Japanese, Korean, Chinese. Short words in them can look like UTF-8 by
#: chance, but for those that begin with an escape.
_ESCAPED = {"iso2022_jp", "iso2022_jp_2", "euc_kr", "gb2312"}
_SEVERAL = {*_ESCAPED, "shift_jis", "gb18030", "gbk", "big5", "utf-8"}
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
    # By what pydicom makes of the declaration, which may be misspelled (ISO-IR 100, LATIN1, UTF-8).
    known = dataset.original_character_set
    declared = {_codec(one) for one in ([known] if isinstance(known, str) else known)}
    read = [_as_utf8(element.value or b"") for element in written]
    # A Latin letter at a text's very end, as in Knä, looks like the beginning of one that was cut off.
    utf8 = None not in read and not all(one.isascii() for one in read if one is not None)
    # Sets of several bytes begin with an escape in a text.
    unescaped = _ESCAPED & declared and not any(b"\x1b" in (one.value or b"") for one in written)
    if utf8 and (unescaped or not _SEVERAL & declared):
        true = _UTF8
    elif not utf8 and declared <= {"utf-8", "ascii"}:
        true = _LATIN
    else:
        return
    correct(dataset, "characters")
    dataset.SpecificCharacterSet = true
    implicit, little = dataset.original_encoding
    dataset.set_original_encoding(implicit, little, "utf8" if true == _UTF8 else "latin_1")


def _codec(name: str) -> str:
    """Return a codec's name in one spelling; one that nobody knows is none."""
    try:
        return codecs.lookup(name).name
    except LookupError:
        return name.lower()


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
