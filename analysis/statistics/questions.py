"""Which outcomes ask one and the same question: grades 0 to 1, grades 2 to 4, and disease where that is grade 2 up."""

from __future__ import annotations

import math
from collections.abc import Collection

import pandas as pd

from analysis.grading.items import Outcome
from analysis.grading.rule import parse_rule
from analysis.grading.scheme import Scheme


def question_of(scheme: Scheme, kinds: Collection[str] | None = None) -> dict[str, str]:
    """Find the outcomes that have the same cases, or each other's controls for cases, whatever is read.

    A test of one of them is a test of all: it is done once, for the first.

    Parameters
    ----------
    scheme : Scheme
    kinds : collection of str, optional
        Kinds of outcome that are asked for; without, all.

    Returns
    -------
    dict
        For each outcome the first outcome of the same question, in the scheme's order; itself where it is that.
        A rule for disease that rests on several items is a question of its own.
    """
    first: dict[tuple[str, bytes], str] = {}
    found = {}
    for outcome in scheme.outcomes:
        if kinds is not None and outcome.kind not in kinds:
            continue
        source = _source(outcome, scheme)
        if source is None:
            found[outcome.id] = outcome.id
            continue
        levels = list(scheme.items[source].levels) if source in scheme.items else [0, 1]
        label = scheme.cases(outcome, pd.DataFrame({source: levels}, dtype=float)).to_numpy() == 1
        # Complements are written alike: the lowest level counts as a control.
        found[outcome.id] = first.setdefault((source, (label ^ label[0]).tobytes()), outcome.id)
    return found


class Questions:
    """The questions that are tested one after the other: each once, whichever outcome asks it first.

    Parameters
    ----------
    scheme : Scheme
    """

    def __init__(self, scheme: Scheme) -> None:
        self._of = question_of(scheme)
        self._tested: dict[tuple[str, str], str] = {}

    def repeated(self, outcome: str, p: float, name: str = "", who: str = "") -> str | None:
        """Say that a test repeats an earlier one, or return None and remember it.

        Parameters
        ----------
        outcome : str
        p : float
            Its P value; what has none is no test.
        name : str
            What to call the outcome; its id without.
        who : str
            Whom it is compared with.
        """
        if not math.isfinite(p):
            return None
        name = name or outcome
        first = self._tested.setdefault((who, self._of[outcome]), name)
        return None if first == name else same_as(first)


def same_as(first: str) -> str:
    """Say that a question is tested with an earlier one."""
    return f"the same question as '{first}', tested there"


def _source(outcome: Outcome, scheme: Scheme) -> str | None:
    """Return the one item or finding that an outcome follows from, or None where there are several."""
    if outcome.kind != "disease":
        return outcome.item or outcome.id
    assert scheme.disease is not None
    names = parse_rule(scheme.disease.rule, scheme.highest).names
    return names[0] if len(names) == 1 else None
