"""What one service shows: complete seconds only, decay to zero, unknown, and one source of its numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vantage_api.live.service import MAX_DELAY_MS, Delay, ServiceNow
from vantage_api.live.state import City
from vantage_common.clock import ManualClock

from tests.live_pulses import START_MS, Agent, pulse

START_S = START_MS // 1000


def fed(*pulses_at: tuple[int, int], lag_s: int = 0) -> ServiceNow:
    """A service with pulses of (second after the start, count), each arriving `lag_s` later."""
    service = ServiceNow()
    for second, count in pulses_at:
        service.ingest(pulse(START_S + second, count), START_MS + (second + lag_s) * 1000)
    return service


def at(seconds: float) -> int:
    return START_MS + round(seconds * 1000)


@pytest.mark.parametrize("every_s", [1, 3, 5, 7, 10])
def test_a_steady_load_is_shown_steady_however_rarely_the_agent_flushes(every_s: int) -> None:
    clock = ManualClock(START_MS)
    agent = Agent(City(), clock, every_s=every_s)
    agent.run(40)
    assert set(agent.run(60)) == {10.0}


def test_a_step_is_shown_without_overshoot() -> None:
    clock = ManualClock(START_MS)
    shown = Agent(City(), clock).run(60)
    assert shown == sorted(shown)
    assert max(shown) == 10.0


def test_rps_is_the_count_of_ten_seconds_over_ten_and_decays_to_zero() -> None:
    service = fed(*((second, 50) for second in range(10)), lag_s=1)
    shown = [service.measure(at(10 + later)).rps for later in range(14)]
    assert shown[0] == 50.0
    assert shown[-1] == 0.0
    assert shown == sorted(shown, reverse=True)


def test_a_service_is_unknown_after_thirty_silent_seconds() -> None:
    service = fed((0, 50))
    assert service.measure(at(30)).health.status == "HEALTHY"
    silent = service.measure(at(30.1))
    assert (silent.health.score, silent.health.status, silent.rps) == (None, "UNKNOWN", 0.0)


def test_error_ratio_and_p95_are_of_the_window() -> None:
    service = ServiceNow()
    service.ingest(pulse(START_S, 90, 0, duration_ms=10), START_MS)
    service.ingest(pulse(START_S, 10, 10, duration_ms=500), START_MS)
    measured = service.measure(at(2))
    assert measured.error_ratio == 0.1
    assert measured.p95_ms == pytest.approx(500, rel=0.01)
    assert measured.health.status == "UNHEALTHY"


def test_a_single_failure_of_a_quiet_service_is_judged_by_its_minute() -> None:
    service = fed(*((second, 1) for second in range(59)))
    service.ingest(pulse(START_S + 59, 1, 1), at(59))
    measured = service.measure(at(60))
    assert measured.error_ratio is not None
    assert measured.error_ratio >= 0.1
    assert measured.health.status == "HEALTHY"


def test_pods_are_the_instances_of_a_minute() -> None:
    service = ServiceNow()
    for number, second in ((1, 0), (2, 0), (1, 30), (3, 59)):
        service.ingest(pulse(START_S + second, instance=f"i{number}"), at(second))
    assert [service.measure(at(t)).pods for t in (59, 60, 90, 119)] == [3, 2, 1, 0]


def test_what_is_measured_changes_the_moment_it_has_to() -> None:
    """Not only when a second has passed: with a pulse, and when an instance was last heard of a minute ago."""
    service = ServiceNow()
    service.ingest(pulse(START_S, 10, source="span"), at(0.25))
    first = service.measure(at(1.4))
    assert service.measure(at(1.4)) is first
    service.ingest(pulse(START_S, 5, instance="i2", source="span"), at(0.25))
    assert (service.measure(at(1.4)).count, service.measure(at(1.4)).pods) == (15, 2)
    assert [service.measure(at(t)).pods for t in (60.2, 60.26)] == [2, 0]


def test_metrics_win_over_spans_and_both_are_never_added() -> None:
    service = ServiceNow()
    for second in range(10):
        service.ingest(pulse(START_S + second, 30, source="span"), at(second))
    assert service.measure(at(10)).rps > 20
    for second in range(10):
        service.ingest(pulse(START_S + second, 10, source="metric"), at(10))
    assert service.window(at(20.5)).count == 90


def test_a_clock_that_is_off_is_flagged_and_its_pulses_count_when_they_arrive() -> None:
    service = fed(*((second, 10) for second in range(20)), lag_s=3600)
    measured = service.measure(at(3620))
    assert service.clock_off
    assert measured.rps >= 8
    assert service.delay_ms(at(3620)) < 2000


def test_a_pulse_later_than_the_longest_delay_is_still_shown() -> None:
    service = fed((0, 10), lag_s=20)
    played = list(service.play(at(20.1), lead_ms=150))
    assert [(start_ms, callers[""].count) for start_ms, callers in played] == [(at(20.2), 10)]
    assert not service.clock_off


@given(st.lists(st.integers(-5_000, 30_000), min_size=1, max_size=30))
def test_the_delay_covers_every_recent_lag_up_to_its_limit(lags: list[int]) -> None:
    delay = Delay()
    for number, lag_ms in enumerate(lags):
        delay.observe(at(number), lag_ms)
    shown = delay.at(at(len(lags) - 1))
    assert min(max(lags), MAX_DELAY_MS) <= shown <= MAX_DELAY_MS or max(lags) < 0


def test_a_delay_falls_slowly_once_it_is_no_longer_needed() -> None:
    delay = Delay()
    delay.observe(at(0), 5000)
    assert delay.at(at(0)) == 5000
    assert delay.at(at(30)) == 5000
    assert delay.at(at(31)) == 4900
    assert delay.at(at(41)) == 3900


PULSES = st.lists(
    st.tuples(st.integers(0, 20), st.integers(0, 50), st.integers(0, 12_000), st.sampled_from(["", "web", "app"])),
    max_size=40,
)


@given(PULSES)
def test_every_request_is_played_exactly_once_and_never_in_the_past(
    pulses: list[tuple[int, int, int, str]],
) -> None:
    service = ServiceNow()
    arrivals = sorted((second * 1000 + late_ms, second, count, caller) for second, count, late_ms, caller in pulses)
    played = 0
    for now in range(0, 50_000, 100):
        while arrivals and arrivals[0][0] <= now:
            arrived, second, count, caller = arrivals.pop(0)
            service.ingest(pulse(START_S + second, count, caller=caller), START_MS + arrived)
        for start_ms, callers in service.play(START_MS + now, lead_ms=150):
            assert start_ms > START_MS + now - 300
            played += sum(tally.count for tally in callers.values())
    assert played == sum(count for _, count, _, _ in pulses)


@given(PULSES, st.integers(0, 40))
def test_the_window_is_the_sum_of_its_seconds(pulses: list[tuple[int, int, int, str]], now_s: int) -> None:
    service = ServiceNow()
    for second, count, late_ms, caller in sorted(pulses, key=lambda p: p[0] * 1000 + p[2]):
        service.ingest(pulse(START_S + second, count, caller=caller), START_MS + second * 1000 + late_ms)
    now_ms = at(now_s)
    last = (now_ms - service.delay_ms(now_ms)) // 1000 - START_S
    assert service.measure(now_ms).count == sum(count for second, count, _, _ in pulses if last - 10 < second <= last)
