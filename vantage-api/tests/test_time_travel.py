"""Which past can be asked for, and what slots become: pure, without a store."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from vantage_api.live.plan import ServiceKey
from vantage_api.live.rolling import WINDOW_S
from vantage_api.live.state import City, KnownService
from vantage_api.time_travel.past import registry_of
from vantage_api.time_travel.rebuild import History
from vantage_api.time_travel.when import DAY_MS, MAX_CELLS, MAX_FRAMES, STEPS_S, Steps, moment, page, steps
from vantage_api.times import Range
from vantage_common.errors import UserError
from vantage_common.health import Baseline
from vantage_common.logbins import bin_of
from vantage_common.model import PULSE_GAMMA

NOW_MS = 1_790_000_000_000
KEPT_DAYS = 90
KEY = ServiceKey("production", "checkout")


@given(st.integers(0, KEPT_DAYS * DAY_MS - 200_000))
def test_a_moment_is_the_last_slot_that_has_ended_and_finer_within_a_week(ago_ms: int) -> None:
    found = moment(NOW_MS - ago_ms, NOW_MS, KEPT_DAYS)
    assert found.resolution_s == (10 if ago_ms <= 7 * DAY_MS - 60_000 else 60)
    assert 0 <= NOW_MS - ago_ms - found.at_ms < found.resolution_s * 1000
    assert found.at_ms % (found.resolution_s * 1000) == 0


@given(st.integers(0, 89 * DAY_MS), st.integers(1, 89 * DAY_MS), st.none() | st.sampled_from(STEPS_S))
def test_a_replay_has_at_most_so_many_frames_within_its_range(ago_ms: int, length_ms: int, step_s: int | None) -> None:
    end_ms = NOW_MS - ago_ms
    asked = Range(max(NOW_MS - 89 * DAY_MS, end_ms - length_ms), end_ms)
    try:
        found = steps(asked, step_s, NOW_MS, KEPT_DAYS)
    except UserError:
        assume(False)
    moments = found.moments()
    assert 1 <= len(moments) <= MAX_FRAMES
    assert asked.start_ms <= moments[0]
    assert moments[-1] <= asked.end_ms
    assert step_s in (None, found.step_s)
    assert all(at % (found.step_s * 1000) == 0 for at in moments[:3])


@given(st.integers(1, MAX_FRAMES), st.integers(0, 50_000))
def test_pages_follow_one_another_without_a_gap(frames: int, services: int) -> None:
    asked = Steps(10_000, 10_000 * frames, 10)
    seen: list[int] = []
    start: int | None = asked.start_ms
    while start is not None:
        part, start = page(Steps(start, asked.end_ms, 10), services)
        assert len(part.moments()) * services <= max(MAX_CELLS, services)
        seen.extend(part.moments())
    assert seen == list(asked.moments())


def history(*slots: tuple[int, int, int], source: str = "metric", instances: int = 2) -> History:
    """Slots of 10 s: (at in seconds, requests, errors), each request 100 ms."""
    found = History(WINDOW_S)
    row = {"service_name": KEY.name, "environment": KEY.environment}
    bins = bin_of(100.0, PULSE_GAMMA)
    found.add_slots(
        "metric" if source == "metric" else "span",
        [row | {"at": at * 1000, "count": n, "errors": e, "bins": {bins: n}} for at, n, e in slots],
    )
    found.add_instances([row | {"at": at // 60 * 60_000, "instances": instances} for at, _, _ in slots])
    return found


def test_a_moment_shows_the_slot_that_ends_with_it() -> None:
    shown = history((0, 40, 4), (10, 50, 0)).moments(KEY, [10_000, 20_000], Baseline(p95_ms=100.0))
    assert [(s.rps, s.error_ratio, s.pods, s.health.status) for s in shown] == [
        (4.0, 0.1, 2, "UNHEALTHY"),
        (5.0, 0.0, 2, "HEALTHY"),
    ]
    assert shown[0].p95_ms == pytest.approx(100, rel=0.01)


def test_a_quiet_service_is_judged_by_its_minute_and_is_unknown_after_half_of_one() -> None:
    found = history(*((at, 4, 1 if at == 0 else 0) for at in range(0, 60, 10)))
    shown = found.moments(KEY, [60_000, 80_000, 90_000], Baseline())
    assert [(s.requests, s.health.status) for s in shown] == [(4, "DEGRADED"), (0, "HEALTHY"), (0, "UNKNOWN")]
    assert shown[0].health.factors["error_rate"].value == pytest.approx(1 / 24)


def test_metrics_win_over_spans_within_a_minute() -> None:
    found = history((0, 10, 0))
    row = {"service_name": KEY.name, "environment": KEY.environment, "errors": 0, "bins": {}}
    found.add_slots("span", [row | {"at": at * 1000, "count": 99} for at in range(0, 100, 10)])
    shown = found.moments(KEY, [10_000, 60_000, 70_000], Baseline())
    assert [s.requests for s in shown] == [10, 0, 99]
    assert [found.source(KEY, at) for at in (10_000, 60_000, 70_000)] == ["metric", "metric", "span"]


def test_one_of_whom_nothing_is_stored_is_unknown() -> None:
    (shown,) = history().moments(KEY, [10_000], Baseline())
    assert (shown.rps, shown.error_ratio, shown.p95_ms, shown.health.status) == (0.0, None, None, "UNKNOWN")


def test_those_who_left_keep_their_lot_and_get_a_number_that_nobody_has() -> None:
    city = City()
    known = [
        KnownService(ServiceKey("p", name), "shop", first, last)
        for name, first, last in (("old", 1000, NOW_MS - 40 * 60_000), ("a", 2000, NOW_MS), ("b", 3000, NOW_MS))
    ]
    city.learn(known, {}, NOW_MS)
    live = dict(city.registry.buildings)
    then = registry_of(city, known, NOW_MS - 60 * 60_000, NOW_MS)
    assert [key.name for key in then] == ["old", "a", "b"]
    assert {then[key] for key in live} == set(live.values())
    assert len({building.slot for building in then.values()}) == 3
    assert len({(b.lot.x, b.lot.z) for b in then.values()}) == 3
    assert list(registry_of(city, known, NOW_MS - 60_000, NOW_MS)) == list(live)
    assert registry_of(city, known, 0, 500) == {}
