"""Where a reading room finds its tables, and where it keeps its readings."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import click

from analysis.archive.find import inventory
from analysis.errors import StudyError
from analysis.files import write_text
from analysis.reading.exams.index import Exam, load_exams
from analysis.settings import section


@dataclass(frozen=True)
class Places:
    """The files of one reading room.

    Attributes
    ----------
    images, private : Path
        The index, and the private index.
    exams : Path or None
        The selection; None where none has been made: then all exams are read.
    grading : Path
        The scheme's file.
    store : Path
        The database of the readings.
    """

    images: Path
    private: Path
    exams: Path | None
    grading: Path
    store: Path


def find_places(archive: Path, grading: Path, cohort: Path | None = None) -> Places:
    """Say where the files of an archive's reading room are.

    Parameters
    ----------
    archive : Path
        The archive's folder.
    grading : Path
        The scheme's file.
    cohort : Path, optional
        The study's folder, results/<cohort>. Without it the folder that a simulated archive lies in, or
        else results/reading/<name of the archive>.

    Raises
    ------
    StudyError
        If there is no such archive.
    """
    if not archive.is_dir():
        raise StudyError(f"The archive {archive} is no folder; correct the path.")
    if cohort is None:
        own = archive.resolve().parent
        cohort = own if (own / "index/images.parquet").is_file() else Path("results/reading") / archive.resolve().name
    exams = cohort / "selection/exams.parquet"
    return Places(
        images=cohort / "index/images.parquet",
        private=cohort / "private/index.parquet",
        exams=exams if exams.is_file() else None,
        grading=grading,
        store=cohort / f"private/reading/{grading.stem}.sqlite",
    )


def find_exams(archive: Path, places: Places) -> dict[str, Exam]:
    """Return the exams of an archive, which is indexed first where no study has done so."""
    index_archive(archive, places)
    return load_exams(places.images, places.private, archive, places.exams)


def index_archive(archive: Path, places: Places) -> None:
    """Index an archive that no study has indexed, under the pseudonyms that a study will give it, and again once it has changed.

    Raises
    ------
    StudyError
        If the index is that of another archive, as of one in a folder of the same name.
    """
    note = places.private.parent / "indexed.json"
    now = {"archive": str(archive.resolve()), "files": inventory(archive).digest}
    if places.images.is_file() and places.private.is_file():
        before = json.loads(note.read_text(encoding="utf-8")) if note.is_file() else {}
        # An index of which there is no note, or one that was written since, is a study's.
        if before.get("index") != places.images.stat().st_mtime_ns or before["files"] == now["files"]:
            return
        if before["archive"] != now["archive"]:
            raise StudyError(
                f"{places.images.parent} is the index of the archive {before['archive']}, not of {archive}: name another folder "
                f"with --cohort, such as {places.images.parent.parent}-2; or, if the archive was moved, remove {places.images.parent}."
            )
    from analysis.archive import ingest
    from analysis.archive.people.pseudonyms import Pseudonyms, default_key_path, key_from_file
    from analysis.archive.settings import IngestSettings

    settings = section(IngestSettings, "ingest")
    folders = (places.images.parent, places.private.parent)
    key, warnings = key_from_file(default_key_path(), archive, *folders)
    for warning in warnings:
        click.secho(warning, fg="yellow", err=True)
    click.echo(f"Indexing {archive} (once, and when its files have changed)")
    index = ingest.ingest(archive, settings, Pseudonyms(key), os.cpu_count() or 1)
    ingest.write(index, *folders)
    write_text(note, json.dumps(now | {"index": places.images.stat().st_mtime_ns}) + "\n")
