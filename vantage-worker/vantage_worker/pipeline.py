"""consume → batch → guard → insert → commit, exactly once.

Before an insert the planned offset range is committed as metadata (the intent); the range is inserted as one block
whose rows carry their source and offset; then the group commits past it. Whoever finds an intent asks the store what
it holds of that range and inserts only the rest. Nothing sleeps here: a failed batch waits in its lane while the loop
keeps fetching, so the member stays in its group.
"""

import asyncio
import base64
import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import uuid4

from vantage_common.bus.api import (
    DEAD_LETTER,
    Bus,
    Commit,
    GroupHooks,
    Message,
    Outgoing,
    Publisher,
    Subscription,
    TopicPartition,
)
from vantage_common.clock import Clock
from vantage_common.errors import BusUnavailable, CommitRejected, PermanentError, StoreRejected, StoreUnavailable
from vantage_common.store.api import Held, Store, Writer
from vantage_common.telemetry import get_logger

from vantage_worker.backpressure import (
    MAX_BATCH_BYTES,
    MAX_BUFFERED_BYTES,
    MAX_BUFFERED_ROWS,
    MIN_BUFFERED_BYTES,
    MIN_ROWS,
    BatchSize,
)
from vantage_worker.batch import Batch, Part, Taken, assemble, kind_of_topic, part_of, take, without_repeats
from vantage_worker.breaker import GAUGE, Breaker
from vantage_worker.metrics import WorkerMetrics

GROUP = "vantage-workers"
LINGER_S = 1.0
FETCH_RECORDS = 500
RETRY_S = (2.0, 4.0, 8.0)
REPEAT_WINDOW_MS = 3_600_000
REMEMBERED_PARTS = 200_000
MAX_POISON_IN_A_ROW = 1000
DRAIN_S = 10.0
"""From the stop on, for the batch being written and all that waits. With five seconds for leaving the group and ten
for closing the store this stays within the 25 that a service manager grants."""
MAX_LETTER_VALUE_BYTES = 700_000
MAX_LETTER_KEY_BYTES = 1000
"""In base64 and with its origin such a letter is still a record that the bus takes."""

log = get_logger("vantage.worker")


class TooMuchPoison(PermanentError):
    """So many records in a row were no blocks that the topic itself must be wrong: a person has to look."""


@dataclass(slots=True)
class Lane:
    """What this worker knows of one partition: what was read, and the batch being written."""

    source_id: int
    opened: float
    taken: list[Taken] = field(default_factory=list)
    since: float = 0.0
    intent_end: int | None = None
    current: Batch | None = None
    retry_at: float = 0.0

    @property
    def waiting_rows(self) -> int:
        return sum(record.rows for record in self.taken)

    @property
    def waiting_bytes(self) -> int:
        return sum(record.size for record in self.taken)

    @property
    def is_reading_intent(self) -> bool:
        """Its predecessor's range has to be read to the end, however long it is: it is written as one."""
        end = self.intent_end
        return end is not None and not (self.taken and self.taken[-1].offset >= end - 1)


class Pipeline:
    """One worker. `run` returns after `stop` is set and what was read is stored, or raises a PermanentError."""

    def __init__(self, bus: Bus, store: Store, clock: Clock, topics: tuple[str, ...], metrics: WorkerMetrics) -> None:
        self._subscription: Subscription = bus.subscription(GROUP, topics)
        self._publisher: Publisher = bus.publisher()
        self._writer: Writer = store.writer
        self._clock = clock
        self._metrics = metrics
        self._breaker = Breaker(clock)
        self._size = BatchSize()
        self._lanes: dict[TopicPartition, Lane] = {}
        self._paused: frozenset[TopicPartition] = frozenset()
        self._parts: OrderedDict[Part, float] = OrderedDict()
        self._parts_since = clock.monotonic()
        self._poison_in_a_row = 0
        self._last_progress = clock.monotonic()

    @property
    def stalled_s(self) -> float:
        """Seconds for which records have been waiting without one being stored."""
        return self._clock.monotonic() - self._last_progress if self._is_busy else 0.0

    @property
    def _is_busy(self) -> bool:
        return any(lane.taken or lane.current for lane in self._lanes.values())

    @property
    def breaker_state(self) -> str:
        return self._breaker.state

    async def run(self, stop: asyncio.Event) -> None:
        await self._publisher.start()
        await self._subscription.start(GroupHooks(revoked=self._revoked, assigned=self._assigned))
        try:
            async with asyncio.timeout(None) as limit:
                limiting = asyncio.create_task(_limit_from(stop, limit))
                try:
                    while not stop.is_set():
                        await self._consume()
                        await self._write_due()
                    await self._drain()
                finally:
                    limiting.cancel()
        except TimeoutError:
            if not limit.expired():
                raise
            log.warning("stopped before all was stored: the rest is left for the next worker", after_s=DRAIN_S)
        finally:
            await self._subscription.stop()
            await self._publisher.stop()

    async def _consume(self) -> None:
        try:
            messages = await self._subscription.fetch(FETCH_RECORDS, timeout_s=0.2)
        except BusUnavailable as error:
            log.warning("bus unavailable", reason=str(error))
            await asyncio.sleep(0.5)
            return
        if messages:
            # A rebalance during the decoding opens new lanes, which read from the commit: these records are not theirs.
            lanes = [self._lanes.get(message.source) for message in messages]
            records = await asyncio.to_thread(_take_all, messages)
            if not self._is_busy:
                self._last_progress = self._clock.monotonic()
            for lane, message, record in zip(lanes, messages, records, strict=True):
                if lane is not None:
                    self._batch(lane, message, record)
        self._balance()

    def _batch(self, lane: Lane, message: Message, record: Taken) -> None:
        if not lane.taken:
            lane.since = self._clock.monotonic()
        lane.taken.append(record)
        self._metrics.consumed.labels(message.topic).inc()
        self._poison_in_a_row = self._poison_in_a_row + 1 if record.poison else 0
        if self._poison_in_a_row > MAX_POISON_IN_A_ROW:
            raise TooMuchPoison(f"{self._poison_in_a_row} records in a row on {message.topic} are no blocks; stopped")

    def _balance(self) -> None:
        """Stops reading the lanes that hold enough; memory stays bounded however slow the store is."""
        lanes = max(1, len(self._lanes))
        rows, size = max(MIN_ROWS, MAX_BUFFERED_ROWS // lanes), max(MIN_BUFFERED_BYTES, MAX_BUFFERED_BYTES // lanes)
        full = frozenset(
            source
            for source, lane in self._lanes.items()
            if (lane.waiting_rows >= rows or lane.waiting_bytes >= size) and not lane.is_reading_intent
        )
        if full - self._paused:
            self._subscription.pause(full - self._paused)
        if self._paused - full:
            self._subscription.resume((self._paused - full) & frozenset(self._lanes))
        self._paused = full

    async def _write_due(self) -> None:
        now = self._clock.monotonic()
        for source, lane in list(self._lanes.items()):
            lane.current = lane.current or self._seal(lane, now, at_once=False)
            if lane.current and now >= lane.retry_at and self._breaker.allows():
                await self._write(source, lane, lane.current)
                if lane.current is not None:
                    break  # a store that does not answer may take a minute to say so: fetch before the next try
        self._metrics.breaker.set(GAUGE[self._breaker.state])

    def _seal(self, lane: Lane, now: float, *, at_once: bool) -> Batch | None:
        """The next batch of a lane when it is due: exactly the intent's range when one was found, else what has
        gathered up to the adaptive size or the linger time."""
        if not lane.taken:
            return None
        if lane.intent_end is not None and lane.taken[0].offset < lane.intent_end:
            return _seal_intent(lane, lane.intent_end)
        if not (at_once or lane.waiting_rows >= self._size.rows or now - lane.since >= LINGER_S):
            return None
        number, rows, size = 0, 0, 0
        for record in lane.taken:
            rows, size = rows + record.rows, size + record.size
            if number and (rows > self._size.rows or size > MAX_BATCH_BYTES):
                break
            number += 1
        taken, lane.taken = lane.taken[:number], lane.taken[number:]
        lane.since = now
        return Batch(taken[0].offset, taken[-1].offset + 1, taken)

    async def _write(self, source: TopicPartition, lane: Lane, batch: Batch) -> None:
        table = kind_of_topic(source.topic)
        try:
            kept, held = await self._guard(source, lane, batch)
            if self._lanes.get(source) is not lane:
                return  # taken away, perhaps given back: whoever has it now reads these records again
            columns = assemble(table, kept, lane.source_id, held)
            rows = len(columns["workspace"])
            if rows:
                token = f"{lane.source_id}:{batch.start}:{batch.end}" + (f":{uuid4()}" if batch.in_doubt else "")
                batch.in_doubt = True
                with self._metrics.write_seconds.time():
                    await self._writer.insert(table, columns, token=token)
            await self._bury(batch)
            await self._subscription.commit({source: Commit(batch.end)})
        except CommitRejected as error:
            log.warning("partition was taken over", topic=source.topic, partition=source.partition, reason=str(error))
            if self._lanes.get(source) is lane:
                del self._lanes[source]
            return
        except StoreRejected as error:
            raise StoreRejected(
                f"{source.topic}/{source.partition}, offsets {batch.start} to {batch.end - 1}: {error}. They are kept "
                f"in the log; mend the store, or commit offset {batch.end} for group {GROUP} to leave them out"
            ) from error
        except (StoreUnavailable, BusUnavailable) as error:
            self._failed(table, lane, batch, error)
            return
        self._stored(table, lane, batch, kept, rows)

    async def _guard(self, source: TopicPartition, lane: Lane, batch: Batch) -> tuple[list[Taken], frozenset[Held]]:
        """Commits the intent, or for a range in doubt asks what the store holds of it; drops senders' retries."""
        table = kind_of_topic(source.topic)
        held: frozenset[Held] = frozenset()
        if batch.in_doubt:
            held = await self._writer.held(table, lane.source_id, batch.start, batch.end)
        else:
            await self._subscription.commit({source: Commit(batch.start, json.dumps({"end": batch.end}))})
        begun = {entry.offset for entry in held}
        fresh = [record for record in batch.taken if record.offset not in begun]
        repeats = await self._stored_parts(table, lane, fresh, batch)
        started = frozenset(part for record in batch.taken if record.offset in begun and (part := part_of(record)))
        kept = without_repeats(fresh, repeats | started)
        dropped = len(fresh) - len(kept)
        if dropped:
            self._metrics.repeats.inc(dropped)
        resumed = [record for record in batch.taken if record.offset in begun]
        return sorted([*kept, *resumed], key=lambda record: record.offset), held

    async def _stored_parts(self, table: str, lane: Lane, taken: list[Taken], batch: Batch) -> frozenset[Part]:
        """Which parts were stored before: this worker remembers its own, the store knows what others wrote."""
        parts = {part for record in taken if (part := part_of(record))}
        known = frozenset(part for part in parts if part in self._parts)
        unknown = sorted({batch_id for batch_id, _ in parts - known})
        if not unknown or self._remembers_all(lane, batch):
            return known
        since = self._clock.now_ms() - REPEAT_WINDOW_MS
        return known | await self._writer.held_parts(table, unknown, since)

    def _remembers_all(self, lane: Lane, batch: Batch) -> bool:
        """Whether memory covers the window: this worker has had the partition for as long, and forgot nothing."""
        covered_s = self._clock.monotonic() - max(self._parts_since, lane.opened)
        return not batch.in_doubt and covered_s >= REPEAT_WINDOW_MS / 1000

    async def _bury(self, batch: Batch) -> None:
        """Dead letters are acknowledged before the commit, so that no poison record is lost either."""
        if not batch.poison:
            return
        letters = [dead_letter(message, reason) for message, reason in batch.poison]
        await self._publisher.publish(letters, timeout_s=5.0)
        self._metrics.dead_letters.inc(len(letters))
        log.error("records sent to dead letters", number=len(letters), reason=batch.poison[0][1])

    def _failed(self, table: str, lane: Lane, batch: Batch, error: Exception) -> None:
        wait = RETRY_S[min(batch.attempts, len(RETRY_S) - 1)]
        batch.attempts += 1
        lane.retry_at = self._clock.monotonic() + wait
        if isinstance(error, StoreUnavailable):
            self._breaker.failed()
        self._metrics.inserts.labels(table, "failed").inc()
        log.warning("insert failed", table=table, attempt=batch.attempts, retry_in_s=wait, reason=str(error))

    def _stored(self, table: str, lane: Lane, batch: Batch, kept: list[Taken], rows: int) -> None:
        self._breaker.succeeded()
        lane.current = None
        now = self._last_progress = self._clock.monotonic()
        for record in kept:
            if part := part_of(record):
                self._parts[part] = now
        while len(self._parts) > REMEMBERED_PARTS:
            _, self._parts_since = self._parts.popitem(last=False)
        self._size.adapt(written=batch.rows, waiting=lane.waiting_rows)
        self._metrics.inserts.labels(table, "ok").inc()
        self._metrics.rows.labels(table).inc(rows)
        self._metrics.batch_size.set(rows)
        self._metrics.processing_lag.set(max(0, self._clock.now_ms() - batch.taken[-1].timestamp_ms) / 1000)

    async def _drain(self) -> None:
        """Stores what was read, once."""
        for source, lane in list(self._lanes.items()):
            while batch := lane.current or self._seal(lane, self._clock.monotonic(), at_once=True):
                lane.current = batch
                await self._write(source, lane, batch)
                if lane.current is batch:
                    log.warning("left for the next worker", topic=source.topic, offsets=[batch.start, batch.end])
                    break

    async def _revoked(self, sources: frozenset[TopicPartition]) -> None:
        """What was read and not committed is the successor's. A pause outlives a rebalance, so it ends here."""
        for source in sources:
            self._lanes.pop(source, None)
        self._subscription.resume(self._paused & sources)
        self._paused -= sources

    async def _assigned(self, sources: frozenset[TopicPartition]) -> None:
        for source in sources:
            self._lanes[source] = await self._open_lane(source)
        log.info("partitions assigned", number=len(self._lanes))

    async def _open_lane(self, source: TopicPartition) -> Lane:
        """Asks for the predecessor's intent until the broker answers: without it nothing may be read.

        The lane begins at the very commit it has seen: our own earlier write may commit while the group rebalances.
        """
        while True:
            try:
                commit = await self._subscription.committed(source)
                source_id = await self._subscription.source_id(source)
                if commit is not None:
                    self._subscription.seek(source, commit.offset)
                return Lane(source_id, self._clock.monotonic(), intent_end=intent_end(commit))
            except BusUnavailable as error:
                log.warning("cannot read the last commit yet", topic=source.topic, reason=str(error))
                await asyncio.sleep(0.5)

    async def measure_lag(self) -> None:
        """Refreshes the lag gauge; a broker that is away leaves it as it was."""
        try:
            self._metrics.kafka_lag.set(await self._subscription.lag())
        except BusUnavailable as error:
            log.debug("lag unknown", reason=str(error))


def _seal_intent(lane: Lane, end: int) -> Batch | None:
    """The predecessor's range, once all of it has been read: committing past records never read would lose them."""
    if lane.taken[-1].offset < end - 1:
        return None
    number = sum(1 for record in lane.taken if record.offset < end)
    taken, lane.taken = lane.taken[:number], lane.taken[number:]
    lane.intent_end = None
    return Batch(taken[0].offset, end, taken, in_doubt=True)


def _take_all(messages: list[Message]) -> list[Taken]:
    return [take(message) for message in messages]


def intent_end(commit: Commit | None) -> int | None:
    """The end of the range that a predecessor meant to insert and has not committed past; None without one."""
    if commit is None or not commit.metadata:
        return None
    planned: Mapping[str, int] = json.loads(commit.metadata)
    return planned["end"] if planned["end"] > commit.offset else None


async def _limit_from(stop: asyncio.Event, limit: asyncio.Timeout) -> None:
    await stop.wait()
    limit.reschedule(asyncio.get_running_loop().time() + DRAIN_S)


def dead_letter(message: Message, reason: str) -> Outgoing:
    """The record, its origin and the reason, as JSON with the value in base64.

    Of a value larger than any block of ours it is the beginning; `size` is the whole one's, which the log still has.
    """
    letter = {
        "reason": reason,
        "topic": message.topic,
        "partition": message.partition,
        "offset": message.offset,
        "timestamp": message.timestamp_ms,
        "size": len(message.value),
        "value": base64.b64encode(message.value[:MAX_LETTER_VALUE_BYTES]).decode(),
    }
    return Outgoing(DEAD_LETTER, message.key[:MAX_LETTER_KEY_BYTES], json.dumps(letter).encode())
