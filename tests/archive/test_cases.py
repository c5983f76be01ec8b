"""Inputs that came out wrong once, as files; beside them, in the other modules, stands each of them as its tags.

They lie beside the repository (`shared/cases/archive`), where there are such, and hold no person.
"""

import cv2
import numpy as np
import pandas as pd
import pytest

from analysis.archive.dicom.dataset import Unreadable, read
from analysis.archive.ingest import Refused, ingest
from analysis.archive.inspect import inspect
from analysis.archive.people.pseudonyms import Pseudonyms, key_from_seed
from analysis.archive.settings import IngestSettings
from analysis.imaging.pixels import brightness, decode
from tests.archive.files import SHARED

NAMES = Pseudonyms(key_from_seed(1))
CASES = SHARED.parents[1] / "cases" / "archive"
FOLDERS, PIXELS, TABLES = (CASES / name for name in ("folders", "pixels", "tables"))

pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="the cases aren't beside the repository")

AGES = [62, 62, 42, 62, 62, 70, 62, 62, 62, 70, 70, 70, 62]
#: The ninth is said to be of both knees (B), is a film of one, and is refused: neither of its exam's knees has an image.
SIDES = [None, "left", "left", "right", "right", "left", None, "left", "left and right", "left", "right", "left"]
#: Folder to what each of its files becomes: a column of the index, and its values in the order of names.
EXPECTED = {
    "H01_dx": ("side", SIDES),
    "H03_charset": ("side", ["right"] * 6),
    "H04_age": ("age", AGES),
    "H09_processing": ("code", [None, "for_processing"]),
    "H10_burned_in": ("code", ["burned_in", None]),
    "H11_bilateral": ("side", ["left", "right", "left and right"]),
    "H12_copies": ("code", [None, "duplicate_in_archive", "duplicate_in_exam"]),
}
#: Folder to what its refusal says.
REFUSED = {
    "F05_all_zipped": r"\(3 files found\). 3 times: It is a packed file \(zip\); unpack it",
    "H07_no_patient": "4 times: It names no patient; ingest.unnamed: study would take",
    "S01_all_ANONYMIZED": "PatientID 'ANONYMIZED' in 12 of 12 studies, so it names nobody",
    "S03_reports_lost_zeros": "none of the 12 reports .* has '100', '101', '102', .* '0000100', .*zeros lost",
    "D30_double_columns": "readings.csv has two columns called 'exam'",
    "T01_trailing_delimiter": "reports.csv, line 2: 3 cells, but the header has 2",
    "T04b_unbalanced_quote_end": "reports.csv, line 2: a quotation mark isn't closed",
    "T07_float_accession": "none of the 4 reports .* has '12345.0', .* '00012345'",
    "T10_double_columns": "reports.csv has two columns called 'accession'",
    "T21_trailing_delimiter_long": "reports.csv, line 2: 3 cells, but the header has 2",
}
READ = {"T00_control": [2, 0, 3, 1], "D09_mixed_case_item": [2] * 4, "T03_utf16": []}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """All folders that make an archive, indexed as one: a row a file, by folder and name."""
    archive = tmp_path_factory.mktemp("archive")
    for name in {*EXPECTED, "H05_ids", "H15_accession_is_patient"}:
        (archive / name).symlink_to(FOLDERS / name / "dicom")
    table = ingest(archive, IngestSettings(), NAMES).files.set_index("path").sort_index()
    # A film that is cut has a row for each knee.
    sides = table["side"].groupby(level=0).agg(lambda found: " and ".join(sorted(found.dropna())) or None)
    return table.assign(side=sides)[~table.index.duplicated()]


def test_there_is_an_answer_to_every_case():
    asked = {folder.name for place in (FOLDERS, TABLES) for folder in place.iterdir()}
    assert asked == {*EXPECTED, *REFUSED, *READ, "H05_ids", "H15_accession_is_patient"}


@pytest.mark.parametrize("name", EXPECTED)
def test_what_becomes_of_a_file(files, name):
    column, expected = EXPECTED[name]
    found = files[files.index.str.startswith(f"{name}/")]
    assert [None if pd.isna(one) else one for one in found[column]] == expected
    if name == "H03_charset":
        assert set(found["body_part"]) == {"knee"} and set(found["protocol"]) == {"weight_bearing"}
    if name == "H04_age":
        assert found["noted"].eq("age_contradicted").tolist() == [number in (0, 5, 6, 7) for number in range(13)]


def test_who_and_when(files):
    ids = files[files.index.str.startswith("H05_ids/")]
    assert ids["patient"].nunique() == 4
    exams = files[files.index.str.startswith("H15_accession_is_patient/20")]
    assert (exams["patient"].nunique(), exams["exam"].nunique()) == (1, 3)
    assert exams["day"].tolist() == [0, 731, 1827]


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_study_can_be_made_of_is_refused_by_name(name):
    folder = next(place / name for place in (FOLDERS, TABLES) if (place / name).is_dir())
    with pytest.raises(Refused, match=REFUSED[name]):
        ingest(folder, IngestSettings(), NAMES)


@pytest.mark.parametrize("name", READ)
def test_tables_that_are_right(name):
    index = ingest(TABLES / name, IngestSettings(), NAMES)
    found = index.counts.set_index("kind")["n"]
    assert found[["reports", "reports_of_no_exam", "exams_without_report"]].tolist() == [4, 0, 0]
    assert index.readings["value"].tolist() == READ[name]
    assert set(index.readings["item"]) <= {"kl"}


@pytest.mark.parametrize("path", sorted(PIXELS.glob("*.npy")), ids=lambda path: path.stem)
def test_a_picture_is_what_was_drawn(path):
    image = brightness(read(path.with_suffix(".dcm"))) / 255
    drawn = np.load(path).astype(float)
    if "padding" in path.stem:  # no window: the range of the image without its padding is shown
        there = drawn > 0
        assert np.corrcoef(image[there], drawn[there])[0, 1] > 0.9999 and not image[~there].any()
        assert image[there].max() == 1
    else:
        assert np.abs(image - drawn).max() < 0.005


def test_the_pictures_beside_which_nothing_was_drawn():
    shown = brightness(read(PIXELS / "shutter_rectangular.dcm"))
    assert not shown[:40].any() and not shown[260:].any() and not shown[:, :30].any() and not shown[:, 210:].any()
    control = brightness(read(PIXELS / "P00_control.dcm")).astype(float)
    assert np.corrcoef(shown[60:240, 50:190].ravel(), control[60:240, 50:190].ravel())[0, 1] > 0.99
    table = brightness(read(PIXELS / "voilut_8bit_in_16bit_words.dcm")).astype(float)
    assert np.abs(table - control).mean() < 6 and np.corrcoef(table.ravel(), control.ravel())[0, 1] > 0.99
    whole = cv2.imread(str(PIXELS / "jpeg_100.png"), cv2.IMREAD_GRAYSCALE)
    assert np.corrcoef(whole.ravel(), control.ravel())[0, 1] > 0.99  # what the cut one shows half of
    record = inspect(PIXELS, "jpeg_60.dcm", IngestSettings())
    assert record["code"] == "truncated"
    with pytest.raises(Unreadable):
        decode(read(PIXELS / "jpeg_60.dcm"))


def test_no_case_of_a_picture_is_left_out():
    beside = {path.stem for path in PIXELS.glob("*.npy")}
    assert {path.stem for path in PIXELS.glob("*.dcm")} - beside == {
        "shutter_rectangular", "voilut_8bit_in_16bit_words", "jpeg_60",
    }  # fmt: skip
