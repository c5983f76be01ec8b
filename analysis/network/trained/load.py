"""A trained network loaded from the folder that its study made of it, every file checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from analysis.errors import StudyError
from analysis.files import read_table
from analysis.grading.scheme import load_scheme
from analysis.network.devices import Device
from analysis.network.form.heads import Layout
from analysis.network.prediction import load_network
from analysis.network.temperature import unheated
from analysis.network.trained.folder import (
    TEMPERATURES,
    THRESHOLDS,
    TRUST,
    check_files,
    read_sections,
    weights_of,
)
from analysis.network.trained.network import Asked, Trained
from analysis.network.trained.trust import Trust
from analysis.schemas.network import CARRIED
from analysis.schemas.network import TEMPERATURES as HEAT


def load(folder: str | Path, workers: int = 1) -> Trained:
    """Load a network; see `analysis.network.load`."""
    folder = Path(folder)
    check_files(folder)
    return load_checked(folder, workers)


def load_checked(folder: Path, workers: int) -> Trained:
    """Load a network from a folder that `check_files` has passed.

    Raises
    ------
    StudyError
        If its files aren't of one network: weights of other seeds, or a temperature that lacks.
    """
    config, told = read_sections(folder)
    sections: Any = told
    settings, images = sections["network"], sections["images"]
    scheme = load_scheme(folder / f"{config['grading']}.yaml")
    # The same scores on whatever processor it is carried to.
    device = Device.choose(settings.model_copy(update={"precision": "float32"}), workers)
    asked = Asked(Layout(scheme, settings.grades))
    found = [load_network(path, asked, settings, images.size, device) for path in weights_of(folder)]
    numbers = [seed for _, _, seed in found]
    if numbers != sorted(settings.seeds):
        raise StudyError(
            f"{folder}: its weights are of seeds {numbers}, whatever they are called; copy the network's folder again."
        )
    temperatures = read_table(folder / TEMPERATURES, HEAT)
    if missing := unheated(asked.layout, temperatures):
        raise StudyError(
            f"{folder / TEMPERATURES} has no temperature of '{missing[0]}'; copy the network's folder again."
        )
    return Trained(
        folder=folder,
        scheme=scheme,
        cohort=str(config["cohort"]["title"]),
        ingest=sections["ingest"],
        images=images,
        settings=settings,
        prediction=sections["prediction"],
        temperatures=temperatures,
        thresholds=read_table(folder / THRESHOLDS, CARRIED).set_index("outcome"),
        trust=Trust.load(folder / TRUST),
        members=[member for member, _, _ in found],
        learnt=np.array([learnt for _, learnt, _ in found]),
        numbers=numbers,
        device=device,
    )
