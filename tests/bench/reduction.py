"""How many rows real agents' batches become: the example shop under load, its agents as they come out of the box.

Two reductions follow each other. The agent folds what it saw in a second before it sends; the collector merges what is
left of a batch by minute. Gauges pass through both.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import NamedTuple

import httpx

from tests.platform_process import Platform, free_ports, start
from tests.waiting import eventually

EXAMPLES = Path(__file__).resolve().parents[2] / "vantage-agent" / "examples"
RATES = (20, 150)
SECONDS = 60


class Counts(NamedTuple):
    observed: int
    items: int
    rows: int


def run() -> Iterator[str]:
    for rate in RATES:
        counts = _measure(rate)
        yield (
            f"{rate} visits/s for {SECONDS} s, agents flushing every 5 s: {counts.observed:,} samples observed, "
            f"{counts.items:,} items sent, {counts.rows:,} rows stored: "
            f"the agent folds {counts.observed / counts.items:.1f} : 1, the collector "
            f"{counts.items / counts.rows:.2f} : 1, together {counts.observed / counts.rows:.1f} : 1"
        )


def _measure(rate: int) -> Counts:
    with tempfile.TemporaryDirectory() as directory:
        platform = start("up", Path(directory))
        try:
            _load(platform, rate)
            return eventually(lambda: _counts(platform), within_s=60, every_s=1, what="all rows stored")
        finally:
            platform.interrupt()


def _load(platform: Platform, rate: int) -> None:
    """Runs the shop and its customers to their end; the agents send what they hold as they stop."""
    shop, stock = free_ports(2)
    urls = [f"http://127.0.0.1:{port}" for port in (shop, stock)]
    to = ("--collector", platform.collector)
    with ExitStack() as apps:
        apps.enter_context(_example("flask_inventory.py", "--port", str(stock), *to))
        apps.enter_context(_example("fastapi_shop.py", "--port", str(shop), "--inventory", urls[1], *to))
        for url in urls:
            _wait_for(f"{url}/openapi.json")
        arguments = ["--shop", urls[0], "--inventory", urls[1], "--rate", str(rate), "--seconds", str(SECONDS)]
        with _example("load.py", *arguments) as customers:
            customers.wait(SECONDS + 60)


def _wait_for(url: str) -> None:
    """Any answer will do: the app listens."""
    eventually(lambda: httpx.get(url).status_code > 0, what="example app")


@contextmanager
def _example(script: str, *arguments: str) -> Iterator["Popen[bytes]"]:
    command = [sys.executable, str(EXAMPLES / script), *arguments]
    process = Popen(command, env=dict(os.environ), stdout=DEVNULL, stderr=DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


def _counts(platform: Platform) -> Counts | None:
    """The counts, once the store has every row that the collector published."""
    stats = httpx.get(f"{platform.collector}/v1/stats").json()
    query = {"query": "SELECT count() AS n FROM metrics"}
    answer = httpx.post(f"{platform.api}/vql/execute", json=query, timeout=30).json()
    observed = int(answer["rows"][0][0])
    counts = Counts(observed, stats["accepted"]["metrics"], stats["rows"]["metrics"])
    return counts if observed >= counts.items > 0 else None
