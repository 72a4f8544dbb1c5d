"""Buckets to weighted values: nothing is lost, sums are kept where the bounds allow, stand-ins never move."""

from itertools import pairwise
from math import fsum, inf

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vantage_collector.decode.buckets import (
    CUMULATIVE_SCALE,
    BadBuckets,
    Bucket,
    dense,
    edges,
    explicit,
    exponential,
    fixed,
    spread,
    zero,
)

BOUNDS = (5.0, 10.0, 25.0)


@pytest.mark.parametrize(
    ("counts", "total", "least", "most", "expected"),
    [
        ([0, 4, 0, 0], 30.0, -inf, inf, [(7.5, 4)]),
        ([2, 2, 0, 0], 20.0, -inf, inf, [(2.5, 2), (7.5, 2)]),
        ([0, 1, 0, 0], 9.0, 9.0, 9.0, [(9.0, 1)]),
        ([0, 0, 0, 2], 100.0, -inf, inf, [(50.0, 2)]),  # the open bucket takes what the sum leaves over
        ([0, 2, 0, 2], 115.0, -inf, inf, [(7.5, 2), (50.0, 2)]),
        ([0, 2, 0, 2], 70.0, 5.0, 30.0, [(7.5, 2), (27.5, 2)]),
        ([2, 0, 0, 0], -20.0, -inf, inf, [(-10.0, 2)]),
        ([0, 4, 0, 0], 9000.0, -inf, inf, [(10.0, 4)]),  # a sum that cannot be leaves the values in their buckets
        ([0, 4, 0, 0], None, -inf, inf, [(7.5, 4)]),
        ([0, 4, 0, 0], 30.0, 50.0, 60.0, [(7.5, 4)]),  # nor can these ends
    ],
)
def test_values_stand_where_the_sum_puts_them(
    counts: list[int], total: float | None, least: float, most: float, expected: list[tuple[float, int]]
) -> None:
    found = spread(explicit(edges(BOUNDS), counts), total, least, most)
    assert [count for _, count in found] == [count for _, count in expected]
    assert [value for value, _ in found] == pytest.approx([value for value, _ in expected])


VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30)


@given(values=VALUES, inner=st.lists(st.floats(-1e6, 1e6), max_size=12, unique=True), tells=st.booleans())
def test_sum_count_and_range_of_a_delta_histogram_are_kept(
    values: list[float], inner: list[float], tells: bool
) -> None:
    """`tells`: whether the sender tells the least and the greatest value."""
    ends = edges(sorted(inner))
    counts = [sum(low < value <= high for value in values) for low, high in pairwise(ends)]
    least, most = (min(values), max(values)) if tells else (-inf, inf)
    rows = spread(explicit(ends, counts), fsum(values), least, most)
    assert sum(count for _, count in rows) == len(values)
    assert fsum(value * count for value, count in rows) == pytest.approx(fsum(values), rel=1e-9, abs=1e-4)
    assert all(least - 1e-6 <= value <= most + 1e-6 for value, _ in rows)


@given(index=st.integers(-2000, 2000), scale=st.integers(-2, 12))
def test_an_exponential_bucket_lies_where_its_index_says(index: int, scale: int) -> None:
    gamma = 2.0 ** (2.0**-scale)
    if abs(index * 2.0**-scale) > 900:
        return
    (bucket,) = exponential(scale, [(index, 3)], [], max_scale=20)
    assert bucket.low == pytest.approx(gamma**index, rel=1e-9)
    assert bucket.high == pytest.approx(gamma ** (index + 1), rel=1e-9)
    (mirrored,) = exponential(scale, [], [(index, 3)], max_scale=20)
    assert (mirrored.low, mirrored.high) == (-bucket.high, -bucket.low)


@given(
    counts=st.dictionaries(st.integers(-400, 400), st.integers(1, 9), min_size=1, max_size=20), scale=st.integers(3, 8)
)
def test_a_sender_that_coarsens_its_scale_keeps_its_buckets(counts: dict[int, int], scale: int) -> None:
    """The same observations at a coarser scale are the same rows: whoever differences them sees no change."""
    coarser: dict[int, int] = {}
    for index, count in counts.items():
        coarser[index >> 1] = coarser.get(index >> 1, 0) + count
    fine = exponential(scale + 1, sorted(counts.items()), [], CUMULATIVE_SCALE)
    assert fine == exponential(scale, sorted(coarser.items()), [], CUMULATIVE_SCALE)


def test_what_stands_for_a_bucket_lies_in_it() -> None:
    assert [fixed(low, high) for low, high in [(-inf, 5.0), (5.0, 10.0), (10.0, inf), (-inf, -3.0), (-inf, inf)]] == [
        2.5,
        7.5,
        10.0,
        -3.0,
        0.0,
    ]


def test_the_zero_bucket() -> None:
    assert zero(0.5, 3) == [Bucket(-0.5, 0.5, 3)]
    assert zero(0.5, 0) == []


@pytest.mark.parametrize("bounds", [[2.0, 1.0], [1.0, 1.0], [float("nan")], [inf], [-inf], list(range(2000))])
def test_bounds_that_are_none_are_refused(bounds: list[float]) -> None:
    with pytest.raises(BadBuckets):
        edges(bounds)


def test_contradictions_are_refused() -> None:
    with pytest.raises(BadBuckets, match="2 bounds make 3 buckets, not 1"):
        explicit(edges([1.0, 2.0]), [1])
    with pytest.raises(BadBuckets, match="scale"):
        exponential(21, [(0, 1)], [], 20)
    with pytest.raises(BadBuckets, match="beyond any number"):
        exponential(0, [(5000, 1)], [], 20)
    with pytest.raises(BadBuckets, match="more than"):
        exponential(0, dense(-1000, [1] * 2000), [], 20)
    with pytest.raises(BadBuckets, match="zero threshold"):
        zero(float("nan"), 1)
