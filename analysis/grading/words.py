"""A rule over grades in words, as a manuscript prints it: `kl >= 2` is "a Kellgren-Lawrence grade of 2 or higher"."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.grading.scheme import Scheme

#: What each comparison asks, in words, and what its opposite does.
_OPERATORS: dict[type, tuple[Callable[[int, int], bool], str, str]] = {
    ast.GtE: (operator.ge, "at least as high as", "lower than"),
    ast.Gt: (operator.gt, "higher than", "at most as high as"),
    ast.LtE: (operator.le, "at most as high as", "higher than"),
    ast.Lt: (operator.lt, "lower than", "at least as high as"),
    ast.Eq: (operator.eq, "the same as", "other than"),
    ast.NotEq: (operator.ne, "other than", "the same as"),
}


def in_words(rule: str, scheme: Scheme) -> str:
    """Put a rule into words.

    Parameters
    ----------
    rule : str
        A rule that the scheme was found to understand (`analysis.grading.rule.parse_rule`).
    scheme : Scheme
        Names its items and findings.

    Returns
    -------
    str
        A noun phrase. Several ways to fulfil the rule are listed after "any of the following".
    """
    node = ast.parse(" ".join(rule.split()), mode="eval").body
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
        return f"any of the following: {'; '.join(_tell(part, scheme) for part in node.values)}"
    return _tell(node, scheme)


def _tell(node: ast.expr, scheme: Scheme, no: bool = False) -> str:
    """Put a part of a rule, or its opposite, into words."""
    match node:
        case ast.BoolOp(op=op, values=parts):
            told = [_tell(part, scheme, no) for part in parts]
            return f"either {' or '.join(told)}" if isinstance(op, ast.Or) != no else ", together with ".join(told)
        case ast.UnaryOp(operand=operand):
            return _tell(operand, scheme, not no)
        case ast.Compare():
            return _compared(node, scheme, no)
    raise ValueError(f"'{ast.unparse(node)}' is no part of a rule")


def _compared(node: ast.Compare, scheme: Scheme, no: bool) -> str:
    """Put a comparison into words: by the values that it admits where it is of one thing, else pair by pair."""
    sides = [node.left, *node.comparators]
    things = {ast.unparse(side): side for side in sides if _names(side)}
    if len(things) > 1:
        return f" {'or' if no else 'and'} ".join(
            f"{_graded(left, scheme)} {_OPERATORS[type(op)][2 if no else 1]} {_graded(right, scheme)}"
            for left, op, right in zip(sides, node.ops, sides[1:], strict=False)
        )
    (thing,) = things.values()
    names = _names(thing)
    admitted = []
    for value in range(sum(scheme.highest[name] for name in names) + 1):
        values = [value + _constant(side) if _names(side) else _constant(side) for side in sides]
        pairs = zip(values, node.ops, values[1:], strict=False)
        if all(_OPERATORS[type(op)][0](left, right) for left, op, right in pairs) != no:
            admitted.append(value)
    highest = sum(scheme.highest[name] for name in names)
    if len(names) > 1:
        titles = [_title(name, scheme) for name in names]
        return f"grades of {_listed(titles)} that add up to {_range(admitted, highest, 'more', 'less')}"
    title = _title(names[0], scheme)
    if names[0] in scheme.findings:
        return f"{'presence' if admitted == [1] else 'absence'} of {title}"
    told = _range(admitted, highest, "higher", "lower")
    return f"{_article(title)} {title} of {told}" if title.endswith("grade") else f"{title} of grade {told}"


def _range(admitted: Sequence[int], highest: int, more: str, less: str) -> str:
    if not admitted:
        return "nothing that there is"
    first, last = admitted[0], admitted[-1]
    if len(admitted) <= last - first:  # with a gap
        return _listed([str(value) for value in admitted], "or")
    if first == last:
        return str(first)
    if last == highest:
        return f"{first} or {more}"
    return f"{last} or {less}" if first == 0 else f"{first} to {last}"


def _names(node: ast.expr) -> list[str]:
    return [part.id for part in ast.walk(node) if isinstance(part, ast.Name)]


def _constant(node: ast.expr) -> int:
    values = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)]
    return sum(value for value in values if isinstance(value, int))


def _graded(node: ast.expr, scheme: Scheme) -> str:
    parts: list[Any] = [f"the grade of {_title(name, scheme)}" for name in _names(node)]
    constant = _constant(node)
    return " plus ".join([*parts, str(constant)] if constant or not parts else parts)


def _title(name: str, scheme: Scheme) -> str:
    title = (scheme.items.get(name) or scheme.findings[name]).title
    first = title.split(" ", 1)[0]
    ordinary = first[1:].islower() and "-" not in first
    return title[:1].lower() + title[1:] if ordinary else title


def _article(title: str) -> str:
    return "an" if title[:1].lower() in "aeiou" else "a"


def _listed(parts: Sequence[str], last: str = "and") -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {last} {parts[-1]}"
