"""Many clients at once, double clicks, two windows, and a server that is killed between them: nothing lost, none doubled."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
import uuid
from collections import Counter

import httpx
import pytest
from sqlalchemy import select

from analysis.reading import access
from analysis.reading.readings.cases import cases
from analysis.reading.readings.entries import standing
from analysis.reading.settings import RoomSettings
from analysis.reading.store import Store
from analysis.reading.tables import assignments, ledger
from tests.reading.conftest import Client, Server, content, values


class Reader(threading.Thread):
    """Reads until there is nothing left; sends everything twice at once; never gives up."""

    def __init__(self, server: Server, token: str, number: int) -> None:
        super().__init__(daemon=True)
        self.server, self.token, self.number = server, token, number
        self.saved: dict[str, tuple[str, int]] = {}
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            self.client = self.insist(lambda: self.server.client(self.token))
            self.mouse = Client(self.server.url)  # a connection of its own for the second click
            self.mouse.cookies, self.mouse.headers = self.client.cookies, self.client.headers
            while exams := self.insist(self.client.next)["exams"]:
                self.read(exams[0])
        except BaseException as error:
            self.failure = error
            raise

    def insist(self, do):
        while True:
            try:
                return do()
            except httpx.TransportError:
                time.sleep(0.05)

    def read(self, exam) -> None:
        key, grade = uuid.uuid4().hex, (len(self.saved) + self.number) % 5
        body = content(exam, key, values(grade))
        answers: list[int] = []

        def click(client: Client) -> None:
            answers.append(self.insist(lambda: client.post("/api/readings", json=body)).status_code)

        second = threading.Thread(target=click, args=(self.mouse,))
        second.start()
        click(self.client)
        second.join()
        assert answers == [200, 200]
        # Another window with the same exam, and with a key of its own, comes too late.
        late = self.insist(lambda: self.client.post("/api/readings", json=body | {"key": uuid.uuid4().hex}))
        assert late.status_code == 409
        self.saved[key] = (exam["handle"], grade)


def test_killed_servers_and_double_clicks(archive, serve):
    server = serve(repeat_share=0.1, repeat_gap=5, reference={"validation": {"readings": 2}})
    store = Store(server.store)
    names = ("anna", "bo", "cecilia")
    threads = [Reader(server, access.make_token(store, name, "reader"), i) for i, name in enumerate(names)]
    for thread in threads:
        thread.start()
    for reached in (25, 90):
        while sum(len(thread.saved) for thread in threads) < reached:
            assert all(thread.is_alive() for thread in threads)
            time.sleep(0.01)
        server.kill()
        server.start()
    for thread in threads:
        thread.join(120)
        assert thread.failure is None
        assert not thread.is_alive()

    with store.reading() as db:
        rows = db.execute(
            select(ledger.c.key, assignments.c.handle, ledger.c["values"], ledger.c.version).join(assignments)
        ).all()
        entries = standing(db)
    written = {key: (handle, values["kl"]) for key, handle, values, _ in rows}
    told = {key: what for thread in threads for key, what in thread.saved.items()}
    assert told == written
    assert len(rows) == len(written)
    assert {version for *_, version in rows} == {0}

    found = cases(entries, RoomSettings().queues)
    assert sorted(found) == archive.exams
    assert {len(case.readings) for case in found.values()} == {2}
    # Nobody was given a reading that was there already: what is beyond two came back on purpose.
    assert all(entry.occasion == 2 for case in found.values() for entry in case.further)
    assert 10 <= sum(len(case.further) for case in found.values()) <= 30
    once = Counter((entry.exam, entry.name, entry.occasion) for entry in entries)
    assert set(once.values()) == {1}


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed: envs/setup.sh test installs it")
def test_session_reading_and_the_exam_at_hand_outlive_the_server(serve, tmp_path):
    """Over TLS, as for other machines."""
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    make = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost")
    subprocess.run([*make, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    server = serve(tls={"certificate": str(certificate), "key": str(key)})
    token = access.make_token(Store(server.store), "anna", "reader")
    anna: Client = server.client(token)
    assert [cookie.secure for cookie in anna.cookies.jar] == [True]
    assert "max-age" in anna.get("/").headers["Strict-Transport-Security"]
    exam = anna.next()["exams"][0]
    assert anna.post("/api/readings", json=content(exam, "0" * 16, values(1))).status_code == 200
    at_hand = [one["handle"] for one in anna.next()["exams"]]
    server.kill()
    server.start()
    assert [one["handle"] for one in anna.next()["exams"]] == at_hand
    earlier = anna.get(f"/api/exams/{at_hand[0]}/before").json()["exam"]
    assert earlier["handle"] == exam["handle"]
    assert earlier["before"]["values"]["kl"] == 1
