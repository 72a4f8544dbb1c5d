"""The folding law: counts and sums are exact, quantiles within 1 %, whatever the samples and the merges."""

from __future__ import annotations

import math
from collections import defaultdict
from random import Random
from typing import Any, Dict, List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vantage_agent.batch import METHODS, Batch
from vantage_agent.config import Config
from vantage_agent.context import SAMPLED, Span, caller_of
from vantage_agent.fold import OTHER, OUTAGE_CELL_LIMIT, POINT_LIMIT, RESOLUTIONS_S, Point, Series, Window, bin_of
from vantage_agent.records import CLIENT, OPERATION, SERVER, Record, Target
from vantage_agent.spans import SLOW_NS

NS = 1_000_000_000
SECOND = 1_700_000_000
AT = SECOND * NS
REQUESTS = Series("m", (), "GET", "/", 200)
OWN = Series("m", (), None, None, None)
DURATIONS = st.lists(st.integers(min_value=1, max_value=10**12), min_size=1, max_size=200)
VALUES = st.lists(
    st.floats(min_value=-1e12, max_value=1e12, allow_nan=False).filter(lambda value: value == 0 or abs(value) > 1e-9),
    min_size=1,
    max_size=200,
)


def folded(values: List[float]) -> List[Tuple[float, int]]:
    """(mean, weight) of every bin."""
    window = Window()
    for value in values:
        window.add(OWN, SECOND, AT, value)
    return [(cell[1] / cell[0], int(cell[0])) for _, _, _, cell in window.cells()]


def at_once(window: Window, second: int, durations: List[int]) -> None:
    window.add_all(REQUESTS, second, second * NS, durations, [Span(1, 0, 0, None)] * len(durations), [])


def one_by_one(window: Window, second: int, durations: List[int]) -> None:
    for duration in durations:
        window.add(REQUESTS, second, second * NS, duration)


def samples(window: Window) -> Tuple[float, float]:
    """(count, sum) of everything."""
    cells = [cell for _, _, _, cell in window.cells()]
    return sum(cell[0] for cell in cells), sum(cell[1] for cell in cells)


def nearest_rank(weighted: List[Tuple[float, int]], quantile: float) -> float:
    rank = max(1, math.ceil(quantile * sum(weight for _, weight in weighted)))
    for value, weight in sorted(weighted):
        rank -= weight
        if rank <= 0:
            return value
    raise AssertionError("the rank lies beyond the samples")


@given(DURATIONS)
def test_counts_and_sums_of_requests_are_exact(durations: List[int]) -> None:
    window = Window()
    at_once(window, SECOND, durations)
    assert samples(window) == (len(durations), sum(durations))


@given(DURATIONS, st.integers(min_value=2, max_value=40))
def test_many_at_once_are_folded_as_one_by_one(durations: List[int], max_cells: int) -> None:
    slow, fast = Window(max_cells), Window(max_cells)
    one_by_one(slow, SECOND, durations)
    at_once(fast, SECOND, durations)
    at_once(slow, SECOND, durations)
    one_by_one(fast, SECOND, durations)
    assert slow.places == fast.places
    assert slow.size == fast.size == len(list(fast.cells()))


@given(VALUES, st.sampled_from([0.0, 0.1, 0.5, 0.9, 0.95, 0.99, 1.0]))
def test_quantiles_stay_within_one_percent(values: List[float], quantile: float) -> None:
    exact = nearest_rank([(value, 1) for value in values], quantile)
    assert nearest_rank(folded(values), quantile) == pytest.approx(exact, rel=0.0101, abs=1e-12)


@given(st.floats(min_value=1e-300, max_value=1e300), st.floats(min_value=1.0, max_value=1.2))
def test_bins_are_mirrored_and_narrow(value: float, factor: float) -> None:
    assert bin_of(-value) == -bin_of(value) != 0 == bin_of(0.0)
    if bin_of(value * factor) == bin_of(value):
        assert factor <= 1.01 * (1 + 1e-9)


@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(1, 10**10)), min_size=1, max_size=300))
def test_an_outage_costs_resolution_but_no_count(given: List[Tuple[int, int]]) -> None:
    small, reference = Window(max_cells=20), Window()
    for second, duration in given:
        for window in (small, reference):
            window.add(REQUESTS, SECOND + second, AT, duration)
    assert small.size == len(list(small.cells())) <= 20
    assert samples(small) == samples(reference)


@given(DURATIONS, DURATIONS)
def test_merging_windows_equals_folding_once(first: List[int], second: List[int]) -> None:
    early, late, whole = Window(), Window(), Window()
    for window, durations in ((early, first), (late, second), (whole, first + second)):
        at_once(window, SECOND, durations)
    early.absorb(late)
    assert early.places == whole.places
    assert early.size == whole.size


@pytest.mark.parametrize("coarse_first", [True, False])
def test_merging_keeps_counts_when_resolution_differs(coarse_first: bool) -> None:
    coarse, fine = Window(max_cells=3), Window()
    for second in range(0, 9_000, 9):
        coarse.add(REQUESTS, SECOND + second, AT, 5_000_000 * (1 + second % 7))
        fine.add(REQUESTS, SECOND + second, AT, 5_000_000 * (1 + second % 7))
    assert coarse._halvings > 0
    into, other = (coarse, fine) if coarse_first else (fine, coarse)
    into.absorb(other)
    assert samples(into)[0] == 2_000
    assert len(list(into.cells())) == into.size
    assert (into._resolution_s, into._halvings) == (coarse._resolution_s, coarse._halvings)


def test_taking_cells_out_leaves_nothing_behind() -> None:
    window = Window()
    for second in (0, 1):
        at_once(window, second, [1_000, 2_000, 2_001])
    taken = [window.pop()[1] for _ in range(window.size)]
    assert sum(cell[0] for cell in taken) == 6
    assert window.size == 0
    assert not window


def test_too_many_routes_share_one_name_and_keep_their_status() -> None:
    window = Window(series_limit=2)
    for number in range(10):
        window.add(Series("m", (), "GET", f"/{number}", 200 if number % 2 else 500), SECOND, AT, 7)
    other = {series.status: cell[0] for series, _, _, cell in window.cells() if series.endpoint == OTHER}
    assert other == {200: 4, 500: 4}


def test_too_many_series_of_the_application_are_dropped_and_counted() -> None:
    window = Window(series_limit=2)
    for number in range(5):
        window.add(Series("m", (("k", str(number)),), None, None, None), SECOND, AT, 7)
    for number in range(5):
        window.count("c", (("k", str(number)),), SECOND, AT, 1)
    assert window.dropped == {"series_limit": 6}


def test_counters_add_up_and_coarsen_in_time_before_anything_is_lost() -> None:
    window = Window(series_limit=5)
    for second in range(100):
        window.count("c", (), SECOND + second, AT, 2)
    assert sum(entry[0] for entry in window.counters.values()) == 200
    assert not window.dropped
    assert window._resolution_s in RESOLUTIONS_S[1:]


def test_the_oldest_gauges_go_first() -> None:
    window = Window()
    for number in range(POINT_LIMIT + 3):
        window.keep(Point(AT, "g", "gauge", number, (), None, None))
    assert window.points[0].value == 3
    assert window.dropped == {"point_limit": 3}


def test_an_outage_that_begins_gives_up_what_is_too_much_at_once() -> None:
    window = Window()
    for second in range(OUTAGE_CELL_LIMIT + 500):
        window.add(REQUESTS, SECOND + second, AT, 5_000_000)
    window.tighten()
    assert window.size <= OUTAGE_CELL_LIMIT
    assert samples(window)[0] == OUTAGE_CELL_LIMIT + 500


# What follows: records through Batch.fold, beside a reference that takes one after the other and does the plain thing.

CONFIG = Config(service_name="shop")
OFFSET = 5 * NS + 123
SELECT = Target("db.client.operation.duration", "client", "SELECT t", (("db.system.name", "x"),), ())
WORKED = Target("messaging.process.duration", "consumer", "process q", (), ())


Drawn = Tuple[Any, ...]


def recorded(drawn: Drawn) -> Record:
    kind, start, end, (trace_id, flags, state), *rest = drawn
    return (kind, start, end, Span(trace_id, 0, flags, state), *rest)


@st.composite
def timed(draw: st.DrawFn) -> Drawn:
    """A request, call or operation of some second, its span not yet made: that would draw an id of its own."""
    duration = draw(st.one_of(st.just(0), st.integers(1, 10**7), st.integers(SLOW_NS - 2, SLOW_NS + 2)))
    end = draw(st.sampled_from([AT, AT + NS])) + draw(st.integers(0, 2 * NS))
    state = draw(st.sampled_from([None, "vantage=a", "vantage=b", "dd=x,vantage=a", "dd=y"]))
    span = (draw(st.integers(1, 2**128 - 1)), draw(st.sampled_from([0, SAMPLED, 3])), state)
    error = draw(st.sampled_from([None, None, None, "KeyError"]))
    kind = draw(st.sampled_from([SERVER, CLIENT, OPERATION]))
    if kind == OPERATION:
        return (kind, end - duration, end, span, draw(st.sampled_from([SELECT, WORKED])), error)
    method = draw(st.sampled_from(["GET", "POST", "BREW"]))
    status = draw(st.sampled_from([None, 200, 404, 500]))
    if kind == SERVER:
        place = draw(st.sampled_from([None, "/a", "/b/{id}"]))
    else:
        place = draw(st.sampled_from(["http://u:p@h/1?q=2", "http://h/2", "https://i:8/"]))
    return (kind, end - duration, end, span, status, method, place, error)


def reference(records: List[Record]) -> Tuple[Dict[Tuple[Series, int], Dict[int, List[int]]], int, int, int]:
    """Cells without their times; spans that are errors, slow, and others that are sampled."""
    places: Dict[Tuple[Series, int], Dict[int, List[int]]] = defaultdict(dict)
    errors = slow = plain = 0
    for record in records:
        start, end, span = record[1], record[2], record[3]
        assert isinstance(start, int)
        assert isinstance(end, int)
        assert isinstance(span, Span)
        series, failed = described(record, span)
        bins = places[series, (end + OFFSET) // NS]
        cell = bins.setdefault(bin_of(end - start), [0, 0, 0])
        cell[0] += 1
        cell[1] += end - start
        if span.flags & SAMPLED and end > start:
            cell[2] = span.trace_id
        errors += failed
        slow += not failed and end - start >= SLOW_NS
        plain += not failed and end - start < SLOW_NS and span.flags & SAMPLED
    return dict(places), errors, slow, plain


def described(record: Record, span: Span) -> Tuple[Series, bool]:
    caller = None if span.tracestate is None else caller_of(span.tracestate)
    tags = () if caller is None else (("caller", caller),)
    if record[0] == OPERATION:
        target, error = record[4], record[5]
        assert isinstance(target, Target)
        failed: Tuple[Tuple[str, str], ...] = () if error is None else (("error.type", str(error)),)
        own = target.tags + failed + (tags if target is WORKED else ())
        return Series(target.metric, own, None, target.name, None), error is not None
    _, _, _, _, status, method, place, error = record  # type: ignore[misc]  # of the union, those with eight fields
    method = method if method in METHODS else OTHER
    if record[0] == SERVER:
        failed_request = error is not None or (status or 0) >= 500
        return Series("http.request.duration", tags, method, place or "_UNMATCHED", status), failed_request
    host = "h" if "h/" in str(place) else "i:8"
    return Series("http.client.request.duration", (), method, host, status), error is not None or (status or 999) >= 400


@given(st.lists(timed(), max_size=60), st.integers(1, 4))
def test_folding_in_groups_is_folding_one_by_one(drawn: List[Drawn], turns: int) -> None:
    records = [recorded(fields) for fields in drawn]
    batch = Batch(CONFIG)
    for turn in range(turns):
        batch.fold(records[turn::turns], OFFSET)
    in_order = [record for turn in range(turns) for record in records[turn::turns]]
    places, errors, slow, plain = reference(in_order)
    got: Dict[Tuple[Series, int], Dict[int, List[int]]] = defaultdict(dict)
    for series, second, number, cell in batch.window.cells():
        got[series, second][number] = [int(cell[0]), int(cell[1]), int(cell[3])]
        assert (cell[2] + OFFSET) // NS == second
    assert without_exemplars_of_zero(got) == without_exemplars_of_zero(places)
    assert not batch.window.dropped
    kept = batch.spans.take(10_000)
    failed = sum(1 for finished in kept if finished.work.failed)
    late = sum(1 for finished in kept if not finished.work.failed and finished.duration_ns >= SLOW_NS)
    assert (failed, late) == (errors, slow)
    assert plain <= len(kept) - errors - slow <= plain + len(places)
    assert batch.spans.thinned == 0


def without_exemplars_of_zero(
    places: Dict[Tuple[Series, int], Dict[int, List[int]]],
) -> Dict[Tuple[Series, int], Dict[int, List[int]]]:
    """A group with an immeasurably short member shows no traces; what matters is that it counts."""
    return {
        place: {number: cell if 0 not in bins else cell[:2] for number, cell in bins.items()}
        for place, bins in places.items()
    }


def test_under_pressure_the_traces_with_the_highest_bits_stay_whatever_the_groups() -> None:
    records: List[Record] = []
    for number in range(3_000):
        span = Span(Random(number).getrandbits(128), 0, SAMPLED, None)
        records.append((SERVER, AT, AT + 1_000, span, 200, "GET", f"/{number % 7}", None))
    batch = Batch(CONFIG)
    for begin in range(0, 3_000, 250):
        batch.fold(records[begin : begin + 250], OFFSET)
    examples = 7
    expected = sorted((record[3].trace_id & (2**56 - 1) for record in records if isinstance(record[3], Span)))
    kept = batch.spans.take(10_000)
    got = sorted(finished.span.trace_id & (2**56 - 1) for finished in kept)
    assert len(kept) == 500
    assert batch.spans.thinned == 2_500
    assert len(set(got) & set(expected[-500:])) >= 500 - examples


def test_a_record_that_cannot_be_folded_takes_no_other_with_it() -> None:
    class Evil:
        def __hash__(self) -> int:
            raise RuntimeError

    span = Span(1, 0, SAMPLED, None)
    good: Record = (SERVER, AT, AT + 5, span, 200, "GET", "/a", None)
    broken: List[object] = [(99,), (), (SERVER,), (SERVER, AT, None, span, 200, "GET", "/a", None)]
    broken += [(SERVER, AT, AT, span, 200, "GET", Evil(), None), (CLIENT, AT, AT, span, 200, "GET", None, None)]
    batch = Batch(CONFIG)
    batch.fold([good, *broken, good], OFFSET)  # type: ignore[list-item]  # that is the point
    assert samples(batch.window) == (2, 10)
    assert batch.window.dropped == {"invalid": len(broken)}
