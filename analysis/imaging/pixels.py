"""From a DICOM file to brightness on a screen, in the order of the standard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from pydicom.pixels import get_decoder
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGLSTransferSyntaxes, RLELossless

from analysis.archive.dicom.corrections import correct
from analysis.archive.dicom.dataset import NATIVE, Unreadable, numbers, syntax_of, text, value, whole
from analysis.archive.dicom.lacking import complete
from analysis.archive.dicom.pixel_data import stored_pixels
from analysis.archive.dicom.stored import hidden, is_inverted, roughness, true_values
from analysis.imaging.broken import filled_up, shifted
from analysis.imaging.jpeg import decode_jpeg, refuse_damaged
from analysis.imaging.luts import looked_up, stored_as_told

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom import Dataset

#: How many times closer neighbours are where the two bytes of a word stood the other way round.
_SWAPPED = 3
#: How far from an image's values the ends of its window may be, as a share of their range.
_MORE = 0.25
#: What share of its values a window cuts off at one end, and has room for at the other, where it is of others.
_CUT_OFF = 0.1
#: The least size of a fraction; one over it is the largest.
_FRACTION = 1e-7


def decode(dataset: Dataset) -> NDArray[Any]:
    """Decode a grey image of one frame, and take the bits that hold it.

    Returns
    -------
    numpy.ndarray, shape (rows, columns)

    Raises
    ------
    Unreadable
        If the pixels can't be decoded, are cut short or damaged, or are not rows and columns.
    """
    complete(dataset)
    data = stored_pixels(dataset)
    try:
        stored = _decoded(dataset, data)
    except MemoryError as error:
        raise Unreadable("memory") from error
    except (KeyboardInterrupt, SystemExit, Unreadable):
        raise
    except BaseException as error:  # a decoder may raise anything; those in Rust panic past Exception
        raise Unreadable("decode") from error
    if stored.ndim != 2:
        raise Unreadable("shape", f"{stored.ndim} dimensions")
    if syntax_of(dataset) in (*NATIVE, RLELossless):  # in which bytes that are missing pass unnoticed
        if row := filled_up(stored):
            raise Unreadable("truncated", f"filled up with one value from within row {row}")
        if row := shifted(stored):
            raise Unreadable("damaged", f"from row {row} on what belongs on one side is on the other")
    return stored


def brightness(
    dataset: Dataset,
    stored: NDArray[Any] | None = None,
    *,
    window: bool = True,
    percentiles: tuple[float, float] = (0.1, 99.9),
) -> NDArray[np.uint8]:
    """Show a single-frame grey image as a viewer would.

    Modality LUT (or rescale), then VOI LUT or window, then the photometric interpretation
    (DICOM PS3.3 C.7.6.3, C.11.1, C.11.2). The steps are worked out for each value that the image
    could hold and then looked up, so their cost does not grow with the image.

    Parameters
    ----------
    dataset : pydicom.Dataset
        With pixel data and, where the file had none, a transfer syntax in its file meta.
    stored : numpy.ndarray, optional
        What `decode` returned for it.
    window : bool
        Whether to apply the VOI LUT or window of the file.
    percentiles : tuple of float
        Without one, the range of values shown, percent of the pixels.

    Returns
    -------
    numpy.ndarray of uint8, shape (rows, columns)
        0 is black (air), 255 white (metal).

    Raises
    ------
    Unreadable
        If the pixels can't be decoded, are not a grey image of one frame, or are all the same.
    """
    if stored is None:
        stored = decode(dataset)
    if not np.issubdtype(stored.dtype, np.integer) or stored.dtype.itemsize > 2:
        return _float_brightness(stored, dataset, percentiles, window=window)
    outside = hidden(stored, dataset)
    seen = stored if outside is None else stored[~outside].reshape(-1, 1)
    low, high = int(seen.min()), int(seen.max())
    if low == high and outside is not None:
        correct(dataset, "hidden")
        outside, seen = None, stored
        low, high = int(seen.min()), int(seen.max())
    if low == high:
        raise Unreadable("blank")
    values = np.arange(low, high + 1, dtype=stored.dtype)
    shown = _shown(values, dataset) if window else None
    if shown is None:
        shown = _stretch(stored_as_told(values, dataset), values, seen, percentiles)
    table = np.clip(np.rint(255 * _upright(shown, dataset)), 0, 255).astype(np.uint8)
    if table.min() == table.max():
        # ASSUME: a window that leaves nothing to see is a wrong tag, not a blank exposure.
        correct(dataset, "window")
        shown = _stretch(stored_as_told(values, dataset), values, seen, percentiles)
        table = np.clip(np.rint(255 * _upright(shown, dataset)), 0, 255).astype(np.uint8)
    # The bits of a value, seen as unsigned, are its place in the table.
    lookup = np.zeros(256**stored.dtype.itemsize, np.uint8)
    lookup[values.view(f"u{stored.dtype.itemsize}")] = table
    image = np.asarray(cv2.LUT(np.ascontiguousarray(stored).view(f"u{stored.dtype.itemsize}"), lookup), np.uint8)
    if outside is not None:
        image[outside] = 0
    return image


def _decoded(dataset: Dataset, data: bytes | memoryview) -> NDArray[Any]:
    """Decode by the transfer syntax; of JPEG-LS pydicom's first choice of decoder takes four times as long."""
    syntax = syntax_of(dataset)
    if syntax in _AS_IT_LIES and (kind := _KINDS.get(tuple(whole(dataset, keyword) for keyword in _FORM))):
        rows, columns = whole(dataset, "Rows") or 0, whole(dataset, "Columns") or 0
        if 0 < (whole(dataset, "BitsStored") or 0) <= 8 * kind.itemsize and "NumberOfFrames" not in dataset:
            return true_values(np.frombuffer(data, kind, rows * columns).reshape(rows, columns), dataset)
    if (jpeg := decode_jpeg(dataset)) is not None:
        return true_values(jpeg, dataset)
    decoder = get_decoder(syntax)
    fast = syntax in JPEGLSTransferSyntaxes and "pyjpegls" in decoder.available_plugins
    plugin = "pyjpegls" if fast else ""
    options: dict[str, Any] = {"decoding_plugin": plugin, "correct_unused_bits": False}
    stored = decoder.as_array(dataset, **options)[0]
    refuse_damaged(dataset, stored, **options)
    if stored.dtype.itemsize == 4 and _are_fractions(stored):
        raise Unreadable("float_pixels", "PixelData")
    if not np.issubdtype(stored.dtype, np.integer) or stored.ndim != 2:
        return stored
    # Programs write the lower byte of run-length encoded words first.
    swapped = stored.byteswap() if syntax == RLELossless and stored.dtype.itemsize == 2 else stored
    if _SWAPPED * roughness(swapped[::8]) < roughness(stored[::8]):
        correct(dataset, "syntax")
        stored = swapped
    stored = true_values(stored, dataset)
    narrow = np.dtype(f"{stored.dtype.kind}2")
    fits = stored.dtype.itemsize > 2 and np.iinfo(narrow).min <= stored.min() and stored.max() <= np.iinfo(narrow).max
    return stored.astype(narrow) if fits else stored  # as radiographs lie everywhere else


def _are_fractions(stored: NDArray[Any]) -> bool:
    """Return whether words of 32 bits make sense as fractions: whole numbers of radiographs are next to nought then."""
    sizes = np.abs(np.ascontiguousarray(stored[stored != 0]).view(np.float32))
    return bool(sizes.size and np.isfinite(sizes).all() and sizes.min() > _FRACTION and sizes.max() < 1 / _FRACTION)


#: Grey pixels that lie in the file as NumPy takes them: what is asked of the header, and the type.
_AS_IT_LIES = (ImplicitVRLittleEndian, ExplicitVRLittleEndian)
_FORM = ("SamplesPerPixel", "BitsAllocated", "PixelRepresentation")
_KINDS: dict[tuple[int | None, ...], np.dtype[Any]] = {
    (1, 8 * size, signed): np.dtype(f"<{'ui'[signed]}{size}") for size in (1, 2) for signed in (0, 1)
}  # fmt: skip


def _shown(values: NDArray[Any], dataset: Dataset) -> NDArray[np.float64] | None:
    """Brightness 0..1 by the file's VOI LUT or window; None where it has no usable one."""
    stored, values = values, stored_as_told(values, dataset)
    for item in value(dataset, "VOILUTSequence") or ():
        try:
            entries = values if np.issubdtype(values.dtype, np.integer) else np.rint(values).astype(np.int64)
            return looked_up(entries, item, dataset)
        except Exception:  # a broken LUT is no LUT; another or a window may be there as well
            correct(dataset, "table")
    # The first window is the default one; programs put one of width 0 before it.
    windows = list(zip(numbers(dataset, "WindowCenter"), numbers(dataset, "WindowWidth"), strict=False))
    centre, width = next((one for one in windows if one[1] > 0), (None, None))
    if (
        centre is not None
        and width is not None
        and _are_exchanged(centre, width, float(values.min()), float(values.max()))
    ):
        centre, width = width, centre
        correct(dataset, "window")
    function = text(dataset, "VOILUTFunction").upper() or "LINEAR"
    exact = function in ("SIGMOID", "LINEAR_EXACT")
    # ASSUME: a window narrower than the standard allows (width 0 is common) is no window.
    if centre is None or width is None or (width < 1 and not exact):
        if value(dataset, "WindowWidth") is not None:
            correct(dataset, "window")
        return None
    if values is not stored and _is_of_stored(centre - width / 2, centre + width / 2, values, stored):
        correct(dataset, "window")
        return None
    x = values.astype(np.float64)
    if function == "SIGMOID":
        return 1 / (1 + np.exp(np.clip(-4 * (x - centre) / width, -500, 500)))
    if not exact:  # LINEAR: the pixel values at both ends of the window count, hence the halves
        centre, width = centre - 0.5, width - 1
    return np.clip((x - centre) / width + 0.5, 0, 1) if width else (x > centre).astype(np.float64)


def _are_exchanged(centre: float, width: float, low: float, high: float) -> bool:
    """Return whether a window is about no value of the image, and would be about all of them with its two numbers exchanged."""
    more = _MORE * (high - low)
    fits = low - more <= width - centre / 2 <= low + more and high - more <= width + centre / 2 <= high + more
    return fits and not low <= centre <= high


def _is_of_stored(start: float, end: float, values: NDArray[Any], stored: NDArray[Any]) -> bool:
    """Return whether a window takes in all that was stored, and with the intercept is beside a part of it."""
    low, high = float(values.min()), float(values.max())
    if not np.array_equal(values, stored + (low - float(stored.min()))):
        return False  # whether a slope was forgotten, a window doesn't tell so well
    below, above = (start - low) / (high - low), (end - high) / (high - low)
    beside = min(below, above) > _CUT_OFF or max(below, above) < -_CUT_OFF
    return bool(beside and start <= stored.min() and stored.max() <= end)


def _stretch(
    values: NDArray[Any], domain: NDArray[Any], stored: NDArray[Any], percentiles: tuple[float, float]
) -> NDArray[np.float64]:
    """Spread the range between two percentiles of the pixels over 0..1."""
    # Counted by the bits of a value, seen as unsigned; negative ones are the highest then, and nothing is left out.
    bits = f"u{stored.dtype.itemsize}"
    seen, places = np.ascontiguousarray(stored).view(bits), domain.view(bits)
    low, high = int(places.min()), int(places.max()) + 1
    counts = cv2.calcHist([seen], [0], None, [high - low], [low, high]).ravel()[places - low].astype(np.float64)
    if (alone := _alone(domain[counts > 0])) is not None:
        counts[domain == alone] = 0
    share = np.cumsum(counts) / counts.sum() * 100
    first, last = np.searchsorted(share, percentiles)
    ends = values[[min(first, len(values) - 1), min(last, len(values) - 1)]].astype(np.float64)
    dark, bright = min(ends), max(ends)
    if bright == dark:
        dark, bright = float(values.min()), float(values.max())
    return (values - dark) / ((bright - dark) or 1.0)


def _alone(found: NDArray[Any]) -> int | None:
    """Return the lowest or highest of ascending values, if it is further from all others than those are from each other.

    So are letters, and metal that saturates; they stay as black or white as can be.
    """
    if len(found) < 3:
        return None
    low, second, before, high = (int(one) for one in found[[0, 1, -2, -1]])
    return high if high - before > before - low else low if second - low > high - second else None


def _upright(shown: NDArray[np.float64], dataset: Dataset) -> NDArray[np.float64]:
    """Invert what has its lowest value white; only after the window."""
    return 1 - shown if is_inverted(dataset) else shown


def _float_brightness(
    stored: NDArray[Any], dataset: Dataset, percentiles: tuple[float, float], *, window: bool
) -> NDArray[np.uint8]:
    """Show 32-bit or floating pixels, for which there are too many values for a table."""
    values = stored.astype(np.float64)
    if not np.isfinite(values).all() or values.min() == values.max():
        raise Unreadable("blank")
    outside = hidden(stored, dataset) if np.issubdtype(stored.dtype, np.integer) else None
    shown = _shown(values, dataset) if window else None
    if shown is None:
        values = stored_as_told(values, dataset)
        low, high = np.percentile(values if outside is None else values[~outside], percentiles)
        shown = (values - low) / ((high - low) or 1.0)
    image = np.clip(np.rint(255 * _upright(shown, dataset)), 0, 255).astype(np.uint8)
    if outside is not None:
        image[outside] = 0
    return image


def pixel_aspect(dataset: Dataset) -> float:
    """Return the height of a pixel divided by its width; 1 where no tag says otherwise, or where it is implausible."""
    for keyword in ("ImagerPixelSpacing", "PixelSpacing", "NominalScannedPixelSpacing", "PixelAspectRatio"):
        spacing = numbers(dataset, keyword)
        if len(spacing) < 2 or not spacing[1]:
            continue
        ratio = spacing[0] / spacing[1]
        # ASSUME: detectors have square pixels within a percent; beyond 4 to 1 the tag is wrong.
        if not 0.25 <= ratio <= 4:
            correct(dataset, "aspect")
            return 1.0
        return ratio if abs(ratio - 1) > 0.01 else 1.0
    return 1.0
