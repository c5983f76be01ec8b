"""Radiographs as cohort studies release them: found by their headers, and left in an archive as links."""

from __future__ import annotations

import filecmp
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from analysis.archive.find import find_release
from analysis.archive.releases.tables import TABLES, Told
from analysis.errors import StudyError

#: What a film is described by, read from its header alone.
_TAGS = ("SOPInstanceUID", "PatientID", "AccessionNumber", "StudyInstanceUID", "StudyDate", "Modality", "StudyDescription",
         "SeriesDescription", "PhotometricInterpretation", "ImagerPixelSpacing", "PixelSpacing", "ImageLaterality",
         "Laterality", "PatientOrientation", "Rows", "Columns")  # fmt: skip
#: As the NDA hands out an image each.
_PACKED = (".tar.gz", ".tgz", ".tar", ".zip")
_UNPACK = "packed files (.tar.gz, .zip), not looked into: unpack them"
_ALIKE = "films whose study is another person's as well, left out: nothing tells their exams apart"
_KNEEKL224 = re.compile(r"\d{7}[LR]\.png", re.IGNORECASE)


@dataclass(frozen=True)
class Film:
    """One radiograph of the release: where it lies and what its header says, by keyword."""

    path: Path
    tags: dict[str, str]

    def __getitem__(self, keyword: str) -> str:
        """Return a tag as text; empty where the file has none."""
        return self.tags.get(keyword, "")

    @property
    def name(self) -> str:
        """What readings call its exam."""
        return self["AccessionNumber"] or self["StudyInstanceUID"]


def folder_of(folder: str | None, key: str) -> Path:
    """Return the folder of a release, or say that there is none, or that it is another one.

    Raises
    ------
    StudyError
        If there is none, or if it holds the images of kneeKL224.
    """
    if not folder or not Path(folder).is_dir():
        raise StudyError(f"{key} is '{folder}', which is not a folder; give the folder that the release is in.")
    if any(_KNEEKL224.fullmatch(path.name) for path in Path(folder).glob("*/*/*")):
        raise StudyError(
            f"{key}: '{folder}' holds the images of kneeKL224, which are crops of the OAI's baseline films under the OAI's "
            "numbers; use the source kneekl224 for them. They are no external test for the OAI."
        )
    return Path(folder)


def find_films(folder: Path, wanted: Callable[[Film], bool], told: Told) -> list[Film]:
    """Read the headers of all DICOM files below a folder, tables and folders of MR left out; return those wanted.

    A film that lies there twice is one. An accession number that several studies share, as one that was blinded, is none.
    """
    import warnings

    import pydicom

    films = []
    for entry in find_release(folder):
        if not entry.place:
            told.notes["folders that can't be entered, or lead back"] += 1
            continue
        path = Path(entry.place.path)
        name = path.name.lower()
        if name.endswith((*TABLES, ".pdf", ".doc", ".html")):
            continue
        if name.endswith(_PACKED):
            told.notes[_UNPACK] += 1
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # such as of a character set that the standard doesn't have
                dataset = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(_TAGS))
                film = Film(path, {key: "\\".join(map(str, _values(dataset.get(key)))).strip() for key in _TAGS})
        except Exception:  # a file that is no DICOM is told, not fatal
            told.notes["files that are no DICOM"] += 1
            continue
        told.notes["DICOM files"] += 1
        if wanted(film):
            films.append(film)
    return _told_apart(_each_once(films, told), told)


def _each_once(films: list[Film], told: Told) -> list[Film]:
    """Leave out copies of a file: those of the same object and size are compared byte by byte."""
    kept: dict[tuple[str, int], list[Film]] = {}
    for film in films:
        alike = kept.setdefault((film["SOPInstanceUID"], film.path.stat().st_size), [])
        if any(filecmp.cmp(film.path, other.path, shallow=False) for other in alike):
            told.notes["films that lie there twice, of which one counts"] += 1
        else:
            alike.append(film)
    those = {film.path for some in kept.values() for film in some}
    return [film for film in films if film.path in those]


def _told_apart(films: list[Film], told: Told) -> list[Film]:
    """Take accession numbers away that several studies share, and leave out films whose study is several people's."""
    studies, people = defaultdict(set), defaultdict(set)
    for film in films:
        studies[film["AccessionNumber"]].add((film["PatientID"], film["StudyInstanceUID"]))
        people[film["StudyInstanceUID"]].add(film["PatientID"])
    found = []
    for film in films:
        if film["AccessionNumber"] and len(studies[film["AccessionNumber"]]) > 1:
            told.notes["films whose accession number is that of another study as well, known by their study alone"] += 1
            film.tags["AccessionNumber"] = ""
        if not film["AccessionNumber"] and len(people[film["StudyInstanceUID"]]) > 1:
            told.notes[_ALIKE] += 1
            continue
        found.append(film)
    return found


def in_words(said: str) -> str:
    """Write a description in small letters and single blanks: programs put underscores and hyphens between its words."""
    return re.sub(r"[\s_-]+", " ", said).strip().lower()


def met_with(told: Told) -> str:
    """Say how many files `find_films` has read, and how many it couldn't look into or tell apart."""
    packed, alike = told.notes[_UNPACK], told.notes[_ALIKE]
    also = f", and {packed} packed ones (.tar.gz, .zip), which have to be unpacked first" if packed else ""
    also += f"; of {alike} neither accession number nor StudyInstanceUID is one person's alone" if alike else ""
    return f"{told.notes['DICOM files']} DICOM files were found{also}"


def _values(value: Any) -> Iterable[Any]:
    if value is None:
        return ()
    return value if isinstance(value, (list, tuple)) or type(value).__name__ == "MultiValue" else (value,)


def survey(films: list[Film], told: Told) -> None:
    """Count what the headers of the films are like, so that whoever knows only their description sees what differs."""
    for film in films:
        spacing = next((key for key in ("ImagerPixelSpacing", "PixelSpacing") if film[key]), "none")
        told.notes[f"films of modality {film['Modality'] or '(none)'}"] += 1
        told.notes[f"films with spacing in {spacing}"] += 1
        told.notes[f"films in {film['PhotometricInterpretation'] or '(no photometric interpretation)'}"] += 1
        told.notes[f"films with PatientOrientation {film['PatientOrientation'] or '(none)'}"] += 1
        side = film["ImageLaterality"] or film["Laterality"] or "(none)"
        told.notes[f"films with laterality {side}"] += 1


def leave(films: list[Film], out: Path) -> None:
    """Leave the films in an archive's `dicom/`, as links: nothing is copied.

    A link is called by where its film lies, so that it has the same name in a release that has grown, and only new films
    are read.
    """
    (out / "dicom").mkdir(parents=True, exist_ok=True)
    for film in films:
        path = film.path.resolve()
        link = out / "dicom" / blake2b(bytes(path), digest_size=8).hexdigest()
        link.unlink(missing_ok=True)
        link.symlink_to(path)
