"""Which processor computes, in what precision, with how many threads."""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from analysis.errors import StudyError
from analysis.machine import processor
from analysis.network.settings import NetworkSettings


@dataclass(frozen=True)
class Device:
    """Where the network runs.

    Attributes
    ----------
    torch : torch.device
        CPU or a GPU.
    precision : torch.dtype
        float32, or bfloat16 for automatic mixed precision.
    """

    torch: torch.device
    precision: torch.dtype  # type: ignore[name-defined]

    @classmethod
    def choose(cls, settings: NetworkSettings, threads: int) -> Device:
        """Choose by the settings and by what the machine has.

        Parameters
        ----------
        settings : NetworkSettings
        threads : int
            Threads of the CPU to use.

        Raises
        ------
        StudyError
            If a GPU is asked for and there is none.
        """
        torch.set_num_threads(max(1, threads))
        if settings.device == "cuda" and not torch.cuda.is_available():
            raise StudyError("network.device is 'cuda', but torch finds no GPU; set it to 'auto' or 'cpu'.")
        if settings.device != "cpu" and torch.cuda.is_available():
            device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
            torch.cuda.set_device(device)
            torch.backends.cudnn.benchmark = True
        else:
            device = torch.device("cpu")
            keep_memory()
        fast = torch.cuda.is_bf16_supported() if device.type == "cuda" else any(_bfloat16_units())
        wanted = settings.precision == "bfloat16" or (settings.precision == "auto" and fast)
        return cls(device, torch.bfloat16 if wanted else torch.float32)

    @property
    def cuda(self) -> bool:
        """Whether it is a GPU."""
        return self.torch.type == "cuda"

    def autocast(self) -> AbstractContextManager[object]:
        """Compute in the chosen precision."""
        return torch.autocast(self.torch.type, torch.bfloat16, enabled=self.precision == torch.bfloat16)

    @property
    def order(self) -> torch.memory_format:  # type: ignore[name-defined]
        """The order of images in memory that is fast there: the filters of a pixel side by side, but for bfloat16 with AMX.

        Side by side (96 pixels, width 16), float32 is 1.2 times as fast, bfloat16 with AVX-512 alone 1.3 times, and with AMX as
        fast as otherwise; convolutions of bfloat16 were once seen to crash on the way back.
        """
        matrices, vectors = _bfloat16_units()
        beside = self.cuda or self.precision == torch.float32 or (vectors and not matrices)
        return torch.channels_last if beside else torch.contiguous_format

    def place(self, network: nn.Module) -> nn.Module:
        """Move a network to the device, in the order of memory that is fast there."""
        return network.to(self.torch, memory_format=self.order)  # type: ignore[call-overload]

    def send(self, tensor: Tensor) -> Tensor:
        """Copy a tensor to the device, from pinned memory and without waiting where it is a GPU."""
        return tensor.pin_memory().to(self.torch, non_blocking=True) if self.cuda else tensor

    def about(self) -> dict[str, Any]:
        """Say what rounding depends on: processor, instruction set, precision, threads and torch's version."""
        return {
            "processor": torch.cuda.get_device_name(self.torch) if self.cuda else processor(),
            "instructions": "CUDA" if self.cuda else torch.backends.cpu.get_cpu_capability(),
            "precision": str(self.precision).removeprefix("torch."),
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
        }

    def get_chance(self) -> Tensor:
        """Get the state of torch's global generator, which layers such as dropout draw from."""
        return torch.cuda.get_rng_state(self.torch) if self.cuda else torch.get_rng_state()

    def set_chance(self, state: Tensor) -> None:
        """Set it back."""
        if self.cuda:
            torch.cuda.set_rng_state(state, self.torch)
        else:
            torch.set_rng_state(state)

    def __str__(self) -> str:
        name = torch.cuda.get_device_name(self.torch) if self.cuda else f"CPU, {torch.get_num_threads()} threads"
        return f"{name}, {str(self.precision).removeprefix('torch.')}"


def _bfloat16_units() -> tuple[bool, bool]:
    """Whether the processor multiplies matrices of bfloat16 (AMX), and whether vectors, where torch may use AVX-512."""
    if torch.backends.cpu.get_cpu_capability() != "AVX512":  # ATEN_CPU_CAPABILITY may hold it to less
        return False, False
    return torch.cpu._is_amx_tile_supported(), torch.cpu._is_avx512_bf16_supported()


def keep_memory() -> None:
    """Have freed memory kept for the next step instead of being returned to the system.

    glibc gives large blocks back as soon as they are freed, and each training step then waits
    for the system to clear the same memory again: a quarter of the time on two cores. Does
    nothing where the C library is another.
    """
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # large pages, read by torch at its first allocation
    if sys.platform != "linux":
        return
    trim_threshold, mmap_max = -1, -4  # glibc's malloc.h
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:
        return
    mallopt(mmap_max, 0)
    mallopt(trim_threshold, (1 << 31) - 1)
