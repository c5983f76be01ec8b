"""A knee with all that the network says of it, and why it should not be trusted without a look."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from analysis.network.trained.trust import MARKS as LOOKS

if TYPE_CHECKING:
    from analysis.inference.files import Knee

#: Why a graded knee should not be trusted without a look: how it looks to the network, and what its files say.
MARKS = LOOKS | {
    "body_part": "a header names another part of the body",
    "incomplete": "an image of this knee could not be read",
    "cut": "it is cut out of a film of both knees, on which the legs are not clearly apart",
    "side": "nothing says whether it is a left or a right knee, and so medial and lateral can't be told apart",
}


@dataclass(frozen=True)
class Graded:
    """One knee with all that the network says of it.

    Attributes
    ----------
    number : int
        From 1 on, in the order of the files.
    knee : Knee
        With the files that could be read.
    images : numpy.ndarray of uint8, shape (n, size, size)
    shown : list of numpy.ndarray
        The images to look at, where they were asked for.
    scores : numpy.ndarray of float, shape (outcomes,)
        What the network as a whole says.
    seeds : numpy.ndarray of float, shape (members, outcomes)
        What each member says.
    grades : dict of str to int or None
        The grade of each item.
    marks : list of str
        Keys of MARKS: why it should not be trusted.
    corrected : list of str
        For each image in whose header something was put right what it was: codes with blanks between them.
    """

    number: int
    knee: Knee
    images: np.ndarray
    shown: list[np.ndarray]
    scores: np.ndarray
    seeds: np.ndarray
    grades: dict[str, int | None]
    marks: list[str]
    corrected: list[str] = field(default_factory=list)

    @property
    def spread(self) -> float:
        """Largest difference between two members in any outcome; missing for a network of one."""
        if len(self.seeds) < 2:
            return float("nan")
        known = self.seeds[:, ~np.isnan(self.seeds).any(0)]
        return float(np.ptp(known, axis=0).max())
