"""What a task's outputs mean: grades on ordered scales, yes-or-no outcomes, and their scores."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F

from analysis.grading.rule import parse_rule
from analysis.grading.scheme import Outcome, Scheme


@dataclass(frozen=True)
class Layout:
    """The columns of a head's logits, and what follows from them.

    How grades are learnt decides the columns of an item with K levels:

    - `one-vs-rest`: none of its own; each level and each merged group is a yes-or-no output,
      learnt for itself (the paper). The predicted grade is the level with the largest logit.
    - `softmax`: K logits. A merged group's score is the sum of its levels' probabilities; the
      predicted grade is the most probable one.
    - `ordinal`: K - 1 logits of "at least level k", each the one before less a positive gap, so
      that they can't cross. The predicted grade is the number of them above one half.

    Parameters
    ----------
    scheme : Scheme
        What is graded.
    grades : {"one-vs-rest", "softmax", "ordinal"}
        How.
    """

    scheme: Scheme
    grades: str

    @cached_property
    def items(self) -> dict[str, int]:
        """Number of levels of each item."""
        return {name: len(item.levels) for name, item in self.scheme.items.items()}

    @cached_property
    def columns(self) -> dict[str, slice]:
        """Columns of the items that have some, in order."""
        if self.grades == "one-vs-rest":
            return {}
        found, start = {}, 0
        for name, levels in self.items.items():
            stop = start + (levels if self.grades == "softmax" else levels - 1)
            found[name], start = slice(start, stop), stop
        return found

    @cached_property
    def levels(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """Outcomes that follow from one item's level probabilities: the item, and the levels that are cases."""
        if self.grades == "one-vs-rest":
            return {}
        found = {o.id: (o.item, o.levels) for o in self.scheme.outcomes if o.item is not None}
        if self.scheme.disease is not None:
            names = parse_rule(self.scheme.disease.rule, self.scheme.highest).names
            if len(names) == 1 and names[0] in self.items:
                every = pd.DataFrame({names[0]: np.arange(self.items[names[0]])})
                holds = self.scheme.holds("disease", every)
                found["disease"] = (names[0], tuple(int(level) for level in np.flatnonzero(holds == 1)))
        return found

    @cached_property
    def binary(self) -> tuple[Outcome, ...]:
        """Outcomes with a yes-or-no output of their own; their columns follow the items'."""
        return tuple(outcome for outcome in self.scheme.outcomes if outcome.id not in self.levels)

    @cached_property
    def graded(self) -> tuple[bool, ...]:
        """For each of `binary`: whether it belongs to the grades rather than to the findings."""
        return tuple(outcome.kind in ("grade", "group", "disease") for outcome in self.binary)

    @property
    def width(self) -> int:
        """Number of outputs."""
        return sum(s.stop - s.start for s in self.columns.values()) + len(self.binary)

    @property
    def names(self) -> list[str]:
        """Name of each output."""
        items = [f"{name}[{i}]" for name, s in self.columns.items() for i in range(s.stop - s.start)]
        return items + [outcome.id for outcome in self.binary]

    def split(self, logits: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """Split (n, width) into the items' logits and the yes-or-no logits.

        The items' logits are (n, K) for softmax and the ordered (n, K - 1) for ordinal.
        """
        items = {name: logits[:, s] for name, s in self.columns.items()}
        if self.grades == "ordinal":
            items = {name: ordered(values) for name, values in items.items()}
        return items, logits[:, self.width - len(self.binary) :]

    def probabilities(self, logits: Tensor) -> dict[str, Tensor]:
        """Probability of each level of each item, (n, K), from logits (n, width); none for one-vs-rest."""
        items, _ = self.split(logits)
        if self.grades == "softmax":
            return {name: values.softmax(1) for name, values in items.items()}
        return {name: steps(values) for name, values in items.items()}

    def scores(self, logits: Tensor) -> Tensor:
        """Score of every outcome of the scheme, in its order.

        Parameters
        ----------
        logits : Tensor, shape (n, width)

        Returns
        -------
        Tensor, shape (n, outcomes)
            From 0 to 1, larger where a case is likelier.
        """
        probabilities = self.probabilities(logits)
        _, binary = self.split(logits)
        own = {outcome.id: binary[:, i].sigmoid() for i, outcome in enumerate(self.binary)}
        columns = []
        for outcome in self.scheme.outcomes:
            if outcome.id in self.levels:
                item, cases = self.levels[outcome.id]
                columns.append(probabilities[item][:, list(cases)].sum(1).clamp(0, 1))
            else:
                columns.append(own[outcome.id])
        return torch.stack(columns, 1) if columns else logits[:, :0]

    def predicted(self, scores: np.ndarray) -> np.ndarray:
        """Work out the grade of each item from the scores of the outcomes.

        Parameters
        ----------
        scores : numpy.ndarray, shape (n, outcomes)
            As from `scores`, or an average of them over seeds.

        Returns
        -------
        numpy.ndarray of float, shape (n, items)
            The most probable level; for ordinal the median of the levels' distribution.
        """
        position = {outcome.id: i for i, outcome in enumerate(self.scheme.outcomes)}
        grades = np.zeros((len(scores), len(self.items)))
        for i, (name, levels) in enumerate(self.items.items()):
            by_level = scores[:, [position[f"{name}_{level}"] for level in range(levels)]]
            if self.grades == "ordinal":
                at_least = by_level[:, ::-1].cumsum(1)[:, ::-1][:, 1:]
                grades[:, i] = (at_least > 0.5).sum(1)
            else:
                grades[:, i] = by_level.argmax(1)
            grades[np.isnan(by_level).any(1), i] = np.nan
        return grades


class Asked(Protocol):
    """A head of the network, by its name and the meaning of its outputs."""

    @property
    def name(self) -> str:
        """Name of the scheme."""

    @property
    def layout(self) -> Layout:
        """What its outputs mean."""


def ordered(values: Tensor) -> Tensor:
    """Turn free numbers (n, k) into k logits of "at least level 1 … k" that can't cross."""
    return torch.cat([values[:, :1], values[:, :1] - F.softplus(values[:, 1:]).cumsum(1)], 1)


def steps(at_least: Tensor) -> Tensor:
    """Turn the logits (n, K - 1) of "at least level k" into the probabilities (n, K) of the levels."""
    reached = at_least.sigmoid()
    one, zero = torch.ones_like(reached[:, :1]), torch.zeros_like(reached[:, :1])
    return torch.cat([one, reached], 1) - torch.cat([reached, zero], 1)
