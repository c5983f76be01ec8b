"""JPEGs whose data are damaged, which decoders show all the same; and odd ones that are whole."""

import cv2
import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate, get_frame

from analysis.archive.dicom.dataset import Unreadable, read
from analysis.imaging.pixels import brightness, decode
from tests.archive.files import save
from tests.imaging.test_wrong_pixels import DRAWN, jpeg


def exchanged(start, given, length=None):
    """Put other bytes in the place of a JPEG's data, from a share of it on."""

    def change(code):
        begin = int(start * len(code))
        return code[:begin] + given + code[begin + (len(given) if length is None else length) :]

    return change


DAMAGES = {
    "zeros": exchanged(0.5, bytes(300)),
    "few zeros": exchanged(0.3, bytes(40)),
    "noise": exchanged(0.5, bytes([77, 13, 200, 91, 160, 34, 250, 7] * 8)),
    "lost": exchanged(0.4, b"", 500),
    "doubled": lambda code: code[: len(code) // 2] + code[len(code) // 2 - 400 :],
    "a mark": exchanged(0.5, b"\xff\xc4"),
    "the end": exchanged(0.5, b"\xff\xd9"),
}


@pytest.mark.parametrize("restart", [0, 4])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_jpeg_whose_data_are_damaged_is_refused(tmp_path, damage, restart, capfd):
    with pytest.raises(Unreadable) as caught:
        decode(read(jpeg(tmp_path, restart=restart, change=DAMAGES[damage])))
    assert caught.value.code in ("damaged", "truncated")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("at", np.linspace(0.2, 0.9, 8))
def test_the_marks_of_restarts_may_not_be_out_of_order(tmp_path, at):
    def change(code):
        place = code.index(b"\xff", int(at * len(code)))
        while not 0xD0 <= code[place + 1] <= 0xD7:
            place = code.index(b"\xff", place + 1)
        return code[: place + 1] + bytes([0xD0 + (code[place + 1] + 3) % 8]) + code[place + 2 :]

    decode(read(jpeg(tmp_path, restart=2)))
    with pytest.raises(Unreadable, match="damaged"):
        decode(read(jpeg(tmp_path, restart=2, change=change)))


@pytest.mark.parametrize("few", [1, 2, 3, 5, 8, 40])
def test_data_that_are_left_over_tell_of_blocks_that_got_lost(tmp_path, few):
    with pytest.raises(Unreadable, match="damaged"):
        decode(read(jpeg(tmp_path, change=lambda code: code[:-2] + b"\x5a" * few + code[-2:])))


@pytest.mark.parametrize("form", [{}, {"restart": 3}], ids=str)
@pytest.mark.parametrize(
    "change",
    [
        bytes,
        lambda code: code[:-2] + b"\xff\xff" + code[-2:],
        lambda code: code + code[-2:],
        lambda code: code + b"\1\2" + code[-2:],
        lambda code: code[:-2] + bytes(12) + code[-2:],  # more than the decoder passes over in silence
        lambda code: (
            code[: code.index(b"\xff\xda") + 8] + b"\1" + code[code.index(b"\xff\xda") + 9 :]
        ),  # another warning
    ],
    ids=["whole", "filled up", "two ends", "more after the end", "filled up with zeros", "a wrong limit of the scan"],
)
def test_a_jpeg_that_is_odd_and_whole_is_read(tmp_path, form, change, capfd):
    image = brightness(read(jpeg(tmp_path, change=change, **form)))
    assert np.corrcoef(image.ravel(), cv2.resize(DRAWN, (400, 480)).ravel())[0, 1] > 0.99
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_lossless_jpeg_whose_data_are_damaged_is_refused(tmp_path, damage):
    ds = pydicom.dcmread(get_testdata_file("JPGLosslessP14SV1_1s_1f_8b.dcm"))
    ds.PixelData = encapsulate([DAMAGES[damage](get_frame(ds.PixelData, 0, number_of_frames=1))])
    with pytest.raises(Unreadable) as caught:
        decode(read(save(ds, tmp_path / "a.dcm")))
    assert caught.value.code in ("damaged", "truncated", "decode")
