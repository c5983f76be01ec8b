"""A small cohort whose images show the grade: a bright bar, the brighter the worse."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from analysis.files import write_table
from analysis.grading.scheme import load_scheme
from analysis.schemas import PREPARED, REFERENCE

GRADINGS = Path(__file__).parents[2] / "workflow" / "gradings"
SIDE = 24


def make_cohort(folder: Path, exams: int, seed: int = 0) -> None:
    """Write images/ and <scheme>.parquet for the gradings kl and fracture."""
    generator = np.random.default_rng(seed)
    pixels, rows, table = [], [], []
    for i in range(exams):
        level, broken = i % 5, int(i // 5 % 3 == 0)
        chosen = ("training", "training", "training", "validation", "test")[i // 5 % 5]
        for j in range(1 + i % 3):
            image = generator.integers(20, 90, (SIDE, SIDE))
            if j == 0:
                image[10:14] += 30 * level
            if broken:
                image[:, 4:7] += 80
            pixels.append(image.clip(0, 255).astype(np.uint8))
            view = ("ap", "lateral", "oblique")[j] if i % 7 else None
            rows.append({"image": f"e{i:03}-{j}", "exam": f"e{i:03}", "view": view, "side": ("left", "right")[i % 2]})
        medial = float(level > 2) if i % 4 else np.nan
        table.append(
            {"exam": f"e{i:03}", "patient": f"p{i:03}", "set": chosen, "kl": float(level), "medial": medial}
            | {"tka": float(level == 4), "fracture_femur": float(broken)}
        )
    order = generator.permutation(len(rows))
    for shard, part in enumerate(np.array_split(order, 2)):
        (folder / "images").mkdir(parents=True, exist_ok=True)
        np.save(folder / "images" / f"pixels-{shard}.npy", np.stack([pixels[k] for k in part]))
        frame = pd.DataFrame([rows[k] for k in part]).assign(shard=shard, row=np.arange(len(part)))
        write_table(frame.assign(burned_in="no"), folder / "images" / f"rows-{shard}.parquet", PREPARED)
    grades = pd.DataFrame(table)
    for name in ("kl", "fracture", "oarsi"):
        scheme = load_scheme(GRADINGS / f"{name}.yaml")
        known = grades.reindex(columns=["exam", "patient", "set", *scheme.items])
        reference = pd.concat([known, scheme.derive(grades)], axis=1)
        write_table(reference, folder / f"{name}.parquet", REFERENCE)


@pytest.fixture(scope="session")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cohort")
    make_cohort(folder, 75)
    return folder


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)
