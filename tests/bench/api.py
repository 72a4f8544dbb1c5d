"""How soon the API answers a dashboard's calls while ingestion runs at half its maximum, all in one `vantage up`.

`BENCH_SECONDS` (default 60) sets the run.
"""

import json
import os
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from multiprocessing import get_context
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx
import psutil

from tests.bench.client import Plan, drive
from tests.bench.services import CpuClock
from tests.bench.traffic import METRICS_A_BODY, gauge_bodies, request_bodies
from tests.platform_process import Platform, start
from tests.waiting import eventually

RATE: Final = 100.0
CONNECTIONS: Final = 16
INGEST_CONNECTIONS: Final = 4
WARM_S: Final = 5.0
SATURATED_S: Final = 20.0
CATCH_UP_S: Final = 300.0
TIMEOUT_S: Final = 30.0
PATIENCE: Final = 2.0
ITEMS: Final = 1000
SERVICES: Final = 20

MIX: Final[dict[str, tuple[int, str]]] = {
    "services": (10, "/api/services"),
    "service": (15, "/api/services/{service}"),
    "p95 of a service": (15, "/api/metrics/timeseries?service={service}&agg=p95"),
    "rate by endpoint": (10, "/api/metrics/timeseries?service={service}&agg=count&group_by=endpoint"),
    "a gauge, down-sampled": (10, "/api/metrics/timeseries?service={service}&metric=runtime.metric.7&max_points=200"),
    "metrics": (5, "/api/metrics?service={service}"),
    "tag values": (5, "/api/metrics/tags/endpoint/values?service={service}"),
    "health": (10, "/health/score/{service}"),
    "health of all": (3, "/health/scores"),
    "health history": (5, "/health/history/{service}"),
    "logs": (5, "/api/logs?service={service}&limit=100"),
    "traces": (4, "/traces/search?service={service}"),
    "city": (3, "/api/city"),
}
"""What a dashboard asks, by its share in percent."""


@dataclass(slots=True)
class Heard:
    """Latencies in ms from the moment a call was due, by its name, and answers by status; 0 is a broken connection."""

    latencies_ms: dict[str, list[float]] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    unsent: int = 0

    @property
    def answered(self) -> int:
        return sum(self.statuses.values())

    def add(self, name: str, status: int, latency_ms: float) -> None:
        self.latencies_ms.setdefault(name, []).append(latency_ms)
        self.statuses[status] += 1

    def merge(self, other: "Heard") -> None:
        self.statuses += other.statuses
        self.unsent += other.unsent
        for name, latencies in other.latencies_ms.items():
            self.latencies_ms.setdefault(name, []).extend(latencies)


def run() -> Iterator[str]:
    seconds = float(os.environ.get("BENCH_SECONDS", "60"))
    mix = ", ".join(f"{name} {share} %" for name, (share, _) in MIX.items())
    yield f"vantage up (embedded log, chDB), client and ingestion on the same cores; mix: {mix}"
    with tempfile.TemporaryDirectory() as directory:
        platform = start("up", Path(directory))
        try:
            yield from _measured(platform, seconds)
        finally:
            platform.interrupt()


def _measured(platform: Platform, seconds: float) -> Iterator[str]:
    url = f"{platform.collector}/v1/metrics"
    _fill(platform)
    bodies = _bodies()
    drive(url, bodies, Plan(INGEST_CONNECTIONS, seconds=WARM_S))
    most = drive(url, _bodies(), Plan(INGEST_CONNECTIONS, seconds=SATURATED_S))
    bodies_a_second = most.accepted / most.seconds
    waited_s = _caught_up(platform)
    yield (
        f"ingestion at its maximum for {SATURATED_S:.0f} s: {bodies_a_second * METRICS_A_BODY:,.0f} metrics/s answered "
        f"202, stored {waited_s:.1f} s later; {_rows(platform):,.0f} rows in the store"
    )
    clock = CpuClock(_core(platform))
    quiet = _ask(platform.api, seconds / 3)
    yield _told("without ingestion", quiet)
    yield f"the core has used {clock.used() * 1000 / quiet.answered:.1f} CPU-ms a call, the first of each kind included"
    half = Plan(INGEST_CONNECTIONS, seconds=seconds + 2, rate=bodies_a_second / 2)
    with ThreadPoolExecutor(1) as pool:
        driving = pool.submit(drive, url, _bodies(), half)
        busy = _ask(platform.api, seconds)
        taken = driving.result()
    yield _told(f"while {taken.accepted / taken.seconds * METRICS_A_BODY:,.0f} metrics/s come in", busy)
    for name, latencies in sorted(busy.latencies_ms.items(), key=lambda item: -_quantile(item[1], 0.99)):
        yield f"  {name}: p50 {_quantile(latencies, 0.5):.0f} ms, p99 {_quantile(latencies, 0.99):.0f} ms"
    yield f"{_rows(platform):,.0f} rows in the store at the end; refused by ingestion: {taken.refused or 'none'}"


def _core(platform: Platform) -> psutil.Process:
    """The process that answers and stores."""
    children = psutil.Process(platform.process.pid).children(recursive=True)
    return next(child for child in children if child.cmdline()[-1:] == ["core"])


def _bodies() -> list[bytes]:
    """Half requests, which the collector merges, half gauges, which it cannot; of now."""
    return [body for pair in zip(request_bodies(40), gauge_bodies(40), strict=True) for body in pair]


def _fill(platform: Platform) -> None:
    """Logs and traces of every service, so that no call finds nothing."""
    rng, now = random.Random(1), int(time.time() * 1000)
    for n in range(SERVICES):
        service = f"service-{n:02d}"
        times = [now - rng.randrange(1_800_000) for _ in range(ITEMS)]
        logs = [
            {"timestamp": at, "severity": rng.choice(("INFO", "WARN", "ERROR")), "body": f"order {rng.random()} done"}
            for at in times
        ]
        spans = [
            {
                "trace_id": f"{rng.getrandbits(128):032x}",
                "span_id": f"{rng.getrandbits(64):016x}",
                "name": "GET /orders",
                "kind": "server",
                "start_time": at,
                "duration_ms": rng.lognormvariate(3, 0.6),
                "status": "ok" if rng.random() < 0.98 else "error",
            }
            for at in times
        ]
        for signal, items in (("logs", logs), ("traces", spans)):
            name = "spans" if signal == "traces" else signal
            body = json.dumps({"service_name": service, "environment": "bench", name: items})
            httpx.post(f"{platform.collector}/v1/{signal}", content=body, timeout=TIMEOUT_S).raise_for_status()


def _rows(platform: Platform) -> float:
    return sum(_worker_samples(platform, "vantage_worker_rows_total"))


def _worker_samples(platform: Platform, name: str) -> list[float]:
    text = httpx.get(f"http://127.0.0.1:{platform.environment['VANTAGE_WORKER_PORT']}/metrics", timeout=TIMEOUT_S).text
    return [float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name)]


def _caught_up(platform: Platform) -> float:
    """Seconds until the worker stores nothing more."""
    begun, before = time.monotonic(), -1.0

    def is_still() -> bool:
        nonlocal before
        rows, before = before, _rows(platform)
        return rows == before

    eventually(is_still, within_s=CATCH_UP_S, every_s=2.0, what="the worker having stored all")
    return max(0.0, time.monotonic() - begun - 2.0)


def _ask(api: str, seconds: float) -> Heard:
    """Asks from a process of its own."""
    fresh = get_context("spawn")
    results: Queue[Heard] = fresh.Queue()
    process = fresh.Process(target=_client, args=(api, seconds, results))
    process.start()
    heard = results.get()
    process.join()
    return heard


def _client(api: str, seconds: float, results: "Queue[Heard]") -> None:
    """Calls are sent when they are due, however slow the answers are, as far as the connections go. One that is not
    sent by twice the time is given up."""
    calls = _calls(int(seconds * RATE))
    begun = time.monotonic()
    until = begun + PATIENCE * seconds
    heard = [Heard() for _ in range(CONNECTIONS)]
    threads = [
        threading.Thread(target=_converse, args=(api, calls[n::CONNECTIONS], begun + n / RATE, until, heard[n]))
        for n in range(CONNECTIONS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = Heard()
    for part in heard:
        total.merge(part)
    results.put(total)


def _calls(number: int) -> list[tuple[str, str]]:
    """(name, path), in a random order with the shares of the mix."""
    rng = random.Random(2)
    names = rng.choices(list(MIX), weights=[share for share, _ in MIX.values()], k=number)
    return [(name, MIX[name][1].format(service=f"service-{rng.randrange(SERVICES):02d}")) for name in names]


def _converse(api: str, calls: Sequence[tuple[str, str]], first: float, until: float, heard: Heard) -> None:
    address = urlsplit(api)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=TIMEOUT_S)
    for turn, (name, path) in enumerate(calls):
        due = first + turn * CONNECTIONS / RATE
        time.sleep(max(0.0, due - time.monotonic()))
        if time.monotonic() > until:
            heard.unsent += len(calls) - turn
            break
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            status = answer.status
        except (OSError, HTTPException):
            connection.close()
            status = 0
        heard.add(name, status, (time.monotonic() - due) * 1000)
    connection.close()


def _told(when: str, heard: Heard) -> str:
    latencies = [latency for each in heard.latencies_ms.values() for latency in each]
    return (
        f"{when}: {len(latencies):,} calls at {RATE:.0f}/s, p50 {_quantile(latencies, 0.5):.0f} ms, "
        f"p99 {_quantile(latencies, 0.99):.0f} ms, max {max(latencies):.0f} ms; {_answers(heard.statuses)}; "
        f"{heard.unsent:,} not sent in time"
    )


def _answers(statuses: Mapping[int, int]) -> str:
    return "answers: " + ", ".join(f"{status} {number:,}" for status, number in sorted(statuses.items()))


def _quantile(latencies: Sequence[float], q: float) -> float:
    ordered = sorted(latencies)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]
