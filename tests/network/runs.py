"""Training in processes of its own, which a test may kill."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from analysis.network import checkpoints, training
from analysis.network.settings import NetworkSettings
from analysis.processes import clean_context

GRADINGS = Path(__file__).parents[2] / "workflow" / "gradings"

#: Two groups, two tasks, two phases: all that training does, in a second or so.
SMALL: dict[str, Any] = {
    "tasks": ["fracture"],
    "width": 4,
    "groups": [{"blocks": 1, "filters": 1, "part": "image"}, {"blocks": 1, "filters": 2}],
    "reduction": 8,
    "hidden": 8,
    "training": {
        "phases": [{"epochs": 2, "learning_rate": 0.05}, {"epochs": 1, "learning_rate": 0.02, "noise": 0.05, "erase": 2}],
        "batch": 24,
        "jitters": 2,
        "task_every": 2,
        "average": 0.9,
    },
    "device": "cpu",
    "precision": "float32",
}


def settings(training: dict[str, Any] | None = None, **more: Any) -> NetworkSettings:
    """Those of SMALL with some changed."""
    return NetworkSettings.model_validate({**SMALL, **more, "training": {**SMALL["training"], **(training or {})}})


def train(cohort: Path, out: Path, chosen: NetworkSettings, seed: int = 0) -> None:
    """Train on the small cohort."""
    tasks = [(GRADINGS / f"{name}.yaml", cohort / f"{name}.parquet") for name in chosen.tasks]
    training.train(cohort / "images", cohort / "kl.parquet", GRADINGS / "kl.yaml", tasks, chosen, seed, 1, out)


def digests(folder: Path) -> dict[str, str]:
    """Hash of the results of a run."""
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in ("weights.safetensors", "curve.csv")}


def die() -> None:
    """Be killed, as by the system."""
    os.kill(os.getpid(), signal.SIGKILL)


def at_step(number: int) -> None:
    """Die after that many steps of the optimiser."""
    step, seen = training.Training.step, [0]

    def fatal(*arguments: Any, **named: Any) -> torch.Tensor:
        loss = step(*arguments, **named)
        seen[0] += 1
        if seen[0] == number:
            die()
        return loss

    training.Training.step = fatal  # type: ignore[method-assign]


def in_checkpoint(number: int) -> None:
    """Die when half of the n-th checkpoint is on the disk."""
    save, seen = torch.save, [0]

    def fatal(state: Any, path: Path) -> None:
        save(state, path)
        seen[0] += 1
        if seen[0] == number:
            os.truncate(path, path.stat().st_size // 2)
            die()

    checkpoints.torch.save = fatal


def after_weights(_: int) -> None:
    """Die when the weights are written, but not the curve."""

    def fatal(curve: training.Curve, path: Path) -> None:
        die()

    training.Curve.write = fatal  # type: ignore[method-assign]


def _run(cohort: Path, out: Path, chosen: dict[str, Any], seed: int, harm: Callable[[int], None] | None, n: int,
         environment: dict[str, str]) -> None:  # fmt: skip
    os.environ.update(environment)
    torch.set_num_threads(1)
    if harm is not None:
        harm(n)
    train(cohort, out, NetworkSettings.model_validate(chosen), seed)


def processes(cohort: Path, out: Path, chosen: NetworkSettings, environments: list[dict[str, str]] | None = None,
              harm: Callable[[int], None] | None = None, n: int = 0) -> list[int | None]:  # fmt: skip
    """Train in one process, or in one for each environment; return their exit codes."""
    context = clean_context("analysis.network.training")
    started = [
        context.Process(target=_run, args=(cohort, out, chosen.model_dump(), 0, harm, n, environment))
        for environment in environments or [{}]
    ]
    for process in started:
        process.start()
    for process in started:
        process.join(120)
    return [process.exitcode for process in started]
