"""Proportional memory of all processes of `vantage up`, idle on an empty directory and after ten million rows."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from tests.bench.client import Plan, drive
from tests.bench.machine import pss_mib, tree
from tests.bench.traffic import METRICS_A_BODY, gauge_bodies
from tests.platform_process import Platform, start
from tests.waiting import eventually

ROWS = 10_000_000
SETTLE_S = 15


def run() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as directory:
        platform = start("up", Path(directory))
        try:
            time.sleep(SETTLE_S)
            yield f"idle, empty directory, {SETTLE_S} s after ready: {_shown(platform)}"
            bodies = gauge_bodies(100)
            sent = drive(f"{platform.collector}/v1/metrics", bodies, Plan(total=ROWS // METRICS_A_BODY))
            rows = eventually(lambda: _stored(platform, sent.accepted * METRICS_A_BODY), within_s=300, every_s=1)
            time.sleep(SETTLE_S)
            yield f"after {rows:,} gauges (all stored, {sent.seconds:.0f} s of sending): {_shown(platform)}"
        finally:
            platform.interrupt()


def _stored(platform: Platform, wanted: int) -> int:
    """Rows, counted one by one: the rollup of a closed hour hears of late ones within ten minutes only."""
    query = {"query": "SELECT count() AS n FROM metrics WHERE trace_id = ''"}
    answer = httpx.post(f"{platform.api}/vql/execute", json=query, timeout=30)
    found = int(answer.json()["rows"][0][0])
    return found if found >= wanted else 0


def _shown(platform: Platform) -> str:
    figures = pss_mib(tree(platform.process.pid))
    parts = ", ".join(f"{name} {mib:.0f}" for name, mib in sorted(figures.items()))
    return f"{sum(figures.values()):.0f} MiB PSS ({parts})"
