"""The losses of a head's terms, their masks and class weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from analysis.network.form.heads import Layout
from analysis.network.settings import TrainingSettings


def elementwise(
    layout: Layout,
    loss: str,
    logits: Tensor,
    grades: Tensor,
    binary: Tensor,
    margin: float = 1.0,
    smoothing: float = 0.0,
) -> Tensor:
    """Loss of each exam by term: the items that have logits of their own, then the yes-or-no outputs.

    Parameters
    ----------
    layout : Layout
        Meaning of the logits.
    loss : {"cross_entropy", "hinge"}
        Of the yes-or-no outputs.
    logits : Tensor, shape (n, layout.width)
    grades : Tensor, shape (n, items)
        Level of each item; any number where it is missing.
    binary : Tensor, shape (n, yes-or-no outputs)
        1, 0, or any number between where it is missing.
    margin : float
        Of the hinge.
    smoothing : float
        Share of an item's label that goes to the neighbouring levels; of items that have logits of their own.

    Returns
    -------
    Tensor, shape (n, terms)
        Losses, zero or more; those of missing labels mean nothing and are masked by `Weights`.
    """
    items, outputs = layout.split(logits.float())
    terms = []
    for i, name in enumerate(layout.items):
        if name not in items:
            continue
        values, levels = items[name], grades[:, i].long()
        shares = _smoothed(levels, layout.items[name], smoothing)
        if layout.grades == "softmax":
            terms.append(F.cross_entropy(values, shares, reduction="none"))
        else:
            reached = shares.flip(1).cumsum(1).flip(1)[:, 1:]
            terms.append(F.binary_cross_entropy_with_logits(values, reached, reduction="none").sum(1))
    if loss == "hinge":
        # ASSUME: two-sided, a case should score above the margin, a control below its negative (authors' public trainer).
        own = F.relu(margin - (2 * binary - 1) * outputs)
    else:
        own = F.binary_cross_entropy_with_logits(outputs, binary, reduction="none")
    return torch.cat([torch.stack(terms, 1), own], 1) if terms else own


def _smoothed(levels: Tensor, count: int, smoothing: float) -> Tensor:
    """Share of each level in a label, (n, count): neighbours get half of `smoothing` each, an end's only one all of it."""
    below, above = levels - 1, levels + 1
    first = torch.where(below < 0, above, below)
    last = torch.where(above >= count, below, above)
    each = [F.one_hot(level.clamp(0, count - 1), count).float() for level in (levels, first, last)]
    return (1 - smoothing) * each[0] + smoothing / 2 * (each[1] + each[2])


@dataclass(frozen=True)
class Weights:
    """Class weights from the training exams, and the weight of each term.

    Attributes
    ----------
    layout : Layout
        Meaning of the terms.
    items : dict of str to numpy.ndarray
        Weight of each level of the items that have logits of their own.
    binary : numpy.ndarray, shape (2, yes-or-no outputs)
        Weight of controls and cases.
    terms : numpy.ndarray, shape (terms,)
        Weight of each term in the sum.
    """

    layout: Layout
    items: dict[str, np.ndarray]
    binary: np.ndarray
    terms: np.ndarray

    @classmethod
    def of(cls, layout: Layout, grades: np.ndarray, binary: np.ndarray, settings: TrainingSettings) -> Weights:
        """Count the classes of the training exams, and weigh them as the settings say.

        Parameters
        ----------
        layout : Layout
        grades : numpy.ndarray, shape (exams, items)
            Missing where not graded.
        binary : numpy.ndarray, shape (exams, yes-or-no outputs)
            1, 0 or missing.
        settings : TrainingSettings
        """
        power = {"none": 0.0, "root": 0.5, "inverse": 1.0}[settings.class_weights]
        items = {
            name: _weights(np.array([(grades[:, i] == level).sum() for level in range(levels)]), power)
            for i, (name, levels) in enumerate(layout.items.items())
            if name in layout.columns
        }
        counts = np.stack([(binary == 0).sum(0), (binary == 1).sum(0)]) if binary.size else np.zeros((2, 0))
        weights = np.stack([_weights(column, power) for column in counts.T], 1) if counts.size else counts
        graded = np.array(layout.graded, bool)
        cases = counts[1] / np.maximum(1, counts.sum(0))
        spread = (cases * (1 - cases)) ** {"equal": 0.0, "deviation": 0.5, "variance": 1.0}[settings.findings_share]
        # An output that has only ever seen one answer learns nothing; it doesn't count.
        learnt = (counts > 0).all(0)
        own = np.zeros(len(graded))
        # The grades weigh 1 in all, however many items a scheme has: the learning rate needn't be tuned again for each.
        each = 1 / max(1, len(layout.items))
        # Beside the items' own terms, what is graded is a disease rule over several items, which counts as one more.
        for of_grades, total, size in (
            (True, each if layout.columns else 1.0, np.ones_like(spread)),
            (False, settings.findings_weight, spread),
        ):
            used = learnt & (graded == of_grades)
            own[used] = total * size[used] / size[used].sum()
        return cls(layout, items, weights, np.concatenate([np.full(len(items), each), own]))

    @property
    def taught(self) -> dict[str, bool]:
        """For each yes-or-no output, whether it has a weight in the loss."""
        weights = self.terms[len(self.items) :] > 0
        return dict(zip((outcome.id for outcome in self.layout.binary), weights.tolist(), strict=True))

    def __call__(self, grades: np.ndarray, binary: np.ndarray) -> np.ndarray:
        """Weight of each exam's terms in a batch, (n, terms), zero where the label is missing.

        The weights of a term add up to the term's own weight, so that the loss of the batch is
        the sum of weight times elementwise loss, on however many processes it is spread.
        """
        columns = []
        for i, name in enumerate(self.layout.items):
            if name in self.items:
                known = ~np.isnan(grades[:, i])
                level = np.where(known, grades[:, i], 0).astype(int)
                columns.append(np.where(known, self.items[name][level], 0.0))
        own = np.where(np.isnan(binary), 0.0, np.where(binary == 1, self.binary[1], self.binary[0]))
        weights = np.column_stack([*columns, own])
        total = weights.sum(0)
        return weights / np.where(total > 0, total, 1) * self.terms


def _weights(counts: np.ndarray, power: float) -> np.ndarray:
    """Weights by class, whose mean over the exams is 1; an empty class gets 0."""
    weights = np.where(counts > 0, 1.0 / np.maximum(counts, 1.0) ** power, 0.0)
    mean = (weights * counts).sum() / max(1.0, counts.sum())
    return weights / mean if mean > 0 else weights
