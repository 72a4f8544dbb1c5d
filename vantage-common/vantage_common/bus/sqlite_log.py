"""The embedded log's file: partitions, records, groups and commits in one SQLite database.

A `SqliteLog` is one connection, used by one thread. The same file may be open in other threads and processes: writers
take turns on SQLite's lock, readers never wait (WAL). Every commit is synced to disk before a call returns.
"""

import sqlite3
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4
from zlib import crc32

from vantage_common.bus.api import Commit, Message, Outgoing, TopicPartition
from vantage_common.bus.topics import source_id
from vantage_common.errors import BusUnavailable, CommitRejected, NewerSchema, PermanentError, VantageError

FORMAT = 1
_APPLICATION_ID = 0x56414E54  # "VANT"
_BUSY_TIMEOUT_S = 5.0
_WAL_LIMIT_BYTES = 64 * 1024 * 1024
_OFFSET_BITS = 40
"""A record's row id is its partition's number and its offset, so the table is its own index."""

_SCHEMA = """
CREATE TABLE log (row INTEGER PRIMARY KEY CHECK (row = 1), incarnation TEXT NOT NULL);
CREATE TABLE partitions (
  number INTEGER PRIMARY KEY,
  topic TEXT NOT NULL,
  partition INTEGER NOT NULL,
  first_offset INTEGER NOT NULL DEFAULT 0,
  next_offset INTEGER NOT NULL DEFAULT 0,
  last_ms INTEGER NOT NULL DEFAULT 0,
  UNIQUE (topic, partition)
);
CREATE TABLE records (id INTEGER PRIMARY KEY, timestamp_ms INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL);
CREATE TABLE groups (name TEXT PRIMARY KEY, generation INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE commits (
  group_name TEXT NOT NULL,
  number INTEGER NOT NULL,
  next_offset INTEGER NOT NULL,
  metadata TEXT NOT NULL,
  PRIMARY KEY (group_name, number)
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Extent:
    """What a partition holds: `first` ≤ offset < `next`. `number` is its own in this file."""

    number: int
    first: int
    next: int


class SqliteLog:
    """Opens the file at the first call and again after an error. Every method may raise BusUnavailable (disk full,
    locked for long, directory away) or PermanentError (the file is not a log this Vantage can use)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open: sqlite3.Connection | None = None

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def data_version(self) -> int:
        """A number that differs from the last call's when another connection has written since."""
        with self._reading() as db:
            return _integer(db, "PRAGMA data_version")

    def incarnation_id(self, source: TopicPartition) -> int:
        with self._reading() as db:
            (incarnation,) = db.execute("SELECT incarnation FROM log").fetchone()
        return source_id(str(incarnation), source)

    def ensure_topics(self, topics: Sequence[str], partitions: int) -> None:
        """Makes the topics that are missing; one that exists keeps its partitions."""
        with self._writing() as db:
            for topic in topics:
                if db.execute("SELECT 1 FROM partitions WHERE topic = ?", (topic,)).fetchone() is None:
                    rows = [(topic, partition) for partition in range(partitions)]
                    db.executemany("INSERT INTO partitions (topic, partition) VALUES (?, ?)", rows)

    def extents(self, topics: Sequence[str]) -> dict[TopicPartition, Extent]:
        """Every partition of the topics. Raises BusUnavailable for a topic that does not exist."""
        with self._reading() as db:
            found = {topic: _extents(db, topic) for topic in topics}
        for topic, extents in found.items():
            if not extents:
                raise BusUnavailable(missing_topic(topic))
        return {source: extent for extents in found.values() for source, extent in extents.items()}

    def sources(self) -> list[TopicPartition]:
        with self._reading() as db:
            rows = db.execute("SELECT topic, partition FROM partitions ORDER BY number").fetchall()
        return [TopicPartition(topic, partition) for topic, partition in rows]

    def append(self, batches: Sequence[Sequence[Outgoing]], now_ms: int) -> list[BusUnavailable | None]:
        """Writes the batches in one transaction; the answer says for each why it was left out, None if it was not.

        Time never goes back within a partition, so that offsets can be searched by time.
        """
        with self._writing() as db:
            appender = _Appender(db, now_ms)
            refused = [appender.add(batch) for batch in batches]
            appender.finish()
            return refused

    def read(
        self, positions: Sequence[tuple[TopicPartition, int, int]], max_records: int, max_bytes: int
    ) -> list[Message]:
        """Records from each (source, number, offset) on, in that order, until either bound is reached."""
        messages: list[Message] = []
        size = 0
        with self._reading() as db:
            for source, number, offset in positions:
                rows = db.execute(
                    "SELECT id, timestamp_ms, key, value FROM records WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
                    (_row_id(number, offset), _row_id(number + 1, 0), max_records - len(messages)),
                )
                for row_id, timestamp_ms, key, value in rows:
                    message_offset = row_id - _row_id(number, 0)
                    messages.append(Message(source.topic, source.partition, message_offset, key, value, timestamp_ms))
                    size += len(value)
                    if size >= max_bytes:
                        return messages
                if len(messages) >= max_records:
                    return messages
        return messages

    def offset_at(self, extent: Extent, ms: int) -> int:
        """The first offset the log took at `ms` or later; the end when there is none."""
        with self._reading() as db:
            return _offset_at(db, extent, ms)

    def join(self, group: str) -> int:
        """Starts a new generation of the group, which fences every earlier one, and returns it."""
        with self._writing() as db:
            row = db.execute(
                "INSERT INTO groups VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET generation = generation + 1 "
                "RETURNING generation",
                (group,),
            ).fetchone()
        return int(row[0])

    def generation(self, group: str) -> int:
        with self._reading() as db:
            return _generation(db, group)

    def committed(self, group: str, number: int) -> Commit | None:
        with self._reading() as db:
            row = db.execute(
                "SELECT next_offset, metadata FROM commits WHERE group_name = ? AND number = ?", (group, number)
            ).fetchone()
        return None if row is None else Commit(int(row[0]), str(row[1]))

    def commit(self, group: str, generation: int, commits: Mapping[int, Commit]) -> None:
        """Raises CommitRejected when a later generation has begun."""
        with self._writing() as db:
            current = _generation(db, group)
            if current != generation:
                raise CommitRejected(f"group {group} is in generation {current}, this member is of {generation}")
            db.executemany(
                "INSERT OR REPLACE INTO commits VALUES (?, ?, ?, ?)",
                [(group, number, commit.offset, commit.metadata) for number, commit in commits.items()],
            )

    def trim(self, source: TopicPartition, before_ms: int, max_records: int) -> int:
        """Deletes the oldest records the log took before `before_ms`, at most `max_records`; returns how many."""
        with self._writing() as db:
            extent = _extents(db, source.topic)[source]
            keep_from = min(_offset_at(db, extent, before_ms), extent.first + max_records)
            if keep_from == extent.first:
                return 0
            bounds = (_row_id(extent.number, 0), _row_id(extent.number, keep_from))
            db.execute("DELETE FROM records WHERE id >= ? AND id < ?", bounds)
            db.execute("UPDATE partitions SET first_offset = ? WHERE number = ?", (keep_from, extent.number))
            return keep_from - extent.first

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        try:
            yield self._connection()
        except sqlite3.Error as error:
            self.close()
            raise _ours(error, self.path) from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, synced when the block ends, undone when it raises."""
        with self._reading() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            finally:
                if db.in_transaction:
                    db.execute("ROLLBACK")

    def _connection(self) -> sqlite3.Connection:
        if self._open is None:
            self._open = _connect(self.path)
        return self._open


class _Appender:
    """Gives each record its partition and the partition's next offset, within one transaction."""

    def __init__(self, db: sqlite3.Connection, now_ms: int) -> None:
        self._db = db
        self._now_ms = now_ms
        self._topics: dict[str, list[_Tip]] = {}

    def add(self, records: Sequence[Outgoing]) -> BusUnavailable | None:
        """All of the records or none: a topic that is missing is found before anything is written."""
        for topic in {record.topic for record in records}:
            if not self._tips(topic):
                return BusUnavailable(missing_topic(topic))
        for record in records:
            tips = self._tips(record.topic)
            tip = tips[crc32(record.key) % len(tips)]
            row = (_row_id(tip.number, tip.next), tip.last_ms, record.key, record.value)
            self._db.execute("INSERT INTO records VALUES (?, ?, ?, ?)", row)
            tip.next += 1
        return None

    def finish(self) -> None:
        tips = [tip for tips in self._topics.values() for tip in tips if tip.next > tip.next_before]
        self._db.executemany(
            "UPDATE partitions SET next_offset = ?, last_ms = ? WHERE number = ?",
            [(tip.next, tip.last_ms, tip.number) for tip in tips],
        )

    def _tips(self, topic: str) -> "list[_Tip]":
        tips = self._topics.get(topic)
        if tips is None:
            rows = self._db.execute(
                "SELECT number, next_offset, last_ms FROM partitions WHERE topic = ? ORDER BY partition", (topic,)
            )
            tips = [_Tip(number, next_, next_, max(last_ms, self._now_ms)) for number, next_, last_ms in rows]
            self._topics[topic] = tips
        return tips


@dataclass(slots=True)
class _Tip:
    """Where a partition grows: the offset and the time of the next record."""

    number: int
    next_before: int
    next: int
    last_ms: int


def missing_topic(topic: str) -> str:
    return f"topic {topic} does not exist yet: a Vantage service makes it when it starts"


def _row_id(number: int, offset: int) -> int:
    return number << _OFFSET_BITS | offset


def _extents(db: sqlite3.Connection, topic: str) -> dict[TopicPartition, Extent]:
    rows = db.execute(
        "SELECT partition, number, first_offset, next_offset FROM partitions WHERE topic = ? ORDER BY partition",
        (topic,),
    )
    return {TopicPartition(topic, partition): Extent(number, first, next_) for partition, number, first, next_ in rows}


def _offset_at(db: sqlite3.Connection, extent: Extent, ms: int) -> int:
    def taken_ms(offset: int) -> int:
        row = db.execute("SELECT timestamp_ms FROM records WHERE id = ?", (_row_id(extent.number, offset),)).fetchone()
        return -1 if row is None else int(row[0])  # gone: trimmed since the extent was read

    return extent.first + bisect_left(range(extent.first, extent.next), ms, key=taken_ms)


def _generation(db: sqlite3.Connection, group: str) -> int:
    row = db.execute("SELECT generation FROM groups WHERE name = ?", (group,)).fetchone()
    return 0 if row is None else int(row[0])


def _integer(db: sqlite3.Connection, pragma: str) -> int:
    return int(db.execute(pragma).fetchone()[0])


def _connect(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BusUnavailable(f"the directory of the log {path} cannot be made: {error}") from error
    # One thread uses the connection, but not always the one that closes it.
    db = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    try:
        _prepare(db, path)
    except (sqlite3.Error, VantageError):
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    _check_format(db, path)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute(f"PRAGMA journal_size_limit = {_WAL_LIMIT_BYTES}")
    if _integer(db, "PRAGMA user_version") == 0:
        _create(db)


def _check_format(db: sqlite3.Connection, path: Path) -> None:
    version = _integer(db, "PRAGMA user_version")
    if version > FORMAT and _integer(db, "PRAGMA application_id") == _APPLICATION_ID:
        raise NewerSchema(
            f"{path} has format {version}, this Vantage knows {FORMAT}: upgrade it, or move the file away"
        )
    tables = _integer(db, "SELECT count(*) FROM sqlite_schema")
    if tables and _integer(db, "PRAGMA application_id") != _APPLICATION_ID:
        raise PermanentError(f"{path} is a database of another program: move it away or change VANTAGE_DATA_DIR")


def _create(db: sqlite3.Connection) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        if _integer(db, "PRAGMA user_version") == 0:  # else another process was first
            for statement in filter(str.strip, _SCHEMA.split(";")):
                db.execute(statement)
            db.execute("INSERT INTO log VALUES (1, ?)", (uuid4().hex,))
            db.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            db.execute(f"PRAGMA user_version = {FORMAT}")
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def _ours(error: sqlite3.Error, path: Path) -> VantageError:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return PermanentError(
            f"{path} is damaged ({error}): restore it from a copy, or move it away to start a new log"
        )
    if code == sqlite3.SQLITE_ERROR:
        return PermanentError(f"{path} cannot be used ({error}): move it away to start a new log")
    return BusUnavailable(f"the log {path} cannot be used now: {error}")
