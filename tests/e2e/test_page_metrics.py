"""The metrics page: a question built by keyboard, its chart, its numbers elsewhere."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
from playwright.sync_api import Locator, Page, expect

from tests.e2e.axe import serious
from tests.e2e.conftest import PHONE, Visit
from tests.platform_process import Platform

# What was sent just now has to be stored, and the page to ask again.
STORED_MS = 40_000


def drawn(page: Page) -> Locator:
    """The names of the series that are drawn."""
    return page.get_by_role("region", name="Series").get_by_role("button", pressed=True)


def choose(page: Page, field: str, text: str) -> None:
    """As a person does who uses the keyboard alone."""
    page.get_by_role("combobox", name=field).focus()
    page.keyboard.type(text)
    expect(page.get_by_role("option", name=re.compile(text)).first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")


def test_a_question_is_built_by_keyboard_and_lives_in_the_address(visit: Visit) -> None:
    page = visit("/metrics")
    expect(page.get_by_role("combobox", name="Group by")).to_be_visible(timeout=STORED_MS)
    choose(page, "Group by", "service_name")
    expect(page).to_have_url(re.compile("by=service_name"))
    expect(page.get_by_role("button", name="storefront", exact=True)).to_be_visible(timeout=STORED_MS)
    choose(page, "Where", "method")
    choose(page, "Where method is", "GET")
    expect(page).to_have_url(re.compile("tag=method%3AGET"))
    expect(page.get_by_role("list", name="Where")).to_contain_text("method = GET")

    for name in ("inventory", "storefront"):
        expect(drawn(page).get_by_text(name, exact=True)).to_be_visible(timeout=STORED_MS)
    page.get_by_role("button", name="storefront", exact=True).press("Enter")
    expect(page).to_have_url(re.compile("only=storefront"))
    expect(drawn(page)).to_have_text(["storefront"])
    page.get_by_role("button", name="inventory", exact=True).press("Shift+Enter")
    expect(page.get_by_role("button", name="inventory", exact=True)).to_have_attribute("aria-pressed", "true")
    copied = visit(page.url[page.url.index("/metrics") :])
    inventory = copied.get_by_role("button", name="inventory", exact=True)
    expect(inventory).to_have_attribute("aria-pressed", "true", timeout=STORED_MS)
    expect(drawn(copied)).to_have_count(2)


def test_the_same_question_can_be_taken_away_as_vql_and_as_a_file(visit: Visit, platform: Platform) -> None:
    page = visit("/metrics?by=service_name&by=status_code&agg=per_second&range=15m")
    link = page.get_by_role("link", name="Open as query")
    expect(link).to_be_visible(timeout=STORED_MS)
    query = parse_qs(urlsplit(link.get_attribute("href") or "").query)["q"][0]
    answer = httpx.post(f"{platform.api}/vql/execute", json={"query": query}, timeout=30)
    assert answer.status_code == 200, answer.text
    names = [column["name"] for column in answer.json()["columns"]]
    assert names == ["time", "service_name", "status_code", "per_second"]
    assert {"inventory", "storefront"} <= {row[1] for row in answer.json()["rows"]}

    with page.expect_download() as saved:
        page.get_by_role("button", name="CSV").click()
    head, *lines = Path(saved.value.path()).read_text().splitlines()
    assert {"service_name", "status_code"} <= set(head.split(","))
    assert any("storefront" in line for line in lines)


def test_an_observation_opens_its_trace(visit: Visit) -> None:
    page = visit("/metrics?service=storefront&range=15m")
    table = page.get_by_role("region", name=re.compile("^Single observations"))
    link = table.get_by_role("link").first
    expect(link).to_be_visible(timeout=STORED_MS)
    expect(page.locator(".chart-mark").first).to_be_attached()
    link.press("Enter")
    expect(page).to_have_url(re.compile("/traces/[0-9a-f]{32}"))


def test_every_number_is_in_a_table_and_a_phone_has_room(visit: Visit) -> None:
    page = visit("/metrics?by=service_name&range=15m", PHONE, "light")
    expect(page.get_by_text("Numbers")).to_be_visible(timeout=STORED_MS)
    page.get_by_text("Numbers").press("Enter")
    numbers = page.get_by_role("region", name=re.compile("every number"))
    expect(numbers.get_by_role("columnheader", name="storefront")).to_be_visible()
    expect(numbers.locator("tbody")).to_contain_text("ms")
    assert serious(page) == []


def test_a_metric_that_nobody_sends_says_so(visit: Visit) -> None:
    page = visit("/metrics?metric=no.such")
    expect(page.get_by_text("No metric no.such came in the last day")).to_be_visible(timeout=STORED_MS)
