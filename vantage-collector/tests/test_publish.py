"""Publishing: what is waited for, what is bounded, and what a broker that is away costs."""

import asyncio
from collections.abc import Sequence

import pytest
from vantage_collector.metrics import CollectorMetrics
from vantage_collector.publish import MAX_HELD_ITEMS, MAX_QUEUED_PULSES, PulsePublisher, RawPublisher, Rows, to_records
from vantage_common.block import Kind, decode_block
from vantage_common.bus.api import Outgoing
from vantage_common.clock import ManualClock
from vantage_common.errors import BusUnavailable, UserError
from vantage_common.model import LogRecord, Row, Span

RECORDS = [Outgoing("metrics-raw", b"k", b"v")]


class Broker:
    """A publisher whose broker can be slow, away or broken."""

    def __init__(self) -> None:
        self.taken: list[Outgoing] = []
        self.has_taken = asyncio.Event()
        self.failure: Exception | None = None
        self.acknowledges = asyncio.Event()
        self.acknowledges.set()

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def ping(self, timeout_s: float) -> None: ...

    async def publish(self, records: Sequence[Outgoing], timeout_s: float) -> None:
        await self.acknowledges.wait()
        if self.failure is not None:
            raise self.failure
        self.taken += records
        self.has_taken.set()


def raw_publisher(broker: Broker) -> RawPublisher:
    return RawPublisher(broker, 5, ManualClock(0), CollectorMetrics([]))


async def test_it_returns_only_after_the_acknowledgement() -> None:
    broker = Broker()
    broker.acknowledges.clear()
    publishing = asyncio.create_task(raw_publisher(broker).publish(RECORDS, 1))
    await asyncio.sleep(0)
    assert not publishing.done()
    broker.acknowledges.set()
    await publishing
    assert broker.taken == RECORDS


async def test_a_broker_that_is_away_is_503_with_retry_after_and_without_its_inner_reason() -> None:
    broker = Broker()
    broker.failure = BusUnavailable("/secret/path is locked")
    raw = raw_publisher(broker)
    with pytest.raises(UserError) as refused:
        await raw.publish(RECORDS, 7)
    assert (refused.value.status, refused.value.code, refused.value.retry_after_s) == (503, "broker_unavailable", 5)
    assert "secret" not in str(refused.value.as_body())
    assert raw.held_items == 0


async def test_at_most_ten_thousand_items_wait_for_the_broker() -> None:
    broker = Broker()
    broker.acknowledges.clear()
    raw = raw_publisher(broker)
    waiting = [asyncio.create_task(raw.publish(RECORDS, 1000)) for _ in range(10)]
    await asyncio.sleep(0)
    assert raw.held_items == MAX_HELD_ITEMS
    with pytest.raises(UserError) as refused:
        await asyncio.wait_for(raw.publish(RECORDS, 1), 5)
    assert (refused.value.status, refused.value.code) == (503, "overloaded")
    broker.acknowledges.set()
    await asyncio.gather(*waiting)
    await raw.publish(RECORDS, 1000)
    assert raw.held_items == 0


async def test_one_batch_larger_than_the_bound_is_taken_when_nothing_waits() -> None:
    broker = Broker()
    await raw_publisher(broker).publish(RECORDS, MAX_HELD_ITEMS + 1)
    assert broker.taken == RECORDS


class Lost:
    """Counts lost pulses and can be waited on."""

    def __init__(self) -> None:
        self.number = 0
        self.any = asyncio.Event()

    def __call__(self, number: int) -> None:
        self.number += number
        self.any.set()


async def test_pulses_are_sent_behind_the_requests_back() -> None:
    broker, lost = Broker(), Lost()
    pulses = PulsePublisher(broker, 5, lost)
    running = asyncio.create_task(pulses.run())
    pulses.offer(RECORDS[0])
    await broker.has_taken.wait()
    running.cancel()
    assert (broker.taken, lost.number) == (RECORDS, 0)


@pytest.mark.parametrize("failure", [BusUnavailable("away"), RuntimeError("a bug")])
async def test_pulses_that_fail_are_counted_and_the_next_go_out(failure: Exception) -> None:
    broker, lost = Broker(), Lost()
    pulses = PulsePublisher(broker, 5, lost)
    running = asyncio.create_task(pulses.run())
    broker.failure = failure
    pulses.offer(RECORDS[0])
    await lost.any.wait()
    broker.failure = None
    pulses.offer(RECORDS[0])
    await broker.has_taken.wait()
    running.cancel()
    assert lost.number == 1


async def test_the_newest_pulses_are_kept_when_too_many_wait() -> None:
    broker, lost = Broker(), Lost()
    pulses = PulsePublisher(broker, 5, lost)
    for number in range(MAX_QUEUED_PULSES + 3):
        pulses.offer(Outgoing("pulses", b"", str(number).encode()))
    await pulses.stop()
    assert lost.number == 3
    assert broker.taken[0].value == b"3"
    assert len(broker.taken) == MAX_QUEUED_PULSES


def test_one_batch_id_on_two_routes_or_in_two_workspaces_names_different_batches() -> None:
    """The worker drops a part it has seen: a tenant's rows must not go because another's had the same id."""
    log = LogRecord(timestamp=1, service_name="s", severity="INFO", body="b")
    span = Span(
        timestamp=1, trace_id="t", span_id="s", service_name="s", name="n", kind="k", duration_ms=1, status="ok"
    )

    def stamp(workspace: str, route: Kind, kind: Kind, row: Row) -> str:
        rows = Rows.of_batch(workspace, route, "0" * 32, {kind: [row]})
        (record,) = to_records(rows, {"spans": "spans-raw", "logs": "logs-raw"}, "none")
        return decode_block(record.value).batch_id

    stamps = {
        stamp("a", "logs", "logs", log),
        stamp("b", "logs", "logs", log),
        stamp("a", "spans", "spans", span),
        stamp("a", "metrics", "spans", span),
    }
    assert len(stamps) == 4
    assert stamp("a", "logs", "logs", log) in stamps
    assert Rows.of_batch("a", "logs", None, {}).batch_id == ""
