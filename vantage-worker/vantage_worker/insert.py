"""The insert of one batch: what the store lacks of its range goes in as one block, what it refuses to dead letters."""

from dataclasses import dataclass
from functools import partial
from uuid import uuid4

from vantage_common.bus.api import Outgoing, Publisher
from vantage_common.errors import StoreRejected
from vantage_common.store.api import Held, Writer
from vantage_common.telemetry import get_logger

from vantage_worker.batch import Batch, Taken, assemble, origins
from vantage_worker.dead_letters import record_letter, row_letter, row_of
from vantage_worker.lane import Lane
from vantage_worker.metrics import WorkerMetrics
from vantage_worker.sift import MAX_REFUSED_ROWS, Columns, TooManyRefused, refused_rows

LETTERS_WITHIN_S = 5.0

log = get_logger("vantage.worker")


@dataclass(frozen=True, slots=True)
class Guarded:
    """What of a batch may be written: `kept` records, less the days of them that the store holds."""

    kept: list[Taken]
    held: frozenset[Held]


class Inserter:
    """Writes batches whose intent is committed. Dead letters are acknowledged before any row is in the store: whoever
    finds a part of the batch there knows that its letters are on the bus."""

    def __init__(self, writer: Writer, publisher: Publisher, metrics: WorkerMetrics) -> None:
        self._writer = writer
        self._publisher = publisher
        self._metrics = metrics
        self._refused_in_a_row = 0

    async def insert(self, lane: Lane, batch: Batch, guarded: Guarded) -> int:
        """Returns the number of rows written. Raises StoreUnavailable or BusUnavailable (the batch is in doubt then),
        StoreRejected or TooManyRefused (a person has to look).

        Every attempt at a range has one token, so that the engine drops what a worker sends that was given up for
        dead. But the engine may know a token whose rows it never kept: after an attempt in doubt the rows themselves
        are asked for, and what is missing goes in under a token of its own.
        """
        was_in_doubt = batch.in_doubt
        await self._bury_poison(batch)
        token = f"{lane.source_id}:{batch.start}:{batch.end}"
        rows = await self._insert_missing(lane, batch, guarded, token)
        if rows and was_in_doubt:
            held = await self._writer.held(lane.table, lane.source_id, batch.start, batch.end)
            await self._insert_missing(lane, batch, Guarded(guarded.kept, held), f"{token}:{uuid4()}")
        return rows

    async def _insert_missing(self, lane: Lane, batch: Batch, guarded: Guarded, token: str) -> int:
        columns = assemble(lane.table, guarded.kept, lane.source_id, guarded.held, batch.refused)
        rows = len(columns["workspace"])
        if not rows:
            return 0
        batch.in_doubt = True
        try:
            with self._metrics.write_seconds.labels(lane.table).time():
                await self._writer.insert(lane.table, columns, token=token)
        except StoreRejected as error:
            await self._set_aside(lane, batch, guarded, columns, error)
            return await self._insert_missing(lane, batch, guarded, token)
        self._refused_in_a_row = 0
        return rows

    async def _set_aside(
        self, lane: Lane, batch: Batch, guarded: Guarded, columns: Columns, error: StoreRejected
    ) -> None:
        """Finds the rows that the store refuses and buries them. Raises `error` where no single row is at fault."""
        refused = await refused_rows(partial(self._writer.rehearse, lane.table), columns)
        if not refused:
            raise error
        self._refused_in_a_row += len(refused)
        if self._refused_in_a_row > MAX_REFUSED_ROWS:
            raise TooManyRefused(f"{self._refused_in_a_row} rows in a row, the last: {error}")
        places = origins(guarded.kept, guarded.held, batch.refused)
        letters = [
            row_letter(lane.source, *places[row], row_of(columns, row), reason) for row, reason in refused.items()
        ]
        await self._bury(letters, "refused", str(error))
        for row in refused:
            offset, number = places[row]
            batch.refused.setdefault(offset, set()).add(number)

    async def _bury_poison(self, batch: Batch) -> None:
        if batch.poison and not batch.is_poison_buried:
            letters = [record_letter(message, reason) for message, reason in batch.poison]
            await self._bury(letters, "unreadable", batch.poison[0][1])
            batch.is_poison_buried = True

    async def _bury(self, letters: list[Outgoing], cause: str, reason: str) -> None:
        await self._publisher.publish(letters, LETTERS_WITHIN_S)
        self._metrics.dead_letters.labels(cause).inc(len(letters))
        log.error("sent to dead letters", number=len(letters), cause=cause, reason=reason)
