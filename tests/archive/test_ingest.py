import os
import shutil
import zlib
from collections import Counter

import numpy as np
import pandas as pd
import pydicom
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEG2000Lossless

from analysis.archive.find import find
from analysis.archive.ingest import ingest, write
from analysis.archive.people.pseudonyms import Pseudonyms, key_from_seed
from analysis.archive.settings import IngestSettings
from analysis.archive.tables import read_exams, read_readings
from analysis.errors import StudyError
from analysis.files import read_table
from analysis.imaging.prepare import prepare
from analysis.imaging.settings import ImagesSettings
from analysis.schemas import IMAGES, READINGS
from tests.archive.files import ODD, radiograph, save

NAMES = Pseudonyms(key_from_seed(1))
RNG = np.random.default_rng(3)
ANY = IngestSettings(modalities=["CR", "DX", "RG", "CT", "MR", "OT", "US", "NM", "RTDOSE", "SEG", ""], min_pixels=8)


def code_of(tmp_path, data=None, *, settings=None, **tags):
    """Return reason code and detail of one odd file that lies beside a good one."""
    save(radiograph(RNG, AccessionNumber="OTHER", PatientID="OTHER", PatientName=None), tmp_path / "good.dcm")
    odd = tmp_path / "odd"
    if data is None:
        save(radiograph(RNG, **tags), odd)
    elif data is not ...:
        odd.write_bytes(data)
    files = ingest(tmp_path, settings or IngestSettings(), NAMES).files.set_index("path")
    return files["code"].fillna("")["odd"]


def test_the_odd_files_of_pydicom_are_all_accounted_for(tmp_path):
    for number, folder in enumerate(ODD):
        shutil.copytree(folder, tmp_path / "in" / str(number))
    total = sum(len(names) for _, _, names in os.walk(tmp_path / "in"))
    index = ingest(tmp_path / "in", ANY, NAMES, workers=2)
    counts = index.counts.groupby("kind")["n"].sum()
    assert counts["found"] == total == counts["indexed"] + counts["rejected"] + counts["duplicate"]
    assert counts["indexed"] >= 55
    assert index.counts["code"].nunique() >= 9
    images = index.images[index.images["rows"] * index.images["columns"] < 1e6]
    good, bad = prepare(tmp_path / "in", images, index.files, ImagesSettings(), tmp_path, shard=0, shards=1)
    assert good + bad == len(images)
    refused = pd.read_csv(tmp_path / "unreadable-0.csv")["code"].eq("implausible").sum()
    assert refused <= 8  # tomography of 16 pixels, padding, strips of 10 pixels: none is a radiograph
    assert good >= 0.9 * (len(images) - refused)


def test_only_radiographs_pass_with_the_default_settings(tmp_path):
    shutil.copytree(ODD[1], tmp_path / "in")
    index = ingest(tmp_path / "in", IngestSettings(min_pixels=8), NAMES)
    assert set(index.images["modality"]) <= {"CR", "DX", "RG"}
    rejected = index.files[index.files["code"] == "modality"]["detail"]
    assert {f"Its modality ({name}) is none of ingest.modalities." for name in ("CT", "MR", "US")} <= set(rejected)


@pytest.mark.parametrize(
    ("expected", "tags"),
    [
        ("", {}),
        ("colour", {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}),
        ("photometric", {"PhotometricInterpretation": "PALETTE COLOR"}),
        ("multi_frame", {"NumberOfFrames": 7}),
        ("modality", {"Modality": "CT"}),
        ("modality", {"Modality": None}),
        ("too_many_pixels", {"Rows": 60000, "Columns": 60000}),
        ("too_small", {"Rows": 16}),
        ("truncated", {"Rows": 81}),
        ("bits", {"BitsAllocated": 1}),
        ("no_pixels", {"PixelData": b""}),
        ("no_patient", {"PatientID": "0000", "PatientName": ""}),
        ("no_patient", {"PatientID": None, "PatientName": "Anonymous^", "PatientBirthDate": None}),
        ("no_exam", {"AccessionNumber": "", "StudyInstanceUID": ""}),
        ("", {"AccessionNumber": ""}),
        ("", {"PatientID": ""}),  # name and birth date tell who it is
    ],
)
def test_reasons(tmp_path, expected, tags):
    assert code_of(tmp_path, **tags) == expected


def test_what_is_no_image(tmp_path):
    ds = radiograph(RNG, Modality="SR", SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11")
    del ds.PixelData, ds.Rows, ds.Columns
    save(ds, tmp_path / "odd")
    assert code_of(tmp_path, ...) == "not_an_image"


def test_files_that_are_not_dicom_or_not_files(tmp_path):
    assert code_of(tmp_path, b"") == "empty"
    assert code_of(tmp_path, b"%PDF-1.7 and more") == "not_dicom"
    assert code_of(tmp_path, bytes(128) + b"DICM" + os.urandom(400)) in ("broken", "not_an_image", "modality")
    (tmp_path / "odd").unlink()
    os.mkfifo(tmp_path / "odd")
    assert code_of(tmp_path, ...) == "not_a_file"
    (tmp_path / "odd").unlink()
    (tmp_path / "odd").symlink_to(tmp_path / "nowhere")
    assert code_of(tmp_path, ...) == "not_a_file"
    (tmp_path / "odd").unlink()
    (tmp_path / "loop").symlink_to(tmp_path)
    assert [entry.path for entry in find(tmp_path)] == ["good.dcm"]


def test_a_large_file_is_not_read(tmp_path):
    assert code_of(tmp_path, bytes(2_000_000), settings=IngestSettings(max_file_mb=1)) == "file_too_large"


def test_a_file_without_preamble_and_meta_is_read(tmp_path):
    ds = radiograph(RNG)
    del ds.file_meta
    ds.save_as(tmp_path / "odd", implicit_vr=True, little_endian=True)
    assert code_of(tmp_path, ...) == ""


def test_a_deflated_bomb_does_not_take_the_memory(tmp_path):
    ds = radiograph(RNG)
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    save(ds, tmp_path / "odd")
    assert code_of(tmp_path, ...) == ""
    data = (tmp_path / "odd").read_bytes()
    meta_end = 132 + 12 + int.from_bytes(data[140:144], "little")
    pump = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = pump.compress(bytes(4_000_000)) + pump.flush(zlib.Z_FULL_FLUSH)
    bomb = block * 500
    assert len(bomb) < 4_000_000  # and 2 GB when inflated
    code = code_of(tmp_path, data[:meta_end] + bomb, settings=IngestSettings(max_memory_mb=256))
    assert code in ("memory", "broken", "not_an_image")


def test_endless_nesting_is_one_rejected_file(tmp_path):
    item = b""
    for _ in range(3000):  # sequences in sequences, undefined lengths
        item = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff" + item
    save(radiograph(RNG), tmp_path / "odd")
    data = (tmp_path / "odd").read_bytes()
    meta_end = 132 + 12 + int.from_bytes(data[140:144], "little")
    assert code_of(tmp_path, data[:meta_end] + item) in ("broken", "not_an_image")


def test_compressed_pixels_without_their_end_are_truncated(tmp_path):
    ds = radiograph(RNG)
    ds.compress(JPEG2000Lossless)
    save(ds, tmp_path / "odd")
    assert code_of(tmp_path, ...) == ""
    data = (tmp_path / "odd").read_bytes()
    assert code_of(tmp_path, data[: len(data) - 200]) in ("truncated", "no_pixels", "broken")
    ds.PixelData = b"\xfe\xff\x00\xe0" + bytes(4)  # a table of offsets, and nothing after it
    save(ds, tmp_path / "odd")
    assert code_of(tmp_path, ...) == "no_pixels"


def test_duplicates_are_found_by_their_pixels(tmp_path):
    first = radiograph(RNG)
    save(first, tmp_path / "a")
    save(first, tmp_path / "b" / "copy")
    first.SOPInstanceUID = "1.2.3.4.5.6"
    first.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    save(first, tmp_path / "c")
    first.AccessionNumber = "ACC0000002"
    save(first, tmp_path / "d")
    first.PatientID, first.PatientName = "19200101-0000", "Annan^Person"
    first.AccessionNumber = "ACC0000003"
    save(first, tmp_path / "e")
    index = ingest(tmp_path, IngestSettings(), NAMES)
    assert index.files.set_index("path")["code"].fillna("").to_dict() == {
        "a": "",
        "b/copy": "duplicate_in_exam",
        "c": "duplicate_in_exam",
        "d": "duplicate_in_patient",
        "e": "duplicate_in_archive",
    }


def test_the_index_says_what_the_header_says(tmp_path):
    save(radiograph(RNG, PatientBirthDate="19500302", StudyDate="20100301", PatientSex="F"), tmp_path / "a")
    save(
        radiograph(
            RNG,
            AccessionNumber="ACC2",
            PatientBirthDate="",
            PatientAge="017Y",
            PatientID="19121212-1212",
            StudyDate="20100310",
            StudyDescription="Knä trauma",
            SeriesDescription="Lateral",
            ImageLaterality="L",
            BodyPartExamined="",
        ),
        tmp_path / "b",
    )
    index = ingest(tmp_path, IngestSettings(), NAMES)
    rows = index.images.merge(index.files[["image", "path"]], on="image").set_index("path")
    first, second = rows.loc["a"], rows.loc["b"]
    assert (first["view"], first["side"], first["protocol"], first["body_part"]) == (
        "ap", "right", "weight_bearing", "knee",
    )  # fmt: skip
    assert (first["age"], first["sex"], first["day"], first["bits"]) == (59, "female", 0, 12)
    assert (second["view"], second["side"], second["protocol"], second["body_part"]) == (
        "lateral", "left", "trauma", "knee",
    )  # fmt: skip
    assert (second["age"], second["day"]) == (17, 9)
    assert first["patient"] == second["patient"]


def test_the_written_index_has_no_identifiers_and_the_private_one_is_private(tmp_path):
    save(radiograph(RNG), tmp_path / "in" / "ward" / "a")
    index = ingest(tmp_path / "in", IngestSettings(), NAMES)
    write(index, tmp_path / "index", tmp_path / "private")
    images = read_table(tmp_path / "index" / "images.parquet", IMAGES)
    text = images.to_csv() + (tmp_path / "index" / "counts.csv").read_text()
    for secret in ("Tolvan", "19121212", "ACC0000001", "2010", "ward", "Frontal"):
        assert secret not in text
    assert (tmp_path / "private").stat().st_mode & 0o077 == 0
    assert read_table(tmp_path / "private" / "index.parquet")["patient_name"].iloc[0] == "Tolvansson^Tolvan"


def test_the_same_key_gives_the_same_pseudonyms_and_another_one_others(tmp_path):
    for number in range(3):
        tags = {"AccessionNumber": f"A{number}", "PatientID": f"P{number}", "PatientName": None}
        save(radiograph(RNG, **tags), tmp_path / f"{number}")
    first, again = (ingest(tmp_path, IngestSettings(), NAMES, workers=w).images for w in (1, 2))
    pd.testing.assert_frame_equal(first, again)
    other = ingest(tmp_path, IngestSettings(), Pseudonyms(key_from_seed(2))).images
    for column in ("image", "exam", "patient", "series", "pixel_hash"):
        assert not set(first[column]) & set(other[column])


READ = "exam,reader,role,session,item,value,revisit,time\n"


def with_readings(tmp_path, text, encoding="utf-8"):
    save(radiograph(RNG), tmp_path / "dicom" / "a")
    save(radiograph(RNG, AccessionNumber="0042", StudyDate="20100401"), tmp_path / "dicom" / "b")
    (tmp_path / "readings.csv").write_bytes((READ + text).encode(encoding))
    return ingest(tmp_path, IngestSettings(), NAMES).readings


def test_readings_get_pseudonyms_and_days(tmp_path):
    readings = with_readings(
        tmp_path, "0042,Åsa,reader,training,kl,3,1,2010-04-02T12:00:00\nACC0000001,Bo,senior,,kl,2.0,,\n"
    )
    READINGS.validate(readings)
    assert readings["exam"].str.startswith("e").all()
    assert readings["value"].tolist() == [3, 2]
    assert readings["revisit"].tolist() == [True, False]
    assert float(readings["time"].iloc[0]) == 32.5  # from 1 March, the patient's first exam
    assert readings["time"].isna().tolist() == [False, True]


def test_readings_as_a_swedish_spreadsheet_saves_them(tmp_path):
    semicolons = READ.replace(",", ";") + "0042;Åsa;Reader;;kl;3;0;\r\n"
    save(radiograph(RNG, AccessionNumber="0042"), tmp_path / "dicom" / "a")
    (tmp_path / "readings.csv").write_bytes(semicolons.encode("cp1252"))
    readings = ingest(tmp_path, IngestSettings(), NAMES).readings
    assert readings.loc[0, ["reader", "role", "value"]].tolist() == ["Åsa", "reader", 3]


@pytest.mark.parametrize("missing", ["NA", "n/a", "-", "None", "\\N"])
def test_cells_that_may_be_empty_may_say_so(tmp_path, missing):
    readings = with_readings(tmp_path, f"0042,A,reader,{missing},kl,1,{missing},{missing}\n")
    assert readings[["session", "time"]].isna().all(axis=None) and not readings["revisit"].any()
    (tmp_path / "readings.csv").write_text(f"{READ.strip()},side\n0042,A,reader,,kl,1,0,,{missing}\n")
    assert read_readings(tmp_path / "readings.csv")["side"].tolist() == [""]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("NOWHERE,A,reader,,kl,1,0,", "line 3: exam NOWHERE has readings"),
        ("0042,A,nurse,,kl,1,0,", "line 3: the role of exam 0042 is 'nurse'"),
        ("0042,A,reader,,kl,1.5,0,", "line 3: the value of exam 0042 is '1.5'"),
        ("0042,A,reader,,kl,,0,", "line 3: the value of exam 0042 is ''"),
        ("0042,A,reader,,kl,0¹,0,", "line 3: the value of exam 0042 is '0¹'"),
        ("0042,A,reader,,kl,1,maybe,", "revisit of exam 0042 is 'maybe'"),
        ("0042,A,reader,,unusable,2,0,", "value of exam 0042 is '2'; of unusable and no_knee it must be 1"),
        ("0042,A,reader,,kl,1,0,yesterday", "time of exam 0042 is 'yesterday'"),
        ("0042,A,reader,,kl,1,0,2021", "time of exam 0042 is '2021'"),
        ("0042,A,reader,,kl,1,0,2021-05", "time of exam 0042 is '2021-05'"),
        ("0042,,reader,,kl,1,0,", "reader of exam 0042 is ''"),
        (",A,reader,,kl,1,0,", "exam of exam"),
    ],
)
def test_a_wrong_reading_is_named(tmp_path, line, message):
    with pytest.raises(StudyError, match=message):
        with_readings(tmp_path, f"0042,A,reader,,kl,1,0,\n{line}\n")


def test_readings_without_a_column_are_refused(tmp_path):
    save(radiograph(RNG), tmp_path / "dicom" / "a")
    (tmp_path / "readings.csv").write_text("exam,reader\n")
    with pytest.raises(StudyError, match="lacks the column 'role'"):
        ingest(tmp_path, IngestSettings(), NAMES)


def test_exams_csv_fills_what_headers_leave_open(tmp_path):
    save(radiograph(np.random.default_rng(1), PatientBirthDate=None, PatientSex=None), tmp_path / "1.dcm")
    (tmp_path / "exams.csv").write_text("exam;age;sex\nACC0000001;63,5;f\nACC0000001;63,5;f\nACC9;50;m\n")
    index = ingest(tmp_path, IngestSettings(), NAMES)
    assert index.images[["age", "sex"]].values.tolist() == [[63.5, "female"]]
    counts = index.counts.set_index("kind")["n"]
    assert (counts["exams_csv"], counts["exams_csv_of_no_exam"]) == (2, 1)
    (tmp_path / "exams.csv").write_text("exam,age,sex\nACC9,60,f\n")
    with pytest.raises(
        StudyError, match="none of its 1 exams is in the archive: the table has 'ACC9', the DICOM files"
    ):
        ingest(tmp_path, IngestSettings(), NAMES)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("ACC0000001,63,f\nACC0000001,64,f\n", "line 3: exam ACC0000001: an earlier line says something else"),
        ("ACC0000001,200,f\n", "line 2: exam ACC0000001: the age must be 0 to 120"),
        ("ACC0000001,60,x\n", "line 2: exam ACC0000001: the sex must be"),
        ("ACC0000001,old,\n", "line 2.*age"),
        (",60,f\n", "line 2: exam \\(none\\): it can't be empty"),
    ],
)
def test_a_wrong_exams_csv_is_told(tmp_path, rows, message):
    (tmp_path / "exams.csv").write_text("exam,age,sex\n" + rows)
    with pytest.raises(StudyError, match=message):
        read_exams(tmp_path / "exams.csv")


def test_exams_csv_tells_nothing_of_two_exams_by_one_number_and_what_it_contradicts_is_counted(tmp_path):
    for number, accession in enumerate(("1", "1", "A2", "A3")):
        tags = {"PatientID": f"P{number}9", "PatientName": None, "PatientBirthDate": None, "PatientSex": None}
        tags |= {"PatientAge": "060Y", "PatientSex": "M"} if accession == "A3" else {}
        save(radiograph(RNG, AccessionNumber=accession, **tags), tmp_path / "dicom" / f"{number}.dcm")
    (tmp_path / "exams.csv").write_text("exam,age,sex\n1,50,f\nA2,70.0,NA\nA2,70,\nA3,61,f\n")
    index = ingest(tmp_path, IngestSettings(), NAMES)
    told = index.files.set_index("path")[["age", "sex"]].sort_index().astype(object)
    assert told.where(told.notna(), None).to_numpy().tolist() == [[None, None], [None, None], [70, None], [60, "male"]]
    counts = index.counts.set_index("kind")["n"]
    names = ["exams_csv", "exams_csv_of_no_exam", "exams_csv_of_several_exams", "exams_csv_contradicted"]
    assert counts[names].tolist() == [3, 0, 1, 1]


def test_an_archive_that_is_missing_or_has_no_radiograph(tmp_path):
    with pytest.raises(StudyError, match="is no folder"):
        ingest(tmp_path / "nowhere", IngestSettings(), NAMES)
    (tmp_path / "readme").write_text("nothing here")
    with pytest.raises(StudyError, match=r"no radiograph that can be used \(1 file found\)"):
        ingest(tmp_path, IngestSettings(), NAMES)


def test_settings_with_a_broken_pattern_name_it():
    with pytest.raises(ValueError, match="no regular expression"):
        IngestSettings(protocols={"trauma": ["("]})


def test_counts_by_reason_add_up(tmp_path):
    rng = np.random.default_rng(5)
    expected = Counter()
    good = save(radiograph(rng), tmp_path / "00")
    for number, kind in enumerate(rng.choice(["good", "empty", "colour", "copy"], 30), 1):
        path = tmp_path / f"{number:02d}"
        expected[kind] += 1
        if kind == "empty":
            path.write_bytes(b"")
        elif kind == "copy":
            shutil.copy(good, path)
        else:
            save(radiograph(rng, SamplesPerPixel=3 if kind == "colour" else 1), path)
    counts = ingest(tmp_path, IngestSettings(), NAMES).counts
    by = counts.assign(key=counts["code"].fillna(counts["kind"])).set_index("key")["n"]
    assert (by["found"], by["indexed"]) == (31, 1 + expected["good"])
    assert (by["empty"], by["colour"], by["duplicate_in_exam"]) == tuple(
        expected[kind] for kind in ("empty", "colour", "copy")
    )


def test_pydicom_is_not_told_to_write_to_the_screen(tmp_path, capfd):
    shutil.copy(pydicom.data.get_testdata_file("badVR.dcm"), tmp_path / "odd")
    code_of(tmp_path, ...)
    assert capfd.readouterr() == ("", "")
