"""The alarm that ingestion has stopped, and the watchdog that connects anew."""

import pytest
import structlog
from vantage_common.clock import ManualClock
from vantage_worker.stall import MAX_RECONNECT_S, RECONNECT_S, STALLED_S, Alarm, Progress, Watchdog


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(0)


def test_only_work_that_waits_counts_and_only_since_the_last_was_done(clock: ManualClock) -> None:
    progress = Progress(clock)
    clock.advance(3600)
    progress.waiting(True)
    assert progress.stalled_s == 0
    clock.advance(20)
    progress.waiting(True)
    assert progress.stalled_s == 20
    progress.made()
    clock.advance(5)
    assert progress.stalled_s == 5
    progress.waiting(False)
    progress.made()
    clock.advance(100)
    assert progress.stalled_s == 0


def test_the_alarm_rings_after_thirty_seconds_and_every_thirty_until_it_is_over(clock: ManualClock) -> None:
    alarm = Alarm(clock)
    with structlog.testing.capture_logs() as logs:
        states = []
        for second in range(100):
            states.append(alarm.check(float(second), lag=7))
            clock.advance(1)
        assert not alarm.check(0.0)
    assert states == [second > STALLED_S for second in range(100)]
    assert [entry["log_level"] for entry in logs] == ["error", "error", "error", "info"]
    assert (logs[0]["stalled_s"], logs[0]["lag"]) == (31, 7)


def test_the_watchdog_waits_longer_each_time_that_it_did_not_help(clock: ManualClock) -> None:
    watchdog, due = Watchdog(clock), []
    for second in range(1200):
        if watchdog.is_due():
            due.append(second)
        clock.advance(1)
    assert due == [RECONNECT_S, 3 * RECONNECT_S, 7 * RECONNECT_S, 15 * RECONNECT_S]
    for _ in range(10):
        clock.advance(MAX_RECONNECT_S)
        assert watchdog.is_due()
    watchdog.fed()
    clock.advance(RECONNECT_S)
    assert watchdog.is_due()
