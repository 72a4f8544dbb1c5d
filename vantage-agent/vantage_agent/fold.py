"""Folding: many samples become few weighted ones, losing neither a count nor a sum.

Samples of one series in one second share logarithmic bins of base 1.01: a bin keeps its number of samples and their
sum. Its mean is therefore within 1 % of each sample in it, and so is every quantile taken over the weighted means,
while counts, sums and averages stay exact.

A window is what was folded since the last one left. While the collector is away it stays open and grows; past
`max_cells` it gives up resolution in time first (10 s, a minute, ten, an hour), then in value, but never a count.

Times are perf_counter_ns readings: what a wall clock's jump would do to them is decided once, when they leave.
"""

from __future__ import annotations

from collections import Counter, deque
from math import floor, inf, log2
from typing import TYPE_CHECKING, Deque, Dict, Iterator, List, Optional, Sequence, Set, Tuple

from vantage_agent.context import Span
from vantage_agent.records import Tags
from vantage_agent.tuples import NamedTuple

if TYPE_CHECKING:
    from typing import TypeAlias

GAMMA = 1.01
UNMATCHED = "_UNMATCHED"
OTHER = "_OTHER"
SERVER_METRIC = "http.request.duration"
CLIENT_METRIC = "http.client.request.duration"
DROPPED_METRIC = "vantage.agent.dropped"

SERIES_LIMIT = 2_000
CELL_LIMIT = 40_000
OUTAGE_CELL_LIMIT = 1_000
POINT_LIMIT = 2_000
OUTAGE_POINT_LIMIT = 500
RESOLUTIONS_S = (1, 10, 60, 600, 3_600)
MAX_HALVINGS = 12

_PER_LOG2_GAMMA = 1.0 / log2(GAMMA)
# Shifts the bin numbers of all positive doubles above zero, so that the sign is free to mean the sample's sign.
_BIN_ORIGIN = 100_000


class Series(NamedTuple):
    """What is folded together. `endpoint` is None for metrics the application records; `method` and `status` are None
    for all but HTTP requests."""

    metric: str
    tags: Tags
    method: Optional[str]
    endpoint: Optional[str]
    status: Optional[int]


# [count, sum, time of its last sample, trace id or 0, span id or 0]; sums of requests are whole nanoseconds, so that
# adding them is exact. A list, because it is the cheapest thing that can be changed in place.
Cell: TypeAlias = "List[float]"
# A series in one second (or what is left of the resolution): bin number -> cell.
Place: TypeAlias = "Tuple[Series, int]"
# (name, tags, second) -> [sum, time of the last increment]
CounterKey: TypeAlias = "Tuple[str, Tags, int]"


class Point:
    """A sample that must stay as it came: a gauge, or one that carries a trace id given by the user."""

    __slots__ = ("at_ns", "name", "span_id", "tags", "trace_id", "type", "value")

    def __init__(
        self,
        at_ns: int,
        name: str,
        kind: str,
        value: float,
        tags: Tags,
        trace_id: Optional[str] = None,
        span_id: Optional[str] = None,
    ) -> None:
        self.at_ns = at_ns
        self.name = name
        self.type = kind
        self.value = value
        self.tags = tags
        self.trace_id = trace_id
        self.span_id = span_id


def bin_of(value: float) -> int:
    """Number of the logarithmic bin of a finite value: mirrored for negatives, zero its own."""
    if value > 0:
        return floor(log2(value) * _PER_LOG2_GAMMA) + _BIN_ORIGIN
    if value < 0:
        return -(floor(log2(-value) * _PER_LOG2_GAMMA) + _BIN_ORIGIN)
    return 0


class Window:
    """Folded samples, not yet sent. Used by the exporter thread alone."""

    def __init__(self, max_cells: int = CELL_LIMIT, series_limit: int = SERIES_LIMIT) -> None:
        self.places: Dict[Place, Dict[int, Cell]] = {}
        self.counters: Dict[CounterKey, List[float]] = {}
        self.points: Deque[Point] = deque()
        self.traced: Deque[Point] = deque()
        self.dropped: Dict[str, int] = {}
        self.size = 0
        self._max_cells = max_cells
        self._point_limit = POINT_LIMIT
        self._series_limit = series_limit
        self._series: Set[Series] = set()
        self._resolution_s = RESOLUTIONS_S[0]
        self._halvings = 0

    def __bool__(self) -> bool:
        return bool(self.places or self.counters or self.points or self.traced or self.dropped)

    def cells(self) -> Iterator[Tuple[Series, int, int, Cell]]:
        """Every cell with its series, second and bin number."""
        for (series, second), bins in self.places.items():
            for number, cell in bins.items():
                yield series, second, number, cell

    def add(self, series: Series, second: int, at_ns: int, value: float, trace_id: int = 0, span_id: int = 0) -> None:
        """Fold one finite sample of the wall clock's `second`."""
        bins = self._bins(series, second, 1)
        if bins is not None:
            self._cell(bins, self._number(value), 1, value, at_ns, trace_id, span_id)
            self._fit()

    def add_all(
        self,
        series: Series,
        second: int,
        at_ns: int,
        values: Sequence[int],
        spans: Sequence[Span],
        sampled: Optional[Sequence[int]] = None,
    ) -> None:
        """Fold positive samples of one second, the last of which came at `at_ns`.

        spans: theirs, in the same order; a bin shows the last that is among the indices `sampled` (None: all are).
        Pass by pass through the interpreter's own loops, which is cheaper than all steps for one after the other.
        """
        bins = self._bins(series, second, len(values))
        if bins is None:
            return
        numbers = [int(log2(value) * _PER_LOG2_GAMMA) for value in values]
        totals = dict.fromkeys(numbers, 0)
        for number, value in zip(numbers, values):  # noqa: B905 - `strict` came with Python 3.10
            totals[number] += value
        shown = dict(zip(numbers, spans)) if sampled is None else {numbers[n]: spans[n] for n in sampled}  # noqa: B905
        for number, count in Counter(numbers).items():
            span = shown.get(number)
            trace_id, span_id = (0, 0) if span is None else (span.trace_id, span.span_id)
            self._cell(bins, (number + _BIN_ORIGIN) >> self._halvings, count, totals[number], at_ns, trace_id, span_id)
        self._fit()

    def count(self, name: str, tags: Tags, second: int, at_ns: int, value: float) -> None:
        """Add to a counter (its values are deltas)."""
        entry = self.counters.get((name, tags, self._coarse(second)))
        while entry is None:
            if len(self.counters) < self._series_limit:
                entry = self.counters.setdefault((name, tags, self._coarse(second)), [0.0, at_ns])
            elif not self._coarsen_time():
                self.drop("series_limit")
                return
        entry[0] += value
        entry[1] = max(entry[1], at_ns)

    def keep(self, point: Point) -> None:
        """Keep a sample as it is; beyond the limit the oldest goes, counted."""
        points = self.points if point.trace_id is None else self.traced
        points.append(point)
        self._fit_points(points)

    def drop(self, reason: str, number: int = 1) -> None:
        """Remember that `number` samples were lost, to report them."""
        self.dropped[reason] = self.dropped.get(reason, 0) + number

    def tighten(self) -> None:
        """Settle down for an outage of unknown length; what is too much by then goes with the next sample."""
        self._max_cells = min(self._max_cells, OUTAGE_CELL_LIMIT)
        self._point_limit = OUTAGE_POINT_LIMIT
        self._fit()
        self._fit_points(self.points)
        self._fit_points(self.traced)

    def absorb(self, later: Window) -> None:
        """Fold a later window into this one."""
        while self._resolution_s < later._resolution_s and self._coarsen_time():
            pass
        while self._halvings < later._halvings:
            self._halve()
        for series, second, number, cell in later.cells():
            count, total, at_ns, trace_id, span_id = cell
            bins = self._bins(series, second, int(count))
            if bins is not None:
                number = _halved(number, self._halvings - later._halvings)
                self._cell(bins, number, int(count), total, int(at_ns), int(trace_id), int(span_id))
        for (name, tags, second), (total, at_ns) in later.counters.items():
            self.count(name, tags, second, int(at_ns), total)
        for point in (*later.points, *later.traced):
            self.keep(point)
        for reason, number in later.dropped.items():
            self.drop(reason, number)
        self._fit()

    def pop(self) -> Tuple[Series, Cell]:
        """Remove a cell."""
        place = next(reversed(self.places))
        bins = self.places[place]
        _, cell = bins.popitem()
        if not bins:
            del self.places[place]
        self.size -= 1
        return place[0], cell

    def _coarse(self, second: int) -> int:
        return second - second % self._resolution_s

    def _number(self, value: float) -> int:
        return _halved(bin_of(value), self._halvings)

    def _bins(self, series: Series, second: int, count: int) -> Optional[Dict[int, Cell]]:
        """Where samples of a series go; None, and they are counted as lost, where there are too many series."""
        place = (series, second - second % self._resolution_s)
        bins = self.places.get(place)
        if bins is None:
            admitted = self._admit(series)
            if admitted is None:
                self.drop("series_limit", count)
                return None
            bins = self.places.setdefault((admitted, place[1]), {})
        return bins

    def _admit(self, series: Series) -> Optional[Series]:
        """`series` itself, its stand-in once there are too many, or None where no stand-in makes sense."""
        if series in self._series:
            return series
        if len(self._series) < self._series_limit:
            self._series.add(series)
            return series
        if series.endpoint is None:
            return None
        return Series(series.metric, (), series.method and OTHER, OTHER, series.status)

    def _cell(
        self, bins: Dict[int, Cell], number: int, count: int, total: float, at_ns: int, trace_id: int, span_id: int
    ) -> None:
        cell = bins.get(number)
        if cell is None:
            bins[number] = [count, total, at_ns, trace_id, span_id]
            self.size += 1
        else:
            _add_to(cell, count, total, at_ns, trace_id, span_id)

    def _fit(self) -> None:
        while self.size > self._max_cells:
            self._shrink()

    def _fit_points(self, points: Deque[Point]) -> None:
        while len(points) > self._point_limit:
            points.popleft()
            self.drop("point_limit")

    def _shrink(self) -> None:
        """Give up one step of resolution; days into an outage, when none is left, the oldest hour."""
        if self._coarsen_time():
            return
        if self._halvings < MAX_HALVINGS:
            self._halve()
            return
        oldest = min(second for _, second in self.places)
        for place in [place for place in self.places if place[1] == oldest]:
            bins = self.places.pop(place)
            self.size -= len(bins)
            self.drop("outage", sum(int(cell[0]) for cell in bins.values()))

    def _halve(self) -> None:
        self._halvings += 1
        self._rebuild(1)

    def _coarsen_time(self) -> bool:
        step = RESOLUTIONS_S.index(self._resolution_s) + 1
        if step == len(RESOLUTIONS_S):
            return False
        self._resolution_s = RESOLUTIONS_S[step]
        self._rebuild(0)
        counters, self.counters = self.counters, {}
        for (name, tags, second), (total, at_ns) in counters.items():
            entry = self.counters.setdefault((name, tags, self._coarse(second)), [0.0, at_ns])
            entry[0] += total
            entry[1] = max(entry[1], at_ns)
        return True

    def _rebuild(self, halvings: int) -> None:
        places, self.places, self.size = self.places, {}, 0
        for (series, second), cells in places.items():
            bins = self.places.setdefault((series, self._coarse(second)), {})
            for number, (count, total, at_ns, trace_id, span_id) in cells.items():
                self._cell(bins, _halved(number, halvings), int(count), total, int(at_ns), int(trace_id), int(span_id))


def _add_to(cell: Cell, count: int, total: float, at_ns: int, trace_id: int, span_id: int) -> None:
    cell[0] += count
    cell[1] += total
    if at_ns > cell[2]:
        cell[2] = at_ns
    if trace_id:
        cell[3] = trace_id
        cell[4] = span_id


def _halved(number: int, times: int) -> int:
    """2**times neighbouring bins get one number; the sign stays."""
    return number >> times if number >= 0 else -(-number >> times)


def is_sample(value: object) -> bool:
    """Whether a value given by the application is a number as JSON knows them."""
    return isinstance(value, (int, float)) and -inf < value < inf
