"""Grades of new knees: scores, yes or no, what to doubt, and a row with a reason for what could not be graded."""

from __future__ import annotations

import sys
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from analysis.archive.dicom.corrections import count_corrections
from analysis.archive.dicom.dataset import Unreadable
from analysis.archive.knees.units import boxes
from analysis.archive.reasons import sentence
from analysis.files import atomic
from analysis.imaging.decoding import decode_files
from analysis.inference.files import Knee, by_knee, knees
from analysis.inference.graded import MARKS, Graded
from analysis.inference.memory import EVERY, give_back
from analysis.inference.radiograph import parted, prepare_plain, prepare_shown
from analysis.inference.table import Table
from analysis.network.trained.network import BATCH, Trained
from analysis.plurals import plural

#: What is said when the first knee is graded.
FIRST = "The first knee is graded."


@dataclass
class Counts:
    """What became of the files: found = graded + refused + duplicates. A film of both knees is one file.

    `reasons` are those of what was not graded, in sentences.
    """

    found: int = 0
    graded: int = 0
    refused: int = 0
    duplicates: int = 0
    knees: int = 0
    doubted: int = 0
    corrected: list[str] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        found, duplicates = plural(self.found, "file"), plural(self.duplicates, "duplicate")
        files = f"{found} found = {self.graded} graded + {self.refused} refused + {duplicates}"
        put_right = "".join(f", {code} {n}" for code, n in count_corrections(self.corrected))
        knees = f"{plural(self.knees, 'knee')}, of which {self.doubted} should not be trusted without a look"
        return f"{files}; {knees}{put_right}"


def grade(
    network: Trained, files: pd.DataFrame, out: Path, show: Callable[[Graded], None] | None = None, workers: int = 1
) -> Counts:
    """Grade every knee, and write grades.csv.

    Parameters
    ----------
    network : Trained
    files : pandas.DataFrame
        From `collect`.
    out : Path
        Folder for grades.csv.
    show : callable, optional
        Is given every graded knee, with its images to look at.
    workers : int
        Threads that score, a batch each.

    Returns
    -------
    Counts

    Raises
    ------
    RuntimeError
        If the files don't add up: graded, refused and duplicates are not those found.
    """
    counts = Counts(found=len(files))
    # Of a film of both knees one may be graded and the other refused: the film counts as graded, and each has its row.
    graded = set[str]()
    with atomic(out / "grades.csv") as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        table = Table(network, file)
        for one in _graded(network, files, show is not None, workers):
            if isinstance(one, Graded):
                table.graded(one)
                graded |= set(one.knee.files["path"])
                counts.knees += 1
                counts.doubted += bool(one.marks)
                counts.corrected += one.corrected
                if show:
                    show(one)
                if one.number == 1:
                    print(FIRST, file=sys.stderr, flush=True)
            else:
                table.left_out(**one)
                counts.reasons[one["detail"]] += 1
        for path, code, detail in files.loc[files["code"].notna(), ["path", "code", "detail"]].itertuples(index=False):
            table.left_out(path, code, detail)
            counts.reasons[detail] += 1
    counts.graded, counts.duplicates = len(graded), len(table.duplicates)
    counts.refused = len(table.refused - graded)
    if counts.found != counts.graded + counts.refused + counts.duplicates:
        raise RuntimeError(f"the files don't add up: {counts}")
    return counts


@dataclass(frozen=True)
class _Read:
    """A knee whose images were read: small ones for the network, larger ones to look at."""

    knee: Knee
    images: list[np.ndarray]
    larger: list[np.ndarray]
    corrected: list[str]
    incomplete: bool


#: The cells of a file that could not be read; see `Table.left_out`.
_Refused = dict[str, Any]


def _graded(network: Trained, files: pd.DataFrame, shown: bool, workers: int) -> Iterator[Graded | _Refused]:
    """Give each knee graded, and each file that can't be read with its reason, in the order of the files."""
    # A thread scores a batch by itself: threads that share one wait for each other at every layer, and for the process
    # that decodes wherever it has the core of one of them.
    with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        ahead: deque[tuple[list[_Refused], Future[list[Graded]]]] = deque()
        number = 0
        for batch, (some, refused) in enumerate(_batches(_prepared(network, files, shown)), 1):
            ahead.append((refused, pool.submit(_answered, network, some, number)))
            number += len(some)
            if batch % EVERY == 0:
                give_back()
            while len(ahead) > workers + 1:
                yield from _in_order(*ahead.popleft())
        for one in ahead:
            yield from _in_order(*one)


def _in_order(refused: list[_Refused], graded: Future[list[Graded]]) -> Iterator[Graded | _Refused]:
    yield from refused
    yield from graded.result()


def _batches(prepared: Iterator[tuple[_Read, list[_Refused]]]) -> Iterator[tuple[list[_Read], list[_Refused]]]:
    """Give as many knees at a time as fill a batch, but the first one by itself, with the files that couldn't be read."""
    some, left_out, wanted = list[_Read](), list[_Refused](), 1
    for one, refused in prepared:
        left_out += refused
        some += [one] if one.images else []
        if sum(len(read.images) for read in some) >= wanted:
            yield some, left_out
            some, left_out, wanted = [], [], BATCH
    yield some, left_out


def _prepared(network: Trained, files: pd.DataFrame, shown: bool) -> Iterator[tuple[_Read, list[_Refused]]]:
    """Give each knee with its images, and the files of it that couldn't be read."""
    parted_files = by_knee(files)
    decoded = decode_files(
        list(parted_files["place"]), network.images, prepare_shown if shown else prepare_plain, boxes(parted_files)
    )
    for knee in knees(parted_files):
        images, larger, corrected, refused, good = [], [], [], [], []
        for path in knee.files["path"]:
            result = next(decoded)
            if isinstance(result, Unreadable):
                told = sentence(result.code, result.detail)
                refused.append({"path": path, "code": result.code, "detail": told, "side": knee.side})
            else:
                small, large = parted(result[0], network.images.size)
                images.append(small)
                corrected += [result[1]] if result[1] else []
                larger += [large] if large is not None else []
            good.append(not isinstance(result, Unreadable))
        if refused:
            knee = replace(knee, files=knee.files[good])
        yield _Read(knee, images, larger, corrected, bool(refused)), refused


def _answered(network: Trained, some: list[_Read], number: int) -> list[Graded]:
    """Grade some knees, of which the first has the number after `number`."""
    if not some:
        return []
    images = np.stack([image for read in some for image in read.images])
    exam = np.repeat(np.arange(len(some)), [len(read.images) for read in some])
    about = pd.concat([read.knee.files for read in some])
    answers = network.answer(images, exam, about["side"])
    grades = network.asked.layout.predicted(answers.scores)
    longer = about[["rows", "columns"]].max(axis=1).to_numpy(int)
    views = [view if isinstance(view, str) else None for view in about["view"]]
    of_images = network.trust.of_images(images, longer, views)
    graded = []
    for i, read in enumerate(some):
        own = {
            item: None if np.isnan(value) else int(value)
            for item, value in zip(network.scheme.items, grades[i], strict=True)
        }
        found = {mark for j in np.flatnonzero(exam == i) for mark in of_images[j]}
        for item, level in own.items():
            if level is not None:
                score = answers.scores[i][network.outcomes.index(f"{item}_{level}")]
                found |= {"unsure"} if network.trust.is_unsure(item, score) else set()
        found |= {"body_part"} if "other" in set(read.knee.files["body_part"]) else set()
        found |= {"incomplete"} if read.incomplete else set()
        found |= {"side"} if network.settings.align_sides and not read.knee.side else set()
        found |= {"cut"} if any("film_doubtful" in str(noted) for noted in read.knee.files["noted"]) else set()
        marks = [mark for mark in MARKS if mark in found]
        stack, scores, seeds = np.stack(read.images), answers.scores[i], answers.seeds[:, i]
        graded.append(Graded(number + i + 1, read.knee, stack, read.larger, scores, seeds, own, marks, read.corrected))
    return graded
