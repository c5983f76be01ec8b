"""What the network looks at."""

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from pydantic import ValidationError

from analysis.benchmarks.network import bench, peak_of, report
from analysis.files import read_table
from analysis.network.decisions.attribution import attribute, integrated_gradients
from analysis.network.decisions.occlusion import hide
from analysis.network.decisions.overlay import overlay
from analysis.network.decisions.settings import AttributionSettings
from analysis.network.devices import Device
from analysis.network.prediction import predict
from analysis.network.settings import PredictionSettings
from tests.network.runs import GRADINGS, settings, train

LEARNS = {"phases": [{"epochs": 12, "learning_rate": 0.05}], "jitters": 1, "batch": 12, "average": 0.0}


@pytest.fixture(scope="module")
def looked(cohort, tmp_path_factory):
    """A network that has learned, its predictions, and what it looks at."""
    folder = tmp_path_factory.mktemp("looked")
    chosen = settings(
        {**LEARNS, "augmentation": {"shift": 0.02, "rotation": 2, "contrast": 0}}, tasks=[], grades="softmax"
    )
    train(cohort, folder, chosen)
    files = cohort / "images", cohort / "kl.parquet"
    weights = [folder / "weights.safetensors"]
    predict(*files, GRADINGS / "kl.yaml", weights, chosen, PredictionSettings(calibration="none"), 1, folder)
    asked = AttributionSettings(steps=8, occluded=0.3, exams=100)
    attribute(*files, folder / "exams.parquet", GRADINGS / "kl.yaml", weights, asked, chosen, 1, folder / "attribution")
    return folder


def test_attributions_of_a_linear_score_are_its_terms():
    torch.manual_seed(0)
    weights = torch.randn(2, 8, 8)
    images = torch.rand(2, 8, 8)
    maps, steps, error = integrated_gradients(
        lambda copies: (copies * weights).sum((1, 2, 3)), images, AttributionSettings(steps=4)
    )
    np.testing.assert_allclose(maps, (weights * images).numpy(), atol=1e-5)
    assert steps == 4 and error < 1e-4


def test_steps_are_doubled_until_attributions_add_up():
    # A threshold that the path crosses in a short stretch, which few steps miss.
    images = torch.full((1, 2, 2), 1.0)

    def steep(copies):
        return torch.sigmoid((copies.sum((1, 2, 3)) - 2.13) * 8)

    maps, steps, error = integrated_gradients(steep, images, AttributionSettings(steps=4, tolerance=0.02))
    assert steps > 4 and error <= 0.02
    assert maps.sum() == pytest.approx(1, abs=0.03)
    _, most, left = integrated_gradients(
        lambda copies: torch.sigmoid((copies.sum((1, 2, 3)) - 2.13) * 1e5), images, AttributionSettings(steps=2)
    )
    assert most == 32 and left > 0.05  # it gives up after four doublings, and says so


def test_red_is_for_and_blue_against():
    maps = np.zeros((1, 40, 40))
    maps[0, 8:14, 8:14], maps[0, 26:32, 26:32] = 1, -1
    picture = overlay(np.full((1, 40, 40), 0.5), maps).astype(int)
    lower = picture[-480:]
    red, blue = lower[11 * 12, 11 * 12], lower[29 * 12, 29 * 12]
    assert red[0] > red[2] + 80 and blue[2] > blue[0] + 80
    assert np.ptp(lower[240, 420]) == 0  # where nothing matters, the radiograph is grey


def test_hidden_regions():
    asked = AttributionSettings(occluded=0.25, metal=0.01)
    images = np.random.default_rng(0).random((3, 40, 40))
    for region in ("joint", "elsewhere"):
        changed = hide(images, region, asked) != images
        assert (changed.sum((1, 2)) == 100).all()
        assert changed[:, 15:25, 15:25].all() == (region == "joint")
    for region, row in (("joint", 19), ("elsewhere", 13)):
        changed = hide(images, region, asked, slice(12, 32)) != images
        assert changed[:, row : row + 5, 17:22].all() and (changed.sum((1, 2)) == 25).all()
    images[:] = 0.2
    images[:, 5:8, 30:33] = 1.0  # an implant
    hidden = hide(images, "implant", asked)
    np.testing.assert_allclose(hidden, 0.2, atol=2.5 / 255)  # from around it, to within rounding


@pytest.mark.parametrize("side", [12, 16, 24, 40, 48, 97])
def test_the_patch_elsewhere_is_not_on_the_joint(side):
    """However large it may be asked for: half of the joint hidden there, too, would make the joint matter less."""
    images = np.random.default_rng(0).random((1, side, side))
    joint, elsewhere = (hide(images, r, AttributionSettings(occluded=0.3)) != images for r in ("joint", "elsewhere"))
    assert joint.sum() == elsewhere.sum() > 0 and not (joint & elsewhere).any()
    with pytest.raises(ValidationError, match=r"less than or equal to 0\.3"):
        AttributionSettings(occluded=0.31)


def test_cases_are_the_surest_by_rule(cohort, looked):
    cases = read_table(looked / "attribution/cases.csv")
    predicted = read_table(looked / "exams.parquet").set_index("exam")
    truth = read_table(cohort / "kl.parquet").set_index("exam")["kl"]
    predicted = predicted[predicted["set"] == "test"].assign(truth=truth)
    found = set()
    for (grade, right), group in predicted.groupby(["truth", predicted["kl"] == predicted["truth"]]):
        sure = group.apply(lambda row: row[f"kl_{int(row['kl'])}"], axis=1)
        found.add((int(grade), bool(right), sure.sort_index().idxmax()))
    assert {(c.truth, c.right, c.exam) for c in cases.itertuples()} == found
    assert (cases["holds"] == (cases["completeness"] <= 0.05)).all() and cases["holds"].any()
    for file in cases["file"]:
        assert cv2.imread(str(looked / "attribution" / file)) is not None


def test_hiding_the_joint_costs_more_than_hiding_as_much_elsewhere(cohort, looked):
    curve = pd.read_csv(looked / "curve.csv")
    assert curve["auc"].max() > 0.75  # else there is nothing to hide
    table = read_table(looked / "attribution/occlusion.csv").set_index(["region", "outcome"])
    scores = read_table(looked / "exams.parquet").query("set == 'test'")
    for outcome in ("kl_0", "kl_3_4"):
        joint = table.loc[("joint", outcome)]
        assert joint["n"] == len(scores)
        assert joint["before"] == pytest.approx(scores[outcome].mean(), abs=1e-4)
        assert joint["change"] == pytest.approx(joint["after"] - joint["before"], abs=1e-6)
        assert joint["absolute_change"] >= abs(joint["change"]) - 1e-9
    worst = ["kl_0", "kl_4", "kl_0_1", "kl_3_4"]
    moved = table["absolute_change"].unstack("region").loc[worst].mean()
    assert moved["joint"] > moved["elsewhere"]


def test_the_benchmark_counts_and_projects():
    chosen = settings()
    rate = next(bench(chosen, GRADINGS / "kl.yaml", side=24, per_exam=(2,), steps=2, repeats=2, workers=1))
    assert rate.passes == 48 and rate.training > 0 and len(rate.ratios) == 2 and rate.operations > 1e6
    text = report(rate, chosen, Device.choose(chosen, 1), 1000)
    hours = 1000 * 2 * 2 * 3 * 1.5 / rate.training / 3600
    assert f"{hours:.1f} hours" in text and f"ratio {np.median(rate.ratios):.3f}" in text
    assert peak_of("NVIDIA H100 80GB HBM3") == 989 and peak_of("NVIDIA H100 PCIe") == 756 and peak_of("Tesla X") is None
