"""From exams to a batch on the device: read, vary, and send whole exams, packed without padding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from analysis.imaging.store import ImageStore
from analysis.network.data import Exams, views
from analysis.network.devices import Device
from analysis.network.distributed import world
from analysis.network.form.losses import Weights
from analysis.network.settings import TrainingSettings
from analysis.network.variation import Variation

A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True)
class Batch:
    """Exams on the device, ready for the network.

    Attributes
    ----------
    images : Tensor of float, shape (passes, 1, side, side)
    image, exam : Tensor of int64, shape (passes,)
        Which image and exam of the batch each pass belongs to.
    n_images, n_exams : int
    mirrored : Tensor of bool, shape (passes,), or None
        Where sides are aligned: which passes show a knee as the other side; None where none does.
    unsided : Tensor of bool, shape (passes,), or None
        Where sides are aligned: of which passes nobody knows what side they show; None where it is known of all.
    """

    images: Tensor
    image: Tensor
    n_images: int
    exam: Tensor
    n_exams: int
    mirrored: Tensor | None = None
    unsided: Tensor | None = None

    @property
    def inputs(self) -> tuple[Tensor, Tensor, int, Tensor, int]:
        """What `KneeNet` takes before the task; after it comes `mirrored`."""
        return self.images, self.image, self.n_images, self.exam, self.n_exams


@dataclass(frozen=True)
class Labels:
    """What is known of a batch's exams and images, with the weights of its loss.

    Attributes
    ----------
    grades, binary : Tensor of float, shape (exams, items) and (exams, yes-or-no outputs)
    weights : Tensor of float, shape (exams, terms)
    view : Tensor of int64, shape (images,)
    view_weights : Tensor of float, shape (images,)
    """

    grades: Tensor
    binary: Tensor
    weights: Tensor
    view: Tensor
    view_weights: Tensor


class Feeder:
    """Makes batches of a store's images.

    Parameters
    ----------
    store : ImageStore
    device : Device
    align_sides : bool
        Whether images of left knees are shown mirrored. One whose side isn't known is shown as it is.
    """

    def __init__(self, store: ImageStore, device: Device, align_sides: bool) -> None:
        self.store, self.device = store, device
        self._views = views(store)
        self._left = (store.rows["side"] == "left").to_numpy() if align_sides else None
        self._unsided = store.rows["side"].isna().to_numpy() if align_sides else None

    def plain(self, exams: Exams, chosen: np.ndarray, side: int | None = None) -> Batch:
        """Make a batch of untransformed images, one pass each, as at evaluation; reduced to `side` where it is given."""
        rows, number = exams.images_of(chosen)
        grey = shrink(self._grey(rows), side or self.store.size)
        batch = self._batch(grey, number, np.arange(len(rows)), np.arange(len(chosen)).repeat(number))
        return replace(batch, unsided=self._some(None if self._unsided is None else self._unsided[rows]))

    def training(
        self,
        exams: Exams,
        weights: Weights,
        chosen: np.ndarray,
        settings: TrainingSettings,
        variation: Variation,
        side: int | None = None,
    ) -> tuple[Batch, Labels]:
        """Make this process's part of a training batch.

        The variations are those of the whole batch's passes, of which every process keeps those of
        its own exams, and the weights of the loss are those of the whole batch: the sum over
        processes is what one process would have had.
        """
        rank, processes = world()
        rows, number = exams.images_of(chosen)
        grades, binary = exams.grades[chosen], exams.binary[chosen]
        view = self._views[rows]
        known = view >= 0
        view_weights = known * (settings.view_weight / max(1, known.sum()))
        term_weights = weights(grades, binary)
        own, jitters = share(number, rank, processes), settings.jitters
        ends = np.concatenate([[0], np.cumsum(number)])
        images = slice(ends[own.start], ends[own.stop])
        passes = slice(images.start * jitters, images.stop * jitters)

        grey = shrink(self._grey(rows[images]), side or self.store.size)
        varied = variation.apply(grey.repeat_interleave(jitters, 0) if jitters > 1 else grey, passes, self.device.send)

        number = number[own]
        batch = self._batch(
            varied,
            number,
            np.arange(number.sum()).repeat(jitters),
            np.arange(len(number)).repeat(number * jitters),
        )
        if self._unsided is not None:
            # Of an image whose side isn't known, what is learnt of the sides is as often wrong as right, and so nothing.
            known = ~self._unsided[rows[images]].repeat(jitters)
            batch = replace(batch, mirrored=self._some(variation.mirrored(passes) & known))
        labels = Labels(
            self._float(grades[own]),
            self._float(binary[own]),
            self._float(term_weights[own]),
            self.device.send(torch.from_numpy(np.maximum(view[images], 0))),
            self._float(view_weights[images]),
        )
        return batch, labels

    def _some(self, marked: np.ndarray | None) -> Tensor | None:
        return None if marked is None or not marked.any() else self.device.send(torch.from_numpy(marked))

    def _float(self, values: np.ndarray) -> Tensor:
        return self.device.send(torch.from_numpy(np.nan_to_num(values).astype(np.float32)))

    def _grey(self, rows: np.ndarray) -> Tensor:
        pixels = self.device.send(torch.from_numpy(self.store[rows]))
        return plain(pixels, None if self._left is None else self.device.send(torch.from_numpy(self._left[rows])))

    def _batch(self, images: Tensor, number: np.ndarray, image: np.ndarray, exam: np.ndarray) -> Batch:
        images = images.contiguous(memory_format=self.device.order)
        index = [self.device.send(torch.from_numpy(values)) for values in (image, exam)]
        return Batch(images, index[0], int(number.sum()), index[1], len(number))


def plain(images: Tensor, mirrored: Tensor | None = None) -> Tensor:
    """Turn stored pixels, (n, side, side) of uint8, into input of the network, (n, 1, side, side) from 0 to 1.

    `mirrored`, where given, says which images are shown mirrored left to right.
    """
    grey = images.unsqueeze(1).float().div_(255)
    return grey if mirrored is None else torch.where(mirrored.view(-1, 1, 1, 1), grey.flip(3), grey)


def shrink(grey: Tensor, side: int) -> Tensor:
    """Reduce images, (n, 1, height, width), to `side` pixels: each is the mean of those that it covers."""
    return grey if grey.shape[-1] == side else F.adaptive_avg_pool2d(grey, side)


def share(number: np.ndarray, rank: int, processes: int) -> slice:
    """Divide the exams of a batch among processes, in order and by their images.

    Parameters
    ----------
    number : numpy.ndarray of int, shape (exams,)
        Images of each exam; at least as many exams as processes.
    rank, processes : int

    Returns
    -------
    slice
        Exams of process `rank`, one at least.
    """
    ends = np.searchsorted(np.cumsum(number), number.sum() * np.arange(1, processes) / processes)
    ends = np.maximum(ends + 1, np.arange(1, processes))
    ends = np.minimum(np.maximum.accumulate(ends), len(number) - processes + np.arange(1, processes))
    for i in range(1, len(ends)):
        ends[i] = max(ends[i], ends[i - 1] + 1)
    cuts = [0, *ends.tolist(), len(number)]
    return slice(cuts[rank], cuts[rank + 1])


def ahead(function: Callable[[A], B], arguments: Iterable[A], threaded: bool, together: int = 4) -> Iterator[B]:
    """Map, with the next results worked out before they are asked for.

    Parameters
    ----------
    function : callable
        Called with one argument at a time, in order.
    arguments : iterable
    threaded : bool
        Whether the next result is worked out in a thread while this one is used, as a GPU needs it.
        On a CPU a thread would only take the cores from the network.
    together : int
        Without a thread: so many results at a time. A step of the network leaves nothing of what
        comes before it in the processor's caches, and the first batch made after one takes twice
        as long as the next.
    """
    if not threaded:
        left = iter(arguments)
        while some := list(islice(left, together)):
            yield from [function(argument) for argument in some]
        return
    with ThreadPoolExecutor(1) as pool:
        waiting = None
        for argument in arguments:
            following = pool.submit(function, argument)
            if waiting is not None:
                yield waiting.result()
            waiting = following
        if waiting is not None:
            yield waiting.result()
