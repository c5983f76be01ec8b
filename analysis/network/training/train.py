"""Training: phases, tasks in turn, checkpoints, and the choice of the weights that are kept."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from analysis.errors import StudyError
from analysis.imaging.store import ImageStore
from analysis.network.checkpoints import fine_tune, load_state, save_state, save_weights
from analysis.network.data import Exams, Task, fingerprint, pack, stream
from analysis.network.devices import Device
from analysis.network.distributed import processes, world
from analysis.network.feeding import Batch, Feeder, Labels, ahead
from analysis.network.form.architecture import KneeNet
from analysis.network.form.losses import Weights
from analysis.network.prediction import score
from analysis.network.settings import NetworkSettings, PhaseSettings
from analysis.network.source import source_hash
from analysis.network.streams import Streams
from analysis.network.training.compiling import compiled
from analysis.network.training.curve import Curve, areas
from analysis.network.training.optimisation import Optimisation
from analysis.network.training.progress import Progress
from analysis.network.variation import Variation, draw
from analysis.plurals import plural
from analysis.schemas import VIEWS


def train(
    images: Path,
    reference: Path,
    grading: Path,
    tasks: list[tuple[Path, Path]],
    settings: NetworkSettings,
    seed: int,
    workers: int,
    out: Path,
) -> None:
    """Train one network.

    A run that was stopped goes on from its last epoch, and ends with the weights it would have
    had. Under torchrun each process takes its part of every batch.

    Parameters
    ----------
    images : Path
        Folder of prepared images.
    reference : Path
        reference.parquet of the grading.
    grading : Path
        Its scheme.
    tasks : list of (Path, Path)
        Scheme and reference.parquet of further tasks, which share the core.
    settings : NetworkSettings
    seed : int
        Of the weights' start, the order of the exams and their variations.
    workers : int
        Threads of the CPU.
    out : Path
        Folder for weights.safetensors and curve.csv, and while it runs checkpoint.pt.

    Raises
    ------
    StudyError
        If an exam has no image, a level of a grade no exam, weights to start from don't fit, or
        the loss is no longer a number.
    """
    device = Device.choose(settings, workers)
    with processes(device.torch):
        store = ImageStore(images)
        named = [Task(*files, store, settings.grades) for files in [(grading, reference), *tasks]]
        Training(store, named, settings, seed, device, out).run()


class Training:
    """The state of a run, and what moves it on.

    Parameters
    ----------
    store : ImageStore
    tasks : list of Task
        The grading first; it sets the length of an epoch.
    settings : NetworkSettings
    seed : int
    device : Device
    out : Path
        As for `train`.
    """

    def __init__(
        self, store: ImageStore, tasks: list[Task], settings: NetworkSettings, seed: int, device: Device, out: Path
    ) -> None:
        self.settings, self.seed, self.device, self.out = settings, seed, device, out
        self.training = settings.training
        self.store, self.tasks = store, tasks
        self.feeder = Feeder(store, device, settings.align_sides)
        largest = max((phase.side or 0 for phase in self.training.phases), default=0)
        if largest > store.size:
            raise StudyError(
                f"A phase of network.training.phases asks for images of {largest} pixels, but they were prepared with "
                f"{store.size}; lower its side, or raise images.size."
            )
        self.exams = [task.exams("training") for task in tasks]
        self.validation = [task.exams("validation") for task in tasks]
        self.notes = [
            note for task, exams in zip(tasks, self.exams, strict=True) for note in task.check(exams, self._empty)
        ]
        self.weights = [
            Weights.of(task.layout, exams.grades, exams.binary, self.training)
            for task, exams in zip(tasks, self.exams, strict=True)
        ]
        self.data = fingerprint(store, tasks)
        self.source = source_hash(settings.backbone)
        self.main = world()[0] == 0

        torch.manual_seed(seed)
        outputs = {task.name: task.layout.width for task in tasks}
        network = KneeNet(settings, outputs, len(VIEWS), store.size)
        if settings.weights:
            fresh = fine_tune(network, Path(settings.weights), settings.model_dump(mode="json"))
            self.notes.append(f"starts from {settings.weights}; at random start {len(fresh)} tensors")
        device.place(network)
        self.network: KneeNet = network
        self.model: nn.Module = network
        if settings.compile:
            self.model, note = compiled(network, device, store.size, tasks[0].name)
            self.notes.append(note)
        if world()[1] > 1:
            self.model = DistributedDataParallel(self.model, find_unused_parameters=True, broadcast_buffers=False)
        self.optimisation = Optimisation(network, self.model, self.training, device)
        self.kept: dict[str, Tensor] = {}
        self.curve = Curve([task.name for task in tasks], tasks[0].scheme)

    @property
    def _empty(self) -> str:
        return self.training.empty_levels

    def run(self) -> None:
        """Train through all phases, and write what `train` says."""
        epochs = [(i, phase, e) for i, phase in enumerate(self.training.phases) for e in range(phase.epochs)]
        done = self._resume()
        images = [int(exams.images.sum()) * self.training.jitters for exams in self.exams]
        progress = Progress(
            len(epochs), images[0], done, self.out, tensorboard=self.training.tensorboard, quiet=not self.main
        )
        if done == 0:
            progress.say(f"{plural(len(self.exams[0]), 'exam')}, {images[0]} image passes an epoch, {self.device}")
            for note in self.notes:
                progress.say(f"note: {note}")
        else:
            progress.say(f"goes on after epoch {done} of {len(epochs)}")
        with progress:
            for number, (i, phase, epoch) in list(enumerate(epochs, 1))[done:]:
                losses, rate = self._epoch(phase, epoch, number, progress)
                self._close(number, i, phase, rate, losses, last=number == len(epochs), progress=progress)
        if self.main:
            save_weights(self.out / "weights.safetensors", self.kept, self._about())
            self.curve.write(self.out / "curve.csv")
            (self.out / "checkpoint.pt").unlink(missing_ok=True)

    def _epoch(
        self, phase: PhaseSettings, epoch: int, number: int, progress: Progress
    ) -> tuple[dict[str, float], float]:
        """Go once through the grading's exams; return the mean loss of each task, and the last learning rate."""
        losses: dict[str, list[Tensor]] = {task.name: [] for task in self.tasks}
        streams = Streams(self.seed, number, self.device.torch)
        plan = list(self._plan(streams))
        passes = [int(self.exams[t].images[chosen].sum()) * self.training.jitters for t, chosen in plan]
        side = phase.side or self.store.size
        variations = draw(streams, sum(passes), side, self.training, phase).split(passes)

        def make(step: tuple[tuple[int, np.ndarray], Variation]) -> tuple[Batch, Labels]:
            (t, chosen), variation = step
            return self.feeder.training(self.exams[t], self.weights[t], chosen, self.training, variation, side)

        made = ahead(make, zip(plan, variations, strict=True), self.device.cuda)
        rate = 0.0
        self.model.train()
        for i, ((t, _), (batch, labels)) in enumerate(zip(plan, made, strict=True)):
            rate = phase.rate(epoch + i / len(plan))
            loss = self.optimisation.step(self.tasks[t], batch, labels, rate, phase)
            losses[self.tasks[t].name].append(loss)
            # To look at a loss is to wait for it, which a GPU shouldn't at each step; once not a number, it stays so.
            value = float(loss) if not self.device.cuda or i % 20 == 0 or i == len(plan) - 1 else None
            if value is not None and not math.isfinite(value):
                raise StudyError(
                    f"The loss of task '{self.tasks[t].name}' is no longer a number in epoch {number}; lower "
                    "network.training.phases' learning_rate, or set network.training.clip to 1."
                )
            progress.step(value, passes[i], further=t > 0)
        return {name: float(torch.stack(v).mean()) if v else math.nan for name, v in losses.items()}, rate

    def _plan(self, streams: Streams) -> Iterator[tuple[int, np.ndarray]]:
        """Give the epoch's batches: all of the grading's, and in turn with them some of each further task."""
        batch, jitters = self.training.batch, self.training.jitters
        orders = [streams.numpy(f"order of {task.name}") for task in self.tasks]
        main = pack(self.exams[0].images * jitters, orders[0].permutation(len(self.exams[0])), batch)
        others = [stream(exams, batch, jitters, order) for exams, order in zip(self.exams[1:], orders[1:], strict=True)]
        for i, chosen in enumerate(main, 1):
            if len(chosen) < world()[1]:
                raise StudyError(
                    f"A batch holds {len(chosen)} exams for {world()[1]} processes; "
                    "raise network.training.batch, or use fewer."
                )
            yield 0, chosen
            if i % self.training.task_every == 0:
                for t, other in enumerate(others, 1):
                    yield t, next(other)

    def _close(
        self, number: int, i: int, phase: PhaseSettings, rate: float, losses: dict[str, float], last: bool,
        progress: Progress,
    ) -> None:  # fmt: skip
        """Validate, keep the weights if they are the ones to keep, and write the checkpoint."""
        network, side = self.optimisation.kept, phase.side or self.store.size
        # Norms that know small images say nothing of large ones: each phase is validated on what it learns from.
        found = [
            areas(task, exams, score(network, task, exams, self.feeder, side).outcomes) if len(exams) else {}
            for task, exams in zip(self.tasks, self.validation, strict=True)
        ]
        self.curve.add(number, i + 1, side, rate, losses, found, self.training.keep_window)
        if (self.training.keep == "last" and last) or (self.training.keep == "best" and self.curve.is_best()):
            self.kept = {name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}
        progress.epoch(self.curve.rows[-1])
        if self.main:
            save_state(self.out / "checkpoint.pt", self._state(number))

    def _fingerprint(self) -> str:
        file = self.settings.weights
        start = (
            hashlib.sha256(Path(file).read_bytes()).hexdigest() if file else None
        )  # the name alone may stay the same
        about = [
            self._told(),
            start,
            self.source,
            self.seed,
            self.data,
            torch.__version__,
            str(self.device),
            world()[1],
        ]
        return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()

    def _state(self, number: int) -> dict[str, Any]:
        return {
            "fingerprint": self._fingerprint(),
            "epoch": number,
            **self.optimisation.state(),
            "chance": self.device.get_chance(),
            "kept": self.kept,
            "curve": json.dumps(self.curve.rows),
        }

    def _resume(self) -> int:
        """Take up the state of a run that was stopped; return the number of epochs it had done."""
        state = load_state(self.out / "checkpoint.pt", self._fingerprint())
        if world()[1] > 1:
            torch.distributed.barrier()  # the first process may remove the file before the last has read it
        if state is None:
            return 0
        self.optimisation.restore(state)
        self.device.set_chance(state["chance"])
        self.kept = state["kept"]
        self.curve.rows = json.loads(state["curve"])
        return int(state["epoch"])

    def _told(self) -> dict[str, Any]:
        # Which seeds there are besides makes no difference to this one.
        return self.settings.model_dump(mode="json", exclude={"seeds"})

    def _about(self) -> dict[str, Any]:
        return {
            "settings": self._told(),
            "source": self.source,
            "computed": self.device.about(),
            "structure": [asdict(row) for row in self.network.describe()],
            "tasks": {task.name: task.layout.names for task in self.tasks},
            "learnt": self.tasks[0].learnt(self.exams[0], self.weights[0].taught),
            "views": list(VIEWS),
            "side": self.store.size,
            "data": self.data,
            "seed": self.seed,
            "epoch": self.curve.kept_epoch(self.training.keep),
        }


__all__ = ["Exams", "Training", "train"]
