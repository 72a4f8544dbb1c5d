"""Which spans leave the process when there are too many.

Kept first: errors, then slow ones, then one example a second of every route, then whatever the trace sampling chose.
Within a class the spans with the highest random trace bits win. All services compare the same bits, so under pressure
they give up the same traces, and the traces that stay, stay whole.
"""

from __future__ import annotations

from heapq import heapify, heappush, heappushpop, nlargest
from typing import List, Optional, Sequence, Set, Tuple

from vantage_agent.context import RANDOM_MASK, Span
from vantage_agent.tuples import NamedTuple

SLOW_NS = 500_000_000
EXAMPLE_KEYS = 4_000

PLAIN, EXAMPLE, SLOW, ERROR = range(4)


class Work(NamedTuple):
    """What spans of one kind of work have in common. `failed` is None where success is not known (a cancelled
    request)."""

    kind: str
    name: str
    failed: Optional[bool]
    attributes: Tuple[Tuple[str, object], ...]
    caller: Optional[str]


class Group(NamedTuple):
    """Spans of one kind of work that ended in one second, in the order they came.

    spans, ends, durations: alike in length; times in perf_counter's nanoseconds. sampled: which of them the trace
    sampling chose, as ascending indices.
    """

    work: Work
    second: int
    spans: Sequence[Span]
    ends: Sequence[int]
    durations: Sequence[int]
    sampled: Sequence[int]


class FinishedSpan:
    """A span with its end on perf_counter's clock."""

    __slots__ = ("duration_ns", "end_ns", "span", "work")

    def __init__(self, span: Span, work: Work, end_ns: int, duration_ns: int) -> None:
        self.span = span
        self.work = work
        self.end_ns = end_ns
        self.duration_ns = duration_ns


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

    def offer(self, group: Group) -> None:
        """Consider the spans of a group."""
        everyone: Sequence[int] = range(len(group.spans))
        sampled = group.sampled
        if group.work.failed:
            self._add(ERROR, group, everyone)
            return
        if max(group.durations) >= SLOW_NS:
            slow = {index for index in everyone if group.durations[index] >= SLOW_NS}
            self._add(SLOW, group, sorted(slow))
            everyone = [index for index in everyone if index not in slow]
            sampled = [index for index in sampled if index not in slow]
        if everyone and self._wants_example(group.work, group.second):
            example = everyone[0]
            self._add(EXAMPLE, group, (example,))
            sampled = sampled[1:] if sampled and sampled[0] == example else sampled
        self._add_plain(group, sampled)

    def add(self, rank: int, finished: FinishedSpan) -> None:
        """Keep a span unless there are more telling ones."""
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
        """Take over the spans of a later buffer."""
        self.thinned += later.thinned
        for rank, _, _, finished in later._heap:
            self.add(rank, finished)

    def _wants_example(self, work: Work, second: int) -> bool:
        if not self.keeps_examples or work.kind == "internal" or len(self._examples) >= EXAMPLE_KEYS:
            return False
        before = len(self._examples)
        self._examples.add((work.kind, work.name, second))
        return len(self._examples) > before

    def _add_plain(self, group: Group, indices: Sequence[int]) -> None:
        """Under pressure nearly all are turned down here, by one look at their bits and nothing built in vain."""
        free = max(0, self.limit - len(self._heap))
        self._add(PLAIN, group, indices[:free])
        rest = indices[free:]
        if rest:
            rank, least = self._heap[0][:2]
            spans = group.spans
            worthy = [n for n in rest if spans[n].trace_id & RANDOM_MASK >= least] if rank == PLAIN else []
            self.thinned += len(rest) - len(worthy)
            self._add(PLAIN, group, worthy)

    def _add(self, rank: int, group: Group, indices: Sequence[int]) -> None:
        for index in indices:
            self.add(rank, FinishedSpan(group.spans[index], group.work, group.ends[index], group.durations[index]))
