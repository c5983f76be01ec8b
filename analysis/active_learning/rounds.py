"""The exams of a round: who may be asked for, what has been labelled, and whether to go on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from analysis.errors import StudyError

_KEYS = ["exam", "patient", "set"]


def labelled(reference: pd.DataFrame) -> pd.Series:
    """Return which rows of a reference standard have any label."""
    return reference.drop(columns=_KEYS).notna().any(axis=1)


def hide(standard: pd.DataFrame, asked: Iterable[str]) -> pd.DataFrame:
    """Keep the labels of the training exams that were asked for, and hide those of all others.

    Parameters
    ----------
    standard : pandas.DataFrame
        The whole reference standard (schema REFERENCE).
    asked : iterable of str
        Exams.

    Returns
    -------
    pandas.DataFrame
        The same rows; the validation and test sets as they were.
    """
    hidden = (standard["set"] == "training") & ~standard["exam"].isin(set(asked))
    rest = standard.drop(columns=_KEYS)
    return pd.concat([standard[_KEYS], rest.mask(hidden)], axis=1)


def add_unread(standard: pd.DataFrame, exams: pd.DataFrame) -> pd.DataFrame:
    """Add a row without labels for each selected training exam that the reference standard lacks.

    Parameters
    ----------
    standard : pandas.DataFrame
        Schema REFERENCE.
    exams : pandas.DataFrame
        The selection (schema EXAMS).
    """
    unread = exams[(exams["set"] == "training") & ~exams["exam"].isin(standard["exam"])]
    return pd.concat([standard, unread[_KEYS].reindex(columns=standard.columns)], ignore_index=True)


def pool(reference: pd.DataFrame, asked: Iterable[str]) -> list[str]:
    """Return the training exams without a label that nobody has been asked for, sorted.

    An exam can have been asked for and still have no label: its reader may have found it unusable.

    Raises
    ------
    StudyError
        If one is of a patient of another set.
    """
    free = (reference["set"] == "training") & ~labelled(reference) & ~reference["exam"].isin(set(asked))
    apart = reference.loc[reference["set"] != "training", "patient"]
    mixed = reference[free & reference["patient"].isin(apart)]
    if len(mixed):
        raise StudyError(
            f"Exam {mixed['exam'].iloc[0]} could be asked for, but its patient is in the validation or test set "
            f"({len(mixed)} such exams); split the sets at patient level and run 'select' again."
        )
    return sorted(reference.loc[free, "exam"])


def draw_start(reference: pd.DataFrame, number: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw the first batch at random.

    Parameters
    ----------
    reference : pandas.DataFrame
        With every label hidden that has to be asked for; training exams that have one are counted in.
    number : int
        Labelled exams to start from.
    rng : numpy.random.Generator

    Returns
    -------
    pandas.DataFrame
        A queue: exam, place, score (missing).
    """
    have = int((labelled(reference) & (reference["set"] == "training")).sum())
    return draw(pool(reference, ()), max(0, number - have), rng)


def draw(exams: Sequence[str], number: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw a queue at random."""
    return make_queue(rng.permutation(np.array(exams, object))[:number])


def make_queue(exams: Sequence[str] | np.ndarray, score: Sequence[float] | np.ndarray | None = None) -> pd.DataFrame:
    """Make the table of a queue: exam, place (1 first), score (what it was chosen by)."""
    return pd.DataFrame(
        {
            "exam": pd.Series(list(exams), dtype="str"),
            "place": np.arange(1, len(exams) + 1),
            "score": np.full(len(exams), np.nan) if score is None else np.asarray(score, float),
        }
    )


def stop_round(performance: Sequence[float], tolerance: float, patience: int) -> int | None:
    """Return the round after which reading would stop.

    Parameters
    ----------
    performance : sequence of float
        On the validation set, by round from 0.
    tolerance : float
        A gain of no more than this over the last round that improved is no improvement.
    patience : int
        Rounds in a row without improvement after which to stop.

    Returns
    -------
    int or None
        None where there is reason to go on, and where some round has no performance: what isn't known may still rise.
    """
    if not np.isfinite(performance).all():
        return None
    last = 0
    for number in range(1, len(performance)):
        if performance[number] > performance[last] + tolerance:
            last = number
        elif number - last >= patience:
            return number
    return None
