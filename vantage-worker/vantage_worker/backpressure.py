"""How many rows go into one insert, and when reading stops: batches grow while the worker is behind."""

MIN_ROWS = 10_000
MAX_ROWS = 200_000
"""One block stays far below the size at which the engine would split it into several parts."""
MAX_BUFFERED_ROWS = 2 * MAX_ROWS


class BatchSize:
    """Doubles while full batches are waiting behind the one just written, halves when there is nothing left."""

    def __init__(self) -> None:
        self.rows = MIN_ROWS

    def adapt(self, *, written: int, waiting: int) -> None:
        if written >= self.rows and waiting >= self.rows:
            self.rows = min(self.rows * 2, MAX_ROWS)
        elif waiting == 0:
            self.rows = max(self.rows // 2, MIN_ROWS)
