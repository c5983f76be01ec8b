"""The browser opens with what the network sees, and has every grey level beyond that."""

from __future__ import annotations

import gzip
import struct
import warnings

import numpy as np
import pandas as pd
import pydicom
import pytest
from pydicom.data import get_testdata_file

from analysis.archive.dicom.dataset import read
from analysis.archive.inspect import inspect
from analysis.archive.settings import IngestSettings
from analysis.imaging.pixels import brightness
from analysis.reading.exams.pixels import load_picture
from tests.archive.files import radiograph


def shown(packed: bytes) -> np.ndarray:
    """Do what the page does with what the server sends."""
    data = gzip.decompress(packed)
    columns, rows, low, high = struct.unpack("<IIii", data[:16])
    grey = np.frombuffer(data[32:], "<u2").reshape(rows, columns).astype(float)
    return np.clip(np.floor((grey - low) * 255 / (high - low) + 0.5), 0, 255)


def test_a_header_that_was_completed_makes_no_other_picture(tmp_path):
    ds = radiograph(np.random.default_rng(1), (80, 70))
    del ds.BitsAllocated
    ds.save_as(tmp_path / "one.dcm", enforce_file_format=True)
    indexed = inspect(tmp_path, "one.dcm", IngestSettings())
    assert load_picture(tmp_path / "one.dcm", indexed["pixel_hash"]).grey.shape == (80, 70)


def test_opens_as_the_network_sees_it(archive):
    paths = pd.read_parquet(archive.private_index).dropna(subset=["image"])["path"]
    linear, bent = 0, 0
    for path in paths[:60]:
        dataset = read(archive.folder / path)
        seen = brightness(dataset).astype(float)
        mine = shown(load_picture(archive.folder / path).pack())
        assert mine.shape == seen.shape
        if "VOILUTSequence" in dataset or dataset.get("VOILUTFunction") == "SIGMOID":
            assert np.corrcoef(mine.ravel(), seen.ravel())[0, 1] > 0.97  # the nearest straight line
            bent += 1
        else:
            assert np.abs(mine - seen).max() <= 2
            linear += 1
    assert linear > 30


def test_keeps_every_grey_level(archive):
    paths = pd.read_parquet(archive.private_index).dropna(subset=["image"])["path"]
    for path in paths[:20]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            stored = read(archive.folder / path).pixel_array
        assert len(np.unique(load_picture(archive.folder / path).grey)) == len(np.unique(stored))


@pytest.mark.parametrize("slope", [1, -1])
def test_monochrome1_is_shown_upright(tmp_path, slope):
    dataset = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
    dataset.PhotometricInterpretation = "MONOCHROME2" if slope > 0 else "MONOCHROME1"
    # Brighter from row to row: no leg, of which it would be seen whether it is a negative.
    dataset.PixelData = np.sort(dataset.pixel_array, axis=None).tobytes()
    dataset.save_as(tmp_path / "one.dcm")
    picture = load_picture(tmp_path / "one.dcm")
    stored = dataset.pixel_array.astype(int)
    assert np.array_equal(np.argsort(np.unique(picture.grey)), np.arange(len(np.unique(stored))))
    assert np.corrcoef(picture.grey.ravel(), stored.ravel())[0, 1] == pytest.approx(slope)
    assert picture.low < picture.high


@pytest.mark.parametrize(
    ("said", "spacing", "calibrated"),
    [
        ({}, 0.0, False),
        ({"ImagerPixelSpacing": [0.2, 0.1]}, 0.1, False),
        ({"PixelSpacing": [0.1, 0.1]}, 0.1, True),
        # What the detector says twice is no calibration; what is said of the patient's plane goes before it.
        ({"PixelSpacing": [0.1, 0.1], "ImagerPixelSpacing": [0.1, 0.1]}, 0.1, False),
        ({"PixelSpacing": [0.09, 0.09], "ImagerPixelSpacing": [0.1, 0.1]}, 0.09, True),
        ({"PixelSpacing": [0, 0], "ImagerPixelSpacing": [0.1, 0.1]}, 0.1, False),
        ({"PixelSpacing": [50, 50]}, 0.0, False),
    ],
)
def test_the_ruler_knows_what_the_file_says_of_its_scale(tmp_path, said, spacing, calibrated):
    dataset = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
    for name in ("PixelSpacing", "ImagerPixelSpacing"):
        if name in dataset:
            delattr(dataset, name)
        if name in said:
            setattr(dataset, name, said[name])
    dataset.save_as(tmp_path / "one.dcm")
    picture = load_picture(tmp_path / "one.dcm")
    assert (picture.spacing, picture.calibrated) == (spacing, calibrated)
    head = gzip.decompress(picture.pack())[:32]
    assert struct.unpack("<f", head[24:28])[0] == pytest.approx(spacing)
    assert struct.unpack("<I", head[28:])[0] & 1 == calibrated


@pytest.mark.parametrize(
    ("orientation", "sided", "rows", "columns"),
    [
        (["L", "F"], True, 1, 1), (["R", "F"], True, 1, -1), (["LH", "F"], True, 1, 1), (["RA", "H"], True, -1, -1),
        (["A", "F"], False, 1, 1), (["P", "H"], False, -1, 1), (None, False, 1, 1),
    ],
)  # fmt: skip
def test_readers_see_a_picture_hung_as_usual(tmp_path, orientation, sided, rows, columns):
    dataset = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
    dataset.PatientOrientation = orientation
    dataset.save_as(tmp_path / "one.dcm")
    picture = load_picture(tmp_path / "one.dcm")
    stored = dataset.pixel_array[::rows, ::columns].astype(int)
    assert picture.sided == sided
    assert np.array_equal(picture.grey.astype(int) - picture.grey.min(), stored - stored.min())
