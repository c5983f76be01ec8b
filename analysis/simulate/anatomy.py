"""One knee in numbers, the grades that follow from them, and how to draw a knee of a wanted grade.

Every grade is a threshold on a latent scale that rises with disease: the grade
is the latent value rounded to the nearest whole number. Readers err on that
scale (see `readers`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.random import Generator

COMPARTMENTS = ("medial", "lateral")
#: Normal joint space of a middle-sized knee in mm, weight-bearing; it grows with the knee's size.
NORMAL_SPACE = {"medial": 4.8, "lateral": 5.6, "patella": 4.5}
#: What the anatomy is graded into; the names are those of the schemes in `workflow/gradings`.
OSTEOPHYTES = ("ost_medial_femur", "ost_medial_tibia", "ost_lateral_femur", "ost_lateral_tibia")
IMPLANTS = ("tka", "uka", "plate", "im_nail_femur", "im_nail_tibia", "cerclage", "k_wires", "staple", "x_fix",
            "screws", "x_ligament")  # fmt: skip
FRACTURES = ("fracture_femur", "fracture_tibia", "fracture_patella")


@dataclass(frozen=True)
class Knee:
    """The anatomy of one knee. Lengths in mm; right and left differ only by mirroring.

    Attributes
    ----------
    space : dict
        Joint space width by compartment (medial, lateral, patella).
    spurs : dict
        Length of the osteophytes at the four margins and the patella.
    sclerosis, attrition : dict
        Depth of sclerotic bone under a joint surface, and of lost bone, by place.
    osteonecrosis : float
        Size of the dead bone in the medial femoral condyle, mm.
    growing : bool
        Growth plates are open.
    variant : int
        Which of the usual forms implants and fractures take.
    """

    side: str = "right"
    size: float = 1.0
    shape: tuple[float, ...] = (0.0,) * 8
    bone: float = 0.22
    girth: float = 1.0
    space: dict[str, float] = field(default_factory=lambda: dict(NORMAL_SPACE))
    spurs: dict[str, float] = field(default_factory=lambda: dict.fromkeys((*OSTEOPHYTES, "ost_patella"), 0.0))
    sclerosis: dict[str, float] = field(default_factory=dict)
    attrition: dict[str, float] = field(default_factory=dict)
    osteonecrosis: float = 0.0
    implants: tuple[str, ...] = ()
    cast: bool = False
    fractures: tuple[str, ...] = ()
    growing: bool = False
    variant: int = 0

    def loss(self, compartment: str) -> float:
        """Share of the normal joint space that is gone, 0 to 1."""
        normal = NORMAL_SPACE[compartment] * self.size
        return float(np.clip(1 - self.space[compartment] / normal, 0, 1))


def latent(knee: Knee) -> dict[str, float]:
    """Latent value of every item and finding; rounded it is the grade.

    The cut-offs put numbers to the words of the schemes. OARSI (Altman & Gold 2007): narrowing by
    thirds of the normal space, osteophytes small, moderate, large. Kellgren-Lawrence: 1 doubtful
    narrowing or possible osteophytes, 2 definite osteophytes, 3 definite narrowing with definite
    osteophytes, 4 marked narrowing with large osteophytes.

    Returns
    -------
    dict of str to float
        By item name; findings are 0 or 1 with what lies between for subtle ones.
    """
    # ASSUME: an osteophyte is possible from 1.0 mm, definite (KL 2) from 2.3 mm, moderate from 3.2, large from 5.5.
    # ASSUME: narrowing is doubtful from 15 % lost joint space, definite from 35 %, marked from 75 %.
    values: dict[str, float] = {}
    for name in COMPARTMENTS:
        values[f"jsn_{name}"] = float(np.interp(knee.loss(name), [0, 0.15, 0.35, 0.67, 1], [0, 0.5, 1.5, 2.5, 3.4]))
    for name in OSTEOPHYTES:
        values[name] = float(np.interp(knee.spurs[name], [0, 1.0, 3.2, 5.5, 9], [0, 0.5, 1.5, 2.5, 3.4]))
    values["kl"] = max(_kellgren(knee, name) for name in COMPARTMENTS)
    # A total prosthesis leaves no joint to grade; a partial one leaves the other compartment.
    # ASSUME: readers grade a knee with a total prosthesis 0, as the paper's Figure 2a has it for its implant.
    if "tka" in knee.implants:
        values = dict.fromkeys(values, -0.4)
    elif "uka" in knee.implants:
        values |= {name: -0.4 for name in values if "medial" in name}
        values["kl"] = min(_kellgren(knee, "lateral"), 4.4)
    gone = "tka" in knee.implants
    for name, other in (("medial", "lateral"), ("lateral", "medial")):
        # ASSUME: a location is noted where a compartment is definitely narrow and clearly worse than the other.
        clear = min((knee.loss(name) - 0.35) / 0.15, (knee.loss(name) - knee.loss(other) - 0.2) / 0.15)
        ill = not gone and not ("uka" in knee.implants and name == "medial")
        values[name] = float(np.clip(0.5 + clear, 0, 1)) if ill and values["kl"] >= 1.5 else 0.0
    patella = min((knee.loss("patella") - 0.5) / 0.3, (knee.spurs["ost_patella"] - 2) / 3)
    values["patella"] = 0.0 if gone else float(np.clip(0.5 + patella, 0, 1))
    for name, source, cut in (
        ("attrition_medial_tibia", knee.attrition, 1.5),
        ("sclerosis_medial_tibia", knee.sclerosis, 3.0),
        ("sclerosis_lateral_femur", knee.sclerosis, 3.0),
    ):
        place = name.split("_", 1)[1]
        values[name] = 0.0 if gone else float(np.clip(0.5 * source.get(place, 0.0) / cut, 0, 1))
    values["osteonecrosis"] = float(knee.osteonecrosis > 0)
    values["cast"] = float(knee.cast)
    values |= {name: float(name in knee.implants) for name in IMPLANTS}
    values["im_nail"] = max(values["im_nail_femur"], values["im_nail_tibia"])
    values["implant"] = float(bool(knee.implants))
    values |= {name: float(name in knee.fractures) for name in FRACTURES}
    return values


def _kellgren(knee: Knee, compartment: str) -> float:
    loss = knee.loss(compartment)
    spur = max(knee.spurs[f"ost_{compartment}_{bone}"] for bone in ("femur", "tibia"))
    early = max(
        np.interp(spur, [0, 1.0, 2.3, 7], [0, 0.5, 1.5, 2.49]),
        np.interp(loss, [0, 0.15, 0.35], [0, 0.5, 1.49]),
    )
    if loss < 0.35 or spur < 2.3:
        return float(early)
    narrow = np.interp(loss, [0.35, 0.75, 1], [2.5, 3.5, 4.4])
    large = np.interp(spur, [2.3, 3.5, 6], [3.3, 3.5, 4.4])
    return float(max(early, min(narrow, large)))


def grades(knee: Knee) -> dict[str, int]:
    """Grade every item and finding: the latent value rounded."""
    return {name: max(0, int(np.floor(value + 0.5))) for name, value in latent(knee).items()}


def draw(rng: Generator, knee: Knee, grade: int, location: str, patella: bool, tries: int = 4000) -> Knee:
    """Give a knee the disease of a wanted Kellgren-Lawrence grade.

    Parameters
    ----------
    rng : Generator
    knee : Knee
        Size, shape, implants and the like; its disease is replaced.
    grade : int
        0 to 4.
    location : {"medial", "lateral", "even"}
        The compartment that is worse.
    patella : bool
        Whether the patellofemoral joint is diseased.

    Returns
    -------
    Knee
        Its `grades` are as wanted, by rejection of what is not.
    """
    for _ in range(tries):
        found = _ill(rng, knee, grade, location, patella)
        got = grades(found)
        if "tka" not in knee.implants and got["kl"] != grade:
            continue
        wanted = {name: int(location == name and grade >= 3) for name in COMPARTMENTS}
        if grade >= 3 and not knee.implants and any(got[name] != wanted[name] for name in COMPARTMENTS):
            continue
        if "tka" in knee.implants or got["patella"] == int(patella):
            return found
    raise RuntimeError(f"no knee of grade {grade}, {location}, was found")  # the ranges of _ill make this unreachable


def _ill(rng: Generator, knee: Knee, grade: int, location: str, patella: bool) -> Knee:
    severity = grade + rng.uniform(-0.6, 0.6)
    # ASSUME: the lesser compartment lags behind by one to two grades; in an even disease by little.
    lag = rng.uniform(0.8, 2.6) if location != "even" else rng.uniform(0.0, 0.4)
    worse = location if location != "even" else str(rng.choice(COMPARTMENTS, p=[0.6, 0.4]))
    level = {name: severity if name == worse else max(severity - lag, -0.3) for name in COMPARTMENTS}
    space, spurs, sclerosis, attrition = {}, {}, {}, {}
    for name in COMPARTMENTS:
        loss = np.interp(level[name], [0, 1, 2, 3, 4, 4.6], [0.0, 0.12, 0.24, 0.55, 0.88, 0.99]) + rng.normal(0, 0.06)
        if level[name] < 3 and level[name] < 0.5 * severity:
            loss -= 0.05  # an unloaded compartment opens rather than closes
        space[name] = float(NORMAL_SPACE[name] * knee.size * np.clip(1 - loss, 0.0, 1.25))
        for bone in ("femur", "tibia"):
            mean = np.interp(level[name], [0, 1, 2, 3, 4, 4.6], [0.35, 1.3, 2.8, 3.8, 5.6, 7.0])
            length = mean * rng.lognormal(0, 0.28)
            spurs[f"ost_{name}_{bone}"] = float(np.clip(length - 0.15, 0, 9))
        for place in (f"{name}_tibia", f"{name}_femur"):
            depth = np.interp(level[name], [1.5, 3, 4], [0, 2.6, 5.0]) * rng.lognormal(0, 0.3)
            sclerosis[place] = float(np.clip(depth, 0, 8))
        worn = np.interp(level[name], [3.2, 4, 4.6], [0, 2.0, 4.5]) * rng.lognormal(0, 0.4)
        attrition[f"{name}_tibia"] = float(np.clip(worn, 0, 6))
    if patella:
        space["patella"] = float(rng.uniform(0.2, 1.6)) * knee.size
        spurs["ost_patella"] = float(rng.uniform(3.0, 6.0))
    else:
        loss = np.clip(0.08 * severity + rng.normal(0, 0.08), -0.15, 0.45)
        space["patella"] = float(NORMAL_SPACE["patella"] * knee.size * (1 - loss))
        spurs["ost_patella"] = float(np.clip(0.55 * severity * rng.lognormal(0, 0.4), 0, 4))
    return replace(knee, space=space, spurs=spurs, sclerosis=sclerosis, attrition=attrition)


def body(rng: Generator, side: str, sex: str, age: float) -> Knee:
    """Draw a healthy knee: size by sex, bone by age, girth by chance."""
    size = rng.normal(1.05 if sex == "M" else 0.94, 0.045)
    if age < 18:
        size *= np.interp(age, [4, 16], [0.62, 0.98])
    thin = np.interp(age, [30, 60, 90], [0.0, 0.02, 0.07]) * (1.3 if sex == "F" else 0.8)
    return Knee(
        side=side,
        size=float(np.clip(size, 0.5, 1.2)),
        shape=tuple(float(v) for v in np.clip(rng.normal(size=8), -2.2, 2.2)),
        bone=float(np.clip(rng.normal(0.25, 0.025) - thin, 0.13, 0.32)),
        girth=float(np.clip(rng.lognormal(0, 0.13), 0.75, 1.5)),
        growing=age < 16,
    )
