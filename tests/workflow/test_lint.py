"""Snakemake's own lint, which tests/test_form.py runs, sees what it is run for; the catalog finds what it asks for."""

import os

import pytest
import yaml

from tests.workflow import started
from tests.workflow.conftest import ROOT


def lint(folder):
    return started.run(["snakemake", "--lint"], folder, dict(os.environ))


@pytest.mark.parametrize(
    ("file", "was", "becomes", "said"),
    [
        ("network.smk", 'images=folder_of("prepared")', "images=IMAGES", "hardcoded"),
        (
            "statistics.smk",
            "rule coverage:",
            "def twice(x):\n    return 2 * x\n\n\nrule coverage:",
            "Mixed rules and functions",
        ),
    ],
)
def test_a_planted_fault_is_seen(clone, tmp_path, file, was, becomes, said):
    twin = clone.copy(tmp_path / "clone")
    path = twin.folder / "workflow/rules" / file
    assert was in path.read_text()
    path.write_text(path.read_text().replace(was, becomes, 1))
    done = lint(twin.folder)
    assert done.returncode != 0 and said in done.stdout + done.stderr


def test_the_catalog_finds_the_workflow(clone):
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert usage["software-stack-deployment"]["conda"] and (ROOT / "config/README.md").is_file()
    done = clone.snakemake("-n", "-s", "workflow/Snakefile")
    assert done.returncode == 0, done.stderr
