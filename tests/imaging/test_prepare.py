import os
import signal
import time

import numpy as np
import pandas as pd
import pytest

from analysis.archive.ingest import ingest
from analysis.archive.people.pseudonyms import Pseudonyms, key_from_seed
from analysis.archive.settings import IngestSettings
from analysis.errors import StudyError
from analysis.imaging import prepare as stage
from analysis.imaging.image import prepare_file
from analysis.imaging.pixels import pixel_aspect
from analysis.imaging.prepare import prepare
from analysis.imaging.settings import ImagesSettings
from analysis.imaging.store import ImageStore
from tests.archive.files import radiograph, save

SETTINGS = ImagesSettings(size=32)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("archive")
    rng = np.random.default_rng(2)
    for exam in range(7):
        for image in range(1 + exam % 3):
            tags = {"AccessionNumber": f"A{exam}", "PatientID": f"P{exam}", "PatientName": None}
            save(radiograph(rng, (80 + exam, 90), **tags), folder / f"{exam}" / f"{image}")
    index = ingest(folder, IngestSettings(), Pseudonyms(key_from_seed(1)))
    return folder, index


def test_files_that_were_exchanged_since_they_were_indexed_are_no_ones_images(tmp_path):
    """As where another export is copied over the archive: its numbers are the same, its patients others."""
    rng = np.random.default_rng(4)
    for number in range(3):
        save(
            radiograph(rng, AccessionNumber=f"A{number}", PatientID=f"P{number}"), tmp_path / "dicom" / f"{number}.dcm"
        )
    lacking = radiograph(rng, AccessionNumber="A9", PatientID="P9")
    del lacking.BitsAllocated  # what is put right first makes no other image
    lacking.save_as(tmp_path / "dicom" / "9.dcm", enforce_file_format=True)
    index = ingest(tmp_path, IngestSettings(), Pseudonyms(key_from_seed(1)))
    first, second = (tmp_path / "dicom" / f"{number}.dcm" for number in range(2))
    kept = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(kept)
    assert prepare(tmp_path, index.images, index.files, SETTINGS, tmp_path / "out", shard=0, shards=1) == (2, 2)
    assert pd.read_csv(tmp_path / "out" / "unreadable-0.csv")["code"].tolist() == ["replaced"] * 2


@pytest.mark.parametrize(
    ("orientation", "rows", "columns"),
    [
        (["R", "F"], 1, -1),
        (["RP", "F"], 1, -1),
        (["L", "H"], -1, 1),
        (["R", "H"], -1, -1),
        (["P", "F"], 1, 1),
        (None, 1, 1),
    ],
)
def test_an_image_is_hung_as_usual(tmp_path, orientation, rows, columns):
    """Else left knees that are stored mirrored would have medial on the other side than all others."""
    plain = radiograph(np.random.default_rng(3), (60, 60))
    save(plain, tmp_path / "plain.dcm")
    plain.PatientOrientation = orientation
    save(plain, tmp_path / "turned.dcm")
    small, digest, _ = prepare_file(tmp_path / "plain.dcm", SETTINGS)
    turned, same, _ = prepare_file(tmp_path / "turned.dcm", SETTINGS)
    assert np.array_equal(turned, small[::rows, ::columns]) and digest == same


def run(archive, out, shards, settings=SETTINGS):
    folder, index = archive
    counts = [prepare(folder, index.images, index.files, settings, out, shard=k, shards=shards) for k in range(shards)]
    return np.sum(counts, 0)


def test_images_do_not_depend_on_the_number_of_shards(archive, tmp_path):
    stores = []
    for shards in (1, 3, 9):
        out = tmp_path / str(shards)
        assert run(archive, out, shards).tolist() == [len(archive[1].images), 0]
        stores.append(ImageStore(out))
    for store in stores:
        assert (store.rows["image"] == stores[0].rows["image"]).all()
        assert (store[np.arange(len(store))] == stores[0][np.arange(len(store))]).all()
        assert store.rows.groupby("exam")["shard"].nunique().max() == 1


def test_fewer_shards_leave_nothing_of_more(archive, tmp_path):
    run(archive, tmp_path / "fresh", 1)
    run(archive, tmp_path / "before", 3)
    run(archive, tmp_path / "before", 1)
    assert ImageStore(tmp_path / "before").rows.equals(ImageStore(tmp_path / "fresh").rows)
    assert {path.name for path in (tmp_path / "before").iterdir()} == {
        path.name for path in (tmp_path / "fresh").iterdir()
    }


def test_pixels_are_copied_to_the_computers_own_disk_where_one_is_named(archive, tmp_path, monkeypatch):
    run(archive, tmp_path / "images", 2)
    plain = ImageStore(tmp_path / "images")
    everything = plain[np.arange(len(plain))]
    (tmp_path / "node").mkdir()
    monkeypatch.setenv("NODE", str(tmp_path / "node"))
    monkeypatch.setenv("KNEE_SCRATCH", "$NODE")
    near = ImageStore(tmp_path / "images")
    assert (near[np.arange(len(near))] == everything).all()
    assert len(list((tmp_path / "node").rglob("pixels-*.npy"))) == 2
    monkeypatch.setenv("KNEE_SCRATCH", str(tmp_path / "none"))
    with pytest.raises(StudyError, match=r"can't be copied to .*none, which KNEE_SCRATCH names \(No such file"):
        ImageStore(tmp_path / "images")[0]


def test_the_store_gives_what_lies_on_disk(archive, tmp_path):
    run(archive, tmp_path, 2)
    store = ImageStore(tmp_path)
    whole = [np.load(tmp_path / f"pixels-{k}.npy") for k in range(2)]
    expected = np.stack([whole[shard][row] for shard, row in zip(store.rows["shard"], store.rows["row"], strict=True)])
    order = np.random.default_rng(1).integers(0, len(store), 40)
    assert (store[order] == expected[order]).all()
    assert (store[3] == expected[3]).all()
    assert store[[]].shape == (0, 32, 32)
    assert store.size == 32


def test_a_second_run_writes_the_same_bytes(archive, tmp_path):
    for name in ("a", "b"):
        run(archive, tmp_path / name, 2)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


class Faulty:
    """A decoder that dies, hangs and swallows memory, each on its own file; picklable, so that workers get it."""

    def __init__(self, *victims):
        self.victims = victims

    def __call__(self, path, settings, **given):
        crash, hang, swallow = (str(path).endswith(victim) for victim in self.victims)
        if crash:
            os.kill(os.getpid(), signal.SIGKILL)
        if hang:
            time.sleep(60)
        if swallow:
            bytearray(10**12)
        return prepare_file(path, settings, **given)


def test_a_decoder_that_crashes_or_hangs_takes_one_image_with_it(archive, tmp_path, monkeypatch):
    _, index = archive
    victims = index.files.dropna(subset=["image"]).sort_values("image")["path"].tolist()
    monkeypatch.setattr(stage, "prepare_file", Faulty(victims[2], victims[5], victims[7]))
    good, bad = run(archive, tmp_path, 1, ImagesSettings(size=32, max_seconds=6))
    unreadable = pd.read_csv(tmp_path / "unreadable-0.csv").set_index("image")["code"]
    named = index.files.dropna(subset=["image"]).set_index("path")["image"]
    assert (good + bad, bad) == (len(index.images), 3)
    assert unreadable[named[victims[2]]] == "crash"
    assert unreadable[named[victims[5]]] == "too_slow"
    assert unreadable[named[victims[7]]] == "memory"


def test_what_cannot_be_decoded_has_a_row_and_the_sum_is_right(archive, tmp_path):
    folder, index = archive
    path = folder / index.files["path"].iloc[0]
    data = path.read_bytes()
    try:
        path.write_bytes(data[: len(data) // 2])
        good, bad = run(archive, tmp_path, 2)
    finally:
        path.write_bytes(data)
    assert (good, bad) == (len(index.images) - 1, 1)
    rows = pd.concat(pd.read_csv(tmp_path / f"unreadable-{k}.csv") for k in range(2))
    assert list(rows.columns) == ["image", "exam", "code", "detail"]
    assert len(rows) == 1


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({}, 1.0),
        ({"PixelSpacing": [0.2, 0.1]}, 2.0),
        ({"ImagerPixelSpacing": [0.1, 0.1], "PixelSpacing": [0.2, 0.1]}, 1.0),
        ({"PixelAspectRatio": [1, 2]}, 0.5),
        ({"PixelSpacing": [0.1, 0]}, 1.0),
        ({"PixelSpacing": [50, 0.1]}, 1.0),
    ],
)
def test_pixels_that_are_not_square(tags, expected):
    assert pixel_aspect(radiograph(np.random.default_rng(1), **tags)) == expected


def test_a_shard_that_is_not_there_is_an_error(archive, tmp_path):
    folder, index = archive
    with pytest.raises(StudyError, match="no shard 2 of 2"):
        prepare(folder, index.images, index.files, SETTINGS, tmp_path, shard=2, shards=2)


def test_a_store_with_mixed_sizes_or_missing_files_is_an_error(archive, tmp_path):
    with pytest.raises(StudyError, match="no prepared images"):
        ImageStore(tmp_path)
    run(archive, tmp_path, 2)
    np.save(tmp_path / "pixels-0.npy", np.zeros((1, 32, 32), np.uint8))
    with pytest.raises(StudyError, match="run 'prepare' again"):
        ImageStore(tmp_path)[0]
