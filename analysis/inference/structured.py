"""A graded knee as DICOM: a structured report (TID 1500), and the pictures of what the grade rests on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import highdicom as hd
import numpy as np
from highdicom import sr
from pydicom import Dataset, dcmread
from pydicom.sr.codedict import codes
from pydicom.uid import generate_uid

from analysis.archive.dicom.orientation import as_hung
from analysis.errors import StudyError
from analysis.files import atomic
from analysis.grading.scheme import Scheme
from analysis.inference.graded import MARKS, Graded
from analysis.inference.table import decided
from analysis.network.trained.folder import NOT_A_DEVICE
from analysis.network.trained.network import Trained

#: The scheme of the codes that no vocabulary has: none of SNOMED CT, RadLex and LOINC has one for a grade.
SCHEME = "99KNEE"
#: SNOMED CT.
KNEE = sr.CodedConcept("72696002", "SCT", "Knee region structure")
SIDES = {"right": sr.CodedConcept("24028007", "SCT", "Right"), "left": sr.CodedConcept("7771000", "SCT", "Left")}
#: Letters that a code's meaning holds.
_LONGEST = 64
_MAKER, _MODEL = "knee-grading", "knee-grading"
#: What of a patient and a study a report takes over, with what stands where a file lacks it.
_TAKEN = {
    "PatientID": "", "PatientName": "", "PatientBirthDate": "", "PatientSex": "", "AccessionNumber": "", "StudyID": "",
    "StudyDate": "", "StudyTime": "", "ReferringPhysicianName": "",
}  # fmt: skip


def own(code: str, meaning: str) -> sr.CodedConcept:
    """Return a code of the private scheme."""
    return sr.CodedConcept(code[:16].upper(), SCHEME, meaning[:_LONGEST])


def short(mark: str) -> str:
    """Return the first clause of what a mark means, which a code can hold."""
    return re.split("[:,] ", MARKS[mark])[0]


def write_dicom(network: Trained, one: Graded, overlays: Sequence[np.ndarray], out: Path) -> list[Path]:
    """Write the report of a knee, and a secondary capture of each of its images with what the grade rests on.

    Parameters
    ----------
    network : Trained
    one : Graded
    overlays : sequence of numpy.ndarray of uint8, shape (rows, columns, 3)
        RGB, one for each image.
    out : Path
        The folder.

    Returns
    -------
    list of Path
        The report, then the pictures. Their identifiers come from the images' and the network's, so that the same knee
        graded twice by one network is the same report.

    Raises
    ------
    StudyError
        If the files say too little of themselves, as a study without an identifier.
    """
    sources = [_source(place) for place in one.knee.files["place"]]
    # With the side, since both knees may be on one film.
    seed = [network.name, one.knee.side or "", *(str(source.SOPInstanceUID) for source in sources)]
    series = [generate_uid(entropy_srcs=[*seed, kind]) for kind in ("report", "pictures")]
    written = []
    report = sr.ComprehensiveSR(
        evidence=sources,
        content=_content(network, one, sources)[0],
        series_instance_uid=series[0],
        series_number=900,
        sop_instance_uid=generate_uid(entropy_srcs=[*seed, "instance"]),
        instance_number=1,
        manufacturer=_MAKER,
        series_description=f"Knee grading. {NOT_A_DEVICE}",
    )
    written.append(_save(report, out / f"knee-{one.number:04}-report.dcm"))
    for i, (source, picture) in enumerate(zip(sources, overlays, strict=True), 1):
        image = hd.sc.SCImage.from_ref_dataset(
            ref_dataset=source,
            pixel_array=np.ascontiguousarray(picture),
            photometric_interpretation="RGB",
            bits_allocated=8,
            coordinate_system="PATIENT",
            patient_orientation=("L", "F"),  # asked for, and only letters alone are taken; put right below
            series_instance_uid=series[1],
            series_number=901,
            sop_instance_uid=generate_uid(entropy_srcs=[*seed, "picture", str(i)]),
            instance_number=i,
            manufacturer=_MAKER,
            laterality={"left": "L", "right": "R"}.get(one.knee.side or ""),
        )
        image.SeriesDescription = f"Knee grading. {NOT_A_DEVICE}"
        image.DerivationDescription = "What the network's grade rests on: red speaks for it, blue against it."
        # Both as the radiograph says, which may be nothing: what isn't known of it isn't known of its copy.
        image.PatientOrientation = as_hung(source)
        image.BurnedInAnnotation = source.get("BurnedInAnnotation")
        written.append(_save(image, out / f"knee-{one.number:04}-picture-{i}.dcm"))
    return written


def _content(network: Trained, one: Graded, sources: Sequence[Dataset]) -> sr.MeasurementReport:
    scheme, scores = network.scheme, dict(zip(network.outcomes, one.scores, strict=True))
    algorithm = sr.AlgorithmIdentification(name=f"knee-grading {network.name}", version=network.name)
    device = sr.DeviceObserverIdentifyingAttributes(
        uid=generate_uid(entropy_srcs=[network.name]), name=network.name, manufacturer_name=_MAKER, model_name=_MODEL
    )
    context = sr.ObservationContext(
        observer_device_context=sr.ObserverContext(
            observer_type=codes.DCM.Device, observer_identifying_attributes=device
        )
    )
    evaluations = [sr.QualitativeEvaluation(own("WARNING", "Warning"), own("RESEARCH", NOT_A_DEVICE))]
    for item, level in one.grades.items():
        if level is not None:
            title = scheme.items[item].title
            evaluations.append(sr.QualitativeEvaluation(own(item, title), own(f"{item}{level}", f"{title} {level}")))
    for name, yes in decided(network, one.scores).items():
        if yes is not None and scheme.outcome(name).kind != "grade":
            title = scheme.outcome(name).title
            answer = codes.SCT.Present if yes else codes.SCT.Absent
            evaluations.append(sr.QualitativeEvaluation(own(name, title), answer))
    for mark in one.marks:
        evaluations.append(
            sr.QualitativeEvaluation(own("DOUBT", "Not to be trusted without a look"), own(mark, short(mark)))
        )
    measurements = [
        sr.Measurement(own(f"P_{name}", f"Score: {_title(scheme, name)}"), round(float(score), 5), codes.UCUM.NoUnits)
        for name, score in scores.items()
        if not np.isnan(score)
    ]
    group = sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(
            uid=generate_uid(entropy_srcs=[network.name, one.knee.exam, str(one.knee.side)]),
            identifier=f"Knee {one.number}",
        ),
        finding_sites=[sr.FindingSite(KNEE, laterality=SIDES.get(one.knee.side or ""))],
        measurements=measurements,
        qualitative_evaluations=evaluations,
        algorithm_id=algorithm,
        source_images=[sr.SourceImageForMeasurementGroup.from_source_image(source) for source in sources],
    )
    return sr.MeasurementReport(
        observation_context=context,
        procedure_reported=own("KNEE_XRAY", "Radiography of the knee"),
        imaging_measurements=[group],
        title=codes.DCM.ImagingMeasurementReport,
    )


def _title(scheme: Scheme, name: str) -> str:
    """Return an outcome's title, without what its grade means: a code holds few letters."""
    outcome = scheme.outcome(name)
    return f"{scheme.items[outcome.item].title} {outcome.label}" if outcome.item else outcome.title


def _source(path: Path) -> Dataset:
    """Read a header, with what a report asks for where the file lacks it."""
    found = dcmread(path, stop_before_pixels=True, force=True)
    for name, missing in _TAKEN.items():
        if name not in found or found[name].value is None:
            setattr(found, name, missing)
    for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"):
        if not found.get(name):
            raise StudyError(f"A file of it has no {name}.")
    return found


def _save(dataset: Dataset, path: Path) -> Path:
    with atomic(path) as temporary:
        dataset.save_as(temporary, enforce_file_format=True)
    return path
