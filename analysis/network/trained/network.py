"""A trained network by itself: the folder that its study made of it, loaded and asked about new images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from analysis.archive.people.names import SIDES
from analysis.archive.settings import IngestSettings
from analysis.errors import StudyError
from analysis.grading.scheme import Scheme
from analysis.imaging.image import prepare_file
from analysis.imaging.settings import ImagesSettings
from analysis.network.data import pack
from analysis.network.devices import Device
from analysis.network.feeding import Batch, plain
from analysis.network.form.architecture import KneeNet
from analysis.network.form.heads import Layout
from analysis.network.prediction import answer, refuse_none
from analysis.network.settings import NetworkSettings, PredictionSettings
from analysis.network.temperature import heat
from analysis.network.trained.folder import (
    network_name,
    read_sums,
)
from analysis.network.trained.trust import Trust

#: Images that are scored at a time. Few, since what a batch takes is kept (`keep_memory`) and batches of many sizes leave
#: gaps in it: with 64 memory grew for hundreds of batches, with 16 it stands after four, and is as fast on a CPU.
BATCH = 16


@dataclass(frozen=True)
class Asked:
    """The grading that a network is asked for."""

    layout: Layout

    @property
    def name(self) -> str:
        """Name of the scheme."""
        return self.layout.scheme.name


@dataclass(frozen=True)
class Answers:
    """What a network says of some exams.

    Attributes
    ----------
    scores : numpy.ndarray of float, shape (exams, outcomes)
        Mean over the members, at the temperature that fits the network's own validation set.
    seeds : numpy.ndarray of float, shape (members, exams, outcomes)
        Scores of each member, from 0 to 1; missing for an outcome that it never learnt.
    views : numpy.ndarray of float, shape (images, views)
        Probabilities, in the order of `schemas.VIEWS`.
    """

    scores: np.ndarray
    seeds: np.ndarray
    views: np.ndarray


@dataclass(frozen=True)
class Trained:
    """A network, loaded; see `analysis.network.load`.

    Attributes
    ----------
    folder : Path
    scheme : Scheme
        What it grades.
    cohort : str
        The title of the archive that it was trained on.
    ingest, images : Settings
        How the headers and the pixels of its radiographs were read; new ones have to be read likewise.
    settings : NetworkSettings
    prediction : PredictionSettings
        How it scores.
    temperatures : pandas.DataFrame
        See `analysis.network.temperature`.
    thresholds : pandas.DataFrame
        Index `outcome`; from `threshold` on a score means yes, as chosen on its own validation set.
    trust : Trust
        What it should not be trusted on.
    members : list of KneeNet
        One a seed, in evaluation mode.
    learnt : numpy.ndarray of bool, shape (members, outcomes)
    numbers : list of int
        The members' seeds.
    device : Device
    """

    folder: Path
    scheme: Scheme
    cohort: str
    ingest: IngestSettings
    images: ImagesSettings
    settings: NetworkSettings
    prediction: PredictionSettings
    temperatures: pd.DataFrame
    thresholds: pd.DataFrame
    trust: Trust
    members: list[KneeNet]
    learnt: np.ndarray
    numbers: list[int]
    device: Device

    @cached_property
    def asked(self) -> Asked:
        """Its head for `scheme`."""
        return Asked(Layout(self.scheme, self.settings.grades))

    @cached_property
    def outcomes(self) -> list[str]:
        """Names of the outcomes, in the order of the scores."""
        return [outcome.id for outcome in self.scheme.outcomes]

    @cached_property
    def limits(self) -> np.ndarray:
        """Threshold of each outcome, in the same order; missing where none was chosen."""
        return self.thresholds["threshold"].reindex(self.outcomes).to_numpy(float)

    @cached_property
    def name(self) -> str:
        """The network's name; see `network_name`."""
        return network_name(self.scheme.name, read_sums(self.folder))

    def read(self, path: str | Path) -> np.ndarray:
        """Read a DICOM file as the network's own radiographs were read.

        Returns
        -------
        numpy.ndarray of uint8, shape (size, size)

        Raises
        ------
        analysis.archive.dicom.dataset.Unreadable
            If it can't be read, or doesn't look like a radiograph.
        """
        return prepare_file(Path(path), self.images)[0]

    def batch(self, images: np.ndarray, exam: np.ndarray, side: pd.Series) -> Batch:
        """Put images on the device; see `answer`."""
        left = unsided = None
        if self.settings.align_sides:
            left = self.device.send(torch.from_numpy((side == "left").to_numpy(bool, copy=True)))
            missing = side.isna().to_numpy(bool, copy=True)
            unsided = self.device.send(torch.from_numpy(missing)) if missing.any() else None
        grey = plain(self.device.send(torch.from_numpy(np.ascontiguousarray(images))), left)
        index = self.device.send(torch.from_numpy(np.asarray(exam, np.int64)))
        every = self.device.send(torch.arange(len(images)))
        return Batch(grey, every, len(images), index, int(exam.max()) + 1, unsided=unsided)

    def answer(self, images: np.ndarray, exam: np.ndarray, side: pd.Series) -> Answers:
        """Score exams, each by all of its images.

        Parameters
        ----------
        images : numpy.ndarray of uint8, shape (n, size, size)
            As from `read`, the images of an exam one after the other.
        exam : numpy.ndarray of int, shape (n,)
            Which exam each image is of: 0, 0, 1 …, each number from 0 on at least once.
        side : pandas.Series, shape (n,)
            Which knee each image shows, left or right; only a network trained with `align_sides` asks for it. Where a value
            is missing, the image is taken for either, and the scores are averaged: the grade hardly depends on the
            side, but where the disease lies can't be told then.

        Returns
        -------
        Answers

        Raises
        ------
        StudyError
            If the images are of another size or type.
        """
        self._fits(images.shape[1:], images.dtype)
        numbers = np.bincount(exam)
        first = np.concatenate([[0], np.cumsum(numbers)])
        seeds: list[list[np.ndarray]] = [[] for _ in self.members]
        views: list[np.ndarray] = []
        for chosen in pack(numbers, np.arange(len(numbers)), BATCH):
            rows = slice(first[chosen[0]], first[chosen[-1] + 1])
            batch = self.batch(images[rows], exam[rows] - chosen[0], side.iloc[rows])
            with torch.inference_mode():
                found = [answer(m, self.asked, batch, self.device, self.prediction.mirrored) for m in self.members]
            refuse_none(self.folder, *(scores.outcomes for scores in found))
            for i, scores in enumerate(found):
                seeds[i].append(np.where(self.learnt[i], scores.outcomes, np.nan))
            views.append(np.mean([scores.views for scores in found], 0))
        members = np.stack([np.concatenate(parts) for parts in seeds])
        mean = torch.from_numpy(members.mean(0, dtype=np.float64))
        return Answers(heat(self.asked.layout, mean, self.temperatures).numpy(), members, np.concatenate(views))

    def _fits(self, shape: tuple[int, ...], kind: np.dtype[Any]) -> None:
        side = self.images.size
        if shape != (side, side) or kind != np.uint8:
            raise StudyError(
                f"The images are {' x '.join(map(str, shape))} pixels of {kind}, but this network takes {side} x {side} of uint8; "
                "read them by its method 'read'."
            )

    def score(self, exams: list[list[np.ndarray]], sides: Sequence[str | None]) -> pd.DataFrame:
        """Score exams given as lists of images.

        Parameters
        ----------
        exams : list of list of numpy.ndarray
            The images of each exam, as from `read`; one at least.
        sides : sequence of str or None
            Which knee each exam shows, left or right; None where nobody knows, which `answer` says more of.

        Returns
        -------
        pandas.DataFrame
            A row an exam; a column an outcome, its score from 0 to 1, and a column an item, its grade.

        Raises
        ------
        StudyError
            If an exam has no side, a word that is none, no image, or one of another size or type.
        """
        if len(sides) != len(exams):
            raise StudyError(
                f"There are {len(exams)} exams and {len(sides)} sides; give each exam one: left, right, or None where "
                "nobody knows."
            )
        told = pd.Series(list(sides), dtype=object)
        if odd := [side for side in told.dropna() if side not in SIDES]:
            raise StudyError(f"An exam's side is {odd[0]!r}; give left, right, or None where nobody knows.")
        numbers = [len(images) for images in exams]
        if not all(numbers) or not numbers:
            raise StudyError("There is no exam, or one without an image; give each at least one.")
        images = [np.asarray(image) for images in exams for image in images]
        for image in images:
            self._fits(image.shape, image.dtype)
        exam = np.repeat(np.arange(len(exams)), numbers)
        scores = self.answer(np.stack(images), exam, told.iloc[exam]).scores
        grades = self.asked.layout.predicted(scores)
        return pd.concat(
            [pd.DataFrame(scores, columns=self.outcomes), pd.DataFrame(grades, columns=list(self.scheme.items))], axis=1
        )
