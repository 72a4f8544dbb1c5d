"""The SQL of a plan, word for word: a change here is a change of what the engine is asked."""

import pytest
from vantage_common.errors import UserError
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
    text = render(QueryPlan(table, "w", (Selected(expr, "x"),)), "db").sql
    return text.removeprefix("SELECT ").split(" AS o0 FROM ")[0]


def test_a_whole_plan() -> None:
    minute = Call("time_bucket", (Column("timestamp"), Interval(1, "MINUTE")))
    rendered = render(
        QueryPlan(
            "metrics",
            "it's",
            (Selected(minute, "minute; --"), Selected(Call("avg", (V,)), "mean")),
            where=all_of(between("timestamp", 5, 9), Call("=", (Tag("tags", "a'b"), Literal("x")))),
            group_by=(Output("minute; --"),),
            having=Call(">", (Output("mean"), Literal(1.5))),
            order_by=(Order(Output("mean"), True), Order(Output("minute; --"))),
            limit=7,
            offset=3,
            distinct=True,
        ),
        "db",
    )
    assert rendered.sql == (
        "SELECT DISTINCT toDateTime(toStartOfInterval(`timestamp`, INTERVAL 1 MINUTE), 'UTC') AS o0, "
        "avgWeighted(toFloat64(`value`), toFloat64(`count`)) AS o1 FROM `db`.`metrics` "
        "WHERE workspace = {p0:String} AND (((`timestamp` >= fromUnixTimestamp64Milli({p1:Int64}, 'UTC')) AND "
        "(`timestamp` < fromUnixTimestamp64Milli({p2:Int64}, 'UTC'))) AND (`tags`[{p3:String}] = {p4:String})) "
        "GROUP BY o0 HAVING (o1 > {p5:Float64}) ORDER BY o1 DESC, o0 LIMIT 7 OFFSET 3"
    )
    assert rendered.params == {"p0": "it's", "p1": 5, "p2": 9, "p3": "a'b", "p4": "x", "p5": 1.5}
    assert rendered.columns == (ResultColumn("minute; --", "time"), ResultColumn("mean", "number"))


@pytest.mark.parametrize(
    ("expr", "sql"),
    [
        (Call("count"), "sum(`count`)"),
        (Call("rows"), "count()"),
        (Call("sum", (V,)), "sum((`value` * `count`))"),
        (Call("sum", (Column("count"),)), "sum(`count`)"),
        (Call("sum", (Call("*", (V, Column("count"))),)), "sum((`value` * `count`))"),
        (Call("min", (V,)), "minOrNull(`value`)"),
        (Call("rate", (V,), (60.0,)), "(sum((`value` * `count`)) / 60.0)"),
        (Call("quantile", (V,), (0.95,)), "quantileExactWeighted(0.95)(toFloat64(`value`), `count`)"),
        (Call("count_if", (FAILED,)), "sumIf(`count`, (`status_code` >= {p0:Int64}))"),
        (
            Call("avg_if", (V, FAILED)),
            "avgWeightedIf(toFloat64(`value`), toFloat64(`count`), (`status_code` >= {p0:Int64}))",
        ),
        (
            Call("quantile_if", (V, FAILED), (0.5,)),
            "quantileExactWeightedIf(0.5)(toFloat64(`value`), `count`, (`status_code` >= {p0:Int64}))",
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
