"""One radiograph, DICOM or picture, as the network takes it and as people look at it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from analysis.archive.dicom.corrections import corrections
from analysis.archive.dicom.dataset import Unreadable, read
from analysis.archive.knees.negative import is_negative
from analysis.imaging.image import drawn, judged, reduced
from analysis.imaging.pixels import decode, pixel_aspect

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.archive.knees.films import Box
    from analysis.imaging.settings import ImagesSettings

#: Side of a radiograph as it is shown, pixels.
SHOWN = 480
#: What files of pictures begin with, and their form.
PICTURES = {b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG"}


def prepare_shown(path: Path, settings: ImagesSettings, box: Box | None = None) -> tuple[NDArray[np.uint8], str]:
    """Prepare a radiograph, DICOM or picture, as the network takes it and, larger, as people look at it.

    Parameters
    ----------
    path : Path
    settings : ImagesSettings
    box : Box, optional
        The part of the picture that is the image.

    Returns
    -------
    numpy.ndarray of uint8, shape (size * size + SHOWN * SHOWN,)
        Both squares, one after the other; `parted` parts them.
    str
        What was put right (`analysis.archive.dicom.corrections`): codes with blanks between them.

    Raises
    ------
    Unreadable
        With the reason code.
    """
    return _prepare(path, settings, (SHOWN,), box)


def prepare_plain(path: Path, settings: ImagesSettings, box: Box | None = None) -> tuple[NDArray[np.uint8], str]:
    """Prepare a radiograph, DICOM or picture, as the network takes it: as `prepare_shown`, without the larger square."""
    return _prepare(path, settings, (), box)


def parted(both: NDArray[np.uint8], size: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Return the network's square, and the one to look at where there is one."""
    small, large = both[: size * size], both[size * size :]
    return small.reshape(size, size), large.reshape(SHOWN, SHOWN) if len(large) else None


def _prepare(
    path: Path, settings: ImagesSettings, larger: tuple[int, ...], box: Box | None
) -> tuple[NDArray[np.uint8], str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with path.open("rb") as file:
            start = file.read(4)
        if any(start.startswith(magic) for magic in PICTURES):
            image, aspect, noted = _picture(path), 1.0, ""
            small, why = judged(image, settings, None, aspect)
            if is_negative(small):
                image, noted = 255 - image, "negative"
                small, why = judged(image, settings, None, aspect)
            if why and settings.implausible == "reject":
                raise Unreadable("implausible", why)
        else:
            dataset = read(path)
            image, small = drawn(dataset, decode(dataset), settings, box)
            aspect, noted = pixel_aspect(dataset), " ".join(corrections(dataset))
        squares = [small, *(reduced(image, size, settings, box, aspect) for size in larger)]
    return np.concatenate([one.ravel() for one in squares]), noted


def _picture(path: Path) -> NDArray[np.uint8]:
    """Read a picture as any viewer shows it: turned as its EXIF says; of more than 8 bits, by the range of its values."""
    image = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH)
    if image is None:
        raise Unreadable("decode")
    if image.min() == image.max():
        raise Unreadable("blank")
    if image.dtype != np.uint8:  # how many of the 16 bits are used, the file doesn't say
        image = cv2.normalize(image, None, 0, 255, cv2.NORM_MINMAX, cv2.CV_8U)  # type: ignore[call-overload]
    return np.asarray(image, np.uint8)
