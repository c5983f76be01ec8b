"""What a person watches while the network learns."""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from tqdm import tqdm


class Progress:
    """Shows where training is: a bar on a terminal, a line an epoch elsewhere; TensorBoard events on request.

    Parameters
    ----------
    epochs : int
        Of the whole run.
    images : int
        Image passes of an epoch, of the grading alone: how many of further tasks come between is left to their exams.
    done : int
        Epochs of a run that goes on.
    out : Path
        Folder whose name heads the lines, and which takes the events.
    tensorboard : bool
        Whether to write events.
    quiet : bool
        Says and writes nothing.
    """

    def __init__(self, epochs: int, images: int, done: int, out: Path, *, tensorboard: bool, quiet: bool) -> None:
        self.epochs, self.name, self.quiet = epochs, out.name, quiet
        self._terminal = sys.stderr.isatty()
        bar = {"total": epochs * images, "initial": done * images, "unit": "image", "leave": False}
        self._bar = tqdm(**bar, disable=quiet or not self._terminal)
        self._losses: list[float] = []
        self._images, self._start = 0, time.monotonic()
        self._writer: Any = None
        if tensorboard and not quiet:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(out))

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()
        if self._writer is not None:
            self._writer.close()

    def say(self, text: str) -> None:
        """Write a line."""
        if not self.quiet:
            tqdm.write(f"{self.name}: {text}", file=sys.stderr)

    def step(self, loss: float | None, images: int, further: bool) -> None:
        """Count a step of the optimiser, for the grading or for a further task."""
        self._images += images
        self._bar.update(0 if further else images)
        if loss is not None:
            self._losses.append(loss)
            self._bar.set_postfix(loss=f"{np.mean(self._losses[-20:]):.3f}", refresh=False)

    def epoch(self, row: dict[str, Any]) -> None:
        """Close an epoch."""
        speed = self._images / max(1e-9, time.monotonic() - self._start)
        self._images, self._start, self._losses = 0, time.monotonic(), []
        if not self._terminal:
            losses = " ".join(f"{key} {value:.3f}" for key, value in row.items() if key.startswith("loss_"))
            self.say(
                f"epoch {row['epoch']}/{self.epochs} {losses} validation AUC {row['auc']:.3f} ({speed:.0f} images/s)"
            )
        if self._writer is not None:
            for key, value in row.items():
                if key != "epoch" and not math.isnan(value):
                    self._writer.add_scalar(key, value, row["epoch"])
