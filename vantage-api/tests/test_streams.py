"""The text streams: filters, batches of at most 200 lines, one update a service, a city in few messages."""

import json
from typing import Any

import pytest
from vantage_api.live import streams
from vantage_api.live.channel import Channel
from vantage_api.live.hub import PATIENCE_MS
from vantage_api.live.outboxes import (
    MAX_LINES,
    MAX_WAITING_ALERTS,
    AlertOutbox,
    DeltaOutbox,
    LogOutbox,
    MetricsOutbox,
    filter_of,
)
from vantage_api.live.ring import Event
from vantage_common.block import BlockBody, columns_of
from vantage_common.model import LogRecord

LINES = [
    LogRecord(timestamp=1, service_name="checkout", environment="prod", severity="ERROR", body="Timeout of the bank"),
    LogRecord(timestamp=2, service_name="checkout", environment="test", severity="INFO", body="paid"),
    LogRecord(timestamp=3, service_name="cart", environment="prod", severity="WARN", body="timeout nearly"),
]


def lines(records: list[LogRecord]) -> list[Event]:
    return streams.log_lines(BlockBody("logs", "default", "checkout", len(records), columns_of("logs", records)))


async def batch(box: LogOutbox) -> dict[str, Any]:
    (event,) = await box.take()
    message: dict[str, Any] = json.loads(event.text)
    return message


@pytest.mark.parametrize(
    ("services", "severities", "text", "environments", "times"),
    [
        (None, None, None, None, [1, 2, 3]),
        (["checkout"], None, None, None, [1, 2]),
        (None, ["ERROR", "WARN"], None, None, [1, 3]),
        (None, None, "TIMEOUT", None, [1, 3]),
        (None, None, None, ["prod"], [1, 3]),
        (["checkout"], None, None, ["prod"], [1]),
        (["cart"], ["WARN"], "near", ["prod", "test"], [3]),
        ([], [], "", [], [1, 2, 3]),
    ],
)
async def test_lines_are_filtered(
    services: list[str] | None,
    severities: list[str] | None,
    text: str | None,
    environments: list[str] | None,
    times: list[int],
) -> None:
    box = LogOutbox(filter_of(services, severities, text, environments))
    box.put(lines(LINES), 0)
    message = await batch(box)
    assert [line["timestamp"] for line in message["data"]] == times
    assert message["dropped"] == 0


async def test_a_line_has_the_documented_fields() -> None:
    box = LogOutbox()
    box.put(lines(LINES[:1]), 0)
    fields = ["timestamp", "service_name", "environment", "severity", "body", "attributes", "trace_id", "span_id"]
    assert list((await batch(box))["data"][0]) == fields


async def test_lines_beyond_a_batch_are_counted_once_and_only_when_wanted() -> None:
    box = LogOutbox(filter_of(["checkout"], None, None))
    box.put(lines(LINES * 150), 0)
    first = await batch(box)
    box.put(lines(LINES), 0)
    assert (len(first["data"]), first["dropped"]) == (MAX_LINES, 100)
    assert (await batch(box))["dropped"] == 0
    assert box.losses.dropped == 100


async def test_who_does_not_take_its_lines_is_behind() -> None:
    box = LogOutbox()
    box.put(lines(LINES), 0)
    assert not box.is_behind(PATIENCE_MS - 1)
    assert box.is_behind(PATIENCE_MS)
    await box.take()
    assert not box.is_behind(PATIENCE_MS)


def update(service: str, slot: int, number: int) -> Event:
    return Event("metric_update", f'{{"n":{number}}}', slot=slot, service=service, environment="prod")


async def test_of_each_service_only_the_latest_update_waits() -> None:
    box = MetricsOutbox(filter_of(["a"], None, None))
    for second in range(3):
        box.put([update("a", 0, second), update("b", 1, second)], 0)
    box.tell(streams.heartbeat(5))
    assert [event.text for event in await box.take()] == [streams.heartbeat(5).text, '{"n":2}']
    assert box.losses.conflated == 4


async def test_who_comes_back_gets_what_it_missed_and_nothing_twice() -> None:
    channel: Channel[MetricsOutbox] = Channel()
    first, second = MetricsOutbox(), MetricsOutbox()
    channel.enter("shop", first, 0)
    channel.emit("shop", [update("a", 0, 1)], 0)
    (seen,) = await first.take()
    channel.leave("shop", first)
    channel.emit("shop", [update("a", 0, 2), update("b", 1, 3)], 1000)
    channel.enter("shop", second, 2000)
    channel.emit("shop", [update("a", 0, 4)], 3000)
    assert channel.resume("shop", second, seen.id)
    texts = [json.loads(event.text) for event in await second.take()]
    assert [text["n"] for text in texts] == [2, 3, 4]
    assert [text["seq"] for text in texts] == [f"0-{n}" for n in (2, 3, 4)]


async def test_a_ring_outlives_its_last_client_for_a_minute() -> None:
    channel: Channel[MetricsOutbox] = Channel()
    box = MetricsOutbox()
    channel.enter("shop", box, 0)
    channel.forget(500_000)
    assert channel.is_recorded("shop")
    channel.leave("shop", box)
    for now_ms in (500_000, 559_999):
        channel.forget(now_ms)
        assert channel.recording.is_set()
    channel.forget(560_000)
    assert not channel.is_recorded("shop")
    assert not channel.recording.is_set()
    channel.enter("shop", box, 600_000)
    assert not channel.resume("shop", box, "0-0")


def test_workspaces_hear_nothing_of_each_other() -> None:
    channel: Channel[AlertOutbox] = Channel()
    box = AlertOutbox()
    channel.enter("shop", box, 0)
    channel.emit("bank", [streams.alert({"rule": "secret"})], 0)
    assert not box.is_behind(PATIENCE_MS)


def test_alerts_are_never_left_out_but_a_client_that_lets_too_many_wait_goes() -> None:
    box = AlertOutbox()
    box.put([streams.alert({"n": n}) for n in range(MAX_WAITING_ALERTS)], 0)
    assert not box.is_behind(1)
    box.put([streams.alert({"n": -1})], 0)
    assert box.is_behind(1)


HOSTILE = '</script><b>\x1b[31m\x00\n\r"}\u2028'


def test_names_and_lines_are_inert_whatever_they_hold() -> None:
    record = LogRecord(timestamp=1, service_name=HOSTILE, environment=HOSTILE, severity="INFO", body=HOSTILE)
    (event,) = lines([record])
    alert = streams.alert({"service_name": HOSTILE, "summary": HOSTILE})
    for text in (event.text, alert.text):
        assert not {"\x1b", "\x00", "\n", "\r"} & set(text)
    assert json.loads(event.text)["body"] == HOSTILE
    assert json.loads(alert.text)["data"]["summary"] == HOSTILE


def tick(server_time: int, **entries: int) -> Event:
    parts = {int(slot[1:]): f'{{"slot":{slot[1:]},"rps":{rps}}}' for slot, rps in entries.items()}
    return Event("tick", f'{{"type":"tick","server_time":{server_time},"services":[', parts=parts)


def registry(*slots: int) -> Event:
    return Event("registry", f'{{"type":"registry","slots":{list(slots)}}}', parts=dict.fromkeys(slots, ""))


async def taken(box: DeltaOutbox) -> list[dict[str, Any]]:
    return [json.loads(event.text) for event in await box.take()]


async def test_a_city_that_waits_is_merged_to_the_newest_entry_of_every_service() -> None:
    box = DeltaOutbox()
    box.put([tick(1, s0=1, s1=1)], 0)
    box.put([Event("status", '{"type":"status","n":1}'), tick(2, s1=2)], 0)
    box.put([Event("status", '{"type":"status","n":2}'), tick(3, s2=3)], 0)
    status, merged = await taken(box)
    assert status["n"] == 2
    assert merged["server_time"] == 3
    assert {entry["slot"]: entry["rps"] for entry in merged["services"]} == {0: 1, 1: 2, 2: 3}


async def test_an_entry_does_not_outlive_the_service_that_had_its_slot() -> None:
    box = DeltaOutbox()
    box.put([tick(1, s0=1, s1=1), registry(0), tick(2, s2=2)], 0)
    change, merged = await taken(box)
    assert change["type"] == "registry"
    assert {entry["slot"] for entry in merged["services"]} == {1, 2}


async def test_a_frozen_city_client_keeps_one_tick_and_the_whole_registry() -> None:
    box = DeltaOutbox()
    for number in range(500):
        box.put([registry(number), tick(number, s7=number)], 0)
    messages = await taken(box)
    assert [message["type"] for message in messages] == ["registry"] * 500 + ["tick"]
    assert messages[-1]["services"] == [{"slot": 7, "rps": 499}]
    assert box.losses.conflated > 400


async def test_only_the_last_message_taken_bears_an_id_so_that_nothing_merged_is_lost() -> None:
    channel: Channel[DeltaOutbox] = Channel()
    box = DeltaOutbox()
    channel.enter("shop", box, 0)
    channel.emit("shop", [tick(1, s0=1)], 0)
    channel.emit("shop", [registry(5), tick(2, s1=2)], 0)
    assert [event.id for event in await box.take()] == ["", "0-3"]
    late = DeltaOutbox()
    channel.enter("shop", late, 0)
    assert channel.resume("shop", late, "0-1")
    assert [message["type"] for message in await taken(late)] == ["registry", "tick"]
