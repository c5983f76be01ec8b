"""Training: what it is fed, what it resists, and that it ends with the same bytes."""

import io
import json
import re
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from pydantic import ValidationError
from safetensors import safe_open
from safetensors.torch import load_file
from tqdm import tqdm

from analysis.archive.reasons import sentence
from analysis.errors import StudyError
from analysis.files import read_table, write_table
from analysis.grading.scheme import load_scheme
from analysis.imaging.store import ImageStore
from analysis.machine import processor
from analysis.network.checkpoints import load_state, read_weights, save_state, save_weights
from analysis.network.data import Task
from analysis.network.devices import Device
from analysis.network.feeding import Feeder, shrink
from analysis.network.prediction import load_network, predict, score
from analysis.network.settings import PhaseSettings, PredictionSettings
from analysis.network.training import progress
from analysis.network.training.curve import Curve
from analysis.network.training.optimisation import Optimisation
from analysis.network.training.train import Training
from analysis.schemas import UNREADABLE
from tests.network.runs import GRADINGS, digests, processes, settings, train

ROOT = Path(__file__).parents[2]
PLAINLY = PredictionSettings(calibration="none")


@pytest.fixture(scope="module")
def done(cohort, tmp_path_factory):
    """A run of seed 0 that nothing disturbed."""
    out = tmp_path_factory.mktemp("done")
    train(cohort, out, settings())
    return out


def altered(cohort, folder, change, name="kl"):
    """A copy of the cohort whose reference standard a test changes."""
    shutil.copytree(cohort, folder)
    table = read_table(folder / f"{name}.parquet")
    write_table(change(table), folder / f"{name}.parquet")
    return folder


def test_a_killed_run_ends_as_one_that_was_not(cohort, done, tmp_path):
    kills = [
        ("at_step", 3, None),  # in the first epoch: no checkpoint yet
        ("in_checkpoint", 2, 1),  # half of the second epoch's checkpoint is written
        ("at_step", 4, 1),  # in the second epoch, gone on after the first
        ("in_checkpoint", 2, 2),  # in the last epoch's checkpoint, in the other phase
        ("after_weights", 0, 3),  # all epochs done, results half written
    ]
    found = processes(cohort, tmp_path, settings(), [(harm, n, 1) for harm, n, _ in kills] + [("", 0, 1)])
    assert found[:-1] == [{"codes": [-signal.SIGKILL], "epoch": epoch} for _, _, epoch in kills]
    assert found[-1] == {"codes": [0], "epoch": None}
    assert digests(tmp_path) == digests(done)


def test_a_seed_gives_the_same_bytes_and_another_does_not(cohort, done, tmp_path):
    train(cohort, tmp_path / "again", settings())
    train(cohort, tmp_path / "other", settings(), seed=1)
    assert digests(tmp_path / "again") == digests(done)
    assert not set(digests(tmp_path / "other").values()) & set(digests(done).values())


def test_a_checkpoint_of_other_settings_is_not_taken_up(cohort, done, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(Training, "run", lambda self: save_state(tmp_path / "checkpoint.pt", self._state(1)))
    train(cohort, tmp_path, settings({"momentum": 0.5}))
    monkeypatch.undo()
    assert (tmp_path / "checkpoint.pt").is_file()
    train(cohort, tmp_path, settings())
    assert "goes on" not in capsys.readouterr().err
    assert digests(tmp_path) == digests(done)


def test_a_checkpoint_from_another_start_is_not_taken_up(cohort, done, tmp_path):
    """Whose file has the same name: the weights that it was trained from were trained again."""
    path = tmp_path / "start.safetensors"
    chosen = settings(weights=str(path))
    store = ImageStore(cohort / "images")
    tasks = [
        Task(GRADINGS / f"{name}.yaml", cohort / f"{name}.parquet", store, chosen.grades) for name in ("kl", "fracture")
    ]
    state, about = read_weights(done / "weights.safetensors")
    found = set()
    for factor in (1.0, 1.0, 1.5):
        save_weights(
            path,
            {name: tensor * factor if tensor.is_floating_point() else tensor for name, tensor in state.items()},
            about,
        )
        found.add(Training(store, tasks, chosen, 0, Device.choose(chosen, 1), tmp_path)._fingerprint())
    assert len(found) == 2


def test_a_broken_checkpoint_is_no_checkpoint(tmp_path):
    (tmp_path / "checkpoint.pt").write_bytes(b"PK\x03\x04 half a file")
    assert load_state(tmp_path / "checkpoint.pt", "any") is None


def test_two_processes_train_as_one(cohort, tmp_path):
    # Small steps: rounding grows from step to step, with large ones to more than a tolerance should allow.
    phases = [{"epochs": 1, "learning_rate": 0.005}, {"epochs": 1, "learning_rate": 0.002, "noise": 0.05, "erase": 2}]
    chosen = settings({"phases": phases})
    train(cohort, tmp_path / "one", chosen)
    assert processes(cohort, tmp_path / "two", chosen, [("", 0, 2)]) == [{"codes": [0, 0], "epoch": None}]
    one, two = (load_file(tmp_path / folder / "weights.safetensors") for folder in ("one", "two"))
    assert one.keys() == two.keys()
    for name, tensor in one.items():
        torch.testing.assert_close(
            two[name], tensor, rtol=1e-3, atol=1e-4, msg=lambda text, name=name: f"{name}: {text}"
        )
    curves = [pd.read_csv(tmp_path / folder / "curve.csv") for folder in ("one", "two")]
    losses = ["loss_kl", "loss_fracture"]
    np.testing.assert_allclose(curves[1][losses], curves[0][losses], rtol=1e-3)


def test_the_rate_falls_by_a_quarter_of_a_cosine_and_may_rise_before():
    phase = PhaseSettings(epochs=10, learning_rate=0.02)
    assert [phase.rate(0), phase.rate(10)] == pytest.approx([0.02, 0]) and phase.rate(5) == pytest.approx(
        0.02 * 0.5**0.5
    )
    warm = PhaseSettings(epochs=10, learning_rate=0.02, warm_up=2)
    assert warm.rate(0) == 0 and warm.rate(1) == pytest.approx(phase.rate(1) / 2)
    assert [warm.rate(epoch) for epoch in (2, 5, 9)] == [phase.rate(epoch) for epoch in (2, 5, 9)]
    with pytest.raises(ValidationError, match="warm_up is longer"):
        PhaseSettings(epochs=1, learning_rate=0.02, warm_up=2)


def test_the_rate_may_fall_to_where_the_next_phase_goes_on():
    phase = PhaseSettings(epochs=4, learning_rate=0.02, falls_to=0.01)
    assert [phase.rate(0), phase.rate(4)] == pytest.approx([0.02, 0.01])
    assert phase.rate(2) == pytest.approx(0.01 + 0.01 * 0.5**0.5)
    with pytest.raises(ValidationError, match="falls_to is above learning_rate"):
        PhaseSettings(epochs=1, learning_rate=0.02, falls_to=0.03)


def test_images_may_grow_from_phase_to_phase(cohort, tmp_path, monkeypatch):
    phases = [{"epochs": 1, "learning_rate": 0.05, "warm_up": 1, "side": side} for side in (12, 18, None)]
    seen = []
    step = Optimisation.step

    def watched(self, task, batch, *rest):
        seen.append(batch.images.shape[-1])
        return step(self, task, batch, *rest)

    monkeypatch.setattr(Optimisation, "step", watched)
    train(cohort, tmp_path, settings({"phases": phases}))
    each = len(seen) // 3
    assert seen == [12] * each + [18] * each + [24] * each
    with pytest.raises(StudyError, match="asks for images of 25 pixels, but they were prepared with 24"):
        train(cohort, tmp_path / "larger", settings({"phases": [{**phases[0], "side": 25}, phases[2]]}))


def test_a_reduced_pixel_is_the_mean_of_those_it_covers():
    images = torch.rand(3, 1, 24, 24)
    reduced = shrink(images, 12)
    torch.testing.assert_close(reduced, images.unfold(2, 2, 2).unfold(3, 2, 2).mean((-1, -2)))
    assert shrink(images, 24) is images and shrink(images, 18).shape == (3, 1, 18, 18)


def test_a_loss_that_is_no_number_ends_the_run(cohort, tmp_path):
    wild = settings({"phases": [{"epochs": 1, "learning_rate": 1e30}]})
    with pytest.raises(StudyError, match=r"loss of task '\w+' is no longer a number in epoch 1; lower .*learning_rate"):
        train(cohort, tmp_path, wild)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.assign(kl=t["kl"].mask(t["kl"] == 4)), "no training exam has kl 4"),
        (lambda t: t.assign(**{c: np.nan for c in t.columns.difference(["exam", "patient", "set"])}),
         "no training exam has a label of the scheme 'kl'"),
        (lambda t: pd.concat([t, t[:1].assign(exam="e999", set="training")]), "exam e999 .* has no prepared image"),
    ],
)  # fmt: skip
def test_what_can_not_be_learnt_is_said_at_the_start(cohort, tmp_path, change, says):
    folder = altered(cohort, tmp_path / "cohort", change)
    with pytest.raises(StudyError, match=rf"kl\.parquet: {says}"):
        train(folder, tmp_path / "out", settings())
    assert not (tmp_path / "out").exists()


def test_an_exam_of_which_every_image_is_refused_is_named_with_the_reason(cohort, tmp_path):
    """As by a network from elsewhere, which reads images in its own way."""
    folder = altered(cohort, tmp_path / "cohort", lambda t: pd.concat([t, t[:1].assign(exam="e999", set="test")]))
    why = {"image": ["i1"], "exam": ["e999"], "code": ["implausible"], "detail": [sentence("implausible", "noise")]}
    write_table(pd.DataFrame(why), folder / "images/unreadable-0.csv", UNREADABLE)
    task = Task(GRADINGS / "kl.yaml", folder / "kl.parquet", ImageStore(folder / "images"), settings().grades)
    told = r"exam e999 \(1 in all\) .*unreadable-0\.csv says .*like a radiograph \(noise\)\. Leave the exam out of the readings"
    with pytest.raises(StudyError, match=told):
        task.exams("test")


def test_a_level_that_nobody_has_may_be_skipped(cohort, tmp_path, capsys):
    folder = altered(cohort, tmp_path / "cohort", lambda t: t.assign(kl=t["kl"].mask(t["kl"] == 4)))
    train(folder, tmp_path / "out", settings({"empty_levels": "skip"}))
    assert "no training exam has kl 4, it will not be predicted" in capsys.readouterr().err


def test_weights_say_what_they_are(cohort, done):
    with safe_open(done / "weights.safetensors", framework="pt") as file:
        about = json.loads(file.metadata()["network"])
    assert about["settings"] == settings().model_dump(mode="json", exclude={"seeds"})
    assert about["computed"]["precision"] == "float32" and about["computed"]["threads"] == 1
    assert about["computed"]["processor"] == processor() and about["computed"]["instructions"]
    assert about["seed"] == 0 and about["side"] == 24 and set(about["tasks"]) == {"kl", "fracture"}
    assert re.fullmatch("[0-9a-f]{64}", about["data"])


def test_the_hash_of_the_data_follows_pixels_and_labels(cohort, done, tmp_path):
    chosen = settings()

    def data(folder):
        store = ImageStore(folder / "images")
        task = Task(GRADINGS / "kl.yaml", folder / "kl.parquet", store, chosen.grades)
        other = Task(GRADINGS / "fracture.yaml", folder / "fracture.parquet", store, chosen.grades)
        return Training(store, [task, other], chosen, 0, Device.choose(chosen, 1), tmp_path).data

    assert data(cohort) == read_weights(done / "weights.safetensors")[1]["data"]
    labels = altered(cohort, tmp_path / "labels", lambda t: t.assign(medial=1 - t["medial"]))
    pixels = tmp_path / "pixels"
    shutil.copytree(cohort, pixels)
    stored = np.load(pixels / "images/pixels-0.npy")
    stored[3, 5, 5] ^= 1
    np.save(pixels / "images/pixels-0.npy", stored)
    assert len({data(cohort), data(labels), data(pixels)}) == 3


def test_weights_that_do_not_fit_say_what_differs(cohort, done):
    chosen = settings()
    store = ImageStore(cohort / "images")
    device = Device.choose(chosen, 1)
    kl = Task(GRADINGS / "kl.yaml", cohort / "kl.parquet", store, chosen.grades)
    path = done / "weights.safetensors"

    def refused(task, settings, side):
        with pytest.raises(StudyError, match="do not fit") as caught:
            load_network(path, task, settings, side, device)
        return str(caught.value)

    assert "side is 24 in the file and 256 here" in refused(kl, chosen, 256)
    wide = refused(kl, settings(width=8, pool="scores"), 24)
    assert "network.width is 4 in the file and 8" in wide and "network.pool is features" in wide
    banded = refused(kl, settings(band=[0.25, 0.75]), 24)
    assert "network.band is null in the file and [0.25, 0.75] in the settings" in banded
    other = Task(GRADINGS / "kl.yaml", cohort / "kl.parquet", store, "softmax")
    assert "the outputs of task 'kl' differ" in refused(other, settings(grades="softmax"), 24)
    oarsi = Task(GRADINGS / "oarsi.yaml", cohort / "oarsi.parquet", store, chosen.grades)
    assert "the file has no task 'oarsi', only fracture, kl" in refused(oarsi, chosen, 24)


def test_the_reference_standard_of_another_grading_is_not_learnt_from(cohort):
    with pytest.raises(StudyError, match=r"kl\.parquet doesn't have 'jsn_medial_0' of the grading 'oarsi'"):
        Task(GRADINGS / "oarsi.yaml", cohort / "kl.parquet", ImageStore(cohort / "images"), "softmax")


def test_weights_of_another_version_of_the_network_name_the_tensors(cohort, done, tmp_path):
    chosen = settings()
    kl = Task(GRADINGS / "kl.yaml", cohort / "kl.parquet", ImageStore(cohort / "images"), chosen.grades)
    state, about = read_weights(done / "weights.safetensors")
    name = sorted(state)[0]
    save_weights(tmp_path / "old.safetensors", {key: t for key, t in state.items() if key != name}, about)
    with pytest.raises(StudyError, match=f"another shape or type are {re.escape(name)}. They are of another version"):
        load_network(tmp_path / "old.safetensors", kl, chosen, 24, Device.choose(chosen, 1))


def test_files_that_are_no_weights_are_named(tmp_path):
    with pytest.raises(StudyError, match="do not exist"):
        read_weights(tmp_path / "none.safetensors")
    (tmp_path / "text.safetensors").write_text("no tensors")
    with pytest.raises(StudyError, match="not a safetensors file"):
        read_weights(tmp_path / "text.safetensors")


def test_fine_tuning_starts_from_the_file(cohort, done, tmp_path, capsys):
    slow = {"phases": [{"epochs": 1, "learning_rate": 1e-9}], "keep": "last", "average": 0.0}
    train(cohort, tmp_path / "out", settings(slow, weights=str(done / "weights.safetensors")), seed=5)
    file, out = (load_file(folder / "weights.safetensors") for folder in (done, tmp_path / "out"))
    for name in file:
        if not name.endswith(("running_mean", "running_var", "num_batches_tracked")):
            torch.testing.assert_close(out[name], file[name], rtol=0, atol=1e-6)
    assert "at random start 0 tensors" in capsys.readouterr().err
    # Another grading's head is new, the rest is taken over.
    train(cohort, tmp_path / "new", settings(slow, weights=str(done / "weights.safetensors"), grades="softmax"), seed=5)
    new = load_file(tmp_path / "new" / "weights.safetensors")
    torch.testing.assert_close(
        new["backbone.core.0.0.second.2.weight"], file["backbone.core.0.0.second.2.weight"], rtol=0, atol=1e-6
    )
    assert new["heads.kl.outer.weight"].shape != file["heads.kl.outer.weight"].shape
    with pytest.raises(StudyError, match=r"network\.width is 4 in the file and 8 in the settings"):
        train(cohort, tmp_path / "wide", settings(slow, weights=str(done / "weights.safetensors"), width=8))


def test_an_ensemble_is_the_mean_of_its_members(cohort, done, tmp_path):
    train(cohort, tmp_path / "other", settings(), seed=1)
    files = [folder / "weights.safetensors" for folder in (done, tmp_path / "other")]
    predict(
        cohort / "images", cohort / "kl.parquet", GRADINGS / "kl.yaml", files, settings(), PLAINLY, 1, tmp_path / "both"
    )
    exams = read_table(tmp_path / "both/exams.parquet")
    seeds = read_table(tmp_path / "both/seeds.parquet")
    assert set(seeds["seed"]) == {0, 1}
    mean = seeds.groupby(["exam", "outcome"])["score"].mean()
    for outcome in ("kl_0", "kl_3_4", "medial"):
        np.testing.assert_allclose(
            exams[outcome], mean.loc[list(zip(exams["exam"], [outcome] * len(exams), strict=True))]
        )
    by_seed = seeds.pivot_table(index=["exam", "outcome"], columns="seed", values="score")
    assert (by_seed[0] != by_seed[1]).mean() > 0.9
    with pytest.raises(StudyError, match="of seed 0, as are others"):
        predict(
            cohort / "images",
            cohort / "kl.parquet",
            GRADINGS / "kl.yaml",
            files[:1] * 2,
            settings(),
            PLAINLY,
            1,
            tmp_path,
        )


class Turned(Feeder):
    """Shows every image as its mirror image."""

    def plain(self, *arguments):
        batch = super().plain(*arguments)
        return replace(batch, images=batch.images.flip(3), mirrored=torch.ones(len(batch.images), dtype=torch.bool))


def test_mirrored_passes_are_averaged_and_temperature_comes_last(cohort, done, tmp_path):
    files = cohort / "images", cohort / "kl.parquet", GRADINGS / "kl.yaml", [done / "weights.safetensors"], settings()
    found = {}
    for name, asked in (("plain", PLAINLY), ("both", PredictionSettings(mirrored=True, calibration="none"))):
        predict(*files, asked, 1, tmp_path / name)
        found[name] = read_table(tmp_path / name / "exams.parquet").set_index("exam")
        assert set(read_table(tmp_path / name / "temperatures.csv")["temperature"]) == {1.0}
    store = ImageStore(cohort / "images")
    task = Task(GRADINGS / "kl.yaml", cohort / "kl.parquet", store, "ordinal")
    device = Device.choose(settings(), 1)
    network, *_ = load_network(done / "weights.safetensors", task, settings(), store.size, device)
    exams = task.exams("test")
    other = score(network, task, exams, Turned(store, device, True)).outcomes
    names, ids = exams.table["exam"], [outcome.id for outcome in task.scheme.outcomes]
    np.testing.assert_allclose(
        found["both"].loc[names, ids], (found["plain"].loc[names, ids].to_numpy() + other) / 2, atol=1e-6
    )
    # The grades of the test set are not looked at; those of the validation set are, for the temperature.
    truth = read_table(cohort / "kl.parquet")
    heated = {}
    for hidden in ("none", "test", "validation"):
        changed = truth.copy()
        changed.loc[changed["set"] == hidden, [name for name in changed if name.startswith("kl")]] = np.nan
        changed.to_parquet(tmp_path / f"{hidden}.parquet")
        predict(files[0], tmp_path / f"{hidden}.parquet", *files[2:], PredictionSettings(), 1, tmp_path / hidden)
        heated[hidden] = read_table(tmp_path / hidden / "exams.parquet")[["kl_0", "kl_2_4"]]
    pd.testing.assert_frame_equal(heated["none"], heated["test"], check_exact=True)
    assert not np.allclose(heated["none"], heated["validation"])


def test_an_exam_scores_the_same_in_whatever_batch_it_comes(cohort, done, tmp_path, monkeypatch):
    found = []
    for batch in (1, 7, 64):
        monkeypatch.setattr("analysis.network.prediction.BATCH", batch)
        out = tmp_path / str(batch)
        weights = [done / "weights.safetensors"]
        predict(
            cohort / "images",
            cohort / "kl.parquet",
            GRADINGS / "kl.yaml",
            weights,
            settings(),
            PredictionSettings(),
            1,
            out,
        )
        found.append([read_table(out / name).select_dtypes("number") for name in ("exams.parquet", "images.parquet")])
    for exams, images in found[1:]:
        pd.testing.assert_frame_equal(exams, found[0][0], rtol=0, atol=1e-5)
        pd.testing.assert_frame_equal(images, found[0][1], rtol=0, atol=1e-5)


def test_tensorboard_only_on_request(cohort, done, tmp_path):
    assert not list(done.glob("events.out*"))
    train(cohort, tmp_path, settings({"tensorboard": True, "phases": [{"epochs": 1, "learning_rate": 0.01}]}))
    assert len(list(tmp_path.glob("events.out*"))) == 1


def test_the_curve_names_every_epoch(done):
    curve = pd.read_csv(done / "curve.csv")
    assert curve["epoch"].tolist() == [1, 2, 3] and curve["phase"].tolist() == [1, 1, 2]
    assert curve[["loss_kl", "loss_fracture", "auc", "auc_fracture", "auc_kl_3_4"]].notna().all().all()
    assert (curve["learning_rate"].diff()[1:2] < 0).all() and curve["learning_rate"].max() < 0.05


def test_a_phase_is_validated_on_images_of_its_size_and_what_is_kept_is_of_the_last(cohort, tmp_path, monkeypatch):
    seen = []

    def spied(*arguments, **named):
        seen.append(arguments[4])
        return score(*arguments, **named)

    monkeypatch.setattr("analysis.network.training.train.score", spied)
    phases = [{"epochs": 2, "learning_rate": 0.01, "side": 16}, {"epochs": 1, "learning_rate": 0.01}]
    train(cohort, tmp_path, settings({"phases": phases, "keep": "best", "keep_window": 3}, tasks=[]))
    curve, size = pd.read_csv(tmp_path / "curve.csv"), ImageStore(cohort / "images").size
    assert seen == curve["side"].tolist() == [16, 16, size]
    # However good the small images were, their epochs are not compared with those of the images that are predicted.
    assert json.loads(safe_open(tmp_path / "weights.safetensors", "pt").metadata()["network"])["epoch"] == 3
    assert curve["smooth"][2] == curve["auc"][2]


@pytest.mark.parametrize("sides", [(24, 16, None), (16, 24)])
def test_images_can_only_grow_and_end_as_they_were_prepared(sides):
    with pytest.raises(ValueError, match="can only grow"):
        settings({"phases": [{"epochs": 1, "learning_rate": 0.01, "side": side} for side in sides]})


def test_what_is_kept_is_the_best_epoch_on_validation(cohort, tmp_path):
    best = settings({"keep": "best", "keep_window": 1})
    train(cohort, tmp_path / "best", best)
    curve = pd.read_csv(tmp_path / "best/curve.csv")
    assert read_weights(tmp_path / "best/weights.safetensors")[1]["epoch"] == curve["epoch"][curve["auc"].idxmax()]
    train(cohort, tmp_path / "last", settings({"keep": "last"}))
    assert read_weights(tmp_path / "last/weights.safetensors")[1]["epoch"] == 3


@pytest.mark.parametrize(("areas", "kept"), [((None, 0.6, 0.7, None), 3), ((0.6, None, None), 1), ((None, None), 2)])
def test_an_epoch_whose_scores_are_no_numbers_is_kept_only_where_there_is_no_other(areas, kept):
    curve = Curve(["kl"], load_scheme(GRADINGS / "kl.yaml"))
    best = 0
    for epoch, area in enumerate(areas, 1):
        curve.add(epoch, 1, 24, 0.1, {"kl": 1.0}, [{} if area is None else {"kl_0": area}], 1)
        best = epoch if curve.is_best() else best
    assert best == kept == curve.kept_epoch("best")


def test_findings_without_a_weight_have_no_score(cohort, tmp_path):
    train(cohort, tmp_path, settings({"findings_weight": 0, "phases": [{"epochs": 1, "learning_rate": 0.01}]}))
    scheme = load_scheme(GRADINGS / "kl.yaml")
    learnt = read_weights(tmp_path / "weights.safetensors")[1]["learnt"]
    told = dict(zip((outcome.id for outcome in scheme.outcomes), learnt, strict=True))
    assert told["kl_0"] and told["kl_2_4"] and told["disease"] and not told["medial"] and not told["tka"]


def test_the_bar_ends_where_the_epochs_do(cohort, tmp_path, monkeypatch):
    """Images of a further task come between those of the grading."""
    made = []

    class Bar(tqdm):
        def __init__(self, **asked):
            super().__init__(**asked | {"disable": False, "file": io.StringIO()})
            made.append(self)

    monkeypatch.setattr(progress, "tqdm", Bar)
    train(cohort, tmp_path, settings({"task_every": 1}))
    assert made[0].n == made[0].total


def test_without_a_compiler_training_goes_on(cohort, done, tmp_path, capsys, monkeypatch):
    def broken(*arguments, **named):
        raise RuntimeError("no C++ compiler found")

    monkeypatch.setattr(torch, "compile", broken)
    train(cohort, tmp_path, settings(compile=True))
    assert "is not compiled, which is slower but otherwise the same (no C++ compiler found)" in capsys.readouterr().err
    assert load_file(tmp_path / "weights.safetensors").keys() == load_file(done / "weights.safetensors").keys()
    assert digests(tmp_path)["curve.csv"] == digests(done)["curve.csv"]
