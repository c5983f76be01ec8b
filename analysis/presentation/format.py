"""Numbers and names as they stand in text and tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.grading.scheme import Scheme

NONE = "–"  # what a table shows where there is no number
NOT_ESTIMABLE = "not estimable"
#: Levels that P values are held against.
LEVELS = (0.001, 0.01, 0.05, 0.1, 0.2)


def known(value: Any) -> bool:
    """Whether `value` is a number that exists."""
    import pandas as pd

    return value is not None and not bool(pd.isna(value))


def number(value: Any, digits: int = 2, none: str = NONE) -> str:
    """Return a number with a fixed count of decimals and a true minus sign.

    Parameters
    ----------
    value : number or None
    digits : int
        Decimals.
    none : str
        What stands where there is no number.
    """
    if not known(value):
        return none
    text = f"{float(value):,.{digits}f}"
    # A rounded zero has no sign.
    return text.replace("-", "" if not text.strip("-0.,") else "−")


def count(value: Any, none: str = NONE) -> str:
    """Return a whole number, its thousands separated by commas."""
    return f"{round(float(value)):,}" if known(value) else none


def counted(value: float, what: str) -> str:
    """Return "1 epoch" or "3 epochs"."""
    return f"{count(value)} {what}{'' if value == 1 else 's'}"


def were(value: float) -> str:
    """Return "1 was" or "3 were"."""
    return f"{count(value)} {'was' if value == 1 else 'were'}"


def percent(part: float, whole: float, digits: int = 0) -> str:
    """Return a share as a percentage without its sign, or a dash where the whole is nothing."""
    return number(100 * part / whole, digits) if whole else NONE


def count_percent(part: float, whole: float) -> str:
    """Return "116 (39)": a count and its percentage."""
    return f"{count(part)} ({percent(part, whole)})" if whole else NONE


def interval(row: Mapping[Any, Any], name: str = "", digits: int = 2, scale: float = 1, none: str = NONE) -> str:
    """Return "0.97 (0.93 to 0.99)" from a row of estimates.

    Parameters
    ----------
    row : mapping
        With the estimate under `name` and its limits under `name_low` and `name_high`; or, where
        `name` is "auc" or "estimate" or "difference", under `low` and `high` if those are there.
    name : str
        Column of the estimate.
    digits : int
        Decimals.
    scale : float
        100 turns shares into percent.
    none : str
        What stands where there is no estimate.
    """
    estimate: Any = row.get(name)
    if not known(estimate):
        return none
    low: Any = row.get(f"{name}_low", row.get("low"))
    high: Any = row.get(f"{name}_high", row.get("high"))
    text = number(scale * float(estimate), digits)
    if known(low) and known(high):
        text += f" ({number(scale * float(low), digits)} to {number(scale * float(high), digits)})"
    return text


def percentage(row: Mapping[Any, Any], name: str, digits: int = 0, scale: float = 100, none: str = NONE) -> str:
    """Return "92% (85% to 96%)" from a row of estimates; see `interval`."""
    text = interval(row, name, digits, scale, none)
    return text if text == none else re.sub(r"(\d)(?=[ )]|$)", r"\1%", text)


def p_value(value: Any, none: str = NONE) -> str:
    """Return a P value with two decimals where that says enough, else three, else "< 0.001".

    What rounding would lift to a level that it lies below is told by that level: 0.0496 is "< 0.05", not 0.050.
    """
    if not known(value):
        return none
    digits = 3 if value < 0.1 else 2
    below = next((level for level in LEVELS if value < level <= round(value, digits)), None)
    below = LEVELS[0] if value < LEVELS[0] else below
    return f"{value:.{digits}f}" if below is None else f"< {below:g}"


def p_equation(value: Any) -> str:
    """Return "= 0.03" or "< 0.001", as it stands after a P in a sentence."""
    text = p_value(value)
    return text if text.startswith("<") else f"= {text}"


def listed(parts: Sequence[str], last: str = "and") -> str:
    """Return "a, b and c"."""
    parts = list(parts)
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}"


def span(values: Iterable[float], digits: int = 2) -> str:
    """Return "0.80 to 0.97", or one number where lowest and highest look alike."""
    found = [float(value) for value in values if known(value)]
    if not found:
        return NOT_ESTIMABLE
    low, high = number(min(found), digits), number(max(found), digits)
    return low if low == high else f"{low} to {high}"


def escape(text: str) -> str:
    """Return text in which no character means anything to markdown."""
    return re.sub(r"([\\`*_\[\]<>$^~@|#])", r"\\\1", text)


def literal(scheme: Scheme) -> Scheme:
    """Return a grading whose words mean nothing to markdown: "<2 mm" is no tag, and "_1" no emphasis."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: escape(one) if key in ("title", "short") and one else plain(one) for key, one in value.items()}
        return value

    told: dict[str, Any] = plain(scheme.model_dump())
    for item in told["items"].values():
        item["levels"] = {level: escape(meaning) for level, meaning in item["levels"].items()}
        item["groups"] = {escape(label): levels for label, levels in item["groups"].items()}
    return type(scheme).model_validate(told)


def decapitalise(text: str) -> str:
    """Return a title as it stands within a sentence: "Total knee…" as "total knee…", names and "K-wires" kept."""
    first = text.split(" ", 1)[0]
    ordinary = first[:1].isupper() and first[1:].islower() and "-" not in first
    return text[:1].lower() + text[1:] if ordinary else text
