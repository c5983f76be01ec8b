"""The web pages of the reading room."""

import hmac
import time
from pathlib import Path
from typing import Annotated, Any

from fastapi import Cookie, Depends, FastAPI, Header, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates

from analysis.reading import coordinator
from analysis.reading.access import LockedOut, Reader, sign_in, sign_out, who
from analysis.reading.bodies import Aside, Content, Handover, Name, Sign, Token
from analysis.reading.examples import find_examples
from analysis.reading.form import FLAG_KEYS, FLAGS
from analysis.reading.guard import guard
from analysis.reading.ledger import Refused
from analysis.reading.room import Room

_HERE = Path(__file__).parent


def make_app(room: Room) -> Any:
    """Make the ASGI application that serves a room."""
    app = FastAPI(title="Reading room", openapi_url=None, docs_url=None, redoc_url=None)
    templates = Jinja2Templates(_HERE / "templates")
    app.mount("/static", StaticFiles(directory=_HERE / "static"), name="static")
    limits = room.settings.login
    encrypted = bool(room.settings.tls.certificate or room.settings.proxies)
    # Cookies ignore ports: two rooms on one host keep theirs apart by the store's name.
    cookie_name = f"{'__Host-' if encrypted else ''}reading-room-{room.store.name}"
    SessionCookie = Annotated[str | None, Cookie(alias=cookie_name)]
    examples = find_examples(room.form)

    def visitor(cookie: SessionCookie = None) -> Reader | None:
        return who(room.store, cookie, limits, time.time())

    def onlooker(cookie: SessionCookie = None) -> Reader:
        return reader(who(room.store, cookie, limits, time.time(), alive=False))

    def reader(found: Annotated[Reader | None, Depends(visitor)]) -> Reader:
        if found is None:
            raise HTTPException(401, "You are signed out; sign in again.")
        return found

    def writer(found: Annotated[Reader, Depends(reader)], x_csrf: Annotated[str, Header()] = "") -> Reader:
        if not hmac.compare_digest(x_csrf.encode(), found.csrf.encode()):
            raise HTTPException(403, "The request does not come from the reading room's own page; reload it.")
        return found

    def head(found: Annotated[Reader, Depends(writer)]) -> Reader:
        if found.role != "coordinator":
            raise HTTPException(403, "This is the coordinator's to do.")
        return found

    Visitor = Annotated[Reader | None, Depends(visitor)]
    Known = Annotated[Reader, Depends(reader)]
    Writer = Annotated[Reader, Depends(writer)]
    Head = Annotated[Reader, Depends(head)]

    @app.exception_handler(Refused)
    def _refused(_: Request, error: Refused) -> Response:
        return JSONResponse({"detail": str(error)} | ({"saved": error.saved} if error.saved else {}), 409)

    @app.exception_handler(Exception)
    def _failed(_: Request, error: Exception) -> Response:
        # What went wrong stays in the server's log: messages may hold paths.
        return JSONResponse({"detail": "The server failed; nothing was saved. Try again."}, 500)

    @app.exception_handler(RequestValidationError)
    def _unlike(_: Request, error: RequestValidationError) -> Response:
        # What was sent is not repeated: it may be no JSON that can be written.
        where = ".".join(str(part) for part in error.errors()[0]["loc"] if part != "body")
        return JSONResponse(
            {"detail": f"The request is not what this page sends ({where or 'body'}); reload the page."}, 422
        )

    def page(request: Request, name: str, found: Reader) -> Response:
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
            "examples": examples,
            "store": room.store.name,
        }
        return templates.TemplateResponse(request, name, context)

    @app.get("/", response_class=HTMLResponse)
    def _room(request: Request, found: Visitor) -> Response:
        if found is None:
            return RedirectResponse("/sign-in", 303)
        if found.role == "coordinator":
            return RedirectResponse("/coordinator", 303)
        return page(request, "room.html", found)

    @app.get("/progress", response_class=HTMLResponse)
    def _progress(request: Request, found: Visitor) -> Response:
        return page(request, "progress.html", found) if found else RedirectResponse("/sign-in", 303)

    @app.get("/coordinator", response_class=HTMLResponse)
    def _coordinator(request: Request, found: Visitor) -> Response:
        if found is None:
            return RedirectResponse("/sign-in", 303)
        return page(request, "coordinator.html", found) if found.role == "coordinator" else RedirectResponse("/", 303)

    @app.get("/sign-in", response_class=HTMLResponse)
    def _door(request: Request) -> Response:
        return templates.TemplateResponse(request, "sign-in.html", {})

    @app.post("/api/sign-in")
    def _sign_in(body: Token, request: Request, response: Response) -> dict[str, Any]:
        address = request.client.host if request.client else "?"
        now = time.time()
        try:
            cookie = sign_in(room.store, body.token.strip(), address, limits, now)
        except LockedOut:
            wait = f"Too many wrong tokens; wait {limits.lockout_minutes:g} minutes, or give the right one."
            raise HTTPException(429, wait) from None
        if cookie is None:
            raise HTTPException(401, "This token opens nothing here.")
        secure = encrypted or request.url.scheme == "https"
        response.set_cookie(cookie_name, cookie, httponly=True, samesite="strict", secure=secure, path="/")
        found = who(room.store, cookie, limits, now)
        return {"name": found.name, "csrf": found.csrf} if found else {}

    @app.post("/api/sign-out")
    def _sign_out(response: Response, _: Writer, cookie: SessionCookie = None) -> dict[str, Any]:
        sign_out(room.store, cookie or "")
        response.delete_cookie(cookie_name, httponly=True, samesite="strict", secure=encrypted, path="/")
        return {}

    @app.post("/api/next")
    def _next(found: Writer) -> dict[str, Any]:
        return room.next(found, time.time())

    @app.post("/api/alive")
    def _alive(body: Sign, found: Writer) -> dict[str, Any]:
        room.alive(found, body.handle, time.time())
        return {}

    @app.post("/api/aside")
    def _aside(body: Aside, found: Writer) -> dict[str, Any]:
        room.put_off(found, body.handle, body.never, time.time())
        return {}

    @app.get("/api/mine")
    def _mine(found: Known) -> list[dict[str, Any]]:
        return room.mine(found)

    @app.get("/api/exams/{handle}")
    def _exam(handle: str, found: Known) -> dict[str, Any]:
        return room.exam(found, handle)

    @app.get("/api/exams/{handle}/before")
    def _before(handle: str, found: Known) -> dict[str, Any]:
        return {"exam": room.step(found, handle, back=True)}

    @app.get("/api/exams/{handle}/after")
    def _after(handle: str, found: Known) -> dict[str, Any]:
        return {"exam": room.step(found, handle, back=False)}

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

    @app.get("/api/examples/{name}")
    def _example(name: str, _: Known) -> Response:
        known = {path.name: path for listed in examples.values() for path in listed.values()}
        if name not in known:
            raise HTTPException(404, "There is no such picture.")
        return FileResponse(known[name])

    @app.get("/api/progress")
    def _how_far(found: Annotated[Reader, Depends(onlooker)]) -> dict[str, Any]:
        return room.progress(found, time.time())

    @app.get("/api/agreement")
    def _agreement(found: Known) -> Response:
        return JSONResponse(room.agreement(found))  # some thousand rows: written as they are

    @app.get("/api/coordinator")
    def _overview(found: Annotated[Reader, Depends(onlooker)]) -> dict[str, Any]:
        if found.role != "coordinator":
            raise HTTPException(403, "This is the coordinator's to see.")
        return coordinator.overview(room, time.time())

    @app.post("/api/revoke")
    def _revoke(body: Name, found: Head) -> dict[str, Any]:
        coordinator.revoke(room, found, body.name)
        return {}

    @app.post("/api/reassign")
    def _reassign(body: Handover, found: Head) -> dict[str, Any]:
        return {"exams": coordinator.reassign(room, found, body.giver, body.taker, time.time())}

    @app.post("/api/close")
    def _close(body: Name, found: Head) -> dict[str, Any]:
        coordinator.close(room, found, body.name, time.time())
        return {}

    return guard(app, room.settings)
