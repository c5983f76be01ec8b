"""What every answer carries, and what no request gets past."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.middleware.trustedhost import TrustedHostMiddleware

from analysis.reading.settings import LOOPBACK, ReadingSettings

#: The largest body that a reading can have, bytes.
LARGEST = 65_536

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        # The hash is that of the viewer's own rule for phones, which it puts into the page by itself.
        "style-src 'self' 'sha256-9xTiqzfwFaL2SGb1rmr8gysEwVVjIvqWAgmZgqFqpEE='",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def guard(app: FastAPI, settings: ReadingSettings) -> None:
    """Put the guard before an application.

    Every answer gets the headers; nothing but the page's own files may be kept by the browser. A
    request is refused when it is too large, names another host (which is how a foreign page would
    reach a server on localhost), or writes from another origin.
    """
    hosts = [*LOOPBACK, "[::1]", *settings.names]
    if settings.host not in (*LOOPBACK, "0.0.0.0", "::"):
        hosts.append(settings.host)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False)
    secure = bool(settings.tls.certificate)

    @app.middleware("http")
    async def _(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        refused = _refuse(request)
        response = refused or await answer(request)
        for name, value in HEADERS.items():
            response.headers[name] = value
        if secure:
            response.headers["Strict-Transport-Security"] = "max-age=31536000"
        static = request.url.path.startswith("/static/")
        response.headers["Cache-Control"] = "no-cache" if static else "no-store"
        return response


def _refuse(request: Request) -> Response | None:
    if request.method in ("GET", "HEAD"):
        return None
    length = request.headers.get("content-length", "")
    if not length.isdigit():
        return _answer(411, "The request does not say how long it is.")
    if int(length) > LARGEST:
        return _answer(413, "The request is too large.")
    origin = request.headers.get("origin")
    if origin is not None and origin != f"{request.url.scheme}://{request.headers.get('host', '')}":
        return _answer(403, "The request comes from another page.")
    if not request.headers.get("content-type", "").startswith("application/json"):
        return _answer(415, "The request is not JSON.")
    return None


def _answer(status: int, message: str) -> Response:
    return JSONResponse({"detail": message}, status)
