"""The network's table: a network describes itself when it is trained, and its weights carry the description."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.errors import StudyError
from analysis.files import read_bytes, read_table, write_text

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Row:
    """Consecutive layers of one kind and size.

    Attributes
    ----------
    kind : str
        What they are, as the table names it.
    blocks : int
        How many there are.
    kernel : str
        As "3 × 3"; "–" where there is none.
    filters : int or None
        Filters, or units, that go out.
    part : str
        The part of the network that they belong to: image, core, pool, or a task.
    parameters : int
        Numbers that are trained.
    """

    kind: str
    blocks: int
    kernel: str
    filters: int | None
    part: str
    parameters: int


def parameters(module: nn.Module) -> int:
    """Count the numbers of a module that are trained."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def describe(module: nn.Module, part: str) -> list[Row]:
    """List the rows of a module: those that it gives itself, or else its layers in order.

    Parameters
    ----------
    module : torch.nn.Module
        One with a method `describe` lists its own rows, each a `Row` or a mapping of its attributes.
    part : str
        What the rows of another one belong to.

    Returns
    -------
    list of Row
        Their parameters add up to those of the module.

    Raises
    ------
    StudyError
        If the rows that the module gives are no rows, or leave parameters out.
    """
    own: Callable[[], Iterable[Any]] | None = getattr(module, "describe", None)
    if own is None:
        return _layers(module, part)
    name = f"{type(module).__module__}.{type(module).__name__}"
    try:
        rows = [row if isinstance(row, Row) else Row(**row) for row in own()]
    except TypeError as error:
        raise StudyError(
            f"What {name}.describe() returns are no rows of a table ({error}); see {Row.__module__}."
        ) from error
    told = sum(row.parameters for row in rows)
    if told != parameters(module):
        raise StudyError(
            f"{name}.describe() lists {told} parameters of {parameters(module)}; correct it, or leave it out, "
            "and the layers are listed in order."
        )
    return rows


def _layers(module: nn.Module, part: str) -> list[Row]:
    """List layers with weights in order; what else is trained (norms, say) counts with the layer before it."""
    rows: list[Row] = []
    seen: set[int] = set()
    ahead = 0
    for layer in module.modules():
        new = [p for p in layer.parameters(recurse=False) if id(p) not in seen]
        seen |= {id(parameter) for parameter in new}
        number = sum(parameter.numel() for parameter in new if parameter.requires_grad)
        weight = getattr(layer, "weight", None)
        shape = tuple(getattr(weight, "shape", ()))
        if new and len(shape) >= 2:
            out = getattr(layer, "out_channels", getattr(layer, "out_features", shape[0]))
            kernel = " × ".join(map(str, shape[2:])) or "–"
            row = Row(_kind(layer), 1, kernel, int(out), part, number + ahead)
            ahead = 0
            if rows and (rows[-1].kind, rows[-1].kernel, rows[-1].filters) == (row.kind, row.kernel, row.filters):
                last = rows.pop()
                row = replace(last, blocks=last.blocks + 1, parameters=last.parameters + row.parameters)
            rows.append(row)
        elif rows:
            rows[-1] = replace(rows[-1], parameters=rows[-1].parameters + number)
        else:
            ahead += number
    return rows or [Row(type(module).__name__, 1, "–", None, part, ahead)]


def _kind(layer: nn.Module) -> str:
    name = type(layer).__name__
    kinds = {"ConvTranspose": "Transposed convolution", "Conv": "Convolution", "Linear": "Fully connected"}
    return next((kind for start, kind in kinds.items() if name.startswith(start)), name)


def read_structure(path: Path) -> list[Row]:
    """Read the rows of a network's table, without loading its weights.

    Parameters
    ----------
    path : Path
        The weights, or a `structure.json` that `write_structure` made of them.

    Raises
    ------
    StudyError
        If the file is neither, or the weights don't describe their network.
    """
    rows: list[Row] = _read(path, lambda about: [Row(**row) for row in about["structure"]])
    return rows


def read_computed(path: Path) -> dict[str, Any]:
    """Read by what a network was trained: processor, instructions, precision, threads, torch's version."""
    computed: dict[str, Any] = _read(path, lambda about: dict(about["computed"]))
    return computed


#: The settings that say what makes features; `analysis.network.settings` has them, too, but takes longer to import.
TRUNK = ("backbone", "backbone_options", "width", "groups")


@dataclass(frozen=True)
class Identity:
    """Which network a file holds the weights of.

    Attributes
    ----------
    sha256 : str
        Of the weights.
    data : str
        Hash of what it learnt from: images, exams and readings.
    side : int
        Pixels of its images.
    settings : dict
        Its architecture: the keys `TRUNK` of the section `network` that it was trained by.
    parameters : int
        Numbers that were trained.
    """

    sha256: str
    data: str
    side: int
    settings: dict[str, Any]
    parameters: int


def read_identity(path: Path) -> Identity:
    """Read which network a file belongs to, without loading its weights; of a `structure.json` that of the weights.

    Raises
    ------
    StudyError
        As `read_structure`.
    """
    rows = read_structure(path)

    def take(about: dict[str, Any]) -> Identity:
        digest = about["sha256"] if path.suffix == ".json" else hashlib.sha256(read_bytes(path)).hexdigest()
        settings = {name: about["settings"][name] for name in TRUNK if name in about["settings"]}
        return Identity(digest, str(about["data"]), int(about["side"]), settings, sum(row.parameters for row in rows))

    found: Identity = _read(path, take)
    return found


def _read(path: Path, take: Callable[[dict[str, Any]], Any]) -> Any:
    try:
        if path.suffix == ".json":
            return take(json.loads(path.read_text(encoding="utf-8")))
        with path.open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        return take(json.loads(header["__metadata__"]["network"]))
    except (ValueError, MemoryError, OverflowError, KeyError, TypeError) as error:
        raise StudyError(
            f"{path} does not describe the network that it belongs to; train the network again."
        ) from error


def write_structure(weights: Path, out: Path) -> None:
    """Write rows, processor and identity to a JSON file: what is told of a network where its weights are too large."""
    own = read_identity(weights)
    about = {
        **{"structure": [asdict(row) for row in read_structure(weights)], "computed": read_computed(weights)},
        **{"sha256": own.sha256, "data": own.data, "side": own.side, "settings": own.settings},
    }
    write_text(out, json.dumps(about, indent=1, ensure_ascii=False) + "\n")


def scored_networks(network: Path, members: Path | None) -> list[Path]:
    """Return the folders of a study's networks, by seed; one of a seed that was asked for before may still lie there.

    Parameters
    ----------
    network : Path
        With seed-S/ in it.
    members : Path or None
        seeds.parquet of the predictions, which has the seeds that are asked for; without it all count.
    """
    found = sorted(network.glob("seed-*"), key=lambda path: int(path.name[5:]))
    if members is None or not members.is_file():
        return found
    seeds = {f"seed-{seed}" for seed in read_table(members, columns=["seed"])["seed"].unique()}
    return [path for path in found if path.name in seeds]
