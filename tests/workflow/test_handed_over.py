"""An archive that was handed over: whatever changes in it, however deep, is seen by the plan of the next run."""

import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import yaml

from analysis.archive.find import find, inventory
from tests.archive.files import radiograph, save
from tests.workflow.test_smoke import jobs

INDEX = "results/ours/index/images.parquet"
RNG = np.random.default_rng(4)


def knee(folder, number):
    tags = {"PatientID": f"P{number}", "PatientName": None, "AccessionNumber": f"A{number}"}
    return save(radiograph(RNG, **tags), folder / "dicom" / "ward" / f"year{number % 2}" / f"{number}.dcm")


@pytest.fixture(scope="module")
def ours(clone, tmp_path_factory):
    """A clone that has indexed an archive with a link to nowhere, a loop and a folder that can't be entered."""
    folder = tmp_path_factory.mktemp("archive")
    for number in range(4):
        knee(folder, number)
    (folder / "reports.csv").write_text("accession,text\n")
    (folder / "readings.csv").write_text("exam,reader,role,session,item,value,revisit,time\n")
    (folder / "dicom/nowhere").symlink_to(folder / "gone")
    (folder / "dicom/itself").symlink_to("itself")
    (folder / "dicom/ward/up").symlink_to(folder)
    make_endless(folder / "dicom/deep")
    study = {
        "cohort": {"name": "ours", "title": "ours", "kind": "clinical"},
        "archive": {"source": "folder", "folder": str(folder), "key": str(tmp_path_factory.mktemp("key") / "key")},
    }
    twin = clone.copy(tmp_path_factory.mktemp("ours") / "clone")
    (twin.folder / "ours.yaml").write_text(yaml.safe_dump(study))
    done = twin.snakemake(INDEX, study="ours.yaml")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    yield twin, folder
    shutil.rmtree(folder / "dicom/deep", ignore_errors=True)


def make_endless(place):
    """Make a folder whose path is longer than the system opens, so that nobody, not even root, may enter it."""
    place.mkdir()
    before = os.getcwd()  # noqa: PTH109
    try:
        os.chdir(place)
        for _ in range(25):
            os.mkdir("d" * 200)  # noqa: PTH102
            os.chdir("d" * 200)
    finally:
        os.chdir(before)


def planned(ours, *more):
    twin, _ = ours
    done = twin.snakemake(INDEX, "-n", *more, study="ours.yaml")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return jobs(done)


def test_every_change_in_a_subfolder_runs_ingest_again_and_nothing_else_does(ours):
    _, folder = ours
    # The folders' own times are set back: of what lies deeper a plan must not learn by them.
    times = {path: path.stat().st_mtime_ns for path in (folder / "dicom", folder / "dicom/ward")}

    def plan():
        for path, time in times.items():
            os.utime(path, ns=(time, time))
        return planned(ours)

    assert plan() == {}
    there = folder / "dicom/ward/year0/0.dcm"
    data, time = there.read_bytes(), there.stat().st_mtime_ns
    added = knee(folder, 7)
    assert plan() == {"ingest": 1}
    added.unlink()
    there.write_bytes(data + b"\0")
    assert plan() == {"ingest": 1}
    there.unlink()
    assert plan() == {"ingest": 1}
    there.write_bytes(data)
    os.utime(there, ns=(time, time))
    linked = folder / "dicom/ward/linked"
    linked.symlink_to(folder.parent)  # holds the archive: a loop, and one more thing that was found
    assert plan() == {"ingest": 1}
    linked.unlink()
    assert plan() == {}


def test_a_plan_walks_the_archive_once(ours):
    twin, folder = ours
    rules = twin.folder / "workflow/rules/archive.smk"
    text, log = rules.read_text(), twin.folder / "walks.txt"
    told = f"from analysis.archive import find\n\n\ndef inventory(folder):\n    print('walk', file=open({str(log)!r}, 'a'))\n    return find.inventory(folder)\n"
    line = "from analysis.archive.find import inventory\n"
    assert line in text
    try:
        rules.write_text(text.replace(line, told))
        assert planned(ours) == {}
    finally:
        rules.write_text(text)
    assert log.read_text().split() == ["walk"]
    assert folder.is_dir()


def test_a_locked_folder_does_not_stop_a_plan():
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        knee(folder, 1)
        locked = folder / "dicom/ward/locked"
        locked.mkdir()
        seen = [inventory(folder)]
        locked.chmod(0)
        if root := os.geteuid() == 0:  # who may enter any folder, so another user asks
            os.seteuid(65534)
        try:
            seen.append(inventory(folder))
            assert [entry.problem for entry in find(folder) if entry.problem] == [("no_access", "Permission denied")]
        finally:
            if root:
                os.seteuid(0)
            locked.chmod(0o755)
        assert seen[0] != seen[1]


def test_an_archive_that_is_read_in_parts_has_the_same_index(ours):
    twin, _ = ours
    index = twin.folder / "results/ours/index"
    before = {path.name: path.read_bytes() for path in index.iterdir()}
    parts = ("--config", "ingest={shards: 2}")
    done = twin.snakemake(INDEX, *parts, study="ours.yaml")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert jobs(done) == {"read_headers": 2, "ingest": 1}
    assert {path.name: path.read_bytes() for path in index.iterdir()} == before
    assert planned(ours, *parts) == {}
