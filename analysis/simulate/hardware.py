"""What surgeons leave in a knee, by its name in a scheme of grades."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from analysis.simulate import fixation, prostheses
from analysis.simulate.anatomy import Knee
from analysis.simulate.shape import Part

MAKERS: dict[str, Callable[[Knee, np.random.Generator], list[Part]]] = {
    "tka": prostheses.tka,
    "uka": prostheses.uka,
    "plate": fixation.plate,
    "im_nail_femur": lambda knee, rng: fixation.nail(knee, rng, "femur"),
    "im_nail_tibia": lambda knee, rng: fixation.nail(knee, rng, "tibia"),
    "cerclage": fixation.cerclage,
    "k_wires": fixation.k_wires,
    "staple": fixation.staple,
    "x_fix": fixation.x_fix,
    "screws": fixation.screws,
    "x_ligament": fixation.x_ligament,
}


def hardware(knee: Knee) -> list[Part]:
    """Make the implants of a knee.

    Returns
    -------
    list of Part
        In the coordinates of the bone that they are fixed to; bone that was sawn off is taken away.
    """
    rng = np.random.default_rng([1968, knee.variant])
    return [part for name in knee.implants for part in MAKERS[name](knee, rng)]
