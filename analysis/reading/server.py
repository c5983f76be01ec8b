"""The web pages of the reading room."""

import hmac
import time
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import Cookie, Depends, FastAPI, Header, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates
from pydantic import BaseModel, ConfigDict, Field

from analysis.reading.access import LockedOut, Reader, sign_in, sign_out, who
from analysis.reading.form import FLAG_KEYS, FLAGS
from analysis.reading.guard import guard
from analysis.reading.ledger import Refused
from analysis.reading.room import Room

_HERE = Path(__file__).parent
_COOKIE = "reading-room"


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Token(_Body):
    """What a reader signs in with."""

    token: str = Field(min_length=1, max_length=200)


class Content(_Body):
    """A reading, or a decision, as the browser sends it."""

    handle: str = Field(pattern=r"^[\w-]{8,40}$")
    key: str = Field(pattern=r"^[0-9a-f-]{16,40}$")
    version: int = Field(ge=0, lt=1000)
    values: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,60}$")], Annotated[int, Field(ge=0, le=99)]] = Field(
        max_length=200
    )
    views: list[Literal["ap", "lateral", "oblique"] | None] = Field(max_length=100)
    revisit: bool
    comment: str = Field(max_length=2000)
    seconds: Annotated[float, Field(ge=0, le=86400, strict=False)]


def make_app(room: Room) -> FastAPI:
    """Make the application that serves a room."""
    app = FastAPI(title="Reading room", openapi_url=None, docs_url=None, redoc_url=None)
    templates = Jinja2Templates(_HERE / "templates")
    app.mount("/static", StaticFiles(directory=_HERE / "static"), name="static")
    limits = room.settings.login

    def visitor(cookie: Annotated[str | None, Cookie(alias=_COOKIE)] = None) -> Reader | None:
        return who(room.store, cookie, limits, time.time())

    def onlooker(cookie: Annotated[str | None, Cookie(alias=_COOKIE)] = None) -> Reader:
        return reader(who(room.store, cookie, limits, time.time(), alive=False))

    def reader(found: Annotated[Reader | None, Depends(visitor)]) -> Reader:
        if found is None:
            raise HTTPException(401, "You are signed out; sign in again.")
        return found

    def writer(found: Annotated[Reader, Depends(reader)], x_csrf: Annotated[str, Header()] = "") -> Reader:
        if not hmac.compare_digest(x_csrf.encode(), found.csrf.encode()):
            raise HTTPException(403, "The request does not come from the reading room's own page; reload it.")
        return found

    Visitor = Annotated[Reader | None, Depends(visitor)]
    Known = Annotated[Reader, Depends(reader)]
    Writer = Annotated[Reader, Depends(writer)]

    @app.exception_handler(Refused)
    def _refused(_: Request, error: Refused) -> Response:
        return JSONResponse({"detail": str(error)}, 409)

    @app.exception_handler(Exception)
    def _failed(_: Request, error: Exception) -> Response:
        # What went wrong stays in the server's log: messages may hold paths.
        return JSONResponse({"detail": "The server failed; nothing was saved. Try again."}, 500)

    def page(request: Request, name: str, found: Reader) -> Response:
        form = room.form
        known = [{"name": field.name, "title": field.title, "levels": field.levels} for field in form.fields]
        known += [{"name": name, "title": title, "levels": ()} for name, title in FLAGS.items()]
        context = {
            "reader": found,
            "form": form,
            "flags": [(name, title, FLAG_KEYS[name]) for name, title in FLAGS.items()],
            "page_fields": known,
            "report": found.role in room.settings.reports_for,
        }
        return templates.TemplateResponse(request, name, context)

    @app.get("/", response_class=HTMLResponse)
    def _room(request: Request, found: Visitor) -> Response:
        return page(request, "room.html", found) if found else RedirectResponse("/sign-in", 303)

    @app.get("/progress", response_class=HTMLResponse)
    def _progress(request: Request, found: Visitor) -> Response:
        return page(request, "progress.html", found) if found else RedirectResponse("/sign-in", 303)

    @app.get("/sign-in", response_class=HTMLResponse)
    def _door(request: Request) -> Response:
        return templates.TemplateResponse(request, "sign-in.html", {})

    @app.post("/api/sign-in")
    def _sign_in(body: Token, request: Request, response: Response) -> dict[str, Any]:
        address = request.client.host if request.client else "?"
        try:
            cookie = sign_in(room.store, body.token.strip(), address, limits, time.time())
        except LockedOut:
            raise HTTPException(429, f"Too many tries; wait {limits.lockout_minutes:g} minutes.") from None
        if cookie is None:
            raise HTTPException(401, "This token opens nothing here.")
        response.set_cookie(
            _COOKIE, cookie, httponly=True, samesite="strict", secure=bool(room.settings.tls.certificate), path="/"
        )
        return {}

    @app.post("/api/sign-out")
    def _sign_out(response: Response, _: Writer, cookie: Annotated[str, Cookie(alias=_COOKIE)] = "") -> dict[str, Any]:
        sign_out(room.store, cookie)
        response.delete_cookie(_COOKIE, httponly=True, samesite="strict", path="/")
        return {}

    @app.post("/api/next")
    def _next(found: Writer) -> dict[str, Any]:
        return room.next(found, time.time())

    @app.get("/api/recent")
    def _recent(found: Known) -> list[dict[str, Any]]:
        return room.recent(found)

    @app.post("/api/readings")
    def _write(body: Content, found: Writer) -> dict[str, Any]:
        return room.write(found, body.model_dump(), time.time())

    @app.get("/api/pictures/{handle}/{number}")
    def _picture(handle: str, number: int, found: Known) -> Response:
        packed = room.picture(found, handle, number)
        return Response(packed, media_type="application/octet-stream", headers={"Content-Encoding": "gzip"})

    @app.get("/api/reports/{handle}")
    def _report(handle: str, found: Known) -> dict[str, Any]:
        return {"text": room.report(found, handle)}

    @app.get("/api/progress")
    def _how_far(found: Annotated[Reader, Depends(onlooker)]) -> dict[str, Any]:
        return room.progress(found, time.time())

    guard(app, room.settings)
    return app
