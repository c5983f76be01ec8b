"""Training on several processes (torchrun), so that the result is that of one process with the same batch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, distributed, nn
from torch.distributed.nn.functional import all_reduce


def world() -> tuple[int, int]:
    """Return (rank, number of processes); (0, 1) outside torchrun."""
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return 0, 1


@contextmanager
def processes(device: torch.device) -> Iterator[None]:
    """Join the processes that torchrun started, if it did: NCCL between GPUs, gloo between CPUs."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield
    finally:
        distributed.destroy_process_group()


class BatchNorm(nn.BatchNorm2d):
    """Batch norm over the whole batch, wherever its images are.

    torch's SyncBatchNorm is for GPUs only; this one works on any backend and is plain batch
    norm in a single process.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Normalise (n, filters, height, width) by filter."""
        if not self.training or world()[1] == 1:
            return super().forward(input)
        x = input.float()
        n = x.new_tensor([x.numel() / x.shape[1]])
        sums = all_reduce(torch.cat([n, x.sum((0, 2, 3)), (x * x).sum((0, 2, 3))]))
        count = sums[0]
        mean, square = (sums[1:] / count).chunk(2)
        variance = square - mean * mean
        if self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None:
            with torch.no_grad():
                rate = float(self.momentum or 0.0)
                self.running_mean.lerp_(mean.detach(), rate)
                self.running_var.lerp_(variance.detach() * count / (count - 1), rate)
                self.num_batches_tracked += 1
        shape = (1, -1, 1, 1)
        scaled = (x - mean.view(shape)) * torch.rsqrt(variance + self.eps).view(shape)
        if self.affine:
            scaled = scaled * self.weight.view(shape) + self.bias.view(shape)
        return scaled.to(input.dtype)
