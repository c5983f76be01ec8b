"""Grading of new files against a bare loop that reads, prepares and predicts them; its start, and its memory."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from analysis.archive.find import listed, real_path
from analysis.archive.readers import read_files
from analysis.benchmarks.archive import multiply
from analysis.benchmarks.reading import Memory
from analysis.errors import StudyError
from analysis.inference.files import collect
from analysis.inference.grade import FIRST, grade
from analysis.inference.radiograph import prepare_plain
from analysis.network.trained.load import load
from analysis.network.trained.network import BATCH, Trained

#: What is asked for: the ratio at least, seconds to the first knee.
WANTED = {"ratio": 0.8, "start": 6.0}


def rate(archive: Path, card: Path, *, workers: int, repeats: int) -> dict[str, Any]:
    """Time grading and the bare loop in turn over the same files, which are in the page cache; the best repeat counts.

    Parameters
    ----------
    archive : Path
        Folder of radiographs.
    card : Path
        The network's folder.
    workers : int
        Threads of the network in both, and processes that read headers.
    repeats : int

    Returns
    -------
    dict
        files, images (that the bare loop scores), knees and graded (files, by `grade`), seconds of bare and grade, `ratio`,
        grade's images a second as a share of the bare loop's, and `start`, seconds from the command to its first knee.
    """
    network = load(card, workers)
    paths = [real_path(folder, entry.path) for folder, found in listed([archive]) for entry in found]
    for path in paths:
        path.read_bytes()
    times: list[tuple[float, float]] = []
    with TemporaryDirectory() as out:
        for _ in range(repeats + 1):  # the first one starts the server that processes are forked from
            start = time.perf_counter()
            images = bare_loop(network, paths)
            middle = time.perf_counter()
            read = read_files(listed([archive]), network.ingest, workers)
            counts = grade(network, collect(read, network.ingest, None), Path(out), workers=workers)
            times.append((middle - start, time.perf_counter() - middle))
        starts = []
        for _ in range(repeats):
            with _started(archive, card, Path(out), workers) as (begun, _):
                starts.append(time.perf_counter() - begun)
    bare, graded = (min(pair[i] for pair in times[1:]) for i in range(2))
    found = {"files": len(paths), "images": images, "knees": counts.knees, "graded": counts.graded, "bare": bare}
    return found | {"grade": graded, "ratio": (counts.graded / graded) / (images / bare), "start": min(starts)}


def bare_loop(network: Trained, paths: list[Path]) -> int:
    """Read, prepare and predict every file that is a radiograph, one after the other; return how many were."""
    done, waiting = 0, list[np.ndarray]()
    for number, path in enumerate(paths, 1):
        with suppress(Exception):  # no radiograph
            waiting.append(prepare_plain(path, network.images)[0].reshape(network.images.size, -1))
        if waiting and (len(waiting) == BATCH or number == len(paths)):
            network.answer(np.stack(waiting), np.arange(len(waiting)), pd.Series("right", range(len(waiting))))
            done += len(waiting)
            waiting = []
    return done


@contextmanager
def _started(archive: Path, card: Path, out: Path, workers: int) -> Iterator[tuple[float, subprocess.Popen[str]]]:
    """Start the command, and go on when it has graded its first knee."""
    command = [sys.executable, "-m", "analysis", "grade", str(archive), "--network", str(card), "--no-page"]
    command += ["--workers", str(workers), "--out", str(out)]
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr
        for line in process.stderr:
            if FIRST in line:
                break
        else:
            raise StudyError(f"No knee of {archive} was graded; give a folder of radiographs.")
        yield begun, process
    finally:
        process.kill()
        process.wait()


def memory(archive: Path, card: Path, *, workers: int, files: int) -> float:
    """Measure the largest memory of the command and its processes, MB, over that many files: copies of an archive's.

    Raises
    ------
    StudyError
        If the command fails.
    """
    with TemporaryDirectory(dir=archive.parent) as name:
        folder = Path(name)
        multiply(archive, folder / "in", files)
        with _started(folder / "in", card, folder / "out", workers) as (_, process):
            watch = Memory(process.pid)
            watch.start()
            if process.wait():
                raise StudyError("Grading failed; its message stands above.")
            return watch.stop()
