"""The reading page by mouse and keyboard, on slow lines, and with a server that comes and goes."""

from __future__ import annotations

import io
import json
import sqlite3
import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from analysis.archive.dicom.dataset import read
from analysis.imaging.pixels import brightness
from analysis.reading import access
from analysis.reading.exams.pixels import load_picture
from analysis.reading.store import Store
from tests.reading.browser import Seat, chromium, open_browser
from tests.reading.conftest import Server, running

pytestmark = pytest.mark.skipif(chromium() is None, reason="Chromium is not installed: envs/setup.sh test installs it")


@pytest.fixture(scope="module")
def server(page_archive, tmp_path_factory):
    settings = {"reference": {"validation": {"readings": 9}}, "repeat_share": 0}
    with running(Server(page_archive, tmp_path_factory.mktemp("page-room"), settings)) as server:
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
    seat.still()
    packed = seat.page.locator(".pane").nth(number).screenshot()
    return np.asarray(Image.open(io.BytesIO(packed)).convert("L"), dtype=float)[4:-40]


def caption(seat: Seat, number: int = 0) -> str:
    return seat.page.locator(".pane .caption").nth(number).inner_text()


def percent(text: str) -> float:
    return float(text.split(" %", maxsplit=1)[0].rsplit(" ", maxsplit=1)[-1])


def alike(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def ledger(server: Server, handle: str) -> list[tuple[Any, ...]]:
    query = "select l.version, l.comment from ledger l join assignments a on a.id = l.assignment where handle = ?"
    with sqlite3.connect(server.store) as db:
        return db.execute(query + " order by l.id", [handle.partition("/")[0]]).fetchall()


def graded(server: Server, handle: str) -> list[int | None]:
    """Return the grade of each version of a reading."""
    query = 'select l."values" from ledger l join assignments a on a.id = l.assignment where handle = ? order by l.id'
    with sqlite3.connect(server.store) as db:
        return [json.loads(row[0])["kl"] for row in db.execute(query, [handle.partition("/")[0]])]


def chosen(seat: Seat) -> str | None:
    return seat.page.evaluate("document.querySelector('input[name=kl]:checked')?.value ?? null")


def images(server: Server, handle: str) -> list[np.ndarray]:
    """Return the images of an exam, as the network sees them, in the order of the panes."""
    exams = server.archive.room(server.folder / "other.sqlite").exams
    with sqlite3.connect(server.store) as db:
        (exam,) = db.execute("select exam from assignments where handle = ?", [handle.partition("/")[0]]).fetchone()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [brightness(read(Path(image.path))) for image in exams[exam].images]


def test_every_image_is_whole_and_as_the_network_sees_it(server, seat):
    handle = seat.shown()
    seen = images(server, handle)
    assert len(seen) == seat.page.locator(".pane:visible").count() == 3
    for number, image in enumerate(seen):
        shown = pane(seat, number)
        width, height = shown.shape[1], shown.shape[0] + 44
        scale = min(width / image.shape[1], height / image.shape[0])
        size = round(image.shape[1] * scale), round(image.shape[0] * scale)
        expected = np.zeros((height, width))
        left, top = (width - size[0]) // 2, (height - size[1]) // 2
        fitted = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        expected[top : top + size[1], left : left + size[0]] = fitted
        assert alike(shown, expected[4:-40]) > 0.98
    # Alone it is as large as it can be, and side by side again as before.
    before = pane(seat)
    seat.press(".")
    assert seat.page.locator(".pane:visible").count() == 1
    assert pane(seat).shape[1] > 2.5 * before.shape[1]
    seat.press(".")
    assert np.array_equal(pane(seat), before)


def test_window_and_inversion(server, seat):
    handle = seat.shown()
    before, title = pane(seat), caption(seat)
    middle = np.s_[200:350, 100:200]
    # The window is read out in the file's own values, not from the image's minimum.
    exams = server.archive.room(server.folder / "other.sqlite").exams
    with sqlite3.connect(server.store) as db:
        (exam,) = db.execute("select exam from assignments where handle = ?", [handle.partition("/")[0]]).fetchone()
    shown = load_picture(exams[exam].images[0].path)
    told = [float(title.split(f"{name} ")[1].split(" ")[0]) for name in ("W", "L")]
    scale = abs(shown.scale) or 1
    level = shown.offset + (shown.scale or 1) * (shown.low + shown.high) / 2
    assert told == pytest.approx([(shown.high - shown.low) * scale, level], abs=1)
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
    width = [int(text.split("W ")[1].split(" ")[0]) for text in (title, caption(seat))]
    assert width[1] > width[0]
    assert pane(seat)[middle].std() < before[middle].std()  # a wider window has less contrast
    seat.press("Home")
    assert caption(seat) == title
    assert np.array_equal(pane(seat), before)


def test_zoom_and_pan(seat):
    seat.shown()
    before, first = pane(seat), percent(caption(seat))
    rows, columns = before.shape
    box = seat.page.locator(".pane").first.bounding_box()
    mouse = seat.page.mouse
    centre = box["x"] + columns / 2, box["y"] + 300
    seat.press("+")
    zoomed = pane(seat)
    # To the next fixed step; the middle of the pane, which has 4 rows more above and 40 below, stays where it is.
    factor = percent(caption(seat)) / first
    assert percent(caption(seat)) in (13, 18, 25, 35, 50, 71, 100, 141)
    across, down = columns / 2, (rows + 44) / 2 - 4
    shift = [[factor, 0, (1 - factor) * across], [0, factor, (1 - factor) * down]]
    enlarged = cv2.warpAffine(before, np.array(shift), (columns, rows))
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
    seat.press("Enter")  # unchanged: no version, and on to the exam at hand
    assert seat.shown(again) == second
    seat.press("Backspace")
    assert seat.shown(second) == again
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
    # What stands on the screen is what is being saved: the form is locked.
    seat.press("Enter", "2", "m")
    seat.page.locator("label:has(input[name=kl][value='1'])").click(force=True)
    assert chosen(seat) == "4"
    server.start()
    ahead = seat.shown(handle)
    assert len(ledger(server, handle)) == 1
    assert graded(server, handle) == [4]
    seat.page.close()
    seat.page = seat.context.new_page()
    seat.page.goto(server.url)
    assert seat.shown() == ahead
    assert seat.page.locator("#show-report").count() == 0  # reports are for the consensus session


def test_a_reading_that_was_saved_before_the_next_exam_failed_is_corrected_by_another_version(server, seat):
    """KL 2 is saved, the next exam does not come, change to 4, Enter: the ledger must end with 4."""
    handle = seat.shown()
    seat.page.route("**/api/next", lambda route: route.fulfill(status=500, json={"detail": "The server failed."}))
    seat.press("2", "Enter")  # the one loaded ahead comes without asking
    second = seat.shown(handle)
    seat.press("2", "Enter")
    seat.page.wait_for_function("() => document.querySelector('#message').textContent.includes('is saved')")
    assert graded(server, second) == [2]
    with seat.page.expect_response("**/api/next"):  # asked for once the reading is saved, and the form is free again
        seat.press("4", "Enter")
    assert graded(server, second) == [2, 4]
    assert chosen(seat) == "4"
    seat.page.wait_for_function("() => !document.body.classList.contains('sending')")  # locked until the answer is read
    seat.page.unroute("**/api/next")
    seat.press("Enter")
    seat.shown(second)
    assert graded(server, second) == [2, 4]


def test_a_failure_of_the_server_is_said_once_and_retried_by_hand(server, seat):
    handle = seat.shown()
    tries = []

    def fail(route: Any) -> None:
        tries.append(1)
        route.fulfill(status=500, json={"detail": "The server failed; nothing was saved. Try again."})

    seat.page.route("**/api/readings", fail)
    seat.press("2", "Enter")
    seat.page.wait_for_function("() => document.querySelector('#message').textContent.includes('server failed')")
    seat.page.wait_for_timeout(1500)
    assert len(tries) == 1
    seat.page.unroute("**/api/readings")
    seat.press("3", "Enter")
    seat.shown(handle)
    assert graded(server, handle) == [3]


def test_an_exam_whose_image_did_not_come_is_not_graded_and_the_image_is_asked_for_again(server, seat):
    handle = seat.shown()
    lost = {"number": 1}

    def lose(route: Any) -> None:
        if lost["number"]:
            route.abort()
        else:
            route.continue_()

    seat.page.route("**/api/pictures/**/1", lose)
    seat.page.reload()
    seat.page.wait_for_selector("body.failed")
    assert "can't be graded" in seat.page.inner_text("#message")
    seat.press("3", "Enter")
    seat.page.wait_for_timeout(300)
    assert (chosen(seat), ledger(server, handle)) == (None, [])
    lost["number"] = 0
    assert seat.shown() == handle  # asked for again, without a hand
    seat.press("3", "Enter")
    seat.shown(handle)
    assert graded(server, handle) == [3]


def test_an_image_that_can_not_be_decoded_is_no_exam_to_grade(server, seat):
    handle = seat.shown()
    refuse = {"status": 409, "json": {"detail": "This image can't be shown (corrupt)."}}
    seat.page.route("**/api/pictures/**/2", lambda route: route.fulfill(**refuse))
    seat.page.reload()
    seat.page.wait_for_selector("body.failed")
    seat.press("u", "Enter", "3", "Enter")
    seat.page.wait_for_timeout(300)
    assert ledger(server, handle) == []
    seat.page.unroute("**/api/pictures/**/2")
    seat.press("Shift+Enter")  # laid aside: another exam comes
    assert seat.shown().partition("/")[0] != handle.partition("/")[0]


def hold_down(seat: Seat, key: str, code: str, times: int = 6) -> None:
    for number in range(times):
        dispatch(seat, key, code, repeat=number > 0)


def dispatch(seat: Seat, key: str, code: str, **more: Any) -> None:
    """Press a key as another keyboard has it."""
    script = "o => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {bubbles: true, cancelable: true, ...o}))"
    seat.page.evaluate(script, {"key": key, "code": code} | more)


def checked(seat: Seat, name: str) -> bool:
    return bool(seat.page.is_checked(f"input[name={name}]"))


def test_keys_mean_one_thing_on_every_keyboard(server, seat):
    handle = seat.shown()
    hold_down(seat, "c", "KeyC")
    assert checked(seat, "cast")  # once, however long it was held
    dispatch(seat, "C", "KeyC")  # CapsLock, without Shift
    assert not checked(seat, "cast")
    dispatch(seat, "\u00e9", "Digit2")  # AZERTY
    assert chosen(seat) == "2"
    dispatch(seat, "3", "Digit3", shiftKey=True)
    assert chosen(seat) == "3"
    dispatch(seat, "/", "Digit7", shiftKey=True)  # Swedish: a slash, not seven
    assert seat.page.evaluate("document.activeElement.id") == "comment"
    seat.press("Escape")
    dispatch(seat, "\u0441", "KeyC")  # Cyrillic
    assert checked(seat, "cast")
    hold_down(seat, "Enter", "Enter")
    second = seat.shown(handle)
    assert graded(server, handle) == [3]
    assert ledger(server, second) == []
    # Enter on a focused button presses it, and saves nothing.
    seat.press("1")
    seat.page.focus("#show-guide")
    seat.press("Enter")
    assert seat.page.locator("#guide").is_visible()
    seat.press("2", "Enter")  # nor do keys reach the exam behind the dialog
    assert ledger(server, second) == []
    seat.page.wait_for_timeout(100)
    assert chosen(seat) == "1"


def test_the_form_applies_the_rules_of_the_scheme(server, seat):
    handle = seat.shown()
    seat.press("b")
    assert checked(seat, "implant")
    assert "sets 'Any implant'" in seat.page.inner_text("#message")
    seat.press("a")
    assert checked(seat, "implant")  # implied by the plate
    assert "implies" in seat.page.inner_text("#message")
    seat.press("e", "t")
    assert checked(seat, "tka")
    assert not checked(seat, "uka")
    assert seat.page.locator(".item.absent").count() == 1
    seat.press("4")
    assert chosen(seat) is None
    seat.press("Enter")
    second = seat.shown(handle)
    assert graded(server, handle) == [None]
    seat.press("0", "m", "Enter")
    assert "needs Kellgren-Lawrence grade ≥ 1" in seat.page.inner_text("#message")
    assert ledger(server, second) == []
    seat.press("n")
    assert seat.page.locator(".item.absent").count() == 1
    seat.press("u")
    assert not checked(seat, "no_knee")
    seat.press("n", "Enter")
    third = seat.shown(second)
    query = 'select "values" from ledger order by id desc limit 1'
    with sqlite3.connect(server.store) as db:
        assert json.loads(db.execute(query).fetchone()[0]) == {"unusable": 0, "no_knee": 1}
    assert third != second


def test_typed_work_outlives_back_reload_progress_and_the_session(server, seat):
    first = seat.shown()
    seat.press("1", "Enter")
    second = seat.shown(first)

    def all_there() -> None:
        assert chosen(seat) == "3"
        assert checked(seat, "medial")
        assert seat.page.input_value("#comment") == "half a sent"

    seat.press("3", "m", "/")
    seat.page.keyboard.type("half a sent")
    seat.press("Escape", "Backspace")
    back = seat.shown(second)
    seat.press("Enter")
    assert seat.shown(back) == second
    all_there()
    seat.page.reload()
    assert seat.shown() == second
    all_there()
    seat.page.goto(server.url + "/progress")
    seat.page.goto(server.url)
    assert seat.shown() == second
    all_there()
    # The session ends before Enter: signing in again happens in place, and the reading is saved.
    name = seat.page.inner_text("nav .who")
    token = access.make_token(Store(server.store), name, "reader")  # ends the session as an hour's absence does
    seat.press("Enter")
    seat.page.wait_for_selector("#again[open]")
    seat.page.fill("#again-token", "not the token")
    seat.press("Enter")
    seat.page.wait_for_function(
        "() => document.querySelector('#again [role=alert]').textContent.includes('opens nothing')"
    )
    seat.page.fill("#again-token", token)
    seat.press("Enter")
    third = seat.shown(second)
    assert graded(server, second) == [3]
    assert ledger(server, second)[-1][1] == "half a sent"
    assert seat.page.evaluate("Object.keys(localStorage).filter(k => k.startsWith('draft:')).length") == 0
    seat.press("2", "Enter")  # with the new session's secret
    seat.shown(third)


def test_somebody_who_sits_before_an_exam_is_not_absent(server, seat):
    """An hour of discussion before one exam: whoever moves the mouse now and then is there."""
    seat.shown()
    with sqlite3.connect(server.store) as db:
        (reader,) = db.execute("select id from readers where name = ?", [seat.page.inner_text("nav .who")]).fetchone()
        db.execute("update sessions set seen = seen - 3000 where reader = ?", [reader])
    seat.page.evaluate("Date.now = ((real) => () => real() + 3e6)(Date.now)")
    with seat.page.expect_response("**/api/alive"):
        seat.page.mouse.move(300, 300)
    with sqlite3.connect(server.store) as db:
        seen, now = db.execute("select max(seen), strftime('%s') from sessions where reader = ?", [reader]).fetchone()
    assert float(now) - seen < 60


def test_own_exams_are_found_again(server, seat):
    before = seat.shown()
    read = []
    for kl in "0123":
        seat.press(kl, *("r" * (kl == "2")), "Enter")
        read.append(before)
        before = seat.shown(before)
    seat.page.click("#show-mine")
    seat.page.wait_for_selector("#mine tbody tr")
    assert seat.page.locator("#mine tbody tr").count() == 4
    seat.page.select_option("#mine-state", "revisit")
    assert seat.page.locator("#mine tbody tr").count() == 1
    seat.page.select_option("#mine-state", "")
    seat.page.fill("#mine-number", "2")
    seat.page.click("#mine tbody button")
    opened = seat.shown(before)
    assert opened.partition("/")[0] == read[1].partition("/")[0]
    seat.press("4", "Enter")  # and back to the exam at hand
    assert seat.shown(opened) == before
    assert graded(server, read[1]) == [1, 4]
    # Back and forward again.
    seat.press("Backspace")
    last = seat.shown(before)
    seat.press("Backspace")
    earlier = seat.shown(last)
    seat.press("Shift+Backspace")
    assert seat.shown(earlier) == last
    seat.press("Shift+Backspace")
    assert seat.shown(last) == before
