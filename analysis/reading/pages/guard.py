"""What every answer carries, and what no request gets past."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.trustedhost import TrustedHostMiddleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from analysis.reading.settings import LOOPBACK, ReadingSettings

#: The largest body that a reading can have, bytes.
LARGEST = 65_536

_LOG = logging.getLogger("analysis.reading")
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


def guard(app: FastAPI, settings: ReadingSettings) -> Any:
    """Put the guard before an application; returns the two as one ASGI application.

    Every answer gets the headers, those to failures too; nothing but the page's own files may be kept by
    the browser. A request is refused when it is too large, names another host (which is how a foreign
    page would reach a server on localhost), or writes from another origin. What a proxy says of the
    browser's address and of TLS is believed only of the proxies in the settings.
    """
    hosts = [*LOOPBACK, "[::1]", *settings.names]
    if settings.host not in (*LOOPBACK, "0.0.0.0", "::"):
        hosts.append(settings.host)
    guarded: Any = _Guard(TrustedHostMiddleware(app, allowed_hosts=hosts, www_redirect=False), settings)
    return ProxyHeadersMiddleware(guarded, list(settings.proxies)) if settings.proxies else guarded


class _Guard:
    def __init__(self, app: Any, settings: ReadingSettings) -> None:
        self._app, self._names = app, settings.names

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def carry(message: Any) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                if scope["scheme"] == "https":
                    headers["Strict-Transport-Security"] = "max-age=31536000"
                headers["Cache-Control"] = "no-cache" if scope["path"].startswith("/static/") else "no-store"
            await send(message)

        answer = _refuse(scope, self._names) or self._app
        try:
            await answer(scope, receive, carry)
        except Exception as error:
            # The log says what and where; never the message, which may hold what was sent.
            place = error.__traceback__
            while place and place.tb_next:
                place = place.tb_next
            line = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "?"
            _LOG.error("%s %s failed: %s (%s)", scope["method"], scope["path"][:100], type(error).__name__, line)
            if not begun:
                await _answer(500, "The server failed; nothing was saved. Try again.")(scope, receive, carry)


def _refuse(scope: Any, names: tuple[str, ...]) -> JSONResponse | None:
    if scope["method"] in ("GET", "HEAD"):
        return None
    headers = Headers(scope=scope)
    length = headers.get("content-length", "")
    if not (length.isascii() and length.isdigit()):
        return _answer(411, "The request does not say how long it is.")
    if int(length[:20]) > LARGEST:
        return _answer(413, "The request is too large.")
    origin = headers.get("origin")
    # A proxy may call this server by another name than the browser calls the proxy.
    own = {f"{scope['scheme']}://{headers.get('host', '')}"} | {f"{scope['scheme']}://{name}" for name in names}
    if origin is not None and origin not in own:
        return _answer(403, "The request comes from another page.")
    if not headers.get("content-type", "").startswith("application/json"):
        return _answer(415, "The request is not JSON.")
    return None


def _answer(status: int, message: str) -> JSONResponse:
    return JSONResponse({"detail": message}, status)
