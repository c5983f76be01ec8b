"""What the network is fed: whole exams, varied images, labels that stay true, and never a report."""

import re
import shutil
from pathlib import Path

import grimp
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from analysis.files import read_table, write_table
from analysis.imaging.store import ImageStore
from analysis.network.data import Task, pack, stream
from analysis.network.devices import Device
from analysis.network.feeding import Feeder, share
from analysis.network.form.architecture import KneeNet, maximum
from analysis.network.form.losses import Weights, elementwise
from analysis.network.prediction import answer
from analysis.network.settings import NetworkSettings, TrainingSettings
from analysis.network.streams import Streams
from analysis.network.training.train import Training
from analysis.network.variation import draw
from analysis.schemas import PREPARED, REFERENCE
from tests.network.runs import GRADINGS, PLAIN, ROOT, digests, settings, still, train


def exams_of(folder, chosen="training"):
    store = ImageStore(folder / "images")
    return store, Task(GRADINGS / "kl.yaml", folder / "kl.parquet", store, "softmax").exams(chosen)


numbers = st.lists(st.integers(1, 9), min_size=1, max_size=60)


@given(numbers, st.integers(1, 40), st.integers(0, 9))
def test_packing_loses_nothing_and_wastes_nothing(number, batch, seed):
    images = np.array(number)
    order = np.random.default_rng(seed).permutation(len(images))
    batches = pack(images, order, batch)
    assert np.concatenate(batches).tolist() == order.tolist()
    sizes = [images[b].sum() for b in batches]
    for size, exams in zip(sizes[:-1], batches[:-1], strict=True):
        assert size <= batch or len(exams) == 1
    # The last one is such a batch, too, but for a rest of less than half a batch that may have joined it.
    last = images[batches[-1]]
    assert any((last[:k].sum() <= batch or k == 1) and last[k:].sum() < batch / 2 for k in range(1, len(last) + 1)), (
        last
    )
    for one, size, following in zip(batches[:-1], sizes[:-1], batches[1:], strict=True):
        assert size + images[following[0]] > batch, (one, following)


@given(numbers.filter(lambda n: len(n) >= 4), st.integers(1, 4))
def test_processes_share_a_batch_without_rest(number, processes):
    parts = [share(np.array(number), rank, processes) for rank in range(processes)]
    assert [i for part in parts for i in range(part.start, part.stop)] == list(range(len(number)))
    assert all(part.stop > part.start for part in parts)


def test_a_stream_shows_every_exam_before_any_twice(cohort):
    _, exams = exams_of(cohort)
    seen, batches = [], stream(exams, 12, 2, np.random.default_rng(0))
    while len(seen) < 2 * len(exams):
        seen += next(batches).tolist()
    first, second = seen[: len(exams)], seen[len(exams) : 2 * len(exams)]
    assert sorted(first) == sorted(second) == list(range(len(exams))) and first != second


def test_a_batch_holds_its_images_and_nothing_else(cohort):
    store, exams = exams_of(cohort)
    chosen = np.array([4, 0, 7])
    batch = Feeder(store, Device.choose(settings(), 1), False).plain(exams, chosen)
    rows = np.concatenate([exams.positions[exams.first[e] : exams.first[e + 1]] for e in chosen])
    assert np.array_equal((batch.images[:, 0] * 255).round().numpy().astype(np.uint8), store[rows])
    assert batch.exam.tolist() == np.arange(3).repeat(exams.images[chosen]).tolist()


def test_jitters_of_an_exam_are_joined_by_their_maximum(cohort):
    store, exams = exams_of(cohort)
    training = TrainingSettings(jitters=2)
    feeder = Feeder(store, Device.choose(settings(), 1), False)
    task = Task(GRADINGS / "kl.yaml", cohort / "kl.parquet", store, "softmax")
    weights = Weights.of(task.layout, exams.grades, exams.binary, training)
    chosen = np.flatnonzero(exams.images == 3)[:2]
    variation = draw(Streams(0, 1), 12, store.size, training, PLAIN)
    batch, _ = feeder.training(exams, weights, chosen, training, variation)
    assert batch.image.tolist() == np.arange(6).repeat(2).tolist() and batch.exam.tolist() == [0] * 6 + [1] * 6
    assert not torch.equal(batch.images[0], batch.images[1])
    network = KneeNet(settings(), {"kl": task.layout.width}, 3).eval()
    with torch.inference_mode():
        logits, views = network(*batch.inputs, "kl")
        features = network.features(batch.images)
        joined = torch.stack([features[:6].amax(0), features[6:].amax(0)])
        torch.testing.assert_close(logits, network.heads["kl"](joined))
        assert views.shape == (6, 3)
        torch.testing.assert_close(maximum(features, batch.image, 6)[0], torch.maximum(features[0], features[1]))


def knees(folder, cohort):
    """Knees with a fibula, bright at the lateral edge, and a lesion in one compartment."""
    shutil.copytree(cohort, folder)
    table = read_table(folder / "kl.parquet").reset_index(drop=True)
    side = {exam: ("left", "right")[i // 2 % 2] for i, exam in enumerate(table["exam"])}
    medial = {exam: float(i % 2) for i, exam in enumerate(table["exam"])}
    for shard in (0, 1):
        rows = read_table(folder / f"images/rows-{shard}.parquet")
        pixels = np.zeros((len(rows), 24, 24), np.uint8)
        for k, exam in enumerate(rows["exam"]):
            pixels[k, 14:22, 1:3] = 255  # the fibula of a right knee, seen from the front
            pixels[k, 10:13, 15:19] += np.uint8(180 * medial[exam])
            pixels[k, 10:13, 5:9] += np.uint8(180 * (1 - medial[exam]))
            if side[exam] == "left":
                pixels[k] = pixels[k, :, ::-1]
        np.save(folder / f"images/pixels-{shard}.npy", pixels)
        write_table(rows.assign(side=rows["exam"].map(side)), folder / f"images/rows-{shard}.parquet", PREPARED)
    write_table(
        table.assign(medial=table["exam"].map(medial), lateral=1 - table["exam"].map(medial)),
        folder / "kl.parquet",
        REFERENCE,
    )
    return folder


def compartment(image):
    """Where the lesion is, read off the image alone: far from the fibula is medial."""
    fibula = image[14:22].sum(0)
    lesion = image[10:13].sum(0)
    columns = np.arange(24)
    return float(abs((fibula * columns).sum() / fibula.sum() - (lesion * columns).sum() / lesion.sum()) > 10)


def test_mirroring_takes_medial_and_lateral_along(cohort, tmp_path):
    store, exams = exams_of(knees(tmp_path / "cohort", cohort))
    task = Task(GRADINGS / "kl.yaml", tmp_path / "cohort/kl.parquet", store, "softmax")
    medial = [o.id for o in task.layout.binary].index("medial")
    chosen = np.arange(12)
    number = exams.images[chosen]
    feeder = Feeder(store, Device.choose(settings(), 1), False)
    plain = feeder.plain(exams, chosen).images
    for share_mirrored in (0.0, 1.0):
        training = still(mirror_horizontal=share_mirrored)
        weights = Weights.of(task.layout, exams.grades, exams.binary, training)
        variation = draw(Streams(0, 1), number.sum(), store.size, training, PLAIN)
        batch, labels = feeder.training(exams, weights, chosen, training, variation)
        expected = plain.flip(3) if share_mirrored else plain
        torch.testing.assert_close(batch.images, expected, rtol=0, atol=1e-5)
        truth = labels.binary[:, medial].repeat_interleave(torch.from_numpy(number)).numpy()
        assert np.array_equal([compartment(image) for image in batch.images[:, 0].numpy()], truth)
        assert 0 < truth.mean() < 1


def test_aligned_sides_show_medial_on_one_side(cohort, tmp_path):
    store, exams = exams_of(knees(tmp_path / "cohort", cohort))
    task = Task(GRADINGS / "kl.yaml", tmp_path / "cohort/kl.parquet", store, "softmax")
    medial = exams.binary[:, [o.id for o in task.layout.binary].index("medial")].repeat(exams.images)
    side = store.rows["side"].to_numpy()[exams.positions]
    device, every = Device.choose(settings(), 1), np.arange(len(exams))
    as_taken, aligned = (
        Feeder(store, device, align).plain(exams, every).images[:, 0].numpy() for align in (False, True)
    )
    right_half = {name: images[:, 10:13, 12:].sum((1, 2)) > 5 for name, images in (("t", as_taken), ("a", aligned))}
    assert np.array_equal(right_half["a"], medial == 1)
    assert np.array_equal(right_half["t"], (medial == 1) ^ (side == "left"))
    assert {"left", "right"} == set(side)


def test_aligned_sides_are_not_turned_by_a_quarter():
    turned = {"training": {"augmentation": {"quarter_turn": 0.5}}}
    with pytest.raises(ValidationError, match="quarter_turn turns up and down"):
        NetworkSettings.model_validate(turned)
    assert not NetworkSettings.model_validate({**turned, "align_sides": False}).align_sides


@pytest.mark.parametrize("known", [True, False])
def test_passes_that_show_the_other_side_are_marked(cohort, tmp_path, known):
    store, exams = exams_of(knees(tmp_path / "cohort", cohort))
    if not known:
        store.rows.loc[exams.positions[:3], "side"] = None
    training = still(mirror_horizontal=0.5)
    task = Task(GRADINGS / "kl.yaml", tmp_path / "cohort/kl.parquet", store, "softmax")
    weights = Weights.of(task.layout, exams.grades, exams.binary, training)
    chosen, feeder = np.arange(12), Feeder(store, Device.choose(settings(), 1), True)
    plain = feeder.plain(exams, chosen)
    variation = draw(Streams(0, 1), exams.images[chosen].sum(), store.size, training, PLAIN)
    batch, _ = feeder.training(exams, weights, chosen, training, variation)
    shown = (batch.images - plain.images).abs().amax((1, 2, 3)) > 0.1
    assert 0 < shown[3:].sum() < len(shown[3:]) and torch.equal(batch.mirrored[3:], shown[3:])
    assert torch.equal(batch.mirrored[:3], shown[:3] & known)
    assert plain.unsided is None if known else plain.unsided.tolist() == [True] * 3 + [False] * (len(shown) - 3)
    assert Feeder(store, feeder.device, False).training(exams, weights, chosen, training, variation)[0].mirrored is None


def test_an_image_of_no_known_side_is_scored_as_either_and_averaged(cohort):
    store, exams = exams_of(cohort)
    device = Device.choose(settings(), 1)
    task = Task(GRADINGS / "kl.yaml", cohort / "kl.parquet", store, "softmax")
    network = KneeNet(settings(), {"kl": task.layout.width}, 3).eval()
    torch.nn.init.normal_(network.heads["kl"].sides.weight)
    chosen, found = np.flatnonzero(exams.images == 1)[:2], []
    for side in ("right", "left", None):
        store.rows["side"] = "right"
        store.rows.loc[exams.images_of(chosen[:1])[0], "side"] = side
        batch = Feeder(store, device, True).plain(exams, chosen)
        with torch.inference_mode():
            found.append(answer(network, task, batch, device).outcomes)
    right, left, unknown = found
    np.testing.assert_allclose(unknown, (right + left) / 2, rtol=1e-4, atol=1e-6)
    assert abs(right[0] - left[0]).max() > 1e-3 and np.allclose(right[1], left[1], atol=1e-6)


@pytest.mark.parametrize("loss", ["cross_entropy", "hinge"])
@pytest.mark.parametrize("way", ["one-vs-rest", "softmax", "ordinal"])
def test_a_missing_label_gives_no_gradient(cohort, way, loss):
    store = ImageStore(cohort / "images")
    task = Task(GRADINGS / "kl.yaml", cohort / "kl.parquet", store, way)
    exams = task.exams("training")
    grades, binary = exams.grades[:20].copy(), exams.binary[:20].copy()
    grades[::3] = np.nan
    if way == "one-vs-rest":  # its grades are yes-or-no outputs, too
        binary[::3, list(task.layout.graded)] = np.nan
    weights = Weights.of(task.layout, exams.grades, exams.binary, TrainingSettings(loss=loss))(grades, binary)
    logits = torch.zeros(20, task.layout.width, requires_grad=True)
    known = [torch.from_numpy(np.nan_to_num(v).astype(np.float32)) for v in (grades, binary)]
    (elementwise(task.layout, loss, logits, *known) * torch.from_numpy(weights)).sum().backward()
    gradient = logits.grad.numpy()
    names = task.layout.names
    graded = [i for i, n in enumerate(names) if n.startswith("kl")]
    assert (gradient[::3][:, graded] == 0).all() and (gradient[1::3][:, graded] != 0).any(1).all()
    medial = exams.binary[:20, [o.id for o in task.layout.binary].index("medial")]
    assert np.isnan(medial).any()
    assert np.array_equal(gradient[:, names.index("medial")] == 0, np.isnan(medial))


@pytest.mark.parametrize(("every", "turns"), [(1, "01010101"), (3, "0001000100")])
def test_tasks_take_turns(cohort, tmp_path, every, turns):
    chosen = settings({"task_every": every, "batch": 16})
    store = ImageStore(cohort / "images")
    tasks = [Task(GRADINGS / f"{n}.yaml", cohort / f"{n}.parquet", store, chosen.grades) for n in ("kl", "fracture")]
    training = Training(store, tasks, chosen, 0, Device.choose(chosen, 1), tmp_path)
    streams = Streams(0, 1)
    plan = list(training._plan(streams))
    assert "".join(str(t) for t, _ in plan).startswith(turns)
    # The grading sets the length of the epoch: each of its exams once.
    assert sorted(np.concatenate([b for t, b in plan if t == 0])) == list(range(len(training.exams[0])))
    # A step of one task leaves the other's head alone, and moves the core.
    before = {name: tensor.clone() for name, tensor in training.network.named_parameters()}
    exams, some = training.exams[1], plan[-1][1] % len(training.exams[1])
    passes = int(exams.images[some].sum()) * chosen.training.jitters
    variation = draw(streams, passes, store.size, chosen.training, PLAIN)
    batch, labels = training.feeder.training(exams, training.weights[1], some, chosen.training, variation)
    training.optimisation.step(tasks[1], batch, labels, 0.01, PLAIN)
    moved = {name.split(".")[1] if name.startswith("heads") else name.split(".")[0]
             for name, tensor in training.network.named_parameters() if not torch.equal(tensor, before[name])}  # fmt: skip
    assert {"backbone", "fracture"} <= moved and "kl" not in moved


def test_the_network_knows_no_reader_of_reports():
    graph = grimp.build_graph("analysis", cache_dir=None)
    for subject in ("archive", "cohort", "simulate", "reading", "presentation", "checks", "manuscript"):
        for module in ("training.train", "prediction", "decisions.attribution"):
            above = graph.find_upstream_modules(f"analysis.network.{module}")
            assert not {name for name in above if name.startswith(f"analysis.{subject}.")}, (module, subject)


@pytest.mark.parametrize("rule", ["train", "predict", "attribute"])
def test_no_rule_of_the_network_reads_the_reports(rule):
    text = (ROOT / "workflow/rules/network.smk").read_text()
    body = re.search(rf"^ *rule {rule}:\n(.*?)(?=^ *rule |\Z)", text, re.M | re.S).group(1)
    given = re.search(r"    input:\n(.*?)    output:", body, re.S).group(1)
    names = set(re.findall(r"^ {8,12}(\w+)=", given, re.M))
    assert (
        {"prepared", "reference", "code"}
        <= names
        <= {
            *("prepared", "reference", "grading", "tasks", "references", "start", "settings", "code"),
            *("weights", "temperatures", "predictions", "backbone", "network", "prediction", "whole"),
        }
    )
    assert not re.search(r"report|ARCHIVE|selection|index", body, re.I)


def test_what_the_reports_say_changes_nothing(cohort, tmp_path):
    out = []
    for text in ("severe osteoarthritis, KL 4", "dfjk \x00 ;;;"):
        folder = tmp_path / str(len(out))
        shutil.copytree(cohort, folder / "cohort")
        (folder / "cohort/reports.csv").write_text("exam,report\n" + "".join(f"e{i:03},{text}\n" for i in range(75)))
        (folder / "cohort/images/reports.csv").write_text(text)
        train(folder / "cohort", folder / "out", settings({"phases": [{"epochs": 1, "learning_rate": 0.05}]}))
        out.append(digests(folder / "out"))
    assert out[0] == out[1]
    # And no table that it does read has a column for free text.
    for schema in (PREPARED, REFERENCE):
        assert not [name for name in schema.columns if re.search("report|text|description|comment", name)]


def test_memory_does_not_hold_the_store(cohort):
    store = ImageStore(cohort / "images")
    assert all(isinstance(pixels, np.memmap) for pixels in store._pixels.values())
    assert Path(store.folder) == cohort / "images"
