"""The rate of ingest and prepare against a bare loop over the same files, and the memory that they take."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pydicom

from analysis.archive.dicom.dataset import NATIVE
from analysis.archive.find import find, real_path
from analysis.archive.ingest import ingest, write
from analysis.archive.people.pseudonyms import Pseudonyms, key_from_seed
from analysis.files import read_table
from analysis.imaging.prepare import prepare
from analysis.schemas import IMAGES, PRIVATE
from analysis.workers.context import clean_context
from analysis.yaml_files import dump_yaml

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.archive.settings import IngestSettings
    from analysis.imaging.settings import ImagesSettings


def bare(path: Path, size: int) -> NDArray[np.uint8] | None:
    """Decode, window, crop, resize and pad one file as a script does that trusts its files; None where that fails."""
    try:
        dataset = pydicom.dcmread(path)
        stored = dataset.pixel_array
        centre, width = _window(dataset, stored)
        image = cv2.convertScaleAbs(np.maximum(stored, centre - width / 2), alpha=255 / width,
                                    beta=255 * (0.5 - centre / width))  # fmt: skip
        if dataset.PhotometricInterpretation == "MONOCHROME1":
            image = cv2.bitwise_not(image)
        x, y, columns, rows = cv2.boundingRect(cv2.threshold(image, 10, 255, cv2.THRESH_BINARY)[1])
        image = image[y : y + rows, x : x + columns]
        scale = size / max(columns, rows)
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        rows, columns = image.shape
        top, left = (size - rows) // 2, (size - columns) // 2
        padded = cv2.copyMakeBorder(image, top, size - rows - top, left, size - columns - left, cv2.BORDER_CONSTANT)
        return np.asarray(padded, np.uint8)
    except Exception:  # not every file of an archive is an image
        return None


def _window(dataset: pydicom.Dataset, stored: NDArray[Any]) -> tuple[float, float]:
    if "WindowWidth" in dataset:
        pair = (np.atleast_1d(dataset[name].value)[0] for name in ("WindowCenter", "WindowWidth"))
        centre, width = (float(one) for one in pair)
        if width > 1:
            return centre, width
    low, high = float(stored.min()), float(stored.max())
    return (low + high) / 2, high - low


def _bare_loop(size: int, paths: list[Path]) -> int:
    cv2.setNumThreads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return sum(bare(path, size) is not None for path in paths)


def _bare(paths: list[Path], size: int, workers: int) -> int:
    """Run the bare loop over the files, one loop in each worker."""
    with ProcessPoolExecutor(workers, clean_context(__name__)) as pool:
        return sum(pool.map(partial(_bare_loop, size), [paths[start::workers] for start in range(workers)]))


def _study(folder: Path, settings: IngestSettings, images: ImagesSettings, workers: int) -> Iterator[list[list[str]]]:
    """Yield the commands as the workflow runs them: ingest on all cores, then a shard of prepare on each."""
    out = folder / "out"
    for name, section in (("ingest", settings), ("images", images)):
        (folder / f"{name}.yaml").write_text(dump_yaml(section.model_dump(mode="json")), encoding="utf-8")
    run = [sys.executable, "-m", "analysis"]
    archive = (folder / "archive").resolve()
    yield [[*run, "ingest", f"{archive}", f"--out={out}", f"--private={out}/private", "--seed=1",
            f"--settings={folder}/ingest.yaml", f"--workers={workers}"]]  # fmt: skip
    yield [
        [*run, "prepare", f"--archive={archive}", f"--images-index={out}/images.parquet", f"--out={out}",
         f"--private={out}/private/index.parquet", f"--settings={folder}/images.yaml",
         f"--shard={shard}", f"--shards={workers}"]
        for shard in range(workers)
    ]  # fmt: skip


def _run(commands: list[list[str]]) -> None:
    started = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for command in commands]
    for process in started:
        if process.wait():
            raise subprocess.CalledProcessError(process.returncode, process.args)


def rate(
    archive: Path, settings: IngestSettings, images: ImagesSettings, *, workers: int, repeats: int = 3
) -> dict[str, Any]:
    """Time the study's two stages and the bare loop in turn over the same files, which are in the page cache.

    Both have as many processes as there are workers, forked from the same server; the best of the repeats counts.

    Parameters
    ----------
    archive : Path
    settings : IngestSettings
    images : ImagesSettings
    workers : int
        Processes of the bare loop, workers of ingest and shards of prepare.
    repeats : int

    Returns
    -------
    dict
        files, decoded (images, by the bare loop), prepared (images, by the study), seconds of bare, ingest and prepare,
        and `ratio`, the study's images a second as a share of the bare loop's.
    """
    paths = [real_path(archive, entry.path) for entry in find(archive)]
    for path in paths:
        if path.is_file():
            path.read_bytes()
    names = Pseudonyms(key_from_seed(0))
    times: list[tuple[float, float, float]] = []
    with TemporaryDirectory() as name:
        out = Path(name)

        def shard(number: int) -> tuple[int, int]:
            table = read_table(out / "images.parquet", IMAGES)
            files = read_table(out / "private" / "index.parquet", PRIVATE, columns=["image", "path", "pixel_hash"])
            return prepare(archive, table, files, images, out, shard=number, shards=workers)

        for _ in range(repeats + 1):
            start = time.perf_counter()
            decoded = _bare(paths, images.size, workers)
            middle = time.perf_counter()
            write(ingest(archive, settings, names, workers), out, out / "private")
            last = time.perf_counter()
            with ThreadPoolExecutor(workers) as pool:  # each thread waits for the process of its shard
                prepared = sum(good for good, _ in pool.map(shard, range(workers)))
            times.append((middle - start, last - middle, time.perf_counter() - last))
    # The first round starts the server that all processes are forked from.
    best_bare = min(bare for bare, _, _ in times[1:])
    _, best_ingest, best_prepare = min(times[1:], key=lambda row: row[1] + row[2])
    return {
        "files": len(paths),
        "decoded": decoded,
        "prepared": prepared,
        "bare": best_bare,
        "ingest": best_ingest,
        "prepare": best_prepare,
        "ratio": (prepared / (best_ingest + best_prepare)) / (decoded / best_bare),
    }


@contextmanager
def _peak() -> Iterator[list[int]]:
    """Note the largest memory of this process' children and theirs, bytes; what they share counts once."""
    import psutil

    largest, done = [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.1):
            total = 0
            for child in psutil.Process().children(recursive=True):
                try:
                    total += child.memory_full_info().pss
                except psutil.Error:  # it has just ended
                    continue
            largest[0] = max(largest[0], total)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield largest
    finally:
        done.set()
        thread.join()


def memory(
    archive: Path, settings: IngestSettings, images: ImagesSettings, *, workers: int, files: int
) -> dict[str, float]:
    """Measure the memory of both stages on an archive of that many files, made of copies of this one's.

    Parameters
    ----------
    archive : Path
    settings : IngestSettings
    images : ImagesSettings
    workers : int
    files : int
        Radiographs; each copy is of another patient, and differs in a pixel.

    Returns
    -------
    dict
        Peak of the processes of `ingest` and of `prepare` together, MB.
    """
    with TemporaryDirectory(dir=archive.parent) as name:
        folder = Path(name)
        multiply(archive, folder / "archive", files)
        found = {}
        for stage, commands in zip(("ingest", "prepare"), _study(folder, settings, images, workers), strict=True):
            with _peak() as largest:
                _run(commands)
            found[stage] = largest[0] / 1e6
    return found


def multiply(archive: Path, out: Path, files: int) -> None:
    """Copy radiographs over and over, each copy under identifiers and with a last pixel of its own."""
    originals = []
    for path in (entry.path for entry in find(archive)):
        dataset = pydicom.dcmread(archive / path, force=True)
        if (
            "PixelData" in dataset
            and dataset.get("SamplesPerPixel") == 1
            and dataset.file_meta.get("TransferSyntaxUID") in NATIVE
        ):
            originals.append((path, dataset))
        if len(originals) == min(files, 50):
            break
    for number in range(files):
        path, dataset = originals[number % len(originals)]
        target = out / "dicom" / f"{number // 1000:03d}" / f"{number:06d}"
        target.parent.mkdir(parents=True, exist_ok=True)
        if number < len(originals):
            copyfile(archive / path, target)
            continue
        dataset.PatientID, dataset.AccessionNumber = f"P{number:08d}", f"A{number:08d}"
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = f"1.2.3.{number}", f"1.2.4.{number}"
        dataset.PatientName, dataset.SOPInstanceUID = f"Bench^{number}", f"1.2.5.{number}"
        dataset.PixelData = dataset.PixelData[:-4] + number.to_bytes(4, "little")
        dataset.save_as(target, enforce_file_format=True)
