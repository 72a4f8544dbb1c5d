"""Times of the dashboard's questions over 10⁶ to 10⁸ stored samples, and how they grow with them.

A week of a fleet of 20 services is made inside the engine (`storage.requests`), thinned to the number of samples that
is asked for, with a tenth as many spans; its closed hours are rolled up as the worker would. The questions are those of
the API, through its own code and the store's reader, one after the other, each of its rounds about another service or
trace. Nothing is kept between rounds but what the engine keeps. BENCH_ROWS=1000000,10000000 runs smaller sizes;
BENCH_DATA names a directory where what was made is kept, and found by the next run.
"""

import asyncio
import os
import random
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import md5
from math import log10
from pathlib import Path
from time import perf_counter, process_time
from typing import Final

from clickhouse_connect.driver.client import Client
from vantage_api import questions
from vantage_api.ask import Ask
from vantage_api.knowledge import Knowledge
from vantage_api.metrics import ApiMetrics
from vantage_api.questions import METRIC_REQUESTS, Scope
from vantage_api.traces.lookup import rows_of
from vantage_api.vql import compile_vql
from vantage_common.clock import ManualClock
from vantage_common.model import REQUEST_METRIC
from vantage_common.serving import tame_collector
from vantage_common.store.api import RollupSource
from vantage_common.store.catalog import TABLES
from vantage_common.store.clickhouse import ClickHouseAdmin, ClickHouseStore, Retention, open_chdb
from vantage_common.store.plan import QueryPlan

from tests.bench.storage import BATCH_EVERY_S, COLUMNS, HOUR_S, PODS, ROWS_A_BATCH, SERVICES, START_S, requests

SIZES: Final = (1_000_000, 10_000_000, 100_000_000)
HOURS: Final = 7 * 24
MID_WEEK: Final = 4 * 24
HOURS_AN_INSERT: Final = 2
NOW_MS: Final = (START_S + HOURS * HOUR_S - 1200) * 1000
"""Twenty minutes before the data ends: the last hour is open, and read from raw rows."""
ROWS_AN_HOUR: Final = HOUR_S // BATCH_EVERY_S * SERVICES * PODS * ROWS_A_BATCH
SPANS_A_TRACE: Final = 5
RETENTION: Final = Retention(raw_days=3650, spans_days=3650)
ROUNDS: Final = 200
WITHIN_S: Final = 20.0
"""Rounds of one question end here, whatever their number: at least five are made."""
LEARNED: Final = "what is normal for the fleet, once a minute and behind the requests"
GOALS_MS: Final = {"trace by id": 25.0, LEARNED: None}
GOAL_MS: Final = 200.0
README: Final = (
    "SELECT avg(value) AS avg_response_time, toStartOfMinute(timestamp) AS minute FROM metrics "
    "WHERE service_name = '{}' AND timestamp >= now() - INTERVAL 1 HOUR GROUP BY minute ORDER BY minute DESC"
)
Question = Callable[[random.Random], Awaitable[str]]
"""Asks once, and says which tables were read."""


@dataclass(frozen=True)
class Measured:
    """Of one question: its times in ms, sorted, the ms of processor a round took, and the tables it read."""

    times: Sequence[float]
    cpu_ms: float
    source: str

    def at(self, share: float) -> float:
        return self.times[min(len(self.times) - 1, int(share * len(self.times)))]


def run() -> Iterator[str]:
    tame_collector()
    sizes = [int(size) for size in os.environ.get("BENCH_ROWS", "").split(",") if size] or list(SIZES)
    yield from _language()
    growth: dict[str, list[tuple[int, float]]] = {}
    for size in sizes:
        yield from _at_size(size, growth)
    if len(sizes) > 1:
        yield f"p50 grows, for ten times the samples from {sizes[0]:,} to {sizes[-1]:,}:"
        for name, points in growth.items():
            (first, low), (last, high) = points[0], points[-1]
            yield f"  {name}: {(high / low) ** (1 / log10(last / first)):.2f} times"


def _language() -> Iterator[str]:
    """Parse and plan, without the store."""
    texts = [
        README.format("service-07"),
        f"SELECT p95(value) FROM metrics WHERE metric_name = '{REQUEST_METRIC}' "
        "AND status_code < 500 AND tags['caller'] != '' SINCE 1 DAY TIMESERIES 15 MINUTES GROUP BY endpoint",
    ]
    for text in texts:
        times = sorted(_ms(partial(compile_vql, text, "default", NOW_MS)) for _ in range(500))
        yield f"VQL parse and plan, {len(text)} characters: p50 {times[250]:.2f} ms, p99 {times[495]:.2f} ms (goal 1)"


def _ms(call: Callable[[], object]) -> float:
    started = perf_counter()
    call()
    return (perf_counter() - started) * 1000


def _at_size(size: int, growth: dict[str, list[tuple[int, float]]]) -> Iterator[str]:
    with _directory(size) as directory, asyncio.Runner() as runner:
        store = open_chdb(directory, "vantage", RETENTION)
        made = directory / "made.txt"
        try:
            runner.run(store.admin.migrate())
            if not made.exists():
                made.write_text(runner.run(_fill(store, directory, size)))
            yield made.read_text()
            questions_ = _questions(store, size)
            for name, question in questions_.items():
                found = runner.run(_asked(question))
                growth.setdefault(name, []).append((size, found.at(0.5)))
                goal = GOALS_MS.get(name, GOAL_MS)
                aim = "" if goal is None else f" (goal {goal:.0f})"
                yield (
                    f"  {name}: p50 {found.at(0.5):.1f} ms, p99 {found.at(0.99):.1f} ms{aim} "
                    f"in {len(found.times)} rounds, {found.cpu_ms:.1f} ms of processor, from {found.source}"
                )
        finally:
            runner.run(store.close())


@contextmanager
def _directory(size: int) -> Iterator[Path]:
    kept = os.environ.get("BENCH_DATA")
    if kept is not None:
        (Path(kept) / str(size)).mkdir(parents=True, exist_ok=True)
        yield Path(kept) / str(size)
        return
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory)


async def _fill(store: ClickHouseStore, directory: Path, size: int) -> str:
    """Rows, spans, and the rollups of all hours that are closed at `NOW_MS`."""
    assert isinstance(store.admin, ClickHouseAdmin)
    started = perf_counter()
    for first in range(0, HOURS, HOURS_AN_INSERT):
        await store.admin.run(partial(_insert, first_hour=first, size=size))
    for table in TABLES:
        await store.admin.run(partial(_note_services, table=table))
    filled_s = perf_counter() - started
    beside = open_chdb(directory, "vantage", RETENTION)
    try:
        await asyncio.gather(_roll_up(store, range(MID_WEEK)), _roll_up(beside, range(MID_WEEK, HOURS)))
        for source in ("metrics", "spans"):
            assert store.rollups is not None
            await store.rollups.advance(source, NOW_MS // 3_600_000 * 3_600_000)
    finally:
        await beside.close()
    sizes = await store.admin.table_sizes()
    shown = ", ".join(f"{name} {sizes[name][0]:,}" for name in ("metrics", "spans", "metrics_1h", "service_1m"))
    rolled_s = perf_counter() - started - filled_s
    return f"{size:,} samples asked for: rows {shown}; made in {filled_s:.0f} s, rolled up in {rolled_s:.0f} s"


def _insert(client: Client, first_hour: int, size: int) -> None:
    start_s = START_S + first_hour * HOUR_S
    share = size / (ROWS_AN_HOUR * HOURS)
    settings = {"max_insert_threads": 2, "max_threads": 2, "max_partitions_per_insert_block": 0}
    kept = f" WHERE cityHash64(number, 'kept') % 1000000 < {round(share * 1_000_000)})"
    rows = requests(start_s, HOURS_AN_INSERT).removesuffix(")") + kept
    client.command(f"INSERT INTO vantage.metrics ({', '.join(COLUMNS)}, _at) {rows}", settings=settings)
    spans = _spans(start_s, _traces_an_insert(size) * SPANS_A_TRACE)
    client.command(f"INSERT INTO vantage.spans ({SPAN_COLUMNS}) {spans}", settings=settings)


def _note_services(client: Client, table: str) -> None:
    """What a writer would have told of these rows."""
    keys = "workspace, service_name, environment"
    client.command(
        f"INSERT INTO vantage.services ({keys}, first_seen, last_seen) "
        f"SELECT {keys}, min(timestamp), max(timestamp) FROM vantage.{table} GROUP BY {keys}"
    )


def _traces_an_insert(size: int) -> int:
    return size * HOURS_AN_INSERT // HOURS // 10 // SPANS_A_TRACE


SPAN_COLUMNS: Final = (
    "workspace, service_name, timestamp, trace_id, span_id, parent_span_id, name, kind, duration_ms, status, "
    "environment, instance, caller, attributes, _src, _off, batch_id, batch_part"
)


def _spans(start_s: int, number: int) -> str:
    """Traces of `SPANS_A_TRACE` spans, each of another service, spread over the time of an insert."""
    step_us = HOURS_AN_INSERT * HOUR_S * 1_000_000 / max(number, 1)
    return (
        "SELECT 'default', concat('service-', leftPad(toString((t + k) % 20), 2, '0')), "
        f"fromUnixTimestamp64Micro(toInt64({start_s}) * 1000000 + toInt64(number * {step_us}), 'UTC'), "
        "lower(hex(MD5(concat('trace', toString(t))))), substring(lower(hex(MD5(toString(number)))), 1, 16), "
        "if(k = 0, '', substring(lower(hex(MD5(toString(number - 1)))), 1, 16)), "
        "concat('GET /api/resource-', toString(t % 8), '/{id}'), if(k % 2 = 0, 'server', 'client'), "
        "exp(2 + cityHash64(number) % 1000 / 300), if(cityHash64(number, 'e') % 100 < 2, 'error', 'ok'), 'production', "
        "concat('pod-', toString(t % 3)), '', map('http.request.method', 'GET', 'service.version', '1.4.2'), "
        f"1, intDiv(number, 500), '', 0 FROM (SELECT number, intDiv(number, {SPANS_A_TRACE}) AS n, "
        f"number % {SPANS_A_TRACE} AS k, toUInt64({start_s}) * 1000000 + n AS t FROM numbers({number}))"
    )


def _some_trace(rng: random.Random, size: int) -> str:
    """The id of one of the traces."""
    start_s = START_S + rng.randrange(0, HOURS, HOURS_AN_INSERT) * HOUR_S
    return md5(f"trace{start_s * 1_000_000 + rng.randrange(_traces_an_insert(size))}".encode()).hexdigest()


async def _roll_up(store: ClickHouseStore, hours: range) -> None:
    """Whole days: the rollup of a day is made of its hours."""
    assert store.rollups is not None
    sources: tuple[RollupSource, ...] = ("metrics", "spans")
    for hour in hours:
        start_ms = (START_S + hour * HOUR_S) * 1000
        if start_ms + HOUR_S * 1000 <= NOW_MS:
            for source in sources:
                await store.rollups.recompute(source, start_ms, NOW_MS)


async def _asked(question: Question) -> Measured:
    """The times of its rounds; the first one, which finds nothing warm, counts."""
    rng, times, source = random.Random(1), [], ""
    began, worked = perf_counter(), process_time()
    for number in range(ROUNDS):
        started = perf_counter()
        source = await question(rng)
        times.append((perf_counter() - started) * 1000)
        if number >= 4 and perf_counter() - began > WITHIN_S:
            break
    return Measured(sorted(times), (process_time() - worked) * 1000 / len(times), source)


def _questions(store: ClickHouseStore, size: int) -> dict[str, Question]:
    clock = ManualClock(NOW_MS)
    ask = Ask(store, ApiMetrics(), clock)
    knowledge = Knowledge(ask, clock)
    hour, day = HOUR_S * 1000, 24 * HOUR_S * 1000

    def plan(make: Callable[[str], QueryPlan]) -> Question:
        async def question(rng: random.Random) -> str:
            answer = await ask(make(_service(rng)))
            assert answer.rows
            return answer.source

        return question

    def series(range_ms: int, step_s: int, agg: questions.Agg) -> Question:
        return plan(
            lambda service: questions.metric_series(
                Scope("default", service),
                REQUEST_METRIC,
                NOW_MS - range_ms,
                NOW_MS,
                step_s=step_s,
                agg=agg,
                group_by=None,
                limit=10_000,
            )
        )

    async def services(_: random.Random) -> str:
        assert len(await knowledge.stored("default")) == SERVICES
        return "every table"

    async def fleet_health(_: random.Random) -> str:
        """After `learned`: the live part learns what is normal whether anybody asks or not."""
        baselines, observed = await asyncio.gather(knowledge.baselines("default"), knowledge.observed("default"))
        assert len(baselines) == SERVICES
        assert observed
        return "metrics and spans; what is normal is learned behind the requests"

    async def learned(_: random.Random) -> str:
        nonlocal knowledge
        knowledge = Knowledge(ask, clock)
        assert len(await knowledge.baselines("default")) == SERVICES
        return "metrics and spans with their rollups"

    async def trace(rng: random.Random) -> str:
        id_ = _some_trace(rng, size)
        rows = await rows_of(ask, "default", id_, None, 10_000, with_attributes=True)
        assert len(rows) == SPANS_A_TRACE
        return "traces + spans"

    by_endpoint = [("endpoint", METRIC_REQUESTS.endpoint)]
    return {
        "list of services": services,
        "one service, 1 h by minute, p95": series(hour, 60, "p95"),
        "one service, 24 h by 15 minutes, p95": series(day, 900, "p95"),
        "one service, 7 d by hour, p95": series(7 * day, HOUR_S, "p95"),
        "one service, 7 d by hour, rate": series(7 * day, HOUR_S, "rate"),
        "p95 by endpoint of a service, 1 h": plan(
            lambda service: questions.request_groups(
                Scope("default", service), METRIC_REQUESTS, NOW_MS - hour, NOW_MS, by_endpoint
            )
        ),
        "p95 by endpoint of a service, 24 h": plan(
            lambda service: questions.request_groups(
                Scope("default", service), METRIC_REQUESTS, NOW_MS - day, NOW_MS, by_endpoint
            )
        ),
        "names of all metrics, 24 h": plan(lambda _: questions.metric_names(Scope("default"), NOW_MS - day, NOW_MS)),
        LEARNED: learned,
        "fleet health": fleet_health,
        "VQL, the README's example": plan(lambda service: compile_vql(README.format(service), "default", NOW_MS)),
        "trace by id": trace,
    }


def _service(rng: random.Random) -> str:
    return f"service-{rng.randrange(SERVICES):02}"
