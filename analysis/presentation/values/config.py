"""The configuration as the text can use it: readable numbers, and a yes or no for each choice it could have made."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from analysis.presentation.format import listed


def readable(value: Any) -> Any:
    """Turn a configuration into text, key by key.

    Parameters
    ----------
    value : mapping, list, number, text, bool or None

    Returns
    -------
    dict, list of dict, bool or str
        Numbers with commas in their thousands and no more digits than they have; lists of plain values
        as "a, b and c"; None as "none".
    """
    if isinstance(value, Mapping):
        return {_key(key): readable(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        if any(isinstance(entry, Mapping) for entry in value):
            return {f"n{index}": readable(entry) for index, entry in enumerate(value, start=1)}
        return listed([str(readable(entry)) for entry in value])
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return f"{value:,.10g}".replace("-", "−")
    return "none" if value is None else str(value).replace("_", " ")


def chosen(model: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return true or false for every option of every key that has named options.

    Parameters
    ----------
    model : type of pydantic model
        The configuration, or a section of it.
    values : mapping
        Its values.

    Returns
    -------
    dict
        Nested as the configuration; e.g. `network.pool.features` is true where that was chosen.
    """
    found: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        value = values.get(name)
        for part in _parts(field.annotation):
            if get_origin(part) is Literal:
                found[name] = {_key(option): value == option for option in get_args(part)}
            elif isinstance(part, type) and issubclass(part, BaseModel) and isinstance(value, Mapping):
                inner = chosen(part, value)
                if inner:
                    found[name] = inner
    return found


def given(values: Any) -> Any:
    """Return, for every key, whether it is anything: not none, zero, false or empty."""
    if isinstance(values, Mapping):
        return {_key(key): given(entry) for key, entry in values.items()}
    return bool(values)


def _key(name: Any) -> str:
    return str(name).replace("-", "_").replace(".", "_").replace(" ", "_")


def _parts(annotation: Any) -> list[Any]:
    """Return the members of a union, or the annotation itself."""
    import types

    if get_origin(annotation) in (typing.Union, types.UnionType):
        return list(get_args(annotation))
    return [annotation]
