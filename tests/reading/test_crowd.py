"""Connections that keep the server waiting: eleven hundred of them keep nobody out, and fill no log."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time

import httpx
import pytest

from analysis.reading import access, lines
from analysis.reading.store import Store
from tests.reading.conftest import content, values


def half_open(port: int, number: int, first: bytes) -> list[socket.socket]:
    """Open connections that begin a request, or nothing, and go no further."""
    held = []
    for _ in range(number):
        one = socket.create_connection(("127.0.0.1", port), timeout=5)
        if first:
            one.sendall(first)
        held.append(one)
    return held


@pytest.mark.parametrize(
    "first",
    [b"", b"GET / HTTP/1.1\r\nHost: 127.0", b"POST /api/sign-in HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{"],
)
def test_half_open_connections_keep_nobody_out(serve, tmp_path, first):
    server = serve(log=tmp_path / "log")
    anna = server.client(access.make_token(Store(server.store), "anna", "reader"))
    held = half_open(server.port, 1100, first)
    try:
        began = time.monotonic()
        exam = anna.next()["exams"][0]
        assert anna.post("/api/readings", json=content(exam, "0" * 16, values(2))).status_code == 200
        newcomer = server.client(access.make_token(Store(server.store), "bo", "reader"))
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
    assert (tmp_path / "log").stat().st_size < 10_000


def test_a_connection_that_waits_is_closed(serve, monkeypatch):
    """A request that never ends holds its connection for ten seconds, not for ever."""
    server = serve()
    (one,) = half_open(server.port, 1, b"GET / HTTP/1.1\r\n")
    began = time.monotonic()
    one.settimeout(30)
    with contextlib.suppress(ConnectionResetError):
        assert one.recv(100) == b""
    assert lines.PATIENCE - 1 < time.monotonic() - began < lines.PATIENCE + 10
    assert httpx.get(server.url + "/sign-in").status_code == 200
