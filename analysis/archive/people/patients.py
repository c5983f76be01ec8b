"""Which files belong to one patient and to one exam, when identifiers are missing, duplicated or spelled in two ways."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.archive.describe import is_filler, parse_date
from analysis.archive.inspect import SEPARATOR
from analysis.archive.people.identifiers import plain_id
from analysis.archive.people.names import plain, spelling
from analysis.tables import MISSING

if TYPE_CHECKING:
    from collections.abc import Iterable


#: The second of two letters that stand for one with dots or a ring (Mueller, Aase).
_UMLAUT = re.compile(r"(?<=[aou])e|(?<=a)a")


def borne_by_many(files: pd.DataFrame) -> frozenset[str]:
    """Return identifiers and names that nobody can be known by, since too many bear them, as of a study or a scanner.

    ASSUME: nobody has three PatientIDs and three birth dates, nor ten PatientIDs; a name that a fifth of at least ten have
    was put in by anonymisation; and a PatientID without a digit is a word, which names nobody where it has three birth dates.

    Parameters
    ----------
    files : pandas.DataFrame
        Columns `patient_id`, `other_ids`, `patient_name`, `birth_date`.
    """
    people = files[_COLUMNS].dropna(subset=["patient_id"]).drop_duplicates()
    others = people.dropna(subset=["other_ids"])
    others = others.assign(other=others["other_ids"].str.split(SEPARATOR)).explode("other")
    others = others[others["other"] != others["patient_id"]].groupby("other")[["patient_id", "birth_date"]].nunique()
    many = others[(others.min(axis=1) >= 3) | (others["patient_id"] >= 10)]
    names = people[["patient_id", "patient_name"]].drop_duplicates()["patient_name"].value_counts()
    names = names[names >= max(10, 0.2 * people["patient_id"].nunique())]
    born = people["birth_date"].str.replace(r"\D", "", regex=True).groupby(people["patient_id"].map(plain)).nunique()
    words = {name for name in born.index[born >= 3] if not any(map(str.isdigit, name))}
    return frozenset({*map(plain, many.index), *(one for name in names.index for one in _plain_names(name)), *words})


def _plain_names(name: str) -> list[str]:
    """Return a name in each of the letters in which it is written, without titles: its parts in a fixed order, with blanks."""
    written = ("^".join(one.split("^")[:3]) for one in name.split("="))
    return [" ".join(sorted(part for part in map(plain, re.split(r"[\^,\s]+", one)) if part)) for one in written]


def patients(files: pd.DataFrame, placeholders: Iterable[str], many: frozenset[str] = frozenset()) -> pd.Series:
    """Find out who each file is of.

    Files are of one patient when they share an identifier (PatientID or one of OtherPatientIDs, in any spelling), or both
    name and birth date, or birth date and number but for noughts before it. So a second identifier can't bring a patient
    into two sets. Initials born on a first of January are anybody's. A birth date that programs write where they know none
    is nobody's. A number that several hospitals gave is one patient's unless birth dates tell them apart, since a
    hospital's name may be spelled in two ways.

    Parameters
    ----------
    files : pandas.DataFrame
        Columns `patient_id`, `other_ids`, `patient_name`, `birth_date`, and `issuer` where it is known.
    placeholders : iterable of str
        Identifiers and names that stand for nobody.
    many : frozenset of str
        From `borne_by_many`.

    Returns
    -------
    pandas.Series of str
        An identity (the first of the patient's identifiers), missing where there is nothing to go by.
    """
    nobody = frozenset(plain(one) for one in placeholders) | many
    named = files[_COLUMNS].assign(patient_id=_by_hospital(files))
    keys = [_keys(row, nobody) for row in named.itertuples(index=False, name=None)]
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        while parent.setdefault(key, key) != key:
            parent[key] = key = parent[parent[key]]
        return key

    for linked in keys:
        roots = sorted(root(key) for key in linked)
        for other in roots[1:]:
            parent[other] = roots[0]
    return pd.Series([root(linked[0]) if linked else None for linked in keys], files.index, dtype="str")


_COLUMNS = ["patient_id", "other_ids", "patient_name", "birth_date"]


def _by_hospital(files: pd.DataFrame) -> pd.Series:
    """Return the identifiers, with the hospital's name before those that each of several gave to somebody of another birth.

    Where headers have no birth date, of another sex.
    """
    number, issuer = _issued(files)
    if issuer.nunique() < 2:
        return number
    given = pd.DataFrame(
        {
            "number": number.map(plain, na_action="ignore"),
            "issuer": issuer.map(plain, na_action="ignore"),
            "born": files["birth_date"].str.replace(r"\D", "", regex=True),
        }
    )
    dated = given["born"].groupby(given["number"]).transform("count") > 0
    given["born"] = given["born"].where(dated, files.reindex(columns=["sex"])["sex"].astype("str"))
    told = given.dropna().drop_duplicates().groupby("number").agg(["nunique", "count"])
    several = told["issuer", "nunique"] > 1
    for column in ("issuer", "born"):  # as many births as hospitals, one each
        several &= told[column, "nunique"] == told[column, "count"]
    return number.mask(given["number"].isin(told.index[several]) & issuer.notna(), issuer + " " + number)


def _issued(files: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Return each file's identifier and the hospital that gave it, also where they are in one, as HL7 writes them (1234^^^Lund)."""
    both = files["patient_id"].str.extract(r"^(?P<number>[^^]*\d[^^]*)\^\^\^(?P<issuer>[^^&]+)")
    issuer = files.reindex(columns=["issuer"])["issuer"].astype("str").fillna(both["issuer"])
    return both["number"].fillna(files["patient_id"]), issuer


def of_several_hospitals(files: pd.DataFrame, patient: pd.Series) -> int:
    """Count the patients to whom several hospitals gave one number, with no birth date to say whether they are one."""
    given = [one.map(plain, na_action="ignore").rename(name) for name, one in enumerate(_issued(files))]
    about = pd.DataFrame({"issuer": given[1], "born": files["birth_date"]}).groupby([patient, given[0]]).nunique()
    return int(about.index.get_level_values(0)[(about["issuer"] > 1) & (about["born"] == 0)].nunique())


@lru_cache(maxsize=4096)
def _keys(row: tuple[object, ...], nobody: frozenset[str]) -> list[str]:
    patient_id, other_ids, name, born = (one if isinstance(one, str) else "" for one in row)
    found = [one for one in (plain_id(one, nobody) for one in (patient_id, *other_ids.split(SEPARATOR))) if one]
    keys = [f"id {one}" for one in found]
    digits = re.sub(r"\D", "", born)
    filler = (date := parse_date(born)) is not None and is_filler(date)
    if len(digits) == 8 and not filler:
        # A spreadsheet takes the noughts off a number: the birth date tells whether it is the same.
        keys += [f"number {one.lstrip('0')} {digits}" for one in found if one.isdecimal()]
        # ASSUME: two people of one name and one birth date are rarer in an archive than one person with two numbers.
        names = [one for one in _plain_names(name) if " " in one and not nobody & {one, *one.split()}]
        if date is not None and (date.month, date.day) == (1, 1):  # of an unknown day, or moved there to hide it
            names = [one for one in names if sum(len(part) > 1 for part in one.split()) > 1]
        keys += [f"name {_spelled_out(one)} {digits}" for one in names]
    return keys


def _spelled_out(name: str) -> str:
    """Return a plain name in which Müller, Mueller and Muller are one, and Bjørk and Bjoerk."""
    return " ".join(sorted(_UMLAUT.sub("", name.replace("ø", "o").replace("æ", "a")).split()))


def contradicted(files: pd.DataFrame, patient: pd.Series) -> int:
    """Count the patients to whom files give several birth dates, or several sexes: perhaps two under one number."""
    about = files[["birth_date", "sex"]].groupby(patient).nunique()
    return int((about > 1).any(axis=1).sum())


def alike(files: pd.DataFrame, patient: pd.Series) -> int:
    """Count the patients whose numbers are another's but for noughts before them, and whom no birth dates tell apart."""
    about = files[["patient_id", "birth_date"]].assign(patient=patient).dropna(subset=["patient_id", "patient"])
    about = about[about["patient_id"].str.fullmatch(r"\s*[0-9]+\s*")].drop_duplicates(
        ["patient_id", "birth_date", "patient"]
    )
    number = about["patient_id"].str.strip().str.lstrip("0")
    several = about["patient"].groupby(number).transform("nunique") > 1
    told = about["birth_date"].fillna("").str.contains("[1-9]").groupby(number).transform("all")
    return int(about.loc[several & ~told, "patient"].nunique())


def common_identifier(files: pd.DataFrame, placeholders: Iterable[str] = ()) -> str | None:
    """Return the PatientID that nearly all exams have, where that can't be one person: what anonymisation wrote.

    Parameters
    ----------
    files : pandas.DataFrame
        Columns `study_uid`, `patient_id`, `birth_date`, `sex`.
    placeholders : iterable of str
        Words that stand for nobody; so they do with a number (ANON-0001), if all have the same.
    """
    known = files.dropna(subset=["study_uid", "patient_id"]).drop_duplicates(["study_uid", "patient_id"])
    counts = known["patient_id"].value_counts()
    if counts.empty:
        return None
    name, n = str(counts.index[0]), int(counts.iloc[0])
    # ASSUME: an identifier without a digit is a word; one with digits names nobody when several sexes or birth dates
    # have it.
    rows = known[known["patient_id"] == name]
    contradicted = rows["sex"].nunique() > 1 or rows["birth_date"].nunique() > 1
    word = plain(name).rstrip("0123456789")
    nobody = contradicted or not any(map(str.isdigit, name)) or word in set(map(plain, placeholders))
    return name if n >= 3 and n >= 0.9 * len(known) and nobody else None


def exams(files: pd.DataFrame, patient: pd.Series) -> pd.Series:
    """Find out which exam each file is of: by accession number, else by its study.

    A file without an accession number is of the exam that its study is of elsewhere, if that is one. An accession
    number that tells nothing is passed over for the study: one that several patients have (1, say), that programs write for
    nothing (0, NONE), whose studies lie more than a day apart, or that is the patient's identifier, in any spelling, on
    several studies without a date. Files of one study that lie further apart are of several exams, too; its numbers that
    differ in spelling alone are one.

    Parameters
    ----------
    files : pandas.DataFrame
        Columns `accession`, `study_uid`, `patient_id`, `date`.
    patient : pandas.Series of str
        Who each file is of, from `patients`.

    Returns
    -------
    pandas.Series of str
        The identity of the exam, missing where there is nothing to go by.
    """
    date = pd.to_datetime(files["date"])
    written = _in_one_way(files["accession"], files["study_uid"])
    accession = written.mask(shared(written, patient) | written.map(_is_nothing, na_action="ignore").eq(True))
    several = (files["study_uid"].groupby(accession).transform("nunique") > 1).fillna(False).astype(bool)
    undated = pd.Series(False, files.index)
    open_ = several & date.isna()
    undated[open_] = accession[open_].map(plain) == files.loc[open_, "patient_id"].fillna("").map(plain)
    tells_nothing = several & (_far_apart(date, accession) | undated.groupby(accession).transform("max").eq(True))
    accession = accession.mask(tells_nothing)
    known = accession.dropna().groupby(files["study_uid"])
    single = known.first()[known.nunique() == 1]
    accession = accession.fillna(files["study_uid"].map(single).astype("str"))
    found = ("accession " + accession).fillna("study " + files["study_uid"])
    apart = _far_apart(date, found)
    return found.mask(apart, found + " of " + files["date"].fillna("no date"))


def _in_one_way(accession: pd.Series, study: pd.Series) -> pd.Series:
    """Write the accession numbers of one study that differ in capitals, signs or noughts before them as the first of them."""
    several = (accession.groupby(study).transform("nunique") > 1).fillna(False).astype(bool) & accession.notna()
    some = accession[several]
    first = some.groupby([study[several], some.map(spelling)]).transform("first")
    return accession.mask(several, first.reindex(accession.index))


def exams_alike(files: pd.DataFrame, patient: pd.Series, exam: pd.Series) -> int:
    """Count the exams of one patient and day whose accession numbers differ in capitals, signs or noughts alone (A-5, a05)."""
    about = files[["accession", "date"]].assign(patient=patient, exam=exam)
    about = about[exam.str.startswith("accession ").eq(True)].drop_duplicates()
    day = [about["patient"], about["date"].fillna("")]
    about = about[about.groupby(day)["exam"].transform("nunique") > 1]
    alike_ = about.groupby([about["patient"], about["date"].fillna(""), about["accession"].map(spelling)])
    return int(about.loc[alike_["exam"].transform("nunique") > 1, "exam"].nunique())


def _is_nothing(number: str) -> bool:
    return number.lower() in MISSING or not plain(number).strip("0") or plain(number) == "unknown"


def _far_apart(date: pd.Series, key: pd.Series) -> np.ndarray:
    """Mark the files whose exam would last for more than two days; midnight alone makes one of two."""
    dates = date.groupby(key)
    return np.asarray(((dates.transform("max") - dates.transform("min")).dt.days > 1).fillna(False), dtype=bool)


def shared(identifier: pd.Series, patient: pd.Series) -> np.ndarray:
    """Mark the files whose identifier several patients have."""
    return np.asarray((patient.groupby(identifier).transform("nunique") > 1).fillna(False), dtype=bool)
