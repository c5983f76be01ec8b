"""The contact sheet shows where films of both knees are cut, and every film that is doubtful or was refused."""

import cv2
import numpy as np
import pytest

from analysis.archive.ingest import ingest
from analysis.archive.people.pseudonyms import Pseudonyms, key_from_seed
from analysis.archive.settings import IngestSettings
from analysis.errors import StudyError
from analysis.imaging.sheet import draw_sheet
from tests.archive.test_knees import film, legs, single


def test_the_sheet_shows_cuts_and_refusals(tmp_path):
    archive = tmp_path / "archive"
    for number in range(3):
        tags = {"AccessionNumber": f"A{number}", "PatientID": f"P{number}", "ImageLaterality": "B", "PatientName": None}
        film(archive / f"{number}.dcm", legs(middle=205 + number, joints=(170, 180 + number)), **tags)
    film(archive / "refused.dcm", legs(only=[0]), AccessionNumber="A9", PatientID="P9", ImageLaterality="B")
    index = ingest(archive, IngestSettings(), Pseudonyms(key_from_seed(1)))
    said = draw_sheet(archive, index.images, index.files, 2, 1, tmp_path / "sheet.png")
    assert said.endswith(": 2 films at random, 0 doubtful, 1 refused.")
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet.shape[:2] == (340, 5 * 340)
    for number, colours in enumerate([{(60, 180, 255), (255, 160, 60)}] * 2 + [set(), set(), set()]):
        tile = sheet[:300, number * 340 : (number + 1) * 340].reshape(-1, 3)
        there = {tuple(int(value) for value in colour) for colour in np.unique(tile, axis=0)}
        assert {(60, 180, 255), (255, 160, 60)} & there == colours, number
    with pytest.raises(
        StudyError, match=r"None of the 3 films can be read in .*elsewhere .*name the folder that ingest read"
    ):
        draw_sheet(tmp_path / "elsewhere", index.images, index.files, 2, 1, tmp_path / "other.png")
    assert not (tmp_path / "other.png").exists()
    (archive / "refused.dcm").write_bytes(b"")
    said = draw_sheet(archive, index.images, index.files, 2, 1, tmp_path / "sheet.png")
    assert "1 refused; 1 of them can't be read, the first: refused.dcm, The file is empty" in said


def test_nothing_to_look_at_is_told(tmp_path):
    single(tmp_path / "one.dcm", "R", 1)
    index = ingest(tmp_path, IngestSettings(), Pseudonyms(key_from_seed(1)))
    with pytest.raises(StudyError, match="no film that is known to show both knees"):
        draw_sheet(tmp_path, index.images, index.files, 20, 1, tmp_path / "sheet.png")
