"""One image: from a file to a small square of pixels."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xxhash

from analysis.archive.dicom.corrections import correct, corrections
from analysis.archive.dicom.dataset import Unreadable, read
from analysis.archive.dicom.pixel_data import refuse_replaced
from analysis.archive.knees.negative import is_negative
from analysis.imaging.pixels import brightness, decode, pixel_aspect
from analysis.imaging.plausible import implausible, is_faint
from analysis.imaging.square import hung, square

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom import Dataset

    from analysis.archive.knees.films import Box
    from analysis.imaging.settings import ImagesSettings

#: Pixels of an image's longer side, at most, by which its shades of grey are told.
_PICKED = 150

Prepared = tuple["NDArray[np.uint8]", str, str]


def prepare_file(path: Path, settings: ImagesSettings, box: Box | None = None, digest: str | None = None) -> Prepared:
    """Read, decode, window, crop, reduce and pad one image.

    Parameters
    ----------
    path : Path
    settings : ImagesSettings
    box : Box, optional
        The part of the picture that is the image. It keeps its borders, so that its scale is that of the others.
    digest : str, optional
        Hash of the pixels that the file held when it was indexed.

    Returns
    -------
    numpy.ndarray of uint8, shape (size, size)
    str
        A hash of the decoded pixels: the same for one picture in several compressions, and for its negative.
    str
        What was put right (`analysis.archive.dicom.corrections`): codes with blanks between them.

    Raises
    ------
    Unreadable
        With the reason code for the row that the image gets.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = read(path)
        stored = decode(dataset)
        if digest:
            refuse_replaced(dataset, digest)
        _, small = drawn(dataset, stored, settings, box)
        return small, hash_of(stored) + (f" {box}" if box else ""), " ".join(corrections(dataset))


def drawn(
    dataset: Dataset, stored: NDArray[Any], settings: ImagesSettings, box: Box | None
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Draw what was decoded as a viewer would, and reduce it.

    Parameters
    ----------
    dataset : pydicom.Dataset
    stored : numpy.ndarray, shape (rows, columns)
        From `decode`.
    settings : ImagesSettings
    box : Box, optional
        The part of the picture that is the image.

    Returns
    -------
    numpy.ndarray of uint8, shape (rows, columns)
        The image in full.
    numpy.ndarray of uint8, shape (size, size)
        The image reduced.

    Raises
    ------
    Unreadable
        If it shows nothing, or doesn't look like a radiograph.
    """

    def attempt(*, window: bool) -> tuple[NDArray[np.uint8], NDArray[np.uint8], str | None]:
        whole = brightness(dataset, stored, window=window, percentiles=settings.percentiles)
        image = hung(whole, dataset, box)
        return image, *judged(image, settings, box, pixel_aspect(dataset))

    window = settings.window
    image, small, why = attempt(window=window)
    if window and (why or is_faint(_few(image))):
        # ASSUME: a window or LUT by which there is little of a radiograph to be seen is a wrong tag where there is more
        # without it.
        without = attempt(window=False)
        if not without[2] and (why or not is_faint(_few(without[0]))):
            image, small, why = without
            window = False
            correct(dataset, "window")
    if is_negative(small):
        correct(dataset, "negative")
        image, small, why = attempt(window=window)
    if why and settings.implausible == "reject":
        raise Unreadable("implausible", why)
    return image, small


def judged(
    image: NDArray[np.uint8], settings: ImagesSettings, box: Box | None, aspect: float
) -> tuple[NDArray[np.uint8], str | None]:
    """Reduce an image, and say why it is no radiograph, or None: by the size that it has, as enlarged noise is smooth."""
    small = reduced(image, settings.size, settings, box, aspect)
    size = max(image.shape)
    return small, implausible(
        small if size >= settings.size else reduced(image, size, settings, box, aspect), _few(image)
    )


def _few(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pick single pixels of an image."""
    step = 1 + max(image.shape) // _PICKED
    return image[::step, ::step]


def reduced(
    image: NDArray[np.uint8], size: int, settings: ImagesSettings, box: Box | None, aspect: float
) -> NDArray[np.uint8]:
    """Crop, reduce and pad an image; what was cut out keeps its borders, so that its scale is that of the others."""
    border = settings.border if box is None else 0
    return square(image, size, border=border, min_content=settings.min_content, aspect=aspect)


def hash_of(stored: NDArray[Any]) -> str:
    """Hash decoded pixels and their shape: one picture's are the same in any byte order, and as its negative.

    The corner tells which of the two it is.
    """
    pixels = np.ascontiguousarray(stored, stored.dtype.newbyteorder("="))
    if np.issubdtype(pixels.dtype, np.integer):
        # The largest value of as many bits as there are; signed ones are turned about the middle of theirs.
        largest = (1 << int(pixels.max()).bit_length()) - 1 if pixels.dtype.kind == "u" else -1
        if 2 * int(pixels[0, 0]) > largest:
            pixels = pixels.dtype.type(largest) - pixels
    digest = xxhash.xxh3_128(pixels.data)
    digest.update(str(stored.shape).encode())
    return digest.hexdigest()
