"""A network that is compared with others: what it is called, which it is, and what it was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.errors import StudyError
from analysis.network.form.structure import Identity, read_identity, scored_networks
from analysis.network.settings import PAPER
from analysis.network.trained.carry import DEVELOPMENT, ORIGIN
from analysis.network.trained.folder import WEIGHTS, network_name
from analysis.yaml_files import load_yaml


@dataclass(frozen=True)
class Network:
    """A network that is compared.

    Attributes
    ----------
    label : str
        What the tables call it.
    name : str
        Its own name, of its grading and its weights; see `network_name`.
    members : tuple of Identity
        One a seed.
    cohort : str
        The archive that it was trained on.
    """

    label: str
    name: str
    members: tuple[Identity, ...]
    cohort: str

    @property
    def architecture(self) -> str:
        """What makes its features, and how wide."""
        settings = self.members[0].settings
        if settings["backbone"] == PAPER:
            return f"Olsson et al. 2021, {settings['width']} filters"
        options = ", ".join(f"{key} {value}" for key, value in settings["backbone_options"].items())
        return settings["backbone"] + (f" ({options})" if options else "")

    @property
    def form(self) -> tuple[Any, ...]:
        """What tells one architecture from another."""
        settings = self.members[0].settings
        keys = ("backbone", "width", "groups") if settings["backbone"] == PAPER else ("backbone", "backbone_options")
        return tuple(str(settings.get(key)) for key in keys)


def read_network(label: str, folder: Path, grading: str, cohort: str) -> Network:
    """Read which network a folder holds.

    Parameters
    ----------
    label : str
    folder : Path
        With network/seed-S/ and the weights (or their structure.json) in it, and network/development/ where the network
        comes from another study; of the seeds those that predictions/seeds.parquet has, where it is there.
    grading : str
        Name of its grading.
    cohort : str
        The archive that it was trained on, where the folder doesn't say so.

    Raises
    ------
    StudyError
        If there is no network in the folder.
    """
    paths = [
        next((path for name in ("weights.safetensors", "structure.json") if (path := seed / name).is_file()), None)
        for seed in scored_networks(folder / "network", folder / "predictions/seeds.parquet")
    ]
    members = tuple(read_identity(path) for path in paths if path)
    if not members:
        raise StudyError(f"{folder}/network holds no weights of '{label}' (seed-S/weights.safetensors).")
    name = network_name(grading, {f"{WEIGHTS}/{number}": member.sha256 for number, member in enumerate(members)})
    origin = folder / "network" / DEVELOPMENT / ORIGIN
    told = load_yaml(origin)["cohort"].get("title") if origin.is_file() else cohort
    return Network(label, name, members, str(told or "not said"))
