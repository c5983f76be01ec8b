"""Films of both knees that are out of the ordinary: cut in the right place, or refused with what is wrong."""

from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
import pytest

from analysis.archive.dicom.dataset import Unreadable
from analysis.archive.ingest import ingest, write
from analysis.archive.knees.cutting import cut
from analysis.archive.knees.films import part
from analysis.archive.people.pseudonyms import Pseudonyms, key_from_seed
from analysis.archive.settings import CutSettings, IngestSettings
from analysis.imaging.image import prepare_file
from analysis.imaging.settings import ImagesSettings
from analysis.reading.exams.pixels import load_picture
from analysis.simulate.anatomy import body, draw
from analysis.simulate.bilateral import Stance, take_both
from analysis.simulate.settings import RadiographySettings
from analysis.simulate.shape import skeleton
from tests.archive.files import radiograph, save

SETTINGS = RadiographySettings(image_size=(200, 220), collimated=0.0)
BOTH = {"view": "ap", "side": "both", "body_part": "knee", "noted": None}


def taken(girth=None, **changes):
    rng = np.random.default_rng(4)
    people = [body(rng, side, "F", 60) for side in ("right", "left")]
    people = [replace(person, girth=girth or person.girth) for person in people]
    knees = [draw(rng, person, kl, "medial", False) for person, kl in zip(people, (0, 4), strict=True)]
    return take_both(rng, {knee.side: (knee, skeleton(knee)) for knee in knees}, replace(Stance(), **changes), SETTINGS)


@pytest.fixture(scope="module")
def film():
    return taken()


def stored(pixels, **tags):
    whole = np.round(np.clip(pixels, 0, 1) * 4095).astype("<u2")
    usual = {"ImageLaterality": "B", "ImagerPixelSpacing": [1.0, 1.0], "PixelData": whole.tobytes()}
    return radiograph(np.random.default_rng(1), whole.shape, **(usual | tags))


def away(film, pixels, joints=None, **tags):
    """How far from its joint the middle of each square is, mm."""
    spacing = film.picture.spacing
    boxes, _ = cut(stored(pixels, ImagerPixelSpacing=[spacing, spacing], **tags), BOTH, True, CutSettings())
    return max(
        np.hypot((boxes[side].left + boxes[side].right) / 2 - x, (boxes[side].top + boxes[side].bottom) / 2 - y)
        * spacing
        for side, (x, y) in (joints or film.joints).items()
    )


def bordered(pixels, level):
    rows, columns = pixels.shape
    framed = np.full_like(pixels, level)
    field = np.s_[rows // 12 : -rows // 20, columns // 14 : -columns // 18]
    framed[field] = pixels[field]
    return framed


def crossed(pixels):
    """With a frame's bar across, two thirds of the way down."""
    barred = pixels.copy()
    barred[int(0.68 * len(pixels)) : int(0.74 * len(pixels))] += 0.35
    return barred


def walled(pixels):
    """With an edge of acrylic between the legs, a little brighter than air."""
    wall = pixels.copy()
    middle = pixels.shape[1] // 2
    wall[:, middle - 5 : middle + 5] += 0.15
    return wall


def hazy(pixels, height, reach):
    """With fog about the middle of the film; `reach` in pixels."""
    down, across = (np.arange(side, dtype=np.float32) - side / 2 for side in pixels.shape)
    fog = height * np.exp(-((across / reach) ** 2)) * np.exp(-((down[:, None] / 300) ** 2))
    return np.minimum((1 - height / 2) * pixels + fog, 1)


def measured(pixels, level):
    """With a metal ruler between the legs, and its marks cut out."""
    middle = pixels.shape[1] // 2
    ruler = np.s_[:, middle - 10 : middle + 10]
    shown = pixels.copy()
    shown[ruler] = np.maximum(shown[ruler], level)
    shown[::10, middle - 10 : middle] = 0
    return shown


def framed(pixels):
    """In a frame of acrylic: a wall between the legs and a shelf below the knees, with beads of lead on both."""
    rows, columns = pixels.shape
    shown = pixels.copy()
    wall, shelf = columns // 2, int(0.78 * rows)
    shown[:, wall - 18 : wall + 18] += 0.12
    shown[shelf : shelf + 25] += 0.2
    for row in range(0, rows, 15):
        shown[row : row + 3, [wall - 18, wall - 17, wall - 16, wall + 16, wall + 17, wall + 18]] = 1
    for column in range(0, columns, 25):
        shown[shelf + 10 : shelf + 13, column : column + 3] = 1
    return np.minimum(shown, 1)


@pytest.mark.parametrize("level", [0.08, 0.3, 0.55, 0.8, 1.0])
def test_a_border_of_any_grey_is_none_of_the_film(film, level):
    assert away(film, bordered(film.picture.pixels, level)) < 10


@pytest.mark.parametrize("height", [-110.0, 105.0])
def test_joints_near_an_edge_are_found(height):
    near = taken(height=height)
    assert away(near, near.picture.pixels) < 10


@pytest.mark.parametrize(
    "change",
    [
        crossed,
        walled,
        lambda pixels: 0.75 * pixels + np.linspace(0, 0.5, pixels.shape[1], dtype=np.float32),
        lambda pixels: pixels**3,
        lambda pixels: pixels**0.35,
        lambda pixels: measured(pixels, 0.45),
        lambda pixels: measured(pixels, 1.0),
        framed,
    ],
    ids=["bar", "wall", "fog", "dark", "bright", "ruler", "white ruler", "frame"],
)
def test_what_lies_over_the_film_moves_no_cut(film, change):
    assert away(film, change(film.picture.pixels)) < 10


@pytest.mark.parametrize(("height", "reach"), [(0.35, 60), (0.35, 80), (0.4, 120)])
def test_fog_between_the_legs_moves_no_cut(height, reach):
    apart = taken(gap=85.0)
    assert away(apart, hazy(apart.picture.pixels, height, reach)) < 10


@pytest.mark.parametrize("reach", [40, 60, 80])
def test_where_fog_fills_the_valley_a_film_is_refused(film, reach):
    with pytest.raises(Unreadable, match="no clear valley between the legs"):
        away(film, hazy(film.picture.pixels, 0.5, reach))


@pytest.mark.parametrize(("girth", "gap"), [(1.3, -16.0), (1.5, -17.0), (1.6, -12.0)])
def test_thick_legs_that_touch_are_cut_about_their_joints(girth, gap):
    thick = taken(girth=girth, gap=gap)
    assert away(thick, thick.picture.pixels) < 6


def test_the_joints_of_two_legs_are_about_level(film):
    """An edge across one leg, stronger than its joint, is passed over for what both legs have."""
    pixels = film.picture.pixels.copy()
    rows, columns = pixels.shape
    pixels[: int(0.27 * rows), columns // 2 :] *= 0.4
    assert away(film, pixels) < 10


@pytest.mark.parametrize("flipped", [np.s_[::-1, ::-1], np.s_[::-1]], ids=["turned", "flipped"])
def test_a_film_upside_down_is_cut_if_it_says_so_and_refused_if_not(film, flipped):
    pixels = np.ascontiguousarray(film.picture.pixels[flipped])
    rows, columns = pixels.shape
    turned = flipped != np.s_[::-1]
    joints = {side: (columns - 1 - x if turned else x, rows - 1 - y) for side, (x, y) in film.joints.items()}
    assert away(film, pixels, joints, PatientOrientation=["R" if turned else "L", "H"]) < 10
    for tags in ({}, {"PatientOrientation": ["L", "F"]}):
        with pytest.raises(Unreadable, match="upside down by its pixels, and not by its header"):
            away(film, pixels, joints, **tags)
    with pytest.raises(Unreadable, match="upside down by its header, and not by its pixels"):
        away(film, film.picture.pixels, PatientOrientation=["R", "H"])


@pytest.mark.parametrize("way", [("L", "F"), ("R", "F"), ("L", "H"), ("R", "H")])
def test_squares_are_head_up_with_the_patients_right_on_the_left_however_the_film_lies(film, tmp_path, way):
    """For the network and for readers: a clip above each joint, and to the patient's right of it, is there in the square."""
    pixels, spacing = film.picture.pixels.copy(), film.picture.spacing
    for x, y in film.joints.values():
        cv2.circle(pixels, (round(x - 35 / spacing), round(y - 50 / spacing)), round(5 / spacing), (3.0,), -1)
    shown = np.ascontiguousarray(pixels[:: -1 if way[1] == "H" else 1, :: -1 if way[0] == "R" else 1]) / 3
    dataset = stored(shown, ImagerPixelSpacing=[spacing] * 2, PatientOrientation=list(way))
    save(dataset, tmp_path / "both.dcm")
    boxes, _ = cut(dataset, BOTH, True, CutSettings())
    for side in ("left", "right"):
        small = prepare_file(tmp_path / "both.dcm", ImagesSettings(size=140), boxes[side])[0]
        picture = load_picture(tmp_path / "both.dcm", "", boxes[side])
        assert picture.sided
        for square in (small, cv2.resize(picture.grey, (140, 140), interpolation=cv2.INTER_AREA)):
            rows, columns = np.nonzero(square > 0.9 * square.max())
            assert np.hypot(rows.mean() - 20, columns.mean() - 35) < 8


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (np.transpose, "the legs lie across the film"),
        (lambda pixels: pixels > 0.2, "the joints don't stand out"),
        (lambda pixels: 1 - pixels, "white between them, too"),
    ],
    ids=["on its side", "white", "inverted"],
)
def test_a_film_that_cannot_be_cut_says_why(film, change, why):
    shown = (np.ascontiguousarray(change(film.picture.pixels)) * 255).astype(np.uint8)
    with pytest.raises(Unreadable, match=why):
        part(shown, (film.picture.spacing,) * 2, 140)


def test_each_refused_film_stands_once_in_the_list_with_its_reason_and_is_counted(film, tmp_path):
    pixels = film.picture.pixels
    shown = {"good": pixels, "turned": pixels[::-1, ::-1], "lying": pixels.T, "inverted": 1 - pixels}
    for name, picture in shown.items():
        spacing = [film.picture.spacing] * 2
        tags = {"AccessionNumber": name, "ImagerPixelSpacing": spacing, "SeriesDescription": "Frontal"}
        save(stored(np.ascontiguousarray(picture), **tags), tmp_path / f"{name}.dcm")
    index = ingest(tmp_path, IngestSettings(), Pseudonyms(key_from_seed(1)))
    write(index, tmp_path / "index", tmp_path / "private")
    listed = pd.read_csv(tmp_path / "private/rejected.csv").set_index("path")
    assert listed["code"].to_dict() == {
        "turned.dcm": "film_contradicted", "lying.dcm": "film_unclear", "inverted.dcm": "film_unclear"
    }  # fmt: skip
    assert listed["detail"].is_unique and listed["detail"].str.contains(r"\(.+\)").all()
    counts = pd.read_csv(tmp_path / "index/counts.csv").set_index(["kind", "code"])["n"]
    assert counts["rejected"].to_dict() == {"film_contradicted": 1, "film_unclear": 2}
    assert set(index.images["side"]) == {"left", "right"} and len(index.images) == 2
