"""How many rows go into one insert, and when reading stops: batches grow while the worker is behind."""

MIN_ROWS = 10_000
MAX_ROWS = 200_000
"""One block stays far below the size at which the engine would split it into several parts."""
MAX_BUFFERED_ROWS = 2 * MAX_ROWS
"""Of all partitions together; each has its share, of `MIN_ROWS` at least."""
MAX_BATCH_BYTES = 64 * 1024 * 1024
MAX_BUFFERED_BYTES = 256 * 1024 * 1024
MIN_BUFFERED_BYTES = 4 * 1024 * 1024
"""The same in bytes of the inflated records: a log line may be a thousand times as large as a sample."""


class BatchSize:
    """Doubles while full batches are waiting behind the one just written, halves when there is nothing left."""

    def __init__(self) -> None:
        self.rows = MIN_ROWS

    def adapt(self, *, written: int, waiting: int) -> None:
        if written >= self.rows and waiting >= self.rows:
            self.rows = min(self.rows * 2, MAX_ROWS)
        elif waiting == 0:
            self.rows = max(self.rows // 2, MIN_ROWS)
