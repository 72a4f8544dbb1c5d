"""The text streams: filters, batches of at most 200 lines, one update a service."""

import json
from typing import Any

import pytest
from vantage_api.live.hub import PATIENCE_MS
from vantage_api.live.streams import MAX_LINES, LogOutbox, MetricsOutbox, MetricUpdate, filter_of, heartbeat
from vantage_common.block import BlockBody, columns_of
from vantage_common.model import LogRecord

LINES = [
    LogRecord(timestamp=1, service_name="checkout", severity="ERROR", body="Timeout of the bank"),
    LogRecord(timestamp=2, service_name="checkout", severity="INFO", body="paid"),
    LogRecord(timestamp=3, service_name="cart", severity="WARN", body="timeout nearly"),
]


def block(lines: list[LogRecord]) -> BlockBody:
    return BlockBody("logs", "default", "checkout", len(lines), columns_of("logs", lines))


async def batch(box: LogOutbox) -> dict[str, Any]:
    (payload,) = await box.take()
    message: dict[str, Any] = json.loads(payload)
    return message


@pytest.mark.parametrize(
    ("services", "severities", "text", "times"),
    [
        (None, None, None, [1, 2, 3]),
        (["checkout"], None, None, [1, 2]),
        (None, ["ERROR", "WARN"], None, [1, 3]),
        (None, None, "TIMEOUT", [1, 3]),
        (["cart"], ["WARN"], "near", [3]),
        ([], [], "", [1, 2, 3]),
    ],
)
async def test_lines_are_filtered(
    services: list[str] | None, severities: list[str] | None, text: str | None, times: list[int]
) -> None:
    box = LogOutbox()
    box.filter = filter_of(services, severities, text)
    box.put(block(LINES), 0)
    message = await batch(box)
    assert [line["timestamp"] for line in message["data"]] == times
    assert message["dropped"] == 0


async def test_a_line_has_the_documented_fields() -> None:
    box = LogOutbox()
    box.put(block(LINES[:1]), 0)
    fields = ["timestamp", "service_name", "severity", "body", "attributes", "trace_id", "span_id"]
    assert list((await batch(box))["data"][0]) == fields


async def test_lines_beyond_a_batch_are_counted_once_and_only_when_wanted() -> None:
    box = LogOutbox()
    box.filter = filter_of(["checkout"], None, None)
    box.put(block(LINES * 150), 0)
    first = await batch(box)
    box.put(block(LINES), 0)
    assert (len(first["data"]), first["dropped"]) == (MAX_LINES, 100)
    assert (await batch(box))["dropped"] == 0


async def test_who_does_not_take_its_lines_is_behind() -> None:
    box = LogOutbox()
    box.put(block(LINES), 0)
    assert not box.is_behind(PATIENCE_MS - 1)
    assert box.is_behind(PATIENCE_MS)
    await box.take()
    assert not box.is_behind(PATIENCE_MS)


async def test_of_each_service_only_the_latest_update_waits() -> None:
    box = MetricsOutbox()
    box.filter = filter_of(["a"], None, None)
    for second in range(3):
        box.put([MetricUpdate(0, "a", f"a{second}"), MetricUpdate(1, "b", f"b{second}")], None, 0)
    box.put([], heartbeat(5), 0)
    assert await box.take() == ["a2", heartbeat(5)]
