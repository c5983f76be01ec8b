"""Networks that were trained elsewhere: a study has what their scores depend on as they have it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.archive.settings import IngestSettings
from analysis.errors import StudyError
from analysis.grading.scheme import Outcome, Scheme, load_scheme
from analysis.imaging.settings import ImagesSettings
from analysis.network.settings import FORM, NetworkSettings, PredictionSettings
from analysis.network.trained.folder import SECTIONS, check_files, read_sections, seed_of, weights_of
from analysis.settings import GRADINGS

#: What scores depend on, by section: the network's own, which nothing here may contradict.
ASKED: dict[str, tuple[str, ...]] = {
    "images": ("size", "window", "percentiles", "border", "min_content"),
    "ingest": ("cut",),
    "network": (*FORM, "seeds"),
    "prediction": tuple(PredictionSettings.model_fields),
}
#: What a study says of its network, trained elsewhere or not.
OWN = ("trained", "device", "precision", "compile")


def adopt(config: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration with the settings that a trained network asks for.

    Parameters
    ----------
    config : mapping
        The merged configuration; `network.trained` names the network's folder.
    said : mapping
        What of it was said for this study, and not taken over from the default one.

    Raises
    ------
    StudyError
        If the folder isn't a whole network's, a start of training is named beside it, or a key that scores depend on says
        otherwise than the network; names the key and both values.
    """
    if config["network"].get("weights"):
        raise StudyError(
            "network.weights starts a training, and with network.trained none is done; leave one of them out."
        )
    folder = Path(str(config["network"]["trained"]))
    check_files(folder)
    whole, sections = read_sections(folder)
    carried = {name: section.model_dump(mode="json") for name, section in sections.items()}
    defaults = {name: model().model_dump(mode="json") for name, model in SECTIONS.items()}
    wrong = [] if config["grading"] == whole["grading"] else [("grading", config["grading"], whole["grading"])]
    found: dict[str, Any] = dict(config)
    for name, keys in ASKED.items():
        own = dict(config.get(name) or {})
        for key in keys:
            explicit, default = (said.get(name) or {}), defaults[name][key]
            if key in own and (key in explicit or not _same(own[key], default)):
                wrong += _differing(f"{name}.{key}", own[key], carried[name][key])
            own[key] = carried[name][key]
        found[name] = own
    if wrong:
        told = [
            f"{key} is {_told(there)} there and {_told(here)} in the configuration" for key, here, there in wrong[:3]
        ]
        more = f", and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise StudyError(
            f"network.trained: the network in {folder} scores otherwise: {'; '.join(told)}{more}. Leave these keys out, or "
            "name another network."
        )
    _hold_grading("network.trained", folder, str(whole["grading"]))
    kept = {key: config["network"][key] for key in OWN if key in config["network"]}
    if "precision" not in (said.get("network") or {}):
        kept["precision"] = "float32"  # the same scores on whatever processor the network is carried to
    found["network"] = carried["network"] | kept
    return found


@dataclass(frozen=True)
class Brought:
    """What a network asks for that is compared with a study's own.

    Attributes
    ----------
    folder : Path
    seeds : list of int
        Of its members.
    images : ImagesSettings or None
        How images are prepared for it; None where the study's own are prepared so.
    network : NetworkSettings
        Its form; precision and device are this machine's.
    prediction : PredictionSettings
    """

    folder: Path
    seeds: list[int]
    images: ImagesSettings | None
    network: NetworkSettings
    prediction: PredictionSettings


def ask(
    name: str, folder: Path, grading: str, ingest: IngestSettings, images: ImagesSettings, network: NetworkSettings
) -> Brought:
    """Read what a network asks for that is to be compared with a study's own.

    Parameters
    ----------
    name : str
        Its key in `compare_networks`, for errors.
    folder : Path
        As the rule `card` wrote it; every file is held against its hash.
    grading : str
    ingest, images, network : Settings
        The study's.

    Raises
    ------
    StudyError
        If the folder isn't a whole network's, it grades otherwise, or its films were cut otherwise, which can't be done anew
        for it; the message names the key.
    """
    key = f"compare_networks.{name}"
    try:
        check_files(folder)
        whole, sections = read_sections(folder)
    except StudyError as error:
        raise StudyError(f"{key}: {error}") from error
    if whole["grading"] != grading:
        raise StudyError(
            f"{key}: the network in {folder} grades by {whole['grading']} and this study by {grading}; name another network, "
            f"or run the study with --config grading={whole['grading']}."
        )
    _hold_grading(key, folder, grading)
    theirs: Any = sections
    if wrong := list(_differing("ingest.cut", ingest.cut.model_dump(), theirs["ingest"].cut.model_dump())):
        where, here, there = wrong[0]
        # A study of a network that was trained elsewhere can't cut otherwise than that one asks for.
        advice = (
            f"as its network in {network.trained} asks; leave this network out, the two can't be compared on the same exams."
            if network.trained
            else f"which are cut already; set {where} to {_told(there)} for the whole study, or leave this network out."
        )
        raise StudyError(
            f"{key}: {where} is {_told(there)} for the network in {folder} and {_told(here)} for this study's exams, {advice}"
        )
    own = {name: getattr(theirs["images"], name) for name in ASKED["images"]}
    wanted = images.model_copy(update=own)
    kept = {"precision": "float32", "device": network.device, "compile": network.compile}
    return Brought(
        folder,
        [seed_of(path) for path in weights_of(folder)],
        None if wanted == images else wanted,
        theirs["network"].model_copy(update=kept),
        theirs["prediction"],
    )


def _hold_grading(key: str, folder: Path, grading: str) -> None:
    """Refuse a scheme that has the name of the network's and other outcomes."""
    theirs, ours = folder / f"{grading}.yaml", GRADINGS / f"{grading}.yaml"
    outcomes = [
        {one.id: (one.kind, one.item, one.levels, *_rule(scheme, one)) for one in scheme.outcomes}
        for scheme in map(load_scheme, (theirs, ours))
    ]
    odd = [name for name in {**outcomes[0], **outcomes[1]} if outcomes[0].get(name) != outcomes[1].get(name)]
    if odd:
        raise StudyError(
            f"{key}: {theirs} grades otherwise than {ours}: the outcome '{odd[0]}' is not the same in both; "
            f"copy the network's file to {GRADINGS}, or name another network."
        )


def _rule(scheme: Scheme, outcome: Outcome) -> list[str]:
    """Return the words of the rule that an outcome rests on, where it rests on one."""
    return scheme.disease.rule.split() if scheme.disease and outcome.kind == "disease" else []


def _differing(key: str, here: Any, there: Any) -> Iterator[tuple[str, Any, Any]]:
    """Give each key, down to the last one, whose values differ; what isn't set here doesn't count."""
    if isinstance(here, Mapping) and isinstance(there, Mapping):
        for name, value in here.items():
            yield from _differing(f"{key}.{name}", value, there.get(name))
    elif not _same(here, there):
        yield key, here, there


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return all(_same(value, other.get(name)) for name, value in one.items())
    return bool(one == other)


def _told(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
