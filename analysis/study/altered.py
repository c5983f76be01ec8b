"""Results that somebody changed after the step that made them: as nothing else of a study, they'd be typed."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from analysis.files import digest_of

_WRITTEN = re.compile(r"^SHA256 \((.+)\) = ([0-9a-f]{64})$", re.M)
_SETTINGS = re.compile(r"-([0-9a-f]{12})\.yaml$")


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
