"""The main job on real input: two instrumented apps under load become two buildings that tell the truth."""

import re
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Apps
from tests.platform_process import Platform
from tests.waiting import eventually

STOREFRONT = "production/storefront"
INVENTORY = "production/inventory"
UNHEALTHY = 3
"""The wire's number for the status (docs/live-streams.md)."""


def services(page: Page) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = page.evaluate("() => window.__vantage?.services() ?? {}")
    return found


def open_live_city(page: Page, platform: Platform) -> None:
    page.goto(f"{platform.city}/?vantage=1&fx=off")
    page.wait_for_function("() => window.__vantage?.firstFrameAt > 0", timeout=60_000)
    eventually(lambda: {STOREFRONT, INVENTORY} <= services(page).keys(), within_s=30, what="two buildings")


def red_share(page: Page, name: str) -> float:
    """Share of the pixels about a building's middle that are plainly red."""
    share: float = page.evaluate(
        """(name) => {
            const at = window.__vantage.project(name);
            let red = 0, all = 0;
            for (let dx = -24; dx <= 24; dx += 3) for (let dy = -24; dy <= 24; dy += 3) {
                const [r, g, b] = window.__vantage.probe(at.x + dx, at.y + dy);
                all += 1;
                if (r > 60 && r > 1.6 * g && r > 1.2 * b) red += 1;
            }
            return red / all;
        }""",
        name,
    )
    return share


def test_two_apps_become_two_buildings_with_traffic_between_them(page: Page, platform: Platform, apps: Apps) -> None:
    apps.fail(0)
    open_live_city(page, platform)
    eventually(lambda: all(services(page)[name]["rps"] > 0 for name in (STOREFRONT, INVENTORY)), what="requests/s")
    expect(page.get_by_test_id("hud-services")).to_contain_text("2")
    expect(page.get_by_test_id("hud-rps")).to_contain_text(re.compile(r"[1-9]"))
    expect(page.get_by_test_id("connection")).to_contain_text(re.compile("live", re.IGNORECASE))
    city = httpx.get(f"{platform.api}/api/city").json()
    names = {service["slot"]: service["name"] for service in city["services"]}
    edges = {(names.get(edge["from"]), names[edge["to"]]) for edge in city["edges"]}
    assert edges >= {(None, "storefront"), ("storefront", "inventory")}


def test_the_picture_shows_the_buildings_and_turns_red_when_one_fails(
    page: Page, platform: Platform, apps: Apps, tmp_path: Path
) -> None:
    apps.fail(0)
    open_live_city(page, platform)
    eventually(lambda: services(page)[INVENTORY]["errorRatio"] == 0, within_s=40, what="no errors")
    assert page.evaluate("() => window.__vantage.coverage()") > 0.1
    calm = red_share(page, INVENTORY)
    apps.fail(0.8)
    eventually(lambda: services(page)[INVENTORY]["status"] == UNHEALTHY, within_s=40, what="UNHEALTHY")
    eventually(lambda: red_share(page, INVENTORY) > calm + 0.05, within_s=40, what="a red building")
    expect(page.get_by_test_id("attention")).to_contain_text("inventory")
    expect(page.get_by_test_id("hud-errors")).to_contain_text(re.compile(r"[1-9]"))
    apps.fail(0)
    eventually(lambda: services(page)[INVENTORY]["status"] != UNHEALTHY, within_s=60, what="recovery")


def test_a_click_on_a_building_opens_its_panel(page: Page, platform: Platform, apps: Apps) -> None:
    page.set_viewport_size({"width": 960, "height": 540})
    open_live_city(page, platform)
    at = eventually(lambda: page.evaluate(f"() => window.__vantage.project('{STOREFRONT}')"), what="its place")
    page.mouse.click(at["x"], at["y"])
    panel = page.get_by_test_id("service-panel")
    expect(panel).to_contain_text("storefront")
    expect(panel).to_contain_text("/products")
    expect(page).to_have_url(re.compile("service=production"))


def test_log_lines_arrive_in_the_black_box(page: Page, platform: Platform, apps: Apps) -> None:
    apps.fail(0.5)
    page.goto(f"{platform.city}/?vantage=1&fx=off")
    expect(page.get_by_test_id("blackbox-line").first).to_be_visible(timeout=30_000)
    expect(page.get_by_test_id("blackbox")).to_contain_text("inventory", timeout=30_000)
    apps.fail(0)


def test_the_table_says_the_same_in_words(page: Page, platform: Platform, apps: Apps) -> None:
    """Without WebGL the table is the city: the canvas context is refused as on a machine that has none."""
    page.add_init_script(
        "const real = HTMLCanvasElement.prototype.getContext;"
        "HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {"
        "  return String(kind).startsWith('webgl') ? null : real.call(this, kind, ...rest); };"
    )
    page.goto(platform.city)
    table = page.get_by_test_id("table-twin")
    expect(table).to_contain_text("storefront", timeout=30_000)
    expect(table).to_contain_text("inventory")
