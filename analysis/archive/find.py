"""Every file of an archive, by a name that can be written down, and a fingerprint of them all."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from analysis.archive.dicom.others import kind_of
from analysis.errors import StudyError

_ESCAPE = re.compile(rb"\\x([0-9a-f]{2})")


#: What Snakemake leaves in a folder that it made, which is no file of the archive.
_MARK = ".snakemake_timestamp"
#: A cohort's folder with a series of magnetic resonance images, of which its hard drive has millions of files.
_MR = re.compile(r"1\d{7}")


#: Bytes that a file is known by.
_BEGINNING = 512


class Entry(NamedTuple):
    """A file of the archive, or an entry for files that can't be reached.

    Attributes
    ----------
    path : str
        Relative to the archive, escaped; see `real_path`.
    problem : tuple of str, optional
        Reason code and detail, where this is a folder that can't be entered.
    place : os.DirEntry, optional
        The file's entry, for its size and time.
    """

    path: str
    problem: tuple[str, str] | None = None
    place: os.DirEntry[str] | None = None


def escaped(name: str) -> str:
    r"""Write a file's name so that any table and screen can hold it: bytes that are no text become \xe4 and the like."""
    if name.isprintable() and "\\" not in name:
        return name
    # Hidden are control characters, signs that can't be seen or turn a line around, and bytes that aren't UTF-8.
    hidden = (not one.isprintable() or one == "\\" for one in name)
    return "".join(_bytes(one) if hide else one for one, hide in zip(name, hidden, strict=True))


def _bytes(letter: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(letter))


def real_path(folder: Path, path: str) -> Path:
    """Return the file that a path of the index means."""
    if "\\" in path:
        path = os.fsdecode(_ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), os.fsencode(path)))
    return folder / path


def files_folder(folder: Path) -> Path:
    """Return where the archive's files are: in its folder `dicom` where it has one; beside it lie its tables."""
    return folder / "dicom" if (folder / "dicom").is_dir() else folder


def walk(start: Path, first: str = "", passed_over: re.Pattern[str] | None = None) -> Iterator[Entry]:
    """List every file below a folder, through links to folders as well, in no particular order.

    Each folder is entered once, however many links lead to it, so that its files count once and loops end. A link to
    a folder that holds this one isn't followed, since what lies beside an archive is none of it.

    Parameters
    ----------
    start : Path
    first : str
        What stands before each path.
    passed_over : re.Pattern, optional
        Names of folders that aren't entered.

    Yields
    ------
    Entry
        A file; or a folder that can't be entered, with the reason.
    """
    above = {_identity(str(parent)) for parent in start.resolve().parents}
    entered: set[tuple[int, int]] = set()
    pending, links = [(str(start), first)], list[tuple[str, str]]()
    while pending or links:
        if pending:
            place, name = pending.pop()
        else:  # only when all real folders were entered under their own names
            links.sort(key=lambda link: link[1], reverse=True)
            place, name = links.pop()
        try:
            identity = _identity(place)
            if identity in above:
                yield Entry(name, ("loop", ""))
            if identity in entered or identity in above:
                continue
            entered.add(identity)
            with os.scandir(place) as listed:
                entries = list(listed)
        except OSError as error:
            yield Entry(name, ("no_access", error.strerror or "it can't be read"))
            continue
        for entry in entries:
            if passed_over and passed_over.fullmatch(entry.name):
                continue
            path = f"{name}{os.sep}{escaped(entry.name)}" if name else escaped(entry.name)
            if entry.is_dir(follow_symlinks=False):
                pending.append((entry.path, path))
            elif _leads_to_folder(entry):
                links.append((entry.path, path))
            elif entry.name != _MARK:
                yield Entry(path, None, entry)


def _leads_to_folder(link: os.DirEntry[str]) -> bool:
    try:
        return link.is_dir()
    except OSError:  # a link to itself, or to where nobody may look
        return False


def _identity(place: str) -> tuple[int, int]:
    found = Path(place).stat()
    return found.st_dev, found.st_ino


def find(folder: Path) -> list[Entry]:
    """List every file below an archive in a fixed order; see `walk`."""
    return _in_order(_of_archive(folder))


def beside(folder: Path) -> int:
    """Count the folders, packed files and DICOM files that lie beside an archive's folder `dicom`, where they aren't read."""
    start = files_folder(folder)
    if start == folder:
        return 0
    return sum(one != start and not one.name.startswith(".") and _may_hold(one) for one in folder.iterdir())


def _may_hold(place: Path) -> bool:
    if place.is_dir():
        return True
    try:
        with place.open("rb") as file:
            data = file.read(_BEGINNING)
    except OSError:
        return False
    return data[128:132] == b"DICM" or kind_of(data)[0] in ("packed", "picture")


def find_release(folder: Path) -> list[Entry]:
    """List every file of a cohort's release in a fixed order, without those of magnetic resonance; see `walk`."""
    return _in_order(walk(folder, passed_over=_MR))


def _of_archive(folder: Path) -> Iterator[Entry]:
    start = files_folder(folder)
    return walk(start, "" if start == folder else start.name)


def _in_order(entries: Iterable[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda entry: entry.path)


class Inventory(NamedTuple):
    """How many files there are, and a hash of their names, sizes and times."""

    files: int
    digest: str


def inventory(folder: str | Path, *, release: bool = False) -> Inventory:
    """Count all files, and hash what they are called and when and how large: another hash after every change.

    Nothing is read and nothing written, so that a plan of a run can ask for it.

    Parameters
    ----------
    folder : str or Path
        An archive, or the release of a cohort that one is made of.
    release : bool
        Which of the two.
    """
    lines = []
    for entry in walk(Path(folder), passed_over=_MR) if release else _of_archive(Path(folder)):
        try:
            found = entry.place.stat() if entry.place else None
        except OSError:
            found = None
        lines.append(f"{entry.path}\0{(found.st_size, found.st_mtime_ns) if found else entry.problem}")
    text = "\n".join(sorted(lines)).encode("utf-8", "surrogatepass")
    return Inventory(len(lines), blake2b(text, digest_size=16).hexdigest())


def listed(paths: Sequence[Path]) -> list[tuple[Path, list[Entry]]]:
    """Find every file below some folders, also beside a folder `dicom`, or named by itself, once.

    Parameters
    ----------
    paths : sequence of Path
        Folders and files.

    Returns
    -------
    list of tuple
        For each path a folder and the files found in it.

    Raises
    ------
    StudyError
        If a path doesn't exist.
    """
    found, seen = [], set[Path]()
    for path in paths:
        if not path.exists():
            raise StudyError(f"{path} does not exist; correct the path.")
        folder = path if path.is_dir() else path.parent
        entries = _in_order(walk(path)) if path.is_dir() else [Entry(escaped(path.name))]
        # A file that is named beside its folder is one file.
        fresh = [entry for entry in entries if real_path(folder, entry.path).absolute() not in seen]
        seen |= {real_path(folder, entry.path).absolute() for entry in fresh}
        found.append((folder, fresh))
    return found
