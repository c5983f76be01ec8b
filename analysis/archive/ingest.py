"""Index an archive: every file is indexed, rejected or a duplicate, and nobody is named."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.archive.dicom import limit_memory
from analysis.archive.inspect import DESCRIPTION, IDENTITY, inspect
from analysis.archive.people import exams, patients, shared
from analysis.archive.tables import read_readings
from analysis.errors import StudyError
from analysis.files import write_table
from analysis.schemas import IMAGES, READINGS
from analysis.workers.context import clean_context

if TYPE_CHECKING:
    from analysis.archive.pseudonyms import Pseudonyms
    from analysis.archive.settings import IngestSettings

_CHUNK = 128
_TEXT = ("path", "code", "detail", *IDENTITY, *DESCRIPTION)
_NUMBERS = {"age": "float64", "rows": "Int64", "columns": "Int64", "bits": "Int64"}


@dataclass(frozen=True)
class Index:
    """What ingest found.

    Attributes
    ----------
    files : pandas.DataFrame
        A row a file of the archive, private: path, code, detail, pseudonyms and identifiers.
    images : pandas.DataFrame
        A row an indexed image (schema IMAGES), publishable.
    readings : pandas.DataFrame
        Schema READINGS, publishable.
    counts : pandas.DataFrame
        Columns `kind`, `code`, `n`.
    """

    files: pd.DataFrame
    images: pd.DataFrame
    readings: pd.DataFrame
    counts: pd.DataFrame


def find(folder: Path) -> list[str]:
    """List every file below a folder in a fixed order, relative to it; links to folders are not followed.

    Where the archive has a folder `dicom`, the files are those in there: beside it lie its tables.
    """
    start = folder / "dicom" if (folder / "dicom").is_dir() else folder
    found = []
    for root, _, names in os.walk(start):
        place = os.path.relpath(root, folder)
        found += names if place == "." else [f"{place}{os.sep}{name}" for name in names]
    return sorted(found)


def ingest(folder: Path, settings: IngestSettings, pseudonyms: Pseudonyms, workers: int = 1) -> Index:
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

    Returns
    -------
    Index

    Raises
    ------
    StudyError
        If the folder doesn't exist or holds no radiograph, or a reading is of an unknown exam.
    """
    if not folder.is_dir():
        raise StudyError(f"The archive {folder} is no folder; correct the path.")
    paths = find(folder)
    files = _read_all(folder, paths, settings, workers)
    files["patient_key"] = patients(files, settings.placeholders)
    files["exam_key"] = exams(files, files["patient_key"])
    _reject(files, files["exam_key"].isna(), "no_exam", "neither accession number nor study UID")
    _reject(files, files["patient_key"].isna(), "no_patient", "no identifier of a patient")
    of_two = shared(files["exam_key"], files["patient_key"])
    _reject(files, of_two, "exam_of_two_patients", "its study has two patients")
    _mark_duplicates(files)
    files = _name(files, pseudonyms)
    images = _images(files)
    if images.empty:
        raise StudyError(f"The archive {folder} holds no radiograph that can be used ({len(files)} files found).")
    readings = _readings(folder / "readings.csv", files)
    counts = _counts(files, images)
    found = int(counts.loc[counts["kind"] == "found", "n"].sum())
    rest = int(counts.loc[counts["kind"].isin(["indexed", "rejected", "duplicate"]), "n"].sum())
    if not found == rest == len(paths):
        raise RuntimeError(f"{len(paths)} files, but {found} found and {rest} accounted for")
    return Index(files.drop(columns=["patient_key", "exam_key"]), images, readings, counts)


def _read_all(folder: Path, paths: list[str], settings: IngestSettings, workers: int) -> pd.DataFrame:
    """Read every header; chunks become columns at once, so that memory grows by bytes and not by objects."""
    chunks = [paths[start : start + _CHUNK] for start in range(0, len(paths), _CHUNK)]
    read = partial(_read_chunk, folder, settings)
    # Also one worker is a process of its own: its memory is limited, this one's is not.
    with ProcessPoolExecutor(workers, clean_context(__name__), limit_memory, (settings.max_memory_mb,)) as pool:
        frames: Iterator[pd.DataFrame] = pool.map(read, chunks)
        return pd.concat([_typed([]), *frames], ignore_index=True)


def _read_chunk(folder: Path, settings: IngestSettings, paths: list[str]) -> pd.DataFrame:
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    return _typed([inspect(folder, path, settings) for path in paths])


def _typed(records: list[dict[str, object]]) -> pd.DataFrame:
    frame = pd.DataFrame.from_records(records, columns=list(_TEXT))
    return frame.astype({name: _NUMBERS.get(name, "str") for name in _TEXT})


def _reject(files: pd.DataFrame, which: pd.Series | np.ndarray, code: str, detail: str) -> None:
    """Give the files that are still good a reason why they aren't."""
    hit = files["code"].isna() & which
    files.loc[hit, ["code", "detail"]] = [code, detail]


def _mark_duplicates(files: pd.DataFrame) -> None:
    """Of files with the same pixels keep the first by path; the others say whose copy they are.

    ASSUME: the same pixels under another exam or patient are a copy as well (sent twice, or filed
    under a wrong name); both can't be right, and a copy in two sets would be a leak between them.
    """
    good = files[files["code"].isna()]
    first = good.groupby("pixel_hash").head(1).set_index("pixel_hash")
    copies = good[good["pixel_hash"].duplicated()]
    original = first.loc[copies["pixel_hash"]].set_index(copies.index)
    kind = pd.Series("duplicate_in_exam", copies.index, dtype="str")
    kind[copies["exam_key"] != original["exam_key"]] = "duplicate_in_patient"
    kind[copies["patient_key"] != original["patient_key"]] = "duplicate_in_archive"
    files.loc[copies.index, "code"] = kind
    files.loc[copies.index, "detail"] = "copy of " + original["path"]


def _name(files: pd.DataFrame, pseudonyms: Pseudonyms) -> pd.DataFrame:
    """Add pseudonyms, and days since the patient's first exam."""

    def hashed(kind: str, keys: pd.Series) -> pd.Series:
        table = {key: pseudonyms(kind, key) for key in keys.dropna().unique()}
        return keys.map(table).astype("str")

    files["patient"] = hashed("patient", files["patient_key"])
    files["exam"] = hashed("exam", files["exam_key"])
    files["series"] = hashed("series", files["series_uid"].fillna(files["exam_key"]))
    files["image"] = hashed("image", files["pixel_hash"].where(files["code"].isna()))
    date = pd.to_datetime(files["date"])
    # One date an exam: images stored after midnight don't make it two.
    date = date.groupby(files["exam_key"]).transform("min")
    first = date.groupby(files["patient_key"]).transform("min")
    return files.assign(day=(date - first).dt.days.astype("Int64"), first=first)


def _images(files: pd.DataFrame) -> pd.DataFrame:
    images = files[files["code"].isna()].copy()
    images["protocol"] = _exam_protocol(images)
    images["pixel_hash"] = images["image"].str.removeprefix("i")
    columns = ["image", "exam", "patient", "series", *DESCRIPTION[:6], "day", *DESCRIPTION[6:]]
    return images[columns].sort_values(["exam", "image"], ignore_index=True)


def _exam_protocol(images: pd.DataFrame) -> pd.Series:
    """One protocol an exam: the most frequent that its images name, 'other' only where none names another."""
    named = images.assign(other=images["protocol"] == "other").dropna(subset=["protocol"])
    ranked = named.groupby(["exam", "other", "protocol"], as_index=False).size()
    ranked = ranked.sort_values(["exam", "other", "size", "protocol"], ascending=[True, True, False, True])
    return images["exam"].map(ranked.drop_duplicates("exam").set_index("exam")["protocol"])


def _readings(path: Path, files: pd.DataFrame) -> pd.DataFrame:
    """Put the exam's pseudonym in place of its accession number, and days in place of times."""
    if not path.exists():
        return READINGS.validate(pd.DataFrame({name: [] for name in READINGS.columns}))
    readings = read_readings(path)
    table = files.dropna(subset=["accession", "exam"]).drop_duplicates(["accession", "exam"])
    for names, what in (
        (readings["exam"].isin(table["accession"]), "no file of the archive has that accession number"),
        (
            ~readings["exam"].isin(table.loc[table["accession"].duplicated(), "accession"]),
            "several exams have that number",
        ),
    ):
        if not names.all():
            line = names.index[~names.to_numpy()][0]
            raise StudyError(
                f"{path}, line {line}: exam {readings.loc[line, 'exam']} has readings, but {what} "
                f"({readings.loc[~names, 'exam'].nunique()} such exams); correct the archive or remove the readings."
            )
    known = table.set_index("accession")
    days = (readings["time"] - readings["exam"].map(known["first"])).dt.total_seconds() / 86400
    return readings.assign(
        exam=readings["exam"].map(known["exam"]),
        time=days.map("{:.4f}".format, na_action="ignore").astype("str"),
    ).reset_index(drop=True)


def _counts(files: pd.DataFrame, images: pd.DataFrame) -> pd.DataFrame:
    duplicate = files["code"].str.startswith("duplicate").fillna(False).astype(bool)
    codes = files["code"].value_counts().sort_index()
    rows: list[tuple[str, str | None, int]] = [("found", None, len(files)), ("indexed", None, len(images))]
    rows += [
        ("duplicate" if code.startswith("duplicate") else "rejected", code, n)
        for code, n in zip(codes.index.astype(str), codes, strict=True)
    ]
    usable = files[files["code"].isna() | duplicate]
    rows += [
        ("exams", None, files["exam"].nunique()),
        ("patients", None, files["patient"].nunique()),
        ("identifiers", None, usable["patient_id"].nunique()),
    ]
    return pd.DataFrame(rows, columns=["kind", "code", "n"])


def write(index: Index, out: Path, private: Path) -> None:
    """Write the index; the private part is readable by its owner alone."""
    private.mkdir(parents=True, exist_ok=True)
    private.chmod(0o700)
    rejected = index.files[index.files["code"].notna()]
    write_table(index.files.drop(columns="first"), private / "index.parquet")
    write_table(rejected[["path", "code", "detail"]], private / "rejected.csv")
    write_table(index.images, out / "images.parquet", IMAGES)
    write_table(index.readings, out / "readings.parquet", READINGS)
    write_table(index.counts, out / "counts.csv")
