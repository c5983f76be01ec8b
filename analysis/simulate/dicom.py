"""Files as scanners and archives of many years leave them: same picture, many encodings."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    EncapsulatedPDFStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from analysis.simulate.film import Radiograph
from analysis.simulate.population import PlannedExam
from analysis.simulate.settings import FileSettings

STUDY_TEXT = {
    "weight_bearing": ("Knä {s} stående belastning", "Knä belastat {s}", "Knä {s} artros stående", "Knee standing {e}"),
    "trauma": ("Knä {s} trauma", "Knä {s} akut fraktur?", "Knä {s} olycksfall", "Knee trauma {e}"),
    "femur": ("Lårben {s}", "Femur {s}"),
    "tibia": ("Underben {s}", "Crus {s}"),
    "other": ("Knä {s}", "Knä {s} kontroll", "Knee {e}"),
}
VIEW_TEXT = {
    "ap": ("{p} AP", "{p} frontal", "{p} rak", "AP"),
    "lateral": ("{p} sida", "{p} lateral", "{p} sidobild", "LAT"),
    "oblique": ("{p} sned", "{p} oblique", "{p} snedprojektion", "OBL"),
}
SHORT = {"right": ("hö", "höger"), "left": ("vä", "vänster"), "both": ("bilat", "bilateralt", "hö och vä")}


def uid(rng: Generator) -> str:
    """Draw a unique identifier below the root that is free for all (2.25)."""
    return f"2.25.{int.from_bytes(rng.bytes(15), 'big')}"


def _one(rng: Generator, options: Any) -> Any:
    return options[int(rng.integers(len(options)))]


def header(rng: Generator, exam: PlannedExam, study: str, settings: FileSettings) -> Dataset:
    """Make the attributes that all files of an exam share."""
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 100" if rng.random() < 0.8 else "ISO_IR 192"
    # Neither exists. The files must not reveal that the archive is simulated; the folder and the manuscript say so.
    ds.Manufacturer = "Nordskugga"
    ds.InstitutionName = "Lasarettet i Ingenstad"
    ds.PatientName = exam.patient.name
    ds.PatientID = exam.patient.number
    ds.PatientBirthDate = f"{exam.patient.born:%Y%m%d}"
    ds.PatientSex = exam.patient.sex
    if rng.random() >= settings.missing_tags:
        ds.PatientAge = f"{int(exam.age):03d}Y"
    ds.StudyDate = f"{exam.day:%Y%m%d}"
    ds.StudyTime = f"{int(rng.integers(7, 20)):02d}{int(rng.integers(60)):02d}{int(rng.integers(60)):02d}"
    ds.AccessionNumber = exam.accession
    ds.StudyInstanceUID = study
    ds.StudyID = str(exam.number)
    ds.ReferringPhysicianName = ""
    side = _one(rng, SHORT[exam.side])
    ds.StudyDescription = _one(rng, STUDY_TEXT[exam.protocol]).format(s=side, e=exam.side)
    part = {"femur": ("FEMUR", "THIGH"), "tibia": ("LEG", "TIBIA")}.get(exam.protocol, ("KNEE",))
    ds.BodyPartExamined = _one(rng, part)
    if exam.kind == "no_knee" and rng.random() < 0.5:
        ds.BodyPartExamined = "ANKLE"
    return ds


def image(
    rng: Generator,
    shared: Dataset,
    exam: PlannedExam,
    view: str,
    number: int,
    picture: Radiograph,
    settings: FileSettings,
    mirrored: bool = False,
) -> bytes:
    """Encode one radiograph.

    Parameters
    ----------
    rng : Generator
    shared : Dataset
        From `header`.
    exam : PlannedExam
    view : str
    number : int
        Instance number in the exam, from 1.
    picture : Radiograph
    settings : FileSettings
    mirrored : bool
        The picture lies the wrong way round, and the file says so.

    Returns
    -------
    bytes
        A DICOM file.
    """
    ds = Dataset()
    ds.update(shared)
    computed = rng.random() < settings.computed
    ds.SOPClassUID = ComputedRadiographyImageStorage if computed else DigitalXRayImageStorageForPresentation
    ds.SOPInstanceUID = uid(rng)
    ds.Modality = "CR" if computed else "DX"
    ds.SeriesInstanceUID = uid(rng)
    ds.SeriesNumber, ds.InstanceNumber = number, 1
    part = {"femur": "Femur", "tibia": "Underben"}.get(exam.protocol, "Knä")
    bare = rng.random() < settings.missing_tags
    if exam.partner >= 0 and exam.side != "both":
        part = f"{part} {SHORT[exam.side][0]}"  # the study's own text names both sides
    ds.SeriesDescription = _one(rng, VIEW_TEXT[view]).format(p=part)
    ds.BurnedInAnnotation = "NO"
    if not bare or rng.random() < 0.5:
        ds.ViewPosition = {"ap": "AP", "lateral": _one(rng, ("LL", "LAT")), "oblique": "OBL"}[view]
    if not bare:
        ds.ImageLaterality = exam.side[0].upper()
        if rng.random() < 0.5:
            ds.PatientOrientation = {"ap": ["L", "F"], "lateral": ["A", "F"]}.get(view, "")
    elif rng.random() < 0.5 and exam.side != "both":
        ds.Laterality = exam.side[0].upper()
    if mirrored:
        ds.PatientOrientation = ["R", "F"]
    if rng.random() >= settings.missing_tags:
        name = "PixelSpacing" if computed else "ImagerPixelSpacing"
        setattr(ds, name, [f"{picture.spacing:.4f}"] * 2)
    _encode(rng, ds, picture.pixels, settings)
    return _file(rng, ds, settings)


def _encode(rng: Generator, ds: Dataset, pixels: NDArray[np.float32], settings: FileSettings) -> None:
    """Put the pixels into the dataset: depth, window or table, and polarity."""
    bits = int(_one(rng, (8, 10, 12, 12, 12, 14, 16)))
    top = 2**bits - 1
    kind = rng.random()
    inverted = rng.random() < settings.monochrome1
    if kind < settings.lookup_table and bits <= 12:
        # The table bends the stored values; straightened by it, the picture is as it was.
        stored = np.power(pixels, 1 / 1.6) * top
        table = np.round(np.power(np.arange(top + 1) / top, 1.6) * 65535).astype(np.uint16)
        if inverted:
            stored, table = top - stored, 65535 - table[::-1]
        item = Dataset()
        item.LUTDescriptor = [top + 1, 0, 16]
        item.LUTData = table.tobytes()
        item["LUTDescriptor"].VR, item["LUTData"].VR = "US", "OW"
        ds.VOILUTSequence = [item]
    elif kind < settings.lookup_table + settings.no_window:
        stored = (top - pixels * top) if inverted else pixels * top
    else:
        low, high = top * rng.uniform(0.02, 0.15), top * rng.uniform(0.7, 0.95)
        stored = low + pixels * (high - low)
        centre, width = (low + high) / 2, high - low
        if inverted:
            stored, centre = top - stored, top - centre
        ds.WindowCenter, ds.WindowWidth = f"{centre:.1f}", f"{width:.1f}"
        if rng.random() < 0.15:
            ds.WindowCenter, ds.WindowWidth = [f"{centre:.1f}", f"{centre * 0.9:.1f}"], [f"{width:.1f}", f"{width:.1f}"]
            ds.WindowCenterWidthExplanation = ["STANDARD", "BONE"]
        elif rng.random() < 0.02:
            ds.WindowWidth = "0"
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME1" if inverted else "MONOCHROME2"
    ds.Rows, ds.Columns = pixels.shape
    ds.BitsAllocated = 8 if bits == 8 else 16
    ds.BitsStored, ds.HighBit, ds.PixelRepresentation = bits, bits - 1, 0
    if rng.random() < 0.3:
        ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "0", "1", "US"
    whole = np.round(np.clip(stored, 0, top)).astype(np.uint8 if bits == 8 else np.uint16)
    ds.PixelData = whole.tobytes() + (b"\0" if whole.nbytes % 2 else b"")
    ds["PixelData"].VR = "OB" if bits == 8 else "OW"


def _file(rng: Generator, ds: Dataset, settings: FileSettings) -> bytes:
    """Choose the transfer syntax and write the bytes."""
    syntax = ExplicitVRLittleEndian if rng.random() < 0.6 else ImplicitVRLittleEndian
    compressed, bare = rng.random() < settings.compressed, rng.random() < settings.no_meta
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if bare else syntax
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    if compressed and not bare:
        target = _one(rng, (RLELossless, RLELossless, JPEGLSLossless, JPEGLSLossless, JPEG2000Lossless))
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        plugin = "pyjpegls" if target == JPEGLSLossless else "pylibjpeg"
        ds.compress(target, encoding_plugin=plugin, generate_instance_uid=False)
    return _bytes(ds, bare)


def _bytes(ds: Dataset, bare: bool = False) -> bytes:
    out = io.BytesIO()
    if bare:  # as old archives export: no preamble, no meta group
        del ds.file_meta
        ds.save_as(out, implicit_vr=True, little_endian=True, enforce_file_format=False)
    else:
        ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def document(rng: Generator, shared: Dataset) -> bytes:
    """Encode a scanned referral (an encapsulated PDF), which is no image."""
    ds = Dataset()
    ds.update(shared)
    ds.SOPClassUID, ds.SOPInstanceUID = EncapsulatedPDFStorage, uid(rng)
    ds.Modality, ds.SeriesInstanceUID = "DOC", uid(rng)
    ds.SeriesNumber, ds.InstanceNumber = 99, 1
    ds.SeriesDescription, ds.MIMETypeOfEncapsulatedDocument = "Remiss", "application/pdf"
    ds.EncapsulatedDocument = b"%PDF-1.4\n% remiss\n%%EOF\n"
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    return _bytes(ds)
