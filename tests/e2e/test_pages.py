"""What every page of the dashboard owes its users, on the real stack."""

from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.axe import serious, sideways
from tests.e2e.conftest import DESKTOP, PHONE, TABLET, Visit

PATHS = ["/services", "/metrics", "/alerts", "/traces", "/logs", "/query", "/compare", "/dashboards", "/settings"]


def settled(page: Page) -> None:
    """The page is there, and so is what it asked for."""
    expect(page.locator("main h1")).to_be_visible()
    expect(page.get_by_test_id("loading")).to_have_count(0)


@pytest.mark.parametrize("path", PATHS)
def test_axe_finds_nothing_serious_in_either_theme(visit: Visit, path: str) -> None:
    looks: list[tuple[Literal["dark", "light"], tuple[int, int]]] = [("dark", DESKTOP), ("light", PHONE)]
    for scheme, size in looks:
        page = visit(path, size, scheme)
        settled(page)
        assert serious(page) == []


@pytest.mark.parametrize("path", PATHS)
def test_nothing_sticks_out_sideways(visit: Visit, path: str) -> None:
    for size in (PHONE, TABLET):
        page = visit(path, size)
        settled(page)
        assert sideways(page) <= 0


def test_the_navigation_leads_everywhere_by_keyboard_and_keeps_the_range(visit: Visit) -> None:
    page = visit("/services?range=6h&env=dev")
    settled(page)
    for name in ("Metrics", "Alerts", "Traces", "Logs", "Query", "Compare", "Dashboards", "Settings", "Services"):
        page.get_by_role("navigation", name="Pages").get_by_role("link", name=name).focus()
        page.keyboard.press("Enter")
        expect(page.locator("main h1")).to_be_visible()
        assert "range=6h" in page.url
        assert "env=dev" in page.url


def test_an_address_that_leads_nowhere_says_so(visit: Visit) -> None:
    expect(visit("/nowhere").get_by_text("There is no such page")).to_be_visible()
