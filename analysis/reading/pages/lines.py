"""Connections: how many there may be, and how long one may keep the server waiting."""

from __future__ import annotations

import asyncio
import asyncio.constants
import contextlib
import ctypes
import logging
import resource
import time
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

#: Connections at most; a browser opens six.
MOST = 512
#: How long a request may take to arrive, s.
PATIENCE = 10.0
#: Connections that are taken from the queue at once: what comes in is counted before more is taken.
BACKLOG = 64
#: M_ARENA_MAX of glibc's malloc.h.
_HEAPS = -8


class Line(H11Protocol):
    """A connection that is closed when it keeps the server waiting; when there are too many, the idlest goes."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Make room for one more."""
        super().connection_made(transport)
        self.limit: asyncio.TimerHandle | None = None
        self.since = time.monotonic()
        self._wait()
        if len(self.connections) > MOST:
            waiting = [line for line in self.connections if isinstance(line, Line) and line.limit is not None]
            idle = waiting or [line for line in self.connections if isinstance(line, Line) and line.cycle is None]
            min(idle or [self], key=lambda line: line.since).give_up()

    def data_received(self, data: bytes) -> None:
        """Take what came, and wait for the rest of a request no longer than for its beginning."""
        super().data_received(data)
        if self.conn.their_state in (h11.IDLE, h11.SEND_BODY):
            self._wait()
        else:
            self._done()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._done()
        super().connection_lost(exc)

    def give_up(self) -> None:
        """Close the connection at once."""
        self._done()
        self.connections.discard(self)
        self.transport.abort()

    def _wait(self) -> None:
        if self.limit is None:
            self.since = time.monotonic()
            self.limit = self.loop.call_later(PATIENCE, self.give_up)

    def _done(self) -> None:
        if self.limit is not None:
            self.limit.cancel()
            self.limit = None


class Seldom(logging.Filter):
    """Let a message pass once in ten seconds: a flood of connections must not become a flood of lines."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to write a record."""
        what, now = (record.name, str(record.msg)[:80]), time.monotonic()
        if now - self._last.get(what, -1e9) < 10:
            return False
        if len(self._last) > 200:
            self._last.clear()
        self._last[what] = now
        return True


def prepare() -> Any:
    """Prepare the process for many connections and threads; returns the class of the connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard if soft < 4096 else soft, hard))
    # Where the C library would keep eight heaps a core, each with what its threads once needed, two are enough.
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).mallopt(_HEAPS, 2)
    # A handshake that never ends holds a connection that is not in our count yet.
    asyncio.constants.SSL_HANDSHAKE_TIMEOUT = PATIENCE
    asyncio.constants.SSL_SHUTDOWN_TIMEOUT = 3.0
    for name in ("asyncio", "uvicorn.error", "analysis.reading"):
        logging.getLogger(name).addFilter(Seldom())
    return Line
