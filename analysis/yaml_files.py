"""YAML as people mean it: version 1.2, and no key twice.

PyYAML reads version 1.1, where `yes` is true, `010` is 8, `1:30` is 90 and a date is no text, and of a key that stands
twice it keeps the last one in silence. What is written here is read back as the same values.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from analysis.errors import StudyError
from analysis.files import read_bytes

_MERGE = "tag:yaml.org,2002:merge"
_INTEGER = "tag:yaml.org,2002:int"
#: The core schema of YAML 1.2 (chapter 10.3.2), by the first characters that a value may have; `<<` is kept of 1.1.
_CORE = (
    ("tag:yaml.org,2002:bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("tag:yaml.org,2002:null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    (_INTEGER, r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    (
        "tag:yaml.org,2002:float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+0123456789.",
    ),
    (_MERGE, r"<<", "<"),
)


class _TwiceError(yaml.MarkedYAMLError):
    pass


class _Meaning(yaml.constructor.SafeConstructor):
    """What both loaders make of a node."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        lines: dict[Any, int] = {}
        for key, _ in node.value:
            if key.tag == _MERGE:
                continue
            name, line = self.construct_object(key, deep=True), key.start_mark.line + 1
            if name in lines:
                problem = f"'{name}' is there already, in line {lines[name]}; remove one"
                raise _TwiceError(problem=problem, problem_mark=key.start_mark)
            lines[name] = line
        return super().construct_mapping(node, deep)


def _integer(loader: Any, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node))
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    return int(text[2:] if base != 10 else text, base)


class _Loader(_Meaning, yaml.SafeLoader):
    pass


class _FastLoader(_Meaning, yaml.CSafeLoader):
    """In C: some ten times as fast on config.yaml, but what is nested too deeply ends the process."""


#: As deep as a text may be nested for the fast loader, far below what its stack holds.
_DEEP = 1000


class _Dumper(yaml.CSafeDumper):
    pass


for _class in (_Loader, _FastLoader, _Dumper):
    _class.yaml_implicit_resolvers = {}
    for _tag, _pattern, _first in _CORE:
        _class.add_implicit_resolver(_tag, re.compile(f"(?:{_pattern})$"), list(_first))
_Loader.add_constructor(_INTEGER, _integer)
_FastLoader.add_constructor(_INTEGER, _integer)


def _load(text: str) -> Any:
    # Nested at most by a level for each bracket, and for each column of a line.
    if text.count("[") + text.count("{") + max(map(len, text.splitlines()), default=0) < _DEEP:
        with suppress(yaml.YAMLError):
            return yaml.load(text, _FastLoader)
    # The other one says best what is wrong.
    return yaml.load(text, _Loader)


def parse_yaml(text: str, source: str) -> Any:
    """Read a YAML text.

    Parameters
    ----------
    text : str
    source : str
        What to call it in an error.

    Raises
    ------
    StudyError
        If it is not YAML, or a key stands twice; the message names the line.
    """
    try:
        return _load(text)
    except yaml.MarkedYAMLError as error:
        where = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        what = " ".join(str(error.problem or error.context).split())
        if isinstance(error, _TwiceError):
            raise StudyError(f"{source}{where}: {what}.") from error
        raise StudyError(f"{source}{where} is not valid YAML: {what}.") from error
    except (yaml.YAMLError, TypeError, ValueError, RecursionError) as error:
        raise StudyError(f"{source} is not valid YAML ({' '.join(str(error).split())[:200]}).") from error


def load_yaml(path: str | Path) -> Any:
    """Read a YAML file.

    Raises
    ------
    StudyError
        If the file is missing or is not YAML; the message names file and line.
    """
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise StudyError(f"The file {path} is not UTF-8 (byte {error.start + 1}); save it as UTF-8.") from error
    return parse_yaml(text, str(path))


def dump_yaml(value: Any, *, width: int = 110, flow: bool = False) -> str:
    """Return plain values as YAML, keys in their order."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=width, default_flow_style=flow)
