"""One file of the archive: whether it is a radiograph to use, whose it is, and what its header says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pydicom
from pydicom.pixels import get_decoder
from pydicom.uid import UID

from analysis.archive import describe
from analysis.archive.dicom.corrections import CORRECTIONS, TEXTS, corrections
from analysis.archive.dicom.dataset import NATIVE, Unreadable, present, read, syntax_of, text, value, whole
from analysis.archive.dicom.lacking import complete
from analysis.archive.dicom.limits import time_limit
from analysis.archive.dicom.pixel_data import pixel_hash
from analysis.archive.dicom.stored import grey_scale
from analysis.archive.find import real_path
from analysis.archive.knees.cutting import cut
from analysis.archive.people.names import identifier
from analysis.archive.reasons import sentence

if TYPE_CHECKING:
    from collections.abc import Container
    from datetime import date

    from analysis.archive.settings import IngestSettings

_PEOPLE = (
    "OtherPatientNames",
    "PatientBirthName",
    "PatientMotherBirthName",
    "ResponsiblePerson",
    "ReferringPhysicianName",
    "PerformingPhysicianName",
    "RequestingPhysician",
    "NameOfPhysiciansReadingStudy",
    "PhysiciansOfRecord",
    "OperatorsName",
)
_CONTACTS = (
    "PatientAddress",
    "PatientTelephoneNumbers",
    "CountryOfResidence",
    "MilitaryRank",
    "MedicalRecordLocator",
    "InsurancePlanIdentification",
)
_TEXTS = (
    "StudyDescription",
    "SeriesDescription",
    "ProtocolName",
    "RequestedProcedureDescription",
    "PerformedProcedureStepDescription",
    "PatientComments",
    "ImageComments",
    "StudyComments",
    "AdditionalPatientHistory",
    "ReasonForStudy",
)
#: Transfer syntaxes of makers.
_PRIVATE = {"1.2.840.113619.5.2": "GE's own, pixels in the other byte order; send it in a standard one"}
#: Classes of objects for raw images: digital X-ray and mammography.
_FOR_PROCESSING = ("1.2.840.10008.5.1.4.1.1.1.1.1", "1.2.840.10008.5.1.4.1.1.1.2.1")
#: What a raw image is called.
_RAW = re.compile(
    r"\bfor ?processing\b|\b(?:un|not )processed\b|\braw\b|\brohbild\w*\b|\br[åa]bild\b|\bimage brute\b", re.IGNORECASE
)
#: What a picture with words burned in is said to be, to have or to show, in place of yes.
_WORDS_IN_PICTURE = {"BURNED", "BURNT", "BURN", "PRESENT", "EXISTS", "NAME", "NAMES", "TEXT", "ANNOTATED", "ANNOTATION"}
#: Several values of an element in one cell of the private index.
SEPARATOR = "\x1f"
#: Columns of a file's record, in the order of the private index.
IDENTITY = (
    "patient_id", "issuer", "other_ids", "patient_name", "people", "contacts", "texts", "birth_date", "accession",
    "study_uid", "series_uid", "sop_uid", "date", "noted", "cut",
)  # fmt: skip
DESCRIPTION = (
    "view", "side", "protocol", "body_part", "age", "sex", "rows", "columns", "bits", "photometric",
    "transfer_syntax", "modality", "pixel_hash", "burned_in",
)  # fmt: skip
COLUMNS = ("path", "code", "detail", *IDENTITY, *DESCRIPTION)


def inspect(
    folder: Path, path: str, settings: IngestSettings, both_read: Container[str] = frozenset()
) -> dict[str, Any]:
    """Describe one file, and decode it only where it may show both knees.

    Parameters
    ----------
    folder : Path
        The archive.
    path : str
        The file, relative to it, as `analysis.archive.find` writes it.
    settings : IngestSettings
    both_read : container of str
        Names of exams (accession number or StudyInstanceUID) of which both knees were read.

    Returns
    -------
    dict
        `path`, `code` and `detail` (None where the file is a radiograph to use), and the columns
        of IDENTITY and DESCRIPTION as far as they could be read. `cut` has what `analysis.archive.knees.units` reads: the part
        of the picture that shows each knee; it is missing where the whole picture is the image.
    """
    record: dict[str, Any] = {"path": path, "code": None, "detail": None}
    try:
        with time_limit(settings.max_seconds):
            dataset = read(real_path(folder, path), max_mb=settings.max_file_mb)
            on, dates_differ = describe.day(dataset)
            record.update(_identity(dataset), date=on.isoformat() if on else None)
            _check(dataset, settings)
            record.update(_description(dataset, settings, on))
            if dates_differ:
                record["noted"] = f"{record['noted'] or ''} date_contradicted".strip()
            record["pixel_hash"] = pixel_hash(dataset)
            expected = record["accession"] in both_read or record["study_uid"] in both_read
            boxes, doubtful = cut(dataset, record, expected, settings.cut)
            notes = [f"corrected_{code}" for code in corrections(dataset, (*TEXTS, *CORRECTIONS))]
            notes += ["film_doubtful"] if doubtful else []
            record["noted"] = " ".join([*(record["noted"] or "").split(), *notes]) or None
            if len(boxes) == 2:
                record["side"] = "both"
            elif record["side"] == "both":
                record["side"] = None
            record["cut"] = " ".join(f"{side}:{box}" for side, box in boxes.items()) or None
    except Unreadable as reason:
        record.update(code=reason.code, detail=sentence(reason.code, reason.detail))
    except MemoryError:
        record.update(code="memory", detail=sentence("memory"))
    except Exception:  # no input may stop the ingest; RecursionError is the common one here
        record.update(code="broken", detail=sentence("broken"))
    return record


def _values(dataset: Any, keywords: tuple[str, ...]) -> str | None:
    parts = [part for part in (text(dataset, keyword) for keyword in present(dataset, keywords)) if part]
    return SEPARATOR.join(dict.fromkeys(parts)) or None


def _private_names(dataset: pydicom.Dataset) -> list[str]:
    """Return the names of people that elements of makers hold, as far as the file says that they are names."""
    tags = [tag for tag, one in dataset._dict.items() if one.VR == "PN" and tag.is_private]
    return [str(dataset[tag].value or "") for tag in tags]


def _identity(dataset: pydicom.Dataset) -> dict[str, Any]:
    others = [text(item, "PatientID") for item in (value(dataset, "OtherPatientIDsSequence") or [])]
    listed = value(dataset, "OtherPatientIDs")
    others += [str(one).strip() for one in (listed if isinstance(listed, pydicom.multival.MultiValue) else [listed])]
    return {
        "patient_id": text(dataset, "PatientID") or None,
        "issuer": text(dataset, "IssuerOfPatientID") or None,
        "other_ids": SEPARATOR.join(one for one in others if one and one != "None") or None,
        "patient_name": text(dataset, "PatientName") or None,
        "people": SEPARATOR.join([one for one in (_values(dataset, _PEOPLE), *_private_names(dataset)) if one]) or None,
        "contacts": _values(dataset, _CONTACTS),
        "texts": _values(dataset, _TEXTS),
        "birth_date": text(dataset, "PatientBirthDate") or None,
        "accession": identifier(text(dataset, "AccessionNumber")) or None,
        "study_uid": text(dataset, "StudyInstanceUID") or None,
        "series_uid": text(dataset, "SeriesInstanceUID") or None,
        "sop_uid": text(dataset, "SOPInstanceUID") or None,
    }


def _check(dataset: pydicom.Dataset, settings: IngestSettings) -> None:
    """Raise Unreadable, with the reason code, unless the file is a single grey radiograph of a known patient."""
    rows, columns = whole(dataset, "Rows") or 0, whole(dataset, "Columns") or 0
    modality = text(dataset, "Modality").upper()
    if not (rows and columns) and "PixelData" not in dataset:
        raise Unreadable(
            "not_an_image",
            _named(
                UID(text(dataset, "SOPClassUID") or text(dataset.file_meta, "MediaStorageSOPClassUID")),
                "of no known kind",
            ),
        )
    if modality not in settings.modalities:
        raise Unreadable("modality", re.sub(r"[^A-Z0-9 ]", "?", modality)[:16])
    if (whole(dataset, "SamplesPerPixel") or 1) > 1:
        raise Unreadable("colour")
    photometric = grey_scale(dataset)
    if photometric not in ("MONOCHROME1", "MONOCHROME2"):
        raise Unreadable("photometric", re.sub(r"[^A-Z0-9_ ]", "?", photometric)[:16])
    if settings.for_processing == "reject" and _is_raw(dataset):
        raise Unreadable("for_processing")
    if settings.burned_in == "reject" and _burned_in(dataset) == "yes":
        raise Unreadable("burned_in")
    frames = whole(dataset, "NumberOfFrames") or 1
    if frames > 1:
        # ASSUME: cine and stacks are no radiographs; taking one frame of them would be a guess.
        raise Unreadable("multi_frame", f"{frames} frames")
    if "PixelData" in dataset:
        complete(dataset)
    elif fractions := present(dataset, ("FloatPixelData", "DoubleFloatPixelData")):
        raise Unreadable("float_pixels", fractions[0])
    rows, columns, bits = (whole(dataset, keyword) or 0 for keyword in ("Rows", "Columns", "BitsAllocated"))
    check_size(rows, columns, bits, settings)
    syntax = syntax_of(dataset)
    if syntax not in NATIVE:
        try:
            available = get_decoder(syntax).is_available
        except NotImplementedError:
            available = False
        if not available:
            raise Unreadable("transfer_syntax", _named(syntax, "not in the standard"))


def _named(uid: UID, otherwise: str) -> str:
    """Return the standard's words for a UID; a number says nothing to a person."""
    return _PRIVATE.get(str(uid), otherwise) if uid.name == str(uid) else uid.name[:64]


def _is_raw(dataset: pydicom.Dataset) -> bool:
    """Tell a detector's raw image by its intent, or, where none is said, by the object's class, type and description."""
    intent = text(dataset, "PresentationIntentType")
    if intent:
        return "PROCESSING" in intent.upper() or bool(_RAW.search(intent))
    kind = text(dataset, "SOPClassUID") or text(dataset.file_meta, "MediaStorageSOPClassUID")
    return kind in _FOR_PROCESSING or bool(
        _RAW.search(text(dataset, "ImageType", "SeriesDescription").replace("_", " "))
    )


def _burned_in(dataset: pydicom.Dataset) -> str | None:
    written = text(dataset, "BurnedInAnnotation").upper()
    words = re.findall("[A-Z]+", written)
    # Also ja, sí, oui and on.
    if written.startswith((*"YT1JS", "OU", "ON")) or "YES" in words:
        return "yes"
    denied = written.startswith((*"NF0", "OFF")) and not _WORDS_IN_PICTURE.intersection(words[:1])
    if denied or {"NO", "NOT", "NONE", "WITHOUT"}.intersection(words):
        return "no"
    return "yes" if _WORDS_IN_PICTURE.intersection(words) else None


def check_size(rows: int, columns: int, bits: int, settings: IngestSettings) -> None:
    """Refuse an image of too many pixels or too few, or of a number of bits that no radiograph has; `Unreadable`."""
    if rows * columns > settings.max_pixels:
        raise Unreadable("too_many_pixels", f"{columns} x {rows}")
    if min(rows, columns) < settings.min_pixels:
        raise Unreadable("too_small", f"{columns} x {rows}")
    if bits not in (8, 16, 32):
        raise Unreadable("bits", f"{bits} bits")


def _description(dataset: pydicom.Dataset, settings: IngestSettings, on: date | None) -> dict[str, Any]:
    side, sides_differ = describe.side(dataset, settings)
    age, ages_differ = describe.age(dataset, on)
    notes = {"age_contradicted": ages_differ, "side_contradicted": sides_differ}
    notes |= dict.fromkeys(describe.unread(dataset, on), True)
    allocated = whole(dataset, "BitsAllocated") or 16
    stored = whole(dataset, "BitsStored") or allocated
    return {
        "view": describe.view(dataset, settings),
        "side": side,
        "protocol": describe.protocol(dataset, settings),
        "body_part": describe.body_part(dataset, settings),
        "age": age,
        "sex": describe.sex(dataset),
        "rows": whole(dataset, "Rows"),
        "columns": whole(dataset, "Columns"),
        "bits": min(max(stored, 1), allocated),
        "photometric": grey_scale(dataset),
        "transfer_syntax": str(syntax_of(dataset)),
        "modality": text(dataset, "Modality").upper(),
        "burned_in": _burned_in(dataset),
        "noted": " ".join(note for note, holds in notes.items() if holds) or None,
    }
