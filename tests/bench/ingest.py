"""Metrics a second through one collector process held to one core, on the embedded log, durable before each 202."""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from subprocess import DEVNULL, Popen

import httpx
import psutil

from tests.bench.machine import cpu_seconds
from tests.bench.traffic import METRICS_A_BODY, gauge_bodies, request_bodies, send
from tests.platform_process import environment
from tests.waiting import eventually

BODIES = 600


def run() -> Iterator[str]:
    cores = sorted(os.sched_getaffinity(0))
    for name, bodies in (("requests", request_bodies(40)), ("gauges", gauge_bodies(40))):
        yield from _measure(name, bodies, cores[0], cores[-1])


def _measure(name: str, bodies: list[bytes], core: int, other: int) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as directory:
        settings = environment(Path(directory)) | {"VANTAGE_TRUST_LOOPBACK": "true"}
        process = Popen([sys.executable, "-m", "vantage_collector"], env=settings, stderr=DEVNULL)
        try:
            collector = psutil.Process(process.pid)
            url = f"http://127.0.0.1:{settings['VANTAGE_COLLECTOR_PORT']}"
            eventually(lambda: httpx.get(f"{url}/ready").is_success, what="collector")
            for thread in collector.threads():
                os.sched_setaffinity(thread.id, {core})
            send(f"{url}/v1/metrics", bodies, total=60, senders=2, cpu=other)
            before = cpu_seconds(collector)
            sent = send(f"{url}/v1/metrics", bodies, total=BODIES, senders=2, cpu=other)
            used = cpu_seconds(collector) - before
        finally:
            process.terminate()
            process.wait(30)
    metrics = sent.accepted * METRICS_A_BODY
    kib = sum(map(len, bodies)) / len(bodies) / 1024
    yield (
        f"{name}: {BODIES} bodies of {METRICS_A_BODY} metrics, {kib:.0f} KiB each, 2 connections, zstd blocks, fsync: "
        f"{metrics / sent.seconds:,.0f} metrics/s, {metrics / used:,.0f} metrics a CPU-second, "
        f"p50 {sent.quantile(0.5):.1f} ms, p99 {sent.quantile(0.99):.1f} ms ({sent.accepted} accepted)"
    )
