"""The name of a unit of the study: an exam's own, or, of an exam of two knees, the exam's with the side of the knee."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

SIDES = ("left", "right")
_SUFFIX = r"-(left|right)$"


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
