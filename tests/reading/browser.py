"""Chromium without a window, and a reader who sits before it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

import axe_playwright_python
from playwright.sync_api import Browser, Page, TimeoutError, sync_playwright

#: Nothing that the browser does by itself may reach for the network.
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)

#: Whether all images are where they are going to, at their size.
STILL = """() => [...document.querySelectorAll('.pane:not([hidden]) .canvas')].every((element) => {
    const { viewport } = OpenSeadragon.getViewer(element), [now, then] = [true, false].map((at) => viewport?.getBounds(at));
    return !viewport || ['x', 'y', 'width', 'height'].every((side) => now[side] === then[side]);
})"""


def chromium() -> str | None:
    """Return where Chromium lies; None where it isn't installed."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Start Chromium, and end it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        yield browser
        browser.close()


def audit(page: Page) -> list[str]:
    """Return what axe-core finds critical or serious."""
    page.add_script_tag(content=files(axe_playwright_python).joinpath("axe.min.js").read_text("utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [
        f"{one['id']}: {node['html'][:150]} {node['any'][0]['message'][:150] if node['any'] else ''}"
        for one in found
        if one["impact"] in ("critical", "serious")
        for node in one["nodes"]
    ]


class Seat:
    """Somebody before a browser of their own.

    Parameters
    ----------
    browser : Browser
    options
        Of the browser's context, e.g. the size of its window.
    """

    def __init__(self, browser: Browser, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.page: Page = self.context.new_page()

    def sign_in(self, url: str, token: str) -> None:
        """Type a token at the door."""
        self.page.goto(url)
        # Into the field itself: a busy browser gives the focus only after the page is there, and keys typed before are lost.
        self.page.locator("#token").fill(token)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(url + "/")

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def still(self) -> None:
        """Wait until no image moves any more, and what is to be seen is drawn."""
        self.page.wait_for_function(STILL)
        self.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def shown(self, after: str = "") -> str:
        """Wait for an exam other than `after`, and return its handle and version; "none" when all are read."""
        try:
            self.page.wait_for_function("before => (document.body.dataset.ready ?? before) !== before", arg=after)
        except TimeoutError as error:
            said = self.page.evaluate(
                "() => [document.querySelector('#message')?.textContent, document.activeElement?.outerHTML.slice(0, 200),"
                " document.body.className, document.querySelector('#decision, #form')?.innerText.slice(0, 400)]"
            )
            raise AssertionError(f"No exam came after '{after}': {said}") from error
        return str(self.page.evaluate("document.body.dataset.ready"))
