"""How many rows go into one insert, and when reading stops: batches grow while the worker is behind."""

from collections.abc import Sequence
from dataclasses import dataclass

MIN_ROWS = 50_000
"""Unless the linger time is over first. With 10 000 a steady stream costs the engine 3.5 times the merging."""
MAX_ROWS = 100_000
"""One block stays far below the size at which the engine would split it into several parts, and waiting rows are Python
objects: a flood of ten million gauges leaves 350 MiB behind with this, 245 with half of it."""
MAX_BUFFERED_ROWS = 2 * MAX_ROWS
"""Of all partitions together."""
MIN_LANE_ROWS = 10_000
"""What a partition may hold in any case, however many there are."""
MAX_BATCH_BYTES = 64 * 1024 * 1024
MAX_BUFFERED_BYTES = 256 * 1024 * 1024
MIN_BUFFERED_BYTES = 4 * 1024 * 1024
"""The same in bytes of the inflated records: a log line may be a thousand times as large as a sample."""
FETCH_ROWS = 50_000
FETCH_BYTES = MAX_BATCH_BYTES
"""What one read may bring. With less, batches stay small while much is waiting, and each costs the engine a part."""
MIN_FETCH_RECORDS = 20
MAX_FETCH_RECORDS = 4000


class BatchSize:
    """Doubles while full batches are waiting behind the one just written, halves when there is nothing left."""

    def __init__(self) -> None:
        self.rows = MIN_ROWS

    def adapt(self, *, written: int, waiting: int) -> None:
        if written >= self.rows and waiting >= self.rows:
            self.rows = min(self.rows * 2, MAX_ROWS)
        elif waiting == 0:
            self.rows = max(self.rows // 2, MIN_ROWS)


class FetchSize:
    """How many records to read at a time: as many as hold `FETCH_ROWS` rows or `FETCH_BYTES`, if they are like the last
    ones. Thus a read cannot go far beyond what may be buffered, and small records are not read a few at a time."""

    def __init__(self) -> None:
        self.records = MIN_FETCH_RECORDS

    def adapt(self, *, records: int, rows: int, size: int) -> None:
        fitting = records * min(FETCH_ROWS / max(rows, 1), FETCH_BYTES / max(size, 1))
        self.records = round(min(max(fitting, MIN_FETCH_RECORDS), MAX_FETCH_RECORDS))


@dataclass(frozen=True, slots=True)
class Load:
    """What a partition holds in memory, or all of them, or what they may."""

    rows: int
    size: int

    def reaches(self, limit: "Load") -> bool:
        return self.rows >= limit.rows or self.size >= limit.size


def full_lanes(loads: Sequence[Load]) -> list[bool]:
    """Which partitions are to be read no further, given what each holds.

    Those that hold anything share the memory evenly, and none gets less than the least. What one filled while it was
    alone counts when others come: together they go beyond the bound by that much each at most.
    """
    least = Load(MIN_LANE_ROWS, MIN_BUFFERED_BYTES)
    most = Load(MAX_BUFFERED_ROWS, MAX_BUFFERED_BYTES)
    busy = max(1, sum(load.rows > 0 or load.size > 0 for load in loads))
    share = Load(max(least.rows, most.rows // busy), max(least.size, most.size // busy))
    total = Load(sum(load.rows for load in loads), sum(load.size for load in loads))
    limit = least if total.reaches(most) else share
    return [load.reaches(limit) for load in loads]
