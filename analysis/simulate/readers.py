"""What readers make of a knee: the grade that follows from the anatomy, and their errors around it."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
from numpy.random import Generator

from analysis.simulate.anatomy import FRACTURES, IMPLANTS
from analysis.simulate.population import PlannedExam
from analysis.simulate.settings import ReaderSettings

STUDENTS, SENIORS = ("student-1", "student-2"), ("senior-1", "senior-2")
LEVELS = {"kl": 4, "jsn_medial": 3, "jsn_lateral": 3, "ost_medial_femur": 3, "ost_medial_tibia": 3,
          "ost_lateral_femur": 3, "ost_lateral_tibia": 3}  # fmt: skip
LOCATIONS = ("medial", "lateral", "patella")
SUBTLE = ("osteonecrosis", "attrition_medial_tibia", "sclerosis_medial_tibia", "sclerosis_lateral_femur")
CLEAR = (*IMPLANTS, "cast")
#: A row of readings.csv: exam, reader, role, session, item, value, revisit, time, side (empty in an exam of one knee).
Row = tuple[str, str, str, str, str, int, int, str, str]


def read(
    rng: Generator, truth: dict[str, float], settings: ReaderSettings, error: float, shift: float, fractures: bool
) -> dict[str, int]:
    """Read one exam once.

    Parameters
    ----------
    rng : Generator
    truth : dict of str to float
        Latent values, see `anatomy.latent`.
    error, shift : float
        SD of the reader's error and the reader's leniency, grades.
    fractures : bool
        Whether fractures are read.

    Returns
    -------
    dict of str to int
        A value for every item and finding.
    """
    values: dict[str, int] = {}
    # Part of the error is the exam's (a poor projection), shared by all its items.
    common = rng.normal(0, 0.5 * error)
    own = np.sqrt(0.75) * error
    for item, highest in LEVELS.items():
        seen = truth[item] + shift + common + rng.normal(0, own)
        gone = truth[item] < -0.3  # a prosthesis is there: nothing to grade, and nothing to err about
        values[item] = 0 if gone else int(np.clip(np.floor(seen + 0.5), 0, highest))
    for item in LOCATIONS:
        # ASSUME: where the disease lies is clearer than how severe it is, yet readers don't agree in every knee.
        values[item] = int(truth[item] + rng.normal(0, 0.6 * error) > 0.5)
    if values["kl"] < 2:
        values["medial"] = values["lateral"] = 0
    for item in SUBTLE:
        present = truth[item] >= 0.5
        chance = settings.subtle_sensitivity if present else max(0.01, 0.3 * (truth[item] - 0.2))
        if item == "osteonecrosis" and not present:
            chance = 0.006
        values[item] = int(rng.random() < chance)
    for item in CLEAR + (FRACTURES if fractures else ()):
        chance = settings.finding_sensitivity if truth[item] else settings.finding_false
        if item in ("tka", "uka") and truth[item]:
            chance = 1.0
        values[item] = int(rng.random() < chance)
    values["im_nail"] = max(values["im_nail_femur"], values["im_nail_tibia"])
    values["implant"] = max(values[item] for item in IMPLANTS)
    return values


def shifts(rng: Generator, settings: ReaderSettings) -> dict[str, float]:
    """Draw the leniency of every reader; seniors have half of a student's."""
    students = {name: float(rng.normal(0, settings.student_shift)) for name in STUDENTS}
    return students | {name: float(rng.normal(0, settings.student_shift / 2)) for name in SENIORS}


def readings(
    rng: Generator, exam: PlannedExam, truth: dict[str, float], settings: ReaderSettings, leniency: dict[str, float]
) -> list[Row]:
    """Write the rows of one exam, by the policy of its session.

    Training: one student, and a senior where the student asks. Validation: both students and
    their consensus on conflicts. Test: both seniors and theirs.
    """
    start = datetime(2017, 2, 1, 8) + timedelta(minutes=7 * exam.index + int(rng.integers(7)))
    trauma = exam.protocol == "trauma"
    errors = dict.fromkeys(STUDENTS, settings.student_error) | dict.fromkeys(SENIORS, settings.senior_error)
    rows: list[Row] = []

    def note(reader: str, role: str, session: str, values: dict[str, int], revisit: int = 0) -> None:
        time = (start + timedelta(days=20 * len({row[1] for row in rows}))).isoformat()
        side = exam.side if exam.partner >= 0 else ""
        rows.extend((exam.accession, reader, role, session, item, v, revisit, time, side) for item, v in values.items())

    def one(reader: str) -> dict[str, int]:
        if exam.kind in ("unusable", "no_knee"):
            return {exam.kind: 1}
        return read(rng, truth, settings, errors[reader], leniency[reader], trauma)

    if exam.session == "training":
        reader = STUDENTS[int(rng.random() < 0.5)]
        values = one(reader)
        if rng.random() >= settings.patella_and_staple:
            values = {item: v for item, v in values.items() if item not in ("patella", "staple")}
        doubt = abs(truth["kl"] - np.floor(truth["kl"]) - 0.5) < 0.06 and 0 < truth["kl"] < 4
        revisit = int(exam.kind == "unusable" or rng.random() < (0.5 if doubt else settings.revisit))
        note(reader, "reader", "training", values, revisit)
        if revisit:
            second = one("senior-1")
            note("senior-1", "senior", "revisit", {item: second[item] for item in values})
        return rows
    pair, role = (STUDENTS, "reader") if exam.session == "validation" else (SENIORS, "senior")
    first, second = one(pair[0]), one(pair[1])
    note(pair[0], role, exam.session, first)
    note(pair[1], role, exam.session, second)
    together = settings.consensus_error if role == "senior" else 1.4 * settings.consensus_error
    joint = one(pair[0]) if "kl" not in first else read(rng, truth, settings, together, 0.0, trauma)
    low_high = {item: sorted((first[item], second[item])) for item in first if first[item] != second[item]}
    settled = {item: int(np.clip(joint[item], low, high)) for item, (low, high) in low_high.items()}
    agreed = {**first, **settled}
    if "im_nail" in settled:
        settled["im_nail"] = max(agreed["im_nail_femur"], agreed["im_nail_tibia"])
    if "implant" in settled:
        settled["implant"] = max(agreed[item] for item in IMPLANTS)
    note("consensus", "consensus", "consensus", settled)
    return rows
