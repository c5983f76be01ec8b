"""The study as a Workflow Run RO-Crate: what each file is, and which run of the workflow made it.

The profiles are Process Run Crate and Workflow Run Crate 0.5 on Workflow RO-Crate 1.0 and RO-Crate 1.1
(https://www.researchobject.org/workflow-run-crate/).
"""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analysis.files import digest_of

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
        As `analysis.provenance.provenance` collects it.
    title, description : str
        Of the study.
    datasets : mapping
        Folders of code to what they hold; their files are not described one by one.
    given, made : str
        Folders of the files that the run of the study handed over and made: its results.
    config : str
        The configuration of the run.
    """
    from rocrate.rocrate import ROCrate

    crate = ROCrate(version="1.1")
    crate.metadata.extra_contexts.append(CONTEXT)
    crate.root_dataset["datePublished"] = provenance["made"]
    crate.name, crate.description = title, description
    crate.root_dataset["license"] = _add(crate, LICENCE, "CreativeWork", name="MIT License", identifier="MIT")
    crate.root_dataset["conformsTo"] = [
        _add(crate, url, "CreativeWork", name=name, version=version) for url, (name, version) in PROFILES.items()
    ]
    crate.metadata["conformsTo"] = [{"@id": crate.metadata.profile}, {"@id": list(PROFILES)[-1]}]
    parameters = {
        name: _add(crate, f"#{name}", "FormalParameter", additionalType="File", name=name)
        for name in ("configfile", "predictions", "manuscript")
    }
    crate.mainEntity = workflow = _workflow(crate, root, provenance, parameters)
    for folder, what in datasets.items():
        crate.add_dataset(root / folder, f"{folder}/", properties={"name": folder, "description": what})
    files = {
        path: crate.add_file(root / path, path, properties=_properties(root / path))
        for path in files_in(root)
        if path not in (WORKFLOW, METADATA) and not any(path.startswith(f"{folder}/") for folder in datasets)
    }
    files[config]["exampleOfWork"] = parameters["configfile"]
    for path, entity in files.items():
        if path.startswith(given) and "/predictions/" in path:
            entity["exampleOfWork"] = parameters["predictions"]
        elif path.startswith(f"{made}/manuscript/index."):
            entity["exampleOfWork"] = parameters["manuscript"]
    archive = _add(
        crate,
        "#archive",
        "CreativeWork",
        name="The archive of radiographs, reports and readings; no part of this crate",
        description="; ".join(f"{name}: {_told(value)}" for name, value in provenance["inputs"].items()),
    )
    run = _add(
        crate,
        RUN,
        "CreateAction",
        name=f"Run of the workflow: {title}",
        description=f"snakemake --cores all --configfile {config}",
        endTime=provenance["made"],
        actionStatus="http://schema.org/CompletedActionStatus",
    )
    run["instrument"] = workflow
    run["object"] = [files[config], archive]
    run["result"] = [
        entity for path, entity in files.items() if path.startswith((given, f"{made}/")) and path != config
    ]
    if authors := _authors(crate, provenance["config"]["manuscript"]["authors"]):
        run["agent"] = crate.root_dataset["author"] = authors
    crate.root_dataset["mentions"] = [run]
    crate.metadata.write(root)


def _add(crate: Any, link: str, kind: str, **properties: Any) -> Any:
    """Add something that is no file of the crate."""
    from rocrate.model import ContextEntity

    return crate.add(ContextEntity(crate, link, {"@type": kind, **properties}))


def _workflow(crate: Any, root: Path, provenance: Mapping[str, Any], parameters: Mapping[str, Any]) -> Any:
    """Add the workflow, the language that it is written in, and what goes in and comes out."""
    from rocrate.model import ComputerLanguage

    code, paper, site = (
        provenance["code"],
        "https://doi.org/10.1093/bioinformatics/bts480",
        "https://snakemake.readthedocs.io",
    )
    language = crate.add(
        ComputerLanguage(
            crate,
            "#snakemake",
            {
                "name": "Snakemake",
                "identifier": {"@id": paper},
                "url": {"@id": site},
                "version": provenance["versions"]["Snakemake"],
            },
        )
    )
    _add(crate, paper, "CreativeWork", name="Snakemake, the paper")
    _add(crate, site, "CreativeWork", name="Snakemake, the documentation")
    workflow = crate.add_file(
        root / WORKFLOW,
        WORKFLOW,
        properties={
            "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
            "name": "From raw knee radiographs to a manuscript",
            "version": code["commit"] or code["sha256"],
        },
    )
    workflow["programmingLanguage"] = language
    workflow["license"] = crate.root_dataset["license"]
    workflow["input"] = [parameters["configfile"]]
    workflow["output"] = [parameters["predictions"], parameters["manuscript"]]
    return workflow


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


def files_in(root: Path) -> list[str]:
    """Return the paths of all files below a folder, relative to it, sorted."""
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def _properties(path: Path) -> Entity:
    kind = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "text/plain"
    return {
        "name": path.name,
        "encodingFormat": kind,
        "contentSize": str(path.stat().st_size),
        "sha256": digest_of(path),
    }


def _told(value: Any) -> str:
    return value if isinstance(value, str) else ", ".join(f"{key} {entry}" for key, entry in value.items())
