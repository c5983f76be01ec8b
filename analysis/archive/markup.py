"""A report's words without what programs put around and between them: HTML, codes for line ends, signs that can't be seen."""

from __future__ import annotations

import html
import re
import unicodedata

_ENTITY = re.compile(r"&#?\w{1,30};")
#: What stands on a line of its own, and what stands within one.
_BLOCK = re.compile(r"</?(?:p|br|hr|div|li|[uo]l|t[rdh]|table|h[1-6]|pre)\b[^<>]*>", re.IGNORECASE)
_INLINE = re.compile(
    r"</?(?:b|i|u|em|strong|span|font|su[bp]|a|html|head|body|tbody|thead|meta|title|style)\b[^<>]*>", re.IGNORECASE
)
#: Line ends in a spreadsheet's code, and as databases write them out.
_CODE = "_x000D_"
_SPELLED_OUT = re.compile(r"(?:\\r)?\\n|\\r")
#: Blanks that don't break a line, which are blanks; soft hyphens and signs without width, which are nothing.
_FIXED, _UNSEEN = re.compile("[\xa0\u2007\u202f]"), re.compile("[\xad\u200b-\u200d\u2060\ufeff]")


def is_rtf(text: str) -> bool:
    """Return whether a report is in the code of a word processor, in which words are cut by their letters."""
    return text.lstrip().startswith("{\\rtf")


def unmarked(text: str) -> str:
    """Return a report's words, as they are looked for and shown: letters in one form, lines ended in one way."""
    if "<" in text:
        text = _INLINE.sub("", _BLOCK.sub("\n", text))
    if "&" in text:
        text = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
    text = "\n".join(text.splitlines())
    if _CODE in text:
        text = text.replace(f"{_CODE}\n", "\n").replace(_CODE, "\n")
    if "\\" in text and "\n" not in text:
        text = _SPELLED_OUT.sub("\n", text)
    if not text.isascii():
        text = unicodedata.normalize("NFC", _UNSEEN.sub("", _FIXED.sub(" ", text)))
    return text.strip()
