"""The manuscript's source: what Quarto resolves in the text, and what the text asks for by name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analysis.errors import StudyError

META = re.compile(r"\{\{<\s*meta\s+([^\s>]+)\s*>\}\}")
INCLUDE = re.compile(r"^\{\{<\s*include\s+(\S+)\s*>\}\}\s*$", re.MULTILINE)
CONDITION = re.compile(r"(?:when|unless)-meta=\"([^\"]+)\"")
CITATION = re.compile(r"(?<![\w.])@([A-Za-z][\w:.-]*\w)")
LABEL = re.compile(r"\{#((?:fig|tbl|sec)-[\w-]+)")
IMAGE = re.compile(r"!\[[^\]]*\]\(([^)\s]+)\)")
TARGETS = ("fig-", "tbl-", "sec-")


@dataclass(frozen=True)
class Keys:
    """Everything a source names that has to come from elsewhere.

    Attributes
    ----------
    values : frozenset of str
        Dotted keys of `{{< meta … >}}`.
    conditions : frozenset of str
        Dotted keys of `when-meta` and `unless-meta`.
    references : frozenset of str
        Cross-references to figures, tables and sections.
    labels : frozenset of str
        Figures, tables and sections that are there to be referred to.
    citations : frozenset of str
        Keys of the bibliography.
    images : frozenset of str
        Paths of images, as written.
    includes : frozenset of str
        Paths of included files.
    """

    values: frozenset[str] = field(default_factory=frozenset)
    conditions: frozenset[str] = field(default_factory=frozenset)
    references: frozenset[str] = field(default_factory=frozenset)
    labels: frozenset[str] = field(default_factory=frozenset)
    citations: frozenset[str] = field(default_factory=frozenset)
    images: frozenset[str] = field(default_factory=frozenset)
    includes: frozenset[str] = field(default_factory=frozenset)


def expand(folder: Path, name: str = "index.qmd") -> str:
    """Return a source with its includes in place, as Quarto resolves them: relative to the main document.

    Raises
    ------
    StudyError
        If an included file is missing; the message names it and the file that asks for it.
    """
    path = folder / name
    if not path.is_file():
        raise StudyError(f"The manuscript's source {path} does not exist; restore it.")

    def include(match: re.Match[str]) -> str:
        if not (folder / match[1]).is_file():
            raise StudyError(f"{path} includes {match[1]}, which is not there; make that table or correct the name.")
        return expand(folder, match[1]).rstrip("\n") + "\n"

    return INCLUDE.sub(include, path.read_text(encoding="utf-8"))


def keys(text: str) -> Keys:
    """Return what an expanded source names."""
    named = frozenset(CITATION.findall(text))
    return Keys(
        values=frozenset(META.findall(text)),
        conditions=frozenset(CONDITION.findall(text)),
        references=frozenset(name for name in named if name.startswith(TARGETS)),
        labels=frozenset(LABEL.findall(text)),
        citations=frozenset(name for name in named if not name.startswith(TARGETS)),
        images=frozenset(IMAGE.findall(text)),
        includes=frozenset(INCLUDE.findall(text)),
    )


def lookup(values: Mapping[str, Any], key: str) -> Any:
    """Return the value at a dotted key; KeyError where there is none."""
    found: Any = values
    for part in key.split("."):
        if not isinstance(found, Mapping):
            raise KeyError(key)
        found = found[part]
    return found


def missing(text: str, values: Mapping[str, Any]) -> Iterator[str]:
    """Yield a clause for each value or condition that the source names and the values don't have."""
    named = keys(text)
    for key in sorted(named.values):
        try:
            if isinstance(lookup(values, key), Mapping | list):
                yield f"the value '{key}', which is not a single value"
        except KeyError:
            yield f"the value '{key}'"
    for key in sorted(named.conditions):
        try:
            if not isinstance(lookup(values, key), bool):
                yield f"the condition '{key}', which is neither true nor false"
        except KeyError:
            yield f"the condition '{key}'"
    for name in sorted(named.references - named.labels):
        yield f"the cross-reference '{name}'"


def substitute(text: str, values: Mapping[str, Any]) -> str:
    """Put the values in place of `{{< meta … >}}`."""
    return META.sub(lambda match: _text(lookup(values, match[1])), text)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
