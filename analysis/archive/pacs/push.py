"""Sends results back to a PACS; only when somebody asks for it."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pydicom

from analysis.errors import StudyError
from analysis.files import atomic
from analysis.plurals import plural

if TYPE_CHECKING:
    from pydicom import Dataset

    from analysis.archive.pacs.node import Node

#: Stored, or stored with something left out or changed.
_STORED = (0x0000, 0xB000, 0xB006, 0xB007)
#: A file that wasn't taken, and why.
Unsent = tuple[Path, str]


def push(node: Node, files: Sequence[Path], unsent: Path | None = None) -> str:
    """Send DICOM files to a PACS, by C-STORE or STOW-RS.

    Parameters
    ----------
    node : Node
    files : sequence of Path
    unsent : Path, optional
        CSV (file, reason) for those that weren't taken; removed where all were.

    Returns
    -------
    str
        How many were sent, in a sentence.

    Raises
    ------
    StudyError
        If a file is no DICOM, or one or more weren't taken; it names them.
    """
    if unsent:
        unsent.unlink(missing_ok=True)
    kinds = {_kind(path) for path in files}
    send = _store(node, files, kinds) if node.protocol == "dimse" else _stow(node, files)
    refused = list(send) if files else []
    if refused:
        named = ", ".join(f"{path} ({why})" for path, why in refused[:3])
        more = f" and {len(refused) - 3} more" if len(refused) > 3 else ""
        if unsent:
            with atomic(unsent) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file, lineterminator="\n").writerows([("file", "reason"), *refused])
            more += f"; {unsent} lists them"
        raise StudyError(
            f"The PACS took {len(files) - len(refused)} of {plural(len(files), 'file')}; not {named}{more}: ask its staff whether it "
            "takes this kind of file from us."
        )
    return f"The PACS took {plural(len(files), 'file')}."


def _kind(path: Path) -> tuple[str, str]:
    """Return what a file is and how it is written."""
    try:
        found = pydicom.dcmread(path, stop_before_pixels=True)
        return found.SOPClassUID, found.file_meta.TransferSyntaxUID
    except (pydicom.errors.InvalidDicomError, OSError, AttributeError) as error:
        raise StudyError(f"{path} isn't a DICOM file; nothing was sent.") from error


def _read(path: Path) -> Dataset:
    return pydicom.dcmread(path)


def _store(node: Node, files: Sequence[Path], kinds: set[tuple[str, str]]) -> Iterator[Unsent]:
    from analysis.archive.pacs.dimse import associate, entity

    ae = entity(node)
    for kind, syntax in sorted(kinds):
        ae.add_requested_context(kind, syntax)
    assoc = associate(ae, node)
    if not assoc.is_established:
        raise StudyError(f"The PACS at {node.host}:{node.port} doesn't take our connection; nothing was sent.")
    try:
        for path in files:
            try:
                status = assoc.send_c_store(_read(path)).get("Status")
            except ValueError:
                yield path, "a kind of file that it doesn't take"
                continue
            except RuntimeError:
                status = None
            if status is None:
                yield path, "the connection was lost"
            elif status not in _STORED:
                yield path, f"status {status:#06x}"
    finally:
        assoc.release()


def _stow(node: Node, files: Sequence[Path]) -> Iterator[Unsent]:
    from analysis.archive.pacs.query import DeclinedError, LostError
    from analysis.archive.pacs.web import Web

    web = Web(node, 1e9)
    lost = ""
    try:
        for number, path in enumerate(files):
            if lost:  # each further file would wait for its answer in vain
                yield path, lost
                continue
            try:
                web.store(_read(path))
            except DeclinedError as error:
                yield path, str(error).rstrip(".")
            except (LostError, StudyError) as error:
                if number == 0:
                    raise StudyError(f"{str(error).rstrip('.')}; nothing was sent.") from error
                lost = str(error).rstrip(".")
                yield path, lost
    finally:
        web.close()
