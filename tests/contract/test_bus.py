"""What every bus keeps, on the embedded log and on Kafka: the facts `bus/api.py` promises."""

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from vantage_common.bus.api import (
    Bus,
    Commit,
    GroupHooks,
    Message,
    Outgoing,
    Publisher,
    Subscription,
    Tail,
    TopicPartition,
)
from vantage_common.bus.open import open_bus
from vantage_common.clock import SystemClock
from vantage_common.errors import BusUnavailable, CommitRejected, PermanentError
from vantage_common.settings import Settings, load_settings

from tests.kafka_broker import Broker
from tests.waiting import eventually

DEADLINE_S = 30.0
PUBLISH_S = 15.0


@dataclass
class Backend:
    """A kind of bus and a world of its own in it: `topic` exists, and nobody else uses it."""

    settings: Settings
    topic: str
    broker: Broker | None
    buses: list[Bus] = field(default_factory=list)
    closers: list[Callable[[], Coroutine[Any, Any, None]]] = field(default_factory=list)

    def bus(self) -> Bus:
        """A bus as another process would open it."""
        bus = open_bus(self.settings, SystemClock())
        self.buses.append(bus)
        return bus

    async def publish(self, *values: bytes, key: bytes = b"key") -> None:
        await (await self.publisher()).publish([Outgoing(self.topic, key, value) for value in values], PUBLISH_S)

    async def publisher(self) -> Publisher:
        publisher = self.bus().publisher()
        await publisher.start()
        self.closers.append(publisher.stop)
        return publisher

    async def member(self, group: str = "group", hooks: GroupHooks | None = None) -> Subscription:
        member = self.bus().subscription(f"{self.topic}-{group}", [self.topic])
        await member.start(hooks or GroupHooks())
        self.closers.append(member.stop)
        return member

    async def tail(self, from_ms: int | None) -> Tail:
        tail = self.bus().tail([self.topic])
        await tail.start(from_ms)
        self.closers.append(tail.stop)
        return tail

    async def close(self) -> None:
        for close in self.closers:
            await close()
        for bus in self.buses:
            await bus.close()


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
async def backend(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Backend]:
    topic = f"t-{uuid4().hex[:8]}"
    broker: Broker | None = request.getfixturevalue("kafka") if request.param == "kafka" else None
    servers = broker.bootstrap if broker is not None else ""
    settings = load_settings(data_dir=tmp_path, bus_partitions=4, kafka_bootstrap_servers=servers, bus=request.param)
    made = Backend(settings, topic, broker)
    if broker is None or broker.makes_topics:
        await made.bus().ensure_topics([topic])
    yield made
    await made.close()


async def read(source: Subscription | Tail, count: int) -> list[Message]:
    """Fetches until `count` records have come."""
    messages: list[Message] = []
    async with asyncio.timeout(DEADLINE_S):
        while len(messages) < count:
            messages += await source.fetch(100, 1.0)
    return messages


async def joined(member: Subscription) -> frozenset[TopicPartition]:
    """Fetches until the member has partitions; for topics without unread records."""
    async with asyncio.timeout(DEADLINE_S):
        while not member.assignment():
            assert await member.fetch(1, 0.2) == []
    return member.assignment()


def values(messages: list[Message]) -> list[bytes]:
    return [message.value for message in messages]


async def test_a_published_record_is_read_back_whole(backend: Backend) -> None:
    before_ms = SystemClock().now_ms()
    await backend.publish(b"\x00value", key=b"\xffkey")
    (message,) = await read(await backend.member(), 1)
    assert (message.topic, message.offset, message.key, message.value) == (backend.topic, 0, b"\xffkey", b"\x00value")
    assert before_ms - 1000 <= message.timestamp_ms <= SystemClock().now_ms() + 1000


async def test_records_of_one_key_keep_their_order_in_one_partition_without_gaps(backend: Backend) -> None:
    publisher = await backend.publisher()
    for number in range(30):
        records = [Outgoing(backend.topic, key, b"%d" % number) for key in (b"a", b"b", b"c")]
        await publisher.publish(records, PUBLISH_S)
    messages = await read(await backend.member(), 90)
    for key in (b"a", b"b", b"c"):
        own = [message for message in messages if message.key == key]
        assert values(own) == [b"%d" % number for number in range(30)]
        assert len({message.partition for message in own}) == 1
    for source in {message.source for message in messages}:
        offsets = [message.offset for message in messages if message.source == source]
        assert offsets == list(range(len(offsets)))


async def test_keys_spread_over_the_partitions(backend: Backend) -> None:
    publisher = await backend.publisher()
    await publisher.publish([Outgoing(backend.topic, b"key-%d" % n, b"v") for n in range(100)], PUBLISH_S)
    messages = await read(await backend.member(), 100)
    assert {message.partition for message in messages} == {0, 1, 2, 3}


async def test_what_was_not_committed_is_delivered_again(backend: Backend) -> None:
    await backend.publish(b"1", b"2", b"3")
    first = await backend.member()
    (one, *_) = await read(first, 3)
    await first.commit({one.source: Commit(1)})
    await first.stop()
    assert values(await read(await backend.member(), 2)) == [b"2", b"3"]


async def test_a_commit_and_its_metadata_outlive_the_member(backend: Backend) -> None:
    await backend.publish(b"1", b"2")
    first = await backend.member()
    source = (await read(first, 2))[0].source
    assert await first.committed(source) is None
    commit = Commit(1, '{"plan_end": 2, "note": "é"}')
    await first.commit({source: commit})
    await first.stop()
    second = await backend.member()
    assert values(await read(second, 1)) == [b"2"]
    assert await second.committed(source) == commit


async def test_groups_do_not_share_their_commits(backend: Backend) -> None:
    await backend.publish(b"1")
    first = await backend.member("one")
    (message,) = await read(first, 1)
    await first.commit({message.source: Commit(1)})
    assert values(await read(await backend.member("two"), 1)) == [b"1"]


async def test_metadata_of_4_kb_is_kept_and_more_is_refused(backend: Backend) -> None:
    await backend.publish(b"1")
    member = await backend.member()
    (message,) = await read(member, 1)
    await member.commit({message.source: Commit(1, "m" * 4096)})
    with pytest.raises(PermanentError, match="4097 bytes"):
        await member.commit({message.source: Commit(1, "m" * 4097)})


async def test_a_member_that_lost_its_partition_cannot_commit_and_is_told(backend: Backend) -> None:
    lost: list[frozenset[TopicPartition]] = []

    async def revoked(sources: frozenset[TopicPartition]) -> None:
        lost.append(sources)

    old = await backend.member(hooks=GroupHooks(revoked=revoked))
    held = await joined(old)
    new = await backend.member()
    async with asyncio.timeout(DEADLINE_S):
        while not (taken := new.assignment() - old.assignment()):
            with contextlib.suppress(BusUnavailable):  # the mock cluster refuses some joins at first
                await asyncio.gather(new.fetch(10, 0.2), old.fetch(10, 0.2))
    with pytest.raises(CommitRejected):
        await old.commit({next(iter(taken)): Commit(1)})
    await new.commit({source: Commit(1) for source in taken})
    assert lost[0] == held


async def test_the_assigned_hook_runs_before_the_first_record_and_may_seek(backend: Backend) -> None:
    await backend.publish(b"1", b"2", b"3")
    seen: list[str] = []

    async def assigned(sources: frozenset[TopicPartition]) -> None:
        await asyncio.wait([nothing_comes], timeout=1.0)
        for source in sources:
            assert await member.committed(source) is None
            member.seek(source, 2 if source == written else 0)
        seen.append("assigned")

    nothing_comes = asyncio.get_running_loop().create_future()  # a hook that takes its time
    written = (await read(await backend.member("probe"), 3))[0].source
    member = backend.bus().subscription(f"{backend.topic}-group", [backend.topic])
    await member.start(GroupHooks(assigned=assigned))
    backend.closers.append(member.stop)
    messages = await read(member, 1)
    assert (seen, values(messages)) == (["assigned"], [b"3"])


async def test_a_paused_partition_is_silent_while_fetching_goes_on(backend: Backend) -> None:
    member = await backend.member()
    sources = await joined(member)
    member.pause(sources)
    await backend.publish(b"1")
    started = time.monotonic()
    for _ in range(3):
        assert await member.fetch(10, 0.3) == []
    assert time.monotonic() - started >= 0.8, "a fetch without records waits its time"
    assert member.assignment() == sources
    member.resume(sources)
    assert values(await read(member, 1)) == [b"1"]


async def test_pausing_holds_back_records_that_are_buffered_already(backend: Backend) -> None:
    await backend.publish(*(b"%d" % n for n in range(10)))
    member = await backend.member()
    (first,) = await read_one(member)
    member.pause(member.assignment())
    assert await member.fetch(10, 0.5) == []
    member.resume(member.assignment())
    assert values([first, *await read(member, 9)]) == [b"%d" % n for n in range(10)]


async def read_one(member: Subscription) -> list[Message]:
    async with asyncio.timeout(DEADLINE_S):
        while not (messages := await member.fetch(1, 1.0)):
            pass
    return messages


async def test_seek_reads_again_from_there(backend: Backend) -> None:
    await backend.publish(b"0", b"1", b"2")
    member = await backend.member()
    messages = await read(member, 3)
    member.seek(messages[0].source, 1)
    assert values(await read(member, 2)) == [b"1", b"2"]


async def test_fetch_keeps_to_max_records(backend: Backend) -> None:
    await backend.publish(*(b"%d" % n for n in range(10)))
    member = await backend.member()
    batches: list[list[Message]] = []
    async with asyncio.timeout(DEADLINE_S):
        while sum(map(len, batches)) < 10:
            batches.append(await member.fetch(3, 1.0))
    assert max(map(len, batches)) == 3


async def test_a_waiting_fetch_wakes_when_a_record_comes(backend: Backend) -> None:
    member = await backend.member()
    await joined(member)
    fetching = asyncio.create_task(member.fetch(10, 20.0))
    await backend.publish(b"1")
    started = time.monotonic()
    assert values(await fetching) == [b"1"]
    assert time.monotonic() - started < 10


async def test_a_tail_from_now_sees_what_comes_after_it_started(backend: Backend) -> None:
    await backend.publish(b"old")
    tail = await backend.tail(None)
    await backend.publish(b"new")
    assert values(await read(tail, 1)) == [b"new"]


async def test_a_tail_from_a_time_sees_what_the_log_took_since(backend: Backend) -> None:
    if backend.broker is not None and not backend.broker.finds_times:
        pytest.skip("the mock cluster does not look up times")
    await backend.publish(b"0", b"1")
    written = await read(await backend.tail(0), 2)
    await asyncio.to_thread(eventually, lambda: SystemClock().now_ms() > written[-1].timestamp_ms, every_s=0.001)
    await backend.publish(b"2", b"3")
    since = (await read(await backend.tail(0), 4))[2].timestamp_ms
    assert values(await read(await backend.tail(since), 2)) == [b"2", b"3"]


async def test_every_tail_sees_every_record(backend: Backend) -> None:
    tails = [await backend.tail(None), await backend.tail(None)]
    await backend.publish(b"1", b"2")
    for tail in tails:
        assert values(await read(tail, 2)) == [b"1", b"2"]


async def test_source_ids_are_stable_and_differ_by_partition(backend: Backend) -> None:
    await backend.publish(b"1")
    first = await backend.member("one")
    await read(first, 1)
    ids = {source: await first.source_id(source) for source in first.assignment()}
    second = await backend.member("two")
    await read(second, 1)
    assert {source: await second.source_id(source) for source in second.assignment()} == ids
    assert len(set(ids.values())) == len(ids) == 4
    assert all(0 <= number < 2**63 for number in ids.values())


async def test_a_topic_made_anew_has_another_source_id(backend: Backend, tmp_path: Path) -> None:
    if backend.broker is not None and not backend.broker.makes_topics:
        pytest.skip("the mock cluster has neither topic deletion nor topic ids")
    source = TopicPartition(backend.topic, 0)
    first = await backend.member("one")
    await joined(first)
    before = await first.source_id(source)
    await first.stop()
    if backend.broker is None:
        await backend.close()
        _delete_log(tmp_path)
        await _ensured(backend)
    else:
        await _delete_topic(backend)
        await _ensured(backend)
    second = await backend.member("two")
    await joined(second)
    assert await second.source_id(source) != before


def _delete_log(directory: Path) -> None:
    for file in directory.glob("bus.db*"):
        file.unlink()


async def _delete_topic(backend: Backend) -> None:
    from aiokafka.admin import AIOKafkaAdminClient

    assert backend.broker is not None
    admin = AIOKafkaAdminClient(bootstrap_servers=backend.broker.bootstrap)
    await admin.start()
    try:
        await admin.delete_topics([backend.topic])
        async with asyncio.timeout(DEADLINE_S):
            while True:
                if backend.topic not in await admin.list_topics():
                    return
                await asyncio.sleep(0.05)
    finally:
        await admin.close()


async def _ensured(backend: Backend) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            with contextlib.suppress(BusUnavailable):  # a deleted topic may linger for a moment
                return await backend.bus().ensure_topics([backend.topic])


async def test_lag_counts_what_was_not_fetched(backend: Backend) -> None:
    await backend.publish(*(b"%d" % n for n in range(10)))
    member = await backend.member()
    fetched = await read_one(member)
    assert await member.lag() == 10 - len(fetched)
    await read(member, 9)
    assert await member.lag() == 0


async def test_a_message_of_900_kb_passes(backend: Backend) -> None:
    value = bytes(range(256)) * 3600
    await backend.publish(value)
    (message,) = await read(await backend.member(), 1)
    assert message.value == value


async def test_a_record_that_no_backend_takes_is_a_permanent_error(backend: Backend) -> None:
    with pytest.raises(PermanentError, match="1000004 bytes"):
        await backend.publish(bytes(1_000_001))


async def test_topics_are_made_once_and_keep_their_partitions(backend: Backend) -> None:
    if backend.broker is not None and not backend.broker.makes_topics:
        pytest.skip("the mock cluster makes its topics by itself")
    backend.settings.bus_partitions = 2
    other = f"{backend.topic}-other"
    await backend.bus().ensure_topics([backend.topic, other])
    member = backend.bus().subscription(f"{backend.topic}-group", [backend.topic, other])
    await member.start(GroupHooks())
    backend.closers.append(member.stop)
    sources = await joined(member)
    assert sorted(source.topic for source in sources) == [backend.topic] * 4 + [other] * 2


async def test_publishing_to_a_topic_that_is_missing_fails_within_the_deadline(backend: Backend) -> None:
    if backend.broker is not None and not backend.broker.makes_topics:
        pytest.skip("the mock cluster makes its topics by itself")
    publisher = await backend.publisher()
    started = time.monotonic()
    with pytest.raises(BusUnavailable):
        await publisher.publish([Outgoing(f"{backend.topic}-missing", b"k", b"v")], 1.0)
    assert time.monotonic() - started < 3
    await publisher.publish([Outgoing(backend.topic, b"k", b"v")], PUBLISH_S)


async def test_many_publishers_at_once_are_each_acknowledged(backend: Backend) -> None:
    publishers = [await backend.publisher() for _ in range(3)]

    async def publish(number: int) -> None:
        record = Outgoing(backend.topic, b"key-%d" % (number % 7), b"%d" % number)
        await publishers[number % 3].publish([record], PUBLISH_S)

    await asyncio.gather(*(publish(number) for number in range(300)))
    messages = await read(await backend.member(), 300)
    assert sorted(int(message.value) for message in messages) == list(range(300))


async def test_ping_answers(backend: Backend) -> None:
    await (await backend.publisher()).ping(PUBLISH_S)


async def test_trim_leaves_what_is_within_retention(backend: Backend) -> None:
    await backend.publish(b"1")
    await backend.bus().trim()
    assert values(await read(await backend.member(), 1)) == [b"1"]


@pytest.fixture
def stopped(backend: Backend) -> Iterator[Broker]:
    """The broker, to be stopped by the test and started again after it."""
    if backend.broker is None:
        pytest.skip("the embedded log has no broker; vantage-common/tests/test_embedded_bus.py fills its disk")
    if not backend.broker.can_stop:
        pytest.skip("the mock cluster cannot be stopped")
    yield backend.broker
    backend.broker.start()


async def test_without_the_broker_calls_fail_within_their_deadline_and_work_again_after(
    backend: Backend, stopped: Broker
) -> None:
    publisher = await backend.publisher()
    record = Outgoing(backend.topic, b"k", b"before")
    await publisher.publish([record], PUBLISH_S)
    member = await backend.member()
    await read(member, 1)
    await asyncio.to_thread(stopped.stop)

    for attempt in range(3):
        started = time.monotonic()
        with pytest.raises(BusUnavailable):
            await publisher.publish([Outgoing(backend.topic, b"k", b"during %d" % attempt)], 1.0)
        assert time.monotonic() - started < 2
    with pytest.raises(BusUnavailable):
        await publisher.ping(1.0)
    with pytest.raises(BusUnavailable):
        await _fetch_for_ever(member)
    late = await backend.publisher()  # starts without a broker, and connects when there is one

    await asyncio.to_thread(stopped.start)
    await asyncio.gather(
        *(_published(p, Outgoing(backend.topic, b"k", value)) for p, value in ((publisher, b"after"), (late, b"late")))
    )
    found: set[bytes] = set()
    async with asyncio.timeout(DEADLINE_S):
        while not {b"after", b"late"} <= found:
            with contextlib.suppress(BusUnavailable):
                found |= set(values(await member.fetch(100, 1.0)))


async def _fetch_for_ever(member: Subscription) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            await member.fetch(10, 0.5)


async def _published(publisher: Publisher, record: Outgoing) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            with contextlib.suppress(BusUnavailable):
                await publisher.publish([record], 3.0)
                return


_PUBLISH_FOR_EVER = """
import asyncio, sys
from vantage_common.bus.api import Outgoing
from vantage_common.bus.open import open_bus
from vantage_common.clock import SystemClock
from vantage_common.settings import load_settings

directory, servers, kind, topic = sys.argv[1:]

async def main():
    settings = load_settings(data_dir=directory, kafka_bootstrap_servers=servers, bus=kind)
    publisher = open_bus(settings, SystemClock()).publisher()
    await publisher.start()
    number = 0
    while True:
        records = [Outgoing(topic, b"k%d" % n, b"%d" % n + bytes(5000)) for n in range(number, number + 8)]
        await asyncio.gather(*(publisher.publish([record], 10) for record in records))
        number += 8
        print(number, flush=True)

asyncio.run(main())
"""


async def test_kill_of_a_publisher_loses_nothing_acknowledged(backend: Backend) -> None:
    settings = backend.settings
    arguments = [str(settings.data_dir), settings.kafka_bootstrap_servers, settings.bus, backend.topic]
    acknowledged = await asyncio.to_thread(_publish_and_be_killed, arguments, 200)
    member = await backend.member()
    missing = set(range(acknowledged))
    async with asyncio.timeout(DEADLINE_S):
        while missing:  # records that were on their way may lie between the acknowledged ones
            missing -= {int(message.value.rstrip(b"\0")) for message in await member.fetch(100, 1.0)}


def _publish_and_be_killed(arguments: list[str], enough: int) -> int:
    """Kills a publishing process in mid-flight, after `enough` records; how many it knew to be acknowledged."""
    command = [sys.executable, "-c", _PUBLISH_FOR_EVER, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        acknowledged = 0
        for line in process.stdout:
            acknowledged = int(line) if line.endswith("\n") else acknowledged
            if acknowledged >= enough:
                process.kill()  # the loop goes on with what is in the pipe
    assert acknowledged >= enough
    return acknowledged
