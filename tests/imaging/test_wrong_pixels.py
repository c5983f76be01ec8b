"""Pictures that came out wrong and counted as good: each file made after a public report, beside what was drawn."""

import cv2
import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import (
    JPEG2000,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from analysis.archive.dicom.codestream import ITEM
from analysis.archive.dicom.dataset import Unreadable, read
from analysis.archive.dicom.pixel_data import stored_pixels
from analysis.archive.inspect import inspect
from analysis.archive.settings import IngestSettings
from analysis.imaging.image import prepare_file
from analysis.imaging.pixels import brightness, decode, pixel_aspect
from analysis.imaging.plausible import implausible
from analysis.imaging.settings import ImagesSettings
from tests.archive.files import radiograph, save

RNG = np.random.default_rng(11)
ROWS, COLUMNS = 120, 100
#: What is drawn, 0 to 4095: a leg with a smooth edge, bright bone and grain.
Y, X = np.mgrid[:ROWS, :COLUMNS]
LEG = np.exp(-(((X - 50) / 28) ** 4)) * (0.5 + 0.3 * np.sin(Y / 9) ** 2)
DRAWN = np.clip(np.rint(4095 * (LEG + 0.1) + RNG.normal(0, 20, LEG.shape)), 0, 4095).astype(np.uint16)
WINDOW = {"WindowCenter": "2048", "WindowWidth": "4096"}


def file(pixels=DRAWN, **tags):
    dtype = "<i2" if tags.get("PixelRepresentation") else "<u2"
    return radiograph(RNG, (ROWS, COLUMNS), PixelData=np.asarray(pixels).astype(dtype).tobytes(), **tags)


def shown(tmp_path, ds):
    return brightness(read(save(ds, tmp_path / "a.dcm"))).astype(float)


def close(image, drawn=DRAWN / 4095, tolerance=2.0):
    return np.abs(image - 255 * drawn).mean() < tolerance


def lut(entries, descriptor, vr="OW"):
    item = Dataset()
    item.LUTDescriptor = descriptor
    if vr == "OW":
        item.add_new("LUTData", "OW", entries if isinstance(entries, bytes) else np.asarray(entries, "<u2").tobytes())
    else:
        item.add_new("LUTData", "US", [int(one) for one in entries])
    return {"VOILUTSequence": Sequence([item])}


RAMP = np.arange(4096)


@pytest.mark.parametrize(
    "tags",
    [
        lut(RAMP, [4096, 0, 12]),
        lut(RAMP, [4096, 0, 16]),  # claims 16 bits and reaches 4095
        lut(RAMP * 16, [4096, 0, 16]),
        lut(RAMP // 16, [4096, 0, 8]),  # 8-bit entries in 16-bit words
        lut(RAMP // 16, [4096, 0, 8], "US"),
        lut(RAMP // 16, [4096, 0, 16]),
        lut((RAMP // 16).astype(np.uint8).tobytes(), [4096, 0, 8]),  # two to a word
        lut(np.frombuffer((RAMP // 16).astype(np.uint8).tobytes(), "<u2"), [4096, 0, 8], "US"),
        lut(RAMP, [4096, 0, 8]),  # claims 8 bits and reaches 4095
        lut(RAMP[400:3700], [3300, 400, 16]),  # as long as the image's values need, from another first one
        lut(RAMP, [4096, 0, 10]),
        lut(RAMP, [4096, 0, 0]),
    ],
    ids=range(12),
)
def test_a_lut_is_read_by_the_bits_that_its_entries_use(tmp_path, tags):
    assert close(shown(tmp_path, file(**tags)))


@pytest.mark.parametrize("entries", [np.full(4096, 7), RAMP[:100]], ids=["constant", "cut"])
def test_a_lut_that_says_nothing_is_none(tmp_path, entries):
    assert close(shown(tmp_path, file(**lut(entries, [4096, 0, 12]), **WINDOW)))


@pytest.mark.parametrize(
    ("pixels", "tags"),
    [
        (DRAWN, {}),
        (DRAWN << 4, {"HighBit": 15}),  # aligned to the left
        (DRAWN << 4, {"HighBit": 11}),  # the same, and the high bit says nothing of it
        (DRAWN, {"HighBit": 15}),  # aligned to the right, and the high bit is wrong
        (DRAWN | 0xF000, {}),  # unused bits are set
        ((DRAWN.astype(int) - 2048) << 4, {"HighBit": 15, "PixelRepresentation": 1, "WindowCenter": "0"}),
        (np.where((X // 5) % 5 == 0, DRAWN | 0x8000, DRAWN), {}),  # an overlay in the high bits
    ],
    ids=["control", "left", "left_untold", "right", "set", "signed", "overlay"],
)
def test_the_bits_that_hold_the_image_are_found(tmp_path, pixels, tags):
    assert close(shown(tmp_path, file(pixels, **(WINDOW | tags))))


def test_an_overlay_in_the_high_bits_of_a_compressed_file_is_not_drawn(tmp_path):
    words = np.zeros(DRAWN.shape, np.uint8)
    cv2.putText(words, "DOE JANE", (4, 60), cv2.FONT_HERSHEY_SIMPLEX, 0.55, 1, 1)
    ds = file(DRAWN | (words.astype(np.uint16) << 15), BitsStored=16, HighBit=15, **WINDOW)
    ds.compress(JPEG2000Lossless)
    ds.BitsStored, ds.HighBit = 12, 11
    image = shown(tmp_path, ds)
    assert close(image)
    there = words.astype(bool)
    assert abs(image[there].mean() - 255 * DRAWN[there].mean() / 4095) < 3


WORDS = np.zeros(DRAWN.shape, np.uint8)
cv2.putText(WORDS, "DOE JANE", (4, 60), cv2.FONT_HERSHEY_SIMPLEX, 0.55, 1, 1)
WORDS[20:30] = 1  # and a bar across
SIGNED = DRAWN.astype(int) - 2048
ALL = {"BitsStored": 16, "HighBit": 15}


@pytest.mark.parametrize("bits", [[12], [13], [14], [15], [12, 15], [12, 13, 14, 15]], ids=str)
@pytest.mark.parametrize("tags", [{"BitsStored": 16, "HighBit": 15}, {"BitsStored": 14, "HighBit": 13}, {"HighBit": 15},
                                  {"BitsStored": 16, "HighBit": 15, "PixelRepresentation": 1}], ids=str)  # fmt: skip
def test_words_in_bits_that_the_header_takes_for_the_image_are_not_drawn(tmp_path, bits, tags):
    plane = WORDS.astype(np.uint16) * np.uint16(sum(1 << bit for bit in bits))
    for drawn in (DRAWN, np.where(DRAWN < 600, 0, DRAWN)):
        read_back = decode(read(save(file(drawn | plane, **tags), tmp_path / "a.dcm")))
        np.testing.assert_array_equal(read_back, drawn)


@pytest.mark.parametrize("bit", [12, 16, 31])
@pytest.mark.parametrize("stored", [12, 32])
def test_words_in_the_high_bits_of_32_are_not_drawn(tmp_path, bit, stored):
    ds = file(BitsAllocated=32, BitsStored=stored, HighBit=stored - 1)
    ds.PixelData = (DRAWN.astype("<u4") | WORDS.astype("<u4") << bit).tobytes()
    np.testing.assert_array_equal(decode(read(save(ds, tmp_path / "a.dcm"))), DRAWN)


@pytest.mark.parametrize("tags", [{"PixelPaddingValue": 65535}, {}], ids=str)
def test_words_in_the_high_bits_are_not_drawn_beside_padding(tmp_path, tags):
    plane = WORDS.astype(np.uint16) << 14
    pixels = np.where(X < 15, 65535, DRAWN | plane)
    image = shown(tmp_path, file(pixels, **ALL, **tags))
    alone = shown(tmp_path, file(np.where(X < 15, 65535, DRAWN), **ALL, **tags))
    np.testing.assert_array_equal(image, alone)
    assert not image[:, :15].any()


def test_words_in_a_bit_that_an_overlay_claims_are_not_drawn_where_the_picture_is_all_edges(tmp_path):
    drawn = np.where((X // 3 + Y // 3) % 2, 3900, 100)
    for tags in ({}, {"BitsStored": 16, "HighBit": 15}):
        ds = file(drawn | WORDS.astype(int) << 12, **tags)
        ds.add_new((0x6002, 0x0100), "US", 16)
        ds.add_new((0x6002, 0x0102), "US", 12)
        np.testing.assert_array_equal(decode(read(save(ds, tmp_path / "a.dcm"))), drawn)


@pytest.mark.parametrize(
    ("pixels", "true", "tags"),
    [
        (SIGNED, SIGNED, ALL),  # said to be unsigned
        (SIGNED, SIGNED, {}),
        (SIGNED & 0xFFF, SIGNED, {}),  # in 12 bits, with the sign in the last
        (SIGNED & 0xFFF, SIGNED, ALL),
        (DRAWN * 16, DRAWN * 16, ALL | {"PixelRepresentation": 1}),  # said to be signed
        (np.where(DRAWN > 2047, DRAWN - 4096.0, DRAWN), DRAWN, ALL | {"PixelRepresentation": 1}),
        (DRAWN, DRAWN, {"PixelRepresentation": 1}),
        (SIGNED, SIGNED, ALL | {"PixelRepresentation": 1}),  # as they are said to be
        (DRAWN * 16, DRAWN * 16, ALL),
    ],
)
def test_the_sign_is_what_brings_neighbours_together(tmp_path, pixels, true, tags):
    ds = file(pixels, **tags)
    ds.PixelData = np.asarray(pixels).astype(np.int64).astype("<u2").tobytes()
    np.testing.assert_array_equal(decode(read(save(ds, tmp_path / "a.dcm"))), true)
    if "BitsStored" in tags:
        ds.compress(JPEG2000Lossless)
        np.testing.assert_array_equal(decode(read(save(ds, tmp_path / "a.dcm"))), true)


def test_white_letters_and_metal_are_neither_signs_nor_overlays(tmp_path):
    for white in (4095, 65535, 40000):
        pixels = np.where(WORDS, white, DRAWN)
        np.testing.assert_array_equal(decode(read(save(file(pixels, **ALL), tmp_path / "a.dcm"))), pixels)
    pixels = np.where((Y // 10) % 3, DRAWN * 8, RNG.integers(60000, 65535, DRAWN.shape))
    np.testing.assert_array_equal(decode(read(save(file(pixels, **ALL), tmp_path / "a.dcm"))), pixels)


def test_more_bits_than_the_header_says_are_kept_where_cutting_them_makes_noise(tmp_path):
    image = shown(tmp_path, file(BitsStored=10, HighBit=9, **WINDOW))
    assert close(image)


@pytest.mark.parametrize("slope", ["0", "0.0", "-0"])
@pytest.mark.parametrize("window", [{}, WINDOW], ids=["stretched", "window"])
def test_a_slope_of_zero_is_none(tmp_path, slope, window):
    image = shown(tmp_path, file(RescaleSlope=slope, RescaleIntercept="0", **window))
    assert np.corrcoef(image.ravel(), DRAWN.ravel())[0, 1] > 0.99


MODALITY = {
    "none": {},
    "identity": {"RescaleSlope": "1", "RescaleIntercept": "0"},
    "slope": {"RescaleSlope": "0.5", "RescaleIntercept": "-100"},
}
IDENTITY = np.arange(65536).astype("<u2").tobytes()
ABSURD = {
    **{f"width {width}": {"WindowCenter": "2048", "WindowWidth": width} for width in ("1e9", "0", "-5", "1", "99999")},
    **{f"centre {centre}": {"WindowCenter": centre, "WindowWidth": "10"} for centre in ("-1e9", "1e9", "9999", "350")},
    "exact": {"WindowCenter": "2048", "WindowWidth": "1e9", "VOILUTFunction": "LINEAR_EXACT"},
    "sigmoid": {"WindowCenter": "2048", "WindowWidth": "1e9", "VOILUTFunction": "SIGMOID"},
    "identity of 16 bits": lut(IDENTITY, [0, 0, 16]),
    "nothing in it": {"VOILUTSequence": Sequence([Dataset()])},
    "begins beyond": lut(RAMP, [4096, 50000, 12]),
    "constant": lut(np.full(4096, 7), [4096, 0, 12]),
    "two steps": lut(np.where(RAMP > 2000, 4095, 0), [4096, 0, 12]),
}


@pytest.mark.parametrize("modality", MODALITY)
@pytest.mark.parametrize("voi", ABSURD)
def test_a_window_that_leaves_nothing_to_see_is_none(tmp_path, modality, voi):
    given = prepare_file(save(file(**ABSURD[voi], **MODALITY[modality]), tmp_path / "a.dcm"), ImagesSettings())[0]
    assert not implausible(given)
    plain = prepare_file(save(file(), tmp_path / "a.dcm"), ImagesSettings())[0].astype(int)
    assert np.corrcoef(given.ravel(), plain.ravel())[0, 1] > 0.9
    assert np.percentile(given, 98) - np.percentile(given[given > 0], 2) > 100


def test_a_window_of_two_values_makes_no_silhouette(tmp_path):
    plain = prepare_file(save(file(), tmp_path / "a.dcm"), ImagesSettings())[0].astype(int)
    big = cv2.resize(DRAWN, (500, 600), interpolation=cv2.INTER_LINEAR)
    for centre in ("2048", "900"):
        window = {"WindowCenter": [centre, "2048"], "WindowWidth": ["1", "4096"]}
        ds = radiograph(RNG, big.shape, PixelData=big.tobytes(), **window)
        given, _, noted = prepare_file(save(ds, tmp_path / "a.dcm"), ImagesSettings())
        assert noted == "window" and np.corrcoef(given.ravel(), plain.ravel())[0, 1] > 0.98


BROKEN = {
    "an entry too few": RAMP[:4095] * 16,
    "noise": RNG.permutation(RAMP),
    "dark but for its end": np.where(RAMP == 4095, 65535, RAMP),
}


@pytest.mark.parametrize("entries", BROKEN.values(), ids=BROKEN)
def test_a_table_that_is_no_curve_is_none(tmp_path, entries):
    plain = prepare_file(save(file(), tmp_path / "a.dcm"), ImagesSettings())[0].astype(int)
    given = prepare_file(save(file(**lut(entries, [4096, 0, 16])), tmp_path / "a.dcm"), ImagesSettings())[0]
    assert np.corrcoef(given.ravel(), plain.ravel())[0, 1] > 0.99


@pytest.mark.parametrize("written", ["nan", "inf", "abc", "", "1,5"])
def test_a_window_that_is_no_number_is_none(tmp_path, written):
    ds = file()
    for tag in (0x00281050, 0x00281051):
        ds._dict[Tag(tag)] = RawDataElement(Tag(tag), "DS", len(written), written.encode(), 0, False, True)
    assert not implausible(prepare_file(save(ds, tmp_path / "a.dcm"), ImagesSettings())[0])


@pytest.mark.parametrize("side", [64, 70, 90, 96])
def test_noise_is_told_however_small_it_is(tmp_path, side):
    pixels = RNG.integers(0, 4096, (side, side)).astype("<u2").tobytes()
    path = save(radiograph(RNG, (side, side), PixelData=pixels, **WINDOW), tmp_path / "a.dcm")
    with pytest.raises(Unreadable, match="noise"):
        prepare_file(path, ImagesSettings())
    small = cv2.resize(DRAWN, (side, side), interpolation=cv2.INTER_AREA).tobytes()
    path = save(radiograph(RNG, (side, side), PixelData=small, **WINDOW), tmp_path / "a.dcm")
    assert prepare_file(path, ImagesSettings())[0].any()


@pytest.mark.parametrize("shape", ["INVERSE", "inverse "])
@pytest.mark.parametrize("scale", ["MONOCHROME1", "MONOCHROME2"])
def test_an_output_that_is_said_to_be_inverse_is_inverted_once(tmp_path, scale, shape):
    assert close(
        shown(tmp_path, file(4095 - DRAWN, PhotometricInterpretation=scale, PresentationLUTShape=shape, **WINDOW))
    )
    plain = file(PresentationLUTShape="IDENTITY", **WINDOW)
    assert close(shown(tmp_path, plain))


@pytest.mark.parametrize(
    ("keyword", "bits", "kind"),
    [("FloatPixelData", 32, "<f4"), ("DoubleFloatPixelData", 64, "<f8")],
    ids=["float", "double"],
)
def test_fractions_are_refused_by_a_reason_of_their_own(tmp_path, keyword, bits, kind):
    ds = file(**WINDOW)
    del ds.PixelData
    setattr(ds, keyword, DRAWN.astype(kind).tobytes())
    ds.BitsAllocated = bits
    save(ds, tmp_path / "a.dcm")
    record = inspect(tmp_path, "a.dcm", IngestSettings())
    assert record["code"] == "float_pixels" and keyword in record["detail"]


def group(**parts):
    """A functional group of an enhanced object."""
    found = Dataset()
    for name, tags in parts.items():
        item = Dataset()
        for keyword, given in tags.items():
            setattr(item, keyword, given)
        setattr(found, f"{name}Sequence", Sequence([item]))
    return Sequence([found])


@pytest.mark.parametrize("where", ["SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"])
def test_what_an_enhanced_object_says_of_its_frame_counts(tmp_path, where):
    narrow = {"WindowCenter": "-2047", "WindowWidth": "2000"}
    said = group(
        FrameVOILUT=narrow,
        PixelValueTransformation={"RescaleSlope": "-1", "RescaleIntercept": "0"},
        PixelMeasures={"PixelSpacing": [0.2, 0.1]},
        FrameAnatomy={"FrameLaterality": "L"},
    )
    given = file(FALLING, NumberOfFrames=1, SeriesDescription="", StudyDescription="Knä", **{where: said})
    path = save(given, tmp_path / "a.dcm")
    assert inspect(tmp_path, "a.dcm", IngestSettings())["side"] == "left"
    ds = read(path)
    assert close(brightness(ds), np.clip((DRAWN.astype(float) - 4095 + 2047.5) / 1999 + 0.5, 0, 1), tolerance=1)
    assert pixel_aspect(ds) == 2
    again = file(FALLING, RescaleSlope="-1", RescaleIntercept="0", **narrow)
    np.testing.assert_array_equal(brightness(ds), brightness(read(save(again, tmp_path / "b.dcm"))))


@pytest.mark.parametrize("said", [Sequence([]), Sequence([Dataset()]), group(FrameVOILUT={})], ids=range(3))
def test_functional_groups_that_say_nothing_change_nothing(tmp_path, said):
    assert close(shown(tmp_path, file(SharedFunctionalGroupsSequence=said, **WINDOW)))


def test_an_icon_is_never_the_image(tmp_path):
    icon = Dataset()
    icon.Rows = icon.Columns = 64
    icon.BitsAllocated = icon.BitsStored = 8
    icon.PixelData = RNG.integers(0, 256, (64, 64)).astype(np.uint8).tobytes()
    ds = file(IconImageSequence=Sequence([icon]), **WINDOW)
    assert close(shown(tmp_path, ds))
    del ds.PixelData
    save(ds, tmp_path / "a.dcm")
    assert inspect(tmp_path, "a.dcm", IngestSettings())["code"] == "no_pixels"


def test_the_private_byte_order_of_a_maker_is_refused_by_name(tmp_path):
    path = save(file(**WINDOW), tmp_path / "a.dcm")
    data = path.read_bytes()
    standard, private = b"UI\x14\x001.2.840.10008.1.2.1\0", b"UI\x12\x001.2.840.113619.5.2"
    assert standard in data
    length = int.from_bytes(data[140:144], "little") - 2
    path.write_bytes(
        data.replace(standard, private)[:140] + length.to_bytes(4, "little") + data.replace(standard, private)[144:]
    )
    record = inspect(tmp_path, "a.dcm", IngestSettings())
    assert record["code"] == "transfer_syntax" and "GE" in record["detail"]


def labelled(path, ds, syntax):
    """Write a file whose header names another transfer syntax than its pixels have."""
    data, true = save(ds, path).read_bytes(), ds.file_meta.TransferSyntaxUID
    old, new = (one.encode() + b"\0" * (len(one) % 2) for one in (true, syntax))
    at, longer = data.index(old), len(new) - len(old)
    data = data[: at - 2] + len(new).to_bytes(2, "little") + new + data[at + len(old) :]
    path.write_bytes(data[:140] + (int.from_bytes(data[140:144], "little") + longer).to_bytes(4, "little") + data[144:])
    return path


#: What a stream is taken for whose header names another kind: it may have lost something.
USUAL = {JPEG2000Lossless: JPEG2000, JPEGLSLossless: JPEGLSNearLossless}
COMPRESSED = [JPEG2000Lossless, JPEGLSLossless, RLELossless]


@pytest.mark.parametrize("true", [ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless])
@pytest.mark.parametrize(
    "said",
    [ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian, JPEGBaseline8Bit, *COMPRESSED],
)
def test_pixels_are_decoded_by_what_they_are_compressed_with(tmp_path, true, said):
    ds = file(**WINDOW)
    if true != ExplicitVRLittleEndian:
        ds.compress(true)
    path = labelled(tmp_path / "a.dcm", ds, said)
    record = inspect(tmp_path, "a.dcm", IngestSettings())
    assert (record["code"], record["transfer_syntax"]) == (None, true if said == true else USUAL.get(true, true))
    assert close(brightness(read(path)))
    assert prepare_file(path, ImagesSettings())[2] == ("" if said == true else "syntax")


@pytest.mark.parametrize("syntax", COMPRESSED, ids=lambda syntax: syntax.name)
@pytest.mark.parametrize(
    "tags",
    [
        {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7},
        {"BitsAllocated": 32},
        {"Rows": COLUMNS, "Columns": ROWS},
        {"Rows": 0},
    ],
    ids=str,
)
def test_compressed_pixels_say_their_own_size_and_depth(tmp_path, syntax, tags):
    if "Rows" in tags and syntax == RLELossless:
        return  # which says no size
    ds = file(**WINDOW)
    ds.compress(syntax)
    for keyword, wrong in tags.items():
        setattr(ds, keyword, wrong)
    path = save(ds, tmp_path / "a.dcm")
    record = inspect(tmp_path, "a.dcm", IngestSettings())
    assert (record["code"], record["rows"], record["columns"]) == (None, ROWS, COLUMNS)
    assert close(brightness(read(path)))
    assert "header" in prepare_file(path, ImagesSettings())[2]


def test_a_jpeg_of_8_bits_in_words_is_read_and_a_coloured_one_is_refused(tmp_path):
    path = jpeg(tmp_path)
    for tags in ({"BitsAllocated": 16}, {"BitsAllocated": 16, "BitsStored": 12, "HighBit": 11}):
        ds = read(path)
        for keyword, wrong in tags.items():
            setattr(ds, keyword, wrong)
        assert np.corrcoef(brightness(ds).ravel(), cv2.resize(DRAWN, (400, 480)).ravel())[0, 1] > 0.99
    ds = pydicom.dcmread(path)
    code = cv2.imencode(".jpg", np.dstack([(DRAWN >> 4).astype(np.uint8)] * 3))[1].tobytes()
    ds.PixelData = encapsulate([code + b"\0" * (len(code) % 2)])
    save(ds, tmp_path / "b.dcm")
    assert inspect(tmp_path, "b.dcm", IngestSettings())["code"] == "colour"


@pytest.mark.parametrize(
    ("pixels", "tags", "noted"),
    [
        (DRAWN, {"Rows": COLUMNS, "Columns": ROWS}, "header"),
        (DRAWN.byteswap(), {}, "syntax"),
        (DRAWN.byteswap(), {"BitsStored": 16, "HighBit": 15}, "syntax"),
        (RNG.permuted(DRAWN, axis=0), {}, ""),
    ],
    ids=["turned", "bytes", "bytes of 16 bits", "no better otherwise"],
)
def test_native_pixels_lie_as_brings_neighbours_together(tmp_path, pixels, tags, noted):
    path = save(file(pixels, **WINDOW | tags), tmp_path / "a.dcm")
    record = inspect(tmp_path, "a.dcm", IngestSettings())
    assert (record["rows"], record["columns"]) == (ROWS, COLUMNS)
    assert record["noted"] == (f"corrected_{noted}" if noted else None)
    drawn = DRAWN if noted else pixels
    np.testing.assert_array_equal(decode(read(path)), drawn)


FALLING = 4095 - DRAWN
HALVED = {"WindowCenter": "1024", "WindowWidth": "2048"}
MODALITIES = [
    (DRAWN, {"RescaleSlope": "0.5", **HALVED}, "modality"),
    (DRAWN, {"RescaleIntercept": "-1024", "WindowCenter": "1024", "WindowWidth": "4096"}, "modality"),
    (FALLING, {"RescaleSlope": "-1", "WindowCenter": "-2047", "WindowWidth": "4096"}, "modality"),
    (FALLING, {"RescaleSlope": "-1", "RescaleIntercept": "4095", **WINDOW}, ""),
    (DRAWN, {"RescaleSlope": "1", **WINDOW}, ""),
    (DRAWN, {"ModalityLUTSequence": Sequence([]), "RescaleSlope": "0.5", "RescaleIntercept": "0", **HALVED}, ""),
    (FALLING, {"ModalityLUTSequence": lut(4095 - RAMP, [4096, 0, 16])["VOILUTSequence"], **WINDOW}, ""),
    (FALLING, {"ModalityLUTSequence": lut((4095 - RAMP).astype(">u2").tobytes(), [4096, 0, 16])["VOILUTSequence"], **WINDOW},
     "modality"),
    (DRAWN, {"ModalityLUTSequence": lut((RAMP // 16).astype(np.uint8).tobytes(), [4096, 0, 8])["VOILUTSequence"],
             "WindowCenter": "128", "WindowWidth": "256"}, ""),
]  # fmt: skip


@pytest.mark.parametrize(("pixels", "tags", "noted"), MODALITIES, ids=range(len(MODALITIES)))
def test_a_slope_alone_and_a_table_of_any_form_are_read(tmp_path, pixels, tags, noted):
    path = save(file(pixels, **tags), tmp_path / "a.dcm")
    assert close(brightness(read(path)))
    assert prepare_file(path, ImagesSettings())[2] == noted


def test_numbers_may_have_a_comma_for_a_point(tmp_path):
    ds = file()
    for keyword, written in (("WindowCenter", b"2048,5"), ("WindowWidth", b"4096,0"), ("PixelSpacing", b"0,2\\0,1")):
        tag = Tag(keyword)
        ds._dict[tag] = RawDataElement(tag, "DS", len(written), written, 0, False, True)
    assert close(shown(tmp_path, ds))
    assert pixel_aspect(ds) == 2


@pytest.mark.parametrize("scale", [1, 100_000])
def test_values_of_32_bits_fall_with_a_falling_slope(tmp_path, scale):
    ds = file(BitsAllocated=32, BitsStored=32, HighBit=31, RescaleSlope="-1", RescaleIntercept="0")
    ds.PixelData = (FALLING.astype("<u4") * scale).tobytes()
    image = shown(tmp_path, ds)
    assert np.corrcoef(image.ravel(), DRAWN.ravel())[0, 1] > 0.99


def test_a_modality_lut_that_makes_all_values_the_same_is_none(tmp_path):
    item = Dataset()
    item.LUTDescriptor = [10, 0, 16]
    item.add_new("LUTData", "OW", np.arange(10).astype("<u2").tobytes())
    for tags in ({"ModalityLUTSequence": Sequence([item])}, {"RescaleSlope": "1", "RescaleIntercept": "1e30"}):
        assert close(shown(tmp_path, file(**tags, **WINDOW)))


@pytest.mark.parametrize(
    ("padding", "tags"),
    [
        (65535, {"PixelPaddingValue": 65535}),
        (65535, {"PixelPaddingValue": 65535, "PhotometricInterpretation": "MONOCHROME1"}),
        (60000, {"PixelPaddingValue": 60000, "PixelPaddingRangeLimit": 65535}),
        (0, {"PixelPaddingValue": 0, "PhotometricInterpretation": "MONOCHROME1"}),
        (-2000, {"PixelPaddingValue": -2000, "PixelRepresentation": 1}),
    ],
    ids=str,
)
def test_padding_is_no_part_of_the_image(tmp_path, padding, tags):
    inside = (slice(30, 90), slice(25, 75))
    pixels = np.full(DRAWN.shape, padding, int)
    pixels[inside] = DRAWN[inside]
    more = {"BitsStored": 16, "HighBit": 15} | tags
    image = shown(tmp_path, file(pixels, **more))
    alone = shown(tmp_path, radiograph(RNG, (60, 50), PixelData=DRAWN[inside].astype("<u2").tobytes(),
                                      PhotometricInterpretation=tags.get("PhotometricInterpretation", "MONOCHROME2")))  # fmt: skip
    outside = np.ones(DRAWN.shape, bool)
    outside[inside] = False
    assert not image[outside].any()
    np.testing.assert_allclose(image[inside], alone, atol=1)


def test_the_value_of_padding_within_the_image_is_the_images(tmp_path):
    pixels = DRAWN.copy()
    pixels[50:60, 45:55] = 0
    image = shown(tmp_path, file(pixels, PixelPaddingValue=0, PhotometricInterpretation="MONOCHROME1", **WINDOW))
    assert image[52, 50] == 255


@pytest.mark.parametrize(
    ("padding", "tags"),
    [
        (65535, {"BitsStored": 16, "HighBit": 15}),
        (65535, {"BitsStored": 16, "HighBit": 15, "PhotometricInterpretation": "MONOCHROME1"}),
        (-9000, {"BitsStored": 16, "HighBit": 15, "PixelRepresentation": 1}),
        (65535, {"PixelPaddingValue": 65535}),  # beyond the 12 bits that hold the image
    ],
    ids=str,
)
def test_padding_that_no_tag_tells_of_or_that_lies_beyond_the_bits_is_found(tmp_path, padding, tags):
    inside = (slice(30, 90), slice(25, 75))
    pixels = np.full(DRAWN.shape, padding, int)
    pixels[inside] = np.minimum(DRAWN[inside], 4000)
    image = shown(tmp_path, file(pixels, **tags))
    outside = np.ones(DRAWN.shape, bool)
    outside[inside] = False
    assert not image[outside].any()
    assert np.percentile(image[inside], 99.9) > 250


def test_black_about_an_image_and_a_saturated_beam_are_no_padding(tmp_path):
    for value in (0, 4095):
        pixels = DRAWN.copy()
        pixels[:, :10] = value
        given = shown(tmp_path, file(pixels, PhotometricInterpretation="MONOCHROME1", **WINDOW))
        assert abs(given[:, :10].mean() - (255 - 255 * value / 4095)) < 2


SHUTTERS = {
    "RECTANGULAR": {
        "ShutterLeftVerticalEdge": 21, "ShutterRightVerticalEdge": 80,
        "ShutterUpperHorizontalEdge": 31, "ShutterLowerHorizontalEdge": 90,
    },
    "CIRCULAR": {"CenterOfCircularShutter": [60, 50], "RadiusOfCircularShutter": 30},
    "POLYGONAL": {"VerticesOfThePolygonalShutter": [31, 21, 31, 80, 90, 80, 90, 21]},
}  # fmt: skip


@pytest.mark.parametrize("name", SHUTTERS)
def test_what_a_shutter_hides_is_black(tmp_path, name):
    pixels = np.full(DRAWN.shape, 4095)
    pixels[30:90, 20:80] = DRAWN[30:90, 20:80]
    image = shown(tmp_path, file(pixels, ShutterShape=name, **SHUTTERS[name], **WINDOW))
    assert image[45:75, 35:65].mean() > 50
    assert not image[:29].any() and not image[91:].any() and not image[:, :19].any() and not image[:, 81:].any()


def test_what_a_bitmap_shutter_hides_is_black(tmp_path):
    ds = file(ShutterShape="BITMAP", ShutterOverlayGroup=0x6002, **WINDOW)
    hides = np.ones((ROWS, COLUMNS), np.uint8)
    hides[30:90, 20:80] = 0
    for element, vr, given in ((0x10, "US", ROWS), (0x11, "US", COLUMNS), (0x40, "CS", "G"), (0x50, "SS", [1, 1]),
                               (0x100, "US", 1), (0x102, "US", 0),
                               (0x3000, "OW", np.packbits(hides.ravel(), bitorder="little").tobytes())):  # fmt: skip
        ds.add_new((0x6002, element), vr, given)
    image = shown(tmp_path, ds)
    assert image[45:75, 35:65].mean() > 50
    assert not image[hides == 1].any()
    del ds[0x6002, 0x3000]
    assert close(shown(tmp_path, ds))  # a shutter that isn't there hides nothing


def test_the_edges_of_a_shutter_may_be_exchanged_and_one_may_be_missing(tmp_path):
    left, _, upper, lower = SHUTTERS["RECTANGULAR"].items()
    turned = dict(zip(SHUTTERS["RECTANGULAR"], (80, 21, 90, 31), strict=True))
    hidden = np.ones(DRAWN.shape, bool)
    hidden[30:90, 20:80] = False
    image = shown(tmp_path, file(ShutterShape="RECTANGULAR", **turned, **WINDOW))
    assert not image[hidden].any() and close(image[~hidden], DRAWN[~hidden] / 4095)
    hidden[:, 80:] = hidden[:, :1]
    hidden[30:90, 80:] = False
    image = shown(tmp_path, file(ShutterShape="RECTANGULAR", **dict([left, upper, lower]), **WINDOW))
    assert not image[hidden].any() and close(image[~hidden], DRAWN[~hidden] / 4095)


@pytest.mark.parametrize("tags", [{"ShutterShape": "ELLIPTICAL"}, {"ShutterShape": "RECTANGULAR"},
                                  {"ShutterShape": "POLYGONAL", "VerticesOfThePolygonalShutter": [1, 2, 3]}], ids=str)  # fmt: skip
def test_a_shutter_that_cannot_be_read_is_left_aside_and_told(tmp_path, tags):
    path = save(file(**tags, **WINDOW), tmp_path / "a.dcm")
    assert close(brightness(read(path)))
    assert prepare_file(path, ImagesSettings())[2] == "hidden"


@pytest.mark.parametrize("name", SHUTTERS)
def test_a_shutter_of_the_image_before_it_was_reduced_is_left_aside_and_told(tmp_path, name):
    larger = {keyword: (2 * np.array(told)).tolist() for keyword, told in SHUTTERS[name].items()}
    path = save(file(ShutterShape=name, **larger, **WINDOW), tmp_path / "a.dcm")
    assert close(brightness(read(path)))
    assert prepare_file(path, ImagesSettings())[2] == "hidden"


def test_an_overlay_below_the_bits_of_the_image_is_cut_off(tmp_path):
    for bit in (0, 3):
        ds = file((DRAWN << 4) | (WORDS.astype(np.uint16) << bit), HighBit=15, **WINDOW)
        ds.add_new((0x6000, 0x0102), "US", bit)
        assert close(shown(tmp_path, ds))


def test_a_shutter_that_hides_everything_is_a_wrong_tag(tmp_path):
    image = shown(tmp_path, file(ShutterShape="CIRCULAR", CenterOfCircularShutter=[999, 999],
                                 RadiusOfCircularShutter=2, **WINDOW))  # fmt: skip
    assert close(image)


def jpeg(tmp_path, share=1.0, end=b"", drawn=DRAWN, progressive=0, restart=0, change=bytes):
    grey = (drawn >> 4).astype(np.uint8)
    options = [cv2.IMWRITE_JPEG_PROGRESSIVE, progressive, cv2.IMWRITE_JPEG_RST_INTERVAL, restart]
    code = cv2.imencode(".jpg", cv2.resize(grey, (400, 480)), options)[1].tobytes()
    code = change(code[: int(share * len(code))] + end)
    ds = radiograph(RNG, (480, 400), BitsAllocated=8, BitsStored=8, HighBit=7)
    ds.PixelData = encapsulate([code + b"\0" * (len(code) % 2)])
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    return save(ds, tmp_path / "a.dcm")


def test_a_jpeg_that_is_cut_is_refused(tmp_path):
    stored_pixels(read(jpeg(tmp_path)))
    prepare_file(jpeg(tmp_path), ImagesSettings())
    for share in (0.95, 0.6, 0.3):
        with pytest.raises(Unreadable) as caught:
            stored_pixels(read(jpeg(tmp_path, share)))
        assert caught.value.code == "truncated"
    for share in (0.95, 0.6, 0.3):  # cut, and given an end
        with pytest.raises(Unreadable) as caught:
            prepare_file(jpeg(tmp_path, share, b"\xff\xd9"), ImagesSettings())
        assert (caught.value.code, caught.value.detail) == ("truncated", "JPEG whose lower part is missing")


@pytest.mark.parametrize("more", [b"", b"\0\0", bytes(1000)], ids=len)
def test_pieces_after_a_jpegs_end_are_none_of_it(tmp_path, more):
    ds = read(jpeg(tmp_path))
    whole = brightness(ds)
    code = get_frame(ds.PixelData, 0, number_of_frames=1)
    ds.PixelData = b"".join([ITEM, bytes(4), *(ITEM + len(one).to_bytes(4, "little") + one for one in (code, more))])
    np.testing.assert_array_equal(brightness(ds), whole)


@pytest.mark.parametrize("offsets", [b"\x88\x13\0\0", bytes(4) + b"\x64\0\0\0", b"\xff" * 12, bytes(3)], ids=str)
def test_a_wrong_table_of_offsets_is_left_out(tmp_path, offsets):
    ds = read(jpeg(tmp_path))
    whole, code = brightness(ds), get_frame(ds.PixelData, 0, number_of_frames=1)
    pieces = (offsets, code[:200], code[200:])
    ds.PixelData = b"".join(ITEM + len(one).to_bytes(4, "little") + one for one in pieces)
    ds["PixelData"].is_undefined_length = True
    path = save(ds, tmp_path / "b.dcm")
    assert inspect(tmp_path, "b.dcm", IngestSettings())["noted"] == "corrected_header"
    np.testing.assert_array_equal(brightness(read(path)), whole)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("said", [RLELossless, JPEGBaseline8Bit, ExplicitVRLittleEndian])
def test_run_lengths_say_their_kind_and_where_rows_end(tmp_path, bits, said):
    drawn = DRAWN if bits == 16 else (DRAWN >> 4).astype(np.uint8)
    big = np.tile(drawn, (3, 4))  # so large that a view of the file is taken, if it isn't said to be compressed
    ds = radiograph(RNG, big.shape, PixelData=big.tobytes(), BitsAllocated=bits, BitsStored=min(bits, 12))
    ds.compress(RLELossless)
    ds.Rows, ds.Columns = big.shape[::-1]
    path = labelled(tmp_path / "a.dcm", ds, said)
    record = inspect(tmp_path, "a.dcm", IngestSettings())
    assert (record["code"], record["rows"], record["columns"]) == (None, *big.shape)
    assert "corrected_header" in record["noted"]
    np.testing.assert_array_equal(decode(read(path)), big)


def test_a_table_of_swapped_bytes_is_no_noise(tmp_path):
    item = pydicom.Dataset()
    item.add_new("LUTDescriptor", "US", [4096, 0, 16])
    item.add_new("LUTData", "OW", np.linspace(0, 65535, 4096).astype(">u2").tobytes())
    assert close(shown(tmp_path, file(VOILUTSequence=[item])))


def test_a_progressive_jpeg_that_is_cut_and_given_an_end_is_refused(tmp_path):
    prepare_file(jpeg(tmp_path, progressive=1), ImagesSettings())
    whole = cv2.imencode(".jpg", cv2.resize((DRAWN >> 4).astype(np.uint8), (400, 480)),
                         [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()  # fmt: skip
    scans = [at / len(whole) for at in range(len(whole)) if whole[at : at + 2] == b"\xff\xda"]
    assert len(scans) > 3
    for share in (0.3, 0.6, 0.9, 0.97, *scans[1:]):
        with pytest.raises(Unreadable) as caught:
            prepare_file(jpeg(tmp_path, share, b"\xff\xd9", progressive=1), ImagesSettings())
        assert caught.value.code == "truncated"


def test_a_whole_jpeg_with_a_flat_corner_is_no_cut_one(tmp_path):
    pixels = np.where((Y > 90) & (X > 70), 0, DRAWN)
    image = brightness(read(jpeg(tmp_path, drawn=pixels)))
    assert not image[-16:, -16:].any()
    assert np.corrcoef(image.ravel(), cv2.resize(pixels, (400, 480)).ravel())[0, 1] > 0.99


def test_a_lossless_jpeg_that_is_cut_and_given_an_end_is_refused(tmp_path):
    ds = pydicom.dcmread(get_testdata_file("JPGLosslessP14SV1_1s_1f_8b.dcm"))
    code = get_frame(ds.PixelData, 0, number_of_frames=1)
    decode(ds)
    ds.PixelData = encapsulate([code[: len(code) // 4 * 2] + b"\xff\xd9"])
    with pytest.raises(Unreadable) as caught:
        decode(read(save(ds, tmp_path / "a.dcm")))
    assert caught.value.code == "truncated"


def test_what_is_no_radiograph_is_told_from_what_is():
    leg = np.zeros((96, 96), np.uint8)
    leg[:, 8:88] = cv2.resize((DRAWN >> 4).astype(np.uint8), (80, 96), interpolation=cv2.INTER_AREA)
    assert implausible(leg) is None
    assert implausible(np.zeros((96, 96), np.uint8)) == "nothing to be seen"
    assert implausible(np.full((96, 96), 130, np.uint8)) == "nothing to be seen"
    assert implausible(RNG.integers(0, 256, (96, 96)).astype(np.uint8)) == "noise"
    assert implausible(np.where(leg > 100, 255, 40).astype(np.uint8)) == "few shades of grey"
    cut = leg.copy()
    cut[60:, 8:88] = 128
    assert implausible(cut) == "partly filled with one grey"
    band, half = leg.copy(), leg.copy()
    band[40:60, 8:88], half[:, 44:88] = 128, 128
    assert {implausible(one) for one in (cut[::-1], band, half, half[:, ::-1])} == {"partly filled with one grey"}
    assert implausible(leg // 12) == "nothing to be seen"
    assert implausible(leg, np.where(leg > 100, 255, 40).astype(np.uint8)) == "few shades of grey"
