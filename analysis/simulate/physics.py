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
    exponents = lengths @ table[:, keep]
    np.negative(exponents, out=exponents)
    np.exp(exponents, out=exponents)
    return np.asarray(exponents @ weights[keep], np.float32)


def _wide_blur(values: Map, sigma: float) -> Map:
    """Gaussian blur of a large width (pixels), on a coarser grid where it makes no difference."""
    factor = max(1, int(sigma / 4))
    size = (max(1, values.shape[1] // factor), max(1, values.shape[0] // factor))
    small = cv2.resize(values, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / factor, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(small, values.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def _blur(values: Map, sigma: float) -> Map:
    """Gaussian blur of a small width (pixels), to three standard deviations."""
    side = 2 * int(np.ceil(3 * sigma)) + 1
    return np.asarray(cv2.GaussianBlur(values, (side, side), sigma), np.float32)


def scattered(primary: Map, ratio: float, pixel: float) -> Map:
    """Add scattered radiation: a veil of the primary, spread over about 35 mm."""
    return primary + np.float32(ratio) * _wide_blur(primary, 35.0 / pixel)


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
    sharp = _blur(signal, sigma)
    noise = rng.standard_normal(signal.shape, dtype=np.float32)
    noise *= np.sqrt(np.maximum(sharp, 1e-6) / np.float32(quanta))
    return _blur(sharp + noise, sigma)


def displayed(
    signal: Map, seen: NDArray[np.bool_], pixel: float, contrast: float, detail: float, compression: float
) -> Map:
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
        Steepness of the display curve in its middle, about 1 to 1.5 (1 is straight).
    detail : float
        Weight of the unsharp mask, 0 and above.
    compression : float
        Share of the slow changes of density that is taken out, 0 to 1, as multi-scale processing does.
    """
    density = -np.log(np.maximum(signal, np.float32(2e-3)))
    sample = density[::3, ::3][seen[::3, ::3]]
    body = sample[sample > 0.3 * np.percentile(sample, 97)]  # without the open beam beside the leg
    low, high = np.percentile(body, [1.0, 98.0])
    value = (density - np.float32(low)) / np.float32(max(high - low, 0.3))
    slow = _wide_blur(np.clip(value, -0.2, 1.1), 22.0 / pixel)
    value -= np.float32(compression) * (slow - np.float32(0.5))
    if detail > 0:
        wide = _wide_blur(value, max(1.0, 4.0 / pixel))
        fine = _blur(value, max(0.7, 1.0 / pixel))
        value = np.float32(1 + 1.3 * detail) * value - np.float32(detail) * (wide + np.float32(0.3) * fine)
    # Straight in the middle, bending towards black and white, as film does.
    value = np.float32(0.12) + np.float32(0.76) * value - np.float32(0.5)
    return np.float32(0.5) + np.float32(0.5) * np.tanh(np.float32(2 * contrast) * value) / np.float32(np.tanh(contrast))
