"""Which line of a YAML file says what, for errors that a person can correct."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import yaml

_MERGE = "tag:yaml.org,2002:merge"


def line_of(path: str | Path, keys: Iterable[object]) -> int:
    """Return the line (from 1) of the key reached by following `keys` from the top of a YAML file.

    Merged mappings (`<<: *other`) are followed into where the key is written. Where a key isn't
    in the file, the line of the last one that is.
    """
    node = yaml.compose(Path(path).read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    line = 1
    for key in keys:
        pair = _find(node, str(key))
        if pair is None:
            break
        line, node = pair[0].start_mark.line + 1, pair[1]
    return line


def _find(node: yaml.Node | None, key: str) -> tuple[yaml.Node, yaml.Node] | None:
    if isinstance(node, yaml.SequenceNode):
        index = int(key) if key.isdigit() else -1
        return (node.value[index], node.value[index]) if 0 <= index < len(node.value) else None
    if not isinstance(node, yaml.MappingNode):
        return None
    for name, value in node.value:
        if name.tag != _MERGE and name.value == key:
            return name, value
    for name, value in node.value:
        if name.tag == _MERGE:
            for other in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                pair = _find(other, key)
                if pair is not None:
                    return pair
    return None
