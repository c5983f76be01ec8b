"""Anybody's own torch module in the place of the paper's network: trained, asked, looked into, and in Table 1."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from pydantic import ValidationError
from torch import nn

from analysis.active_learning.ranking import ask
from analysis.active_learning.rounds import hide
from analysis.errors import StudyError
from analysis.files import read_table, write_table
from analysis.imaging.store import ImageStore
from analysis.network.checkpoints import read_weights, save_state
from analysis.network.data import Task
from analysis.network.decisions.attribution import attribute
from analysis.network.decisions.settings import AttributionSettings
from analysis.network.devices import Device
from analysis.network.form.architecture import KneeNet
from analysis.network.form.norm import BatchNorm
from analysis.network.form.structure import Row, describe, parameters, write_structure
from analysis.network.prediction import load_network, predict
from analysis.network.settings import NetworkSettings, PredictionSettings
from analysis.network.source import source_files, source_hash
from analysis.presentation.tables.cohort import network as table
from tests.network import small_cnn
from tests.network.runs import GRADINGS, ROOT, digests, settings, train

CNN = "tests.network.small_cnn:build"
LEARNS = {"phases": [{"epochs": 12, "learning_rate": 0.1}], "jitters": 1, "batch": 12, "average": 0.0}


def own(training=None, **more):
    return settings(training, **{"backbone": CNN, "backbone_options": {"filters": 8}, **more})


@pytest.fixture(scope="module")
def done(cohort, tmp_path_factory):
    """A run of the foreign network on both tasks, with its predictions."""
    folder = tmp_path_factory.mktemp("own")
    chosen = own({**LEARNS, "augmentation": {"shift": 0.02, "rotation": 2, "contrast": 0}}, grades="softmax")
    train(cohort, folder, chosen)
    files = cohort / "images", cohort / "kl.parquet"
    predict(*files, GRADINGS / "kl.yaml", [folder / "weights.safetensors"], chosen, PredictionSettings(), 1, folder)
    return folder, chosen


def test_it_learns_and_predicts(cohort, done):
    folder, _ = done
    exams = read_table(folder / "exams.parquet").set_index("exam")
    truth = read_table(cohort / "kl.parquet").set_index("exam").loc[exams.index, "kl"]
    worst, best = exams.loc[truth == 4, "kl_4"], exams.loc[truth == 0, "kl_4"]
    assert np.mean([w > b for w in worst for b in best]) > 0.85
    assert read_table(folder / "images.parquet")[["ap", "lateral", "oblique"]].sum(axis=1).to_numpy() == pytest.approx(
        1
    )


@pytest.mark.parametrize("pool", ["features", "scores"])
def test_its_exams_score_packed_as_they_do_alone(pool):
    torch.manual_seed(0)
    network = KneeNet(own(pool=pool), {"kl": 7}, 3, 24).eval()
    images, exam = torch.rand(6, 1, 24, 24), torch.tensor([0, 1, 1, 1, 2, 2])
    with torch.inference_mode():
        together, _ = network(images, torch.arange(6), 6, exam, 3, "kl")
        for i in range(3):
            some = images[exam == i]
            n = len(some)
            alone, _ = network(some, torch.arange(n), n, torch.zeros(n, dtype=torch.long), 1, "kl")
            torch.testing.assert_close(together[i : i + 1], alone, rtol=1e-4, atol=1e-5)


def test_its_decisions_are_looked_into(cohort, done):
    folder, chosen = done
    files = cohort / "images", cohort / "kl.parquet", folder / "exams.parquet", GRADINGS / "kl.yaml"
    attribute(
        *files, [folder / "weights.safetensors"], AttributionSettings(steps=16, exams=10), chosen, 1, folder / "looked"
    )
    cases = pd.read_csv(folder / "looked/cases.csv")
    assert len(cases) > 4 and cases["holds"].mean() > 0.5 and cases["score"].max() > 0.5
    assert all((folder / "looked" / name).stat().st_size > 100 for name in cases["file"])
    assert pd.read_csv(folder / "looked/occlusion.csv")["after"].notna().any()


@pytest.mark.parametrize("strategy", ["margin", "diversity"])
def test_it_asks_for_exams(cohort, done, tmp_path, strategy):
    folder, chosen = done
    whole = read_table(cohort / "kl.parquet")
    asked = whole.loc[whole["set"] == "training", "exam"].tolist()[:20]
    write_table(hide(whole, asked), tmp_path / "reference.parquet")
    queue = ask(
        cohort / "images", tmp_path / "reference.parquet", GRADINGS / "kl.yaml", folder / "weights.safetensors",
        chosen, strategy=strategy, asked=asked, number=6, rng=np.random.default_rng(0), workers=1,
    )  # fmt: skip
    assert len(queue) == 6 and not set(queue["exam"]) & set(asked) and queue["score"].nunique() > 1


def test_table_1_is_of_the_network_that_was_trained(done, tmp_path):
    folder, _ = done
    made = table(SimpleNamespace(weights=folder / "weights.safetensors"))
    rows = [[cell.replace(",", "") for cell in row] for row in made.rows]
    assert [row[:5] for row in rows[:3]] == [
        ["Convolution", "2", "3 × 3", "8", "core"],
        ["Convolution", "1", "3 × 3", "16", "core"],
        ["Maximum over the images of an exam", "1", "–", "16", "pool"],
    ]
    assert {row[4] for row in rows[3:]} == {"task kl", "task fracture", "task view"}
    # Nothing that is trained is left out.
    state, about = read_weights(folder / "weights.safetensors")
    counted = sum(t.numel() for n, t in state.items() if "running" not in n and "num_batches" not in n)
    assert sum(int(row[5]) for row in rows) == counted
    assert "residual" not in str(made).lower()
    # What stands in for the weights in a bundle gives the same table.
    write_structure(folder / "weights.safetensors", tmp_path / "structure.json")
    assert table(SimpleNamespace(weights=tmp_path / "structure.json")).rows == made.rows
    assert about["settings"]["backbone"] == CNN and about["source"] == source_hash(CNN)


@pytest.mark.parametrize("pool", ["features", "scores"])
def test_the_papers_table_counts_every_parameter(pool):
    network = KneeNet(NetworkSettings(width=8, pool=pool), {"kl": 10, "fracture": 3}, 3)
    rows = network.describe()
    assert sum(row.parameters for row in rows) == sum(p.numel() for p in network.parameters())
    assert [row.blocks for row in rows if row.kind == "Residual blocks"] == [1, 1, 6, 4, 2, 2]
    kinds = [row.part.partition(" ")[0] for row in rows]
    order = ["image", "core", "pool", "task"] if pool == "features" else ["image", "core", "task", "pool", "task"]
    assert [kind for i, kind in enumerate(kinds) if i == 0 or kinds[i - 1] != kind] == order


def test_a_module_may_describe_itself_but_not_wrongly():
    class Known(nn.Linear):
        def describe(self):
            return [Row("Line", 1, "–", 2, "core", parameters(self))]

    assert describe(Known(3, 2), "core") == [Row("Line", 1, "–", 2, "core", 8)]
    with pytest.raises(StudyError, match="lists 0 parameters of 8"):
        describe(small_cnn.Liar(3, 2), "core")
    assert describe(nn.ReLU(), "core") == [Row("ReLU", 1, "–", None, "core", 0)]


def test_a_stopped_run_ends_as_one_that_was_not(cohort, tmp_path, monkeypatch):
    """Also where layers draw random numbers, as dropout does."""
    train(cohort, tmp_path / "once", own())

    def stopping(path, state):
        save_state(path, state)
        raise KeyboardInterrupt

    for epoch in (1, 2):
        monkeypatch.setattr("analysis.network.training.train.save_state", stopping)
        with pytest.raises(KeyboardInterrupt):
            train(cohort, tmp_path / "stopped", own())
        monkeypatch.undo()
        assert torch.load(tmp_path / "stopped/checkpoint.pt", weights_only=True)["epoch"] == epoch
    train(cohort, tmp_path / "stopped", own())
    assert digests(tmp_path / "stopped") == digests(tmp_path / "once")


def test_its_norms_are_over_the_whole_batch():
    network = KneeNet(own(), {"kl": 7}, 3, 24)
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    assert len(norms) > 3 and all(isinstance(norm, BatchNorm) for norm in norms)


@pytest.mark.parametrize(
    ("backbone", "options", "says"),
    [
        ("tests.network.nowhere:build", {}, "there is no module 'tests.network.nowhere' on Python's path"),
        ("tests.network.small_cnn:nothing", {}, "defines no 'nothing'"),
        (CNN, {"filter": 8}, "could not be built (TypeError: "),
        ("tests.network.small_cnn:no_module", {}, "returned int; it has to return a torch.nn.Module"),
        ("tests.network.small_cnn:of_scores", {}, "made (1152,) of two images; it has to return features"),
        (
            "tests.network.small_cnn:Liar",
            {"in_features": 3, "out_features": 2},
            "failed on two images of 24 x 24 pixels",
        ),
    ],
)
def test_what_is_no_network_is_said_at_the_start(cohort, tmp_path, backbone, options, says):
    with pytest.raises(StudyError) as caught:
        train(cohort, tmp_path / "out", own(backbone=backbone, backbone_options=options))
    assert says in str(caught.value) and "network.backbone" in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["os", "os:", ":f", "a.b", "a:b:c", "a b:c", "../a:b", "olsson2022"])
def test_a_name_that_can_be_none_is_refused(name):
    with pytest.raises(ValidationError, match="backbone"):
        NetworkSettings(backbone=name)


def test_its_files_are_found_without_running_them(tmp_path, monkeypatch):
    assert source_files("olsson2021") == [] and source_hash("olsson2021") is None
    names = [path.as_posix() for path in source_files(CNN)]
    assert {"tests/network/small_cnn.py", "tests/network/small_parts.py"} <= set(names)
    assert not [name for name in names if "site-packages" in name]
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets/__init__.py").write_text("raise RuntimeError('run')")
    (tmp_path / "nets/own.py").write_text(
        "import torch\nfrom . import parts\nfrom beside import x\n\n\ndef make(): ...\n"
    )
    (tmp_path / "nets/parts.py").write_text("from nets.own import make\n")
    (tmp_path / "nets/unused.py").write_text("x = 1\n")
    (tmp_path / "beside.py").write_text("x = 1\n")
    found = source_files("nets.own:make")
    assert {path.name for path in found} == {"__init__.py", "own.py", "parts.py", "beside.py"}
    before = source_hash("nets.own:make")
    (tmp_path / "nets/unused.py").write_text("x = 2\n")
    assert source_hash("nets.own:make") == before
    (tmp_path / "beside.py").write_text("x = 2\n")
    assert source_hash("nets.own:make") != before
    # Folders without __init__.py in a package that is not imported.
    (tmp_path / "nets/sub/deep").mkdir(parents=True)
    (tmp_path / "nets/sub/deep/net.py").write_text("def make(): ...\n")
    assert {path.name for path in source_files("nets.sub.deep.net:make")} == {"__init__.py", "net.py"}
    (tmp_path / "beside.py").write_text("x = (\n")
    with pytest.raises(StudyError, match=r"beside\.py.*is not valid Python"):
        source_files("nets.own:make")


def test_code_that_changed_since_training_is_refused(cohort, done, monkeypatch):
    folder, chosen = done
    store = ImageStore(cohort / "images")
    task = Task(GRADINGS / "kl.yaml", cohort / "kl.parquet", store, chosen.grades)
    arguments = folder / "weights.safetensors", task, chosen, store.size, Device.choose(chosen, 1)
    load_network(*arguments)
    monkeypatch.setattr("analysis.network.prediction.source_hash", lambda backbone: "another")
    with pytest.raises(StudyError, match=r"the code of network\.backbone is another than when they were trained"):
        load_network(*arguments)


def test_weights_choose_no_code(cohort, done, tmp_path):
    """Weights from elsewhere may name anything; what runs is what the settings name."""
    folder, _ = done
    other = settings(grades="softmax")
    with pytest.raises(
        StudyError, match=r"network\.backbone is tests\.network\.small_cnn:build in the file and olsson"
    ):
        attribute(
            cohort / "images", cohort / "kl.parquet", folder / "exams.parquet", GRADINGS / "kl.yaml",
            [folder / "weights.safetensors"], AttributionSettings(), other, 1, tmp_path,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("file", "rules"),
    [
        ("network", ("train", "predict", "attribute")),
        ("active_learning", ("ask_round", "train_round", "predict_round")),
        ("learning_curve", ("train_curve", "predict_curve")),
    ],
)
def test_its_files_are_inputs_of_the_rules(file, rules):
    text = (ROOT / f"workflow/rules/{file}.smk").read_text()
    for rule in rules:
        body = text.partition(f"rule {rule}:\n")[2] or text.partition(f" as {rule} with:\n")[2]
        assert "backbone=BACKBONE" in body.partition("output:")[0], rule
