"""Without a file system that the jobs share, a rule has what it declares and nothing else."""

import shutil

import pytest

from tests.workflow.test_profiles import plugged

COHORT = "results/smoke"
AUDIT = f"{COHORT}/audit.csv"


def test_a_rule_that_reads_what_it_does_not_declare_fails(clone, tmp_path):
    """The rule is a quick one; all of the study is run so by `make test-cluster`."""
    if not shutil.which("rsync"):
        pytest.skip("needs rsync, which the storage in a folder copies with")
    store = tmp_path / "store"
    options = ("--shared-fs-usage", "none", "--default-storage-provider", "fs", "--default-storage-prefix", str(store))
    twin = clone.copy(tmp_path / "clone")
    shutil.rmtree(twin.folder / COHORT, ignore_errors=True)  # where the study has run before, the settings lie there
    path = twin.folder / "workflow/rules/statistics.smk"
    text = path.read_text()
    declared = '"python -m analysis --log {log} audit --settings {input.settings} --out {output}"'
    assert declared in text
    path.write_text(text.replace(declared, declared.replace("{input.settings}", "{params.settings}")).replace(
        "rule audit:\n", "rule audit:\n    params:\n        settings=str(settings('statistics')),\n"
    ))  # fmt: skip
    undeclared = plugged(twin, AUDIT, *options)
    assert undeclared.returncode and "does not exist" in undeclared.stderr, undeclared.stderr[-2000:]
    path.write_text(text)
    done = plugged(twin, AUDIT, *options)
    assert done.returncode == 0, done.stderr[-2000:]
    assert (store / AUDIT).is_file() and not (twin.folder / AUDIT).exists()
