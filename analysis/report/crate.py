"""The study as a Workflow Run RO-Crate: what each file is, and which run of the workflow made it.

The profiles are Process Run Crate and Workflow Run Crate 0.5 on Workflow RO-Crate 1.0 and RO-Crate 1.1
(https://www.researchobject.org/workflow-run-crate/).
"""

from __future__ import annotations

import json
import mimetypes
import warnings
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from analysis.errors import StudyError
from analysis.report.sources import file_hash

METADATA = "ro-crate-metadata.json"
WORKFLOW = "Snakefile"
RUN = "#run"
LICENCE = "https://spdx.org/licenses/MIT"
CONTEXT = "https://w3id.org/ro/terms/workflow-run/context"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
#: Media types that Python's table lacks.
TYPES = {".parquet": "application/vnd.apache.parquet", ".qmd": "text/markdown", ".yml": "application/yaml",
         ".yaml": "application/yaml", ".smk": "text/x-python", ".csv": "text/csv"}  # fmt: skip

Entity = dict[str, Any]


def write_crate(
    root: Path,
    provenance: Mapping[str, Any],
    *,
    title: str,
    description: str,
    datasets: Mapping[str, str],
    given: str,
    made: str,
    config: str,
) -> None:
    """Describe a folder by `ro-crate-metadata.json` in it.

    Parameters
    ----------
    root : Path
        The folder; it holds the workflow.
    provenance : mapping
        As `analysis.report.provenance` collects it.
    title, description : str
        Of the study.
    datasets : mapping
        Folders of code to what they hold; their files are not described one by one.
    given, made : str
        Folders of the files that the run of the study handed over and made: its results.
    config : str
        The configuration of the run.
    """
    from rocrate.model import ComputerLanguage, ContextEntity
    from rocrate.rocrate import ROCrate

    crate = ROCrate(version="1.1")
    crate.metadata.extra_contexts.append(CONTEXT)
    crate.root_dataset["datePublished"] = provenance["made"]
    crate.name, crate.description = title, description
    crate.root_dataset["license"] = crate.add(
        ContextEntity(crate, LICENCE, {"@type": "CreativeWork", "name": "MIT License", "identifier": "MIT"})
    )
    crate.root_dataset["conformsTo"] = [
        crate.add(ContextEntity(crate, url, {"@type": "CreativeWork", "name": name, "version": version}))
        for url, (name, version) in PROFILES.items()
    ]
    crate.metadata["conformsTo"] = [{"@id": crate.metadata.profile}, {"@id": list(PROFILES)[-1]}]
    language = ComputerLanguage(
        crate,
        "#snakemake",
        {
            "name": "Snakemake",
            "identifier": {"@id": "https://doi.org/10.1093/bioinformatics/bts480"},
            "url": {"@id": "https://snakemake.readthedocs.io"},
            "version": provenance["versions"]["Snakemake"],
        },
    )
    crate.add(language)
    for link, name in (("https://doi.org/10.1093/bioinformatics/bts480", "Snakemake, the paper"),
                       ("https://snakemake.readthedocs.io", "Snakemake, the documentation")):  # fmt: skip
        crate.add(ContextEntity(crate, link, {"@type": "CreativeWork", "name": name}))
    parameters = {
        name: crate.add(
            ContextEntity(crate, f"#{name}", {"@type": "FormalParameter", "additionalType": kind, "name": name})
        )
        for name, kind in (("configfile", "File"), ("predictions", "File"), ("manuscript", "File"))
    }
    workflow = crate.add_file(
        root / WORKFLOW,
        WORKFLOW,
        properties={
            "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
            "name": "From raw knee radiographs to a manuscript",
            "version": provenance["code"]["commit"] or provenance["code"]["sha256"],
        },
    )
    workflow["programmingLanguage"] = language
    workflow["license"] = crate.root_dataset["license"]
    workflow["input"], workflow["output"] = (
        [parameters["configfile"]],
        [parameters["predictions"], parameters["manuscript"]],
    )
    crate.mainEntity = workflow
    for folder, what in datasets.items():
        crate.add_dataset(root / folder, f"{folder}/", properties={"name": folder, "description": what})
    files = {
        path: crate.add_file(root / path, path, properties=_properties(root / path))
        for path in _files(root)
        if path not in (WORKFLOW, METADATA) and not any(path.startswith(f"{folder}/") for folder in datasets)
    }
    files[config]["exampleOfWork"] = parameters["configfile"]
    for path, entity in files.items():
        if path.startswith(given) and "/predictions/" in path:
            entity["exampleOfWork"] = parameters["predictions"]
        elif path.startswith(f"{made}/manuscript/index."):
            entity["exampleOfWork"] = parameters["manuscript"]
    archive = crate.add(
        ContextEntity(
            crate,
            "#archive",
            {
                "@type": "CreativeWork",
                "name": "The archive of radiographs, reports and readings; no part of this crate",
                "description": "; ".join(f"{name}: {_told(value)}" for name, value in provenance["inputs"].items()),
            },
        )
    )
    run = crate.add(
        ContextEntity(
            crate,
            RUN,
            {
                "@type": "CreateAction",
                "name": f"Run of the workflow: {title}",
                "description": f"snakemake --cores all --configfile {config}",
                "endTime": provenance["made"],
                "actionStatus": "http://schema.org/CompletedActionStatus",
            },
        )
    )
    run["instrument"] = workflow
    run["object"] = [files[config], archive]
    run["result"] = [
        entity for path, entity in files.items() if path.startswith((given, f"{made}/")) and path != config
    ]
    if authors := _authors(crate, provenance["config"]["report"]["authors"]):
        run["agent"] = crate.root_dataset["author"] = authors
    crate.root_dataset["mentions"] = [run]
    crate.metadata.write(root)


def _authors(crate: Any, authors: list[Mapping[str, Any]]) -> list[Any]:
    from rocrate.model import Person

    return [
        crate.add(
            Person(
                crate,
                f"https://orcid.org/{author['orcid']}" if author.get("orcid") else f"#author-{number}",
                {
                    "name": author["name"],
                    **({"affiliation": author["affiliation"]} if author.get("affiliation") else {}),
                },
            )
        )
        for number, author in enumerate(authors, start=1)
    ]


def _files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def _properties(path: Path) -> Entity:
    kind = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "text/plain"
    return {
        "name": path.name,
        "encodingFormat": kind,
        "contentSize": str(path.stat().st_size),
        "sha256": file_hash(path),
    }


def _told(value: Any) -> str:
    return value if isinstance(value, str) else ", ".join(f"{key} {entry}" for key, entry in value.items())


def check_crate(root: Path) -> int:
    """Hold a crate to RO-Crate and to its profiles.

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
        elif "sha256" in entity and entity["sha256"] != file_hash(place):
            yield f"the file {name} is not the one that was described"
    described = {unquote(name) for name in entities}
    for path in _files(root):
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
