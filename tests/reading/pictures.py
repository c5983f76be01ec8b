"""Take the README's pictures of the reading room, on simulated radiographs.

python -m tests.reading.pictures docs/pictures
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
import uuid
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from playwright.sync_api import Browser, ViewportSize

from analysis.reading import access
from analysis.reading.access import Reader
from analysis.reading.readings.form import make_form
from analysis.reading.readings.rules import holds
from analysis.reading.room import Room
from analysis.reading.settings import Role
from analysis.reading.tables import assignments, readers
from tests.reading.browser import Seat, open_browser
from tests.reading.conftest import KL, SIMULATE, Archive, Server, content, kl_findings, make_archive, running

#: A desk with one ordinary monitor.
SIZE: ViewportSize = {"width": 1440, "height": 810}
#: Colours of a picture: radiographs are grey, the page has few.
COLOURS = 256
ARCHIVE = SIMULATE | {
    "validation": 40,
    "radiography": {"image_size": [1000, 1300], "images_per_exam": [0.1, 0.3, 0.6], "unmasked": 0},
}
SETTINGS = {"reference": {"validation": {"readings": 2}}, "repeat_gap": 10}


class Desk:
    """Somebody who has read what the simulated readers have read, this morning."""

    def __init__(self, archive: Archive, room: Room, name: str, role: Role, number: int = 0) -> None:
        self.room, self.token = room, access.make_token(room.store, name, role)
        with room.store.reading() as db:
            cookie = db.execute(readers.select().where(readers.c.name == name)).one()
        self.reader = Reader(cookie.id, name, role)
        readings = pd.read_parquet(archive.images.parent / "readings.parquet")
        readings = readings[(readings["role"] == "reader") & readings["item"].isin(["kl", *kl_findings()])]
        self.given = {
            exam: [
                dict(zip(part["item"], part["value"].astype(int), strict=True)) for _, part in rows.groupby("reader")
            ]
            for exam, rows in readings.groupby("exam")
        }
        self.number, self.now, self.rng = number, time.time() - 4000, np.random.default_rng(number)

    def read(self, exams: int) -> None:
        """Read so many exams, each in a dozen seconds."""
        for _ in range(exams):
            listed = self.room.next(self.reader, self.now)["exams"]
            if not listed:
                return
            shown = listed[0]
            with self.room.store.reading() as db:
                exam = db.execute(assignments.select().where(assignments.c.handle == shown["handle"])).one().exam
            found: dict[str, int | None] = consistent(
                dict.fromkeys(["kl", *kl_findings()], 0) | self.given[exam][self.number]
            )
            if shown["kind"] == "consensus":
                found = dict(shown["sides"][0]["values"])
                found = {name: found[name] for name in shown["fields"]}
            seconds = round(float(self.rng.gamma(9, 1.4)), 1)
            self.now += seconds + 1
            self.room.write(self.reader, content(shown, uuid.uuid4().hex, found, seconds=seconds), self.now)


def consistent(values: dict[str, int]) -> dict[str, int | None]:
    """Bring what simulated readers said under the rules of the form, as the page would."""
    form = make_form(KL)
    found: dict[str, int | None] = dict(values)
    for finding in form.findings:
        if found[finding.name]:
            found |= dict.fromkeys(finding.implies, 1) | dict.fromkeys(finding.excludes, 0)
    found |= dict.fromkeys(form.absent(found), None)
    for finding in form.findings:
        if finding.needs is not None and holds(finding.needs, found) is False:
            found[finding.name] = 0
    return found


def take(folder: Path, out: Path) -> None:
    """Read in `folder` up to a consensus session, and put the pictures into `out`."""
    archive = make_archive(folder, ARCHIVE)
    with running(Server(archive, folder, SETTINGS)) as server, open_browser() as browser:
        room = archive.room(server.store, **SETTINGS)
        desks = [Desk(archive, room, name, "reader", i) for i, name in enumerate(("anna", "bo"))]
        desks[0].read(25)
        seat = sit_down(browser, server, desks[0].token)
        shown = seat.shown()
        while seat.page.locator(".pane:visible").count() < 3:
            seat.press("2", "Enter")
            shown = seat.shown(shown)
        seat.press("2", "m")
        save(seat, out / "reading-room.png")
        seat.context.close()
        for reader in desks:
            reader.read(100)
        seniors = Desk(archive, room, "seniors", "consensus")
        seniors.read(8)
        seat = sit_down(browser, server, seniors.token)
        shown = seat.shown()
        seat.page.fill("#present-names", "Dr Ek, Dr Lind")
        seat.press("Enter")
        while seat.page.locator(".pane:visible").count() < 2:
            seat.press(*"aaaaaaaa", "Enter")
            shown = seat.shown(shown)
        seat.page.fill("#present-names", "Dr Ek, Dr Lind")
        seat.press("Enter", ",", "a")
        save(seat, out / "consensus.png")
        seat.page.goto(server.url + "/progress")
        seat.page.wait_for_selector("#within tbody tr")
        save(seat, out / "progress.png")


def sit_down(browser: Browser, server: Server, token: str) -> Seat:
    """Sign in."""
    seat = Seat(browser, viewport=SIZE)
    seat.sign_in(server.url, token)
    return seat


def save(seat: Seat, path: Path) -> None:
    """Save what is on the screen."""
    seat.page.wait_for_timeout(1000)
    picture = Image.open(io.BytesIO(seat.page.screenshot())).convert("RGB")
    picture.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        take(Path(place), target)
