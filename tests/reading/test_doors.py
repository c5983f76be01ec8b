"""Who gets in, what gets out, and what is refused at the door."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError
from sqlalchemy import select

from analysis.errors import StudyError
from analysis.reading import access
from analysis.reading.check import check_store
from analysis.reading.entries import standing
from analysis.reading.guard import HEADERS
from analysis.reading.ledger import locked
from analysis.reading.reports import HIDDEN, mask
from analysis.reading.room import Room
from analysis.reading.server import make_app
from analysis.reading.settings import ReadingSettings
from analysis.reading.store import Store
from analysis.reading.tables import assignments, attempts, events, ledger, readers
from tests.reading.conftest import content, run, values

HOST = "http://127.0.0.1:8123"


@pytest.fixture
def room(archive, tmp_path) -> Room:
    return archive.room(tmp_path / "store.sqlite", reports_for=("consensus",))


class Visitor(TestClient):
    def __init__(self, room: Room) -> None:
        super().__init__(make_app(room), base_url=HOST, follow_redirects=False)
        self.heard: list[str] = []

    def request(self, *arguments, **named):
        answer = super().request(*arguments, **named)
        self.heard.append(f"{answer.headers}\n{answer.content.decode('latin-1')}")
        for name, value in HEADERS.items():
            assert answer.headers[name] == value
        return answer

    def enter(self, room: Room, name: str, role: str) -> Visitor:
        token = access.make_token(room.store, name, role)
        answer = self.post("/api/sign-in", json={"token": token})
        assert answer.status_code == 200
        self.headers["X-CSRF"] = answer.json()["csrf"]
        return self


def test_nothing_without_a_session(room):
    visitor = Visitor(room)
    assert visitor.get("/").headers["location"] == "/sign-in"
    for method, path in (
        ("GET", "/progress"), ("GET", "/api/progress"), ("GET", "/api/mine"), ("GET", "/api/reports/abcdefgh"),
        ("GET", "/api/exams/abcdefgh"), ("GET", "/api/exams/abcdefgh/before"), ("GET", "/api/agreement"),
        ("GET", "/coordinator"), ("GET", "/api/coordinator"), ("POST", "/api/revoke"), ("POST", "/api/reassign"),
        ("POST", "/api/close"), ("POST", "/api/aside"), ("POST", "/api/alive"), ("GET", "/api/examples/kl-0.png"),
        ("GET", "/api/pictures/abcdefgh/0"), ("POST", "/api/next"), ("POST", "/api/readings"), ("GET", "/docs"),
        ("GET", "/openapi.json"), ("GET", "/static/../server.py"), ("GET", "/static/%2e%2e/server.py"),
    ):  # fmt: skip
        answer = visitor.request(method, path, **({"json": {}} if method == "POST" else {}))
        assert answer.status_code in (303, 401, 404), path


def test_tokens_are_kept_as_hashes_and_can_be_withdrawn(room):
    token = access.make_token(room.store, "anna", "reader")
    with room.store.reading() as db:
        assert token not in str(db.execute(readers.select()).all())
    limits = room.settings.login
    cookie = access.sign_in(room.store, token, "here", limits, 1e9)
    assert access.who(room.store, cookie, limits, 1e9).name == "anna"
    assert access.who(room.store, cookie, limits, 1e9 + 61 * 60) is None  # idle
    access.revoke(room.store, "anna")
    assert access.who(room.store, cookie, limits, 1e9) is None
    assert access.sign_in(room.store, token, "here", limits, 1e9) is None
    with pytest.raises(StudyError, match="already"):
        access.make_token(room.store, "anna", "senior")
    with pytest.raises(StudyError, match="must be"):
        access.make_token(room.store, "an,na", "reader")


def test_sessions_end_in_the_end(room):
    limits = room.settings.login
    cookie = access.sign_in(room.store, access.make_token(room.store, "anna", "reader"), "here", limits, 0)
    for minute in range(0, 480, 50):
        assert access.who(room.store, cookie, limits, 60 * minute)
    assert access.who(room.store, cookie, limits, 60 * 481) is None


def test_a_page_left_open_does_not_keep_a_session_alive(room):
    limits = room.settings.login
    cookie = access.sign_in(room.store, access.make_token(room.store, "anna", "reader"), "here", limits, 0)
    for minute in range(0, 60, 15):
        assert access.who(room.store, cookie, limits, 60 * minute, alive=False)
    assert access.who(room.store, cookie, limits, 60 * 61) is None


def test_wrong_tokens_keep_nobody_with_a_right_one_out(room):
    """A clinic has one address: eight slips there must not lock the colleagues out."""
    visitor = Visitor(room)
    token = access.make_token(room.store, "anna", "reader")
    tries = [visitor.post("/api/sign-in", json={"token": "wrong"}).status_code for _ in range(12)]
    assert tries == [401] * 8 + [429] * 4
    assert visitor.post("/api/sign-in", json={"token": token}).status_code == 200
    assert visitor.post("/api/sign-in", json={"token": "wrong"}).status_code == 429
    later = time.time() + 60 * room.settings.login.lockout_minutes + 1
    assert access.sign_in(room.store, "wrong", "testclient", room.settings.login, later) is None
    with room.store.reading() as db:
        assert len(db.execute(select(attempts)).all()) == 1


def test_two_rooms_on_one_host_leave_each_other_signed_in(archive, tmp_path):
    """KL on one port, OARSI on another: cookies ignore ports."""
    rooms = [archive.room(tmp_path / f"{name}.sqlite") for name in ("kl", "oarsi")]
    first, second = Visitor(rooms[0]), Visitor(rooms[1])
    second.cookies = first.cookies  # one browser
    first.enter(rooms[0], "anna", "reader")
    second.enter(rooms[1], "anna", "reader")
    for visitor in (first, second):
        assert visitor.post("/api/next", json={}).status_code == 200


def test_behind_a_proxy_that_brings_tls(archive, tmp_path):
    room = archive.room(tmp_path / "s.sqlite", proxies=["testclient"], names=["kl.hospital.example"])
    token = access.make_token(room.store, "anna", "reader")
    told = {"Origin": "https://kl.hospital.example", "X-Forwarded-Proto": "https", "X-Forwarded-For": "10.1.2.3"}
    for host in ("kl.hospital.example", "127.0.0.1:8123"):  # a proxy may keep the name, or not
        answer = Visitor(room).post("/api/sign-in", json={"token": token}, headers=told | {"Host": host})
        assert answer.status_code == 200
        assert "secure" in answer.headers["set-cookie"].lower()
        assert "max-age" in answer.headers["Strict-Transport-Security"]
    assert (
        Visitor(room)
        .post("/api/sign-in", json={"token": token}, headers=told | {"Origin": "https://evil.example"})
        .status_code
        == 403
    )
    with room.store.reading() as db:
        assert set(db.execute(select(events.c.detail).where(events.c.what == "sign-in")).scalars()) == {"10.1.2.3"}
    # Somebody who is no proxy says the same of themselves.
    other = archive.room(tmp_path / "t.sqlite", proxies=["10.9.9.9"], names=["kl.hospital.example"])
    token = access.make_token(other.store, "anna", "reader")
    assert Visitor(other).post("/api/sign-in", json={"token": token}, headers=told).status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        '{"token": NaN}', '{"token": Infinity}', '{"token": 1e999}', "[" * 60_000, '{"token": "\\ud800"}', "\xff", "",
        '{"token": {"a": NaN}}', "9" * 60_000, '{"token": null}',
    ],
)  # fmt: skip
def test_json_that_cannot_be_written_back_is_refused_as_any_other(room, body, capfd):
    answer = Visitor(room).post(
        "/api/sign-in", content=body.encode("latin-1"), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in (400, 401, 422)
    assert isinstance(answer.json()["detail"], str)
    assert "Traceback" not in "".join(capfd.readouterr())


def test_a_failure_has_the_headers_and_no_traceback(room, monkeypatch, caplog):
    visitor = Visitor(room).enter(room, "anna", "reader")

    def fail(*_):
        raise RuntimeError("secret: 19500101-1234")

    monkeypatch.setattr(type(room), "mine", fail)
    answer = visitor.get("/api/mine")  # Visitor looks for the headers
    assert answer.status_code == 500
    assert "nothing was saved" in answer.json()["detail"]
    assert "secret" not in answer.text + caplog.text
    assert "RuntimeError" in caplog.text


def test_the_cookie_is_out_of_reach_of_scripts_and_other_pages(room):
    visitor = Visitor(room)
    token = access.make_token(room.store, "anna", "reader")
    cookie = visitor.post("/api/sign-in", json={"token": token}).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


def test_other_pages_and_odd_requests_are_refused(room):
    visitor = Visitor(room).enter(room, "anna", "reader")
    exam = visitor.post("/api/next", json={}).json()["exams"][0]
    good = content(exam, "0" * 16, values(2))
    send = lambda sent=good, **headers: visitor.post("/api/readings", json=sent, headers=headers).status_code  # noqa: E731
    assert send(**{"X-CSRF": "guess"}) == 403
    assert send(Origin="http://elsewhere.example") == 403
    assert send(Host="elsewhere.example") == 400
    assert visitor.post("/api/readings", content="a=b", headers={"content-type": "text/plain"}).status_code == 415
    assert visitor.post("/api/readings", json=good | {"comment": "x" * 70_000}).status_code == 413
    for wrong in (
        {"handle": "../../etc/passwd"}, {"key": "short"}, {"version": -1}, {"version": "0"}, {"values": {"kl": 2.5}},
        {"values": {"kl": "2"}}, {"values": {"__class__": 1}}, {"views": ["sideways"]}, {"revisit": 1},
        {"comment": "x" * 2001}, {"comment": "a\x00b"}, {"comment": "\x1b[2J"}, {"present": ["a\nb"]}, {"seconds": -1}, {"seconds": 1e9}, {"more": 1},
    ):  # fmt: skip
        assert send(good | wrong) == 422, wrong
    for wrong in ({"values": values(7)}, {"values": {"kl": 1}}, {"views": [None] * 9}, {"handle": "abcdefghij"}):
        assert send(good | wrong) == 409, wrong
    with room.store.reading() as db:
        assert db.execute(ledger.select()).all() == []
    assert send() == 200


def test_an_exam_of_another_reader_is_out_of_reach(room):
    anna, bo = (Visitor(room).enter(room, name, "reader") for name in ("anna", "bo"))
    exam = anna.post("/api/next", json={}).json()["exams"][0]
    assert anna.get(f"/api/pictures/{exam['handle']}/0").status_code == 200
    for number in (99, -1, -2):
        assert anna.get(f"/api/pictures/{exam['handle']}/{number}").status_code == 409
    assert bo.get(f"/api/pictures/{exam['handle']}/0").status_code == 409
    assert bo.post("/api/readings", json=content(exam, "0" * 16, values(1))).status_code == 409
    assert bo.get(f"/api/reports/{exam['handle']}").status_code == 409


def test_no_identifier_gets_out_and_no_reader_hears_of_another(archive, room):
    anna, bo, panel = (
        Visitor(room).enter(room, name, role)
        for name, role in (("anna", "reader"), ("bosse-the-second", "reader"), ("panel", "consensus"))
    )
    for i, reader in enumerate((anna, bo)):
        for n in range(12):
            exam = reader.post("/api/next", json={}).json()["exams"][0]
            for number in range(len(exam["views"])):
                assert reader.get(f"/api/pictures/{exam['handle']}/{number}").status_code == 200
            secret = content(exam, f"{n:032x}", values((n + i) % 5), comment=f"only {'AB'[i]} says this", revisit=True)
            assert reader.post("/api/readings", json=secret).status_code == 200
            assert reader.get(f"/api/reports/{exam['handle']}").status_code == 409
        for path in ("/", "/progress", "/api/progress", "/api/mine", f"/api/exams/{exam['handle']}"):
            reader.get(path)
    shown = panel.post("/api/next", json={}).json()["exams"]
    for exam in shown:
        panel.get(f"/api/pictures/{exam['handle']}/0")
        assert panel.get(f"/api/reports/{exam['handle']}").status_code == 200
    for path in ("/", "/progress", "/api/progress", "/api/agreement", "/api/mine"):
        panel.get(path)
    for visitor in (anna, bo, panel):
        heard = "\n".join(visitor.heard)
        assert [value for value in archive.private if value in heard] == []
    assert "only A says" in "\n".join(anna.heard)
    assert "only B says" not in "\n".join(anna.heard)
    assert "only A says" not in "\n".join(bo.heard)
    for other in ("anna", "bosse"):
        assert other not in "\n".join(panel.heard)
    assert "bosse" not in "\n".join(anna.heard)
    assert not re.search("between|within|kappa", "".join(h for h in anna.heard if "application/json" in h))


def test_reports_lose_what_names_a_person():
    words = {"Svensson", "Anna", "19500101-1234", "A123456"}
    text = "Anna Svensson, 500101-1234, us 2015-03-04 nr A123456. Måttlig artros, Kellgren 3. Annat: 12 mm."
    assert mask(text, words) == f"{HIDDEN} {HIDDEN}, {HIDDEN}, us {HIDDEN} nr {HIDDEN}. " + text.split(". ", 1)[1]


def test_nothing_that_was_written_can_be_rewritten(room):
    """Not by UPDATE or DELETE, nor by INSERT OR REPLACE, whatever program opens the file."""
    anna = Visitor(room).enter(room, "anna", "reader")
    exam = anna.post("/api/next", json={}).json()["exams"][0]
    assert anna.post("/api/readings", json=content(exam, "0" * 16, values(2))).status_code == 200
    check_store(room.store, room.form, room.exams, Path())
    with sqlite3.connect(room.store._engine.url.database) as db:
        before = {
            table: db.execute(f"SELECT * FROM {table}").fetchall() for table in ("ledger", "assignments", "events")
        }
        assert all(before.values())
        replace = "INSERT OR REPLACE INTO ledger SELECT {} FROM ledger"
        columns = [row[1] for row in db.execute("PRAGMA table_info(ledger)")]
        other = {"id": "id", "assignment": "assignment", "version": "version", "key": "key", "reader": "reader"}
        attacks = []
        for kept in (["id"], ["assignment", "version"], ["reader", "key"]):
            fresh = {
                name: ("99" if name in ("id", "version") else "'" + "f" * 16 + "'")
                for name in other
                if name not in kept
            }
            fresh.pop("assignment", None), fresh.pop("reader", None)
            listed = ", ".join("'changed'" if name == "comment" else fresh.get(name, f'"{name}"') for name in columns)
            attacks.append(replace.format(listed))
        attacks += ["DELETE FROM ledger", "UPDATE ledger SET comment = 'x'", "UPDATE OR REPLACE ledger SET id = 1"]
        attacks += ["UPDATE assignments SET exam = 'other'", "DELETE FROM assignments", "DELETE FROM events"]
        attacks += [
            "UPDATE events SET who = 'bo'",
            "INSERT OR REPLACE INTO events SELECT id, at, what, 'bo', detail FROM events",
        ]
        attacks += ["UPDATE readers SET name = 'bo'", "DELETE FROM forms", "DELETE FROM readers"]
        attacks += ["INSERT OR REPLACE INTO assignments SELECT * FROM assignments"]
        for attack in attacks:
            with pytest.raises(sqlite3.Error, match=r"only grows|UNIQUE"):
                db.execute(attack)
            db.rollback()
        assert {table: db.execute(f"SELECT * FROM {table}").fetchall() for table in before} == before


def test_who_came_and_went_is_written_down(room):
    anna = Visitor(room).enter(room, "anna", "reader")
    anna.post("/api/sign-in", json={"token": "wrong"})
    anna.post("/api/sign-out", json={})
    with room.store.reading() as db:
        happened = db.execute(select(events.c.what, events.c.who).order_by(events.c.id)).all()
    assert happened == [("token", "anna"), ("sign-in", "anna"), ("wrong token", ""), ("sign-out", "anna")]


def test_a_store_of_an_earlier_version_is_brought_up_to_date(tmp_path, archive):
    with sqlite3.connect(tmp_path / "s.sqlite") as db:
        db.executescript(
            """CREATE TABLE readers (id INTEGER PRIMARY KEY, name VARCHAR NOT NULL UNIQUE, role VARCHAR NOT NULL,
            token VARCHAR NOT NULL UNIQUE, made FLOAT NOT NULL, revoked FLOAT);
            CREATE TABLE assignments (id INTEGER PRIMARY KEY, handle VARCHAR NOT NULL UNIQUE, reader INTEGER NOT NULL,
            exam VARCHAR NOT NULL, kind VARCHAR NOT NULL, occasion INTEGER NOT NULL, opened FLOAT NOT NULL);
            CREATE TABLE ledger (id INTEGER PRIMARY KEY, assignment INTEGER NOT NULL, version INTEGER NOT NULL,
            reader INTEGER NOT NULL, key VARCHAR NOT NULL, "set" VARCHAR NOT NULL, written VARCHAR NOT NULL,
            seconds FLOAT NOT NULL, scheme VARCHAR NOT NULL, scheme_hash VARCHAR NOT NULL, images_hash VARCHAR NOT NULL,
            "values" JSON NOT NULL, views JSON NOT NULL, revisit BOOLEAN NOT NULL, comment VARCHAR NOT NULL);
            INSERT INTO readers VALUES (1, 'anna', 'reader', 'x', 0, NULL);"""
        )
        db.execute("INSERT INTO assignments VALUES (1, 'abcdefghij', 1, ?, 'read', 1, 0)", [archive.exams[0]])
        db.execute("INSERT INTO assignments VALUES (2, 'bbcdefghij', 1, ?, 'consensus', 1, 0)", [archive.exams[0]])
        said = (json.dumps(values(3) | {"unusable": 0, "no_knee": 0}), "2026-01-01T10:00:00.000+00:00")
        db.execute("INSERT INTO ledger VALUES (1,1,0,1,'k','validation',?,4,'kl','h','i',?,'[]',0,'')", said[::-1])
    store = Store(tmp_path / "s.sqlite")
    with store.reading() as db:
        (entry,) = standing(db)
        assert (entry.values["kl"], entry.present) == (3, [])
        assert db.execute(select(assignments.c.read).order_by(assignments.c.id)).scalars().all() == [True, False]
        assert locked(db, entry)


def test_open_to_others_only_with_a_certificate(tmp_path):
    with pytest.raises(ValidationError, match="certificate"):
        ReadingSettings(host="0.0.0.0")
    assert ReadingSettings(host="0.0.0.0", tls={"certificate": "a.pem", "key": "b.pem"}).host == "0.0.0.0"
    with pytest.raises(ValidationError, match="both"):
        ReadingSettings(tls={"certificate": "a.pem"})
    not_sqlite = tmp_path / "store.sqlite"
    not_sqlite.write_text("this is no database, whatever its name says" * 50)
    with pytest.raises(StudyError, match="no store"):
        Store(not_sqlite)


def test_tokens_by_command(tmp_path, capsys):
    run("read-token", "--store", tmp_path / "s.sqlite", "--name", "anna", "--role", "reader")
    token = capsys.readouterr().out.strip()
    limits = ReadingSettings().login
    assert access.sign_in(Store(tmp_path / "s.sqlite"), token, "here", limits, time.time())
    run("read-token", "--store", tmp_path / "s.sqlite", "--name", "anna", "--revoke")
    assert access.sign_in(Store(tmp_path / "s.sqlite"), token, "here", limits, time.time()) is None
