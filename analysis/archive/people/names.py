"""Names as they are compared, and that of a unit of the study: an exam's, with the side of the knee where it shows two."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

from analysis.delimited import latin

if TYPE_CHECKING:
    import pandas as pd

SIDES = ("left", "right")
_SUFFIX = r"-(left|right)$"
#: The end of a whole number that was written as a fraction.
FRACTION = r"[.,]0*$"


def exam_of(units: pd.Series) -> pd.Series:
    """Return the exam that each unit is a knee of."""
    return units.str.replace(_SUFFIX, "", regex=True)


def side_of(unit: str) -> str:
    """Return the side of a unit of an exam of two knees; empty where the exam has one."""
    side = unit.rpartition("-")[2]
    return side if side in SIDES else ""


def identifier(written: str) -> str:
    """Return a number or name of the archive as it is compared.

    Signs that can't be seen are left out, dashes (and minus signs) are alike, and blanks, and so are digits of any script.
    """
    if written.isascii():
        return written
    plain_form = unicodedata.normalize("NFKC", written)
    seen = "".join(
        "-" if unicodedata.category(one) == "Pd" or one == "\N{MINUS SIGN}" else str(unicodedata.decimal(one, one))
        for one in plain_form
        if unicodedata.category(one) != "Cf"
    )
    return " ".join(seen.split())


@lru_cache(maxsize=4096)  # an archive names each patient in many files
def plain(words: str) -> str:
    """Return a text without case, accents, blanks and punctuation: what is left when spelling is set aside.

    Letters of other alphabets are those that they look like.
    """
    letters = latin(unicodedata.normalize("NFKD", words)).casefold()
    return "".join(letter for letter in letters if letter.isalnum())


def spelling(name: str) -> str:
    """Return what is left of a name when spelling is set aside, and what a spreadsheet does to a number (01, 1.0)."""
    parted = re.sub(r"(?<=\d)[\W_]+(?=\d)", "x", re.sub(rf"(?<=\d){FRACTION}", "", name))  # 1-1 isn't 11
    return re.sub(r"(?<!\d)0+(?=\d)", "", plain(parted))
