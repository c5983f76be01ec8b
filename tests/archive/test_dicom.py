"""The quick way to an element's text is pydicom's, only quicker."""

import warnings

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.datadict import keyword_for_tag
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from analysis.archive.dicom.dataset import Unreadable, read, text, value
from analysis.archive.dicom.elements import read_elements
from tests.archive.files import odd_files

WORDS = {
    "AE": "RetrieveAETitle", "AS": "PatientAge", "CS": "BodyPartExamined", "DA": "StudyDate",
    "LO": "PatientID", "PN": "PatientName", "SH": "AccessionNumber", "TM": "StudyTime",
    "UC": "StrainDescription", "UI": "StudyInstanceUID", "LT": "ImageComments", "UT": "TextValue",
}  # fmt: skip
CHARACTERS = ["ISO_IR 6", "ISO_IR 100", "ISO_IR 192", "ISO_IR 13", "GB18030", "\\ISO 2022 IR 87"]


def converted(dataset, keyword):
    """Text as pydicom converts it: several values, each without runs of blanks, the empty ones left out."""
    found = value(dataset, keyword)
    many = found if isinstance(found, pydicom.multival.MultiValue) else [found]
    words = [" ".join(str(one).split()) for one in many if one is not None]
    return " ".join(word for word in words if word)


@given(
    st.sampled_from(sorted(WORDS)),
    st.one_of(st.binary(max_size=30), st.text("aZ1 ^=\\.\0\x1b\n", max_size=30).map(str.encode)),
    st.sampled_from(CHARACTERS),
    st.booleans(),
)
def test_any_bytes_read_as_pydicom_reads_them(vr, data, characters, implicit):
    def dataset():
        made = pydicom.Dataset()
        made.SpecificCharacterSet = characters
        tag = Tag(WORDS[vr])
        made[tag] = RawDataElement(tag, None if implicit else vr, len(data), data, 0, implicit, True)
        return made

    assert text(dataset(), WORDS[vr]) == converted(dataset(), WORDS[vr])


@pytest.mark.parametrize("path", odd_files(), ids=lambda path: path.name)
def test_odd_files_read_as_pydicom_reads_them(path):
    try:
        quick, slow = read(path), read(path)
    except Unreadable:
        return
    for keyword in map(keyword_for_tag, quick.keys()):
        if keyword and keyword != "PixelData":
            assert text(quick, keyword) == converted(slow, keyword)


def test_the_quick_reader_finds_what_pydicom_finds():
    quick = 0
    for path in odd_files():
        data = path.read_bytes() if path.stat().st_size < 100_000 else b""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                found = read_elements(data, data[128:132] != b"DICM")
            except Exception:  # pydicom's reader of files is asked then
                continue
            if found is None:
                continue
            expected = pydicom.dcmread(path)
        quick += 1
        assert list(found.keys()) == list(expected.keys()) and found.file_meta.keys() == expected.file_meta.keys(), path
        for tag in found.keys():  # noqa: SIM118 - a data set gives its elements
            one, other = found.get_item(tag), expected.get_item(tag)
            if isinstance(one, RawDataElement) and isinstance(other, RawDataElement):
                assert (one.VR, bytes(one.value or b"")) == (other.VR, other.value or b""), path
            elif isinstance(one, RawDataElement):  # pydicom has converted the character set
                assert found[tag] == other, path
        assert found.original_encoding == expected.original_encoding, path
    assert quick > 100
