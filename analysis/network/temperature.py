"""Temperature: scores made less or more certain, as fits the validation set (Guo et al., ICML 2017)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
import torch
from scipy.special import expit, logit
from torch import Tensor

from analysis.network.form.heads import Layout

#: Scores nearer to 0 or 1 than this have no finite logit.
EPSILON = 1e-12
#: A set with fewer exams that are known, or fewer cases or controls, fits no temperature.
FEWEST = 10
#: The temperatures that are looked at; a set that a network gets wholly right would ask for 0.
RANGE = (0.2, 5.0)


@dataclass(frozen=True)
class _Part:
    """Outcomes that share a temperature: those of one item's levels, or a kind of yes-or-no outputs."""

    name: str
    columns: list[int]
    ordered: bool


def _parts(layout: Layout) -> Iterator[_Part]:
    position = {outcome.id: i for i, outcome in enumerate(layout.scheme.outcomes)}
    for name in layout.columns:
        levels = [position[f"{name}_{level}"] for level in range(layout.items[name])]
        yield _Part(name, levels, ordered=True)
    for name, wanted in (("grades", True), ("findings", False)):
        own = [position[o.id] for o, graded in zip(layout.binary, layout.graded, strict=True) if graded == wanted]
        if own:
            yield _Part(name, own, ordered=False)


def fit_temperatures(layout: Layout, scores: np.ndarray, truth: pd.DataFrame) -> pd.DataFrame:
    """Find the temperature of each part of the scores at which the known answers are likeliest.

    An item's is that of the log odds of "at least level k", the same for each k: what is in order stays in order, the
    levels' probabilities still add up to 1, and AUCs of a level and all above or below are the same to the digit. The
    yes-or-no outputs of the grades share one, and those of the findings another: most have too few cases for their own.

    Parameters
    ----------
    layout : Layout
    scores : numpy.ndarray, shape (exams, outcomes of the scheme)
        Of the exams of the validation set; from 0 to 1, missing where never learnt.
    truth : pandas.DataFrame
        1, 0 or missing by outcome, for the same exams.

    Returns
    -------
    pandas.DataFrame
        part, exams (that are known), temperature; 1 where there are fewer than ten exams, cases or controls.
    """
    names = [outcome.id for outcome in layout.scheme.outcomes]
    rows = []
    for part in _parts(layout):
        answers = truth[[names[i] for i in part.columns]].to_numpy(float, na_value=np.nan)
        odds = _odds(scores, part)
        if part.ordered:
            answers = answers[:, ::-1].cumsum(1)[:, ::-1][:, 1:]
        known = ~np.isnan(answers) & ~np.isnan(odds)
        exams, cases = int(known.any(1).sum()), int(answers[known].sum())
        rows.append({"part": part.name, "exams": exams, "temperature": 1.0})
        if min(exams, cases, known.sum() - cases) >= FEWEST:
            rows[-1]["temperature"] = _likeliest(odds, answers, known, part.ordered)
    return pd.DataFrame(rows, columns=["part", "exams", "temperature"])


def _likeliest(odds: np.ndarray, answers: np.ndarray, known: np.ndarray, ordered: bool) -> float:
    whole = known.all(1)

    def loss(log_temperature: float) -> float:
        at = expit(odds / np.exp(log_temperature))
        if ordered:
            chance = (_levels(at) * _levels(answers))[whole].sum(1)
        else:
            chance = np.where(answers == 1, at, 1 - at)[known]
        return float(-np.log(np.clip(chance, EPSILON, 1)).mean())

    from scipy.optimize import minimize_scalar  # takes long to import, and only fitting asks for it

    return float(np.exp(minimize_scalar(loss, bounds=np.log(RANGE), method="bounded").x))


def unheated(layout: Layout, temperatures: pd.DataFrame) -> list[str]:
    """Name the parts of the scores that a table has no temperature in `RANGE` of, as one of another network has."""
    there = set(temperatures.loc[temperatures["temperature"].between(*RANGE), "part"])
    return [part.name for part in _parts(layout) if part.name not in there]


def heat(layout: Layout, scores: Tensor, temperatures: pd.DataFrame) -> Tensor:
    """Give scores their temperature.

    Parameters
    ----------
    layout : Layout
    scores : Tensor, shape (exams, outcomes of the scheme)
        Missing where never learnt.
    temperatures : pandas.DataFrame
        From `fit_temperatures`.

    Returns
    -------
    Tensor
        As `scores`; those of several levels are the sum of the levels'.
    """
    own = temperatures.set_index("part")["temperature"]
    found = list(scores.unbind(1))
    for part in _parts(layout):
        by = float(own[part.name])
        if by == 1:
            continue  # to the last digit what it was
        known = [scores[:, i].nan_to_num() for i in part.columns]
        if not part.ordered:
            heated = dict(zip(part.columns, (_heat(score, by) for score in known), strict=True))
        else:
            at = [_heat(torch.stack(known[k:]).sum(0), by) for k in range(1, len(known))]
            at = [torch.ones_like(known[0]), *at, torch.zeros_like(known[0])]
            levels = [above - higher for above, higher in pairwise(at)]
            heated = {
                i: torch.stack([levels[k] for k in layout.levels[outcome.id][1]]).sum(0).clamp(0, 1)
                for i, outcome in enumerate(layout.scheme.outcomes)
                if layout.levels.get(outcome.id, ("",))[0] == part.name
            }
        for i, values in heated.items():
            found[i] = torch.where(scores[:, i].isnan(), scores[:, i], values)
    return torch.stack(found, 1)


def _heat(score: Tensor, by: float) -> Tensor:
    near = score.clamp(EPSILON, 1 - EPSILON)
    return ((near.log() - (1 - near).log()) / by).sigmoid()


def _odds(scores: np.ndarray, part: _Part) -> np.ndarray:
    values = scores[:, part.columns]
    if part.ordered:
        values = np.nan_to_num(values)[:, ::-1].cumsum(1)[:, ::-1][:, 1:]
    odds: np.ndarray = logit(np.clip(values, EPSILON, 1 - EPSILON))
    return odds


def _levels(at_least: np.ndarray) -> np.ndarray:
    """Turn numbers for "at least level 1 … K - 1" into those of the K levels."""
    one, zero = np.ones((len(at_least), 1)), np.zeros((len(at_least), 1))
    levels: np.ndarray = np.hstack([one, at_least]) - np.hstack([at_least, zero])
    return levels
