"""Who gets in, what gets out, and what is refused at the door."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError
from sqlalchemy import select

from analysis.errors import StudyError
from analysis.reading import access
from analysis.reading.exams.reports import HIDDEN, mask
from analysis.reading.pages.guard import HEADERS
from analysis.reading.pages.server import make_app
from analysis.reading.readings.check import check_store
from analysis.reading.readings.entries import standing
from analysis.reading.readings.ledger import locked
from analysis.reading.room import Room
from analysis.reading.settings import ReadingSettings
from analysis.reading.store import Store
from analysis.reading.tables import assignments, attempts, events, ledger, readers, sessions
from tests.reading.conftest import content, run, the_first, values

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
        {"comment": "Dr \u202eke"}, {"comment": "\x85"}, {"present": ["Dr \u2066Ek"]}, {"present": ["Ek\u2028Lind"]}, {"present": [" "]},
        {"present": ["\u200b"]}, {"present": ["Ek\x00"]}, {"handle": "a\x00bcdefgh"}, {"handle": "\u0661" * 41}, {"key": "\u0661" * 16},
        {"values": {"kl\x00": 1}}, {"values": {"kl": True}}, {"values": {"kl": 10**30}}, {"version": 10**30}, {"version": True},
        {"seconds": "NaN"}, {"seconds": None}, {"views": [["ap"]]}, {"values": [["kl", 2]]},
    ):  # fmt: skip
        assert send(good | wrong) == 422, wrong
    for wrong in ({"values": values(7)}, {"values": {"kl": 1}}, {"views": [None] * 9}, {"handle": "abcdefghij"}):
        assert send(good | wrong) == 409, wrong
    with room.store.reading() as db:
        assert db.execute(ledger.select()).all() == []
    assert send() == 200


@pytest.mark.parametrize("wrong", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5000, "[" * 5000])
@pytest.mark.parametrize("field", ["version", "seconds", "kl"])
def test_no_number_that_is_none_reaches_the_ledger(room, field, wrong):
    visitor = Visitor(room).enter(room, "anna", "reader")
    exam = visitor.post("/api/next", json={}).json()["exams"][0]
    good = content(exam, "0" * 16, values(2))
    if field == "kl":
        good["values"]["kl"] = "here"
    else:
        good[field] = "here"
    sent = json.dumps(good).replace('"here"', wrong)
    answer = visitor.post("/api/readings", content=sent, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422) and isinstance(answer.json()["detail"], str)
    with room.store.reading() as db:
        assert db.execute(ledger.select()).all() == []


def test_odd_addresses_find_nothing(room):
    visitor = Visitor(room).enter(room, "anna", "reader")
    handle = visitor.post("/api/next", json={}).json()["exams"][0]["handle"]
    for path in (
        *(f"pictures/{handle}/{number}" for number in ("9" * 5000, 10**18, "1e0", "%00", "NaN", "-0x1")),
        *(
            "pictures/%00/0",
            "exams/%00",
            "exams/%ff%fe",
            "reports/..%2f..",
            "examples/..%2f..%2fpage.py",
            "examples/%00",
        ),
    ):
        assert visitor.get(f"/api/{path}").status_code in (404, 409, 422), path
    # A digit is a digit in whatever script.
    assert visitor.get(f"/api/pictures/{handle}/%D9%A9%D9%A9").status_code in (409, 422)


def test_a_key_is_good_for_one_exam_of_one_reader(room):
    """Sent again for another exam, or taken from somebody else, it saves nothing; nor does the same exam from a second tab."""
    anna, bo = (Visitor(room).enter(room, name, "reader") for name in ("anna", "bo"))
    first, second = anna.post("/api/next", json={}).json()["exams"]
    key = "a" * 32
    assert anna.post("/api/readings", json=content(first, key, values(2))).status_code == 200
    again = anna.post("/api/readings", json=content(second, key, values(2)))
    assert again.status_code == 409 and "another exam" in again.json()["detail"]
    tab = anna.post("/api/readings", json=content(first, "b" * 32, values(4)))
    assert tab.status_code == 409 and "another window" in tab.json()["detail"]
    assert tab.json()["saved"]["values"]["kl"] == 2  # what stands, for the other tab to show
    ahead = anna.post("/api/readings", json=content(first | {"version": 7}, "c" * 32, values(4)))
    assert ahead.status_code == 409
    theirs = bo.post("/api/next", json={}).json()["exams"][0]
    assert (
        bo.post("/api/readings", json=content(theirs, key, values(1))).status_code == 200
    )  # a key is each reader's own
    with room.store.reading() as db:
        assert [row.version for row in db.execute(ledger.select()).all()] == [0, 0]


def test_no_save_slips_in_while_a_set_is_closed(archive, tmp_path):
    """Ten at once, and the coordinator in the middle: whoever was told "saved" is in the ledger, and nobody else."""
    room = archive.room(tmp_path / "s.sqlite", repeat_share=0, reference={"validation": {"readings": 2}})
    readers_ = [Visitor(room).enter(room, f"reader{i}", "reader") for i in range(10)]
    head = Visitor(room).enter(room, "head", "coordinator")
    exams = [reader.post("/api/next", json={}).json()["exams"][0] for reader in readers_]
    with ThreadPoolExecutor(11) as pool:
        saves = [
            pool.submit(reader.post, "/api/readings", json=content(exam, f"{i:032x}", values(1)))
            for i, (reader, exam) in enumerate(zip(readers_[:5], exams, strict=False))
        ]
        shut = pool.submit(head.post, "/api/close", json={"name": "validation"})
        saves += [
            pool.submit(reader.post, "/api/readings", json=content(exam, f"{i:032x}", values(1)))
            for i, (reader, exam) in enumerate(zip(readers_[5:], exams[5:], strict=True), 5)
        ]
    assert shut.result().status_code == 200
    told = [i for i, one in enumerate(saves) if one.result().status_code == 200]
    assert {one.result().status_code for one in saves} <= {200, 409}
    with room.store.reading() as db:
        assert sorted(int(row.key, 16) for row in db.execute(ledger.select()).all()) == told
    late = readers_[0].post("/api/readings", json=content(exams[0] | {"version": 1}, "f" * 32, values(2)))
    assert late.status_code == 409


def test_a_session_that_ends_in_a_consensus_loses_nothing(archive, tmp_path):
    one = the_first(1, archive, tmp_path)
    room = one.room(tmp_path / "s.sqlite", repeat_share=0, reference={"validation": {"readings": 2}})
    for grade, name in enumerate(("anna", "bo")):
        reader = Visitor(room).enter(room, name, "reader")
        (exam,) = reader.post("/api/next", json={}).json()["exams"]
        assert reader.post("/api/readings", json=content(exam, "0" * 32, values(grade))).status_code == 200
    panel = Visitor(room).enter(room, "panel", "consensus")
    exam = panel.post("/api/next", json={}).json()["exams"][0]
    sent = content(exam, "d" * 32, {name: 2 if name == "kl" else 0 for name in exam["fields"]})
    with room.store.writing() as db:
        db.execute(sessions.update().values(begun=0, seen=0))
    answer = panel.post("/api/readings", json=sent)
    assert answer.status_code == 401 and "sign in again" in answer.json()["detail"]
    back = Visitor(room).enter(room, "panel", "consensus")  # a new token: the old session is over
    assert back.post("/api/readings", json=sent).status_code == 200
    assert back.post("/api/readings", json=sent).json()["saved"]["version"] == 0  # once


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


@pytest.mark.parametrize(
    ("one", "other"), [("anna", "Anna"), ("r1", "r-1"), ("1", "01"), ("bo", "bo."), ("dr_x", "dr.x")]
)
def test_a_reader_has_one_spelling(one, other, tmp_path):
    """Two of them in readings.csv stop ingest, when the reading is over."""
    store = Store(tmp_path / "s.sqlite")
    access.make_token(store, one, "reader")
    for role in ("reader", "senior"):
        with pytest.raises(StudyError, match=rf"'{other}' is '{one}' in another spelling"):
            access.make_token(store, other, role)
    assert access.make_token(store, one, "reader") and access.make_token(store, f"{one}2x", "reader")


def test_a_store_that_cannot_be_written_now_is_still_the_store(tmp_path, monkeypatch):
    store = Store(tmp_path / "s.sqlite")
    access.make_token(store, "anna", "reader")
    with store.writing():  # as another program that holds it
        monkeypatch.setattr("analysis.reading.store._PATIENCE", 0.01)
        with pytest.raises(StudyError, match=r"can't be written now \(database is locked\); what was read is in it"):
            Store(tmp_path / "s.sqlite")
    Store(tmp_path / "s.sqlite")


def test_tokens_by_command(tmp_path, capsys):
    run("read-token", "--store", tmp_path / "s.sqlite", "--name", "anna", "--role", "reader")
    token = capsys.readouterr().out.strip()
    limits = ReadingSettings().login
    assert access.sign_in(Store(tmp_path / "s.sqlite"), token, "here", limits, time.time())
    run("read-token", "--store", tmp_path / "s.sqlite", "--name", "anna", "--revoke")
    assert access.sign_in(Store(tmp_path / "s.sqlite"), token, "here", limits, time.time()) is None
