"""The study on a real Slurm of two nodes on this machine, and without a file system that the jobs share.

No part of the suite, since it takes many minutes: `make test-cluster`.
"""

import os
import signal
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.cluster.slurm import Slurm, missing, processes
from tests.workflow.conftest import Clone
from tests.workflow.test_profiles import PLUGINS, PROFILE
from tests.workflow.test_run import state
from tests.workflow.test_smoke import COHORT, STUDY

AUDIT, COVERAGE = f"{COHORT}/audit.csv", f"{COHORT}/coverage.csv"
#: One thread for each job, here as there: how sums are rounded depends on them.
ALONE = ("--set-threads", *(f"{rule}=1" for rule in PROFILE["set-threads"]))
#: Three jobs read the archive's files.
PARTS = ("--config", "ingest={shards: 3}")
#: This Slurm has neither accounts nor a database.
PLAIN = ("--slurm-no-account", "--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2")
#: A store in the place of a file system that jobs share for results; the code they do share.
STORE = ("--default-storage-provider", "fs", "--shared-fs-usage")
CODE = ("persistence", "software-deployment", "sources", "source-cache")


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    if missing():
        pytest.skip(f"needs Debian's slurm-wlm and munge: {', '.join(missing())} not found")
    if os.getuid():
        pytest.skip("a Slurm without systemd is started by root")
    if not PLUGINS.is_dir():
        pytest.skip("needs envs/cluster.txt in .venv/cluster, which envs/setup.sh test installs")
    cluster = Slurm(tmp_path_factory.mktemp("slurm") / "run")
    yield cluster
    cluster.stop()


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    return Clone(tmp_path_factory.mktemp("clone"))


@pytest.fixture
def study(slurm, clone, tmp_path):
    """A clone of its own, and a way to start Snakemake in it on the cluster."""
    return Study(slurm, clone.copy(tmp_path / "clone"))


class Study:
    def __init__(self, slurm: Slurm, clone: Clone) -> None:
        self.slurm, self.folder, self.before = slurm, clone.folder, len(slurm.jobs())
        self.said = clone.folder / "said.txt"

    def start(self, *arguments, profile=True):
        where = ("--profile", "profiles/slurm", *PLAIN, "--jobs", "4") if profile else ("--cores", "1")
        command = [
            *("env", "--default-signal=INT"),  # a shell has what it starts in the background ignore Ctrl-C
            *("snakemake", *arguments),
            *where,
            *(ALONE if profile else ()),
            *PARTS,
            "--configfile",
            "workflow/studies/smoke.yaml",
        ]
        environment = self.slurm.environment | {"PYTHONPATH": str(PLUGINS)}
        with self.said.open("w") as said:
            return subprocess.Popen(command, cwd=self.folder, env=environment, stdout=said, stderr=said)

    def run(self, *arguments, profile=True):
        code = self.start(*arguments, profile=profile).wait(3000)
        assert code == 0, self.said.read_text()[-8000:]
        return self.said.read_text()

    def jobs(self):
        """This study's jobs on the cluster, in the order in which they were handed in: number, comment, state."""
        return sorted(self.slurm.jobs(), key=lambda job: int(job[0]))[self.before :]

    def until_it_computes(self, word):
        """Wait until a step runs on a node; return its process."""
        found = []

        def runs():
            found[:] = [
                process.pid
                for process in processes()
                if process.said.startswith("python -m")
                and f"{COHORT}/logs/{word}.log" in process.said
                # Others may be at work on this machine.
                and Path(f"/proc/{process.pid}/cwd").resolve() == self.folder.resolve()
            ]
            return found and any(said == "RUNNING" for _, _, said in self.jobs())

        self.slurm.until(runs, 300)
        return found[0]


@pytest.fixture(scope="module")
def local(slurm, clone, tmp_path_factory):
    """What the study comes to without a cluster."""
    study = Study(slurm, clone.copy(tmp_path_factory.mktemp("local") / "clone"))
    study.run(profile=False)
    return made(study.folder)


def made(folder):
    """Every result and its hash, but for what holds the hour, the logs that are there, or the files' places on the disk."""
    other = (f"{STUDY}/manuscript/", f"{STUDY}/provenance", f"{STUDY}/privacy.csv", f"{COHORT}/private/headers")
    return {name: digest for name, digest in state(folder).items() if not name.startswith(other)}


def test_the_study_comes_to_the_same_as_without_a_cluster(study, local):
    study.run()
    assert made(study.folder) == local
    assert (study.folder / STUDY / "manuscript/index.html").is_file()
    assert {said for _, _, said in study.jobs()} == {"COMPLETED"}


def test_without_a_shared_file_system_each_job_has_what_it_declares(study, local, tmp_path):
    store = ("--default-storage-prefix", str(tmp_path / "store"))
    study.run(*STORE, *CODE, *store, "--remote-job-local-storage-prefix", f"{tmp_path}/node-$SLURM_JOB_ID")
    assert made(tmp_path / "store") == local
    assert (tmp_path / "store" / STUDY / "manuscript/index.html").is_file()


def test_two_processes_of_a_node_train_as_one(clone, tmp_path):
    """By torchrun, as the rule starts it for each GPU of a job; here they are processes of the CPU.

    Each step of plain gradient descent is proportional to its gradient, and so to what rounding changes in it. AdamW's
    first ones are of full length however small the gradient is: there, scores differ as after another number of threads.
    """
    twin = clone.copy(tmp_path / "clone")
    made = f"{STUDY}/predictions/exams.parquet"
    overlay = twin.folder / "plain.yaml"
    overlay.write_text("network: {device: cpu, training: {optimiser: sgd}}")
    scores = []
    for several in ((), ("--set-resources", "train:gpu=2")):
        done = twin.snakemake(made, "--forcerun", "train", *ALONE, *several, more=(overlay.name,))
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        scores.append(pd.read_parquet(twin.folder / made).set_index("exam").select_dtypes("float"))
    one, two = scores
    assert len(one) == 20 and not one.equals(two)  # they did share the batches
    np.testing.assert_allclose(two, one, atol=0.005)


def test_a_job_over_its_memory_is_tried_again_with_more(study):
    study.run(AUDIT, "--set-resources", "audit:mem_mb=60 if attempt == 1 else 2000")
    assert [said for _, _, said in study.jobs()] in (["FAILED", "COMPLETED"], ["OUT_OF_MEMORY", "COMPLETED"])
    assert "exceeded" in study.slurm.said() or "Trying to restart" in study.said.read_text()


def test_a_job_that_was_killed_is_tried_again(study):
    running = study.start(COVERAGE)
    os.kill(study.until_it_computes("coverage"), signal.SIGKILL)
    assert running.wait(600) == 0, study.said.read_text()[-4000:]
    assert [said for _, _, said in study.jobs()] == ["FAILED", "COMPLETED"]


def test_a_job_whose_node_goes_away_is_done_by_the_other(study):
    running = study.start(COVERAGE)
    study.until_it_computes("coverage")
    number = study.jobs()[0][0]
    node = study.slurm.ask("squeue", "--noheader", "--format=%N", f"--jobs={number}")
    study.slurm.kill_node(node)
    try:
        assert running.wait(900) == 0, study.said.read_text()[-4000:]
        done = study.jobs()[-1][0]
        assert study.slurm.ask("squeue", "--noheader", "--format=%N", "--states=all", f"--jobs={done}") != node
        # sinfo says of it that it completes the job, which it can't, and nothing else.
        study.slurm.until(lambda: "State=DOWN" in study.slurm.ask("scontrol", "show", "node", node))
    finally:
        study.slurm.start_node(node)
        study.slurm.until(lambda: study.slurm.ask("sinfo", "--noheader", "--format=%D %T").split() == ["2", "idle"])


def test_ctrl_c_leaves_no_job_behind(study):
    running = study.start(COVERAGE)
    study.until_it_computes("coverage")
    running.send_signal(signal.SIGINT)
    running.wait(120)
    study.slurm.until(lambda: not study.slurm.jobs("PENDING", "RUNNING", "COMPLETING"), 60)
    assert [said for _, _, said in study.jobs()] == ["CANCELLED"]
