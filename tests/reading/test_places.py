"""`read --archive A --grading kl` finds, or makes, all that it needs."""

from __future__ import annotations

import os
import shutil

import click
import pandas as pd
import pytest

from analysis.errors import StudyError
from analysis.reading import access
from analysis.reading.exams import places
from analysis.reading.exams.index import load_exams
from analysis.reading.settings import UNSELECTED, ReadingSettings, RoomSettings, room_settings
from analysis.reading.store import Store
from tests.reading.conftest import KL, run


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A folder to run commands in, with a grading; the key of the pseudonyms lies beside it."""
    folder = tmp_path / "study"
    (folder / "workflow/gradings").mkdir(parents=True)
    (folder / "workflow/gradings/kl.yaml").write_text(KL.read_text())
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(folder)
    return folder


def test_an_archive_that_nobody_has_indexed_is_indexed_once(archive, elsewhere, capsys):
    handed_over = elsewhere.parent / "hospital"
    handed_over.symlink_to(archive.folder)
    found = places.find_places(handed_over, KL, elsewhere / "results/mine")
    assert not found.images.exists()
    places.index_archive(handed_over, found)
    assert "Indexing" in capsys.readouterr().out
    exams = load_exams(found.images, found.private, handed_over, found.exams)
    assert len(exams) == len(archive.exams) + 1
    assert {exam.set for exam in exams.values()} == {UNSELECTED}
    written = found.images.stat().st_mtime_ns
    places.index_archive(handed_over, found)
    assert found.images.stat().st_mtime_ns == written
    # Its pseudonyms are those of the secret key, not of the seed that the other index was made by.
    assert not set(exams) & set(archive.exams)


def test_an_archive_that_has_changed_is_indexed_again_and_another_of_its_name_is_refused(archive, elsewhere):
    first, second = (elsewhere.parent / hospital / "knees" for hospital in ("north", "south"))
    for folder in (first, second):
        shutil.copytree(archive.folder, folder)
    (first / "readings.csv").write_text("exam,reader,role,session,item,value,revisit,time\n")
    room = places.find_places(first, KL)
    assert room.images == places.find_places(second, KL).images
    places.index_archive(first, room)
    known = len(load_exams(room.images, room.private, first, None))
    gone = pd.read_parquet(room.private).dropna(subset=["image"])
    exam = gone["accession"].iloc[0]
    for path in gone.loc[gone["accession"] == exam, "path"].unique():
        (first / path).unlink()
    places.index_archive(first, room)
    assert len(load_exams(room.images, room.private, first, None)) < known
    with pytest.raises(StudyError, match=f"is the index of the archive {first}, not of {second}: .* --cohort"):
        places.index_archive(second, room)


def test_an_index_that_a_study_has_written_since_is_left_alone(archive, elsewhere):
    handed_over = elsewhere.parent / "knees"
    shutil.copytree(archive.folder, handed_over)
    found = places.find_places(handed_over, KL, elsewhere / "results/mine")
    places.index_archive(handed_over, found)
    os.utime(found.images, (1, 1))
    (handed_over / "dicom/added.txt").write_text("no radiograph")
    places.index_archive(handed_over, found)
    assert found.images.stat().st_mtime == 1


def test_a_studys_own_archive_lies_beside_its_index(archive, elsewhere):
    found = places.find_places(archive.folder, KL)
    assert (found.images, found.private) == (archive.images, archive.private_index)
    assert found.exams is None
    assert found.store == archive.private_index.parent / "reading/kl.sqlite"


def test_tokens_and_readings_meet_in_the_same_store(archive, elsewhere, capsys):
    where = ("--archive", archive.folder, "--grading", "kl", "--cohort", elsewhere / "results/mine")
    run("read-token", *where, "--name", "anna", "--role", "reader")
    token = capsys.readouterr().out.strip()
    store = Store(elsewhere / "results/mine/private/reading/kl.sqlite")
    assert access.sign_in(store, token, "here", ReadingSettings().login, 1e9)
    tables = ("--images-index", archive.images, "--private", archive.private_index)
    run("read-export", *where, *tables, "--out", elsewhere / "out")
    assert len(pd.read_csv(elsewhere / "out/readings.csv")) == 0


def test_a_room_is_set_by_its_section_and_by_the_policy_of_the_reference_standard(elsewhere):
    assert room_settings() == RoomSettings()
    config = elsewhere / "config.yaml"
    config.write_text("seed: 7\nreading: {port: 9000}\nreference: {test: {readings: 3, role: reader}}\n")
    settings = room_settings()
    assert (settings.port, settings.seed) == (9000, 7)
    assert (settings.queues["test"].readings, settings.queues["test"].role) == (3, "reader")
    assert settings.queues["training"].revisit == "senior"  # as the default of `reference` says


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("reading: {prot: 9000}", r"config.yaml: reading: the key 'prot' is not known; did you mean 'port'\?"),
        ("reading: {seed: 3}", r"config.yaml: reading: the key 'seed' is not known"),
        ("seed: many", r"config.yaml: the value of 'seed' \('many'\) is wrong"),
        (
            "reference: {test: {readings: 2, conflicts: senior}}",
            r"reference.test.conflicts is 'senior', .* write consensus",
        ),
        (
            "reference: {test: {readings: 2, conflicts: error}}",
            r"reference.test.conflicts is 'error', .* write consensus",
        ),
    ],
)
def test_settings_that_a_room_cannot_follow_are_refused(elsewhere, text, message):
    (elsewhere / "config.yaml").write_text(text + "\n")
    with pytest.raises(StudyError, match=message):
        room_settings()


def test_what_is_missing_is_named(archive, elsewhere):
    with pytest.raises(click.BadParameter, match=r"no grading 'kll'; .* one of workflow/gradings: kl"):
        run("read-export", "--archive", archive.folder, "--grading", "kll", "--out", elsewhere / "out")
    with pytest.raises(click.BadParameter, match="nowhere' does not exist"):
        run("read-export", "--archive", elsewhere / "nowhere", "--grading", "kl", "--out", elsewhere / "out")
