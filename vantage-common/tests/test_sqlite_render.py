"""A plan in SQLite's words, and the days it needs. tests/contract compares what they mean with ClickHouse."""

import pytest
from vantage_common.errors import UserError
from vantage_common.store.functions import FUNCTIONS
from vantage_common.store.plan import Call, Column, Expr, Interval, Literal, Output, QueryPlan, Selected, Tag, Time
from vantage_common.store.sqlite_render import AGGREGATES, SCALARS, Bounds, render_sqlite, time_bounds

AT = Column("timestamp")
SERVICE = Call("=", (Column("service_name"), Literal("s")))


def is_(function: str, ms: int) -> Expr:
    return Call(function, (AT, Time(ms)))


@pytest.mark.parametrize(
    ("condition", "bounds"),
    [
        (None, (None, None)),
        (SERVICE, (None, None)),
        (is_("=", 5), (5, 5)),
        (is_(">", 5), (5, None)),
        (is_("<=", 5), (None, 5)),
        (is_("!=", 5), (None, None)),
        (Call("<", (Time(5), AT)), (5, None)),
        (Call("between", (AT, Time(3), Time(9))), (3, 9)),
        (Call("in", (AT, Time(9), Time(3))), (3, 9)),
        (Call("and", (is_(">=", 3), SERVICE, is_("<", 9), is_("<", 7))), (3, 7)),
        (Call("or", (Call("and", (is_(">=", 3), is_("<", 5))), is_("=", 9))), (3, 9)),
        (Call("or", (is_(">=", 3), SERVICE)), (None, None)),
        (Call("not", (is_(">=", 3),)), (None, None)),
        (Call(">=", (AT, Call("-", (Time(7_200_000), Interval(1, "HOUR"))))), (3_600_000, None)),
        (Call(">=", (AT, Call("-", (Time(5), Interval(1, "MONTH"))))), (None, None)),
        (Call(">=", (Column("start_time"), Time(3))), (None, None)),
    ],
)
def test_a_condition_bounds_the_time(condition: Expr | None, bounds: Bounds) -> None:
    assert time_bounds(condition, "timestamp") == bounds


def test_a_whole_plan() -> None:
    rendered = render_sqlite(
        QueryPlan(
            "logs",
            "it's",
            (Selected(Call("time_bucket", (AT, Interval(1, "MINUTE"))), "m"), Selected(Call("count"), "n")),
            where=Call("and", (is_(">=", 86_400_000), Call("=", (Tag("attributes", "a'b"), Literal("x"))))),
            group_by=(Output("m"),),
            having=Call(">", (Output("n"), Literal(1))),
            limit=7,
        )
    )
    assert rendered.sql == (
        'SELECT (CAST(t."timestamp" AS INTEGER) / 60000 * 60000) AS o0, count(*) AS o1 FROM "logs" AS t '
        "WHERE t._day IN (SELECT day FROM days WHERE name = :p0 AND day BETWEEN :p1 AND :p2) AND t.workspace = :p3 "
        'AND ((t."timestamp" >= :p4) AND (coalesce(json_extract(t."attributes", :p5), \'\') = :p6)) '
        'GROUP BY (CAST(t."timestamp" AS INTEGER) / 60000 * 60000) HAVING (count(*) > :p7) LIMIT 7'
    )
    assert rendered.params == {
        "p0": "logs",
        "p1": 1,
        "p2": 2**31,
        "p3": "it's",
        "p4": 86_400_000,
        "p5": '$."a\'b"',
        "p6": "x",
        "p7": 1,
    }


@pytest.mark.parametrize("key", ["", 'q"uote', "back\\slash", "line\nbreak"])
def test_a_key_that_fits_no_path_is_looked_up_by_itself(key: str) -> None:
    rendered = render_sqlite(QueryPlan("logs", "w", (Selected(Tag("attributes", key), "x"),)))
    assert rendered.sql.startswith('SELECT map_value(t."attributes", :p4)')
    assert rendered.params["p4"] == key


def test_a_column_beside_an_aggregate_must_be_grouped_by() -> None:
    loose = QueryPlan("logs", "w", (Selected(Column("body"), "b"), Selected(Call("count"), "n")))
    with pytest.raises(UserError, match="body is neither aggregated nor grouped"):
        render_sqlite(loose)


def test_every_function_has_its_words_but_the_one_for_rollups() -> None:
    plain = {function.name for function in FUNCTIONS.values() if not function.has_condition}
    assert plain - {*SCALARS, *AGGREGATES} == {"merge_bins"}
    assert {*SCALARS, *AGGREGATES} <= plain
