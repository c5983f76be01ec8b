"""Random numbers by name: each use of chance has a stream of its own, so that a further use shifts no other's."""

from __future__ import annotations

import numpy as np
import torch


class Streams:
    """The random streams of one epoch.

    A stream depends on the seed, the epoch and its own name alone. A run that was stopped
    therefore needs no state of them to go on.

    Parameters
    ----------
    seed : int
        Of the run.
    epoch : int
        From 1.
    device : torch.device
        Where torch's streams draw; their numbers differ between a CPU and a GPU.
    """

    def __init__(self, seed: int, epoch: int, device: torch.device | str = "cpu") -> None:
        self._of_epoch, self._device = (seed, epoch), device
        self._numpy: dict[str, np.random.Generator] = {}
        self._torch: dict[str, torch.Generator] = {}

    def numpy(self, name: str) -> np.random.Generator:
        """Give the stream of that name; asked for again, it goes on where it was."""
        if name not in self._numpy:
            self._numpy[name] = np.random.default_rng(self._entropy(name))
        return self._numpy[name]

    def torch(self, name: str) -> torch.Generator:
        """Give the stream of that name on the device; asked for again, it goes on where it was."""
        if name not in self._torch:
            state = np.random.SeedSequence(self._entropy(name)).generate_state(1, np.uint64)
            self._torch[name] = torch.Generator(self._device).manual_seed(int(state[0]))
        return self._torch[name]

    def _entropy(self, name: str) -> list[int]:
        return [*self._of_epoch, *name.encode()]
