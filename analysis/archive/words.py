"""Free text of a header, searched for the words of the settings, however its letters and blanks were treated."""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING

from analysis.archive.sides import apart

if TYPE_CHECKING:
    from analysis.archive.settings import Patterns

#: A word that is denied: not standing, utan belastning, nonweight; but not with and without.
_DENIED = re.compile(
    r"(?<![^\W_])(?:non(?=[^\W_])|(?:no[nt]?|nicht|keine?|ej|inte|icke|ingen|inga|inget|ikke|nie)[\W_]+"
    r"|(?<!\boch )(?<!\bo )(?<!\band )(?<!\bund )(?<!& )(?<!/)(?:without|w/o|ohne|utan|uden|uten|sans|senza|bez)[\W_]+)[^\W_]+",
    re.IGNORECASE,
)


def match(words: str, patterns: Patterns) -> str | None:
    """Return the first name of which a pattern is found in the text.

    Underscores count as blanks, and where nothing is found, words that are joined (GenouDroit) are read apart. Where an
    earlier program has lost a text's letters (h\ufffdger, h?ger) or written them in
    two characters (hÃ¶ger), the letter that they were fits.
    """
    return _match(words, tuple((name, tuple(listed)) for name, listed in patterns.items()))


def named(words: str, patterns: Patterns) -> frozenset[str]:
    """Return every name of which a pattern is found in the text, as `match` reads it."""
    return _named(words, tuple((name, tuple(listed)) for name, listed in patterns.items())) if words else frozenset()


_Listed = tuple[tuple[str, tuple[str, ...]], ...]


@lru_cache(maxsize=8192)  # an archive says few different things
def _match(words: str, patterns: _Listed) -> str | None:
    words = unicodedata.normalize("NFC", words.replace("_", " "))
    found = _first_match(words, patterns) or _first_match(apart(words), patterns)
    if found or (words.isascii() and "?" not in words):
        return found
    if not words.isascii():
        for encoding in ("latin-1", "cp1252"):
            with suppress(UnicodeError):
                return _first_match(words.encode(encoding).decode("utf-8"), patterns)
    if not _LOST.search(words):
        return None
    listed = tuple((name, tuple(map(blurred, of_name))) for name, of_name in patterns)
    return _first_match(blurred(_LOST.sub(_ANY, words)), listed)


@lru_cache(maxsize=8192)
def _named(words: str, patterns: _Listed) -> frozenset[str]:
    return frozenset(name for name, listed in patterns if _match(words, ((name, listed),)))


@lru_cache(maxsize=256)
def compiled(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """Return one pattern that fits what any of several does."""
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)


def _first_match(words: str, patterns: _Listed) -> str | None:
    return next((name for name, listed in patterns if listed and compiled(listed).search(words)), None)


#: A letter that programs have put another sign for: the sign for what can't be read, a control sign, a question mark.
_LOST = re.compile(r"[\ufffd\x80-\x9f]|(?<=[^\W\d_])\?|\?(?=[^\W\d_])")
#: Stands for any letter beyond ASCII; itself one that no language writes.
_ANY = "\u0294"


@lru_cache(maxsize=4096)  # mostly of the settings' patterns
def blurred(text: str) -> str:
    """Replace every Latin letter beyond ASCII by one sign, since a lost letter may have been any of them."""
    return "".join(_ANY if not one.isascii() and unicodedata.name(one, "").startswith("LATIN") else one for one in text)


def without_denied(words: str) -> str:
    """Leave out words that are denied, so that NON WEIGHT BEARING is not weight-bearing, nor NOT LEFT left."""
    return _DENIED.sub(" ", words)
