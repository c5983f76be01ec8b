"""Weights that say what they are, and the state from which a killed run goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from analysis.errors import StudyError
from analysis.files import atomic, note
from analysis.network.settings import FORM, TRUNK

_KEY = "network"  # all metadata under one key: the order of several is not kept in the file


class _About(BaseModel):
    """What has to be said by weights for a network to be built of them."""

    model_config = ConfigDict(strict=True)

    settings: dict[str, Any]
    tasks: dict[Annotated[str, StringConstraints(pattern=r"^\w+$")], list[str]]
    learnt: list[bool]
    seed: Annotated[int, Field(ge=0)]


def save_weights(path: Path, state: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
    """Write weights as safetensors.

    Parameters
    ----------
    path : Path
    state : mapping of str to Tensor
        As from `state_dict`.
    about : mapping
        What the file says of itself: settings, tasks with the names of their outputs, side of
        the images, hash of the data, seed, epoch. Must go through JSON.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    with atomic(path) as temporary:
        # In a piece: the library's own way to a file makes it one that its owner alone may read.
        temporary.write_bytes(save(tensors, {_KEY: json.dumps(about, sort_keys=True)}))


def read_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read weights of a network and what they say of themselves.

    Raises
    ------
    StudyError
        As `read_tensors`, and if they don't say of which network they are.
    """
    state, about = read_tensors(path)
    try:
        _About.model_validate(about)
    except ValidationError as error:
        raise StudyError(
            f"The weights {path} do not say which network they belong to ({error.errors()[0]['loc'][0]}); they are not of "
            "this project."
        ) from error
    return state, about


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `save_weights` wrote.

    Raises
    ------
    StudyError
        If the file is missing, is not safetensors, was not written by `save_weights`, or a tensor isn't finite.
    """
    if not path.is_file():
        raise StudyError(f"The weights {path} do not exist; train first, or correct the path.")
    try:
        note(path)
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in sorted(file.keys())}
    except (SafetensorError, OSError) as error:
        raise StudyError(f"The weights {path} are not a safetensors file ({error}).") from error
    try:
        about = json.loads(metadata.get(_KEY, ""))
    except ValueError:
        about = None
    if not isinstance(about, dict):
        raise StudyError(f"The weights {path} do not say which network they belong to; they are not of this project.")
    if wrong := sorted(name for name, tensor in state.items() if not tensor.isfinite().all()):
        raise StudyError(
            f"The weights {path} hold no finite numbers in {wrong[0]}; train again, or name other weights."
        )
    return state, about


def fit(path: Path, about: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """Check the metadata of weights against what is expected.

    Parameters
    ----------
    path : Path
        For the error.
    about : mapping
        From `read_weights`.
    expected : mapping
        Any of its keys; only the settings in `FORM` are compared.

    Raises
    ------
    StudyError
        Names all that differs.
    """
    found = []
    for key, want in expected.items():
        have: Any = about.get(key)
        if key == "settings":
            found += [
                f"network.{name} is {_as_yaml(have.get(name))} in the file and {_as_yaml(want[name])} in the settings"
                for name in FORM
                if have.get(name) != want[name]
            ]
        elif key == "tasks":
            for task, names in want.items():
                if task not in have:
                    found.append(f"the file has no task '{task}', only {', '.join(have)}")
                elif have[task] != names:
                    odd = sorted(set(have[task]) ^ set(names)) or ["in another order"]
                    found.append(f"the outputs of task '{task}' differ ({', '.join(odd[:5])})")
        elif key == "source" and have != want:
            found.append("the code of network.backbone is another than when they were trained")
        elif have != want:
            found.append(f"{key} is {have} in the file and {want} here")
    if found:
        raise StudyError(f"The weights {path} do not fit: {'; '.join(found)}. Train again, or name other weights.")


def _as_yaml(value: Any) -> str:
    """Write a setting as it stands in a file of settings: null and not None."""
    return value if isinstance(value, str) else json.dumps(value)


def load_weights(network: nn.Module, path: Path, state: Mapping[str, Tensor]) -> None:
    """Put weights into a network.

    Raises
    ------
    StudyError
        If the file has other tensors than the network, as that of another version may; names them.
    """
    own = network.state_dict()
    shapes = [{name: (tensor.shape, tensor.dtype) for name, tensor in one.items()} for one in (own, state)]
    odd = sorted(dict(shapes[0].items() ^ shapes[1].items()))
    if odd:
        raise StudyError(
            f"The weights {path} do not fit: missing, unknown, or of another shape or type are {', '.join(odd[:5])}"
            f"{' and others' if len(odd) > 5 else ''}. They are of another version of the network; "
            "train again, or name other weights."
        )
    network.load_state_dict(state)


def fine_tune(network: nn.Module, path: Path, settings: Mapping[str, Any]) -> list[str]:
    """Start from the weights of a file.

    What makes the features must fit; a head is taken over where its outputs are the same
    number, and stays random otherwise.

    Returns
    -------
    list of str
        The tensors that stay as they were.

    Raises
    ------
    StudyError
        If the features are made otherwise.
    """
    state, about = read_weights(path)
    fit(path, about, {"settings": {**about["settings"], **{key: settings[key] for key in TRUNK}}})
    own = network.state_dict()
    taken = {name: t for name, t in state.items() if name in own and own[name].shape == t.shape}
    network.load_state_dict(taken, strict=False)
    return sorted(set(own) - set(taken))


def save_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write all that training needs to go on, atomically."""
    with atomic(path) as temporary:
        torch.save(dict(state), temporary)


def load_state(path: Path, fingerprint: str) -> dict[str, Any] | None:
    """Read the state of a run that was stopped; None if there is none that belongs to this run."""
    if not path.is_file():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # a file of another version of torch, or no checkpoint at all: start again
        return None
    return state if state.get("fingerprint") == fingerprint else None
