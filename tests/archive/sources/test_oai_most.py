"""Releases of OAI and MOST that never were, after the public descriptions: what becomes of each cell and film.

Nobody here has seen the real ones. These hold the traps that are known of.
"""

import shutil

import numpy as np
import pandas as pd
import pytest

from analysis.archive.ingest import ingest
from analysis.archive.people.pseudonyms import Pseudonyms, key_from_seed
from analysis.archive.releases.oai_tables import eight
from analysis.archive.releases.tables import code
from analysis.archive.settings import IngestSettings
from analysis.archive.sources import find_sources
from analysis.archive.sources.most import MOSTSettings
from analysis.archive.sources.oai import OAISettings
from analysis.errors import StudyError
from tests.archive.files import radiograph, save
from tests.archive.sources import releases
from tests.archive.test_knees import legs

OAI, MOST = (find_sources()[name] for name in ("oai", "most"))
NAMES = Pseudonyms(key_from_seed(1))
BILATERAL = "Bilateral PA Fixed Flexion Knee"


def film(path, person, barcode, words=BILATERAL, pixels=None, **tags):
    """A film as the hard drive has it: one file `001`, no laterality, the participant's number, a real date."""
    pixels = legs() if pixels is None else pixels
    usual = {
        "PatientID": person, "AccessionNumber": barcode, "StudyDescription": "OAI^XRAY^SCREENING^KNEE",
        "SeriesDescription": words, "StudyDate": "20050301", "PatientName": person, "PatientBirthDate": None,
        "PatientSex": None, "Modality": "CR", "ImagerPixelSpacing": [1.0, 1.0], "PixelData": pixels.tobytes(),
    }  # fmt: skip
    ready = usual | tags
    if ready["ImagerPixelSpacing"] is None:
        del ready["ImagerPixelSpacing"]
    return save(radiograph(np.random.default_rng(int(barcode[-4:])), pixels.shape, **ready), path / "001")


def turned(pixels):
    """A film in MONOCHROME1."""
    return (4095 - pixels).astype("<u2")


@pytest.fixture(scope="module")
def drive(tmp_path_factory):
    """Two months, two groups, six people, and the tables in their ASCII form."""
    folder = tmp_path_factory.mktemp("oai")
    (folder / "again").symlink_to(folder)  # a link in a circle: each folder is read once
    v00, v05 = folder / "00m", folder / "36m"
    film(v00 / "0.C.2/1000001/20050301/00000101", "1000001", "016600000101")
    for number, words in ((102, "Lateral Right Knee"), (103, "PA Left Hand"), (104, "AP Pelvis")):
        film(v00 / f"0.C.2/1000001/20050301/00000{number}", "1000001", f"016600000{number}", words)
    film(v00 / "0.C.2/1000002/20050302/00000201", "1000002", "016600000201", f"{BILATERAL}   ",
         turned(legs(joints=(180, 175))), PhotometricInterpretation="MONOCHROME1")  # fmt: skip
    film(v00 / "0.E.1/1000003/20050303/00000301", "1000003", "016600000301", pixels=legs(joints=(160, 165)),
         ImagerPixelSpacing=None)  # fmt: skip
    tall = legs(rows=430, columns=350, middle=175, apart=85, joints=(210, 220))
    film(v00 / "0.E.1/1000004/20050304/00000401", "1000004", "016600000401", pixels=tall)
    one = legs(columns=200, middle=210, only=[0])
    film(v00 / "0.E.1/1000005/20050305/00000501", "1000005", "016600000501", "PA Fixed Flexion Right Knee", one)
    film(
        v00 / "0.E.1/1000006/20050306/00000601", "1000006", "016600000602", pixels=legs(joints=(200, 205))
    )  # one more than the folder says
    film(v05 / "5.C.1/1000001/20080310/00000701", "1000001", "016600000701", pixels=legs(joints=(150, 155)),
         StudyDate="20080310", StudyDescription="OAI^XRAY^36 MONTH^KNEE")  # fmt: skip
    (v00 / "contents.csv").write_text(
        '"Folder","ParticipantID","StudyDate","Barcode","StudyDescription","SeriesDescription"\n'
        f'"0.C.2/1000001","1000001","20050301","16600000101","OAI^XRAY^SCREENING","{BILATERAL}  "\n'
    )
    (v00 / "0.C.2/1000001/20050301/10000001").mkdir()
    (v00 / "0.C.2/1000001/20050301/10000001/001").write_bytes(b"a slice of magnetic resonance")
    bu00 = [
        "ID|SIDE|READPRJ|V00BARCDBU|V00XRKL|V00XRJSM|V00XRATTM|V00XRSCTM",
        "1000001|1: Right|15|016600000101|2: 2|1: 1|.: Missing Form/Incomplete Workbook|",
        "1000001|2: Left|15|016600000101|0|0||",
        "1000002|1: Right|42|016600000201|3: 3|2|2: 2|1",
        "1000002|1: Right|15|016600000201|4|3|3|2",
        "1000002|2: Left|42|016600000201|1|1|0|0",
        "1000003|1: Right|15|T|1|0|.A|.A",
        "1000003|2: Left|15||1.9|0.5||",
        "1000004|1: Right|15|16600000401|2.0|1|0|0",
        "1000004|2: Left|15|016600000401|.: Missing Form/Incomplete Workbook|.||",
        "1000005|1: Right|15|016600000501|2|7|0|0",
        "1000006|2: Left|15|016600000601|0|0||",
        "1000006|1: Right|15|016600000601|0|0||",
        "1000009|1: Right|15|016600000901|2|0||",
    ]
    (folder / "kxr_sq_bu00.txt").write_bytes("\r\n".join(bu00).encode("latin-1"))
    (folder / "KXR_SQ_BU05.txt").write_text(
        "id|side|readprj|V05BARCDBU|V05XRKL|V05XRJSM\n1000001|1|15|016600000701|3|2.2\n1000001|2|37|016600000701|0|0\n"
    )
    (folder / "Enrollees.txt").write_text("ID|P02SEX\n1000001|2: Female\n1000004|1: Male\n")
    (folder / "AllClinical00.txt").write_text("ID|V00AGE\n1000001|61\n1000004|.M\n")
    (folder / "OUTCOMES99.txt").write_text(
        "id|V99ERKBLRP|V99ELKBLRP|V99ERKRPCF|V99ELKRPCF|V99ERKDAYS|V99ELKDAYS|V99ERKTLPR|V99ELKTLPR\n"
        "1000001|0: No|0: No|.|3: Replacement adjudicated, confirmed|.|400|.|2: Partial\n"
        "1000002|0|0|.|.|.|.|.|.\n1000004|0: No|1: Yes|.|.|.|.|.|.\n1000005|0|0|1|.|10|.|1: Total|.\n1000006|0|0|3|.|3000|.|.T|.\n"
    )
    return folder


def made(source, settings, out):
    return source.make(settings, 1, out, 1), (out / "readings.csv").read_text()


EXPECTED = """exam,reader,role,session,item,value,revisit,time,side
016600000101,BU consensus,reader,V00,jsn_medial,0,0,,left
016600000101,BU consensus,reader,V00,kl,0,0,,left
016600000101,BU consensus,reader,V00,tka,0,0,,left
016600000101,BU consensus,reader,V00,jsn_medial,1,0,,right
016600000101,BU consensus,reader,V00,kl,2,0,,right
016600000101,BU consensus,reader,V00,tka,0,0,,right
016600000201,BU consensus,reader,V00,attrition_medial_tibia,0,0,,left
016600000201,BU consensus,reader,V00,jsn_medial,1,0,,left
016600000201,BU consensus,reader,V00,kl,1,0,,left
016600000201,BU consensus,reader,V00,sclerosis_medial_tibia,0,0,,left
016600000201,BU consensus,reader,V00,tka,0,0,,left
016600000201,BU consensus,reader,V00,attrition_medial_tibia,1,0,,right
016600000201,BU consensus,reader,V00,jsn_medial,3,0,,right
016600000201,BU consensus,reader,V00,kl,4,0,,right
016600000201,BU consensus,reader,V00,sclerosis_medial_tibia,1,0,,right
016600000201,BU consensus,reader,V00,tka,0,0,,right
016600000301,BU consensus,reader,V00,jsn_medial,0,0,,left
016600000301,BU consensus,reader,V00,jsn_medial,0,0,,right
016600000301,BU consensus,reader,V00,kl,1,0,,right
016600000401,BU consensus,reader,V00,tka,1,0,,left
016600000401,BU consensus,reader,V00,attrition_medial_tibia,0,0,,right
016600000401,BU consensus,reader,V00,jsn_medial,1,0,,right
016600000401,BU consensus,reader,V00,kl,2,0,,right
016600000401,BU consensus,reader,V00,sclerosis_medial_tibia,0,0,,right
016600000401,BU consensus,reader,V00,tka,0,0,,right
016600000501,BU consensus,reader,V00,attrition_medial_tibia,0,0,,right
016600000501,BU consensus,reader,V00,kl,2,0,,right
016600000501,BU consensus,reader,V00,sclerosis_medial_tibia,0,0,,right
016600000501,BU consensus,reader,V00,tka,0,0,,right
016600000602,BU consensus,reader,V00,jsn_medial,0,0,,left
016600000602,BU consensus,reader,V00,kl,0,0,,left
016600000602,BU consensus,reader,V00,tka,0,0,,left
016600000602,BU consensus,reader,V00,jsn_medial,0,0,,right
016600000602,BU consensus,reader,V00,kl,0,0,,right
016600000602,BU consensus,reader,V00,tka,0,0,,right
"""


EXPECTED_OF_MOST = """exam,reader,role,session,item,value,revisit,time,side
9000010,MOST consensus,reader,V0,jsn_medial,0,0,,left
9000010,MOST consensus,reader,V0,jsn_medial,1,0,,right
9000010,MOST consensus,reader,V0,kl,2,0,,right
9000010,MOST consensus,reader,V0,ost_medial_femur,1,0,,right
9000110,MOST consensus,reader,V0,jsn_medial,0,0,,left
9000110,MOST consensus,reader,V0,kl,0,0,,left
9000110,MOST consensus,reader,V0,ost_medial_femur,0,0,,right
"""


@pytest.fixture(scope="module")
def baseline(drive, tmp_path_factory):
    out = tmp_path_factory.mktemp("archive")
    return out, *made(OAI, OAISettings(folder=str(drive)), out)


def test_every_cell_of_the_hard_drive_becomes_a_reading_or_is_counted(baseline):
    out, told, readings = baseline
    assert readings == EXPECTED
    assert told.startswith("6 films, 11 knees of 6 people.")
    assert "\n       1 cells of V00XRKL are '1.9'\n" in told and "\n       0 " not in told
    counts = pd.read_csv(out / "import.csv", keep_default_na=False).set_index(["column", "found"])["n"]
    assert counts["V00XRKL", "1.9"] == 1 and counts["V00XRKL", "."] == 1 and counts["V00XRJSM", "7"] == 1
    assert counts["V00XRATTM", ".A"] == 1
    notes = counts[""]
    assert notes["V00XRJSM: decimals, of which the whole grade was taken"] == 1
    assert notes["knees read in a second project as well, of which the first counts"] == 1
    assert notes["readings matched by person and visit"] == 2  # T, and an empty barcode
    assert notes["readings without a film"] == 1
    assert notes["films in MONOCHROME1"] == 1 and notes["films with spacing in none"] == 1
    assert notes["films of these visits that no reading names: not read"] == 0
    assert notes["knees of which no table of outcomes says whether they were replaced"] == 2  # of 1000003
    assert notes["exams of which no table says the age"] == 5 and notes["kxr_sq_bu00.txt has no column V00XROSFM"] == 1
    assert counts["V99ERKTLPR", ".T"] == 1  # neither total nor partial
    assert notes["DICOM files"] == 10  # folders of magnetic resonance aren't entered


def test_the_archive_goes_through_ingest_knee_by_knee(baseline):
    out, _, _ = baseline
    index = ingest(out, IngestSettings(), NAMES)
    assert index.files["code"].isna().all()
    assert (len(index.images), index.images["exam"].nunique()) == (11, 11)
    assert index.images["side"].value_counts().to_dict() == {"right": 6, "left": 5}
    assert set(index.images["protocol"]) == {"weight_bearing"} and set(index.images["view"]) == {"ap"}
    assert len(index.readings) == EXPECTED.count("\n") - 1
    people = index.images.set_index("exam")
    exam = NAMES("exam", "accession 016600000101")
    assert people.loc[f"{exam}-left", ["age", "sex"]].tolist() == [61.0, "female"]
    other = people.loc[f"{NAMES('exam', 'accession 016600000401')}-right"]
    assert np.isnan(other["age"]) and other["sex"] == "male"


def test_visits_are_a_setting_and_a_knee_replaced_in_between_is_one_on_the_later_film_only(drive, tmp_path):
    made(OAI, OAISettings(folder=str(drive), visits=["V00", "V05"]), tmp_path)
    rows = pd.read_csv(tmp_path / "readings.csv", dtype=str).query("item in ['kl', 'tka', 'uka', 'jsn_medial']")
    later = rows[rows["session"] == "V05"].set_index(["side", "item"])["value"].to_dict()
    none = {"tka": "0", "uka": "0"}
    partial = {"tka": "0", "uka": "1"}  # one compartment alone
    assert later == {("right", item): value for item, value in ({"kl": "3", "jsn_medial": "2"} | none).items()} | {
        ("left", item): value for item, value in ({"kl": "0", "jsn_medial": "0"} | partial).items()
    }
    first = rows[(rows["session"] == "V00") & (rows["exam"] == "016600000101") & (rows["item"] == "tka")]
    assert set(first["value"]) == {"0"}
    people = pd.read_csv(tmp_path / "exams.csv", dtype={"exam": str}).set_index("exam")
    assert people.loc["016600000701", "age"] == 64
    with pytest.raises(ValueError, match="'V07' is no visit with films"):
        OAISettings(visits=["V07"])


def nda(drive, folder):
    """The same in the NDA's form: tabs, a second header line, one table for all visits."""
    shutil.copytree(drive, folder, ignore=shutil.ignore_patterns("*.txt", "contents.csv", "again"))
    old = [line.split("|") for line in (drive / "kxr_sq_bu00.txt").read_text("latin-1").splitlines()]
    names = ["subjectkey", "src_subject_id", "visit", "side", "readprj", "barcode", "xrkl", "xrjsm", "xrattm", "xrsctm"]
    words = [
        "The NDAR identifier",
        "Subject ID",
        "Visit name",
        "Side",
        "Project",
        "Barcode",
        "KL",
        "JSN",
        "Attr",
        "Scl",
    ]
    rows = [[f"NDAR_{row[0]}", row[0], "V00", code(row[1]), *(code(cell) for cell in row[2:])] for row in old[1:]]
    (folder / "oai_kxrsemiquant01.txt").write_text("\n".join("\t".join(line) for line in [names, words, *rows]) + "\n")
    (folder / "oai_enrollee01.txt").write_text(
        "subjectkey\tsrc_subject_id\tageyears\tsex\nThe NDAR identifier\tSubject ID\tAge in years\tSex at birth\n"
        "NDAR_1\t1000001\t61\tF\nNDAR_4\t1000004\t\tM\n"
    )
    shutil.copy(drive / "OUTCOMES99.txt", folder)
    return folder


def test_the_ndas_form_gives_the_same_readings(drive, baseline, tmp_path):
    _, readings = made(OAI, OAISettings(folder=str(nda(drive, tmp_path / "nda"))), tmp_path / "out")
    assert readings == EXPECTED
    assert (tmp_path / "out/exams.csv").read_text() == (baseline[0] / "exams.csv").read_text()


def test_a_film_whose_header_does_not_say_what_it_is_of_is_known_by_a_table(drive, tmp_path):
    shutil.copy(drive / "kxr_sq_bu00.txt", tmp_path)
    film(tmp_path / "00m/0.C.2/1000001/20050301/00000101", "1000001", "016600000101", None)
    with pytest.raises(StudyError, match=r"no fixed-flexion film of the knee; .*, and 1 DICOM files were found\. Give"):
        made(OAI, OAISettings(folder=str(tmp_path)), tmp_path / "out")
    (tmp_path / "SubjectChar00.txt").write_text("ID|V00AGE\n1000001|61\n")
    tables = {
        "contents.csv": f'Folder,AccessionNumber,SeriesDescription\n0.C.2/1000001,16600000101,"{BILATERAL}  "\n',
        "oai_xrmeta01.txt": f"subjectkey\tbarcode\texamtype\nThe NDAR identifier\tBarcode\tType\nNDAR_1\t016600000101\t{BILATERAL}\n",
    }
    for name, table in tables.items():
        (tmp_path / name).write_text(table)
        told, _ = made(OAI, OAISettings(folder=str(tmp_path)), tmp_path / "out")
        assert (
            told.startswith("1 film, 2 knees of 1 people.") and "1 films whose header has no SeriesDescription" in told
        )
        (tmp_path / name).unlink()


@pytest.mark.skipif(not releases.haven(), reason="R's haven (Debian: r-cran-haven) writes files of SAS")
def test_sas_gives_the_same_readings(drive, most, tmp_path):
    """Numbers as floats, text as SAS leaves it, what is missing empty; the two cohorts' tables may lie in one folder."""
    oai = tmp_path / "sas"
    shutil.copytree(drive, oai, ignore=shutil.ignore_patterns("kxr_sq_bu00.txt", "again"))
    paths = {drive / "kxr_sq_bu00.txt": "|", most / "mostv01235xray.txt": "\t", most / "mostv01235enroll.txt": "\t"}
    tables = {
        path.stem: pd.read_csv(path, sep=separator, dtype=str, encoding="latin-1", keep_default_na=False)
        for path, separator in paths.items()
    }
    releases.sas_form(oai, tables)
    assert made(OAI, OAISettings(folder=str(oai)), tmp_path / "oai")[1] == EXPECTED
    text = made(MOST, MOSTSettings(folder=str(most)), tmp_path / "text")[1]
    for name in tables:
        if name.startswith("most"):
            (most / f"{name}.txt").unlink()
            shutil.copy(oai / f"{name}.sas7bdat", most)
    assert made(MOST, MOSTSettings(folder=str(most)), tmp_path / "most")[1] == text == EXPECTED_OF_MOST
    people = [(tmp_path / name / "exams.csv").read_text() for name in ("text", "most")]
    assert people[0] == people[1] and "9000010,66.0,female" in people[0]


def test_what_is_no_release_is_told(drive, tmp_path):
    with pytest.raises(StudyError, match=r"archive\.oai\.folder is 'None', which is not a folder"):
        made(OAI, OAISettings(), tmp_path / "out")
    (tmp_path / "kl/train/2").mkdir(parents=True)
    (tmp_path / "kl/train/2/9000099L.png").write_bytes(b"")
    with pytest.raises(StudyError, match=r"kneeKL224.*no external test for the OAI"):
        made(OAI, OAISettings(folder=str(tmp_path / "kl")), tmp_path / "out")
    (tmp_path / "packed").mkdir()
    shutil.copy(drive / "kxr_sq_bu00.txt", tmp_path / "packed")
    (tmp_path / "packed/016600000101.tar.gz").write_bytes(b"")
    with pytest.raises(
        StudyError, match=r"and 0 DICOM files were found, and 1 packed ones .* have to be unpacked first"
    ):
        made(OAI, OAISettings(folder=str(tmp_path / "packed")), tmp_path / "out")
    with pytest.raises(StudyError, match="no readings of the visits V08"):
        made(OAI, OAISettings(folder=str(drive), visits=["V08"]), tmp_path / "out")


def test_the_text_says_at_which_visits_the_films_were_taken():
    told = OAI.told(OAISettings(visits=["V06", "V00", "V01"]))["description"]
    assert told.endswith("of the knee, and of a few controls, taken at baseline and after 12 and 48 months.")
    assert MOST.told(MOSTSettings())["description"].endswith("taken at baseline with the beam at 10 degrees.")
    assert "taken after 15 months with" in MOST.told(MOSTSettings(visits=["V1"]))["description"]


@pytest.mark.parametrize(
    ("written", "expected"),
    [("016600000101", "00000101"), ("16600000101", "00000101"), ("101", "00000101"), ("16600000101.0", "00000101"),
     ("T", ""), ("", "")],
)  # fmt: skip
def test_barcodes_that_lost_a_zero_or_are_none(written, expected):
    assert eight(written) == expected


@pytest.fixture
def most(tmp_path):
    """Three people at baseline, of two beams each; codes for grades in three knees."""
    folder = tmp_path / "most"
    for number, person in enumerate(("MB00001", "MI00002", "MB00003")):
        for beam in ("PA05", "PA10"):
            film(folder / f"{person}/V0_xray/{beam}", person, f"9000{number}{beam[2:]}", "Knee",
                 legs(joints=(160 + number, 170 + int(beam[2:]))))  # fmt: skip
    (folder / "mostv01235xray.txt").write_text(
        "MOSTID\tV0XRKL\tV0XLKL\tV0XRJSM\tV0XLJSM\tV0XROSFM\tV3XRKL\n"
        "MB00001\t2\t1.9\t1.5\t0\t1\t3\nMI00002\t8\t0\t.\t0.5\t0\t\nMB00003\t9\tX\t\t\t\t1\nMB00004\t1\t1\t0\t0\t0\t\n"
    )
    (folder / "mostv01235enroll.txt").write_text("MOSTID\tAGE\tSEX\nMB00001\t66\t2: Female\n")
    return folder


def test_most_is_wide_and_its_codes_are_known(most, tmp_path):
    told, readings = made(MOST, MOSTSettings(folder=str(most)), tmp_path / "out")
    assert readings == EXPECTED_OF_MOST
    assert told.startswith("2 films, 4 knees of 2 people.")
    counts = pd.read_csv(tmp_path / "out/import.csv", keep_default_na=False).set_index(["column", "found"])["n"]
    assert counts["V0XLKL", "1.9"] == counts["V0XRKL", "8"] == counts["V0XRKL", "9"] == counts["V0XLKL", "X"] == 1
    assert counts["", "knees with grades and without a film"] == 2
    assert counts["", "films of these visits that no reading names: not read"] == 1
    index = ingest(tmp_path / "out", IngestSettings(), NAMES)
    assert len(index.images) == 6 and index.readings["exam"].nunique() == 4  # MB00003 is there, and not read
    assert index.files["code"].isna().all()


def test_replaced_knees_of_most_are_those_of_which_reading_and_outcomes_say_it(most, tmp_path):
    """MI00002: code 8 and replaced by baseline. MB00003: code 8, and replaced later. MB00001: graded, yet replaced."""
    (most / "mostv01235xray.txt").write_text(
        "MOSTID\tV0XRKL\tV0XLKL\tV1XRKL\tV1XLKL\nMB00001\t2\t1\t2\t1\nMI00002\t8\t0\t8\t1\nMB00003\t8\t3\t8\t8\n"
    )
    (most / "mostoutcomes.txt").write_text(
        "MOSTID\tV99ERKRINDEX\tV99ELKRINDEX\nMB00001\t1\t.A\nMI00002\t0\t3\nMB00003\t2\t1\nMB00009\t0\t0\n"
    )
    for number, person in enumerate(("MB00001", "MI00002", "MB00003")):
        film(most / f"{person}/V1_xray/PA10", person, f"9100{number}10", "Knee", legs(joints=(150 + number, 140)))
    made(MOST, MOSTSettings(folder=str(most), visits=["V0", "V1"]), tmp_path / "out")
    rows = pd.read_csv(tmp_path / "out/readings.csv", dtype=str)
    found = {
        (exam[3:5], visit, side): dict(zip(part["item"], part["value"], strict=True))
        for (exam, visit, side), part in rows.groupby(["exam", "session", "side"])
    }
    none, gone = {"tka": "0"}, {"tka": "1"}
    assert found == {
        ("00", "V0", "right"): {"kl": "2", **none},
        ("00", "V0", "left"): {"kl": "1", **none},
        ("00", "V1", "right"): {"kl": "2"},  # of a knee with a grade no implant is made
        ("00", "V1", "left"): {"kl": "1", **none},
        ("01", "V0", "right"): gone,
        ("01", "V0", "left"): {"kl": "0", **none},
        ("01", "V1", "right"): gone,
        ("01", "V1", "left"): {"kl": "1", **none},
        ("02", "V0", "left"): {"kl": "3", **none},
        ("02", "V1", "left"): gone,
    }
    counts = pd.read_csv(tmp_path / "out/import.csv", keep_default_na=False).set_index(["column", "found"])["n"]
    assert counts["V99ELKRINDEX", ".A"] == 1
    assert counts["", "knees of code 8 that no outcome says to be replaced, left out"] == 2
    assert counts["", "knees with grades that the outcomes call replaced, of which no replacement is recorded"] == 1
