"""The compare page: what is missing, what is known, and how it is said."""

import re
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from tests.e2e.axe import serious, sideways
from tests.e2e.conftest import DESKTOP, PHONE, Visit
from tests.platform_process import Platform
from tests.waiting import eventually

SERVICE = "compared"
MINUTES, A_MINUTE = 40, 30
A_BATCH = 400
ANSWERED_MS = 40_000


def observations(version: str, base_ms: float) -> Iterator[dict[str, Any]]:
    """Of the last 40 minutes, evenly; the spread is the same every minute."""
    begin = time.time() // 60 * 60 - MINUTES * 60
    for n in range(MINUTES * A_MINUTE):
        yield {
            "timestamp": int((begin + n * 60 / A_MINUTE) * 1000),
            "service_name": SERVICE,
            "metric_name": "http.request.duration",
            "metric_type": "histogram",
            "value": base_ms * (0.8 + 0.04 * (n * 7 % 11)),
            "endpoint": "/pay",
            "method": "GET",
            "status_code": 200,
            "tags": {"version": version},
        }


@pytest.fixture(scope="module")
def two_versions(platform: Platform) -> None:
    """A service of which version 2 takes twice as long."""
    for version, base_ms in (("v1", 40.0), ("v2", 80.0)):
        metrics = list(observations(version, base_ms))
        for at in range(0, len(metrics), A_BATCH):
            part = metrics[at : at + A_BATCH]
            batch = {"service_name": SERVICE, "environment": "test", "agent_version": "test", "metrics": part}
            httpx.post(f"{platform.collector}/v1/metrics", json=batch, timeout=30).raise_for_status()
    query = f"SELECT count() FROM metrics WHERE service_name = '{SERVICE}' SINCE 1 HOUR"

    def stored() -> bool:
        answer = httpx.post(f"{platform.api}/vql/execute", json={"query": query}, timeout=30).json()
        return bool(answer["rows"][0][0] == 2 * MINUTES * A_MINUTE)

    eventually(stored, within_s=60, what="observations in the store")


@pytest.mark.usefixtures("two_versions")
def test_a_slower_version_is_said_to_be_worse_and_how_sure_that_is(visit: Visit) -> None:
    page = visit("/compare?kind=versions")
    expect(page.get_by_text("Choose a service.")).to_be_visible()
    for field, text in (("Service", SERVICE), ("Baseline version", "v1"), ("Candidate version", "v2")):
        page.get_by_role("combobox", name=field, exact=True).focus()
        page.keyboard.type(text)
        expect(page.get_by_role("option", name=re.compile(text))).to_be_visible()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
    expect(page.get_by_test_id("verdict")).to_have_text("◆ v2 is worse: roll back", timeout=ANSWERED_MS)
    table = page.get_by_role("region", name=re.compile("^Side by side"))
    expect(table.get_by_role("row", name=re.compile("^p95"))).to_contain_text("100 % slower")
    expect(table.get_by_role("row", name=re.compile("^Observations"))).to_contain_text("1,200")
    expect(page.get_by_text(re.compile("p < 0.0001|p = 0.0"))).to_be_visible()
    expect(page.get_by_role("application", name=re.compile("^p95 over time"))).to_be_visible()

    copied = visit(page.url[page.url.index("/compare") :], PHONE, "light")
    expect(copied.get_by_test_id("verdict")).to_contain_text("v2 is worse", timeout=ANSWERED_MS)
    expect(copied.get_by_test_id("loading")).to_have_count(0)
    assert sideways(copied) <= 0
    assert serious(copied) == []
    copied.get_by_role("button", name=re.compile("Swap")).click()
    expect(copied.get_by_test_id("verdict")).to_have_text("● v1 is better: deploy", timeout=ANSWERED_MS)


def test_what_is_not_known_yet_is_not_claimed(visit: Visit) -> None:
    page = visit("/compare?service=storefront&with=inventory&range=15m", DESKTOP)
    expect(page.get_by_test_id("verdict")).to_have_text("○ Not enough data yet", timeout=ANSWERED_MS)
    expect(page.get_by_text(re.compile("20 are needed"))).to_be_visible()


@pytest.mark.usefixtures("two_versions")
def test_windows_that_overlap_are_refused_in_words(visit: Visit) -> None:
    page = visit(f"/compare?kind=windows&service={SERVICE}&range=7d&before=1d")
    expect(page.get_by_text(re.compile("The two windows overlap"))).to_be_visible()
    page.get_by_role("combobox", name=re.compile("^Time range")).select_option("15m")
    expect(page.get_by_test_id("verdict")).to_have_text("○ Not enough data yet", timeout=ANSWERED_MS)
