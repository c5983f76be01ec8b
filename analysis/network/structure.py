"""The network's structure as it stands in its weights, so that the table can't differ from the model."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from analysis.errors import StudyError
from analysis.files import write_text

#: Tensors that are counted while training, not trained.
COUNTED = ("running_mean", "running_var", "num_batches_tracked")
BLOCK = re.compile(r"^(image|core)\.(\d+)\.(\d+)\.")

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Row:
    """Consecutive layers of one kind and size."""

    kind: str
    blocks: int
    kernel: str
    filters: int
    part: str
    parameters: int


def read_shapes(path: Path) -> Shapes:
    """Return the shape of every tensor of a safetensors file from its header, without loading it.

    Parameters
    ----------
    path : Path
        The weights, or a `structure.json` that `write_structure` made of them.

    Raises
    ------
    StudyError
        If the file is neither.
    """
    if path.suffix == ".json":
        return {name: tuple(shape) for name, shape in json.loads(path.read_text(encoding="utf-8")).items()}
    with path.open("rb") as file:
        try:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        except (ValueError, MemoryError, OverflowError) as error:
            raise StudyError(f"{path} is not a safetensors file; train the network again.") from error
    return {name: tuple(entry["shape"]) for name, entry in header.items() if name != "__metadata__"}


def write_structure(weights: Path, out: Path) -> None:
    """Write the shapes of all tensors to a JSON file: what is told of a network where its weights are too large."""
    write_text(out, json.dumps(read_shapes(weights), indent=1) + "\n")


def structure(weights: Path) -> list[Row]:
    """Return the rows of the network's table from its weights.

    Residual groups come first, in their order; then, for each task, its 1x1 convolution and its
    fully connected layers; last what is left.
    """
    shapes = read_shapes(weights)
    groups: dict[tuple[str, int], Shapes] = {}
    for name, shape in shapes.items():
        if match := BLOCK.match(name):
            groups.setdefault((match[1], int(match[2])), {})[name] = shape
    rows = [
        _residual(part, found)
        for (part, _), found in sorted(groups.items(), key=lambda entry: (entry[0][0] != "image", entry[0][1]))
    ]
    rest = {name: shape for name, shape in shapes.items() if not BLOCK.match(name)}
    if rows:
        rows.append(Row("Maximum over the images of an exam", 1, "–", rows[-1].filters, "pool", 0))
    for task, found in _tasks(rest):
        rows += _head(task, found)
    return rows


def _residual(part: str, found: Shapes) -> Row:
    kernels = {name: shape for name, shape in found.items() if len(shape) == 4}
    blocks = {BLOCK.match(name)[3] for name in kernels}  # type: ignore[index]
    last = max(kernels, key=lambda name: int(BLOCK.match(name)[3]))  # type: ignore[index]
    shape = kernels[last]
    return Row("Residual blocks", len(blocks), f"{shape[2]} × {shape[3]}", shape[0], part, _parameters(found))


def _tasks(rest: Shapes) -> list[tuple[str, Shapes]]:
    def task(name: str) -> str:
        parts = name.split(".")
        return parts[1] if parts[0] == "heads" else parts[0]

    return [(name, {key: rest[key] for key in found}) for name, found in groupby(sorted(rest, key=task), key=task)]


def _head(task: str, found: Shapes) -> list[Row]:
    rows = []
    for layer, shape in found.items():
        if not layer.endswith("weight") or len(shape) < 2:
            continue
        kind = "Convolution" if len(shape) == 4 else "Fully connected"
        kernel = f"{shape[2]} × {shape[3]}" if len(shape) == 4 else "–"
        stem = layer.removesuffix("weight")
        own = {name: value for name, value in found.items() if name.startswith(stem)}
        rows.append(Row(kind, 1, kernel, shape[0], f"task {task}", _parameters(own)))
    # A convolution comes before the layers that are fully connected to what it leaves.
    return sorted(rows, key=lambda row: row.kind)


def _parameters(found: Shapes) -> int:
    return sum(math.prod(shape) for name, shape in found.items() if not name.endswith(COUNTED))
