"""Decode every indexed image once, and store it as a small square."""

from __future__ import annotations

import logging
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

import numpy as np
import pandas as pd
import xxhash

from analysis.archive.corrections import correct, corrections
from analysis.archive.dicom import Unreadable, read
from analysis.archive.find import real_path
from analysis.archive.knees import boxes
from analysis.archive.limits import limit_memory
from analysis.archive.reasons import sentence
from analysis.errors import StudyError
from analysis.files import atomic, write_table
from analysis.imaging.pixels import brightness, decode, pixel_aspect
from analysis.imaging.plausible import implausible
from analysis.imaging.square import cut_out, square
from analysis.schemas import PREPARED, UNREADABLE
from analysis.workers.context import clean_context

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom import Dataset

    from analysis.archive.films import Box
    from analysis.imaging.settings import ImagesSettings

_AHEAD, _BATCH = 2, 16

Prepared = tuple["NDArray[np.uint8]", str, str]
T = TypeVar("T")
_Job = tuple[Path, "Box | None"]


def prepare_file(path: Path, settings: ImagesSettings, box: Box | None = None) -> Prepared:
    """Read, decode, window, crop, reduce and pad one image.

    Parameters
    ----------
    path : Path
    settings : ImagesSettings
    box : Box, optional
        The part of the picture that is the image. It keeps its borders, so that its scale is that of the others.

    Returns
    -------
    numpy.ndarray of uint8, shape (size, size)
    str
        A hash of the decoded pixels: the same for one picture in several compressions.
    str
        What was put right (`analysis.archive.corrections`): codes with blanks between them.

    Raises
    ------
    Unreadable
        With the reason code for the row that the image gets.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = read(path)
        stored = decode(dataset)
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
        image = whole if box is None else cut_out(whole, box)
        return image, *judged(image, settings, box, pixel_aspect(dataset))

    image, small, why = attempt(window=settings.window)
    if why and settings.window:
        # ASSUME: a window or LUT by which there is no radiograph to be seen is a wrong tag where there is one without it.
        without = attempt(window=False)
        if not without[2]:
            image, small, why = without
            correct(dataset, "window")
    if why and settings.implausible == "reject":
        raise Unreadable("implausible", why)
    return image, small


def judged(
    image: NDArray[np.uint8], settings: ImagesSettings, box: Box | None, aspect: float
) -> tuple[NDArray[np.uint8], str | None]:
    """Reduce an image, and say why it is no radiograph, or None: by the size that it has, as enlarged noise is smooth."""
    small = reduced(image, settings.size, settings, box, aspect)
    size = max(image.shape)
    return small, implausible(small if size >= settings.size else reduced(image, size, settings, box, aspect))


def reduced(
    image: NDArray[np.uint8], size: int, settings: ImagesSettings, box: Box | None, aspect: float
) -> NDArray[np.uint8]:
    """Crop, reduce and pad an image; what was cut out keeps its borders, so that its scale is that of the others."""
    border = settings.border if box is None else 0
    return square(image, size, border=border, min_content=settings.min_content, aspect=aspect)


def hash_of(stored: NDArray[Any]) -> str:
    """Hash decoded pixels and their shape, whatever byte order they were stored in."""
    digest = xxhash.xxh3_128(np.ascontiguousarray(stored, stored.dtype.newbyteorder("=")).data)
    digest.update(str(stored.shape).encode())
    return digest.hexdigest()


def shard_of(images: pd.DataFrame, shard: int, shards: int) -> pd.DataFrame:
    """Return the images of every `shards`-th exam, in the order of exam and image."""
    exams = np.sort(images["exam"].unique())[shard::shards]
    return images[images["exam"].isin(exams)].sort_values(["exam", "image"], ignore_index=True)


def prepare(
    archive: Path,
    images: pd.DataFrame,
    files: pd.DataFrame,
    settings: ImagesSettings,
    out: Path,
    *,
    shard: int,
    shards: int,
) -> tuple[int, int]:
    """Prepare one shard: `pixels-K.npy`, `rows-K.parquet` (schema PREPARED) and `unreadable-K.csv` in `out`.

    Parameters
    ----------
    archive : Path
    images : pandas.DataFrame
        Schema IMAGES.
    files : pandas.DataFrame
        The private index, for the paths.
    settings : ImagesSettings
    out : Path
    shard, shards : int
        Which part, of how many.

    Returns
    -------
    tuple of int
        Images prepared, and images that can't be read.

    Raises
    ------
    StudyError
        If the shard doesn't exist, or the private index is of another archive.
    """
    if not 0 <= shard < shards:
        raise StudyError(f"There is no shard {shard} of {shards}; they count from 0 to {shards - 1}.")
    paths = files.dropna(subset=["image"]).set_index("image")["path"]
    wanted = shard_of(images, shard, shards)
    missing = wanted[~wanted["image"].isin(paths.index)]
    if len(missing):
        raise StudyError(f"Image {missing['image'].iloc[0]} isn't in the private index; run 'ingest' again.")
    places = [real_path(archive, paths[image]) for image in wanted["image"]]
    results = decode_files(places, settings, prepare_file, boxes(wanted))
    good, hashes, corrected, unreadable = [], [], [], []
    with atomic(out / f"pixels-{shard}.npy") as temporary, temporary.open("wb") as file:
        _header(file, 0, settings.size)
        for position, result in enumerate(results):
            if isinstance(result, Unreadable):
                told = sentence(result.code, result.detail)
                unreadable.append((wanted["image"][position], wanted["exam"][position], result.code, told))
            else:
                file.write(result[0].tobytes())
                good.append(position)
                hashes.append(result[1])
                corrected.append(result[2] or None)
        file.seek(0)
        _header(file, len(good), settings.size)
    rows = wanted.loc[good].reindex(columns=["image", "exam", "view", "side", "burned_in"])
    rows = rows.assign(shard=shard, row=np.arange(len(good)), decoded=hashes)
    rows["corrected"] = pd.array(corrected, dtype="str")
    write_table(rows.reset_index(drop=True), out / f"rows-{shard}.parquet", PREPARED)
    write_table(pd.DataFrame(unreadable, columns=list(UNREADABLE.columns)), out / f"unreadable-{shard}.csv", UNREADABLE)
    return len(good), len(unreadable)


def _header(file: BinaryIO, n: int, size: int) -> None:
    """Write the header of a .npy file. NumPy leaves room in it for the first axis to grow."""
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": (n, size, size)})


def _attempt(prepare: Callable[..., T], settings: ImagesSettings, jobs: list[_Job]) -> list[T | Unreadable]:
    results: list[T | Unreadable] = []
    for path, box in jobs:
        try:
            results.append(prepare(path, settings, box) if box else prepare(path, settings))
        except Unreadable as reason:
            results.append(Unreadable(reason.code, reason.detail))
        except MemoryError:
            results.append(Unreadable("memory"))
        except Exception:  # no image may stop the shard
            results.append(Unreadable("decode"))
    return results


def _start(megabytes: int) -> None:
    import cv2

    cv2.setNumThreads(1)
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    limit_memory(megabytes)


def decode_files(
    paths: list[Path], settings: ImagesSettings, prepare: Callable[..., T], parts: list[Box | None] | None = None
) -> Iterator[T | Unreadable]:
    """Prepare images in a process of their own: a decoder that crashes or hangs takes one image with it, no more.

    Images go there in batches, since the way to and fro costs a fifth of the decoding. A batch
    that fails goes again one by one, to find out whose fault it was.
    """
    attempt = partial(_attempt, prepare, settings)

    def pool() -> ProcessPoolExecutor:
        started = ProcessPoolExecutor(1, clean_context(prepare.__module__), _start, (settings.max_memory_mb,))
        started.submit(int).result()  # an image's time starts when the worker is there
        return started

    worker = pool()
    jobs = list(zip(paths, parts or [None] * len(paths), strict=True))
    waiting = (jobs[start : start + _BATCH] for start in range(0, len(jobs), _BATCH))
    ahead: deque[tuple[list[_Job], Future[list[T | Unreadable]]]] = deque()
    try:
        while True:
            while len(ahead) < _AHEAD and (batch := next(waiting, None)) is not None:
                ahead.append((batch, worker.submit(attempt, batch)))
            if not ahead:
                return
            batch, first = ahead.popleft()
            try:
                yield from first.result(timeout=settings.max_seconds)
            except (BrokenProcessPool, TimeoutError) as error:
                _stop(worker)
                worker = pool()
                again = [batch, *(later for later, _ in ahead)]
                if len(batch) > 1:
                    again[:1] = [[job] for job in batch]
                else:
                    again = again[1:]
                    crash = isinstance(error, BrokenProcessPool)
                    yield Unreadable("crash" if crash else "too_slow")
                ahead = deque((later, worker.submit(attempt, later)) for later in again)
    finally:
        _stop(worker)


def _stop(worker: ProcessPoolExecutor) -> None:
    # A decoder that hangs doesn't listen, so it isn't asked.
    for process in list((worker._processes or {}).values()):
        process.kill()
    worker.shutdown(wait=True, cancel_futures=True)
