"""Pictures that lie in a file otherwise than its header says, or whose brightest or first values are none of the picture's."""

import struct
import zlib

import cv2
import numpy as np
import pytest
from pydicom.encaps import encapsulate, get_frame
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)

from analysis.archive.dicom.dataset import Unreadable, read
from analysis.archive.inspect import inspect
from analysis.archive.settings import IngestSettings
from analysis.imaging.image import prepare_file
from analysis.imaging.pixels import decode, pixel_aspect
from analysis.imaging.settings import ImagesSettings
from tests.archive.files import radiograph, save
from tests.imaging.test_odd_pixels import code_of, raw
from tests.imaging.test_wrong_pixels import ALL, COLUMNS, DRAWN, RAMP, RNG, ROWS, WINDOW, close, file, lut, shown

ENCAPSULATED = UID("1.2.840.10008.1.2.1.98")


def in_items(payload, syntax):
    ds = file(**WINDOW)
    ds.PixelData = payload
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = syntax
    return ds


@pytest.mark.parametrize("pieces", [1, 3])
@pytest.mark.parametrize(
    "syntax", [ENCAPSULATED, ExplicitVRLittleEndian, JPEG2000Lossless, JPEGBaseline8Bit, RLELossless]
)
def test_pixels_in_items_need_not_be_compressed(tmp_path, syntax, pieces):
    ds = in_items(encapsulate([DRAWN.tobytes()], fragments_per_frame=pieces), syntax)
    np.testing.assert_array_equal(decode(read(save(ds, tmp_path / "a.dcm"))), DRAWN)
    record = inspect(tmp_path, "a.dcm", IngestSettings())
    assert (record["code"], record["noted"]) == (None, "corrected_syntax")


def test_items_that_hold_no_whole_picture_are_refused(tmp_path):
    save(in_items(encapsulate([DRAWN[:60].tobytes()]), ENCAPSULATED), tmp_path / "a.dcm")
    assert code_of(tmp_path) == "transfer_syntax"


@pytest.mark.parametrize("drawn", [DRAWN, DRAWN << 4, DRAWN >> 4], ids=["12 bits", "left", "low byte"])
@pytest.mark.parametrize("exchanged", [False, True])
def test_run_length_encoded_words_may_begin_with_either_byte(tmp_path, drawn, exchanged):
    ds = file(drawn, **ALL)
    ds.compress(RLELossless)
    code = get_frame(ds.PixelData, 0, number_of_frames=1)
    first, second = struct.unpack("<2L", code[4:12])
    high, low = code[first:second], code[second:]
    if exchanged:
        code = struct.pack("<16L", 2, 64, 64 + len(low), *[0] * 13) + low + high
        ds.PixelData = encapsulate([code])
    path = save(ds, tmp_path / "a.dcm")
    np.testing.assert_array_equal(decode(read(path)), drawn)
    assert prepare_file(path, ImagesSettings())[2] == ("syntax" if exchanged else "")


@pytest.mark.parametrize("bits", [8, 16])
def test_three_colours_that_are_said_to_be_one_are_refused(tmp_path, bits):
    grey = DRAWN if bits == 16 else (DRAWN >> 4).astype(np.uint8)
    colours = np.dstack([grey, grey, grey]).tobytes()
    form = {"BitsAllocated": bits, "BitsStored": bits, "HighBit": bits - 1}
    save(radiograph(RNG, DRAWN.shape, PixelData=colours, **form), tmp_path / "a.dcm")
    assert code_of(tmp_path) == "colour"
    with pytest.raises(Unreadable, match="colour"):
        prepare_file(tmp_path / "a.dcm", ImagesSettings())


@pytest.mark.parametrize("bits", [zlib.MAX_WBITS, 16 + zlib.MAX_WBITS], ids=["zlib", "gzip"])
def test_deflated_files_may_have_a_header_of_the_packers(tmp_path, bits):
    ds = file(**WINDOW)
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    data = save(ds, tmp_path / "a.dcm").read_bytes()
    start = 144 + int.from_bytes(data[140:144], "little")
    packer = zlib.compressobj(wbits=bits)
    body = packer.compress(zlib.decompress(data[start:], -zlib.MAX_WBITS)) + packer.flush()
    (tmp_path / "a.dcm").write_bytes(data[:start] + body)
    assert code_of(tmp_path) is None
    np.testing.assert_array_equal(decode(read(tmp_path / "a.dcm")), DRAWN)
    (tmp_path / "a.dcm").write_bytes(data[:start] + body[: len(body) // 2])
    assert code_of(tmp_path) == "broken"


def test_films_that_were_scanned_say_the_size_of_their_pixels_in_a_tag_of_their_own(tmp_path):
    assert pixel_aspect(read(save(file(NominalScannedPixelSpacing=[0.2, 0.1]), tmp_path / "a.dcm"))) == 2


@pytest.mark.parametrize("written", [b"NO\\YES", b"\0YES", b"TEXT: YES", b"(YES)"])
def test_words_are_burned_in_where_any_value_says_so(tmp_path, written):
    save(raw(file(**WINDOW), "BurnedInAnnotation", "CS", written), tmp_path / "a.dcm")
    assert code_of(tmp_path) == "burned_in"


#: The picture in so many pixels that letters on it are some of them.
LARGE = cv2.resize(DRAWN, (4 * COLUMNS, 4 * ROWS), interpolation=cv2.INTER_LINEAR)
LETTERS = cv2.putText(np.zeros(LARGE.shape, np.uint8), "DOE JANE", (10, 40), cv2.FONT_HERSHEY_SIMPLEX, 1.5, 1, 3) > 0


@pytest.mark.parametrize("white", [65535, 30000, 9000])
@pytest.mark.parametrize("scale", ["MONOCHROME1", "MONOCHROME2"])
def test_letters_far_beyond_a_picture_do_not_darken_it(tmp_path, scale, white):
    form = {"PhotometricInterpretation": scale, **ALL}
    pixels = np.where(LETTERS, white, LARGE).astype("<u2").tobytes()
    given = shown(tmp_path, radiograph(RNG, LARGE.shape, PixelData=pixels, **form))
    alone = shown(tmp_path, radiograph(RNG, LARGE.shape, PixelData=LARGE.tobytes(), **form))
    assert np.abs(given - alone)[~LETTERS].max() <= 2
    assert (given[LETTERS] == (255 if scale == "MONOCHROME2" else 0)).all()


def test_holes_far_below_a_picture_do_not_brighten_it(tmp_path):
    pixels = np.where(LETTERS, 0, LARGE + np.uint16(30000))
    given = shown(tmp_path, radiograph(RNG, LARGE.shape, PixelData=pixels.astype("<u2").tobytes(), **ALL))
    alone = shown(tmp_path, radiograph(RNG, LARGE.shape, PixelData=LARGE.tobytes(), **ALL))
    assert np.abs(given - alone)[~LETTERS].max() <= 2
    assert not given[LETTERS].any()


def test_a_window_of_width_0_gives_way_to_the_next_one(tmp_path):
    narrow = {"WindowCenter": ["2048", "1000", "2048"], "WindowWidth": ["0", "2000", "4096"]}
    given = shown(tmp_path, file(**narrow))
    np.testing.assert_array_equal(given, shown(tmp_path, file(WindowCenter="1000", WindowWidth="2000")))


def test_a_broken_table_gives_way_to_the_next_one(tmp_path):
    bent = np.rint((RAMP / 4095) ** 3 * 4095).astype(int)
    items = [lut(entries, [4096, 0, 12])["VOILUTSequence"][0] for entries in (np.full(4096, 7), bent, RAMP)]
    assert close(shown(tmp_path, file(VOILUTSequence=Sequence(items))), (DRAWN / 4095) ** 3, tolerance=1)


def test_the_first_value_of_a_table_may_lie_below_nought_where_those_of_the_picture_do_not(tmp_path):
    entries = np.clip(np.arange(5120) - 1024, 0, 4095)
    bent = np.rint((entries / 4095) ** 3 * 4095).astype(int)
    given = shown(tmp_path, file(**lut(bent, [5120, 65536 - 1024, 12])))
    assert close(given, (DRAWN / 4095) ** 3, tolerance=1)
