"""A worker for tests: on the real embedded log, with a store in memory that fails where a test says so."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from vantage_common.block import BlockBody, columns_of, encode_block
from vantage_common.bus.api import (
    METRICS_RAW,
    Bus,
    Commit,
    GroupHooks,
    Message,
    Outgoing,
    Subscription,
    TopicPartition,
)
from vantage_common.clock import ManualClock
from vantage_common.errors import StoreRejected, StoreUnavailable
from vantage_common.model import Sample
from vantage_common.store.api import Admin, Documents, Held, Reader, Rollups, Writer
from vantage_common.store.services import Services
from vantage_worker.batch import day_of
from vantage_worker.metrics import WorkerMetrics
from vantage_worker.pipeline import GROUP, Pipeline

NOW = 1_790_035_200_000
SOURCE = TopicPartition(METRICS_RAW, 0)


class Landed(NamedTuple):
    """A row in the store; without a source it belongs to whichever is asked for."""

    offset: int
    day: int
    value: float
    source: int | None = None


class FaultyStore:
    """Rows in memory. Rows of a day whose token it knows it drops without a word, as the
    engine does.

    `fail_before` and `fail_after` inserts raise, without and with the rows having landed; `refuses` says of which
    values it takes none; `rejects` is a table that takes nothing although every row is right; `hangs_from` is the
    attempt from which on it answers none.
    """

    name = "memory"
    reader: Reader
    admin: Admin
    rollups: Rollups | None = None
    documents: Documents
    services: Services

    def __init__(self) -> None:
        self.writer: Writer = self
        self.rows: list[Landed] = []
        self.batches: list[tuple[str, int]] = []
        self.tokens: set[tuple[str, int]] = set()
        self.fail_before = 0
        self.fail_after = 0
        self.attempts = 0
        self.rehearsals = 0
        self.rejects = False
        self.refuses: Callable[[float], bool] = lambda _: False
        self.landings = 0
        self.last_token = ""
        self.gate: asyncio.Event | None = None
        self.hangs_from: int | None = None

    async def insert(self, table: str, columns: Mapping[str, Sequence[Any]], *, token: str) -> int:
        self.attempts += 1
        self.last_token = token
        if self.gate:
            await self.gate.wait()
        if self.hangs_from is not None and self.attempts >= self.hangs_from:
            await asyncio.Event().wait()
        if self.rejects or any(map(self.refuses, columns["value"])):
            raise StoreRejected("a value does not fit its column")
        if self.fail_before:
            self.fail_before -= 1
            raise StoreUnavailable("refused")
        self.land(columns, token)
        if self.fail_after:
            self.fail_after -= 1
            raise StoreUnavailable("answer lost")
        return len(columns["_off"])

    def land(self, columns: Mapping[str, Sequence[Any]], token: str) -> None:
        self.landings += 1
        days = map(day_of, columns["timestamp"])
        rows = map(Landed, columns["_off"], days, columns["value"], columns["_src"])
        fresh = [row for row in rows if (token, row.day) not in self.tokens]
        self.rows += fresh
        self.tokens |= {(token, row.day) for row in fresh}
        self.batches += zip(columns["batch_id"], columns["batch_part"], strict=True)

    async def rehearse(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        self.rehearsals += 1
        if any(map(self.refuses, columns["value"])):
            raise StoreRejected("a value does not fit its column")

    async def held(self, table: str, source_id: int, start: int, end: int) -> frozenset[Held]:
        return frozenset(
            Held(row.offset, row.day)
            for row in self.rows
            if start <= row.offset < end and row.source in (None, source_id)
        )

    async def held_parts(self, table: str, batch_ids: Sequence[str], since_ms: int) -> frozenset[tuple[str, int]]:
        return frozenset(part for part in self.batches if part[0] in batch_ids)

    async def close(self) -> None:
        return None

    @property
    def values(self) -> list[float]:
        return sorted(row.value for row in self.rows)


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


async def eventually(condition: Callable[[], bool], within_s: float = 60.0) -> None:
    async with asyncio.timeout(within_s):
        while True:
            if condition():
                return
            await asyncio.sleep(0.02)


class Running:
    """A worker in the background whose clock runs as fast as the test polls."""

    def __init__(
        self, bus: "Bus | RebalancingBus", store: FaultyStore, clock: ManualClock, pipeline: Pipeline | None = None
    ) -> None:
        self._clock = clock
        self.stop = asyncio.Event()
        self.pipeline = pipeline or Pipeline(cast(Bus, bus), store, clock, (METRICS_RAW,), WorkerMetrics())
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
        self.is_stuck = False
        self.fetches = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def start(self, hooks: GroupHooks) -> None:
        self._hooks = hooks
        await self._inner.start(hooks)

    async def fetch(self, max_records: int, timeout_s: float) -> list[Message]:
        """A stuck member is given nothing, and hears of no error."""
        self.fetches += 1
        return await self._inner.fetch(0 if self.is_stuck else max_records, timeout_s)

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
