"""DeLong's interval, by pROC, beside the one recommended; where they differ, why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

#: What may set the two intervals apart, by the sign that stands for it; a dagger marks few cases already.
REASONS = {
    "‡": "some patients have several exams, which DeLong's interval takes for independent",
    "§": "few cases or controls, with which DeLong's interval covers too seldom",
    "¶": "DeLong's interval is symmetric about the AUC, the recommended one is not",
}


@dataclass(frozen=True)
class Pair:
    """The two intervals of one AUC as they are printed.

    Attributes
    ----------
    delong, recommended : str
        "0.93 to 0.99", or nothing where there is none.
    signs : str
        Keys of REASONS; nothing where the two are the same but for rounding.
    """

    delong: str
    recommended: str
    signs: str


def pair(row: Mapping[Any, Any], digits: int) -> Pair:
    """Return the two intervals of a row of roc.csv as printed, and why they differ if they do.

    Parameters
    ----------
    row : mapping
        cases, controls, patients, few, low, high, delong_low, delong_high; numbers, or text as a CSV has them.
    digits : int
        Decimals; a difference that they don't show is rounding.
    """
    delong, recommended = (_limits(row, *ends, digits) for ends in (("delong_low", "delong_high"), ("low", "high")))
    if delong == recommended or not recommended:
        return Pair(delong, recommended, "")
    cases, controls, patients = (_number(row.get(name)) or 0 for name in ("cases", "controls", "patients"))
    low, high, *theirs = (_number(row.get(name)) or 0 for name in ("low", "high", "delong_low", "delong_high"))
    signs = ""
    if high - low > theirs[1] - theirs[0]:
        signs += "‡" if 0 < patients < cases + controls else ""
        signs += "§" if str(row.get("few")) == "True" else ""
    if not signs or abs(low + high - sum(theirs)) >= 10**-digits:  # the middle has moved by more than rounding
        signs += "¶"
    return Pair(delong, recommended, signs)


def told(pairs: Iterable[Pair]) -> str:
    """Return the note below a table that has both intervals."""
    pairs = [one for one in pairs if one.recommended]
    found = {sign for one in pairs for sign in one.signs}
    if not pairs:
        return "No interval could be estimated."
    if not found:
        return "The recommended intervals agree with DeLong's to within rounding."
    reasons = "; ".join(f"{sign} {reason}" for sign, reason in REASONS.items() if sign in found)
    return f"Where the recommended interval differs from DeLong's by more than rounding, a sign says why: {reasons}."


def _limits(row: Mapping[Any, Any], low: str, high: str, digits: int) -> str:
    ends = [_number(row.get(name)) for name in (low, high)]
    return " to ".join(f"{end:.{digits}f}" for end in ends if end is not None) if None not in ends else ""


def _number(value: Any) -> float | None:
    """Return a number, or None where there is none: missing in a frame, or empty in a CSV."""
    if value is None or value == "" or value != value:
        return None
    return float(value)
