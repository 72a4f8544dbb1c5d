"""The services page: the list, one service, a fleet of ten thousand."""

import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, Route, expect

from tests.e2e.axe import serious, sideways
from tests.e2e.conftest import PHONE, Apps, Visit
from tests.platform_process import Platform

FLEET = 10_000
API_PAGE = 1000
# What was sent just now has to be stored, and the page to ask again.
STORED_MS = 40_000


def rows(page: Page) -> Any:
    return page.get_by_role("region", name="Services").locator("tbody tr")


def test_a_person_finds_a_service_and_reads_what_ails_it(visit: Visit) -> None:
    page = visit("/services")
    page.get_by_label("Filter by name or version").fill("invent")
    expect(rows(page)).to_have_count(1, timeout=STORED_MS)
    expect(page).to_have_url(re.compile("q=invent"))
    page.get_by_role("link", name=re.compile("inventory")).focus()
    page.keyboard.press("Enter")

    expect(page.locator("main h1")).to_contain_text("inventory")
    expect(page.get_by_role("region", name="Endpoints").locator("tbody tr").first).to_contain_text(
        "GET", timeout=STORED_MS
    )
    expect(page.get_by_role("region", name="Called by")).to_contain_text("storefront", timeout=STORED_MS)
    chart = page.get_by_role("application", name=re.compile("^Requests a second"))
    expect(chart).to_be_visible(timeout=STORED_MS)
    expect(page.get_by_text(re.compile(r"^[01]\.\d\d × \d+.* = \d+$"))).to_be_visible()
    city = page.get_by_role("link", name="In the city").get_attribute("href") or ""
    assert parse_qs(urlsplit(city).query)["service"][0].endswith("/inventory")


def test_zooming_is_a_place_to_go_back_from(visit: Visit) -> None:
    page = visit("/services/inventory")
    chart = page.get_by_role("application", name=re.compile("^Requests a second"))
    expect(chart).to_be_visible(timeout=STORED_MS)
    box = chart.bounding_box()
    assert box is not None
    across = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.5, across)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.9, across, steps=4)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"start=\d+&end=\d+"))
    page.go_back()
    expect(page).not_to_have_url(re.compile("start="))
    expect(chart).to_be_visible()
    page.get_by_role("button", name="Zoom out").press("Enter")
    expect(page).to_have_url(re.compile(r"start=\d+&end=\d+"))


def test_one_service_on_a_phone_is_whole_and_accessible(visit: Visit) -> None:
    page = visit("/services/inventory", PHONE, "light")
    expect(page.get_by_role("application", name=re.compile("^Duration"))).to_be_visible(timeout=STORED_MS)
    expect(page.get_by_test_id("loading")).to_have_count(0, timeout=STORED_MS)
    assert sideways(page) <= 0
    assert serious(page) == []


def test_an_unknown_service_shows_what_the_api_hints_at(page: Page, apps: Apps, platform: Platform) -> None:
    page.goto(f"{platform.city}/services/nobody")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("there is no service 'nobody'")
    expect(alert).to_contain_text("GET /api/services lists")


def summary(n: int) -> dict[str, Any]:
    return {
        "service_name": "<b>last</b>" + "x" * 10_000 if n == FLEET - 1 else f"service-{n:05}",
        "environment": "big",
        "district": f"district-{n % 40}",
        "version": "v1",
        "first_seen": 1,
        "last_seen": 1,
        "pods": 1,
        "requests_per_second": n,
        "error_ratio": 0.0,
        "p95_ms": 1.0,
        "health_score": 100,
        "status": "HEALTHY",
    }


NO_SERIES = {"start": 0, "end": 1, "step_s": 1, "series": []}


def answer_with_a_fleet(route: Route) -> None:
    query = parse_qs(urlsplit(route.request.url).query)
    start = int(query.get("cursor", ["0"])[0])
    end = min(FLEET, start + API_PAGE)
    page = {
        "services": [summary(n) for n in range(start, end)],
        "total": FLEET,
        "next_cursor": str(end) if end < FLEET else None,
    }
    route.fulfill(body=json.dumps(page), content_type="application/json")


def test_ten_thousand_services_are_paged_sorted_and_searched(visit: Visit, platform: Platform) -> None:
    page = visit("/settings")
    page.route("**/api/services?*", answer_with_a_fleet)
    # Sparklines of services that this platform does not know would be a 404.
    page.route("**/api/metrics/timeseries?*", lambda route: route.fulfill(json=NO_SERIES))
    page.goto(f"{platform.city}/services?sort=-requests")
    expect(page.get_by_text("10,000 services")).to_be_visible(timeout=STORED_MS)
    expect(rows(page)).to_have_count(50)
    # The busiest has a name of ten thousand characters and markup: it is text, two lines of it.
    expect(rows(page).first).to_contain_text("<b>last</b>x")
    height = rows(page).first.bounding_box()
    assert height is not None
    assert height["height"] < 80
    assert sideways(page) <= 0

    page.get_by_role("button", name="Last", exact=True).click()
    expect(page).to_have_url(re.compile("page=200"))
    expect(rows(page).last).to_contain_text("service-00000")
    page.get_by_label("Filter by name or version").fill("service-07777")
    expect(rows(page)).to_have_count(1)
