"""The bus without a broker: a SQLite file in the data directory, shared by the processes of `vantage up`.

SQLite is called in threads, one a connection: one connection writes for the whole process, so that its callers queue
here and not on the file's lock, each reader has its own, and a watcher sees when any process has written.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from vantage_common.bus.api import Commit, GroupHooks, Message, Outgoing, Publisher, Subscription, Tail, TopicPartition
from vantage_common.bus.sqlite_log import Extent, SqliteLog
from vantage_common.bus.topics import check_commits, check_records, partitions, retention_ms
from vantage_common.clock import Clock
from vantage_common.errors import BusUnavailable, CommitRejected, VantageError
from vantage_common.settings import Settings
from vantage_common.telemetry import get_logger

FILE_NAME = "bus.db"
_MAX_QUEUED_BYTES = 64 * 1024 * 1024
_MAX_TRANSACTION_BYTES = 16 * 1024 * 1024
_MAX_FETCH_BYTES = 32 * 1024 * 1024
_TRIM_CHUNK = 100
"""Records a trim deletes at a time: publishers get their turn between chunks."""
_STOP_TIMEOUT_S = 5.0
_POLL_FASTEST_S = 0.002
_POLL_SLOWEST_S = 0.02

P = ParamSpec("P")
T = TypeVar("T")
_log = get_logger(__name__)


class EmbeddedBus:
    name = "embedded"

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._path = settings.data_dir / FILE_NAME
        self._writer = _Handle(self._path)
        self._queue = _WriteQueue(self._writer, clock)
        self._watcher = _Watcher(self._path)
        self._clock = clock

    def publisher(self) -> Publisher:
        return _EmbeddedPublisher(self._writer, self._queue)

    def subscription(self, group: str, topics: Sequence[str]) -> Subscription:
        return _EmbeddedSubscription(group, topics, _Reader(self._path, self._watcher), self._writer)

    def tail(self, topics: Sequence[str]) -> Tail:
        return _EmbeddedTail(topics, _Reader(self._path, self._watcher), self._clock)

    async def ensure_topics(self, topics: Sequence[str]) -> None:
        for topic in topics:
            await self._writer.run(SqliteLog.ensure_topics, [topic], partitions(topic, self._settings))

    async def trim(self) -> None:
        now_ms = self._clock.now_ms()
        for source in await self._writer.run(SqliteLog.sources):
            before_ms = now_ms - retention_ms(source.topic, self._settings)
            while await self._writer.run(SqliteLog.trim, source, before_ms, _TRIM_CHUNK):
                pass

    async def close(self) -> None:
        await self._queue.flush(_STOP_TIMEOUT_S)
        await self._watcher.close()
        await self._writer.close()


class _Handle:
    """A connection to the log and the one thread that uses it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._log = SqliteLog(path)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="bus")
        self._closed = False

    async def run(self, call: Callable[Concatenate[SqliteLog, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        bound = partial(call, self._log, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._thread, bound)

    async def close(self) -> None:
        if not self._closed:
            await self.run(SqliteLog.close)
            self._thread.shutdown(wait=False)
            self._closed = True


@dataclass(slots=True)
class _Waiting:
    """A publish call and the future that ends it; done already when its caller has given up."""

    records: Sequence[Outgoing]
    size: int
    written: asyncio.Future[None]


class _WriteQueue:
    """Puts what callers handed over in the meantime into one transaction, so that they share its sync."""

    def __init__(self, handle: _Handle, clock: Clock) -> None:
        self._handle = handle
        self._clock = clock
        self._waiting: list[_Waiting] = []
        self._queued_bytes = 0
        self._writing: asyncio.Task[None] | None = None

    async def publish(self, records: Sequence[Outgoing], timeout_s: float) -> None:
        check_records(records)
        size = sum(len(record.key) + len(record.value) for record in records)
        if self._queued_bytes + size > _MAX_QUEUED_BYTES:
            raise BusUnavailable(
                f"the log {self._handle.path} is behind: {self._queued_bytes} bytes wait to be written"
            )
        entry = _Waiting(records, size, asyncio.get_running_loop().create_future())
        self._queued_bytes += size
        self._waiting.append(entry)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        try:
            async with asyncio.timeout(timeout_s):
                await entry.written
        except TimeoutError:
            raise BusUnavailable(f"the log {self._handle.path} has not answered within {timeout_s} s") from None

    async def flush(self, timeout_s: float) -> None:
        if self._writing is not None:
            await asyncio.wait([self._writing], timeout=timeout_s)

    async def _write_all(self) -> None:
        while entries := self._take():
            try:
                outcomes: Sequence[Exception | None] = await self._handle.run(
                    SqliteLog.append, [entry.records for entry in entries], self._clock.now_ms()
                )
            except Exception as error:  # whatever it is, each caller must hear of it
                outcomes = [error] * len(entries)
            for entry, outcome in zip(entries, outcomes, strict=True):
                self._finish(entry, outcome)

    def _take(self) -> list[_Waiting]:
        """The oldest entries that make up a transaction, without those whose caller has gone."""
        taken: list[_Waiting] = []
        size = 0
        while self._waiting and size < _MAX_TRANSACTION_BYTES:
            entry = self._waiting.pop(0)
            if entry.written.done():
                self._queued_bytes -= entry.size
                continue
            taken.append(entry)
            size += entry.size
        return taken

    def _finish(self, entry: _Waiting, outcome: Exception | None) -> None:
        self._queued_bytes -= entry.size
        if entry.written.done():
            return
        if outcome is None:
            entry.written.set_result(None)
        elif isinstance(outcome, VantageError):
            entry.written.set_exception(type(outcome)(str(outcome)))  # one each: a traceback belongs to one caller
        else:
            entry.written.set_exception(outcome)


class _Watcher:
    """Wakes readers when any process has written.

    One thread asks SQLite for its data version, every 2 ms while things happen and every 20 ms when nothing does,
    and only while somebody waits.
    """

    def __init__(self, path: Path) -> None:
        self._log = SqliteLog(path)
        self._changed = threading.Condition()
        self._waiters: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        self._stopping = False
        self._thread: threading.Thread | None = None
        self.changes = 0

    async def wait(self, changes: int, timeout_s: float) -> None:
        """Returns when there were writes beyond the `changes` the caller saw before it read, or after `timeout_s`."""
        loop = asyncio.get_running_loop()
        waiter = (loop, loop.create_future())
        with self._changed:
            if self.changes != changes or self._stopping:
                return
            self._waiters.append(waiter)
            self._changed.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="bus-watcher", daemon=True)
            self._thread.start()
        try:
            await asyncio.wait([waiter[1]], timeout=timeout_s)
        finally:
            with self._changed, contextlib.suppress(ValueError):
                self._waiters.remove(waiter)

    async def close(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)
        self._log.close()

    def _watch(self) -> None:
        seen: int | None = None
        pause_s = _POLL_FASTEST_S
        while self._somebody_waits():
            version = self._version()
            if version != seen:
                seen = version
                pause_s = _POLL_FASTEST_S
                self._wake()
            else:
                pause_s = min(pause_s * 1.5, _POLL_SLOWEST_S)
            time.sleep(pause_s)

    def _somebody_waits(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._waiters or self._stopping)
        return not self._stopping

    def _version(self) -> int:
        try:
            return self._log.data_version()
        except VantageError:
            return -1  # wakes the readers once: they meet the same error and say so

    def _wake(self) -> None:
        with self._changed:
            self.changes += 1
            waiters, self._waiters = self._waiters, []
        for loop, future in waiters:
            with contextlib.suppress(RuntimeError):  # a loop that has closed has no readers left
                loop.call_soon_threadsafe(_set, future)


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class _Reader:
    """Positions in a set of partitions, and reading on from them."""

    def __init__(self, path: Path, watcher: _Watcher) -> None:
        self.handle = _Handle(path)
        self._watcher = watcher
        self._numbers: dict[TopicPartition, int] = {}
        self._positions: dict[TopicPartition, int] = {}
        self._turn = 0
        self.paused: frozenset[TopicPartition] = frozenset()

    @property
    def sources(self) -> frozenset[TopicPartition]:
        return frozenset(self._positions)

    def place(self, extents: Mapping[TopicPartition, Extent], positions: Mapping[TopicPartition, int]) -> None:
        self._numbers = {source: extent.number for source, extent in extents.items()}
        self._positions = dict(positions)

    def number(self, source: TopicPartition) -> int | None:
        return self._numbers.get(source)

    def seek(self, source: TopicPartition, offset: int) -> None:
        if source in self._positions:
            self._positions[source] = offset

    async def fetch(
        self, max_records: int, timeout_s: float, check: Callable[[SqliteLog], bool] = lambda _: True
    ) -> list[Message] | None:
        """Records; none after `timeout_s` without any; None as soon as `check` says no."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while True:
            changes = self._watcher.changes
            wanted = self._wanted()
            if not await self.handle.run(check):
                return None
            messages = await self.handle.run(SqliteLog.read, wanted, max_records, _MAX_FETCH_BYTES)
            if fresh := self._advance(messages, {source: offset for source, _, offset in wanted}):
                return fresh
            remaining_s = deadline - loop.time()
            if remaining_s <= 0:
                return []
            await self._watcher.wait(changes, remaining_s)

    async def lag(self) -> int:
        topics = sorted({source.topic for source in self._positions})
        extents = await self.handle.run(SqliteLog.extents, topics)
        behind = [
            extents[source].next - max(position, extents[source].first)  # what was trimmed is nobody's to read
            for source, position in self._positions.items()
        ]
        return sum(max(0, records) for records in behind)

    def _wanted(self) -> list[tuple[TopicPartition, int, int]]:
        """Partitions take turns to be first, so a busy one cannot starve the others of `max_records`."""
        sources = [source for source in self._positions if source not in self.paused]
        self._turn += 1
        turn = self._turn % max(1, len(sources))
        return [(source, self._numbers[source], self._positions[source]) for source in sources[turn:] + sources[:turn]]

    def _advance(self, messages: Sequence[Message], read_from: Mapping[TopicPartition, int]) -> list[Message]:
        """Moves the positions past what was read; drops what a seek has overtaken while it was read."""
        fresh: list[Message] = []
        moved = {source for source, offset in read_from.items() if self._positions.get(source) != offset}
        for message in messages:
            source = message.source
            if source in moved:
                continue
            expected = self._positions[source]
            if message.offset != expected:
                _log.warning(
                    "records_gone", topic=source.topic, partition=source.partition, first=expected, next=message.offset
                )
            self._positions[source] = message.offset + 1
            fresh.append(message)
        return fresh


class _EmbeddedPublisher:
    def __init__(self, writer: _Handle, queue: _WriteQueue) -> None:
        self._writer = writer
        self._queue = queue

    async def start(self) -> None:
        """Raises PermanentError when the file cannot be used by this Vantage."""
        with contextlib.suppress(BusUnavailable):  # `publish` says so, as long as it lasts
            await self._writer.run(SqliteLog.data_version)

    async def stop(self) -> None:
        await self._queue.flush(_STOP_TIMEOUT_S)

    async def publish(self, records: Sequence[Outgoing], timeout_s: float) -> None:
        await self._queue.publish(records, timeout_s)

    async def ping(self, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await self._writer.run(SqliteLog.data_version)
        except TimeoutError:
            raise BusUnavailable(f"the log {self._writer.path} has not answered within {timeout_s} s") from None


class _EmbeddedSubscription:
    """The one member of its group: a later `start` of the same group takes every partition over."""

    def __init__(self, group: str, topics: Sequence[str], reader: _Reader, writer: _Handle) -> None:
        self._group = group
        self._topics = topics
        self._reader = reader
        self._writer = writer
        self._hooks = GroupHooks()
        self._generation: int | None = None
        self._fenced = False

    async def start(self, hooks: GroupHooks) -> None:
        self._hooks = hooks
        with contextlib.suppress(BusUnavailable):  # `fetch` tries again and says so
            await self._join()

    async def stop(self) -> None:
        await self._reader.handle.close()

    async def fetch(self, max_records: int, timeout_s: float) -> list[Message]:
        if self._fenced:
            await asyncio.sleep(timeout_s)
            return []
        if not self._reader.sources:
            await self._assign()
        messages = await self._reader.fetch(max_records, timeout_s, self._is_current)
        if messages is None:
            await self._revoke()
            return []
        return messages

    def assignment(self) -> frozenset[TopicPartition]:
        return self._reader.sources

    async def committed(self, source: TopicPartition) -> Commit | None:
        extents = await self._reader.handle.run(SqliteLog.extents, [source.topic])
        return await self._reader.handle.run(SqliteLog.committed, self._group, extents[source].number)

    async def commit(self, commits: Mapping[TopicPartition, Commit]) -> None:
        check_commits(commits)
        numbered: dict[int, Commit] = {}
        for source, commit in commits.items():
            number = self._reader.number(source)
            if number is None:
                raise CommitRejected(
                    f"{source.topic}/{source.partition} is not assigned to this member of {self._group}"
                )
            numbered[number] = commit
        generation = self._generation or 0
        await self._writer.run(SqliteLog.commit, self._group, generation, numbered)

    def seek(self, source: TopicPartition, offset: int) -> None:
        self._reader.seek(source, offset)

    def pause(self, sources: frozenset[TopicPartition]) -> None:
        self._reader.paused |= sources

    def resume(self, sources: frozenset[TopicPartition]) -> None:
        self._reader.paused -= sources

    async def lag(self) -> int:
        return await self._reader.lag()

    async def source_id(self, source: TopicPartition) -> int:
        return await self._reader.handle.run(SqliteLog.incarnation_id, source)

    async def _join(self) -> None:
        if self._generation is None:
            self._generation = await self._writer.run(SqliteLog.join, self._group)

    async def _assign(self) -> None:
        await self._join()
        extents = await self._reader.handle.run(SqliteLog.extents, self._topics)
        positions = {}
        for source, extent in extents.items():
            commit = await self._reader.handle.run(SqliteLog.committed, self._group, extent.number)
            positions[source] = extent.first if commit is None else commit.offset
        self._reader.place(extents, positions)
        if self._hooks.assigned is not None:
            await self._hooks.assigned(self._reader.sources)

    async def _revoke(self) -> None:
        lost = self._reader.sources
        self._fenced = True
        self._reader.place({}, {})
        if self._hooks.revoked is not None:
            await self._hooks.revoked(lost)

    def _is_current(self, log: SqliteLog) -> bool:
        return log.generation(self._group) == self._generation


class _EmbeddedTail:
    def __init__(self, topics: Sequence[str], reader: _Reader, clock: Clock) -> None:
        self._topics = topics
        self._reader = reader
        self._clock = clock
        self._from_ms: int | None = None

    async def start(self, from_ms: int | None) -> None:
        self._from_ms = from_ms
        try:
            await self._place()
        except BusUnavailable:  # `fetch` tries again and says so; "now" stays this moment
            self._from_ms = self._clock.now_ms() if from_ms is None else from_ms

    async def stop(self) -> None:
        await self._reader.handle.close()

    async def fetch(self, max_records: int, timeout_s: float) -> list[Message]:
        if not self._reader.sources:
            await self._place()
        return await self._reader.fetch(max_records, timeout_s) or []

    async def _place(self) -> None:
        from_ms = self._from_ms
        extents = await self._reader.handle.run(SqliteLog.extents, self._topics)
        positions = {}
        for source, extent in extents.items():
            if from_ms is None:
                positions[source] = extent.next
            else:
                positions[source] = await self._reader.handle.run(SqliteLog.offset_at, extent, from_ms)
        self._reader.place(extents, positions)
