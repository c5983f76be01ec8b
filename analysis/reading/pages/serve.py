"""Start the server."""

from __future__ import annotations

import socket
from pathlib import Path

import click
import uvicorn

from analysis.errors import StudyError
from analysis.plurals import plural
from analysis.reading.pages.lines import BACKLOG, prepare
from analysis.reading.pages.server import make_app
from analysis.reading.room import Room


def serve(room: Room) -> None:
    """Serve a room until interrupted; says where on the terminal.

    Raises
    ------
    StudyError
        If the address is taken or isn't this machine's, or the certificate is missing.
    """
    settings = room.settings
    for file in (settings.tls.certificate, settings.tls.key):
        if file and not Path(file).is_file():
            raise StudyError(f"The file {file} of reading.tls does not exist; correct the path.")
    listener = listen(settings.host, settings.port)
    config = uvicorn.Config(
        make_app(room),
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        ssl_certfile=settings.tls.certificate,
        ssl_keyfile=settings.tls.key,
        proxy_headers=False,  # the guard does that, for the proxies in the settings alone
        http=prepare(),
        backlog=BACKLOG,
    )
    host, port = listener.getsockname()[:2]
    scheme = "https" if settings.tls.certificate else "http"
    name = f"[{host}]" if listener.family == socket.AF_INET6 else host
    click.echo(f"{plural(len(room.exams), 'exam')}, {room.form.title}: {scheme}://{name}:{port}")
    uvicorn.Server(config).run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that is bound to an address.

    Raises
    ------
    StudyError
        If the address is taken or isn't this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, or asyncio takes it for something else and lets small answers wait for the receipt of their heads.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        raise StudyError(
            f"The reading room can't listen on {host}, port {port} ({error.strerror}); "
            "change reading.host or reading.port."
        ) from error
    return listener
