"""Passing messages on, over a real store and to a real target: order, patience, bounds, and the end."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from vantage_api.alerts.channels import delivery, text
from vantage_api.alerts.channels.apprise_sender import AppriseSender
from vantage_api.alerts.channels.channel import Channel, ChannelDraft, drafted, read, shown
from vantage_api.alerts.channels.delivery import PER_MINUTE, Deliveries, message_id
from vantage_api.alerts.channels.webhook import WebhookSender, signature
from vantage_api.alerts.notification import Notification, Notifier
from vantage_api.documents import Author, Shelf
from vantage_api.metrics import ApiMetrics
from vantage_common.clock import ManualClock
from vantage_common.errors import StoreUnavailable, UserError
from vantage_common.settings import load_settings
from vantage_common.store.api import Document, Store
from vantage_common.store.open import open_store

from tests.receiving import OK, Target, status, target, until

NOW_MS = 1_790_035_200_000
ANN = Author("default", "ann")
LOOPBACK = [ip_network("127.0.0.0/8")]


def alert(number: int = 1, state: Any = "firing", **fields: Any) -> Notification:
    made = Notification(
        workspace="default",
        alert_id=f"a{number}",
        rule_id="r1",
        rule_name="p95 above 300 ms",
        state=state,
        severity="critical",
        service="checkout",
        metric="http.request.duration",
        value=412.5,
        threshold=300.0,
        expected=None,
        summary="checkout answers slowly",
        runbook="",
        started_ms=NOW_MS,
        at_ms=NOW_MS + number,
        link="/alerts?alert=a1",
    )
    return replace(made, **fields)


@dataclass
class World:
    """`paused` are the seconds that the deliveries have waited, none of them really."""

    shelf: Shelf
    deliveries: Deliveries
    webhooks: WebhookSender
    metrics: ApiMetrics
    clock: ManualClock
    paused: list[float]

    async def channel(self, to: Target, **fields: Any) -> str:
        draft = ChannelDraft(name="hook", kind="webhook", url=to.url, secret=None, **fields)
        return (await self.shelf.make(ANN, drafted(draft).as_body())).id

    def counted(self, outcome: str, kind: str = "webhook") -> float:
        labels = {"channel_kind": kind, "outcome": outcome}
        return self.metrics.registry.get_sample_value("vantage_api_notifications_total", labels) or 0.0

    async def until_counted(self, outcome: str, number: int = 1, kind: str = "webhook") -> None:
        await until(lambda: self.counted(outcome, kind) >= number)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = open_store(load_settings(data_dir=tmp_path, store="sqlite"))
    await opened.admin.migrate()
    yield opened
    await opened.close()


@pytest.fixture
async def world(store: Store) -> AsyncIterator[World]:
    clock, metrics = ManualClock(NOW_MS), ApiMetrics()
    shelf = Shelf(store.documents, "alert_channels", "channel", clock, shown=shown)
    paused: list[float] = []

    async def pause(seconds: float) -> None:
        paused.append(seconds)
        clock.advance(seconds)
        await asyncio.sleep(0)

    webhooks = WebhookSender(clock, LOOPBACK)
    made = Deliveries(shelf, webhooks, AppriseSender(LOOPBACK), clock, metrics, sleep=pause, chance=lambda: 0.5)
    yield World(shelf, made, webhooks, metrics, clock, paused)
    await made.stop(0)


def events(to: Target) -> list[tuple[str, str]]:
    bodies = [json.loads(got.body) for got in to.received]
    return [(body["data"]["alert_id"], body["type"]) for body in bodies]


async def test_an_alert_reaches_every_channel_and_the_metric_counts(world: World) -> None:
    notifier: Notifier = world.deliveries
    async with target() as one, target() as other:
        await notifier.notify(alert(), [await world.channel(one), await world.channel(other)])
        await world.until_counted("delivered", 2)
    assert events(one) == events(other) == [("a1", "alert.firing")]


async def test_messages_to_a_channel_stay_in_order(world: World) -> None:
    async with target(status(500), OK) as receiver:
        id_ = await world.channel(receiver)
        for number in range(5):
            await world.deliveries.notify(alert(number), [id_])
        await world.until_counted("delivered", 5)
    assert [alert_id for alert_id, _ in events(receiver)] == ["a0", "a0", "a1", "a2", "a3", "a4"]


async def test_a_failure_that_passes_is_tried_three_times_more_with_growing_pauses(world: World) -> None:
    async with target(status(503)) as receiver:
        await world.deliveries.notify(alert(), [await world.channel(receiver)])
        await world.until_counted("failed")
    assert len(receiver.received) == 4
    assert world.paused == [1.0, 4.0, 16.0]
    assert len({got.headers["webhook-id"] for got in receiver.received}) == 1
    signed = {got.headers["webhook-timestamp"] for got in receiver.received}
    assert len(signed) == 4  # each attempt is signed when it is made


async def test_a_failure_for_good_is_not_repeated(world: World) -> None:
    async with target(status(404)) as receiver:
        await world.deliveries.notify(alert(), [await world.channel(receiver)])
        await world.until_counted("failed")
    assert len(receiver.received) == 1


async def test_a_channel_that_hangs_does_not_hold_up_another(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async with target(None) as hanging, target() as well:
        ids = [await world.channel(hanging), await world.channel(well)]
        monkeypatch.setattr(world.webhooks, "_timeout_s", 2.0)
        for number in range(3):
            await world.deliveries.notify(alert(number), ids)
        await world.until_counted("delivered", 3)
        assert world.counted("timeout") == 0
        monkeypatch.setattr(world.webhooks, "_timeout_s", 0.05)
        await world.until_counted("timeout", 3)


async def test_more_than_a_minutes_worth_waits(world: World) -> None:
    async with target() as receiver:
        id_ = await world.channel(receiver)
        for number in range(PER_MINUTE + 2):
            await world.deliveries.notify(alert(number), [id_])
        await world.until_counted("delivered", PER_MINUTE + 2)
    assert sum(world.paused) == pytest.approx(2 * 60 / PER_MINUTE)


async def test_of_a_full_lane_the_oldest_go_and_the_next_message_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "MAX_IN_LANE", 2)
    async with target() as receiver:
        id_ = await world.channel(receiver)
        for number in range(5):
            await world.deliveries.notify(alert(number), [id_])
        await world.until_counted("delivered", 2)
    bodies = [json.loads(got.body)["data"] for got in receiver.received]
    assert [(body["alert_id"], body.get("dropped")) for body in bodies] == [("a3", 3), ("a4", None)]
    assert world.counted("dropped", "unknown") == 3


async def test_all_lanes_together_are_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "MAX_WAITING", 3)
    await world.deliveries.notify(alert(), [f"c{number}" for number in range(10)])
    assert (world.deliveries.waiting, world.counted("dropped", "unknown")) == (3, 7)


async def test_a_channel_that_is_gone_or_disabled_is_counted_not_raised(world: World) -> None:
    async with target() as receiver:
        await world.deliveries.notify(alert(), ["nothing", await world.channel(receiver, enabled=False)])
        await world.until_counted("refused", kind="unknown")
        await world.until_counted("refused")
    assert receiver.connections == 0


async def test_a_store_that_is_away_is_waited_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async with target() as receiver:
        id_ = await world.channel(receiver)
        found = world.shelf.one
        failures = iter([StoreUnavailable("away"), StoreUnavailable("away")])

        async def sometimes(workspace: str, asked: str) -> Document:
            for failure in failures:
                raise failure
            return await found(workspace, asked)

        monkeypatch.setattr(world.shelf, "one", sometimes)
        await world.deliveries.notify(alert(), [id_])
        await world.until_counted("delivered")
    assert world.paused == [1.0, 4.0]


async def test_a_fault_of_ours_stops_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async with target() as receiver:
        id_ = await world.channel(receiver)
        with monkeypatch.context() as broken:
            broken.setattr(text, "event_of", lambda *_: 1 / 0)
            await world.deliveries.notify(alert(), [id_])
            await world.until_counted("failed", kind="unknown")
        await world.deliveries.notify(alert(2), [id_])
        await world.until_counted("delivered")


async def test_the_old_secret_signs_too_for_a_day(world: World) -> None:
    async with target() as receiver:
        id_ = await world.channel(receiver)
        before = read((await world.shelf.one("default", id_)).body)
        after = before.rotated(world.clock.now_ms())
        await world.shelf.change(ANN, id_, after.as_body())
        await world.deliveries.notify(alert(), [id_])
        await world.until_counted("delivered")
        world.clock.advance(24 * 3600)
        await world.deliveries.notify(alert(2), [id_])
        await world.until_counted("delivered", 2)

    def signed(number: int, channel: Channel) -> str:
        got = receiver.received[number]
        sent_s = int(got.headers["webhook-timestamp"])
        return signature(channel.secret, got.headers["webhook-id"], sent_s, got.body)

    assert receiver.received[0].headers["webhook-signature"].split() == [signed(0, after), signed(0, before)]
    assert receiver.received[1].headers["webhook-signature"] == signed(1, after)


async def test_the_end_sends_what_it_can(world: World) -> None:
    async with target() as receiver:
        id_ = await world.channel(receiver)
        for number in range(3):
            await world.deliveries.notify(alert(number), [id_])
        await world.deliveries.stop()
        assert len(receiver.received) == 3
        await world.deliveries.notify(alert(4), [id_])
        assert world.counted("dropped", "unknown") == 1


async def test_the_end_does_not_wait_for_ever(world: World) -> None:
    async with target(None) as receiver:
        id_ = await world.channel(receiver)
        for number in range(3):
            await world.deliveries.notify(alert(number), [id_])
        await receiver.until_received(1)
        async with asyncio.timeout(2):
            await world.deliveries.stop(0.05)
    assert world.counted("dropped", "unknown") == 3


async def test_a_test_says_what_happened_and_is_limited(world: World) -> None:
    async with target(OK, status(500)) as receiver:
        id_ = await world.channel(receiver)
        channel = read((await world.shelf.one("default", id_)).body)
        assert (await world.deliveries.test("default", id_, channel)).kind == "delivered"
        failed = await world.deliveries.test("default", id_, channel)
        assert (failed.kind, failed.reason) == ("failed", "the target answered status 500")
        assert "This is a test" in json.loads(receiver.received[0].body)["data"]["summary"]
        for _ in range(PER_MINUTE - 2):
            await world.deliveries.test("default", id_, channel)
        with pytest.raises(UserError) as refused:
            await world.deliveries.test("default", id_, channel)
        assert (refused.value.status, refused.value.retry_after_s) == (429, 2)


async def test_apprise_delivers_by_its_own_process(world: World) -> None:
    async with target() as receiver:
        draft = ChannelDraft(name="j", kind="apprise", url=f"json://127.0.0.1:{receiver.port}/x", secret=None)
        made = await world.shelf.make(ANN, drafted(draft).as_body())
        await world.deliveries.notify(alert(service="<!channel>"), [made.id])
        await world.until_counted("delivered", kind="json")
    told = json.loads(receiver.received[0].body)
    assert told["title"] == "[firing] critical: p95 above 300 ms (‹!channel›)"  # noqa: RUF001
    assert told["message"].startswith("checkout answers slowly\nhttp.request.duration is 412.5 (limit 300)")
    assert told["type"] == "failure"


def test_a_message_keeps_its_id_and_no_two_share_one() -> None:
    ids: Sequence[str] = [
        message_id(("default", "c1"), alert()),
        message_id(("default", "c2"), alert()),
        message_id(("other", "c1"), alert()),
        message_id(("default", "c1"), alert(2)),
        message_id(("default", "c1"), alert(state="resolved")),
    ]
    assert len(set(ids)) == 5
    assert ids[0] == message_id(("default", "c1"), alert())
