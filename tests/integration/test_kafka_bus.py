"""What only the Kafka bus has: generations the broker checks, a producer that breaks, a client loaded when needed."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiokafka.errors import IllegalStateError, RequestTimedOutError
from vantage_common.bus.api import PULSES, Commit, GroupHooks, Message, Outgoing, Subscription
from vantage_common.bus.kafka import KafkaBus
from vantage_common.clock import SystemClock
from vantage_common.errors import BusUnavailable, CommitRejected
from vantage_common.settings import load_settings

from tests.kafka_broker import Broker

pytestmark = pytest.mark.kafka
DEADLINE_S = 30.0


@pytest.fixture
def bus(kafka: Broker) -> KafkaBus:
    settings = load_settings(bus="kafka", kafka_bootstrap_servers=kafka.bootstrap, bus_partitions=1)
    return KafkaBus(settings, SystemClock())


@pytest.fixture
async def topic(bus: KafkaBus, kafka: Broker) -> str:
    name = f"t-{uuid4().hex[:8]}"
    if kafka.makes_topics:
        await bus.ensure_topics([name])
    return name


@pytest.fixture
async def publisher(bus: KafkaBus) -> AsyncIterator[Any]:
    """Any: these tests reach into the producer to break it as an outage does."""
    made = bus.publisher()
    await made.start()
    yield made
    await made.stop()


async def read(member: Subscription, count: int) -> list[Message]:
    messages: list[Message] = []
    async with asyncio.timeout(DEADLINE_S):
        while len(messages) < count:
            messages += await member.fetch(100, 1.0)
    return messages


async def test_the_broker_refuses_the_commit_of_an_older_generation(bus: KafkaBus, topic: str, publisher: Any) -> None:
    await publisher.publish([Outgoing(topic, b"k", b"v")], 15)
    member: Any = bus.subscription(f"{topic}-group", [topic])
    await member.start(GroupHooks())
    (message,) = await read(member, 1)
    member._generation -= 1  # a zombie that has not heard of the rebalance
    member._consumer._coordinator.generation -= 1
    with pytest.raises(CommitRejected, match="moved on"):
        await member.commit({message.source: Commit(1)})
    await member.stop()


async def test_a_commit_is_not_tried_again_as_a_later_member(
    bus: KafkaBus, topic: str, publisher: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publisher.publish([Outgoing(topic, b"k", b"v")], 15)
    member: Any = bus.subscription(f"{topic}-group", [topic])
    await member.start(GroupHooks())
    (message,) = await read(member, 1)
    coordinator = member._consumer._coordinator
    joined = coordinator.generation

    async def fail_once(_: object) -> None:
        monkeypatch.undo()
        coordinator.generation = joined  # the group has been joined anew while the broker did not answer
        raise RequestTimedOutError

    member._generation = coordinator.generation = joined - 1
    monkeypatch.setattr(coordinator, "_send_req", fail_once)
    with pytest.raises(BusUnavailable):
        await member.commit({message.source: Commit(1)})
    with pytest.raises(CommitRejected, match="rebalanced"):
        await member.commit({message.source: Commit(1)})
    assert await member.committed(message.source) is None
    await member.stop()


async def test_a_producer_whose_sequence_broke_is_replaced(bus: KafkaBus, topic: str, publisher: Any) -> None:
    await publisher.publish([Outgoing(topic, b"k", b"1")], 15)
    producer = publisher._link.connected()
    for partition in range(4):
        # As aiokafka does when a batch expired: a number used up that the broker never saw.
        producer._txn_manager.increment_sequence_number(_their(topic, partition), 1)
    with pytest.raises(BusUnavailable):
        await publisher.publish([Outgoing(topic, b"k", b"2")], 3)
    await publisher.publish([Outgoing(topic, b"k", b"3")], 15)
    member = bus.subscription(f"{topic}-group", [topic])
    await member.start(GroupHooks())
    assert [message.value for message in await read(member, 2)] == [b"1", b"3"]
    await member.stop()


def _their(topic: str, partition: int) -> Any:
    from aiokafka import TopicPartition

    return TopicPartition(topic, partition)


async def test_a_hook_that_fails_is_raised_by_fetch(bus: KafkaBus, topic: str, publisher: Any) -> None:
    await publisher.publish([Outgoing(topic, b"k", b"1")], 15)

    async def fail(_: object) -> None:
        raise ValueError("the hook failed")

    member = bus.subscription(f"{topic}-group", [topic])
    await member.start(GroupHooks(assigned=fail))
    with pytest.raises(ValueError, match="the hook failed"):
        await read(member, 1)
    await member.stop()


async def test_topics_get_their_retention_and_the_log_s_own_time(bus: KafkaBus, kafka: Broker) -> None:
    if not kafka.makes_topics:
        pytest.skip("the mock cluster makes its topics by itself")
    from aiokafka.admin import AIOKafkaAdminClient
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

    await bus.ensure_topics([PULSES, "metrics-raw"])
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    found = {}
    for name in (PULSES, "metrics-raw"):
        (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
        found[name] = {config[0]: config[1] for config in answer.resources[0][4]}
    await admin.close()
    assert found[PULSES]["retention.ms"] == "3600000"
    assert found["metrics-raw"]["retention.ms"] == str(168 * 3_600_000)
    assert found["metrics-raw"]["message.timestamp.type"] == "LogAppendTime"


async def test_an_unreachable_broker_is_named_with_the_reason() -> None:
    nobody = load_settings(bus="kafka", kafka_bootstrap_servers="127.0.0.1:9", bus_partitions=1)
    publisher = KafkaBus(nobody, SystemClock()).publisher()
    await publisher.start()
    with pytest.raises(BusUnavailable, match=r"127\.0\.0\.1:9 has not answered within 0\.5 s: no connection"):
        await publisher.publish([Outgoing("t", b"k", b"v")], 0.5)
    with pytest.raises(BusUnavailable, match="topics cannot be checked"):
        await KafkaBus(nobody, SystemClock()).ensure_topics(["t"])
    await publisher.stop()


def test_an_embedded_vantage_never_loads_the_kafka_client(tmp_path: Path) -> None:
    script = (
        "import sys; from vantage_common.bus.open import open_bus; from vantage_common.clock import SystemClock\n"
        "from vantage_common.settings import load_settings\n"
        "bus = open_bus(load_settings(bus='embedded', data_dir=sys.argv[1]), SystemClock())\n"
        "assert bus.name == 'embedded' and 'aiokafka' not in sys.modules"
    )
    run = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr


def test_starting_a_broker_that_runs_starts_no_second_one(kafka: Broker) -> None:
    if not kafka.can_stop:
        pytest.skip("the mock cluster cannot be started")
    running: Any = kafka
    before = running._process.pid
    kafka.start()
    assert running._process.pid == before


async def test_lag_during_a_rebalance_is_unknown_and_no_failure(
    bus: KafkaBus, topic: str, publisher: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aiokafka refuses the position of a partition that has gone since it was listed."""
    await publisher.publish([Outgoing(topic, b"k", b"v")], 15)
    member: Any = bus.subscription(f"{topic}-group", [topic])
    await member.start(GroupHooks())
    await read(member, 1)

    async def gone(_: object) -> int:
        raise IllegalStateError("Partition is not assigned")

    monkeypatch.setattr(member._consumer, "position", gone)
    with pytest.raises(BusUnavailable, match="is changing"):
        await member.lag()
    await member.stop()
