"""Which spans leave the process when there are too many.

Kept first: errors, then slow ones, then one example a second of every route, then whatever the trace sampling chose.
Within a class the spans with the highest random trace bits win. All services compare the same bits, so under pressure
they give up the same traces, and the traces that stay, stay whole.
"""

from __future__ import annotations

from heapq import heapify, heappush, heappushpop, nlargest
from typing import List, NamedTuple, Optional, Set, Tuple

from vantage_agent.context import RANDOM_MASK, SAMPLED, Span

SLOW_NS = 500_000_000
EXAMPLE_KEYS = 4_000

PLAIN, EXAMPLE, SLOW, ERROR = range(4)


class FinishedSpan(NamedTuple):
    """A span with its end on the wall clock. `failed` is None where success is not known (a cancelled request)."""

    span: Span
    kind: str
    name: str
    end_ms: float
    duration_ms: float
    failed: Optional[bool]
    attributes: Tuple[Tuple[str, object], ...]
    caller: Optional[str]


class SpanBuffer:
    """At most `limit` spans, the most telling ones. Used by the exporter thread alone."""

    def __init__(self, limit: int, examples: bool = True) -> None:
        self.limit = limit
        self.keeps_examples = examples
        self.thinned = 0
        self._heap: List[Tuple[int, int, int, FinishedSpan]] = []
        self._examples: Set[Tuple[str, str, int]] = set()
        self._sequence = 0

    def __bool__(self) -> bool:
        return bool(self._heap)

    def __len__(self) -> int:
        return len(self._heap)

    def rank(self, span: Span, failed: bool, duration_ns: int, kind: str, name: str, second: int) -> Optional[int]:
        """Class of a span, or None where it is not worth keeping. Separate, so that nothing is built in vain."""
        if failed:
            return ERROR
        if duration_ns >= SLOW_NS:
            return SLOW
        if self.keeps_examples and kind != "internal" and len(self._examples) < EXAMPLE_KEYS:
            key = (kind, name, second)
            if key not in self._examples:
                self._examples.add(key)
                return EXAMPLE
        if not span.flags & SAMPLED:
            return None
        if len(self._heap) >= self.limit and (PLAIN, span.trace_id & RANDOM_MASK) < self._heap[0][:2]:
            self.thinned += 1
            return None
        return PLAIN

    def add(self, rank: int, finished: FinishedSpan) -> None:
        self._sequence += 1
        entry = (rank, finished.span.trace_id & RANDOM_MASK, self._sequence, finished)
        if len(self._heap) < self.limit:
            heappush(self._heap, entry)
        else:
            heappushpop(self._heap, entry)
            self.thinned += 1

    def take(self, number: int) -> List[FinishedSpan]:
        """Remove up to `number` spans."""
        taken, self._heap = self._heap[-number:], self._heap[:-number]
        return [entry[3] for entry in taken]

    def shrink(self, limit: int) -> None:
        """Keep the `limit` most telling spans, now and later."""
        if limit < self.limit:
            self.limit = limit
            kept = nlargest(limit, self._heap)
            self.thinned += len(self._heap) - len(kept)
            self._heap = kept
            heapify(self._heap)
            self._examples.clear()

    def absorb(self, later: SpanBuffer) -> None:
        self.thinned += later.thinned
        for rank, _, _, finished in later._heap:
            self.add(rank, finished)
