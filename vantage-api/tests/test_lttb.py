"""What a down-sampled chart keeps, whatever the series."""

from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vantage_api.lttb import LEAST_POINTS, Point, downsampled

VALUES = st.one_of(st.floats(-1e9, 1e9), st.floats(allow_nan=False, allow_infinity=False), st.none())


@st.composite
def series(draw: st.DrawFn, values: st.SearchStrategy[float | None] = VALUES) -> list[Point]:
    """Steps in order, with runs of one value: gaps are seldom one step long."""
    runs = draw(st.lists(st.tuples(values, st.integers(1, 20)), max_size=60))
    return [(1000 * at, value) for at, value in enumerate(value for value, length in runs for _ in range(length))]


def known(points: list[Point]) -> list[float]:
    return [value for _, value in points if value is not None]


def gaps(points: list[Point]) -> int:
    return sum(is_gap for is_gap, _ in groupby(points, lambda point: point[1] is None))


@given(points=series(), most=st.integers(LEAST_POINTS, 300))
def test_the_points_are_some_of_the_points_in_order_and_few_enough(points: list[Point], most: int) -> None:
    fewer = downsampled(points, most)
    assert len(fewer) <= most
    assert [at for at, _ in fewer] == sorted({at for at, _ in fewer})
    assert set(fewer) <= set(points)


@given(points=series(), most=st.integers(LEAST_POINTS, 300))
def test_first_last_and_extremes_are_kept(points: list[Point], most: int) -> None:
    fewer = downsampled(points, most)
    assert (fewer[:1], fewer[-1:]) == (points[:1], points[-1:])
    if known(points):
        assert (min(known(fewer)), max(known(fewer))) == (min(known(points)), max(known(points)))


@given(points=series(), most=st.integers(LEAST_POINTS, 300))
def test_gaps_survive_and_are_not_invented(points: list[Point], most: int) -> None:
    fewer = downsampled(points, most)
    assert gaps(fewer) <= gaps(points)
    if 4 + 3 * gaps(points) <= most // 2:
        assert gaps(fewer) == gaps(points)


@given(points=series(st.floats(-1e9, 1e9)), most=st.integers(LEAST_POINTS, 300))
def test_a_series_without_gaps_uses_all_the_points_it_may(points: list[Point], most: int) -> None:
    assert len(downsampled(points, most)) == min(most, len(points))


def test_short_series_stay_as_they_are() -> None:
    points: list[Point] = [(0, 1.0), (1, None), (2, 3.0)]
    assert downsampled(points, LEAST_POINTS) == points


def test_the_largest_triangle_is_chosen() -> None:
    """A ramp whose ends are its extremes: between them eight buckets of ten, each with a spike."""
    spikes = {10 * k + 4: (8.0 if k % 2 else -8.0) for k in range(8)}
    points: list[Point] = [(at, at + spikes.get(at, 0.0)) for at in range(82)]
    points[0], points[-1] = (0, -3.0), (81, 85.0)
    assert downsampled(points, 10) == [points[0], *(points[at] for at in spikes), points[-1]]


def test_the_longest_gaps_are_kept_where_there_are_too_many() -> None:
    points: list[Point] = [(at, None if at % 2 else 1.0) for at in range(2000)]
    points[700:720] = [(at, None) for at in range(700, 720)]
    fewer = downsampled(points, LEAST_POINTS)
    assert (699, None) in fewer
    assert (720, 1.0) in fewer
    assert (698, 1.0) in fewer


@pytest.mark.parametrize("value", [None, 0.0, 1.7e308, -1.7e308])
def test_a_level_series_has_its_ends(value: float | None) -> None:
    points: list[Point] = [(at, value) for at in range(500)]
    assert downsampled(points, 20)[0] == points[0]
    assert downsampled(points, 20)[-1] == points[-1]
