"""The bundle of the smoke study in an empty folder: it renders, and its statistics are done again."""

import json
import os
import platform
import re
import subprocess
import zipfile

import pandas as pd
import pytest
from click.testing import CliRunner

from analysis.errors import StudyError
from analysis.manuscript.holes import plain_text
from analysis.provenance.commands import bundle as command
from analysis.provenance.crate_check import check_crate
from tests.workflow.conftest import Clone
from tests.workflow.test_smoke import COHORT, STUDY, digest, jobs


@pytest.fixture(scope="module")
def bundle(smoke, tmp_path_factory):
    """The unpacked bundle, in which Snakemake can run."""
    done = smoke.snakemake("bundle")
    assert done.returncode == 0, done.stderr[-4000:]
    unpacked = Clone.__new__(Clone)
    unpacked.folder = tmp_path_factory.mktemp("reviewer") / "bundle"
    with zipfile.ZipFile(smoke.folder / STUDY / "bundle.zip") as archive:
        archive.extractall(unpacked.folder)
    return unpacked


def test_provenance_says_what_the_study_was_made_of(smoke):
    text = (smoke.folder / STUDY / "provenance.json").read_text()
    found = json.loads(text)
    assert found["config"]["cohort"]["name"] == "smoke" and found["seeds"]["study"] == found["config"]["seed"]
    assert {"R", "pROC", "Python", "Snakemake"} <= set(found["versions"])
    assert {"torch", "pandas", "rpy2-robjects"} <= set(found["versions"]["packages"])
    assert {"make_archive", "train-0", "evaluate", "manuscript"} <= set(found["wall_time"])
    for name, said in found["inputs"].items():
        if name != "pixels":
            assert digest(smoke.folder / name) == said
    assert any(name.endswith("weights.safetensors") for name in found["inputs"])
    images = pd.read_parquet(smoke.folder / COHORT / "index/images.parquet")
    assert found["inputs"]["pixels"]["images"] >= len(images)
    assert platform.node() not in text and str(smoke.folder) not in text


def test_it_holds_no_images_no_weights_and_nothing_private(bundle):
    names = [path.relative_to(bundle.folder).as_posix() for path in bundle.folder.rglob("*") if path.is_file()]
    assert not [name for name in names if name.endswith((".npy", ".dcm", ".safetensors")) or "/private/" in name]
    assert not (bundle.folder / COHORT / "archive").exists()
    assert check_crate(bundle.folder) > 100


def test_its_pages_lead_to_nothing_that_it_lacks(bundle):
    pages = [path for path in bundle.folder.rglob("*.md") if not path.is_relative_to(bundle.folder / "analysis")]
    links = [(page, link) for page in pages for link in re.findall(r"\]\(([^)#:\s]+)", page.read_text())]
    assert pages and not [(page, link) for page, link in links if not (page.parent / link).exists()]


def test_every_table_that_is_made_again_is_there_to_be_compared_with(smoke, bundle):
    made = {path.name for folder in (COHORT, STUDY) for path in (smoke.folder / folder).glob("*.csv")}
    assert {path.name for path in (bundle.folder / "published").glob("*.csv")} == made


@pytest.mark.parametrize("target", ["active_learning", "browse", "bundle", "compare_gradings", "learning_curve"])
def test_what_takes_the_archive_is_refused_in_a_sentence(bundle, target):
    done = bundle.snakemake("-n", target, study="study.yaml")
    said = done.stdout + done.stderr
    assert done.returncode != 0 and "a bundle" in said.lower() and "No rule" not in said, said[-2000:]


def test_it_renders_to_the_same_text(smoke, bundle):
    _, environment = bundle.command()
    # The environment is here already: `setup` would build one of its own.
    done = subprocess.run(
        ["make", "-o", "setup", "ACTIVATE=true", "render"],
        cwd=bundle.folder, env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("index.html", "index.docx", "index.xml", "index.pdf"):
        anew, own = (plain_text(folder / name) for folder in (
            bundle.folder / "published/rendered", smoke.folder / STUDY / "manuscript"))  # fmt: skip
        assert anew == own and (len(anew) > 10_000 or name.endswith("pdf"))


def test_its_statistics_are_done_again_from_the_predictions(smoke, bundle):
    planned = jobs(bundle.snakemake("-n", study="study.yaml"))
    once = ("evaluate", "coverage", "false_positives", "sample_size", "audit", "check", "config", "tables", "figures")
    assert planned == {**dict.fromkeys((*once, "values", "manuscript", "provenance", "all"), 1), "settings": 3}
    roc = f"{STUDY}/statistics/roc.csv"
    done = bundle.snakemake(roc, study="study.yaml")
    assert done.returncode == 0, done.stderr[-4000:]
    anew, own = (pd.read_csv(folder / roc) for folder in (bundle.folder, smoke.folder))
    pd.testing.assert_frame_equal(anew, own)


def test_what_names_somebody_is_not_packed(smoke, tmp_path, monkeypatch):
    monkeypatch.chdir(smoke.folder)
    private = pd.read_parquet(f"{COHORT}/private/index.parquet")
    note = smoke.folder / STUDY / "predictions/note.txt"
    note.write_text(f"exam {private['accession'].dropna().iloc[0]}")
    arguments = ["--study", STUDY, "--config", f"{STUDY}/config.yaml", "--private", f"{COHORT}/private/index.parquet",
                 "--archive", f"{COHORT}/archive", "--out", tmp_path / "bundle.zip", note.relative_to(smoke.folder)]  # fmt: skip
    try:
        done = CliRunner().invoke(command, [os.fspath(argument) for argument in arguments])
    finally:
        note.unlink()
    assert isinstance(done.exception, StudyError)
    assert "note.txt" in str(done.exception) and "accession number" in str(done.exception)
    assert not list(tmp_path.iterdir())
