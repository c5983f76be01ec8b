"""What ails the knees of a set: grades, places, implants, fractures, and the protocol that each is taken by."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator

from analysis.simulate.anatomy import FRACTURES, IMPLANTS
from analysis.simulate.settings import PopulationSettings

_LOG = logging.getLogger(__name__)


def apportion(counts: Sequence[float], total: int, rng: Generator) -> np.ndarray:
    """Split `total` in proportion to `counts`, the remainders by chance; shape (len(counts),), sums to total."""
    exact = np.asarray(counts, float) / sum(counts) * total
    whole = np.floor(exact).astype(int)
    rest = exact - whole
    missing = total - whole.sum()
    if missing:
        whole[rng.choice(len(whole), missing, replace=False, p=rest / rest.sum())] += 1
    return whole


@dataclass
class Slot:
    """An eligible exam in the making: its view and what ails the knee."""

    kl: int
    protocol: str = "weight_bearing"
    location: str = "even"
    patella: bool = False
    implants: list[str] = field(default_factory=list)
    cast: bool = False
    osteonecrosis: bool = False
    fractures: list[str] = field(default_factory=list)


def chance_round(rng: Generator, value: float) -> int:
    """Round up as often as the fraction says, so that the mean is the value."""
    return int(np.floor(value + rng.random()))


def slots_of(rng: Generator, population: PopulationSettings, size: int, session: str) -> list[Slot]:
    """Draw what ails the knees of a set, in the published proportions.

    Parameters
    ----------
    rng : Generator
    population : PopulationSettings
    size : int
        Eligible exams.
    session : str
        The set: training, validation, test.
    """
    training = session == "training"
    kl = population.training_kl if training else population.test_kl
    findings = population.training_findings if training else population.test_findings
    places = population.training_location if training else population.test_location
    share = size / (population.training_of if training else population.test_of)
    grades = np.repeat(np.arange(5), apportion(list(kl), size, rng))
    slots = [Slot(int(grade)) for grade in rng.permutation(grades)]
    if training:
        counts = [population.trauma, population.femur, population.tibia, population.other]
        names = ["trauma", "femur", "tibia", "other", "weight_bearing"]
        protocols = np.repeat(names, apportion([*counts, 1 - sum(counts)], size, rng))
        for slot, protocol in zip(slots, rng.permutation(protocols), strict=True):
            slot.protocol = str(protocol)
    asked = {name: chance_round(rng, findings.get(name, 0) * share) for name in IMPLANTS}
    _implant(rng, slots, asked)
    for name, count in asked.items():
        if (had := sum(name in slot.implants for slot in slots)) < count:
            _LOG.warning(
                "Of the %s exams %d can have '%s', not %d: a prosthesis is in a knee of low grade, and no knee has it "
                "twice (simulate.population).", session, had, name, count
            )  # fmt: skip
    native = [slot for slot in slots if "tka" not in slot.implants]
    # Location follows from narrowing, so among native knees of the two highest grades.
    narrow = [slot for slot in native if slot.kl >= 3 and "uka" not in slot.implants]
    wanted = [chance_round(rng, places.get(name, 0) * share) for name in ("medial", "lateral")]
    if sum(wanted) > len(narrow):
        _LOG.warning(
            "Of the %s exams %d can be of medial or lateral disease, not %d: as many are of grade 3 or 4 without a "
            "prosthesis (simulate.population). Both are drawn less often, in proportion.", session, len(narrow), sum(wanted)
        )  # fmt: skip
        wanted = list(apportion(wanted, len(narrow), rng))
    names = ["medial"] * wanted[0] + ["lateral"] * wanted[1] + ["even"] * (len(narrow) - sum(wanted))
    for slot, name in zip(narrow, rng.permutation(np.array(names, dtype=object)), strict=True):
        slot.location = str(name)
    for slot in native:
        if slot.kl < 3:
            slot.location = str(rng.choice(["medial", "lateral", "even"], p=[0.55, 0.2, 0.25]))
        if "uka" in slot.implants:
            slot.location = "lateral"
    for slot in _some(rng, [s for s in native if s.kl >= 1], places.get("patella", 0) * share):
        slot.patella = True
    for slot in _some(rng, [s for s in native if "uka" not in s.implants], findings.get("osteonecrosis", 0) * share):
        slot.osteonecrosis = True
    trauma = [slot for slot in native if slot.protocol == "trauma"]
    for slot in _some(rng, trauma, population.fractures * len(trauma)):
        slot.fractures.append(str(rng.choice(FRACTURES, p=[0.3, 0.42, 0.28])))
    for slot in _some(rng, trauma, findings.get("cast", 0) * share):
        slot.cast = True
    return slots


def _some(rng: Generator, slots: list[Slot], number: float) -> list[Slot]:
    count = min(len(slots), chance_round(rng, number))
    return [slots[k] for k in rng.choice(len(slots), count, replace=False)] if count else []


def _implant(rng: Generator, slots: list[Slot], counts: dict[str, int]) -> None:
    """Hand out implants: prostheses to knees of low grade, nails mostly to views of their bone."""
    preferred = {"im_nail_femur": "femur", "im_nail_tibia": "tibia"}
    for name, count in counts.items():
        for _ in range(count):
            free = [slot for slot in slots if not slot.implants]
            if name == "tka":
                free = [slot for slot in free if slot.kl == 0]
            elif name == "uka":
                free = [slot for slot in free if slot.kl <= 1]
            elif name in ("cerclage", "screws") and rng.random() < 0.5:
                # Wires and screws go with nails and plates as often as alone.
                with_metal = {"plate", "im_nail_femur"} if name == "cerclage" else {"plate", "k_wires"}
                free = [s for s in slots if with_metal & set(s.implants) and name not in s.implants] or free
            if rng.random() < 0.5:
                free = [slot for slot in free if slot.protocol == preferred.get(name, slot.protocol)] or free
            if free:
                free[int(rng.integers(len(free)))].implants.append(name)
