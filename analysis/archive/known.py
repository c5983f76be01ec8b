"""What was read of an archive's files before, so that only those that are new or changed are read again."""

from __future__ import annotations

import importlib.metadata
import time
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from analysis.files import atomic

if TYPE_CHECKING:
    from collections.abc import Iterable

    from analysis.archive.find import Entry
    from analysis.archive.settings import IngestSettings

#: What is said of a file today and may be otherwise tomorrow: the system's and the machine's doing.
_PASSING = ("no_access", "not_a_file", "memory", "too_slow")
#: What reads the files, beside this package.
_LIBRARIES = (
    "numpy", "opencv-python-headless", "pillow", "pydicom", "pyjpegls", "pylibjpeg", "pylibjpeg-libjpeg",
    "pylibjpeg-openjpeg", "pylibjpeg-rle", "scipy", "xxhash",
)  # fmt: skip
#: Two changes of a file so close together, ns, may bear the same time.
_BLUR = 2_000_000_000
#: Columns of a record beside those of `inspect`.
OWN = ["stamp", "expected", "made_by"]


def stamps(entries: Iterable[Entry]) -> pd.Series:
    """Return what tells that a file has changed: size, both times to the nanosecond, and inode, by the file's path.

    A change that keeps size and time of change (mtime, which any program may set) still moves the time of the inode
    (ctime), which none can. What can't be seen is a change on a file system that keeps neither. A file that changed just
    now has no stamp: a further change might bear the same time.
    """
    now, found = time.time_ns(), {}
    for entry in entries:
        try:
            status = entry.place.stat() if entry.place else None
        except OSError:
            status = None
        if status and max(status.st_mtime_ns, status.st_ctime_ns) < now - _BLUR:
            found[entry.path] = f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}"
    return pd.Series(found, dtype="str")


def load(path: Path, settings: IngestSettings, stamp: pd.Series, both_read: frozenset[str]) -> pd.DataFrame:
    """Return what is still true of what was written down: the records of files that are as they were, by path.

    Parameters
    ----------
    path : Path
        What `save` wrote; where there is nothing, or nothing that can be read, nothing is known.
    settings : IngestSettings
        Records under other settings count for nothing, nor do those of another version of the code or its libraries.
    stamp : pandas.Series
        From `stamps`.
    both_read : frozenset of str
        Names of the exams of which both knees were read: their films are looked at in another way.
    """
    try:
        frame = pd.read_parquet(path).set_index("path", drop=False)
        same = frame["made_by"] == _made_by(settings)
        same &= frame["stamp"] == frame.index.to_series().map(stamp)
        same &= ~frame["code"].isin(_PASSING)
        return frame[same & (frame["expected"] == _expected(frame, both_read))].drop(columns=OWN)
    except Exception:  # a file that was cut or is of another time
        return pd.DataFrame({"path": []}, dtype="str")


def save(
    records: pd.DataFrame, path: Path, settings: IngestSettings, stamp: pd.Series, both_read: frozenset[str]
) -> None:
    """Write down what was read; for its owner's eyes alone, as it holds identifiers."""
    stamped = records["path"].map(stamp).astype("str")
    write(records.assign(stamp=stamped, expected=_expected(records, both_read), made_by=_made_by(settings)), path)


def write(records: pd.DataFrame, path: Path) -> None:
    """Write records with what tells whether they are still true."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    with atomic(path) as temporary:
        records.to_parquet(temporary, index=False)


def _expected(records: pd.DataFrame, both_read: frozenset[str]) -> pd.Series:
    return records["accession"].isin(both_read) | records["study_uid"].isin(both_read)


def _made_by(settings: IngestSettings) -> str:
    """Hash the settings, the code of this package and of the imaging, and the versions of the libraries that it reads with."""
    digest = blake2b(settings.model_dump_json(exclude={"shards"}).encode(), digest_size=16)
    folder = Path(__file__).parent
    for module in sorted([*folder.rglob("*.py"), *folder.with_name("imaging").rglob("*.py")]):
        digest.update(str(module.relative_to(folder.parent)).encode() + module.read_bytes())
    digest.update(" ".join(f"{name} {_version(name)}" for name in _LIBRARIES).encode())
    return digest.hexdigest()


def _version(library: str) -> str | None:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None
