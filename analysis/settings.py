"""What all sections of the configuration have in common."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from analysis.errors import StudyError
from analysis.yaml_files import load_yaml

CONFIG = Path("config.yaml")
#: The schemes that come along or were added, from the folder that commands are run in.
GRADINGS = Path("workflow/gradings")
#: The study's seed where the configuration gives none.
SEED = 2021
#: One of several starts of training, which torch, numpy and file names all take.
Seed = Annotated[int, Field(ge=0, lt=2**31)]
_SHORT = 60


class Settings(BaseModel):
    """A section of the configuration: frozen, with no key that isn't known.

    Attributes
    ----------
    expert : tuple of str
        Keys that only an expert touches; config.yaml marks them so and has them last.
    blank : tuple of str
        Keys in which an empty text means something: what says nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)
    expert: ClassVar[tuple[str, ...]] = ()
    blank: ClassVar[tuple[str, ...]] = ()

    @field_validator("*", mode="before")
    @classmethod
    def _is_meant(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse true and false where a number is asked for, which would count as 1 and 0, and texts without a letter."""
        wanted = cls.model_fields[info.field_name or ""].annotation
        if _holds_truth(value) and not _asks_for_truth(wanted):
            raise ValueError("true and false are no numbers")
        if info.field_name not in cls.blank and _holds_blank(value, wanted):
            raise ValueError("it holds a text without a letter; write what it is, or leave it out")
        return value


def _holds_truth(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_truth, value.values()))
    return any(map(_holds_truth, value)) if isinstance(value, list | tuple) else isinstance(value, bool)


def _asks_for_truth(wanted: Any) -> bool:
    if wanted in (bool, Any) or (isinstance(wanted, type) and issubclass(wanted, BaseModel)):
        return True  # a section looks at its own values
    return any(map(_asks_for_truth, get_args(wanted)))


def _holds_blank(value: Any, wanted: Any) -> bool:
    """Whether a value is an empty text where one is asked for, or holds one, as a list's entry or a mapping's name."""
    if isinstance(value, str):
        return not value.strip() and (wanted is str or any(_holds_blank(value, part) for part in get_args(wanted)))
    if get_origin(wanted) is dict and isinstance(value, dict):
        names, values = get_args(wanted)
        return any(_holds_blank(name, names) or _holds_blank(one, values) for name, one in value.items())
    parts = value if isinstance(value, list | tuple) else [value] * isinstance(value, dict)
    return any(_holds_blank(one, part) for part in get_args(wanted) for one in parts)


S = TypeVar("S", bound=Settings)


def load(model: type[S], path: str | Path) -> S:
    """Read one section from its own YAML file, e.g. results/<cohort>/settings/network.yaml."""
    return parse(model, load_yaml(path) or {}, str(path))


def whole(path: str | Path, *sections: str) -> dict[str, Any]:
    """Read a whole configuration, unchecked but for the sections that are needed being there.

    Raises
    ------
    StudyError
        If the file is missing or broken, or has not all of these sections; the message names the first.
    """
    values = load_yaml(path)
    missing = [name for name in sections if not isinstance(values, dict) or not isinstance(values.get(name), dict)]
    if missing:
        raise StudyError(f"{path} has no section '{missing[0]}'; give the whole configuration of a study.")
    return dict(values)


def section(model: type[S], name: str, file: str | Path | None = None, config: Path = CONFIG) -> S:
    """Read one section, for a command that is run by hand.

    Parameters
    ----------
    model : type
        What the section is checked by.
    name : str
        Its key in config.yaml.
    file : path, optional
        A file of its own; without, `config`. What is written in neither has its default.
    config : Path
        The whole configuration; config.yaml in the folder that the command is run in.

    Raises
    ------
    StudyError
        If the file is missing or broken, or a key is wrong; the message names it.
    """
    if file is not None:
        return load(model, file)
    values = (load_yaml(config) or {}).get(name, {}) if config.is_file() else {}
    return parse(model, values, f"{config}: {name}")


def parse(model: type[S], values: Any, source: str) -> S:
    """Make `model` of `values`, or say in one sentence which key of `source` is wrong.

    Raises
    ------
    StudyError
        Names the first offending key, what was expected, and the nearest valid key for a typo.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise StudyError(f"{source}: {_sentence(model, first)}") from error


def _sentence(model: type[BaseModel], problem: Any) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(problem["loc"][-1]), _keys(model, problem["loc"][:-1]), n=1, cutoff=0.5)
        hint = f"; did you mean '{near[0]}'?" if near else "; remove it."
        return f"the key '{key}' is not known{hint}"
    if problem["type"] == "missing":
        return f"the key '{key}' is missing; add it."
    if problem["type"] in ("model_type", "dict_type"):
        where = f"the value of '{key}' is no list of keys" if key else "it holds no keys"
        return f"{where}; write it as config.yaml has it, a key and its value a line."
    if problem["loc"][-1:] == ("[key]",) and problem["type"] == "string_pattern_mismatch":
        within = ".".join(map(str, problem["loc"][:-2]))
        return f"the name '{problem['input']}' in '{within}' doesn't fit the pattern {problem['ctx']['pattern']}; choose another."
    message = problem["msg"].removeprefix("Value error, ").removesuffix(".")
    if problem["type"] in ("tuple_type", "list_type"):
        message = "write a list, in square brackets"
    elif problem["type"] in ("too_short", "too_long"):
        least, most = (problem["ctx"].get(f"{end}_length") for end in ("min", "max"))
        message = f"give at least {least}" if most is None else f"give at most {most}"
    if not key:  # a check of several values together, whose message names them
        return message if message.endswith("?") else f"{message}."
    value = repr(problem["input"])
    value = value if len(value) <= _SHORT else value[:_SHORT] + "…"
    return f"the value of '{key}' ({value}) is wrong: {message}."


def _keys(model: Any, where: tuple[Any, ...]) -> list[str]:
    for part in where:
        field = getattr(model, "model_fields", {}).get(part)
        model = getattr(field, "annotation", None)
    return list(getattr(model, "model_fields", {}))
