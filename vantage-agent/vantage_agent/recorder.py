"""The request path's side of the agent: one bounded queue, no locks.

deque.append and len are atomic in CPython, so request threads never wait for each other, for the exporter, or (after a
fork) for a lock whose owner no longer exists.
"""

from __future__ import annotations

from collections import deque
from itertools import count, repeat
from typing import Callable, Deque, List

from vantage_agent.context import sampling_floor, state_member
from vantage_agent.records import Record

QUEUE_LIMIT = 32_768
# A look costs more than a record. It finds, among others, a fork that the interpreter never told us of (uWSGI's).
LOOK_EVERY = 64


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
        self._dropped = count()
        self._reads = 0
        self._taken = 0
        self.configure(service_name, sample_rate)

    def configure(self, service_name: str, sample_rate: float) -> None:
        self.member = state_member(service_name)
        self.floor = sampling_floor(sample_rate)

    def emit(self, record: Record) -> None:
        queue = self.queue
        length = len(queue)
        if length % LOOK_EVERY and length < QUEUE_LIMIT:
            queue.append(record)
        else:
            self._emit_and_look(record)

    def _emit_and_look(self, record: Record) -> None:
        """The first record of a turn, and one in many: is there a thread, in this very process, to take them?"""
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

    def drain(self) -> List[Record]:
        """Everything queued at this moment, oldest first (exporter thread only)."""
        queue = self.queue
        return list(map(deque.popleft, repeat(queue, len(queue))))

    def forget(self) -> None:
        """In a fork's child: what is queued belongs to the parent, who sends it."""
        self.queue.clear()
        self.running = False
