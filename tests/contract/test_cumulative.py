"""Cumulative rows are read as what happened between them, whatever order they came in and however often."""

import itertools
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from math import ceil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vantage_common.settings import Settings, load_settings
from vantage_common.store.api import Store
from vantage_common.store.differences import LOOKBACK_MS
from vantage_common.store.open import open_store
from vantage_common.store.plan import Call, Column, Expr, Interval, QueryPlan, Selected, between, eq

from tests.clickhouse_http import clickhouse_http
from tests.contract.cumulative_oracle import Item, Observed, observed
from tests.contract.store_rows import NOON_MS, block, rows_of

MINUTE_MS = 60_000
V = Column("value")
SAMPLE: dict[str, Any] = {
    "timestamp": NOON_MS,
    "service_name": "shop",
    "metric_name": "orders_total",
    "metric_type": "counter",
    "value": 0.0,
    "count": 1,
    "environment": "",
    "instance": "",
    "endpoint": "",
    "method": "",
    "status_code": 0,
    "tags": {},
    "temporality": "cumulative",
    "start_time": 0,
}
_workspaces = itertools.count()


@pytest.fixture(params=["chdb", "clickhouse", "sqlite"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    days: dict[str, Any] = {"retention_raw_days": 3650, "retention_spans_days": 3650}
    if request.param != "clickhouse":
        yield load_settings(data_dir=tmp_path, store=request.param, **days)
        return
    with clickhouse_http(tmp_path) as server:
        yield load_settings(store="clickhouse", clickhouse_host="127.0.0.1", clickhouse_port=server.port, **days)


@pytest.fixture
async def store(where: Settings) -> AsyncIterator[Store]:
    opened = open_store(where)
    await opened.admin.migrate()
    yield opened
    await opened.close()


def counter(second: int, value: float, **rest: Any) -> Item:
    return {**SAMPLE, "timestamp": NOON_MS + second * 1000, "value": float(value), **rest}


def bucket(second: int, value: float, count: int, **rest: Any) -> Item:
    return counter(second, value, count=count, metric_type="histogram", metric_name="latency", **rest)


async def insert(store: Store, items: Sequence[Item]) -> str:
    """Into a workspace of their own, which it returns."""
    workspace = f"w{next(_workspaces)}"
    rows = rows_of("metrics", items)
    await store.writer.insert("metrics", block("metrics", rows, workspace=workspace), token=workspace)
    return workspace


async def ask(store: Store, workspace: str, *exprs: Expr, where: Expr | None = None, by: Sequence[Expr] = ()) -> Any:
    selected = tuple(Selected(expr, f"c{index}") for index, expr in enumerate((*by, *exprs)))
    plan = QueryPlan("metrics", workspace, selected, where=where, group_by=tuple(by), limit=10_000)
    return (await store.reader.query(plan)).rows


async def increase(store: Store, items: Sequence[Item], start: int = -3600, end: int = 3600) -> float:
    workspace = await insert(store, items)
    within = between("timestamp", NOON_MS + start * 1000, NOON_MS + end * 1000)
    [(found,)] = await ask(store, workspace, Call("increase", (V,)), where=within)
    return float(found)


async def test_a_counter_grows_by_what_lies_between_its_rows(store: Store) -> None:
    assert await increase(store, [counter(0, 100), counter(15, 107), counter(30, 107), counter(45, 120)]) == 20


async def test_rows_that_came_twice_or_late_or_by_two_collectors_count_once(store: Store) -> None:
    points = [counter(15 * i, 10 * i) for i in range(20)]
    assert await increase(store, [*points[1::2], *points[::2], *points[5:9]]) == 190


async def test_a_value_that_fell_began_anew(store: Store) -> None:
    assert await increase(store, [counter(0, 100), counter(15, 110), counter(30, 4), counter(45, 9)]) == 19


async def test_a_restart_that_its_start_time_tells_counts_whole(store: Store) -> None:
    """The new process had counted further than the old one when it was first read."""
    before = [counter(0, 3, start_time=NOON_MS - 900_000), counter(15, 5, start_time=NOON_MS - 900_000)]
    assert await increase(store, [*before, counter(30, 8, start_time=NOON_MS + 20_000)]) == 10


async def test_collectors_that_saw_a_start_differently_make_no_restart(store: Store) -> None:
    starts = (NOON_MS - 900_000, NOON_MS - 890_000)
    assert await increase(store, [counter(15 * i, 10 * i, start_time=starts[i % 2]) for i in range(8)]) == 70


async def test_a_first_row_counts_whole_only_when_it_began_lately(store: Store) -> None:
    assert await increase(store, [counter(0, 50)]) == 0
    assert await increase(store, [counter(0, 50, start_time=NOON_MS - LOOKBACK_MS)]) == 50
    assert await increase(store, [counter(0, 50, start_time=NOON_MS - LOOKBACK_MS - 1)]) == 0
    assert await increase(store, [counter(0, 50, start_time=NOON_MS)]) == 0


async def test_the_first_row_of_a_range_differs_from_the_one_before_the_range(store: Store) -> None:
    points = [counter(60 * i, 10 * i) for i in range(10)]
    assert await increase(store, points, start=300) == 50
    assert await increase(store, points, start=300, end=301) == 10
    assert await increase(store, [counter(0, 10), counter(601, 30), counter(661, 31)], start=30) == 1


async def test_a_bucket_that_fills_from_nothing_counts_whole(store: Store) -> None:
    """Its histogram had a point before; the bucket was not in it."""
    old = NOON_MS - 3_600_000
    items = [bucket(0, 1.0, 5, start_time=old), bucket(60, 1.0, 6, start_time=old), bucket(60, 10.0, 3, start_time=old)]
    workspace = await insert(store, items)
    [found] = await ask(store, workspace, Call("count"), Call("avg", (V,)), Call("max", (V,)), Call("sum", (V,)))
    assert found == (4, 31 / 4, 10.0, 31.0)


async def test_a_bucket_without_new_observations_is_not_there(store: Store) -> None:
    old = NOON_MS - 3_600_000
    items = [bucket(second, value, 7, start_time=old) for second in (0, 60) for value in (1.0, 10.0)]
    workspace = await insert(store, [*items, bucket(120, 1.0, 8, start_time=old), bucket(120, 10.0, 7, start_time=old)])
    columns = Call("count"), Call("max", (V,)), Call("quantile", (V,), (0.99,))
    assert await ask(store, workspace, *columns) == ((1, 1.0, 1.0),)


async def test_totals_of_counters_are_read_as_they_are(store: Store) -> None:
    workspace = await insert(store, [counter(0, 100), counter(15, 110), counter(30, 105)])
    columns = Call("sum", (V,)), Call("avg", (V,)), Call("min", (V,)), Call("max", (V,)), Call("count")
    assert await ask(store, workspace, *columns) == ((315.0, 105.0, 100.0, 110.0, 3),)
    shown = await ask(store, workspace, V)
    assert sorted(shown) == [(100.0,), (105.0,), (110.0,)]


async def test_delta_and_cumulative_rows_of_one_question_add_up(store: Store) -> None:
    items = [
        counter(0, 100),
        counter(15, 103),
        counter(20, 4, temporality="delta"),
        counter(25, 2, temporality="delta"),
    ]
    assert await increase(store, items) == 9


async def test_series_are_told_apart_by_every_label_and_not_by_the_order_of_tags(store: Store) -> None:
    differing: list[dict[str, Any]] = [
        {},
        *({name: "x"} for name in ("environment", "instance", "endpoint", "method")),
        {"status_code": 500},
        {"tags": {"a": "1"}},
        {"tags": {"a": "1", "b": "2"}},
    ]
    items = [counter(15 * i, 10 * i + 1000 * n, **labels) for n, labels in enumerate(differing) for i in range(3)]
    assert await increase(store, items) == 20 * len(differing)
    tags = ({"a": "1", "b": "2"}, {"b": "2", "a": "1"})
    assert await increase(store, [counter(15 * i, 10 * i, tags=tags[i % 2]) for i in range(4)]) == 30


async def test_a_filter_on_the_value_does_not_hide_the_row_before(store: Store) -> None:
    workspace = await insert(store, [counter(0, 100), counter(15, 107), counter(30, 120)])
    assert await ask(store, workspace, Call("increase", (V,)), where=eq("value", 120.0)) == ((13.0,),)


async def test_a_workspace_never_sees_the_rows_of_another(store: Store) -> None:
    mine, theirs = [counter(0, 10), counter(15, 11)], [counter(1, 500), counter(16, 900)]
    own, other = await insert(store, mine), await insert(store, theirs)
    anything = Call("or", (eq("service_name", "shop"), eq("service_name", "else")))
    assert await ask(store, own, Call("increase", (V,)), where=anything) == ((1.0,),)
    assert await ask(store, other, Call("increase", (V,)), where=anything) == ((400.0,),)


METRICS_SENT = ("orders_total", "latency", "depth")
BUCKETS = (0.5, 5.0, 50.0)


def history(rng: random.Random) -> list[Item]:
    """Half an hour of a few series: counters and histograms that restart, pause, come twice, late, and through two
    collectors that each have their own idea of when the process began; delta rows between them."""
    items: list[Item] = []
    for instance in ("a", "b"):
        process = {"instance": instance, "tags": {"zone": rng.choice("xy")}}
        for metric in METRICS_SENT:
            items += _life(rng, metric, process)
    items += rng.choices(items, k=len(items) // 5)
    rng.shuffle(items)
    return items


def _life(rng: random.Random, metric: str, labels: dict[str, Any]) -> Iterator[Item]:
    second, began = rng.randrange(-1200, 0), rng.randrange(-4000, 0)
    total, counts = rng.randrange(50), dict.fromkeys(BUCKETS, 0)
    tells_start = rng.random() < 0.7
    while second < 1500:
        if rng.random() < 0.08:
            began, total, counts = second - rng.randrange(30), 0, dict.fromkeys(BUCKETS, 0)
        total += rng.choice((0, 0, 1, 2, 7))
        for value in BUCKETS:
            counts[value] += rng.choice((0, 0, 0, 1, 4))
        start = NOON_MS + (began + rng.randrange(3)) * 1000 if tells_start else 0
        match metric:
            case "orders_total":
                yield counter(second, total, start_time=start, **labels)
            case "latency":
                yield from (bucket(second, v, n, start_time=start, **labels) for v, n in counts.items() if n)
            case _:
                yield counter(second, total, metric_name=metric, metric_type="gauge", temporality="delta", **labels)
        second += rng.choice((15, 60, 60, 60, 61, 300, 900))


def answers(rows: Sequence[Observed]) -> tuple[float, ...]:
    """Of weighted rows: increase, count, sum, mean, median, most, rows."""
    weight = sum(row.weight for row in rows)
    total = sum(row.item["value"] * row.weight for row in rows)
    ranked = sorted((row.item["value"], row.weight) for row in rows)
    reached = itertools.accumulate(n for _, n in ranked)
    median = next(v for (v, _), seen in zip(ranked, reached, strict=True) if seen >= ceil(weight / 2))
    grown = sum(row.growth * row.weight for row in rows)
    return grown, weight, total, total / weight, median, ranked[-1][0], len(rows)


QUESTIONS: tuple[Expr, ...] = (
    Call("increase", (V,)),
    Call("count"),
    Call("sum", (V,)),
    Call("avg", (V,)),
    Call("quantile", (V,), (0.5,)),
    Call("max", (V,)),
    Call("rows"),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), start=st.integers(-1300, 1000), length=st.integers(1, 2000))
async def test_every_range_answers_as_the_rules_say(store: Store, seed: int, start: int, length: int) -> None:
    items = history(random.Random(seed))
    workspace = await insert(store, items)
    low, high = NOON_MS + start * 1000, NOON_MS + (start + length) * 1000
    by = (Column("metric_name"), Column("instance"), Call("time_bucket", (Column("timestamp"), Interval(5, "MINUTE"))))
    expected: dict[tuple[Any, ...], list[Observed]] = defaultdict(list)
    for row in observed(items):
        item = row.item
        if low <= item["timestamp"] < high and row.weight:
            slot = item["timestamp"] // (5 * MINUTE_MS) * 5 * MINUTE_MS
            expected[item["metric_name"], item["instance"], slot].append(row)
    found = await ask(store, workspace, *QUESTIONS, where=between("timestamp", low, high), by=by)
    assert {tuple(row[:3]): tuple(row[3:]) for row in found} == {
        key: pytest.approx(answers(rows)) for key, rows in expected.items()
    }


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), cut=st.integers(-1300, 1500))
async def test_two_ranges_add_up_to_the_one_that_spans_them(store: Store, seed: int, cut: int) -> None:
    workspace = await insert(store, history(random.Random(seed)))
    grown: list[float] = []
    for low, high in ((-2000, cut), (cut, 2000), (-2000, 2000)):
        within = between("timestamp", NOON_MS + low * 1000, NOON_MS + high * 1000)
        [(found, counted)] = await ask(store, workspace, Call("increase", (V,)), Call("count"), where=within)
        grown.append(float(found) + counted)
    assert grown[0] + grown[1] == pytest.approx(grown[2])
