"""What is put right in reading an image is noted, counted and told."""

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from pydicom.uid import ExplicitVRBigEndian

from analysis.archive.dicom.corrections import CORRECTIONS, correct, count_corrections
from analysis.archive.inspect import inspect
from analysis.archive.settings import IngestSettings
from analysis.cohort.selection import count_images
from analysis.files import read_table
from analysis.imaging.commands import prepare as command
from analysis.imaging.image import prepare_file
from analysis.imaging.settings import ImagesSettings
from analysis.imaging.store import ImageStore
from analysis.inference.radiograph import prepare_plain
from analysis.schemas import IMAGES, PRIVATE
from tests.archive.files import save
from tests.imaging.test_wrong_pixels import COLUMNS, DRAWN, RAMP, ROWS, WINDOW, WORDS, X, file, lut

PADDED = np.where(X < 12, 65535, DRAWN)
SHUTTER = {"ShutterShape": "RECTANGULAR", "ShutterLeftVerticalEdge": 90, "ShutterRightVerticalEdge": 92,
           "ShutterUpperHorizontalEdge": 10, "ShutterLowerHorizontalEdge": 12}  # fmt: skip
CASES = [
    ("", DRAWN, WINDOW),
    ("", DRAWN, {}),
    ("", DRAWN, lut(RAMP, [4096, 0, 12])),
    ("", DRAWN << 4, {"HighBit": 15}),  # the header says so
    ("", DRAWN | 0xF000, {}),  # unused bits, which the standard says to pass over
    ("sign", DRAWN.astype(int) - 2048, {"BitsStored": 16, "HighBit": 15, "WindowCenter": "0", "WindowWidth": "4096"}),
    ("overlay", DRAWN | (WORDS.astype(np.uint16) << 15), {"BitsStored": 16, "HighBit": 15, **WINDOW}),
    ("bits", DRAWN, {"BitsStored": 10, "HighBit": 9, **WINDOW}),
    ("aligned", DRAWN << 4, {"HighBit": 11}),
    ("modality", DRAWN, {"RescaleSlope": "0", "RescaleIntercept": "0"}),
    ("table", DRAWN, lut(RAMP, [4096, 0, 16])),
    ("table", DRAWN, lut(RAMP.astype(">u2").tobytes(), [4096, 0, 12])),
    ("table", DRAWN, lut(RAMP[:100], [4096, 0, 12])),
    ("window", DRAWN, {"WindowCenter": "2048", "WindowWidth": "0"}),
    ("window", DRAWN, {"WindowCenter": "-1e9", "WindowWidth": "10"}),
    ("padding", PADDED, {"BitsStored": 16, "HighBit": 15}),
    ("hidden", DRAWN, SHUTTER),
    ("aspect", DRAWN, {"PixelSpacing": ["9", "0.1"]}),
    ("window", DRAWN, lut(np.where(RAMP > 2000, 4095, 0), [4096, 0, 12])),
    ("modality window", DRAWN, {"RescaleSlope": "0", "RescaleIntercept": "0", "WindowCenter": "2048", "WindowWidth": "-1"}),
]  # fmt: skip


@pytest.mark.parametrize(("codes", "pixels", "tags"), CASES, ids=range(len(CASES)))
def test_what_is_put_right_is_noted(tmp_path, codes, pixels, tags):
    path = save(file(pixels, **tags), tmp_path / "a.dcm")
    small, _, noted = prepare_file(path, ImagesSettings())
    assert noted == codes
    to_grade, put_right = prepare_plain(path, ImagesSettings())  # as `grade` prepares it
    assert put_right == codes and (to_grade == small.ravel()).all()


def test_a_header_that_lacks_something_is_noted(tmp_path):
    ds = file()
    del ds.PixelRepresentation
    assert prepare_file(save(ds, tmp_path / "a.dcm"), ImagesSettings())[2] == "header"


def test_what_ingest_puts_right_is_noted(tmp_path):
    named = file(StudyDescription="Knä höger", SpecificCharacterSet="ISO_IR 192")
    save(named, tmp_path / "a.dcm")
    data = (tmp_path / "a.dcm").read_bytes()
    (tmp_path / "a.dcm").write_bytes(data.replace(b"ISO_IR 192", b"ISO_IR 100"))
    ds = file(DRAWN + 1, AccessionNumber="A2", SpecificCharacterSet="ISO_IR 192")
    del ds.PixelRepresentation
    save(ds, tmp_path / "b.dcm")
    noted = [inspect(tmp_path, name, IngestSettings())["noted"] for name in ("a.dcm", "b.dcm")]
    assert noted == ["corrected_characters", "corrected_header"]
    assert prepare_file(tmp_path / "a.dcm", ImagesSettings())[2] == ""  # nothing of its pixels


def test_another_byte_order_is_no_correction(tmp_path):
    ds = file(**WINDOW)
    ds.PixelData = DRAWN.astype(">u2").tobytes()
    ds.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    assert prepare_file(save(ds, tmp_path / "a.dcm"), ImagesSettings())[2] == ""


def test_only_what_has_a_reason_is_noted():
    assert all(CORRECTIONS.values())
    with pytest.raises(KeyError):
        correct(file(), "something")
    assert count_corrections([]) == []
    assert count_corrections(["sign", "window sign"]) == [
        ("corrected", 2),
        ("corrected_sign", 2),
        ("corrected_window", 1),
    ]


def test_corrections_are_counted_and_told(tmp_path):
    names = [f"i{number}" for number in range(3)]
    for name, tags in zip(
        names, (WINDOW, {"RescaleSlope": "0"}, {"RescaleSlope": "0", "PixelSpacing": ["9", "0.1"]}), strict=True
    ):
        save(file(DRAWN + ord(name[1]) % 5, **tags), tmp_path / f"archive/{name}.dcm")
    image = dict.fromkeys(("view", "side", "protocol", "body_part", "sex")) | {"series": "s", "age": 60.0, "day": 0}
    image |= {"rows": ROWS, "columns": COLUMNS, "bits": 12, "photometric": "MONOCHROME2", "modality": "DX"}
    image |= {"transfer_syntax": "1.2.840.10008.1.2.1"}
    images = pd.DataFrame([image | dict.fromkeys(("image", "exam", "patient", "pixel_hash"), name) for name in names])
    files = pd.DataFrame({"path": [f"{name}.dcm" for name in names], "image": names})
    files = files.assign(**dict.fromkeys(("exam", "patient", "patient_id", "accession", "pixel_hash")))
    IMAGES.validate(images).to_parquet(tmp_path / "images.parquet")
    PRIVATE.validate(files).to_parquet(tmp_path / "files.parquet")
    (tmp_path / "images.yaml").write_text("{}")
    done = CliRunner().invoke(command, [
        f"--archive={tmp_path}/archive", f"--images-index={tmp_path}/images.parquet", f"--private={tmp_path}/files.parquet",
        f"--settings={tmp_path}/images.yaml", "--shard=0", "--shards=1", f"--out={tmp_path}/out",
    ])  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "0 could not be read, corrected 2, corrected_modality 2, corrected_aspect 1." in done.output
    store = ImageStore(tmp_path / "out")
    counts = count_images(images, store.rows, read_table(tmp_path / "out/unreadable-0.csv"), store.copies)
    assert counts.set_index("code")["n"].to_dict() == {
        "indexed": 3, "prepared": 3, "corrected": 2, "corrected_modality": 2, "corrected_aspect": 1,
    }  # fmt: skip
