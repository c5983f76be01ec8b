"""A grading scheme: what readers grade, what outcomes follow, and when disease is present.

A scheme is a data file (`workflow/gradings/<name>.yaml`). Nothing outside those
files knows the name of a grading.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator, model_validator

from analysis.errors import StudyError
from analysis.settings import Settings, load_yaml, parse

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["grade", "group", "disease", "location", "finding", "implant"]
_NAME = re.compile(r"^[a-z][a-z0-9_]*$")


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
    """

    title: str
    short: str
    levels: dict[int, str]
    groups: dict[str, list[int]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _complete(self) -> Item:
        if sorted(self.levels) != list(range(len(self.levels))) or len(self.levels) < 2:
            raise ValueError("levels must count 0, 1, 2, … without a gap, two at least")
        for label, levels in self.groups.items():
            unknown = sorted(set(levels) - set(self.levels))
            if unknown:
                raise ValueError(f"group '{label}' names level {unknown[0]}, which the item doesn't have")
            if not 0 < len(set(levels)) < len(self.levels):
                raise ValueError(f"group '{label}' must hold some of the levels, not none or all of them")
        return self


class Finding(Settings):
    """Something readers call present or absent.

    Attributes
    ----------
    title : str
        For tables and text.
    kind : {"location", "finding", "implant"}
        The part of the tables it belongs to.
    """

    title: str
    kind: Literal["location", "finding", "implant"] = "finding"


class Disease(Settings):
    """When disease is present: an expression over the items, such as `kl >= 2`.

    Comparisons, `and`, `or`, `not`, `+` and whole numbers are allowed, nothing else.
    """

    title: str
    rule: str


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


class Scheme(Settings):
    """A grading scheme as read from its file.

    Attributes
    ----------
    name : str
        As in `grading:` of the configuration and in paths.
    title : str
        For text, e.g. "Kellgren-Lawrence".
    reference : str
        Citation key of the source in `manuscript/references.bib`.
    items : dict of str to Item
    findings : dict of str to Finding
    disease : Disease or None
    """

    name: str
    title: str
    reference: str | None = None
    items: dict[str, Item] = Field(default_factory=dict)
    findings: dict[str, Finding] = Field(default_factory=dict)
    disease: Disease | None = None

    @field_validator("items", "findings")
    @classmethod
    def _names(cls, value: Mapping[str, Any]) -> Mapping[str, Any]:
        for name in value:
            if not _NAME.match(name) or name in ("exam", "patient", "set", "disease", "view"):
                raise ValueError(f"'{name}' can't be the name of an item or finding; use a-z, 0-9 and _")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Scheme:
        ids = [outcome.id for outcome in self.outcomes] + list(self.items)
        for name in ids:
            if ids.count(name) > 1:
                raise ValueError(f"two things are both called '{name}'; rename one")
        if not ids:
            raise ValueError("a scheme needs at least one item or finding")
        return self

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
            self._rule  # noqa: B018 - compiling it finds a broken rule now, not in hours
            found.append(Outcome("disease", self.disease.title, self.disease.title, "disease"))
        found += [Outcome(name, f.title, f.title, f.kind) for name, f in self.findings.items()]
        return tuple(found)

    def outcome(self, name: str) -> Outcome:
        """Return the outcome called `name`; KeyError where there is none."""
        return {outcome.id: outcome for outcome in self.outcomes}[name]

    @cached_property
    def _rule(self) -> Callable[[Mapping[str, Any]], Any]:
        assert self.disease is not None
        return _compile(self.disease.rule, set(self.items) | set(self.findings))

    def derive(self, grades: pd.DataFrame) -> pd.DataFrame:
        """Work out every outcome from the items and findings of each exam.

        Parameters
        ----------
        grades : pandas.DataFrame
            A row an exam; columns named by item and finding, missing where not graded.
            A column that is absent counts as missing for all exams.

        Returns
        -------
        pandas.DataFrame
            A column an outcome, 1.0 where the exam is a case, 0.0 where it is a control,
            missing where an item that it rests on is missing.
        """
        import pandas as pd

        columns: dict[str, Any] = {}
        for outcome in self.outcomes:
            if outcome.kind == "disease":
                assert self.disease is not None
                names = [n for n in (*self.items, *self.findings) if re.search(rf"\b{n}\b", self.disease.rule)]
                values = {n: grades.get(n, pd.Series(float("nan"), grades.index)).astype(float) for n in names}
                known = ~pd.DataFrame(values, index=grades.index).isna().any(axis=1)
                columns[outcome.id] = pd.Series(self._rule(values), grades.index).astype(float).where(known)
            else:
                source = outcome.item or outcome.id
                value = grades.get(source, pd.Series(float("nan"), grades.index)).astype(float)
                positive = value.isin(outcome.levels) if outcome.item else value > 0
                columns[outcome.id] = positive.astype(float).where(value.notna())
        return pd.DataFrame(columns, index=grades.index)


def load_scheme(path: str | Path) -> Scheme:
    """Read a scheme from its file.

    Raises
    ------
    StudyError
        If the file is missing, not YAML, or has a hole; the message says which line to mend.
    """
    scheme = parse(Scheme, load_yaml(path), str(path))
    if scheme.name != Path(path).stem:
        raise StudyError(f"{path}: the key 'name' is '{scheme.name}'; name it like its file, '{Path(path).stem}'.")
    return scheme


_COMPARE: dict[type, Callable[[Any, Any], Any]] = {
    ast.GtE: operator.ge,
    ast.Gt: operator.gt,
    ast.LtE: operator.le,
    ast.Lt: operator.lt,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def _compile(rule: str, names: set[str]) -> Callable[[Mapping[str, Any]], Any]:
    """Turn a rule into a function of columns, allowing only what `Disease` says."""
    try:
        tree = ast.parse(rule, mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"the rule '{rule}' is not an expression") from error

    def build(node: ast.AST) -> Callable[[Mapping[str, Any]], Any]:
        match node:
            case ast.Name(id=name):
                if name not in names:
                    raise ValueError(f"the rule '{rule}' names '{name}', which is no item or finding")
                return lambda values: values[name]
            case ast.Constant(value=int() as number):
                return lambda values: number
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                inner = build(operand)
                return lambda values: ~inner(values)
            case ast.BoolOp(op=op, values=parts):
                built = [build(part) for part in parts]
                combine = operator.and_ if isinstance(op, ast.And) else operator.or_

                def both(values: Mapping[str, Any]) -> Any:
                    result = built[0](values)
                    for part in built[1:]:
                        result = combine(result, part(values))
                    return result

                return both
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                a, b = build(left), build(right)
                return lambda values: a(values) + b(values)
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARE:
                a, b, compare = build(left), build(right), _COMPARE[type(op)]
                return lambda values: compare(a(values), b(values))
        raise ValueError(f"the rule '{rule}' uses '{ast.unparse(node)}', which is not allowed there")

    return build(tree)
