"""The character set of a file's texts, where its header declares a wrong one."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement

from analysis.archive.dicom.corrections import correct

if TYPE_CHECKING:
    from pydicom import Dataset

_TEXT = {"LO", "LT", "PN", "SH", "ST", "UC", "UT"}
#: Sets of several bytes a letter, by pydicom's names: Japanese, Korean, Chinese. Short words in them can look like UTF-8 by
#: chance, but for those that begin with an escape.
_ESCAPED = {"iso2022_jp", "iso2022_jp_2", "euc_kr", "gb2312"}
_SEVERAL = {*_ESCAPED, "shift_jis", "gb18030", "gbk", "big5", "utf-8"}
_UTF8, _LATIN = "ISO_IR 192", "ISO_IR 100"
_LONGEST = 10_240
#: What no words in Latin letters have, in bytes: three different ones beyond ASCII in a row, a sign that is neither apostrophe
#: nor dash within a word, or an escape to another set.
_FOREIGN = re.compile(
    rb"([\xa1-\xff])(?!\1)[\xa1-\xff]{2}|\x1b"
    rb"|[A-Za-z\xc0-\xff][\x80-\x82\x84-\x89\x8b\x8d\x8f-\x91\x93-\x95\x98\x99\x9b\x9d\xa1-\xa7\xa9-\xac\xae-\xb3\xb5\xb6\xb9\xbb-\xbf]"
    rb"[A-Za-z\xc0-\xff]"
)


def correct_characters(dataset: Dataset) -> None:
    """Declare UTF-8 where all texts are valid UTF-8 although the header says otherwise, and Latin-1 where they aren't.

    Text in another character set is hardly ever valid UTF-8, so valid bytes are better evidence than the header. Texts that
    are read as Latin and can't be are marked, for `are_unread`.
    """
    raw = (element for element in dataset.values() if isinstance(element, RawDataElement))
    written = [
        one.value
        for one in raw
        if isinstance(one.value, bytes) and (b"\x1b" in one.value or not one.value.isascii()) and _is_text(one)
    ]
    if not written:
        return
    # By what pydicom makes of the declaration, which may be misspelled (ISO-IR 100, LATIN1, UTF-8).
    known = dataset.original_character_set
    declared = {_codec(one) for one in ([known] if isinstance(known, str) else known)}
    read = [_as_utf8(one) for one in written]
    # A Latin letter at a text's very end, as in Knä, looks like the beginning of one that was cut off.
    utf8 = None not in read and not all(one.isascii() for one in read if one is not None)
    # Sets of several bytes begin with an escape in a text.
    unescaped = _ESCAPED & declared and not any(b"\x1b" in one for one in written)
    if utf8 and (unescaped or not _SEVERAL & declared):
        true = _UTF8
    elif not utf8 and declared <= {"utf-8", "ascii"} and not all(map(bytes.isascii, written)):
        true = _LATIN
    else:
        true = ""
    latin = not utf8 and declared <= {"iso8859-1", "utf-8", "ascii"}
    vars(dataset)["unread"] = latin and any(map(_FOREIGN.search, written))
    if not true:
        return
    correct(dataset, "characters")
    dataset.SpecificCharacterSet = true
    implicit, little = dataset.original_encoding
    dataset.set_original_encoding(implicit, little, "utf8" if true == _UTF8 else "latin_1")


def are_unread(dataset: Dataset) -> bool:
    """Return whether texts of a data set of `read` are in characters that its header doesn't declare, and nothing tells which."""
    return bool(vars(dataset).get("unread"))


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
