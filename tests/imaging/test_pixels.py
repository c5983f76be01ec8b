import warnings

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.pixels import apply_modality_lut, apply_voi_lut, apply_windowing

from analysis.archive.dicom.dataset import Unreadable, read, value
from analysis.imaging.pixels import brightness
from tests.archive.files import odd_files, radiograph


def with_pixels(pixels, **tags):
    signed = np.issubdtype(pixels.dtype, np.signedinteger)
    defaults = {
        "PixelData": pixels.tobytes(),
        "BitsAllocated": pixels.itemsize * 8,
        "BitsStored": pixels.itemsize * 8,
        "HighBit": pixels.itemsize * 8 - 1,
        "PixelRepresentation": int(signed),
    }
    return radiograph(np.random.default_rng(0), pixels.shape, **{**defaults, **tags})


def test_a_window_is_applied_as_the_standard_says():
    # PS3.3 C.11.2.1.2.1: centre 2048, width 4096 on 0..4095 is the identity onto 0..1.
    pixels = np.array([[0, 1024, 2048, 4095]], "<u2")
    shown = brightness(with_pixels(pixels, WindowCenter=2048, WindowWidth=4096))
    assert shown.tolist() == [[0, 64, 128, 255]]
    narrow = brightness(with_pixels(pixels, WindowCenter=1024.5, WindowWidth=1))
    assert narrow.tolist() == [[0, 0, 255, 255]]


def test_monochrome1_is_inverted_after_the_window_not_before():
    # A window on the upper half: inverting first would put the window on the other half of the values.
    pixels = np.array([[0, 100, 200, 255]], "<u1")
    shown = brightness(with_pixels(pixels, WindowCenter=192, WindowWidth=128, PhotometricInterpretation="MONOCHROME1"))
    assert shown.tolist() == [[255, 255, 110, 0]]


def test_the_window_counts_in_rescaled_units():
    pixels = np.array([[0, 500, 1000, 2000]], "<u2")
    shown = brightness(with_pixels(pixels, RescaleSlope=2, RescaleIntercept=-1000, WindowCenter=0.5, WindowWidth=2001))
    assert shown.tolist() == [[0, 128, 255, 255]]


def test_a_voi_lut_beats_a_window_and_its_first_value_may_be_negative():
    lut = pydicom.Dataset()
    lut.LUTDescriptor = [4, -2, 8]
    lut["LUTDescriptor"].VR = "SS"
    lut.LUTData = [0, 255, 0, 100]
    lut["LUTData"].VR = "US"
    pixels = np.array([[-3, -2, -1, 0, 1, 9]], "<i2")
    ds = with_pixels(pixels, VOILUTSequence=[lut], WindowCenter=0, WindowWidth=10)
    assert brightness(ds).tolist() == [[0, 0, 255, 0, 100, 100]]


@pytest.mark.parametrize("width", [0, -5, "x", [], float("nan")])
def test_without_a_usable_window_the_range_of_the_pixels_is_shown(width):
    pixels = np.linspace(300, 1300, 4000).astype("<u2").reshape(40, 100)
    ds = with_pixels(pixels)
    ds.add_new("WindowCenter", "DS", "700")
    if width != []:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ds._dict[pydicom.tag.Tag("WindowWidth")] = pydicom.DataElement("WindowWidth", "LO", str(width))
    shown = brightness(ds, percentiles=(0, 100))
    assert shown.min() == 0
    assert shown.max() == 255
    assert abs(float(shown.mean()) - 127.5) < 1


def test_a_window_that_shows_nothing_is_a_wrong_tag():
    pixels = np.linspace(0, 200, 400).astype("<u2").reshape(20, 20)
    shown = brightness(with_pixels(pixels, WindowCenter=30000, WindowWidth=100))
    assert shown.min() == 0
    assert shown.max() == 255


def test_signed_pixels_over_the_whole_range():
    pixels = np.array([[-32768, -1, 0, 32767]], "<i2")
    shown = brightness(with_pixels(pixels, WindowCenter=0, WindowWidth=65536))
    assert shown.tolist() == [[0, 127, 128, 255]]


def test_unused_high_bits_do_not_show():
    # An overlay in bit 12 of 12-bit pixels, as old CR systems stored it.
    clean = np.arange(4096, dtype="<u2").reshape(64, 64)
    dirty = clean | np.where(np.arange(4096).reshape(64, 64) % 7 == 0, 0x1000, 0).astype("<u2")
    tags = {"BitsStored": 12, "HighBit": 11, "WindowCenter": 2048, "WindowWidth": 4096}
    assert (brightness(with_pixels(dirty, **tags)) == brightness(with_pixels(clean, **tags))).all()


@pytest.mark.parametrize(
    ("pixels", "code"), [(np.full((9, 9), 7, "<u2"), "blank"), (np.zeros((2, 9, 9), "<u2"), "shape")]
)
def test_what_has_nothing_to_show_has_a_reason(pixels, code):
    ds = with_pixels(pixels.reshape(pixels.shape[-2:]) if pixels.ndim == 2 else pixels[0])
    if pixels.ndim == 3:
        ds.NumberOfFrames = 2
        ds.PixelData = pixels.tobytes()
    with pytest.raises(Unreadable) as found:
        brightness(ds)
    assert found.value.code == code


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(["<u1", "<u2", "<i2"]),
    st.floats(-3000, 70000),
    st.floats(1, 70000),
    st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]),
    st.booleans(),
    st.sampled_from([None, (1.0, 0.0), (2.5, -1000.0), (-1.0, 5.0)]),
)
def test_the_table_of_values_equals_pydicom_pixel_by_pixel(seed, dtype, centre, width, function, inverted, rescale):
    rng = np.random.default_rng(seed)
    info = np.iinfo(dtype)
    pixels = rng.integers(info.min, info.max, (8, 8), dtype=np.dtype(dtype).newbyteorder("="), endpoint=True)
    tags = {"WindowCenter": round(centre, 3), "WindowWidth": round(width, 3), "VOILUTFunction": function}
    if rescale:
        tags |= {"RescaleSlope": rescale[0], "RescaleIntercept": rescale[1]}
    ds = with_pixels(pixels.astype(dtype), **tags, PhotometricInterpretation=f"MONOCHROME{2 - inverted}")
    expected = reference(ds)
    if np.ptp(np.rint(255 * expected)) == 0:
        return  # nothing to see by this window; another test
    assert np.abs(brightness(ds) - 255 * expected).max() <= 0.5 + 1e-6


def reference(ds):
    """Brightness 0..1 by pydicom's own processing, its output range found by its own window function."""
    values = apply_modality_lut(ds.pixel_array, ds)
    if value(ds, "VOILUTSequence"):
        shown = apply_voi_lut(values, ds) / (2.0 ** ds.VOILUTSequence[0].LUTDescriptor[2] - 1)
    else:
        shown = apply_voi_lut(values, ds)
        low, high = apply_windowing(np.array([-1e12, 1e12]), ds)
        shown = (shown - low) / (high - low)
    return 1 - shown if ds.PhotometricInterpretation == "MONOCHROME1" else shown


def grey(path):
    try:
        ds = read(path)
    except Unreadable:
        return None
    one = (value(ds, "SamplesPerPixel") or 1) == 1 and (value(ds, "NumberOfFrames") or 1) == 1
    monochrome = str(value(ds, "PhotometricInterpretation") or "").startswith("MONOCHROME")
    return ds if one and monochrome and "PixelData" in ds and value(ds, "BitsAllocated") in (8, 16) else None


def test_real_odd_files_come_out_as_pydicom_shows_them():
    compared = set()
    for path in odd_files():
        ds = grey(path)
        if ds is None or len(ds.PixelData) > 3e6 or not (value(ds, "WindowWidth") or value(ds, "VOILUTSequence")):
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                expected = reference(ds)
            except Exception:
                continue
            shown = brightness(ds)
        if np.ptp(np.rint(255 * expected)):
            assert np.abs(shown - 255 * expected).max() <= 0.5 + 1e-6, path
            compared.add(str(ds.file_meta.TransferSyntaxUID))
    assert len(compared) >= 6  # native, big endian, RLE, JPEG-LS and both kinds of JPEG 2000 among them


def test_one_picture_is_the_same_in_every_lossless_transfer_syntax():
    for stem in ("RG1", "RG3"):
        found = [path for path in odd_files() if path.name in (f"{stem}_UNCR.dcm", f"{stem}_J2KR.dcm")]
        first, second = (brightness(read(path)) for path in found)
        assert (first == second).all()
