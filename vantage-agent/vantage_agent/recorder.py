"""The request path's side of the agent: one bounded queue, no locks.

deque.append and len are atomic in CPython, so request threads never wait for each other, for the exporter, or (after a
fork) for a lock whose owner no longer exists.
"""

from __future__ import annotations

import itertools
from collections import deque
from typing import Callable, Deque, Tuple

from vantage_agent.context import sampling_floor, state_member
from vantage_agent.records import Record

QUEUE_LIMIT = 32_768
# A queue this long means that nobody drains it: perhaps a fork the interpreter never told us of (uWSGI).
PRESSURE = 1_024


class Recorder:
    """Takes records from the application's threads. `emit` never blocks and never raises."""

    __slots__ = ("_dropped", "_reads", "_start", "_taken", "active", "floor", "member", "queue", "running")

    def __init__(self, service_name: str, sample_rate: float, start_exporter: Callable[[], None]) -> None:
        self.queue: Deque[Record] = deque()
        self.active = True
        # False until the exporter thread runs; a fork's child sets it back.
        self.running = False
        self._start = start_exporter
        # next() on a count is atomic, `+= 1` is not.
        self._dropped = itertools.count()
        self._reads = 0
        self._taken = 0
        self.configure(service_name, sample_rate)

    def configure(self, service_name: str, sample_rate: float) -> None:
        self.member = state_member(service_name)
        self.floor = sampling_floor(sample_rate)

    def emit(self, record: Record) -> None:
        queue = self.queue
        if self.running and len(queue) < PRESSURE:
            queue.append(record)
        else:
            self._emit_slowly(record)

    def _emit_slowly(self, record: Record) -> None:
        if len(self.queue) < QUEUE_LIMIT:
            self.queue.append(record)
        else:
            next(self._dropped)
        self._start()

    def take_dropped(self) -> int:
        """Records refused since the last call (exporter thread only)."""
        total = next(self._dropped) - self._reads
        self._reads += 1
        new, self._taken = total - self._taken, total
        return new

    def drain(self) -> Tuple[Record, ...]:
        """Everything queued at this moment, oldest first (exporter thread only)."""
        pop = self.queue.popleft
        return tuple(pop() for _ in range(len(self.queue)))

    def forget(self) -> None:
        """In a fork's child: what is queued belongs to the parent, who sends it."""
        self.queue.clear()
        self.running = False
