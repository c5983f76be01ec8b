"""Lead letters on a film of both knees, in fonts that the reader of letters doesn't draw."""

from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from analysis.archive.dicom.dataset import Unreadable
from analysis.archive.knees.cutting import cut
from analysis.archive.knees.letters import Letter, contradiction, read_letters
from analysis.archive.settings import CutSettings
from tests.archive.files import radiograph

FONTS = Path(mpl.get_data_path()) / "fonts/ttf"
BOTH = {"view": "ap", "side": "both", "body_part": "knee", "noted": None}


def film(*placed, font="DejaVuSans-Bold.ttf", high=11, spacing=0.5, mirrored=False):
    """Two legs, with the knee's gap in each, and words in lead: text, column and row as shares of the film."""
    rows, columns = round(350 / spacing), round(430 / spacing)
    y, x = np.mgrid[:rows, :columns] * spacing
    pixels = np.full((rows, columns), 0.08)
    for middle in (120, 310):
        leg = np.clip(1 - ((x - middle) / 55) ** 2, 0, 1) ** 0.5 * 0.45
        bone = np.where((abs(x - middle) < 32 - abs(y - 175) / 20) & (abs(y - 175) > 3), 0.25 - (y - 175) / 1500, 0)
        pixels += leg + bone
    drawing = Image.new("L", (columns, rows))
    type_face = ImageFont.truetype(FONTS / font, round(high / spacing / 0.72))
    for text, column, row in placed:
        ImageDraw.Draw(drawing).text((column * columns, row * rows), text, font=type_face, fill=255, anchor="mm")
    lead = cv2.GaussianBlur(np.asarray(drawing), (0, 0), 0.3 / spacing) / 255.0
    shown = np.clip(pixels + 0.6 * lead, 0, 1) + np.random.default_rng(0).normal(0, 0.004, (rows, columns))
    return np.clip(shown[:, ::-1] if mirrored else shown, 0, 1)


def names(*placed, **how):
    letters = read_letters(np.asarray(film(*placed, **how) * 255, np.uint8), how.get("spacing", 0.5))
    return [letter.name for letter in sorted(letters, key=lambda letter: letter.column)]


@pytest.mark.parametrize("font", ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSansMono-Bold.ttf"])
@pytest.mark.parametrize("spacing", [0.25, 0.5])
def test_letters_beside_and_between_the_legs_are_read(font, spacing):
    assert names(("R", 0.05, 0.2), ("L", 0.95, 0.3), font=font, spacing=spacing) == ["R", "L"]
    assert names(("R", 0.49, 0.2), ("L", 0.52, 0.2), font=font, spacing=spacing) == ["R", "L"]


@pytest.mark.parametrize("text", [*"ABDEFGHIJKNPTUVXYZ12479", "ERECT", "LEFT", "WORLD", "PA"])
def test_other_letters_and_words_are_not_taken_for_them(text):
    for mirrored in (False, True):
        assert names((text, 0.1, 0.15), mirrored=mirrored) == []


def test_a_mirrored_r_is_read_and_a_mirrored_l_is_not_for_it_may_be_a_j():
    assert names(("R", 0.95, 0.2), ("L", 0.05, 0.3), mirrored=True) == ["R"]


R, L = (lambda column: Letter("R", column)), (lambda column: Letter("L", column))


@pytest.mark.parametrize(
    ("letters", "told"),
    [
        ([], ""),
        ([R(10), L(400)], ""),
        ([R(400), L(10)], "the letter R lies beside the left knee"),
        ([L(10)], "the letter L lies beside the right knee"),
        ([R(400)], "the letter R lies beside the left knee"),
        ([R(210)], ""),  # one alone in the middle names neither
        ([R(205), L(220)], ""),
        ([L(205), R(220)], "the letter R lies beside the left knee"),
        ([R(10), R(400)], "the letter R lies beside the left knee"),
    ],
)
@pytest.mark.parametrize("width", [1.0, None])
def test_letters_name_the_knee_that_they_lie_beside(letters, told, width):
    assert contradiction(letters, [100.0, 300.0], ("right", "left"), width) == told
    other = [Letter({"R": "L", "L": "R"}[one.name], one.column) for one in letters]
    if told and len(letters) == 1:
        assert contradiction(other, [100.0, 300.0], ("right", "left"), width) == ""


@pytest.mark.parametrize(
    ("first", "second", "mirrored", "tags", "right"),
    [
        ("R", "L", False, {}, True),
        ("R", "L", False, {"PatientOrientation": ["R", "F"]}, False),
        ("L", "R", False, {}, False),
        ("R", "L", True, {}, False),  # filed mirrored, its letters too
        ("R", "L", True, {"PatientOrientation": ["R", "F"]}, True),
    ],
)
@pytest.mark.parametrize("upside_down", [False, True])
def test_a_film_whose_letters_contradict_its_sides_is_refused(first, second, mirrored, tags, right, upside_down):
    shown = film((first, 0.05, 0.2), (second, 0.95, 0.2), mirrored=mirrored)
    if upside_down:
        shown, tags = shown[::-1], {"PatientOrientation": [tags.get("PatientOrientation", ["L"])[0], "H"]}
    stored = np.round(shown * 4095).astype("<u2")
    usual = {"ImageLaterality": "B", "ImagerPixelSpacing": [0.5, 0.5], "PixelData": stored.tobytes()}
    dataset = radiograph(np.random.default_rng(1), stored.shape, **usual, **tags)
    if right:
        assert set(cut(dataset, BOTH, True, CutSettings())[0]) == {"left", "right"}
        return
    with pytest.raises(Unreadable, match=r"the letter [RL] lies beside the (left|right) knee"):
        cut(dataset, BOTH, True, CutSettings())
