"""A round of active learning ends with a queue for the reading room, and goes on when its readings are there."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.errors import StudyError
from analysis.files import write_table
from analysis.grading.reference import make_reference
from analysis.grading.scheme import load_scheme
from analysis.grading.settings import ReferenceSettings
from analysis.reading.exams.index import load_exams, load_queue
from analysis.reading.readings.form import make_form
from analysis.reading.room import Room
from analysis.reading.settings import RoomSettings
from analysis.reading.store import Store
from tests.reading.conftest import KL, as_config, run, values, write_yaml
from tests.reading.test_queues import Desk

POLICY = {"test": {"readings": 2, "role": "reader", "conflicts": "consensus"}}


def test_a_round_waits_for_its_readings_and_goes_on(archive, tmp_path):
    exams = pd.read_parquet(archive.exams_file)
    sets = dict(zip(archive.exams, ["validation"] * 15 + ["test"] * 15 + ["training"] * 71, strict=True))
    exams["set"] = exams["exam"].map(sets).fillna("excluded")
    exams_file = tmp_path / "exams.parquet"
    write_table(exams, exams_file)
    readings = pd.read_parquet(archive.images.parent / "readings.parquet")
    readings = readings[readings["exam"].map(sets) != "training"]
    write_table(readings, tmp_path / "readings.parquet")
    scheme = load_scheme(KL)
    standard = make_reference(exams, readings, scheme, ReferenceSettings.model_validate(POLICY)).reference
    write_table(standard, tmp_path / "reference.parquet")
    queue = tmp_path / "queue.csv"
    run(
        "ask-start", "--reference", tmp_path / "reference.parquet", "--exams", exams_file, "--labels", "readers",
        "--number", 12, "--seed", 5, "--out", queue,
    )  # fmt: skip
    asked = pd.read_csv(queue)["exam"].tolist()
    assert len(set(asked)) == 12
    assert {sets[exam] for exam in asked} == {"training"}

    shown = load_exams(archive.images, archive.private_index, archive.folder, exams_file)
    settings = RoomSettings(repeat_share=0)
    room = Room(Store(tmp_path / "s.sqlite"), shown, make_form(KL), settings, load_queue([queue], shown))
    anna = Desk(room, "anna", "reader")
    for _ in range(11):
        anna.write(anna.next()[0], values(3))
    export_and_label = (
        ("read-export", "--archive", archive.folder, "--store", tmp_path / "s.sqlite", "--images-index", archive.images,
         "--private", archive.private_index, "--queue", queue, "--grading", KL, "--config",
         write_yaml(tmp_path / "config.yaml", as_config(settings.model_dump(mode="json"))), "--out", tmp_path / "out"),
        ("label", "--reference", tmp_path / "reference.parquet", "--asked", queue, "--exams", exams_file, "--readings",
         tmp_path / "readings.parquet", "--read", tmp_path / "out/readings.csv", "--private", archive.private_index,
         "--grading", KL, "--policy", write_yaml(tmp_path / "policy.yaml", POLICY), "--out", tmp_path / "round.parquet"),
    )  # fmt: skip
    run(*export_and_label[0])
    with pytest.raises(StudyError, match=r"has no reading \(1 of 12 exams\)"):
        run(*export_and_label[1])
    assert anna.read_all(lambda exam: 3) == 1
    for command in export_and_label:
        run(*command)
    table = pd.read_parquet(tmp_path / "round.parquet")
    training = table[table["set"] == "training"]
    assert len(training) == 71
    assert set(training.loc[training["kl"].notna(), "exam"]) == set(asked)
    assert (training["kl"].dropna() == 3).all()
    pd.testing.assert_frame_equal(table[table["set"] != "training"].reset_index(drop=True), standard)

    second = tmp_path / "second.csv"
    run(
        "ask", "--images", archive.folder, "--reference", tmp_path / "round.parquet", "--grading", KL, "--weights",
        queue, "--settings", write_yaml(tmp_path / "network.yaml", {}), "--asked", queue, "--strategy", "random",
        "--number", 9, "--seed", 5, "--round", 1, "--out", second,
    )  # fmt: skip
    new = set(pd.read_csv(second)["exam"])
    assert len(new) == 9
    assert not new & set(asked)
    room = Room(room.store, shown, room.form, settings, load_queue([second], shown))
    bo = Desk(room, "bo", "reader")
    assert {bo.exam_of(exam) for exam in bo.next()} <= new
    assert bo.read_all() == 9


def test_a_queue_of_other_exams_is_refused(archive, tmp_path):
    shown = load_exams(archive.images, archive.private_index, archive.folder, archive.exams_file)
    queue = tmp_path / "queue.csv"
    queue.write_text("exam,place\nnobody,1\n")
    with pytest.raises(StudyError, match="nobody"):
        load_queue([queue], shown)
    assert load_queue([], shown) is None
