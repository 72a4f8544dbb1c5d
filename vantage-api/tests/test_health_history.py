"""A history is the score of every step, against what was normal before it. Pure, by tables."""

from typing import Any

import pytest
from vantage_api.health_history import MAX_ROWS, Course, Step, course_for, fleet_steps, idle, may_be_dark, steps_of
from vantage_api.live.plan import ServiceKey
from vantage_api.times import HOUR_MS, Range
from vantage_common.errors import UserError
from vantage_common.store.plan import Result, ResultColumn

MIDNIGHT = 1_790_035_200_000 // 86_400_000 * 86_400_000
DAY_MS, WEEK_MS = 24 * HOUR_MS, 7 * 24 * HOUR_MS
NOON = MIDNIGHT + 12 * HOUR_MS
CHECKOUT = ServiceKey("production", "checkout")
COURSE = Course(Range(NOON, NOON + 3 * 600_000), 600)
FIGURES = ("count", "errors", "p95_ms", "minutes")


def table(names: tuple[str, ...], *rows: tuple[Any, ...], service: str = "checkout") -> Result:
    columns = tuple(ResultColumn(name, "number") for name in ("service_name", "environment", "at", *names))
    return Result(columns, tuple((service, "production", *row) for row in rows), 1.0, "metrics")


NOTHING = (table(FIGURES), table(("count", "errors")), table(("count", "p95_ms")), table(("count",)))


def asked(
    figures: Result, dark: Result = NOTHING[1], days: Result = NOTHING[2], traffic: Result = NOTHING[3]
) -> tuple[Result, Result, Result, Result]:
    return figures, dark, days, traffic


def scored(*sources: tuple[Result, Result, Result, Result], course: Course = COURSE) -> list[Step]:
    return steps_of(course, [*sources, NOTHING])[CHECKOUT]


def test_a_step_without_requests_is_unknown_and_never_healthy() -> None:
    steps = scored(asked(table(FIGURES, (NOON, 100, 0, 20.0, 10))))
    assert [step.health.status for step in steps] == ["HEALTHY", "UNKNOWN", "UNKNOWN"]
    assert [step.health.score for step in steps] == [100, None, None]
    assert [step.health.score for step in idle(COURSE)] == [None, None, None]


def test_the_minutes_in_which_everything_failed_are_availability() -> None:
    figures = table(FIGURES, (NOON, 100, 10, 20.0, 10), (NOON + 600_000, 100, 10, 20.0, 10))
    dark = table(("count", "errors"), (NOON + 60_000, 5, 5), (NOON + 120_000, 5, 5))
    first, second, _ = scored(asked(figures, dark))
    assert first.observed is not None
    assert second.observed is not None
    assert first.observed.availability == pytest.approx(0.8)
    assert second.observed.availability == 1.0
    assert first.observed.error_ratio == 0.1


STEP_MS = 600_000
WELL, FAILED = (100, 0, 20.0, 10), (100, 1, 20.0, 10)


@pytest.mark.parametrize(
    ("metric", "spans", "ranges"),
    [
        ((), (), [None, None]),
        ((WELL, WELL), (), [None, None]),
        ((WELL, FAILED), (), [(1, 2), None]),
        ((FAILED, WELL, FAILED), (), [(0, 3), None]),
        ((WELL,), (FAILED,), [None, None]),
        ((WELL,), (FAILED, FAILED), [None, (1, 2)]),
        ((FAILED,), (FAILED, WELL, FAILED), [(0, 1), (2, 3)]),
    ],
)
def test_dark_minutes_matter_where_something_failed_and_no_earlier_source_has_requests(
    metric: tuple[Any, ...], spans: tuple[Any, ...], ranges: list[tuple[int, int] | None]
) -> None:
    figures = [
        table(FIGURES, *((NOON + n * STEP_MS, *row) for n, row in enumerate(rows) if row)) for rows in (metric, spans)
    ]
    wanted = [each and Range(NOON + each[0] * STEP_MS, NOON + each[1] * STEP_MS) for each in ranges]
    assert may_be_dark(COURSE, figures) == wanted


def test_what_one_service_sends_as_a_metric_another_may_send_as_spans() -> None:
    metric, spans = (table(FIGURES, (NOON, *FAILED), service=name) for name in ("cart", "checkout"))
    assert may_be_dark(COURSE, [metric, spans]) == [Range(NOON, NOON + STEP_MS)] * 2


def test_the_last_step_that_may_be_dark_ends_with_the_range() -> None:
    course = Course(Range(NOON, NOON + 660_000), 600)
    assert may_be_dark(course, [table(FIGURES, (NOON + STEP_MS, *FAILED))]) == [Range(NOON + STEP_MS, NOON + 660_000)]


def test_the_p95_is_held_against_that_of_the_day_before() -> None:
    figures = table(FIGURES, (NOON, 100, 0, 60.0, 10))
    yesterday = table(("count", "p95_ms"), (MIDNIGHT - DAY_MS, 500, 20.0))
    today = table(("count", "p95_ms"), (MIDNIGHT, 500, 20.0))
    assert scored(asked(figures, days=yesterday))[0].health.factors["response_time"].state == "ok"
    assert scored(asked(figures, days=today))[0].health.factors["response_time"].state == "learning"
    few = table(("count", "p95_ms"), (MIDNIGHT - DAY_MS, 499, 20.0))
    assert scored(asked(figures, days=few))[0].health.factors["response_time"].state == "learning"


@pytest.mark.parametrize(
    ("weeks_ago", "requests", "score"),
    [((1,), 3600, 100.0), ((4,), 3600, 100.0), ((1, 2), 720, 50.0), ((5,), 3600, None), ((1,), 99, None)],
)
def test_the_traffic_is_held_against_the_same_hour_of_earlier_weeks(
    weeks_ago: tuple[int, ...], requests: int, score: float | None
) -> None:
    figures = table(FIGURES, (NOON, 600, 0, 20.0, 10))
    hours = table(("count",), *((NOON - weeks * WEEK_MS, requests) for weeks in weeks_ago))
    factor = scored(asked(figures, traffic=hours))[0].health.factors["request_rate"]
    assert (factor.score, factor.state) == (score, "learning" if score is None else "ok")


def test_steps_of_several_hours_repeat_by_the_week_or_are_learned_by_the_hour() -> None:
    assert Course(COURSE.window, 6 * 3600).traffic_s == 6 * 3600
    assert Course(COURSE.window, 5 * 3600).traffic_s == 3600
    assert Course(COURSE.window, 600).traffic_s == 3600


def test_the_metric_is_read_where_there_is_one_and_else_the_spans() -> None:
    metric = asked(table(FIGURES, (NOON, 100, 0, 20.0, 10)))
    spans = asked(table(FIGURES, (NOON, 55, 55, 1.0, 10), (NOON + 600_000, 7, 0, 1.0, 1)))
    assert [step.observed and step.observed.requests for step in scored(metric, spans)] == [100, 7, None]


def test_the_rate_of_the_last_step_is_that_of_its_part() -> None:
    course = Course(Range(NOON, NOON + 660_000), 600)
    first, last = scored(asked(table(FIGURES, (NOON, 600, 0, 1.0, 10), (NOON + 600_000, 60, 0, 1.0, 1))), course=course)
    assert first.observed is not None
    assert last.observed is not None
    assert (first.observed.requests_per_second, last.observed.requests_per_second) == (1.0, 1.0)


def test_the_fleet_is_the_mean_by_requests() -> None:
    well = table(FIGURES, (NOON, 300, 0, 1.0, 10))
    ill = table(FIGURES, (NOON, 100, 100, 1.0, 10), service="cart")
    both = Result(well.columns, (*well.rows, *ill.rows), 1.0, "metrics")
    dark = table(("count", "errors"), *((NOON + 60_000 * n, 10, 10) for n in range(10)), service="cart")
    first, *rest = fleet_steps(COURSE, steps_of(COURSE, [asked(both, dark)]))
    assert (first.score, first.requests, first.error_ratio) == (75, 400, 0.25)
    assert first.statuses == {"HEALTHY": 1, "DEGRADED": 0, "UNHEALTHY": 1, "UNKNOWN": 0}
    assert [(step.score, step.error_ratio, step.statuses["UNKNOWN"]) for step in rest] == [(None, None, 2)] * 2


@pytest.mark.parametrize(
    ("asked_ms", "step_s", "chosen_s"),
    [(HOUR_MS, None, 60), (DAY_MS, None, 900), (DAY_MS, 60, 60), (DAY_MS - 30_000, None, 900), (60_000, 3600, 3600)],
)
def test_steps_are_whole_minutes(asked_ms: int, step_s: int | None, chosen_s: int) -> None:
    course = course_for(Range(NOON + 30_000, NOON + 30_000 + asked_ms), step_s)
    assert course.step_s == chosen_s
    assert course.window.start_ms % (chosen_s * 1000) == 0
    assert course.window.start_ms <= NOON + 30_000


def test_too_many_steps_are_refused_with_one_that_would_do() -> None:
    with pytest.raises(UserError, match="more than 2000 steps") as refused:
        course_for(Range(NOON, NOON + 7 * DAY_MS), 60)
    assert "360 s" in (refused.value.hint or "")


def test_more_rows_than_are_read_are_refused_rather_than_cut() -> None:
    rows = tuple(("checkout", "production", NOON, 1, 0, 1.0, 1) for _ in range(MAX_ROWS + 1))
    with pytest.raises(UserError, match="more than"):
        scored(asked(Result(NOTHING[0].columns, rows, 1.0, "metrics")))
