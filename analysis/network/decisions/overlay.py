"""Attributions over radiographs, as pictures."""

from __future__ import annotations

import cv2
import numpy as np

FOR, AGAINST = np.array([200.0, 24.0, 32.0]), np.array([32.0, 72.0, 200.0])
SIDE = 480  # pixels of a radiograph in the picture, enough for 4 cm in print
GAP = 12


def overlay(images: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """Lay attributions over the radiographs of an exam, as one picture, as in the paper's Figure 2.

    Parameters
    ----------
    images, maps : numpy.ndarray of float, shape (images, side, side)
        As for `lay`.

    Returns
    -------
    numpy.ndarray of uint8, shape (height, width, 3)
        RGB. The plain radiographs above, the attributions below.
    """
    gap = np.full((GAP, SIDE, 3), 255, np.uint8)
    columns = []
    for plain, laid in lay(images, maps):
        columns.append(np.concatenate([plain, gap, laid]))
        columns.append(np.full((2 * SIDE + GAP, GAP, 3), 255, np.uint8))
    return np.concatenate(columns[:-1], 1)


def lay(images: np.ndarray, maps: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Lay attributions over the radiographs of an exam, red for and blue against.

    Parameters
    ----------
    images : numpy.ndarray of float, shape (images, side, side)
        Grey values from 0 to 1.
    maps : numpy.ndarray of float, shape (images, side, side)
        What each pixel adds to the score; the images may be larger.

    Returns
    -------
    list of (numpy.ndarray, numpy.ndarray) of uint8, shape (SIDE, SIDE, 3)
        RGB: each radiograph plain, and with its attribution; the colours have one scale for all images of the exam, so
        that an image that didn't matter stays grey.
    """
    # ASSUME: single pixels are noisy; they are smoothed over 1.5 % of the side before they are shown.
    smooth = np.stack([cv2.GaussianBlur(m.astype(np.float64), (0, 0), 0.015 * m.shape[0]) for m in maps])
    scale = max(float(np.percentile(np.abs(smooth), 99.7)), 1e-12)
    pairs = []
    for image, strength in zip(images, smooth, strict=True):
        grey = cv2.resize(image.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC).clip(0, 1) * 255
        weight = cv2.resize((strength / scale).astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        # The weakest fifth stays clear, so that the bones show.
        alpha = (np.clip((np.abs(weight) - 0.2) / 0.8, 0, 1) ** 0.7 * 0.85)[..., None]
        colour = np.where(weight[..., None] > 0, FOR, AGAINST)
        # Dimmed, so that colour stands out from bright bone as well as from dark air.
        plain = np.repeat(grey[..., None], 3, 2)
        laid = (plain * 0.85) * (1 - alpha) + colour * alpha
        pairs.append((plain.round().astype(np.uint8), laid.round().astype(np.uint8)))
    return pairs
