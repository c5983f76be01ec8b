"""From path lengths to a radiograph: attenuation by Beer-Lambert, scatter, blur, noise, and the display curve.

Mass attenuation coefficients (cm2/g) are rounded from NIST's tables of X-ray mass attenuation
coefficients (Hubbell & Seltzer), mixtures by mass fraction, at 30, 40, 50, 60 and 70 keV.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Map = NDArray[np.float32]

ENERGIES = np.array([30.0, 40.0, 50.0, 60.0, 70.0])  # keV
#: Density (g/cm3) and mass attenuation (cm2/g) at those energies.
MATERIALS: dict[str, tuple[float, tuple[float, float, float, float, float]]] = {
    "muscle": (1.05, (0.378, 0.269, 0.226, 0.205, 0.192)),
    "fat": (0.95, (0.306, 0.240, 0.212, 0.197, 0.188)),
    "bone": (1.92, (1.331, 0.666, 0.424, 0.315, 0.260)),
    "titanium": (4.43, (4.85, 2.16, 1.19, 0.752, 0.534)),
    "steel": (7.9, (8.30, 3.69, 1.99, 1.22, 0.850)),
    "cobalt": (8.3, (9.60, 4.35, 2.36, 1.45, 0.990)),
    "polyethylene": (0.94, (0.271, 0.228, 0.208, 0.197, 0.189)),
    "plaster": (1.10, (1.51, 0.735, 0.456, 0.331, 0.270)),
    "cement": (1.30, (1.10, 1.35, 0.86, 0.62, 0.48)),  # PMMA with a tenth of barium sulphate (K edge at 37 keV)
    "aluminium": (2.70, (1.128, 0.5685, 0.3681, 0.2778, 0.2304)),
    "carbon": (1.60, (0.256, 0.208, 0.187, 0.175, 0.166)),
}


def attenuation(material: str) -> NDArray[np.float64]:
    """Linear attenuation coefficient at `ENERGIES`, per mm."""
    density, mass = MATERIALS[material]
    return density * np.array(mass) / 10


def spectrum(voltage: float) -> NDArray[np.float64]:
    """Share of the detector's signal from each of `ENERGIES`, without a patient.

    Kramers' law for a thick target, filtered by 3 mm aluminium, each quantum giving a signal
    in proportion to its energy.
    """
    fluence = np.clip(voltage - ENERGIES, 0, None) / ENERGIES
    signal = ENERGIES * fluence * np.exp(-3 * attenuation("aluminium"))
    return signal / signal.sum()


def transmission(paths: dict[str, Map], voltage: float) -> Map:
    """Share of the signal that reaches each pixel (Beer-Lambert, summed over the spectrum).

    Parameters
    ----------
    paths : dict of str to ndarray of float32
        Millimetres in each material, all of one shape. A negative path takes away, e.g. the
        muscle that a bone displaces.
    voltage : float
        Tube voltage, kV.
    """
    names = list(paths)
    lengths = np.stack([paths[name] for name in names], axis=-1)
    table = np.stack([attenuation(name) for name in names]).astype(np.float32)
    weights = spectrum(voltage).astype(np.float32)
    keep = weights > 0
    return np.exp(-(lengths @ table[:, keep])) @ weights[keep]


def scattered(primary: Map, ratio: float, pixel: float) -> Map:
    """Add scattered radiation: a veil of the primary, spread over about 35 mm."""
    factor = max(1, round(4.0 / pixel))
    small = cv2.resize(primary, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA)
    sigma = 35.0 / (factor * pixel)
    veil = cv2.GaussianBlur(small, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    return primary + ratio * cv2.resize(veil, primary.shape[::-1], interpolation=cv2.INTER_LINEAR)


def detected(signal: Map, rng: Generator, quanta: float, blur: float) -> Map:
    """Blur by the detector's point spread and add quantum noise.

    Parameters
    ----------
    signal : ndarray
        Relative to the open beam, 0 and above.
    quanta : float
        Detected quanta per pixel in the open beam.
    blur : float
        SD of the point spread in pixels. Light spreads before it is counted, so half of the blur
        comes after the noise and correlates it.
    """
    sigma = max(blur, 0.1) / np.sqrt(2)
    sharp = cv2.GaussianBlur(signal, (0, 0), sigma)
    noise = rng.standard_normal(signal.shape, dtype=np.float32)
    noisy = sharp + noise * np.sqrt(np.maximum(sharp, 1e-6) / quanta)
    return cv2.GaussianBlur(noisy.astype(np.float32), (0, 0), sigma)


def displayed(signal: Map, seen: NDArray[np.bool_], pixel: float, contrast: float, sharpen: float) -> Map:
    """Turn exposure into what the workstation shows, 0 black to 1 white.

    Parameters
    ----------
    signal : ndarray
        Relative exposure.
    seen : ndarray of bool
        Pixels within the collimated field; the range is taken from them.
    pixel : float
        mm.
    contrast : float
        Steepness of the display curve, about 3 to 6.
    sharpen : float
        Weight of the unsharp mask, 0 and above.
    """
    density = -np.log(np.maximum(signal, 3e-4))
    inside = density[seen]
    low, high = np.percentile(inside[:: max(1, inside.size // 20000)], [4, 99.2])
    value = (density - low) / max(high - low, 0.3)
    if sharpen > 0:
        wide = cv2.GaussianBlur(value, (0, 0), max(1.0, 5.0 / pixel))
        fine = cv2.GaussianBlur(value, (0, 0), max(0.7, 1.2 / pixel))
        value = value + sharpen * (value - wide) + 0.4 * sharpen * (value - fine)
    curve = 1 / (1 + np.exp(-contrast * (value - 0.52)))
    ends = 1 / (1 + np.exp(-contrast * (np.array([-0.02, 1.04]) - 0.52)))
    return ((curve - ends[0]) / (ends[1] - ends[0])).astype(np.float32)
