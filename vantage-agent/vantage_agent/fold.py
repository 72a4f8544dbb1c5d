"""Folding: many samples become few weighted ones, losing neither a count nor a sum.

Samples of one series in one second share logarithmic bins of base 1.01: a bin keeps its number of samples and their
sum. Its mean is therefore within 1 % of each sample in it, and so is every quantile taken over the weighted means,
while counts, sums and averages stay exact.

A window is what was folded since the last one left. While the collector is away it stays open and grows; past
`max_cells` it gives up resolution in time first (10 s, a minute, ten, an hour), then in value, but never a count.
"""

from __future__ import annotations

from collections import deque
from math import ceil, isfinite, log
from typing import Deque, Dict, List, NamedTuple, Optional, Set, Tuple

from vantage_agent.records import Tags

GAMMA = 1.01
UNMATCHED = "_UNMATCHED"
OTHER = "_OTHER"
SERVER_METRIC = "http.request.duration"
CLIENT_METRIC = "http.client.request.duration"
DROPPED_METRIC = "vantage.agent.dropped"

SERIES_LIMIT = 2_000
CELL_LIMIT = 40_000
OUTAGE_CELL_LIMIT = 2_000
POINT_LIMIT = 2_000
RESOLUTIONS_S = (1, 10, 60, 600, 3_600)
MAX_HALVINGS = 12

_PER_LOG_GAMMA = 1.0 / log(GAMMA)
# Shifts the bin numbers of all positive doubles above zero, so that the sign is free to mean the sample's sign.
_BIN_ORIGIN = 100_000


class CellKey(NamedTuple):
    """One bin of one series. `endpoint` is None for metrics the application records; `method` and `status` are None for
    all but HTTP requests."""

    metric: str
    tags: Tags
    method: Optional[str]
    endpoint: Optional[str]
    status: Optional[int]
    second: int
    bin: int


# [count, sum, time of the last sample in ms, trace id or 0, span id or 0]; sums of requests are whole nanoseconds,
# so that adding them is exact. A list, because it is the cheapest thing that can be changed in place.
Cell = List[float]
RawKey = Tuple[str, Tags, Optional[str], Optional[str], Optional[int], int, int]
SeriesKey = Tuple[str, Tags, Optional[str], Optional[str], Optional[int]]
# (name, tags, second) -> [sum, time of the last increment in ms]
CounterKey = Tuple[str, Tags, int]


class Point(NamedTuple):
    """A sample that must stay as it came: a gauge, or one that carries a trace id given by the user."""

    at_ms: float
    name: str
    type: str
    value: float
    tags: Tags
    trace_id: Optional[str]
    span_id: Optional[str]


def bin_of(value: float) -> int:
    """Number of the logarithmic bin of a finite value: mirrored for negatives, zero its own."""
    if value > 0:
        return ceil(log(value) * _PER_LOG_GAMMA) + _BIN_ORIGIN
    if value < 0:
        return -(ceil(log(-value) * _PER_LOG_GAMMA) + _BIN_ORIGIN)
    return 0


class Window:
    """Folded samples, not yet sent. Used by the exporter thread alone."""

    def __init__(self, max_cells: int = CELL_LIMIT, series_limit: int = SERIES_LIMIT) -> None:
        self.cells: Dict[RawKey, Cell] = {}
        self.counters: Dict[CounterKey, List[float]] = {}
        self.points: Deque[Point] = deque()
        self.traced: Deque[Point] = deque()
        self.dropped: Dict[str, int] = {}
        self.max_cells = max_cells
        self._series_limit = series_limit
        self._series: Set[SeriesKey] = set()
        self._resolution_s = RESOLUTIONS_S[0]
        self._halvings = 0

    def __bool__(self) -> bool:
        return bool(self.cells or self.counters or self.points or self.traced or self.dropped)

    def add(
        self,
        metric: str,
        tags: Tags,
        method: Optional[str],
        endpoint: Optional[str],
        status: Optional[int],
        at_ms: float,
        value: float,
        trace_id: int = 0,
        span_id: int = 0,
    ) -> None:
        """Fold one sample of a distribution. `value` is finite; a request's is whole nanoseconds."""
        second = int(at_ms // 1000)
        number = bin_of(value)
        if self._resolution_s != 1:
            second -= second % self._resolution_s
        for _ in range(self._halvings):
            number = _halved(number)
        key = (metric, tags, method, endpoint, status, second, number)
        cell = self.cells.get(key)
        if cell is None:
            admitted = self._admit(key)
            if admitted is None:
                self.drop("series_limit")
                return
            cell = self.cells.setdefault(admitted, [0, 0, 0.0, 0, 0])
        cell[0] += 1
        cell[1] += value
        if at_ms > cell[2]:
            cell[2] = at_ms
        if trace_id:
            cell[3] = trace_id
            cell[4] = span_id
        while len(self.cells) > self.max_cells:
            self._shrink()

    def count(self, name: str, tags: Tags, at_ms: float, value: float) -> None:
        """Add to a counter (its values are deltas)."""
        entry = self.counters.get(self._counter_key(name, tags, at_ms))
        while entry is None:
            if len(self.counters) < self._series_limit:
                entry = self.counters.setdefault(self._counter_key(name, tags, at_ms), [0.0, at_ms])
            elif not self._coarsen_time():
                self.drop("series_limit")
                return
        entry[0] += value
        entry[1] = max(entry[1], at_ms)

    def _counter_key(self, name: str, tags: Tags, at_ms: float) -> CounterKey:
        second = int(at_ms // 1000)
        return name, tags, second - second % self._resolution_s

    def keep(self, point: Point) -> None:
        """Keep a sample as it is; beyond POINT_LIMIT the oldest goes, counted."""
        points = self.points if point.trace_id is None else self.traced
        if len(points) >= POINT_LIMIT:
            points.popleft()
            self.drop("point_limit")
        points.append(point)

    def drop(self, reason: str, number: int = 1) -> None:
        """Remember that `number` samples were lost, to report them."""
        self.dropped[reason] = self.dropped.get(reason, 0) + number

    def absorb(self, later: Window) -> None:
        """Fold a later window into this one."""
        for key, cell in later.cells.items():
            self._merge_cell(self._rescaled(key, max(0, self._halvings - later._halvings)), cell)
        for (name, tags, _), (total, at_ms) in later.counters.items():
            self.count(name, tags, at_ms, total)
        for point in (*later.points, *later.traced):
            self.keep(point)
        for reason, number in later.dropped.items():
            self.drop(reason, number)
        while len(self.cells) > self.max_cells:
            self._shrink()

    def _merge_cell(self, key: RawKey, cell: Cell) -> None:
        admitted = self._admit(key)
        if admitted is None:
            self.drop("series_limit", int(cell[0]))
        else:
            _add_cell(self.cells.setdefault(admitted, [0, 0, 0.0, 0, 0]), cell)

    def _admit(self, key: RawKey) -> Optional[RawKey]:
        """`key` itself, its stand-in once there are too many series, or None where no stand-in makes sense."""
        series = key[:5]
        if series in self._series:
            return key
        if len(self._series) < self._series_limit:
            self._series.add(series)
            return key
        if key[3] is None:
            return None
        return (key[0], (), key[2] and OTHER, OTHER, *key[4:])

    def _rescaled(self, key: RawKey, halvings: int) -> RawKey:
        second, number = key[5], key[6]
        for _ in range(halvings):
            number = _halved(number)
        return (*key[:5], second - second % self._resolution_s, number)

    def _shrink(self) -> None:
        """Give up one step of resolution; days into an outage, when none is left, the oldest hour."""
        if self._coarsen_time():
            return
        if self._halvings < MAX_HALVINGS:
            self._halvings += 1
            self._rebuild(halvings=1)
            return
        oldest = min(key[5] for key in self.cells)
        for key in [key for key in self.cells if key[5] == oldest]:
            self.drop("outage", int(self.cells.pop(key)[0]))

    def _coarsen_time(self) -> bool:
        step = RESOLUTIONS_S.index(self._resolution_s) + 1
        if step == len(RESOLUTIONS_S):
            return False
        self._resolution_s = RESOLUTIONS_S[step]
        self._rebuild(halvings=0)
        counters, self.counters = self.counters, {}
        for (name, tags, _), (total, at_ms) in counters.items():
            entry = self.counters.setdefault(self._counter_key(name, tags, at_ms), [0.0, at_ms])
            entry[0] += total
            entry[1] = max(entry[1], at_ms)
        return True

    def _rebuild(self, halvings: int) -> None:
        cells, self.cells = self.cells, {}
        for key, cell in cells.items():
            _add_cell(self.cells.setdefault(self._rescaled(key, halvings), [0, 0, 0.0, 0, 0]), cell)


def _halved(number: int) -> int:
    """Neighbouring bins get one number; the sign stays."""
    return number // 2 if number >= 0 else -(-number // 2)


def _add_cell(into: Cell, cell: Cell) -> None:
    into[0] += cell[0]
    into[1] += cell[1]
    into[2] = max(into[2], cell[2])
    if cell[3]:
        into[3], into[4] = cell[3], cell[4]


def is_sample(value: object) -> bool:
    """Whether a value given by the application can be folded."""
    return isinstance(value, (int, float)) and isfinite(value)
