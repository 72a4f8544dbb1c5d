"""The Logs page as a person uses it: history, the live tail, a line with all it says, the download."""

import re
import secrets
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.axe import serious, sideways
from tests.e2e.conftest import PHONE, Visit
from tests.e2e.otlp import send_lines, send_trace, span, wait_for_lines
from tests.platform_process import Platform
from tests.waiting import eventually

ANSWERED_MS = 20_000
"""The first answer of a page may take its time where many things run."""

HOSTILE = "<img src=x onerror=\"document.title='owned'\"> \x1b[31mred\x1b[0m " + "long" * 2500
TRACE = secrets.token_hex(16)


@pytest.fixture(scope="module")
def printer(platform: Platform) -> str:
    """A service that wrote 450 lines, the last of them of a trace; its name."""
    send_trace(platform, TRACE, {"printer": [span(1, 0, "POST /print", 0, 20)]})
    lines = [("INFO", f"page {i} printed") for i in range(447)]
    send_lines(platform, "printer", [*lines, ("WARN", "toner is low"), ("INFO", HOSTILE)])
    send_lines(platform, "printer", [("ERROR", "out of paper")], trace_id=TRACE, span_id=1)
    wait_for_lines(platform, "printer", 450)
    return "printer"


def test_lines_are_narrowed_and_one_leads_to_its_trace(visit: Visit, printer: str) -> None:
    page = visit(f"/logs?service={printer}&text=PAPER")
    expect(page.get_by_test_id("log-line")).to_have_count(1, timeout=ANSWERED_MS)
    page.get_by_role("button", name=re.compile("WARN")).click()
    expect(page.get_by_text("No lines found")).to_be_visible(timeout=ANSWERED_MS)
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("button", name=re.compile("ERROR")).click()
    page.get_by_label("Trace id").fill(TRACE)
    expect(page).to_have_url(re.compile(f"trace={TRACE}"))
    line = page.get_by_test_id("log-line")
    expect(line).to_have_count(1, timeout=ANSWERED_MS)
    line.get_by_role("button", name=re.compile("out of paper")).press("Enter")
    expect(line).to_contain_text("till.number")
    assert "line=" in page.url
    line.get_by_role("link", name="Trace", exact=True).click()
    expect(page.get_by_test_id("span-panel")).to_contain_text("out of paper", timeout=ANSWERED_MS)


def test_the_list_goes_on_to_its_end_but_draws_only_what_is_in_view(visit: Visit, printer: str) -> None:
    page = visit(f"/logs?service={printer}")
    expect(page.get_by_test_id("log-line").first).to_contain_text("out of paper", timeout=ANSWERED_MS)
    box = page.get_by_test_id("log-list")
    box.focus()

    def is_at_the_end() -> bool:
        page.keyboard.press("End")
        return "That is all of the range: 450 lines." in box.inner_text()

    eventually(is_at_the_end, within_s=40, what="the end of the list")
    assert page.get_by_test_id("log-line").count() < 90
    expect(page.get_by_role("button", name=re.compile("^INFO")).first).to_contain_text("448", timeout=ANSWERED_MS)


def test_new_lines_appear_by_themselves_and_wait_while_paused(visit: Visit, platform: Platform, printer: str) -> None:
    page = visit("/logs?live=1&service=live-printer")
    expect(page.get_by_text("New lines appear as they are written.")).to_be_visible()
    send_lines(platform, "live-printer", [("INFO", "first page")])
    expect(page.get_by_test_id("log-line").first).to_contain_text("first page", timeout=ANSWERED_MS)
    page.get_by_role("button", name="Pause").click()
    send_lines(platform, "live-printer", [("INFO", "second page")])
    waiting = page.get_by_role("button", name=re.compile("1 new"))
    expect(waiting).to_be_visible(timeout=ANSWERED_MS)
    expect(page.get_by_test_id("log-line")).to_have_count(1)
    waiting.click()
    expect(page.get_by_test_id("log-line").first).to_contain_text("second page")


def test_the_download_has_the_lines_that_are_asked_for(visit: Visit, printer: str) -> None:
    page = visit(f"/logs?service={printer}&severity=WARN")
    expect(page.get_by_test_id("log-line")).to_have_count(1, timeout=ANSWERED_MS)
    with page.expect_download() as waited:
        page.get_by_role("button", name="Download CSV").click()
    header, *lines = Path(waited.value.path()).read_text().strip().splitlines()
    assert header.startswith("time,service_name,severity,body")
    assert len(lines) == 1
    assert "toner is low" in lines[0]


def test_a_hostile_line_stays_text_and_breaks_nothing(visit: Visit, printer: str) -> None:
    page = visit(f"/logs?service={printer}&text=onerror", PHONE, "light")
    page.get_by_test_id("log-line").get_by_role("button").first.press("Enter")
    expect(page.locator(".line-body")).to_contain_text("red long")
    assert "\x1b" not in (page.locator(".line-body").text_content() or "")
    assert page.title() == "Logs · Vantage"
    assert serious(page) == []
    assert sideways(page) <= 0
