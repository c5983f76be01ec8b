"""What one outcome is estimated from: the exams that have a label and a score, and how many lack them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.statistics.uncertainty.resample import clustered

Floats = npt.NDArray[np.float64]
#: Why an outcome has no estimate that the network gives no score for.
NO_SCORE = "no exam has a score"


@dataclass(frozen=True)
class Sample:
    """What one outcome has to be estimated from, in one set of exams.

    Attributes
    ----------
    truth, score : array of float, shape (n,)
        Label (1 or 0) and score of the exams that have both.
    patients : array of str, shape (n,)
    keep : array of bool
        Which of the set's exams these are.
    missing_label, missing_score : int
        Exams of the set without a label; exams with a label but without a score.
    """

    truth: Floats
    score: Floats
    patients: npt.NDArray[np.object_]
    keep: npt.NDArray[np.bool_]
    missing_label: int = 0
    missing_score: int = 0

    @property
    def cases(self) -> int:
        """Number of cases."""
        return int(self.truth.sum())

    @property
    def controls(self) -> int:
        """Number of controls."""
        return len(self.truth) - self.cases

    @property
    def fewest(self) -> int:
        """The number of patients with a case, or with a control, whichever is smaller: what large numbers rest on."""
        return min(len(set(self.patients[self.truth == label])) for label in (1, 0))

    @property
    def freedom(self) -> int:
        """Degrees of freedom of a comparison that rests on this: patients with a case and with a control, less two."""
        return sum(len(set(self.patients[self.truth == label])) for label in (1, 0)) - 2

    @property
    def clustered(self) -> bool:
        """Whether any patient has several exams here."""
        return clustered(self.patients)

    @property
    def problem(self) -> str | None:
        """Why the AUC can't be estimated, or None."""
        if not len(self.truth):
            return NO_SCORE if self.missing_score else "no exam has a label"
        if not np.isfinite(self.score).all():
            return "infinite scores"
        if not self.cases:
            return "no case"
        if not self.controls:
            return "no control"
        return None

    def part(self, keep: npt.NDArray[np.bool_]) -> Sample:
        """Return some of the exams, chosen among all exams of the set."""
        inside = keep[self.keep]
        return Sample(self.truth[inside], self.score[inside], self.patients[inside], self.keep & keep)


def make_sample(truth: Floats, score: Floats, patients: npt.NDArray[np.object_]) -> Sample:
    """Leave out, and count, the exams without a label or a score."""
    labelled = ~np.isnan(truth)
    keep = labelled & ~np.isnan(score)
    return Sample(truth[keep], score[keep], patients[keep], keep, int((~labelled).sum()), int((labelled & ~keep).sum()))
