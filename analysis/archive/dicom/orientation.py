"""How a frontal film lies, by PatientOrientation: by convention rows run to the patient's left and columns to the feet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.archive.dicom.dataset import text

if TYPE_CHECKING:
    from pydicom import Dataset

#: Where each direction leads to when a picture is turned over: left and right, in front and behind, head and feet.
_OPPOSITE = str.maketrans("LRAPHF", "RLPAFH")


def towards(dataset: Dataset) -> tuple[str, str]:
    """Return where rows and columns run to, as letters (L, R, F, H and others); empty where nothing is said."""
    row, column = [*text(dataset, "PatientOrientation").upper().split(), "", ""][:2]
    return row[:1], column[:1]


def as_hung(dataset: Dataset) -> list[str]:
    """Return PatientOrientation of the picture as `analysis.imaging.square.hung` turns it."""
    ways = text(dataset, "PatientOrientation").upper().split()
    turned = [is_mirrored(dataset), is_upside_down(dataset)]
    return [way.translate(_OPPOSITE) if turn else way for way, turn in zip(ways, turned, strict=False)]


def is_mirrored(dataset: Dataset) -> bool:
    """Return whether rows run to the patient's right."""
    return towards(dataset)[0] == "R"


def is_upside_down(dataset: Dataset) -> bool:
    """Return whether columns run to the head."""
    return towards(dataset)[1] == "H"
