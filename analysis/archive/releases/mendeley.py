"""Fetch a published data set by its DOI from Mendeley Data, and check it against its checksum."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.error import URLError
from urllib.request import Request, urlopen

from analysis.errors import StudyError
from analysis.files import atomic

if TYPE_CHECKING:
    from http.client import HTTPResponse

_API = "https://data.mendeley.com/public-api/datasets/{dataset}/files?folder_id=root&version={version}"
_CHUNK = 1 << 20


def fetch(doi: str, file: str, sha256: str | None, holds: str, cache: Path, api: str = _API) -> Path:
    """Download and unpack the data set, unless that was done before.

    Parameters
    ----------
    doi : str
        With its version.
    file : str
        Name of the zip file that holds the images.
    sha256 : str, optional
        Its checksum, hexadecimal; None trusts the one that the DOI's API states.
    holds : str
        A folder that is in it.
    cache : Path
        Where to keep the file and what was in it.
    api : str
        Address that lists the files of a data set and version.

    Returns
    -------
    Path
        The folder that holds `holds`.

    Raises
    ------
    StudyError
        If it can't be fetched, isn't what the checksum says, or holds no such folder.
    """
    unpacked = cache / "unpacked"
    if not unpacked.is_dir():
        _unpack(_download(doi, file, sha256, cache, api), unpacked)
    for path in (unpacked, *sorted(unpacked.rglob("*/"))):
        if (path / holds).is_dir():
            return path
    raise StudyError(f"What was fetched from doi:{doi} holds no folder '{holds}'; see {unpacked}.")


def _download(doi: str, file: str, sha256: str | None, cache: Path, api: str) -> Path:
    parts = re.fullmatch(r"10\.17632/(\w+)\.(\d+)", doi)
    if not parts:
        raise StudyError(f"archive.kneekl224.doi: '{doi}' isn't a DOI of Mendeley Data with its version.")
    advice = "unpack it by hand and give its path at archive.kneekl224.folder"
    try:
        with _open(api.format(dataset=parts[1], version=parts[2])) as answer:
            listed = json.load(answer)
        named = {entry["filename"]: entry["content_details"] for entry in listed}
        if file not in named:
            raise StudyError(
                f"doi:{doi} has no file '{file}' but {', '.join(sorted(named)) or 'none'}; "
                "correct archive.kneekl224.file."
            )
        details = named[file]
        target = cache / file
        with _open(details["download_url"]) as source, atomic(target) as temporary:
            digest = hashlib.sha256()
            with temporary.open("wb") as written:
                while chunk := source.read(_CHUNK):
                    digest.update(chunk)
                    written.write(chunk)
            expected = (sha256 or details["sha256_hash"]).lower()
            if digest.hexdigest() != expected:
                raise StudyError(
                    f"{file} of doi:{doi} has the SHA-256 {digest.hexdigest()}, not {expected}; "
                    f"fetch it again, or {advice}."
                )
    except (URLError, OSError, ValueError, KeyError, TypeError) as error:
        raise StudyError(f"doi:{doi} can't be fetched ({error}); check the network, or {advice}.") from error
    return target


def _open(url: str) -> HTTPResponse:
    request = Request(url, headers={"User-Agent": "knee-grading", "Accept": "application/json, */*"})
    return cast("HTTPResponse", urlopen(request, timeout=60))


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack next to the final place and rename, so that half a folder is never taken for the whole."""
    partial = folder.with_name(f".{folder.name}")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        with zipfile.ZipFile(archive) as file:
            file.extractall(partial)
    except zipfile.BadZipFile as error:
        raise StudyError(f"{archive} isn't a zip file; remove it and fetch it again.") from error
    partial.rename(folder)
