"""The learning curve: what a person watches while the network learns, and what is kept of it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.files import write_table
from analysis.grading.scheme import Scheme
from analysis.network.data import Exams, Task
from analysis.schemas.network import LEARNING


def areas(task: Task, exams: Exams, scores: np.ndarray) -> dict[str, float]:
    """Area under the ROC curve of each outcome that has cases and controls.

    Parameters
    ----------
    task : Task
    exams : Exams
    scores : numpy.ndarray, shape (exams, outcomes)

    Returns
    -------
    dict of str to float
        By outcome; the share of pairs of a case and a control in which the case scores higher,
        ties counting one half.
    """
    truth = task.truth(exams)
    found = {}
    for i, outcome in enumerate(task.scheme.outcomes):
        known = truth[outcome.id].notna().to_numpy()
        case = truth[outcome.id].to_numpy()[known] == 1
        n, m = int(case.sum()), int((~case).sum())
        if n and m and not np.isnan(scores[known, i]).any():
            ranks = pd.Series(scores[known, i]).rank().to_numpy()  # scipy.stats takes a second to import
            found[outcome.id] = float((ranks[case].sum() - n * (n + 1) / 2) / (n * m))
    return found


class Curve:
    """One row per epoch.

    Parameters
    ----------
    tasks : list of str
        Names, the grading first.
    scheme : Scheme
        The grading.

    Attributes
    ----------
    rows : list of dict
        epoch, phase, side (pixels), learning_rate, loss_<task>, auc (mean over the grading's grades and groups,
        or over all of its outcomes where it has none), smooth (mean of auc over the last epochs),
        auc_<further task>, auc_<outcome>.
    """

    def __init__(self, tasks: list[str], scheme: Scheme) -> None:
        self.tasks, self.outcomes = tasks, [outcome.id for outcome in scheme.outcomes]
        graded = [outcome.id for outcome in scheme.outcomes if outcome.item]
        # The findings are rare, and their areas on a small validation set are mostly luck.
        self._judged = set(graded or self.outcomes)
        self.rows: list[dict[str, Any]] = []

    def add(
        self, epoch: int, phase: int, side: int, rate: float, losses: dict[str, float],
        found: list[dict[str, float]], window: int,
    ) -> None:  # fmt: skip
        """Add an epoch; `found` holds each task's areas by outcome, `window` the epochs `smooth` goes back."""
        row: dict[str, Any] = {"epoch": epoch, "phase": phase, "side": side, "learning_rate": rate}
        row |= {f"loss_{name}": loss for name, loss in losses.items()}
        row["auc"] = _mean({name: area for name, area in found[0].items() if name in self._judged})
        recent = [r["auc"] for r in self.rows if r["side"] == side][-(window - 1) :] if window > 1 else []
        row["smooth"] = float(np.mean([*recent, row["auc"]]))
        row |= {f"auc_{name}": _mean(areas) for name, areas in zip(self.tasks[1:], found[1:], strict=True)}
        row |= {f"auc_{name}": found[0].get(name, math.nan) for name in self.outcomes}
        self.rows.append(row)

    def is_best(self) -> bool:
        """Whether the last epoch is the best on images of its size; without a measured area, every epoch is."""
        *before, last = (row["smooth"] for row in self._of_last_size())
        measured = [smooth for smooth in before if not math.isnan(smooth)]
        return not measured or last > max(measured)

    def kept_epoch(self, keep: str) -> int:
        """Epoch whose weights are kept."""
        best = max(self._of_last_size(), key=lambda row: -math.inf if math.isnan(row["smooth"]) else row["smooth"])
        return int(self.rows[-1]["epoch"] if keep == "last" or math.isnan(best["smooth"]) else best["epoch"])

    def _of_last_size(self) -> list[dict[str, Any]]:
        return [row for row in self.rows if row["side"] == self.rows[-1]["side"]]

    def write(self, path: Path) -> None:
        """Write the rows as CSV."""
        write_table(pd.DataFrame(self.rows), path, LEARNING)


def _mean(areas: dict[str, float]) -> float:
    return float(np.mean(list(areas.values()))) if areas else math.nan
