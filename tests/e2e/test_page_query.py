"""The query page, driven as a person does."""

import json
import re
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.axe import serious, sideways
from tests.e2e.conftest import PHONE, ROOT, Apps, Visit
from tests.platform_process import Platform
from tests.waiting import eventually

EXAMPLES = ROOT / "vantage-dashboard" / "src" / "pages" / "query" / "examples.ts"
BY_MINUTE = (
    "SELECT service_name, count() AS requests FROM metrics WHERE metric_name = 'http.request.duration' "
    "SINCE 1 HOUR GROUP BY service_name TIMESERIES 1 MINUTE"
)


@pytest.fixture(scope="module")
def requests(platform: Platform, apps: Apps) -> None:
    """The example apps have sent some."""
    eventually(lambda: rows(platform, BY_MINUTE) != [], within_s=60, what="requests in the store")


def rows(platform: Platform, query: str) -> list[list[object]]:
    answer = httpx.post(f"{platform.city}/vql/execute", json={"query": query}, timeout=30)
    answer.raise_for_status()
    found: list[list[object]] = answer.json()["rows"]
    return found


def examples() -> dict[str, str]:
    """The page's own examples, by title; their texts are template literals with one constant."""
    source = EXAMPLES.read_text(encoding="utf-8")
    match = re.search(r"REQUESTS = `([^`]*)`", source)
    assert match is not None
    pairs = re.findall(r"title: '([^']*)',\s*query: `([^`]*)`", source)
    return {title: text.replace("${REQUESTS}", match[1]).replace("\\n", "\n") for title, text in pairs}


@pytest.mark.usefixtures("requests")
def test_every_example_runs(platform: Platform) -> None:
    found = examples()
    assert len(found) >= 6
    for title, query in found.items():
        answer = httpx.post(f"{platform.city}/vql/execute", json={"query": query}, timeout=30)
        assert answer.status_code == 200, f"{title}: {answer.text}"


@pytest.mark.usefixtures("requests")
def test_a_query_is_written_with_completion_run_by_keyboard_and_left(visit: Visit) -> None:
    page = visit("/query")
    page.get_by_role("textbox", name="VQL query").focus()
    page.keyboard.type("SELECT service_na")
    expect(page.get_by_role("option", name="service_name")).to_be_visible()
    page.wait_for_timeout(120)  # the list takes no key in its first moments, against typing ahead
    page.keyboard.press("Tab")
    expect(page.get_by_role("textbox", name="VQL query")).to_have_text("SELECT service_name")
    page.keyboard.insert_text(", count() AS requests FROM metrics WHERE service_name = ")

    def is_proposed() -> bool:
        """The names come from the API a moment after the page is there."""
        page.keyboard.press("Control+Space")
        return page.get_by_role("option", name="'inventory'").is_visible()

    eventually(is_proposed, what="the service among the proposals")
    page.keyboard.press("Escape")
    page.keyboard.insert_text("'inventory' SINCE 1 HOUR GROUP BY service_name")
    page.keyboard.press("Control+Enter")
    table = page.get_by_role("table", name="Rows of the answer")
    expect(table.get_by_role("link", name="inventory")).to_have_attribute("href", "/services/inventory")
    expect(page.get_by_role("status").filter(has_text="1 row in")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Run")).to_be_focused()
    assert serious(page) == []


@pytest.mark.usefixtures("requests")
def test_a_link_shows_the_same_chart_its_plan_and_its_file(visit: Visit) -> None:
    page = visit(f"/query?q={quote(BY_MINUTE)}")
    legend = page.get_by_role("list", name="Legend")
    expect(legend.get_by_role("button", name="storefront")).to_be_visible()
    page.get_by_role("combobox", name="Chart", exact=True).select_option("area")
    again = visit(page.url.removeprefix(page.evaluate("location.origin")))
    expect(again.get_by_role("combobox", name="Chart", exact=True)).to_have_value("area")
    expect(again.get_by_role("list", name="Legend").get_by_role("button", name="inventory")).to_be_visible()
    with again.expect_download() as download:
        again.get_by_role("button", name="CSV").click()
    file = Path(download.value.path()).read_text(encoding="utf-8-sig")
    assert file.splitlines()[0] == "time,service_name,requests"
    again.get_by_role("button", name="Explain").click()
    expect(again.get_by_text("How it was understood")).to_be_visible()
    expect(again.get_by_label("SQL")).to_contain_text("SELECT")


@pytest.mark.usefixtures("requests")
def test_history_is_kept_searched_and_forgotten(visit: Visit) -> None:
    page = visit(f"/query?q={quote('SELECT count() AS lines FROM logs SINCE 1 HOUR')}")
    expect(page.get_by_role("status").filter(has_text="1 row in")).to_be_visible()
    page.goto(page.evaluate("location.origin") + f"/query?q={quote('SELECT count() AS spans FROM spans SINCE 1 HOUR')}")
    expect(page.get_by_role("status").filter(has_text="1 row in")).to_be_visible()
    page.get_by_role("button", name="History").click()
    dialog = page.get_by_role("dialog", name="History")
    expect(dialog.get_by_role("listitem")).to_have_count(2)
    dialog.get_by_label("Search the history").fill("logs")
    expect(dialog.get_by_role("listitem")).to_have_count(1)
    dialog.get_by_role("button", name="Forget SELECT count() AS lines").click()
    dialog.get_by_label("Search the history").fill("")
    dialog.get_by_role("button", name=re.compile("^SELECT count.. AS spans")).click()
    expect(page.get_by_role("textbox", name="VQL query")).to_have_text(re.compile("AS spans"))
    assert len(json.loads(page.evaluate("localStorage.getItem('vantage.queries')"))) == 1


@pytest.mark.usefixtures("requests")
def test_a_mistake_is_underlined_and_said(page: Page, platform: Platform) -> None:
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    page.goto(f"{platform.city}/query?q={quote('SELECT servce_name FROM metrics')}")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("metrics has no column 'servce_name' (line 1, column 8)")
    expect(alert).to_contain_text("Did you mean service_name?")
    expect(page.locator(".cm-lintRange-error")).to_have_text("servce_name")
    assert sideways(page) <= 0
    page.get_by_role("textbox", name="VQL query").focus()
    page.keyboard.type(" ")
    expect(page.locator(".cm-lintRange-error")).to_have_count(0)


@pytest.mark.usefixtures("requests")
def test_a_query_that_runs_can_be_cancelled_and_run_again(visit: Visit) -> None:
    page = visit("/query")
    held = []
    page.route("**/vql/execute", lambda route: held.append(route))
    page.get_by_role("textbox", name="VQL query").fill("SELECT count() FROM logs SINCE 1 HOUR")
    page.get_by_role("button", name="Run").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("The query was cancelled")).to_be_visible()
    assert len(held) == 1
    page.unroute("**/vql/execute")
    page.get_by_role("button", name="Run it again").click()
    expect(page.get_by_role("status").filter(has_text="1 row in")).to_be_visible()
