"""What is normal at an hour of the week."""

from math import sqrt
from random import Random
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vantage_api.alerts.seasonal import (
    HOUR_MS,
    MIN_SLOTS,
    RELATIVE_FLOOR,
    WEEK_HOURS,
    Season,
    Spread,
    learn,
    season_of,
    spread_of,
    week_hour,
)

MONDAY = 20_000 * 24 + 4 * 24 - (20_000 % 7) * 24  # hours since the epoch, a Monday, 00:00 UTC
VALUES = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40)


def weeks_of(hourly: list[list[float]], weeks: int = 1) -> dict[int, Spread]:
    """The 168 hours of a week with their slots, for some weeks."""
    return {
        MONDAY + week * WEEK_HOURS + hour: spread_of(values)
        for week in range(weeks)
        for hour, values in enumerate(hourly)
    }


def at(hour: int, minute: int = 30) -> int:
    return (MONDAY + hour) * HOUR_MS + minute * 60_000


@given(VALUES, VALUES)
def test_spreads_add_up_to_the_spread_of_everything(left: list[float], right: list[float]) -> None:
    both = spread_of(left).plus(spread_of(right))
    assert both.n == len(left) + len(right)
    assert both.mean == pytest.approx(fmean(left + right), abs=1e-6)
    assert both.sigma == pytest.approx(stdev(left + right), rel=1e-6, abs=1e-3)


def test_the_week_begins_on_monday() -> None:
    assert week_hour(MONDAY) == 0
    assert week_hour(MONDAY - 1) == WEEK_HOURS - 1
    assert week_hour(0) == 3 * 24  # the epoch began on a Thursday


def test_each_hour_of_the_week_has_its_own_normal() -> None:
    rng = Random(1)
    hourly = [[rng.gauss(100 + hour, 10) for _ in range(12)] for hour in range(WEEK_HOURS)]
    season = season_of(weeks_of(hourly))
    busy, quiet = season.at(at(160)), season.at(at(5))
    assert busy is not None
    assert quiet is not None
    assert busy.mean == pytest.approx(fmean(hourly[160]))
    assert quiet.mean == pytest.approx(fmean(hourly[5]))
    assert quiet.sigma >= stdev(hourly[5]) * 0.999


def test_between_the_middles_of_two_hours_normal_is_between_them() -> None:
    hourly = [[float(hour % 2) * 100 + 100] * 12 for hour in range(WEEK_HOURS)]
    season = season_of(weeks_of(hourly))
    found = [season.at(at(10, minute)) for minute in (30, 45, 59)]
    assert [round(band.mean) for band in found if band] == [100, 125, 148]


def test_nothing_is_normal_before_its_hour_was_seen_often_enough() -> None:
    assert season_of({}).at(at(0)) is None
    few = season_of({MONDAY: spread_of([1.0] * (MIN_SLOTS - 1))})
    enough = season_of({MONDAY: spread_of([1.0] * MIN_SLOTS)})
    assert few.at(at(0)) is None
    assert enough.at(at(0)) is not None
    assert enough.at(at(3)) is None


def test_a_flat_line_may_move_a_little() -> None:
    band = season_of(weeks_of([[200.0] * 12] * WEEK_HOURS)).at(at(7))
    assert band is not None
    assert band.sigma == pytest.approx(200 * RELATIVE_FLOOR)


def test_a_line_at_nothing_has_no_deviations_but_those_it_is_given() -> None:
    hours = weeks_of([[0.0] * 12] * WEEK_HOURS)
    bare, floored = season_of(hours).at(at(7)), season_of(hours, 0.005).at(at(7))
    assert bare is not None
    assert bare.sigma == 0
    assert floored is not None
    assert floored.sigma == 0.005


def test_an_hour_that_was_calm_by_chance_is_as_restless_as_the_week() -> None:
    rng = Random(2)
    hourly = [[rng.gauss(100, 20) for _ in range(12)] for _ in range(WEEK_HOURS)]
    hourly[50] = [100.0] * 12
    band = season_of(weeks_of(hourly)).at(at(50))
    assert band is not None
    assert band.sigma > 15


def learned(season: Season, values: list[float]) -> Spread:
    return learn({}, MONDAY + WEEK_HOURS, values, season)[MONDAY + WEEK_HOURS]


def test_what_is_out_of_the_ordinary_teaches_no_more_than_the_edge_of_normal() -> None:
    season = season_of(weeks_of([[100.0] * 12] * WEEK_HOURS))
    edge = 100 + 3 * 100 * RELATIVE_FLOOR
    assert learned(season, [10_000.0] * 12).mean == pytest.approx(edge)
    assert learned(season, [104.0] * 12).mean == pytest.approx(104)


def test_a_lasting_change_is_no_alarm_after_two_weeks_and_normal_after_three() -> None:
    rng = Random(3)
    hours: dict[int, Spread] = {}
    season = season_of(hours)
    away: list[float] = []
    for hour in range(7 * WEEK_HOURS):
        level = 100 if hour < 4 * WEEK_HOURS else 150
        if hour % WEEK_HOURS == 0 and hour > 4 * WEEK_HOURS:
            band = season_of(hours).at(at(hour))
            assert band is not None
            away.append((level - band.mean) / band.sigma)
        if hour % 24 == 0:
            season = season_of(hours)
        hours = learn(hours, MONDAY + hour, [rng.gauss(level, 5) for _ in range(12)], season)
    band = season_of(hours).at(at(7 * WEEK_HOURS))
    assert band is not None
    away.append((150 - band.mean) / band.sigma)
    assert away[0] > 3 > away[1]
    assert away[2] < 2
    assert len(hours) == 4 * WEEK_HOURS  # older ones are forgotten


def test_sigma_is_that_of_a_sample() -> None:
    assert spread_of([1, 3]).sigma == pytest.approx(sqrt(2))
    assert spread_of([5]).sigma == 0


def test_a_week_tells_how_days_differ() -> None:
    rng = Random(4)
    days = [rng.gauss(1, 0.2) for _ in range(7)]
    hourly = [[100 * days[hour // 24] * rng.gauss(1, 0.01) for _ in range(12)] for hour in range(WEEK_HOURS)]
    band = season_of(weeks_of(hourly)).at(at(50))
    assert band is not None
    assert 0.08 < band.sigma / band.mean < 0.4  # within the hour it was 1 %, and the least is 5 %
