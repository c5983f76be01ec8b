"""A run that nothing changes from outside: not another command beside it, and not what was deleted since."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import time

import pandas as pd
import pytest
import yaml

from tests.workflow.conftest import ROOT, SMOKE, Clone
from tests.workflow.test_smoke import COHORT, STUDY, jobs

OTHER = ("--config", "statistics={level: 0.9}", "seed=99", "manuscript={title: Another}")


def state(folder):
    """Every file of a study but logs and times: its path and its hash."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((folder / COHORT).rglob("*"))
        if path.is_file() and not {"logs", "benchmarks"} & set(path.parts) and path.name != ".snakemake_timestamp"
    }


@pytest.fixture(scope="module")
def twin(smoke, tmp_path_factory):
    return smoke.copy(tmp_path_factory.mktemp("run") / "clone")


def test_a_lost_result_is_made_again_and_a_dry_run_and_a_second_start_change_nothing_meanwhile(twin, tmp_path):
    linked = Clone(tmp_path / "second")
    shutil.rmtree(linked.folder / "results")
    (linked.folder / "results").symlink_to(twin.folder / "results")
    before = state(twin.folder)
    (twin.folder / STUDY / "statistics/roc.csv").unlink()
    planned = jobs(twin.snakemake("-n"))
    assert "evaluate" in planned and "train" not in planned
    for name in ("tables", "figures"):
        shutil.rmtree(twin.folder / STUDY / name)
    log = twin.folder / STUDY / "logs/evaluate.log"
    log.unlink()
    command, environment = twin.command()
    with (twin.folder / "run.txt").open("w") as said:
        running = subprocess.Popen(command, cwd=twin.folder, env=environment, stdout=said, stderr=said)
        try:
            while not log.exists() and running.poll() is None:
                time.sleep(0.1)
            assert running.poll() is None, (twin.folder / "run.txt").read_text()[-4000:]
            planned = twin.snakemake("-n", *OTHER)
            assert "evaluate" in jobs(planned)
            for clone in (twin, linked):
                refused = clone.snakemake(*OTHER)
                assert running.poll() is None, "the run ended before the second start was tried"
                assert refused.returncode and "Another run is at work" in refused.stdout + refused.stderr
            assert running.wait(400) == 0, (twin.folder / "run.txt").read_text()[-4000:]
        finally:
            running.kill()
    roc = pd.read_csv(twin.folder / STUDY / "statistics/roc.csv")
    assert set(roc["level"]) == {0.95}
    after = state(twin.folder)
    # A rendered document holds the hour it was made in; how many files were searched depends on the logs there by then.
    other = (f"{STUDY}/manuscript/", f"{STUDY}/provenance", f"{STUDY}/privacy.csv")
    made = {name for name in after if not name.startswith(other)}
    assert {name: after[name] for name in made} == {name: before[name] for name in made}
    found = (
        f"{COHORT}/private/leaks.csv"  # of a search that another test had find something; the next search removes it
    )
    assert set(after) - {found} == set(before) - {found}
    assert jobs(twin.snakemake("-n")) == {}


def test_planning_leaves_a_finished_study_as_it_is(twin):
    before = state(twin.folder)
    assert "make_archive" in jobs(twin.snakemake("-n", *OTHER))
    assert state(twin.folder) == before
    assert yaml.safe_load((twin.folder / STUDY / "config.yaml").read_text())["seed"] == 2021


def test_planning_writes_nothing_but_snakemakes_own_notes(clone, tmp_path):
    """Neither a first plan nor a wrong configuration leaves a file behind."""
    fresh = clone.copy(tmp_path / "fresh")
    shutil.rmtree(fresh.folder / COHORT, ignore_errors=True)
    shutil.rmtree(fresh.folder / ".snakemake", ignore_errors=True)

    def files():
        return {p for p in fresh.folder.rglob("*") if ".snakemake" not in p.parts and "__pycache__" not in p.parts}

    before = files()
    assert "make_archive" in jobs(fresh.snakemake("-n"))
    assert fresh.snakemake("-n", "--config", "seed=yes").returncode
    assert files() == before


def test_every_result_is_asked_for(smoke):
    """A file that no rule declares, or that the study doesn't ask for, would stay missing once it is deleted."""
    done = smoke.snakemake("all", "-n", "--forcerun", "all")
    asked = re.search(r"^rule all:\n    input: (.*)$", done.stdout + done.stderr, re.M)
    assert asked, done.stdout + done.stderr
    declared = [name.strip() for name in asked.group(1).split(",")]
    kept = {
        f"{COHORT}/settings",
        f"{COHORT}/private/leaks.csv",
        f"{COHORT}/private/headers.parquet",  # what ingest knows of files that it has read; without it, it reads all
        f"{STUDY}/bundle.zip",
        f"{STUDY}/rendered",
    }  # made when something asks for them
    lost = [
        name
        for name in state(smoke.folder)
        if not any(name == path or name.startswith(f"{path}/") for path in (*declared, *kept))
    ]
    assert not [name for name in lost if not name.startswith(f"{COHORT}/archive/dicom/")]


@pytest.mark.parametrize(
    ("lost", "rule"),
    [
        ("figures", "figures"),
        ("tables", "tables"),
        ("values.yml", "values"),
        ("checks.csv", "check"),
        ("privacy.csv", "check_privacy"),
        ("config.yaml", "config"),
        ("provenance.json", "provenance"),
        ("statistics/comparisons.csv", "evaluate"),
        ("predictions/seeds.parquet", "predict"),
        ("attribution", "attribute"),
        ("attribution/cases.csv", "attribute"),
        ("tables/performance.md", "tables"),
        ("figures/roc.png", "figures"),
        ("manuscript/index.pdf", "manuscript"),
        ("manuscript/figures/roc.png", "manuscript"),
    ],
)
def test_a_result_that_was_deleted_is_made_again(twin, lost, rule):
    path = twin.folder / STUDY / lost
    aside = path.rename(twin.folder / "aside")
    try:
        planned = jobs(twin.snakemake("-n"))
        assert planned.get(rule) == 1
        assert "train" not in planned
    finally:
        aside.rename(path)


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ("statistics/roc.csv", "evaluate"),
        ("predictions/exams.parquet", "predict"),
        ("values.yml", "values"),
        ("tables/performance.csv", "tables"),
        ("figures/roc.svg", "figures"),
        ("../settings/statistics-*.yaml", "settings"),
    ],
)
def test_a_result_that_was_changed_by_hand_is_made_again(twin, changed, rule):
    (path,) = (twin.folder / STUDY).glob(changed)
    was, then = path.read_bytes(), path.stat()
    path.touch()  # as much as a copy that keeps no times
    assert rule not in jobs(twin.snakemake("-n"))
    try:
        path.write_bytes(was[:-9])
        assert jobs(twin.snakemake("-n")).get(rule) == 1
    finally:
        path.write_bytes(was)
        os.utime(path, ns=(then.st_atime_ns, then.st_mtime_ns))


def test_what_nothing_is_made_of_may_be_worked_in(twin):
    path = twin.folder / STUDY / "manuscript/manuscript.qmd"
    was, then = path.read_bytes(), path.stat()
    try:
        path.write_bytes(was + b"\nA sentence.\n")
        assert not jobs(twin.snakemake("-n"))
    finally:
        path.write_bytes(was)
        os.utime(path, ns=(then.st_atime_ns, then.st_mtime_ns))


def test_a_result_of_other_settings_is_made_again_whatever_snakemake_noted(twin):
    """As after a backup of the results alone: its notes lie in another folder."""
    log = twin.folder / STUDY / "logs/evaluate.log"
    was, then = log.read_text(), log.stat()
    other = re.sub(r"(/statistics)-[0-9a-f]{12}", rf"\1-{'0' * 12}", was)
    assert other != was
    try:
        log.write_text(other)
        os.utime(log, ns=(then.st_atime_ns, then.st_mtime_ns))
        planned = jobs(twin.snakemake("-n"))
        assert planned.get("evaluate") == 1 and "train" not in planned
    finally:
        log.write_text(was)
        os.utime(log, ns=(then.st_atime_ns, then.st_mtime_ns))


def test_what_a_step_read_is_what_provenance_says(smoke):
    found = json.loads((smoke.folder / STUDY / "provenance.json").read_text())
    assert {"ingest", "select", "reference", "train-0", "predict", "evaluate", "values"} <= set(found["read"])
    for step, files in found["read"].items():
        assert files, step
        for name, said in files.items():
            if (smoke.folder / name).is_file():
                assert hashlib.sha256((smoke.folder / name).read_bytes()).hexdigest() == said, (step, name)
    read = found["read"]["evaluate"]
    assert {f"{STUDY}/predictions/exams.parquet", f"{STUDY}/reference/reference.parquet"} <= set(read)
    (settings,) = (name for name in read if name.startswith(f"{COHORT}/settings/statistics-"))
    assert read[settings].startswith(re.search(r"-([0-9a-f]{12})\.yaml$", settings).group(1))
    assert (
        found["inputs"][f"{COHORT}/archive/readings.csv"] == found["read"]["ingest"][f"{COHORT}/archive/readings.csv"]
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a folder read-only")
def test_a_read_only_checkout_can_plan(clone, tmp_path):
    fresh = clone.copy(tmp_path / "fresh")
    shutil.rmtree(fresh.folder / COHORT, ignore_errors=True)
    (fresh.folder / ".snakemake").mkdir(exist_ok=True)
    command, environment = fresh.command("-n")
    mounted = (
        'mount --bind . . && mount -t tmpfs none "$PWD/.snakemake" && mount -o remount,bind,ro "$PWD" && cd "$PWD"'
        ' && ! touch x 2>/dev/null && exec "$@"'
    )
    done = subprocess.run(
        ["unshare", "--mount", "bash", "-c", mounted, "plan", *command],
        cwd=fresh.folder, env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"no mounts here: {done.stderr.strip()[-200:]}")
    assert "make_archive" in jobs(done)
    assert fresh.folder != ROOT and SMOKE


def test_a_network_more_than_there_are_cores_is_trained_beside_the_others(twin):
    weights = [f"{STUDY}/network/seed-{seed}/weights.safetensors" for seed in range(3)]
    done = twin.snakemake(*weights, "--config", "network={seeds: [0, 1, 2]}")
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-4000:]
    begun, ended = (
        [match.start() for match in re.finditer(pattern, said)]
        for pattern in (r"Job \d+: Train the network", r"Finished jobid: \d+ \(Rule: train\)")
    )
    assert len(begun) == len(ended) == 2, (
        "the first network is there"
    )  # the second has a core, the third none of its own
    assert max(begun) < min(ended)


def test_a_study_that_trains_is_not_told_as_the_external_validation_that_it_was(twin):
    left = twin.folder / STUDY / "network/development"
    left.mkdir()
    (left / "network.yaml").write_text("name: another\n")
    assert jobs(twin.snakemake("-n", f"{STUDY}/config.yaml")) == {} and left.exists()
    # Nor are its weights taken for the study's own.
    assert jobs(twin.snakemake("-n", "--rerun-triggers", "mtime")).get("train") == 1
    done = twin.snakemake(f"{STUDY}/config.yaml", "--forcerun", "config")
    assert done.returncode == 0, done.stderr[-4000:]
    assert not left.exists()
