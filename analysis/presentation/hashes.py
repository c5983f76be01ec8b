"""From which files a table, a figure or a group of values was made, and the hashes to recognise them by."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from analysis.files import digest_of, write_text
from analysis.presentation.markdown import Table

#: Hexadecimal digits of a SHA-256 that are printed; enough to tell the files of a study apart.
SHORT = 10

Sources = dict[str, dict[str, str]]


def hashes(paths: Iterable[Path]) -> dict[str, str]:
    """Return the name of each file, with its folder where that tells files apart, and its hash."""
    return {_name(path): digest_of(path) for path in sorted(paths, key=_name)}


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}" if path.parent.name.startswith("seed-") else path.name


def write_sources(sources: Sources, out: Path) -> None:
    """Write `sources.json` into a folder of tables or figures."""
    write_text(out / "sources.json", json.dumps(sources, indent=1, sort_keys=True) + "\n")


def provenance_table(tables: Path, figures: Path, values: Path, found: Mapping[str, Any]) -> Table:
    """List every file of the text: the rule that made it, its hash, and what it was made from.

    Parameters
    ----------
    tables, figures : Path
        Folders with their `sources.json`.
    values : Path
        The file of values.
    found : mapping
        The values; `sources` says from what each group was made.
    """
    rows: list[list[str]] = []
    for title, folder, rule in (("Tables", tables, "tables"), ("Figures", figures, "figures")):
        listed: Sources = json.loads((folder / "sources.json").read_text(encoding="utf-8"))
        rows.append([title])
        rows += [
            [f"`{name}`", f"`{rule}`", f"`{digest_of(folder / name)[:SHORT]}`", _made_from(made)]
            for name, made in sorted(listed.items())
        ]
    rows.append(["Numbers of the text"])
    rows += [
        [f"`{group}.*` in `{values.name}`", "`values`", f"`{digest_of(values)[:SHORT]}`", _made_from(made)]
        for group, made in sorted(found.get("sources", {}).items())
        if made
    ]
    head = ("File", "Rule", "Hash", "Made from (hash)")
    return Table(head, rows, align="llll", widths=(28, 9, 14, 49), markdown=True)


def _made_from(made: Mapping[str, str]) -> str:
    return ", ".join(f"`{name}` ({digest[:SHORT]})" for name, digest in made.items())
