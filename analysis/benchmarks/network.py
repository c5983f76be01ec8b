"""The rate of training against a bare loop that pushes ready tensors through the same network, in the same run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import torch
from torch.utils.flop_counter import FlopCounterMode

from analysis.files import write_table
from analysis.grading.scheme import Scheme, load_scheme
from analysis.imaging.store import ImageStore
from analysis.network.data import Task, pack
from analysis.network.devices import Device
from analysis.network.feeding import Batch
from analysis.network.form.architecture import KneeNet
from analysis.network.settings import NetworkSettings
from analysis.network.training.optimisation import optimiser
from analysis.network.training.progress import Progress
from analysis.network.training.train import Training
from analysis.schemas import PREPARED, REFERENCE, VIEWS

#: Dense peak in bfloat16 by a part of the GPU's name, 10^12 operations a second, from NVIDIA's data sheets.
PEAK = {
    **{"H200": 989, "H100 PCIe": 756, "H100 NVL": 835, "H100": 989, "B200": 2250, "A100": 312, "A800": 312},
    **{"L40S": 362, "L40": 181, "L4": 121, "A40": 150, "A30": 165, "A10": 125, "RTX 4090": 165, "RTX 3090": 71},
}


@dataclass(frozen=True)
class Rate:
    """What was measured for one number of images per exam.

    Attributes
    ----------
    images : int
        Images of each exam.
    passes : int
        Image passes of an epoch.
    training, bare : float
        Median passes a second.
    ratios, by_processor : numpy.ndarray
        Rate of training as a share of the bare loop's, by repeat; by the clock, and by the processor's time,
        which counts what the process computed and not what it waited for others.
    operations : float
        Floating-point operations of a pass, forward and backward, a multiplication and an addition being two.
    """

    images: int
    passes: int
    training: float
    bare: float
    ratios: np.ndarray
    by_processor: np.ndarray
    operations: float


def bench(
    settings: NetworkSettings,
    grading: Path,
    *,
    side: int,
    per_exam: tuple[int, ...],
    steps: int,
    repeats: int,
    workers: int,
) -> Iterator[Rate]:
    """Time training and the bare loop in turn, on made-up images in a store on the disk.

    Training reads and varies images, packs exams, and computes loss, gradients and step, as in a
    study; validation and checkpoints, which come once an epoch, aren't counted. The bare loop has
    tensors of the same shapes ready on the device, and does forward, backward and step.

    Parameters
    ----------
    settings : NetworkSettings
        Their further tasks are left out.
    grading : Path
        The scheme.
    side : int
        Side of the images, pixels.
    per_exam : tuple of int
        Images of each exam, to be tried one after the other.
    steps : int
        Steps of an epoch.
    repeats : int
        Epochs timed, each way; one more goes ahead to warm up.
    workers : int
        Threads.

    Yields
    ------
    Rate
        For each number of images per exam.
    """
    told = settings.training
    quiet = told.model_copy(update={"empty_levels": "skip", "tensorboard": False, "phases": told.phases[-1:]})
    settings = settings.model_copy(update={"tasks": (), "weights": None, "training": quiet})
    device = Device.choose(settings, workers)
    for images in per_exam:
        exams = max(2, steps * (told.batch // (images * told.jitters)))
        with TemporaryDirectory() as name:
            _make(Path(name), load_scheme(grading), exams, images, side)
            store = ImageStore(Path(name))
            task = Task(grading, Path(name) / "reference.parquet", store, settings.grades)
            training = Training(store, [task], settings, 0, device, Path(name))
            yield _measure(training, images, repeats)


def _make(folder: Path, scheme: Scheme, exams: int, images: int, side: int) -> None:
    """Write a store of noise and a reference standard of random grades."""
    generator = np.random.default_rng(0)
    n = exams * images
    np.save(folder / "pixels-0.npy", generator.integers(0, 255, (n, side, side), dtype=np.uint8))
    names = np.array([f"e{i:06}" for i in range(exams)])
    rows = pd.DataFrame(
        {
            "image": [f"i{i:07}" for i in range(n)],
            "exam": names.repeat(images),
            "view": np.array(VIEWS)[np.arange(n) % len(VIEWS)],
            "side": np.array(["left", "right"])[np.arange(n) % 2],
            "shard": 0,
            "row": np.arange(n),
        }
    )
    write_table(rows, folder / "rows-0.parquet", PREPARED)
    grades = pd.DataFrame({name: generator.integers(0, len(item.levels), exams) for name, item in scheme.items.items()})
    findings = {f: generator.integers(0, 2, exams) for f in scheme.findings}
    table = pd.DataFrame({"exam": names, "patient": names, "set": "training"})
    known = pd.concat([table, grades.astype(float), pd.DataFrame(findings).astype(float)], axis=1)
    derived = scheme.derive(known)
    write_table(pd.concat([table, grades.astype(float), derived], axis=1), folder / "reference.parquet", REFERENCE)


class _Turns(Progress):
    """Lets the bare loop take its step after each step of training, so that both see the same of the machine."""

    def __init__(self, out: Path, bare: _Bare, clock: Callable[[], np.ndarray], alternate: bool) -> None:
        super().__init__(1, 1, 0, out, tensorboard=False, quiet=True)
        self.bare, self.clock, self.alternate = bare, clock, alternate
        self.taken, self.count = np.zeros(2), 0

    def step(self, loss: float | None, images: int, further: bool) -> None:
        """Take the bare loop's step, and note its seconds."""
        if self.alternate:
            start = self.clock()
            self.bare.step(self.bare.model, self.bare.batches[self.count % len(self.bare.batches)])
            self.taken += self.clock() - start
            self.count += 1


def _measure(training: Training, images: int, repeats: int) -> Rate:
    exams, device, told = training.exams[0], training.device, training.training
    phase = told.phases[-1]  # the one with noise and erased blocks, where there are any
    bare = _Bare(training, pack(exams.images * told.jitters, np.arange(len(exams)), told.batch))
    passes = int(exams.images.sum()) * told.jitters

    def clock() -> np.ndarray:
        if device.cuda:
            torch.cuda.synchronize()
        return np.array([time.perf_counter(), time.process_time()])

    seconds = []
    for _ in range(repeats + 1):
        # On a GPU the next batch is made while this one is used, and so the two take turns by epoch.
        turns = _Turns(training.out, bare, clock, alternate=not device.cuda)
        start = clock()
        training._epoch(phase, 0, 1, turns)
        own = clock() - start - turns.taken
        if device.cuda:
            start = clock()
            bare.epoch()
            turns.taken = clock() - start
        seconds.append([own, turns.taken])
    took = np.array(seconds[1:])  # the first one warms up
    ratios = took[:, 1] / took[:, 0]
    middle = np.median(took[:, :, 0], 0)
    return Rate(
        images,
        passes,
        float(passes / middle[0]),
        float(passes / middle[1]),
        ratios[:, 0],
        ratios[:, 1],
        bare.operations(),
    )


class _Bare:
    """The loop without a feeder: ready tensors, forward, backward, step."""

    def __init__(self, training: Training, batches: list[np.ndarray]) -> None:
        self.device, self.task = training.device, training.tasks[0].name
        told = training.training
        self.network: KneeNet = training.network
        self.model = training.model
        self.optimiser = optimiser(self.network, told, rate=1e-6)
        exams = training.exams[0]
        self.batches = []
        for chosen in batches:
            number = exams.images[chosen]
            index = [np.arange(number.sum()).repeat(told.jitters), np.arange(len(chosen)).repeat(number * told.jitters)]
            image, exam = (torch.from_numpy(values).to(self.device.torch) for values in index)
            shape = (len(index[0]), 1, training.store.size, training.store.size)
            pixels = torch.rand(shape, device=self.device.torch)
            pixels = pixels.contiguous(memory_format=self.device.order)
            self.batches.append(Batch(pixels, image, int(number.sum()), exam, len(chosen)))

    def step(self, model: torch.nn.Module, batch: Batch) -> None:
        """Forward, backward, step."""
        with self.device.autocast():
            logits, views = model(*batch.inputs, self.task)
        self.optimiser.zero_grad(set_to_none=True)
        (logits.float().square().mean() + views.float().square().mean()).backward()
        self.optimiser.step()

    def epoch(self) -> None:
        """Go once through the batches."""
        self.model.train()
        for batch in self.batches:
            self.step(self.model, batch)

    def operations(self) -> float:
        """Count the floating-point operations of a pass."""
        counter = FlopCounterMode(display=False)
        with counter:
            self.step(self.network, self.batches[0])
        return counter.get_total_flops() / len(self.batches[0].images)


def report(rate: Rate, settings: NetworkSettings, device: Device, exams: int) -> str:
    """Put a rate into words: ratio, computing done, and the time that a study's epochs would take.

    Parameters
    ----------
    rate : Rate
    settings : NetworkSettings
        Of the study.
    device : Device
    exams : int
        Training exams of the study.
    """
    t = settings.training
    ratio, processor = (
        f"{np.median(values):.3f} ({values.min():.3f} to {values.max():.3f})"
        for values in (rate.ratios, rate.by_processor)
    )
    lines = [
        f"{rate.images} images per exam: training {rate.training:.1f} image passes/s, bare loop {rate.bare:.1f}; "
        f"ratio {ratio}, median and range of {len(rate.ratios)}"
        + ("" if device.cuda else f"; by processor time {processor}")
    ]
    done = rate.training * rate.operations / 1e12
    peak = peak_of(str(device)) if device.cuda else None
    share = f", {done / peak:.0%} of the {peak} that the data sheet gives as its dense peak in bfloat16" if peak else ""
    lines.append(f"  {rate.operations / 1e9:.1f} GFLOP a pass, {done:.2f} TFLOP/s{share}")
    epochs = sum(phase.epochs for phase in t.phases)
    others = 1 + len(settings.tasks) / t.task_every
    hours = exams * rate.images * t.jitters * others * epochs / rate.training / 3600
    lines.append(
        f"  all {epochs} epochs of {exams} exams at this size"
        + (f", with the steps of {len(settings.tasks)} further task(s)" if settings.tasks else "")
        + f": {hours:.1f} hours without validation"
    )
    return "\n".join(lines)


def peak_of(name: str) -> int | None:
    """Dense peak of a GPU in bfloat16, 10^12 operations a second; None where it isn't known."""
    return next((peak for part, peak in PEAK.items() if part in name), None)
