"""What a bus is. Two backends implement it (embedded.py, kafka.py) and pass one contract suite.

Choosing is configuration alone: `open_bus(settings, clock)` in ``bus/open.py``.
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

METRICS_RAW = "metrics-raw"
SPANS_RAW = "spans-raw"
LOGS_RAW = "logs-raw"
PULSES = "pulses"
ALERTS = "alerts"
DEAD_LETTER = "dead-letter"
RAW_TOPICS = (METRICS_RAW, SPANS_RAW, LOGS_RAW)


@dataclass(frozen=True, slots=True)
class TopicPartition:
    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record to publish. Records of one key keep their order and land in one partition."""

    topic: str
    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """A record read back. `timestamp_ms` is when the log took it."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes
    timestamp_ms: int

    @property
    def source(self) -> TopicPartition:
        return TopicPartition(self.topic, self.partition)


@dataclass(frozen=True, slots=True)
class Commit:
    """Where a group stands in a partition: `offset` is the next to read, `metadata` at most 4 KB of its own."""

    offset: int
    metadata: str = ""


class Publisher(Protocol):
    async def start(self) -> None:
        """Connects; does not fail when the broker is away, `publish` then does."""
        ...

    async def stop(self) -> None:
        """Flushes what is in flight, bounded to a few seconds."""
        ...

    async def publish(self, records: Sequence[Outgoing], timeout_s: float) -> None:
        """Returns when the broker has acknowledged every record (acks=all, fsync on the embedded log).

        Raises BusUnavailable when it has not within `timeout_s`; the records may or may not land later.
        """
        ...

    async def ping(self, timeout_s: float) -> None:
        """Raises BusUnavailable when the broker does not answer."""
        ...


Rebalanced = Callable[[frozenset[TopicPartition]], Coroutine[Any, Any, None]]


@dataclass(slots=True)
class GroupHooks:
    """Called by `fetch`'s rebalance, awaited before partitions change hands or are first read."""

    revoked: Rebalanced | None = field(default=None)
    assigned: Rebalanced | None = field(default=None)


class Subscription(Protocol):
    """A member of a consumer group: reads its share of the partitions from the last commit on."""

    async def start(self, hooks: GroupHooks) -> None: ...

    async def stop(self) -> None:
        """Leaves the group. Does not commit, and does not call `hooks.revoked`."""
        ...

    async def fetch(self, max_records: int, timeout_s: float) -> list[Message]:
        """Up to `max_records`, in offset order per partition; an empty list after `timeout_s` without any.

        Must be called again and again, also while every partition is paused, to stay in the group.
        Raises BusUnavailable when the broker is away; call again.
        """
        ...

    def assignment(self) -> frozenset[TopicPartition]: ...

    async def committed(self, source: TopicPartition) -> Commit | None:
        """The last commit of this group, with its metadata; None before the first."""
        ...

    async def commit(self, commits: Mapping[TopicPartition, Commit]) -> None:
        """Atomic per partition. Raises CommitRejected when a partition is no longer this member's."""
        ...

    def seek(self, source: TopicPartition, offset: int) -> None:
        """The next `fetch` reads this partition from `offset`."""
        ...

    def pause(self, sources: frozenset[TopicPartition]) -> None: ...

    def resume(self, sources: frozenset[TopicPartition]) -> None: ...

    async def lag(self) -> int:
        """Records between this member's positions and the ends of its partitions."""
        ...

    async def source_id(self, source: TopicPartition) -> int:
        """63-bit hash of (incarnation of the log, topic, partition). Offsets may restart when a topic is made
        anew, the id then differs: (source_id, offset) names a record for ever."""
        ...


class Tail(Protocol):
    """Reads every partition of its topics without a group: each reader sees every record."""

    async def start(self, from_ms: int | None) -> None:
        """From the records the log took at `from_ms` on; None: from now on."""
        ...

    async def stop(self) -> None: ...

    async def fetch(self, max_records: int, timeout_s: float) -> list[Message]:
        """As `Subscription.fetch`."""
        ...


class Bus(Protocol):
    name: str

    def publisher(self) -> Publisher: ...

    def subscription(self, group: str, topics: Sequence[str]) -> Subscription: ...

    def tail(self, topics: Sequence[str]) -> Tail: ...

    async def ensure_topics(self, topics: Sequence[str]) -> None:
        """Makes missing topics with the configured partitions and retention. Raises BusUnavailable."""
        ...

    async def trim(self) -> None:
        """Deletes what is past retention where the log does not do so itself (embedded)."""
        ...

    async def close(self) -> None: ...
