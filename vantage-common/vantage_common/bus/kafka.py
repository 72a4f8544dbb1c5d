"""The bus on Kafka or anything that speaks its protocol (Redpanda). The only module that imports aiokafka.

Clients connect in the background and again after an outage; calls that need the broker wait for that within their own
deadline and raise BusUnavailable. Values are compressed blocks already, so the client does not compress.
"""

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from io import BytesIO
from typing import Any, Generic, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener
from aiokafka import TopicPartition as KafkaPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    IllegalStateError,
    IncompatibleBrokerVersion,
    KafkaConnectionError,
    KafkaError,
    MessageSizeTooLargeError,
    RebalanceInProgressError,
    TopicAlreadyExistsError,
    UnknownMemberIdError,
    for_code,
)
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)
from aiokafka.structs import OffsetAndMetadata

from vantage_common.bus.api import Commit, GroupHooks, Message, Outgoing, Publisher, Subscription, Tail, TopicPartition
from vantage_common.bus.topics import check_commits, check_records, partitions, retention_ms, source_id
from vantage_common.clock import Clock
from vantage_common.errors import BusUnavailable, CommitRejected, PermanentError
from vantage_common.settings import Settings
from vantage_common.telemetry import get_logger

_MAX_HELD_BYTES = 64 * 1024 * 1024
"""Records the producer may hold unacknowledged; beyond, `publish` refuses at once."""
_MAX_FETCH_BYTES = 32 * 1024 * 1024
_BATCH_BYTES = 512 * 1024
_ADMIN_TIMEOUT_S = 15.0
_CALL_TIMEOUT_S = 10.0
_STOP_TIMEOUT_S = 5.0
_PROBE_EVERY_S = 3.0
_BACKOFF_S = (0.1, 2.0)
_REBALANCE_TIMEOUT_MS = 30_000
"""A member may finish an insert with its retries before its partitions move on; aiokafka's default is 10 s."""

C = TypeVar("C")
_log = get_logger(__name__)
_Unreachable = (KafkaError, OSError)
_MovedOn = (CommitFailedError, IllegalGenerationError, RebalanceInProgressError, UnknownMemberIdError)
_NO_GENERATION = -1


class KafkaBus:
    name = "kafka"

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._servers = [server.strip() for server in settings.kafka_bootstrap_servers.split(",") if server.strip()]
        self._clock = clock

    def publisher(self) -> Publisher:
        return _KafkaPublisher(self._servers, self._clock)

    def subscription(self, group: str, topics: Sequence[str]) -> Subscription:
        return _KafkaSubscription(self._servers, group, topics, self._clock)

    def tail(self, topics: Sequence[str]) -> Tail:
        return _KafkaTail(self._servers, topics, self._clock)

    async def ensure_topics(self, topics: Sequence[str]) -> None:
        try:
            async with asyncio.timeout(_ADMIN_TIMEOUT_S):
                await self._make_missing(topics)
        except TimeoutError:
            raise self._unavailable(f"no answer within {_ADMIN_TIMEOUT_S} s") from None
        except _Unreachable as error:
            raise self._unavailable(_reason(error)) from error

    async def trim(self) -> None:
        """Nothing to do: the broker deletes what is past `retention.ms`."""

    async def close(self) -> None:
        """Nothing to do: each publisher, subscription and tail closes its own connections."""

    async def _make_missing(self, topics: Sequence[str]) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._servers, client_id="vantage")
        try:
            await admin.start()
            missing = sorted(set(topics) - set(await admin.list_topics()))
            if not missing:
                return
            replicas = min(3, len((await admin.describe_cluster())["brokers"]))
            answer = await admin.create_topics([self._new_topic(topic, replicas) for topic in missing])
            for topic, code, *detail in answer.topic_errors:
                failure = for_code(code)
                if code and failure is not TopicAlreadyExistsError:
                    raise failure(f"topic {topic}: {detail[0] if detail else code}")
        finally:
            await admin.close()

    def _new_topic(self, topic: str, replicas: int) -> NewTopic:
        config = {
            "retention.ms": str(retention_ms(topic, self._settings)),
            "message.timestamp.type": "LogAppendTime",
            "min.insync.replicas": "2" if replicas >= 3 else "1",
        }
        return NewTopic(topic, partitions(topic, self._settings), replicas, topic_configs=config)

    def _unavailable(self, reason: str) -> BusUnavailable:
        return BusUnavailable(f"topics cannot be checked on {','.join(self._servers)}: {reason}")


class _Link(Generic[C]):
    """A client that is connected in the background, however long that takes; `trouble` is why it has not been yet."""

    def __init__(self, servers: Sequence[str], connect: Callable[[], Awaitable[C]]) -> None:
        self._servers = ",".join(servers)
        self._connect = connect
        self._task: asyncio.Task[C] | None = None
        self.trouble: str | None = None

    def begin(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._keep_trying())

    async def ready(self) -> C:
        """The connected client; waits for it without end."""
        self.begin()
        assert self._task is not None
        return await asyncio.shield(self._task)

    def connected(self) -> C | None:
        return self._task.result() if self._task is not None and self._task.done() else None

    def drop(self, reason: str) -> None:
        """Forgets a connected client; the next `ready` makes another."""
        self.trouble = reason
        self._task = None

    async def close(self) -> C | None:
        """Stops trying; returns the client for its owner to close, None when there was none."""
        task, self._task = self._task, None
        if task is None:
            return None
        if task.done():
            return task.result()
        task.cancel()
        await asyncio.wait([task])
        return None

    def unavailable(self, timeout_s: float) -> BusUnavailable:
        return BusUnavailable(f"{self._servers} has not answered within {timeout_s:g} s: {self.trouble or 'slow'}")

    async def _keep_trying(self) -> C:
        pause_s, slowest_s = _BACKOFF_S
        while True:
            try:
                client = await self._connect()
            except _Unreachable as error:
                self.trouble = _reason(error)
            else:
                self.trouble = None
                return client
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, slowest_s)


class _KafkaPublisher:
    """An idempotent producer, replaced when an outage has broken it.

    aiokafka keeps the batches of an idempotent producer for ever, and one that fails has used up its sequence number,
    so that all later ones are refused. A producer that acknowledged nothing during a whole call is therefore dropped
    with what it holds: the callers were told that their records may or may not land.
    """

    def __init__(self, servers: Sequence[str], clock: Clock) -> None:
        self._servers = servers
        self._clock = clock
        self._link = _Link(servers, self._connect)
        self._held_bytes = 0
        self._last_ack = -math.inf
        self._discarding: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._link.begin()

    async def stop(self) -> None:
        producer = await self._link.close()
        if producer is not None:
            await _close_producer(producer)
        if self._discarding:
            await asyncio.wait(self._discarding)

    async def publish(self, records: Sequence[Outgoing], timeout_s: float) -> None:
        check_records(records)
        size = sum(map(_size, records))
        if self._held_bytes + size > _MAX_HELD_BYTES:
            self._replace(self._link.connected(), "too many records without acknowledgement")
            raise BusUnavailable(f"{self._held_bytes} bytes of records wait for {','.join(self._servers)}")
        started = self._clock.monotonic()
        producer: AIOKafkaProducer | None = None
        try:
            async with asyncio.timeout(timeout_s):
                producer = await self._link.ready()
                await self._deliver(producer, records)
        except TimeoutError:
            unavailable = self._link.unavailable(timeout_s)
            if self._last_ack < started:
                self._replace(producer, "nothing acknowledged")
            raise unavailable from None
        except MessageSizeTooLargeError as error:
            raise PermanentError(f"a record is larger than the broker takes: {error}") from error
        except _Unreachable as error:
            self._replace(producer, _reason(error))
            raise BusUnavailable(f"{','.join(self._servers)} refused: {_reason(error)}") from error
        self._last_ack = self._clock.monotonic()

    async def ping(self, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                producer = await self._link.ready()
                answered = await producer.client.force_metadata_update()
        except TimeoutError:
            raise self._link.unavailable(timeout_s) from None
        if not answered:
            raise BusUnavailable(f"{','.join(self._servers)} does not answer")

    async def _connect(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            bootstrap_servers=list(self._servers),
            client_id="vantage",
            acks="all",
            enable_idempotence=True,
            max_batch_size=_BATCH_BYTES,
            request_timeout_ms=10_000,
        )
        try:
            await producer.start()
        except BaseException:
            await _close_producer(producer)
            raise
        return producer

    async def _deliver(self, producer: AIOKafkaProducer, records: Sequence[Outgoing]) -> None:
        deliveries: list[asyncio.Future[Any]] = []
        for record in records:
            delivery = await producer.send(record.topic, record.value, record.key)
            self._held_bytes += _size(record)
            delivery.add_done_callback(self._letting_go(_size(record)))
            deliveries.append(delivery)
        await asyncio.wait(deliveries)
        for delivery in deliveries:
            delivery.result()

    def _letting_go(self, size: int) -> Callable[[asyncio.Future[Any]], None]:
        def let_go(delivery: asyncio.Future[Any]) -> None:
            self._held_bytes -= size
            if not delivery.cancelled():
                delivery.exception()  # seen, also when its caller has gone

        return let_go

    def _replace(self, producer: AIOKafkaProducer | None, reason: str) -> None:
        """Does nothing when another call has replaced this one already: its successor may be well."""
        if producer is None or self._link.connected() != producer:
            return
        _log.warning("producer_replaced", servers=",".join(self._servers), reason=reason)
        self._link.drop(reason)
        # Private: there is no public way to give up what an idempotent producer holds.
        producer._message_accumulator.fail_all(KafkaError(reason))
        task = asyncio.create_task(_close_producer(producer))
        self._discarding.add(task)
        task.add_done_callback(self._discarding.discard)


async def _close_producer(producer: AIOKafkaProducer) -> None:
    """Flushes and closes; aiokafka's flush has no bound of its own."""
    try:
        async with asyncio.timeout(_STOP_TIMEOUT_S):
            await producer.stop()
    except (TimeoutError, *_Unreachable) as error:
        _log.warning("producer_not_flushed", reason=_reason(error))
        await producer.client.close()


class _KafkaSubscription:
    """A member of a consumer group, eager rebalancing, manual commits."""

    def __init__(self, servers: Sequence[str], group: str, topics: Sequence[str], clock: Clock) -> None:
        self._servers = servers
        self._group = group
        self._topics = topics
        self._link = _Link(servers, self._connect)
        self._consumer: AIOKafkaConsumer | None = None
        self._probe = _Probe(servers, clock)
        self._hooks = GroupHooks()
        self._hook_failure: Exception | None = None
        self._generation = _NO_GENERATION
        self._paused: frozenset[TopicPartition] = frozenset()
        self._expected: dict[TopicPartition, int] = {}
        self._incarnations: dict[str, str] = {}

    async def start(self, hooks: GroupHooks) -> None:
        self._hooks = hooks
        self._link.begin()

    async def stop(self) -> None:
        consumer = await self._link.close()
        if consumer is not None:
            await _close_consumer(consumer)

    async def fetch(self, max_records: int, timeout_s: float) -> list[Message]:
        try:
            messages = await _fetch(self._link, self._probe, max_records, timeout_s)
        except KafkaError as error:
            await self._start_over(_reason(error))
            raise BusUnavailable(f"group {self._group}: {_reason(error)}") from error
        self._raise_hook_failure()
        self._notice_gaps(messages)
        return messages

    def assignment(self) -> frozenset[TopicPartition]:
        return _ours(self._consumer.assignment()) if self._consumer is not None else frozenset()

    async def committed(self, source: TopicPartition) -> Commit | None:
        consumer = self._joined()
        theirs = _theirs(source)
        # Private: the public `committed()` leaves the metadata out.
        found = await self._call(consumer._coordinator.fetch_committed_offsets([theirs]))
        return Commit(found[theirs].offset, found[theirs].metadata or "") if theirs in found else None

    async def commit(self, commits: Mapping[TopicPartition, Commit]) -> None:
        check_commits(commits)
        lost = commits.keys() - self.assignment()
        if lost:
            raise CommitRejected(f"{_named(lost)} not assigned to this member of {self._group}")
        offsets = {_theirs(source): OffsetAndMetadata(c.offset, c.metadata) for source, c in commits.items()}
        try:
            await self._call(_commit(self._joined(), offsets, self._generation))
        except _MovedOn as error:
            raise CommitRejected(f"group {self._group} has moved on: {error}") from error

    def seek(self, source: TopicPartition, offset: int) -> None:
        if self._consumer is not None and source in self.assignment():
            self._expected.pop(source, None)
            self._consumer.seek(_theirs(source), offset)

    def pause(self, sources: frozenset[TopicPartition]) -> None:
        self._paused |= sources
        if self._consumer is not None:
            self._consumer.pause(*map(_theirs, sources & self.assignment()))

    def resume(self, sources: frozenset[TopicPartition]) -> None:
        self._paused -= sources
        if self._consumer is not None:
            self._consumer.resume(*map(_theirs, sources & self.assignment()))

    async def lag(self) -> int:
        try:
            return await self._call(_lag(self._joined()))
        except IllegalStateError as error:  # a partition went while it was asked about
            raise BusUnavailable(f"group {self._group} is changing: {_reason(error)}") from error

    async def source_id(self, source: TopicPartition) -> int:
        if source.topic not in self._incarnations:
            client = self._joined()._client
            self._incarnations[source.topic] = await self._call(_incarnation(client, source.topic))
        return source_id(self._incarnations[source.topic], source)

    async def _connect(self) -> AIOKafkaConsumer:
        consumer = _consumer(self._servers, self._group)
        self._consumer = consumer  # the hooks use it while it joins
        consumer.subscribe(list(self._topics), listener=_Listener(self._on_revoked, self._on_assigned))
        return await _started(consumer)

    async def _on_revoked(self, sources: frozenset[TopicPartition]) -> None:
        if sources and self._hooks.revoked is not None:
            await self._hook(self._hooks.revoked(sources))

    async def _on_assigned(self, sources: frozenset[TopicPartition]) -> None:
        """Nothing is read until the hook has seen the partitions and may have sought in them."""
        assert self._consumer is not None
        self._generation = self._consumer._coordinator.generation
        self._consumer.pause(*map(_theirs, sources))
        self._expected.clear()
        self._incarnations.clear()
        if self._hooks.assigned is not None:
            await self._hook(self._hooks.assigned(sources))
        self._consumer.resume(*map(_theirs, (sources - self._paused) & self.assignment()))

    async def _hook(self, call: Awaitable[None]) -> None:
        """aiokafka only logs what a listener raises; the next `fetch` raises it."""
        try:
            await call
        except Exception as error:
            self._hook_failure = error

    def _raise_hook_failure(self) -> None:
        failure, self._hook_failure = self._hook_failure, None
        if failure is not None:
            raise failure

    async def _start_over(self, reason: str) -> None:
        """aiokafka's coordinator does not come back from an error of its own: join anew."""
        _log.warning("consumer_replaced", group=self._group, reason=reason)
        lost = self.assignment()
        broken, self._consumer = self._consumer, None
        self._link.drop(reason)
        if broken is not None:
            await _close_consumer(broken)
        await self._on_revoked(lost)

    def _joined(self) -> AIOKafkaConsumer:
        if self._consumer is None or self._consumer._coordinator is None:
            raise BusUnavailable(f"group {self._group} is not joined: {self._link.trouble or 'not yet'}")
        return self._consumer

    async def _call(self, call: Awaitable[C]) -> C:
        try:
            async with asyncio.timeout(_CALL_TIMEOUT_S):
                return await call
        except TimeoutError:
            raise self._link.unavailable(_CALL_TIMEOUT_S) from None
        except (IllegalStateError, *_MovedOn):
            raise
        except _Unreachable as error:
            raise BusUnavailable(f"{','.join(self._servers)}: {_reason(error)}") from error

    def _notice_gaps(self, messages: Sequence[Message]) -> None:
        for message in messages:
            source = message.source
            expected = self._expected.get(source, message.offset)
            if message.offset > expected:
                _log.warning(
                    "records_gone", topic=source.topic, partition=source.partition, first=expected, next=message.offset
                )
            self._expected[source] = message.offset + 1


class _KafkaTail:
    """Reads the partitions that exist when it connects. "From now" is the moment of `start`, or that of the first
    connection when the broker was away then."""

    def __init__(self, servers: Sequence[str], topics: Sequence[str], clock: Clock) -> None:
        self._servers = servers
        self._topics = topics
        self._link = _Link(servers, self._connect)
        self._probe = _Probe(servers, clock)
        self._from_ms: int | None = None

    async def start(self, from_ms: int | None) -> None:
        self._from_ms = from_ms
        with contextlib.suppress(TimeoutError):  # `fetch` goes on waiting and says so
            async with asyncio.timeout(_CALL_TIMEOUT_S):
                await self._link.ready()

    async def stop(self) -> None:
        consumer = await self._link.close()
        if consumer is not None:
            await _close_consumer(consumer)

    async def fetch(self, max_records: int, timeout_s: float) -> list[Message]:
        try:
            return await _fetch(self._link, self._probe, max_records, timeout_s)
        except KafkaError as error:
            raise BusUnavailable(f"{','.join(self._servers)}: {_reason(error)}") from error

    async def _connect(self) -> AIOKafkaConsumer:
        consumer = await _started(_consumer(self._servers, None))
        try:
            async with asyncio.timeout(_ADMIN_TIMEOUT_S):
                await self._place(consumer)
        except BaseException as error:
            await _close_consumer(consumer)
            if isinstance(error, TimeoutError):
                raise KafkaError(f"topics {', '.join(self._topics)} cannot be found") from None
            raise
        return consumer

    async def _place(self, consumer: AIOKafkaConsumer) -> None:
        sources = []
        for topic in self._topics:
            # Private: the public ways to wait for a topic subscribe to it.
            partitions = await consumer._client._wait_on_metadata(topic)
            sources += [KafkaPartition(topic, partition) for partition in sorted(partitions)]
        consumer.assign(sources)
        positions = await consumer.end_offsets(sources)
        if self._from_ms is not None:
            found = await consumer.offsets_for_times(dict.fromkeys(sources, self._from_ms))
            positions.update({source: at.offset for source, at in found.items() if at is not None})
        for source, offset in positions.items():
            consumer.seek(source, offset)


class _Probe:
    """Asks the broker for a sign of life when a fetch brought nothing: aiokafka's fetch is silent in an outage."""

    def __init__(self, servers: Sequence[str], clock: Clock) -> None:
        self._servers = ",".join(servers)
        self._clock = clock
        self._next = clock.monotonic() + _PROBE_EVERY_S

    async def check(self, consumer: AIOKafkaConsumer) -> None:
        if self._clock.monotonic() < self._next:
            return
        try:
            async with asyncio.timeout(_CALL_TIMEOUT_S):
                answered = await consumer._client.force_metadata_update()
        except TimeoutError:
            answered = False
        if not answered:
            raise BusUnavailable(f"{self._servers} does not answer")
        self._next = self._clock.monotonic() + _PROBE_EVERY_S


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    def __init__(
        self,
        revoked: Callable[[frozenset[TopicPartition]], Awaitable[None]],
        assigned: Callable[[frozenset[TopicPartition]], Awaitable[None]],
    ) -> None:
        self._revoked = revoked
        self._assigned = assigned

    async def on_partitions_revoked(self, revoked: set[KafkaPartition]) -> None:
        await self._revoked(_ours(revoked))

    async def on_partitions_assigned(self, assigned: set[KafkaPartition]) -> None:
        await self._assigned(_ours(assigned))


def _consumer(servers: Sequence[str], group: str | None) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        bootstrap_servers=list(servers),
        client_id="vantage",
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_bytes=_MAX_FETCH_BYTES,
        rebalance_timeout_ms=_REBALANCE_TIMEOUT_MS,
        metadata_max_age_ms=60_000,
    )


async def _started(consumer: AIOKafkaConsumer) -> AIOKafkaConsumer:
    try:
        await consumer.start()
    except BaseException:
        await _close_consumer(consumer)
        raise
    return consumer


async def _close_consumer(consumer: AIOKafkaConsumer) -> None:
    """Leaves the group and closes, within `_STOP_TIMEOUT_S`; a broker that is away is not waited for."""
    task = asyncio.current_task()
    try:
        async with asyncio.timeout(_STOP_TIMEOUT_S):
            await consumer.stop()
    except (TimeoutError, *_Unreachable) as error:
        _log.warning("consumer_not_left", reason=_reason(error))
        await consumer._client.close()
    except asyncio.CancelledError:
        if task is not None and task.cancelling():
            raise
        # aiokafka cancels a task of its own there, waits for it, and lets out what it raised.
        _log.warning("consumer_not_left", reason="the broker did not answer")
        await consumer._client.close()


async def _fetch(link: _Link[AIOKafkaConsumer], probe: _Probe, max_records: int, timeout_s: float) -> list[Message]:
    """What a consumer gives, connecting included; nothing while it connects without trouble.

    Raises BusUnavailable without a broker, KafkaError when the consumer itself is broken.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    try:
        async with asyncio.timeout(timeout_s):
            consumer = await link.ready()
    except TimeoutError:
        if link.trouble is None:
            return []
        raise link.unavailable(timeout_s) from None
    messages = await _take(consumer, max_records, deadline - loop.time())
    if not messages:
        await probe.check(consumer)
    return messages


async def _take(consumer: AIOKafkaConsumer, max_records: int, timeout_s: float) -> list[Message]:
    """What the consumer has, or gets within `timeout_s`. During a rebalance aiokafka waits on without regard to it."""
    wait_s = max(0.0, timeout_s)
    try:
        async with asyncio.timeout(wait_s + 0.1):
            found = await consumer.getmany(timeout_ms=round(wait_s * 1000), max_records=max_records)
    except TimeoutError:
        return []
    return [
        Message(r.topic, r.partition, r.offset, r.key or b"", r.value or b"", r.timestamp)
        for records in found.values()
        for r in records
    ]


async def _commit(
    consumer: AIOKafkaConsumer, offsets: Mapping[KafkaPartition, OffsetAndMetadata], generation: int
) -> None:
    """One attempt, as the member of `generation`. aiokafka's own `commit` tries again with the generation of then, and
    the broker takes whatever a newer generation commits, also what an older one had read."""
    coordinator = consumer._coordinator
    await coordinator.ensure_coordinator_known()
    async with coordinator._commit_lock:
        if coordinator.generation != generation:
            raise CommitFailedError("it has rebalanced since")
        await asyncio.shield(coordinator._do_commit_offsets(None, offsets))


async def _lag(consumer: AIOKafkaConsumer) -> int:
    sources = list(consumer.assignment())
    ends = await consumer.end_offsets(sources)
    return sum([max(0, ends[source] - await consumer.position(source)) for source in sources])


class _Uuid:
    """16 bytes, as they come."""

    @classmethod
    def encode(cls, value: bytes) -> bytes:
        return value

    @classmethod
    def decode(cls, data: BytesIO) -> bytes:
        return data.read(16)

    @classmethod
    def repr(cls, value: bytes) -> str:
        return value.hex()


class _TopicIdResponse(Response):  # type: ignore[misc]
    """Metadata v10, the first with topic ids (KIP-516); aiokafka itself speaks up to v5."""

    API_KEY = 3
    API_VERSION = 10
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString("utf-8")),
                ("port", Int32),
                ("rack", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("topic", CompactString("utf-8")),
                ("topic_id", _Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_authorized_operations", Int32),
        ("tags", TaggedFields),
    )


class _TopicIdRequestV10(RequestStruct):  # type: ignore[misc]
    API_KEY = 3
    API_VERSION = 10
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = _TopicIdResponse
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", _Uuid), ("topic", CompactString("utf-8")), ("tags", TaggedFields))),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _TopicIdRequest(Request[_TopicIdRequestV10]):  # type: ignore[misc]
    API_KEY = 3

    def __init__(self, topic: str) -> None:
        self._topic = topic

    def build(self, request_struct_class: type[_TopicIdRequestV10]) -> _TopicIdRequestV10:
        return request_struct_class([(bytes(16), self._topic, {})], False, False, False, {})


async def _incarnation(client: Any, topic: str) -> str:
    """What names one life of a topic: the cluster's id and the topic's.

    A broker without topic ids (Kafka before 2.8, Redpanda before 25.3) leaves the cluster's id alone: there a topic
    that is deleted and made anew under its old name must not be fed into a store that still holds its rows.
    """
    node = client.get_random_node()
    try:
        answer = await client.send(node, _TopicIdRequest(topic))
    except (IncompatibleBrokerVersion, NotImplementedError):
        answer = await client.send(node, MetadataRequest([topic]))
        _log.warning("no_topic_ids", topic=topic, cluster=answer.cluster_id)
        return str(answer.cluster_id)
    error_code, _name, topic_id, *_rest = answer.topics[0]
    if error_code:
        raise for_code(error_code)(f"topic {topic}")
    return f"{answer.cluster_id}/{topic_id.hex()}"


def _size(record: Outgoing) -> int:
    return len(record.key) + len(record.value)


def _theirs(source: TopicPartition) -> KafkaPartition:
    return KafkaPartition(source.topic, source.partition)


def _ours(sources: Iterable[KafkaPartition]) -> frozenset[TopicPartition]:
    return frozenset(TopicPartition(source.topic, source.partition) for source in sources)


def _named(sources: Iterable[TopicPartition]) -> str:
    return ", ".join(sorted(f"{source.topic}/{source.partition}" for source in sources))


def _reason(error: BaseException) -> str:
    if isinstance(error, KafkaConnectionError):
        return "no connection"
    return str(error) or type(error).__name__
