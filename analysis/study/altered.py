"""Results that aren't this study's: changed by somebody after the step that made them, or made by other settings."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from pathlib import Path

from analysis.files import digest_of

_WRITTEN = re.compile(r"^SHA256 \((.+)\) = ([0-9a-f]{64})$", re.M)
_SETTINGS = re.compile(r"-([0-9a-f]{12})\.yaml$")
_SET_BY = re.compile(r"^[0-9a-f]{64}  .*/settings/(.+)-([0-9a-f]{12})\.yaml$", re.M)


def altered(logs: Iterable[Path], settings: Iterable[Path] = ()) -> list[str]:
    """Return the results that are no longer what they were made as, sorted.

    Parameters
    ----------
    logs : iterable of Path
        The steps' logs, which hold the hashes of the tables and texts that a step wrote. Only what is younger than its log
        is read.
    settings : iterable of Path
        Sections of the configuration, named by their content.
    """
    made: dict[Path, set[str]] = defaultdict(set)
    closed: dict[Path, int] = defaultdict(int)
    for log in logs:
        for name, digest in _WRITTEN.findall(log.read_text(encoding="utf-8", errors="replace")):
            made[Path(name)].add(digest)
            closed[Path(name)] = max(closed[Path(name)], log.stat().st_mtime_ns)
    there = [path for path in made if path.is_file() and os.access(path, os.R_OK)]
    odd = [path for path in there if path.stat().st_mtime_ns > closed[path] and digest_of(path) not in made[path]]
    named = [(path, found.group(1)) for path in settings if (found := _SETTINGS.search(path.name))]
    odd += [path for path, start in named if not digest_of(path).startswith(start)]
    return sorted(path.as_posix() for path in odd)


def outdated(logs: Iterable[Path], settings: Collection[str]) -> list[str]:
    """Return the results that were made by other settings than a study has, sorted.

    Snakemake knows them by notes of its own, in a folder that a backup or a second clone may lack, and unless it is told to
    go by files' times.

    Parameters
    ----------
    logs : iterable of Path
        The steps' logs, which hold what a step read and wrote.
    settings : collection of str
        The study's sections, each with the hash of its content: statistics-0123456789ab.
    """
    sections = {name.rpartition("-")[0] for name in settings}
    odd = set[str]()
    for log in logs:
        text = log.read_text(encoding="utf-8", errors="replace")
        if any(name in sections and f"{name}-{start}" not in settings for name, start in _SET_BY.findall(text)):
            odd |= {Path(name).as_posix() for name, _ in _WRITTEN.findall(text)}
    return sorted(odd)
