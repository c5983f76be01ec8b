import stat
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.archive.inspect import SEPARATOR
from analysis.archive.people.identifiers import plain_id
from analysis.archive.people.patients import (
    borne_by_many,
    contradicted,
    exams,
    exams_alike,
    of_several_hospitals,
    patients,
    shared,
)
from analysis.archive.people.pseudonyms import Pseudonyms, key_from_file, key_from_seed
from analysis.archive.settings import IngestSettings
from analysis.errors import StudyError

NOBODY = IngestSettings().placeholders


def table(*rows):
    return pd.DataFrame(rows, columns=["patient_id", "other_ids", "patient_name", "birth_date"], dtype="str")


def same(*rows):
    """Return whether all rows are of one patient."""
    found = patients(table(*rows), NOBODY)
    return found.nunique(dropna=False) == 1 and found.notna().all()


@pytest.mark.parametrize(
    ("first", "second", "one"),
    [
        (("A-17",), ("A-17",), True),
        (("A-17",), (" a 17 ",), True),
        (("19121212-1212",), ("121212-1212",), True),
        (("19121212-1212",), ("201212121212",), True),  # rather one patient too few than one in two sets
        (("A17",), ("B99", "A17"), True),
        (("A17",), ("B99", f"X1{SEPARATOR}a-17"), True),
        (("A17", None, "Berg^Eva", "19500101"), ("B99", None, "EVA BERG", "1950.01.01"), True),
        (("A17", None, "Berg^Eva", "19500101"), ("B99", None, "Berg^Eva", "19500102"), False),
        (("A17", None, "B^E", "19500101"), ("B99", None, "B^E", "19500101"), False),
        (("A17", None, "Berg^E", "19500101"), ("B99", None, "Berg^E", "19500101"), False),
        (("A17", None, "B^E", "19500304"), ("B99", None, "B^E", "19500304"), True),
        (("A17", None, "Müller^Jörg", "19500304"), ("B99", None, "MUELLER^JOERG", "19500304"), True),
        (("A17", None, "Ågård^Bjørn", "19500304"), ("B99", None, "Aagaard^Bjoern", "19500304"), True),
        (("A17", None, "Müller^Jörg", "19500304"), ("B99", None, "Moeller^Joerg", "19500304"), False),
        (("A17", None, "Berg^Eva", "19500101"), ("B99", None, "Berg^Åsa", "19500101"), False),
        (("A17", None, "Anonymous^X", "19500101"), ("B99", None, "Anonymous^X", "19500101"), False),
        (("A17", None, "Berg", "19500101"), ("B99", None, "Berg", "19500101"), False),
        (("A17",), ("A18",), False),
        (("123456.0",), ("123456",), True),
        (("123456.1",), ("123456",), False),
        (("1.23E+05",), ("1.23E+05",), False),  # as a spreadsheet writes many people's
        (("1,23e+05",), ("1,23e+05",), False),
        (("123.456.782",), ("123456782",), True),
        (("85.07.30-033.28",), ("85073003328",), True),
        (("756.1234.5678.97",), ("7561234567897",), True),
        (("0000",), ("0000",), False),
        (("UNKNOWN",), ("unknown",), False),
        (("Unbekannt",), ("UNBEKANNT",), False),
        (("Anonymisé",), ("ANONYMISE",), False),
        (("not available",), ("NOT AVAILABLE",), False),
        (("Unknown Patient",), ("UNKNOWN^PATIENT",), False),
        (("NaN",), ("nan",), False),
        (("Unknown 17",), ("unknown-17",), True),
        ((None,), (None,), False),
    ],
)
def test_who_is_one_patient(first, second, one):
    rows = [(*row, *[None] * (4 - len(row))) for row in (first, second)]
    assert same(*rows) == one
    assert same(*rows[::-1]) == one


@pytest.mark.parametrize(
    ("issuers", "births", "n"),
    [
        (("Lund", "Malmö"), ("19500101", "19620304"), 2),
        (("Lund", "LUND "), ("19500101", "19620304"), 1),  # contradictory, and counted
        (("SUS Lund", "Lund"), ("19500101", "1950.01.01"), 1),  # one hospital in two spellings
        (("Lund", None), ("19500101", "19620304"), 1),
        (("Lund", "Malmö"), ("19500101", None), 1),
        (("Lund", "Malmö", "Lund", "Malmö"), ("19500101", "19620304", "19500101", None), 2),
        (("Lund", "Malmö", "Malmö"), ("19500101", "19620304", "19500101"), 1),
    ],
)
def test_a_number_that_two_hospitals_gave_is_of_two_people_where_their_births_differ(issuers, births, n):
    files = table(*[("1234", None, None, born) for born in births]).assign(issuer=pd.Series(issuers, dtype="str"))
    found = patients(files, NOBODY)
    assert found.notna().all() and found.nunique() == n
    assert found.is_unique == (n == len(issuers))


@pytest.mark.parametrize(
    ("issuers", "sexes", "births", "n"),
    [
        (("Lund", "Malmö"), ("male", "female"), (None, None), 2),
        (("Lund", "Malmö"), ("male", "male"), (None, None), 1),
        (("Lund", "Malmö"), ("male", None), (None, None), 1),
        (("Lund", "Malmö"), ("male", "female"), ("19500304", None), 1),
    ],
)
def test_without_birth_dates_sexes_tell_two_people_of_one_number(issuers, sexes, births, n):
    files = table(*[("1234", None, None, born) for born in births])
    files = files.assign(issuer=pd.Series(issuers, dtype="str"), sex=pd.Series(sexes, dtype="str"))
    found = patients(files, NOBODY)
    assert found.nunique() == n
    assert of_several_hospitals(files, found) == (n == 1 and births == (None, None))


def test_identifiers_link_in_chains():
    assert same(("A1", "B2", None, None), ("C3", "D4", None, None), ("X9", f"B2{SEPARATOR}D4", None, None))


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=1, max_size=25))
def test_linking_equals_walking_the_graph(links):
    found = patients(table(*[(f"A{a}", f"A{b}", None, None) for a, b in links]), NOBODY)
    groups = []  # the slow, obvious way: merge sets until nothing more touches
    for a, b in links:
        touched = [group for group in groups if group & {a, b}]
        groups = [group for group in groups if group not in touched] + [{a, b}.union(*touched)]
    expected = [next(i for i, group in enumerate(groups) if a in group) for a, _ in links]
    assert pd.Series(expected).groupby(found.to_numpy()).nunique().max() == 1
    assert found.nunique() == len(set(expected))


def test_what_too_many_bear_links_nobody():
    study = table(*[(f"P{n}", "STUDY-7", f"Case{n}^X", f"19{50 + n}0304") for n in range(4)])
    assert patients(study, NOBODY).nunique() == 1
    assert patients(study, NOBODY, borne_by_many(study)).nunique() == 4
    renamed = table(*[(f"P{n}", None, "Knee^Study", "19500304") for n in range(12)])
    assert patients(renamed, NOBODY, borne_by_many(renamed)).nunique() == 12
    person = table(*[(f"P{n}", "P0", "Berg^Eva", "19500304") for n in range(4)])  # with several numbers
    assert patients(person, NOBODY, borne_by_many(person)).nunique() == 1
    unknown = [
        ("UNK", None, None, "1950.03.04"),
        ("Unk", None, "Berg^Eva", "19600304"),
        ("UNK", None, None, "19700304"),
    ]
    word = table(*unknown, ("A17", None, "Berg^Eva", "19600304"))
    assert patients(word, NOBODY, borne_by_many(word)).fillna("").tolist() == ["", "id a17", "", "id a17"]
    pseudonym = table(("QWX", None, None, "19500304"), ("QWX", None, None, "19000101"), ("QWX", None, None, None))
    assert patients(pseudonym, NOBODY, borne_by_many(pseudonym)).nunique() == 1
    initials = table(("EVA", None, None, "1950.03.04"), ("EVA", None, None, "19500304"), ("EVA", None, None, None))
    assert patients(initials, NOBODY, borne_by_many(initials)).nunique() == 1
    number = table(("17", None, None, "19500304"), ("17", None, None, "19600304"))  # rather a date that is wrong
    assert patients(number, NOBODY, borne_by_many(number)).nunique() == 1
    filler = table(("A17", None, "Berg^Eva", "19000101"), ("B99", None, "Berg^Eva", "19000101"))
    assert patients(filler, NOBODY).nunique() == 2


def test_patients_whose_files_contradict_each_other_are_counted():
    files = pd.DataFrame({"birth_date": ["19500304", "19500304", "19600101", None], "sex": ["M", "F", "M", "M"]})
    assert contradicted(files, pd.Series(["a", "a", "b", "b"])) == 1
    assert contradicted(files, pd.Series(["a", "b", "b", None])) == 1


def test_exams_of_numbers_that_differ_in_spelling_alone_are_counted():
    numbers = ["A-5", "A5", "a 05", "A6", "A-6", "A7", "A-7", "1-12", "11-2", "0", "00"]
    days = ["2020-03-04"] * 3 + ["2020-03-04", "2020-09-04"] + [None] * 2 + ["2020-03-04"] * 4
    files = pd.DataFrame({"accession": numbers, "date": days, "patient_id": "P1"}, dtype="str")
    files["study_uid"] = [f"1.{n}" for n in range(len(files))]
    patient = files["patient_id"]
    assert exams_alike(files, patient, exams(files, patient)) == 5
    patient = pd.Series([f"P{n}" for n in range(len(files))], dtype="str")
    assert exams_alike(files, patient, exams(files, patient)) == 0


def test_plain_identifiers():
    assert plain_id("19610131-1234", ()) == "6101311234"
    assert plain_id("19610191-1234", ()) == "6101911234"  # a co-ordination number: day + 60
    assert plain_id("196113311234", ()) == "196113311234"  # no month 13: some other number
    assert plain_id(None, ()) is None
    assert plain_id("XXXX", ()) is None


def test_exams_by_accession_or_study():
    files = pd.DataFrame(
        {
            "accession": ["A1", "A1", None, None, "1", "1", None],
            "study_uid": ["s1", "s2", "s1", "s3", "s4", "s5", None],
            "patient_id": "p",
            "date": "2020-03-04",
        },
        dtype="str",
    )
    patient = pd.Series(["p", "p", "p", "p", "q", "r", "p"])
    found = exams(files, patient)
    assert found[0] == found[1] == found[2]  # two studies under one number; a file without the number
    assert found[3] == "study s3"
    assert (found[4], found[5]) == ("study s4", "study s5")  # number 1 is of two patients
    assert pd.isna(found[6])
    assert not shared(found, patient).any()
    assert shared(pd.Series(["x", "x"]), pd.Series(["p", "q"])).all()


@pytest.mark.parametrize(("accession", "n"), [("7-001", 2), ("7001", 2), ("7002", 1)])
def test_an_undated_accession_number_that_is_the_patients_in_any_spelling_tells_nothing(accession, n):
    files = pd.DataFrame(
        {"accession": accession, "study_uid": ["s1", "s2"], "patient_id": "7001", "date": None}, dtype="str"
    )
    assert exams(files, pd.Series(["p", "p"])).nunique() == n


@pytest.mark.parametrize(("number", "n"), [("acl 1", 1), ("ACL01", 1), ("ACL-2", 2), (None, 1)])
def test_a_number_of_one_study_may_be_spelled_in_two_ways(number, n):
    files = pd.DataFrame(
        {"accession": ["ACL1", number], "study_uid": "s1", "patient_id": "p", "date": "2020-03-04"}, dtype="str"
    )
    assert exams(files, pd.Series(["p", "p"])).nunique() == n
    assert exams(files.assign(study_uid=["s1", "s2"]), pd.Series(["p", "p"])).nunique() == 2


def test_a_key_is_made_once_and_only_for_the_user(tmp_path):
    path = tmp_path / "config" / "key"
    key, warnings = key_from_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "Made the key" in warnings[0]
    assert key_from_file(path) == (key, [])
    path.chmod(0o644)
    again, warnings = key_from_file(path)
    assert again == key
    assert "chmod 600" in warnings[0]


def test_a_key_must_lie_apart_and_be_one(tmp_path):
    with pytest.raises(StudyError, match="lies inside"):
        key_from_file(tmp_path / "results" / "private" / "key", tmp_path / "results")
    with pytest.raises(StudyError, match="lies inside"):
        key_from_file(Path(__file__).parent / "key")
    (tmp_path / "short").write_text("abcd")
    (tmp_path / "words").write_text("my secret")
    for name in ("short", "words"):
        with pytest.raises(StudyError, match="isn't a key"):
            key_from_file(tmp_path / name)
    with pytest.raises(StudyError, match="can't be read or made"):
        key_from_file(tmp_path / "short" / "key")


def test_pseudonyms_tell_kinds_apart_and_need_the_key():
    names, others = Pseudonyms(key_from_seed(1)), Pseudonyms(key_from_seed(2))
    assert names("patient", "17") == Pseudonyms(key_from_seed(1))("patient", "17")
    assert len({names("patient", "17"), names("exam", "17"), others("patient", "17"), names("patient", "1", "7")}) == 4
    assert all(names("patient", str(n)).isalnum() for n in range(50))
