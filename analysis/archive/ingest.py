"""Index an archive: every file is indexed, rejected or a duplicate, and nobody is named."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.archive.counts import count, in_future
from analysis.archive.find import beside, find
from analysis.archive.handed_over import misnamed
from analysis.archive.headers import read_headers
from analysis.archive.inspect import DESCRIPTION
from analysis.archive.knees.units import BOX, both_sides_read, divide, find_double, units
from analysis.archive.parts import gather
from analysis.archive.people.copies import mark_copies
from analysis.archive.people.identifiers import plain_id
from analysis.archive.people.matching import exams_of_readings, fill_from, reports_of_exams
from analysis.archive.people.names import plain
from analysis.archive.people.patients import (
    alike,
    borne_by_many,
    common_identifier,
    contradicted,
    exams,
    exams_alike,
    of_several_hospitals,
    patients,
    shared,
)
from analysis.archive.reasons import commonest, sentence
from analysis.archive.tables import columns_not_read, read_reports, readings_or_problem
from analysis.errors import StudyError
from analysis.files import write_table
from analysis.plurals import plural
from analysis.schemas import COUNTS, IMAGES, PRIVATE, READINGS, REJECTED
from analysis.tables import by_value, unlike_formula

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analysis.archive.people.pseudonyms import Pseudonyms
    from analysis.archive.settings import IngestSettings


@dataclass(frozen=True)
class Index:
    """What ingest found.

    Attributes
    ----------
    files : pandas.DataFrame
        One row per file of the archive and knee that it is of, private: path, code, detail, pseudonyms and identifiers.
    images : pandas.DataFrame
        One row per indexed image (schema IMAGES), publishable.
    readings : pandas.DataFrame
        Schema READINGS, publishable.
    counts : pandas.DataFrame
        Columns `kind`, `code`, `n`.
    """

    files: pd.DataFrame
    images: pd.DataFrame
    readings: pd.DataFrame
    counts: pd.DataFrame


class Refused(StudyError):  # noqa: N818 - an error for people, which brings along what there is to look at
    """An archive that no study can be made of as it is.

    Attributes
    ----------
    files, counts : pandas.DataFrame
        As of `Index`.
    """

    def __init__(self, message: str, files: pd.DataFrame, counts: pd.DataFrame) -> None:
        super().__init__(message)
        self.files, self.counts = files, counts


def ingest(
    folder: Path,
    settings: IngestSettings,
    pseudonyms: Pseudonyms,
    workers: int = 1,
    before: Path | None = None,
    parts: Sequence[Path] = (),
) -> Index:
    """Index an archive.

    Parameters
    ----------
    folder : Path
        The archive: any tree of files, in `dicom/` or in the folder itself; beside it `readings.csv`
        where there are readings.
    settings : IngestSettings
    pseudonyms : Pseudonyms
    workers : int
        Processes.
    before : Path, optional
        Where what was read of the files is kept, so that next time only new and changed ones are read.
    parts : sequence of Path, optional
        What `read_shard` wrote of each part of the archive's files; then none of them is read here.

    Returns
    -------
    Index

    Raises
    ------
    StudyError
        If the folder doesn't exist. A `Refused`, if it holds no radiograph, its identifiers name nobody, no report is of
        its exams, or a reading is of an unknown one.
    """
    if not folder.is_dir():
        raise StudyError(f"The archive {folder} is no folder; correct the path.")
    table = folder / "readings.csv"
    read, problem = readings_or_problem(table)
    if parts:
        files = gather(parts, before)
    else:
        files = read_headers(folder, find(folder), settings, workers, both_sides_read(read), before)
    nobody = common_identifier(files, settings.placeholders)
    many = borne_by_many(files)
    by_study = _patients(files, settings, nobody, many)
    doubts = {"identifiers_of_many": len(many), "patients_contradicted": contradicted(files, files["patient_key"])}
    doubts["patients_of_several_hospitals"] = of_several_hospitals(files, files["patient_key"])
    doubts |= {"patients_alike": alike(files, files["patient_key"]), "dates_in_future": in_future(files)}
    doubts["beside_dicom"] = beside(folder)
    files["exam_key"] = exams(files, files["patient_key"])
    dated = files.loc[files["code"].isna(), "date"].notna().groupby(files["exam_key"]).any()
    doubts["exams_alike"] = exams_alike(files, files["patient_key"], files["exam_key"])
    doubts["exams_without_date"] = int((~dated).sum())
    reject(files, files["exam_key"].isna(), "no_exam")
    reject(files, files["patient_key"].isna(), "no_patient", _who(files, settings, many))
    of_two = shared(files["exam_key"], files["patient_key"])
    reject(files, of_two, "exam_of_two_patients")
    mark_copies(files)
    files = _name(files, pseudonyms)
    wrong, told = fill_from(folder / "exams.csv", files)
    told |= {name: n for name, n in doubts.items() if n}
    problem = misnamed(folder) or wrong or problem
    texts: dict[str, int] = {}
    double: set[str] = set()
    problem = _problem(folder, files, nobody, settings) or problem
    try:
        if not problem:
            texts = _reports(folder / "reports.csv", files)
            read["exam"] = exams_of_readings(read, files, table)
            double = find_double(files, read, table)
    except StudyError as error:
        problem = str(error)
    reject(files, files["exam"].isin(double) & files["side"].isna(), "no_side")
    counts = count(files, len(double), told | texts, by_study, read["item"], columns_not_read(folder))
    if problem:
        raise Refused(problem, files, counts)
    files = divide(files.drop(columns=["patient_key", "exam_key"]), double)
    files["image"] = _image_names(files, pseudonyms)
    return Index(files, _images(files), _readings(read, files, double), counts)


def _patients(files: pd.DataFrame, settings: IngestSettings, nobody: str | None, many: frozenset[str]) -> int:
    """Find out who each file is of; return how many exams had to be taken for a patient of their own."""
    files["patient_key"] = patients(files, [*settings.placeholders, *([nobody] if nobody else [])], many)
    if settings.unnamed == "reject":
        return 0
    unnamed = files["patient_key"].isna()
    study = ("study " + files["study_uid"]).fillna("accession " + files["accession"])
    files.loc[unnamed, "patient_key"] = study[unnamed]
    return int(study[unnamed].nunique())


def _who(files: pd.DataFrame, settings: IngestSettings, many: frozenset[str]) -> pd.Series:
    """Say what stands where the patient's identifier should be, if it is one of the words that stand for nobody."""
    words = {plain(word) for word in settings.placeholders} | many
    told = [
        f"'{one}' stands for nobody" if isinstance(one, str) and plain_id(one, words) is None else ""
        for one in files["patient_id"]
    ]
    return pd.Series(told, files.index, dtype="str")


def _problem(folder: Path, files: pd.DataFrame, nobody: str | None, settings: IngestSettings) -> str | None:
    """Say why no study can be made of these files, or None."""
    if nobody and settings.unnamed == "reject":
        n = files.loc[files["patient_id"] == nobody, "study_uid"].nunique()
        return (
            f"The archive {folder} has the PatientID '{nobody}' in {n} of {files['study_uid'].nunique()} studies, so it "
            "names nobody: give the archive identifiers (hashed ones will do), or set ingest.unnamed to 'study', which "
            "takes each study for a patient of its own."
        )
    if files["code"].notna().all():
        told = f" {commonest(files['detail'].dropna())}" if len(files) else ""
        return f"The archive {folder} holds no radiograph that can be used ({plural(len(files), 'file')} found).{told}"
    return None


def reject(files: pd.DataFrame, which: pd.Series | np.ndarray, code: str, found: pd.Series | None = None) -> None:
    """Give the files that are still good a reason why they aren't."""
    hit = files["code"].isna() & which
    told = sentence(code) if found is None else [sentence(code, one) for one in found[hit]]
    files.loc[hit, "code"] = code
    files.loc[hit, "detail"] = told


def _name(files: pd.DataFrame, pseudonyms: Pseudonyms) -> pd.DataFrame:
    """Add pseudonyms, and days since the patient's first exam."""
    files["patient"] = _hashed("patient", files["patient_key"], pseudonyms)
    files["exam"] = _hashed("exam", files["exam_key"], pseudonyms)
    files["series"] = _hashed("series", files["series_uid"].fillna(files["exam_key"]), pseudonyms)
    date = pd.to_datetime(files["date"])
    # One date an exam: images stored after midnight don't make it two.
    date = date.groupby(files["exam_key"]).transform("min")
    first = date.groupby(files["patient_key"]).transform("min")
    return files.assign(day=(date - first).dt.days.astype("Int64"), first=first)


def _hashed(kind: str, keys: pd.Series, pseudonyms: Pseudonyms) -> pd.Series:
    table = {key: pseudonyms(kind, key) for key in keys.dropna().unique()}
    return keys.map(table).astype("str")


def _image_names(files: pd.DataFrame, pseudonyms: Pseudonyms) -> pd.Series:
    """Name each image by its pixels: those of the file, and which part of them it is."""
    edges = files[list(BOX)].astype("str")
    part = edges[BOX[0]].str.cat(edges[list(BOX[1:])], sep=",")
    whole = files["pixel_hash"].where(files["code"].isna())
    return _hashed("image", whole.where(part.isna(), whole + " " + part), pseudonyms)


def _images(files: pd.DataFrame) -> pd.DataFrame:
    images = files[files["code"].isna()].copy()
    images["protocol"] = _exam_protocol(images)
    images["pixel_hash"] = images["image"].str.removeprefix("i")
    columns = ["image", "exam", "patient", "series", *DESCRIPTION[:6], "day", *DESCRIPTION[6:], *BOX]
    return images[columns].sort_values(["exam", "image"], ignore_index=True)


def _exam_protocol(images: pd.DataFrame) -> pd.Series:
    """One protocol an exam: the most frequent that its images name, 'other' only where none names another."""
    named = images.assign(other=images["protocol"] == "other").dropna(subset=["protocol"])
    ranked = named.groupby(["exam", "other", "protocol"], as_index=False).size()
    ranked = ranked.sort_values(["exam", "other", "size", "protocol"], ascending=[True, True, False, True])
    return images["exam"].map(ranked.drop_duplicates("exam").set_index("exam")["protocol"])


def _reports(path: Path, files: pd.DataFrame) -> dict[str, int]:
    """Count the reports that are of an exam, and the exams that have one."""
    return reports_of_exams(read_reports(path), files, path)[1] if path.exists() else {}


def _readings(readings: pd.DataFrame, files: pd.DataFrame, double: set[str]) -> pd.DataFrame:
    """Name the unit that each reading is of, and put days in place of times."""
    if readings.empty:
        return READINGS.validate(pd.DataFrame({name: [] for name in READINGS.columns}))
    unit = units(readings["exam"], readings["side"], double)
    first = files.drop_duplicates("exam").set_index("exam")["first"]
    days = (readings["time"] - by_value(unit, lambda units: units.map(first))).dt.total_seconds()
    time = by_value(days / 86400, lambda different: different.map("{:.4f}".format, na_action="ignore").astype("str"))
    return readings.assign(exam=unit, time=time).drop(columns="side").reset_index(drop=True)


def write(index: Index, out: Path, private: Path) -> None:
    """Write the index; the private part is readable by its owner alone."""
    write_losses(index.files, index.counts, out, private)
    write_table(index.files.drop(columns="first"), private / "index.parquet", PRIVATE)
    write_table(index.images, out / "images.parquet", IMAGES)
    write_table(index.readings, out / "readings.parquet", READINGS)


def write_losses(files: pd.DataFrame, counts: pd.DataFrame, out: Path, private: Path) -> None:
    """Write what became of the files: the counts, and privately each that isn't used, with its reason."""
    private.mkdir(parents=True, exist_ok=True)
    private.chmod(0o700)
    rejected = files.loc[files["code"].notna(), list(REJECTED.columns)].drop_duplicates("path")
    rejected = rejected.assign(**{name: rejected[name].map(unlike_formula, "ignore") for name in ("path", "detail")})
    write_table(rejected, private / "rejected.csv", REJECTED)
    write_table(counts, out / "counts.csv", COUNTS)
