"""The city page on a real platform with 200 services: the live picture, the stored past, and the way between them."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import httpx
import psutil
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from tests.e2e.axe import serious
from tests.e2e.conftest import DESKTOP, PHONE
from tests.e2e.pictures import ALIKE, check, difference
from tests.e2e.seeded_fleet import ENVIRONMENT, Fleet, Traffic, requests_of, seeded, send
from tests.platform_process import Platform, start
from tests.waiting import eventually

SLOT_S = 10
"""How finely the past is stored."""
PATIENCE_MS = 60_000
STANDING_CLOCK = """
const standing = %d;
window.Date = class extends Date {
  constructor(...given) { super(...(given.length ? given : [standing])); }
  static now() { return standing; }
};
"""
"""Playwright's own clock replaces requestAnimationFrame, too: frames then come faster than they are drawn."""


@dataclass
class Story:
    """What was sent: quiet minutes, an incident of two minutes, quiet ones again; and now it fails once more."""

    platform: Platform
    fleet: Fleet
    begin_s: int
    incident_s: int
    end_s: int

    def fails_at(self, second: int) -> bool:
        return self.incident_s <= second < self.incident_s + 120


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    platform = start("up", tmp_path_factory.mktemp("fleet"))
    begin_s = int(time.time()) // 60 * 60 - 15 * 60
    told = Story(platform, seeded(7), begin_s, begin_s + 180, begin_s + 480)
    for second in range(begin_s, told.end_s, SLOT_S):
        send(platform.collector, requests_of(told.fleet, second, requests=100, fails=told.fails_at(second)))
    with Traffic(platform.collector, told.fleet):
        eventually(lambda: _unwell(told) >= {told.fleet.cause, told.fleet.sick}, within_s=60, what="the live incident")
        eventually(lambda: _is_added_up(told), within_s=60, what="the past, with its calls")
        yield told
    assert platform.interrupt() == 0, "\n".join(platform.lines)


def _unwell(story: Story) -> set[str]:
    city = httpx.get(f"{story.platform.api}/api/city", timeout=30).json()
    assert len(city["services"]) == len(story.fleet.services)
    return {service["name"] for service in city["services"] if service["status"] in ("UNHEALTHY", "DEGRADED")}


def _is_added_up(story: Story) -> bool:
    """What came late is stored at once, and added up some seconds later."""
    past = httpx.get(f"{story.platform.api}/api/city", params={"at": (story.incident_s + 60) * 1000}, timeout=30).json()
    return len(past["edges"]) == len(story.fleet.calls)


class Look(Protocol):
    def __call__(
        self,
        path: str,
        size: tuple[int, int] = DESKTOP,
        scheme: Literal["dark", "light"] = "dark",
        *,
        still: bool = False,
        now_s: int | None = None,
    ) -> Page: ...


@pytest.fixture
def look(browser: Browser, story: Story) -> Iterator[Look]:
    """Opens a path. What the page's console complains of fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        # React Three Fiber still uses the clock that three deprecated.
        if message.type in ("error", "warning") and "THREE.Clock" not in message.text:
            complaints.append(message.text)

    def opened(
        path: str,
        size: tuple[int, int] = DESKTOP,
        scheme: Literal["dark", "light"] = "dark",
        *,
        still: bool = False,
        now_s: int | None = None,
    ) -> Page:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,
            reduced_motion="reduce" if still else "no-preference",
            # A picture to compare needs no more than that, and software draws it four times as fast.
            device_scale_factor=0.5 if still else 1,
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", note)
        if now_s is not None:
            page.add_init_script(STANDING_CLOCK % (now_s * 1000))
        page.goto(f"{story.platform.city}{path}")
        return page

    expect.set_options(timeout=PATIENCE_MS)
    yield opened
    expect.set_options(timeout=5000)
    for context in contexts:
        context.close()
    assert complaints == []


def row(page: Page, service: str) -> str:
    return page.locator(f'[data-testid="table-twin"] tr[data-service="{ENVIRONMENT}/{service}"]').inner_text()


def shown_at(page: Page) -> int:
    """The moment in the address, in seconds."""
    found = re.search(r"[?&]at=(\d+)", page.url)
    assert found, page.url
    return int(found[1]) // 1000


class Person:
    """Counts what a person has to do."""

    def __init__(self) -> None:
        self.actions: list[str] = []

    def click(self, page: Page, selector: str) -> None:
        self.actions.append(selector)
        page.locator(selector).first.click()


def test_the_sick_service_and_its_cause_are_found_among_200_in_five_actions(look: Look, story: Story) -> None:
    """Clients complain of a gateway. Nothing is known but what the page says."""
    page, person = look("/?quality=low&fx=off", (1280, 900)), Person()
    expect(page.get_by_test_id("hud-services")).to_contain_text("200")
    gateway = '[data-testid="attention"] button[title*="gateway"]'
    person.click(page, gateway)
    panel = page.get_by_test_id("service-panel")
    expect(panel.get_by_role("heading", level=2)).to_have_text(story.fleet.sick)
    expect(panel.get_by_test_id("causes")).to_contain_text(story.fleet.cause)
    expect(panel.get_by_test_id("causes")).to_contain_text(f"by way of {story.fleet.way[1]}")
    person.click(page, '[data-testid="causes"] button')
    expect(panel.get_by_role("heading", level=2)).to_have_text(story.fleet.cause)
    expect(panel.get_by_test_id("service-errors")).to_contain_text(re.compile(r"[5-7]\d%"))
    expect(panel.get_by_test_id("causes")).to_have_count(0)
    expect(panel.get_by_role("list", name=f"Services that call {story.fleet.cause}")).to_contain_text(
        story.fleet.way[-1]
    )
    assert len(person.actions) <= 5
    assert f"service={ENVIRONMENT}%2F{story.fleet.cause}" in page.url


def test_an_incident_of_the_past_is_found_on_the_bar_replayed_and_left(look: Look, story: Story) -> None:
    page = look("/?view=table")
    page.evaluate("window.neverReloaded = true")
    # The frame of the incident's first minute ends it.
    first = time.strftime("%H:%M:%S", time.localtime(story.incident_s + 60))
    marks = page.get_by_test_id("timebar").get_by_role("list", name="What happened")
    marks.get_by_role("button", name=re.compile(f"{first} {story.fleet.cause} is unhealthy")).click()
    banner = page.get_by_test_id("past-banner")
    expect(banner).to_contain_text("You are looking at the past")
    assert story.fails_at(shown_at(page))
    expect(page.locator(f'tr[data-service="{ENVIRONMENT}/{story.fleet.cause}"]')).to_contain_text("Unhealthy")
    expect(page.get_by_test_id("connection")).to_have_text("Past")

    track = page.get_by_test_id("timebar-track")
    before = shown_at(page)
    track.focus()
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile(f"at={(before // SLOT_S - 1) * SLOT_S}000"))
    page.get_by_label("Speed").select_option("10")
    track.focus()
    page.keyboard.press("Space")
    expect(banner).to_contain_text("playing at 10×")
    # Played on past its end, the incident is over.
    row = page.locator(f'tr[data-service="{ENVIRONMENT}/{story.fleet.cause}"]')
    expect(row).to_contain_text("Unhealthy")
    expect(row).to_contain_text("Healthy", timeout=20_000)
    page.keyboard.press("Space")
    expect(banner).to_contain_text("paused")
    assert shown_at(page) >= story.incident_s + 120

    page.keyboard.press("End")
    expect(banner).to_have_count(0)
    expect(page.get_by_test_id("connection")).to_have_text("Live")
    expect(page.locator(f'tr[data-service="{ENVIRONMENT}/{story.fleet.cause}"]')).to_contain_text("Unhealthy")
    assert "at=" not in page.url
    assert page.evaluate("window.neverReloaded")


def test_the_handle_is_dragged_to_a_moment(look: Look, story: Story) -> None:
    page = look("/?view=table")
    track = page.get_by_test_id("timebar-track")
    expect(track).to_have_attribute("aria-valuetext", "now, live")
    box = track.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 10, steps=6)
    expect(page.get_by_test_id("past-banner")).to_be_visible()
    page.mouse.up()
    expect(page).to_have_url(re.compile("at="))
    start_ms, end_ms = (int(track.get_attribute(name) or 0) for name in ("aria-valuemin", "aria-valuemax"))
    assert abs(shown_at(page) * 1000 - (start_ms + end_ms) / 2) < (end_ms - start_ms) / 20


def test_a_link_opens_what_it_names_and_back_goes_back(look: Look, story: Story) -> None:
    at_ms = (story.incident_s + 60) * 1000
    cause = f"{ENVIRONMENT}%2F{story.fleet.cause}"
    page = look(f"/?view=table&sort=name&service={cause}&at={at_ms}&speed=10&logs=open&logLevel=ERROR&logText=boom")
    panel = page.get_by_test_id("service-panel")
    expect(panel.get_by_role("heading", level=2)).to_have_text(story.fleet.cause)
    expect(panel.get_by_test_id("service-errors")).to_have_text("60%")
    expect(page.get_by_label("Level")).to_have_value("ERROR")
    expect(page.get_by_label("Text")).to_have_value("boom")
    expect(page.get_by_label("Speed")).to_have_value("10")
    expect(page.locator('th[aria-sort="ascending"]')).to_contain_text("Service")

    panel.get_by_test_id("calls").get_by_role("button", name=re.compile(story.fleet.way[-1])).click()
    expect(panel.get_by_role("heading", level=2)).to_have_text(story.fleet.way[-1])
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Services").click()
    expect(page).to_have_url(re.compile(r"/services($|\?(?!.*service=))"))
    page.go_back()
    expect(panel.get_by_role("heading", level=2)).to_have_text(story.fleet.way[-1])
    expect(page.get_by_test_id("past-banner")).to_be_visible()
    page.go_back()
    expect(panel.get_by_role("heading", level=2)).to_have_text(story.fleet.cause)
    page.go_forward()
    expect(panel.get_by_role("heading", level=2)).to_have_text(story.fleet.way[-1])


def test_the_table_is_walked_and_sorted_by_keyboard_and_speaks_rarely(look: Look, story: Story) -> None:
    page = look("/?view=table")
    table = page.get_by_test_id("table-twin")
    expect(table.locator("tbody tr")).to_have_count(200)
    expect(page.get_by_test_id("announced")).to_contain_text(re.compile(r"200 services: .* unhealthy"))
    table.get_by_role("button", name="Errors").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("sort=-errorRatio"))
    expect(table.locator("tbody tr").first).to_contain_text(story.fleet.cause)
    table.locator("tbody button").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("service-panel").get_by_role("heading", level=2)).to_have_text(story.fleet.cause)
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("service-panel")).to_have_count(0)


@pytest.mark.parametrize("path", ["/?quality=low&fx=off", "/?view=table", "past"])
def test_axe_finds_nothing_serious_in_either_theme(look: Look, story: Story, path: str) -> None:
    if path == "past":
        cause = f"{ENVIRONMENT}%2F{story.fleet.cause}"
        path = f"/?view=table&service={cause}&at={(story.incident_s + 60) * 1000}"
    looks: list[tuple[Literal["dark", "light"], tuple[int, int]]] = [("dark", DESKTOP), ("light", PHONE)]
    for scheme, size in looks:
        page = look(path, size, scheme)
        expect(page.get_by_test_id("hud-services")).to_contain_text("200")
        expect(page.get_by_test_id("timebar")).to_be_visible()
        assert serious(page) == []


def test_a_stored_moment_is_drawn_alike_every_time(browser: Browser, look: Look, story: Story, tmp_path: Path) -> None:
    """From the same seed, at the same moment of a clock that stands: the picture that is kept, with the incident."""

    def drawn(second: int, scheme: Literal["dark", "light"]) -> bytes:
        at = f"at={second * 1000}"
        path = f"/?vantage=1&quality=low&fx=off&logs=closed&{at}"
        page = look(path, (1280, 800), scheme, still=True, now_s=story.end_s)
        # Not wait_for_function: it asks the clock that stands whether it is time.
        known = f"() => window.__vantage?.services()['{ENVIRONMENT}/{story.fleet.cause}']?.rps > 0"
        eventually(lambda: page.evaluate(known), within_s=60, what="the past")
        # The way between services comes with the minutes around.
        expect(page.get_by_text("1 particle = 3 requests")).to_be_visible()
        return _at_rest(page)

    by_night, by_day = drawn(story.incident_s + 60, "dark"), drawn(story.incident_s + 60, "light")
    check(browser, "incident-dark", by_night, tmp_path)
    check(browser, "incident-light", by_day, tmp_path)
    assert difference(browser, by_day, drawn(story.incident_s - 60, "light")) > ALIKE


def _at_rest(page: Page) -> bytes:
    """The city with its panels as a PNG, once nothing is drawn anew. What tells of the hour of the run is left out, and
    the names are, too: of equals those stay that were shown before."""
    frames = "() => window.__vantage.isResting && window.__vantage.stats.frames"

    def rests() -> bool:
        before = page.evaluate(frames)
        page.wait_for_timeout(2000)
        return bool(before) and page.evaluate(frames) == before

    eventually(rests, within_s=90, what="a picture at rest")
    page.evaluate("() => { document.querySelector('.city-labels').style.visibility = 'hidden' }")
    # The navigation counts the alerts that fire now.
    hours = [page.locator(".city-banner, time, nav"), page.get_by_test_id("timebar")]
    return page.screenshot(mask=hours)


def test_the_page_says_that_the_api_is_silent_and_goes_on_when_it_speaks(look: Look, story: Story) -> None:
    """The process stands still: its connections stay open, and nothing comes."""
    page = look("/?view=table")
    link = page.get_by_test_id("connection")
    expect(link).to_have_text("Live")
    children = psutil.Process(story.platform.process.pid).children()
    core = next(child for child in children if child.cmdline()[-1] == "core")
    core.suspend()
    try:
        expect(link).to_have_text(re.compile("Stale|Offline"))
        expect(page.get_by_test_id("offline")).to_contain_text("reconnects by itself")
        expect(page.get_by_test_id("table-twin").locator("tbody tr")).to_have_count(200)
    finally:
        core.resume()
    expect(link).to_have_text("Live")
    expect(page.get_by_test_id("offline")).to_have_count(0)
