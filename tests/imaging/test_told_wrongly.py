"""Pictures that came out dark, negative, cut or framed since one number or table of their headers is wrong."""

import numpy as np
import pytest
from pydicom.uid import ExplicitVRBigEndian

from analysis.archive.dicom.corrections import corrections
from analysis.archive.dicom.dataset import read
from analysis.archive.dicom.padding import padding
from analysis.imaging.image import prepare_file
from analysis.imaging.pixels import brightness
from analysis.imaging.settings import ImagesSettings
from tests.archive.files import save
from tests.imaging.test_wrong_pixels import ALL, COLUMNS, DRAWN, FALLING, RAMP, ROWS, WINDOW, close, file, lut, shown

FALL = 4095 - RAMP


def prepared(ds, folder):
    image, _, noted = prepare_file(save(ds, folder / "a.dcm"), ImagesSettings())
    return image.astype(float), noted


def alike(one, other):
    return np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.99


@pytest.mark.parametrize(
    ("entries", "descriptor"),
    [
        (FALL[:2048], [4096, 0, 16]),
        (FALL[:2048], [2048, 0, 16]),
        (np.where(RAMP < 2048, FALL, 0), [4096, 0, 16]),
        (FALL, [4096, 1000, 16]),
        (FALL, [4096, 9000, 16]),
        (FALL, [4096, 65536 - 3000, 16]),
    ],
    ids=["cut", "short", "filled up", "first value", "beyond", "before"],
)
def test_a_broken_table_of_falling_values_makes_no_negative(tmp_path, entries, descriptor):
    table = lut(entries, descriptor)["VOILUTSequence"]
    image, noted = prepared(file(FALLING, ModalityLUTSequence=table, **WINDOW), tmp_path)
    assert alike(image, prepared(file(**WINDOW), tmp_path)[0])
    assert noted == "modality"


@pytest.mark.parametrize("rows", [70, 110, 119])
def test_rows_for_which_there_are_data_are_part_of_the_picture(tmp_path, rows):
    ds = file(**WINDOW)
    ds.Rows = rows
    image, noted = prepared(ds, tmp_path)
    assert (image == prepared(file(**WINDOW), tmp_path)[0]).all()
    assert noted == "header"


@pytest.mark.parametrize("more", [bytes(2000), DRAWN.tobytes(), DRAWN[40:].tobytes()], ids=["nothing", "again", "part"])
def test_what_follows_a_picture_and_does_not_go_on_with_it_is_none_of_it(tmp_path, more):
    ds = file(**WINDOW)
    ds.PixelData += more
    image, noted = prepared(ds, tmp_path)
    assert (image == prepared(file(**WINDOW), tmp_path)[0]).all()
    assert not noted


@pytest.mark.parametrize("value", [0, 1234])
@pytest.mark.parametrize("tags", [{"PixelPaddingValue": 65535}, {}], ids=str)
def test_padding_behind_a_line_about_the_image_is_none_of_it(tmp_path, value, tags):
    padded = np.full(DRAWN.shape, 65535)
    padded[20:100, 20:80] = DRAWN[20:100, 20:80]
    padded[[0, -1]] = value
    padded[:, [0, -1]] = value
    image = shown(tmp_path, file(padded, **ALL, **tags, **WINDOW))
    hidden = np.ones(DRAWN.shape, bool)
    hidden[20:100, 20:80] = False
    assert not image[hidden].any()
    assert close(image[~hidden], DRAWN[~hidden] / 4095)


@pytest.mark.parametrize("border", [np.s_[:40], np.s_[-40:], np.s_[:, :30], np.s_[:, -30:]], ids=str)
def test_a_white_border_on_one_side_is_cropped(tmp_path, border):
    images = []
    for value in (4095, 0):
        pixels = DRAWN.copy()
        pixels[border] = value
        images.append(prepared(file(pixels, **WINDOW), tmp_path)[0])
    assert (images[0] == images[1]).all()


def test_a_window_whose_numbers_are_exchanged_is_put_right(tmp_path):
    ds = file(WindowCenter=WINDOW["WindowWidth"], WindowWidth=WINDOW["WindowCenter"])
    image, noted = prepared(ds, tmp_path)
    assert (image == prepared(file(**WINDOW), tmp_path)[0]).all()
    assert noted == "window"


@pytest.mark.parametrize("bits", [16, 32])
@pytest.mark.parametrize("intercept", [-2048, -1024, 1024])
def test_a_window_of_what_was_stored_before_its_intercept_is_none(tmp_path, intercept, bits):
    for centre, put_right in ((2048, ["window"]), (2048 + intercept, [])):
        ds = file(RescaleSlope="1", RescaleIntercept=str(intercept), WindowCenter=str(centre), WindowWidth="4096")
        ds.BitsAllocated, ds.PixelData = bits, DRAWN.astype(f"<u{bits // 8}").tobytes()
        dataset = read(save(ds, tmp_path / "a.dcm"))
        image = brightness(dataset)
        assert corrections(dataset) == put_right
        assert (image == brightness(dataset, window=False)).all() if put_right else close(image)


@pytest.mark.parametrize(("low", "high"), [(-1024, 3071), (-400, 2500), (0, 1800), (-1024, 4096), (0, 2500)])
def test_a_window_that_is_of_what_intercept_makes_is_kept(tmp_path, low, high):
    tags = {
        "RescaleSlope": "1",
        "RescaleIntercept": "-1024",
        "WindowCenter": (low + high) // 2,
        "WindowWidth": high - low,
    }
    dataset = read(save(file(**tags), tmp_path / "a.dcm"))
    assert close(brightness(dataset), np.clip((DRAWN - 1024.0 - low) / (high - low), 0, 1))
    assert not corrections(dataset)


@pytest.mark.parametrize(("centre", "width"), [(1000, 4096), (3000, 1500), (3500, 2048)])
def test_a_window_that_is_only_odd_is_kept(tmp_path, centre, width):
    image = shown(tmp_path, file(WindowCenter=str(centre), WindowWidth=str(width)))
    assert close(image, np.clip((DRAWN.astype(float) - centre + 0.5) / (width - 1) + 0.5, 0, 1))


@pytest.mark.parametrize("syntax", [None, ExplicitVRBigEndian], ids=["words", "file"])
def test_a_bitmap_shutter_may_have_the_other_byte_of_its_words_first(tmp_path, syntax):
    hides = np.ones((ROWS, COLUMNS), np.uint8)
    hides[30:90, 20:77] = 0
    bits = np.frombuffer(np.packbits(hides.ravel(), bitorder="little").tobytes(), "<u2").byteswap().tobytes()
    ds = file(ShutterShape="BITMAP", ShutterOverlayGroup=0x6000, **WINDOW)
    for element, vr, given in ((0x10, "US", ROWS), (0x11, "US", COLUMNS), (0x40, "CS", "G"), (0x50, "SS", [1, 1]),
                               (0x100, "US", 1), (0x102, "US", 0), (0x3000, "OW", bits)):  # fmt: skip
        ds.add_new((0x6000, element), vr, given)
    if syntax:
        ds.file_meta.TransferSyntaxUID = syntax
        ds.PixelData = DRAWN.astype(">u2").tobytes()
    image = shown(tmp_path, ds)
    assert not image[hides == 1].any()
    assert close(image[hides == 0], DRAWN[hides == 0] / 4095)


@pytest.mark.parametrize("first", [1000, 3000, 9000, 65536 - 3000])
def test_a_table_of_brightness_with_a_wrong_first_value_is_read_from_nought(tmp_path, first):
    image, noted = prepared(file(**lut(RAMP, [4096, first, 12])), tmp_path)
    assert (image == prepared(file(**WINDOW), tmp_path)[0]).all()
    assert noted == "table"


@pytest.mark.parametrize(
    ("keyword", "first", "n"),
    [
        ("VOILUTSequence", 600, 3496),
        ("VOILUTSequence", 1500, 1000),
        ("VOILUTSequence", 0, 3000),
        ("ModalityLUTSequence", 600, 3496),
    ],
)
def test_a_table_that_leaves_out_what_is_dark_or_bright_is_read_as_it_says(tmp_path, keyword, first, n):
    table = lut(np.linspace(0, 4095, n).astype(int), [n, first, 12])["VOILUTSequence"]
    image = shown(tmp_path, file(**{keyword: table}, **(WINDOW if keyword[0] == "M" else {})))
    assert close(image, np.clip((DRAWN.astype(float) - first) / (n - 1), 0, 1))


@pytest.mark.parametrize("shape", [(3, 3), (4, 9), (12, 5)])
def test_a_tiny_image_of_one_value_has_no_lines_about_it(shape):
    assert padding(np.full(shape, 7, np.uint16), file()) is None
