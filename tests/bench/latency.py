"""Seconds from a request to an example app until its number changes in the browser, by the page's own timestamps."""

import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Page

from tests.bench.browser import blank_page, open_city
from tests.e2e.conftest import example
from tests.platform_process import free_ports, start
from tests.waiting import eventually

FLUSH_S = 1.0
PROBES = 30
QUIET_S = 13
"""Longer than the 10 s window, so that each probe finds the number at zero."""


def run() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as directory, blank_page() as page:
        platform = start("up", Path(directory))
        (port,) = free_ports(1)
        app = example("flask_inventory.py", "--port", str(port), "--collector", platform.collector)
        url = f"http://127.0.0.1:{port}/stock"
        try:
            eventually(lambda: httpx.get(url).is_success, what="example app")
            open_city(page, platform.city)
            eventually(lambda: _change(page), within_s=60, what="the app's building")
            seconds = sorted(_probe(page, url) for _ in range(PROBES))
        finally:
            app.terminate()
            app.wait(10)
            platform.interrupt()
    p50, worst = seconds[len(seconds) // 2], seconds[-1]
    yield (
        f"request → number in the browser, {PROBES} single requests, flush every {FLUSH_S} s, 640×360, bloom off: "
        f"p50 {p50:.2f} s, max {worst:.2f} s; less the flush interval: p50 {p50 - FLUSH_S:.2f} s, "
        f"max {worst - FLUSH_S:.2f} s"
    )


def _probe(page: Page, url: str) -> float:
    time.sleep(QUIET_S + random.random())  # requests fall anywhere in a second, not where the last number changed
    sent = time.time()
    httpx.get(url)
    changed = eventually(lambda: _risen(page, sent), within_s=30, what="the number rising")
    return changed - sent


def _risen(page: Page, sent: float) -> float | None:
    change = _change(page)
    return change["at"] / 1000 if change and change["rps"] > 0 and change["at"] / 1000 > sent else None


def _change(page: Page) -> dict[str, Any] | None:
    changes: dict[str, dict[str, Any]] = page.evaluate("() => window.__vantage?.lastChange ?? {}")
    return next((change for name, change in changes.items() if name.endswith("/inventory")), None)
