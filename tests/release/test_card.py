"""The network's folder: complete, loaded whole or refused by name, the same scores wherever it is."""

import shutil

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import torch

from analysis.errors import StudyError
from analysis.files import read_table
from analysis.grading.scheme import load_scheme
from analysis.imaging.store import ImageStore
from analysis.network import load
from analysis.network.checkpoints import read_tensors, read_weights, save_weights
from analysis.network.trained.folder import SUMS
from analysis.network.trained.trust import NEAREST, Trust, thumbnails
from analysis.release.card import write_sums
from analysis.release.onnx import export
from analysis.release.readme import _metadata
from tests.network.runs import GRADINGS


@pytest.fixture(scope="module")
def network(card):
    return load(card)


@pytest.fixture
def twin(card, tmp_path):
    """A copy to do harm to."""
    return shutil.copytree(card, tmp_path / "card")


def exams_of(store, names):
    return [store[store.rows.index[store.rows["exam"] == name]] for name in names]


def test_a_loaded_network_says_what_the_study_said(study, network):
    predicted = read_table(study / "predictions/exams.parquet")
    store = ImageStore(study / "images")
    side = store.rows.groupby("exam")["side"].first()
    found = network.score(
        [list(images) for images in exams_of(store, predicted["exam"])], list(side[predicted["exam"]])
    )
    columns = [*network.outcomes, *network.scheme.items]
    np.testing.assert_allclose(found[columns], predicted[columns], atol=1e-6)
    assert found[network.outcomes].isna().any().any()  # what was never learnt has no score
    assert network.numbers == [0, 1]


def test_every_file_is_listed(card):
    listed = {line.partition("  ")[2] for line in (card / SUMS).read_text().splitlines()}
    assert listed == {path.relative_to(card).as_posix() for path in card.rglob("*") if path.is_file()} - {SUMS}
    assert {"weights/seed-0.safetensors", "curves/seed-1.csv", "config.yaml", "kl.yaml", "thresholds.csv"} < listed


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda folder: (folder / "kl.yaml").unlink(), "kl.yaml is missing"),
        (lambda folder: (folder / "trust.safetensors").unlink(), "trust.safetensors is missing"),
        (lambda folder: (folder / "thresholds.csv").open("a").write("\n"), "thresholds.csv is not as it was written"),
        (lambda folder: (folder / "README.md").write_text("another"), "README.md is not as it was written"),
        (lambda folder: torch.save({"a": 1}, folder / "weights/seed-0.pt"), "seed-0.pt may be a pickle"),
        (lambda folder: (folder / SUMS).unlink(), f"holds no {SUMS}"),
        (
            lambda folder: shutil.copy(folder / "weights/seed-0.safetensors", folder / "weights/seed-7.safetensors"),
            "seed-7.safetensors is not listed",
        ),
        (shutil.rmtree, "it is no folder"),
    ],
)
def test_what_is_not_whole_is_refused_by_name(twin, harm, said):
    harm(twin)
    with pytest.raises(StudyError, match=said):
        load(twin)


def test_weights_whose_name_says_no_seed_are_refused(twin):
    (twin / "weights/seed-1.safetensors").rename(twin / "weights/seed-x.safetensors")
    write_sums(twin)
    with pytest.raises(StudyError, match=r"seed-x\.safetensors is not called"):
        load(twin)


def test_tensors_that_do_not_fit_are_named(twin):
    path = twin / "weights/seed-1.safetensors"
    state, about = read_weights(path)
    name = next(name for name in state if name.endswith("outer.weight"))
    save_weights(path, state | {name: state[name][:-1]}, about)
    write_sums(twin)
    with pytest.raises(StudyError, match=rf"seed-1.safetensors do not fit: .*{name}"):
        load(twin)
    save_weights(path, state | {name: state[name] * np.nan}, about)
    write_sums(twin)
    with pytest.raises(StudyError, match=rf"seed-1.safetensors hold no finite numbers in .*{name}"):
        load(twin)


def _halve(path):
    state, about = read_weights(path)
    save_weights(
        path, {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in state.items()}, about
    )


def _say_nothing_of_views(path):
    state, about = read_tensors(path)
    save_weights(path, state, about | {"views": 3})


def _take_seed_0(path):
    shutil.copy(path.with_stem("seed-0"), path)


def _without(path, start):
    lines = path.read_text().splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(start)]
    assert len(kept) < len(lines)
    path.write_text("".join(kept))


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ([], "do not say which network they belong to;"),
        ({"tasks": ["kl"]}, r"do not say which network they belong to \(tasks\)"),
        ({"learnt": None}, r"do not say which network they belong to \(learnt\)"),
        ({"learnt": [True]}, "don't say of each outcome whether it was learnt"),
        ({"seed": 7}, r"its weights are of seeds \[0, 7\]"),
    ],
)
def test_weights_that_say_something_odd_of_themselves_are_refused(twin, about, said):
    path = twin / "weights/seed-1.safetensors"
    state, own = read_weights(path)
    save_weights(path, state, own | about if isinstance(about, dict) else about)
    write_sums(twin)
    with pytest.raises(StudyError, match=said):
        load(twin)


def test_weights_that_give_no_numbers_are_refused_though_they_are_numbers(twin):
    path = twin / "weights/seed-1.safetensors"
    state, about = read_weights(path)
    save_weights(path, {name: -1 - t if name.endswith("running_var") else t for name, t in state.items()}, about)
    write_sums(twin)
    network = load(twin)
    image = np.zeros((network.images.size,) * 2, np.uint8)
    with pytest.raises(StudyError, match="give scores that are no numbers"):
        network.score([[image]], ["left"])


@pytest.mark.parametrize(
    ("thumbnails", "limits"),
    [
        (np.zeros((3, 49), np.uint8), {}),
        (np.zeros((0, 64), np.uint8), {}),
        (np.zeros((3, 64), np.float32), {}),
        (None, {"unlike": float("nan")}),
        (None, {"sure": {"kl": "0.9"}}),
    ],
)
def test_what_a_network_is_trusted_on_is_refused_where_it_would_mark_nothing_or_stop(twin, thumbnails, limits):
    own = Trust.load(twin / "trust.safetensors")
    state = torch.from_numpy(own.thumbnails if thumbnails is None else thumbnails)
    save_weights(twin / "trust.safetensors", {"thumbnails": state}, {**own.limits, **limits})
    with pytest.raises(StudyError, match=r"trust\.safetensors doesn't say what the network can be trusted on"):
        Trust.load(twin / "trust.safetensors")


@pytest.mark.parametrize(
    ("name", "harm", "said"),
    [
        ("weights/seed-1.safetensors", _halve, "seed-1.safetensors do not fit"),
        ("trust.safetensors", lambda path: save_weights(path, {}, {}), "trust.safetensors doesn't say"),
        ("trust.safetensors", _say_nothing_of_views, "trust.safetensors doesn't say"),
        ("config.yaml", lambda path: path.write_text("- 1\n"), "config.yaml holds no sections"),
        ("config.yaml", lambda path: _without(path, "grading:"), "config.yaml doesn't say by what the network grades"),
        ("config.yaml", lambda path: _without(path, "  title:"), "config.yaml doesn't say by what the network grades"),
        ("temperatures.csv", lambda path: _without(path, "kl,"), "temperatures.csv has no temperature of 'kl'"),
        (
            "config.yaml",
            lambda path: path.write_text(path.read_text().replace("small cohort", "[a, b]")),
            "on which cohort",
        ),
        ("weights/seed-1.safetensors", _take_seed_0, r"its weights are of seeds \[0, 0\]"),
        ("weights/seed-7.safetensors", _take_seed_0, "seeds are 0, 1, but there are weights of 0, 1, 7"),
        ("weights/seed-1.safetensors", lambda path: path.unlink(), "seeds are 0, 1, but there are weights of 0; copy"),
    ],
)
def test_files_of_something_else_are_refused_by_name(twin, name, harm, said):
    harm(twin / name)
    write_sums(twin)
    with pytest.raises(StudyError, match=said):
        load(twin)


def test_a_list_of_hashes_that_is_no_text_is_refused(twin):
    (twin / SUMS).write_bytes(b"\xff\xfe")
    with pytest.raises(StudyError, match="SHA256SUMS doesn't list config"):
        load(twin)


def test_weights_that_are_a_pickle_under_another_name_are_refused(twin):
    path = twin / "weights/seed-0.safetensors"
    torch.save({"weight": torch.zeros(2)}, path)
    write_sums(twin)
    with pytest.raises(StudyError, match=r"seed-0\.safetensors are not a safetensors file"):
        load(twin)


def test_images_that_the_network_does_not_take_are_refused(network):
    for images, said in (
        ([np.zeros((30, 30), np.uint8)], "this network takes 24 x 24"),
        ([np.zeros((24, 24), np.uint8), np.zeros((30, 30), np.uint8)], "30 x 30 pixels of uint8"),
        ([np.zeros((24, 24))], "24 x 24 pixels of float64, but this network takes 24 x 24 of uint8"),
        ([], "one without an image"),
    ):
        with pytest.raises(StudyError, match=said):
            network.score([images], [None])


def test_each_exam_needs_a_side_or_none(network):
    """Taken for a right knee, a left one's medial disease would be lateral."""
    image = np.zeros((24, 24), np.uint8)
    for sides, said in (
        ("left", "1 exams and 4 sides"),
        ([], "1 exams and 0 sides"),
        (["L"], "side is 'L'; give left, right, or"),
    ):
        with pytest.raises(StudyError, match=said):
            network.score([[image]], sides)


def test_onnx_says_the_same_of_a_hundred_exams(card, network, tmp_path):
    export(network, tmp_path / "network.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "network.onnx")
    generator = np.random.default_rng(0)
    for i in range(100):
        images = generator.integers(0, 256, (1 + i % 4, 24, 24)).astype(np.uint8)
        (found,) = session.run(None, {"images": images[:, None].astype(np.float32) / 255})
        right = pd.Series("right", range(len(images)))
        np.testing.assert_allclose(found, network.answer(images, np.zeros(len(images), int), right).scores, atol=1e-4)
    assert session.get_modelmeta().custom_metadata_map["network"] == network.name


def test_what_looks_otherwise_is_marked(study, card):
    trust = Trust.load(card / "trust.safetensors")
    store = ImageStore(study / "images")
    images = store[np.arange(20)]
    files, views = np.full(20, 240), ["ap"] * 20
    as_they_are = trust.of_images(images, files, views)
    assert sum(map(bool, as_they_are)) <= 2
    noise = np.random.default_rng(1).integers(0, 256, images.shape).astype(np.uint8)
    for odd in (255 - images, noise, images // 8):
        assert all("unlike" in marks or "brightness" in marks for marks in trust.of_images(odd, files, views))
    assert all("small" in marks for marks in trust.of_images(images, files - 1, views))
    assert all("view" in marks for marks in trust.of_images(images, files, ["skyline"] * 20))
    assert not any("view" in marks for marks in trust.of_images(images, files, [None] * 20))


def test_the_distance_is_that_of_a_plain_loop(study, card):
    trust = Trust.load(card / "trust.safetensors")
    images = ImageStore(study / "images")[np.arange(3)]
    for own, found in zip(thumbnails(images), trust.distance(images), strict=True):
        apart = sorted(float(np.sqrt(np.mean((own.astype(float) - other) ** 2))) for other in trust.thumbnails)
        assert found == pytest.approx(np.mean(apart[:NEAREST]), abs=0.02)


def test_how_often_marks_are_given_is_counted(card):
    table = read_table(card / "trust.csv").set_index("images")
    assert table.loc["Test exams, by all rules", "n"] == 15
    assert (table["marked"] <= table["n"]).all()
    assert table.loc["Test images, inverted", "share"] > 0.9


def test_the_metadata_name_the_cohort_as_it_was_given():
    """Where markdown is read, as in values.yml, its characters are escaped; here they stand for themselves."""
    values = {"cohort": {"name": "ours", "title": r"knees of 2019\_2020", "simulated": False}}
    config = {"cohort": {"name": "ours", "title": "knees of 2019_2020"}}
    scheme, roc = load_scheme(GRADINGS / "kl.yaml"), pd.DataFrame({"outcome": [], "auc": []})
    (told,) = _metadata(scheme, values, config, roc, {"name": "n"})["model-index"]
    assert told["results"][0]["dataset"]["name"] == "knees of 2019_2020"
