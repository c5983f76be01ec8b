"""A grading scheme: what readers grade, what outcomes follow, and when disease is present.

A scheme is a data file (`workflow/gradings/<name>.yaml`). Nothing outside those
files knows the name of a grading.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, PrivateAttr, ValidationError, field_validator, model_validator

from analysis.errors import StudyError
from analysis.grading.items import TAKEN_KEYS, Disease, Finding, Item, Kind, Outcome, Sum, hole, usable
from analysis.grading.lines import line_of
from analysis.grading.rule import Rule, parse_rule
from analysis.settings import Settings, parse
from analysis.yaml_files import load_yaml

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Disease", "Finding", "Item", "Kind", "Outcome", "Scheme", "Sum", "load_scheme"]


class Scheme(Settings):
    """A grading scheme as read from its file.

    Attributes
    ----------
    name : str
        As in `grading:` of the configuration and in paths.
    title : str
        For text, e.g. "Kellgren-Lawrence".
    citation : str
        Citation key of the source in `manuscript/references.bib`.
    items : dict of str to Item
    findings : dict of str to Finding
    sums : dict of str to Sum
        Scores derived from the items.
    disease : Disease or None
        When disease is present.
    early : Disease or None
        Which exams count as early disease when two schemes are compared.
    """

    name: str
    title: str
    citation: str | None = None
    items: dict[str, Item] = Field(default_factory=dict)
    findings: dict[str, Finding] = Field(default_factory=dict)
    sums: dict[str, Sum] = Field(default_factory=dict)
    disease: Disease | None = None
    early: Disease | None = None
    _path: Path | None = PrivateAttr(None)

    @field_validator("items", "findings", "sums")
    @classmethod
    def _names_are_columns(cls, value: Mapping[str, Any]) -> Mapping[str, Any]:
        for name in value:
            if not usable(name):
                what = "use a-z, 0-9 and _, and no word with a meaning of its own"
                raise hole(f"'{name}' can't be the name of an item, finding or sum; {what}", name)
        return value

    @field_validator("name")
    @classmethod
    def _names_a_folder(cls, value: str) -> str:
        if not re.fullmatch(r"\w[\w-]*", value):
            raise hole(
                f"'{value}' can't be the name of a grading, which is a folder's too; use letters, digits, - and _"
            )
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Scheme:
        for name, total in self.sums.items():
            for item in total.items:
                if item not in self.items:
                    raise hole(f"the sum '{name}' adds '{item}', which is no item", "sums", name, "items")
                if total.items.count(item) > 1:
                    raise hole(f"the sum '{name}' adds '{item}' twice; remove one", "sums", name, "items")
        called: dict[str, tuple[object, ...]] = {}
        places: list[tuple[str, tuple[object, ...]]] = [
            *((name, ("items", name)) for name in self.items),
            *((name, ("sums", name)) for name in self.sums),
            *((o.id, ("items", o.item, "groups") if o.item else ("findings", o.id)) for o in self.outcomes),
        ]
        for name, place in places:
            if name in called:
                raise hole(f"two things are both called '{name}'; rename one", *place)
            called[name] = place
        if not called:
            raise hole("a scheme needs at least one item or finding")
        for key in ("disease", "early"):
            self._rule(key)  # finds a broken rule now, not in hours
        self._limits()
        self._titles()
        return self

    def _titles(self) -> None:
        """Refuse a title that two things have: tables and sentences tell them apart by it."""
        for key in ("title", "short"):
            said: dict[str, str] = {}
            for part in ("items", "sums", "findings"):
                for name, one in getattr(self, part).items():
                    words = " ".join(str(getattr(one, key, "")).split()).lower()
                    if words and said.setdefault(words, name) != name:
                        what = f"'{said[words]}' and '{name}' have the same {key} '{getattr(one, key)}'; change one"
                        raise hole(what, part, name, key)

    def _limits(self) -> None:
        """Refuse rules on what goes together that name what isn't there, and letters given twice."""
        letters: dict[str, str] = {}
        for name, item in self.items.items():
            if item.not_applicable:
                self._sound(item.not_applicable, name, "items", name, "not_applicable")
        for name, finding in self.findings.items():
            for key in ("implies", "excludes"):
                for other in getattr(finding, key):
                    if other not in self.findings or other == name:
                        raise hole(f"'{name}' {key} '{other}', which is no other finding", "findings", name, key)
            if both := set(finding.implies) & set(finding.excludes):
                raise hole(f"'{name}' implies '{min(both)}' and excludes it; remove one", "findings", name, "excludes")
            if finding.needs:
                self._sound(finding.needs, name, "findings", name, "needs")
            if finding.key and finding.key in TAKEN_KEYS:
                what = f"the reading room itself uses the keys {', '.join(TAKEN_KEYS)}; give '{name}' another letter"
                raise hole(what, "findings", name, "key")
            if finding.key and letters.setdefault(finding.key, name) != name:
                what = f"'{letters[finding.key]}' and '{name}' have the same key '{finding.key}'; change one"
                raise hole(what, "findings", name, "key")

    def _sound(self, rule: str, of: str, *at: object) -> None:
        try:
            names = parse_rule(rule, self.highest).names
        except ValueError as error:
            raise hole(str(error), *at) from error
        if of in names:
            raise hole(f"the rule '{rule}' of '{of}' rests on '{of}' itself; name others", *at)

    @cached_property
    def outcomes(self) -> tuple[Outcome, ...]:
        """All outcomes in the order of the tables: grades, groups by item; disease; findings."""
        found: list[Outcome] = []
        for name, item in self.items.items():
            found += [
                Outcome(f"{name}_{level}", f"{item.title} {level} ({meaning})", str(level), "grade", name, (level,))
                for level, meaning in item.levels.items()
            ]
            found += [
                Outcome(
                    f"{name}_{re.sub('[^0-9a-z]+', '_', label.lower())}",
                    f"{item.title} {label.replace('-', ' to ')}",
                    label.replace("-", " to "),
                    "group",
                    name,
                    tuple(sorted(levels)),
                )
                for label, levels in item.groups.items()
            ]
        if self.disease:
            found.append(Outcome("disease", self.disease.title, self.disease.title, "disease"))
        found += [Outcome(name, f.title, f.title, f.kind) for name, f in self.findings.items()]
        return tuple(found)

    def outcome(self, name: str) -> Outcome:
        """Return the outcome called `name`; KeyError where there is none."""
        return {outcome.id: outcome for outcome in self.outcomes}[name]

    @cached_property
    def highest(self) -> dict[str, int]:
        """The highest level of whatever readers read: each item, and 1 for each finding."""
        return {name: max(item.levels) for name, item in self.items.items()} | dict.fromkeys(self.findings, 1)

    def derive(self, grades: pd.DataFrame) -> pd.DataFrame:
        """Work out every outcome from the items and findings of each exam.

        Parameters
        ----------
        grades : pandas.DataFrame
            One row per exam; columns named by item and finding, missing where not graded.
            A column that is absent counts as missing for all exams.

        Returns
        -------
        pandas.DataFrame
            One column per outcome, 1.0 where the exam is a case, 0.0 where it is a control,
            missing where an item that it rests on is missing.
        """
        import pandas as pd

        return pd.DataFrame({one.id: self.cases(one, grades) for one in self.outcomes}, index=grades.index)

    def cases(self, outcome: Outcome, grades: pd.DataFrame) -> pd.Series:
        """Work out one outcome, as `derive` does all."""
        import pandas as pd

        if outcome.kind == "disease":
            return self.holds("disease", grades)
        value = grades.get(outcome.item or outcome.id, pd.Series(float("nan"), grades.index)).astype(float)
        positive = value.isin(outcome.levels) if outcome.item else value > 0
        return positive.astype(float).where(value.notna())

    def add_up(self, grades: pd.DataFrame) -> pd.DataFrame:
        """Work out the sum scores: a column each, missing where any of their items is."""
        import pandas as pd

        return pd.DataFrame(
            {
                name: grades.reindex(columns=total.items).astype(float).sum(axis=1, skipna=False)
                for name, total in self.sums.items()
            },
            index=grades.index,
        )

    def holds(self, key: Literal["disease", "early"], grades: pd.DataFrame) -> pd.Series:
        """Evaluate the scheme's rule for disease or early disease: 1.0, 0.0 or missing for each exam.

        Raises
        ------
        StudyError
            If the scheme has no such rule.
        """
        rule = self._rule(key)
        if rule is None:
            raise StudyError(f"{self.where()}: the scheme has no rule '{key}'; add one with a title and a rule.")
        return rule(grades)

    def refuse_other(self, names: Iterable[str], path: str | Path) -> None:
        """Refuse a table that lacks an item, a finding or an outcome: it is of another grading, or of another version.

        Parameters
        ----------
        names : iterable of str
            What the table has: a reference standard's columns, or the outcomes of estimates.
        path : str or Path
            What to call the table.

        Raises
        ------
        StudyError
        """
        there = set(names)
        for name in (outcome.id for outcome in self.outcomes):
            if name not in there:
                raise StudyError(
                    f"{path} doesn't have '{name}' of the grading '{self.name}'; give the table of this grading, or make it again."
                )

    def where(self, *keys: object) -> str:
        """Say where in the scheme's file `keys` are written, for errors: "kl.yaml, line 7"."""
        if self._path is None:
            return f"the grading scheme '{self.name}'"
        return f"{self._path}, line {line_of(self._path, keys)}" if keys else str(self._path)

    def _rule(self, key: Literal["disease", "early"]) -> Rule | None:
        definition: Disease | None = getattr(self, key)
        if definition is None:
            return None
        try:
            return parse_rule(definition.rule, self.highest)
        except ValueError as error:
            raise hole(str(error), key, "rule") from error


def load_scheme(path: str | Path) -> Scheme:
    """Read a scheme from its file.

    Raises
    ------
    StudyError
        If the file is missing, not YAML, or has a hole; the message says which line to correct.
    """
    path = Path(path)
    values = load_yaml(path)
    try:
        scheme = Scheme.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = f"{path}, line {line_of(path, (*first['loc'], *first.get('ctx', {}).get('at', ())))}"
        if first["type"] == "hole":
            raise StudyError(f"{place}: {first['msg']}.") from error
        return parse(Scheme, values, place)
    if scheme.name != path.stem:
        place = f"{path}, line {line_of(path, ['name'])}"
        raise StudyError(f"{place}: the name is '{scheme.name}'; name it like its file, '{path.stem}'.")
    scheme._path = path
    return scheme
