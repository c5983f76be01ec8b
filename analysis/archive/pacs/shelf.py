"""Keeps what a PACS sends: untrusted files under names of ours, and a manifest by SOP instance UID."""

from __future__ import annotations

import csv
import errno
import shutil
import sqlite3
from io import BytesIO
from pathlib import Path
from threading import Lock

import pydicom
import xxhash
from pydicom.uid import UID

from analysis.archive.pacs.query import text
from analysis.errors import StudyError
from analysis.files import atomic

_ASKED = ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID", "AccessionNumber", "Modality"]
_TABLES = """
create table if not exists images
    (sop text primary key, series text, study text, accession text, path text, bytes integer, hash text);
create table if not exists failures (uid text primary key, study text, accession text, reason text);
"""
_NUMBERED = """
select path, coalesce(
    nullif(accession, ''), (select nullif(max(other.accession), '') from images as other where other.study = images.study), study), series, study
from images where path like ? order by path
"""


class Shelf:
    """The folder of what was fetched: dicom/, reports/ and manifest.sqlite, by which a second run goes on.

    Parameters
    ----------
    folder : Path
    max_bytes : float
        Larger files are refused.
    reserve : float
        Bytes that stay free on the disk.
    """

    def __init__(self, folder: Path, max_bytes: float, reserve: float) -> None:
        self.folder, self.max_bytes, self.reserve = folder, max_bytes, reserve
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = Lock()
        try:
            # The receiver of a C-MOVE is a thread of its own.
            self._base = sqlite3.connect(folder / "manifest.sqlite", isolation_level=None, check_same_thread=False)
            self._base.executescript(_TABLES)
        except sqlite3.Error as error:
            raise StudyError(f"The manifest in {folder} can't be used ({error}); move the folder away.") from error
        #: What arrived in this run: kept, known before, refused.
        self.kept = self.again = self.refused = 0
        self.full: StudyError | None = None
        #: The series that this run has asked for, and studies whose series the PACS would not list.
        self.listed: set[str] = set()

    def has(self, series: str) -> set[str]:
        """Return the SOP instance UIDs of a series that are here: in the manifest, and as files."""
        rows = self._ask("select sop, path from images where series = ?", series)
        return {sop for sop, path in rows if (self.folder / path).is_file()}

    def fail(self, uid: str, study: str, accession: str, reason: str) -> None:
        """Note that a study, a series or an image could not be fetched."""
        self._ask("insert or replace into failures values (?, ?, ?, ?)", uid, study, accession, reason)

    def failed(self, study: str) -> set[str]:
        """Return what of a study could not be fetched."""
        return {uid for (uid,) in self._ask("select uid from failures where study = ?", study)}

    def forget_failures(self, study: str) -> None:
        """Take back the failures of a study, which is tried again."""
        self._ask("delete from failures where study = ?", study)

    def forget_others(self, studies: set[str]) -> None:
        """Take back the failures of all other studies: nobody asks for them any more."""
        for (study,) in self._ask("select distinct study from failures"):
            if study not in studies:
                self.forget_failures(study)

    def keep(self, data: bytes, study: str, modalities: tuple[str, ...]) -> bool:
        """Keep a file of the study that was asked for, once.

        Parameters
        ----------
        data : bytes
            A whole DICOM file.
        study : str
            The StudyInstanceUID that was asked for.
        modalities : tuple of str
            Those that were asked for, or `SR`.

        Returns
        -------
        bool
            False where it was refused; why is among the failures.
        """
        try:
            header = pydicom.dcmread(BytesIO(data), stop_before_pixels=True, specific_tags=_ASKED)
            sop, of, series = (text(header, key) for key in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"))
            accession, modality = text(header, "AccessionNumber"), text(header, "Modality")
        except Exception:  # a header can be broken in any way
            return self._refuse(f"unreadable-{xxhash.xxh3_64_hexdigest(data)}", study, "", "It isn't a DICOM file.")
        if not UID(sop).is_valid:
            return self._refuse(f"unnamed-{xxhash.xxh3_64_hexdigest(data)}", study, accession, "It has no valid UID.")
        if of != study or modality not in (*modalities, "SR"):
            return self._refuse(sop, study, accession, "It was sent without being asked for.")
        if len(data) > self.max_bytes:
            return self._refuse(sop, study, accession, f"It is larger than {self.max_bytes / 1e6:g} MB (max_file_mb).")
        name = xxhash.xxh3_128_hexdigest(sop.encode())
        path = Path("reports" if modality == "SR" else "dicom") / name[:2] / f"{name}.dcm"
        with self._lock:
            known = self._base.execute("select path from images where sop = ?", (sop,)).fetchone()
            if known and (self.folder / known[0]).is_file():
                self.again += 1
                return True
            try:
                self._hold_space(len(data))
                with atomic(self.folder / path) as temporary:
                    temporary.write_bytes(data)
                row = (sop, series, study, accession, str(path), len(data), xxhash.xxh3_128_hexdigest(data))
                self._base.execute("insert or replace into images values (?, ?, ?, ?, ?, ?, ?)", row)
                self._base.execute("delete from failures where uid = ?", (sop,))
            except (OSError, sqlite3.Error) as error:
                self.full = _stopped(self.folder, error)
                return False
            except StudyError as error:
                self.full = error
                return False
            self.kept += 1
        return True

    def _hold_space(self, size: int) -> None:
        free = shutil.disk_usage(self.folder).free
        if free - size < self.reserve:
            raise StudyError(
                f"The disk of {self.folder} has {free / 1e6:.0f} MB left, and {self.reserve / 1e6:g} MB stay free "
                "(reserve_mb); make room and run again: it goes on where it stopped."
            )

    def _refuse(self, uid: str, study: str, accession: str, reason: str) -> bool:
        self.refused += 1
        self.fail(uid, study, accession, reason)
        return False

    def _ask(self, command: str, *values: str) -> list[tuple[str, ...]]:
        with self._lock:
            try:
                return self._base.execute(command, values).fetchall()
            except sqlite3.Error as error:
                raise _stopped(self.folder, error) from error

    def files(self, folder: str) -> list[tuple[Path, str]]:
        """Return the path and the number of the exam of the files in `dicom` or `reports` that are asked for, sorted by path.

        It is the accession number, or where the file lacks it another one's of its study, or else the StudyInstanceUID, as in
        the tables of an archive.
        """
        rows = self._ask(_NUMBERED, f"{folder}/%")
        asked = ((path, exam) for path, exam, series, study in rows if {series, study} & self.listed)
        return [(Path(path), exam) for path, exam in asked if (self.folder / path).is_file()]

    def left(self) -> int:
        """Return how many files are here that an earlier run asked for and this one doesn't."""
        return sum(not {series, study} & self.listed for series, study in self._ask("select series, study from images"))

    def failures(self) -> int:
        """Write manifest.csv and failed.csv for people, and return how many failures there are."""
        for name, columns, command in (
            ("manifest.csv", "sop series study accession path bytes hash", "select * from images order by sop"),
            ("failed.csv", "uid study accession reason", "select * from failures order by study, uid"),
        ):
            rows = self._ask(command)
            with atomic(self.folder / name) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([columns.split(), *rows])
        return len(rows)

    def close(self) -> None:
        """Close the manifest."""
        self._base.close()


def _stopped(folder: Path, error: Exception) -> StudyError:
    full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or "full" in str(error)
    why = "the disk is full" if full else str(error)
    return StudyError(f"Nothing more can be written to {folder}: {why}; run again: it goes on where it stopped.")
