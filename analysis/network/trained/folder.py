"""The folder that a trained network leaves its study in: what its files are called, and whether they are as written."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

from analysis.archive.settings import IngestSettings
from analysis.errors import StudyError
from analysis.files import read_bytes
from analysis.imaging.settings import ImagesSettings
from analysis.network.settings import NetworkSettings, PredictionSettings
from analysis.settings import Settings, parse
from analysis.yaml_files import load_yaml

#: The list of a network's files with their hashes, in the form of sha256sum.
SUMS = "SHA256SUMS"
#: What stands wherever a grade is shown.
NOT_A_DEVICE = "Not a medical device; for research only."
CONFIG, THRESHOLDS, TEMPERATURES = "config.yaml", "thresholds.csv", "temperatures.csv"
PERFORMANCE, CHARACTERISTICS = "performance.csv", "characteristics.csv"
TRUST, WEIGHTS = "trust.safetensors", "weights"

#: The sections of the configuration that a network needs to be asked about new images.
SECTIONS: dict[str, type[Settings]] = {
    **{"ingest": IngestSettings, "images": ImagesSettings},
    **{"network": NetworkSettings, "prediction": PredictionSettings},
}


def read_sections(folder: Path) -> tuple[dict[str, Any], dict[str, Settings]]:
    """Return the whole configuration that goes with a network, and its sections by name, checked.

    Raises
    ------
    StudyError
        If a key is wrong, as in a folder of another version, or the weights are of other seeds than it says.
    """
    config = load_yaml(folder / CONFIG)
    if not isinstance(config, dict):
        raise StudyError(f"{folder / CONFIG} holds no sections; copy the network's folder again.")
    cohort = config.get("cohort")
    title = cohort.get("title") if isinstance(cohort, dict) else None
    if not isinstance(config.get("grading"), str) or not isinstance(title, str):
        raise StudyError(
            f"{folder / CONFIG} doesn't say by what the network grades (grading) and on which cohort it was trained "
            "(cohort.title); copy the network's folder again."
        )
    sections: dict[str, Any] = {
        name: parse(model, config.get(name), f"{folder / CONFIG}: {name}") for name, model in SECTIONS.items()
    }
    asked, there = sorted(sections["network"].seeds), [seed_of(path) for path in weights_of(folder)]
    if asked != there:
        raise StudyError(
            f"{folder / CONFIG} says that the network's seeds are {', '.join(map(str, asked))}, but there are weights of "
            f"{', '.join(map(str, there))}; copy the network's folder again."
        )
    return config, sections


def seed_of(weights: Path) -> int:
    """Return the seed that the name of a file of weights says."""
    return int(weights.stem.removeprefix("seed-"))


def weights_of(folder: Path) -> list[Path]:
    """Return the weights in a network's folder, by seed; StudyError where a name doesn't say which."""
    found = list((folder / WEIGHTS).glob("seed-*.safetensors"))
    if odd := [path for path in found if not re.fullmatch(r"seed-[0-9]{1,18}", path.stem)]:
        raise StudyError(f"{odd[0]} is not called seed-S.safetensors, S a number; copy the network's folder again.")
    return sorted(found, key=seed_of)


def network_name(grading: str, digests: Mapping[str, str]) -> str:
    """Name a network by its grading and its weights: another name is another network."""
    own = sorted(digest for name, digest in digests.items() if name.startswith(f"{WEIGHTS}/"))
    return f"{grading}-{hashlib.sha256(''.join(own).encode()).hexdigest()[:10]}"


def tell_apart(networks: Iterable[tuple[str, str]]) -> None:
    """Refuse one network under two labels, given as pairs of a label and the network's own name; StudyError names both."""
    for (one, name), (other, again) in combinations(networks, 2):
        if name == again:
            raise StudyError(f"'{one}' and '{other}' are one network ({name}); name another one, or leave one out.")


def read_sums(folder: Path) -> dict[str, str]:
    """Return the hash of each file that a network's folder lists."""
    lines = (
        line.partition("  ") for line in (folder / SUMS).read_text(encoding="utf-8", errors="replace").splitlines()
    )
    return {name: digest for digest, _, name in lines if name}


def check_files(folder: Path) -> None:
    """Refuse a folder that isn't whole.

    Raises
    ------
    StudyError
        If there is no such folder, it isn't a network's, a file is missing, changed or not listed, or weights come in a
        form that runs code when it is read. The message names the file.
    """
    if not folder.is_dir():
        pickled = f" {folder.name} is a file; give the folder that the rule 'card' wrote." if folder.is_file() else ""
        raise StudyError(f"There is no network in {folder}: it is no folder.{pickled}")
    here = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    for name in sorted(here):
        if Path(name).suffix in (".pt", ".pth", ".pkl", ".pickle", ".bin", ".ckpt", ".joblib"):
            raise StudyError(
                f"{folder / name} may be a pickle, which runs code when it is read; remove it: weights are taken from "
                "safetensors alone."
            )
    if SUMS not in here:
        raise StudyError(f"{folder} holds no {SUMS}: it is not the folder of a network that the rule 'card' wrote.")
    listed = read_sums(folder)
    needed = {CONFIG, THRESHOLDS, TEMPERATURES, TRUST}
    for name in sorted(needed | set(listed)):
        if name not in listed:
            raise StudyError(f"{folder / SUMS} doesn't list {name}; copy the network's folder again.")
        if name not in here:
            raise StudyError(f"{folder / name} is missing; copy the network's folder again.")
        if hashlib.sha256(read_bytes(folder / name)).hexdigest() != listed[name]:
            raise StudyError(
                f"{folder / name} is not as it was written: its SHA-256 is another than in {SUMS}; copy the network's "
                "folder again."
            )
    extra = sorted(name for name in here - set(listed) - {SUMS} if name.endswith((".safetensors", ".yaml", ".csv")))
    if extra:
        raise StudyError(f"{folder / extra[0]} is not listed in {SUMS}; remove it, or copy the network's folder again.")
    if not weights_of(folder):
        raise StudyError(f"{folder} holds no weights ({WEIGHTS}/seed-*.safetensors); copy the network's folder again.")
