"""A trained network asks for exams."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.active_learning.ranking import ask
from analysis.active_learning.rounds import hide, pool
from analysis.errors import StudyError
from analysis.files import read_table, write_table
from analysis.network.settings import NetworkSettings
from analysis.network.training.train import train

GRADINGS = Path(__file__).parents[2] / "workflow/gradings"

SETTINGS = NetworkSettings.model_validate(
    {
        "tasks": [],
        "width": 4,
        "groups": [{"blocks": 1, "filters": 1, "part": "image"}, {"blocks": 1, "filters": 2}],
        "training": {"phases": [{"epochs": 1, "learning_rate": 0.001}], "empty_levels": "skip"},
        "device": "cpu",
        "precision": "float32",
    }
)


@pytest.fixture(scope="module")
def begun(cohort, tmp_path_factory):
    folder = tmp_path_factory.mktemp("round")
    whole = read_table(cohort / "kl.parquet")
    asked = whole.loc[whole["set"] == "training", "exam"].tolist()[:20]
    write_table(hide(whole, asked), folder / "reference.parquet")
    train(cohort / "images", folder / "reference.parquet", GRADINGS / "kl.yaml", [], SETTINGS, 0, 1, folder)
    return folder, whole, asked


@pytest.mark.parametrize("strategy", ["random", "margin", "entropy", "severity_gap", "diversity"])
def test_asks_only_for_what_has_no_label(cohort, begun, strategy):
    folder, whole, asked = begun

    def queue(seed: int, number: int = 8) -> pd.DataFrame:
        return ask(
            cohort / "images", folder / "reference.parquet", GRADINGS / "kl.yaml", folder / "weights.safetensors",
            SETTINGS, strategy=strategy, asked=asked, number=number, rng=np.random.default_rng(seed), workers=1,
        )  # fmt: skip

    first = queue(1)
    pd.testing.assert_frame_equal(first, queue(1))
    assert first["exam"].is_unique and first["place"].tolist() == list(range(1, 9))
    left = pool(hide(whole, asked), asked)
    assert set(first["exam"]) <= set(left)
    assert set(queue(1, 1000)["exam"]) == set(left)
    if strategy != "random":
        assert first["score"].is_monotonic_decreasing and first["score"].nunique() > 1


def test_an_empty_pool_is_said(cohort, begun):
    folder, whole, _ = begun
    with pytest.raises(StudyError, match=r"lower active_learning\.rounds"):
        ask(
            cohort / "images", folder / "reference.parquet", GRADINGS / "kl.yaml", folder / "weights.safetensors",
            SETTINGS, strategy="margin", asked=list(whole["exam"]), number=3, rng=np.random.default_rng(0), workers=1,
        )  # fmt: skip
