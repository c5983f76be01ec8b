"""A patient's identifier in one spelling, whoever wrote it."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from analysis.archive.people.names import plain
from analysis.tables import MISSING

if TYPE_CHECKING:
    from collections.abc import Container


def plain_id(identifier: str | None, nobody: Container[str] = ()) -> str | None:
    """Return a patient identifier in one spelling, or None where it stands for nobody (is `plain` one of those).

    Words that all stand for nobody do so together (Unknown Patient), and so does what programs write for nothing (NaN).
    Case and blanks don't count, nor does punctuation in national numbers and between one run of letters and one of
    digits (`A-17`); elsewhere it parts, so that `1-12` and `11-2` are two. A Swedish personal number is the same with
    and without its century.
    """
    identifier = _WHOLE.sub(r"\1", identifier or "")
    found = plain(identifier)
    if (
        not found
        or found in nobody
        or found in MISSING
        or _REPEATED.fullmatch(found)
        or _EXPONENT.fullmatch(identifier.strip())
    ):
        return None
    # Month 1-12 and day 1-31, or 61-91 in a co-ordination number.
    century = re.fullmatch(r"(?:19|20)(\d\d(?:0[1-9]|1[0-2])(?:[06][1-9]|[1278]\d|[39][01])\d{4})", found)
    runs = _RUNS.findall(unicodedata.normalize("NFKD", identifier).casefold())
    if century and len(runs) <= 2:
        return century[1]
    if all(run.isalpha() and plain(run) in nobody for run in runs):
        return None
    digits = "".join(runs).isdigit() and tuple(len(run) for run in runs) in _NATIONAL
    letters = len(runs) == 2 and runs[0].isalpha() and runs[1].isdigit()
    return found if digits or letters else "-".join(plain(run) for run in runs)


#: What stands for nobody: zeros, a letter repeated, or four and more of another digit.
_REPEATED = re.compile(r"0+|([^\W\d])\1+|(\d)\2{3,}")
#: What programs make of a number for want of another cell in its column, and of a long one: that may be many people's.
_WHOLE, _EXPONENT = re.compile(r"^\s*(\d+)\.0\s*$"), re.compile(r"\d[.,]\d+E[+]\d+", re.IGNORECASE)
_RUNS = re.compile(r"[^\W_\u0300-\u036f]+")
#: Lengths of the groups in which national numbers are written: Nordic, American, British, Dutch, Brazilian, Belgian, Swiss and
#: French ones.
_NATIONAL = {
    (6, 4), (8, 4), (6, 5), (3, 2, 4), (3, 3, 4), (3, 3, 3), (3, 3, 3, 2), (2, 2, 2, 3, 2), (3, 4, 4, 2), (1, 2, 2, 2, 3, 3, 2),
    (13, 2),
}  # fmt: skip
