"""The parts of a grading scheme: items, findings, rules, sums, and the outcomes that follow from them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from keyword import iskeyword
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from analysis.settings import Settings

Kind = Literal["grade", "group", "disease", "location", "finding", "implant"]
NAME = re.compile(r"^[a-z][a-z0-9_]*$")
#: Columns and parts of tables, and flags of readings, with a meaning of their own.
TAKEN = (
    *("exam", "patient", "set", "disease", "early", "view"), *("age", "sex", "protocol", "projections", "findings"),
    *("unusable", "no_knee"), *("image", "seed", "outcome", "score"),
)  # fmt: skip
#: Letters that the page of the reading room itself uses: invert, revisit, unusable, no knee, view.
TAKEN_KEYS = "irunv"
_RANGE = re.compile(r"(\d+)\s*(?:-|–|to)\s*(\d+)")


def usable(name: str) -> bool:
    """Whether something may be called so: a column of tables, and a name in rules."""
    return bool(NAME.match(name)) and name not in TAKEN and not iskeyword(name)


def hole(message: str, *at: object) -> PydanticCustomError:
    """Make an error that knows which key, from the model's own top, is to be corrected."""
    return PydanticCustomError("hole", "{what}", {"what": message, "at": at})


class Item(Settings):
    """Something readers give a level on an ordered scale.

    Attributes
    ----------
    title : str
        For tables and text, e.g. "Kellgren-Lawrence grade".
    short : str
        For axes, e.g. "KL".
    levels : dict of int to str
        Every level, counted from 0 without a gap, with its meaning.
    groups : dict of str to list of int
        Merged levels by their label ("0-1"), each an outcome of its own.
    not_applicable : str or None
        A rule such as `tka >= 1`: where it holds there is nothing to grade, and no grade is taken.
    """

    title: str
    short: str
    levels: dict[int, str]
    groups: dict[str, list[int]] = Field(default_factory=dict)
    not_applicable: str | None = None

    @field_validator("levels", mode="before")
    @classmethod
    def _meanings_are_words(cls, value: Any) -> Any:
        for level, meaning in value.items() if isinstance(value, dict) else ():
            if isinstance(meaning, bool):
                raise hole(f"YAML takes the meaning of level {level} for a yes or no; put it in quotes", level)
        return value

    @field_validator("levels")
    @classmethod
    def _rise(cls, value: dict[int, str]) -> dict[int, str]:
        """Put the levels in their order, in which they are counted wherever they are gone through."""
        return dict(sorted(value.items()))

    @model_validator(mode="after")
    def _complete(self) -> Item:
        if sorted(self.levels) != list(range(len(self.levels))) or len(self.levels) < 2:
            raise hole("levels must count 0, 1, 2, … without a gap, two at least", "levels")
        for label, levels in self.groups.items():
            unknown = sorted(set(levels) - set(self.levels))
            if unknown:
                raise hole(f"group '{label}' names level {unknown[0]}, which the item doesn't have", "groups", label)
            if not 0 < len(set(levels)) < len(self.levels):
                raise hole(f"group '{label}' must hold some of the levels, not none or all of them", "groups", label)
        self._merged()
        return self

    def _merged(self) -> None:
        """Refuse a group that isn't what its label says, or that is an outcome already."""
        there = {frozenset((level,)): f"level {level}" for level in self.levels}
        for label, levels in self.groups.items():
            at = ("groups", label)
            if (ends := _RANGE.fullmatch(label)) and sorted(levels) != [*range(int(ends[1]), int(ends[2]) + 1)]:
                raise hole(
                    f"group '{label}' holds the levels {', '.join(map(str, levels))}; correct one of the two", *at
                )
            if len(set(levels)) < len(levels):
                raise hole(f"group '{label}' names a level twice; remove one", *at)
            if (same := there.setdefault(frozenset(levels), f"group '{label}'")) != f"group '{label}'":
                raise hole(f"group '{label}' is the same as {same}; remove it", *at)


class Finding(Settings):
    """Something readers call present or absent.

    Attributes
    ----------
    title : str
        For tables and text.
    kind : {"location", "finding", "implant"}
        The part of the tables it belongs to.
    key : str or None
        The letter that turns it on and off in the reading room.
    implies : list of str
        Findings that are present wherever this one is.
    excludes : list of str
        Findings that can't be present together with this one.
    needs : str or None
        A rule such as `kl >= 1`, without which the finding can't be present.
    """

    title: str
    kind: Literal["location", "finding", "implant"] = "finding"
    key: str | None = Field(default=None, pattern=r"^[a-z]$")
    implies: list[str] = Field(default_factory=list)
    excludes: list[str] = Field(default_factory=list)
    needs: str | None = None


class Disease(Settings):
    """When something is present: a rule over items and findings, such as `kl >= 2`.

    Comparisons, `and`, `or`, `not`, `+` and whole numbers are allowed, nothing else.
    """

    title: str
    rule: str


class Sum(Settings):
    """A score that is the sum of the grades of several items."""

    title: str
    short: str
    items: list[str] = Field(min_length=2)


@dataclass(frozen=True)
class Outcome:
    """One binary question about an exam: a column of the reference and of the predictions.

    Attributes
    ----------
    id : str
        Column name, e.g. `kl_2`, `kl_2_4`, `medial`, `disease`.
    title : str
        In full, for text.
    label : str
        Short, for tables: "2", "2 to 4", "Medial".
    kind : Kind
        The part of the tables it belongs to.
    item : str or None
        The item that it is a level or a group of.
    levels : tuple of int
        The levels of `item` that are cases.
    """

    id: str
    title: str
    label: str
    kind: Kind
    item: str | None = None
    levels: tuple[int, ...] = ()
