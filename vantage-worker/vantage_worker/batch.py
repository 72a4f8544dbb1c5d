"""From bus records to one block of columns for one insert. Pure: no bus, no store, no clock."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from vantage_common.block import COLUMNS, BlockBody, Kind, decode_block, inflated_size
from vantage_common.bus.api import LOGS_RAW, SPANS_RAW, Message
from vantage_common.errors import NewerSchema, PermanentError, PoisonRecord
from vantage_common.store.api import Held

US_PER_DAY = 86_400_000_000


def kind_of_topic(topic: str) -> Kind:
    """What a raw topic carries; the metrics topic may have any name (VANTAGE_KAFKA_TOPIC)."""
    if topic == SPANS_RAW:
        return "spans"
    return "logs" if topic == LOGS_RAW else "metrics"


@dataclass(frozen=True, slots=True)
class Taken:
    """One record of a partition: its block, or why it cannot be one. `size` is what it takes in memory, in bytes."""

    offset: int
    timestamp_ms: int
    size: int
    block: BlockBody | None
    poison: tuple[Message, str] | None = None

    @property
    def rows(self) -> int:
        return self.block.rows if self.block else 0


def take(message: Message) -> Taken:
    """Decodes a record. Poison is kept with its reason; a newer schema raises NewerSchema and stops the worker."""
    try:
        block = decode_block(message.value)
        expected = kind_of_topic(message.topic)
        if block.kind != expected:
            raise PoisonRecord(f"a block of {block.kind} on topic {message.topic}, which carries {expected}")
        return Taken(message.offset, message.timestamp_ms, inflated_size(message.value), block)
    except NewerSchema:
        raise
    except PermanentError as error:
        return Taken(message.offset, message.timestamp_ms, len(message.value), None, (message, str(error)))


@dataclass(slots=True)
class Batch:
    """Consecutive records of one partition: `start` ≤ offset < `end`. `in_doubt` once an insert may have happened.

    `refused` has the row numbers, by offset, that the store would not take. The dead letters of these and of the
    records that are no blocks (`poison`) are on the bus before anything of the batch is in the store.
    """

    start: int
    end: int
    taken: list[Taken] = field(default_factory=list)
    in_doubt: bool = False
    attempts: int = 0
    refused: dict[int, set[int]] = field(default_factory=dict)
    is_poison_buried: bool = False

    @property
    def rows(self) -> int:
        return sum(record.rows for record in self.taken)

    @property
    def poison(self) -> list[tuple[Message, str]]:
        return [record.poison for record in self.taken if record.poison]


Part = tuple[str, int]


def without_repeats(taken: Iterable[Taken], seen: frozenset[Part]) -> list[Taken]:
    """The records whose (batch id, part) is neither in `seen` nor earlier among them: a sender's retries drop out."""
    kept: list[Taken] = []
    known = set(seen)
    for record in taken:
        part = part_of(record)
        if part and part in known:
            continue
        if part:
            known.add(part)
        kept.append(record)
    return kept


def part_of(record: Taken) -> Part | None:
    if record.block is None or not record.block.batch_id:
        return None
    return (record.block.batch_id, record.block.part)


def assemble(
    kind: Kind,
    taken: Sequence[Taken],
    source_id: int,
    held: frozenset[Held],
    refused: Mapping[int, Set[int]] = MappingProxyType({}),
) -> dict[str, list[Any]]:
    """The columns of the store's table for these records, less the rows the store holds already or has refused.

    A record's rows of one UTC day are held or missing together: an insert writes a day partition atomically. `refused`
    has row numbers by offset.
    """
    columns: dict[str, list[Any]] = {name: [] for name in ("workspace", *COLUMNS[kind], *_SOURCE_COLUMNS)}
    for offset, block, keep in _rows_to_write(taken, held, refused):
        rows = block.rows if keep is None else len(keep)
        for name in COLUMNS[kind]:
            values = block.columns[name]
            columns[name].extend(values if keep is None else [values[i] for i in keep])
        columns["workspace"].extend([block.workspace] * rows)
        columns["_src"].extend([source_id] * rows)
        columns["_off"].extend([offset] * rows)
        columns["batch_id"].extend([block.batch_id] * rows)
        columns["batch_part"].extend([block.part] * rows)
    return columns


def origins(taken: Sequence[Taken], held: frozenset[Held], refused: Mapping[int, Set[int]]) -> list[tuple[int, int]]:
    """Where each row that `assemble` makes of these comes from: the record's offset and the row's number in it."""
    return [
        (offset, row)
        for offset, block, keep in _rows_to_write(taken, held, refused)
        for row in (range(block.rows) if keep is None else keep)
    ]


_SOURCE_COLUMNS = ("_src", "_off", "batch_id", "batch_part")


def _rows_to_write(
    taken: Sequence[Taken], held: frozenset[Held], refused: Mapping[int, Set[int]]
) -> Iterator[tuple[int, BlockBody, list[int] | None]]:
    """Each block with its offset and the numbers of its rows that are to be written; None means all."""
    held_days: defaultdict[int, set[int]] = defaultdict(set)
    for entry in held:
        held_days[entry.offset].add(entry.day)
    for record in taken:
        if record.block is None:
            continue
        keep = None
        if record.offset in held_days or record.offset in refused:
            days, bad = held_days[record.offset], refused.get(record.offset, frozenset())
            times = record.block.columns["timestamp"]
            keep = [row for row, ms in enumerate(times) if row not in bad and day_of(ms) not in days]
        yield record.offset, record.block, keep


def day_of(timestamp_ms: float) -> int:
    """The UTC day as the number yyyymmdd, ClickHouse's toYYYYMMDD (Hinnant's civil-from-days).

    Of the microsecond that is stored: what a fraction of one rounds up to may be the next day's.
    """
    z = round(timestamp_ms * 1000) // US_PER_DAY + 719_468
    era, doe = divmod(z, 146_097)
    yoe = (doe - doe // 1460 + doe // 36_524 - doe // 146_096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    mp = (5 * doy + 2) // 153
    month = mp + 3 if mp < 10 else mp - 9
    year = yoe + era * 400 + (1 if month <= 2 else 0)
    return year * 10_000 + month * 100 + (doy - (153 * mp + 2) // 5 + 1)
