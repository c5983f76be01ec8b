"""Settings of the simulated archive: its size, its patients and their disease, readers, radiography and files."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from analysis.settings import Settings

Counts = dict[str, Annotated[int, Field(ge=0)]]


def _share(default: float, description: str) -> Any:
    return Field(default=default, ge=0, le=1, description=description)


class PopulationSettings(Settings):
    """The patients and their disease. Numbers of the paper's Table 2, scaled to the size of the sets."""

    training_kl: tuple[int, int, int, int, int] = Field(
        default=(2848, 1218, 652, 597, 380),
        description="Training exams by grade 0 to 4; only their proportions matter.",
    )
    test_kl: tuple[int, int, int, int, int] = Field(
        default=(67, 23, 24, 116, 70),
        description="Validation and test exams by grade 0 to 4; only their proportions matter.",
    )
    training_of: int = Field(default=5700, gt=0, description="Exams that the counts in `training_findings` are out of.")
    test_of: int = Field(default=300, gt=0, description="Exams that the counts in `test_findings` are out of.")
    training_findings: Counts = Field(default=
        {
            "tka": 226, "uka": 44, "plate": 111, "im_nail_femur": 68, "im_nail_tibia": 31, "cerclage": 55,
            "k_wires": 21, "staple": 18, "x_fix": 3, "screws": 57, "x_ligament": 36, "osteonecrosis": 60, "cast": 130,
        },
        description="Implants, casts and osteonecrosis in training exams, a count each. The paper's 99 nails are "
        "split into 68 in the femur and 31 in the tibia; 8 staples in 2,522 exams are 18 in 5,700.",
    )  # fmt: skip
    test_findings: Counts = Field(
        default={"tka": 39, "uka": 7, "plate": 7, "staple": 4, "screws": 2, "x_ligament": 5, "osteonecrosis": 13},
        description="The same in validation and test exams.",
    )
    training_location: Counts = Field(
        default={"medial": 487, "lateral": 175, "patella": 81},
        description="Location of osteoarthritis in training; 36 patellae in 2,522 exams are 81 in 5,700.",
    )
    test_location: Counts = Field(
        default={"medial": 120, "lateral": 34, "patella": 3}, description="The same in validation and test."
    )
    trauma: float = _share(0.30, "Share of training exams by the trauma protocol; the rest is weight-bearing or below.")
    femur: float = _share(0.04, "Share of training exams by the protocol of the diaphyseal femur.")
    tibia: float = _share(0.03, "Share of training exams by the protocol of the diaphyseal tibia.")
    other: float = _share(0.08, "Share of training exams by other protocols (supine knee, follow-up).")
    fractures: float = _share(0.35, "Share of trauma exams with a fracture about the knee.")
    several_exams: float = _share(0.06, "Share of patients with a second exam more than 90 days after the first.")
    weight_bearing_follow_up: float = _share(
        0.03, "Share of validation and test patients with a further exam that is not weight-bearing."
    )
    both_knees: float = _share(
        0.12, "Share of the weight-bearing exams of patients with one exam that show both knees on one film."
    )
    repeats: float = _share(0.03, "Share of exams repeated within 90 days (left out by the selection).")
    children: float = _share(0.015, "Surplus exams of children, as a share of all.")
    unusable: float = _share(0.006, "Surplus exams of unusable image quality, as a share of all (the paper: 0.6 %).")
    no_knee: float = _share(0.006, "Surplus exams that show no knee although filed as one, as a share of all.")
    no_image: float = _share(0.003, "Surplus exams whose files can't be read (truncated), as a share of all.")

    @field_validator("training_kl", "test_kl")
    @classmethod
    def _some(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if min(value) < 0 or sum(value) == 0:
            raise ValueError("counts can't be negative, nor all zero")
        return value

    @model_validator(mode="after")
    def _protocols(self) -> PopulationSettings:
        if self.trauma + self.femur + self.tibia + self.other > 1:
            raise ValueError("trauma + femur + tibia + other is more than the whole")
        return self


class ReaderSettings(Settings):
    """How readers err around what the anatomy says."""

    student_error: float = Field(default=0.55, ge=0, description="SD of a student's error on the latent scale, grades.")
    senior_error: float = Field(default=0.42, ge=0, description="SD of a senior's error on the latent scale, grades.")
    consensus_error: float = Field(default=0.25, ge=0, description="SD of the error of two seniors together, grades.")
    student_shift: float = Field(default=0.12, ge=0, description="SD of a student's systematic leniency, grades.")
    finding_sensitivity: float = _share(0.97, "Probability that a present finding (implant, cast, fracture) is noted.")
    finding_false: float = _share(0.002, "Probability that an absent finding is noted.")
    subtle_sensitivity: float = _share(0.75, "Sensitivity for subtle findings (osteonecrosis, attrition, sclerosis).")
    revisit: float = _share(0.05, "Share of training exams marked for revisit although easy; hard ones come on top.")
    patella_and_staple: float = _share(2522 / 5700, "Share of training exams read for patella and staple.")
    report_sensitivity: float = _share(0.92, "Probability that a report names osteoarthritis that is there.")


class RadiographySettings(Settings):
    """How the radiographs are taken."""

    image_size: tuple[int, int] = Field(default=(320, 640), description="Range of the longer side of an image, pixels.")
    images_per_exam: tuple[float, float, float] = Field(
        default=(0.12, 0.46, 0.42), description="Share of exams with one, two and three images."
    )
    tube_voltage: tuple[float, float] = Field(default=(60.0, 70.0), description="Range of the tube voltage, kV.")
    exposure: tuple[float, float] = Field(
        default=(2500.0, 12000.0), description="Range of the detected quanta behind no patient, per pixel."
    )
    scatter: tuple[float, float] = Field(default=(0.15, 0.6), description="Range of the scatter-to-primary ratio.")
    blur: tuple[float, float] = Field(
        default=(0.15, 0.45), description="Range of the detector's point spread, SD in mm."
    )
    rotation: float = Field(default=4.0, ge=0, description="SD of the leg's rotation from the intended view, degrees.")
    tilt: float = Field(default=3.0, ge=0, description="SD of the beam's tilt along the leg, degrees.")
    unmasked: float = _share(0.03, "Share of images whose collimated border is left white instead of masked black.")
    collimated: float = _share(0.65, "Share of images with a collimation border in the image.")
    marker: float = _share(0.85, "Share of images with a lead letter for the side.")

    @model_validator(mode="after")
    def _ranges(self) -> RadiographySettings:
        for name in ("image_size", "tube_voltage", "exposure", "scatter", "blur"):
            low, high = getattr(self, name)
            if not 0 < low <= high:
                raise ValueError(f"{name} must be two positive numbers in ascending order")
        if self.image_size[0] < 128:
            raise ValueError("image_size starts below 128 pixels; a knee can't be read there")
        if min(self.images_per_exam) < 0 or abs(sum(self.images_per_exam) - 1) > 1e-6:
            raise ValueError("images_per_exam must be three shares that sum to 1")
        return self


class FileSettings(Settings):
    """How the archive stores them."""

    monochrome1: float = _share(0.25, "Share of files with inverted grey scale (MONOCHROME1).")
    computed: float = _share(0.55, "Share of files from computed radiography (CR); the rest is digital (DX).")
    compressed: float = _share(0.15, "Share of files with a compressed transfer syntax.")
    no_meta: float = _share(0.02, "Share of files without the file meta header (and so without preamble).")
    missing_tags: float = _share(0.20, "Share of files where optional tags are missing.")
    no_window: float = _share(0.20, "Share of files without window.")
    lookup_table: float = _share(0.05, "Share of files with a VOI LUT in place of a window.")
    strays: float = _share(0.004, "Stray objects (PDF, report, text files, duplicates), as a share of all exams.")


class SimulateSettings(Settings):
    """The simulated archive. The numbers of exams are those left after the selection."""

    expert = ("test_surplus", "population", "readers", "radiography", "files")

    training: int = Field(default=600, ge=1, description="Training exams after the selection; the paper has 5,700.")
    validation: int = Field(default=100, ge=0, description="Validation exams after the selection; the paper has 403.")
    test: int = Field(default=300, ge=0, description="Test exams after the selection, as in the paper.")
    test_surplus: float = Field(
        default=0.04, ge=0, le=1, description="Eligible validation and test exams beyond those wanted, as a share."
    )
    population: PopulationSettings = Field(
        default=PopulationSettings(), description="The patients of the archive and their disease."
    )
    readers: ReaderSettings = Field(default=ReaderSettings(), description="How readers err.")
    radiography: RadiographySettings = Field(
        default=RadiographySettings(), description="How the radiographs are taken."
    )
    files: FileSettings = Field(default=FileSettings(), description="How the archive stores them.")
