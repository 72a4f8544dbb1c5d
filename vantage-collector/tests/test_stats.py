"""Stats: rates of the last minute, and errors that only their own workspace sees."""

from vantage_collector.stats import PerSecond, Stats
from vantage_common.clock import ManualClock
from vantage_common.errors import UserError


def test_a_rate_is_of_the_last_minute_and_decays_to_nothing() -> None:
    clock = ManualClock(0)
    rate = PerSecond(clock)
    rate.add(60)
    rate.add(60)
    clock.advance(30)
    rate.add(60)
    assert rate.rate() == 3.0
    clock.advance(30)
    assert rate.rate() == 1.0
    clock.advance(30)
    assert rate.rate() == 0.0


def test_errors_are_shown_to_their_workspace_newest_first() -> None:
    stats = Stats(ManualClock(5))
    for workspace, code in (("shop", "first"), ("other", "hidden"), ("shop", "second")):
        stats.failed(workspace, "/v1/logs", UserError(code, "why", status=422))
    report = stats.report("shop", 0, 0)
    errors = report["last_errors"]
    assert isinstance(errors, list)
    assert [error["code"] for error in errors] == ["second", "first"]
    assert errors[0] == {"timestamp": 5, "path": "/v1/logs", "status": 422, "code": "second", "message": "why"}
    assert report["errors"] == {"first": 1, "hidden": 1, "second": 1}
