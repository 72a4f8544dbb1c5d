"""What a worker knows of one partition: the records it has read and the batch it is writing. Neither bus nor store."""

from dataclasses import dataclass, field

from vantage_common.block import Kind
from vantage_common.bus.api import TopicPartition

from vantage_worker.backpressure import MAX_BATCH_BYTES
from vantage_worker.batch import Batch, Taken, kind_of_topic

LINGER_S = 1.0


@dataclass(slots=True)
class Lane:
    """`opened` and `since` (when the oldest waiting record came) are on the monotonic clock, in seconds."""

    source: TopicPartition
    source_id: int
    opened: float
    intent_end: int | None = None
    taken: list[Taken] = field(default_factory=list)
    waiting_rows: int = 0
    waiting_bytes: int = 0
    since: float = 0.0
    is_full: bool = False
    """It holds its share of the memory: nothing more is read into it."""
    current: Batch | None = None
    retry_at: float = 0.0

    @property
    def table(self) -> Kind:
        return kind_of_topic(self.source.topic)

    @property
    def is_reading_intent(self) -> bool:
        """Its predecessor's range has to be read to the end, however long it is: it is written as one."""
        end = self.intent_end
        return end is not None and not (self.taken and self.taken[-1].offset >= end - 1)

    def add(self, record: Taken, now: float) -> None:
        if not self.taken:
            self.since = now
            if self.intent_end is not None and record.offset >= self.intent_end:
                self.intent_end = None  # the log has trimmed the whole range away
        self.taken.append(record)
        self.waiting_rows += record.rows
        self.waiting_bytes += record.size

    def seal(self, rows: int, now: float, *, at_once: bool = False) -> Batch | None:
        """The next batch when it is due: exactly the intent's range where there is one, else up to `rows` of what has
        gathered once that is enough, once nothing more fits, or after the linger time."""
        if not self.taken:
            return None
        if self.intent_end is not None:
            return self._seal_intent(self.intent_end)
        return self._seal_up_to(rows, now) if at_once or self._has_enough(rows, now) else None

    def is_due(self, rows: int, now: float) -> bool:
        """Whether there is something to write now: a batch that is to be tried again, or one to be sealed."""
        if self.current is not None:
            return now >= self.retry_at
        if self.intent_end is not None:
            return not self.is_reading_intent
        return bool(self.taken) and self._has_enough(rows, now)

    def _has_enough(self, rows: int, now: float) -> bool:
        return self.is_full or self.waiting_rows >= rows or now - self.since >= LINGER_S

    def _seal_intent(self, end: int) -> Batch | None:
        """None until all of it has been read: to commit past records never read would lose them."""
        if self.is_reading_intent:
            return None
        taken = self._remove(sum(1 for record in self.taken if record.offset < end))
        self.intent_end = None
        return Batch(taken[0].offset, end, taken, in_doubt=True)

    def _seal_up_to(self, max_rows: int, now: float) -> Batch:
        """At least one record, however large."""
        number, rows, size = 0, 0, 0
        for record in self.taken:
            rows, size = rows + record.rows, size + record.size
            if number and (rows > max_rows or size > MAX_BATCH_BYTES):
                break
            number += 1
        taken = self._remove(number)
        self.since = now
        return Batch(taken[0].offset, taken[-1].offset + 1, taken)

    def _remove(self, number: int) -> list[Taken]:
        taken, self.taken = self.taken[:number], self.taken[number:]
        self.waiting_rows -= sum(record.rows for record in taken)
        self.waiting_bytes -= sum(record.size for record in taken)
        return taken
