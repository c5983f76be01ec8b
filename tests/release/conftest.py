"""A small trained network as a folder of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.cohort.characteristics import characterise
from analysis.files import read_table, write_table
from analysis.grading.scheme import load_scheme
from analysis.imaging.store import ImageStore
from analysis.network.prediction import predict
from analysis.network.settings import PredictionSettings
from analysis.release.card import pack, write_sums
from analysis.schemas import CHARACTERISTICS, IMAGES, REFERENCE
from analysis.yaml_files import dump_yaml
from tests.network.conftest import GRADINGS, SIDE, cohort, one_thread  # noqa: F401
from tests.network.runs import settings, train

#: All that lies between the members' scores and the network's.
HOW = PredictionSettings(mirrored=True, calibration="temperature")

#: The thresholds' columns that a card takes.
MEASURED = ("chosen_cases", "chosen_controls", "sensitivity", "sensitivity_low", "sensitivity_high",
            "specificity", "specificity_low", "specificity_high", "level")  # fmt: skip


@pytest.fixture(scope="session")
def study(cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811
    """Two members trained on the small cohort, with their predictions, and an index that says how large the files are."""
    folder = tmp_path_factory.mktemp("study")
    shutil.copytree(cohort, folder, dirs_exist_ok=True)
    chosen = settings(seeds=[0, 1])
    for seed in chosen.seeds:
        train(folder, folder / f"network/seed-{seed}", chosen, seed)
    paths = [folder / f"network/seed-{seed}/weights.safetensors" for seed in chosen.seeds]
    predict(
        folder / "images", folder / "kl.parquet", GRADINGS / "kl.yaml", paths, chosen, HOW, 1, folder / "predictions"
    )
    rows = pd.concat(read_table(path) for path in sorted((folder / "images").glob("rows-*.parquet")))
    index = rows[["image", "exam", "view", "side"]].assign(
        patient=rows["exam"], series="s", protocol=None, body_part="knee", age=60.0, sex=None, day=0, rows=240, columns=200,
        bits=12, photometric="MONOCHROME2", transfer_syntax="1.2", modality="DX", pixel_hash=rows["image"], burned_in=None,
    )  # fmt: skip
    write_table(index, folder / "index.parquet", IMAGES)
    reference = read_table(folder / "kl.parquet", REFERENCE)
    exams = reference[["exam", "patient", "set"]].assign(age=60.0, sex="female", images=1)
    store, scheme = ImageStore(folder / "images"), load_scheme(GRADINGS / "kl.yaml")
    table = characterise(exams, index, reference, store, scheme)
    write_table(table, folder / "characteristics.csv", CHARACTERISTICS)
    return folder


@pytest.fixture(scope="session")
def card(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the network; its page is left to the smoke study, which has the values for it."""
    out = tmp_path_factory.mktemp("made") / "card"
    scheme = load_scheme(GRADINGS / "kl.yaml")
    limits = pd.DataFrame(
        {"outcome": [one.id for one in scheme.outcomes], "chosen_on": "validation", "threshold": 0.25}
    )
    limits = limits.assign(**dict.fromkeys(MEASURED, np.nan))
    roc = pd.DataFrame({"outcome": limits["outcome"], "auc": 0.5})
    config = {
        "cohort": {"name": "small", "title": "small cohort", "kind": "simulated"},
        "grading": "kl",
        "seed": 1,
        "ingest": {},
        "images": {"size": SIDE},
        "network": settings(seeds=[0, 1]).model_dump(mode="json"),
        "prediction": HOW.model_dump(mode="json"),
        "statistics": {"level": 0.95},
    }
    pack(
        images=study / "images",
        index=study / "index.parquet",
        reference=study / "kl.parquet",
        characteristics=study / "characteristics.csv",
        predictions=study / "predictions/exams.parquet",
        grading=GRADINGS / "kl.yaml",
        network=study / "network",
        weights=[study / f"network/seed-{seed}/weights.safetensors" for seed in (0, 1)],
        roc=roc,
        thresholds=limits,
        config=config,
        out=out,
    )
    (out / "README.md").write_text(dump_yaml({"left": "out"}))
    write_sums(out)
    return out
