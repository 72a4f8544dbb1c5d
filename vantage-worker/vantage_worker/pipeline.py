"""consume → batch → guard → insert → commit, exactly once.

Before an insert the planned offset range is committed as metadata (the intent); the range is inserted as one block
whose rows carry their source and offset; then the group commits past it. Whoever finds an intent asks the store what
it holds of that range and inserts only the rest. Nothing sleeps here: a failed batch waits in its lane while the loop
keeps fetching, so the member stays in its group.
"""

import asyncio

from vantage_common.bus.api import Bus, Commit, GroupHooks, Message, Publisher, Subscription, TopicPartition
from vantage_common.clock import Clock
from vantage_common.errors import BusUnavailable, CommitRejected, PermanentError, StoreRejected, StoreUnavailable
from vantage_common.store.api import Held, Store, Writer
from vantage_common.telemetry import get_logger

from vantage_worker.backpressure import BatchSize, FetchSize, Load, full_lanes
from vantage_worker.batch import Batch, Taken, take
from vantage_worker.breaker import GAUGE, Breaker
from vantage_worker.insert import Guarded, Inserter
from vantage_worker.intent import ForeignCommit, commit_of_intent, intent_end
from vantage_worker.lane import Lane
from vantage_worker.metrics import WorkerMetrics
from vantage_worker.repeats import StoredParts
from vantage_worker.sift import TooManyRefused
from vantage_worker.stall import Progress, Watchdog

GROUP = "vantage-workers"
FETCH_WAIT_S = 0.2
RETRY_S = (2.0, 4.0, 8.0)
MAX_POISON_IN_A_ROW = 1000
MAX_DOUBTFUL_RECORDS = 1_000_000
"""Far more than one block of ours has: an intent is at most 50 000 rows or 64 MiB."""
DRAIN_S = 10.0
"""From the stop on, for the batch being written and all that waits. With five seconds for leaving the group and ten
for closing the store this stays within the 25 that a service manager grants."""

log = get_logger("vantage.worker")


class TooMuchPoison(PermanentError):
    """So many records in a row were no blocks that the topic itself must be wrong: a person has to look."""


class Pipeline:
    """One worker. `run` returns after `stop` is set and what was read is stored, or raises a PermanentError."""

    def __init__(self, bus: Bus, store: Store, clock: Clock, topics: tuple[str, ...], metrics: WorkerMetrics) -> None:
        self._bus = bus
        self._topics = topics
        self._subscription: Subscription = bus.subscription(GROUP, topics)
        self._publisher: Publisher = bus.publisher()
        self._writer: Writer = store.writer
        self._clock = clock
        self._metrics = metrics
        self._breaker = Breaker(clock)
        self._size = BatchSize()
        self._fetch_size = FetchSize()
        self._stored_parts = StoredParts(store.writer, clock)
        self._inserter = Inserter(store.writer, self._publisher, metrics)
        self._progress = Progress(clock)
        self._watchdog = Watchdog(clock)
        self._lanes: dict[TopicPartition, Lane] = {}
        self._poison_in_a_row = 0
        self.lag: int | None = None
        """Records of this worker's partitions not read yet, as the broker said last; None before."""
        self.bus_trouble: str | None = None
        """Why the last fetch failed; None when it did not."""

    @property
    def stalled_s(self) -> float:
        """Seconds for which records have been waiting, here or in the log, without one being stored."""
        return self._progress.stalled_s

    @property
    def has_first_partition(self) -> bool:
        """Whether this worker reads partition 0 of the metrics topic, as one worker at a time does."""
        return TopicPartition(self._topics[0], 0) in self._lanes

    @property
    def breaker_state(self) -> str:
        return self._breaker.state

    async def run(self, stop: asyncio.Event) -> None:
        await self._publisher.start()
        await self._join()
        try:
            async with asyncio.timeout(None) as limit:
                limiting = asyncio.create_task(_limit_from(stop, limit))
                try:
                    while not stop.is_set():
                        await self._consume()
                        await self._write_due()
                        await self._watch()
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
        """Reads what there is into its lanes."""
        try:
            wait_s = 0.0 if self._is_writing() else FETCH_WAIT_S
            messages = await self._subscription.fetch(self._fetch_size.records, wait_s)
            self.bus_trouble = None
        except BusUnavailable as error:
            self.bus_trouble = str(error)
            log.warning("bus unavailable", reason=str(error))
            await asyncio.sleep(0.5)
            return
        if messages:
            self._watchdog.fed()
            # A rebalance during the decoding opens new lanes, which read from the commit: these records are not theirs.
            lanes = [self._lanes.get(message.source) for message in messages]
            records = await asyncio.to_thread(_take_all, messages)
            self._fetch_size.adapt(
                records=len(records), rows=sum(r.rows for r in records), size=sum(r.size for r in records)
            )
            for lane, message, record in zip(lanes, messages, records, strict=True):
                if lane is not None:
                    self._batch(lane, message, record)
        self._balance()

    def _batch(self, lane: Lane, message: Message, record: Taken) -> None:
        lane.add(record, self._clock.monotonic())
        self._metrics.consumed.labels(message.topic).inc()
        self._poison_in_a_row = self._poison_in_a_row + 1 if record.poison else 0
        if record.poison and self._poison_in_a_row > MAX_POISON_IN_A_ROW:
            raise TooMuchPoison(
                f"{self._poison_in_a_row} records in a row are no blocks, the last {message.topic}/{message.partition} "
                f"offset {message.offset}: {record.poison[1]}. Nothing is lost. Stop what writes them, then start the "
                f"worker again; to leave them out, commit a later offset for group {GROUP} first"
            )

    def _is_writing(self) -> bool:
        """Whether a batch can be written now: then nothing is waited for."""
        now = self._clock.monotonic()
        return self._breaker.allows() and any(lane.is_due(self._size.rows, now) for lane in self._lanes.values())

    def _balance(self) -> None:
        """Stops reading the lanes that hold enough; memory stays bounded however slow the store is."""
        paused: set[TopicPartition] = set()
        resumed: set[TopicPartition] = set()
        lanes = list(self._lanes.values())
        full = full_lanes([Load(lane.waiting_rows, lane.waiting_bytes) for lane in lanes])
        for lane, is_full in zip(lanes, full, strict=True):
            was_full, lane.is_full = lane.is_full, is_full and not lane.is_reading_intent
            if lane.is_full != was_full:
                (paused if lane.is_full else resumed).add(lane.source)
        if paused:
            self._subscription.pause(frozenset(paused))
        if resumed:
            self._subscription.resume(frozenset(resumed))

    async def _write_due(self) -> None:
        now = self._clock.monotonic()
        for lane in list(self._lanes.values()):
            if self._lanes.get(lane.source) is not lane:
                continue  # taken away while another was written
            lane.current = lane.current or lane.seal(self._size.rows, now)
            if lane.current and now >= lane.retry_at and self._breaker.allows():
                await self._write(lane, lane.current)
                if lane.current is not None:
                    break  # a store that does not answer may take a minute to say so: fetch before the next try
        self._metrics.breaker.set(GAUGE[self._breaker.state])

    async def _write(self, lane: Lane, batch: Batch) -> None:
        source = lane.source
        try:
            guarded = await self._guard(lane, batch)
            if self._lanes.get(source) is not lane:
                return  # taken away, perhaps given back: whoever has it now reads these records again
            rows = await self._inserter.insert(lane, batch, guarded)
            if self._lanes.get(source) is not lane:
                return  # a commit now could take the group back behind what a successor has written since
            await self._subscription.commit({source: Commit(batch.end)})
        except CommitRejected as error:
            log.warning("partition was taken over", topic=source.topic, partition=source.partition, reason=str(error))
            if self._lanes.get(source) is lane:
                del self._lanes[source]
        except (StoreRejected, TooManyRefused) as error:
            raise type(error)(
                f"{source.topic}/{source.partition}, offsets {batch.start} to {batch.end - 1}: {error}. They are kept "
                f"in the log; mend the store, or commit offset {batch.end} for group {GROUP} to leave them out"
            ) from error
        except (StoreUnavailable, BusUnavailable) as error:
            self._failed(lane, batch, error)
        else:
            self._stored(lane, batch, guarded, rows)

    async def _guard(self, lane: Lane, batch: Batch) -> Guarded:
        """Commits the intent, or for a range in doubt asks what the store holds of it; drops senders' retries."""
        held: frozenset[Held] = frozenset()
        if batch.in_doubt:
            held = await self._writer.held(lane.table, lane.source_id, batch.start, batch.end)
        else:
            await self._subscription.commit({lane.source: commit_of_intent(batch.start, batch.end)})
        kept = await self._stored_parts.drop_repeats(lane, batch, held)
        return Guarded(kept, held)

    def _failed(self, lane: Lane, batch: Batch, error: Exception) -> None:
        wait = RETRY_S[min(batch.attempts, len(RETRY_S) - 1)]
        batch.attempts += 1
        lane.retry_at = self._clock.monotonic() + wait
        if isinstance(error, StoreUnavailable):
            self._breaker.failed()
        self._metrics.inserts.labels(lane.table, "failed").inc()
        log.warning("insert failed", table=lane.table, attempt=batch.attempts, retry_in_s=wait, reason=str(error))

    def _stored(self, lane: Lane, batch: Batch, guarded: Guarded, rows: int) -> None:
        lane.current = None
        self._breaker.succeeded()
        self._progress.made()
        self._stored_parts.remember(guarded.kept)
        self._size.adapt(written=batch.rows, waiting=lane.waiting_rows)
        age_ms = self._clock.now_ms() - batch.taken[-1].timestamp_ms
        self._metrics.repeats.inc(len(batch.taken) - len(guarded.kept))
        self._metrics.inserts.labels(lane.table, "ok").inc()
        self._metrics.rows.labels(lane.table).inc(rows)
        self._metrics.batch_size.labels(lane.table).set(rows)
        self._metrics.processing_lag.labels(lane.table).set(max(0, age_ms) / 1000)

    async def _drain(self) -> None:
        """Stores what was read, once."""
        for lane in list(self._lanes.values()):
            while batch := lane.current or lane.seal(self._size.rows, self._clock.monotonic(), at_once=True):
                lane.current = batch
                await self._write(lane, batch)
                if lane.current is batch:
                    log.warning("left for the next worker", topic=lane.source.topic, offsets=[batch.start, batch.end])
                    break

    async def _watch(self) -> None:
        """Notes whether work is waiting, and connects anew when the log has records and gives none."""
        is_busy = any(lane.taken or lane.current for lane in self._lanes.values())
        self._progress.waiting(is_busy or bool(self.lag))
        self._metrics.partitions.set(len(self._lanes))
        self._metrics.buffered_rows.set(sum(lane.waiting_rows for lane in self._lanes.values()))
        if is_busy or self.bus_trouble or not self.lag:
            self._watchdog.fed()
        elif self._watchdog.is_due():
            log.error("the log has records and gives none: connecting anew", lag=self.lag)
            self._metrics.reconnects.inc()
            await self._reconnect()

    async def _reconnect(self) -> None:
        stuck, self._subscription = self._subscription, self._bus.subscription(GROUP, self._topics)
        self._lanes.clear()
        await stuck.stop()
        await self._join()

    async def _join(self) -> None:
        await self._subscription.start(GroupHooks(revoked=self._revoked, assigned=self._assigned))

    async def _revoked(self, sources: frozenset[TopicPartition]) -> None:
        """What was read and not committed is the successor's. A pause outlives a rebalance, so it ends here."""
        for source in sources:
            self._lanes.pop(source, None)
        self._subscription.resume(sources)

    async def _assigned(self, sources: frozenset[TopicPartition]) -> None:
        for source in sources:
            self._lanes[source] = await self._open_lane(source)
        log.info("partitions assigned", number=len(self._lanes))

    async def _open_lane(self, source: TopicPartition) -> Lane:
        """Asks for the predecessor's intent until it is known: without it nothing may be read.

        The lane begins at the very commit it has seen: our own earlier write may commit while the group rebalances.
        """
        while True:
            try:
                commit = await self._subscription.committed(source)
                lane = Lane(source, await self._subscription.source_id(source), self._clock.monotonic())
                if commit is not None:
                    self._subscription.seek(source, commit.offset)
                    lane.intent_end = await self._intent_end(lane, commit)
                return lane
            except (BusUnavailable, StoreUnavailable) as error:
                log.warning("cannot read the last commit yet", topic=source.topic, reason=str(error))
                await asyncio.sleep(0.5)

    async def _intent_end(self, lane: Lane, commit: Commit) -> int | None:
        """As the commit says; where it says nothing that can be understood, the store is asked how far its rows go."""
        try:
            return intent_end(commit)
        except ForeignCommit as error:
            name = f"{lane.source.topic}/{lane.source.partition}"
            held = await self._writer.held(lane.table, lane.source_id, commit.offset, 2**63 - 1)
            end = max((entry.offset + 1 for entry in held), default=commit.offset)
            if end - commit.offset > MAX_DOUBTFUL_RECORDS:
                raise ForeignCommit(
                    f"{name}: {error}, and the store holds rows up to offset {end - 1}, far beyond {commit.offset}. "
                    f"Commit offset {end} without metadata for group {GROUP} to go on from there"
                ) from error
            log.error("unknown commit metadata: the store was asked instead", source=name, reason=str(error), end=end)
            return end if held else None

    async def measure_lag(self) -> None:
        """Asks the broker how far behind this worker is; one that is away leaves the figure as it was."""
        try:
            self.lag = await self._subscription.lag()
            self._metrics.kafka_lag.set(self.lag)
        except BusUnavailable as error:
            log.debug("lag unknown", reason=str(error))


def _take_all(messages: list[Message]) -> list[Taken]:
    return [take(message) for message in messages]


async def _limit_from(stop: asyncio.Event, limit: asyncio.Timeout) -> None:
    await stop.wait()
    limit.reschedule(asyncio.get_running_loop().time() + DRAIN_S)
