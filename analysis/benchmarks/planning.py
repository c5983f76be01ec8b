"""What a plan of a large study costs: Snakemake's dry run over an archive of many files."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from analysis.errors import StudyError

#: Files in a folder of the archive.
_FOLDER = 100
#: Snakemake, which says at its end how much memory it had at most (Linux); what the system tells of an ended process
#: counts in the one that started it.
_SNAKEMAKE = """
import atexit, pathlib, runpy, sys
atexit.register(lambda: print(pathlib.Path("/proc/self/status").read_text(), file=sys.stderr))
runpy.run_module("snakemake", run_name="__main__", alter_sys=True)
"""


class Plan(NamedTuple):
    """A dry run: its jobs by rule, seconds of processor time and of the clock, and largest memory, MB."""

    jobs: dict[str, int]
    processor: float
    clock: float
    memory: float


def archive(folder: Path, files: int) -> None:
    """Make an archive of empty files: a plan looks at their names, sizes and times only."""
    for number in range(files):
        place = folder / "dicom" / f"{number // _FOLDER:06d}"
        if number % _FOLDER == 0:
            place.mkdir(parents=True)
        (place / f"{number % _FOLDER:03d}").touch()
    for name in ("reports.csv", "readings.csv"):
        (folder / name).touch()


def plan(files: int, seeds: int, shards: int) -> Plan:
    """Plan a study in the folder that the command is run in, the repository's, by Snakemake itself.

    Parameters
    ----------
    files : int
        Of the archive.
    seeds : int
        Networks of the ensemble.
    shards : int
        Of the archive's files, and of the prepared images.

    Raises
    ------
    StudyError
        If Snakemake finds something wrong; its last lines are told.
    """
    with TemporaryDirectory() as made:
        archive(Path(made), files)
        overlay = Path(made) / "study.json"
        study = {
            "cohort": {"name": "bench-planning", "title": "an archive of empty files"},
            "archive": {"source": "folder", "folder": made},
            "ingest": {"shards": shards},
            "images": {"shards": shards},
            "network": {"seeds": list(range(seeds))},
        }
        overlay.write_text(json.dumps(study))
        command = [sys.executable, "-c", _SNAKEMAKE, "--dry-run", "--cores", "1", "--configfile", str(overlay)]
        said = Path(made) / "said"
        with said.open("w") as output:
            start = time.perf_counter()
            running = subprocess.Popen(command, stdout=output, stderr=output)
            _, status, used = os.wait4(running.pid, 0)
            clock = time.perf_counter() - start
            running.returncode = os.waitstatus_to_exitcode(status)
        text = said.read_text(encoding="utf-8")
        jobs = {rule: int(n) for rule, n in re.findall(r"^(\w+) +(\d+)$", text, re.M)}
        if running.returncode or "total" not in jobs:
            raise StudyError(f"Snakemake can't plan this study: {text.partition('Name:')[0][-1000:]}")
        memory = re.findall(r"^VmHWM:\s+(\d+) kB", text, re.M)
        return Plan(jobs, used.ru_utime + used.ru_stime, clock, int(memory[-1]) / 1024)
