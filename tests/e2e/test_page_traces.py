"""The Traces page as a person uses it: search, one trace in three views, the map of all services."""

import re
import secrets

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.axe import serious, sideways
from tests.e2e.conftest import PHONE, Visit
from tests.e2e.otlp import send_trace, span
from tests.platform_process import Platform

MANY = 3000
ANSWERED_MS = 20_000
"""The first answer of a page may take its time where many things run."""


@pytest.fixture(scope="module")
def checkout(platform: Platform) -> str:
    """A trace in which a till waits for a bank that fails; its id."""
    trace_id = secrets.token_hex(16)
    send_trace(
        platform,
        trace_id,
        {
            "till": [
                span(1, 0, "POST /pay", 0, 200, failed=True),
                span(2, 1, "check the basket", 5, 30),
                span(3, 2, "count", 10, 10),
            ],
            "bank": [span(4, 1, "POST /debit", 40, 150, failed=True, attributes={"order.id": "<b>4711</b>"})],
        },
    )
    return trace_id


@pytest.fixture(scope="module")
def crowd(platform: Platform) -> str:
    """A trace of thousands of spans; its id."""
    trace_id = secrets.token_hex(16)
    spans = [span(1, 0, "nightly", 0, MANY * 2)]
    spans += [span(i, 1 if i % 10 == 2 else i - 1, f"step {i}", i, 5) for i in range(2, MANY + 1)]
    send_trace(platform, trace_id, {"batch": spans})
    return trace_id


def rows(page: Page) -> list[str]:
    return page.get_by_test_id("span-row").locator(".waterfall-text").all_inner_texts()


def test_a_failed_trace_is_found_and_read_by_keyboard_and_its_link_shows_the_same(visit: Visit, checkout: str) -> None:
    page = visit("/traces?service=till&status=error&min=100ms")
    page.get_by_test_id("trace-row").first.press("Enter")
    expect(page.locator("main h1")).to_contain_text("till POST /pay", timeout=ANSWERED_MS)
    expect(page.locator(".trace-origins")).to_contain_text("bank POST /debit")
    assert rows(page) == ["till POST /pay", "till check the basket", "till count", "bank POST /debit"]
    tree = page.get_by_role("tree")
    tree.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_test_id("span-row")).to_have_count(3)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    panel = page.get_by_test_id("span-panel")
    expect(panel.get_by_role("heading", name="POST /debit")).to_be_visible()
    expect(panel).to_contain_text("<b>4711</b>", timeout=ANSWERED_MS)
    expect(panel.get_by_role("link", name="City")).to_have_attribute("href", "/?service=till-test%2Fbank")
    again = visit(page.url[page.url.index("/traces") :])
    expect(again.get_by_test_id("span-panel").get_by_role("heading", name="POST /debit")).to_be_visible(
        timeout=ANSWERED_MS
    )


def test_a_dot_of_the_overview_opens_its_trace_and_a_pasted_id_opens_its(visit: Visit, checkout: str) -> None:
    page = visit("/traces?service=bank")
    dot = page.locator(f'[data-testid="dot"][data-trace="{checkout}"]')
    expect(dot.locator("path.failed")).to_be_visible(timeout=ANSWERED_MS)
    box = dot.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page).to_have_url(re.compile(checkout))
    page.get_by_role("link", name="Back to all traces").click()
    expect(page).to_have_url(re.compile("service=bank"))
    page.get_by_label("Trace id").fill(f"00-{checkout}-0000000000000001-01")
    page.keyboard.press("Enter")
    expect(page.locator("main h1")).to_contain_text("POST /pay", timeout=ANSWERED_MS)


def test_of_thousands_of_spans_only_those_in_view_are_drawn_and_all_can_be_reached(visit: Visit, crowd: str) -> None:
    page = visit(f"/traces/{crowd}")
    page.get_by_role("tree").focus()
    expect(page.get_by_test_id("span-row").first).to_be_visible(timeout=ANSWERED_MS)
    assert page.get_by_test_id("span-row").count() < 80
    page.keyboard.press("End")
    expect(page.get_by_text(f"step {MANY}", exact=True)).to_be_visible()
    page.get_by_test_id("minimap").focus()
    page.keyboard.press("+")
    expect(page).to_have_url(re.compile("window="))
    page.keyboard.press("Escape")
    expect(page).not_to_have_url(re.compile("window="))


def test_the_flame_graph_zooms_into_a_span_and_back(visit: Visit, checkout: str) -> None:
    page = visit(f"/traces/{checkout}?tab=flame")
    blocks = page.get_by_test_id("flame-block")
    expect(blocks).to_have_count(4, timeout=ANSWERED_MS)
    blocks.filter(has_text="check the basket").click()
    expect(page).to_have_url(re.compile("zoom="))
    expect(blocks).to_have_count(3)
    page.get_by_role("tree").focus()
    page.keyboard.press("Escape")
    expect(blocks).to_have_count(4, timeout=ANSWERED_MS)
    work = page.get_by_role("region", name="Where the time went")
    expect(work.get_by_role("row").filter(has_text="POST /debit")).to_contain_text("150 ms")


def test_the_map_has_every_call_drawn_and_in_the_table_and_leads_on(visit: Visit, checkout: str) -> None:
    page = visit("/traces?tab=map&env=till-test")
    node = page.get_by_role("button", name=re.compile("^bank "))
    expect(node).to_be_visible(timeout=ANSWERED_MS)
    calls = page.get_by_role("region", name="Calls")
    expect(calls.get_by_role("row").filter(has_text="till").filter(has_text="bank")).to_contain_text(
        "◆ 100%", timeout=ANSWERED_MS
    )
    node.press("Enter")
    page.get_by_test_id("map-chosen").get_by_role("link", name="Its failed traces").click()
    expect(page.get_by_test_id("trace-row")).to_have_count(1, timeout=ANSWERED_MS)


def test_one_trace_is_for_everybody_and_fits_a_phone(visit: Visit, checkout: str) -> None:
    for tab in ("waterfall", "flame", "map"):
        page = visit(f"/traces/{checkout}?tab={tab}&span={4:016x}", PHONE, "light")
        expect(page.get_by_test_id("span-panel")).to_contain_text("order.id", timeout=ANSWERED_MS)
        assert serious(page) == []
        assert sideways(page) <= 0
