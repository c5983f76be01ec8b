"""A network that was trained elsewhere brings its settings; what contradicts them is refused with both values."""

import hashlib
import shutil
from pathlib import Path

import pytest

from analysis.errors import StudyError
from analysis.network.trained.folder import SECTIONS, SUMS
from analysis.study.carried import ask
from analysis.study.configuration import load_study, read_configuration
from analysis.yaml_files import dump_yaml, load_yaml

ROOT = Path(__file__).parents[2]


def load(trained, *entries, overlay=None):
    files = [ROOT / "config.yaml", *([overlay] if overlay else [])]
    named = f"network={{trained: '{trained}', "
    if not any(entry.startswith("network={") for entry in entries):
        entries = ("network={}", *entries)
    return load_study(read_configuration(files, [entry.replace("network={", named) for entry in entries]))


def write_sums(folder):
    """As `sha256sum` would list the folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != SUMS)
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}" for path in paths
    ]
    (folder / SUMS).write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def card(tmp_path_factory):
    """The folder of a network, whose weights nobody looks into where a configuration is read."""
    folder = tmp_path_factory.mktemp("made") / "card"
    (folder / "weights").mkdir(parents=True)
    for name in (
        "thresholds.csv",
        "temperatures.csv",
        "trust.safetensors",
        "weights/seed-0.safetensors",
        "weights/seed-1.safetensors",
    ):
        (folder / name).write_text(name)
    shutil.copy(ROOT / "workflow/gradings/kl.yaml", folder)
    own = {"images": {"size": 24}, "network": {"seeds": [0, 1], "width": 4}, "prediction": {"mirrored": True}}
    sections = {name: model(**own.get(name, {})).model_dump(mode="json") for name, model in SECTIONS.items()}
    (folder / "config.yaml").write_text(
        dump_yaml({"cohort": {"name": "small", "title": "a small cohort"}, "grading": "kl", "seed": 1} | sections)
    )
    write_sums(folder)
    return folder


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch):
    monkeypatch.chdir(ROOT)


def test_what_scores_depend_on_is_the_networks(card):
    theirs = load_yaml(card / "config.yaml")
    found = load(card, "network={device: cpu}", "images={shards: 3}")
    assert found.images.size == theirs["images"]["size"] != 96 and found.images.shards == 3
    assert list(found.network.seeds) == theirs["network"]["seeds"] == [0, 1]
    assert found.network.width == theirs["network"]["width"] and found.network.device == "cpu"
    assert found.prediction.mirrored and found.network.precision == "float32"
    assert found.network.trained == str(card)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("images={size: 96}", "images.size is 24 there and 96 in the configuration"),
        ("ingest={cut: {both: half}}", "ingest.cut.both is knee there and half in the configuration"),
        ("network={band: [0.3, 0.8]}", r"network.band is None there and \[0.3, 0.8\]"),
        ("network={align_sides: false}", "network.align_sides is True there and False"),
        ("network={seeds: [4]}", r"network.seeds is \[0, 1\] there and \[4\]"),
        ("prediction={mirrored: false}", "prediction.mirrored is True there and False"),
        ("grading=oarsi", "grading is kl there and oarsi"),
    ],
)
def test_a_conflict_names_the_key_and_both_values(card, entry, said):
    with pytest.raises(StudyError, match=said):
        load(card, entry)


def test_a_start_of_training_has_no_place_beside_it(card):
    with pytest.raises(StudyError, match=r"network\.weights starts a training"):
        load(card, "network={weights: start.safetensors}")


def test_a_conflict_in_an_overlay_or_in_the_default_file_itself_counts(card, tmp_path):
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("images: {size: 96}\n")  # the default study's, said for this one
    with pytest.raises(StudyError, match=r"images.size is 24 there and 96"):
        load(card, overlay=overlay)
    changed = tmp_path / "config.yaml"
    changed.write_text(dump_yaml(load_yaml(ROOT / "config.yaml") | {"images": {"size": 128}}))
    with pytest.raises(StudyError, match=r"images.size is 24 there and 128"):
        load_study(read_configuration([changed], [f"network={{trained: '{card}'}}"]))


@pytest.mark.parametrize(
    ("here", "there", "outcome"),
    [("2-4: [2, 3, 4]", "2 4: [2, 4]", "kl_2_4"), ("rule: kl >= 2\nearly", "rule: kl >= 3\nearly", "disease")],
)
def test_a_grading_of_the_same_name_that_grades_otherwise_is_refused(card, tmp_path, here, there, outcome):
    twin = shutil.copytree(card, tmp_path / "card")
    scheme = (twin / "kl.yaml").read_text()
    assert here in scheme
    (twin / "kl.yaml").write_text(scheme.replace(here, there))
    write_sums(twin)
    with pytest.raises(StudyError, match=rf"grades otherwise than .*: the outcome '{outcome}'"):
        load(twin)


def test_a_network_that_is_not_there_or_not_whole_is_refused_by_name(card, tmp_path):
    with pytest.raises(StudyError, match="it is no folder"):
        load(tmp_path / "nowhere")
    twin = shutil.copytree(card, tmp_path / "card")
    (twin / "thresholds.csv").unlink()
    with pytest.raises(StudyError, match=r"thresholds.csv is missing"):
        load(twin)


def test_thresholds_of_this_archive_need_a_validation_set(card):
    with pytest.raises(StudyError, match=r"external.thresholds is 'validation'"):
        load(card, "external={thresholds: validation}")
    assert load(card, "external={thresholds: validation, exams: test}").external.thresholds == "validation"


def test_sets_that_are_asked_for_are_not_passed_over_in_silence(card):
    with pytest.raises(StudyError, match=r"selection.split is 'given', but with external.exams 'all'"):
        load(card, "selection={split: given}")
    assert load(card, "selection={split: given}", "external={exams: test}").selection.split == "given"


def beside(folder, *entries):
    study = load_study(read_configuration([ROOT / "config.yaml"], entries))
    return ask("other", folder, study.grading, study.ingest, study.images, study.network)


def test_a_network_beside_the_studys_own_brings_what_its_scores_depend_on(card):
    asked = beside(card, "network={device: cpu, precision: bfloat16}", "images={shards: 3}")
    assert (asked.images.size, asked.images.shards, asked.seeds) == (24, 3, [0, 1])
    assert asked.network.width == 4 and asked.prediction.mirrored
    assert (asked.network.precision, asked.network.device) == ("float32", "cpu")
    assert beside(card, "images={size: 24}").images is None  # the study's own serve


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("grading=oarsi", r"compare_networks.other: the network in .* grades by kl and this study by oarsi"),
        (
            "ingest={cut: {both: half}}",
            r"compare_networks.other: ingest.cut.both is knee for .* and half for this study's exams, .* set ingest.cut.both",
        ),
    ],
)
def test_a_network_that_cannot_stand_beside_it_is_named(card, entry, said):
    with pytest.raises(StudyError, match=said):
        beside(card, entry)


def test_a_study_of_another_network_is_not_told_to_cut_as_that_one_forbids(card, tmp_path):
    halves = shutil.copytree(card, tmp_path / "halves")
    config = load_yaml(halves / "config.yaml")
    config["ingest"]["cut"]["both"] = "half"
    (halves / "config.yaml").write_text(dump_yaml(config))
    write_sums(halves)
    study = load(card)
    with pytest.raises(
        StudyError, match=r"half for the network in .* and knee for .* as its network in .*card asks; leave"
    ):
        ask("other", halves, study.grading, study.ingest, study.images, study.network)


def test_a_network_beside_it_has_to_be_whole(card, tmp_path):
    with pytest.raises(StudyError, match=r"compare_networks.other: There is no network in .*nowhere"):
        beside(tmp_path / "nowhere")
    twin = shutil.copytree(card, tmp_path / "card")
    (twin / "weights/seed-1.safetensors").write_text("others")
    with pytest.raises(StudyError, match=r"compare_networks.other: .*seed-1.safetensors is not as it was written"):
        beside(twin)
