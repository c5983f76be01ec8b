"""The exams of a task: which images they have, and what is known of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.errors import StudyError
from analysis.files import read_table
from analysis.grading.scheme import load_scheme
from analysis.imaging.store import ImageStore
from analysis.network.form.heads import Layout
from analysis.schemas import REFERENCE, VIEWS


@dataclass(frozen=True)
class Exams:
    """Exams of one set, in the order of their names.

    Attributes
    ----------
    table : pandas.DataFrame
        exam, patient and set, one row per exam.
    first : numpy.ndarray of int, shape (exams + 1,)
        Where each exam's images start in `positions`.
    positions : numpy.ndarray of int
        Rows of the store, exam by exam.
    grades : numpy.ndarray of float, shape (exams, items)
        Missing where not graded.
    binary : numpy.ndarray of float, shape (exams, yes-or-no outputs)
        1, 0 or missing.
    """

    table: pd.DataFrame
    first: np.ndarray
    positions: np.ndarray
    grades: np.ndarray
    binary: np.ndarray

    def __len__(self) -> int:
        return len(self.table)

    @property
    def images(self) -> np.ndarray:
        """Number of images of each exam."""
        return np.diff(self.first)

    def some(self, chosen: np.ndarray) -> Exams:
        """Give some of the exams, by position."""
        rows, number = self.images_of(chosen)
        first = np.concatenate([[0], np.cumsum(number)])
        table = self.table.iloc[chosen].reset_index(drop=True)
        return Exams(table, first, rows, self.grades[chosen], self.binary[chosen])

    def images_of(self, exams: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the store of some exams, one exam after the other, and the number of each."""
        start, number = self.first[exams], self.first[exams + 1] - self.first[exams]
        # The n-th image of all is, within its exam, n less the images of the exams before it.
        within = np.arange(number.sum()) - (np.cumsum(number) - number).repeat(number)
        return self.positions[start.repeat(number) + within], number


def pack(images: np.ndarray, order: np.ndarray, batch: int) -> list[np.ndarray]:
    """Pack whole exams into batches.

    Parameters
    ----------
    images : numpy.ndarray of int, shape (exams,)
        Image passes of each exam.
    order : numpy.ndarray of int
        The exams in the order they are to be seen.
    batch : int
        Image passes that a batch holds at most; an exam with more is a batch of its own.

    Returns
    -------
    list of numpy.ndarray
        Exams of each batch. A last batch of less than half joins the one before it: batch
        norm would make too much of a few images.
    """
    batches: list[list[int]] = [[]]
    size = 0
    for exam in order:
        if batches[-1] and size + images[exam] > batch:
            batches.append([])
            size = 0
        batches[-1].append(int(exam))
        size += images[exam]
    if len(batches) > 1 and size < batch / 2:
        last = batches.pop()
        batches[-1] += last
    return [np.array(b, int) for b in batches if b]


def stream(exams: Exams, batch: int, jitters: int, generator: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield the batches of a task without end, in a new order each time around."""
    while True:
        yield from pack(exams.images * jitters, generator.permutation(len(exams)), batch)


class Task:
    """A grading scheme with its reference standard, and the images of its exams.

    Parameters
    ----------
    scheme_file, reference_file : Path
        The scheme and its reference.parquet.
    store : ImageStore
        The prepared images.
    grades : str
        How grades are learnt.
    """

    def __init__(self, scheme_file: Path, reference_file: Path, store: ImageStore, grades: str) -> None:
        self.scheme = load_scheme(scheme_file)
        self.name = self.scheme.name
        self.layout = Layout(self.scheme, grades)
        self.reference = read_table(reference_file, REFERENCE).sort_values("exam", ignore_index=True)
        self.scheme.refuse_other(self.reference.columns, reference_file)
        self._source, self._store = reference_file, store
        exams = store.rows["exam"].to_numpy()
        # The store is sorted by exam, so that an exam's images are a stretch of it.
        self._names, start, number = np.unique(exams, return_index=True, return_counts=True)
        self._start, self._number = start, number

    def exams(self, chosen: str, labelled: bool = True) -> Exams:
        """Collect the exams of one set.

        Parameters
        ----------
        chosen : {"training", "validation", "test"}
        labelled : bool
            Of the training set: those that have any label, or those that have none.

        Raises
        ------
        StudyError
            If an exam has no prepared image.
        """
        table = self.reference[self.reference["set"] == chosen].reset_index(drop=True)
        grades = table.reindex(columns=list(self.layout.items)).to_numpy(float, na_value=np.nan)
        binary = table.reindex(columns=[o.id for o in self.layout.binary]).to_numpy(float, na_value=np.nan)
        if chosen == "training":
            wanted = (np.isnan(grades).all(1) & np.isnan(binary).all(1)) != labelled
            table, grades, binary = table[wanted].reset_index(drop=True), grades[wanted], binary[wanted]
        names = table["exam"].to_numpy(str)
        where = np.searchsorted(self._names, names)
        missing = np.array([w >= len(self._names) or self._names[w] != n for w, n in zip(where, names, strict=True)])
        if missing.any():
            why = self._store.refused(str(names[missing][0]))
            # A network from elsewhere may refuse, by how it reads images, what the study's own selection has let in.
            todo = f"{why} Leave the exam out of the readings, or this network out." if why else ""
            raise StudyError(
                f"{self._source}: exam {names[missing][0]} ({missing.sum()} in all) has no prepared image; "
                + (todo or "run 'prepare' and 'select' again.")
            )
        positions = [np.arange(self._start[w], self._start[w] + self._number[w]) for w in where]
        return Exams(
            table[["exam", "patient", "set"]],
            np.concatenate([[0], np.cumsum(self._number[where])]).astype(int),
            np.concatenate(positions) if positions else np.zeros(0, int),
            grades,
            binary,
        )

    def truth(self, exams: Exams) -> pd.DataFrame:
        """Work out every outcome of some exams: 1, 0 or missing, a column each."""
        found = self.scheme.derive(pd.DataFrame(exams.grades, columns=list(self.layout.items)))
        for i, outcome in enumerate(self.layout.binary):
            found[outcome.id] = exams.binary[:, i]
        return found

    def check(self, training: Exams, empty_levels: str) -> list[str]:
        """Refuse training exams from which something can't be learnt.

        Returns
        -------
        list of str
            What won't be learnt, for the log.

        Raises
        ------
        StudyError
            If there are no training exams, or a level of a grade has none.
        """
        if not len(training):
            raise StudyError(f"{self._source}: no training exam has a label of the scheme '{self.name}'.")
        notes = []
        for i, (name, levels) in enumerate(self.layout.items.items()):
            counts = [int((training.grades[:, i] == level).sum()) for level in range(levels)]
            for level in (level for level, count in enumerate(counts) if count == 0):
                sentence = f"no training exam has {name} {level}"
                if empty_levels == "error":
                    raise StudyError(
                        f"{self._source}: {sentence}; add exams, merge the level in the scheme, "
                        "or set network.training.empty_levels to 'skip'."
                    )
                notes.append(f"{sentence}, it will not be predicted")
        for outcome, values in zip(self.layout.binary, training.binary.T, strict=True):
            cases, controls = int((values == 1).sum()), int((values == 0).sum())
            if not cases or not controls:
                lacks = "has a label" if cases + controls == 0 else "is a case" if not cases else "is a control"
                notes.append(f"no training exam {lacks} of {outcome.id}, it will not be predicted")
        return notes

    def learnt(self, training: Exams, taught: Mapping[str, bool]) -> list[bool]:
        """For each outcome of the scheme: whether the training exams hold both cases and controls, which the loss weighs.

        `taught` says of each yes-or-no output whether it does.
        """
        known = self.truth(training)
        both = ((known == 1).any() & (known == 0).any()).to_dict()
        return [bool(both[o.id]) and taught.get(o.id, True) for o in self.scheme.outcomes]


def views(store: ImageStore) -> np.ndarray:
    """Number of each image's view, as in `schemas.VIEWS`; -1 where it isn't known."""
    return store.rows["view"].map({view: i for i, view in enumerate(VIEWS)}).fillna(-1).to_numpy(int)


def fingerprint(store: ImageStore, tasks: list[Task]) -> str:
    """Hash what the network learns from: the images, their exams, and the reference standards."""
    found = hashlib.sha256()
    found.update(store.rows[["image", "exam", "view", "side"]].astype(str).to_csv(index=False).encode())
    for start in range(0, len(store), 512):
        found.update(store[np.arange(start, min(start + 512, len(store)))].tobytes())
    for task in tasks:
        found.update(task.reference.to_csv(index=False).encode())
    return found.hexdigest()
