"""Tables of a release that are odd: read as they are meant, or refused in a sentence that says what to do."""

import shutil

import pandas as pd
import pytest

from analysis.archive.find import inventory
from analysis.archive.releases.oai_tables import person, read_people, read_replacements, read_scores
from analysis.archive.releases.tables import Told
from analysis.archive.sources import find_sources
from analysis.archive.sources.most import MOSTSettings
from analysis.archive.sources.most import read_scores as read_most
from analysis.archive.sources.oai import OAISettings, choose
from analysis.errors import StudyError
from tests.archive.sources.test_oai_most import film

SCORES = """ID|SIDE|READPRJ|V00BARCDBU|V00XRKL|V00XRJSM
1000001|1: Right|15|016600000101|2: 2|1
1000001|2: Left|15|016600000101|0|0
1000002|1: Right|37|016600000201|3|2
"""
CONTRADICTS = SCORES + "1000001|1: Right|15|016600000101|3|1\n1000001|1: Right|37|016600000101|2|1\n"


def scores(folder, *tables, visits=("V00",)):
    """Read tables of grades by their contents; return id, side, KL of each row, and what was told."""
    for number, table in enumerate(tables):
        (folder / f"part{number}").mkdir(exist_ok=True)
        (folder / f"part{number}/kxr_sq_bu00.txt").write_bytes(table if isinstance(table, bytes) else table.encode())
    told = Told()
    found = read_scores(folder, list(visits), told)
    return list(zip(found["id"], found["side"].str[0], found["kl"], strict=True)), told.notes


AS_MEANT = [("1000001", "l", 0), ("1000001", "r", 2), ("1000002", "r", 3)]


@pytest.mark.parametrize(
    "table",
    [
        SCORES,
        SCORES.upper().replace("READPRJ", "readPrj").replace("V00XRKL", "v00xrKL"),
        SCORES.replace("1: Right", "Right").replace("2: Left", "L"),
        SCORES.replace("100000", "0100000"),  # a zero too many
        SCORES.replace("|1: Right|15", ".0|1.0|15.0").replace("|2: Left|15", ".0|2.0|15.0"),  # as SAS has numbers
        SCORES.replace("|", "\t").replace("\n", "\r\n").encode("utf-16"),
        SCORES.replace("|0166", "|166"),
        SCORES + "|1: Right|15|016600000301|2|1\n1000003|3|15|016600000301|2|1\n1000003|1|99|016600000301|2|1\n",
    ],
    ids=["plain", "cases", "words", "zeros", "numbers", "utf16", "barcodes", "nobody"],
)
def test_a_table_is_read_as_it_is_meant(table, tmp_path):
    found, _ = scores(tmp_path, table)
    assert found == AS_MEANT


def test_a_table_that_lies_there_twice_counts_once(tmp_path):
    found, notes = scores(tmp_path, SCORES, SCORES.replace("|0166", "|166"))
    assert found == AS_MEANT and notes["readings that stand in the tables twice, of which one counts"] == 3


@pytest.mark.parametrize(
    "other",
    [
        SCORES.replace("016600000", "1.66E+10").replace("|V00XRJSM", "").replace("2: 2|1", "2").replace("|0|0\n", "|0\n").replace("|3|2", "|3"),
        SCORES.replace("2: 2|1", "2|").replace("|3|2", "|3|.M").replace("016600000101", "T"),
    ],
    ids=["columns", "cells"],
)  # fmt: skip
def test_what_one_of_two_tables_lacks_is_no_contradiction(other, tmp_path):
    """As an excerpt that a spreadsheet has saved, beside the whole; in whatever order they are read."""
    for order in ((SCORES, other), (other, SCORES)):
        found, notes = scores(tmp_path, *order)
        assert found == AS_MEANT and notes["knees whose readings contradict each other, left out"] == 0
        whole = read_scores(tmp_path, ["V00"], Told())
        assert whole["jsn_medial"].tolist() == [0, 1, 2]
        assert whole["barcode"].tolist() == ["00000101", "00000101", "00000201"]


def test_readings_that_contradict_each_other_are_left_out_and_counted(tmp_path):
    """Also where a second project would have one."""
    found, notes = scores(tmp_path, CONTRADICTS)
    assert found == [AS_MEANT[0], AS_MEANT[2]]
    assert notes["knees whose readings contradict each other, left out"] == 1
    assert notes["knees read in a second project as well, of which the first counts"] == 1


@pytest.mark.parametrize(
    ("table", "visits", "told"),
    [
        (
            SCORES.replace("SIDE", "SEITE", 1),
            ["V00"],
            r"kxr_sq_bu00\.txt lacks the column 'side'; it has 'id', 'seite'",
        ),
        (SCORES.replace("ID|", "PATIENT|", 1), ["V00"], "lacks the column 'id'"),
        (SCORES.replace("READPRJ", "PRJ", 1), ["V00"], "lacks the column 'readprj'"),
        (SCORES.splitlines()[0] + "\n", ["V00"], r"no readings of the visits V00\. Copy the tables"),
        (SCORES, ["V00", "V06"], r"no readings of the visits V06; it has those of V00\. .* leave such visits out"),
        ("", ["V00"], r"kxr_sq_bu00\.txt is empty"),
        (SCORES + "1000009|1\n", ["V00"], "line 5: 2 cells, but the header has 6"),
    ],
)
def test_a_table_that_says_too_little_is_refused(table, visits, told, tmp_path):
    with pytest.raises(StudyError, match=told):
        scores(tmp_path, table, visits=visits)


def test_a_file_of_sas_that_was_cut_short_is_refused(tmp_path):
    for content in (b"", b"\0" * 100, b"no SAS at all" * 40):
        (tmp_path / "kxr_sq_bu00.sas7bdat").write_bytes(content)
        with pytest.raises(StudyError, match=r"kxr_sq_bu00\.sas7bdat isn't one of SAS \(.+\); copy it again"):
            scores(tmp_path)


def test_what_the_tables_of_people_and_outcomes_lack_is_unknown(tmp_path):
    (tmp_path / "Enrollees.txt").write_text("ID|P02SEX\n01000001|Female\n1000002|MALE\n1000003|.M\n")
    people = read_people(tmp_path).set_index("id")
    assert people["sex"].dropna().to_dict() == {"1000001": "female", "1000002": "male"} and people["age"].isna().all()
    assert read_replacements(tmp_path, Told()).empty
    told = Told()
    (tmp_path / "OUTCOMES99.txt").write_text(
        "ID|V99ERKBLRP|V99ERKRPCF|V99ERKDAYS|V99ELKRPCF|V99ELKDAYS\n1000001|1: Yes|.|.|.|.\n"
    )
    found = read_replacements(tmp_path, told)
    assert found[["id", "side", "days"]].to_numpy().tolist() == [["1000001", "right", 0.0]]
    assert told.notes["OUTCOMES99.txt has no column V99ELKBLRP"] == 1  # of left knees nothing is known


def test_films_are_known_by_the_number_of_the_person_however_it_is_written(tmp_path):
    from analysis.archive.releases.films import find_films

    film(tmp_path / "00m/0.C.2/1000001/20050301/00000101", "01000001", "016600000101")
    films = find_films(tmp_path, lambda _: True, Told())
    rows = pd.DataFrame({"id": ["1000001", "1000002"], "visit": "V00", "barcode": "00000101"})
    told = Told()
    assert choose(films, rows, told).tolist() == [0, pd.NA]
    assert told.about("another") == "1 readings whose barcode is another person's film, left out"
    assert [person(one) for one in ("1000001", " 01000001", "1000001.0", "")] == ["1000001"] * 3 + [""]


def test_films_of_whom_nobody_read_one_are_in_the_archive_and_retakes_are_not(tmp_path):
    """Person 3 has no reading; of person 1 another film was read."""
    folder = tmp_path / "drive"
    for person_, code in (("1000001", "0101"), ("1000001", "0102"), ("1000003", "0301")):
        film(folder / f"00m/0.C.2/{person_}/20050301/0000{code}", person_, f"01660000{code}")
    (folder / "kxr_sq_bu00.txt").write_text(SCORES)
    told = find_sources()["oai"].make(OAISettings(folder=str(folder)), 1, tmp_path / "out", 1)
    assert told.startswith("1 film, 2 knees of 1 people.")
    assert pd.read_csv(tmp_path / "out/exams.csv", dtype=str)["exam"].tolist() == ["016600000101", "016600000301"]
    assert len(list((tmp_path / "out/dicom").iterdir())) == 2
    notes = pd.read_csv(tmp_path / "out/import.csv").set_index("found")["n"]
    assert notes["further films of people of whom another one was read, left out"] == 1
    assert notes["films of these visits that no reading names: not read"] == 1
    assert notes["readings without a film"] == 1
    film(folder / "00m/0.C.2/1000002/20050301/00000201", "1000002", "016600000201", "PA Fixed Flexion Right Knee")
    (folder / "kxr_sq_bu00.txt").write_text(SCORES + "1000002|2: Left|15|016600000201|1|0\n")
    told = find_sources()["oai"].make(OAISettings(folder=str(folder)), 1, tmp_path / "out", 1)
    assert told.startswith("2 films, 3 knees of 2 people.")
    assert "1 readings of a knee whose film is of the other one, left out" in told
    (folder / "kxr_sq_bu00.txt").write_text(SCORES.replace("100000", "100007"))
    with pytest.raises(StudyError, match=r"None of the 4 films .* names: 3 readings whose barcode is another person's"):
        find_sources()["oai"].make(OAISettings(folder=str(folder)), 1, tmp_path / "out", 1)


def test_a_release_that_grows_is_seen_and_only_its_new_films_are_read(tmp_path):
    """By a plan; and what was read of a film counts on, since its link keeps its name whatever comes before it."""
    folder, out = tmp_path / "drive", tmp_path / "out"
    (folder / "dicom").mkdir(parents=True)  # an archive would have its films in there alone
    film(folder / "00m/0.C.2/1000002/20050301/00000201", "1000002", "016600000201")
    (folder / "kxr_sq_bu00.txt").write_text(SCORES)
    seen = [inventory(folder, release=True)]
    find_sources()["oai"].make(OAISettings(folder=str(folder)), 1, out, 1)
    (first,) = (out / "dicom").iterdir()
    (folder / "00m/0.C.2/1000001/20050301/10000001").mkdir(parents=True)
    (folder / "00m/0.C.2/1000001/20050301/10000001/001").write_bytes(b"a slice of magnetic resonance")
    assert [inventory(folder, release=True)] == seen
    film(folder / "00m/0.C.2/1000001/20050301/00000101", "1000001", "016600000101")
    seen.append(inventory(folder, release=True))
    (folder / "tables").mkdir()
    (folder / "tables/Enrollees.txt").write_text("ID|P02SEX\n1000001|1\n")
    seen.append(inventory(folder, release=True))
    assert len(set(seen)) == 3
    find_sources()["oai"].make(OAISettings(folder=str(folder)), 1, out, 1)
    assert first in set((out / "dicom").iterdir()) and len(list((out / "dicom").iterdir())) == 2


@pytest.mark.parametrize("said", ["OAI-{}", "NDAR_INV7QX", "ANONYMOUS", "", "0{}"])
def test_a_film_of_the_oai_is_its_participants_whatever_its_patient_id_is(said, tmp_path):
    """By the folder that the hard drive has for each; two films of another visit would else be left out."""
    for code, words in (("00000101", "Bilateral PA Fixed Flexion Knee"), ("00000201", "PA Fixed Flexion Right Knee")):
        one = f"100000{code[5]}"
        film(tmp_path / f"drive/00m/0.C.2/{one}/20050301/{code}", said.format(one), f"0166{code}", words)
    (tmp_path / "drive/kxr_sq_bu00.txt").write_text(SCORES.replace("016600000201", "T"))  # known by person and visit
    told = find_sources()["oai"].make(OAISettings(folder=str(tmp_path / "drive")), 1, tmp_path / "out", 1)
    assert told.startswith("2 films, 3 knees of 2 people.")


MOST = "MOSTID|V0XRKL|V0XLKL\nMB00001|2|1\nMB00002|0|0\n"


def most_films(folder, place="V0_XRAY/PA10", **tags):
    """A film each of two people, and the table of their grades."""
    for person_ in ("MB00001", "MB00002"):
        own = {name: value.format(person=person_) for name, value in tags.items()}
        film(folder / person_ / place, person_, f"7{person_[2:]}", "", **own)
    (folder / "mostv01235xray.txt").write_text(MOST)


@pytest.mark.parametrize("place", ["V0_XRAY/PA10", "v00/pa_10", "XR-V0/KNEE PA 10", "V0/KNEE_PA10_1"])
def test_visit_and_beam_of_a_film_are_known_however_its_folders_are_written(place, tmp_path):
    most_films(tmp_path / "drive", place)
    told = find_sources()["most"].make(MOSTSettings(folder=str(tmp_path / "drive")), 1, tmp_path / "out", 1)
    assert told.startswith("2 films, 4 knees of 2 people.")


@pytest.mark.parametrize("words", ["Bilateral_PA_Fixed_Flexion_Knee", "BILATERAL PA  FIXED-FLEXION KNEES "])
def test_a_film_of_the_oai_is_known_however_its_description_is_written(words, tmp_path):
    film(tmp_path / "drive/0.C.2/1000001/1/00000101", "1000001", "016600000101", words)
    (tmp_path / "drive/kxr_sq_bu00.txt").write_text(SCORES)
    told = find_sources()["oai"].make(OAISettings(folder=str(tmp_path / "drive")), 1, tmp_path / "out", 1)
    assert told.startswith("1 film, 2 knees of 1 people.")


def test_films_with_one_accession_number_for_all_are_told_apart_by_their_studies(tmp_path):
    """As where it was blinded; and a film that lies there twice is one."""
    drive, out = tmp_path / "drive", tmp_path / "out"
    most_films(drive, AccessionNumber="REMOVED", StudyInstanceUID="1.2.{person}".replace("MB", ""))
    shutil.copytree(drive / "MB00001", drive / "again/MB00001")
    told = find_sources()["most"].make(MOSTSettings(folder=str(drive)), 1, out, 1)
    assert told.startswith("2 films, 4 knees of 2 people.") and "1 films that lie there twice" in told
    readings = pd.read_csv(out / "readings.csv", dtype=str)
    assert readings["exam"].nunique() == 2 and "REMOVED" not in set(readings["exam"])
    most_films(tmp_path / "alike", AccessionNumber="REMOVED", StudyInstanceUID="1.2.3")
    with pytest.raises(StudyError, match="neither accession number nor StudyInstanceUID is one person's alone"):
        find_sources()["most"].make(MOSTSettings(folder=str(tmp_path / "alike")), 1, out, 1)


def test_odd_tables_of_most(tmp_path):
    table = tmp_path / "mostv01235xray.txt"
    table.write_text("mostid|V0XRKL|v0xlkl|V1XRKL\nmb00001 |2|1|\nMB00002|1|1|\nMB00001|2|1|\nMB00002|3|1|\n")
    told = Told()
    found = read_most(tmp_path, ["V0"], told)
    assert found[["id", "side", "kl"]].to_numpy().tolist() == [
        ["MB00001", "right", 2], ["MB00001", "left", 1], ["MB00002", "left", 1]
    ]  # fmt: skip
    assert told.notes["knees whose readings contradict each other, left out"] == 1
    with pytest.raises(StudyError, match=r"no readings of the visits V2; it has those of V0, V1\."):
        read_most(tmp_path, MOSTSettings(visits=["V0", "V2"]).visits, told)
    table.write_text("PERSON|V0XRKL\nMB00001|2\n")
    with pytest.raises(StudyError, match="lacks the column 'mostid'; it has 'person', 'v0xrkl'"):
        read_most(tmp_path, ["V0"], told)
