"""Training: phases of stochastic gradient descent, tasks in turn, a checkpoint each epoch."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

from analysis.errors import StudyError
from analysis.files import write_table
from analysis.imaging.store import ImageStore
from analysis.network.architecture import KneeNet
from analysis.network.checkpoints import fine_tune, load_state, save_state, save_weights
from analysis.network.data import Exams, Task, fingerprint, pack, stream
from analysis.network.devices import Device
from analysis.network.distributed import processes, world
from analysis.network.feeding import Batch, Feeder, Labels, ahead
from analysis.network.losses import Weights, elementwise
from analysis.network.prediction import score
from analysis.network.settings import NetworkSettings, PhaseSettings
from analysis.schemas import VIEWS


class Training:
    """A network on its way through the phases.

    Parameters
    ----------
    store : ImageStore
        The prepared images.
    tasks : list of Task
        The grading first; it sets the length of an epoch. Then the tasks that share the core.
    settings : NetworkSettings
    seed : int
        Of the weights at the start, the order of the exams and their variations.
    device : Device
    """

    def __init__(
        self, store: ImageStore, tasks: list[Task], settings: NetworkSettings, seed: int, device: Device
    ) -> None:
        self.tasks, self.settings, self.device = tasks, settings, device
        self.feeder = Feeder(store, device, settings.align_sides)
        self.parts = [task.exams("training") for task in tasks]
        for task, part in zip(tasks, self.parts, strict=True):
            for note in task.check(part, settings.training.empty_levels):
                print(f"{task.name}: {note}.", flush=True)
        self.weights = [
            Weights.of(task.layout, part.grades, part.binary, settings.training)
            for task, part in zip(tasks, self.parts, strict=True)
        ]
        torch.manual_seed(seed)
        self.network = KneeNet(settings, {task.name: task.layout.width for task in tasks}, len(VIEWS))
        if settings.weights:
            kept = fine_tune(self.network, Path(settings.weights), settings.model_dump(mode="json"))
            print(f"Starting from {settings.weights}; at random stay {len(kept)} tensors.", flush=True)
        device.place(self.network)
        self.generator = np.random.default_rng(seed)
        self.noise = torch.Generator().manual_seed(seed)
        first = settings.training.phases[0]
        self.optimiser = torch.optim.SGD(
            self.network.parameters(), lr=first.learning_rate, momentum=settings.training.momentum
        )

    def steps(self, phase: PhaseSettings) -> Iterator[tuple[int, Batch, Labels]]:
        """Yield the batches of one epoch with the number of their task: the grading's, the others' in between."""
        own = self.settings.training
        order = self.generator.permutation(len(self.parts[0]))
        further = [
            stream(part, own.batch, own.jitters, np.random.default_rng(self.generator.integers(2**63)))
            for part in self.parts[1:]
        ]

        def plan() -> Iterator[tuple[int, np.ndarray]]:
            for i, chosen in enumerate(pack(self.parts[0].images * own.jitters, order, own.batch)):
                yield 0, chosen
                if further and (i + 1) % own.task_every == 0:
                    task = (i // own.task_every) % len(further)
                    yield task + 1, next(further[task])

        def make(planned: tuple[int, np.ndarray]) -> tuple[int, Batch, Labels]:
            task, chosen = planned
            batch, labels = self.feeder.training(
                self.parts[task], self.weights[task], chosen, own, phase, self.generator, self.noise
            )
            return task, batch, labels

        yield from ahead(make, plan(), self.device.cuda)

    def step(self, task: int, batch: Batch, labels: Labels) -> float:
        """Take one step of the optimiser; return the loss."""
        layout = self.tasks[task].layout
        with self.device.autocast():
            logits, view = self.network(*batch.inputs, self.tasks[task].name)
        terms = elementwise(layout, self.settings.training.loss, logits, labels.grades, labels.binary)
        loss = (terms * labels.weights).sum()
        views = torch.nn.functional.cross_entropy(view.float(), labels.view, reduction="none")
        loss = loss + (views * labels.view_weights).sum()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        if world()[1] > 1:
            # The loss is a sum over the whole batch, of which each process has a part.
            for parameter in self.network.parameters():
                if parameter.grad is None:
                    parameter.grad = torch.zeros_like(parameter)
                torch.distributed.all_reduce(parameter.grad)
        if self.settings.training.clip:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.training.clip)
        self.optimiser.step()
        return float(loss.detach())

    def epoch(self, phase: PhaseSettings, number: int, title: str) -> dict[str, float]:
        """Train for the epoch `number` (from 0) of a phase; return its losses and speed.

        Raises
        ------
        StudyError
            If the loss is no longer finite.
        """
        own = self.settings.training
        batches = pack(self.parts[0].images * own.jitters, np.arange(len(self.parts[0])), own.batch)
        losses: dict[str, list[float]] = {task.name: [] for task in self.tasks}
        passes, start = 0, time.monotonic()
        bar = tqdm(
            self.steps(phase), title, leave=False, disable=not sys.stderr.isatty(), total=len(batches), unit="step"
        )
        for i, (task, batch, labels) in enumerate(bar):
            # A quarter of a cosine over the phase, step by step.
            done = min(1.0, (number + i / (len(batches) * (1 + (len(self.tasks) > 1) / own.task_every))) / phase.epochs)
            for group in self.optimiser.param_groups:
                group["lr"] = phase.learning_rate * math.cos(done * math.pi / 2)
                group["weight_decay"] = phase.learning_rate * own.weight_decay
            loss = self.step(task, batch, labels)
            if not math.isfinite(loss):
                raise StudyError(
                    f"The loss of the task '{self.tasks[task].name}' is {loss} in {title}; "
                    "lower network.training.phases.learning_rate or set network.training.clip."
                )
            losses[self.tasks[task].name].append(loss)
            passes += len(batch.images)
            bar.set_postfix(loss=f"{loss:.3f}", speed=f"{passes / (time.monotonic() - start):.0f} images/s")
        speed = passes / (time.monotonic() - start)
        return {f"loss_{k}": float(np.mean(v)) if v else math.nan for k, v in losses.items()} | {"speed": speed}

    def validate(self, exams: Exams) -> dict[str, float]:
        """Mean AUC on validation, over the outcomes of grades and over all that have cases and controls."""
        task = self.tasks[0]
        scores = score(self.network, task, exams, self.feeder).outcomes
        names = list(task.layout.items)
        known = task.scheme.derive(pd.DataFrame(exams.grades, columns=names))
        graded, every = [], []
        for i, outcome in enumerate(task.scheme.outcomes):
            own = [j for j, o in enumerate(task.layout.binary) if o.id == outcome.id]
            truth = exams.binary[:, own[0]] if own else known[outcome.id].to_numpy(float)
            labelled = ~np.isnan(truth)
            if len(set(truth[labelled])) == 2:
                auc = float(roc_auc_score(truth[labelled], scores[labelled, i]))
                every.append(auc)
                if outcome.kind in ("grade", "group", "disease"):
                    graded.append(auc)
        mean = float(np.mean(every)) if every else math.nan
        return {"auc": float(np.mean(graded)) if graded else mean, "auc_all": mean}


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
    """Train a network, or go on where a stopped run left off.

    Parameters
    ----------
    images : Path
        Folder of prepared images.
    reference, grading : Path
        Reference standard and scheme of the grading.
    tasks : list of (Path, Path)
        Scheme and reference standard of every further task.
    settings : NetworkSettings
    seed : int
    workers : int
        Threads.
    out : Path
        Folder for weights.safetensors and curve.csv; checkpoint.pt is there while it trains.

    Raises
    ------
    StudyError
        If something can't be learnt, or the loss stops being finite.
    """
    device = Device.choose(settings, workers)
    store = ImageStore(images)
    wanted = [Task(scheme, table, store, settings.grades) for scheme, table in [(grading, reference), *tasks]]
    data = fingerprint(store, wanted)
    about = {
        "settings": settings.model_dump(mode="json"),
        "tasks": {task.name: task.layout.names for task in wanted},
        "side": store.size,
        "views": list(VIEWS),
        "data": data,
        "seed": seed,
    }
    with processes(device.torch):
        torch.use_deterministic_algorithms(not device.cuda)
        run = Training(store, wanted, settings, seed, device)
        validation = wanted[0].exams("validation")
        about["learnt"] = wanted[0].learnt(run.parts[0])
        _phases(run, validation, about, out)


def _phases(run: Training, validation: Exams, about: dict[str, Any], out: Path) -> None:
    own = run.settings.training
    mark = repr(sorted(about.items()))
    checkpoint = out / "checkpoint.pt"
    plan = [(i, j) for i, phase in enumerate(own.phases) for j in range(phase.epochs)]
    rows: list[dict[str, float]] = []
    best: dict[str, Any] = {"auc": -math.inf, "epoch": 0, "state": None}
    state = load_state(checkpoint, mark)
    if state:
        run.network.load_state_dict(state["network"])
        run.optimiser.load_state_dict(state["optimiser"])
        run.generator.bit_generator.state = state["generator"]
        run.noise.set_state(state["noise"])
        rows, best = state["rows"], state["best"]
        print(f"Going on after epoch {len(rows)} of {len(plan)}.", flush=True)
    parameters = sum(p.numel() for p in run.network.parameters())
    print(
        f"{len(run.parts[0])} exams, {run.parts[0].images.sum()} images, {parameters:,} parameters; {run.device}.",
        flush=True,
    )
    for number in range(len(rows), len(plan)):
        which, within = plan[number]
        row = run.epoch(own.phases[which], within, f"epoch {number + 1} of {len(plan)}")
        row |= run.validate(validation) if len(validation) else {"auc": math.nan, "auc_all": math.nan}
        rows.append({"epoch": number + 1, "phase": which + 1} | row)
        recent = [r["auc"] for r in rows[-own.keep_window :]]
        smooth = float(np.mean(recent)) if not any(math.isnan(value) for value in recent) else -math.inf
        if best["state"] is None or own.keep == "last" or smooth >= best["auc"]:
            kept = {name: tensor.detach().cpu().clone() for name, tensor in run.network.state_dict().items()}
            best = {"auc": smooth, "epoch": number + 1, "state": kept}
        losses = ", ".join(f"{name.removeprefix('loss_')} {row[name]:.3f}" for name in row if name.startswith("loss_"))
        print(
            f"epoch {number + 1:3d} of {len(plan)}: loss {losses}; AUC on validation {row['auc']:.3f}; "
            f"{row['speed']:.0f} images/s",
            flush=True,
        )
        if world()[0] == 0:
            save_state(
                checkpoint,
                {
                    "fingerprint": mark,
                    "network": run.network.state_dict(),
                    "optimiser": run.optimiser.state_dict(),
                    "generator": run.generator.bit_generator.state,
                    "noise": run.noise.get_state(),
                    "rows": rows,
                    "best": best,
                },
            )
    if world()[0] == 0:
        # Speed differs from run to run; it stands in the log, not in a result.
        write_table(pd.DataFrame(rows).drop(columns="speed"), out / "curve.csv")
        save_weights(out / "weights.safetensors", best["state"], about | {"epoch": best["epoch"]})
        checkpoint.unlink(missing_ok=True)
