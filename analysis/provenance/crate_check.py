"""Whether a crate conforms to RO-Crate and its profiles, and describes the files beside it."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from analysis.errors import StudyError
from analysis.files import digest_of
from analysis.provenance.crate import METADATA, PROFILES, WORKFLOW, Entity, files_in


def check_crate(root: Path) -> int:
    """Check a crate against RO-Crate and its profiles.

    Parameters
    ----------
    root : Path
        The folder with `ro-crate-metadata.json`.

    Returns
    -------
    int
        Entities in it.

    Raises
    ------
    StudyError
        Names everything that is wrong.
    """
    path = root / METADATA
    try:
        graph: list[Entity] = json.loads(path.read_text(encoding="utf-8"))["@graph"]
        entities = {entity["@id"]: entity for entity in graph}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StudyError(f"{path} is no RO-Crate ({error}); make the bundle again.") from error
    problems = [] if len(entities) == len(graph) else ["an @id is defined twice"]
    problems += [*_root(entities), *_references(entities), *_parts(entities, root), *_runs(entities)]
    if not problems:
        problems += _reads_back(root, entities)
    if problems:
        more = f"; and {len(problems) - 10} more" if len(problems) > 10 else ""
        raise StudyError(f"{path} is not valid: {'; '.join(problems[:10])}{more}.")
    return len(entities)


def _ids(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [entry["@id"] for entry in values if isinstance(entry, dict) and "@id" in entry]


def _kinds(entity: Entity) -> list[str]:
    kinds = entity.get("@type", [])
    return kinds if isinstance(kinds, list) else [kinds]


def _root(entities: Mapping[str, Entity]) -> Iterator[str]:
    descriptor, root = entities.get(METADATA, {}), entities.get("./", {})
    if _ids(descriptor.get("about")) != ["./"]:
        yield f"{METADATA} is not about the root dataset"
    if not any(url.startswith("https://w3id.org/ro/crate/") for url in _ids(descriptor.get("conformsTo"))):
        yield f"{METADATA} does not say to which RO-Crate it conforms"
    for name in ("name", "description", "datePublished", "license", "hasPart", "mainEntity", "mentions"):
        if not root.get(name):
            yield f"the root dataset has no {name}"
    for url in PROFILES:
        if url not in _ids(root.get("conformsTo")):
            yield f"the root dataset does not conform to {url}"
    for main in _ids(root.get("mainEntity")):
        found = entities.get(main, {})
        lacking = {"File", "SoftwareSourceCode", "ComputationalWorkflow"} - set(_kinds(found))
        if lacking:
            yield f"{main} is no {sorted(lacking)[0]}"
        if "ComputerLanguage" not in [kind for one in _ids(found.get("programmingLanguage"))
                                      for kind in _kinds(entities.get(one, {}))]:  # fmt: skip
            yield f"{main} has no programmingLanguage"


def _references(entities: Mapping[str, Entity]) -> Iterator[str]:
    outside = {"https://w3id.org/ro/crate/1.1"}
    for name, entity in entities.items():
        if not entity.get("@type"):
            yield f"{name} has no @type"
        for key, value in entity.items():
            for target in _ids(value):
                if target not in entities and target not in outside:
                    yield f"{name} refers by {key} to {target}, which is not defined"


def _parts(entities: Mapping[str, Entity], root: Path) -> Iterator[str]:
    listed = set(_ids(entities.get("./", {}).get("hasPart")))
    folders = set()
    for name, entity in entities.items():
        if name in ("./", METADATA) or not {"File", "Dataset"} & set(_kinds(entity)):
            continue
        if name not in listed:
            yield f"{name} is no part of the root dataset"
        place = root / unquote(name)
        if not place.resolve().is_relative_to(root.resolve()):
            yield f"{name} lies outside the crate"
        elif "Dataset" in _kinds(entity):
            folders.add(unquote(name))
            if not place.is_dir():
                yield f"the folder {name} does not exist"
        elif not place.is_file():
            yield f"the file {name} does not exist"
        elif "sha256" in entity and entity["sha256"] != digest_of(place):
            yield f"the file {name} is not the one that was described"
    described = {unquote(name) for name in entities}
    for path in files_in(root):
        if path not in described and not any(path.startswith(folder) for folder in folders):
            yield f"the file {path} is not described"


def _runs(entities: Mapping[str, Entity]) -> Iterator[str]:
    root = entities.get("./", {})
    runs = {name: entity for name, entity in entities.items() if "CreateAction" in _kinds(entity)}
    if not any(_ids(run.get("instrument")) == _ids(root.get("mainEntity")) for run in runs.values()):
        yield "no CreateAction has the workflow as its instrument"
    for name, run in runs.items():
        if name not in _ids(root.get("mentions")):
            yield f"the root dataset does not mention {name}"
        for key in ("name", "instrument", "object", "result", "endTime"):
            if not run.get(key):
                yield f"{name} has no {key}"
        try:
            datetime.fromisoformat(run.get("endTime", ""))
        except ValueError:
            yield f"the endTime of {name} is no time"
    for name, entity in entities.items():
        if "FormalParameter" in _kinds(entity) and not entity.get("additionalType"):
            yield f"{name} has no additionalType"


def _reads_back(root: Path, entities: Mapping[str, Entity]) -> Iterator[str]:
    from rocrate.rocrate import ROCrate

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            crate = ROCrate(root)
        except Exception as error:  # whatever the library stumbles over is a fault of the crate
            yield f"the rocrate library can't read it ({error})"
            return
    lost = set(entities) - {entity.id for entity in crate.get_entities()}
    if lost:
        yield f"the rocrate library does not find {sorted(lost)[0]}"
    if crate.mainEntity is None or crate.mainEntity.id != WORKFLOW:
        yield "the rocrate library does not find the workflow"
