"""Training in processes of its own, which a test may kill."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

from analysis.network.settings import NetworkSettings, PhaseSettings, TrainingSettings
from analysis.network.training import train as training
from analysis.network.training.curve import Curve
from analysis.network.training.optimisation import Optimisation

ROOT = Path(__file__).parents[2]
GRADINGS = ROOT / "workflow" / "gradings"

#: Two groups, two tasks, two phases: all that training does, in a second or so.
SMALL: dict[str, Any] = {
    "tasks": ["fracture"],
    "width": 4,
    "groups": [{"blocks": 1, "filters": 1, "part": "image"}, {"blocks": 1, "filters": 2}],
    "reduction": 8,
    "grades": "ordinal",
    "hidden": 8,
    "training": {
        "phases": [
            {"epochs": 2, "learning_rate": 0.05},
            {"epochs": 1, "learning_rate": 0.02, "noise": 0.05, "erase": 2},
        ],
        "optimiser": "sgd",
        "batch": 24,
        "jitters": 2,
        "task_every": 2,
        "average": 0.9,
    },
    "device": "cpu",
    "precision": "float32",
}


STILL = {"rotation": 0, "shift": 0, "stretch": 0, "mirror_horizontal": 0, "contrast": 0}
PLAIN = PhaseSettings(epochs=1, learning_rate=0.01)


def still(**more: Any) -> TrainingSettings:
    """Settings under which nothing is varied but what a test asks for."""
    own = {key: more.pop(key) for key in list(more) if key not in TrainingSettings.model_fields}
    return TrainingSettings.model_validate({**more, "augmentation": {**STILL, **own}})


def settings(training: dict[str, Any] | None = None, **more: Any) -> NetworkSettings:
    """Those of SMALL with some changed."""
    return NetworkSettings.model_validate({**SMALL, **more, "training": {**SMALL["training"], **(training or {})}})


def train(cohort: Path, out: Path, chosen: NetworkSettings, seed: int = 0) -> None:
    """Train on the small cohort."""
    tasks = [(GRADINGS / f"{name}.yaml", cohort / f"{name}.parquet") for name in chosen.tasks]
    training.train(cohort / "images", cohort / "kl.parquet", GRADINGS / "kl.yaml", tasks, chosen, seed, 1, out)


def digests(folder: Path) -> dict[str, str]:
    """Hash of the results of a run."""
    return {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in ("weights.safetensors", "curve.csv")
    }


def die() -> None:
    """Be killed, as by the system."""
    os.kill(os.getpid(), signal.SIGKILL)


def at_step(number: int) -> None:
    """Die after that many steps of the optimiser."""
    step, seen = Optimisation.step, [0]

    def fatal(*arguments: Any, **named: Any) -> torch.Tensor:
        loss = step(*arguments, **named)
        seen[0] += 1
        if seen[0] == number:
            die()
        return loss

    Optimisation.step = fatal  # type: ignore[method-assign]


def in_checkpoint(number: int) -> None:
    """Die when half of the n-th checkpoint is on the disk."""
    save, seen = torch.save, [0]

    def fatal(state: Any, path: Path) -> None:
        save(state, path)
        seen[0] += 1
        if seen[0] == number:
            os.truncate(path, path.stat().st_size // 2)
            die()

    torch.save = fatal  # type: ignore[assignment]


def after_weights(_: int) -> None:
    """Die when the weights are written, but not the curve."""

    def fatal(curve: Curve, path: Path) -> None:
        die()

    Curve.write = fatal  # type: ignore[assignment, method-assign]


def fork(function: Callable[[], None]) -> int:
    """Run in a process of its own."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            function()
            code = 0
        finally:
            sys.stderr.flush()
            os._exit(code)
    return child


def follow(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Train time and again into the same folder, by one process or several, each with the harm that is planned."""
    cohort, out, chosen = Path(plan["cohort"]), Path(plan["out"]), NetworkSettings.model_validate(plan["settings"])
    found = []
    for harm, n, world in plan["runs"]:

        def run(rank: int, harm: str = harm, n: int = n, world: int = world) -> None:
            os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(world), "MASTER_PORT": str(plan["port"])}
            if harm:
                globals()[harm](n)
            train(cohort, out, chosen)

        children = [fork(partial(run, rank)) for rank in range(world)]
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        file = out / "checkpoint.pt"
        epoch = torch.load(file, weights_only=True)["epoch"] if file.is_file() else None
        found.append({"codes": codes, "epoch": epoch})
    return found


def processes(
    cohort: Path, out: Path, chosen: NetworkSettings, plan: list[tuple[str, int, int]]
) -> list[dict[str, Any]]:
    """Follow a plan of (harm, its number, processes) in a process that has no threads; give exit codes and epochs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = {"cohort": str(cohort), "out": str(out), "settings": chosen.model_dump(), "runs": plan, "port": port}
    command = [sys.executable, "-m", "tests.network.runs", json.dumps(told)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    # What every child needs is imported once, and no thread is started before they are forked.
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "OMP_NUM_THREADS": "1"}
    torch.set_num_threads(1)
    import torch._dynamo

    print(json.dumps(follow(json.loads(sys.argv[1]))))
