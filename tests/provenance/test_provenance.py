"""What a study says it was made of, its RO-Crate, and the zip for reviewers."""

import hashlib
import json
import os
import platform
import subprocess
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from analysis.errors import StudyError
from analysis.provenance import crate
from analysis.provenance.bundle import pack
from analysis.provenance.crate_check import check_crate
from analysis.provenance.provenance import (
    code_files,
    code_state,
    machine,
    package_versions,
    pixels,
    provenance,
    publishable,
    wall_times,
)
from analysis.study.configuration import load_study, read_configuration

FOUND = {
    "made": "2026-01-02T03:04:05+00:00",
    "code": {"commit": None, "dirty": None, "sha256": "0" * 64},
    "config": {
        "manuscript": {
            "authors": [
                {"name": "A. Reader", "affiliation": None, "orcid": "0000-0002-1825-0097"},
                {"name": "B. Writer"},
            ]
        }
    },
    "versions": {"Snakemake": "9.0"},
    "inputs": {"reports.csv": "0" * 64, "pixels": {"images": 3, "sha256": "1" * 64}},
}


def git(folder, *arguments):
    identity = ("-c", "user.name=n", "-c", "user.email=e", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", folder, *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "repository"
    (folder / "analysis").mkdir(parents=True)
    (folder / "workflow/studies").mkdir(parents=True)
    for name in ("Snakefile", "analysis/a.py", "workflow/studies/own.yaml", "notes.txt"):
        (folder / name).write_text(name)
    return folder


def test_code_without_git_is_known_by_its_hash(repository):
    before = code_state(repository)
    assert before["commit"] is None and before["dirty"] is None
    (repository / "notes.txt").write_text("no code")
    (repository / "workflow/studies/own.yaml").write_text("another study")
    assert code_state(repository) == before
    (repository / "analysis/a.py").write_text("changed")
    assert code_state(repository)["sha256"] != before["sha256"]


def test_code_in_git(repository):
    git(repository, "init", "-q")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "first")
    state = code_state(repository)
    assert len(state["commit"]) == 40 and state["dirty"] is False
    (repository / "analysis/a.py").write_text("changed")
    assert code_state(repository)["dirty"] is True and code_state(repository)["commit"] == state["commit"]


def test_another_repository_around_the_code_is_not_its_own(repository):
    git(repository.parent, "init", "-q")
    git(repository.parent, "add", ".")
    git(repository.parent, "commit", "-qm", "somebody else's")
    assert code_state(repository)["commit"] is None


def test_overlays_of_other_studies_are_no_code(repository):
    assert [path.as_posix() for path in code_files(repository)] == ["Snakefile", "analysis/a.py"]


def test_paths_of_the_machine_are_not_published():
    archive = {
        "source": "folder",
        "folder": "/home/anna/dicom",
        "key": None,
        "kneekl224": {"folder": "/data", "doi": "d"},
    }
    clean = publishable({"archive": archive, "manuscript": {"folder": "kept"}})
    assert "/" not in json.dumps(clean)
    assert clean["archive"]["kneekl224"]["doi"] == "d" and clean["archive"]["key"] is None
    assert clean["manuscript"] == {"folder": "kept"}


def test_what_names_a_machine_or_its_folders_is_not_published_and_the_rest_is_still_a_study():
    away, host = "/home/anna/x", "room.hospital.example"
    said = {
        "compare_networks": {"other": away},
        "archive": {"harmless": away, "pacs": {"connection": away, "accessions": away, "readings": away}},
        "network": {"weights": away, "width": 8},
        "learning_curve": {"starts": {"random": None, "chen": away}},
        "reading": {"host": host, "names": [host], "proxies": [host], "tls": {"certificate": away, "key": away}},
    }
    entries = [f"{key}={json.dumps(value)}" for key, value in said.items()]
    config = load_study(read_configuration(["config.yaml"], entries)).model_dump(mode="json")
    clean = publishable(config | {"start": "predictions"})
    assert away in json.dumps(config) and host in json.dumps(config)
    assert away not in json.dumps(clean) and host not in json.dumps(clean)
    again = load_study(clean)
    assert again.network.width == 8 and list(again.learning_curve.starts) == ["random", "chen"]
    plain = load_study(read_configuration(["config.yaml"])).model_dump(mode="json")
    assert publishable(plain) == plain


def test_jobs_of_seeds_and_shards_no_longer_asked_for_are_not_told(tmp_path):
    config = load_study(read_configuration(["config.yaml"], ["network={seeds: [0, 3]}", "images={shards: 2}"]))
    for name in ("train-0", "train-1", "train-3", "prepare-1", "prepare-2", "evaluate"):
        (tmp_path / f"{name}.tsv").write_text("s\tcpu_time\n1.5\t0.75\n")
        (tmp_path / f"{name}.log").write_text(f"{'0' * 64}  {name}.csv\n")
    found = provenance(config.model_dump(mode="json"), [], None, [tmp_path], [tmp_path], {})
    assert set(found["wall_time"]) == set(found["read"]) == {"train-0", "train-3", "prepare-1", "evaluate"}


def test_the_machine_is_told_without_names():
    told = machine()
    assert told["cores"] >= told["usable_cores"] >= 1 and told["memory_gb"] > 0
    text = json.dumps(told)
    assert platform.node() not in text and str(Path.home()) not in text


def test_versions_are_of_what_is_imported(tmp_path):
    (tmp_path / "a.py").write_text("import os\nimport yaml\nfrom numpy import linalg\nfrom . import b\n")
    assert set(package_versions(tmp_path)) == {"numpy", "PyYAML"}


def test_hash_of_pixels_is_blind_to_order_and_files_without_pixels(tmp_path):
    found = []
    for hashes in (["b", None, "a"], ["a", "b"], ["a", "c"]):
        pd.DataFrame({"pixel_hash": hashes, "path": range(len(hashes))}).to_parquet(tmp_path / "index.parquet")
        found.append(pixels(tmp_path / "index.parquet"))
    assert found[0] == found[1] == {"images": 2, "sha256": hashlib.sha256(b"a\nb").hexdigest()}
    assert found[2] != found[0]


def test_wall_times(tmp_path):
    (tmp_path / "train-0.tsv").write_text("s\th:m:s\tmax_rss\tcpu_time\n1.50\t0:00:01\t-\t0.75\n")
    assert wall_times([tmp_path]) == {"train-0": {"wall_s": 1.5, "cpu_s": 0.75}}
    (tmp_path / "broken.tsv").write_text("s\th:m:s\n")
    with pytest.raises(StudyError, match=r"broken\.tsv"):
        wall_times([tmp_path])


@pytest.fixture
def described(tmp_path):
    """A small crate."""
    folder = tmp_path / "crate"
    for name in (
        "Snakefile",
        "README.md",
        "analysis/a.py",
        "published/config.yaml",
        "published/manuscript/index.html",
        "published/values with space.yml",
        "results/x/kl/predictions/exams.parquet",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    crate.write_crate(
        folder, FOUND, title="A study", description="Of knees", datasets={"analysis": "Code"}, given="results/x",
        made="published", config="published/config.yaml",
    )  # fmt: skip
    return folder


def edit(folder, change):
    """Change the entities of a crate, by name."""
    path = folder / crate.METADATA
    text = json.loads(path.read_text())
    entities = {entity["@id"]: entity for entity in text["@graph"]}
    change(entities)
    text["@graph"] = list(entities.values())
    path.write_text(json.dumps(text))


def test_crate_is_valid(described):
    assert check_crate(described) > 15
    entities = {entity["@id"]: entity for entity in json.loads((described / crate.METADATA).read_text())["@graph"]}
    run = entities["#run"]
    assert run["instrument"] == {"@id": "Snakefile"} and run["endTime"] == FOUND["made"]
    results = {entry["@id"] for entry in run["result"]}
    assert "results/x/kl/predictions/exams.parquet" in results and "published/config.yaml" not in results
    assert {"@id": "https://orcid.org/0000-0002-1825-0097"} in entities["./"]["author"]
    assert "analysis/a.py" not in entities


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda e: e["./"].pop("license"), "no license"),
        (lambda e: e["./"].pop("datePublished"), "no datePublished"),
        (lambda e: e["./"]["conformsTo"].pop(), "does not conform to https://w3id.org/workflowhub"),
        (lambda e: e["./"]["hasPart"].remove({"@id": "README.md"}), "README.md is no part"),
        (lambda e: e.pop("README.md"), "README.md, which is not defined"),
        (lambda e: e.pop("#snakemake"), "#snakemake, which is not defined"),
        (lambda e: e["Snakefile"].update({"@type": "File"}), "Snakefile is no ComputationalWorkflow"),
        (lambda e: e["#run"].update(instrument={"@id": "README.md"}), "no CreateAction has the workflow"),
        (lambda e: e["#run"].pop("result"), "#run has no result"),
        (lambda e: e["#run"].update(endTime="yesterday"), "endTime of #run is no time"),
        (lambda e: e["./"].update(mentions=[]), "does not mention #run"),
        (lambda e: e["#configfile"].pop("additionalType"), "#configfile has no additionalType"),
        (lambda e: e["ro-crate-metadata.json"].update(about={"@id": "#run"}), "not about the root dataset"),
        (lambda e: e["README.md"].pop("@type"), "README.md has no @type"),
        (lambda e: e.update({"x": {"@id": "../x", "@type": "File"}}), "lies outside the crate"),
    ],
)
def test_a_fault_of_the_crate_is_named(described, change, said):
    edit(described, change)
    with pytest.raises(StudyError, match=said):
        check_crate(described)


def test_files_and_crate_belong_together(described):
    (described / "README.md").write_text("other")
    with pytest.raises(StudyError, match=r"README\.md is not the one"):
        check_crate(described)
    (described / "README.md").unlink()
    with pytest.raises(StudyError, match=r"README\.md does not exist"):
        check_crate(described)
    (described / "README.md").write_text("README.md")
    check_crate(described)
    (described / "stray.txt").touch()
    with pytest.raises(StudyError, match=r"stray\.txt is not described"):
        check_crate(described)


def test_the_same_files_give_the_same_zip(described, tmp_path):
    (described / "set up.sh").touch()
    pack(described, tmp_path / "one.zip", 1)
    for path in described.rglob("*"):
        os.utime(path, (1e9, 1e9))
    pack(described, tmp_path / "two.zip", 1)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert archive.getinfo("set up.sh").external_attr >> 16 & 0o111


def test_a_bundle_that_is_too_large_says_of_what(described, tmp_path):
    (described / "large.bin").write_bytes(os.urandom(50_000))
    with pytest.raises(
        StudyError, match=r"0\.1 MB, more than manuscript\.bundle_mb allows \(0\.02\).* large\.bin \(0\.1 MB"
    ):
        pack(described, tmp_path / "one.zip", 0.02)
    assert not list(tmp_path.glob("*.zip"))
