"""What a rollup answers is what raw rows answer: random questions, asked before hours are rolled up and after."""

import random
from collections.abc import AsyncIterator, Iterator
from math import isclose
from pathlib import Path
from typing import Any

import pytest
from vantage_api.questions import METRIC_REQUESTS, SPAN_REQUESTS
from vantage_common.model import REQUEST_METRIC
from vantage_common.settings import Settings, load_settings
from vantage_common.store.clickhouse import ClickHouseStore
from vantage_common.store.functions import FUNCTIONS
from vantage_common.store.open import open_store
from vantage_common.store.plan import (
    Call,
    Column,
    Expr,
    Interval,
    Literal,
    Order,
    Output,
    QueryPlan,
    Result,
    Selected,
    Tag,
    Time,
    all_of,
    between,
    eq,
)

from tests.clickhouse_http import clickhouse_http
from tests.contract.test_rollups import DAY_MS, HOUR_MS, START_MS, insert, roll, rolls, spans, traffic

PLANS = 120
V, T, D = Column("value"), Column("timestamp"), Column("duration_ms")
LABELS = ("service_name", "metric_name", "metric_type", "environment", "instance", "endpoint", "method", "status_code")
FIGURES = ("count", "sum", "avg", "min", "max", "increase", "quantile", "quantiles", "rate")


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


def a_plan(rng: random.Random) -> QueryPlan:
    """A question of counts, sums and quantiles, by labels and steps of time, over a range that cuts hours."""
    table = rng.choice(("metrics", "metrics", "metrics", "spans"))
    source = METRIC_REQUESTS if table == "metrics" else SPAN_REQUESTS
    is_request = table == "spans" or rng.random() < 0.4
    by = _groups(rng, table, is_request)
    value = V if table == "metrics" else D
    names = FIGURES if table == "metrics" else tuple(name for name in FIGURES if name not in ("increase", "rate"))
    figures = [_figure(rng, rng.choice(names), value, table) for _ in range(rng.randrange(1, 4))]
    if is_request and rng.random() < 0.7:
        figures.append(Call("count_if", (source.failed,)))
    conditions = [source.is_request if is_request else None, _range(rng), _filter(rng, table)]
    outputs = (*by, *figures)
    return QueryPlan(
        table,
        "default",
        tuple(Selected(expr, f"c{index}") for index, expr in enumerate(outputs)),
        where=all_of(*rng.sample(conditions, len(conditions))),
        group_by=tuple(by),
        having=Call(">", (Call("count"), Literal(rng.choice((0, 20))))) if rng.random() < 0.3 else None,
        order_by=tuple(Order(Output(f"c{index}")) for index in range(len(by))),
        limit=100_000,
    )


def _groups(rng: random.Random, table: str, is_request: bool) -> list[Expr]:
    steps = [("SECOND", 3600), ("SECOND", 7200), ("MINUTE", 60), ("HOUR", 1), ("HOUR", 3), ("DAY", 1), ("WEEK", 1)]
    if is_request:
        steps += [("MINUTE", 1), ("MINUTE", 7), ("SECOND", 60)]
    unit, n = rng.choice(steps)
    bucket = [Call("time_bucket", (T, Interval(n, unit)))] if rng.random() < 0.7 else []
    if table == "spans":
        return [*bucket, *(Column(name) for name in rng.sample(("service_name", "environment", "kind"), 2))]
    names = rng.sample(LABELS, rng.randrange(0, 4)) if rng.random() < 0.8 else []
    tags: list[Expr] = [Call("to_string", (Tag("tags", "caller"),))] if rng.random() < 0.2 else []
    return [*bucket, *(Column(name) for name in names), *tags]


def _figure(rng: random.Random, name: str, value: Expr, table: str) -> Call:
    params = {"quantile": (0.95,), "quantiles": (0.5, 0.99), "rate": (60.0,)}.get(name, ())
    args: tuple[Expr, ...] = () if name == "count" else (value,)
    if rng.random() < 0.3:
        label = "service_name" if table == "spans" or rng.random() < 0.5 else "instance"
        name, args = f"{name}_if", (*args, Call("!=", (Column(label), Literal(rng.choice(("i1", "pay", "api"))))))
    return Call(name, args, params)


def _range(rng: random.Random) -> Expr | None:
    start = START_MS + rng.randrange(-HOUR_MS, HOUR_MS)
    end = start + rng.choice((HOUR_MS, 2 * HOUR_MS, 3 * HOUR_MS)) + rng.randrange(HOUR_MS)
    match rng.randrange(5):
        case 0:
            return None
        case 1:
            return Call("between", (T, Time(start), Time(end)))
        case 2:
            return Call(">", (T, Call("-", (Time(end), Interval(3, "HOUR")))))
        case 3:
            return Call("or", (between("timestamp", start, start + HOUR_MS), between("timestamp", end, end + HOUR_MS)))
        case _:
            return between("timestamp", start, end)


def _filter(rng: random.Random, table: str) -> Expr | None:
    if table == "spans" or rng.random() < 0.5:
        return None if rng.random() < 0.5 else Call("like", (Column("service_name"), Literal("%a%")))
    return rng.choice(
        (
            eq("metric_name", "depth"),
            eq("service_name", "shop's"),
            Call("in", (Column("metric_name"), Literal("jobs"), Literal("cpu_total"))),
            Call("or", (eq("endpoint", "/a"), Call(">=", (Column("status_code"), Literal(500))))),
            Call("=", (Tag("tags", "caller"), Literal("web"))),
        )
    )


def assert_alike(plan: QueryPlan, raw: Result, rolled: Result) -> None:
    assert rolled.columns == raw.columns
    assert len(rolled.rows) == len(raw.rows), plan
    for before, after in zip(raw.rows, rolled.rows, strict=True):
        for item, left, right in zip(plan.select, before, after, strict=True):
            assert _alike(item.expr, left, right), (item.expr, left, right, plan)


def _alike(expr: Expr, left: Any, right: Any) -> bool:
    """Counts, the least and the greatest to the bit, sums to 1e-9, quantiles within the bins' 1 %."""
    name = expr.function.removesuffix("_if") if isinstance(expr, Call) else ""
    if left is None or right is None:
        return left is right
    if name == "quantiles":
        return all(
            isclose(a, b, rel_tol=0.01) if None not in (a, b) else a is b for a, b in zip(left, right, strict=True)
        )
    if name == "quantile":
        return isclose(left, right, rel_tol=0.01)
    if name in ("sum", "avg", "increase", "rate"):
        return isclose(left, right, rel_tol=1e-9, abs_tol=1e-9)
    return bool(left == right)


async def filled(store: ClickHouseStore, rng: random.Random) -> None:
    await insert(store, "metrics", traffic(rng))
    await insert(store, "spans", spans(rng))


async def test_a_rollup_answers_as_raw_rows_do(store: ClickHouseStore) -> None:
    rng = random.Random(11)
    await filled(store, rng)
    plans = [a_plan(rng) for _ in range(PLANS)]
    raw = [await store.reader.query(plan) for plan in plans]
    assert {answer.source for answer in raw} == {"metrics", "spans"}
    for hour in (START_MS - HOUR_MS, START_MS + HOUR_MS):
        await rolls(store).recompute("metrics", hour, START_MS)
    await rolls(store).recompute("spans", START_MS, START_MS)
    half = [await store.reader.query(plan) for plan in plans]
    await roll(store, "metrics")
    await roll(store, "spans")
    whole = [await store.reader.query(plan) for plan in plans]
    for plan, before, some, after in zip(plans, raw, half, whole, strict=True):
        assert_alike(plan, before, some)
        assert_alike(plan, before, after)
    assert sum(answer.source != plan.table for plan, answer in zip(plans, half, strict=True)) > PLANS / 2
    read = {name for answer in whole for name in answer.source.split(" + ")}
    assert read == {"metrics", "spans", "metrics_1h", "service_1m"}


async def test_whole_days_are_read_from_days(store: ClickHouseStore) -> None:
    rng = random.Random(12)
    await filled(store, rng)
    await insert(store, "metrics", [{**item, "timestamp": item["timestamp"] - DAY_MS} for item in traffic(rng, 1.0)])
    figures = (Call("count"), Call("sum", (V,)), Call("quantile", (V,), (0.95,)), Call("uniq", (Column("instance"),)))
    day = Call("time_bucket", (T, Interval(1, "DAY")))
    plan = QueryPlan(
        "metrics",
        "default",
        tuple(Selected(expr, f"c{index}") for index, expr in enumerate((day, *figures))),
        where=between("timestamp", START_MS - 3 * DAY_MS, START_MS + HOUR_MS + 1),
        group_by=(day,),
        order_by=(Order(Output("c0")),),
    )
    raw = await store.reader.query(plan)
    await roll(store, "metrics")
    assert (await store.reader.query(plan)).source == "metrics_1h + metrics"
    await rolls(store).advance("metrics", START_MS + HOUR_MS)
    rolled = await store.reader.query(plan)
    assert rolled.source == "metrics_1d + metrics_1h + metrics"
    assert_alike(plan, raw, rolled)


async def test_labels_of_series_without_observations_are_there(store: ClickHouseStore) -> None:
    """The first row of a cumulative histogram says only that there is one."""
    row = {
        "timestamp": START_MS + 1000,
        "service_name": "quiet",
        "metric_name": REQUEST_METRIC,
        "metric_type": "histogram",
        "temporality": "cumulative",
        "value": 5.0,
        "count": 7,
        "tags": {"a": "1", "b": "2"},
    }
    await insert(store, "metrics", [row])
    names = QueryPlan("metrics", "default", (Selected(Column("service_name"), "s"),), distinct=True)
    keys = Call("group_uniq", (Call("array_join", (Call("map_keys", (Column("tags"),)),)),), (9,))
    tags = QueryPlan("metrics", "default", (Selected(keys, "k"),))
    least = QueryPlan("metrics", "default", (Selected(Call("min", (V,)), "v"), Selected(Call("count"), "n")))
    raw = [(await store.reader.query(plan)).rows for plan in (names, tags, least)]
    await roll(store, "metrics")
    rolled = [await store.reader.query(plan) for plan in (names, tags, least)]
    assert {answer.source for answer in rolled} == {"metrics_1h + metrics"}
    assert [answer.rows for answer in rolled][::2] == raw[::2] == [(("quiet",),), ((None, 0),)]
    assert sorted(rolled[1].rows[0][0]) == sorted(raw[1][0][0]) == ["a", "b"]


async def test_late_rows_count_once_their_hour_is_computed_again(store: ClickHouseStore) -> None:
    plan = QueryPlan("metrics", "default", (Selected(Call("count"), "n"),))
    sample = {"service_name": "s", "metric_name": "m", "metric_type": "gauge", "value": 1.0, "timestamp": START_MS}
    await insert(store, "metrics", [sample])
    await roll(store, "metrics")
    await insert(store, "metrics", [sample])
    assert (await store.reader.query(plan)).rows == ((1,),)
    await rolls(store).recompute("metrics", START_MS, START_MS)
    assert (await store.reader.query(plan)).rows == ((2,),)


async def test_another_workspace_is_never_read(store: ClickHouseStore) -> None:
    await filled(store, random.Random(13))
    await roll(store, "metrics")
    plan = QueryPlan("metrics", "other", (Selected(Call("count"), "n"),))
    answer = await store.reader.query(plan)
    assert (answer.rows, answer.source) == (((0,),), "metrics_1h + metrics")


async def test_explain_names_tables_reasons_and_rows(store: ClickHouseStore) -> None:
    await filled(store, random.Random(14))
    await roll(store, "metrics")
    count = Selected(Call("count"), "n")
    rolled = await store.reader.explain(QueryPlan("metrics", "default", (count,), where=eq("endpoint", "/a")))
    assert rolled.source == "metrics_1h + metrics"
    assert rolled.refused == ("service_1m: it knows rows of one metric_name alone",)
    estimates = {estimate.table: estimate for estimate in rolled.tables}
    assert estimates["metrics_1h"].rows > 0
    assert estimates["metrics_1h"].size_bytes > 0
    assert "FROM `vantage`.`metrics_1h` FINAL" in rolled.sql
    raw = await store.reader.explain(QueryPlan("metrics", "default", (count,), where=eq("trace_id", "t")))
    assert raw.source == "metrics"
    assert raw.refused == (
        "metrics_1d: it does not keep trace_id",
        "metrics_1h: it does not keep trace_id",
        "service_1m: it knows rows of one metric_name alone",
    )


def test_every_aggregate_is_one_that_rollups_were_thought_of() -> None:
    thought_of = {
        *FIGURES,
        "rows",
        "stddev",
        "uniq",
        "uniq_exact",
        "any",
        "arg_max",
        "arg_min",
        "group_uniq",
        "bins",
    } | {"merge_bins"}
    assert {f.name for f in FUNCTIONS.values() if f.is_aggregate and not f.has_condition} == thought_of
