"""The kinds of column that tables are declared by. A table that breaks one is refused when written and when read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import pandera.pandas as pa

#: How far the last digits of a computation may carry a number past its limit.
ROUNDING = 1e-9


def text(*, missing: bool = False, among: Iterable[str] | None = None, unique: bool = False) -> pa.Column:
    """Declare a column of words, of a fixed vocabulary if `among` is given."""
    words = tuple(among or ())
    checks = pa.Check.isin(words, error=f"one of {', '.join(words)}") if words else None
    return pa.Column(str, checks, nullable=missing, unique=unique, coerce=True)


def number(low: float | None = None, high: float | None = None, *, missing: bool = False) -> pa.Column:
    """Declare a column of numbers from `low` to `high`, but for rounding; infinite ones are numbers, too."""
    checks = _at_least(low)
    checks += [pa.Check.le(high + ROUNDING, error=f"at most {high:g}")] if high is not None else []
    return pa.Column(float, checks, nullable=missing, coerce=True)


def share(*, missing: bool = False) -> pa.Column:
    """Declare a column of numbers from 0 to 1: shares, probabilities, AUCs, P values."""
    return number(0, 1, missing=missing)


def whole(low: int | None = 0, *, missing: bool = False) -> pa.Column:
    """Declare a column of whole numbers of at least `low`.

    They stay as they are: coercion to `int` would cut 1.5 to 1 in silence.
    """
    return pa.Column(checks=[pa.Check(_whole, error="a whole number"), *_at_least(low)], nullable=missing)


def truth() -> pa.Column:
    """Declare a column of true and false."""
    return pa.Column(checks=pa.Check.isin((True, False), error="true or false"))


def estimate(name: str, low: float | None = None, high: float | None = None) -> dict[str, pa.Column]:
    """Declare an estimate and the limits of its interval: `name`, `name`_low and `name`_high, missing where unknown."""
    return {column: number(low, high, missing=True) for column in (name, f"{name}_low", f"{name}_high")}


def table(columns: Mapping[str, pa.Column]) -> pa.DataFrameSchema:
    """Declare a table that has these columns in this order, no other, and limits with the lower one first."""
    pairs = [
        (low, high)
        for low, high in (("low", "high"), *((f"{name}_low", f"{name}_high") for name in columns))
        if low in columns and high in columns
    ]
    order = [pa.Check(_ordered(low, high), error=f"{low} is at most {high}", ignore_na=False) for low, high in pairs]
    return pa.DataFrameSchema(dict(columns), checks=order, strict=True, ordered=True)


def empty(schema: pa.DataFrameSchema) -> pd.DataFrame:
    """Return a table that has a schema's columns and no row."""
    return pd.DataFrame(columns=list(schema.columns))


def _at_least(low: float | None) -> list[pa.Check]:
    return [] if low is None else [pa.Check.ge(low - ROUNDING, error=f"at least {low:g}")]


def _whole(values: pd.Series) -> Any:
    return pd.to_numeric(values, errors="coerce").mod(1).eq(0)


def _ordered(low: str, high: str) -> Any:
    return lambda frame: ~(frame[low] > frame[high] + ROUNDING)
