"""The folding law: counts and sums are exact, quantiles within 1 %, whatever the samples and the merges."""

from __future__ import annotations

import math
from typing import List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vantage_agent.fold import OTHER, POINT_LIMIT, RESOLUTIONS_S, Point, Window, bin_of

DURATIONS = st.lists(st.integers(min_value=1, max_value=10**12), min_size=1, max_size=200)
VALUES = st.lists(
    st.floats(min_value=-1e12, max_value=1e12, allow_nan=False).filter(lambda value: value == 0 or abs(value) > 1e-9),
    min_size=1,
    max_size=200,
)
NOW_MS = 1_700_000_000_000.0


def folded(values: List[float]) -> List[Tuple[float, int]]:
    """(mean, weight) of every bin."""
    window = Window()
    for value in values:
        window.add("m", (), None, None, None, NOW_MS, value)
    return [(cell[1] / cell[0], int(cell[0])) for cell in window.cells.values()]


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
    for duration in durations:
        window.add("m", (), "GET", "/", 200, NOW_MS, duration)
    assert sum(cell[0] for cell in window.cells.values()) == len(durations)
    assert sum(cell[1] for cell in window.cells.values()) == sum(durations)


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
def test_an_outage_costs_resolution_but_no_count(samples: List[Tuple[int, int]]) -> None:
    small, reference = Window(max_cells=20), Window()
    for second, duration in samples:
        for window in (small, reference):
            window.add("m", (), "GET", "/", 200, NOW_MS + second * 1000, duration)
    assert len(small.cells) <= 20
    for index in (0, 1):
        assert sum(cell[index] for cell in small.cells.values()) == sum(
            cell[index] for cell in reference.cells.values()
        )


@given(DURATIONS, DURATIONS)
def test_merging_windows_equals_folding_once(first: List[int], second: List[int]) -> None:
    early, late, whole = Window(), Window(), Window()
    for window, durations in ((early, first), (late, second), (whole, first + second)):
        for duration in durations:
            window.add("m", (("k", "v"),), "GET", "/", 200, NOW_MS, duration)
    early.absorb(late)
    assert early.cells == whole.cells


def test_merging_keeps_counts_when_resolution_differs() -> None:
    coarse, fine = Window(max_cells=3), Window()
    for second in range(0, 9_000, 9):
        coarse.add("m", (), "GET", "/", 200, NOW_MS + second * 1000, 5_000_000 + second)
        fine.add("m", (), "GET", "/", 200, NOW_MS + second * 1000, 5_000_000 + second)
    coarse.absorb(fine)
    assert sum(cell[0] for cell in coarse.cells.values()) == 2_000
    assert len(coarse.cells) <= 3


def test_samples_stay_in_their_second() -> None:
    window = Window()
    for at_ms in (1000.0, 1999.0, 2000.0):
        window.add("m", (), "GET", "/", 200, at_ms, 7)
    assert sorted((key[5], cell[0], cell[2]) for key, cell in window.cells.items()) == [(1, 2, 1999.0), (2, 1, 2000.0)]


def test_too_many_routes_share_one_name_and_keep_their_status() -> None:
    window = Window(series_limit=2)
    for number in range(10):
        window.add("m", (), "GET", f"/{number}", 200 if number % 2 else 500, NOW_MS, 7)
    other = {key[4]: cell[0] for key, cell in window.cells.items() if key[3] == OTHER}
    assert other == {200: 4, 500: 4}


def test_too_many_series_of_the_application_are_dropped_and_counted() -> None:
    window = Window(series_limit=2)
    for number in range(5):
        window.add("m", (("k", str(number)),), None, None, None, NOW_MS, 7)
    for number in range(5):
        window.count("c", (("k", str(number)),), NOW_MS, 1)
    assert window.dropped == {"series_limit": 6}


def test_counters_add_up_and_coarsen_in_time_before_anything_is_lost() -> None:
    window = Window(series_limit=5)
    for second in range(100):
        window.count("c", (), NOW_MS + second * 1000, 2)
    assert sum(entry[0] for entry in window.counters.values()) == 200
    assert not window.dropped
    assert window._resolution_s in RESOLUTIONS_S[1:]


def test_the_oldest_gauges_go_first() -> None:
    window = Window()
    for number in range(POINT_LIMIT + 3):
        window.keep(Point(NOW_MS, "g", "gauge", number, (), None, None))
    assert window.points[0].value == 3
    assert window.dropped == {"point_limit": 3}
