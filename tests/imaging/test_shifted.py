"""Native pixels of which some bytes got lost, or to which some came: from there on the picture lies further left or right."""

import cv2
import numpy as np
import pytest

from analysis.archive.dicom.dataset import Unreadable, read
from analysis.imaging.broken import shifted
from analysis.imaging.pixels import decode
from tests.archive.files import radiograph, save

RNG = np.random.default_rng(2)
Y, X = np.mgrid[:240, :200]
LEG = (900 + 2500 * np.exp(-(((X - 90 - 20 * np.sin(Y / 60)) / 45) ** 4)) + RNG.normal(0, 25, X.shape)).astype("<u2")


def file(path, stored, **tags):
    bits = 8 * stored.dtype.itemsize
    tags |= {
        "BitsAllocated": bits,
        "BitsStored": min(bits, 12),
        "HighBit": min(bits, 12) - 1,
        "PixelData": stored.tobytes(),
    }
    return read(save(radiograph(RNG, LEG.shape, **tags), path / "a.dcm"))


@pytest.mark.parametrize("pixels", [30, 77, 150, -30, -120])
@pytest.mark.parametrize("at", [0.15, 0.5, 0.85])
@pytest.mark.parametrize("dtype", ["u1", "<u2"])
def test_a_picture_that_goes_on_further_left_or_right_is_refused(tmp_path, pixels, at, dtype):
    whole = (LEG // (16 if dtype == "u1" else 1)).astype(dtype)
    assert np.array_equal(decode(file(tmp_path, whole)), whole)
    values, place = whole.ravel(), int(at * whole.size)
    if pixels > 0:
        torn = np.concatenate([values[:place], values[place + pixels :], np.zeros(pixels, dtype)])
    else:
        torn = np.concatenate([values[:place], np.zeros(-pixels, dtype), values[place:]])[: whole.size]
    with pytest.raises(Unreadable) as refused:
        decode(file(tmp_path, torn.reshape(whole.shape)))
    assert refused.value.code == "damaged"
    assert abs(int(refused.value.detail.split()[2]) - place // whole.shape[1] - 1) <= 2


def test_what_lies_across_a_picture_is_no_shift():
    collimated = LEG.copy()
    collimated[:40], collimated[200:], collimated[:, :20] = 0, 0, 0
    plate, oblique, striped = LEG.copy(), LEG.copy(), LEG.copy()
    plate[100:130, 30:150] = 4095
    cv2.line(oblique, (0, 60), (199, 90), [4095], 6)
    striped[::20] = 4095
    for picture in (collimated, plate, oblique, striped, LEG[::-1].copy(), LEG.T.copy(), np.roll(LEG, 3, axis=1)):
        assert shifted(picture) == 0
    assert shifted(LEG[:20]) == 0
