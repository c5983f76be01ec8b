"""A header that says MONOCHROME1 for MONOCHROME2, or the reverse."""

import cv2
import numpy as np
import pytest

from analysis.archive.inspect import inspect
from analysis.archive.knees.negative import is_negative
from analysis.archive.settings import IngestSettings
from analysis.imaging.image import prepare_file
from analysis.imaging.settings import ImagesSettings
from analysis.inference.radiograph import prepare_plain
from analysis.reading.exams.pixels import load_picture
from tests.archive.files import radiograph, save

WHOLE = ImagesSettings(size=128)


def leg(legs=1, columns=200):
    """Legs with air beside each: soft tissue about a bone that the joint parts."""
    rng = np.random.default_rng(3)
    picture = np.full((300, columns * legs), 200.0)
    for number in range(legs):
        middle = columns * number + columns // 2
        picture[:, middle - 70 : middle + 70] = 1500
        picture[:, middle - 35 : middle + 35] = 2900
        picture[140:160, middle - 70 : middle + 70] = 1500
    return (cv2.GaussianBlur(picture, (0, 0), 3) + rng.normal(0, 20, picture.shape)).astype(int)


def written(path, picture, **tags):
    # A window tells nothing of which end of it is white.
    window = {"WindowCenter": 2048, "WindowWidth": 4096}
    tags = {"PixelData": picture.astype("<u2").tobytes(), "SeriesDescription": "Knä AP"} | window | tags
    return save(radiograph(np.random.default_rng(0), picture.shape, **tags), path)


@pytest.mark.parametrize(
    "tags", [{}, {"PresentationLUTShape": "IDENTITY"}, {"WindowCenter": None, "WindowWidth": None}]
)
@pytest.mark.parametrize("said", ["MONOCHROME1", "MONOCHROME2"])
def test_a_negative_is_turned_over_and_noted(tmp_path, said, tags):
    tags = {keyword: value for keyword, value in tags.items() if value} | {"PhotometricInterpretation": said}
    other = "MONOCHROME2" if said == "MONOCHROME1" else "MONOCHROME1"
    picture = leg() if said == "MONOCHROME2" else 4095 - leg()
    good = prepare_file(written(tmp_path / "good.dcm", picture, **tags), WHOLE)
    path = written(tmp_path / "wrong.dcm", picture, **tags | {"PhotometricInterpretation": other})
    wrong = prepare_file(path, WHOLE)
    assert (good[2], wrong[2]) == ("", "negative")
    assert np.abs(good[0].astype(int) - wrong[0]).max() <= 1 and good[1] == wrong[1]
    assert prepare_plain(path, WHOLE)[1] == "negative"
    shown = load_picture(path)  # where bone has to be white as well
    assert shown.grey[60, 100] > shown.grey[60, 40] > shown.grey[60, 5]


@pytest.mark.parametrize("first", [40, 4000])
def test_a_picture_and_its_negative_are_one(tmp_path, first):
    picture = leg()
    picture[0, 0] = first
    forms = [
        (picture, {}),
        (4095 - picture, {"PhotometricInterpretation": "MONOCHROME1"}),
        (picture - 2048, {"PixelRepresentation": 1, "WindowCenter": 0}),
        (2047 - picture, {"PixelRepresentation": 1, "WindowCenter": 0, "PhotometricInterpretation": "MONOCHROME1"}),
    ]
    found = [prepare_file(written(tmp_path / "one.dcm", one, **tags), WHOLE) for one, tags in forms]
    assert found[0][1] == found[1][1] != found[2][1] == found[3][1]
    assert all(np.abs(small.astype(int) - found[0][0]).max() <= 1 for small, _, _ in found)
    others = (picture[::-1], picture[:, ::-1], picture // 2)
    assert all(prepare_file(written(tmp_path / "one.dcm", one), WHOLE)[1] != found[0][1] for one in others)


def test_a_shape_that_says_inverse_of_what_is_none_makes_no_negative(tmp_path):
    path = written(tmp_path / "one.dcm", leg(), PresentationLUTShape="INVERSE")
    small, _, noted = prepare_file(path, WHOLE)
    assert noted == "negative" and small[20, 64] > small[20, 40]


def test_a_picture_that_is_a_negative_is_turned_over(tmp_path):
    cv2.imwrite(str(tmp_path / "one.png"), (255 - leg() // 16).astype(np.uint8))
    both, noted = prepare_plain(tmp_path / "one.png", WHOLE)
    small = both.reshape(128, 128)
    assert noted == "negative" and small[20, 64] > small[20, 40]


def test_two_legs_with_air_between_them_are_no_negative():
    film = (leg(2) // 16).astype(np.uint8)
    film[:, :60], film[:, -60:] = 90, 90  # fogged, so that the middle is the darkest
    assert not is_negative(film)
    assert is_negative(255 - (leg() // 16).astype(np.uint8))


def test_air_beside_the_single_leg_of_a_negative_is_not_cut_out_as_two_knees(tmp_path):
    picture = np.pad(4095 - leg(columns=160), ((0, 0), (120, 120)), mode="edge")
    tags = {"SeriesDescription": "AP", "StudyDescription": "Knä bilateralt", "PixelSpacing": [0.9, 0.9]}
    written(tmp_path / "film.dcm", picture, **tags)
    record = inspect(tmp_path, "film.dcm", IngestSettings())
    assert record["code"] == "film_unclear" and "negative" in record["detail"]
