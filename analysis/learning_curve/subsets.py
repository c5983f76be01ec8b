"""Ever larger parts of the training set, each holding the smaller ones."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.active_learning.rounds import labelled
from analysis.errors import StudyError
from analysis.learning_curve.settings import Number


def subset(standard: pd.DataFrame, number: Number, seed: int) -> pd.DataFrame:
    """Draw training exams by patient.

    Patients are put in an order that the seed alone decides and taken whole, until there are as many exams as asked for,
    or a few more: a smaller number with the same seed takes a part of the same patients.

    Parameters
    ----------
    standard : pandas.DataFrame
        The whole reference standard (schema REFERENCE).
    number : int or "all"
        Training exams with a label, at least.
    seed : int

    Returns
    -------
    pandas.DataFrame
        The rows of the training exams drawn, and all of the validation and test sets.

    Raises
    ------
    StudyError
        If there are not so many.

    Examples
    --------
    >>> exams = pd.DataFrame({"exam": list("abcd"), "patient": list("ppqr"), "set": "training", "kl": 1.0})
    >>> [sorted(subset(exams, number, seed=0)["exam"]) for number in (1, 2, "all")]
    [['d'], ['c', 'd'], ['a', 'b', 'c', 'd']]
    """
    training = standard["set"] == "training"
    usable = standard[training & labelled(standard)]
    if number == "all":
        chosen = usable
    elif number > len(usable):
        raise StudyError(
            f"learning_curve.exams asks for {number} training exams, but {len(usable)} have a label; leave out what is "
            "larger ('all' stands for all of them)."
        )
    else:
        patients = np.random.default_rng([seed, 0]).permutation(np.unique(usable["patient"].astype(str)))
        so_far = usable["patient"].value_counts()[patients].cumsum()
        chosen = usable[usable["patient"].isin(patients[: int((so_far < number).sum()) + 1])]
    return standard[~training | standard["exam"].isin(chosen["exam"])].reset_index(drop=True)
