"""What a request costs does not grow with the study: counted in calls, since seconds tell of the machine."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert

from analysis.reading import access
from analysis.reading.access import Reader
from analysis.reading.exams.index import Exam, Image
from analysis.reading.readings.form import make_form
from analysis.reading.room import Room
from analysis.reading.settings import RoomSettings
from analysis.reading.store import Store
from analysis.reading.tables import assignments, ledger
from tests.reading.conftest import KL, content, values

READERS = 20
SMALL, LARGE = 100, 2000


def big_room(path: Path, size: int) -> tuple[Room, list[Reader], Reader]:
    """Make a room whose exams have nearly all been read by two of twenty readers, and half of which come back."""
    exams = {f"e{i:05}": Exam(f"e{i:05}", "unselected", (Image(f"i{i}", "none", "ap"),), "") for i in range(size)}
    store = Store(path)
    for number in range(READERS):
        access.make_token(store, f"reader-{number}", "reader")
    access.make_token(store, "panel", "consensus")
    tasks: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    for number, exam in enumerate(list(exams)[: size - READERS]):
        for turn in range(2):
            key, who = secrets.token_hex(8), 1 + (number + turn * (1 + number % (READERS - 1))) % READERS
            task = {"id": len(tasks) + 1, "handle": key, "reader": who, "exam": exam, "kind": "read", "occasion": 1}
            tasks.append(task | {"opened": 0.0, "read": True, "set": "unselected", "after": 0})
            said = {"values": values((number + turn) % 5) | {"unusable": 0, "no_knee": 0}, "views": [], "comment": ""}
            said |= {"assignment": len(tasks), "version": 0, "reader": who, "key": key, "set": "unselected"}
            said |= {"written": "2026-01-05T08:00:00+00:00", "seconds": 9.0, "revisit": False, "present": []}
            rows.append(said | {"scheme": "kl", "scheme_hash": "", "images_hash": ""})
    with store.writing() as db:
        db.execute(insert(assignments), tasks)
        db.execute(insert(ledger), rows)
    settings = RoomSettings(repeat_share=0.5, repeat_gap=5)
    room = Room(store, exams, make_form(KL), settings)
    readers = [Reader(number + 1, f"reader-{number}", "reader") for number in range(READERS)]
    return room, readers, Reader(READERS + 1, "panel", "consensus")


def cost(room: Room, work: Callable[[], Any]) -> tuple[int, int]:
    """Return how many functions a piece of work calls, and how many statements it sends to the database."""
    calls = statements = 0

    def count(frame: Any, what: str, argument: Any) -> None:
        nonlocal calls
        calls += what in ("call", "c_call")

    def sent(*_: Any) -> None:
        nonlocal statements
        statements += 1

    engine = room.store._engine
    event.listen(engine, "before_cursor_execute", sent)
    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
        event.remove(engine, "before_cursor_execute", sent)
    return calls, statements


@pytest.fixture(scope="module")
def rooms(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sizes")
    return big_room(folder / "small.sqlite", SMALL), big_room(folder / "large.sqlite", LARGE)


def reads(room: Room, readers: list[Reader], panel: Reader) -> None:
    """Read an exam as the page does it: next, save, back."""
    for reader in readers[:5]:
        shown = room.next(reader, 1e9)["exams"][0]
        room.write(reader, content(shown, secrets.token_hex(16), values(1)), 1e9)
        assert room.step(reader, shown["handle"], back=True)


def looks(room: Room, readers: list[Reader], panel: Reader) -> None:
    """Look at the progress, as a reader and as a session."""
    assert room.progress(readers[0], 1e9)["mine"]["read"]
    assert room.progress(panel, 1e9)["sets"][0]["conflict"]


def decides(room: Room, readers: list[Reader], panel: Reader) -> None:
    """Take the next conflict."""
    assert room.next(panel, 1e9)["exams"][0]["fields"] == ["kl"]


def compares(room: Room, readers: list[Reader], panel: Reader) -> None:
    """Ask for agreement."""
    assert room.agreement(panel)["between"]


@pytest.mark.parametrize(
    ("work", "most"),
    [(reads, 1.2), (looks, 1.2), (decides, 3), (compares, 3)],  # conflicts are ordered, pairs of readers compared
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_request_costs_the_same_in_a_large_study(rooms, work, most):
    found = []
    for room in rooms:
        work(*room)  # what is prepared once is prepared
        found.append(cost(room[0], lambda room=room: work(*room)))
    (few, asked), (many, asked_there) = found
    assert asked_there <= asked + 5
    assert many < most * few, f"{many} calls with {LARGE} exams, {few} with {SMALL}"


def test_the_start_grows_with_the_study_and_no_faster(tmp_path):
    def start(size: int) -> int:
        room, _, _ = big_room(tmp_path / f"{size}.sqlite", size)
        return cost(room, lambda: Room(room.store, room.exams, room.form, room.settings))[0]

    few, many = start(300), start(1200)
    assert many < 1.2 * 4 * few
