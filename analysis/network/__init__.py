"""The network: its form, its training, and what it says of radiographs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analysis.network.trained.network import Trained


def load(folder: str | Path, workers: int = 1) -> Trained:
    """Load a trained network from the folder that its study wrote (`results/<cohort>/<grading>/card/`).

    Parameters
    ----------
    folder : str or Path
        The whole folder; every file is held against its hash before it is used.
    workers : int
        Threads of the CPU.

    Returns
    -------
    Trained
        Reads radiographs (`read`) and scores them (`score`).

    Raises
    ------
    StudyError
        If a file is missing, changed, unlisted or a pickle, or a tensor doesn't fit; the message names it.

    Examples
    --------
    >>> network = load("results/simulated/kl/card")  # doctest: +SKIP
    >>> image = network.read("knee.dcm")  # doctest: +SKIP
    >>> network.score([[image]], ["left"])["kl"]  # doctest: +SKIP
    """
    from analysis.network.trained.load import load as run

    return run(folder, workers)
