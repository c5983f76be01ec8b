"""Who is in the archive: patients, their exams, and what the selection has to leave out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
from numpy.random import Generator

from analysis.simulate.ailments import Slot, chance_round, slots_of
from analysis.simulate.settings import SimulateSettings

FIRST_DAY, LAST_DAY = date(2002, 1, 7), date(2016, 12, 20)
WOMEN = ("Anna", "Eva", "Maria", "Karin", "Kristina", "Lena", "Ingrid", "Birgitta", "Gunilla", "Astrid", "Sara", "Emma")
MEN = (
    "Lars",
    "Anders",
    "Per",
    "Karl",
    "Johan",
    "Erik",
    "Nils",
    "Gunnar",
    "Sven",
    "Bengt",
    "Olof",
    "Hans",
    "Åke",
    "Göran",
)
FAMILY = (
    "Andersson", "Johansson", "Karlsson", "Nilsson", "Eriksson", "Larsson", "Olsson", "Persson", "Svensson", "Lindqvist",
    "Sjöberg", "Öberg", "Åkesson", "Holm", "Bergström", "Nyström", "Hedlund", "Wallin", "Ekdahl", "Norén", "Forsberg",
)  # fmt: skip


@dataclass(frozen=True)
class Patient:
    """A person who never was.

    Attributes
    ----------
    number : str
        Shaped like a personal identity number, but its day is 61 to 91, as in a Swedish
        co-ordination number, and its last digit fails the checksum, so that it can belong to nobody.
    """

    number: str
    name: str
    sex: str
    born: date
    index: int


@dataclass(frozen=True)
class PlannedExam:
    """One exam and the truth behind it; only `archive` and tests see the truth.

    Attributes
    ----------
    kind : str
        `regular`, or why the selection should leave it out: `repeat`, `follow_up`, `child`,
        `unusable`, `no_knee`, `no_image`.
    session : str
        Set that its readers worked for: training, validation, test.
    source : int
        Index of the exam whose anatomy it shows; its own but for repeats and follow-ups.
    number : int
        Place in the order of days. The index goes by set and kind, so it can't stand in a file:
        an accession number that tells the set tells of the grade.
    partner : int
        Index of the exam of the patient's other knee, where both stand on one film under one accession number.
    """

    index: int
    patient: Patient
    session: str
    kind: str
    protocol: str
    day: date
    side: str
    views: tuple[str, ...]
    kl: int
    location: str
    patella: bool
    implants: tuple[str, ...] = ()
    cast: bool = False
    osteonecrosis: bool = False
    fractures: tuple[str, ...] = ()
    source: int = -1
    number: int = -1
    partner: int = -1

    @property
    def accession(self) -> str:
        """Accession number, unique in the archive and running through the years."""
        return f"RTG{self.day.year}{self.number:06d}"

    @property
    def age(self) -> float:
        """Age at the exam, years."""
        return (self.day - self.patient.born).days / 365.25


def plan(settings: SimulateSettings, seed: int) -> list[PlannedExam]:
    """Plan the whole archive without making a picture.

    Returns
    -------
    list of PlannedExam
        In order of index; the same for the same settings and seed.
    """
    rng = np.random.default_rng([seed, 1])
    surplus = 1 + settings.test_surplus
    sizes = {
        "training": settings.training,
        "validation": round(settings.validation * surplus),
        "test": round(settings.test * surplus),
    }
    exams: list[PlannedExam] = []
    numbers: set[str] = set()
    for session, size in sizes.items():
        slots = slots_of(rng, settings.population, size, session)
        _add_regular(rng, settings, exams, slots, session, numbers)
    _add_surplus(rng, settings, exams, numbers)
    order = sorted(range(len(exams)), key=lambda k: (exams[k].day, exams[k].patient.number, k))
    place = {k: number for number, k in enumerate(order, 1)}
    numbered = [replace(exam, number=place[k]) for k, exam in enumerate(exams)]
    return _pair(np.random.default_rng([seed, 6]), numbered, settings.population.both_knees)


def _pair(rng: Generator, exams: list[PlannedExam], share: float) -> list[PlannedExam]:
    """Let some exams be of both knees of one patient: the second of a pair becomes the first one's other knee.

    Everything else, numbers and draws included, stays what it is without pairs.
    """
    paired = list(exams)
    count = Counter(exam.patient.index for exam in exams)
    for session in dict.fromkeys(exam.session for exam in exams):
        free = [
            exam
            for exam in exams
            if exam.session == session
            and (exam.kind, exam.protocol) == ("regular", "weight_bearing")
            and count[exam.patient.index] == 1
        ]
        chosen = rng.permutation(len(free))[: 2 * chance_round(rng, share * len(free) / 2)]
        for first, second in zip(chosen[::2], chosen[1::2], strict=False):
            one, other = free[first], free[second]
            side = "left" if one.side == "right" else "right"
            paired[one.index] = replace(one, partner=other.index)
            paired[other.index] = replace(
                other, patient=one.patient, day=one.day, number=one.number, side=side, partner=one.index
            )
    return paired


def _patient(rng: Generator, age: float, day: date, sex: str, numbers: set[str]) -> Patient:
    born = day - timedelta(days=int(age * 365.25) + int(rng.integers(0, 300)))
    while True:
        serial = f"{born:%Y%m}{born.day + 60:02d}{int(rng.integers(1000)):03d}"
        digits = [int(c) * (2 - i % 2) for i, c in enumerate(serial[2:])]
        check = (10 - sum(d // 10 + d % 10 for d in digits) % 10) % 10
        number = f"{serial}{(check + 5) % 10}"
        if number not in numbers:
            break
    numbers.add(number)
    given = rng.choice(WOMEN if sex == "F" else MEN)
    return Patient(number, f"{rng.choice(FAMILY)}^{given}", sex, born, len(numbers) - 1)


def _day(rng: Generator) -> date:
    day = FIRST_DAY + timedelta(days=int(rng.integers((LAST_DAY - FIRST_DAY).days)))
    return day - timedelta(days=1) if day.weekday() == 6 else day


def _views(rng: Generator, shares: tuple[float, float, float], protocol: str, patella: bool) -> tuple[str, ...]:
    number = int(rng.choice([1, 2, 3], p=shares))
    if protocol in ("femur", "tibia"):
        number = min(number, 2)
    if patella:  # it is read from a lateral view
        number = max(number, 2)
    return ("ap", "lateral", "oblique")[:number]


def _add_regular(
    rng: Generator,
    settings: SimulateSettings,
    exams: list[PlannedExam],
    slots: list[Slot],
    session: str,
    numbers: set[str],
) -> None:
    """Turn the slots into exams; some are later exams of an earlier slot's patient."""
    mine: list[PlannedExam] = []
    for slot in slots:
        again = [e for e in mine if e.kl <= slot.kl and e.day < date(2014, 1, 1)]
        if again and rng.random() < settings.population.several_exams:
            first = again[int(rng.integers(len(again)))]
            last = max(e.day for e in mine if e.patient == first.patient)
            patient, day = first.patient, last + timedelta(days=int(rng.integers(91, 1000)))
        else:
            mean = 48 + 6.5 * slot.kl if "tka" not in slot.implants else 72
            age = float(np.clip(rng.normal(mean, 15 - 1.8 * slot.kl), 18.5, 97))
            day = _day(rng)
            patient = _patient(rng, age, day, str(rng.choice(["F", "M"], p=[0.56, 0.44])), numbers)
        shares = settings.radiography.images_per_exam
        mine.append(
            PlannedExam(
                index=len(exams) + len(mine),
                patient=patient,
                session=session,
                kind="regular",
                protocol=slot.protocol,
                day=day,
                side=str(rng.choice(["right", "left"])),
                views=_views(rng, shares, slot.protocol, slot.patella),
                kl=slot.kl,
                location=slot.location,
                patella=slot.patella,
                implants=tuple(slot.implants),
                cast=slot.cast,
                osteonecrosis=slot.osteonecrosis,
                fractures=tuple(slot.fractures),
                source=len(exams) + len(mine),
            )
        )
    exams += mine


def _add_surplus(rng: Generator, settings: SimulateSettings, exams: list[PlannedExam], numbers: set[str]) -> None:
    """Add what the selection has to leave out, each kind once at least in a study that is not tiny."""
    population, regular = settings.population, list(exams)

    def number(share: float) -> int:
        return max(chance_round(rng, share * len(regular)), int(len(regular) >= 30 and share > 0))

    def pick(pool: list[PlannedExam], count: int) -> list[PlannedExam]:
        return [pool[k] for k in rng.choice(len(pool), min(count, len(pool)), replace=False)] if pool else []

    def add(exam: PlannedExam) -> None:
        exams.append(replace(exam, index=len(exams)))

    last: dict[int, date] = {}
    for exam in regular:
        last[exam.patient.index] = max(exam.day, last.get(exam.patient.index, exam.day))
    final = [exam for exam in regular if exam.day == last[exam.patient.index]]
    for exam in pick(final, number(population.repeats)):
        day = exam.day + timedelta(days=int(rng.integers(2, 88)))
        add(replace(exam, kind="repeat", day=day))
    held_out = [exam for exam in final if exam.session != "training"]
    repeated = {exam.patient.index for exam in exams if exam.kind == "repeat"}
    for exam in pick(
        [exam for exam in held_out if exam.patient.index not in repeated],
        chance_round(rng, population.weight_bearing_follow_up * len(held_out)),
    ):
        day = exam.day + timedelta(days=int(rng.integers(100, 900)))
        protocol = str(rng.choice(["trauma", "other"]))
        # Read by a student for training, yet the patient's other exam is held out.
        add(replace(exam, kind="follow_up", session="training", protocol=protocol, day=day))
    for kind in ("child", "unusable", "no_knee", "no_image"):
        share = {"child": "children"}.get(kind, kind)
        for model in pick(regular, number(getattr(population, share))):
            child = kind == "child"
            age = rng.uniform(5, 17.2) if child else rng.uniform(25, 85)
            day = _day(rng)
            patient = _patient(rng, age - (0.9 if child else 0), day, model.patient.sex, numbers)
            changed = replace(model, kind=kind, patient=patient, day=day, source=len(exams))
            if child:
                changed = replace(changed, kl=0, location="even", patella=False, implants=(), osteonecrosis=False)
            add(changed)
