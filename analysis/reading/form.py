"""The form that readers fill in, made from a grading scheme, and the check of what comes back."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from analysis.errors import StudyError
from analysis.grading.scheme import load_scheme

#: What may be said of any exam: that it can't be graded, or shows no knee. Then grades may be left out.
FLAGS = {"unusable": "Image quality precludes grading", "no_knee": "No knee in the images"}
FLAG_KEYS = {"unusable": "u", "no_knee": "n"}
#: Letters that the page itself uses: invert, revisit, unusable, no knee, view.
TAKEN = "irunv"


@dataclass(frozen=True)
class Field:
    """One line of the form.

    Attributes
    ----------
    name : str
        The item or finding of the scheme.
    title : str
    kind : str
        "item", or the kind of finding (location, finding, implant).
    levels : tuple of (int, str)
        What may be chosen, with its meaning; empty for a finding, which is there (1) or not (0).
    key : str
        The letter that turns a finding on and off; empty for items, and where letters have run out.
    """

    name: str
    title: str
    kind: str
    levels: tuple[tuple[int, str], ...] = ()
    key: str = ""


@dataclass(frozen=True)
class Form:
    """All fields, in the order of the scheme.

    Attributes
    ----------
    name, title : str
        Of the scheme.
    hash : str
        SHA-256 of the scheme's file: which version was read by.
    fields : tuple of Field
    """

    name: str
    title: str
    hash: str
    fields: tuple[Field, ...]

    @property
    def items(self) -> tuple[Field, ...]:
        """The fields with levels."""
        return tuple(field for field in self.fields if field.kind == "item")

    @property
    def findings(self) -> tuple[Field, ...]:
        """The fields that are there or not."""
        return tuple(field for field in self.fields if field.kind != "item")

    @cached_property
    def highest(self) -> dict[str, int]:
        """The highest value of each field and flag."""
        return {f.name: len(f.levels) - 1 if f.levels else 1 for f in self.fields} | dict.fromkeys(FLAGS, 1)

    def titles(self) -> dict[str, str]:
        """Return what to call each field and flag on a page."""
        return {field.name: field.title for field in self.fields} | FLAGS

    def check(self, values: Mapping[str, int], fields: Collection[str] | None = None) -> dict[str, int]:
        """Hold what a browser sent to the form.

        Parameters
        ----------
        values : mapping of str to int
            Field or flag to value.
        fields : collection of str, optional
            Exactly these must be there (a decision); without it, a whole reading is asked for.

        Returns
        -------
        dict of str to int
            In the order of the form, for a whole reading with each flag.

        Raises
        ------
        ValueError
            Says in a sentence what is wrong.
        """
        titles = self.titles()
        for name, value in values.items():
            if name not in titles:
                raise ValueError("The form has no such field.")
            if not 0 <= value <= self.highest[name]:
                raise ValueError(f"{titles[name]}: there is no level {value}.")
        if fields is None:
            values = dict.fromkeys(FLAGS, 0) | dict(values)
            wanted: Collection[str] = [] if any(values[flag] for flag in FLAGS) else [f.name for f in self.fields]
        else:
            wanted = fields
            if set(values) - set(fields):
                raise ValueError("Only what the readings differ in is to be decided.")
        missing = next((titles[name] for name in wanted if name not in values), None)
        if missing:
            raise ValueError(f"{missing}: not graded yet.")
        return {name: values[name] for name in titles if name in values}


def make_form(path: Path, ask: Collection[str] | None = None) -> Form:
    """Make the form of a scheme's file.

    Parameters
    ----------
    path : Path
    ask : collection of str, optional
        The items and findings to ask for; all of them without it.

    Raises
    ------
    StudyError
        If the scheme has a hole, an item has more than ten levels, or `ask` names what isn't there.
    """
    scheme = load_scheme(path)
    unknown = sorted(set(ask or ()) - set(scheme.items) - set(scheme.findings))
    if unknown:
        raise StudyError(f"reading.ask: '{unknown[0]}' is no item or finding of {path}; correct it.")
    wanted = set(ask) if ask is not None else {*scheme.items, *scheme.findings}
    for name, item in scheme.items.items():
        if len(item.levels) > 10 and name in wanted:
            raise StudyError(f"{scheme.where('items', name)}: the form has a digit a level, so ten levels at most.")
    items = [
        Field(name, item.title, "item", tuple(sorted(item.levels.items())))
        for name, item in scheme.items.items()
        if name in wanted
    ]
    keys = _letters({name: finding.title for name, finding in scheme.findings.items() if name in wanted})
    findings = [
        Field(name, scheme.findings[name].title, scheme.findings[name].kind, key=key) for name, key in keys.items()
    ]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Form(scheme.name, scheme.title, digest, (*items, *findings))


def _letters(titles: Mapping[str, str]) -> dict[str, str]:
    """Give each finding a letter of its own, one from its title where that is free."""
    free = [letter for letter in "abcdefghijklmnopqrstuvwxyz" if letter not in TAKEN]
    keys: dict[str, str] = {}
    for name, title in titles.items():
        wanted = [letter for letter in title.lower() if letter in free]
        keys[name] = next(iter([*wanted, *free]), "")
        if keys[name]:
            free.remove(keys[name])
    return keys
