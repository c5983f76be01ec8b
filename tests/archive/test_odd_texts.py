"""What headers of real archives say of side, age, kind and letters in ways that were read wrongly, or not at all."""

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForProcessing,
)

from analysis.archive import describe
from analysis.archive.dicom.dataset import read
from analysis.archive.inspect import inspect
from analysis.archive.settings import IngestSettings
from tests.archive.files import radiograph, save

SETTINGS = IngestSettings()


def header(**tags):
    """Make a data set of these tags alone."""
    ds = Dataset()
    for keyword, said in tags.items():
        setattr(ds, keyword, said)
    return ds


def record(tmp_path, **tags):
    save(radiograph(np.random.default_rng(2), **tags), tmp_path / "a.dcm")
    return inspect(tmp_path, "a.dcm", SETTINGS)


@pytest.mark.parametrize(
    ("words", "side"),
    [
        ("KNEE DEXT", "right"), ("Genu dext.", "right"), ("dext knee", "right"), ("Genu sin", "left"), ("Knä dexter", "right"),
        ("KNEE DEXT/SIN", "both"), ("genu sin et dext", "both"), ("genu dext. et sin.", "both"), ("dx sin knä", "both"),
        ("DX/SIN KNEE", "both"), ("bil. genu", "both"), ("genou bil", "both"), ("B/L KNEE AP", "both"), ("Knee RT/LT", "both"),
        ("H knä", "right"), ("V. kne", "left"), ("H knæ belastet", "right"), ("h+v knä", "both"), ("h o v knä", "both"),
        ("6 v. knä hö", "right"), ("op 6 v knä dx", "right"),
        ("Kniegelenk re", "right"), ("kniegelenk li. 2 Eb", "left"), ("Kniegelenke re + li", "both"),
        ("DX KNEE 3 VIEWS", None), ("DX single view knee", None), ("Knee, view H", None), ("DX KNEE LEFT", "left"),
        ("polvi vasen/oikea", "both"), ("rodilla derecha e izquierda", "both"), ("Rodilla izquierda y derecha", "both"),
        ("kolano lewe i prawe", "both"), ("joelho direito e esquerdo", "both"), ("genou droit et gauche", "both"),
        ("rt and lt knee", "both"), ("KNEE L AND R", "both"), ("Knie re li", "both"), ("knä h v", "both"), ("oba kolana", "both"),
        ("Knie bdz", "both"), ("knie beiderzijds", "both"), ("polvet molemmat", "both"), ("Knee right; old film left", None),
        ("Right knee after left TKR", None), ("genu l. dx.", "right"), ("genu l. sin.", "left"), ("Knie re > li", None),
        ("NOT LEFT KNEE", None), ("Hö knä, vä fot", None), ("hö knä och vä fot", None), ("Knä hö fot vä", None), ("Right knee, not left", "right"), ("knä hö, ej vä", "right"), ("Knie ohne KM links", "left"),
        ("Patella re.", "right"), ("Rotule G", "left"), ("Schuss D", "right"), ("Staw kolanowy P", "right"),
        ("Pravé koleno AP", "right"), ("koleno vlevo", "left"), ("LEVÉ KOLENO", "left"), ("Koleno P", "right"), ("levé a pravé koleno", "both"),
        ("jobb térd", "right"), ("Térd bal AP", "left"), ("jobb és bal térd", "both"), ("TERD JOBB", "right"),
        ("Sağ diz AP", "right"), ("sol diz", "left"), ("DIZ SAG", "right"), ("sağ ve sol diz", "both"), ("diz sagittal", None),
        ("Knie li.seitl.", "left"), ("Knie R.O. Fraktur", None), ("KNEE LFT", "left"), ("Knee RLAT", "right"), ("hgr kne", "right"),
    ],
)  # fmt: skip
def test_words_for_a_side(words, side):
    assert describe.side(header(StudyDescription=words, SeriesDescription="AP"), SETTINGS)[0] == side


def test_the_code_of_a_region_says_the_side():
    ds, region, modifier = Dataset(), Dataset(), Dataset()
    modifier.CodeMeaning = "Right"
    region.CodeMeaning, region.AnatomicRegionModifierSequence = "Knee", Sequence([modifier])
    ds.AnatomicRegionSequence = Sequence([region])
    assert describe.side(ds, SETTINGS) == ("right", False)


def coded(meaning, **sequences):
    """A code, and codes that it has below it."""
    below = {name: Sequence([coded(one)]) for name, one in sequences.items()}
    return header(CodeMeaning=meaning, **below)


@pytest.mark.parametrize(
    ("tags", "side"),
    [
        ({"PrimaryAnatomicStructureSequence": coded("Knee", PrimaryAnatomicStructureModifierSequence="Left")}, "left"),
        ({"AnatomicRegionSequence": coded("Entire right knee")}, "right"),
        ({"BodyPartExamined": "LKNEE"}, "left"), ({"BodyPartExamined": "KNEE_R"}, "right"), ({"BodyPartExamined": "KNEES"}, "both"),
        ({"BodyPartExamined": "KNEE"}, None),
    ],
    ids=str,
)  # fmt: skip
def test_the_region_or_the_part_that_was_examined_may_say_the_side(tags, side):
    ds = header(**{name: Sequence([said]) if isinstance(said, Dataset) else said for name, said in tags.items()})
    assert describe.side(ds, SETTINGS) == (side, False)
    if side:
        ds.ImageLaterality = "L" if side == "right" else "R"
        assert describe.side(ds, SETTINGS)[1] == (side != "both")


@pytest.mark.parametrize("keyword", ["RequestAttributesSequence", "ProcedureCodeSequence"])
def test_what_was_asked_for_stands_in_for_a_study_without_description(keyword):
    ds, asked = Dataset(), coded("XR Knee standing left")
    if keyword == "RequestAttributesSequence":
        asked.RequestedProcedureDescription = asked.CodeMeaning
        del asked.CodeMeaning
    setattr(ds, keyword, Sequence([asked]))
    found = describe.side(ds, SETTINGS)[0], describe.protocol(ds, SETTINGS), describe.body_part(ds, SETTINGS)
    assert found == ("left", "weight_bearing", "knee")
    ds.StudyDescription = "Elbow right"
    assert (describe.side(ds, SETTINGS)[0], describe.protocol(ds, SETTINGS)) == ("right", "other")


@pytest.mark.parametrize(
    ("said", "side"),
    [
        ("LEFT", "left"), ("Rt", "right"), ("B", "both"), ("LI", "left"), ("(R)", "right"), ("höger", "right"), ("IZQ", "left"),
        (["L", "R"], "both"), ("R/L", "both"), ("RL", "both"), ("LEFT AND RIGHT", "both"), ("BILATERAL", "both"),
        ("LATERAL", None), ("REMOVED", None), ("BLANK", None), ("UNKNOWN", None), ("SINGLE", None), ("DESCONOCIDO", None), ("U", None),
    ],
    ids=str,
)  # fmt: skip
def test_a_tag_of_a_side_has_words_in_it(said, side):
    assert describe.side(header(Laterality=said), SETTINGS) == (side, False)


@pytest.mark.parametrize(
    ("image", "series", "found"),
    [("L", "R", ("left", True)), ("L", "L", ("left", False)), ("L", "B", ("left", False)), ("B", "L", ("both", True))],
)
def test_tags_that_contradict_each_other_are_told(image, series, found):
    assert describe.side(header(ImageLaterality=image, Laterality=series), SETTINGS) == found


@pytest.mark.parametrize(
    ("position", "series", "view"),
    [
        ("", "Knee AP/LAT", None), ("AP", "Knee AP/LAT", "ap"), ("LATERAL", "Knee AP/LAT", "lateral"), ("AP/LAT", "Knee lateral", "lateral"),
        ("", "AP obl", "oblique"), ("AP", "Skyline", None), ("", "KNEE AP/LAT/OBL", None), ("LATERAL", "AP/LAT/OBL", "lateral"), ("", "No laterality", None), ("AP", "Patella sunrise", None), ("PA", "Merchant bilat", None),
        ("", "Knä axial lat", None), ("LL", "Knee AP lat skyline", "lateral"), ("AP", "Knä axial frontal", "ap"),
        ("A.P.", "", "ap"), ("", "Knie a.p.", "ap"), ("", "Knie seitl.", "lateral"), ("", "genou face", "ap"),
        ("", "genou profil", "lateral"), ("", "rodilla frente", "ap"), ("MEDIO-LATERAL", "", "lateral"), ("ROSENBERG", "", "ap"),
        ("", "schuss", "ap"), ("POSTERO-ANTERIOR", "", "ap"), ("", "kolano bok", "lateral"), ("", "collateral", None),
        ("LLAT", "", "lateral"), ("TUNNEL", "", None),
    ],
)  # fmt: skip
def test_words_for_a_view(position, series, view):
    assert describe.view(header(ViewPosition=position, SeriesDescription=series), SETTINGS) == view


@pytest.mark.parametrize(
    ("ways", "view"),
    [
        (["L", "F"], "ap"), (["RIGHT", "FOOT"], "ap"), (["ANTERIOR", "FOOT"], "lateral"), (["POSTERIOR", "HEAD"], "lateral"),
        (["F", "A"], "lateral"), (["LA", "F"], "oblique"), (["L", "A"], None), (["R", "P"], None), (["H", "F"], None), (["L"], None),
    ],
    ids=str,
)  # fmt: skip
def test_the_view_by_the_picture_s_directions(ways, view):
    assert describe.view(header(PatientOrientation=ways), SETTINGS) == view


@pytest.mark.parametrize(
    ("words", "protocol"),
    [
        ("KNEE NON WEIGHT BEARING", "other"), ("knee_non-weight-bearing", "other"), ("Knee nonweightbearing", "other"),
        ("Knä ej belastad", "other"), ("Knä utan belastning", "other"), ("Knie ohne Belastung", "other"), ("not standing", "other"),
        ("Knä med och utan belastning", "weight_bearing"), ("Knee with and without weight bearing", "weight_bearing"), ("Knä med o utan belastning", "weight_bearing"), ("Knee AP and non weight bearing lateral", "other"),
        ("Knee no contrast standing", "weight_bearing"), ("no fracture", "other"), ("nondisplaced fracture", "trauma"),
        ("KNEE WB", "weight_bearing"), ("Knie im Stehen", "weight_bearing"), ("genoux en charge", "weight_bearing"),
        ("genou sans charge", "other"), ("rodilla sin carga", "other"), ("rodilla en carga", "weight_bearing"),
    ],
)  # fmt: skip
def test_what_is_denied_is_no_protocol(words, protocol):
    assert describe.protocol(header(StudyDescription=words), SETTINGS) == protocol


@pytest.mark.parametrize(
    ("written", "sex"),
    [
        ("F", "female"), ("Mujer", "female"), ("Mulher", "female"), ("Mme", "female"), ("Madame", "female"), ("MUŽ", "male"),
        ("Hombre", "male"), ("Homme", "male"), ("Man", "male"), ("M", "male"), ("O", "other"), ("M/F", None), ("U", None), ("Miss", None),
    ],
)  # fmt: skip
def test_words_for_a_sex(written, sex):
    assert describe.sex(header(PatientSex=written)) == sex


@pytest.mark.parametrize(
    ("written", "years"),
    [
        ("62 Tage", 0),
        ("520 semaines", 9),
        ("62 lat", 62),
        ("62 v", 62),
        ("62岁", 62),
        ("30H", 0),
        ("62 giorni", None),
        ("62X", None),
    ],
)
def test_an_age_has_a_unit_that_is_known_or_none(written, years):
    ds = header(PatientAge=written)
    assert describe.age(ds, None)[0] == years
    assert ("age_unread" in describe.unread(ds, None)) == (years is None)


def test_a_birth_after_the_exam_is_told(tmp_path):
    found = record(tmp_path, PatientBirthDate="20210102", StudyDate="20200304")
    assert (found["age"], found["noted"]) == (None, "age_contradicted")


def test_dates_that_were_moved_far_ahead_are_read(tmp_path):
    found = record(tmp_path, PatientBirthDate="21180102", StudyDate="21800304")
    assert (found["date"], found["age"], found["noted"]) == ("2180-03-04", 62, None)


@pytest.mark.parametrize(
    ("born", "written", "years"),
    [
        ("20100228", "062Y", 62), ("20090601", "062Y", 62), ("20100101", "062Y", 62),  # of the exam's year
        ("19600101", "030Y", 30), ("19800101", "062Y", 62),  # the first of January
        ("19480101", "062Y", 62), ("19480101", "000Y", 62), ("20090601", "000Y", 0), ("20090601", "009M", 0),
        ("19600202", "030Y", 50),  # two plausible ones
    ],
)  # fmt: skip
def test_a_birth_date_that_is_no_day_of_birth(tmp_path, born, written, years):
    found = record(tmp_path, PatientBirthDate=born, PatientAge=written, StudyDate="20100301")
    assert found["age"] == years


RAW = {
    "FORPROCESSING": {"PresentationIntentType": "FORPROCESSING"},
    "raw intent": {"PresentationIntentType": "RAW"},
    "type": {"ImageType": ["ORIGINAL", "PRIMARY", "RAW"]},
    "type in words": {"ImageType": ["ORIGINAL", "PRIMARY", "", "FOR_PROCESSING"]},
    "series": {"SeriesDescription": "Frontal höger For Processing"},
    "unprocessed": {"SeriesDescription": "unprocessed AP"},
    "German": {"SeriesDescription": "Knie ap Rohbild"},
    "Swedish": {"SeriesDescription": "Knä frontal råbild"},
}


@pytest.mark.parametrize("tags", RAW.values(), ids=RAW)
def test_a_raw_image_says_so_in_many_ways(tmp_path, tags):
    assert record(tmp_path, SOPClassUID=ComputedRadiographyImageStorage, **tags)["code"] == "for_processing"


@pytest.mark.parametrize("series", ["AP MUSICA processing", "drawer view", "Frontal höger"])
def test_what_is_processed_is_no_raw_image(tmp_path, series):
    assert record(tmp_path, SOPClassUID=ComputedRadiographyImageStorage, SeriesDescription=series)["code"] is None


def test_the_class_of_an_object_may_stand_in_its_meta_information_alone(tmp_path):
    path = save(
        radiograph(np.random.default_rng(2), SOPClassUID=DigitalXRayImageStorageForProcessing), tmp_path / "a.dcm"
    )
    ds = read(path)
    del ds.SOPClassUID
    ds.save_as(path)
    assert inspect(tmp_path, "a.dcm", SETTINGS)["code"] == "for_processing"


@pytest.mark.parametrize("said", ["YES", "Y", "JA", "SI", "OUI", "ON", "TRUE", "1", "BURNED IN", "PRESENT", "NAME"])
def test_words_in_the_picture_are_admitted_in_several_languages(tmp_path, said):
    assert record(tmp_path, BurnedInAnnotation=said)["code"] == "burned_in"


@pytest.mark.parametrize(
    "said", ["NO", "NON", "NEIN", "FALSE", "OFF", "0", "NOT PRESENT", "NO NAME", "ANNOTATION NOT PRESENT"]
)
def test_no_is_no_in_any_of_these_words(tmp_path, said):
    assert record(tmp_path, BurnedInAnnotation=said)["burned_in"] == "no"


def declare(path, charset):
    """Declare another character set in a file whose texts are UTF-8, without a change of them."""
    written = charset + b" " * (len(charset) % 2)
    old, new = (b"\x08\0\5\0CS" + len(one).to_bytes(2, "little") + one for one in (b"ISO_IR 192", written))
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))
    return path


@pytest.mark.parametrize("declared", [b"ISO 2022 IR 87", b"\\ISO 2022 IR 149", b"\\ISO 2022 IR 58"])
def test_utf_8_under_a_character_set_that_begins_with_an_escape(tmp_path, declared):
    declare(save(radiograph(np.random.default_rng(2)), tmp_path / "a.dcm"), declared)
    assert inspect(tmp_path, "a.dcm", SETTINGS)["side"] == "right"


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
@pytest.mark.parametrize(
    "declared",
    ["ISO-IR 100", "ISO_IR100", "LATIN1", "WINDOWS-1252", "UTF-8", "ISO-IR 192", "ISO_IR 192\\ISO 2022 IR 13", "ISO_IR 999",
     "ISO_IR 100\\ISO_IR 192", "ISO 2022 IR 6\\ISO 2022 IR 100", "ASCII"],
)  # fmt: skip
def test_letters_are_read_under_a_character_set_that_is_misspelled(tmp_path, declared, encoding):
    name = "Åkesson^Örjan".encode(encoding).ljust(16)
    ds = radiograph(np.random.default_rng(2), PatientName="x" * 16, StudyDescription="Knee", SeriesDescription="AP")
    path = declare(save(ds, tmp_path / "a.dcm"), declared.encode())
    path.write_bytes(path.read_bytes().replace(b"x" * 16, name))
    assert inspect(tmp_path, "a.dcm", SETTINGS)["patient_name"] == "Åkesson^Örjan"


@pytest.mark.parametrize("declared", ["ISO_IR 100", None])
@pytest.mark.parametrize(
    ("words", "codec", "side"),
    [("Sağ diz", "iso8859-9", "right"), ("Sol diz", "iso8859-9", "left"), ("Jobb térd", "cp1250", "right"), ("Pravé koleno", "cp1250", "right"),
     ("Levé koleno", "iso8859-2", "left"), ("Levé koleno", "utf-8", "left")],
)  # fmt: skip
def test_knee_and_side_are_read_in_a_set_of_characters_that_is_not_the_declared_one(
    tmp_path, declared, words, codec, side
):
    dataset = radiograph(
        np.random.default_rng(2), StudyDescription="xxxxxxxxxxxxxxxx", SeriesDescription="AP", BodyPartExamined=None
    )
    dataset.SpecificCharacterSet = declared
    path = save(dataset, tmp_path / "a.dcm")
    path.write_bytes(path.read_bytes().replace(b"x" * 16, words.encode(codec).ljust(16)))
    found = inspect(tmp_path, "a.dcm", SETTINGS)
    assert (found["side"], found["body_part"]) == (side, "knee")
