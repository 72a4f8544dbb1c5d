"""Dashboards that people make, driven as a person does."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.axe import serious, sideways
from tests.e2e.conftest import PHONE, Apps, Visit
from tests.e2e.test_page_query import BY_MINUTE, rows
from tests.platform_process import Platform
from tests.waiting import eventually

COUNT = "SELECT count() AS requests FROM metrics WHERE metric_name = 'http.request.duration'"
SHOP: dict[str, Any] = {
    "name": "Shop",
    "variables": [{"name": "service", "default": "inventory", "choices": ["inventory", "storefront"]}],
    "panels": [
        {
            "id": "one",
            "title": "Requests of one",
            "chart": "number",
            "query": f"{COUNT} AND service_name = $service",
            "position": {"x": 0, "y": 0, "w": 4, "h": 4},
        },
        {
            "id": "all",
            "title": "Requests of all",
            "chart": "area",
            "query": f"SELECT service_name, {COUNT.removeprefix('SELECT ')} GROUP BY service_name TIMESERIES $interval",
            "position": {"x": 4, "y": 0, "w": 8, "h": 5},
        },
    ],
}


@pytest.fixture(scope="module", autouse=True)
def requests(platform: Platform, apps: Apps) -> None:
    """The example apps have sent some."""
    eventually(lambda: rows(platform, BY_MINUTE) != [], within_s=60, what="requests in the store")


@pytest.fixture
def shop(platform: Platform) -> Iterator[str]:
    """A dashboard of its own for each test."""
    made: str = httpx.post(f"{platform.city}/api/dashboards", json=SHOP).raise_for_status().json()["id"]
    yield made
    httpx.delete(f"{platform.city}/api/dashboards/{made}")


def stored(platform: Platform, id_: str) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{platform.city}/api/dashboards/{id_}").raise_for_status().json()
    return found


def place(platform: Platform, id_: str, panel: str) -> dict[str, int]:
    positions: dict[str, dict[str, int]] = {each["id"]: each["position"] for each in stored(platform, id_)["panels"]}
    return positions[panel]


def panel(page: Page, title: str) -> Any:
    return page.get_by_role("region", name=title, exact=True)


def test_the_example_is_drawn_and_only_a_copy_can_be_changed(visit: Visit, platform: Platform) -> None:
    page = visit("/dashboards")
    page.get_by_role("link", name="Requests at a glance").click()
    expect(panel(page, "Requests").locator(".number-value")).to_be_visible()
    expect(panel(page, "Slowest endpoints").get_by_role("link", name="inventory").first).to_be_visible()
    expect(page.get_by_role("button", name="Edit", exact=True)).to_have_count(0)
    assert serious(page) == []
    page.get_by_role("button", name="Duplicate to edit").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Requests at a glance (copy)")
    expect(page.get_by_role("button", name="Edit", exact=True)).to_be_visible()
    httpx.delete(f"{platform.city}/api/dashboards/{page.url.rpartition('/')[2]}").raise_for_status()


def test_variables_live_in_the_address_and_a_phone_stacks_the_panels(visit: Visit, shop: str) -> None:
    page = visit(f"/dashboards/{shop}?var-service=storefront", PHONE)
    expect(page.get_by_role("combobox", name="service")).to_have_value("storefront")
    with page.expect_request(lambda request: request.url.endswith("/data") or "/data?" in request.url) as asked:
        page.get_by_role("combobox", name="service").select_option("inventory")
    assert json.loads(asked.value.post_data or "")["variables"] == {"service": "inventory"}
    assert "var-service" not in page.url
    expect(panel(page, "Requests of one").locator(".number-value")).to_be_visible()
    first, second = panel(page, "Requests of one").bounding_box(), panel(page, "Requests of all").bounding_box()
    assert first["y"] + first["height"] <= second["y"]
    assert first["x"] == second["x"]
    assert sideways(page) <= 0
    panel(page, "Requests of all").get_by_role("button", name="as a table").click()
    expect(panel(page, "Requests of all").get_by_role("columnheader", name="service_name")).to_be_visible()


def test_panels_move_by_mouse_and_keyboard_and_are_saved(visit: Visit, platform: Platform, shop: str) -> None:
    page = visit(f"/dashboards/{shop}?edit=1")
    handle = page.get_by_role("button", name="Move or resize Requests of one")
    handle.focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("status").filter(has_text="Requests of one:")).to_be_visible()
    page.keyboard.press("Shift+ArrowRight")
    expect(page.get_by_text("5 wide, 4 high")).to_be_visible()
    expect(handle).to_be_focused()
    head = panel(page, "Requests of all").get_by_role("heading")
    head.hover(position={"x": 20, "y": 8})  # waits until it has come to rest
    box = head.bounding_box()
    assert box is not None
    page.mouse.down()
    page.mouse.move(box["x"] - 200, box["y"] + 8, steps=8)
    page.mouse.move(75, box["y"] + 8, steps=8)
    page.mouse.up()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("button", name="Edit", exact=True)).to_be_visible()
    assert place(platform, shop, "all")["x"] == 0
    assert place(platform, shop, "one")["w"] == 5


def test_a_panel_is_added_with_a_preview_of_what_it_will_show(visit: Visit, platform: Platform, shop: str) -> None:
    page = visit(f"/dashboards/{shop}?edit=1")
    page.get_by_role("button", name="Add panel").click()
    dialog = page.get_by_role("dialog", name="New panel")
    dialog.get_by_label("Title").fill("Spans")
    dialog.get_by_label("Chart").select_option("number")
    dialog.get_by_role("textbox", name="Query of the panel").fill(
        "SELECT count() AS spans FROM spans WHERE service_name = $service"
    )
    expect(dialog.get_by_role("region", name="Preview").locator(".number-value")).to_be_visible()
    dialog.get_by_role("button", name="Apply").click()
    expect(panel(page, "Spans").locator(".number-value")).to_be_visible()
    page.get_by_role("button", name="Remove Requests of all").click()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("button", name="Edit", exact=True)).to_be_visible()
    assert [each["title"] for each in stored(platform, shop)["panels"]] == ["Requests of one", "Spans"]
    expect(panel(page, "Spans").locator(".number-value")).to_be_visible()


def test_who_was_slower_loses_nothing(page: Page, platform: Platform, shop: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{platform.city}/dashboards/{shop}?edit=1")
    page.get_by_role("textbox", name="Name").fill("Mine")
    httpx.patch(f"{platform.city}/api/dashboards/{shop}", json={"name": "Theirs"}).raise_for_status()
    page.get_by_role("button", name="Save", exact=True).click()
    dialog = page.get_by_role("dialog", name="Somebody was faster")
    dialog.get_by_role("button", name="Save mine as a copy").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Mine (copy)")
    assert stored(platform, shop)["name"] == "Theirs"
    httpx.delete(f"{platform.city}/api/dashboards/{page.url.rpartition('/')[2]}").raise_for_status()


def test_unsaved_changes_are_asked_about(visit: Visit, shop: str) -> None:
    page = visit("/dashboards")
    page.get_by_role("link", name="Shop", exact=True).click()
    page.get_by_role("button", name="Edit", exact=True).click()
    page.get_by_role("textbox", name="Name").fill("Changed")
    page.get_by_role("link", name="Services").click()
    asked = page.get_by_role("dialog", name="Leave without saving?")
    asked.get_by_role("button", name="Go on editing").click()
    page.go_back()
    expect(asked).to_be_visible()
    expect(page.get_by_role("textbox", name="Name")).to_have_value("Changed")
    asked.get_by_role("button", name="Discard the changes").click()
    expect(page.get_by_role("heading", level=1, name="Dashboards")).to_be_visible()
    assert page.url.endswith("/dashboards")


def test_a_dashboard_is_exported_imported_and_deleted_after_a_question(
    visit: Visit, platform: Platform, shop: str
) -> None:
    page = visit("/dashboards?search=Shop")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export Shop").click()
    exported = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert exported["panels"][0]["id"] == "one"
    page.get_by_label("Dashboard file to import").set_input_files(
        {
            "name": "d.json",
            "mimeType": "application/json",
            "buffer": json.dumps(exported | {"name": "Brought"}).encode(),
        }
    )
    expect(page.get_by_role("heading", level=1)).to_contain_text("Brought")
    page.get_by_role("link", name="Dashboards").first.click()
    page.get_by_role("button", name="Delete Brought").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("link", name="Brought")).to_have_count(0)
    left = httpx.get(f"{platform.city}/api/dashboards").json()["dashboards"]
    assert "Brought" not in [each["name"] for each in left]
    assert shop in [each["id"] for each in left]
