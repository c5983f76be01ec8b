"""Connections that keep the server waiting: eleven hundred of them keep nobody out, and fill no log."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import ssl
import threading
import time

import httpx
import pytest
import uvicorn

from analysis.reading import access
from analysis.reading.pages import lines
from analysis.reading.pages.serve import listen
from analysis.reading.store import Store
from tests.reading.conftest import Server, content, running, values


def half_open(port: int, number: int, first: bytes) -> list[socket.socket]:
    """Open connections that begin a request, or nothing, and go no further."""
    held = []
    for _ in range(number):
        one = socket.create_connection(("127.0.0.1", port), timeout=5)
        if first:
            one.sendall(first)
        held.append(one)
    return held


@pytest.fixture(scope="module")
def server(archive, tmp_path_factory):
    folder = tmp_path_factory.mktemp("crowd")
    with running(Server(archive, folder, {}, folder / "log")) as server:
        yield server


@pytest.mark.parametrize(
    "first",
    [b"", b"GET / HTTP/1.1\r\nHost: 127.0", b"POST /api/sign-in HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{"],
    ids=["nothing", "half a head", "half a body"],
)
def test_half_open_connections_keep_nobody_out(server, first):
    store, names = Store(server.store), (secrets.token_hex(4), secrets.token_hex(4))
    anna = server.client(access.make_token(store, names[0], "reader"))
    held = half_open(server.port, 1100, first)
    try:
        began = time.monotonic()
        exam = anna.next()["exams"][0]
        assert anna.post("/api/readings", json=content(exam, "0" * 16, values(2))).status_code == 200
        newcomer = server.client(access.make_token(store, names[1], "reader"))
        assert newcomer.next()["exams"]
        assert time.monotonic() - began < 20
        # The server has closed what waited longest: it holds no more than it may.
        closed = 0
        for one in held:
            one.settimeout(0)
            try:
                closed += one.recv(100) == b"" or first[:4] == b"POST"
            except ConnectionError:
                closed += 1
            except (BlockingIOError, ssl.SSLError):
                pass
        assert closed >= 1100 - lines.MOST
    finally:
        for one in held:
            one.close()
    assert server.log.stat().st_size < 10_000


def test_a_connection_that_waits_is_closed(monkeypatch):
    """A request that never ends holds its connection for as long as we are patient, not for ever."""
    assert lines.PATIENCE <= 10
    monkeypatch.setattr(lines, "PATIENCE", 0.5)

    async def app(scope, receive, send):
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})

    listener = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, http=lines.Line, lifespan="off", log_level="warning"))
    serving = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    serving.start()
    try:
        port = listener.getsockname()[1]
        assert httpx.get(f"http://127.0.0.1:{port}/").status_code == 200
        (one,) = half_open(port, 1, b"GET / HTTP/1.1\r\n")
        began = time.monotonic()
        one.settimeout(30)
        with contextlib.suppress(ConnectionResetError):
            assert one.recv(100) == b""
        assert 0.4 < time.monotonic() - began < 10
        assert httpx.get(f"http://127.0.0.1:{port}/").status_code == 200
    finally:
        server.should_exit = True
        serving.join(10)


def test_small_answers_are_sent_at_once():
    """An answer whose body waits until its head was received takes 40 ms, whatever it says."""

    async def accepted() -> int:
        made: asyncio.Future[asyncio.Transport] = asyncio.get_running_loop().create_future()
        listener = listen("127.0.0.1", 0)
        port = listener.getsockname()[1]
        async with await asyncio.start_server(lambda _, out: made.set_result(out.transport), sock=listener):
            _, out = await asyncio.open_connection("127.0.0.1", port)
            transport = await made
            found = transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            for one in (out.transport, transport):
                one.close()
            return found

    assert asyncio.run(accepted()) != 0
