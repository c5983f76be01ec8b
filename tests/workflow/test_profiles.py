"""The profile for a cluster: Snakemake takes it, and it says of every rule with several threads how many those are."""

import re
import subprocess

import pytest
import yaml

from tests.workflow.conftest import ROOT
from tests.workflow.test_smoke import jobs

PLUGINS = ROOT / ".venv/cluster"  # apart: each start of Snakemake imports all it finds
PROFILE = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())


def rules():
    """Every rule's text by its name."""
    text = "\n".join(path.read_text() for path in sorted((ROOT / "workflow/rules").glob("*.smk")))
    found = re.findall(
        r"^ *(?:use rule \w+ as|rule) (\w+)(?: with)?:\n(.*?)(?=^ *(?:use )?rule |\Z)", text, re.M | re.S
    )
    return dict(found)


def test_every_rule_with_several_threads_has_a_number():
    several = {name for name, text in rules().items() if re.search(r"^ *threads: (?!1$)", text, re.M)}
    assert several == set(PROFILE["set-threads"])


def test_groups_are_of_rules_that_are_there():
    assert set(PROFILE["groups"]) <= set(rules())
    assert set(PROFILE["group-components"]) <= set(PROFILE["groups"].values())


def plugged(clone, *arguments):
    """Run Snakemake with the plugins for a cluster, which the one that the tests share has not loaded; or skip."""
    if not (PLUGINS / "snakemake_executor_plugin_slurm").is_dir():
        pytest.skip("needs envs/cluster.txt in .venv/cluster, which envs/setup.sh test installs")
    command, environment = clone.command(*arguments)
    environment["PYTHONPATH"] = str(PLUGINS)
    return subprocess.run(command, cwd=clone.folder, env=environment, capture_output=True, text=True)


def test_snakemake_takes_it(clone):
    planned = plugged(clone, "-n", "--forceall", "--quiet", "host", "--profile", "profiles/slurm")
    assert {"make_archive", "ingest", "train", "manuscript"} <= set(jobs(planned))
