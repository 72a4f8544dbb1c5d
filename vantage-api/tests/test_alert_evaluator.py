"""The evaluator over a real store: what fires, what is told, what is remembered, and by whom."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from vantage_api.alerts.baselines import document_id, stored_baseline
from vantage_api.alerts.book import Book
from vantage_api.alerts.measures import Measure
from vantage_api.alerts.models import Quiet, RuleChange
from vantage_api.alerts.seasonal import HOUR_MS
from vantage_api.alerts.service import Alerts
from vantage_api.alerts.silences import SilenceBody
from vantage_common.errors import StoreUnavailable, UserError
from vantage_common.model import REQUEST_METRIC
from vantage_common.store.api import Document
from vantage_common.store.plan import QueryPlan, Result

from tests.alert_world import ANN, START_MS, World, alert_world, gauge_at, requests_at

ABOVE_5: dict[str, Any] = {"kind": "fixed", "op": ">", "threshold": 5}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with alert_world(tmp_path) as made:
        yield made


@pytest.fixture
async def quiet(world: World) -> World:
    """A world in which nobody but the test makes rules."""
    await world.without_built_in()
    return world


async def states(world: World) -> list[tuple[str, str]]:
    return [(alert.service, alert.state) for alert in await world.office.active("default")]


async def test_a_rule_fires_for_each_service_that_breaks_it(quiet: World) -> None:
    await quiet.rule(condition=ABOVE_5)
    for service, value in (("cart", 4.0), ("checkout", 6.0), ("search", 9.0)):
        await quiet.gauge(value, service=service)
    turn = await quiet.turn(quiet.evaluator())
    assert turn.firing == {"default": 2}
    assert sorted(quiet.listener.said) == ["firing checkout r", "firing search r"]
    assert await states(quiet) == [("checkout", "firing"), ("search", "firing")]


async def test_a_rule_for_one_service_looks_at_no_other(quiet: World) -> None:
    await quiet.rule(service="cart", condition=ABOVE_5)
    await quiet.rule(service="not-here-yet", condition=ABOVE_5)
    await quiet.gauge(9, service="checkout")
    await quiet.gauge(9, service="cart")
    await quiet.turn(quiet.evaluator())
    assert await states(quiet) == [("cart", "firing")]


async def test_it_waits_fires_and_is_over_and_that_is_told_once(quiet: World) -> None:
    await quiet.rule(condition=ABOVE_5, for_s=30)
    evaluator = quiet.evaluator()
    for _ in range(8):  # two minutes of trouble
        await quiet.gauge(9)
        await quiet.turn(evaluator, 15)
    assert quiet.listener.said == ["firing checkout r"]
    quiet.clock.advance(60)
    for _ in range(8):
        await quiet.gauge(1)
        await quiet.turn(evaluator, 15)
    assert quiet.listener.said == ["firing checkout r", "resolved checkout r"]
    assert await states(quiet) == []


async def test_error_ratios_are_those_of_the_metric_and_else_of_the_spans(quiet: World) -> None:
    await quiet.rule(
        metric=REQUEST_METRIC, agg="error_ratio", condition={"kind": "fixed", "op": ">", "threshold": 0.05}
    )
    now_ms = quiet.clock.now_ms() - 20_000
    await quiet.insert(
        requests_at(now_ms, 90), requests_at(now_ms, 10, status=500), requests_at(now_ms, 99, service="cart")
    )
    await quiet.turn(quiet.evaluator())
    [(told, _)] = quiet.listener.heard
    assert (told.service, told.value, told.threshold) == ("checkout", 0.1, 0.05)


async def test_rules_of_one_window_share_their_questions(quiet: World) -> None:
    for number in range(20):
        await quiet.rule(name=f"r{number}", metric=f"m{number % 10}", agg="avg", condition=ABOVE_5)
        await quiet.gauge(9, metric=f"m{number}")
    evaluator, asked = quiet.evaluator(), list[QueryPlan]()
    ask = evaluator._ask

    class Counting:
        async def __call__(self, plan: QueryPlan) -> Result:
            asked.append(plan)
            return await ask(plan)

    evaluator._ask = Counting()  # type: ignore[assignment]  # all that it is asked for
    turn = await quiet.turn(evaluator)
    assert turn.firing == {"default": 20}
    assert len(asked) == 1


async def test_one_sick_service_is_one_message(quiet: World) -> None:
    for number in range(4):
        severity = "critical" if number == 2 else "warning"
        await quiet.rule(name=f"r{number}", condition=ABOVE_5, severity=severity)
    await quiet.gauge(9)
    await quiet.turn(quiet.evaluator())
    [(told, channels)] = quiet.listener.heard
    assert (told.rule_name, told.severity, told.grouped, channels) == ("r2", "critical", 3, ("ops",))
    assert "Also: r0, r1, r3" in told.summary


async def test_another_evaluator_goes_on_where_the_last_one_stopped(quiet: World) -> None:
    await quiet.rule(condition=ABOVE_5, for_s=30)
    await quiet.gauge(9)
    await quiet.turn(quiet.evaluator())
    assert await states(quiet) == [("checkout", "pending")]
    await quiet.gauge(9, age_s=-10)
    await quiet.turn(quiet.evaluator(), 30)
    assert await states(quiet) == [("checkout", "firing")]
    for _ in range(3):
        heir = quiet.evaluator()
        await heir.take_over(quiet.told)
        await quiet.turn(heir, 1)
    assert quiet.listener.said == ["firing checkout r"]


async def test_what_was_written_down_but_not_told_is_told_by_the_successor(quiet: World) -> None:
    await quiet.rule(condition=ABOVE_5)
    await quiet.gauge(1)
    told_before = (await quiet.turn(quiet.evaluator())).told or START_MS * 1000
    await quiet.gauge(99)

    class Crash(Exception):
        pass

    class Dead:
        async def notify(self, *_: Any) -> None:
            raise Crash

    dying = quiet.evaluator()
    dying._notifier = Dead()  # it dies between writing and telling
    quiet.clock.advance(1)
    with pytest.raises(Crash):
        await dying.turn(told_before, _open)
    heir = quiet.evaluator()
    assert await heir.take_over(told_before) > told_before
    assert quiet.listener.said == ["firing checkout r"]


async def _open() -> None: ...


async def test_who_is_no_longer_the_one_writes_and_tells_nothing(quiet: World) -> None:
    await quiet.rule(condition=ABOVE_5)
    await quiet.gauge(9)

    class Taken(Exception):
        pass

    async def fence() -> None:
        raise Taken

    with pytest.raises(Taken):
        await quiet.evaluator().turn(0, fence)
    assert (await states(quiet), quiet.listener.said) == ([], [])


async def test_a_rule_that_cannot_be_evaluated_says_so_and_stops_no_other(quiet: World) -> None:
    broken = await quiet.rule(name="broken", window_s=120, condition=ABOVE_5)
    await quiet.rule(name="sound", window_s=60, condition=ABOVE_5)
    await quiet.store.documents.put("alert_rules", [Document("default", "odd", 1, 1, "x", {"name": "odd"})])
    await quiet.gauge(9)
    evaluator = quiet.evaluator()
    ask = evaluator._ask

    class Failing:
        async def __call__(self, plan: QueryPlan) -> Result:
            if _window_s(plan) == 120:
                raise StoreUnavailable("the disk is full")
            return await ask(plan)

    evaluator._ask = Failing()  # type: ignore[assignment]  # all that it is asked for
    turn = await quiet.turn(evaluator)
    assert turn.errors["default"][broken] == "the disk is full"
    assert "cannot be read" in turn.errors["default"]["odd"]
    assert quiet.listener.said == ["firing checkout sound"]


def _window_s(plan: QueryPlan) -> int:
    times = [int(part.split(")")[0]) for part in repr(plan.where).split("Time(ms=")[1:]]
    return (max(times) - min(times)) // 1000


async def test_acknowledged_by_hand_resolved_by_hand_and_silenced(quiet: World) -> None:
    await quiet.rule(condition=ABOVE_5)
    evaluator = quiet.evaluator()
    for service in ("cart", "checkout", "search"):
        await quiet.gauge(9, service=service)
    await quiet.turn(evaluator)
    ids = {alert.service: alert.id for alert in await quiet.office.active("default")}
    await quiet.office.acknowledge(ANN, ids["cart"], "on it")
    await quiet.office.resolve(ANN, ids["checkout"], "")
    await quiet.office.silence_alert(ANN, ids["search"], Quiet(minutes=10))
    for service in ("cart", "checkout", "search"):
        await quiet.gauge(9, service=service, age_s=10)
    turn = await quiet.turn(evaluator, 15)
    assert turn.firing == {"default": 1}  # search, though nobody hears of it
    assert sorted(quiet.listener.said[3:]) == ["acknowledged cart r", "resolved checkout r"]
    assert await states(quiet) == [("search", "firing"), ("cart", "acknowledged")]
    for _ in range(3):
        await quiet.gauge(9, service="checkout", age_s=10)
        await quiet.turn(evaluator, 15)
    assert ("checkout", "firing") not in await states(quiet)


async def test_a_silence_by_label_holds_back_the_whole_team(quiet: World) -> None:
    await quiet.rule(condition=ABOVE_5, labels={"team": "shop-eu"})
    now_ms = quiet.clock.now_ms()
    matchers = [{"field": "label", "label": "team", "value": "shop-*"}]
    silence = await quiet.office.silence(
        ANN, SilenceBody.model_validate({"matchers": matchers, "start_ms": now_ms, "end_ms": now_ms + 60_000})
    )
    await quiet.gauge(9)
    evaluator = quiet.evaluator()
    await quiet.turn(evaluator)
    assert quiet.listener.said == []
    await quiet.office.drop_silence(ANN, silence.id)
    await quiet.gauge(9, age_s=10)
    await quiet.turn(evaluator, 1)
    assert quiet.listener.said == ["firing checkout r"]


async def test_a_rule_that_is_disabled_or_deleted_lets_go(quiet: World) -> None:
    one, other = await quiet.rule(name="one", condition=ABOVE_5), await quiet.rule(name="other", condition=ABOVE_5)
    await quiet.gauge(9)
    evaluator = quiet.evaluator()
    await quiet.turn(evaluator)
    await quiet.office.change_rule(ANN, one, RuleChange(enabled=False), None)
    await quiet.office.drop_rule(ANN, other)
    await quiet.turn(evaluator, 15)
    assert await states(quiet) == []
    assert [(told.state, told.grouped) for told, _ in quiet.listener.heard] == [("firing", 1), ("resolved", 1)]
    assert all(channels == ("ops",) for _, channels in quiet.listener.heard)


async def test_a_bug_in_judging_one_rule_is_that_rules_error(quiet: World) -> None:
    odd = await quiet.rule(name="odd", condition={"kind": "health", "below": 50})
    await quiet.rule(name="sound", condition=ABOVE_5)
    await quiet.gauge(9)
    quiet.health = {"checkout": "not a number"}  # type: ignore[dict-item]  # what no one should send
    turn = await quiet.turn(quiet.evaluator())
    assert "TypeError" in turn.errors["default"][odd]
    assert quiet.listener.said == ["firing checkout sound"]


async def test_a_silent_service_is_missed_and_one_never_seen_is_not(world: World) -> None:
    await world.office.change_rule(ANN, "builtin-silent", RuleChange(channels=["ops"]), None)
    await world.gauge(1, age_s=60)
    evaluator = world.evaluator()
    await world.turn(evaluator)
    assert world.listener.said == []
    await world.turn(evaluator, 300)
    await world.turn(evaluator, 60)
    assert world.listener.said == ["firing checkout Service is silent"]
    await world.gauge(1)
    for _ in range(5):
        await world.turn(evaluator, 30)
    assert world.listener.said[1:] == ["resolved checkout Service is silent"]


async def test_a_service_that_left_yesterday_is_no_longer_missed(world: World) -> None:
    await world.office.change_rule(ANN, "builtin-silent", RuleChange(channels=["ops"]), None)
    await world.gauge(1, age_s=25 * 3600)
    await world.turn(world.evaluator())
    await world.turn(world.evaluator(), 60)
    assert world.listener.said == []


async def test_health_below_fifty_fires_and_no_score_does_not(world: World) -> None:
    await world.office.change_rule(ANN, "builtin-health", RuleChange(channels=["ops"], for_s=0), None)
    world.health = {"checkout": 31, "cart": 90, "idle": None}
    await world.turn(world.evaluator())
    assert world.listener.said == ["firing checkout Health below 50"]


async def test_workspaces_do_not_see_each_other(quiet: World) -> None:
    await quiet.rule(condition=ABOVE_5)
    quiet.workspaces = ["default", "theirs"]
    await quiet.insert(gauge_at(quiet.clock.now_ms() - 20_000, 9), workspace="theirs")
    turn = await quiet.turn(quiet.evaluator())
    assert turn.firing == {"default": 0, "theirs": 0}
    with pytest.raises(UserError, match="there is no active alert"):
        await quiet.office.acknowledge(ANN, "a0", "")


# Baselines


def week_of_requests(start_ms: int, days: int = 8) -> list[Any]:
    """Ten-minute rows: 100 ms by day, 20 ms by night, and a little noise that repeats."""
    return [
        requests_at(
            start_ms + at, 50, ms=(100 if 8 <= at // HOUR_MS % 24 < 20 else 20) * (1 + (at // 600_000 % 5) / 50)
        )
        for at in range(0, days * 24 * HOUR_MS, 300_000)
    ]


SLOW: dict[str, Any] = {"metric": REQUEST_METRIC, "agg": "p95", "window_s": 300, "min_samples": 20}


async def test_what_is_slow_at_night_is_usual_by_day(quiet: World) -> None:
    midnight_ms = START_MS // (24 * HOUR_MS) * 24 * HOUR_MS
    await quiet.insert(*week_of_requests(midnight_ms - 8 * 24 * HOUR_MS))
    quiet.clock.advance((midnight_ms + 2.5 * HOUR_MS - quiet.clock.now_ms()) / 1000)
    await quiet.rule(**SLOW, condition={"kind": "adaptive"})
    evaluator = quiet.evaluator()
    await evaluator.learn()
    await quiet.insert(requests_at(quiet.clock.now_ms() - 60_000, 500, ms=100))
    await quiet.turn(evaluator)
    [(told, _)] = quiet.listener.heard
    assert (told.state, told.severity, round(told.expected or 0)) == ("firing", "warning", 21)
    quiet.clock.advance(10 * 3600)  # midday
    await quiet.insert(requests_at(quiet.clock.now_ms() - 60_000, 500, ms=100))
    for _ in range(6):
        await quiet.turn(evaluator, 15)
    assert quiet.listener.said[1:] == ["resolved checkout r"]


async def test_an_hour_is_learned_once_and_kept_for_all(quiet: World) -> None:
    await quiet.insert(*week_of_requests(START_MS - 8 * 24 * HOUR_MS))
    await quiet.rule(**SLOW, condition={"kind": "adaptive"})
    first, measure = quiet.evaluator(), Measure(REQUEST_METRIC, "p95", 300)
    await first.learn()
    [document] = await quiet.store.documents.newest("baselines", "default")
    assert document.id == document_id("checkout", measure)
    stored = await stored_baseline(quiet.store.documents, "default", "checkout", measure)
    assert stored is not None
    assert len(stored.hours) >= 191
    await quiet.evaluator().learn()  # a successor finds nothing left to learn
    assert await quiet.store.documents.newest("baselines", "default") == [document]
    await quiet.insert(requests_at(START_MS + 60_000, 500, ms=20))
    quiet.clock.advance(2 * 3600)
    heir = quiet.evaluator()
    await heir.learn()
    grown = await stored_baseline(quiet.store.documents, "default", "checkout", measure)
    assert grown is not None
    assert grown.until > stored.until
    assert len(grown.hours) > len(stored.hours)
    remembered = heir.baselines.seasons("default", measure)["checkout"].cells
    assert [cell.mean for cell in remembered] == pytest.approx([cell.mean for cell in grown.season.cells], rel=1e-5)


async def test_more_series_than_are_learned_are_told_about(quiet: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vantage_api.alerts.baselines.MAX_SERIES", 2)
    at_ms = START_MS - 3 * HOUR_MS
    await quiet.insert(*(gauge_at(at_ms, 1, service=f"s{number}") for number in range(4)))
    rule = await quiet.rule(condition={"kind": "adaptive"})
    evaluator = quiet.evaluator()
    await evaluator.learn()
    assert len(await quiet.store.documents.newest("baselines", "default")) == 2
    assert "no baseline" in (await quiet.turn(evaluator)).errors["default"][rule]


async def test_a_store_that_cannot_teach_is_left_alone_for_a_while(
    quiet: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    async def learn() -> None:
        asked.append(quiet.clock.now_ms())
        raise StoreUnavailable("too much")

    async with quiet.replica() as replica:
        monkeypatch.setattr(replica._evaluator, "learn", learn)
        for _ in range(22):
            await replica.beat(0.01)
            quiet.clock.advance(15)
    assert [at_ms - asked[0] for at_ms in asked] == [0, 300_000]


# One among replicas


def has_seat(alerts: Alerts) -> bool:
    """Asked anew each time: it changes under our hands."""
    return alerts.evaluates


async def test_of_two_evaluators_one_evaluates_and_the_other_takes_over(quiet: World) -> None:
    await quiet.rule(condition=ABOVE_5)
    await quiet.gauge(9)
    async with quiet.replica() as standby:
        assert await standby.beat(0) is not None or await standby.beat(0.2) is not None
        async with quiet.replica() as owner:
            turns = [await owner.beat(0.1), await standby.beat(0.1), await owner.beat(0.1)]
            assert has_seat(owner)
            assert not has_seat(standby)
            quiet.clock.advance(15)
            await quiet.gauge(9)
            assert await standby.beat(0.1) is None
            assert await owner.beat(0.1) is not None, turns
        assert quiet.listener.said == ["firing checkout r"]
        quiet.clock.advance(15)
        await quiet.gauge(9)
        taken = [await standby.beat(0.05) for _ in range(3)]
        assert has_seat(standby)
        assert any(taken)
        assert quiet.listener.said == ["firing checkout r"]
        quiet.clock.advance(120)
        for _ in range(6):
            await quiet.gauge(1)
            quiet.clock.advance(15)
            await standby.beat(0.01)
    assert quiet.listener.said == ["firing checkout r", "resolved checkout r"]


async def test_an_owner_that_hangs_is_replaced(quiet: World) -> None:
    await quiet.rule(condition=ABOVE_5)
    async with quiet.replica() as standby, quiet.replica() as owner:
        await standby.beat(0.1)
        await owner.beat(0.1)
        assert has_seat(owner)
        await standby.beat(0.05)
        quiet.clock.advance(59)
        await standby.beat(0.05)
        assert not has_seat(standby)  # it may only be slow
        quiet.clock.advance(2)
        await standby.beat(0.05)
        await standby.beat(0.05)
        assert has_seat(standby)
        quiet.clock.advance(15)
        await quiet.gauge(9)
        assert await owner.beat(0.05) is None
        assert not has_seat(owner)
        await standby.beat(0.05)
        assert quiet.listener.said == ["firing checkout r"]


async def test_every_replica_reads_how_many_fire(quiet: World) -> None:
    await quiet.rule(condition=ABOVE_5)
    async with quiet.replica(0) as reader, quiet.replica() as owner:
        await owner.beat(0.1)
        await reader.start()
        firing = reader.firing("default")
        assert await anext(firing) in (None, 0)
        await quiet.gauge(9)
        quiet.clock.advance(15)
        await owner.beat(0.1)
        while (number := await anext(firing)) != 1:
            pass
        assert number == 1
        report = reader.last_report("default")
        assert report is not None
        assert [change["service_name"] for change in report.changes] == ["checkout"]


async def test_the_trail_tells_who_did_what(quiet: World) -> None:
    rule = await quiet.rule(condition=ABOVE_5)
    await quiet.gauge(9)
    await quiet.turn(quiet.evaluator())
    [alert] = await quiet.office.active("default")
    quiet.clock.advance(1)
    await quiet.office.acknowledge(ANN, alert.id, "mine")
    events = await quiet.store.documents.history("audit", "default", start_ms=0, end_ms=START_MS * 2)
    done = {(event.author, event.body["action"], event.body["kind"]) for event in events}
    assert {("ann", "create", "alert rule"), ("ann", "acknowledged", "alert")} <= done
    assert (await Book(quiet.store.documents).alive("default", alert.id))[0].rule_id == rule
