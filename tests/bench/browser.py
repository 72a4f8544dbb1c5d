"""The page the figures are read in: 640×360, bloom off, software GL."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from playwright.sync_api import Page, sync_playwright

from tests.e2e.conftest import CHROMIUM_FLAGS
from tests.waiting import eventually


@contextmanager
def blank_page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM_FLAGS)
        yield browser.new_page(viewport={"width": 640, "height": 360})
        browser.close()


def open_city(page: Page, city: str) -> None:
    """Goes to the city as soon as it is served."""

    def served() -> bool:
        """Asked by a socket: a browser that polls would draw an error page each time, on the cores it waits for."""
        return httpx.get(city).is_success

    eventually(served, within_s=120, every_s=0.05, what="the city being served")
    page.goto(f"{city}/?vantage=1&fx=off", wait_until="commit")
