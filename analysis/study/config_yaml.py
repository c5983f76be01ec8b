"""config.yaml as a file for people: every key of the model, with what the model says of it as a comment."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from analysis.files import write_text
from analysis.study.configuration import Study
from analysis.yaml_files import dump_yaml

_HEAD = """\
# The default study: every parameter, with its unit and reason. An overlay changes some of them:
#   snakemake --cores all --configfile workflow/studies/kneekl224.yaml
# `python -m analysis config` rewrites this file from the models of the settings and keeps the values;
# workflow/config.schema.json lets an editor complete and check it. Square brackets hold the values to choose from. In
# each section the keys below "for experts" come last; what they stand for seldom needs a change.
"""
_WIDTH = 118
#: Heads the keys of a section that only an expert touches.
_EXPERT = "# ---- for experts ----"


def describe(model: BaseModel, depth: int = 0) -> str:
    """Write a section as YAML with a comment above each key, those for experts last.

    Parameters
    ----------
    model : pydantic.BaseModel
        The section, with its values.
    depth : int
        How many levels it is indented.
    """
    indent = "  " * depth
    lines: list[str] = []
    expert = getattr(model, "expert", ())
    fields = sorted(type(model).model_fields.items(), key=lambda field: field[0] in expert)
    for i, (name, field) in enumerate(fields):
        if name in expert and (i == 0 or fields[i - 1][0] not in expert):
            lines.append(f"{indent}{_EXPERT}")
        value = getattr(model, name)
        nested = isinstance(value, BaseModel)
        text = (type(value).__doc__ or "").split("\n")[0] if nested else _said(field)
        if depth == 0:
            lines.append("")
        lines += [f"{indent}# {line}" for line in textwrap.wrap(" ".join(text.split()), _WIDTH - len(indent) - 2)]
        if nested:
            lines += [f"{indent}{name}:", describe(value, depth + 1)]
        else:
            lines.append(_entry(name, value, indent))
    return "\n".join(lines)


def _said(field: FieldInfo) -> str:
    """What the model says of a key, with the values to choose from and the keys of an entry where it has any."""
    said = field.description or ""
    choices = [
        str(choice) for kind in _parts(field.annotation) if get_origin(kind) is Literal for choice in get_args(kind)
    ]
    if not set(choices) <= set(re.findall(r"[\w-]+", said)):
        said += f" [{', '.join(choices)}]"
    for kind in _parts(field.annotation):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            keys = [f"{name} ({_said(key)})" for name, key in kind.model_fields.items()]
            said += f". Each has {', '.join(keys)}"
    return said


def _parts(kind: Any) -> list[Any]:
    """A type and those that it is made of, as a list's entries."""
    return [kind, *(part for inner in get_args(kind) if get_origin(kind) is not Literal for part in _parts(inner))]


def _entry(name: str, value: Any, indent: str) -> str:
    value = _plain(value)
    line = f"{indent}{name}: {_flow(value)}"
    if len(line) <= _WIDTH:
        return line
    match value:
        case dict():
            entries = [f"{_flow(key)}: {_flow(entry)}" for key, entry in value.items()]
        case list():
            entries = [f"- {_flow(entry)}" for entry in value]
        case _:
            block = dump_yaml({name: value}, width=_WIDTH - len(indent))
            return textwrap.indent(block.rstrip(), indent)
    return "\n".join([f"{indent}{name}:", *(f"{indent}  {entry}" for entry in entries)])


def _flow(value: Any) -> str:
    text = dump_yaml(value, flow=True, width=10**6)
    return text.removesuffix("...\n").strip()


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    return value


def write_config(study: Study, path: str | Path) -> None:
    """Write `study` as a commented configuration file."""
    write_text(path, _HEAD + describe(study) + "\n")


def write_schema(path: str | Path) -> None:
    """Write the JSON schema of the configuration, for editors."""
    write_text(path, json.dumps(Study.model_json_schema(), indent=1, ensure_ascii=False) + "\n")
