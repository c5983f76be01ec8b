"""What the pages look like to eyes, fingers and screen readers."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import axe_playwright_python
import pytest

from analysis.reading import access
from analysis.reading.store import Store
from tests.reading.browser import Seat, chromium, open_browser
from tests.reading.conftest import Server, running

pytestmark = pytest.mark.skipif(chromium() is None, reason="Chromium is not installed: envs/setup.sh test installs it")

TABLETS = [{"width": 1024, "height": 768}, {"width": 820, "height": 1180}]


@pytest.fixture(scope="module")
def server(page_archive, tmp_path_factory):
    settings = {"queues": {"validation": {"readings": 2}}, "repeat_share": 0}
    with running(Server(page_archive, tmp_path_factory.mktemp("seeing"), settings)) as server:
        yield server


@pytest.fixture(scope="module")
def chrome():
    with open_browser() as browser:
        yield browser


def sit(server: Server, chrome: Any, name: str, role: str = "reader", **options: Any) -> Seat:
    # The page's policy forbids scripts of others; the auditor's is put in beside it.
    seat = Seat(chrome, bypass_csp=True, **options)
    seat.sign_in(server.url, access.make_token(Store(server.store), name, role))
    return seat


def audit(seat: Seat) -> list[str]:
    """Return what axe-core finds critical or serious."""
    seat.page.add_script_tag(content=files(axe_playwright_python).joinpath("axe.min.js").read_text("utf-8"))
    found = seat.page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [
        f"{one['id']}: {node['html'][:150]} {node['any'][0]['message'][:150] if node['any'] else ''}"
        for one in found
        if one["impact"] in ("critical", "serious")
        for node in one["nodes"]
    ]


def test_no_page_keeps_anybody_out(server, chrome):
    door = Seat(chrome, bypass_csp=True)
    door.page.goto(server.url + "/sign-in")
    assert audit(door) == []
    bo = sit(server, chrome, "bo")
    shown = bo.shown()
    while shown != "none":
        bo.press("1", "Enter")
        shown = bo.shown(shown)
    assert audit(bo) == []
    bo.page.goto(server.url + "/progress")
    bo.page.wait_for_selector("#said:not(:empty)")
    assert audit(bo) == []
    anna = sit(server, chrome, "anna")
    shown = anna.shown()
    anna.press("3", "b")
    assert audit(anna) == []
    for opener, dialog in (("#show-guide", "#guide"), ("#show-mine", "#mine")):
        anna.page.click(opener)
        anna.page.wait_for_selector(f"{dialog}[open]")
        assert audit(anna) == []
        anna.page.click(f"{dialog} .close")
    anna.press("?")
    assert audit(anna) == []
    anna.press("?")
    while shown != "none":
        anna.press("3", "Enter")
        shown = anna.shown(shown)
    panel = sit(server, chrome, "panel", "consensus")
    panel.shown()
    panel.press("a")
    assert audit(panel) == []
    panel.page.goto(server.url + "/progress")
    panel.page.wait_for_selector("#between tbody tr")
    assert audit(panel) == []
    head = Seat(chrome, bypass_csp=True)
    head.page.goto(server.url)
    head.page.keyboard.type(access.make_token(Store(server.store), "head", "coordinator"))
    head.press("Enter")
    head.page.wait_for_selector("#events tbody tr")
    assert {"anna", "bo", "panel"} <= set(head.page.locator("#people tbody td:first-child").all_inner_texts())
    assert audit(head) == []


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
    assert page.locator(".ruler text").first.text_content().split(" ", 1)[1].startswith(("mm", "px"))
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


def test_the_window_can_be_kept_the_images_linked_and_turned(server, chrome):
    seat = sit(server, chrome, "viewer", "consensus", viewport={"width": 1440, "height": 900})
    first = seat.shown()
    captions = seat.page.locator(".pane:visible .caption")
    assert " · right" in captions.first.inner_text() or " · left" in captions.first.inner_text()
    seat.press("End")
    seat.page.wait_for_timeout(300)
    assert captions.first.inner_text().endswith("100 %")
    second = captions.nth(1).inner_text()
    seat.press("Shift+L")
    seat.page.wait_for_timeout(300)
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
    seat.context.close()
