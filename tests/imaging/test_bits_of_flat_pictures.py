"""Headers that are wrong about bits and sign, where a picture is of a few flat greys, whose edges tell nothing: its window does."""

import cv2
import numpy as np
import pytest
from pydicom.dataset import Dataset

from analysis.archive.dicom.corrections import corrections
from analysis.archive.dicom.dataset import read
from analysis.archive.inspect import inspect
from analysis.archive.settings import IngestSettings
from analysis.imaging.pixels import brightness
from tests.archive.files import radiograph, save

RNG = np.random.default_rng(5)
#: A leg between air: soft tissue about bone, 0 to 4095, each of one grey with a little grain.
LEG = np.repeat([20, 1350, 2900, 1350, 20], (30, 30, 60, 30, 30))[None] + RNG.integers(0, 30, (200, 180))
WINDOW = {"WindowCenter": "2048", "WindowWidth": "4096"}
ABOUT_0 = {"WindowCenter": "0", "WindowWidth": "4096"}
OF_16 = {"WindowCenter": "32768", "WindowWidth": "65536"}


def seen(path, pixels, dtype, **tags):
    bits = 8 * np.dtype(dtype).itemsize
    tags = {"BitsAllocated": bits, "PixelData": pixels.astype(dtype).tobytes()} | tags
    dataset = read(save(radiograph(RNG, pixels.shape, **tags), path / "a.dcm"))
    return brightness(dataset), corrections(dataset)


@pytest.mark.parametrize(
    ("pixels", "dtype", "tags", "noted"),
    [
        (LEG, "<u2", {"BitsStored": 11, "HighBit": 10} | WINDOW, "bits"),
        (LEG - 2048, "<i2", {"BitsStored": 10, "HighBit": 9, "PixelRepresentation": 1} | ABOUT_0, "bits"),
        (LEG * 8, "<u2", {"BitsStored": 14, "HighBit": 13, "WindowCenter": "16384", "WindowWidth": "32768"}, "bits"),
        (LEG * 16, "<u2", {"BitsStored": 16, "HighBit": 15, "PixelRepresentation": 1} | OF_16, "sign"),
        (LEG & 4095, "<u2", {"PixelRepresentation": 1} | WINDOW, None),
        ((LEG - 2048) & 65535, "<u2", {"BitsStored": 16, "HighBit": 15, "WindowCenter": "0", "WindowWidth": "4096"}, None),
        (LEG // 16 - 128, "i1", {"BitsStored": 8, "HighBit": 7, "PixelRepresentation": 1, "WindowCenter": "0", "WindowWidth": "256"}, ""),
    ],
    ids=["a bit less", "two bits less", "as if aligned", "said to be signed", "signed by 12 bits", "not signed", "signed bytes"],
)  # fmt: skip
def test_the_window_tells_the_bits_and_the_sign(tmp_path, pixels, dtype, tags, noted):
    image, corrected = seen(tmp_path, pixels, dtype, **tags)
    assert np.abs(image / 255 - LEG / 4095).max() < 0.008
    assert noted is None or corrected == ([noted] if noted else [])


def test_letters_above_the_bits_are_no_image_whatever_the_window_says(tmp_path):
    letters = np.zeros(LEG.shape, np.uint8)
    cv2.putText(letters, "NAME", (10, 40), cv2.FONT_HERSHEY_SIMPLEX, 1, [1], 2)
    window = {"WindowCenter": "4096", "WindowWidth": "8192"}
    image, _ = seen(tmp_path, LEG | letters.astype(int) << 12, "<u2", **window)
    assert np.array_equal(image, seen(tmp_path, LEG, "<u2", **window)[0])


def test_padding_beyond_the_bits_that_no_tag_tells_of_is_black(tmp_path):
    padded = np.pad(LEG, 20, constant_values=65535)
    image, noted = seen(tmp_path, padded, "<u2", **WINDOW)
    assert noted == ["padding"] and not image[:20].any() and not image[:, -20:].any()
    assert np.abs(image[20:-20, 20:-20] / 255 - LEG / 4095).max() < 0.008


def test_a_broken_modality_table_gives_way_to_the_slope_beside_it(tmp_path):
    table = Dataset()
    table.LUTDescriptor = [4096, 0, 12]
    table.add_new("LUTData", "US", [7] * 4096)
    slope = {"RescaleSlope": "-1", "RescaleIntercept": "4095"}
    image, noted = seen(tmp_path, 4095 - LEG, "<u2", ModalityLUTSequence=[table], **slope, **WINDOW)
    assert noted == ["modality"] and np.abs(image / 255 - LEG / 4095).max() < 0.008


def test_a_file_may_begin_with_its_mark(tmp_path):
    path = save(radiograph(RNG), tmp_path / "a.dcm")
    path.write_bytes(path.read_bytes()[128:])
    assert inspect(tmp_path, "a.dcm", IngestSettings())["code"] is None
