"""The public radiographs as an archive: what the file names tell, the published split, and how they are fetched."""

import hashlib
import io
import json
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np
import pydicom
import pytest

from analysis.archive.ingest import ingest
from analysis.archive.people.pseudonyms import Pseudonyms, key_from_seed
from analysis.archive.releases.mendeley import fetch
from analysis.archive.settings import IngestSettings
from analysis.archive.sources.kneekl224 import KneeKL224Settings, find, import_images
from analysis.cohort.selection import given_split
from analysis.errors import StudyError
from analysis.files import read_table
from analysis.imaging.pixels import brightness
from tests.archive.files import SHARED

SETS = KneeKL224Settings().sets
NAMES = Pseudonyms(key_from_seed(1))
FILES = ("train/0/9000001L.png", "train/4/9000001R.png", "train/2/9000002R.png", "val/1/9000003L.png",
         "test/3/9000004R.png", "auto_test/3/9000099R.png")  # fmt: skip


def knee(seed, negative=False):
    """A bright shaft down the middle of a dark picture."""
    image = np.random.default_rng(seed).integers(0, 20, (224, 224)).astype(np.uint8)
    image[:, 80:144] += 180
    return 255 - image if negative else image


def published(folder, files=FILES):
    for seed, name in enumerate(files):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / name), knee(seed, negative="9000002" in name))
    return folder


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("public")
    import_images(published(folder / "in"), SETS, folder / "archive")
    return folder / "archive"


def test_file_names_become_what_headers_and_tables_say(archive):
    assert len(list((archive / "dicom").rglob("*.dcm"))) == 5  # the other crop, auto_test, is left out
    ds = pydicom.dcmread(next((archive / "dicom").rglob("9000001R.dcm")))
    assert (ds.PatientID, ds.AccessionNumber, ds.ImageLaterality, ds.ViewPosition) == ("9000001", "9000001R", "R", "PA")
    assert not [one for one in ("PatientName", "PatientBirthDate", "StudyDate", "PatientAge") if one in ds]
    readings = read_table(archive / "readings.csv").set_index("exam")["value"]
    assert readings.to_dict() == {"9000001L": 0, "9000001R": 4, "9000002R": 2, "9000003L": 1, "9000004R": 3}
    split = read_table(archive / "sets.csv").astype("str").set_index("patient")["set"].to_dict()
    assert split == {"9000001": "training", "9000002": "training", "9000003": "validation", "9000004": "test"}


def test_a_photographic_negative_is_shown_as_the_others_are(archive):
    for exam, photometric in (("9000002R", "MONOCHROME1"), ("9000001R", "MONOCHROME2")):
        ds = pydicom.dcmread(next((archive / "dicom").rglob(f"{exam}.dcm")))
        assert ds.PhotometricInterpretation == photometric
        image = brightness(ds, window="header", percentiles=(0.5, 99.5)).astype(float)
        assert image[:, 90:130].mean() > image[:, :60].mean() + 100


def test_the_archive_is_ingested_whole_and_both_knees_are_one_patient_s(archive):
    index = ingest(archive, IngestSettings(), NAMES)
    assert (len(index.images), index.images["patient"].nunique(), len(index.readings)) == (5, 4, 5)
    assert (index.images["side"].isin(["left", "right"])).all() and set(index.images["protocol"]) == {"weight_bearing"}
    split = given_split(archive / "sets.csv", index.files)
    assert sorted(split) == ["test", "training", "training", "validation"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "has no 'train' in it"),
        (["train/0/9000001L.png"], "has no 'val' in it"),
        ([*FILES, "train/0/knee.png"], r"knee\.png isn't called"),
        ([*FILES, "train/7/9000009L.png"], "isn't called"),
        ([*FILES, "test/1/9000001L.png"], "knee 9000001L occurs twice"),
    ],
)
def test_another_folder_is_refused(tmp_path, files, message):
    with pytest.raises(StudyError, match=message):
        find(published(tmp_path, files), SETS)


def test_a_broken_image_is_named(tmp_path):
    (published(tmp_path / "in") / "val/1/9000003L.png").write_bytes(b"no picture")
    with pytest.raises(StudyError, match=r"9000003L\.png can't be read"):
        import_images(tmp_path / "in", SETS, tmp_path / "out")


@pytest.mark.skipif(not SHARED.is_dir(), reason="the sample of the public radiographs isn't here")
def test_the_real_radiographs_add_up(tmp_path):
    """All images of the sample: each indexed once, in the published numbers, the negatives among them found."""
    found = import_images(SHARED, SETS, tmp_path, workers=2)
    index = ingest(tmp_path, IngestSettings(), NAMES, workers=2)
    counts = index.counts.groupby("kind")["n"].sum()
    assert counts["found"] == len(found) == 726
    assert counts["indexed"] + counts.get("rejected", 0) + counts.get("duplicate", 0) == 726
    assert counts["indexed"] == 726
    assert found["set"].value_counts().to_dict() == {"training": 462, "test": 162, "validation": 102}
    assert (index.images["photometric"] == "MONOCHROME1").sum() == 12
    assert found.groupby("patient")["set"].nunique().max() == 1


# --- by its DOI ---------------------------------------------------------------------------------


@pytest.fixture
def server():
    """A data set's list of files and the file itself, as Mendeley Data serves them."""
    pages = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = pages.get(self.path)
            self.send_response(200 if body is not None else 404)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *arguments):
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
    yield pages, f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()


def serve(pages, root, content, digest=None):
    entry = {"download_url": f"{root}/file", "sha256_hash": digest or hashlib.sha256(content).hexdigest()}
    pages["/list/abc/1"] = json.dumps([{"filename": "KneeXrayData.zip", "content_details": entry}]).encode()
    pages["/file"] = content
    return f"{root}/list/{{dataset}}/{{version}}"


def zipped():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("KneeXrayData/kneeKL224/train/0/9000001L.png", b"x")
    return packed.getvalue()


DATA = {"doi": "10.17632/abc.1", "file": "KneeXrayData.zip", "sha256": None, "holds": "train"}


def test_the_data_set_is_fetched_once_and_held_to_its_checksum(tmp_path, server):
    pages, root = server
    api = serve(pages, root, zipped())
    folder = fetch(**DATA, cache=tmp_path, api=api)
    assert (folder.name, (folder / "train/0/9000001L.png").read_bytes()) == ("kneeKL224", b"x")
    pages.clear()
    assert fetch(**DATA, cache=tmp_path, api=api) == folder  # nobody is asked again


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"digest": "0" * 64}, r"has the SHA-256 \w{64}, not 0{64}; fetch it again"),
        ({"content": b"no zip"}, "isn't a zip file; remove it and fetch it again"),
        ({"data": {"file": "Other.zip"}}, r"has no file 'Other\.zip' but KneeXrayData\.zip; correct"),
        ({"data": {"doi": "10.1/x"}}, "isn't a DOI of Mendeley Data"),
        ({"data": {"doi": "10.17632/zzz.1"}}, r"can't be fetched .*check the network, or unpack it by hand"),
        ({"data": {"sha256": "A" * 64}}, "not a{64}"),
        ({"data": {"holds": "teach"}}, "holds no folder 'teach'"),
    ],
)
def test_what_cannot_be_fetched_says_why_and_leaves_nothing_half_done(tmp_path, server, change, message):
    pages, root = server
    api = serve(pages, root, change.get("content", zipped()), change.get("digest"))
    with pytest.raises(StudyError, match=message):
        fetch(**DATA | change.get("data", {}), cache=tmp_path, api=api)
    assert (tmp_path / "unpacked").is_dir() == ("teach" in message)
