"""Rules over grades, such as `kl >= 2`: the small language of the scheme files, and its checks."""

from __future__ import annotations

import ast
import itertools
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

_ORDER: dict[type, Callable[[int, int], bool]] = {
    ast.GtE: operator.ge,
    ast.Gt: operator.gt,
    ast.LtE: operator.le,
    ast.Lt: operator.lt,
}
_SAME: dict[type, Callable[[int, int], bool]] = {ast.Eq: operator.eq, ast.NotEq: operator.ne}
Range = tuple[int, int]
#: As many combinations of grades are gone through to find a rule that is always true or never.
_TRIED = 100_000


@dataclass(frozen=True)
class Rule:
    """A checked expression.

    Attributes
    ----------
    text : str
        The expression on one line.
    names : tuple of str
        The items and findings that it rests on, in alphabetical order.
    """

    text: str
    names: tuple[str, ...]

    def __call__(self, grades: pd.DataFrame) -> pd.Series:
        """Evaluate the rule.

        Parameters
        ----------
        grades : pandas.DataFrame
            One row per exam, columns named by item and finding; an absent column counts as missing.

        Returns
        -------
        pandas.Series
            1.0 where the rule holds, 0.0 where it doesn't, missing where any grade that it rests
            on is missing, even if the others would settle it: were they allowed to, exams with
            missing grades could become cases but never controls.
        """
        import pandas as pd

        values = grades.reindex(columns=list(self.names)).astype(float)
        if values.empty:
            return pd.Series(float("nan"), grades.index, dtype=float)
        holds = pd.Series(values.eval(self.text, engine="python"), grades.index)
        return holds.astype(float).where(values.notna().all(axis=1))


def parse_rule(text: str, levels: Mapping[str, int]) -> Rule:
    """Check a rule, allowing comparisons, `and`, `or`, `not`, `+`, whole numbers and names, nothing else.

    Parameters
    ----------
    text : str
        The expression.
    levels : mapping of str to int
        The highest level of each item (1 for a finding); these are the names a rule may use.

    Raises
    ------
    ValueError
        If it is no such expression, names what isn't there, or comes out the same for every grade there is, or a
        comparison in it does (`kl >= 7`).
    """
    text = " ".join(text.split())
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"the rule '{text}' is not an expression") from error
    names: set[str] = set()

    def wrong(why: str) -> ValueError:
        return ValueError(f"the rule '{text}' {why}")

    def number(node: ast.expr) -> Range:
        match node:
            case ast.Name(id=name):
                if name not in levels:
                    raise wrong(f"names '{name}', which is no item or finding of the scheme")
                names.add(name)
                return 0, levels[name]
            case ast.Constant(value=int() as value) if not isinstance(value, bool):
                return value, value
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                (a, b), (c, d) = number(left), number(right)
                return a + c, b + d
        raise wrong(f"has '{ast.unparse(node)}' where a grade, a whole number or a sum of them belongs")

    def compare(node: ast.Compare) -> None:
        ranges = [number(side) for side in (node.left, *node.comparators)]
        for op, (a, b), (c, d) in zip(node.ops, ranges[:-1], ranges[1:], strict=True):
            if type(op) in _ORDER:
                found = {_ORDER[type(op)](x, y) for x in (a, b) for y in (c, d)}
            elif type(op) in _SAME:
                apart = b < c or d < a
                found = {_SAME[type(op)](a, c)} if apart or a == b == c == d else {True, False}
            else:
                raise wrong(f"uses '{ast.unparse(node)}', which is not allowed there")
            if len(found) == 1:
                always = "true" if found.pop() else "false"
                raise wrong(f"has '{ast.unparse(node)}', which is {always} whatever the grade")

    def truth(node: ast.expr) -> None:
        match node:
            case ast.BoolOp(values=parts):
                for part in parts:
                    truth(part)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                truth(operand)
            case ast.Compare():
                compare(node)
            case _:
                raise wrong(f"has '{ast.unparse(node)}' where a comparison belongs, such as 'name >= 1'")

    truth(tree)
    if (always := _always(text, sorted(names), levels)) is not None:
        raise wrong(f"is {str(always).lower()} whatever the grade")
    return Rule(text, tuple(sorted(names)))


def _always(text: str, names: Sequence[str], levels: Mapping[str, int]) -> bool | None:
    """Return what a checked rule comes to, if that is the same for all combinations of grades."""
    if math.prod(levels[name] + 1 for name in names) > _TRIED:
        return None
    rule = compile(text, "rule", "eval")
    found: set[bool] = set()
    for grades in itertools.product(*(range(levels[name] + 1) for name in names)):
        found.add(bool(eval(rule, {"__builtins__": {}}, dict(zip(names, grades, strict=True)))))
        if len(found) > 1:
            return None
    return found.pop()
