"""What real archives have done to ingest: each a small archive, made after a public report, and what it must become."""

import os
import re
import shutil
import unicodedata
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from pydicom.data import get_testdata_file
from pydicom.uid import ExplicitVRBigEndian, JPEG2000Lossless, JPEGLSLossless, RLELossless, generate_uid

from analysis.archive import describe
from analysis.archive.commands import ingest as command
from analysis.archive.dicom.dataset import read
from analysis.archive.find import escaped, find, inventory, real_path
from analysis.archive.handed_over import misnamed
from analysis.archive.headers import read_headers
from analysis.archive.ingest import Refused, ingest, write
from analysis.archive.inspect import inspect
from analysis.archive.people.matching import exams_of_readings, fill_from, reports_of_exams
from analysis.archive.people.patients import patients
from analysis.archive.people.pseudonyms import Pseudonyms, key_from_seed
from analysis.archive.reasons import REASONS
from analysis.archive.settings import IngestSettings
from analysis.archive.tables import read_exams, read_readings, read_reports
from analysis.archive.words import match
from analysis.cohort.selection import count_images
from analysis.cohort.settings import WordsSettings
from analysis.cohort.words import mentions
from analysis.errors import StudyError
from analysis.files import read_table
from analysis.imaging.pixels import decode
from analysis.imaging.prepare import prepare
from analysis.imaging.settings import ImagesSettings
from analysis.imaging.store import ImageStore
from tests.archive.files import radiograph, save

NAMES = Pseudonyms(key_from_seed(1))
RNG = np.random.default_rng(7)
READ = "exam,reader,role,session,item,value,revisit,time\n"


def knee(number=0, **tags):
    """A radiograph of patient and exam `number`, without words that tell a side."""
    given = {
        "PatientID": f"P{number:04d}", "PatientName": f"Case{number:04d}^Knee", "AccessionNumber": f"A{number:05d}",
        "StudyDescription": "Knee", "SeriesDescription": "", "StudyDate": "20200304", "PatientBirthDate": "19500102",
    }  # fmt: skip
    return radiograph(RNG, **(given | tags))


def indexed(folder, settings=None, **tables):
    for name, content in tables.items():
        (folder / f"{name}.csv").write_text(content)
    return ingest(folder, settings or IngestSettings(), NAMES)


def rows(index):
    """The indexed images by file name."""
    table = index.images.merge(index.files[["image", "path"]], on="image")
    return table.assign(name=table["path"].map(lambda path: Path(path).stem)).set_index("name").sort_index()


def counts(table):
    return table.assign(key=table["code"].fillna(table["kind"])).set_index("key")["n"].to_dict()


# Nothing disappears in silence.


def test_no_name_of_a_file_is_a_formula_in_a_table_for_people(tmp_path):
    save(knee(), tmp_path / "dicom/a.dcm")
    (tmp_path / "dicom/=1+cmd.txt").write_text("no image")
    write(indexed(tmp_path / "dicom"), tmp_path / "out", tmp_path / "private")
    assert "'=1+cmd.txt" in set(read_table(tmp_path / "private/rejected.csv")["path"])
    assert "=1+cmd.txt" in set(read_table(tmp_path / "private/index.parquet")["path"])


@pytest.mark.parametrize(
    "name",
    [
        b"kn\xe4_h\xf6ger.dcm",
        b"back\\slash",
        b"line\nbreak",
        b"\xff\xfe",
        "knä".encode(),
        "\u202emcd.knee\u200b\xa0".encode(),
    ],
)
def test_any_name_works_and_is_shown_escaped(tmp_path, name):
    folder = tmp_path / "dicom" / os.fsdecode(name)
    save(knee(), folder / os.fsdecode(name))
    (folder / "stray.txt").write_text("no image")
    index = indexed(tmp_path)
    write(index, tmp_path / "out", tmp_path / "private")
    files = read_table(tmp_path / "private/index.parquet")
    assert files["path"].map(lambda path: path.isprintable()).all()
    assert {real_path(tmp_path, path) for path in files["path"]} == set(folder.iterdir())
    settings = ImagesSettings(size=16)
    assert prepare(tmp_path, index.images, files, settings, tmp_path / "images", shard=0, shards=1) == (1, 0)


def test_names_are_escaped_as_people_know_it():
    assert escaped(os.fsdecode(b"kn\xe4_h\xf6ger.dcm")) == r"kn\xe4_h\xf6ger.dcm"
    assert escaped("knä höger.dcm") == "knä höger.dcm"
    assert escaped("\u202emcd.knee") == r"\xe2\x80\xaemcd.knee"  # shown, it would turn what follows around


def test_links_to_folders_are_followed_once_and_loops_end(tmp_path):
    for number in range(3):
        save(knee(number), tmp_path / f"disk{number}" / "a" / f"{number}.dcm")
    archive = tmp_path / "archive"
    save(knee(9), archive / "dicom" / "here" / "9.dcm")
    for number in range(3):
        (archive / "dicom" / f"p{number}").symlink_to(tmp_path / f"disk{number}")
    (archive / "dicom" / "again").symlink_to(tmp_path / "disk0" / "a")
    (archive / "dicom" / "inside").symlink_to(archive / "dicom" / "here")
    (tmp_path / "disk0" / "a" / "loop").symlink_to(tmp_path / "disk0")
    (archive / "dicom" / "itself").symlink_to("itself")
    (archive / "dicom" / "up").symlink_to(tmp_path)
    index = indexed(archive)
    found = index.files.set_index("path")["code"].fillna("").to_dict()
    assert found == {
        "dicom/again/0.dcm": "", "dicom/p1/a/1.dcm": "", "dicom/p2/a/2.dcm": "", "dicom/here/9.dcm": "",
        "dicom/itself": "not_a_file", "dicom/up": "loop",
    }  # fmt: skip
    assert counts(index.counts)["found"] == 6
    assert index.images["patient"].nunique() == 4


def test_folders_that_cannot_be_entered_have_a_row(tmp_path, monkeypatch):
    save(knee(), tmp_path / "dicom" / "a.dcm")
    save(knee(1), tmp_path / "dicom" / "locked" / "b.dcm")
    scandir = os.scandir

    def refuse(place):
        if str(place).endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return scandir(place)

    monkeypatch.setattr(os, "scandir", refuse)
    index = indexed(tmp_path)
    row = index.files.set_index("path").loc["dicom/locked"]
    assert row["code"] == "no_access"
    assert "Permission denied" in row["detail"]
    assert counts(index.counts)["found"] == 2


def test_a_file_that_is_taken_away_meanwhile_is_told(tmp_path):
    save(knee(), tmp_path / "a.dcm")
    entries = find(tmp_path)
    (tmp_path / "a.dcm").unlink()
    row = read_headers(tmp_path, entries, IngestSettings(), 1).iloc[0]
    assert row["code"] == "not_a_file"
    assert "was taken away while the archive was read" in row["detail"]


def test_a_path_longer_than_the_system_allows_has_a_row(tmp_path):
    save(knee(), tmp_path / "dicom" / "a.dcm")
    before = Path.cwd()
    try:
        os.chdir(tmp_path / "dicom")
        for _ in range(25):
            os.mkdir("d" * 200)  # noqa: PTH102 - relative, since the whole path would be too long
            os.chdir("d" * 200)
    finally:
        os.chdir(before)
    index = indexed(tmp_path)
    assert counts(index.counts)["no_access"] == 1
    assert counts(index.counts)["found"] == 2
    shutil.rmtree(tmp_path / "dicom", ignore_errors=True)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04zip", "3 times: It is a packed file (zip); unpack it."),
        (b"\x1f\x8b\x08gz", "3 times: It is a packed file (gzip); unpack it."),
        (bytes(257) + b"ustar", "3 times: It is a packed file (tar); unpack it."),
        (bytes(32769) + b"CD001", "3 times: It is a packed file (ISO image of a disc); unpack it."),
        (b"\x89PNG\r\n", "3 times: It is a picture (PNG), not DICOM; export the radiograph as DICOM."),
        (b"\xff\xd8\xff\xe0", "3 times: It is a picture (JPEG)"),
        (b"%PDF-1.7", "3 times: It is no DICOM file (PDF)."),
        (b"some words", "3 times: It is no DICOM file (text)."),
    ],
)
def test_where_everything_is_rejected_the_reasons_are_told_and_written(tmp_path, content, said):
    archive = tmp_path / "archive"
    for number in range(3):
        (archive / "dicom").mkdir(parents=True, exist_ok=True)
        (archive / "dicom" / f"exam{number}").write_bytes(content)
    (tmp_path / "ingest.yaml").write_text("{}")
    arguments = [archive, "--out", tmp_path / "out", "--private-folder", tmp_path / "private", "--seed", 1,
                 "--settings", tmp_path / "ingest.yaml"]  # fmt: skip
    done = CliRunner().invoke(command, [str(argument) for argument in arguments])
    assert isinstance(done.exception, StudyError)
    assert "no radiograph that can be used (3 files found)" in str(done.exception)
    assert said in str(done.exception)
    for place in (tmp_path / "private", tmp_path / "private/failed"):
        assert len(pd.read_csv(place / "rejected.csv")) == 3
    for place in (tmp_path / "out", tmp_path / "private/failed"):
        assert counts(pd.read_csv(place / "counts.csv"))["found"] == 3


def test_an_archive_without_files_is_refused(tmp_path):
    (tmp_path / "dicom").mkdir()
    with pytest.raises(Refused, match=r"\(0 files found\)"):
        indexed(tmp_path)


def test_the_inventory_sees_every_change_of_a_nested_file(tmp_path):
    path = tmp_path / "dicom" / "ward" / "a.dcm"
    save(knee(), path)
    seen = [inventory(tmp_path)]
    save(knee(1), path.with_name("b.dcm"))
    seen.append(inventory(tmp_path))
    os.utime(path, ns=(0, 1))
    seen.append(inventory(tmp_path))
    path.write_bytes(path.read_bytes() + b"\0")
    os.utime(path, ns=(0, 1))
    seen.append(inventory(tmp_path))
    path.rename(path.with_name("c.dcm"))
    seen.append(inventory(tmp_path))
    path.with_name("c.dcm").unlink()
    seen.append(inventory(tmp_path))
    assert len(set(seen)) == len(seen)
    assert inventory(tmp_path) == inventory(str(tmp_path)) == seen[-1]


# Tables.

REPORTS = "accession,text\n00012345,Artros\n00012346,Ingen artros\n"


def two_exams(folder):
    for number in (12345, 12346):
        save(knee(number, AccessionNumber=f"{number:08d}"), folder / "dicom" / f"{number}.dcm")


@pytest.mark.parametrize(
    "changed",
    [
        "12345,a\n12346,b\n",
        "12345.0,a\n12346.0,b\n",
        '"1,23E+04",a\n',
        "1.23E+04,a\n",
        "12 345,a\n",
        '"12,345",a\n',
        '"12.345,00",a\n',
    ],
    ids=repr,
)
def test_numbers_that_a_spreadsheet_changed_are_shown_beside_those_of_the_files(tmp_path, changed):
    two_exams(tmp_path)
    with pytest.raises(Refused, match=r"none of the \d reports .*DICOM files have '00012345', '00012346'; a spread"):
        indexed(tmp_path, reports="accession,text\n" + changed)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (
            ["00012345", "00012399"],
            r"line 1: exam 00012399 has .*\(back\), or take it out of the table \(1 such exams\)",
        ),
        (["00012345", "12346"], r"the table has '12346', the DICOM files have '00012346'; a spreadsheet has changed"),
        (["00012345", "1.23E+04"], "the table has '1.23E.04', .* a spreadsheet has changed"),
        (["A1", "A2"], "the table has 'A1', 'A2', the DICOM files have '00012345', '00012346'; export the table"),
        (
            ["00012345", "0001-2346"],
            "the table has '0001-2346', the DICOM files have '00012346'; they differ in capitals",
        ),
    ],
)
def test_an_exam_that_was_taken_away_is_told_from_a_number_that_was_changed(tmp_path, written, told):
    files = pd.DataFrame({"accession": ["00012345", "00012346"], "study_uid": ["1.1", "1.2"], "exam": ["a", "b"]})
    with pytest.raises(StudyError, match=told):
        exams_of_readings(pd.DataFrame({"exam": written}), files, tmp_path / "readings.csv")


@pytest.mark.parametrize(
    ("written", "there"),
    [
        (str.upper, "KneeX-1"),
        (lambda name: f"-{name}", "KneeX-1"),
        (lambda name: f"{name}-", "KneeX-1"),
        (lambda name: name.replace("-", " - "), "KneeX-1"),
        (lambda name: name.lstrip("0"), "00012345"),
        (lambda name: f"{name}.0", "00012345"),
    ],
    ids=range(6),
)
@pytest.mark.parametrize("table", ["reports.csv", "exams.csv", "readings.csv"])
def test_some_names_in_another_spelling_are_counted_and_those_of_readings_refused(tmp_path, written, there, table):
    files = pd.DataFrame(
        {"accession": [there, "Y2"], "study_uid": ["1.1", "1.2"], "exam": ["a", "b"], "age": 60, "sex": "female"}
    )
    path, changed = tmp_path / table, written(there)
    told = (
        f"the table has '{re.escape(changed)}', the DICOM files have '{there}'; (they differ in capitals|a spreadsheet)"
    )
    names = [changed, "Y2"]
    if table == "exams.csv":
        path.write_text("exam,age,sex\n" + "".join(f"{name},60,f\n" for name in names))
        assert fill_from(path, files) == (
            None,
            {"exams_csv": 2, "exams_csv_of_no_exam": 1, "exams_csv_spelled_otherwise": 1},
        )
    elif table == "reports.csv":
        counts = reports_of_exams(pd.DataFrame({"accession": names, "text": "x", "texts": 1}), files, path)[1]
        assert (counts["reports_of_no_exam"], counts["reports_spelled_otherwise"]) == (1, 1)
    else:
        with pytest.raises(StudyError, match=told):
            exams_of_readings(pd.DataFrame({"exam": names}), files, path)


def test_reports_and_exams_that_do_not_meet_are_counted(tmp_path):
    two_exams(tmp_path)
    save(knee(7), tmp_path / "dicom" / "7.dcm")
    n = counts(indexed(tmp_path, reports=REPORTS + "99,x\n98,y\n").counts)
    assert (n["reports"], n["reports_of_no_exam"], n["exams_without_report"]) == (4, 2, 1)
    n = counts(indexed(tmp_path, reports='accession,text\n="00012345",a\n').counts)
    assert (n["reports"], n["reports_of_no_exam"], n["exams_without_report"]) == (1, 0, 2)


def test_items_in_any_case_are_one_and_readers_in_two_spellings_are_an_error(tmp_path):
    two_exams(tmp_path)
    lines = "00012345,A,reader,1,KL,2,0,\n00012346,A,reader,1,kl,2,0,\n"
    assert set(indexed(tmp_path, readings=READ + lines).readings["item"]) == {"kl"}
    with pytest.raises(StudyError, match="line 3: the reader of exam 00012346 is 'a'; it is spelled differently"):
        indexed(tmp_path, readings=READ + lines.replace("46,A", "46,a"))


@pytest.mark.parametrize(
    ("column", "one", "other", "same"),
    [
        ("reader", "1", "01", True),
        ("reader", "1", "1.0", True),
        ("reader", "A1", "A 01", True),
        ("reader", "1", "10", False),
        ("reader", "100", "10", False),
        ("reader", "1-12", "11-2", False),
        ("item", "q1.1", "q11", False),
        ("item", "kl", "k l", True),
        ("item", "jsn_medial", "JSN medial", True),
        ("item", "kl", "kl2", False),
        ("item", "kl", "no knee", True),  # by which exams are left out: no_knee
    ],
)
def test_what_is_spelled_in_two_ways_is_told(tmp_path, column, one, other, same):
    rows = {
        "exam": "1",
        "reader": "A",
        "role": "reader",
        "session": "",
        "item": "kl",
        "value": "2",
        "revisit": "",
        "time": "",
    }
    pd.DataFrame([rows | {column: one}, rows | {column: other}]).to_csv(tmp_path / "readings.csv", index=False)
    if same:
        with pytest.raises(StudyError, match=f"line 3: the {column} of exam 1 is .*; it is spelled differently"):
            read_readings(tmp_path / "readings.csv")
    else:
        assert read_readings(tmp_path / "readings.csv")[column].tolist() == [one, other]


def test_readings_are_counted_by_item(tmp_path):
    two_exams(tmp_path)
    lines = "".join(f"{exam},A,reader,1,{item},1,0,\n" for exam, item in (("00012345", "kl"), ("00012346", "kl_grade")))
    n = indexed(tmp_path, readings=READ + lines).counts
    assert n.loc[n["kind"] == "readings", ["code", "n"]].values.tolist() == [["kl", 1], ["kl_grade", 1]]


def test_a_side_of_full_width_is_one(tmp_path):
    (tmp_path / "readings.csv").write_text(READ.replace("\n", ",side\n") + "1,A,reader,,kl,2,,,\uff32\n")
    assert read_readings(tmp_path / "readings.csv")["side"].tolist() == ["right"]


def test_whole_numbers_may_be_written_as_fractions(tmp_path):
    (tmp_path / "readings.csv").write_text(READ.replace(",", ";") + "1;A;reader;;kl;2,0;1.0;\n2;A;reader;;kl;3.;0,0;\n")
    found = read_readings(tmp_path / "readings.csv")
    assert (found["value"].tolist(), found["revisit"].tolist()) == ([2, 3], [True, False])


def test_columns_that_are_not_read_are_told_by_name(tmp_path):
    two_exams(tmp_path)
    reports = "accession;text;Conclusion;date;empty\n00012345;Knee;Arthrosis;2020;\n00012346;Knee;;2020;NA\n"
    n = counts(indexed(tmp_path, reports=reports, exams="exam,age,sex,weight\n00012345,50,f,80\n").counts)
    told = {name: number for name, number in n.items() if ".csv: " in name}
    assert told == {"exams.csv: weight": 1, "reports.csv: conclusion": 1, "reports.csv: date": 2}
    n = counts(indexed(tmp_path, reports=REPORTS, readings=READ, exams="exam,age,sex\n").counts)
    assert not any(".csv: " in name for name in n)


def test_a_table_without_a_header_says_none_of_its_words(tmp_path):
    """What is counted is published, and its first row is a patient's."""
    two_exams(tmp_path)
    (tmp_path / "reports.csv").write_text("00012345;Anna Berg has arthrosis\n00012346;Normal\n")
    with pytest.raises(Refused, match="lacks the column") as refused:
        ingest(tmp_path, IngestSettings(), NAMES)
    assert not refused.value.counts["code"].str.contains("berg|arthrosis", case=False, na=False).any()


def test_exams_of_several_reports_are_counted(tmp_path):
    two_exams(tmp_path)
    twice = "accession,text\n00012345,Fracture.\n00012345,No fracture.\n00012346,Normal\n00012346,Normal\n00012346,\n"
    assert counts(indexed(tmp_path, reports=twice).counts)["exams_of_several_texts"] == 1
    assert "exams_of_several_texts" not in counts(indexed(tmp_path, reports=REPORTS).counts)


def test_what_one_report_denies_the_next_may_say(tmp_path):
    """Though it begins with a small letter, as a line does that goes on with the one before it."""
    (tmp_path / "reports.csv").write_text("accession,text\n1,Ingen fraktur\n1,artros medialt\n2,Ingen fraktur eller\n")
    first, second = read_reports(tmp_path / "reports.csv")["text"]
    assert mentions(first, WordsSettings()) and not mentions(second, WordsSettings())


def test_texts_below_a_merged_cell_are_counted(tmp_path):
    two_exams(tmp_path)
    n = counts(indexed(tmp_path, reports=REPORTS.replace("00012346", ",more\n,\n,and more\n00012346")).counts)
    assert (n["reports"], n["lines_without_accession"]) == (2, 2)
    silent = "accession,text\n00012345,NULL\n00012346,\n"
    n = counts(indexed(tmp_path, reports=silent).counts)
    assert (n["reports"], n["numbers_without_text"], n["exams_without_report"]) == (0, 2, 2)
    with warnings.catch_warnings(action="error"):
        assert counts(indexed(tmp_path, reports="accession,text\n").counts)["exams_without_report"] == 2
    assert "lines_without_accession" not in counts(indexed(tmp_path, reports=REPORTS).counts)


@pytest.mark.parametrize(
    "written", ["2,kl,2021-05-31", "\uff12,\uff4b\uff4c,2021\u201105-31", "\xa02,KL\u200b,2021-05-31"]
)
def test_signs_that_look_alike_lose_no_reading(tmp_path, written):
    two_exams(tmp_path)
    value, item, time = written.split(",")
    index = indexed(tmp_path, readings=READ + f"00012345,A,reader,1,{item},{value},0,{time}\n")
    assert index.readings[["item", "value"]].values.tolist() == [["kl", 2]]
    assert index.readings["time"].tolist() == ["453.0000"]


@pytest.mark.parametrize("time", ["2564-05-31", "1400-03-10", "0001-01-01", "2200-01-01", "44347.6"])
def test_a_time_centuries_away_is_none(tmp_path, time):
    two_exams(tmp_path)
    with pytest.raises(StudyError, match=f"line 2: the time of exam 00012345 is '{time}'; it must be a time such as"):
        indexed(tmp_path, readings=READ + f"00012345,A,reader,1,kl,2,0,{time}\n")


def test_an_exam_without_accession_number_is_named_by_its_study(tmp_path):
    save(knee(0, AccessionNumber="", StudyInstanceUID="1.2.3.4"), tmp_path / "dicom" / "a.dcm")
    index = indexed(tmp_path, readings=READ + "1.2.3.4,A,reader,1,kl,2,0,\n", reports="accession,text\n1.2.3.4,a\n")
    assert index.readings["exam"].tolist() == index.images["exam"].tolist()
    assert counts(index.counts)["exams_without_report"] == 0


@pytest.mark.parametrize(
    "written",
    [
        "A\xa012-Å",
        "A 12\u201312",
        "A\u200b 12-Å",
        "\uff21 \uff11\uff12-Å",
        unicodedata.normalize("NFD", "A 12-Å"),
        "A  12\u2011Å",
        "A \u0661\u0662\u2212Å",
    ],
    ids=ascii,
)
def test_signs_that_look_alike_part_no_report_from_its_exam(tmp_path, written):
    save(knee(0, AccessionNumber=written), tmp_path / "dicom/0.dcm")
    name = "A 12-12" if written.endswith("12") else "A 12-Å"
    record = inspect(tmp_path, "dicom/0.dcm", IngestSettings())
    (tmp_path / "exams.csv").write_text(f"exam,age,sex\n{written},60,f\n")
    (tmp_path / "reports.csv").write_text(f"accession,text\n{written},artros\n")
    assert record["accession"] == name == read_exams(tmp_path / "exams.csv")["exam"].iloc[0]
    assert read_reports(tmp_path / "reports.csv")["accession"].tolist() == [name]


@pytest.mark.parametrize(
    "name",
    [
        "Reports.csv",
        "reports.xlsx",
        "READINGS.CSV",
        "sets.csv.txt",
        "Exams.tsv",
        "dicom/readings.csv",
        "readings (1).csv",
        "Copy of reports.csv",
        "sets_final.xlsx",
        "sets_v2.csv",
        "set.csv",
        "reports",
    ],
)
def test_a_table_by_a_name_that_is_not_read_is_told(tmp_path, name):
    (tmp_path / "dicom").mkdir()
    others = [
        "notes.csv",
        "readingsheet.csv",
        "report.pdf",
        "settings.csv",
        "the exams.docx",
        ".~lock.readings.csv#",
        "exams_excluded.csv",
    ]
    for other in (*others, "reports README.txt", "readings_old.xlsx", "all exams.csv", "sets of screws.txt"):
        (tmp_path / other).write_text("anything")
    (tmp_path / "reports 2023").mkdir()
    assert misnamed(tmp_path) is None
    (tmp_path / name).write_text("exam\n")
    proper = re.search("report|reading|set|exam", name.lower())[0] + "s.csv"
    assert f"{name} isn't read: an archive's table is called {proper}" in misnamed(tmp_path)
    (tmp_path / proper).write_text("exam\n")  # then the other is a copy
    assert misnamed(tmp_path) is None
    (tmp_path / proper).unlink()
    (tmp_path / proper).symlink_to(tmp_path / "gone")
    assert "is a link to nowhere" in misnamed(tmp_path)


@pytest.mark.parametrize("name", ["DICOM", "Dicom (2)", "dicom_2", "a.DCM"])
def test_files_beside_the_folder_that_is_read_are_told(tmp_path, name):
    (tmp_path / name).mkdir()
    assert misnamed(tmp_path) is None  # then the whole archive is read
    for other in ("dicom", "dicom_excluded", "2021"):
        (tmp_path / other).mkdir()
    assert f"{name} isn't read, since files are read in the folder dicom" in misnamed(tmp_path)
    (tmp_path / name).rmdir()
    assert misnamed(tmp_path) is None


# Who and when.


def test_an_accession_number_that_is_the_patients_identifier_is_several_exams(tmp_path):
    for year in (2015, 2017, 2020):
        tags = {"AccessionNumber": "7001", "PatientID": "7001", "PatientName": None, "StudyDate": f"{year}0304"}
        save(knee(1, **tags), tmp_path / f"{year}.dcm")
    table = rows(indexed(tmp_path))
    assert table["exam"].nunique() == 3
    assert table["patient"].nunique() == 1
    assert table["day"].tolist() == [0, 731, 1827]


@pytest.mark.parametrize(
    ("dates", "studies", "n"),
    [
        (("20200304", "20200304"), ("1.1", "1.2"), 1),  # two studies under one number
        (("20200304", "20200305"), ("1.1", "1.2"), 1),  # after midnight
        (("20200304", "20200404"), ("1.1", "1.2"), 2),
        (("20200304", "20210304"), ("1.1", "1.1"), 2),  # anonymisation gave all studies one UID
    ],
)
def test_exams_far_apart_are_not_one(tmp_path, dates, studies, n):
    for number, (date, study) in enumerate(zip(dates, studies, strict=True)):
        save(knee(1, StudyDate=date, StudyInstanceUID=study), tmp_path / f"{number}.dcm")
    assert indexed(tmp_path).images["exam"].nunique() == n


@pytest.mark.parametrize(
    ("ids", "n"),
    [
        (("1-12", "11-2"), 2),
        (("1.12", "11.2", "112"), 3),
        (("0012", "12"), 2),
        (("1", "11", "22"), 3),
        (("1-A2", "1A-2"), 2),
        (("A-17", "a 17", "A17"), 1),
        (("19121212-1212", "121212-1212", "191212121212"), 1),
        (("01020312345", "010203 12345"), 1),
        (("001-02-0003", "001020003"), 1),
    ],
)
def test_identifiers_are_one_only_where_that_is_sure(ids, n):
    table = pd.DataFrame({"patient_id": ids, "other_ids": None, "patient_name": None, "birth_date": None}, dtype="str")
    found = patients(table, IngestSettings().placeholders)
    assert found.notna().all()
    assert found.nunique() == n


def test_one_number_of_two_hospitals_is_of_two_patients(tmp_path):
    for i, (issuer, born) in enumerate([("Lund", "19500101"), ("Malmö", "19620304")]):
        told = {"PatientName": None, "IssuerOfPatientID": issuer, "SpecificCharacterSet": "ISO_IR 192"}
        save(knee(i, PatientID="1234", PatientBirthDate=born, **told), tmp_path / f"{i}.dcm")
    assert indexed(tmp_path).images["patient"].nunique() == 2


def test_raw_images_of_the_detector_are_left_out(tmp_path):
    for name in ("FOR PRESENTATION", "FOR PROCESSING", "For_Processing"):
        save(knee(1, StudyInstanceUID="1.2", PresentationIntentType=name), tmp_path / name.replace(" ", "-"))
    # Without the tag, the class of the object says it.
    save(knee(1, StudyInstanceUID="1.2", SOPClassUID="1.2.840.10008.5.1.4.1.1.1.1.1"), tmp_path / "class")
    index = indexed(tmp_path)
    assert rows(index).index.tolist() == ["FOR-PRESENTATION"]
    assert counts(index.counts)["for_processing"] == 3
    assert len(indexed(tmp_path, IngestSettings(for_processing="keep")).images) == 4


def test_one_instance_in_two_syntaxes_is_one_image(tmp_path):
    ds = knee(1)
    save(ds, tmp_path / "b_native.dcm")
    ds.compress(JPEG2000Lossless, generate_instance_uid=False)
    save(ds, tmp_path / "c_compressed.dcm")
    ds.PatientID, ds.PatientName, ds.AccessionNumber = "P2", "Other^One", "A2"
    ds.StudyInstanceUID = generate_uid()
    save(ds, tmp_path / "d_other.dcm")
    found = indexed(tmp_path).files.set_index("path")["code"].fillna("").to_dict()
    assert sorted(found.values()) == ["", "duplicate_in_archive", "duplicate_in_exam"]


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless, RLELossless, ExplicitVRBigEndian])
@pytest.mark.parametrize(
    ("patient", "accession", "kind"),
    [("P1", "A1", "duplicate_in_exam"), ("P1", "A9", "duplicate_in_patient"), ("P2", "A2", "duplicate_in_archive")],
)
def test_one_picture_under_another_name_and_compression_is_one_image(tmp_path, syntax, patient, accession, kind):
    first = knee(1, PatientID="P1", PatientName=None, AccessionNumber="A1")
    save(first, tmp_path / "dicom/first.dcm")
    pixels = np.frombuffer(first.PixelData, "<u2")
    copy = knee(1, PatientID=patient, PatientName=None, AccessionNumber=accession, PixelData=first.PixelData)
    if syntax == ExplicitVRBigEndian:
        copy.PixelData = pixels.astype(">u2").tobytes()
        copy.file_meta.TransferSyntaxUID = syntax
    else:
        copy.compress(syntax)
    save(copy, tmp_path / "dicom/copy.dcm")
    save(knee(5), tmp_path / "dicom/other.dcm")
    index = indexed(tmp_path)
    assert len(index.images) == 3  # their bytes are others
    prepare(tmp_path, index.images, index.files, ImagesSettings(size=16), tmp_path / "out", shard=0, shards=1)
    store = ImageStore(tmp_path / "out")
    found = count_images(index.images, store.rows, pd.read_csv(tmp_path / "out/unreadable-0.csv"), store.copies)
    assert found.set_index("code")["n"].to_dict() == {"indexed": 3, "prepared": 2, kind: 1}
    assert len(store) == len(store[[0, 1]]) == 2


@pytest.mark.parametrize("written", ["1.2.3.4.05678", "1.2.3.4.5678.", "01.2.3.4.5678"])
def test_a_padded_identifier_of_an_instance_is_the_same(tmp_path, written):
    save(knee(1, SOPInstanceUID="1.2.3.4.5678"), tmp_path / "a.dcm")
    ds = knee(1, SOPInstanceUID=written)
    ds.compress(JPEG2000Lossless, generate_instance_uid=False)
    save(ds, tmp_path / "b.dcm")
    save(knee(1, SOPInstanceUID="1.2.3.40.5678"), tmp_path / "c.dcm")
    assert indexed(tmp_path).files["code"].fillna("").tolist() == ["", "duplicate_in_exam", ""]


def test_an_identifier_of_instances_that_tells_nothing_makes_no_copies(tmp_path):
    for number in range(3):
        ds = knee(number, SOPInstanceUID="1.2.3")
        if number == 2:
            ds.compress(JPEG2000Lossless, generate_instance_uid=False)
        save(ds, tmp_path / f"{number}.dcm")
    assert len(indexed(tmp_path).images) == 3


AGES = [
    ({"PatientBirthDate": "19000101", "PatientAge": "062Y"}, 62, True),
    ({"PatientBirthDate": "17200101", "PatientAge": "062Y"}, 62, False),
    ({"PatientBirthDate": "", "PatientAge": "42"}, 42, False),
    ({"PatientBirthDate": "", "PatientAge": "62 Y"}, 62, False),
    ({"PatientBirthDate": "", "PatientAge": "62Y"}, 62, False),
    ({"PatientBirthDate": "", "PatientAge": "840M"}, 70, False),
    ({"PatientBirthDate": "", "PatientAge": "0062Y"}, 62, False),
    ({"PatientBirthDate": "", "PatientAge": "62 years"}, 62, False),
    ({"PatientBirthDate": "", "PatientAge": "62 yr."}, 62, False),
    ({"PatientBirthDate": "", "PatientAge": "62 Jahre"}, 62, False),
    ({"PatientBirthDate": "", "PatientAge": "62 mo"}, 5, False),
    ({"PatientBirthDate": "", "PatientAge": "about 62"}, None, False),
    ({"PatientBirthDate": "02.01.1950", "PatientAge": "070Y"}, 70, False),
    ({"PatientBirthDate": "19500102", "PatientAge": "035Y"}, 70, True),
    ({"PatientBirthDate": "20200304", "PatientAge": "062Y"}, 62, True),
    ({"PatientBirthDate": "20300101", "PatientAge": "062Y"}, 62, True),
    ({"PatientBirthDate": "00010101", "PatientAge": "062Y"}, 62, False),
    ({"PatientBirthDate": "19500000", "PatientAge": "070Y"}, 70, False),
    ({"PatientBirthDate": "1950", "PatientAge": "070Y"}, 70, False),
    ({"PatientBirthDate": "19580304", "StudyDate": "19000101", "AcquisitionDate": "20200304"}, 62, False),
    ({"PatientBirthDate": "18991230", "StudyDate": "20000304"}, None, False),  # a spreadsheet's day 0
    ({"PatientBirthDate": "19000101"}, None, False),
    ({"PatientBirthDate": "19010101"}, None, False),
    ({"PatientBirthDate": "18991230", "PatientAge": "055Y"}, 55, True),
    ({"PatientBirthDate": "19700101", "PatientAge": "062Y"}, 62, True),
    ({"PatientBirthDate": "19700101", "PatientAge": "050Y"}, 50, False),
    ({"PatientBirthDate": "20200304"}, None, False),
    ({"PatientBirthDate": "19580304", "PatientAge": "000Y"}, 62, True),
    ({"PatientBirthDate": "19000101", "PatientAge": "000Y"}, None, True),
    *(
        ({"PatientBirthDate": "", "PatientAge": words}, years, False)
        for words, years in (
            ("000Y", None),
            ("000D", None),
            ("0", None),
            ("003D", 0),
            ("520W", 9),
            ("62Y 3M", 62),
            ("062Y03M", 62),
            ("62 Jahre 3 Monate", 62),
            ("62", 62),
            (" 62Y ", 62),
            ("062y", 62),
            ("62.5Y", 62),
            ("62,5", 62),
            ("744M", 62),
            ("3241W", 62),
            ("22730D", 62),
            ("1958", None),
            ("62-63", None),
            (">89Y", None),
        )
    ),
    ({"PatientBirthDate": "19580304", "PatientAge": "999Y"}, 62, False),
    ({"PatientBirthDate": "20121105", "PatientAge": "007Y"}, 7, False),
    ({"PatientBirthDate": "19110911", "PatientAge": "030Y"}, 30, True),
    ({"PatientBirthDate": "19150101", "PatientAge": "105Y"}, 105, False),
    ({"PatientBirthDate": "19580304", "StudyDate": "", "AcquisitionDateTime": "20200304120000"}, 62, False),
]


@pytest.mark.parametrize(("tags", "age", "contradicted"), AGES, ids=str)
def test_the_plausible_age_wins_and_contradictions_are_told(tags, age, contradicted):
    dataset = knee(1, **tags)
    assert describe.age(dataset, describe.day(dataset)[0]) == (age, contradicted)


DATES = [
    ({"StudyDate": "20200304"}, "2020-03-04", False),
    ({"StudyDate": "20991231", "AcquisitionDate": "20200304"}, "2020-03-04", True),
    ({"StudyDate": "20300304", "SeriesDate": "20300304", "AcquisitionDate": "20200304"}, "2020-03-04", True),
    ({"StudyDate": "20300304", "AcquisitionDateTime": "20200304120000"}, "2020-03-04", True),
    ({"StudyDate": "20300304", "ContentDate": "20200304"}, "2020-03-04", True),
    ({"StudyDate": "20200304", "AcquisitionDate": "20300304", "ContentDate": "20300304"}, "2020-03-04", True),
    ({"StudyDate": "20200304", "AcquisitionDate": "20200305", "ContentDate": "20200305"}, "2020-03-04", False),
    ({"StudyDate": "20200305", "AcquisitionDate": "20200304"}, "2020-03-05", False),
    ({"StudyDate": "20200304", "ContentDate": "20230304"}, "2020-03-04", False),  # filed again later
    ({"StudyDate": "20200304", "AcquisitionDate": "20200304", "ContentDate": "20050304"}, "2020-03-04", False),
    ({"StudyDate": "20200304", "AcquisitionDate": "20000101"}, "2020-03-04", True),  # a clock that lost its time
    ({"StudyDate": "20200304", "AcquisitionDate": "20120304", "PatientBirthDate": "19580101", "PatientAge": "062Y"},
     "2020-03-04", True),
    ({"StudyDate": "20990304", "AcquisitionDate": "20200304", "PatientBirthDate": "19580101", "PatientAge": "062Y"},
     "2020-03-04", True),
    ({"StudyDate": "20150101", "AcquisitionDate": "20200304", "PatientBirthDate": "20160101"}, "2020-03-04", True),
    ({"StudyDate": "19000101", "AcquisitionDate": "20200304"}, "2020-03-04", False),
    ({"StudyDate": "20000101"}, "2000-01-01", False),
    ({"StudyDate": ""}, None, False),
    ({"StudyDate": "25630304", "AcquisitionDate": "20200304"}, "2020-03-04", False),  # the Buddhist era
    ({"StudyDate": "25630229"}, "2020-02-29", False),
    ({"StudyDate": "99991231"}, None, False),
]  # fmt: skip


@pytest.mark.parametrize(("tags", "date", "contradicted"), DATES, ids=str)
def test_the_plausible_date_wins_and_contradictions_are_told(tags, date, contradicted):
    on, differ = describe.day(knee(1, **tags))
    assert (on and on.isoformat(), differ) == (date, contradicted)


def test_dates_of_the_buddhist_era_are_read_as_such_and_counted(tmp_path):
    save(knee(1, StudyDate="25630304", PatientBirthDate="25010304", PatientAge="062Y"), tmp_path / "a.dcm")
    save(knee(2), tmp_path / "b.dcm")
    index = indexed(tmp_path)
    assert sorted(index.images["age"]) == [62, 70]
    assert counts(index.counts)["corrected_calendar"] == 1 and "date_contradicted" not in counts(index.counts)


@pytest.mark.parametrize("era", ["13400304", "13800511", "S330304", "02/01/1950", "19500230", "unknown"])
def test_dates_that_are_not_read_are_counted(tmp_path, era):
    save(knee(1, PatientBirthDate=era), tmp_path / "a.dcm")
    save(knee(2, StudyDate=era, AcquisitionDate=""), tmp_path / "b.dcm")
    save(knee(3, StudyDate=era, AcquisitionDate="20200304"), tmp_path / "c.dcm")
    save(knee(4, PatientBirthDate="25010304"), tmp_path / "d.dcm")
    index = indexed(tmp_path)
    assert rows(index)["age"].fillna(-1).tolist() == [-1, -1, 70, 62]
    n = counts(index.counts)
    assert (n["birth_date_unread"], n["date_unread"], n["corrected_calendar"]) == (1, 1, 1)


def test_ages_that_are_not_read_are_counted(tmp_path):
    for number, age in enumerate(("62Y", "", "000Y", ">89Y", "62-63")):
        save(knee(number + 1, PatientAge=age), tmp_path / f"{number}.dcm")
    assert counts(indexed(tmp_path).counts)["age_unread"] == 2


def test_a_study_of_the_future_is_counted(tmp_path):
    save(knee(1, StudyDate="20991231", AcquisitionDate="20200304"), tmp_path / "a.dcm")
    index = indexed(tmp_path)
    assert index.files["date"].tolist() == ["2020-03-04"]
    assert counts(index.counts)["date_contradicted"] == 1


LACKING = [
    ({"BitsStored": None, "HighBit": None, "PixelRepresentation": None, "BitsAllocated": 8}, None),
    ({"BitsStored": None, "PixelRepresentation": None}, None),
    ({"HighBit": None, "SamplesPerPixel": None, "BitsAllocated": None}, None),
    ({"BitsStored": 0}, None),
    ({"BitsStored": 24}, None),
    ({"BitsStored": None, "HighBit": None}, "BitsStored is missing"),
    ({"BitsStored": 0, "HighBit": 99}, "BitsStored is missing"),
    ({"Rows": None}, "Rows is missing"),
    ({"Columns": 0}, "Columns is missing"),
]


@pytest.mark.parametrize(("tags", "told"), LACKING, ids=str)
def test_what_a_header_lacks_is_taken_from_the_rest_of_it_or_named(tmp_path, tags, told):
    ds = knee(1, **{keyword: given for keyword, given in tags.items() if given is not None})
    drawn = np.frombuffer(ds.PixelData, "<u2")
    if tags.get("BitsAllocated") == 8:
        drawn = (drawn >> 4).astype(np.uint8)
        ds.PixelData = drawn.tobytes()
    for keyword in [keyword for keyword, given in tags.items() if given is None]:
        delattr(ds, keyword)
    record = inspect(tmp_path, save(ds, tmp_path / "a.dcm").name, IngestSettings())
    assert record["code"] == (told and "lacking")
    if told:
        assert told in record["detail"]
    else:
        assert (decode(read(tmp_path / "a.dcm")).ravel() == drawn).all()


SIDES = [
    ({"SeriesDescription": "KNEE-R"}, "right"),
    ({"SeriesDescription": "R-KNEE"}, "right"),
    ({"SeriesDescription": "KNEE_LT"}, "left"),
    ({"SeriesDescription": "LTKNEE AP"}, "left"),
    ({"SeriesDescription": "KNEE-L-LAT"}, "left"),
    ({"SeriesDescription": "KNEE AP/R"}, "right"),
    ({"SeriesDescription": "KNEE 3V-R"}, "right"),
    ({"SeriesDescription": "R/KNEE"}, "right"),
    ({"SeriesDescription": "KNEE-R/L"}, "both"),
    ({"SeriesDescription": "R-L KNEES"}, "both"),
    ({"SeriesDescription": "L-SPINE AND KNEE"}, None),
    ({"SeriesDescription": "KNEE X-R"}, None),
    ({"SeriesDescription": "KNEE R/O FX"}, None),
    ({"SeriesDescription": "KNEE R.O. FX"}, None),
    ({"SeriesDescription": "KNEE DEXTER"}, "right"),
    ({"SeriesDescription": "BIL KNEES"}, "both"),
    ({"StudyDescription": "DX KNEE 3 VIEWS"}, None),
    ({"StudyDescription": "DX KNEE LEFT 3 VIEWS"}, "left"),
    ({"StudyDescription": "DX Knee Left", "Laterality": "L"}, "left"),
    ({"StudyDescription": "DX KNEE RT 2V"}, "right"),
    ({"StudyDescription": "Knee dx"}, "right"),
    ({"StudyDescription": "Knä sin"}, "left"),
    ({"StudyDescription": "DX KNEES BILATERAL"}, "both"),
    ({"StudyDescription": "XR KNEE LT 3V"}, "left"),
    ({"StudyDescription": "KNEE L"}, "left"),
    ({"StudyDescription": "Rt Knee AP/Lat"}, "right"),
    ({"StudyDescription": "L KNEE STANDING"}, "left"),
    ({"StudyDescription": "CR DX KNEE"}, None),
    ({"StudyDescription": "XR-DX_KNEE 2V"}, None),
    ({"SeriesDescription": "DX Frontal", "StudyDescription": "Knä höger"}, "right"),
    ({"SeriesDescription": "Frontal dx"}, "right"),
    ({"StudyDescription": "KNEE L/R"}, "both"),
    ({"StudyDescription": "RODILLA SIN CARGA"}, None),
    ({"StudyDescription": "LINKES KNIE"}, "left"),
    ({"StudyDescription": "rechtes Knie a.p."}, "right"),
    ({"StudyDescription": "Knie beidseits"}, "both"),
    ({"StudyDescription": "Knæ højre"}, "right"),
    ({"StudyDescription": "kne venstre"}, "left"),
    ({"StudyDescription": "Ginocchio destro"}, "right"),
    ({"StudyDescription": "joelho esquerdo"}, "left"),
    ({"StudyDescription": "Knee R/O fracture"}, None),
    ({"StudyDescription": "Knee right", "ImageLaterality": "U"}, "right"),
    ({"StudyDescription": "Knee", "ImageLaterality": "U", "Laterality": "L"}, "left"),
    ({"StudyDescription": "Knee", "ImageLaterality": "U"}, None),
    *(
        ({"SeriesDescription": words}, side)
        for words, side in (
            ("Knie re.", "right"),
            ("Knie li ap", "left"),
            ("Knie_li", "left"),
            ("Knie R.O. Fraktur", None),
            ("Knie bds.", "both"),
            ("Knie li. u. re.", "both"),
            ("Genou G", "left"),
            ("genou d face", "right"),
            ("Genou G et D", "both"),
            ("genou de face", None),
            ("Ginocchio sx", "left"),
            ("Ginocchio dx e sx", "both"),
            ("Rodilla I", "left"),
            ("rodilla der", "right"),
            ("rodilla de pie", None),
            ("joelho E", "left"),
            ("joelho e perna", None),
            ("Knä v", "left"),
            ("knä h o v", "both"),
            ("knæ hø", "right"),
            ("kne v", "left"),
            ("polvi oik", "right"),
            ("kolano P", "right"),
            ("KneeLeft", "left"),
            ("KNEE_R", "right"),
            ("knee R>L", None),
            ("R>L", None),
            ("left > right pain, knees", None),
            ("knä hö > vä", None),
            ("Knee R & L", "both"),
            ("KneeL", "left"),
            ("LKnee", "left"),
            ("kneeRT", "right"),
            ("XRKneeR", "right"),
            ("DXKnee", None),
            ("DXKneeLeft", "left"),
            ("GenouDroit", "right"),
            ("genougauche", "left"),
            ("KnieLi", "left"),
            ("KNIERE", "right"),
            ("re. Knie", "right"),
            ("re. u. li. Knie", "both"),
            ("Re: Knie", None),
            ("rechterknie", "right"),
            ("RodillaIzq", "left"),
            ("rodilla dcha.", "right"),
            ("vänsterknä", "left"),
            ("KnäHö", "right"),
            ("højreknæ", "right"),
            ("JoelhoE", "left"),
            ("oikean polven", "right"),
            ("kolana lewego", "left"),
            ("KneeLat", None),
            ("KNEELAT", None),
            ("Knee LAT", None),
            ("KNEEL", None),
            ("SKYLINE", None),
            ("AXIAL", None),
            ("KnieLiegend", None),
            ("KneeR/O fx", None),
            ("L SPINE AND KNEE", None),
            ("Genoux face", "both"),
            ("Knees", "both"),
            ("knees left", "left"),
            ("KNEE(S)", None),
            ("KNEESLEFT", "left"),
            ("KNEESTUDY", None),
            ("Knän belastade", "both"),
            ("both knees", "both"),
            ("KneeBil", "both"),
        )
    ),
]


@pytest.mark.parametrize(("tags", "side"), SIDES, ids=str)
def test_sides(tags, side):
    assert describe.side(knee(1, **tags), IngestSettings())[0] == side


@pytest.mark.parametrize(
    ("words", "view", "part"),
    [("KneeLat", "lateral", "knee"), ("APKnee", "ap", "knee"), ("Linkerknie", None, "knee"), ("vänsterknä", None, "knee"),
     ("knærne", None, "knee"), ("venstrekne", None, "knee"), ("knekt", None, "other")],
)  # fmt: skip
def test_words_that_are_joined_tell_view_and_knee(words, view, part):
    dataset = knee(1, SeriesDescription=words, StudyDescription="", BodyPartExamined="x")
    assert (describe.view(dataset, IngestSettings()), describe.body_part(dataset, IngestSettings())) == (view, part)


@pytest.mark.parametrize(
    "tags", [{"Laterality": "B"}, {"StudyDescription": "Knee right", "ImageLaterality": "B"}], ids=str
)
def test_an_image_of_one_knee_whose_tag_says_both_is_refused(tmp_path, tags):
    save(knee(1, **tags), tmp_path / "a.dcm")
    with pytest.raises(StudyError, match="What is said of its side contradicts itself"):
        indexed(tmp_path)


def test_a_side_that_tag_and_text_dispute_is_counted(tmp_path):
    save(knee(1, StudyDescription="Knee right", ImageLaterality="L"), tmp_path / "a.dcm")
    index = indexed(tmp_path)
    assert index.images["side"].tolist() == ["left"]
    assert counts(index.counts)["side_contradicted"] == 1


@pytest.mark.parametrize("declared", [None, "ISO_IR 6", "ISO_IR 100", "ISO_IR 192"])
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_letters_are_read_whatever_the_header_says_of_them(tmp_path, declared, encoding):
    row, name = read_as(tmp_path, declared, lambda word: word.encode(encoding))
    assert (row["body_part"], row["side"], row["protocol"]) == ("knee", "right", "weight_bearing")
    assert name == "Åkesson^Örjan"


@pytest.mark.parametrize("declared", [None, "ISO_IR 100", "ISO_IR 192"])
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_letter_at_the_very_end_of_the_only_text_that_has_one_is_read(tmp_path, declared, encoding):
    ds = knee(1, SpecificCharacterSet=declared, StudyDescription="Knee", PatientName="Berg^xx")
    path = save(ds, tmp_path / "a.dcm")
    name = "Bergå".encode(encoding)
    written = path.read_bytes().replace(b"Berg^xx ", name.rjust(8, b"B"))
    path.write_bytes(written)
    record = inspect(tmp_path, "a.dcm", IngestSettings())
    assert record["patient_name"] == "Bergå".rjust(8 - len(name) + 5, "B")
    right = declared == "ISO_IR 192" if encoding == "utf-8" else declared != "ISO_IR 192"
    assert record["noted"] == (None if right else "corrected_characters")


#: What programs do to letters that they don't know.
DAMAGE = {
    "replaced": lambda word: word.encode("ascii", "replace").decode().replace("?", "\ufffd").encode(),
    "question marks": lambda word: word.encode("ascii", "replace"),
    "twice": lambda word: word.encode().decode("latin-1").encode(),
    "twice in Windows' code page": lambda word: word.encode().decode("cp1252").encode(),
    "DOS": lambda word: word.encode("cp850"),
    "Macintosh": lambda word: word.encode("mac_roman"),
    "decomposed": lambda word: unicodedata.normalize("NFD", word).encode(),
}


@pytest.mark.parametrize("declared", [None, "ISO_IR 100", "ISO_IR 192"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_letters_that_were_lost_on_the_way_lose_neither_knee_nor_side(tmp_path, declared, damage):
    row, _ = read_as(tmp_path, declared, DAMAGE[damage])
    assert (row["body_part"], row["side"], row["protocol"]) == ("knee", "right", "weight_bearing")


def test_a_lost_letter_stands_for_no_other_sign():
    sides = IngestSettings().sides
    for words in (
        "Kn\ufffd h\ufffdr",
        "Kn? h?r",
        "\ufffd\ufffd \ufffd\ufffd",
        "Fracture? Right?left",
        "правое колено\ufffd",
    ):
        assert match(words, {"right": sides["right"][:3], "left": [*sides["left"][:3], "левое"]}) is None


def read_as(folder, declared, encode):
    """Return what becomes of Swedish words that are written as `encode` does it; and the name."""
    words = {"StudyDescription": "Knä höger stående belastning", "PatientName": "Åkesson^Örjan"}
    written = {keyword: encode(word) for keyword, word in words.items()}
    stand_in = {keyword: "x" * len(word) for keyword, word in written.items()}
    path = save(knee(1, BodyPartExamined="", SpecificCharacterSet=declared, **stand_in), folder / "a.dcm")
    data = path.read_bytes()
    for keyword in sorted(words, key=lambda keyword: -len(written[keyword])):
        data = data.replace(stand_in[keyword].encode(), written[keyword])
    path.write_bytes(data)
    index = indexed(folder)
    return index.images.iloc[0], index.files["patient_name"].iloc[0]


def test_files_that_name_nobody_can_be_taken_by_study(tmp_path):
    for number in range(4):
        save(knee(number, PatientID="", PatientName="", PatientBirthDate=""), tmp_path / f"{number}.dcm")
    with pytest.raises(Refused, match="4 times: It names no patient"):
        indexed(tmp_path)
    index = indexed(tmp_path, IngestSettings(unnamed="study"))
    assert index.images["patient"].nunique() == 4
    assert counts(index.counts)["patients_by_study"] == 4


@pytest.mark.parametrize("name", ["ANONYMIZED", "REMOVED BY HOSPITAL", "4711", "000", "ANON-0001", "Test 1"])
def test_a_placeholder_that_everybody_has_is_told_by_name(tmp_path, name):
    for number in range(12):
        tags = {"PatientID": name, "PatientName": None, "PatientSex": "FM"[number % 2] if name.isdigit() else "F"}
        save(knee(number, **tags), tmp_path / f"{number}.dcm")
    with pytest.raises(Refused, match=f"PatientID '{name}' in 12 of 12 studies, so it names nobody"):
        indexed(tmp_path)
    index = indexed(tmp_path, IngestSettings(unnamed="study"))
    assert index.images["patient"].nunique() == 12


def test_one_person_is_no_placeholder(tmp_path):
    for number in range(5):
        tags = {"PatientID": "4711", "PatientName": None, "StudyDate": f"201{number}0101"}
        save(knee(number, **tags), tmp_path / f"{number}.dcm")
    assert indexed(tmp_path).images["patient"].nunique() == 1


def test_words_in_the_picture_are_refused_by_default_and_counted(tmp_path):
    for number, said in enumerate(("YES", "NO", None, "TRUE", "no ")):
        save(knee(number, **({"BurnedInAnnotation": said} if said else {})), tmp_path / f"{number}.dcm")
    index = indexed(tmp_path)
    assert rows(index)["burned_in"].fillna("").to_dict() == {"1": "no", "2": "", "4": "no"}
    n = counts(index.counts)
    assert (n["burned_in"], n["no"], n["not_said"]) == (2, 2, 1)
    assert len(indexed(tmp_path, IngestSettings(burned_in="keep")).images) == 5


def test_names_in_elements_of_makers_are_known_as_names(tmp_path):
    ds = knee(1, ReferringPhysicianName="Quistberg^Ottilia")
    block = ds.private_block(0x0009, "MAKER", create=True)
    block.add_new(0x10, "PN", "Rydelius^Åke")
    block.add_new(0x11, "LO", "CR 85")
    save(ds, tmp_path / "a.dcm")
    assert inspect(tmp_path, "a.dcm", IngestSettings())["people"] == "Quistberg^Ottilia\x1fRydelius^Åke"


def test_every_reason_is_a_sentence_that_people_can_read(tmp_path):
    for said in REASONS.values():
        assert said[0].isupper()
        assert not said.endswith(".")
        assert "Error" not in said
    ds = knee(1, Modality="SR", SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11")
    del ds.PixelData, ds.Rows, ds.Columns
    save(ds, tmp_path / "report")
    save(knee(2, SOPClassUID="1.2.3.4.5", Modality="PR", PixelData=b"", Rows=0), tmp_path / "private")
    (tmp_path / "DICOMDIR").write_bytes(Path(get_testdata_file("DICOMDIR")).read_bytes())
    (tmp_path / "broken").write_bytes(bytes(128) + b"DICM" + bytes(range(200, 256)) * 3)
    save(knee(3), tmp_path / "good")
    details = indexed(tmp_path).files.set_index("path")["detail"].dropna()
    assert details["DICOMDIR"] == "It is a DICOM object without an image (Media Storage Directory Storage)."
    assert details["report"] == "It is a DICOM object without an image (Basic Text SR Storage)."
    assert details.str.fullmatch(r"[A-Z].*\.").all()
    assert not details.str.contains(r"Error|Exception|1\.2\.|unknown", regex=True).any()


def test_find_lists_in_a_fixed_order(tmp_path):
    for name in ("b", "a/c", "a/b"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    assert [entry.path for entry in find(tmp_path)] == ["a/b", "a/c", "b"]
