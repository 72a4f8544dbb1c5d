"""Traces over spans made inside the engine: one trace by its id, searches, and the service map, at several sizes.

The spans are those of a shop over a day: ten a trace, 40 services, ids of 32 and 16 hex digits, as SDKs send them.
Hours are rolled up by the worker's own code, but for the last two. BENCH_ROWS sets the largest size (default 10⁷; the
design's figures are for 10⁸, for which the slope is printed).

Cold means that the engine's caches were dropped before every question; the machine's page cache stays warm.
"""

import asyncio
import os
import random
import statistics
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from math import log10
from pathlib import Path
from time import perf_counter, time

from clickhouse_connect.driver.client import Client
from vantage_api.ask import Ask
from vantage_api.metrics import ApiMetrics
from vantage_api.questions import Scope
from vantage_api.times import Range
from vantage_api.traces import lookup, search, service_map
from vantage_common.clock import SystemClock
from vantage_common.settings import load_settings
from vantage_common.store.clickhouse import ClickHouseAdmin, ClickHouseStore
from vantage_common.store.open import open_store

HOUR_MS = 3_600_000
DAYS = 1
SPANS_A_TRACE = 10
SERVICES = 40
ROWS_AN_INSERT = 1_000_000
LARGEST = int(os.environ.get("BENCH_ROWS", "10000000"))
WARM_RUNS = 30
COLD_RUNS = 10
DROPS = ("DROP MARK CACHE", "DROP UNCOMPRESSED CACHE", "DROP INDEX MARK CACHE", "DROP QUERY CONDITION CACHE")

_SPANS = """
INSERT INTO vantage.spans (workspace, service_name, timestamp, trace_id, span_id, parent_span_id, name, kind,
    duration_ms, status, environment, instance, caller, attributes, _src, _off, batch_id, batch_part)
SELECT 'default', concat('service-', leftPad(toString((t + intDiv(n, 2)) % {services}), 2, '0')),
    fromUnixTimestamp64Micro(toInt64({start} * 1000 + t * {step} * 1000 + n * 3000), 'UTC'),
    {trace}, lower(hex(cityHash64(t, n))), if(n = 0, '', lower(hex(cityHash64(t, n - 1)))),
    concat(['GET', 'POST'][1 + t % 2], ' /things/', toString(intDiv(n, 2))), if(n % 2 = 0, 'server', 'client'),
    100 * exp(sqrt(-2 * log((cityHash64(t, n, 1) % 100000 + 1) / 100001)) / 2) / (n + 1),
    if(cityHash64(t, n, 2) % 100 = 0, 'error', 'ok'), 'production', concat('pod-', toString(t % 3)), '',
    map('http.request.method', ['GET', 'POST'][1 + t % 2], 'http.route', concat('/things/', toString(intDiv(n, 2))),
        'server.address', 'internal.example', 'user.id', toString(t % 10000)), 1, number, '', 0
FROM (SELECT number, intDiv(number, {a_trace}) AS t, number % {a_trace} AS n FROM numbers({first}, {rows}))
SETTINGS max_threads = 2, max_partitions_per_insert_block = 0, insert_deduplicate = 0
"""
_TRACE = "lower(hex(sipHash128(t)))"


@dataclass(frozen=True, slots=True)
class Timed:
    """Milliseconds of every run."""

    cold: list[float]
    warm: list[float]

    def line(self, name: str) -> str:
        cold, warm = (f"p50 {statistics.median(runs):7.1f}  max {max(runs):7.1f}" for runs in (self.cold, self.warm))
        return f"  {name:<44} cold {cold}   warm {warm}  ms"


def run() -> Iterator[str]:
    sizes = [size for size in (10**6, 10**7, 10**8) if size <= LARGEST] or [LARGEST]
    medians: dict[str, dict[int, float]] = {}
    for size in sizes:
        lines, timed = asyncio.run(measured(size))
        yield from lines
        for name, found in timed.items():
            medians.setdefault(name, {})[size] = statistics.median(found.warm)
            yield found.line(name)
    if len(sizes) > 1:
        yield from slopes(medians, sizes)


def slopes(medians: dict[str, dict[int, float]], sizes: list[int]) -> Iterator[str]:
    yield f"  slope of the warm median from {sizes[-2]:.0e} to {sizes[-1]:.0e} rows, and 10⁸ by it:"
    for name, by_size in medians.items():
        before, last = by_size[sizes[-2]], by_size[sizes[-1]]
        power = log10(last / before) / log10(sizes[-1] / sizes[-2])
        extrapolated = last * (10**8 / sizes[-1]) ** power
        yield f"    {name:<44} rows^{power:+.2f}   10⁸: {extrapolated:.0f} ms"


async def measured(size: int) -> tuple[list[str], dict[str, Timed]]:
    settings = load_settings(retention_raw_days=90, retention_spans_days=60, store="chdb")
    with tempfile.TemporaryDirectory() as directory:
        store = open_store(settings.model_copy(update={"data_dir": Path(directory)}))
        assert isinstance(store, ClickHouseStore)
        try:
            await store.admin.migrate()
            lines = await filled(store, size)
            asked = await questions(store, size)
            return lines, {name: await timed(store, work) for name, work in asked.items()}
        finally:
            await store.close()


def now_ms() -> int:
    return int(time() * 1000)


def began_ms(at_ms: int) -> int:
    return at_ms // HOUR_MS * HOUR_MS - DAYS * 24 * HOUR_MS + HOUR_MS


async def filled(store: ClickHouseStore, size: int) -> list[str]:
    assert isinstance(store.admin, ClickHouseAdmin)
    assert store.rollups is not None
    at_ms = now_ms()
    start, traces = began_ms(at_ms), size // SPANS_A_TRACE
    step = (at_ms - 60_000 - start) / traces
    began = perf_counter()
    for first in range(0, size, ROWS_AN_INSERT):
        sql = _SPANS.format(
            services=SERVICES,
            start=start,
            step=repr(step),
            trace=_TRACE,
            a_trace=SPANS_A_TRACE,
            first=first,
            rows=min(ROWS_AN_INSERT, size - first),
        )
        await store.admin.run(partial(command, sql=sql))
    inserted = perf_counter()
    slowest, hours = 0.0, range(start // HOUR_MS * HOUR_MS, at_ms // HOUR_MS * HOUR_MS - HOUR_MS, HOUR_MS)
    for hour in hours:
        one = perf_counter()
        await store.rollups.recompute("spans", hour, at_ms)
        slowest = max(slowest, perf_counter() - one)
    rolled = perf_counter()
    await store.rollups.advance("metrics", hours[-1])
    sizes = await store.admin.table_sizes()
    shown = ", ".join(f"{name} {sizes[name][0]:,} rows {sizes[name][1] / 1e6:.0f} MB" for name in ("spans", "traces"))
    return [
        f"{size:.0e} spans of {DAYS} day in {inserted - began:.0f} s, {len(hours)} hours rolled up in "
        f"{rolled - inserted:.0f} s, the slowest {slowest:.2f} s; {shown}, edges_1m {sizes['edges_1m'][0]:,} rows"
    ]


def command(client: Client, sql: str) -> None:
    client.command(sql)


async def timed(store: ClickHouseStore, work: Callable[[], Awaitable[object]]) -> Timed:
    assert isinstance(store.admin, ClickHouseAdmin)
    cold: list[float] = []
    for _ in range(COLD_RUNS):
        for drop in DROPS:
            await store.admin.run(partial(command, sql=f"SYSTEM {drop}"))
        cold.append(await taken(work))
    await work()
    return Timed(cold, [await taken(work) for _ in range(WARM_RUNS)])


async def taken(work: Callable[[], Awaitable[object]]) -> float:
    began = perf_counter()
    await work()
    return (perf_counter() - began) * 1000


async def questions(store: ClickHouseStore, size: int) -> dict[str, Callable[[], Awaitable[object]]]:
    """Each run asks for something else of its kind."""
    rng, clock = random.Random(1), SystemClock()
    ask = Ask(store, ApiMetrics(), clock)
    at_ms, traces = now_ms(), size // SPANS_A_TRACE

    ids = {
        "any": await ids_of(store, [rng.randrange(traces) for _ in range(1000)]),
        "newest": await ids_of(store, [rng.randrange(traces - traces // (24 * DAYS), traces) for _ in range(1000)]),
    }

    async def by_id(which: str) -> None:
        trace_id = rng.choice(ids[which])
        found = await lookup.rows_of(ask, "default", trace_id, None, 10_001, with_attributes=True)
        assert len(found) == SPANS_A_TRACE

    async def searched(criteria: search.Criteria, hours: int, sort: search.Sort = "newest") -> None:
        asked = Range(at_ms - hours * HOUR_MS, at_ms)
        rolled_up = await ask.rolled_up("spans")
        page = await search.Search(ask, clock, "default", criteria, sort).page(asked, rolled_up, None, 50)
        assert page.traces

    async def drawn(hours: int) -> None:
        found = await service_map.read(
            ask, Scope("default"), Range(at_ms - hours * HOUR_MS, at_ms), await ask.rolled_up("spans")
        )
        assert len(found.edges) >= SERVICES

    def service() -> str:
        return f"service-{rng.randrange(SERVICES):02d}"

    every = search.Criteria()
    return {
        "a trace by its id alone": lambda: by_id("any"),
        "a trace by its id alone, of the open hour": lambda: by_id("newest"),
        "search: newest 50 of an hour": lambda: searched(every, 1),
        "search: newest failed of a service, a day": lambda: searched(
            search.Criteria(service=service(), status="error"), 24
        ),
        "search: slowest 50 of a day": lambda: searched(every, 24, "slowest"),
        "search: slowest of a service, a day": lambda: searched(
            search.Criteria(service=service(), min_ms=50), 24, "slowest"
        ),
        "search: by operation and tag, a day": lambda: searched(
            search.Criteria(operation="GET /things/2", tags=(("http.route", "/things/2"),)), 24
        ),
        "service map of an hour": lambda: drawn(1),
        "service map of a day": lambda: drawn(24),
    }


async def ids_of(store: ClickHouseStore, numbers: list[int]) -> list[str]:
    assert isinstance(store.admin, ClickHouseAdmin)
    sql = f"SELECT {_TRACE} FROM (SELECT arrayJoin(CAST({numbers}, 'Array(UInt64)')) AS t)"
    return [str(row[0]) for row in await store.admin.run(lambda client: client.query(sql).result_rows)]
