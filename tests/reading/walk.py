"""A hundred exams, three readers at two sizes of screen, consensus and export, and a picture of every page at three sizes.

python -m tests.reading.walk pictures        # or fewer exams: pictures 20
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pandas as pd
from playwright.sync_api import Browser, ViewportSize

from analysis.reading import access
from analysis.reading.store import Store
from tests.reading import planted
from tests.reading.browser import Seat, open_browser
from tests.reading.conftest import KL, SIMULATE, Archive, Server, make_archive, run, running, the_first
from tests.reading.planted import Places

ARCHIVE = SIMULATE | {
    "radiography": {"image_size": [700, 900], "images_per_exam": [0.2, 0.4, 0.4], "unmasked": 0},
}
DESK: ViewportSize = {"width": 1440, "height": 900}
TABLET: ViewportSize = {"width": 1024, "height": 768}
UPRIGHT: ViewportSize = {"width": 820, "height": 1180}
SIZES = (DESK, TABLET, UPRIGHT)
READERS = {"anna": DESK, "bo": TABLET, "cia": DESK}


class Album:
    """A folder of pictures, each page at each size."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def take(self, seat: Seat, name: str) -> None:
        """Take what is before somebody, and leave the window as large as it was."""
        own = seat.page.viewport_size or DESK
        for size in SIZES:
            seat.page.set_viewport_size(size)
            seat.page.wait_for_timeout(600)
            seat.page.screenshot(path=self.folder / f"{name}-{size['width']}x{size['height']}.png")
        seat.page.set_viewport_size(own)
        seat.page.wait_for_timeout(600)


def given(place: int, number: int) -> dict[str, int]:
    """Return what one of the three finds: the third sides with the first, or with the second."""
    return planted.grade(place, number if number < 2 else place % 2)


def walk(folder: Path, album: Album, exams: int) -> str:
    """Go the whole way, and return what came of it."""
    archive = the_first(exams, make_archive(folder, ARCHIVE | {"validation": exams + 1}), folder)
    with (
        running(Server(archive, folder, {"reference": {"validation": {"readings": 3}}})) as server,
        open_browser() as browser,
    ):
        store, places = Store(server.store), Places(archive, server.store)
        door = Seat(browser, viewport=DESK)
        door.page.goto(server.url)
        album.take(door, "sign-in")
        for number, (name, size) in enumerate(READERS.items()):
            seat = sit(browser, server, access.make_token(store, name, "reader"), size)
            read(seat, server, places, number, album)
            seat.context.close()
        decided = decide(browser, server, store, places, album)
        head = sit(browser, server, access.make_token(store, "head", "coordinator"), DESK, "#events tbody tr")
        album.take(head, "coordinator")
        head.page.goto(server.url + "/progress")
        head.page.wait_for_selector("#within tbody tr")
        album.take(head, "progress-of-the-coordinator")
    return told(archive, server, folder, decided)


def sit(browser: Browser, server: Server, token: str, size: ViewportSize, what: str = "") -> Seat:
    """Sign in, and wait for what is to be seen."""
    seat = Seat(browser, viewport=size)
    seat.page.goto(server.url)
    seat.page.locator("#token").fill(token)
    seat.press("Enter")
    if what:
        seat.page.wait_for_selector(what)
    return seat


def read(seat: Seat, server: Server, places: Places, number: int, album: Album) -> None:
    """Read whatever comes, and look at the pages between."""
    shown, done = seat.shown(), 0
    while shown != "none":
        found = given(places.of(shown)[0], number)
        if done == 5:
            seat.page.wait_for_timeout(500)
            album.take(seat, f"exam-of-reader-{number}")
        seat.press(str(found["kl"]), *("m" * found["medial"]))
        if done == 5 and number == 0:
            pages(seat, album)
        seat.press("Enter")
        shown, done = seat.shown(shown), done + 1
    album.take(seat, f"nothing-left-{number}")
    seat.page.goto(server.url + "/progress")
    seat.page.wait_for_selector("#said:not(:empty)")
    album.take(seat, f"progress-of-reader-{number}")


def pages(seat: Seat, album: Album) -> None:
    """Open what can be opened over an exam."""
    album.take(seat, "graded")
    for opener, dialog in (("#show-guide", "#guide"), ("#show-mine", "#mine")):
        seat.page.click(opener)
        seat.page.wait_for_selector(f"{dialog}[open]")
        album.take(seat, dialog.strip("#"))
        seat.page.click(f"{dialog} .close")
    seat.press("?")
    album.take(seat, "keys")
    seat.press("?")
    seat.press("Shift+M")
    box = seat.page.locator(".pane").first.bounding_box()
    assert box
    seat.page.mouse.move(box["x"] + 80, box["y"] + 120)
    seat.page.mouse.down()
    seat.page.mouse.move(box["x"] + 220, box["y"] + 220, steps=3)
    seat.page.mouse.up()
    seat.page.screenshot(path=album.folder / "ruler.png")
    seat.press("Home", "Shift+M")
    cookies = seat.context.cookies()
    seat.context.clear_cookies()
    seat.press("Enter")
    seat.page.wait_for_selector("dialog[open]")
    album.take(seat, "signed-out")
    seat.context.add_cookies(cookies)  # type: ignore[arg-type]  # as they were given
    seat.page.reload()
    seat.shown()


def decide(browser: Browser, server: Server, store: Store, places: Places, album: Album) -> int:
    """Settle every conflict as the plan says, by letter or by level."""
    seat = sit(browser, server, access.make_token(store, "seniors", "consensus"), DESK)
    seat.shown()
    seat.page.fill("#present-names", "Dr Ek, Dr Lind")
    seat.press("Enter")
    shown, decided = seat.shown(), 0
    while shown != "none":
        if decided in (1, 2):
            if decided == 2:
                seat.press(",")
                seat.page.wait_for_selector("#report:not([hidden])")
            album.take(seat, "consensus" if decided == 1 else "consensus-with-report")
        place = places.of(shown)[0]
        for item, value in planted.decide(place).items():
            sides = seat.page.locator(f"#decision tr[data-field={item}] td").all_inner_texts()[:3]
            words = ("no", "yes") if item == "medial" else "01234"
            assert sorted(sides) == sorted(words[given(place, number)[item]] for number in range(3))
            seat.press("abc"[sides.index(words[value])] if place % 2 else str(value))
        seat.press("Enter")
        shown, decided = seat.shown(shown), decided + 1
    album.take(seat, "nothing-to-decide")
    seat.page.goto(server.url + "/progress")
    seat.page.wait_for_selector("#within tbody tr")
    album.take(seat, "progress-of-a-session")
    seat.context.close()
    return decided


def told(archive: Archive, server: Server, folder: Path, decided: int) -> str:
    """Export, hold what came out to what was keyed in, and say so."""
    out = folder / "export"
    run(
        "read-export", "--archive", archive.folder, "--store", server.store, "--images-index", archive.images,
        "--private", archive.private_index, "--grading", KL, "--config", server.config, "--out", out,
    )  # fmt: skip
    readings = pd.read_csv(out / "readings.csv", dtype=str, keep_default_na=False)
    private = pd.read_parquet(archive.private_index).dropna(subset=["exam"]).drop_duplicates("exam")
    place = {exam: i for i, exam in enumerate(archive.exams)}
    # An exam of two knees is two places of one number, told apart by the side.
    sides = private["exam"].str.extract("-(left|right)$", expand=False).fillna("")
    known = zip(private["accession"], sides, private["exam"], strict=True)
    number = {(accession, side): place[exam] for accession, side, exam in known if exam in place}
    wrong = 0
    for row in readings[readings["item"].isin(["kl", "medial"])].to_dict("records"):
        at, value = number[row["exam"], row.get("side", "")], int(row["value"])
        if row["reader"] in READERS:
            wrong += value != given(at, list(READERS).index(row["reader"]))[row["item"]]
        else:
            wrong += value != planted.decide(at).get(row["item"], value)
    mine = readings[readings["reader"].isin(READERS)]
    exams = mine.groupby("reader")["exam"].nunique().to_dict()
    return (
        f"exams read: {exams}; decided: {decided}; rows of readings.csv: {len(readings)}, other than keyed in: {wrong}"
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        print(walk(Path(place), Album(Path(sys.argv[1])), int(sys.argv[2]) if len(sys.argv) > 2 else 100))
