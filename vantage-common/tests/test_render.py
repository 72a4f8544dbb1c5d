"""The SQL of a plan, word for word: a change here is a change of what the engine is asked."""

import itertools
import re

import pytest
from vantage_common.errors import UserError
from vantage_common.store.catalog import METRICS
from vantage_common.store.differences import needs_differences, widened
from vantage_common.store.functions import FUNCTIONS
from vantage_common.store.plan import (
    Call,
    Column,
    Expr,
    Interval,
    Literal,
    Order,
    Output,
    QueryPlan,
    ResultColumn,
    Selected,
    Tag,
    Time,
    all_of,
    between,
    eq,
)
from vantage_common.store.render import MAX_DEPTH, render

V = Column("value")
FAILED = Call(">=", (Column("status_code"), Literal(500)))


def sql_of(expr: Expr, table: str = "metrics") -> str:
    """The parameters numbered from 0."""
    text = render(QueryPlan(table, "w", (Selected(expr, "x"),)), "db").sql
    numbers = itertools.count()
    return re.sub(r"{p\d+:", lambda _: f"{{p{next(numbers)}:", text.removeprefix("SELECT ").split(" AS o0 FROM ")[0])


def test_a_whole_plan() -> None:
    minute = Call("time_bucket", (Column("timestamp"), Interval(1, "MINUTE")))
    rendered = render(
        QueryPlan(
            "metrics",
            "it's",
            (Selected(minute, "minute; --"), Selected(Call("uniq", (Column("instance"),)), "n")),
            where=all_of(between("timestamp", 5, 9), Call("=", (Tag("tags", "a'b"), Literal("x")))),
            group_by=(Output("minute; --"),),
            having=Call(">", (Output("n"), Literal(1.5))),
            order_by=(Order(Output("n"), True), Order(Output("minute; --"))),
            limit=7,
            offset=3,
            distinct=True,
        ),
        "db",
    )
    assert rendered.sql == (
        "SELECT DISTINCT toDateTime(toStartOfInterval(`timestamp`, INTERVAL 1 MINUTE), 'UTC') AS o0, "
        "uniq(`instance`) AS o1 FROM `db`.`metrics` "
        "WHERE workspace = {p0:String} AND (((`timestamp` >= fromUnixTimestamp64Milli({p1:Int64}, 'UTC')) AND "
        "(`timestamp` < fromUnixTimestamp64Milli({p2:Int64}, 'UTC'))) AND (`tags`[{p3:String}] = {p4:String})) "
        "GROUP BY o0 HAVING (o1 > {p5:Float64}) ORDER BY o1 DESC, o0 LIMIT 7 OFFSET 3"
    )
    assert rendered.params == {"p0": "it's", "p1": 5, "p2": 9, "p3": "a'b", "p4": "x", "p5": 1.5}
    assert rendered.columns == (ResultColumn("minute; --", "time"), ResultColumn("n", "integer"))


@pytest.mark.parametrize(
    ("expr", "sql"),
    [
        (Call("count"), "sum(`_weight`)"),
        (Call("rows"), "count()"),
        (Call("sum", (V,)), "sum((`value` * `_weight`))"),
        (Call("sum", (Column("count"),)), "sum(`_weight`)"),
        (Call("sum", (Call("*", (V, Column("count"))),)), "sum((`value` * `_weight`))"),
        (Call("min", (V,)), "minOrNull(`value`)"),
        (Call("rate", (V,), (60.0,)), "(sum((`_growth` * `_weight`)) / 60.0)"),
        (
            Call("increase_if", (V, Call(">", (V, Literal(1))))),
            "sumIf((`_growth` * `_weight`), (`value` > {p0:Int64}))",
        ),
        (Call("quantile", (V,), (0.95,)), "quantileExactWeighted(0.95)(toFloat64(`value`), `_weight`)"),
        (Call("count_if", (FAILED,)), "sumIf(`_weight`, (`status_code` >= {p0:Int64}))"),
        (
            Call("avg_if", (V, FAILED)),
            "avgWeightedIf(toFloat64(`value`), toFloat64(`_weight`), (`status_code` >= {p0:Int64}))",
        ),
        (
            Call("quantile_if", (V, FAILED), (0.5,)),
            "quantileExactWeightedIf(0.5)(toFloat64(`value`), `_weight`, (`status_code` >= {p0:Int64}))",
        ),
        (Call("group_uniq", (Column("endpoint"),), (5,)), "groupUniqArray(5)(`endpoint`)"),
        (Call("arg_max", (V, Column("timestamp"))), "argMax(`value`, `timestamp`)"),
        (Call("is null", (Tag("tags", "k"),)), "(`tags`[{p0:String}] = '')"),
        (Call("in", (Column("method"), Literal("GET"), Literal("PUT"))), "(`method` IN ({p0:String}, {p1:String}))"),
        (Call("-", (Time(0), Interval(2, "WEEK"))), "(fromUnixTimestamp64Milli({p0:Int64}, 'UTC') - INTERVAL 2 WEEK)"),
    ],
)
def test_an_expression_over_weighted_rows(expr: Expr, sql: str) -> None:
    assert sql_of(expr) == sql


DIFFERENCED = QueryPlan(
    "metrics",
    "w",
    (Selected(Column("endpoint"), "endpoint"), Selected(Call("increase", (V,)), "grown")),
    where=all_of(between("timestamp", 600_005, 600_009), eq("service_name", "s"), eq("trace_id", "t")),
    group_by=(Column("endpoint"),),
)


def test_observations_come_from_delta_rows_and_from_differences() -> None:
    rendered = render(DIFFERENCED, "db")
    head, _, rest = rendered.sql.partition(" FROM (")
    as_they_are, _, differences = rest.partition(" UNION ALL ")
    assert head == "SELECT `endpoint` AS o0, sum((`_growth` * `_weight`)) AS o1"
    filtered = (
        "((((`timestamp` >= fromUnixTimestamp64Milli({p1:Int64}, 'UTC')) AND "
        "(`timestamp` < fromUnixTimestamp64Milli({p2:Int64}, 'UTC'))) AND (`service_name` = {p3:String})) "
        "AND (`trace_id` = {p4:String}))"
    )
    assert as_they_are == (
        "SELECT `value`, `endpoint`, `count` AS _weight, `value` AS _growth FROM `db`.`metrics` "
        f"WHERE workspace = {{p0:String}} AND {filtered} AND NOT (temporality = 'cumulative')"
    )
    read = (
        "FROM `db`.`metrics` WHERE workspace = {p5:String} AND "
        "(((`timestamp` >= (fromUnixTimestamp64Milli({p6:Int64}, 'UTC') - INTERVAL 10 MINUTE)) AND "
        "(`timestamp` < fromUnixTimestamp64Milli({p7:Int64}, 'UTC'))) AND (`service_name` = {p8:String})) "
        "AND temporality = 'cumulative' AND metric_type != 'histogram' WINDOW"
    )
    assert read in differences
    assert differences.endswith("(`trace_id` = {p12:String}))) GROUP BY `endpoint` LIMIT 1000")
    assert list(rendered.params.values()).count("w") == 2
    assert rendered.probe.startswith("SELECT 1 FROM `db`.`metrics` WHERE workspace = {p5:String} AND")
    assert rendered.plain.endswith(
        f"AND {filtered} AND NOT (temporality = 'cumulative') GROUP BY `endpoint` LIMIT 1000"
    )
    assert rendered.plain.startswith("SELECT `endpoint` AS o0, sum((`value` * `count`)) AS o1 FROM `db`.`metrics` ")


def test_totals_are_differenced_only_where_growth_is_asked_for() -> None:
    text = render(QueryPlan("metrics", "w", (Selected(Call("avg", (V,)), "x"),)), "db").sql
    assert "NOT (temporality = 'cumulative' AND metric_type = 'histogram')" in text
    assert "metric_type != 'histogram'" not in text


def test_every_difference_lies_in_the_workspace_of_its_plan() -> None:
    text = render(DIFFERENCED, "db").sql
    assert text.count("FROM `db`.`metrics` WHERE workspace = ") == text.count("FROM `db`.`metrics`") == 3


@pytest.mark.parametrize(
    ("expr", "differs"),
    [
        (Call("count"), True),
        (Call("avg", (V,)), True),
        (Call("max", (V,)), True),
        (Call("uniq", (Column("count"),)), True),
        (Call("+", (Literal(1), Call("rate_if", (V, FAILED), (1.0,)))), True),
        (Call("max", (Column("timestamp"),)), False),
        (Call("group_uniq", (Column("service_name"),)), False),
        (Call("rows"), False),
        (V, False),
    ],
)
def test_only_what_looks_at_observations_needs_differences(expr: Expr, differs: bool) -> None:
    plan = QueryPlan("metrics", "w", (Selected(expr, "x"),))
    assert needs_differences(plan, METRICS) == differs
    assert ("UNION ALL" in render(plan, "db").sql) == differs


T = Column("timestamp")
BACK = Interval(10, "MINUTE")


@pytest.mark.parametrize(
    ("condition", "wide"),
    [
        (Call(">=", (T, Time(5))), Call(">=", (T, Call("-", (Time(5), BACK))))),
        (Call(">", (Time(5), T)), Call("<", (T, Time(5)))),
        (Call("=", (T, Time(5))), Call("between", (T, Call("-", (Time(5), BACK)), Time(5)))),
        (Call("between", (T, Time(5), Time(9))), Call("between", (T, Call("-", (Time(5), BACK)), Time(9)))),
        (eq("endpoint", "/x"), eq("endpoint", "/x")),
        (Call("not", (eq("endpoint", "/x"),)), Call("not", (eq("endpoint", "/x"),))),
        (Call("and", (eq("method", "GET"), eq("value", 3.0))), eq("method", "GET")),
        (Call("or", (eq("method", "GET"), eq("value", 3.0))), None),
        (Call("not", (Call("<", (T, Time(5))),)), None),
        (Call(">", (V, Literal(1))), None),
        (Call("=", (Tag("tags", "a"), Column("trace_id"))), None),
        (None, None),
    ],
)
def test_a_condition_is_widened_to_the_rows_before(condition: Expr | None, wide: Expr | None) -> None:
    assert widened(condition, METRICS) == wide


def test_a_table_without_weight_counts_rows() -> None:
    duration = Column("duration_ms")
    assert sql_of(Call("count"), "spans") == "count()"
    assert sql_of(Call("avg", (duration,)), "spans") == "avg(`duration_ms`)"
    median = sql_of(Call("quantile", (duration,), (0.5,)), "spans")
    assert median == "quantileExactWeighted(0.5)(toFloat64(`duration_ms`), 1)"


@pytest.mark.parametrize("function", [f.name for f in FUNCTIONS.values() if f.is_aggregate and not f.has_condition])
def test_every_aggregate_has_its_conditional_twin(function: str) -> None:
    plain, twin = FUNCTIONS[function], FUNCTIONS[f"{function}_if"]
    assert twin.has_condition
    assert (twin.vql is None) == (plain.vql is None)


def test_a_column_may_be_mentioned_by_its_output_only_where_it_ends() -> None:
    circle = QueryPlan("metrics", "w", (Selected(Call("abs", (Output("x"),)), "x"),))
    with pytest.raises(UserError, match=f"more than {MAX_DEPTH}"):
        render(circle, "db")


def test_another_table_than_the_catalogs_is_refused() -> None:
    with pytest.raises(UserError, match="no table"):
        render(QueryPlan("system.tables", "w", (Selected(V, "x"),)), "db")


def test_equal_plans_give_equal_text() -> None:
    plan = QueryPlan("metrics", "w", (Selected(Call("avg", (V,)), "x"),), where=eq("service_name", "a"))
    assert render(plan, "db") == render(plan, "db")
