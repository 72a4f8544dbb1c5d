"""Which spans survive a flood."""

from __future__ import annotations

from random import Random
from typing import List

import pytest
from vantage_agent.context import RANDOM_MASK, SAMPLED, Span, root, sampling_floor
from vantage_agent.spans import ERROR, EXAMPLE, PLAIN, SLOW, SLOW_NS, FinishedSpan, Group, SpanBuffer, Work

INDEX = Work("server", "GET /", False, (), None)


def finished(trace_id: int) -> FinishedSpan:
    return FinishedSpan(Span(trace_id, 0, SAMPLED, None), INDEX, 0, 1_000_000)


def offered(buffer: SpanBuffer, work: Work, second: int, *durations: int) -> List[int]:
    """Offer unsampled spans; the ranks of those that were kept."""
    before = set(buffer._heap)
    spans = [Span(5, 0, 0, None) for _ in durations]
    buffer.offer(Group(work, second, spans, durations, durations, ()))
    return [entry[0] for entry in buffer._heap if entry not in before]


def test_errors_and_slow_spans_outlive_plain_ones() -> None:
    buffer = SpanBuffer(2)
    for rank, trace_id in ((PLAIN, 900), (PLAIN, 901), (ERROR, 1), (SLOW, 2)):
        buffer.add(rank, finished(trace_id))
    assert {span.span.trace_id for span in buffer.take(10)} == {1, 2}
    assert buffer.thinned == 2


def test_two_services_under_pressure_keep_the_same_traces() -> None:
    traces = [Random(number).getrandbits(128) for number in range(500)]
    kept = []
    for seed, limit in ((1, 50), (2, 80)):
        buffer = SpanBuffer(limit)
        for trace_id in Random(seed).sample(traces, len(traces)):
            buffer.add(PLAIN, finished(trace_id))
        kept.append({span.span.trace_id for span in buffer.take(1000)})
    assert kept[0] < kept[1]


def test_the_first_of_a_route_in_a_second_is_an_example_even_when_unsampled() -> None:
    buffer = SpanBuffer(10)
    assert [offered(buffer, INDEX, second, 1, 1) for second in (1, 1, 2)] == [[EXAMPLE], [], [EXAMPLE]]


def test_sampling_nothing_still_keeps_errors_and_slow_spans() -> None:
    buffer = SpanBuffer(10, examples=False)
    assert offered(buffer, INDEX, 1, 1) == []
    assert offered(buffer, INDEX._replace(failed=True), 1, 1) == [ERROR]
    assert offered(buffer, INDEX, 1, SLOW_NS) == [SLOW]


def test_taking_in_portions_loses_none_and_keeps_the_order_of_worth() -> None:
    buffer = SpanBuffer(100)
    for trace_id in range(1, 101):
        buffer.add(PLAIN, finished(trace_id))
    first = buffer.take(30)
    buffer.limit = 70
    buffer.add(ERROR, finished(1000))
    rest = buffer.take(1000)
    assert len(first) + len(rest) == 100
    assert 1000 in {span.span.trace_id for span in rest}
    assert not buffer


def test_shrinking_keeps_the_most_telling() -> None:
    buffer = SpanBuffer(100)
    for trace_id in range(1, 51):
        buffer.add(ERROR if trace_id < 5 else PLAIN, finished(trace_id))
    buffer.shrink(10)
    buffer.add(PLAIN, finished(7))
    assert {span.span.trace_id for span in buffer.take(100)} == {1, 2, 3, 4, *range(45, 51)}
    assert buffer.thinned == 41


@pytest.mark.parametrize("rate", [0.0, 0.25, 1.0])
def test_the_sampling_rate_holds_and_follows_the_trace_id(rate: float) -> None:
    floor = sampling_floor(rate)
    spans = [root(floor) for _ in range(4_000)]
    assert sum(span.flags for span in spans) / len(spans) == pytest.approx(rate, abs=0.05)
    assert all((span.trace_id & RANDOM_MASK >= floor) == bool(span.flags) for span in spans)
