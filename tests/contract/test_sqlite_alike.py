"""SQLite answers as ClickHouse's engine does: the same rows in both, every function of the table asked of both."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from vantage_common.errors import UserError
from vantage_common.settings import load_settings
from vantage_common.store.api import Store
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
    Selected,
    Tag,
    Time,
)

from tests.contract.store_rows import NOON_MS, block, rows_of

DAY_MS = 86_400_000
WORDS = ("a", "B%", "Straße", "x_y", "\\n", "100%", "c:\\dir", "é", "", "naïve", 'q"uote', "it's", "a.b")
NUMBERS = (0.0, 1.5, -2.5, 1e21, 1e-7, 3.0, 2.5, -0.5, 123456789.125, 1e300, 0.1, 1e16, 1e15, 1e-5)
KEYS = ("k", "a.b", 'q"x', "é", "b\\s", "0", "$x")
UNITS = ("SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH")
SEED = random.Random(7)
METRICS = [
    {
        "timestamp": NOON_MS + SEED.randrange(-40 * DAY_MS, 40 * DAY_MS),
        "service_name": f"s{SEED.randrange(5)}",
        "metric_name": "m",
        "metric_type": "gauge",
        "value": SEED.choice(NUMBERS),
        "count": SEED.randrange(1, 5),
        "status_code": SEED.choice((0, 200, 503)),
        "endpoint": SEED.choice(WORDS),
        "tags": {key: SEED.choice(WORDS) for key in SEED.sample(KEYS, SEED.randrange(4))},
    }
    for _ in range(300)
]
SPANS = [
    {
        "timestamp": NOON_MS + SEED.randrange(10**9) / 1000,
        "trace_id": f"t{number % 7}",
        "span_id": f"s{number}",
        "service_name": "s",
        "name": "n",
        "kind": "server",
        "duration_ms": SEED.random() * 100,
        "status": SEED.choice(("ok", "error")),
    }
    for number in range(200)
]


def cumulative_rows(number: int) -> list[dict[str, Any]]:
    """Counters and histograms of a few processes that restart, fall silent, lose their start time and repeat
    themselves."""
    rows: list[dict[str, Any]] = []
    for process in range(number):
        at, start, total, buckets = NOON_MS + process * 1000, NOON_MS, 0.0, [0, 0, 0]
        for _ in range(40):
            at += SEED.choice((15_000, 60_000, 60_000, 599_000, 601_000, 3_600_000))
            if SEED.random() < 0.1:
                start, total, buckets = SEED.choice((at - 5000, 0, at - 700_000)), 0.0, [0, 0, 0]
            total += SEED.randrange(0, 50) / 4
            buckets = [count + SEED.randrange(0, 3) for count in buckets]
            point = {
                "timestamp": at,
                "service_name": f"p{process % 2}",
                "instance": f"i{process}",
                "temporality": "cumulative",
                "start_time": start,
            }
            counter = {**point, "metric_name": "c", "metric_type": "counter", "value": total}
            told = [
                {**point, "metric_name": "h", "metric_type": "histogram", "value": value, "count": count}
                for value, count in zip((1.5, 4.0, 9.25), buckets, strict=True)
                if count
            ]
            rows += [counter, *told] * (2 if SEED.random() < 0.1 else 1)
    return rows


CUMULATIVE = cumulative_rows(4)


def call(function: str, *args: Expr, params: tuple[float, ...] = ()) -> Call:
    return Call(function, args, params)


def several(exprs: Sequence[Expr]) -> Iterator[tuple[Selected, ...]]:
    """The expressions, twenty a question: a question costs more than its columns."""
    for start in range(0, len(exprs), 20):
        yield tuple(Selected(expr, f"x{number}") for number, expr in enumerate(exprs[start : start + 20]))


AT, VALUE, COUNT, STATUS, TEXT, TAGS = (
    Column(name) for name in ("timestamp", "value", "count", "status_code", "endpoint", "tags")
)
SMALL = call("if", call("<", call("abs", VALUE), Literal(1e9)), VALUE, Literal(1.25))
FAILED = call(">", STATUS, Literal(100))
NEVER = call("<", STATUS, Literal(0))
BY_NAME = call("array_join", call("map_keys", TAGS))
BY_TAG = call("array_join", call("map_values", TAGS))
SCALARS: tuple[Expr, ...] = (
    *(AT, VALUE, COUNT, STATUS, TEXT, TAGS, Column("temporality"), Column("start_time")),
    *(Tag("tags", key) for key in (*KEYS, "none", "")),
    *(call("time_bucket", AT, Interval(n, unit)) for unit in UNITS for n in (1, 2, 3, 5, 7, 11, 12, 24)),
    *(call(sign, AT, Interval(n, unit)) for unit in UNITS for n in (1, 13) for sign in "+-"),
    *(call("to_string", of) for of in (AT, VALUE, STATUS, TEXT, call("time_bucket", AT, Interval(1, "HOUR")))),
    call("to_string", call("-", AT, Interval(1, "DAY"))),
    *(call(name, of) for name in ("floor", "ceil", "round", "abs", "ln", "-") for of in (VALUE, COUNT)),
    call("round", call("/", VALUE, Literal(3)), Literal(2)),
    *(call(name, TEXT) for name in ("lower", "upper", "length", "coalesce", "is null")),
    *(call(name, TAGS) for name in ("length", "map_keys", "map_values")),
    *(
        call("like", TEXT, Literal(pattern))
        for pattern in ("%a%", "B\\%", "_", "x\\_y", "%\\\\%", "c:\\dir", "C:\\\\DIR", "%ß%", "\\n", "\\\\n", "A", "")
    ),
    *(call("ilike", TEXT, Literal(pattern)) for pattern in ("STRASSE", "straße", "b\\%", "%É%", "%A%")),
    *(call("position_ci", TEXT, Literal(part)) for part in ("E", "é", "ß", "zz", "")),
    call("/", VALUE, STATUS),
    *(call("%", of, Literal(7)) for of in (SMALL, STATUS, call("-", Literal(0), STATUS))),
    call("%", VALUE, Literal(0)),
    *(call("+", COUNT, Literal(1.5)), call("-", COUNT, Literal(10)), call("*", COUNT, STATUS)),
    call("if", FAILED, TEXT, Literal("z")),
    call("coalesce", Literal(None), VALUE),
    call("is null", VALUE),
    *(call(name, STATUS, Literal(200)) for name in ("=", "!=", "<", "<=", ">", ">=")),
    *(call("in", STATUS, Literal(0), Literal(503)), call("between", VALUE, Literal(0), Literal(3))),
    *(call("not", FAILED), call("and", FAILED, NEVER, FAILED), call("or", FAILED, call("or", NEVER, FAILED))),
    call("time_ms", AT),
    *(Literal(None), Literal(True), Literal(5), Literal(2.5), Literal("x"), Time(NOON_MS)),
)
_NUMERIC = ("avg", "sum", "min", "max", "stddev", "increase", "uniq", "uniq_exact", "any")
AGGREGATES: tuple[Expr, ...] = (
    *(call(name, of) for name in _NUMERIC if name != "any" for of in (SMALL, STATUS, COUNT)),
    *(call(f"{name}_if", of, FAILED) for name in _NUMERIC if name != "any" for of in (SMALL, STATUS)),
    *(call(f"{name}_if", of, NEVER) for name in _NUMERIC for of in (VALUE, STATUS)),
    *(call("any", Column("temporality")), call("any_if", TEXT, NEVER)),
    *(call("count"), call("rows"), call("count_if", FAILED), call("rows_if", FAILED), call("count_if", NEVER)),
    *(call("rate", SMALL, params=(60.0,)), call("rate_if", SMALL, FAILED, params=(60.0,))),
    *(call(name, of) for name in ("min", "max") for of in (TEXT, AT)),
    *(call("quantile", SMALL, params=(level,)) for level in (0.0, 0.01, 0.5, 0.95, 1.0)),
    *(call("quantile_if", VALUE, NEVER, params=(0.5,)), call("quantile_if", SMALL, FAILED, params=(0.5,))),
    *(call("quantiles", SMALL, params=(0.0, 0.3, 1.0)), call("quantiles_if", SMALL, FAILED, params=(0.5,))),
    *(call(name, of, AT) for name in ("arg_max", "arg_min") for of in (TEXT, VALUE)),
    *(call("arg_max_if", TEXT, AT, FAILED), call("arg_min_if", VALUE, AT, NEVER)),
    *(call("uniq", TEXT), call("uniq_exact", TAGS), call("group_uniq", TEXT), call("group_uniq", STATUS)),
    call("bins", VALUE),
    *(call("group_uniq_if", TEXT, FAILED), call("group_uniq", TEXT, params=(64.0,))),
)
CONDITIONS: tuple[Expr, ...] = (
    *(call(name, AT, Time(NOON_MS)) for name in ("=", "!=", "<", "<=", ">", ">=")),
    *(call(name, Time(NOON_MS), AT) for name in ("<", "<=", ">", ">=")),
    call("=", AT, Time(int(str(METRICS[0]["timestamp"])))),
    call("between", AT, Time(NOON_MS - DAY_MS), Time(NOON_MS)),
    call("or", call("<", AT, Time(NOON_MS - 9 * DAY_MS)), call(">", AT, Time(NOON_MS + 9 * DAY_MS))),
    call("or", call("<", AT, Time(NOON_MS)), FAILED),
    call("not", call("<", AT, Time(NOON_MS))),
    call("in", AT, *(Time(int(str(row["timestamp"]))) for row in METRICS[:5])),
    call("and", call(">", AT, Time(NOON_MS)), call("<", AT, Time(NOON_MS))),
    call("and", call(">=", AT, Time(NOON_MS)), call("<", AT, call("+", Time(NOON_MS), Interval(3, "DAY")))),
)
OF_METRICS = (
    *(
        QueryPlan("metrics", "default", some, order_by=tuple(map(Order, (AT, VALUE, COUNT, TEXT))))
        for some in several(SCALARS)
    ),
    *(QueryPlan("metrics", "default", some) for some in several(AGGREGATES)),
    *(
        QueryPlan(
            "metrics",
            "default",
            (Selected(Column("service_name"), "s"), *some),
            group_by=(Output("s"),),
            order_by=(Order(Output("s"), descending=True),),
        )
        for some in several(AGGREGATES)
    ),
    *(QueryPlan("metrics", "default", (Selected(call("rows"), "n"),), where=where) for where in CONDITIONS),
    QueryPlan(
        "metrics",
        "default",
        (Selected(BY_NAME, "k"), Selected(BY_TAG, "v"), Selected(call("count"), "n")),
        group_by=(Output("k"), Output("v")),
        order_by=(Order(Output("k")), Order(Output("v"))),
    ),
    QueryPlan("metrics", "default", (Selected(call("group_uniq", BY_NAME, params=(64.0,)), "k"),)),
    QueryPlan(
        "metrics",
        "default",
        (Selected(call("+", VALUE, Literal(1)), "x"), Selected(call("count"), "n")),
        group_by=(call("+", VALUE, Literal(1)),),
        order_by=(Order(call("-", Output("x"))),),
        having=call(">", Output("n"), Literal(3)),
    ),
    QueryPlan("metrics", "default", (Selected(TEXT, "x"),), distinct=True, order_by=(Order(TEXT),), limit=3, offset=2),
    QueryPlan("metrics", "default", (Selected(call("count"), "n"),), having=call(">", Output("n"), Literal(100_000))),
    QueryPlan("metrics", "default", (Selected(call("sleep", Literal(3)), "x"),)),
    QueryPlan("metrics", "default", (Selected(VALUE, "x"), Selected(call("count"), "n"))),
    QueryPlan("metrics", "default", (Selected(call("if", FAILED, VALUE, TEXT), "x"),)),
    QueryPlan("metrics", "default", (Selected(call("sum", call("sum", VALUE)), "x"),)),
)
MINUTES = call("time_bucket", AT, Interval(20, "MINUTE"))
OBSERVED: tuple[Expr, ...] = (
    *(call(name, VALUE) for name in ("avg", "sum", "stddev", "min", "max", "increase", "bins")),
    *(call("count"), call("rows"), call("sum", COUNT), call("uniq_exact", Column("instance"))),
    *(call("rate", VALUE, params=(60.0,)), call("increase_if", VALUE, call("=", Column("instance"), Literal("i1")))),
    *(call("quantile", VALUE, params=(0.5,)), call("rate", COUNT, params=(60.0,)), call("max", AT)),
)
OF_TOTALS = tuple(
    QueryPlan(
        "metrics",
        "totals",
        (Selected(MINUTES, "at"), Selected(Column("service_name"), "s"), *(Selected(e, f"x{i}") for i, e in asked)),
        where=call("and", call("=", Column("metric_name"), Literal(metric)), condition),
        group_by=(Output("at"), Output("s")),
        order_by=(Order(Output("at")), Order(Output("s"))),
    )
    for asked in (list(enumerate(OBSERVED)), list(enumerate(OBSERVED[:1])), list(enumerate(OBSERVED[9:10])))
    for metric in ("c", "h")
    for condition in (
        Literal(True),
        call("between", AT, Time(NOON_MS + 3_000_000), Time(NOON_MS + 9_000_000)),
        call("and", call(">=", AT, Time(NOON_MS + 3_000_000)), call(">", COUNT, Literal(2))),
        call(">", VALUE, Literal(3.0)),
        call("or", call("=", Column("instance"), Literal("i1")), call(">", AT, Time(NOON_MS + 20_000_000))),
    )
)
DURATION = Column("duration_ms")
OF_SPANS = (
    *(
        QueryPlan("spans", "default", (Selected(expr, "x"),), order_by=(Order(AT),))
        for expr in (AT, call("time_ms", AT), call("to_string", AT), call("time_bucket", AT, Interval(1, "MINUTE")))
    ),
    *(
        QueryPlan(
            "spans",
            "default",
            (Selected(Column("trace_id"), "t"), Selected(expr, "x")),
            group_by=(Column("trace_id"),),
            order_by=(Order(Column("trace_id")),),
        )
        for expr in (
            *(call(name, DURATION) for name in ("avg", "stddev", "sum", "max")),
            *(call("count"), call("max", AT), call("arg_min", Column("span_id"), AT)),
            *(call("quantile", DURATION, params=(0.9,)), call("rate", DURATION, params=(2.0,))),
            call("max", call("+", call("time_ms", AT), DURATION)),
        )
    ),
)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def stores(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Store]]:
    opened = []
    for kind in ("chdb", "sqlite"):
        days: dict[str, Any] = {"retention_raw_days": 3650, "retention_spans_days": 3650}
        store = open_store(load_settings(data_dir=tmp_path_factory.mktemp(kind), store=kind, **days))
        opened.append(store)
        runner.run(_fill(store))
    yield opened[0], opened[1]
    for store in opened:
        runner.run(store.close())


async def _fill(store: Store) -> None:
    await store.admin.migrate()
    await store.writer.insert("metrics", block("metrics", rows_of("metrics", METRICS)), token="m")
    totals = block("metrics", rows_of("metrics", CUMULATIVE), workspace="totals")
    await store.writer.insert("metrics", totals, token="t")
    await store.writer.insert("spans", block("spans", rows_of("spans", SPANS)), token="s")


async def answer(store: Store, plan: QueryPlan) -> list[Any]:
    """Each column's type and values, or the kind of refusal: its words are the engine's own."""
    try:
        result = await store.reader.query(plan)
    except UserError as error:
        return [error.code]
    kinds = [column.type for column in result.columns]
    return [(kind, [_about(row[index]) for row in result.rows]) for index, kind in enumerate(kinds)]


def _about(value: Any) -> Any:
    """Sums differ in their last digits, arrays in their order."""
    if isinstance(value, float):
        return float(f"{value:.10g}")
    return sorted((_about(item) for item in value), key=repr) if isinstance(value, list | tuple) else value


@pytest.mark.parametrize("plans", [OF_METRICS, OF_TOTALS, OF_SPANS], ids=["metrics", "totals", "spans"])
def test_both_engines_answer_alike(
    runner: asyncio.Runner, stores: tuple[Store, Store], plans: tuple[QueryPlan, ...]
) -> None:
    theirs, ours = stores
    for plan in plans:
        left, right = runner.run(answer(ours, plan)), runner.run(answer(theirs, plan))
        assert len(left) == len(right)
        for item, our_column, their_column in zip(plan.select, left, right, strict=False):
            assert our_column == their_column, (item.expr, plan)


def test_every_function_is_asked() -> None:
    asked: set[str] = set()

    def walk(expr: Expr) -> None:
        if isinstance(expr, Call):
            asked.add(expr.function)
            for arg in expr.args:
                walk(arg)

    for plan in (*OF_METRICS, *OF_SPANS):
        for item in plan.select:
            walk(item.expr)
    plain = {name for name, function in FUNCTIONS.items() if not function.has_condition}
    assert plain - asked == {"merge_bins"}, "which merges what rollups hold"
