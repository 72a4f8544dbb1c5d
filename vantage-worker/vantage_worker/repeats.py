"""Which parts of senders' batches were stored within the last hour: what a sender sends again is stored once."""

from collections import OrderedDict
from collections.abc import Iterable

from vantage_common.clock import Clock
from vantage_common.store.api import Held, Writer

from vantage_worker.batch import Batch, Part, Taken, part_of, without_repeats
from vantage_worker.lane import Lane

REPEAT_WINDOW_MS = 3_600_000
REMEMBERED_PARTS = 200_000


class StoredParts:
    """This worker remembers its own; the store knows what others wrote."""

    def __init__(self, writer: Writer, clock: Clock) -> None:
        self._writer = writer
        self._clock = clock
        self._parts: OrderedDict[Part, float] = OrderedDict()
        self._complete_since = clock.monotonic()

    async def drop_repeats(self, lane: Lane, batch: Batch, held: frozenset[Held]) -> list[Taken]:
        """The batch's records without those whose part was stored by another record.

        Records of which the store holds something stay: what is left of them is still to be written.
        """
        begun_offsets = {entry.offset for entry in held}
        begun = [record for record in batch.taken if record.offset in begun_offsets]
        fresh = [record for record in batch.taken if record.offset not in begun_offsets]
        stored = await self._stored_among(lane, batch, fresh) | _parts_of(begun)
        return sorted([*without_repeats(fresh, stored), *begun], key=lambda record: record.offset)

    def remember(self, records: Iterable[Taken]) -> None:
        now = self._clock.monotonic()
        self._parts.update(dict.fromkeys(_parts_of(records), now))
        while len(self._parts) > REMEMBERED_PARTS:
            _, self._complete_since = self._parts.popitem(last=False)

    async def _stored_among(self, lane: Lane, batch: Batch, records: Iterable[Taken]) -> frozenset[Part]:
        parts = _parts_of(records)
        known = frozenset(part for part in parts if part in self._parts)
        unknown = sorted({batch_id for batch_id, _ in parts - known})
        if not unknown or self._remembers_all(lane, batch):
            return known
        since_ms = self._clock.now_ms() - REPEAT_WINDOW_MS
        return known | await self._writer.held_parts(lane.table, unknown, since_ms)

    def _remembers_all(self, lane: Lane, batch: Batch) -> bool:
        """Whether memory covers the window: this worker has had the partition for as long, and forgot nothing."""
        covered_s = self._clock.monotonic() - max(self._complete_since, lane.opened)
        return not batch.in_doubt and covered_s >= REPEAT_WINDOW_MS / 1000


def _parts_of(records: Iterable[Taken]) -> frozenset[Part]:
    return frozenset(part for record in records if (part := part_of(record)))
