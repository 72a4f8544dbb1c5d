"""Rows onto the bus: split into records, stamped, handed over, and awaited. 202 means that this returned."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from vantage_common.block import MAX_BLOCK_BYTES, BlockBody, Codec, Kind, columns_of, encode_block
from vantage_common.bus.api import PULSES, Outgoing, Publisher
from vantage_common.clock import Clock
from vantage_common.errors import BusUnavailable, UserError
from vantage_common.model import Pulse, Row
from vantage_common.pulses import encode_pulses
from vantage_common.telemetry import get_logger

from vantage_collector.metrics import CollectorMetrics

MAX_HELD_ITEMS = 10_000
"""Items of all requests that wait for the broker at one time. Beyond, a request is told to come back."""
MAX_QUEUED_PULSES = 1000
RETRY_AFTER_S = 5

log = get_logger("vantage.collector")


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one request, by kind; `batch_id` names the request among all, and is empty when nobody named it."""

    workspace: str
    batch_id: str
    of_kind: Mapping[Kind, Sequence[Row]]

    @classmethod
    def of_batch(
        cls, workspace: str, route: Kind, batch_id: str | None, of_kind: Mapping[Kind, Sequence[Row]]
    ) -> "Rows":
        """`batch_id` as its sender gave it, which is its own only within its workspace and among the batches of one
        `route`: a sender may give what it flushes at one time one id."""
        if not batch_id:
            return cls(workspace, "", of_kind)
        own = blake2b(f"{workspace}\0{route}\0{batch_id}".encode(), digest_size=16).hexdigest()
        return cls(workspace, own, of_kind)

    def __len__(self) -> int:
        return sum(len(rows) for rows in self.of_kind.values())


def to_records(rows: Rows, topics: Mapping[Kind, str], codec: Codec) -> list[Outgoing]:
    """The records of a request: one service and at most 512 KiB each, keyed workspace + service.

    The same rows always give the same records with the same parts, so a batch that is sent again is recognised.
    """
    records: list[Outgoing] = []
    for kind, kind_rows in rows.of_kind.items():
        for service, service_rows in _by_service(kind_rows).items():
            key = f"{rows.workspace}\0{service}".encode()
            for value in _blocks(rows, kind, service, service_rows, codec, len(records)):
                records.append(Outgoing(topics[kind], key, value))
    return records


def _by_service(rows: Sequence[Row]) -> dict[str, list[Row]]:
    services: dict[str, list[Row]] = {}
    for row in rows:
        services.setdefault(row.service_name, []).append(row)
    return services


def _blocks(
    rows: Rows, kind: Kind, service: str, service_rows: Sequence[Row], codec: Codec, part: int
) -> Iterator[bytes]:
    """Blocks of at most 512 KiB: what is larger is cut in half. A single row always fits."""
    waiting = [service_rows]
    while waiting:
        taken = waiting.pop()
        columns = columns_of(kind, taken)
        body = BlockBody(kind, rows.workspace, service, len(taken), columns, rows.batch_id, part)
        value = encode_block(body, codec)
        if len(value) > MAX_BLOCK_BYTES and len(taken) > 1:
            middle = len(taken) // 2
            waiting += [taken[middle:], taken[:middle]]
        else:
            yield value
            part += 1


def pulse_record(workspace: str, pulses: Sequence[Pulse]) -> Outgoing:
    return Outgoing(PULSES, workspace.encode(), encode_pulses(pulses))


class RawPublisher:
    """Hands records to the bus and waits for its word, with a bound on what waits at one time."""

    def __init__(self, publisher: Publisher, timeout_s: float, clock: Clock, metrics: CollectorMetrics) -> None:
        self._publisher = publisher
        self._timeout_s = timeout_s
        self._clock = clock
        self._metrics = metrics
        self._available = True
        self.held_items = 0

    async def publish(self, records: Sequence[Outgoing], items: int) -> None:
        """Returns when the broker has every record; `items` is what the request counts for while it waits.

        Raises UserError 503: too much is waiting already, or the broker has not acknowledged in time.
        """
        if self.held_items and self.held_items + items > MAX_HELD_ITEMS:
            raise UserError(
                "overloaded",
                f"{self.held_items} items are waiting for the broker already",
                status=503,
                retry_after_s=RETRY_AFTER_S,
            )
        self.held_items += items
        started = self._clock.monotonic()
        try:
            await self._publisher.publish(records, self._timeout_s)
        except BusUnavailable as error:
            self._note(False, str(error))
            raise UserError(
                "broker_unavailable",
                "the broker has not acknowledged in time: send the batch again",
                status=503,
                retry_after_s=RETRY_AFTER_S,
            ) from error
        finally:
            self.held_items -= items
            self._metrics.publish_duration.observe(self._clock.monotonic() - started)
        self._note(True, "")

    def _note(self, available: bool, reason: str) -> None:
        """Logs when the broker goes and when it comes back, not every request in between."""
        if available != self._available:
            self._available = available
            if available:
                log.info("broker acknowledges again")
            else:
                log.error("broker does not acknowledge: requests are answered 503", reason=reason)


class PulsePublisher:
    """Sends pulses behind the requests' backs: a pulse that is lost costs a moment of the live view, never a request.

    `run` for as long as the service lives. The newest pulses are kept when the broker cannot keep up.
    """

    def __init__(self, publisher: Publisher, timeout_s: float, on_lost: Callable[[int], None]) -> None:
        self._publisher = publisher
        self._timeout_s = timeout_s
        self._on_lost = on_lost
        self._queue: deque[Outgoing] = deque()
        self._filled = asyncio.Event()

    def offer(self, record: Outgoing) -> None:
        if len(self._queue) >= MAX_QUEUED_PULSES:
            self._queue.popleft()
            self._on_lost(1)
        self._queue.append(record)
        self._filled.set()

    async def run(self) -> None:
        while True:
            await self._filled.wait()
            await self.flush()

    async def flush(self) -> None:
        """Publishes what is queued, once: records that the broker does not take are counted as lost."""
        self._filled.clear()
        records = list(self._queue)
        self._queue.clear()
        try:
            await self._publisher.publish(records, self._timeout_s)
        except BusUnavailable:
            self._on_lost(len(records))
        except Exception:
            log.exception("pulses could not be published")
            self._on_lost(len(records))

    async def stop(self) -> None:
        """Sends the last ones."""
        if self._queue:
            await self.flush()
