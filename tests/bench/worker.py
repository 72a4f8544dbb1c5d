"""Rows a CPU-second of the worker: stage by stage in one thread, then as a process of its own that drains a full log.

The process reads from a real broker (the mock cluster keeps too little) and writes to the ClickHouse engine behind
HTTP, so that its CPU time is that of consume, guard and insert without the engine; and once with everything embedded,
where the engine's share of the work is in it.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families
from vantage_common.block import decode_block
from vantage_common.bus.api import METRICS_RAW, RAW_TOPICS, Bus, Message, Outgoing
from vantage_common.bus.open import open_bus
from vantage_common.clock import SystemClock
from vantage_common.settings import load_settings
from vantage_common.store.catalog import METRICS
from vantage_common.store.clickhouse import _native_block
from vantage_worker.batch import assemble, take

from tests.bench.machine import cpu_seconds
from tests.bench.services import collector, cores, running
from tests.bench.traffic import gauge_bodies, request_bodies
from tests.clickhouse_http import clickhouse_http
from tests.kafka_broker import ApacheKafka, kafka_broker
from tests.platform_process import environment
from tests.waiting import eventually

DRAINED_ROWS = 1_000_000
WARM_ROWS = 100_000
"""Written before the clock starts: imports, connections and the first insert are not the worker's pace."""
KEYS = 60
_JSON = {"Content-Type": "application/json"}

SHAPES: Mapping[str, Callable[[], list[bytes]]] = {
    "requests": lambda: request_bodies(40),
    "gauges": lambda: gauge_bodies(40),
    "small": lambda: gauge_bodies(400, metrics=10),
}
"""Bodies of 1000 request durations, of 1000 gauges with four tags, and of 10 such gauges."""


def run() -> Iterator[str]:
    shapes = {name: _values(make()) for name, make in SHAPES.items()}
    for name, values in shapes.items():
        yield _stages(name, values)
    for name, values in shapes.items():
        yield from _apart(name, values)
    yield _embedded("gauges", shapes["gauges"])


def _values(bodies: Sequence[bytes]) -> list[bytes]:
    """The records that a collector makes of native bodies."""
    with tempfile.TemporaryDirectory() as directory:
        settings = environment(Path(directory))
        with collector(settings, None) as (_, url), httpx.Client() as client:
            for body in bodies:
                client.post(f"{url}/v1/metrics", content=body, headers=_JSON).raise_for_status()
        return asyncio.run(_read(settings))


async def _read(settings: Mapping[str, str]) -> list[bytes]:
    bus = _bus(settings)
    tail = bus.tail([METRICS_RAW])
    await tail.start(from_ms=0)
    values: list[bytes] = []
    while messages := await tail.fetch(10_000, timeout_s=0.5):
        values += [message.value for message in messages]
    await tail.stop()
    await bus.close()
    return values


def _bus(settings: Mapping[str, str]) -> Bus:
    servers = settings.get("VANTAGE_KAFKA_BOOTSTRAP_SERVERS", "")
    data_dir = Path(settings["VANTAGE_DATA_DIR"])
    return open_bus(load_settings(data_dir=data_dir, kafka_bootstrap_servers=servers), SystemClock())


def _stages(name: str, values: Sequence[bytes]) -> str:
    messages = [Message(METRICS_RAW, 0, offset, b"k", value, 0) for offset, value in enumerate(values)]
    taken = [take(message) for message in messages]
    rows = sum(record.rows for record in taken)
    columns = assemble("metrics", taken, 7, frozenset())
    stages = {
        "decode": lambda: [decode_block(value) for value in values],
        "assemble": lambda: assemble("metrics", taken, 7, frozenset()),
        "Native block": lambda: _native_block(METRICS, columns, rows),
    }
    costs = {stage: _cpu_us(work) / rows for stage, work in stages.items()}
    told = ", ".join(f"{stage} {cost:.2f}" for stage, cost in costs.items())
    return (
        f"{name}: {rows / len(values):.0f} rows and {sum(map(len, values)) / len(values) / 1024:.1f} KiB a record; "
        f"µs a row: {told}, together {sum(costs.values()):.2f}"
    )


def _cpu_us(work: Callable[[], Any]) -> float:
    """CPU microseconds of the best of five runs in this thread."""
    best = float("inf")
    for _ in range(5):
        started = time.thread_time()
        work()
        best = min(best, time.thread_time() - started)
    return best * 1e6


def _apart(name: str, values: Sequence[bytes]) -> Iterator[str]:
    with ExitStack() as stack:
        broker = stack.enter_context(kafka_broker())
        if not isinstance(broker, ApacheKafka):
            yield f"{name}: no real broker here, so no worker apart from it ({broker.label})"
            return
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(clickhouse_http(directory / "engine"))
        settings = environment(directory) | {
            "VANTAGE_KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap,
            "VANTAGE_CLICKHOUSE_HOST": "127.0.0.1",
            "VANTAGE_CLICKHOUSE_PORT": str(server.port),
        }
        yield _drain(f"{name}, {broker.label} → ClickHouse engine over HTTP", values, settings)


def _embedded(name: str, values: Sequence[bytes]) -> str:
    with tempfile.TemporaryDirectory() as directory:
        return _drain(f"{name}, embedded log → chDB, the engine's CPU included", values, environment(Path(directory)))


def _drain(name: str, values: Sequence[bytes], settings: Mapping[str, str]) -> str:
    """Lets a worker drain a log that holds rows enough, and divides the rows by its CPU time."""
    rows_a_round = sum(decode_block(value).rows for value in values)
    rounds = (DRAINED_ROWS + WARM_ROWS) // rows_a_round + 1
    asyncio.run(_fill(settings, values, rounds))
    total = rounds * rows_a_round
    with running([sys.executable, "-m", "vantage_worker"], cores()[0], settings) as worker:
        url = f"http://127.0.0.1:{settings['VANTAGE_WORKER_PORT']}/metrics"
        eventually(lambda: _rows(url) >= WARM_ROWS, within_s=120, what="the first rows")
        before, cpu, started = _rows(url), cpu_seconds(worker), time.monotonic()
        eventually(lambda: _rows(url) >= total, within_s=300, every_s=0.2, what="all rows")
        seconds, used, written = time.monotonic() - started, cpu_seconds(worker) - cpu, _rows(url) - before
        memory = _peak_mib(worker)
    return (
        f"{name}: {written:,.0f} rows at {written / used:,.0f} a CPU-second ({used / written * 1e6:.2f} µs a row), "
        f"{written / seconds:,.0f} rows/s on one core, peak memory {memory:.0f} MiB"
    )


async def _fill(settings: Mapping[str, str], values: Sequence[bytes], rounds: int) -> None:
    """Puts the records on the bus `rounds` times, over enough keys that every partition has its share."""
    bus = _bus(settings)
    await bus.ensure_topics(RAW_TOPICS)
    publisher = bus.publisher()
    await publisher.start()
    for _ in range(rounds):
        records = [Outgoing(METRICS_RAW, b"%d" % (number % KEYS), value) for number, value in enumerate(values)]
        await publisher.publish(records, timeout_s=30)
    await publisher.stop()
    await bus.close()


def _rows(url: str) -> float:
    samples = [s for family in text_string_to_metric_families(httpx.get(url).text) for s in family.samples]
    return sum(sample.value for sample in samples if sample.name == "vantage_worker_rows_total")


def _peak_mib(process: psutil.Process) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM"))
