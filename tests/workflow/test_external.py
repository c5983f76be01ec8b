"""The smoke study's network, judged on another simulated archive: no training, its own thresholds, all statistics."""

import shutil

import pandas as pd
import pytest
import yaml

from analysis.network.checkpoints import read_weights, save_weights
from analysis.yaml_files import dump_yaml, load_yaml
from tests.study.test_carried import write_sums
from tests.workflow.test_smoke import STUDY, jobs

CARD = f"{STUDY}/card"
NETWORKS = f"{STUDY}/networks"
THERE = "results/elsewhere"
ELSEWHERE = {
    "cohort": {"name": "elsewhere", "title": "small simulated archive of another hospital"},
    "seed": 7,
    "simulate": {"training": 6, "validation": 4, "test": 10, "population": {"test_kl": [3, 2, 2, 2, 2]}},
    "images": {"shards": 1},
    "network": {"trained": CARD},
}


@pytest.fixture(scope="module")
def elsewhere(smoke):
    """The study up to its estimates, by the overlay of the smoke study and its own."""
    overlay = smoke.folder / "elsewhere.yaml"
    overlay.write_text(yaml.safe_dump(ELSEWHERE))
    done = smoke.snakemake(f"{THERE}/kl/checks.csv", more=(overlay.name,))
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-8000:]
    return smoke


def test_nothing_is_trained_and_the_rest_is_planned(elsewhere):
    planned = jobs(elsewhere.snakemake("-n", more=("elsewhere.yaml",)))
    assert {"attribute", "tables", "figures", "values", "manuscript", "provenance"} <= set(planned)
    assert not {"train", "card", "carry", "predict", "evaluate"} & set(planned)  # the last three are done


def test_every_eligible_exam_is_judged_by_the_carried_thresholds(elsewhere):
    exams = pd.read_parquet(elsewhere.folder / THERE / "selection/exams.parquet")
    assert set(exams["set"]) == {"test", "excluded"} and set(exams["read_as"].dropna()) == {
        "training",
        "validation",
        "test",
    }
    predicted = pd.read_parquet(elsewhere.folder / THERE / "kl/predictions/exams.parquet")
    assert set(predicted["exam"]) == set(exams.loc[exams["set"] == "test", "exam"])
    found = pd.read_csv(elsewhere.folder / THERE / "kl/statistics/thresholds.csv")
    theirs = pd.read_csv(elsewhere.folder / CARD / "thresholds.csv").set_index("outcome")["threshold"]
    carried = found[found["chosen_on"] == "validation"].set_index("outcome")["threshold"]
    pd.testing.assert_series_equal(carried, theirs.reindex(carried.index))
    heat = [pd.read_csv(elsewhere.folder / path / "temperatures.csv") for path in (CARD, f"{THERE}/kl/predictions")]
    pd.testing.assert_frame_equal(*heat)


def test_a_cohort_that_trained_its_own_network_keeps_it(elsewhere):
    own = elsewhere.folder / STUDY / "network/seed-0/weights.safetensors"
    before = own.read_bytes()
    here = f"network={{trained: {CARD}}}"
    done = elsewhere.snakemake(f"{STUDY}/values.yml", "--config", here)
    assert done.returncode != 0 and "was trained by this cohort's own study" in done.stdout + done.stderr
    assert own.read_bytes() == before


def test_a_conflict_stops_the_plan(elsewhere):
    done = elsewhere.snakemake("-n", "--config", "images={size: 64}", more=("elsewhere.yaml",))
    assert done.returncode != 0
    assert "images.size is 48 there and 64 in the configuration" in done.stdout + done.stderr


def test_targets_that_such_a_study_cannot_make_are_refused_in_a_sentence(elsewhere):
    done = elsewhere.snakemake("-n", "compare_gradings", more=("elsewhere.yaml",))
    assert done.returncode != 0 and "with network.trained none is trained" in done.stdout + done.stderr


def test_another_network_scores_the_same_exams_from_images_of_its_own(smoke, tmp_path):
    """A twin of the study's network, from weights that are a little other and for images that are prepared otherwise."""
    smoke = smoke.copy(tmp_path / "clone")  # other tests look at all that the study has made
    twin = shutil.copytree(smoke.folder / CARD, smoke.folder / "twin")
    weights = twin / "weights/seed-0.safetensors"
    state, about = read_weights(weights)
    other = {name: 1.01 * tensor if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    save_weights(weights, other, about)
    config = load_yaml(twin / "config.yaml")
    config["images"]["window"] = not config["images"]["window"]
    (twin / "config.yaml").write_text(dump_yaml(config))
    write_sums(twin)
    (smoke.folder / "beside.yaml").write_text(yaml.safe_dump({"compare_networks": {"twin": "twin"}}))
    done = smoke.snakemake(f"{NETWORKS}/values.yml", more=("beside.yaml",))
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-8000:]
    pairs = pd.read_csv(smoke.folder / NETWORKS / "pairs.csv")
    assert set(pairs["first"]) == {"this study"} and set(pairs["second"]) == {"twin"}
    one, other = (
        pd.read_parquet(smoke.folder / path / "predictions/exams.parquet") for path in (STUDY, f"{NETWORKS}/twin")
    )
    assert list(one["exam"]) == list(other["exam"]) and not one.equals(other)
    planned = set(jobs(smoke.snakemake("compare_networks", "-n", more=("beside.yaml",))))
    assert {"check_privacy_networks", "manuscript_networks", "compare_networks"} <= planned
    # What rests on no configuration as a whole is done.
    assert not {"prepare_network", "predict_network", "set_beside", "train", "predict", "evaluate", "tables"} & planned
    (smoke.folder / "twice.yaml").write_text(yaml.safe_dump({"compare_networks": {"twin": "twin", "again": "./twin"}}))
    done = smoke.snakemake("compare_networks", "-n", more=("twice.yaml",))  # before anything is scored
    assert "'again' and 'twin' are one network" in done.stdout + done.stderr
    done = smoke.snakemake("compare_networks", "-n")
    assert "name them in the configuration, as compare_networks: {other: FOLDER}" in done.stdout + done.stderr
