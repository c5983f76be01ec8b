"""Who gets which exam, corrections, other looks, and exams that were left open."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pandas as pd
import pytest

from analysis.archive.people.names import side_of
from analysis.reading import access
from analysis.reading.readings.cases import cases
from analysis.reading.readings.entries import standing
from analysis.reading.readings.ledger import Refused
from analysis.reading.room import Room
from tests.reading.conftest import KL, as_config, content, run, the_first, values, write_yaml

MINUTE = 60.0


class Desk:
    """A reader at work, with a clock that is set by hand."""

    def __init__(self, room: Room, name: str, role: str) -> None:
        self.room, self.now = room, 1e9
        token = access.make_token(room.store, name, role, self.now)
        cookie = access.sign_in(room.store, token, "here", room.settings.login, self.now)
        self.reader = access.who(room.store, cookie, room.settings.login, self.now)

    def next(self):
        return self.room.next(self.reader, self.now)["exams"]

    def back(self, handle):
        return self.room.step(self.reader, handle, back=True)

    def write(self, exam, given, **more):
        self.now += 1
        return self.room.write(self.reader, content(exam, uuid.uuid4().hex, given, **more), self.now)

    def read_all(self, grade=lambda exam: 1, **more):
        n = 0
        while exams := self.next():
            self.write(exams[0], values(grade(self.exam_of(exams[0]))), **more)
            n += 1
        return n

    def exam_of(self, shown) -> str:
        with self.room.store.reading() as db:
            from sqlalchemy import select

            from analysis.reading.tables import assignments

            return db.execute(select(assignments.c.exam).where(assignments.c.handle == shown["handle"])).scalar_one()


def found(room: Room):
    with room.store.reading() as db:
        return cases(standing(db), room.settings.queues)


def test_single_readings_are_shared_out_and_flags_go_to_a_senior(archive, tmp_path):
    room = archive.room(
        tmp_path / "s.sqlite", repeat_share=0, reference={"validation": {"readings": 1, "revisit": "senior"}}
    )
    anna, bo, senior = Desk(room, "anna", "reader"), Desk(room, "bo", "reader"), Desk(room, "senior", "senior")
    for _ in range(20):
        anna.write(anna.next()[0], values(1))
        bo.write(bo.next()[0], values(2), revisit=True)
    assert len(found(room)) == 40
    assert senior.read_all(lambda exam: 3) == 20
    assert anna.read_all() == len(archive.exams) - 40 - 1  # bo still holds the one loaded ahead
    bo.read_all()
    flagged = [case for case in found(room).values() if case.senior]
    assert {(case.readings[0].name, case.senior.values["kl"]) for case in flagged} == {("bo", 3)}
    assert all(not case.further for case in found(room).values())


def test_an_exam_left_open_goes_to_another_and_nothing_is_lost_when_its_reader_returns(archive, tmp_path):
    room = archive.room(tmp_path / "s.sqlite", repeat_share=0, reference={"validation": {"readings": 1}})
    anna, bo = Desk(room, "anna", "reader"), Desk(room, "bo", "reader")
    exam = anna.next()[0]
    bo.now += MINUTE * (room.settings.claim_minutes + 1)
    assert bo.read_all() == len(archive.exams)
    anna.write(exam, values(4))
    case = found(room)[anna.exam_of(exam)]
    assert [entry.name for entry in case.readings] == ["bo"]
    assert [entry.name for entry in case.further] == ["anna"]
    assert anna.next() == []


def test_a_correction_is_a_new_row_until_the_consensus_session_begins(archive, tmp_path):
    room = archive.room(tmp_path / "s.sqlite", repeat_share=0)
    anna, bo, panel = Desk(room, "anna", "reader"), Desk(room, "bo", "reader"), Desk(room, "panel", "consensus")
    anna.read_all(lambda exam: 1)
    bo.read_all(lambda exam: 1)
    last = anna.back("none-yet")
    assert last["before"]["values"]["kl"] == 1
    anna.write(last, values(2), comment="looked again")
    with pytest.raises(Refused, match="another window"):
        anna.write(last, values(3))
    case = found(room)[anna.exam_of(last)]
    assert sorted(entry.values["kl"] for entry in case.readings) == [1, 2]
    assert max(entry.version for entry in case.readings) == 1
    (open_,) = panel.next()
    assert open_["fields"] == ["kl"]
    with pytest.raises(Refused, match="can't be changed"):
        anna.write(last | {"version": 2}, values(3))
    with pytest.raises(Refused, match="differ in"):
        panel.write(open_, {"kl": 2, "medial": 1})
    panel.write(open_, {"kl": 2})
    assert panel.next() == []
    panel.write(panel.back("none-yet"), {"kl": 1})
    assert found(room)[anna.exam_of(last)].decision == {"kl": 1}


@pytest.mark.parametrize("before", ["training", "validation", "unselected"])
def test_an_exam_that_a_new_selection_moved_is_read_as_its_set_asks(before, archive, tmp_path):
    """By two seniors in the test set, whatever was read before; an archive that grew is drawn from anew."""
    few = the_first(3, archive, tmp_path)
    exams = pd.read_parquet(few.exams_file)
    rooms = []
    for name in (before, "test"):
        path = None
        if name != "unselected":
            path = tmp_path / f"{name}.parquet"
            exams.assign(set=exams["set"].replace("validation", name)).to_parquet(path)
        rooms.append(lambda path=path: replace(few, exams_file=path).room(tmp_path / "s.sqlite", repeat_share=0))
    assert Desk(rooms[0](), "anna", "reader").read_all() >= 3
    room = rooms[1]()
    bo, cia, panel = Desk(room, "bo", "senior"), Desk(room, "cia", "senior"), Desk(room, "panel", "consensus")
    (counts,) = room.progress(panel.reader, 1e9)["sets"]
    assert (counts["exams"], counts["begun"], counts["read"]) == (3, 3, 0)
    assert (bo.read_all(lambda _: 1), cia.read_all(lambda _: 2)) == (3, 3)
    (counts,) = room.progress(panel.reader, 1e9)["sets"]
    assert (counts["exams"], counts["read"], counts["conflict"]) == (3, 3, 3)
    for _ in range(3):
        panel.write(panel.next()[0], {"kl": 2})
    run_export(archive, room, tmp_path)
    table, further = (
        pd.read_csv(tmp_path / "out" / name).query("item == 'kl'") for name in ("readings.csv", "further.csv")
    )
    table = table[table["session"].isin(["test", "consensus"])]
    assert table["reader"].value_counts().to_dict() == {"bo": 3, "cia": 3, "panel": 3}
    assert set(further.loc[further["session"] == "test surplus", "reader"]) <= {"anna"}


def test_what_comes_back_shows_how_far_a_reader_agrees_with_themselves(archive, tmp_path):
    room = archive.room(tmp_path / "s.sqlite", repeat_share=0.2, repeat_gap=30)
    anna, panel = Desk(room, "anna", "reader"), Desk(room, "panel", "consensus")
    order: list[str] = []
    handles: set[str] = set()
    left = None
    while exams := anna.next():
        answer = room.next(anna.reader, anna.now)
        assert left is None or answer["left"] == left - 1  # the count tells nothing about what comes back
        left = answer["left"]
        exam = anna.exam_of(exams[0])
        # The second time, every other exam is graded differently.
        twice = order.count(exam)
        again = sum(order.count(one) > 1 for one in set(order))
        anna.write(exams[0], values(1 + (twice and again % 2)))
        order.append(exam)
        handles.add(exams[0]["handle"])
    assert len(handles) == len(order) == len(archive.exams) + 20
    gaps = [len(order) - 1 - order[::-1].index(e) - order.index(e) for e in set(order) if order.count(e) == 2]
    assert len(gaps) == 20
    assert min(gaps) > 30
    within = room.agreement(panel.reader)["within"]
    assert {(row["n"], row["conflicts"]) for row in within if row["field"] == "kl"} == {(20, 10)}
    assert {row["first"] for row in within} == {"Reader 1"}
    run_export(archive, room, tmp_path)
    again = pd.read_csv(tmp_path / "out/further.csv")
    assert set(again["session"]) == {"validation again"}
    # The two knees of one visit have one number, and a side each.
    assert len(again[["exam", "side"]].drop_duplicates()) == 20
    first = pd.read_csv(tmp_path / "out/readings.csv").fillna({"side": ""})
    assert first.groupby(["exam", "side"])["item"].apply(lambda i: i.is_unique).all()


def test_export_is_the_archives_form(archive, tmp_path):
    room = archive.room(tmp_path / "s.sqlite", repeat_share=0)
    anna, bo, panel = Desk(room, "anna", "reader"), Desk(room, "bo", "reader"), Desk(room, "panel", "consensus")
    anna.read_all(lambda exam: 1, comment="a comment, with a comma")
    bo.read_all(lambda exam: 2 if exam in archive.exams[:7] else 1)
    for _ in range(7):
        panel.write(panel.next()[0], {"kl": 2})
    run_export(archive, room, tmp_path)
    from analysis.archive.tables import read_readings

    table = read_readings(tmp_path / "out/readings.csv")
    private = pd.read_parquet(archive.private_index).dropna(subset=["exam"])
    number = dict(zip(private["exam"], private["accession"], strict=True))
    table = table.fillna({"side": ""})
    kl = table[table["item"] == "kl"].pivot(index=["exam", "side"], columns="reader", values="value")
    assert set(kl.index) == {(number[exam], side_of(exam)) for exam in archive.exams}
    assert set(kl[kl["panel"].notna()].index) == {(number[exam], side_of(exam)) for exam in archive.exams[:7]}
    assert (kl["anna"] == 1).all()
    assert (kl["bo"] == 2).sum() == 7
    assert not table["item"].isin(["unusable", "no_knee"]).any()
    assert table["time"].notna().all()
    lines = pd.read_csv(tmp_path / "out/lines.csv")
    assert set(lines.loc[lines["reader"] == "anna", "comment"]) == {"a comment, with a comma"}
    views = pd.read_csv(tmp_path / "out/views.csv")
    assert (views["view"].fillna("") == views["indexed"].fillna("")).all()


def run_export(archive, room, folder) -> None:
    config = write_yaml(folder / "config.yaml", as_config(room.settings.model_dump(mode="json")))
    run(
        "read-export", "--archive", archive.folder, "--store", folder / "s.sqlite", "--images-index", archive.images,
        "--private", archive.private_index, "--grading", KL, "--config", config, "--out", folder / "out",
    )  # fmt: skip
