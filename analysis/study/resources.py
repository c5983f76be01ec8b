"""The memory and time that a step asks a cluster for, by what it has to do.

The figures are of the default study (2,485 files, two threads of a Xeon in bfloat16), as Snakemake's benchmarks give
them, and of `bench-archive` on up to 20,000 files. Radiographs of a hospital have some thirty times the pixels of
simulated ones, and other processors are three times as slow: what is asked for is several times what was measured.
A job that is stopped for asking too little asks for more at its next attempt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from math import ceil
from pathlib import Path
from typing import NamedTuple

from analysis.study.configuration import Study


class Need(NamedTuple):
    """What a job asks for."""

    mem_mb: int
    runtime: int  # minutes


class Rate(NamedTuple):
    """How the need of a step grows.

    Attributes
    ----------
    mb, thread_mb, mb_1000 : float
        Memory in any case, more for each thread, and more for each 1,000 images.
    minutes, minutes_1000 : float
        Time in any case, and more for each 1,000 images by one thread.
    """

    mb: float
    thread_mb: float
    mb_1000: float
    minutes: float
    minutes_1000: float


#: What was measured stands behind: memory in MB, time in s; ingest and prepare of 1,000 and 20,000 files: 291 and 543,
#: 313 and 649 MB.
RATES = {
    "make_archive": Rate(800, 300, 20, 10, 5),  # 854, 60
    "ingest": Rate(600, 400, 20, 10, 5),  # 655, 9
    "read_headers": Rate(600, 400, 20, 10, 5),  # the same, for a part of the files
    "prepare": Rate(600, 400, 100, 10, 8),  # 394, 29 for each of two shards
    "select": Rate(600, 0, 50, 10, 1),  # 226, 5
    "reference": Rate(600, 0, 50, 10, 1),  # 269, 10
    "train": Rate(1500, 100, 20, 10, 1),  # 1044, 709
    "predict": Rate(1500, 100, 20, 10, 1),  # 626, 9
    "attribute": Rate(2000, 100, 20, 30, 1),  # 771, 33
    "write_browse": Rate(2000, 100, 20, 30, 2),
    "ask_round": Rate(1500, 100, 20, 10, 1),
    "evaluate": Rate(1000, 500, 50, 30, 20),  # 983, 41
    "coverage": Rate(800, 400, 0, 240, 0),  # 651, 62
    "false_positives": Rate(800, 400, 0, 240, 0),  # 601, 18
    "check_privacy": Rate(800, 0, 50, 15, 5),  # 240, 6
    "make_bundle": Rate(800, 0, 50, 15, 5),
    "card": Rate(1500, 0, 50, 15, 2),  # 501, 9
}
#: What is left of ingest where other jobs read the files: 20,000 and 100,000 took 272 and 512 MB, 2 and 8 s.
GATHER = Rate(600, 0, 20, 10, 0.05)
#: Every other step: 169 to 587 MB and 4 to 24 s, figures and manuscript most.
OTHER = Rate(1000, 0, 20, 15, 1)

#: Images that are counted on where nobody can know yet how many there will be.
UNKNOWN = 10_000
#: Images in an exam of the simulated archive, rounded up.
_PER_EXAM = 3
#: Pixels times the square of the width that training puts through the paper's network in a second: a thread with AVX2
#: (245 million with AVX-512 in bfloat16), and a GPU at 10 of its 10^12 operations a second.
_THREAD, _GPU = 80e6, 57e9
#: Bytes of a batch's activations for each image, pixel and filter of the first group, in float32: twice the 18 GB of
#: the paper's batch in bfloat16.
_ACTIVATIONS = 34


@cache
def _rows(path: str, changed: int) -> int:
    from pyarrow.parquet import read_metadata

    return int(read_metadata(path).num_rows)


def rows(paths: Iterable[str]) -> int | None:
    """Return the rows of some Parquet tables together; None where one isn't there or can't be read yet."""
    try:
        return sum(_rows(path, Path(path).stat().st_mtime_ns) for path in paths)
    except (OSError, ValueError):
        return None


def _several(paths: str | Iterable[str]) -> Iterable[str]:
    return (paths,) if isinstance(paths, str) else paths


def twin(rule: str) -> str:
    """Return the rule that does the same: one of active learning's rounds, the learning curve or another network."""
    if rule in RATES:
        return rule
    return rule.removesuffix("_round").removesuffix("_curve").removesuffix("_network")


def images(rule: str, study: Study, given: Mapping[str, str | Iterable[str]], files: int | None = None) -> int:
    """Return how many images a job has before it.

    Parameters
    ----------
    rule : str
    study : Study
    given : mapping of str to str or iterable of str
        The job's inputs by name.
    files : int, optional
        Files in the archive, where it was handed over.
    """
    shards = {"prepare": study.images.shards, "read_headers": study.ingest.shards}.get(twin(rule), 1)
    if rule in ("make_archive", "ingest", "read_headers"):
        found = files
        if found is None and study.archive.source == "simulated":
            asked = study.simulate
            found = _PER_EXAM * (asked.training + asked.validation + asked.test)
    else:
        # The tables that have a row an image, those of the prepared shards first; or a row an exam.
        named = (given.get(name, ()) for name in ("prepared", "images", "index", "private", "exams", "predictions"))
        tables = ([path for path in _several(paths) if path.endswith(".parquet")] for paths in named)
        table = next(filter(None, tables), [])
        found = rows(table) if table else None
    return ceil((UNKNOWN if found is None else found) / shards)


def share(position: int, networks: int, cores: int) -> int:
    """Return how many cores one of several networks asks for.

    Several are trained side by side, which wastes less than many threads on one; beside a single one there is room for the
    simulations of the statistics, whose end it would otherwise wait for. Where more networks than cores can't be trained in
    full rounds, one would be left over in the end, alone beside idle cores: those of the last rounds ask for none,
    and share all cores from the start. Each still computes with one thread, so its weights don't depend on it.

    Parameters
    ----------
    position : int
        The network's place among them, from 0.
    networks, cores : int

    Examples
    --------
    >>> [share(position, 3, 2) for position in range(3)]
    [0, 0, 0]
    """
    if networks > cores and (left_over := networks % cores):
        return int(position < networks - cores - left_over)
    return max(1, cores // max(2, networks))


def needed(rule: str, study: Study, count: int, threads: int = 1, attempt: int = 1, gpus: int = 0) -> Need:
    """Return what a job asks for.

    Parameters
    ----------
    rule : str
        A rule's name; see `twin`.
    study : Study
    count : int
        Images before it.
    threads, attempt : int
        Each attempt asks for as much again as the first.
    gpus : int
        GPUs that it trains on, if it does.

    Examples
    --------
    >>> needed("ingest", Study(cohort={"name": "x", "title": "x"}, grading="kl"), 100_000, threads=8)
    Need(mem_mb=5800, runtime=73)
    """
    step = twin(rule)
    rate = GATHER if step == "ingest" and study.ingest.shards > 1 else RATES.get(step, OTHER)
    mb = rate.mb + rate.thread_mb * threads + rate.mb_1000 * count / 1000
    minutes = rate.minutes + rate.minutes_1000 * count / 1000 / threads
    network, side = study.network, study.images.size
    if step in ("train", "predict", "attribute", "write_browse", "ask_round"):
        seen = side**2 * (network.band[1] - network.band[0] if network.band else 1)
        mb += _ACTIVATIONS * network.training.batch * seen * network.width / 1e6
        mb += count * side**2 / 1e6  # the pixels, each once
        passes = float(count)
        speed = threads * _THREAD
        if step == "train":
            speed = gpus * _GPU if gpus else speed
            training = network.training
            others = 1 + len(network.tasks) / training.task_every
            passes *= training.jitters * others * sum(phase.epochs for phase in training.phases)
        else:
            passes *= len(network.seeds)
        minutes += passes * seen * network.width**2 / speed / 60
    return Need(attempt * ceil(mb), attempt * ceil(minutes))
