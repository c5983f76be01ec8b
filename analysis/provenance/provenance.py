"""What made a study: code, configuration, seeds, versions, inputs, machine and time, in one file."""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from analysis.errors import StudyError
from analysis.files import digest_of
from analysis.machine import processor
from analysis.network.form.structure import read_computed
from analysis.reading.settings import LOOPBACK

ROOT = Path(__file__).resolve().parents[2]
#: What of the repository a study is made by; overlays of other studies don't count.
CODE = ("Snakefile", "Makefile", "config.yaml", "pyproject.toml", "analysis", "workflow", "manuscript", "envs")
OTHER_STUDIES = "workflow/studies"
#: Keys whose values are paths on somebody's machines, or what these are called, by section.
LOCAL = {
    "archive": ("folder", "key", "harmless", "connection", "accessions", "readings"),
    "network": ("trained", "weights"),
    "learning_curve": ("starts",),
    "reading": ("host", "names", "proxies", "tls"),
}
UNPUBLISHED = "not published"
_NUMBERED = re.compile(r"(train|prepare|read_headers)-(\d+)")
_READ = re.compile(r"^([0-9a-f]{64})  (.+)$", re.M)


def code_files(root: Path = ROOT) -> list[Path]:
    """Return the files of the repository that a study is made by, relative to its root, sorted."""
    found = []
    for name in CODE:
        paths = sorted((root / name).rglob("*")) if (root / name).is_dir() else [root / name]
        found += [path.relative_to(root) for path in paths if path.is_file()]
    return [
        path
        for path in found
        if path.suffix != ".pyc"
        and not any(part.startswith(".") for part in path.parts)
        and not path.is_relative_to(OTHER_STUDIES)
    ]


def code_state(root: Path = ROOT) -> dict[str, Any]:
    """Return the commit, whether anything differs from it, and a hash of the code itself.

    The hash tells two states of the code apart where there is no git: in a bundle, say, or in an archive of the
    repository that lies within another one.
    """
    tree = hashlib.sha256()
    for path in code_files(root):
        tree.update(f"{digest_of(root / path)}  {path.as_posix()}\n".encode())
    state: dict[str, Any] = {"commit": None, "dirty": None, "sha256": tree.hexdigest()}
    top = _git(root, "rev-parse", "--show-toplevel")
    if top is None or Path(top).resolve() != root.resolve():
        return state
    changes = _git(root, "status", "--porcelain")
    return state | {"commit": _git(root, "rev-parse", "HEAD"), "dirty": bool(changes) if changes is not None else None}


def _git(root: Path, *arguments: str) -> str | None:
    if not shutil.which("git"):
        return None
    run = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    return run.stdout.strip() if run.returncode == 0 else None


def publishable(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration without the paths and names of the machines that it was run on."""

    def clean(section: Mapping[str, Any], local: Collection[str]) -> dict[str, Any]:
        return {
            key: _hidden(value) if key in local else clean(value, local) if isinstance(value, Mapping) else value
            for key, value in section.items()
        }

    return {
        key: _hidden(value) if key == "compare_networks" else clean(value, LOCAL[key]) if key in LOCAL else value
        for key, value in config.items()
    }


def _hidden(value: Any) -> Any:
    """Return a value with each text in it replaced, but for one that means this machine, whichever it is."""
    if isinstance(value, Mapping):
        return {key: _hidden(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_hidden(one) for one in value]
    return UNPUBLISHED if value and value not in LOOPBACK else value


def package_versions(folder: Path = ROOT / "analysis") -> dict[str, str]:
    """Return the version of every distribution that the modules of a folder import and this environment has."""
    names: set[str] = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    installed = importlib.metadata.packages_distributions()
    found = {name for module in names - sys.stdlib_module_names for name in installed.get(module, ())}
    return {name: importlib.metadata.version(name) for name in sorted(found, key=str.lower)}


def machine() -> dict[str, Any]:
    """Return what this computer is, but neither its name nor anybody's."""
    try:
        system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    except OSError:
        system = platform.system()
    return {
        "system": system,
        "kernel": f"{platform.system()} {platform.release()}",
        "architecture": platform.machine(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "usable_cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "gpus": _gpus(),
    }


def _gpus() -> list[str]:
    if not shutil.which("nvidia-smi"):
        return []
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return run.stdout.split("\n")[:-1] if run.returncode == 0 else []


def pixels(private: Path) -> dict[str, Any]:
    """Return the number of images of an archive, and one hash over the hashes of their pixels.

    Parameters
    ----------
    private : Path
        The private index. Order and names of the files don't matter.
    """
    from analysis.files import read_table
    from analysis.schemas import PRIVATE

    found = sorted(read_table(private, PRIVATE, columns=["pixel_hash"])["pixel_hash"].dropna())
    return {"images": len(found), "sha256": hashlib.sha256("\n".join(found).encode()).hexdigest()}


def is_asked_for(job: str, config: Mapping[str, Any]) -> bool:
    """Whether a job is one of the study's: what is left of a seed or a shard that no longer is made nothing of it."""
    found = _NUMBERED.fullmatch(job)
    if not found:
        return True
    parts = {"prepare": config["images"]["shards"], "read_headers": config["ingest"]["shards"]}
    return int(found[2]) in (range(parts[found[1]]) if found[1] in parts else config["network"]["seeds"])


def wall_times(folders: Iterable[Path]) -> dict[str, dict[str, float]]:
    """Return wall time (s), CPU time (s) and largest memory (MB) of each job, from Snakemake's benchmarks.

    Raises
    ------
    StudyError
        If a benchmark can't be read.
    """
    found = {}
    for folder in folders:
        for path in sorted(folder.glob("*.tsv")):
            head, *rows = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines())
            if not rows or len(rows[-1]) != len(head):
                raise StudyError(f"{path} is no benchmark of Snakemake; delete it and run its rule again.")
            job = dict(zip(head, rows[-1], strict=True))
            found[path.stem] = {
                name: float(job[column])
                for name, column in (("wall_s", "s"), ("cpu_s", "cpu_time"), ("memory_mb", "max_rss"))
                if job.get(column, "-") not in ("-", "NA")
            }
    return dict(sorted(found.items()))


def read_by_step(folders: Iterable[Path]) -> dict[str, dict[str, str]]:
    """Return what each step has read: the hash of every file as the step itself took it, from the steps' logs.

    The steps come in the order in which they ended. Those that pack what is there are no part of it.
    """
    logs = [path for folder in folders for path in folder.glob("*.log") if path.stem not in ("provenance", "bundle")]
    found = {}
    for path in sorted(logs, key=lambda path: (path.stat().st_mtime_ns, path.stem)):
        lines = _READ.findall(path.read_text(encoding="utf-8", errors="replace"))
        if lines:
            found[path.stem] = {_place(Path(name)): digest for digest, name in lines}
    return found


def _inputs(paths: Iterable[Path], steps: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return the hash of each input as the last step that took it read it; of one that none has read, as it is now."""
    taken = {place: digest for files in steps.values() for place, digest in files.items()}
    return {_place(path): taken.get(_place(path)) or digest_of(path) for path in paths}


def provenance(
    config: Mapping[str, Any],
    inputs: Iterable[Path],
    private: Path | None,
    benchmarks: Iterable[Path],
    logs: Iterable[Path],
    versions: Mapping[str, Any],
) -> dict[str, Any]:
    """Collect what a study was made of.

    Parameters
    ----------
    config : mapping
        The whole resolved configuration.
    inputs : iterable of Path
        Files to recognise by their hashes.
    private : Path or None
        The private index, for the pixels.
    benchmarks : iterable of Path
        Folders of Snakemake's benchmarks; one that isn't there is passed over.
    logs : iterable of Path
        Folders of the steps' logs.
    versions : mapping
        Versions of what this module can't ask: R, pROC, Snakemake, and what made each format of the manuscript.

    Returns
    -------
    dict
        Plain values for JSON. No names of hosts or users, no paths outside the study.
    """
    inputs = list(inputs)
    steps = {job: files for job, files in read_by_step(logs).items() if is_asked_for(job, config)}
    times = wall_times(folder for folder in benchmarks if folder.is_dir())
    return {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "code": code_state(),
        "config": publishable(config),
        "seeds": {"study": config["seed"], "network": list(config["network"]["seeds"])},
        "versions": {"Python": platform.python_version(), **versions, "packages": package_versions()},
        "inputs": {
            **_inputs(inputs, steps),
            **({"pixels": pixels(private)} if private else {}),
        },
        "read": steps,
        "machine": machine(),
        "training": {
            _place(path): read_computed(path)
            for path in inputs
            if path.suffix == ".safetensors" or path.name == "structure.json"
        },
        "wall_time": {job: used for job, used in times.items() if is_asked_for(job, config)},
    }


def _place(path: Path) -> str:
    """Return a path within the repository, or the mere name of a file elsewhere."""
    inside = path.resolve().is_relative_to(Path.cwd().resolve())
    return path.resolve().relative_to(Path.cwd().resolve()).as_posix() if inside else path.name


def as_json(found: Mapping[str, Any]) -> str:
    """Return the text of `provenance.json`."""
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"
