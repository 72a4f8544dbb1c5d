"""The whole platform goes away and comes back, while every page of the dashboard stays open."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.seeded_fleet import requests_of, seeded, send
from tests.platform_process import Platform, environment, start

SEEN_MS = 90_000
"""A page asks anew within a minute."""
PATHS = ["/services", "/metrics", "/alerts", "/traces", "/logs", "/dashboards", "/services/gateway-0"]
STEADY = [
    "/compare?service=gateway-0&with=gateway-1&range=15m",
    "/query?q=SELECT%20count()%20FROM%20metrics%20SINCE%201%20HOUR",
    "/dashboards/example",
    "/settings",
]
"""These have been answered, or ask when they are told to: what they show stays."""
LOST = '[data-testid="stale"], [data-testid="error"], [data-testid="offline"]'


@pytest.fixture
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Platform]]:
    """The running platform, the last of the list; who restarts it appends."""
    data = tmp_path_factory.mktemp("restart")
    platforms = [start("up", data, ports=environment(data))]
    fleet = seeded(3)
    for second in range(int(time.time()) - 120, int(time.time()), 10):
        send(platforms[0].collector, requests_of(fleet, second))
    yield platforms
    if platforms[-1].process.poll() is None:
        assert platforms[-1].interrupt() == 0, "\n".join(platforms[-1].lines)


def test_every_page_says_that_the_platform_is_away_and_goes_on_when_it_is_back(
    browser: Browser, stage: list[Platform]
) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    pages = {path: context.new_page() for path in [*PATHS, "/?view=table", *STEADY]}
    for path, page in pages.items():
        page.goto(f"{stage[0].city}{path}")
        _is_well(page, path)
        page.evaluate("window.neverReloaded = true")
    assert stage[0].interrupt() == 0

    for path, page in pages.items():
        if path in STEADY:
            expect(page.locator("main h1")).to_be_visible()
        else:
            expect(page.locator(LOST).first).to_be_visible(timeout=SEEN_MS)

    stage.append(start("up", Path(stage[0].environment["VANTAGE_DATA_DIR"]), ports=stage[0].environment))
    for path, page in pages.items():
        _is_well(page, path)
        assert page.evaluate("window.neverReloaded")
    context.close()


def _is_well(page: Page, path: str) -> None:
    if path.startswith("/?"):
        expect(page.get_by_test_id("connection")).to_have_text("Live", timeout=SEEN_MS)
        expect(page.get_by_test_id("table-twin").locator("tbody tr")).to_have_count(200, timeout=SEEN_MS)
    else:
        expect(page.locator("main h1")).to_be_visible(timeout=SEEN_MS)
        expect(page.get_by_test_id("loading")).to_have_count(0, timeout=SEEN_MS)
    expect(page.locator(LOST)).to_have_count(0, timeout=SEEN_MS)
