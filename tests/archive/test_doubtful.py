"""What may be of another exam, patient or time than is written: put right where something tells, and counted where nothing does."""

import datetime

import pandas as pd
import pytest

from analysis.archive import describe
from analysis.archive.counts import in_future
from analysis.archive.ingest import Refused
from analysis.archive.inspect import inspect
from analysis.archive.people.matching import fill_from
from analysis.archive.people.patients import patients
from analysis.archive.settings import IngestSettings
from analysis.archive.tables import read_exams, read_readings, read_reports
from analysis.errors import StudyError
from tests.archive.files import save
from tests.archive.test_archives import READ, counts, indexed, knee


def exams(*names):
    """A private index of exams without age and sex."""
    uids = [f"1.{number}" for number in range(len(names))]
    keys = [f"e{number}" for number in range(len(names))]
    return pd.DataFrame({"accession": names, "study_uid": uids, "exam": keys, "age": None, "sex": None}).astype(
        {"age": float, "sex": "str"}
    )


def test_an_exam_that_has_two_names_in_exams_csv_may_not_be_told_of_in_two_ways(tmp_path):
    table = tmp_path / "exams.csv"
    for second, wrong in (("60,f", None), ("80,m", "'A1' and '1.0' are one exam")):
        table.write_text(f"exam,age,sex\nA1,60,f\n1.0,{second}\n")
        found, _ = fill_from(table, exams("A1", "A2"))
        assert (wrong in found) if wrong else found is None


@pytest.mark.parametrize("written", ["X", "1", "F/M", "D", "okänd", "Onbekend", "MASKED", "OMITTED"])
def test_a_sex_that_is_not_read_is_counted(written):
    dataset = knee(1)
    dataset.PatientSex = written
    assert describe.sex(dataset) is None
    assert describe.unread(dataset, datetime.date(2020, 3, 4)) == ["sex_unread"]


def test_a_sex_that_is_read_or_not_said_is_not_counted():
    for written in ("", "F", "M", "O", "OTHER", "Male", "MANN"):
        dataset = knee(1)
        dataset.PatientSex = written
        assert not describe.unread(dataset, datetime.date(2020, 3, 4))


@pytest.mark.parametrize("written", ["18940101", "18600304", "19000101", "19700101"])
def test_a_date_of_before_radiographs_is_none_and_counted(written):
    dataset = knee(1, StudyDate=written)
    on, _ = describe.day(dataset)
    assert on is None and "date_unread" in describe.unread(dataset, on)


def test_a_birth_too_long_ago_is_counted_and_a_filler_is_not():
    on = datetime.date(2020, 3, 4)
    assert describe.age(knee(1, PatientBirthDate="18600504"), on) == (None, True)
    assert describe.age(knee(1, PatientBirthDate="18500101"), on) == (None, False)


def test_exams_and_births_that_are_yet_to_come_are_counted():
    today = datetime.date.today()
    later = (today + datetime.timedelta(days=2)).isoformat()
    dates = [
        (today.isoformat(), "19500102"),
        (later, "19500102"),
        (None, later.replace("-", "")),
        (later, later),
        (None, None),
    ]
    files = pd.DataFrame(dates, columns=["date", "birth_date"], dtype="str").assign(code=None)
    assert in_future(files) == 3
    assert in_future(files.assign(code="colour")) == 0


@pytest.mark.parametrize(
    ("births", "n", "alike"),
    [
        (("19500102", "19500102"), 1, None),
        (("19500102", "1950.01.02"), 1, None),
        (("19500102", "19600304"), 2, None),
        (("19500102", ""), 2, 2),
        (("19000101", "19000101"), 2, None),
    ],
)
def test_a_number_that_lost_its_noughts_is_the_same_where_the_birth_date_is(tmp_path, births, n, alike):
    for number, (patient, born) in enumerate(zip(("01234", "1234"), births, strict=True)):
        save(knee(number, PatientID=patient, PatientBirthDate=born, PatientAge="070Y"), tmp_path / f"{number}.dcm")
    found = counts(indexed(tmp_path).counts)
    assert found["patients"] == n and found.get("patients_alike") == alike


def test_letters_that_look_alike_make_no_second_patient():
    table = pd.DataFrame(
        {"patient_id": ["А-17", "A17", "Α 17"], "other_ids": None, "patient_name": None, "birth_date": None}
    )
    assert patients(table.astype("str"), IngestSettings().placeholders).nunique() == 1


def test_letters_that_look_alike_are_read_in_headings_and_told_in_names(tmp_path):
    (tmp_path / "reports.csv").write_text("accеssion,tехt\nA1,Artros\n")
    assert read_reports(tmp_path / "reports.csv")["text"].tolist() == ["Artros"]
    table = tmp_path / "readings.csv"
    table.write_text(READ.replace("time", "time,sіde") + "A1,bo,reader,1,kl,2,0,,left\n")
    assert read_readings(table)["side"].tolist() == ["left"]
    for column, other in (("reader", "bо,reader,1,kl"), ("item", "bo,reader,1,кl")):
        table.write_text(READ + f"A1,bo,reader,1,kl,2,0,\nA2,{other},2,0,\n")
        with pytest.raises(StudyError, match=f"{column} of exam A"):
            read_readings(table)


def test_an_accession_number_in_letters_that_look_alike_is_counted_and_that_of_a_reading_refused(tmp_path):
    for number in (1, 2):
        save(knee(number), tmp_path / "dicom" / f"{number}.dcm")
    index = indexed(tmp_path, reports="accession,text\nА00001,Artros\nA00002,Artros\n")
    assert counts(index.counts)["reports_spelled_otherwise"] == 1
    with pytest.raises(
        Refused, match=r"'А00001', the DICOM files have 'A00001'; they differ in .*letters that look alike"
    ):
        indexed(tmp_path, readings=READ + "А00001,bo,reader,1,kl,2,0,\nA00002,bo,reader,1,kl,2,0,\n")


@pytest.mark.parametrize(("one", "other"), [("1.1", "1.10"), ("123", "00123")])
def test_a_number_that_a_spreadsheet_makes_that_of_another_exam_is_told(tmp_path, one, other):
    for number, name in enumerate((one, other, "7")):
        save(knee(number, AccessionNumber=name), tmp_path / "dicom" / f"{number}.dcm")
    twice = READ + f"{one},bo,reader,1,kl,2,0,\n{one},bo,reader,1,kl,3,0,\n"
    with pytest.raises(Refused, match=f"line 2: exam {one} has readings, but twice by one reader"):
        indexed(tmp_path, readings=twice)
    found = indexed(
        tmp_path,
        readings=READ + f"{one},bo,reader,1,kl,2,0,\n{one},cia,reader,1,kl,3,0,\n",
        reports=f"accession,text\n{one},Artros\n{one},Ingen artros\n7,Artros\n",
        exams=f"exam,age,sex\n{one},70,\n",
    )
    told = counts(found.counts)
    assert told["reports_of_alike_numbers"] == told["exams_csv_of_alike_numbers"] == 1
    both = indexed(tmp_path, readings=twice.replace(f"{one},bo,reader,1,kl,3", f"{other},bo,reader,1,kl,3"))
    assert len(both.readings) == 2


@pytest.mark.parametrize(
    ("number", "saved", "told"),
    [
        ("20100301123456789", "20100301123456700", 1), ("3-4", "3-Apr", 1), ("10-1934", "Oct-34", 1), ("3/4", "2026-03-04", 1),
        ("20100301123456789", "20100301123456711", 0), ("3-ABC", "3-Apr", 0),
    ],
)  # fmt: skip
def test_digits_that_a_spreadsheet_drops_and_dates_that_it_makes_are_told(tmp_path, number, saved, told):
    for place, name in enumerate((number, "7")):
        save(knee(place, AccessionNumber=name), tmp_path / "dicom" / f"{place}.dcm")
    found = counts(indexed(tmp_path, reports=f"accession,text\n{saved},Artros\n7,Artros\n").counts)
    assert (found["reports_of_no_exam"], found.get("reports_spelled_otherwise", 0)) == (1, told)


def test_a_long_number_that_ends_in_noughts_may_be_anothers(tmp_path):
    for place, name in enumerate(("20100301123456700", "20100301123456789", "7")):
        save(knee(place, AccessionNumber=name), tmp_path / "dicom" / f"{place}.dcm")
    for named, n in (("20100301123456700", 1), ("20100301123456789", 0)):
        found = counts(indexed(tmp_path, reports=f"accession,text\n{named},Artros\n7,Artros\n").counts)
        assert found.get("reports_of_alike_numbers", 0) == n


def test_a_fraction_that_lost_its_nought_is_told_as_the_spreadsheets_doing(tmp_path):
    for number, name in enumerate(("1.10", "1.2")):
        save(knee(number, AccessionNumber=name), tmp_path / "dicom" / f"{number}.dcm")
    with pytest.raises(Refused, match=r"'1.1', the DICOM files have '1.10'; a spreadsheet has changed"):
        indexed(tmp_path, readings=READ + "1.1,bo,reader,1,kl,2,0,\n1.2,bo,reader,1,kl,2,0,\n")


FOREIGN = [
    ("правого колена", "cp1251"), ("колено", "koi8_r"), ("předozadní příčné", "iso8859_2"), ("stojąca", "iso8859_2"),
    ("δεξιού γόνατος", "iso8859_7"), ("右膝", "gb18030"), ("右膝關節", "big5"), ("右膝関節", "shift_jis"), ("右膝", "euc_jp"),
    ("右膝", "iso2022_jp"), ("우측 무릎", "euc_kr"), ("ברך ימין", "iso8859_8"), ("เข่าขวา", "tis_620"), ("Knä höger", "cp850"),
]  # fmt: skip
LATIN = [
    "Knä höger belastad",
    "KNÄ HÖGER",
    "Genou droit, défilé créé",
    "Rodilla – “derecha” año",
    "d’avant d´avant",
    "polvi, ääriasento",
]


@pytest.mark.parametrize("declared", [None, "ISO_IR 100", "ISO_IR 192"])
def test_texts_in_characters_that_the_header_does_not_declare_are_counted(tmp_path, declared):
    for number, (words, encoding) in enumerate([*FOREIGN, *((words, "cp1252") for words in LATIN)]):
        written = words.encode(encoding)
        written += b" " * (len(written) % 2)
        dataset = knee(number, SpecificCharacterSet=declared, StudyDescription="Q" * len(written))
        path = save(dataset, tmp_path / f"{number:02d}.dcm")
        path.write_bytes(path.read_bytes().replace(b"Q" * len(written), written))
    noted = [
        "characters_unread" in (inspect(tmp_path, path.name, IngestSettings())["noted"] or "")
        for path in sorted(tmp_path.iterdir())
    ]
    assert noted == [True] * len(FOREIGN) + [False] * len(LATIN)


def test_texts_in_characters_that_are_declared_are_read(tmp_path):
    for number, (words, declared) in enumerate(
        (("колено", "ISO_IR 144"), ("колено", "ISO_IR 192"), ("山田", "\\ISO 2022 IR 87"))
    ):
        save(knee(number, SpecificCharacterSet=declared, StudyDescription=words), tmp_path / f"{number}.dcm")
        assert not inspect(tmp_path, f"{number}.dcm", IngestSettings())["noted"]


def test_what_lies_beside_the_folder_that_is_read_is_counted(tmp_path):
    save(knee(1), tmp_path / "dicom" / "1.dcm")
    for name, content in (("notes.txt", b"none"), (".hidden", b"PK\x03\x04"), ("manifest.csv", b"a,b\n")):
        (tmp_path / name).write_bytes(content)
    assert "beside_dicom" not in counts(indexed(tmp_path).counts)
    save(knee(2), tmp_path / "more" / "2.dcm")
    save(knee(3), tmp_path / "IM0003")
    (tmp_path / "rest.zip").write_bytes(b"PK\x03\x04")
    assert counts(indexed(tmp_path).counts)["beside_dicom"] == 3
    (tmp_path / "dicom.zip").write_bytes(b"PK\x03\x04")
    with pytest.raises(Refused, match=r"dicom\.zip isn't read"):
        indexed(tmp_path)


def test_exams_without_a_date_are_counted(tmp_path):
    for number, date in enumerate(("20200304", "", "")):
        save(knee(number, StudyDate=date), tmp_path / f"{number}.dcm")
    save(knee(2, StudyDate="20200304"), tmp_path / "3.dcm")
    assert counts(indexed(tmp_path).counts)["exams_without_date"] == 1


@pytest.mark.parametrize("number", ["0", "000", "NONE", "N/A", "-", "Unknown"])
def test_an_accession_number_that_programs_write_for_nothing_joins_no_studies(tmp_path, number):
    for study in range(3):
        save(knee(1, AccessionNumber=number, StudyInstanceUID=f"1.{study}"), tmp_path / f"{study}.dcm")
    assert counts(indexed(tmp_path).counts)["exams"] == 3


@pytest.mark.parametrize(
    ("ids", "names", "n"),
    [
        (("A1^^^LUND", "A1"), ("", ""), 1),
        (("1234^^^LUND&1.2&ISO", "1234"), ("", ""), 1),
        (("Berg^Eva", "Berg^Karl"), ("", ""), 2),
        (("A1", "B2"), ("Berg^Eva^^Dr", "BERG^EVA"), 1),
        (("A1", "B2"), ("Берг^Ева=Berg^Eva", "Berg^Eva"), 1),
        (("A1", "B2"), ("Berg^Eva^Maria", "Berg^Eva"), 2),
    ],
)
def test_numbers_with_their_hospital_and_names_with_titles_or_in_two_alphabets_are_the_same(ids, names, n):
    told = {"patient_id": ids, "other_ids": None, "patient_name": names, "birth_date": "19500102"}
    assert patients(pd.DataFrame(told, dtype="str"), IngestSettings().placeholders).nunique() == n


def test_a_number_with_its_hospital_is_of_two_people_where_their_births_differ():
    told = {"patient_id": ["1234^^^LUND", "1234^^^UMEA"], "other_ids": None, "patient_name": None}
    table = pd.DataFrame(told | {"birth_date": ["19500102", "19620304"]}, dtype="str")
    assert patients(table, IngestSettings().placeholders).nunique() == 2


@pytest.mark.parametrize(
    "words", ["DXKNEE", "(DX) KNEE", "[DX] Knee 3 views", "1. DX KNEE", "_DX_KNEE", "KNEE (DX)", "Knee [DX]"]
)
def test_a_modality_in_brackets_or_joined_to_the_knee_is_no_side(words):
    assert describe.side(knee(1, StudyDescription=words), IngestSettings()) == (None, False)
    assert describe.side(knee(1, StudyDescription=f"{words} dx"), IngestSettings()) == ("right", False)


def test_a_second_column_that_a_program_has_numbered_is_told(tmp_path):
    table = tmp_path / "readings.csv"
    table.write_text(READ.replace("value", "value,value.1") + "A1,bo,reader,1,kl,2,3,0,\n")
    with pytest.raises(StudyError, match=r"has the column 'value\.1'"):
        read_readings(table)


@pytest.mark.parametrize(
    "cells", [("left", "right"), ("L", ""), ("R", "NA"), ("vänster", "hö"), ("links", "rechts"), ("1", "2")]
)
def test_a_column_of_sides_by_another_name_is_told(tmp_path, cells):
    table = tmp_path / "readings.csv"
    rows = "".join(f"A{number},bo,reader,1,kl,2,0,,{cell}\n" for number, cell in enumerate(cells))
    table.write_text(READ.replace("time", "time,Laterality") + rows)
    with pytest.raises(StudyError, match="the column 'laterality' says left and right; call it 'side'"):
        read_readings(table)
    table.write_text(READ.replace("time", "time,comment") + rows.replace("\n", " knee\n"))
    assert read_readings(table)["side"].tolist() == ["", ""]


def test_a_report_that_a_spreadsheet_took_for_a_formula_is_none_and_counted(tmp_path):
    for number in range(3):
        save(knee(number), tmp_path / "dicom" / f"{number}.dcm")
    reports = "accession,text\nA00000,#NAME?\nA00001,#N/A\nA00002,#1 knee\n"
    found = counts(indexed(tmp_path, reports=reports).counts)
    assert (found["reports"], found["numbers_without_text"], found["exams_without_report"]) == (1, 2, 2)
    (tmp_path / "reports.csv").write_text(f"accession,text\nA00000,{'#' * 255}\nA00001,\\N\nA00002,#1 knee\n")
    found = counts(indexed(tmp_path).counts)
    assert (found["reports"], found["numbers_without_text"], found["exams_without_report"]) == (1, 2, 2)


@pytest.mark.parametrize(("word", "side"), [("Höger", "right"), ("vä", "left"), ("Links", "left"), ("dx", "right")])
def test_a_side_may_be_said_in_other_languages(tmp_path, word, side):
    table = tmp_path / "readings.csv"
    table.write_text(f"{READ.strip()},side\nA1,bo,reader,1,kl,2,WAHR,,{word}\n")
    read = read_readings(table)
    assert (read["side"].tolist(), read["revisit"].tolist()) == ([side], [True])


def test_a_sex_in_exams_csv_is_read_as_that_of_a_header(tmp_path):
    table = tmp_path / "exams.csv"
    table.write_text("exam,age,sex\nA1,60,Kvinna\nA2,61,W\nA3,62,männlich\nA4,63,unknown\nA5,64,\n")
    assert read_exams(table)["sex"].fillna("").tolist() == ["female", "female", "male", "", ""]
    table.write_text("exam,age,sex\nA1,60,f\nA2,61,2\n")
    with pytest.raises(StudyError, match="line 3: exam A2: the sex must be"):
        read_exams(table)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<p>Ingen <b>artros</b></p><P>Osteofyter</P>", "Ingen artros\n\nOsteofyter"),
        ("Ledspalts&auml;nkning &lt; 2&nbsp;mm<br/>R&D; AT&T", "Ledspaltsänkning < 2 mm\nR&D; AT&T"),
        ("Skleros, <5 mm och > 2 mm", "Skleros, <5 mm och > 2 mm"),
        ("Ingen fraktur_x000D_\nArtros", "Ingen fraktur\nArtros"),
        (r"Knä hö.\r\nIngen artros", "Knä hö.\nIngen artros"),
        ("Fraktur\vArtros\u2028Skleros", "Fraktur\nArtros\nSkleros"),
        ("brosk\xadreduktion, brosksa\u0308nkning, joint\xa0space", "broskreduktion, brosksänkning, joint space"),
    ],
)
def test_what_marks_up_a_report_is_taken_off(tmp_path, text, words):
    (tmp_path / "reports.csv").write_text(f'accession,text\nA1,"{text}"\n', newline="")
    assert read_reports(tmp_path / "reports.csv")["text"].str.strip().tolist() == [words]


def test_a_report_in_the_code_of_a_word_processor_is_refused_by_its_line(tmp_path):
    (tmp_path / "reports.csv").write_text("accession;text\nA1;a\nA2;{\\rtf1\\ansi Brosks\\'e4nkning}\n")
    with pytest.raises(StudyError, match=r"line 3: the text is in RTF.*\(1 such texts\); export"):
        read_reports(tmp_path / "reports.csv")
