"""Rollups equal the raw rows they stand for: after late rows, after a crash at any moment, after being run again."""

import itertools
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from vantage_api import questions
from vantage_api.questions import METRIC_REQUESTS, SPAN_REQUESTS, Scope
from vantage_api.times import Range
from vantage_api.traces import search
from vantage_common.errors import StoreUnavailable
from vantage_common.logbins import bin_of, quantile
from vantage_common.model import PULSE_GAMMA, REQUEST_METRIC
from vantage_common.settings import Settings, load_settings
from vantage_common.store import rollups
from vantage_common.store.api import Rollups, RollupSource
from vantage_common.store.catalog import ROLLUPS
from vantage_common.store.clickhouse import ClickHouseAdmin, ClickHouseStore
from vantage_common.store.intervals import intersect, subtract
from vantage_common.store.open import open_store
from vantage_common.store.plan import Call, Column, Expr, Interval, QueryPlan, Selected, between, eq

from tests.clickhouse_http import clickhouse_http
from tests.contract.store_rows import block, rows_of

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
START_MS = int(datetime.now(tz=UTC).timestamp()) // 86400 * DAY_MS - DAY_MS + 9 * HOUR_MS
"""09:00 UTC of yesterday: the finest rollup is kept for a week only."""
V = Column("value")
SERIES = ("service_name", "metric_name", "environment", "instance", "endpoint", "method", "status_code", "temporality")
_tokens = itertools.count()


@pytest.fixture(params=["chdb", "clickhouse"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    days: dict[str, Any] = {"retention_raw_days": 90, "retention_spans_days": 30}
    if request.param == "chdb":
        yield load_settings(data_dir=tmp_path, store="chdb", **days)
        return
    with clickhouse_http(tmp_path) as server:
        yield load_settings(store="clickhouse", clickhouse_host="127.0.0.1", clickhouse_port=server.port, **days)


@pytest.fixture
async def store(where: Settings) -> AsyncIterator[ClickHouseStore]:
    opened = open_store(where)
    assert isinstance(opened, ClickHouseStore)
    await opened.admin.migrate()
    yield opened
    await opened.close()


def rolls(store: ClickHouseStore) -> Rollups:
    assert store.rollups is not None
    return store.rollups


async def ask(store: ClickHouseStore, sql: str) -> list[dict[str, Any]]:
    assert isinstance(store.admin, ClickHouseAdmin)

    def work(client: Client) -> list[dict[str, Any]]:
        return list(client.query(sql).named_results())

    return await store.admin.run(work)


def traffic(rng: random.Random, hours: float = 2.5) -> list[dict[str, Any]]:
    """Requests as delta and as cumulative histograms, delta and cumulative counters, gauges below zero and at it."""
    items: list[dict[str, Any]] = []
    end = START_MS + round(hours * HOUR_MS)
    for service in ("api", "shop's"):
        for at in range(START_MS - 300_000, end, 20_000):
            items.append(
                {
                    "timestamp": at + rng.randrange(20_000),
                    "service_name": service,
                    "metric_name": REQUEST_METRIC,
                    "metric_type": "histogram",
                    "value": rng.lognormvariate(3, 1),
                    "count": rng.randrange(1, 9),
                    "endpoint": rng.choice(("/a", "/b")),
                    "instance": rng.choice(("i1", "i2")),
                    "status_code": rng.choice((200, 200, 500)),
                    "tags": {"caller": rng.choice(("", "web"))},
                }
            )
            items.append(
                {
                    "timestamp": at,
                    "service_name": service,
                    "metric_name": "depth",
                    "metric_type": "gauge",
                    "value": float(rng.randrange(-3, 9)),
                }
            )
            items.append(
                {
                    "timestamp": at,
                    "service_name": service,
                    "metric_name": "jobs",
                    "metric_type": "counter",
                    "value": float(rng.randrange(5)),
                }
            )
    total, counts, began = 0, dict.fromkeys((0.75, 7.5, 75.0), 0), START_MS - 300_000
    for at in range(START_MS - 300_000, end, 60_000):
        if rng.random() < 0.02:
            total, began = 0, at - 5000
            counts = dict.fromkeys(counts, 0)
        total += rng.randrange(6)
        rest = {"service_name": "node", "timestamp": at, "temporality": "cumulative", "start_time": began}
        items.append({**rest, "metric_name": "cpu_total", "metric_type": "counter", "value": float(total)})
        for value in counts:
            counts[value] += rng.choice((0, 0, 1, 3))
            items.append(
                {
                    **rest,
                    "metric_name": REQUEST_METRIC,
                    "metric_type": "histogram",
                    "value": value,
                    "count": counts[value],
                    "tags": {"error": "true"} if at % 7 == 0 else {},
                }
            )
    rng.shuffle(items)
    return items


def spans(rng: random.Random, number: int = 900) -> list[dict[str, Any]]:
    return [
        {
            "timestamp": START_MS + rng.randrange(round(2.5 * HOUR_MS)) + 0.5,
            "trace_id": f"t{n}",
            "span_id": f"s{n}",
            "service_name": rng.choice(("pay", "mail")),
            "name": "GET /x",
            "kind": rng.choice(("server", "server", "client")),
            "duration_ms": rng.lognormvariate(2, 1),
            "status": rng.choice(("ok", "ok", "error")),
            "instance": rng.choice(("i1", "i2")),
            "caller": rng.choice(("", "api")),
        }
        for n in range(number)
    ]


def calls(rng: random.Random, number: int = 200) -> list[dict[str, Any]]:
    """Requests from a browser's gateway on, by OTLP: the ends of calls meet by their ids alone, some near the end of an
    hour, some on clocks that differ, some answered by nobody."""
    found: list[dict[str, Any]] = []
    for n in range(number):
        at = START_MS + rng.choice((rng.randrange(round(2.5 * HOUR_MS)), HOUR_MS - rng.randrange(40))) + 0.5

        def span(
            span_id: str,
            parent: str,
            service: str,
            kind: str,
            after: float,
            attributes: dict[str, str],
            at: float = at,
            n: int = n,
        ) -> dict[str, Any]:
            return {
                "timestamp": at + after,
                "trace_id": f"call{n}",
                "span_id": span_id,
                "parent_span_id": parent,
                "service_name": service,
                "name": span_id,
                "kind": kind,
                "duration_ms": rng.lognormvariate(2, 1),
                "status": rng.choice(("ok", "error")),
                "attributes": attributes,
            }

        found += [
            span("1", "", "gateway", "server", 0, {}),
            span("2", "1", "gateway", "client", 1, {"server.address": "shop.internal"}),
            span("3", "2", "shop", "server", rng.choice((2, -3000, 100)), {}),
            span("4", "3", "shop", "client", 4, {"db.system": "postgresql", "db.namespace": rng.choice("ab")}),
            span("5", "3", "shop", "producer", 5, {"messaging.system": "kafka"}),
            span("6", "5", "mailer", "consumer", rng.choice((6, 200_000, 500_000, 700_000)), {}),
            span("7", "3", "shop", "client", 7, {"peer.service": "stripe"}),
        ]
    return found


async def insert(store: ClickHouseStore, table: RollupSource, items: Sequence[dict[str, Any]]) -> None:
    number = next(_tokens)
    columns = block(table, rows_of(table, items), offset=number)
    await store.writer.insert(table, columns, token=f"t{number}")


async def roll(store: ClickHouseStore, source: RollupSource, since_ms: int = 0) -> list[int]:
    """Computes every hour that may have changed; those that had, as hours after the start."""
    found = await rolls(store).arrivals(source, since_ms)
    done = [hour for hour in found.hours if await rolls(store).recompute(source, hour, START_MS)]
    return [(hour - START_MS) // HOUR_MS for hour in done]


async def assert_series_equal_raw(store: ClickHouseStore, table: str, step: Interval) -> None:
    """Every series of every slot: what the reader makes of the raw rows."""
    rollup = {
        (row["at"], *(row[name] for name in SERIES), tuple(sorted(row["tags"].items()))): row
        for row in await ask(
            store,
            f"SELECT toUnixTimestamp(timestamp) * 1000 AS at, {', '.join(SERIES)}, tags, count, sum, min, max, "
            f"buckets, increase FROM vantage.{table} FINAL WHERE count > 0",
        )
    }
    by: tuple[Expr, ...] = (
        Call("time_bucket", (Column("timestamp"), step)),
        *(Column(name) for name in SERIES),
        Column("tags"),
    )
    aggregates = (
        *(Call(name, (V,)) for name in ("sum", "min", "max", "increase")),
        Call("count"),
        Call("quantiles", (V,), (0.5, 0.95, 0.99)),
    )
    selected = tuple(Selected(expr, f"c{n}") for n, expr in enumerate((*by, *aggregates)))
    plan = QueryPlan("metrics", "default", selected, group_by=by, limit=100_000)
    raw = (await store.reader.query(plan)).rows
    assert len(raw) > 10
    assert len(rollup) == len(raw)
    for *key, tags, total, least, most, grown, count, levels in raw:
        row = rollup[(*key, tuple(sorted(tags.items())))]
        assert (row["count"], row["min"], row["max"]) == (count, least, most)
        assert (row["sum"], row["increase"]) == (pytest.approx(total), pytest.approx(grown))
        assert sum(row["buckets"].values()) == count
        found = [quantile(row["buckets"], level, PULSE_GAMMA) for level in (0.5, 0.95, 0.99)]
        assert found == pytest.approx(levels, rel=0.01)


async def assert_requests_equal_raw(store: ClickHouseStore, table: str, slot: Interval) -> None:
    """What the API's own question answers, slot by slot, for metrics and for spans."""
    for source, name in ((METRIC_REQUESTS, "metric"), (SPAN_REQUESTS, "span")):
        plan = questions.request_slots(Scope("default"), source, 0, START_MS + 30 * DAY_MS, slot)
        raw = {row[:3]: row[3:] for row in (await store.reader.query(plan)).rows if row[3]}
        rows = await ask(
            store,
            "SELECT service_name, environment, toUnixTimestamp(timestamp) * 1000 AS at, sum(count) AS n, "
            f"sum(errors) AS e, sumMap(buckets) AS b FROM vantage.{table} FINAL "
            f"WHERE source = '{name}' AND count > 0 GROUP BY ALL",
        )
        assert {(row["service_name"], row["environment"], row["at"]): (row["n"], row["e"]) for row in rows} == raw
        assert all(sum(row["b"].values()) == row["n"] for row in rows)
        assert raw


async def assert_edges_equal_raw(store: ClickHouseStore) -> None:
    """The metric's edges, and of spans those that the view of calls has in the same time."""
    end_ms = START_MS + 30 * DAY_MS
    by = [("caller", METRIC_REQUESTS.caller)]
    plan = questions.request_groups(Scope("default"), METRIC_REQUESTS, 0, end_ms, by)
    raw = {("metric", caller): tuple(rest[:2]) for caller, *rest in (await store.reader.query(plan)).rows if caller}
    keys = (Column("kind"), Column("caller"), Column("service_name"))
    figures = (Call("count"), Call("count_if", (eq("status", "error"),)), Call("bins", (Column("duration_ms"),)))
    shown: tuple[Expr, ...] = (*keys, *figures)
    calls = QueryPlan(
        "calls",
        "default",
        tuple(Selected(expr, f"c{n}") for n, expr in enumerate(shown)),
        where=between("timestamp", START_MS - DAY_MS, end_ms),
        group_by=keys,
    )
    told = {
        tuple(row[:3]): (*row[3:5], {int(number): int(count) for number, count in row[5].items()})
        for row in (await store.reader.query(calls)).rows
    }
    rows = await ask(
        store,
        "SELECT source, caller, service_name, sum(count) AS n, sum(errors) AS e, sumMap(buckets) AS b "
        "FROM vantage.edges_1m FINAL WHERE count > 0 GROUP BY ALL",
    )
    metric: dict[tuple[str, str], tuple[int, int]] = {}
    for row in rows:
        if row["source"] == "metric":
            n, e = metric.get(("metric", row["caller"]), (0, 0))
            metric["metric", row["caller"]] = (n + row["n"], e + row["e"])
    assert metric == raw
    assert {
        ("service" if row["source"] == "span" else row["source"], row["caller"], row["service_name"]): (
            *(row["n"], row["e"], row["b"]),
        )
        for row in rows
        if row["source"] != "metric"
    } == told
    assert raw
    assert {kind for kind, *_ in told} >= {"service"}


async def assert_traces_equal_raw(store: ClickHouseStore) -> None:
    """What a search answers from the rollup is what it answers from raw spans."""
    criteria = search.Criteria()
    for hour in range(-1, 3):
        window = Range(START_MS + hour * HOUR_MS, START_MS + (hour + 1) * HOUR_MS)
        plans = [
            search.matching(table, "default", window, criteria, "newest", None, 10_000) for table in ("traces", "spans")
        ]
        rolled, raw = [(await store.reader.query(plan)).dicts() for plan in plans]
        services = [row.pop("services") for row in raw]
        assert rolled == raw
        if rolled:
            plan = search.services_of("default", [row["trace_id"] for row in rolled], window)
            maps = {row["trace_id"]: {*row["good"], *row["failed"]} for row in (await store.reader.query(plan)).dicts()}
            assert [maps[row["trace_id"]] for row in rolled] == [set(names) for names in services]


async def assert_all_equal_raw(store: ClickHouseStore) -> None:
    await assert_series_equal_raw(store, "metrics_1h", Interval(1, "HOUR"))
    await assert_series_equal_raw(store, "metrics_1d", Interval(1, "DAY"))
    await assert_requests_equal_raw(store, "service_1m", Interval(1, "MINUTE"))
    await assert_requests_equal_raw(store, "city_10s", Interval(10, "SECOND"))
    await assert_edges_equal_raw(store)
    await assert_traces_equal_raw(store)


async def test_rollups_equal_the_raw_rows(store: ClickHouseStore) -> None:
    rng = random.Random(1)
    await insert(store, "metrics", traffic(rng))
    called = calls(rng)
    await insert(store, "spans", [*spans(rng), *called, *called[:70]])
    assert await roll(store, "metrics") == [-1, 0, 1, 2]
    assert await roll(store, "spans") == [-1, 0, 1, 2]
    await assert_all_equal_raw(store)


async def test_an_hour_without_new_rows_is_left_alone(store: ClickHouseStore) -> None:
    await insert(store, "metrics", traffic(random.Random(2)))
    await roll(store, "metrics")
    before = await store.admin.table_sizes()
    assert await roll(store, "metrics") == []
    assert await store.admin.table_sizes() == before


async def test_late_rows_change_their_hour_and_the_difference_after_it(store: ClickHouseStore) -> None:
    rng = random.Random(3)
    items = traffic(rng)
    edge = START_MS + HOUR_MS
    late = [item for item in items if rng.random() < 0.1 or edge - 120_000 <= item["timestamp"] < edge]
    await insert(store, "metrics", [item for item in items if item not in late])
    await insert(store, "spans", spans(rng))
    await roll(store, "metrics")
    await roll(store, "spans")
    await insert(store, "metrics", late)
    await insert(store, "spans", [{**span, "span_id": f"late{n}"} for n, span in enumerate(spans(rng, 50))])
    assert await roll(store, "metrics", since_ms=START_MS) == [-1, 0, 1, 2]
    await roll(store, "spans", since_ms=START_MS)
    await assert_all_equal_raw(store)


async def test_an_hour_is_outdated_as_soon_as_it_has_more_rows(store: ClickHouseStore) -> None:
    items = traffic(random.Random(3))
    await insert(store, "metrics", items[:-40])
    await roll(store, "metrics")
    hours = range(START_MS, START_MS + 3 * HOUR_MS, HOUR_MS)
    before = await store.reader.rolled_up("metrics")
    assert not [hour for hour in hours if await rolls(store).outdate("metrics", hour)]
    late = [item | {"timestamp": START_MS + HOUR_MS + 5} for item in items[-40:]]
    await insert(store, "metrics", late)
    assert [hour for hour in hours if await rolls(store).outdate("metrics", hour)] == [START_MS + HOUR_MS]
    await rolls(store).advance("metrics", START_MS + DAY_MS)
    late_hour = ((START_MS + HOUR_MS, START_MS + 2 * HOUR_MS),)
    assert intersect(await store.reader.rolled_up("metrics"), late_hour) == ()
    assert await roll(store, "metrics") == [1]
    assert intersect(await store.reader.rolled_up("metrics"), late_hour) == late_hour
    assert subtract(before, await store.reader.rolled_up("metrics")) == ()
    await assert_series_equal_raw(store, "metrics_1h", Interval(1, "HOUR"))


async def test_the_other_end_of_a_call_may_come_late(store: ClickHouseStore) -> None:
    """Parents after their children, children after their parents: what was an unknown address is a service then."""
    rng = random.Random(7)
    items = calls(rng)
    late = [item for item in items if rng.random() < 0.5]
    await insert(store, "metrics", traffic(rng, hours=0.1))
    await insert(store, "spans", [item for item in items if item not in late])
    await roll(store, "metrics")
    await roll(store, "spans")
    kinds = {row["source"] for row in await ask(store, "SELECT DISTINCT source FROM vantage.edges_1m WHERE count > 0")}
    assert kinds == {"metric", "span", "messaging", "queue", "database", "external"}
    await insert(store, "spans", late)
    await roll(store, "spans", since_ms=START_MS)
    await assert_edges_equal_raw(store)
    await assert_traces_equal_raw(store)


async def test_what_lies_in_the_last_minutes_of_an_hour_touches_the_next(store: ClickHouseStore) -> None:
    sample = {"service_name": "s", "metric_name": "m", "metric_type": "gauge", "value": 1.0}
    await insert(store, "metrics", [{**sample, "timestamp": START_MS + 49 * 60_000}])
    assert (await rolls(store).arrivals("metrics", 1)).hours == (START_MS,)
    await insert(store, "metrics", [{**sample, "timestamp": START_MS + 51 * 60_000}])
    assert (await rolls(store).arrivals("metrics", 1)).hours == (START_MS, START_MS + HOUR_MS)


async def test_a_crash_at_any_moment_is_made_good_by_the_next_run(store: ClickHouseStore) -> None:
    """The engine fails at the first, the second, … statement of an hour that had been computed before."""
    rng = random.Random(4)
    items = traffic(rng, hours=0.9)
    hour = START_MS
    await insert(store, "metrics", items[::2])
    await insert(store, "spans", spans(rng))
    await roll(store, "metrics")
    await roll(store, "spans")
    await insert(store, "metrics", items[1::2])
    assert isinstance(store.admin, ClickHouseAdmin)
    crashes = 0
    for survived in itertools.count():
        if await store.admin.run(partial(_recompute_failing_after, source="metrics", hour=hour, survived=survived)):
            break
        crashes += 1
    assert crashes == 6
    await roll(store, "metrics")
    await assert_all_equal_raw(store)


async def test_spans_that_crash_at_any_moment_are_made_good_too(store: ClickHouseStore) -> None:
    items = calls(random.Random(8), 60)
    await insert(store, "metrics", traffic(random.Random(9), hours=0.1))
    await insert(store, "spans", items[::2])
    await roll(store, "metrics")
    await roll(store, "spans")
    await insert(store, "spans", items[1::2])
    assert isinstance(store.admin, ClickHouseAdmin)
    crashes = 0
    for survived in itertools.count():
        failing = partial(_recompute_failing_after, source="spans", hour=START_MS, survived=survived)
        if await store.admin.run(failing):
            break
        crashes += 1
    assert crashes == 5
    await roll(store, "spans")
    await assert_edges_equal_raw(store)
    await assert_traces_equal_raw(store)


def _recompute_failing_after(client: Client, source: RollupSource, hour: int, survived: int) -> bool:
    """Whether the hour was computed before the statement that fails."""
    left = itertools.count(survived, -1)

    def tell(sql: str, parameters: dict[str, Any]) -> None:
        if next(left) <= 0:
            raise StoreUnavailable("killed")
        client.command(sql, parameters=parameters)

    engine = rollups.Engine("vantage", ask=lambda sql, p: client.query(sql, parameters=p).result_rows, tell=tell)
    try:
        return rollups.recompute(engine, source, hour, START_MS)
    except StoreUnavailable:
        return False


async def test_a_clock_that_went_back_does_not_hide_a_newer_version(store: ClickHouseStore) -> None:
    sample = {"service_name": "s", "metric_name": "m", "metric_type": "gauge", "value": 1.0, "timestamp": START_MS}
    for number in (1, 2, 3):
        await insert(store, "metrics", [{**sample, "value": float(number)}])
        assert await rolls(store).recompute("metrics", START_MS, START_MS - number)
    assert await ask(store, "SELECT sum FROM vantage.metrics_1h FINAL") == [{"sum": 6.0}]


async def test_steps_of_few_metrics_add_up_to_the_hour(store: ClickHouseStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollups, "ROWS_A_STEP", 100)
    rng = random.Random(5)
    await insert(store, "metrics", traffic(rng))
    await insert(store, "spans", spans(rng))
    await roll(store, "metrics")
    await roll(store, "spans")
    await assert_all_equal_raw(store)


async def test_the_position_is_kept(store: ClickHouseStore) -> None:
    assert await rolls(store).position("metrics") == 0
    await rolls(store).advance("metrics", 5_000)
    await rolls(store).advance("metrics", 7_000)
    assert await rolls(store).position("metrics") == 7_000
    assert await rolls(store).position("spans") == 0


async def test_workspaces_are_rolled_up_apart(store: ClickHouseStore) -> None:
    sample = {"service_name": "s", "metric_name": "m", "metric_type": "gauge", "value": 1.0, "timestamp": START_MS}
    for number, workspace in enumerate(("a", "b", "b")):
        columns = block("metrics", rows_of("metrics", [sample]), workspace=workspace, offset=100 + number)
        await store.writer.insert("metrics", columns, token=f"w{number}")
    await roll(store, "metrics")
    found = await ask(store, "SELECT workspace, count FROM vantage.metrics_1h FINAL ORDER BY 1")
    assert found == [{"workspace": "a", "count": 1}, {"workspace": "b", "count": 2}]


async def test_bins_are_those_that_python_makes(store: ClickHouseStore) -> None:
    rng = random.Random(6)
    values = [
        0.0,
        1.0,
        -1.0,
        1e-300,
        -1e300,
        *(PULSE_GAMMA**n for n in range(-50, 50)),
        *(rng.gauss(0, 99) for _ in range(200)),
    ]
    sample = {"service_name": "s", "metric_name": "m", "metric_type": "gauge", "timestamp": START_MS}
    await insert(store, "metrics", [{**sample, "value": value} for value in values])
    await roll(store, "metrics")
    [row] = await ask(store, "SELECT buckets FROM vantage.metrics_1h FINAL")
    expected: dict[int, int] = {}
    for value in values:
        number = bin_of(value, PULSE_GAMMA)
        expected[number] = expected.get(number, 0) + 1
    assert row["buckets"] == expected


async def test_rollups_have_the_retention_they_are_meant_to_have(store: ClickHouseStore) -> None:
    rows = await ask(store, "SELECT name, engine_full FROM system.tables WHERE database = 'vantage'")
    engines = {row["name"]: row["engine_full"] for row in rows}
    days = {"metrics_1h": 365, "metrics_1d": 1095, "service_1m": 90, "edges_1m": 90, "city_10s": 7, "traces": 90}
    assert set(days) == set(ROLLUPS)
    for name, kept in days.items():
        assert f"toIntervalDay({kept})" in engines[name]
