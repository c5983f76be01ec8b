"""Who is asking: each web page takes one of these as an argument, and no page is shown to anybody else."""

import hmac
import time
from typing import Annotated

from fastapi import Depends, Header, HTTPException, Request

from analysis.reading.access import Reader, who
from analysis.reading.room import Room


def room_of(request: Request) -> Room:
    """Return the room that the application serves."""
    found: Room = request.app.state.room
    return found


def is_encrypted(room: Room) -> bool:
    """Return whether a room is reached by TLS alone: its own, or that of a proxy before it."""
    return bool(room.settings.tls.certificate or room.settings.proxies)


def cookie_name(room: Room) -> str:
    """Return what a session's cookie is called."""
    # Cookies ignore ports: two rooms on one host keep theirs apart by the store's name.
    return f"{'__Host-' if is_encrypted(room) else ''}reading-room-{room.store.name}"


def cookie_of(request: Request) -> str | None:
    """Return the cookie that a request brings."""
    return request.cookies.get(cookie_name(room_of(request)))


InRoom = Annotated[Room, Depends(room_of)]
SessionCookie = Annotated[str | None, Depends(cookie_of)]


def _visitor(room: InRoom, cookie: SessionCookie) -> Reader | None:
    return who(room.store, cookie, room.settings.login, time.time())


def _reader(found: Annotated[Reader | None, Depends(_visitor)]) -> Reader:
    if found is None:
        raise HTTPException(401, "You are signed out; sign in again.")
    return found


def _onlooker(room: InRoom, cookie: SessionCookie) -> Reader:
    return _reader(who(room.store, cookie, room.settings.login, time.time(), alive=False))


def _writer(found: Annotated[Reader, Depends(_reader)], x_csrf: Annotated[str, Header()] = "") -> Reader:
    if not hmac.compare_digest(x_csrf.encode(), found.csrf.encode()):
        raise HTTPException(403, "The request does not come from the reading room's own page; reload it.")
    return found


def _coordinator(found: Annotated[Reader, Depends(_writer)]) -> Reader:
    if found.role != "coordinator":
        raise HTTPException(403, "This is the coordinator's to do.")
    return found


#: Anybody; `None` who hasn't signed in.
Visitor = Annotated[Reader | None, Depends(_visitor)]
#: Who has signed in.
Known = Annotated[Reader, Depends(_reader)]
#: Who has signed in, by a page that asks again and again by itself: that keeps no session alive.
Onlooker = Annotated[Reader, Depends(_onlooker)]
#: Who has signed in and asks from the reading room's own page, as whatever changes something has to.
Writer = Annotated[Reader, Depends(_writer)]
#: A writer who is the coordinator.
Coordinator = Annotated[Reader, Depends(_coordinator)]
