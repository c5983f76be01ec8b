"""The web pages of the reading room, and what they send and are sent."""

import time
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates

from analysis.reading import coordinator
from analysis.reading.access import LockedOut, Reader, sign_in, sign_out, who
from analysis.reading.pages.bodies import Aside, Content, Handover, Name, Sign, Token
from analysis.reading.pages.guard import guard
from analysis.reading.pages.visitors import (
    Coordinator,
    InRoom,
    Known,
    Onlooker,
    SessionCookie,
    Visitor,
    Writer,
    cookie_name,
    is_encrypted,
    room_of,
)
from analysis.reading.readings.examples import find_examples
from analysis.reading.readings.form import FLAG_KEYS, FLAGS
from analysis.reading.readings.ledger import Refused
from analysis.reading.room import Room

_HERE = Path(__file__).parent
_TEMPLATES = Jinja2Templates(_HERE / "templates")
_PAGES = APIRouter(default_response_class=HTMLResponse)
_API = APIRouter(prefix="/api")


def make_app(room: Room) -> Any:
    """Make the ASGI application that serves a room."""
    app = FastAPI(title="Reading room", openapi_url=None, docs_url=None, redoc_url=None)
    app.state.room, app.state.examples = room, find_examples(room.form)
    app.mount("/static", StaticFiles(directory=_HERE / "static"), name="static")
    app.include_router(_PAGES)
    app.include_router(_API)
    app.exception_handler(Refused)(_refused)
    app.exception_handler(RequestValidationError)(_unlike)
    app.exception_handler(Exception)(_failed)
    return guard(app, room.settings)


def _refused(_: Request, error: Refused) -> Response:
    return JSONResponse({"detail": str(error)} | ({"saved": error.saved} if error.saved else {}), 409)


def _unlike(_: Request, error: RequestValidationError) -> Response:
    # What was sent is not repeated: it may be no JSON that can be written.
    where = ".".join(str(part) for part in error.errors()[0]["loc"] if part != "body")
    return JSONResponse(
        {"detail": f"The request is not what this page sends ({where or 'body'}); reload the page."}, 422
    )


def _failed(_: Request, error: Exception) -> Response:
    # What went wrong stays in the server's log: messages may hold paths.
    return JSONResponse({"detail": "The server failed; nothing was saved. Try again."}, 500)


def _page(request: Request, name: str, found: Reader) -> Response:
    room = room_of(request)
    form = room.form
    known: list[dict[str, Any]] = [
        {"name": f.name, "title": f.title, "levels": f.levels, "implies": f.implies, "excludes": f.excludes}
        | {"needs": f.needs, "absent": f.absent}
        for f in form.fields
    ]
    known += [{"name": name, "title": title, "levels": ()} for name, title in FLAGS.items()]
    context = {
        "reader": found,
        "form": form,
        "flags": [(name, title, FLAG_KEYS[name]) for name, title in FLAGS.items()],
        "page_fields": known,
        "report": found.role in room.settings.reports_for,
        "examples": request.app.state.examples,
        "store": room.store.name,
    }
    return _TEMPLATES.TemplateResponse(request, name, context)


@_PAGES.get("/")
def _room(request: Request, found: Visitor) -> Response:
    if found is None:
        return RedirectResponse("/sign-in", 303)
    if found.role == "coordinator":
        return RedirectResponse("/coordinator", 303)
    return _page(request, "room.html", found)


@_PAGES.get("/progress")
def _progress(request: Request, found: Visitor) -> Response:
    return _page(request, "progress.html", found) if found else RedirectResponse("/sign-in", 303)


@_PAGES.get("/coordinator")
def _coordinator(request: Request, found: Visitor) -> Response:
    if found is None:
        return RedirectResponse("/sign-in", 303)
    return _page(request, "coordinator.html", found) if found.role == "coordinator" else RedirectResponse("/", 303)


@_PAGES.get("/sign-in")
def _door(request: Request) -> Response:
    return _TEMPLATES.TemplateResponse(request, "sign-in.html", {})


@_API.post("/sign-in")
def _sign_in(body: Token, request: Request, response: Response, room: InRoom) -> dict[str, Any]:
    address = request.client.host if request.client else "?"
    now, limits = time.time(), room.settings.login
    try:
        cookie = sign_in(room.store, body.token.strip(), address, limits, now)
    except LockedOut:
        wait = f"Too many wrong tokens; wait {limits.lockout_minutes:g} minutes, or give the right one."
        raise HTTPException(429, wait) from None
    if cookie is None:
        raise HTTPException(401, "This token opens nothing here.")
    secure = is_encrypted(room) or request.url.scheme == "https"
    response.set_cookie(cookie_name(room), cookie, httponly=True, samesite="strict", secure=secure, path="/")
    found = who(room.store, cookie, limits, now)
    return {"name": found.name, "csrf": found.csrf} if found else {}


@_API.post("/sign-out")
def _sign_out(response: Response, _: Writer, room: InRoom, cookie: SessionCookie) -> dict[str, Any]:
    sign_out(room.store, cookie or "")
    secure = is_encrypted(room)
    response.delete_cookie(cookie_name(room), httponly=True, samesite="strict", secure=secure, path="/")
    return {}


@_API.post("/next")
def _next(found: Writer, room: InRoom) -> dict[str, Any]:
    return room.next(found, time.time())


@_API.post("/alive")
def _alive(body: Sign, found: Writer, room: InRoom) -> dict[str, Any]:
    room.alive(found, body.handle, time.time())
    return {}


@_API.post("/aside")
def _aside(body: Aside, found: Writer, room: InRoom) -> dict[str, Any]:
    room.put_off(found, body.handle, body.never, time.time())
    return {}


@_API.get("/mine")
def _mine(found: Known, room: InRoom) -> list[dict[str, Any]]:
    return room.mine(found)


@_API.get("/exams/{handle}")
def _exam(handle: str, found: Known, room: InRoom) -> dict[str, Any]:
    return room.exam(found, handle)


@_API.get("/exams/{handle}/before")
def _before(handle: str, found: Known, room: InRoom) -> dict[str, Any]:
    return {"exam": room.step(found, handle, back=True)}


@_API.get("/exams/{handle}/after")
def _after(handle: str, found: Known, room: InRoom) -> dict[str, Any]:
    return {"exam": room.step(found, handle, back=False)}


@_API.post("/readings")
def _write(body: Content, found: Writer, room: InRoom) -> dict[str, Any]:
    return room.write(found, body.model_dump(), time.time())


@_API.get("/pictures/{handle}/{number}")
def _picture(handle: str, number: int, found: Known, room: InRoom) -> Response:
    packed = room.picture(found, handle, number)
    return Response(packed, media_type="application/octet-stream", headers={"Content-Encoding": "gzip"})


@_API.get("/reports/{handle}")
def _report(handle: str, found: Known, room: InRoom) -> dict[str, Any]:
    return {"text": room.report(found, handle)}


@_API.get("/examples/{name}")
def _example(name: str, request: Request, _: Known) -> Response:
    known = {path.name: path for listed in request.app.state.examples.values() for path in listed.values()}
    if name not in known:
        raise HTTPException(404, "There is no such picture.")
    return FileResponse(known[name])


@_API.get("/progress")
def _how_far(found: Onlooker, room: InRoom) -> dict[str, Any]:
    return room.progress(found, time.time())


@_API.get("/agreement")
def _agreement(found: Known, room: InRoom) -> Response:
    return JSONResponse(room.agreement(found))  # some thousand rows: written as they are


@_API.get("/coordinator")
def _overview(found: Onlooker, room: InRoom) -> dict[str, Any]:
    if found.role != "coordinator":
        raise HTTPException(403, "This is the coordinator's to see.")
    return coordinator.overview(room, time.time())


@_API.post("/revoke")
def _revoke(body: Name, found: Coordinator, room: InRoom) -> dict[str, Any]:
    coordinator.revoke(room, found, body.name)
    return {}


@_API.post("/reassign")
def _reassign(body: Handover, found: Coordinator, room: InRoom) -> dict[str, Any]:
    return {"exams": coordinator.reassign(room, found, body.giver, body.taker, time.time())}


@_API.post("/close")
def _close(body: Name, found: Coordinator, room: InRoom) -> dict[str, Any]:
    coordinator.close(room, found, body.name, time.time())
    return {}
