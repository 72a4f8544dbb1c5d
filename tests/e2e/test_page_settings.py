"""The settings page; on a platform with API keys, too: what each may do, and that none is ever shown."""

import json
from collections.abc import Iterator
from hashlib import sha256

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.axe import serious, sideways
from tests.e2e.conftest import PHONE, Visit
from tests.platform_process import Platform, environment, start

LOADED_MS = 20_000
KEYS = {role: f"vk_{role}_of-the-tests" for role in ("viewer", "admin")}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform that asks for keys; it has one of a viewer and one of an admin."""
    data = tmp_path_factory.mktemp("guarded")
    entries = [
        {
            "prefix": f"vk_{role}",
            "sha256": sha256(key.encode()).hexdigest(),
            "workspace": "default",
            "scopes": ["query"],
            "role": role,
        }
        for role, key in KEYS.items()
    ]
    file = data / "keys.json"
    file.write_text(json.dumps(entries))
    running = start("up", data, ports={**environment(data), "VANTAGE_API_KEYS_FILE": str(file)})
    yield running
    assert running.interrupt() == 0, "\n".join(running.lines)


@pytest.fixture
def asked(browser: Browser, guarded: Platform) -> Iterator[Page]:
    """A page that the API has asked for a key."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{guarded.city}/settings?tab=audit")
    expect(page.get_by_test_id("key-dialog")).to_be_visible(timeout=LOADED_MS)
    yield page
    context.close()


def give(page: Page, key: str) -> None:
    page.get_by_test_id("key-dialog").get_by_label("API key").fill(key)
    page.get_by_test_id("key-dialog").get_by_role("button", name="Connect").click()


def test_a_viewer_is_told_what_the_key_may_not_do(asked: Page, guarded: Platform) -> None:
    give(asked, KEYS["viewer"])
    expect(asked.get_by_role("alert")).to_contain_text("may not see who did what")
    expect(asked.get_by_role("alert")).to_contain_text("use a key whose role is admin")
    asked.get_by_role("link", name="Alerts").click()
    asked.get_by_role("link", name="Rules").click()
    switch = asked.get_by_role("switch", name="Health below 50 is on")
    switch.click()
    expect(asked.get_by_role("alert")).to_contain_text("may look but not change anything")
    expect(switch).to_be_checked()
    expect(asked.get_by_test_id("alerts-live")).to_have_text("● Live")
    expect(asked.get_by_test_id("key-dialog")).to_have_count(0)


def test_a_key_is_replaced_forgotten_and_never_shown(asked: Page) -> None:
    give(asked, KEYS["viewer"])
    asked.get_by_role("link", name="This browser and the server").click()
    expect(asked.get_by_test_id("key-state")).to_contain_text("A key is present")
    asked.get_by_label("Another API key").fill(KEYS["admin"])
    asked.get_by_role("button", name="Replace").click()
    expect(asked.get_by_label("Another API key")).to_have_value("")
    for key in KEYS.values():
        assert key not in asked.content()
    asked.get_by_role("link", name="Audit trail").click()
    expect(asked.get_by_text("Nothing was changed").or_(asked.get_by_role("table"))).to_be_visible()
    asked.get_by_role("link", name="This browser and the server").click()
    asked.get_by_role("button", name="Forget it").click()
    expect(asked.get_by_test_id("key-state")).to_contain_text("No key is given")
    assert asked.evaluate("Object.values(sessionStorage)") == []


def test_the_theme_is_chosen_at_once_and_kept(visit: Visit) -> None:
    page = visit("/settings", scheme="dark")
    root = page.locator("html")
    expect(root).to_have_attribute("data-theme", "dark")
    page.get_by_role("radio", name="Light").check()
    expect(root).to_have_attribute("data-theme", "light")
    page.reload()
    expect(page.get_by_role("radio", name="Light")).to_be_checked()
    expect(root).to_have_attribute("data-theme", "light")
    page.get_by_role("radio", name="As the system has it").check()
    expect(root).to_have_attribute("data-theme", "dark")


def test_the_quality_of_the_city_holds_when_it_is_opened(visit: Visit) -> None:
    page = visit("/settings")
    page.get_by_role("radio", name="High Glow").check()
    page.reload()
    expect(page.get_by_role("radio", name="High Glow")).to_be_checked()
    assert page.evaluate("localStorage.getItem('vantage.city.quality')") == "high"


def test_it_tells_how_the_server_is_and_what_the_browser_can_do(visit: Visit, platform: Platform) -> None:
    page = visit("/settings")
    server = page.get_by_test_id("server")
    for name in ("Store", "Bus", "Live view", "Alerts"):
        expect(server.locator("div", has_text=name).first).to_contain_text("Up")
    expect(page.get_by_text("Yes: the city is drawn")).to_be_visible()
    document = page.request.get(f"{platform.city}{page.get_by_role('link', name='OpenAPI').get_attribute('href')}")
    assert "/api/alerts/rules" in document.json()["paths"]


def test_the_audit_trail_is_accessible_and_fits_a_phone(visit: Visit) -> None:
    page = visit("/settings?tab=audit", PHONE, "light")
    expect(page.get_by_test_id("loading")).to_have_count(0)
    assert serious(page) == []
    assert sideways(page) <= 0
