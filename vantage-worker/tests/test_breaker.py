"""The store is left alone after some failures, and probed by one call at a time."""

from vantage_common.clock import ManualClock
from vantage_worker.breaker import GAUGE, Breaker


def test_the_fifth_failure_in_a_row_opens_it() -> None:
    breaker = Breaker(ManualClock(0))
    for _ in range(4):
        breaker.failed()
    breaker.succeeded()
    for _ in range(4):
        breaker.failed()
    assert (breaker.state, breaker.allows()) == ("closed", True)
    breaker.failed()
    assert (breaker.state, breaker.allows()) == ("open", False)


def test_after_a_minute_one_call_decides() -> None:
    clock = ManualClock(0)
    breaker = Breaker(clock)
    for _ in range(5):
        breaker.failed()
    clock.advance(59.9)
    assert not breaker.allows()
    clock.advance(0.1)
    assert (breaker.state, breaker.allows()) == ("half_open", True)
    breaker.failed()
    assert (breaker.state, breaker.allows()) == ("open", False)
    clock.advance(60)
    breaker.succeeded()
    assert breaker.state == "closed"


def test_the_gauge_rises_with_the_trouble() -> None:
    assert GAUGE["closed"] < GAUGE["half_open"] < GAUGE["open"]
