"""What the pages look like to eyes, fingers and screen readers."""

from __future__ import annotations

import re
import secrets
from typing import Any

import pytest

from analysis.reading import access
from analysis.reading.store import Store
from tests.reading.browser import Seat, audit, chromium, open_browser
from tests.reading.conftest import Server, content, running, values

pytestmark = pytest.mark.skipif(chromium() is None, reason="Chromium is not installed: envs/setup.sh test installs it")

TABLETS = [{"width": 1024, "height": 768}, {"width": 820, "height": 1180}]


@pytest.fixture(scope="module")
def server(page_archive, tmp_path_factory):
    settings = {"reference": {"validation": {"readings": 2}}, "repeat_share": 0}
    with running(Server(page_archive, tmp_path_factory.mktemp("seeing"), settings)) as server:
        yield server


@pytest.fixture(scope="module")
def chrome():
    with open_browser() as browser:
        yield browser


def sit(server: Server, chrome: Any, name: str, role: str = "reader", **options: Any) -> Seat:
    # The page's policy forbids scripts of others; the auditor's is put in beside it.
    seat = Seat(chrome, bypass_csp=True, **options)
    seat.sign_in(server.url, token(server, name, role))
    return seat


def token(server: Server, name: str, role: str) -> str:
    return access.make_token(Store(server.store), name, role)


def read_all(server: Server, name: str, grade: int) -> None:
    """Read whatever is left for somebody, without a browser."""
    client = server.client(token(server, name, "reader"))
    while exams := client.next()["exams"]:
        sent = content(exams[0], secrets.token_hex(16), values(grade))
        assert client.post("/api/readings", json=sent).status_code == 200


def test_no_page_keeps_anybody_out(server, chrome):
    door = Seat(chrome, bypass_csp=True)
    door.page.goto(server.url + "/sign-in")
    assert audit(door.page) == []
    read_all(server, "bo", 1)
    bo = sit(server, chrome, "bo")
    assert bo.shown() == "none"
    assert audit(bo.page) == []
    bo.page.goto(server.url + "/progress")
    bo.page.wait_for_selector("#said:not(:empty)")
    assert audit(bo.page) == []
    anna = sit(server, chrome, "anna")
    anna.shown()
    anna.press("3", "b")
    assert audit(anna.page) == []
    for opener, dialog in (("#show-guide", "#guide"), ("#show-mine", "#mine")):
        anna.page.click(opener)
        anna.page.wait_for_selector(f"{dialog}[open]")
        assert audit(anna.page) == []
        anna.page.click(f"{dialog} .close")
    anna.press("?")
    assert audit(anna.page) == []
    anna.press("?")
    read_all(server, "anna", 3)
    panel = sit(server, chrome, "panel", "consensus")
    panel.shown()
    panel.press("a")
    assert audit(panel.page) == []
    panel.page.goto(server.url + "/progress")
    panel.page.wait_for_selector("#between tbody tr")
    assert audit(panel.page) == []


@pytest.mark.parametrize("size", TABLETS, ids=lambda size: f"{size['width']}x{size['height']}")
def test_a_tablet_by_touch(server, chrome, size):
    seat = sit(server, chrome, f"touch-{size['width']}", "reader", viewport=size, has_touch=True, is_mobile=True)
    if seat.shown() == "none":
        seat = sit(
            server, chrome, f"senior-{size['width']}", "consensus", viewport=size, has_touch=True, is_mobile=True
        )
        seat.shown()
    page = seat.page
    for wanted in ("#comment", "#views", "#save", "#back", ".tools"):
        box = page.locator(wanted).bounding_box()
        assert box["y"] + box["height"] <= size["height"], wanted
        assert box["x"] + box["width"] <= size["width"], wanted
    script = """[...document.querySelectorAll('button, label:has(input), a, input[type=text]')]
      .map(e => [e.textContent.trim(), e.getBoundingClientRect()])
      .filter(([, b]) => b.width && (b.height < 24 || b.width < 24)).map(([t]) => t)"""
    assert page.evaluate(script) == []
    widths = [page.locator(".pane").nth(i).bounding_box()["width"] for i in range(3)]
    assert min(widths) > 260
    # A finger changes the window once the mode says so, and measures in the other.
    caption = page.locator(".pane .caption").first
    before = caption.inner_text()
    page.tap("[data-press='Shift+d']")
    drag(page, 60, 0)
    assert width(caption.inner_text()) > width(before)
    page.tap("[data-press='Shift+m']")
    drag(page, 80, 40)
    assert page.locator(".ruler text").first.text_content()
    page.tap("[data-press='Home']")
    assert caption.inner_text() == before
    page.tap("[data-press='.']")
    assert page.locator(".pane:visible").count() == 1
    seat.context.close()


def width(text: str) -> int:
    return int(text.split("W ")[1].split(" ", maxsplit=1)[0])


def drag(page: Any, x: int, y: int) -> None:
    """Draw a finger over the first image."""
    script = """([x, y]) => {
      const pane = document.querySelector('.pane'), box = pane.getBoundingClientRect();
      const at = (f) => ({clientX: box.x + 60 + f * x, clientY: box.y + 80 + f * y, pointerId: 7, pointerType: 'touch',
        isPrimary: true, button: 0, buttons: 1, bubbles: true, cancelable: true});
      pane.querySelector('canvas').dispatchEvent(new PointerEvent('pointerdown', at(0)));
      for (const f of [0.5, 1]) window.dispatchEvent(new PointerEvent('pointermove', at(f)));
      window.dispatchEvent(new PointerEvent('pointerup', at(1)));
    }"""
    page.evaluate(script, [x, y])


@pytest.fixture(scope="module")
def viewer(server, chrome):
    seat = sit(server, chrome, "viewer", "consensus", viewport={"width": 1440, "height": 900})
    yield seat
    seat.context.close()


def test_the_ruler_tells_millimetres_and_both_sides_of_a_film_are_marked(viewer):
    seat = viewer
    seat.shown()
    page = seat.page
    handle = page.evaluate("document.body.dataset.ready").rsplit("/", 1)[0]
    heads = [page.evaluate(HEAD, f"/api/pictures/{handle}/{number}") for number in range(3)]
    captions = page.locator(".pane:visible .caption").all_inner_texts()
    edges = page.evaluate("[...document.querySelectorAll('.pane .edge')].map(e => e.textContent)")
    seat.press("End", "Shift+M")
    seat.still()
    for number, (_, marks) in enumerate(heads):
        wanted = {2: ["R", "L"], 4: ["L", "R"]}.get(marks & 6, ["", ""])
        assert edges[2 * number : 2 * number + 2] == wanted
        assert (wanted != ["", ""]) == (" · ap · " in captions[number])
    assert heads[0][0] > 0
    drag(page, 80, 60)
    said = page.locator(".ruler text").first.text_content()
    calibrated = heads[0][1] & 1
    assert re.fullmatch(r"\d+\.\d mm" + ("" if calibrated else " at the detector"), said)
    assert float(said.split()[0]) == pytest.approx(100 * heads[0][0], rel=0.02)  # 80 and 60 make 100 pixels
    seat.press("Home", "Shift+M")


#: Millimetres a pixel and marks of a picture, as the server packs them.
HEAD = """async (url) => {
  const head = new DataView(await (await fetch(url)).arrayBuffer(), 0, 32);
  return [head.getFloat32(24, true), head.getUint32(28, true)];
}"""


def cut(page: Any) -> list[str]:
    """Return what can be pressed and reaches beyond the window, at each size."""
    own, found = page.viewport_size, []
    for size in (*TABLETS, {"width": 1440, "height": 900}):
        page.set_viewport_size(size)
        found += page.evaluate("""[...document.querySelectorAll('button, a, input, select')].filter(e => e.offsetWidth
          && e.getBoundingClientRect().right > innerWidth).map(e => `${e.textContent} at ${innerWidth}`)""")
    page.set_viewport_size(own)
    return found


def test_nothing_is_cut_and_the_levels_stand_in_a_row(viewer):
    viewer.shown()
    assert cut(viewer.page) == []
    tops = viewer.page.evaluate(
        "[...document.querySelectorAll('#decision [data-field=kl] button')].map(e => e.offsetTop)"
    )
    assert len(tops) == 5
    assert len(set(tops)) == 1


def test_the_window_can_be_kept_the_images_linked_and_turned(viewer):
    seat = viewer
    first = seat.shown()
    captions = seat.page.locator(".pane:visible .caption")
    assert " · right" in captions.first.inner_text() or " · left" in captions.first.inner_text()
    seat.press("End")
    seat.still()
    assert captions.first.inner_text().endswith("100 %")
    second = captions.nth(1).inner_text()
    seat.press("Shift+L")
    seat.still()
    assert captions.nth(1).inner_text() != second
    seat.press("Shift+R")
    turns = seat.page.evaluate("[...document.querySelectorAll('.pane .edge')].slice(0, 2).map(e => e.dataset.at)")
    assert turns == ["top", "bottom"]
    seat.press("Home", "Shift+K", "i")
    seat.page.fill("#present-names", "Dr Ek")
    seat.press("Enter", "a", "Enter")
    seat.shown(first)
    assert "inverted" in captions.first.inner_text()
    seat.press("Shift+K")


def test_the_coordinator_withdraws_a_token_hands_over_and_closes_a_set(server, chrome):
    """By the page alone, as somebody would who never saw a command line. Last, since what is closed stays closed."""
    out, giver = (server.client(token(server, name, "senior")) for name in ("gone", "giver"))
    token(server, "taker", "senior")
    head = Seat(chrome, bypass_csp=True)
    head.page.on("dialog", lambda dialog: dialog.accept())
    head.page.goto(server.url)
    head.page.locator("#token").fill(token(server, "head", "coordinator"))
    head.press("Enter")
    head.page.wait_for_selector("#events tbody tr")
    assert {"gone", "giver", "taker"} <= set(head.page.locator("#people tbody td:first-child").all_inner_texts())
    assert audit(head.page) == []
    assert cut(head.page) == []
    size = head.page.viewport_size
    head.page.set_viewport_size({"width": 400, "height": 800})  # a telephone: tables are pushed aside, the page isn't
    assert head.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert audit(head.page) == []
    head.page.set_viewport_size(size)
    assert out.get("/api/mine").status_code == 200
    head.page.click("[aria-label='Withdraw the token of gone']")
    head.page.wait_for_function("document.querySelector('#message').textContent === 'gone is shut out.'")
    assert out.get("/api/mine").status_code == 401
    head.page.wait_for_selector("[aria-label='Withdraw the token of gone']", state="detached")
    head.page.select_option("#giver", "giver")
    head.page.select_option("#taker", "taker")
    head.page.click("#handover button")
    head.page.wait_for_function("document.querySelector('#message').textContent.includes('went from giver to taker')")
    head.page.click("[aria-label='Close the set validation']")
    head.page.wait_for_function("document.querySelector('#message').textContent === 'validation is closed.'")
    head.page.wait_for_function("document.querySelectorAll('#sets button').length === 0")
    happened = head.page.locator("#events tbody td:nth-child(2)").all_inner_texts()
    assert happened[:3] == ["closed", "reassigned", "revoked"]
    assert giver.next()["exams"] == []


def test_nine_readings_and_a_small_window_leave_room_to_decide(page_archive, chrome, tmp_path):
    settings = {"reference": {"validation": {"readings": 9}}, "repeat_share": 0}
    with running(Server(page_archive, tmp_path, settings)) as server:
        reader = sit(server, chrome, "first")
        reader.shown()
        for width, height in ((400, 800), (800, 600), (700, 900)):
            reader.page.set_viewport_size({"width": width, "height": height})
            page, form = reader.page.evaluate(
                "[document.documentElement, document.querySelector('#form')].map(e => [e.scrollWidth - e.clientWidth,"
                " e.scrollHeight - e.clientHeight])"
            )
            assert page == [0, 0]  # the room stays where it is,
            assert form[0] <= 0  # and the form goes on below alone
        for number in range(9):
            read_all(server, f"reader{number}", number % 5)
        panel = sit(server, chrome, "panel", "consensus", viewport={"width": 1440, "height": 900})
        panel.shown()
        assert panel.page.locator("#decision thead th").count() == 11
        assert cut(panel.page) == []
        panel.page.set_viewport_size({"width": 600, "height": 900})
        panel.page.goto(server.url + "/progress")
        panel.page.wait_for_selector("#between tbody tr")
        assert panel.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
