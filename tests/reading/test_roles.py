"""The coordinator, exams laid aside, practice with answers, and the guide's example pictures."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.errors import StudyError
from analysis.reading import access, coordinator
from analysis.reading.exams.places import Places
from analysis.reading.order.practice import load_practice
from analysis.reading.readings.examples import find_examples
from analysis.reading.readings.form import make_form
from analysis.reading.readings.ledger import Refused
from analysis.reading.room import Room
from analysis.reading.settings import RoomSettings
from analysis.reading.store import Store
from tests.reading.conftest import KL, values
from tests.reading.test_doors import Visitor
from tests.reading.test_queues import Desk, found, run_export

NO_EXAMPLES = "There are no example pictures for this scheme"
ONE = {"repeat_share": 0, "reference": {"validation": {"readings": 1}}}


def test_the_coordinator_sees_names_hands_exams_on_and_shuts_readers_out(archive, tmp_path):
    room = archive.room(tmp_path / "s.sqlite", **ONE)
    anna, bo, head = Desk(room, "anna", "reader"), Desk(room, "bo", "reader"), Desk(room, "head", "coordinator")
    held = {anna.exam_of(exam) for exam in anna.next()}
    bo.write(bo.next()[0], values(2))
    people = {row["name"]: row for row in coordinator.overview(room, head.now)["people"]}
    assert (people["anna"]["held"], people["bo"]["role"], people["head"]["role"]) == (2, "reader", "coordinator")
    assert {row["name"] for row in room.progress(head.reader, head.now)["readers"]} == {"bo"}
    assert head.next() == []  # nothing to grade
    with pytest.raises(Refused, match="role of 'anna'"):
        coordinator.reassign(room, head.reader, "anna", "head", head.now)
    assert coordinator.reassign(room, head.reader, "anna", "bo", head.now) == 2
    seen = set()
    for _ in range(4):
        exam = bo.next()[0]
        seen.add(bo.exam_of(exam))
        bo.write(exam, values(1))
    assert held <= seen
    assert not held & {anna.exam_of(exam) for exam in anna.next()}
    coordinator.revoke(room, head.reader, "anna")
    with pytest.raises(Refused, match="no valid token"):
        coordinator.reassign(room, head.reader, "bo", "anna", head.now)
    with pytest.raises(Refused, match="your own"):
        coordinator.revoke(room, head.reader, "head")
    events = [(row["what"], row["who"]) for row in coordinator.overview(room, head.now)["events"]]
    assert ("reassigned", "head") in events
    assert ("revoked", "anna") in events


def test_only_the_coordinator_may(archive, tmp_path):
    room = archive.room(tmp_path / "s.sqlite", **ONE)
    for role in ("reader", "senior", "consensus"):
        visitor = Visitor(room).enter(room, role, role)
        assert visitor.get("/coordinator").headers["location"] == "/"
        assert visitor.get("/api/coordinator").status_code == 403
        for path, body in (
            ("revoke", {"name": "x"}),
            ("close", {"name": "validation"}),
            ("reassign", {"giver": "a", "taker": "b"}),
        ):
            assert visitor.post(f"/api/{path}", json=body).status_code == 403
    head = Visitor(room).enter(room, "head", "coordinator")
    assert head.get("/").headers["location"] == "/coordinator"
    assert "head" in head.get("/coordinator").text
    assert head.post("/api/close", json={"name": "nothing"}).status_code == 409


def test_a_closed_set_takes_nothing_more(archive, tmp_path):
    room = archive.room(tmp_path / "s.sqlite", **ONE)
    anna, head = Desk(room, "anna", "reader"), Desk(room, "head", "coordinator")
    anna.write(anna.next()[0], values(1))
    exam = anna.next()[0]
    coordinator.close(room, head.reader, "validation", head.now)
    with pytest.raises(Refused, match="closed this set"):
        anna.write(exam, values(1))
    assert room.next(anna.reader, anna.now) == {"done": 1, "left": 0, "exams": []}
    with pytest.raises(Refused, match="closed already"):
        coordinator.close(room, head.reader, "validation", head.now)


def test_later_comes_last_and_never_comes_to_another(archive, tmp_path):
    room = archive.room(tmp_path / "s.sqlite", **ONE)
    anna, bo = Desk(room, "anna", "reader"), Desk(room, "bo", "reader")
    later, never = anna.next()
    left = room.next(anna.reader, anna.now)["left"]
    room.put_off(anna.reader, later["handle"], never=False, now=anna.now)
    room.put_off(anna.reader, never["handle"], never=True, now=anna.now)
    assert room.next(anna.reader, anna.now)["left"] == left - 1
    assert {row["state"] for row in room.mine(anna.reader)} == {"later"}
    seen = []
    while exams := anna.next():
        seen.append(exams[0]["handle"])
        anna.write(exams[0], values(1))
    assert seen[-1] == later["handle"]
    assert never["handle"] not in seen
    assert bo.read_all() == 1
    assert len(found(room)) == len(archive.exams)
    with pytest.raises(Refused, match="not read yet"):
        room.put_off(anna.reader, later["handle"], never=False, now=anna.now)


def practice_table(archive, folder, exams, rows):
    private = pd.read_parquet(archive.private_index).dropna(subset=["exam"]).drop_duplicates("exam").set_index("exam")
    path = folder / "practice.csv"
    pd.DataFrame(
        [(private.at[exams[i], "accession"], *row) for i, row in rows], columns=["exam", "item", "value"]
    ).to_csv(path, index=False)
    return path


def test_practice_comes_first_shows_the_answers_and_is_in_no_export(archive, tmp_path):
    form = make_form(KL)
    exams = pd.read_parquet(archive.exams_file)
    exams.loc[exams["exam"].isin(archive.exams[:3]), ["set", "reason"]] = ["excluded", "for practice"]
    exams.to_parquet(tmp_path / "exams.parquet")
    places = Places(archive.images, archive.private_index, tmp_path / "exams.parquet", KL, tmp_path / "s.sqlite")
    table = practice_table(archive, tmp_path, archive.exams, [(0, ("kl", 3)), (0, ("medial", 1)), (1, ("kl", 0))])
    answers, extra = load_practice(table, places, archive.folder, form)
    assert list(answers.values()) == [{"kl": 3, "medial": 1}, {"kl": 0}]
    plain = archive.room(tmp_path / "other.sqlite")
    studied = {exam: its for exam, its in plain.exams.items() if exam not in archive.exams[:3]}
    settings = RoomSettings(**ONE)
    room = Room(Store(tmp_path / "s.sqlite"), studied | extra, form, settings, practice=answers)
    anna, panel = Desk(room, "anna", "reader"), Desk(room, "panel", "consensus")
    shown = []
    for _ in range(2):
        (exam, *_) = anna.next()
        assert exam["kind"] == "practice"
        shown.append(anna.exam_of(exam))
        told = anna.write(exam, values(2))
        assert told["answers"] == answers[shown[-1]]
        with pytest.raises(Refused, match="answers"):
            anna.write(exam | {"version": 1}, values(3))
    assert shown == archive.exams[:2]
    assert panel.next() == []
    exam = anna.next()[0]
    assert exam["kind"] == "read"
    assert "answers" not in anna.write(exam, values(2))
    assert room.next(anna.reader, anna.now)["done"] == 1
    run_export(archive, room, tmp_path)
    for name in ("readings.csv", "lines.csv"):
        assert pd.read_csv(tmp_path / "out" / name)["exam"].nunique() == 1


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([(50, ("kl", 3))], "is read for the study"),
        ([(0, ("kl", 7))], "can't be '7'"),
        ([(0, ("kll", 1))], "no field"),
        ([(0, ("kl", "x"))], "can't be 'x'"),
        ([(0, ("kl", 2)), (0, ("KL", 2)), (0, ("kl", 3))], "has two answers, 2 and 3"),
    ],
)
def test_practice_that_would_spoil_the_study_is_refused(archive, tmp_path, rows, told):
    exams = pd.read_parquet(archive.exams_file)
    exams.loc[exams["exam"].isin(archive.exams[:3]), ["set", "reason"]] = ["excluded", "for practice"]
    exams.to_parquet(tmp_path / "exams.parquet")
    places = Places(archive.images, archive.private_index, tmp_path / "exams.parquet", KL, tmp_path / "s.sqlite")
    with pytest.raises(StudyError, match=told):
        load_practice(practice_table(archive, tmp_path, archive.exams, rows), places, archive.folder, make_form(KL))


def test_every_grade_has_an_example_and_nothing_else_is_served(archive, tmp_path):
    examples = find_examples(make_form(KL))
    assert sorted(examples["kl"]) == [0, 1, 2, 3, 4]
    room = archive.room(tmp_path / "s.sqlite")
    anna = Visitor(room).enter(room, "anna", "reader")
    for level in range(5):
        assert anna.get(f"/api/examples/kl-{level}.png").content.startswith(b"\x89PNG")
    for wrong in ("kl-5.png", "..%2fkl.yaml", "kl.yaml"):
        assert anna.get(f"/api/examples/{wrong}").status_code == 404
    page = anna.get("/").text
    assert all(f"/api/examples/kl-{level}.png" in page for level in range(5))
    assert all(meaning in page for _, meaning in make_form(KL).items[0].levels)
    assert NO_EXAMPLES not in page


def test_a_scheme_without_example_pictures_says_so(archive, tmp_path):
    form = make_form(KL.with_name("oarsi.yaml"))
    assert find_examples(form) == {}
    room = Room(Store(tmp_path / "s.sqlite"), archive.room(tmp_path / "kl.sqlite").exams, form, RoomSettings())
    page = Visitor(room).enter(room, "anna", "reader").get("/").text
    assert NO_EXAMPLES in page
    assert all(meaning in page for item in form.items for _, meaning in item.levels)


def test_a_reader_who_is_shut_out_is_out_at_once(archive, tmp_path):
    room = archive.room(tmp_path / "s.sqlite", **ONE)
    anna = Visitor(room).enter(room, "anna", "reader")
    head = Visitor(room).enter(room, "head", "coordinator")
    assert anna.post("/api/next", json={}).status_code == 200
    assert head.post("/api/revoke", json={"name": "anna"}).status_code == 200
    assert anna.post("/api/next", json={}).status_code == 401
    token = access.make_token(room.store, "anna", "reader")
    assert anna.post("/api/sign-in", json={"token": token}).status_code == 200
