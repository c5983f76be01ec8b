"""Who gets in, what gets out, and what is refused at the door."""

from __future__ import annotations

import re
import time

import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError
from sqlalchemy import delete, insert, update
from sqlalchemy.exc import IntegrityError

from analysis.errors import StudyError
from analysis.reading import access
from analysis.reading.guard import HEADERS
from analysis.reading.index import HIDDEN, mask
from analysis.reading.room import Room
from analysis.reading.server import make_app
from analysis.reading.settings import ReadingSettings
from analysis.reading.store import Store, ledger, readers
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
        assert self.post("/api/sign-in", json={"token": token}).status_code == 200
        self.headers["X-CSRF"] = re.search('name="csrf" content="([^"]+)"', self.get("/").text)[1]
        return self


def test_nothing_without_a_session(room):
    visitor = Visitor(room)
    assert visitor.get("/").headers["location"] == "/sign-in"
    for method, path in (
        ("GET", "/progress"), ("GET", "/api/progress"), ("GET", "/api/recent"), ("GET", "/api/reports/abcdefgh"),
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


def test_too_many_tries(room):
    visitor = Visitor(room)
    token = access.make_token(room.store, "anna", "reader")
    tries = [visitor.post("/api/sign-in", json={"token": "wrong"}).status_code for _ in range(9)]
    assert tries == [401] * 8 + [429]
    assert visitor.post("/api/sign-in", json={"token": token}).status_code == 429
    later = time.time() + 60 * room.settings.login.lockout_minutes + 1
    assert access.sign_in(room.store, token, "testclient", room.settings.login, later)


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
        {"comment": "x" * 2001}, {"seconds": -1}, {"seconds": 1e9}, {"more": 1},
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
    assert anna.get(f"/api/pictures/{exam['handle']}/99").status_code == 409
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
        for path in ("/", "/progress", "/api/progress", "/api/recent"):
            reader.get(path)
    shown = panel.post("/api/next", json={}).json()["exams"]
    for exam in shown:
        panel.get(f"/api/pictures/{exam['handle']}/0")
        assert panel.get(f"/api/reports/{exam['handle']}").status_code == 200
    for path in ("/", "/progress", "/api/progress"):
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


def test_the_ledger_only_grows(room):
    anna = Visitor(room).enter(room, "anna", "reader")
    exam = anna.post("/api/next", json={}).json()["exams"][0]
    assert anna.post("/api/readings", json=content(exam, "0" * 16, values(2))).status_code == 200
    for attack in (update(ledger).values(comment="changed"), delete(ledger), insert(ledger).values(id=1)):
        with pytest.raises(IntegrityError), room.store.writing() as db:
            db.execute(attack)


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
