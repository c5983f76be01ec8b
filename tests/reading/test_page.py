"""The reading page by mouse and keyboard, on slow lines, and with a server that comes and goes."""

from __future__ import annotations

import io
import sqlite3
import warnings
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from analysis.archive.dicom import read
from analysis.imaging.pixels import brightness
from analysis.reading import access
from analysis.reading.store import Store
from tests.reading.browser import Seat, chromium, open_browser
from tests.reading.conftest import SIMULATE, Server, make_archive, running

pytestmark = pytest.mark.skipif(chromium() is None, reason="Chromium is not installed: envs/setup.sh test installs it")

ARCHIVE = SIMULATE | {
    "validation": 8,
    "radiography": {"image_size": [500, 600], "images_per_exam": [0, 0, 1], "unmasked": 0},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    settings = {"queues": {"validation": {"readings": 9}}, "repeat_share": 0}
    with running(Server(make_archive(folder, ARCHIVE), folder, settings)) as server:
        yield server


@pytest.fixture(scope="module")
def chrome():
    with open_browser() as browser:
        yield browser


@pytest.fixture
def seat(server, chrome, request):
    seat = Seat(chrome, viewport={"width": 1276, "height": 600})
    name = request.node.name.removeprefix("test_")[:40]
    seat.sign_in(server.url, access.make_token(Store(server.store), name, "reader"))
    yield seat
    seat.context.close()


def pane(seat: Seat, number: int = 0) -> np.ndarray:
    """Return the grey levels of a pane as they stand on the screen, its caption left out."""
    seat.page.wait_for_timeout(250)  # movements end after 150 ms
    packed = seat.page.locator(".pane").nth(number).screenshot()
    return np.asarray(Image.open(io.BytesIO(packed)).convert("L"), dtype=float)[4:560]


def caption(seat: Seat, number: int = 0) -> str:
    return seat.page.locator(".pane .caption").nth(number).inner_text()


def alike(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def ledger(server: Server, handle: str) -> list[tuple[Any, ...]]:
    query = "select l.version, l.comment from ledger l join assignments a on a.id = l.assignment where handle = ?"
    with sqlite3.connect(server.store) as db:
        return db.execute(query + " order by l.id", [handle.partition("/")[0]]).fetchall()


def images(server: Server, handle: str) -> list[np.ndarray]:
    """Return the images of an exam, as the network sees them, in the order of the panes."""
    exams = server.archive.room(server.folder / "other.sqlite").exams
    with sqlite3.connect(server.store) as db:
        (exam,) = db.execute("select exam from assignments where handle = ?", [handle.partition("/")[0]]).fetchone()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [brightness(read(image.path)) for image in exams[exam].images]


def test_every_image_is_whole_and_as_the_network_sees_it(server, seat):
    handle = seat.shown()
    seen = images(server, handle)
    assert len(seen) == seat.page.locator(".pane:visible").count() == 3
    for number, image in enumerate(seen):
        shown = pane(seat, number)
        width, height = shown.shape[1], 600
        scale = min(width / image.shape[1], height / image.shape[0])
        size = round(image.shape[1] * scale), round(image.shape[0] * scale)
        expected = np.zeros((height, width))
        left, top = (width - size[0]) // 2, (height - size[1]) // 2
        fitted = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        expected[top : top + size[1], left : left + size[0]] = fitted
        assert alike(shown, expected[4:560]) > 0.98
    # Alone it is as large as it can be, and side by side again as before.
    before = pane(seat)
    seat.press(".")
    assert seat.page.locator(".pane:visible").count() == 1
    assert pane(seat).shape[1] > 2.5 * before.shape[1]
    seat.press(".")
    assert np.array_equal(pane(seat), before)


def test_window_and_inversion(seat):
    seat.shown()
    before, title = pane(seat), caption(seat)
    middle = np.s_[200:350, 100:200]
    seat.press("i")
    assert "inverted" in caption(seat)
    assert np.abs(255 - before[middle] - pane(seat)[middle]).max() <= 2
    seat.press("i")
    assert np.array_equal(pane(seat), before)
    seat.press("Shift+ArrowUp", "Shift+ArrowUp")  # a lower level is brighter
    assert pane(seat)[middle].mean() > before[middle].mean() + 2
    assert caption(seat) != title
    box = seat.page.locator(".pane").first.bounding_box()
    mouse = seat.page.mouse
    mouse.move(box["x"] + 100, box["y"] + 200)
    mouse.down(button="right")
    mouse.move(box["x"] + 220, box["y"] + 200, steps=3)
    mouse.up(button="right")
    width = [int(text.split(" W ")[1].split(" ")[0]) for text in (title, caption(seat))]
    assert width[1] > width[0]
    assert pane(seat)[middle].std() < before[middle].std()  # a wider window has less contrast
    seat.press("Home")
    assert caption(seat) == title
    assert np.array_equal(pane(seat), before)


def test_zoom_and_pan(seat):
    seat.shown()
    before = pane(seat)
    rows, columns = before.shape
    box = seat.page.locator(".pane").first.bounding_box()
    mouse = seat.page.mouse
    centre = box["x"] + columns / 2, box["y"] + 300
    seat.press("+")
    zoomed = pane(seat)
    enlarged = cv2.warpAffine(before, np.array([[1.4, 0, -0.2 * columns], [0, 1.4, -0.4 * 296]]), (columns, rows))
    assert alike(zoomed, enlarged) > 0.98 > alike(zoomed, before)
    mouse.move(*centre)
    mouse.down()
    mouse.move(centre[0] + 30, centre[1] + 40, steps=4)
    mouse.up()
    assert alike(pane(seat)[40:, 30:], zoomed[:-40, :-30]) > 0.98
    seat.press("Control+ArrowRight")  # an eighth of what is in sight
    shift = round(columns / 8) - 30
    assert alike(pane(seat)[40:, :-shift], zoomed[:-40, shift:]) > 0.98
    mouse.dblclick(*centre)
    assert np.array_equal(pane(seat), before)
    seat.press("i")  # a click into the image takes no keys away
    assert "inverted" in caption(seat)
    seat.press("i")
    mouse.wheel(0, -100)
    assert alike(pane(seat), before) < 0.99


def test_a_double_click_is_one_reading_and_grades_no_other_exam(server, seat):
    first = seat.shown()
    seat.press("2")
    seat.page.dblclick("#save")
    second = seat.shown(first)
    seat.page.wait_for_timeout(300)
    assert len(ledger(server, first)) == 1
    assert ledger(server, second) == []
    seat.press("Enter")
    assert "left to grade" in seat.page.inner_text("#message")
    # Back to the first one, to correct it: a row of its own.
    seat.press("Backspace")
    again = seat.shown(second)
    assert again.split("/") == [first.split("/")[0], "1"]
    assert seat.page.is_checked("input[name=kl][value='2']")
    seat.press("/")
    seat.page.keyboard.type("on second thoughts, i. e. 3")
    seat.press("Enter", "3", "Enter")
    assert seat.shown(again) == second
    assert ledger(server, first) == [(0, ""), (1, "on second thoughts, i. e. 3")]


def test_nothing_is_graded_before_its_images_are_in_sight(server, seat):
    held: list[Any] = []
    slow = True

    def hold(route: Any) -> None:
        if slow:
            held.append(route)
        else:
            route.continue_()

    seat.page.route("**/api/pictures/**", hold)
    seat.page.reload()
    seat.page.wait_for_selector("#wait", state="visible")
    seat.press("3", "Enter")
    assert seat.page.locator("input:checked").count() == 0
    slow = False
    for route in held:
        route.continue_()
    handle = seat.shown()
    assert ledger(server, handle) == []
    seat.press("3", "Enter")
    seat.shown(handle)
    assert len(ledger(server, handle)) == 1


def test_a_killed_server_and_a_closed_laptop_lose_nothing(server, seat):
    handle = seat.shown()
    server.kill()
    seat.press("4", "Enter")
    seat.page.wait_for_function("() => document.querySelector('#message').textContent.includes('Nothing is lost')")
    seat.press("Enter")
    server.start()
    ahead = seat.shown(handle)
    assert len(ledger(server, handle)) == 1
    seat.page.close()
    seat.page = seat.context.new_page()
    seat.page.goto(server.url)
    assert seat.shown() == ahead
    assert seat.page.locator("#show-report").count() == 0  # reports are for the consensus session
