"""The form that readers fill in, made from a grading scheme, and the check of what comes back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from analysis.errors import StudyError
from analysis.grading.scheme import Scheme, load_scheme
from analysis.reading.readings.rules import holds, tree

#: What may be said of any exam: that it can't be graded, or shows no knee. Then there is nothing else to say.
FLAGS = {"unusable": "Image quality precludes grading", "no_knee": "No knee in the images"}
FLAG_KEYS = {"unusable": "u", "no_knee": "n"}


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
        The scheme's letter that turns a finding on and off; empty for items, and where it gives none.
    implies, excludes : tuple of str
        Findings that are there with this one, or can't be.
    needs, absent : list or None
        Rules as trees: without `needs` the finding can't be there; where `absent` holds the item isn't graded.
    """

    name: str
    title: str
    kind: str
    levels: tuple[tuple[int, str], ...] = ()
    key: str = ""
    implies: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    needs: Any = None
    absent: Any = None


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
    path : Path
        The scheme's file, for messages and for the pictures beside it.
    """

    name: str
    title: str
    hash: str
    fields: tuple[Field, ...]
    path: Path = field(default=Path(), compare=False)

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

    @cached_property
    def definition(self) -> dict[str, Any]:
        """What a reading means: fields, levels and rules, without the letters. JSON can hold it."""
        kept = {f.name: [f.title, f.levels, f.implies, f.excludes, f.needs, f.absent] for f in self.fields}
        return json.loads(json.dumps({"name": self.name, "fields": kept}))

    def titles(self) -> dict[str, str]:
        """Return what to call each field and flag on a page."""
        return {field.name: field.title for field in self.fields} | FLAGS

    def absent(self, values: Mapping[str, int | None]) -> frozenset[str]:
        """Return the items that don't apply, given what was found."""
        return frozenset(f.name for f in self.items if f.absent is not None and holds(f.absent, values))

    def check(
        self,
        values: Mapping[str, int | None],
        fields: Collection[str] | None = None,
        agreed: Mapping[str, int | None] | None = None,
    ) -> dict[str, int | None]:
        """Check what a browser sent against the form.

        Parameters
        ----------
        values : mapping of str to int or None
            Field or flag to value; None where an item doesn't apply.
        fields : collection of str, optional
            Exactly these must be there (a decision); without it, a whole reading is asked for.
        agreed : mapping of str to int, optional
            What a decision adds to.

        Returns
        -------
        dict of str to int or None
            In the order of the form, for a whole reading with each flag; None where an item doesn't apply.

        Raises
        ------
        ValueError
            Says in a sentence what is wrong.
        """
        titles = self.titles()
        for name, value in values.items():
            if name not in titles:
                raise ValueError("The form has no such field.")
            if value is not None and not 0 <= value <= self.highest[name]:
                raise ValueError(f"{titles[name]}: there is no level {value}.")
        if fields is None:
            values = dict.fromkeys(FLAGS, 0) | dict(values)
            flagged = [flag for flag in FLAGS if values[flag]]
            if len(flagged) > 1:
                raise ValueError(f"'{FLAGS['unusable']}' and '{FLAGS['no_knee']}' don't go together; choose one.")
            graded = next((titles[name] for name, value in values.items() if name not in FLAGS and value), None)
            if flagged and (graded or any(values.get(item.name) is not None for item in self.items)):
                raise ValueError(f"'{FLAGS[flagged[0]]}' leaves nothing to grade; take it back, or the grades.")
            wanted: Collection[str] = [] if flagged else [f.name for f in self.fields]
            values = {name: value for name, value in values.items() if name in FLAGS} if flagged else values
        else:
            wanted = fields
            if set(values) - set(fields):
                raise ValueError("Only what the readings differ in is to be decided.")
        whole = dict(agreed or {}) | dict(values)
        absent = self.absent(whole)
        given = next((titles[name] for name in wanted if name in absent and values.get(name) is not None), None)
        if given:
            raise ValueError(f"{given}: not applicable here, so no grade is taken.")
        values = dict(values) | {name: None for name in wanted if name in absent}
        missing = [name for name in wanted if name not in values or (values[name] is None and name not in absent)]
        if missing:
            raise ValueError(f"{titles[missing[0]]}: not graded yet.")
        if any(values.get(name) is not None for name in values if name not in FLAGS):
            self._rules(whole, wanted)
        return {name: values[name] for name in titles if name in values}

    def _rules(self, whole: Mapping[str, int | None], wanted: Collection[str]) -> None:
        titles = self.titles()
        for f in self.findings:
            if not whole.get(f.name):
                continue
            for other in f.implies:
                if whole.get(other) == 0 and wanted:
                    raise ValueError(f"{f.title} implies '{titles[other]}'; set it too.")
            for other in f.excludes:
                if whole.get(other):
                    raise ValueError(f"{f.title} and {titles[other]} don't go together; choose one.")
            if f.needs is not None and holds(f.needs, whole) is False:
                raise ValueError(f"{f.title} doesn't go with these grades: it needs {say(f.needs, titles)}.")


def say(rule: Any, titles: Mapping[str, str]) -> str:
    """Put a rule's tree into words, for a message."""
    if isinstance(rule, str):
        return titles.get(rule, rule)
    if not isinstance(rule, list):
        return str(rule)
    sign, *parts = rule
    said = [say(part, titles) for part in parts]
    return f"not {said[0]}" if sign == "not" else f" {sign.replace('>=', '≥').replace('<=', '≤')} ".join(said)


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
        If the scheme has a hole, an item has more than ten levels, a letter is the page's own, or `ask`
        names what isn't there.
    """
    scheme = load_scheme(path)
    unknown = sorted(set(ask or ()) - set(scheme.items) - set(scheme.findings))
    if unknown:
        raise StudyError(f"reading.ask: '{unknown[0]}' is no item or finding of {path}; correct it.")
    wanted = set(ask) if ask is not None else {*scheme.items, *scheme.findings}
    items = [_item(scheme, name) for name in scheme.items if name in wanted]
    findings = [_finding(scheme, name, wanted) for name in scheme.findings if name in wanted]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Form(scheme.name, scheme.title, digest, (*items, *findings), path)


def _item(scheme: Scheme, name: str) -> Field:
    item = scheme.items[name]
    if len(item.levels) > 10:
        raise StudyError(
            f"{scheme.where('items', name)}: each level has one digit key, so an item has at most ten levels; "
            "merge some, or leave it out with reading.ask."
        )
    absent = tree(item.not_applicable) if item.not_applicable else None
    return Field(name, item.title, "item", tuple(sorted(item.levels.items())), absent=absent)


def _finding(scheme: Scheme, name: str, wanted: set[str]) -> Field:
    finding = scheme.findings[name]
    return Field(
        name,
        finding.title,
        finding.kind,
        key=finding.key or "",
        implies=tuple(other for other in _implied(scheme, [name]) if other in wanted),
        # What two findings exclude is said once in the scheme, and holds both ways.
        excludes=tuple(
            other
            for other, its in scheme.findings.items()
            if other in wanted and (other in finding.excludes or name in its.excludes)
        ),
        needs=tree(finding.needs) if finding.needs else None,
    )


def _implied(scheme: Scheme, names: list[str]) -> list[str]:
    """Return what follows from findings, and what follows from that."""
    found: dict[str, None] = {}
    todo = [*names]
    while todo:
        for other in scheme.findings[todo.pop()].implies:
            if other not in found and other not in names:
                found[other] = None
                todo.append(other)
    return list(found)
