"""Example pictures of a scheme's levels, which lie in a folder beside its file."""

from __future__ import annotations

import re
from pathlib import Path

from analysis.reading.readings.form import Form

_NAME = re.compile(r"(?P<item>[a-z][a-z0-9_]*)-(?P<level>\d)\.(?:png|jpg|webp)")


def find_examples(form: Form) -> dict[str, dict[int, Path]]:
    """Return the pictures of each item's levels: `<scheme>/<item>-<level>.png` beside `<scheme>.yaml`.

    Items that share their levels' words may share pictures: an item without its own has none.
    """
    found: dict[str, dict[int, Path]] = {}
    levels = {item.name: {level for level, _ in item.levels} for item in form.items}
    for path in sorted(form.path.with_suffix("").glob("*.*")):
        match = _NAME.fullmatch(path.name)
        if match and int(match["level"]) in levels.get(match["item"], ()):
            found.setdefault(match["item"], {})[int(match["level"])] = path
    return found
