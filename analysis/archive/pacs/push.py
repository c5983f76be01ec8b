"""Sends results back to a PACS; only when somebody asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pydicom

from analysis.errors import StudyError

if TYPE_CHECKING:
    from pydicom import Dataset

    from analysis.archive.pacs.node import Node


def push(node: Node, files: Sequence[Path]) -> str:
    """Send DICOM files to a PACS, by C-STORE or STOW-RS.

    Parameters
    ----------
    node : Node
    files : sequence of Path

    Returns
    -------
    str
        How many were sent, in a sentence.

    Raises
    ------
    StudyError
        If a file is no DICOM, or one or more weren't taken; it names them.
    """
    datasets = [(path, _read(path)) for path in files]
    refused = (_store if node.protocol == "dimse" else _stow)(node, datasets)
    if refused:
        raise StudyError(
            f"The PACS took {len(files) - len(refused)} of {len(files)} files; not {', '.join(refused[:3])}"
            f"{' …' if len(refused) > 3 else ''}: ask its staff whether it takes this kind of file from us."
        )
    return f"The PACS took {len(files)} files."


def _read(path: Path) -> Dataset:
    try:
        return pydicom.dcmread(path)
    except (pydicom.errors.InvalidDicomError, OSError) as error:
        raise StudyError(f"{path} isn't a DICOM file; nothing was sent.") from error


def _store(node: Node, datasets: Sequence[tuple[Path, Dataset]]) -> list[str]:
    from analysis.archive.pacs.dimse import associate, entity

    ae = entity(node)
    for kind, syntax in sorted({(one.SOPClassUID, one.file_meta.TransferSyntaxUID) for _, one in datasets}):
        ae.add_requested_context(kind, syntax)
    assoc = associate(ae, node)
    if not assoc.is_established:
        raise StudyError(f"The PACS at {node.host}:{node.port} doesn't take our connection; nothing was sent.")
    refused = []
    try:
        for path, one in datasets:
            try:
                status = assoc.send_c_store(one)
            except (ValueError, RuntimeError):  # a kind of file that it doesn't take, or a lost connection
                refused.append(str(path))
                continue
            if status.get("Status", -1) not in (0x0000, 0xB000, 0xB006, 0xB007):
                refused.append(str(path))
    finally:
        assoc.release()
    return refused


def _stow(node: Node, datasets: Sequence[tuple[Path, Dataset]]) -> list[str]:
    from analysis.archive.pacs.query import DeclinedError, LostError
    from analysis.archive.pacs.web import Web

    web = Web(node, 1e9)
    refused = []
    try:
        for path, one in datasets:
            try:
                web.store(one)
            except (LostError, DeclinedError):
                refused.append(str(path))
    finally:
        web.close()
    return refused
