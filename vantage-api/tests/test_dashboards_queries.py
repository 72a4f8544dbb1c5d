"""A panel's query with its variables and its range, and where an error in it is."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from vantage_api.dashboards import builtin, data
from vantage_api.dashboards.models import Content, Panel, Variable
from vantage_api.dashboards.queries import check, chosen, compile_panel, fill, interval, quoted, with_range
from vantage_api.times import Range
from vantage_common.errors import UserError
from vantage_common.store.plan import Call, Column, Literal, QueryPlan, Time

NOON_MS = 1_790_078_400_000
HOUR = Range(NOON_MS - 3_600_000, NOON_MS)


def panel(query: str, id_: str = "p") -> Panel:
    position = {"x": 0, "y": 0, "w": 6, "h": 4}
    return Panel.model_validate({"id": id_, "title": "t", "query": query, "chart": "line", "position": position})


def plan_of(query: str, **values: str) -> QueryPlan:
    return compile_panel(panel(query), values, "w", HOUR)


def test_the_range_that_is_asked_for_bounds_the_query() -> None:
    plan = plan_of("SELECT count() AS n FROM logs")
    time = Column("timestamp")
    assert plan.where == Call("and", (Call(">=", (time, Time(HOUR.start_ms))), Call("<", (time, Time(HOUR.end_ms)))))
    assert plan.workspace == "w"


@pytest.mark.parametrize("ending", ["", ";", " ;\n", " -- a comment", " LIMIT 5", " TIMESERIES 1 MINUTE"])
def test_the_range_goes_behind_whatever_the_query_ends_with(ending: str) -> None:
    assert plan_of(f"SELECT count() AS n FROM logs{ending}").where is not None


@pytest.mark.parametrize("own", ["SINCE 1 DAY", "UNTIL '2026-01-31T12:00:00Z'"])
def test_a_query_with_a_range_of_its_own_keeps_it(own: str) -> None:
    text = f"SELECT count() AS n FROM logs {own}"
    assert with_range(text, HOUR) == text


@pytest.mark.parametrize(("ending", "rows_told"), [("", data.MAX_ROWS + 1), (" LIMIT 5", 5)])
def test_whoever_shows_rows_hears_of_more_than_there_is_room_for(ending: str, rows_told: int) -> None:
    assert min(plan_of(f"SELECT body FROM logs{ending}").limit, data.MAX_ROWS + 1) == rows_told


def test_a_word_in_a_text_is_no_range() -> None:
    assert "SINCE 179" in with_range("SELECT count() AS n FROM logs WHERE body = 'SINCE 1 DAY'", HOUR)


def test_variables_are_texts_and_interval_is_the_step_of_the_range() -> None:
    plan = plan_of("SELECT count() AS n FROM logs WHERE service_name = $service TIMESERIES $interval", service="a'b\\")
    assert plan.where is not None
    assert 'Literal(value="a\'b\\\\")' in repr(plan.where)
    assert interval(HOUR) == "60 SECOND"
    assert interval(Range(0, 24 * 3_600_000)) == "900 SECOND"
    assert interval(Range(0, 3 * 366 * 86_400_000)) == "604800 SECOND"


@example("'")
@example("\\'")
@example("x' OR 'a' = 'a")
@example("'); SELECT 1 --")
@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_a_value_is_a_text_whatever_it_holds(value: str) -> None:
    """It never ends the text it is in, so it is never a part of the query."""
    try:
        plan = compile_panel(
            panel("SELECT count() AS n FROM logs WHERE body = $x SINCE 1 DAY"), {"x": value}, "w", HOUR
        )
    except UserError as error:
        pytest.fail(f"{value!r}: {error}")
    found = [part.value for part in _literals(plan.where)]
    assert found == [value]


def _literals(expr: object) -> list[Literal]:
    if isinstance(expr, Call):
        return [found for arg in expr.args for found in _literals(arg)]
    return [expr] if isinstance(expr, Literal) else []


@pytest.mark.parametrize(
    ("query", "at"),
    [
        ("SELECT nope FROM metrics", "nope"),
        ("SELECT avg(value) AS v FROM metrics WHERE service_name = $service AND nope = 1", "nope"),
        ("SELECT avg(value) AS v FROM metrics WHERE nope = ${service}", "nope"),
        (
            "SELECT avg(value) AS v FROM metrics WHERE environment = $service AND service_name = $service AND nope = 1",
            "nope",
        ),
        ("SELECT avg(value) AS v FROM metrics WHERE service_name = $missing", "$missing"),
    ],
)
def test_an_error_is_where_it_is_in_the_query_as_it_was_written(query: str, at: str) -> None:
    with pytest.raises(UserError) as refused:
        plan_of(query, service="a service with a long name")
    assert refused.value.position == query.index(at)


def test_an_error_names_its_panel() -> None:
    content = Content(
        name="d",
        description="",
        variables=[],
        panels=[panel("SELECT count() AS n FROM logs", "a"), panel("SELECT x FROM logs", "b")],
    )
    with pytest.raises(UserError) as refused:
        check(content, "w", HOUR)
    error = refused.value
    assert (error.code, error.status, error.position) == ("bad_panel", 422, 7)
    assert error.message.startswith("panel 1 (b): ")
    assert [detail.loc for detail in error.details] == ["panels.1.query"]


def test_a_variable_in_a_text_does_not_hide() -> None:
    assert fill("a $x b ${x} c $$", {"x": quoted("v")}).text == "a 'v' b 'v' c $$"


def test_values_that_are_left_out_have_their_default() -> None:
    variables = [
        Variable(name=name, default=value, choices=[]) for name, value in (("service", "cart"), ("region", "eu"))
    ]
    assert chosen(variables, {"region": "us"}) == {"service": "cart", "region": "us"}
    with pytest.raises(UserError, match="no variable nope"):
        chosen(variables, {"nope": "x"})


def test_the_example_compiles() -> None:
    check(builtin.CONTENT, "w", HOUR)
