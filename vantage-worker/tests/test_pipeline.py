"""Exactly once, on the real embedded log, with a store that fails where a test says so."""

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from vantage_common.block import BlockBody, columns_of, encode_block
from vantage_common.bus.api import (
    DEAD_LETTER,
    METRICS_RAW,
    Bus,
    Commit,
    GroupHooks,
    Message,
    Outgoing,
    Subscription,
    TopicPartition,
)
from vantage_common.bus.open import open_bus
from vantage_common.clock import ManualClock
from vantage_common.errors import StoreRejected, StoreUnavailable
from vantage_common.model import Sample
from vantage_common.settings import load_settings
from vantage_common.store.api import Admin, Held, Reader, Writer
from vantage_worker import pipeline as pipeline_module
from vantage_worker.batch import Taken, day_of
from vantage_worker.metrics import WorkerMetrics
from vantage_worker.pipeline import GROUP, Pipeline, TooMuchPoison

NOW = 1_790_035_200_000
SOURCE = TopicPartition(METRICS_RAW, 0)


class FaultyStore:
    """Rows in memory. `fail_before` and `fail_after` inserts raise, without and with the rows having landed."""

    name = "memory"
    reader: Reader
    admin: Admin

    def __init__(self) -> None:
        self.writer: Writer = self
        self.rows: list[tuple[int, int, float]] = []
        self.batches: list[tuple[str, int]] = []
        self.fail_before = 0
        self.fail_after = 0
        self.attempts = 0
        self.rejects = False
        self.gate: asyncio.Event | None = None

    async def insert(self, table: str, columns: Mapping[str, Sequence[Any]], *, token: str) -> int:
        self.attempts += 1
        if self.gate:
            await self.gate.wait()
        if self.rejects:
            raise StoreRejected("a value does not fit its column")
        if self.fail_before:
            self.fail_before -= 1
            raise StoreUnavailable("refused")
        self.rows += zip(columns["_off"], map(day_of, columns["timestamp"]), columns["value"], strict=True)
        self.batches += zip(columns["batch_id"], columns["batch_part"], strict=True)
        if self.fail_after:
            self.fail_after -= 1
            raise StoreUnavailable("answer lost")
        return len(columns["_off"])

    async def held(self, table: str, source_id: int, start: int, end: int) -> frozenset[Held]:
        return frozenset(Held(offset, day) for offset, day, _ in self.rows if start <= offset < end)

    async def held_parts(self, table: str, batch_ids: Sequence[str], since_ms: int) -> frozenset[tuple[str, int]]:
        return frozenset(part for part in self.batches if part[0] in batch_ids)

    async def close(self) -> None:
        return None

    @property
    def values(self) -> list[float]:
        return sorted(value for _, _, value in self.rows)


@pytest.fixture
async def bus(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Bus]:
    opened = open_bus(load_settings(data_dir=tmp_path, bus="embedded", bus_partitions=1), clock)
    await opened.ensure_topics([METRICS_RAW, DEAD_LETTER])
    yield opened
    await opened.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def store() -> FaultyStore:
    return FaultyStore()


def block(*values: float, batch_id: str = "", part: int = 0) -> Outgoing:
    """A record with a row a value; the rows alternate between two days."""
    rows = [
        Sample(timestamp=NOW - (i % 2) * 86_400_000, service_name="s", metric_name="m", metric_type="gauge", value=v)
        for i, v in enumerate(values)
    ]
    body = BlockBody("metrics", "default", "s", len(rows), columns_of("metrics", rows), batch_id, part)
    return Outgoing(METRICS_RAW, b"default\x00s", encode_block(body))


async def publish(bus: Bus, *records: Outgoing) -> None:
    publisher = bus.publisher()
    await publisher.start()
    await publisher.publish(records, timeout_s=5)
    await publisher.stop()


class Running:
    """A worker in the background whose clock runs as fast as the test polls."""

    def __init__(self, bus: "Bus | RebalancingBus", store: FaultyStore, clock: ManualClock) -> None:
        self._clock = clock
        self.stop = asyncio.Event()
        self.pipeline = Pipeline(cast(Bus, bus), store, clock, (METRICS_RAW,), WorkerMetrics())
        self.task = asyncio.create_task(self.pipeline.run(self.stop))

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                if self.task.done():
                    self.task.result()
                self._clock.advance(0.5)
                await asyncio.sleep(0.01)

    async def finish(self) -> None:
        self.stop.set()
        await self.task

    async def crash(self) -> None:
        """As kill -9: nothing is flushed or committed any more."""
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task


async def committed(bus: Bus) -> Commit | None:
    subscription = bus.subscription(GROUP, [METRICS_RAW])
    await subscription.start(GroupHooks())
    try:
        return await subscription.committed(SOURCE)
    finally:
        await subscription.stop()


async def test_rows_reach_the_store_and_the_group_commits_past_them(
    bus: Bus, store: FaultyStore, clock: ManualClock
) -> None:
    await publish(bus, block(1, 2), block(3))
    worker = Running(bus, store, clock)
    await worker.until(lambda: len(store.rows) == 3)
    await worker.finish()
    assert store.values == [1, 2, 3]
    assert await committed(bus) == Commit(2)


async def test_what_was_read_is_stored_before_a_graceful_stop(bus: Bus, store: FaultyStore, clock: ManualClock) -> None:
    worker = Running(bus, store, clock)
    await publish(bus, block(1))
    await worker.until(lambda: worker.pipeline.stalled_s > 0 or bool(store.rows))
    await worker.finish()
    assert store.values == [1]


@pytest.mark.parametrize("landed", [False, True])
async def test_a_failed_insert_is_repeated_only_where_it_did_not_land(
    bus: Bus, store: FaultyStore, clock: ManualClock, landed: bool
) -> None:
    store.fail_after, store.fail_before = (1, 0) if landed else (0, 1)
    await publish(bus, block(1, 2), block(3))
    worker = Running(bus, store, clock)
    await worker.until(lambda: worker.pipeline.stalled_s == 0 and len(store.rows) >= 3)
    await worker.finish()
    assert store.values == [1, 2, 3]
    assert await committed(bus) == Commit(2)


@pytest.mark.parametrize("landed_days", [0, 1, 2])
async def test_a_successor_inserts_only_what_its_predecessor_did_not(
    bus: Bus, store: FaultyStore, clock: ManualClock, landed_days: int
) -> None:
    """The predecessor dies inside the insert, after none, one or both of the two day partitions were written."""
    await publish(bus, block(1, 2), block(3, 4))
    store.gate = asyncio.Event()
    first = Running(bus, store, clock)
    await first.until(lambda: store.attempts == 1)
    await first.crash()
    today, yesterday = day_of(NOW), day_of(NOW - 86_400_000)
    by_day = [[(0, today, 1.0), (1, today, 3.0)], [(0, yesterday, 2.0), (1, yesterday, 4.0)]]
    for rows in by_day[:landed_days]:
        store.rows += rows
    store.gate = None
    await publish(bus, block(5))
    second = Running(bus, store, clock)
    await second.until(lambda: len(store.rows) >= 5)
    await second.finish()
    assert store.values == [1, 2, 3, 4, 5]
    assert await committed(bus) == Commit(3)


async def test_without_the_check_of_the_intent_rows_would_double(
    bus: Bus, store: FaultyStore, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted fault: with `held` blinded, the crash test above must see doubles."""

    async def blind(*_: object) -> frozenset[Held]:
        return frozenset()

    store.fail_after = 1
    monkeypatch.setattr(store, "held", blind)
    await publish(bus, block(1, 2))
    worker = Running(bus, store, clock)
    await worker.until(lambda: len(store.rows) >= 4)
    await worker.finish()
    assert store.values == [1, 1, 2, 2]


async def test_a_senders_retry_is_stored_once_also_across_a_restart(
    bus: Bus, store: FaultyStore, clock: ManualClock
) -> None:
    await publish(bus, block(1, batch_id="b"), block(1, batch_id="b"))
    first = Running(bus, store, clock)
    await first.until(lambda: first.pipeline.stalled_s == 0 and store.values == [1])
    await first.finish()
    await publish(bus, block(1, batch_id="b"), block(2, batch_id="b", part=1))
    second = Running(bus, store, clock)
    await second.until(lambda: 2.0 in store.values)
    await second.finish()
    assert store.values == [1, 2]


async def test_poison_goes_to_the_dead_letters_and_its_neighbours_to_the_store(
    bus: Bus, store: FaultyStore, clock: ManualClock
) -> None:
    poison = Outgoing(METRICS_RAW, b"default\x00s", b"\x01\x00nonsense")
    await publish(bus, block(1), poison, block(2))
    worker = Running(bus, store, clock)
    await worker.until(lambda: len(store.rows) == 2)
    await worker.finish()
    letters = await read_all(bus, DEAD_LETTER)
    assert [json.loads(letter.value)["offset"] for letter in letters] == [1]
    assert base64.b64decode(json.loads(letters[0].value)["value"]) == poison.value
    assert await committed(bus) == Commit(3)


async def test_nothing_but_poison_stops_the_worker_loudly(bus: Bus, store: FaultyStore, clock: ManualClock) -> None:
    await publish(bus, *[Outgoing(METRICS_RAW, b"k", b"junk")] * 1001)
    worker = Running(bus, store, clock)
    with pytest.raises(TooMuchPoison, match="1001 records in a row"):
        await worker.until(lambda: False)


async def test_the_breaker_opens_and_the_backlog_drains_when_the_store_is_back(
    bus: Bus, store: FaultyStore, clock: ManualClock
) -> None:
    store.fail_before = 6
    await publish(bus, block(1))
    worker = Running(bus, store, clock)
    await worker.until(lambda: worker.pipeline.breaker_state == "open")
    assert store.attempts == 5
    await publish(bus, block(2))
    await worker.until(lambda: len(store.rows) == 2)
    assert worker.pipeline.breaker_state == "closed"
    await worker.finish()
    assert store.values == [1, 2]


async def read_all(bus: Bus, topic: str) -> list[Message]:
    tail = bus.tail([topic])
    await tail.start(from_ms=0)
    try:
        return await tail.fetch(1000, timeout_s=5)
    finally:
        await tail.stop()


class Rebalancing:
    """A member of the embedded group that `rebalance` makes lose every partition and get it back, as the eager
    protocol of Kafka does whenever any member comes or goes."""

    def __init__(self, inner: Subscription) -> None:
        self._inner = inner
        self._hooks = GroupHooks()
        self.before_commit: Callable[[Commit], bool] = lambda _: False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def start(self, hooks: GroupHooks) -> None:
        self._hooks = hooks
        await self._inner.start(hooks)

    async def commit(self, commits: Mapping[TopicPartition, Commit]) -> None:
        if any(map(self.before_commit, commits.values())):
            await self.rebalance()
        await self._inner.commit(commits)

    async def rebalance(self) -> None:
        sources = self._inner.assignment()
        assert self._hooks.revoked is not None
        assert self._hooks.assigned is not None
        await self._hooks.revoked(sources)
        for source in sources:
            commit = await self._inner.committed(source)
            self._inner.seek(source, commit.offset if commit else 0)
        await self._hooks.assigned(sources)


class RebalancingBus:
    """The embedded bus, its subscription wrapped."""

    def __init__(self, inner: Bus) -> None:
        self._inner = inner
        self.member: Rebalancing | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def subscription(self, group: str, topics: Sequence[str]) -> Any:
        self.member = Rebalancing(self._inner.subscription(group, topics))
        return self.member


def small_buffers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rows are a full batch, and all that a lane may hold; records are fetched one by one."""
    monkeypatch.setattr("vantage_worker.backpressure.MIN_ROWS", 2)
    monkeypatch.setattr(pipeline_module, "MIN_ROWS", 2, raising=False)
    monkeypatch.setattr(pipeline_module, "MAX_BUFFERED_ROWS", 2)
    monkeypatch.setattr(pipeline_module, "FETCH_RECORDS", 1)


async def test_a_partition_paused_before_a_rebalance_is_read_on_after_it(
    bus: Bus, store: FaultyStore, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_buffers(monkeypatch)
    kept_away = RebalancingBus(bus)
    store.fail_before = 5
    await publish(bus, *(block(float(i)) for i in range(10)))
    worker = Running(kept_away, store, clock)
    await worker.until(lambda: worker.pipeline.breaker_state == "open")
    assert kept_away.member is not None
    await kept_away.member.rebalance()
    await worker.until(lambda: len(store.rows) == 10)
    await worker.finish()
    assert store.values == [float(i) for i in range(10)]


async def test_an_intent_wider_than_the_buffer_is_still_read_whole(
    bus: Bus, store: FaultyStore, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A predecessor's batches had grown; its successor's buffers are small again."""
    await publish(bus, *(block(float(i)) for i in range(10)))
    store.gate = asyncio.Event()
    first = Running(bus, store, clock)
    await first.until(lambda: store.attempts == 1)
    await first.crash()
    store.gate = None
    small_buffers(monkeypatch)
    second = Running(bus, store, clock)
    await second.until(lambda: len(store.rows) == 10)
    await second.finish()
    assert store.values == [float(i) for i in range(10)]


async def test_records_decoded_during_a_rebalance_are_left_to_the_new_lane(
    bus: Bus, store: FaultyStore, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    rebalancing = RebalancingBus(bus)
    loop = asyncio.get_running_loop()
    decode = pipeline_module._take_all
    calls = 0

    def decode_slowly(messages: list[Message]) -> list[Taken]:
        nonlocal calls
        calls += 1
        if calls == 2:
            assert rebalancing.member is not None
            asyncio.run_coroutine_threadsafe(rebalancing.member.rebalance(), loop).result(10)
        return decode(messages)

    monkeypatch.setattr(pipeline_module, "_take_all", decode_slowly)
    monkeypatch.setattr(pipeline_module, "FETCH_RECORDS", 2)
    monkeypatch.setattr(pipeline_module, "LINGER_S", 1e6)
    await publish(bus, *(block(float(i)) for i in range(6)))
    worker = Running(rebalancing, store, clock)
    await worker.until(lambda: calls >= 5)
    await worker.finish()
    assert store.values == [float(i) for i in range(6)]
    assert await committed(bus) == Commit(6)


@pytest.mark.parametrize("during", ["intent", "end"])
async def test_a_write_overtaken_by_a_rebalance_doubles_nothing(
    bus: Bus, store: FaultyStore, clock: ManualClock, during: str
) -> None:
    rebalancing = RebalancingBus(bus)
    await publish(bus, block(1), block(2))
    worker = Running(rebalancing, store, clock)
    assert rebalancing.member is not None
    once = iter([True])
    rebalancing.member.before_commit = lambda commit: (
        bool(commit.metadata) == (during == "intent") and next(once, False)
    )
    await worker.until(lambda: len(store.rows) >= 2 and worker.pipeline.stalled_s == 0)
    await publish(bus, block(3))
    await worker.until(lambda: 3.0 in store.values)
    await worker.finish()
    assert store.values == [1, 2, 3]
    assert await committed(bus) == Commit(3)


async def test_a_retry_of_what_another_worker_stored_is_dropped_after_a_rebalance(
    bus: Bus, store: FaultyStore, clock: ManualClock
) -> None:
    """However long this worker has run: it knows nothing of the partition before it got it."""
    rebalancing = RebalancingBus(bus)
    await publish(bus, block(1))
    worker = Running(rebalancing, store, clock)
    await worker.until(lambda: store.values == [1])
    clock.advance(7200)
    store.batches.append(("b", 0))
    assert rebalancing.member is not None
    await rebalancing.member.rebalance()
    await publish(bus, block(2, batch_id="b"), block(3))
    await worker.until(lambda: 3.0 in store.values)
    await worker.finish()
    assert store.values == [1, 3]


async def test_a_part_that_memory_had_no_room_for_is_asked_of_the_store(
    bus: Bus, store: FaultyStore, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline_module, "REMEMBERED_PARTS", 1)
    worker = Running(bus, store, clock)
    await publish(bus, block(1))
    await worker.until(lambda: store.values == [1])
    clock.advance(7200)
    await publish(bus, block(2, batch_id="b"), block(3, batch_id="c"))
    await worker.until(lambda: store.values == [1, 2, 3])
    await publish(bus, block(2, batch_id="b"), block(4))
    await worker.until(lambda: 4.0 in store.values)
    await worker.finish()
    assert store.values == [1, 2, 3, 4]


async def test_poison_too_large_for_a_letter_keeps_its_beginning_and_its_origin(
    bus: Bus, store: FaultyStore, clock: ManualClock
) -> None:
    poison = Outgoing(METRICS_RAW, b"k" * 50_000, b"\xff" * 900_000)
    await publish(bus, block(1), poison, block(2))
    worker = Running(bus, store, clock)
    await worker.until(lambda: len(store.rows) == 2)
    await worker.finish()
    (letter,) = await read_all(bus, DEAD_LETTER)
    told = json.loads(letter.value)
    assert (told["offset"], told["size"]) == (1, 900_000)
    assert poison.value.startswith(base64.b64decode(told["value"]))
    assert store.values == [1, 2]


async def test_bytes_bound_a_batch_as_well_as_rows(
    bus: Bus, store: FaultyStore, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline_module, "MAX_BATCH_BYTES", 1, raising=False)
    await publish(bus, block(1), block(2), block(3))
    worker = Running(bus, store, clock)
    await worker.until(lambda: len(store.rows) == 3)
    await worker.finish()
    assert store.attempts == 3


async def test_bytes_bound_what_waits_for_a_store_that_is_away(
    bus: Bus, store: FaultyStore, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline_module, "MIN_BUFFERED_BYTES", 1, raising=False)
    monkeypatch.setattr(pipeline_module, "MAX_BUFFERED_BYTES", 1, raising=False)
    monkeypatch.setattr(pipeline_module, "FETCH_RECORDS", 1)
    store.fail_before = 6
    await publish(bus, *(block(float(i)) for i in range(10)))
    worker = Running(bus, store, clock)
    await worker.until(lambda: worker.pipeline.breaker_state == "open")
    assert sum(len(lane.taken) for lane in worker.pipeline._lanes.values()) == 1
    await worker.until(lambda: len(store.rows) == 10)
    await worker.finish()


async def test_a_record_after_a_quiet_hour_is_no_stall(bus: Bus, store: FaultyStore, clock: ManualClock) -> None:
    worker = Running(bus, store, clock)
    await publish(bus, block(1))
    await worker.until(lambda: store.values == [1])
    clock.advance(3600)
    store.gate = asyncio.Event()
    await publish(bus, block(2))
    await worker.until(lambda: store.attempts == 2)
    assert 0 < worker.pipeline.stalled_s < 30
    store.gate.set()
    await worker.finish()


async def test_a_store_that_refuses_rows_halts_the_worker_with_their_origin(
    bus: Bus, store: FaultyStore, clock: ManualClock
) -> None:
    await publish(bus, block(1), block(2))
    store.rejects = True
    worker = Running(bus, store, clock)
    with pytest.raises(StoreRejected, match=r"metrics-raw/0, offsets 0 to 1.*does not fit"):
        await worker.until(lambda: False)
    store.rejects = False
    second = Running(bus, store, clock)
    await second.until(lambda: len(store.rows) == 2)
    await second.finish()
    assert store.values == [1, 2]


async def test_a_store_that_hangs_does_not_hold_up_the_stop(
    bus: Bus, store: FaultyStore, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was being written stays an intent, and the next worker sees to it."""
    monkeypatch.setattr(pipeline_module, "DRAIN_S", 0.05)
    store.gate = asyncio.Event()
    await publish(bus, block(1))
    worker = Running(bus, store, clock)
    await worker.until(lambda: store.attempts == 1)
    async with asyncio.timeout(10):
        await worker.finish()
    store.gate = None
    second = Running(bus, store, clock)
    await second.until(lambda: store.values == [1])
    await second.finish()


async def test_a_store_that_fails_slowly_is_waited_for_once_between_two_fetches(
    tmp_path: Path, store: FaultyStore, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A member that does not fetch for minutes is thrown out of its group."""
    bus = open_bus(load_settings(data_dir=tmp_path / "two", bus="embedded", bus_partitions=2), clock)
    await bus.ensure_topics([METRICS_RAW, DEAD_LETTER])
    two = [Outgoing(METRICS_RAW, key, block(1).value) for key in (b"a", b"b", b"c", b"d")]
    await publish(bus, *two)
    rebalancing = RebalancingBus(bus)
    worker = Running(rebalancing, store, clock)
    assert rebalancing.member is not None
    fetches, fetches_at_insert = 0, []
    fetch = rebalancing.member.fetch

    async def counted_fetch(max_records: int, timeout_s: float) -> list[Message]:
        nonlocal fetches
        fetches += 1
        found: list[Message] = await fetch(max_records, timeout_s)
        return found

    async def failing_insert(table: str, columns: Mapping[str, Sequence[Any]], *, token: str) -> int:
        fetches_at_insert.append(fetches)
        raise StoreUnavailable("slow")

    monkeypatch.setattr(rebalancing.member, "fetch", counted_fetch, raising=False)
    monkeypatch.setattr(store, "insert", failing_insert)
    await worker.until(lambda: len(fetches_at_insert) >= 4)
    await worker.crash()
    await bus.close()
    assert len(set(fetches_at_insert)) == len(fetches_at_insert)
