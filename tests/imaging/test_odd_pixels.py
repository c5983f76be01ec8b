"""Further ways in which headers and pixels of real archives are wrong, each beside the picture that was drawn."""

import zlib

import cv2
import numpy as np
import pytest
from pydicom.dataelem import RawDataElement
from pydicom.encaps import get_frame
from pydicom.tag import Tag
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless, RLELossless

from analysis.archive.dicom.codestream import ITEM
from analysis.archive.dicom.dataset import Unreadable, read
from analysis.archive.inspect import inspect
from analysis.archive.settings import IngestSettings
from analysis.imaging.broken import filled_up
from analysis.imaging.image import prepare_file
from analysis.imaging.pixels import brightness, decode
from analysis.imaging.plausible import implausible
from analysis.imaging.settings import ImagesSettings
from tests.archive.files import radiograph, save
from tests.imaging.test_wrong_pixels import (
    ALL,
    COLUMNS,
    DRAWN,
    FALLING,
    RAMP,
    RNG,
    ROWS,
    SHUTTERS,
    WINDOW,
    close,
    file,
    jpeg,
    lut,
    shown,
)

INSIDE = np.zeros(DRAWN.shape, bool)
INSIDE[30:90, 20:80] = True


def prepared(tmp_path, ds):
    return prepare_file(save(ds, tmp_path / "a.dcm"), ImagesSettings())


def same(tmp_path, ds, other, tolerance=2.0):
    one, two = (prepared(tmp_path, each)[0].astype(int) for each in (ds, other))
    return np.abs(one - two).mean() < tolerance


def raw(ds, keyword, vr, data):
    """Write an element as no program should."""
    tag = Tag(keyword)
    ds._dict[tag] = RawDataElement(tag, vr, len(data), data, 0, False, True)
    return ds


def code_of(tmp_path, name="a.dcm"):
    return inspect(tmp_path, name, IngestSettings())["code"]


OTHERS = {
    "8 bits": {"WindowCenter": "128", "WindowWidth": "256"},
    "10 bits": {"WindowCenter": "512", "WindowWidth": "1024"},
    "14 bits": {"WindowCenter": "8192", "WindowWidth": "16384"},
    "table of 8 bits": lut(np.arange(256), [256, 0, 8]),
    "table of 15 bits": lut(np.arange(32768) // 8, [32768, 0, 12]),
}


@pytest.mark.parametrize("voi", OTHERS.values(), ids=OTHERS)
def test_a_window_for_values_of_another_size_is_none(tmp_path, voi):
    drawn = np.clip(DRAWN + 300, 0, 4095)
    assert same(tmp_path, file(drawn, **voi), file(drawn))
    assert prepared(tmp_path, file(drawn, **voi))[2] == "window"
    assert prepared(tmp_path, file(drawn, **WINDOW))[2] == ""


@pytest.mark.parametrize("entries", [RNG.permutation(RAMP), np.where(RAMP > 3000, 0, RAMP)], ids=["noise", "cut"])
@pytest.mark.parametrize("sequence", ["VOILUTSequence", "ModalityLUTSequence"])
def test_a_table_that_is_noise_or_ends_in_zeros_is_none(tmp_path, sequence, entries):
    table = {sequence: lut(entries, [4096, 0, 12])["VOILUTSequence"]}
    assert close(shown(tmp_path, file(**table, **WINDOW)))


@pytest.mark.parametrize("ends", [[0], [4095], [0, 1, 2, 3, 4095]], ids=len)
def test_a_table_may_make_padding_black_at_its_ends(tmp_path, ends):
    drawn = np.where(INSIDE, FALLING, ends[-1]).astype(np.uint16)
    entries = 4095 - RAMP if ends[0] == 0 else RAMP.copy()
    entries[ends] = 0
    given = shown(tmp_path, file(drawn, **lut(entries, [4096, 0, 12])))
    assert np.abs(given - entries[drawn] * 255 / 4095)[INSIDE].max() <= 1
    assert not given[~INSIDE].any()


def words(bits):
    """The picture's pixels in words of so many bits."""
    return (DRAWN >> 4).astype("u1") if bits == 8 else DRAWN.astype(f"<u{bits // 8}")


@pytest.mark.parametrize(("said", "true"), [(8, 16), (16, 8), (16, 32)])
def test_the_length_of_the_data_says_how_many_bits_a_pixel_takes(tmp_path, said, true):
    ds = file(BitsAllocated=said, BitsStored=min(said, 12), HighBit=min(said, 12) - 1)
    ds.PixelData = words(true).tobytes()
    assert same(tmp_path, ds, file())


@pytest.mark.parametrize("less", [2, 5, 20])
def test_columns_are_as_many_as_there_are_data_for(tmp_path, less):
    ds = file(Columns=COLUMNS - less, **WINDOW)
    save(ds, tmp_path / "a.dcm")
    record = inspect(tmp_path, "a.dcm", IngestSettings())
    assert (record["columns"], record["noted"]) == (COLUMNS, "corrected_header")
    assert close(shown(tmp_path, ds))


@pytest.mark.parametrize("more", [2, 7, 2 * ROWS, 4 * COLUMNS])
def test_bytes_after_the_pixels_are_none_of_them(tmp_path, more):
    ds = file(**WINDOW)
    save(ds, tmp_path / "b.dcm")
    ds.PixelData += bytes(RNG.integers(0, 255, more, dtype=np.uint8))
    np.testing.assert_array_equal(decode(read(save(ds, tmp_path / "a.dcm"))), DRAWN)
    first, second = (inspect(tmp_path, name, IngestSettings())["pixel_hash"] for name in ("a.dcm", "b.dcm"))
    assert first == second  # so that one is a copy of the other


@pytest.mark.parametrize("filler", [b"\0", b"\xff"], ids=["zeros", "ones"])
@pytest.mark.parametrize("more", [1, 2, 4, 8, COLUMNS])
def test_bytes_that_fill_whole_columns_are_none_of_them(tmp_path, more, filler):
    for size in range(100, 300, 20):
        pixels = cv2.resize(DRAWN, (size, size + 30))
        ds = file(pixels, Rows=size + 30, Columns=size, **WINDOW)
        ds.PixelData += filler * (2 * len(pixels) * more)
        np.testing.assert_array_equal(decode(read(save(ds, tmp_path / "a.dcm"))), pixels)


ODD = {
    "more bits than there are": {"BitsStored": 17, "HighBit": 16},
    "no frame": {"NumberOfFrames": -1},
    "a blank": {"PhotometricInterpretation": "MONOCHROME 2"},
    "small letters": {"PhotometricInterpretation": "monochrome2", "SamplesPerPixel": None},
}


@pytest.mark.parametrize("tags", ODD.values(), ids=ODD)
def test_a_header_that_is_only_odd_is_read(tmp_path, tags):
    assert close(shown(tmp_path, file(**WINDOW, **tags)))
    assert code_of(tmp_path) is None


def test_the_first_of_several_numbers_counts(tmp_path):
    twice = np.array([ROWS, ROWS], "<u2").tobytes()
    assert close(shown(tmp_path, raw(file(**WINDOW), "Rows", "US", twice)))


@pytest.mark.parametrize("pixels", [DRAWN / 4095, DRAWN - 2000.0], ids=["shares", "signed"])
def test_fractions_that_are_said_to_be_whole_numbers_are_refused(tmp_path, pixels):
    ds = file(BitsAllocated=32, BitsStored=32, HighBit=31)
    ds.PixelData = pixels.astype("<f4").tobytes()
    with pytest.raises(Unreadable) as caught:
        prepared(tmp_path, ds)
    assert (caught.value.code, caught.value.detail) == ("float_pixels", "PixelData")


@pytest.mark.parametrize("filler", [b"\0", b"\xff"], ids=["zeros", "ones"])
@pytest.mark.parametrize("share", [0.2, 0.507, 0.953])
@pytest.mark.parametrize("scale", ["MONOCHROME1", "MONOCHROME2"])
def test_a_picture_that_is_filled_up_from_where_a_copy_broke_off_is_refused(tmp_path, scale, share, filler):
    data = save(file(PhotometricInterpretation=scale, **WINDOW), tmp_path / "a.dcm").read_bytes()
    whole = int(share * len(data)) // 2 * 2
    (tmp_path / "a.dcm").write_bytes(data[:whole] + filler * (len(data) - whole))
    with pytest.raises(Unreadable) as caught:
        prepare_file(tmp_path / "a.dcm", ImagesSettings())
    assert caught.value.code == "truncated"


def test_black_below_a_picture_is_not_filled_up():
    assert not filled_up(DRAWN)
    for angle in (0, 0.5, 1, 3, 20, 45, -1, -30):
        big = cv2.resize(DRAWN, (1000, 1200)) + np.uint16(1)
        turn = cv2.getRotationMatrix2D((500, 600), angle, 0.8)
        field = cv2.warpAffine(np.ones(big.shape, np.uint8), turn, (1000, 1200), flags=cv2.INTER_NEAREST)
        assert not filled_up(np.where(field, big, 0))
    assert not filled_up(np.where(np.arange(ROWS)[:, None] < 90, DRAWN, 0))
    # Below by one row at the right, as corners in whole numbers make it.
    big[:50] = 0
    big[1100, 500:] = big[1101:] = 0
    assert not filled_up(big)


def test_rows_of_another_length_are_no_radiograph(tmp_path):
    # Air is black, as below a letter above a knee that is bent.
    for air in (0, 40):
        black = np.where((np.arange(ROWS)[:, None] - 50) % ROWS < air, 0, DRAWN)
        assert not implausible(prepared(tmp_path, file(black, **WINDOW))[0])
    sheared = np.array([np.roll(row, 37 * n) for n, row in enumerate(DRAWN)])
    with pytest.raises(Unreadable, match="noise"):
        prepared(tmp_path, file(sheared, **WINDOW))


def compressed(tmp_path, syntax):
    if syntax == "JPEG":
        return read(jpeg(tmp_path))
    ds = file(**WINDOW)
    ds.compress(syntax)
    return read(save(ds, tmp_path / "b.dcm"))


@pytest.mark.parametrize("syntax", ["JPEG", JPEG2000Lossless, JPEGLSLossless, RLELossless])
@pytest.mark.parametrize("form", ["without offsets", "without items"])
def test_compressed_pixels_may_lack_their_container(tmp_path, syntax, form):
    ds = compressed(tmp_path, syntax)
    expected, code = decode(ds), get_frame(ds.PixelData, 0, number_of_frames=1)
    code += b"\0" * (len(code) % 2)
    ds = compressed(tmp_path, syntax)
    ds["PixelData"].value = code if form == "without items" else ITEM + len(code).to_bytes(4, "little") + code
    np.testing.assert_array_equal(decode(ds), expected)


def test_what_follows_a_jpegs_end_may_be_anything(tmp_path):
    whole = brightness(read(jpeg(tmp_path)))
    np.testing.assert_array_equal(brightness(read(jpeg(tmp_path, end=b"\xde\xad\xbe\xef" * 20))), whole)


def test_a_file_that_is_deflated_and_does_not_say_so_is_read_and_a_cut_one_is_told(tmp_path):
    data = save(file(**WINDOW), tmp_path / "a.dcm").read_bytes()
    start = 144 + int.from_bytes(data[140:144], "little")
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    body = packer.compress(data[start:]) + packer.flush()
    (tmp_path / "a.dcm").write_bytes(data[:start] + body)
    assert code_of(tmp_path) is None
    assert close(brightness(read(tmp_path / "a.dcm")))
    ds = file(**WINDOW)
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    data = save(ds, tmp_path / "a.dcm").read_bytes()
    assert code_of(tmp_path) is None
    (tmp_path / "a.dcm").write_bytes(data[: len(data) // 2])
    assert code_of(tmp_path) == "broken"


NOISE = RNG.integers(-3, 4, DRAWN.shape)
PADDED = {
    "lossy": (np.clip(60000 + NOISE, 0, 65535), {"PixelPaddingValue": 60000, "LossyImageCompression": "01"}),
    "lossy, black": (np.clip(NOISE, 0, 3), {"PixelPaddingValue": 0, "LossyImageCompression": "01",
                                            "PhotometricInterpretation": "MONOCHROME1"}),
    "the whole range": (65535, {"PixelPaddingValue": 0, "PixelPaddingRangeLimit": 65535}),
}  # fmt: skip


@pytest.mark.parametrize(("padding", "tags"), PADDED.values(), ids=PADDED)
def test_padding_may_be_smeared_or_be_told_too_widely(tmp_path, padding, tags):
    inside = np.clip(DRAWN, 100, 4095)
    assert not shown(tmp_path, file(np.where(INSIDE, inside, padding), **ALL, **tags))[~INSIDE].any()


def test_smeared_padding_is_found_where_values_take_the_whole_range_of_their_signed_type(tmp_path):
    ds = file(**ALL, PixelRepresentation=1, PixelPaddingValue=32767, LossyImageCompression="01")
    stored = np.where(INSIDE, DRAWN.astype(int) * 15 - 32000, 32767 - np.abs(NOISE)).astype("<i2")
    ds.PixelData = stored.tobytes()
    image = shown(tmp_path, ds)
    assert not image[~INSIDE].any()
    assert np.corrcoef(image[INSIDE], DRAWN[INSIDE])[0, 1] > 0.99


@pytest.mark.parametrize(
    "tags", [{"ShutterShape": "RECTANGULAR", **SHUTTERS["RECTANGULAR"]}, {}], ids=["shutter", "padding"]
)
def test_what_is_hidden_of_32_bits_is_black(tmp_path, tags):
    ds = file(BitsAllocated=32, BitsStored=32, HighBit=31, **tags)
    ds.PixelData = np.where(INSIDE, DRAWN.astype("<u4") * 100_000, 2**32 - 1).astype("<u4").tobytes()
    image = shown(tmp_path, ds)
    assert not image[~INSIDE].any()
    assert np.corrcoef(image[INSIDE], DRAWN[INSIDE])[0, 1] > 0.99


SPELLED = {
    "another word": b"RECTANGLE",
    "a comma": b"RECTANGULAR,CIRCULAR",
    "small": b"rectangular ",
    "nothing": b"",
}


@pytest.mark.parametrize("name", SPELLED.values(), ids=SPELLED)
def test_a_shutters_shape_may_be_spelled_otherwise(tmp_path, name):
    ds = file(np.where(INSIDE, DRAWN, 4095), **SHUTTERS["RECTANGULAR"], **WINDOW)
    image = shown(tmp_path, raw(ds, "ShutterShape", "CS", name))
    assert not image[~INSIDE].any() and image[INSIDE].mean() > 50


def test_the_numbers_of_a_shutter_may_be_fractions(tmp_path):
    ds = file(np.where(INSIDE, DRAWN, 4095), ShutterShape="RECTANGULAR", **SHUTTERS["RECTANGULAR"], **WINDOW)
    raw(ds, "ShutterLeftVerticalEdge", "IS", b"20.6")
    assert not shown(tmp_path, ds)[~INSIDE].any()


def test_what_hides_all_but_one_grey_is_left_aside(tmp_path):
    ds = file(np.where(INSIDE, DRAWN, 4095), PixelPaddingValue=0, PixelPaddingRangeLimit=4094, **WINDOW)
    assert shown(tmp_path, ds)[INSIDE].mean() > 50


@pytest.mark.parametrize("scale", ["MONOCHROME1", "MONOCHROME2"])
def test_a_white_border_is_cropped_as_a_black_one(tmp_path, scale):
    drawn, white = (FALLING, 0) if scale == "MONOCHROME1" else (DRAWN, 4095)
    ds = file(np.where(INSIDE, drawn, white), PhotometricInterpretation=scale, **WINDOW)
    alone = radiograph(RNG, (60, 60), PixelData=drawn[30:90, 20:80].astype("<u2").tobytes(),
                       PhotometricInterpretation=scale, **WINDOW)  # fmt: skip
    assert same(tmp_path, ds, alone)
