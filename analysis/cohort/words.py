"""Words in a radiologist's report, and whether they were denied."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analysis.cohort.settings import WordsSettings

_SENTENCE = re.compile(r"[.;:!?\n]+\s*|\s+(?:men|dock|däremot|but|however|although)\s+", re.IGNORECASE)
#: A line that goes on in the next one, as old systems break them.
_WRAPPED = re.compile(r"(?<=\S)[^\S\n]*\n[^\S\n]*(?=[a-zß-öø-ÿ])")
# A comma ends what a negation denies, unless it is part of a list: "ingen fraktur, luxation eller artros".
_LIST_END = re.compile(r"\b(?:eller|or|nor|vare sig)\b", re.IGNORECASE)


def clauses(report: str) -> list[str]:
    """Split a report into the pieces within which a negation holds.

    ASSUME: a line that begins with a small letter goes on with the one before it, unless the report itself begins so.
    """
    pieces: list[str] = []
    for sentence in _SENTENCE.split(report if report[:1].islower() else _WRAPPED.sub(" ", report)):
        parts = [sentence] if _LIST_END.search(sentence) else re.split(r",\s", sentence)
        pieces += [part for part in parts if part.strip()]
    return pieces


def mentions(report: str, settings: WordsSettings) -> bool:
    """Return whether a report says one of the words without denying it.

    A word counts unless one of the negations stands before it in the same clause; this is the rule
    of NegEx (Chapman et al., J Biomed Inform 2001;34:301), without its list of pseudo-negations.

    Parameters
    ----------
    report : str
        Swedish or English.
    settings : WordsSettings

    Returns
    -------
    bool
    """
    words = re.compile("|".join(f"(?:{word})" for word in (*settings.swedish, *settings.english)) or r"(?!)", re.I)
    denials = re.compile("|".join(f"(?:{word})" for word in settings.negations) or r"(?!)", re.I)
    for clause in clauses(report):
        hit = words.search(clause)
        if hit and not denials.search(clause, 0, hit.start()):
            return True
    return False
