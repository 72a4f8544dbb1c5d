"""A publisher and a worker live through what happens to a real broker, without being started again."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from vantage_common.bus.api import DEAD_LETTER, Bus, GroupHooks, Outgoing, Publisher
from vantage_common.bus.kafka import KafkaBus
from vantage_common.clock import SystemClock
from vantage_common.errors import BusUnavailable
from vantage_common.settings import load_settings
from vantage_worker.metrics import WorkerMetrics
from vantage_worker.pipeline import Pipeline

from tests.kafka_broker import ApacheKafka, Broker
from tests.worker_world import FaultyStore, block, eventually

pytestmark = pytest.mark.kafka
PUBLISH_S = 2.0
WITHIN_S = 60.0


@pytest.fixture
def broker(kafka: Broker) -> Broker:
    if not kafka.can_stop:
        pytest.skip("the mock cluster cannot be stopped")
    return kafka


@pytest.fixture
def bus(broker: Broker) -> KafkaBus:
    settings = load_settings(bus="kafka", kafka_bootstrap_servers=broker.bootstrap, bus_partitions=6)
    return KafkaBus(settings, SystemClock())


@pytest.fixture
async def topic(bus: KafkaBus) -> str:
    name = f"t-{uuid4().hex[:8]}"
    await bus.ensure_topics([name, DEAD_LETTER])
    return name


@pytest.fixture
async def publisher(bus: KafkaBus) -> AsyncIterator[Publisher]:
    made = bus.publisher()
    await made.start()
    yield made
    await made.stop()


class Sending:
    """Publishes records one after the other from several tasks, and keeps what was acknowledged."""

    def __init__(self, publisher: Publisher, topic: str) -> None:
        self._publisher = publisher
        self._topic = topic
        self.acknowledged: set[bytes] = set()
        self.refused = 0
        self.slowest_s = 0.0
        self._tasks = [asyncio.create_task(self._send(number)) for number in range(4)]

    async def _send(self, sender: int) -> None:
        for number in range(10**9):
            value = b"%d-%d" % (sender, number)
            started = time.monotonic()
            try:
                await self._publisher.publish([Outgoing(self._topic, b"k%d" % (number % 7), value)], PUBLISH_S)
                self.acknowledged.add(value)
            except BusUnavailable:
                self.refused += 1
            self.slowest_s = max(self.slowest_s, time.monotonic() - started)
            await asyncio.sleep(0.002)

    async def more(self, number: int) -> None:
        wanted = len(self.acknowledged) + number
        await eventually(lambda: len(self.acknowledged) >= wanted)

    async def refusals(self) -> None:
        wanted = self.refused + len(self._tasks)
        await eventually(lambda: self.refused >= wanted)

    async def finish(self) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def values_of(bus: Bus, topic: str, wanted: set[bytes]) -> list[bytes]:
    """All records from the beginning, until the wanted ones have come."""
    member = bus.subscription(f"{topic}-reader-{uuid4().hex[:4]}", [topic])
    await member.start(GroupHooks())
    found: list[bytes] = []
    async with asyncio.timeout(WITHIN_S):
        while not wanted <= set(found):
            with contextlib.suppress(BusUnavailable):
                found += [message.value for message in await member.fetch(500, 0.5)]
    await member.stop()
    return found


async def kill_and_restart(broker: Any, sending: Sending) -> None:
    await asyncio.to_thread(broker.kill)
    await sending.refusals()
    await asyncio.to_thread(broker.start)


async def freeze_beyond_the_deadline(broker: Any, sending: Sending) -> None:
    broker.freeze()
    try:
        await sending.refusals()
        await sending.refusals()
    finally:
        broker.thaw()


@pytest.mark.parametrize("outage", [kill_and_restart, freeze_beyond_the_deadline])
async def test_a_publisher_recovers_by_itself_and_loses_nothing_acknowledged(
    bus: KafkaBus,
    topic: str,
    publisher: Publisher,
    broker: ApacheKafka,
    outage: Callable[[Any, Sending], Awaitable[None]],
) -> None:
    """Batches were in flight: their sequence numbers are used up, with or without the broker's knowledge."""
    sending = Sending(publisher, topic)
    try:
        await sending.more(50)
        await outage(broker, sending)
        await sending.more(50)
    finally:
        await sending.finish()
        broker.start()
    assert sending.slowest_s < PUBLISH_S + 1, "each call ends within its deadline"
    await values_of(bus, topic, sending.acknowledged)


async def test_replaced_producers_leave_nothing_behind(
    bus: KafkaBus, topic: str, publisher: Any, broker: ApacheKafka
) -> None:
    await publisher.publish([Outgoing(topic, b"k", b"v")], 15)
    tasks_before = len(asyncio.all_tasks())
    for _ in range(5):
        publisher._replace(publisher._link.connected(), "a test")
        await publisher.publish([Outgoing(topic, b"k", b"v")], 15)
    await eventually(lambda: len(asyncio.all_tasks()) <= tasks_before)
    assert publisher._held_bytes == 0


async def test_workers_come_and_go_without_loss_or_doubles(
    bus: KafkaBus, topic: str, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1 → 3 → 1, one of them stopped in mid-insert, while records keep coming."""
    monkeypatch.setattr("vantage_worker.pipeline.GROUP", f"{topic}-workers")
    monkeypatch.setattr("vantage_worker.lane.LINGER_S", 0.05)
    store = FaultyStore()
    sent: list[float] = []

    async def send_until(stop: asyncio.Event) -> None:
        while not stop.is_set():
            value = float(len(sent))
            record = block(value, value + 0.5)
            await publisher.publish([Outgoing(topic, b"key-%d" % (len(sent) % 50), record.value)], 15)
            sent.append(value)
            await asyncio.sleep(0.005)

    def worker() -> tuple[asyncio.Task[None], asyncio.Event, Pipeline]:
        stop = asyncio.Event()
        pipeline = Pipeline(bus, store, SystemClock(), (topic,), WorkerMetrics())
        return asyncio.create_task(pipeline.run(stop)), stop, pipeline

    def shares() -> list[int]:
        return [len(pipeline._lanes) for _, _, pipeline in running]

    enough = asyncio.Event()
    sender = asyncio.create_task(send_until(enough))
    running = [worker()]
    await eventually(lambda: len(store.rows) >= 100)
    running += [worker(), worker()]
    await eventually(lambda: shares() == [2, 2, 2])
    seen = len(store.rows)
    await eventually(lambda: len(store.rows) >= seen + 100)
    for task, stop, _ in (running.pop(0), running.pop(0)):
        stop.set()
        await task
    await eventually(lambda: shares() == [6])
    enough.set()
    await sender
    await eventually(lambda: len(store.rows) >= 2 * len(sent))
    ((task, stop, _),) = running
    stop.set()
    await task
    assert store.values == sorted([*sent, *(value + 0.5 for value in sent)])


async def test_a_member_leaves_though_the_broker_is_away(bus: KafkaBus, topic: str, broker: ApacheKafka) -> None:
    """aiokafka lets out the cancellation of a task of its own there: a worker must still end with status 0."""
    member = bus.subscription(f"{topic}-leaving", [topic])
    await member.start(GroupHooks())
    async with asyncio.timeout(WITHIN_S):
        while not member.assignment():
            await member.fetch(10, 0.2)
    await asyncio.to_thread(broker.kill)
    try:
        for _ in range(3):
            with contextlib.suppress(BusUnavailable):
                await member.fetch(10, 0.2)
        await member.stop()
    finally:
        await asyncio.to_thread(broker.start)
