"""A network that was trained elsewhere, laid where a study's own would lie, with what its own study estimated."""

from __future__ import annotations

import shutil
from pathlib import Path

from analysis.files import read_bytes, seal, write_table, write_text
from analysis.network.trained.folder import (
    CHARACTERISTICS,
    PERFORMANCE,
    TEMPERATURES,
    THRESHOLDS,
    WEIGHTS,
    check_files,
    network_name,
    read_sections,
    read_sums,
    weights_of,
)
from analysis.schemas import CHARACTERISTICS as SCHEMA
from analysis.schemas.columns import empty
from analysis.yaml_files import dump_yaml

#: Where in the folder of a study's networks that of another study stands, and what it is in a file.
DEVELOPMENT, ORIGIN = "development", "network.yaml"
#: What else of the network's folder goes along; folders of earlier versions lack the last one, which is empty then.
TABLES = (THRESHOLDS, TEMPERATURES, PERFORMANCE, CHARACTERISTICS)


def carry(folder: Path, out: Path) -> str:
    """Copy a network from its folder to where `train` would have written it.

    Parameters
    ----------
    folder : Path
        As the rule `card` writes it; every file is held against its hash.
    out : Path
        Folder for seed-S/weights.safetensors and curve.csv, and for development/: the tables of the network's own study,
        and network.yaml, which says what network it is.

    Returns
    -------
    str
        The network's name.

    Raises
    ------
    StudyError
        If the folder isn't whole; the message names the file.
    """
    check_files(folder)
    sums = read_sums(folder)
    config, _ = read_sections(folder)
    # Before the weights: where they lie without it, a study trained them itself.
    for name in TABLES:
        if name == CHARACTERISTICS and name not in sums:
            write_table(empty(SCHEMA), out / DEVELOPMENT / name, SCHEMA)
        else:
            _copy(folder / name, out / DEVELOPMENT / name)
    told = {
        "name": network_name(str(config["grading"]), sums),
        "cohort": config["cohort"],
        "seed": config.get("seed"),
        "weights": {name: digest for name, digest in sums.items() if name.startswith(f"{WEIGHTS}/")},
    }
    write_text(out / DEVELOPMENT / ORIGIN, dump_yaml(told))
    for path in weights_of(folder):
        _copy(path, out / path.stem / "weights.safetensors")
        _copy(folder / "curves" / f"{path.stem}.csv", out / path.stem / "curve.csv")
    seal(out)
    return str(told["name"])


def _copy(source: Path, target: Path) -> None:
    read_bytes(source)  # for the step's log
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
