"""Pictures of which a part is missing, or whose bits lie between right and left."""

import numpy as np
import pytest
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import JPEG2000Lossless, RLELossless

from analysis.archive.dicom.dataset import Unreadable, read
from analysis.imaging.broken import filled_up
from analysis.imaging.pixels import decode
from tests.archive.files import radiograph, save
from tests.archive.test_cases import PIXELS
from tests.imaging.test_shifted import LEG, RNG, file
from tests.imaging.test_wrong_pixels import DRAWN, WINDOW, close, shown
from tests.imaging.test_wrong_pixels import file as drawn

ROWS, COLUMNS = LEG.shape


@pytest.mark.parametrize("value", [0, 4095])
@pytest.mark.parametrize(("first", "pixels"), [(30.4, 20.3), (150.2, 8.1), (0, 30.6), (200.4, 39.6)])
@pytest.mark.parametrize("syntax", [None, RLELossless])
def test_a_picture_that_lacks_a_part_is_refused(tmp_path, first, pixels, value, syntax):
    stored = LEG.copy()
    start = int(first * COLUMNS)
    stored.ravel()[start : start + int(pixels * COLUMNS)] = value
    ds = file(tmp_path, stored)
    if syntax:
        ds.compress(syntax, generate_instance_uid=False)
    with pytest.raises(Unreadable) as refused:
        decode(ds)
    assert refused.value.code == "truncated"


def test_what_is_black_within_a_picture_is_no_part_that_lacks():
    for black in (np.s_[100:140], np.s_[100:140, 20:180], np.s_[100:140, :150], np.s_[:40], np.s_[200:]):
        picture = LEG.copy()
        picture[black] = 0
        assert filled_up(picture) == 0
        assert filled_up(np.ascontiguousarray(picture.T)) == 0
    oblique = LEG.copy()
    for row in range(60):  # two exposures on one film, that below not straight
        oblique[100 + row // 4 : 140 + row // 2, 3 * row : 3 * row + 3] = 0
    assert filled_up(oblique) == 0


@pytest.mark.parametrize("value", [0, 4095])
@pytest.mark.parametrize(("first", "pixels"), [(120.4, 120), (170.6, 70), (90.4, 40.2), (0, 100.5)])
def test_a_picture_within_a_surround_that_lacks_a_part_is_refused(tmp_path, first, pixels, value):
    stored = np.full_like(LEG, value)
    stored[15:225, 20:180] = LEG[15:225, 20:180]
    assert np.array_equal(decode(file(tmp_path, stored)), stored)
    start = int(first * COLUMNS)
    stored.ravel()[start : start + int(pixels * COLUMNS)] = value
    with pytest.raises(Unreadable) as refused:
        decode(file(tmp_path, stored))
    assert refused.value.code == "truncated"


def test_a_surround_that_is_oblique_by_a_hair_is_no_part_that_lacks():
    for top, bottom in ((20, 220), (5, 210), (10, 130), (110, 230)):
        for half in (np.s_[:, :100], np.s_[:, 100:]):
            field = np.zeros(LEG.shape, bool)
            field[top:bottom, 20:180] = True
            other = np.roll(field, 1, axis=0)
            field[half] = other[half]
            for picture in (np.where(field, LEG, 0), np.where(field, LEG, 0)[:, ::-1], np.where(field, LEG, 0).T):
                assert filled_up(np.ascontiguousarray(picture)) == 0


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_jpeg_2000_that_is_filled_up_is_refused(tmp_path, share):
    ds = radiograph(RNG, LEG.shape, PixelData=LEG.tobytes())
    ds.compress(JPEG2000Lossless, generate_instance_uid=False)
    assert np.array_equal(decode(read(save(ds, tmp_path / "whole.dcm"))), LEG)
    (code,) = generate_frames(ds.PixelData, number_of_frames=1)
    there = int(share * len(code))
    ds.PixelData = encapsulate([code[:there] + bytes(len(code) - there)])
    with pytest.raises(Unreadable) as refused:
        decode(read(save(ds, tmp_path / "cut.dcm")))
    assert refused.value.code == "truncated"


@pytest.mark.parametrize("shift", [1, 2, 3])
@pytest.mark.parametrize("noise", [False, True])
def test_bits_between_right_and_left_are_moved_down(tmp_path, shift, noise):
    below = RNG.integers(0, 2**shift, DRAWN.shape) if noise else 0
    for above in {shift} if noise else {shift, 0}:
        tags = {"BitsStored": 12, "HighBit": 11 + above, **WINDOW}
        assert close(shown(tmp_path, drawn((DRAWN << shift) | below, **tags)), DRAWN / 4095)


@pytest.mark.parametrize("above", [0, 8])
def test_eight_bits_aligned_to_the_left_are_no_overlay(tmp_path, above):
    flat = decode(read(PIXELS / "P00_control.dcm")) // 16
    tags = {"BitsAllocated": 16, "BitsStored": 8, "HighBit": 7 + above, "PixelData": (flat << 8).tobytes()}
    assert np.array_equal(decode(read(save(radiograph(RNG, flat.shape, **tags), tmp_path / "a.dcm"))), flat)
