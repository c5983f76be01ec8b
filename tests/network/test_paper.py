"""The paper's settings are in one file, with their sources."""

import re
from pathlib import Path

import yaml
from snakemake.utils import update_config

from analysis.network.settings import NetworkSettings, TrainingSettings
from analysis.settings import Settings
from analysis.study.configuration import load_study

ROOT = Path(__file__).parents[2]
PAPER = ROOT / "workflow/studies/paper.yaml"


def test_values_are_the_papers():
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    update_config(config, yaml.safe_load(PAPER.read_text()))
    study = load_study(config)
    network, training = study.network, study.network.training
    assert (study.images.size, network.width, network.reduction) == (256, 64, 72)
    rows = [(g.blocks, g.filters * network.width, g.part) for g in network.groups]
    assert rows == [
        (1, 64, "image"),
        (1, 64, "image"),
        (6, 64, "core"),
        (4, 128, "core"),
        (2, 256, "core"),
        (2, 512, "core"),
    ]
    assert [p.model_dump() for p in training.phases] == [
        {"epochs": 100, "learning_rate": 0.025, "falls_to": 0, "warm_up": 0, "side": None, "noise": 0.0, "erase": 0},
        {"epochs": 50, "learning_rate": 0.01, "falls_to": 0, "warm_up": 0, "side": None, "noise": 0.05, "erase": 3},
    ]
    assert training.erase_size == 10 and training.jitters == 2
    assert training.batch == 128 * training.jitters  # the trainer counts images, this setting their passes
    assert training.momentum == 0.9 and training.weight_decay == 1 / 200 and training.weight_decay_of == "current"
    assert (training.loss, training.margin, training.class_weights) == ("hinge", 0.42, "inverse")
    assert (training.findings_weight, training.findings_share) == (0.2, "variance")
    assert training.task_every == 1 and training.keep == "last" and training.clip is None and training.average == 0
    assert (network.grades, network.pool, network.weights, network.seeds) == ("one-vs-rest", "features", None, (0,))
    varied = training.augmentation
    assert (varied.rotation, varied.rotation_share, varied.quarter_turn) == (15, 0.5, 0.5)
    assert (varied.shift, varied.stretch, varied.mirror_horizontal, varied.mirror_vertical) == (0.2, 0.1, 0.4, 0.5)
    assert varied.contrast == varied.negative == 0
    assert (study.simulate.training, study.simulate.validation, study.simulate.test) == (5700, 403, 300)


def test_every_decision_on_training_is_named_with_its_source():
    told = yaml.safe_load(PAPER.read_text())["network"]
    for model, section in ((NetworkSettings, told), (TrainingSettings, told["training"])):
        # How it is computed, chosen epochs and logs are no decisions of the paper.
        free = {"device", "precision", "compile", "keep_window", "tensorboard"}
        assert set(model.model_fields) - free <= set(section), model
    augmentation: type[Settings] = type(TrainingSettings().augmentation)
    assert set(augmentation.model_fields) == set(told["training"]["augmentation"])
    lines = PAPER.read_text().partition("\nnetwork:\n")[2].partition("\nstatistics:")[0].splitlines()
    for line in lines:
        if re.match(r"  (  )?\w+:", line) and "training:" not in line:
            assert (
                re.search(r"#.*(Table|Methods|setup|Input images|trainer|neither|nothing)", line) or "tasks" in line
            ), line
