"""What goes together in one reading: findings that imply or exclude others, and grades that don't apply."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

Values = Mapping[str, int | None]

_COMPARE: dict[type, tuple[str, Callable[[int, int], bool]]] = {
    ast.GtE: (">=", operator.ge),
    ast.Gt: (">", operator.gt),
    ast.LtE: ("<=", operator.le),
    ast.Lt: ("<", operator.lt),
    ast.Eq: ("==", operator.eq),
    ast.NotEq: ("!=", operator.ne),
}
_BY_SIGN = dict(_COMPARE.values())


def tree(rule: str) -> Any:
    """Turn a rule of a scheme, such as `kl >= 1 and not tka >= 1`, into nested lists that a page can evaluate too.

    Parameters
    ----------
    rule : str
        One that `parse_rule` has found sound.

    Returns
    -------
    list
        `[sign, left, right]`, `["and" | "or", …]`, `["not", one]`, `["+", left, right]`; numbers and names as they are.
    """
    return _branch(ast.parse(" ".join(rule.split()), mode="eval").body)


def _branch(node: ast.expr) -> Any:
    match node:
        case ast.BoolOp(op=op, values=parts):
            return ["and" if isinstance(op, ast.And) else "or", *map(_branch, parts)]
        case ast.UnaryOp(operand=operand):
            return ["not", _branch(operand)]
        case ast.BinOp(left=left, right=right):
            return ["+", _branch(left), _branch(right)]
        case ast.Compare(left=left, ops=ops, comparators=others):
            sides = [left, *others]
            pairs = [[_COMPARE[type(op)][0], _branch(sides[i]), _branch(sides[i + 1])] for i, op in enumerate(ops)]
            return pairs[0] if len(pairs) == 1 else ["and", *pairs]
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return name
    raise ValueError(ast.unparse(node))


def names(branch: Any) -> set[str]:
    """Return the items and findings that a rule rests on."""
    if isinstance(branch, list):
        return set().union(*(names(part) for part in branch[1:]))
    return {branch} if isinstance(branch, str) else set()


def holds(branch: Any, values: Values) -> bool | None:
    """Evaluate a rule on one reading; None where a value that it rests on is missing."""
    if any(values.get(name) is None for name in names(branch)):
        return None
    return bool(_value(branch, values))


def _value(branch: Any, values: Values) -> int:
    if isinstance(branch, str):
        return values[branch] or 0
    if not isinstance(branch, list):
        return int(branch)
    sign, *parts = branch
    found = [_value(part, values) for part in parts]
    match sign:
        case "and":
            return int(all(found))
        case "or":
            return int(any(found))
        case "not":
            return int(not found[0])
        case "+":
            return sum(found)
    return int(_BY_SIGN[sign](*found))
