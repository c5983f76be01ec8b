"""Mutated real files: nothing may come out but a record, an image, or a reason."""

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydicom.uid import RLELossless

from analysis.archive.dicom.dataset import Unreadable
from analysis.archive.inspect import inspect
from analysis.archive.settings import IngestSettings
from analysis.imaging.decoding import decode_files
from analysis.imaging.image import prepare_file
from analysis.imaging.settings import ImagesSettings
from tests.archive.files import odd_files, radiograph, save

ANY = IngestSettings(modalities=["CR", "DX", "CT", "MR", "OT", "US", "NM", ""], min_pixels=4, max_pixels=1_000_000)
SMALL = ImagesSettings(size=16)
#: Small real files: native in both byte orders, implicit, RLE, without meta, with odd sequences, and CR.
REAL = [
    path.read_bytes()
    for path in odd_files()
    if path.name
    in {
        "CT_small.dcm", "MR_small_bigendian.dcm", "MR_small_implicit.dcm", "MR_small_RLE.dcm", "MR_truncated.dcm",
        "image_dfl.dcm", "no_meta.dcm", "UN_sequence.dcm", "6154", "badVR.dcm", "nested_priv_SQ.dcm",
    }
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("mutated")


def survives(folder, data):
    (folder / "file").write_bytes(data)
    record = inspect(folder, "file", ANY)
    assert record["path"] == "file"
    if record["code"] is None:
        assert record["rows"] * record["columns"] <= ANY.max_pixels
        assert record["pixel_hash"]
        try:
            image, *_ = prepare_file(folder / "file", SMALL)
        except Unreadable as reason:
            assert reason.code
        else:
            assert image.shape == (16, 16)
    else:
        assert record["code"].replace("_", "").isalpha()


fuzz = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@fuzz
@given(st.sampled_from(REAL), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 7)), min_size=1, max_size=30))
def test_flipped_bits(folder, data, flips):
    changed = bytearray(data)
    for where, bit in flips:
        changed[int(where * (len(changed) - 1))] ^= 1 << bit
    survives(folder, bytes(changed))


@fuzz
@given(st.sampled_from(REAL), st.lists(st.tuples(st.integers(0, 1500), st.integers(0, 255)), min_size=1, max_size=12))
def test_changed_bytes_in_the_header(folder, data, changes):
    changed = bytearray(data)
    for where, byte in changes:
        changed[where % len(changed)] = byte
    survives(folder, bytes(changed))


@fuzz
@given(st.sampled_from(REAL), st.floats(0, 1), st.floats(0, 1), st.binary(max_size=40))
@example(REAL[0], 0.0, 0.0, b"")
def test_cut_and_spliced(folder, data, start, stop, insert):
    low, high = sorted((int(start * len(data)), int(stop * len(data))))
    survives(folder, data[:high])
    survives(folder, data[:low] + insert + data[high:])


TAGS = {
    "Rows": st.sampled_from([0, 1, 7, 80, 4000, 65535]),
    "Columns": st.sampled_from([0, 1, 7, 70, 4000, 65535]),
    "BitsAllocated": st.sampled_from([0, 1, 7, 8, 12, 16, 24, 32, 64]),
    "BitsStored": st.sampled_from([0, 1, 8, 12, 16, 17, 255]),
    "HighBit": st.sampled_from([0, 7, 11, 15, 31]),
    "PixelRepresentation": st.sampled_from([0, 1, 2]),
    "SamplesPerPixel": st.sampled_from([0, 1, 2, 3]),
    "PhotometricInterpretation": st.sampled_from(["", "MONOCHROME1", "MONOCHROME2", "RGB", "YBR_FULL", "monochrome2"]),
    "WindowWidth": st.sampled_from(["", 0, -1, 1, 1e-9, 1e30, [1, 2]]),
    "WindowCenter": st.sampled_from(["", 0, -1e30, 40, [1, 2]]),
    "RescaleSlope": st.sampled_from(["", 0, 1e30, -1, 1e-30]),
    "RescaleIntercept": st.sampled_from(["", 0, 1e30]),
    "NumberOfFrames": st.sampled_from(["", 0, 1, -1, 10**9]),
    "PatientAge": st.sampled_from(["", "???", "999Y", "012M", "45"]),
    "PatientBirthDate": st.sampled_from(["", "00000000", "19000230", "20991231", "1950"]),
    "StudyDate": st.sampled_from(["", "00010101", "20100231", "1999.12.31"]),
    "PixelSpacing": st.sampled_from([[0, 0], [1e-30, 1e30], [-1, 1]]),
    "PatientOrientation": st.sampled_from([["L"], ["A", "F"], ["LA", "F"], ["", ""]]),
    "SpecificCharacterSet": st.sampled_from(["", "ISO_IR 999", "ISO 2022 IR 87", "GB18030"]),
}


@fuzz
@given(st.fixed_dictionaries({}, optional=TAGS), st.booleans())
def test_wrong_tags(folder, tags, compressed):
    ds = radiograph(np.random.default_rng(1))
    if compressed:
        ds.compress(RLELossless)
    for keyword, wrong in tags.items():
        setattr(ds, keyword, wrong)
    try:
        save(ds, folder / "written")
    except (ValueError, TypeError, AttributeError, OverflowError, KeyError):
        return  # pydicom itself refuses to write that
    survives(folder, (folder / "written").read_bytes())


def test_mutated_codestreams_cannot_take_the_shard_with_them(tmp_path):
    # The decoders of JPEG, JPEG-LS and JPEG 2000 are C; what they do to their process is theirs to know.
    names = {
        "MR_small_jp2klossless.dcm",
        "MR_small_jpeg_ls_lossless.dcm",
        "JPEG2000.dcm",
        "JPGLosslessP14SV1_1s_1f_8b.dcm",
    }
    rng = np.random.default_rng(4)
    paths = []
    for path in odd_files():
        if path.name in names:
            for number in range(15):
                data = bytearray(path.read_bytes())
                start = data.rindex(b"\xe0\x7f\x10\x00")
                for where in rng.integers(start + 40, len(data), rng.integers(1, 30)):
                    data[where] = rng.integers(256)
                paths.append(tmp_path / f"{path.stem}-{number}")
                paths[-1].write_bytes(data)
    results = list(decode_files(paths, ImagesSettings(size=16, max_seconds=10), prepare_file))
    assert len(results) == len(paths) == 60
    for result in results:
        assert result.code if isinstance(result, Unreadable) else result[0].shape == (16, 16)
