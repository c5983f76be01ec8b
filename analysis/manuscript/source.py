"""The manuscript's source: what it asks for by name, and the text that the values make of it.

The source is written as Quarto knows it: `{{< include >}}` for parts, `{{< meta >}}` for values, and blocks and phrases
that a condition shows or hides. All of it is resolved here, once, so that every renderer is given the same plain text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from analysis.errors import StudyError

META = re.compile(r"\{\{<\s*meta\s+([^\s>]+)\s*>\}\}")
INCLUDE = re.compile(r"^\{\{<\s*include\s+(\S+)\s*>\}\}[ \t]*$", re.MULTILINE)
CONDITION = re.compile(r"(when|unless)-meta=\"([^\"]+)\"")
CITATION = re.compile(r"(?<![\w.])@([A-Za-z][\w:.-]*\w)")
LABEL = re.compile(r"\{#((?:fig|tbl|sec)-[\w-]+)")
IMAGE = re.compile(r"!\[[^\]]*\]\(([^)\s]+)\)")
TARGETS = ("fig-", "tbl-", "sec-")

#: The line that opens or closes a block.
FENCE = re.compile(r":{3,}\s*(\{.*\}|[\w-]+)?\s*$")
CHOSEN = re.compile(r"\{\.content-(visible|hidden)((?:\s+(?:when|unless)-meta=\"[^\"]+\")+)\s*\}")
#: What tells where a phrase in brackets ends; brackets in code and behind a backslash are none.
BRACKET = re.compile(rf"\\.|`[^`\n]*`|\[|\](?:{CHOSEN.pattern})?")
#: Stands for a hidden phrase until the spaces around it are put in order.
GONE = "\0"


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


def expand(text: str, read: Callable[[str], str | None]) -> str:
    """Return a text with its includes in place, and theirs.

    Parameters
    ----------
    text : str
    read : callable
        Returns the text of an included file by its name, or None for one that is to be left.
    """

    def included(match: re.Match[str]) -> str:
        part = read(match[1])
        return match[0] if part is None else expand(part, read).rstrip("\n") + "\n"

    return INCLUDE.sub(included, text)


def keys(text: str) -> Keys:
    """Return what an expanded source names."""
    named = frozenset(CITATION.findall(text))
    return Keys(
        values=frozenset(META.findall(text)),
        conditions=frozenset(key for _, key in CONDITION.findall(text)),
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


def choose(text: str, values: Mapping[str, Any]) -> str:
    """Return a text with the blocks and phrases that its conditions show, and without the others.

    A line of which nothing is left goes; spaces about a hidden phrase become one.

    Raises
    ------
    StudyError
        If a block or a bracket isn't closed, or a condition has a form that isn't known; names the line.
    """
    parts = re.split(r"(\n[ \t]*\n)", _blocks(text, values))
    chosen = "".join(part if part.isspace() else _phrases(part, values) for part in parts)
    for line in chosen.splitlines():
        if "content-visible" in line or "content-hidden" in line:
            raise StudyError(f"The manuscript has a condition that can't be read in '{line.strip()[:80]}'; correct it.")
    return chosen


def substitute(text: str, values: Mapping[str, Any]) -> str:
    """Put the values in place of `{{< meta … >}}`."""
    return META.sub(lambda match: _text(lookup(values, match[1])), text)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _shown(how: str, conditions: str, values: Mapping[str, Any]) -> bool:
    met = all(lookup(values, key) is (kind == "when") for kind, key in CONDITION.findall(conditions))
    return met is (how == "visible")


def _blocks(text: str, values: Mapping[str, Any]) -> str:
    kept: list[str] = []
    open_: list[tuple[str, bool, bool]] = []  # line, whether it is a condition, whether its content is shown
    for line in text.splitlines(keepends=True):
        fence = FENCE.match(line)
        shown = all(block[2] for block in open_)
        if fence is None:
            kept += [line] * shown
        elif fence[1]:
            condition = CHOSEN.fullmatch(fence[1])
            open_.append((line, condition is not None, condition is None or _shown(condition[1], condition[2], values)))
            kept += [line] * (shown and condition is None)
        elif open_:
            conditional = open_.pop()[1]
            kept += [line] * (all(block[2] for block in open_) and not conditional)
        else:
            raise StudyError("The manuscript closes a block (:::) that it didn't open; correct its source.")
    if open_:
        raise StudyError(f"The manuscript doesn't close the block '{open_[-1][0].strip()}'; add a line of ':::'.")
    return "".join(kept)


def _phrases(paragraph: str, values: Mapping[str, Any]) -> str:
    texts, end = [""], 0  # of each bracket that is open
    for match in BRACKET.finditer(paragraph):
        texts[-1] += paragraph[end : match.start()]
        end = match.end()
        if match[0] == "[":
            texts.append("")
        elif match[0].startswith("]") and len(texts) > 1:
            inner = texts.pop()
            if match[1] is None:
                texts[-1] += f"[{inner}]"
            else:
                texts[-1] += inner if _shown(match[1], match[2], values) else GONE
        else:
            texts[-1] += match[0]
    whole = "[".join(texts) + paragraph[end:]
    if GONE not in whole:
        return whole
    lines = (re.sub(rf"[ \t]*{GONE}[ \t{GONE}]*", _space, line) if GONE in line else line for line in whole.split("\n"))
    return "\n".join(line for line in lines if line.strip()) + "\n" * (len(whole) - len(whole.rstrip("\n")))


def _space(match: re.Match[str]) -> str:
    """Return what stays of a hidden phrase and the spaces around it: nothing at either end of a line."""
    inside = match.start() > 0 and match.end() < len(match.string)
    return " " if inside and re.search(r"[ \t]", match[0]) else ""
