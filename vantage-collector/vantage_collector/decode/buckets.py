"""Histogram buckets to weighted values: pure, for every protocol that has histograms.

A delta histogram becomes ``value × count`` rows whose total is the sum its sender told, wherever the bounds allow that.
A cumulative one becomes a row a bucket whose value depends on the bucket's bounds alone, so that (series, value) names
the bucket for as long as the series lives.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from math import fsum, inf, isfinite, ldexp
from operator import mul
from typing import NamedTuple

DELTA_SCALE = 6
"""Exponential deltas finer than this are merged to it: γ = 2^(1/64) keeps quantiles within 0.6 %."""
CUMULATIVE_SCALE = 3
"""Cumulative ones are all brought to this one, γ = 2^(1/8): a sender that widens its range makes its scale coarser,
and rows of another scale would be other buckets to whoever differences them. 160 buckets of it span 2²⁰."""
MAX_BUCKETS = 1024
"""Of one point. Empty buckets cost a sender one byte each and us a row."""
MIN_SCALE = -10
MAX_SCALE = 20


class BadBuckets(ValueError):
    """Buckets that contradict themselves. The message says how."""


class Bucket(NamedTuple):
    """`number` observations above `low` up to `high`; either may be infinite."""

    low: float
    high: float
    number: int


def edges(bounds: Iterable[float]) -> tuple[float, ...]:
    """The ends of the buckets between ascending bounds, the first and the last one open. Raises BadBuckets."""
    found = (-inf, *bounds, inf)
    if len(found) > MAX_BUCKETS + 1:
        raise BadBuckets(f"{len(found) - 1} buckets, at most {MAX_BUCKETS} are taken")
    if not all(low < high for low, high in pairwise(found)):
        raise BadBuckets("bounds must be finite and ascend")
    return found


def explicit(ends: Sequence[float], counts: Sequence[int]) -> list[Bucket]:
    """The buckets between `ends` that are not empty. Raises BadBuckets."""
    if len(counts) != len(ends) - 1:
        raise BadBuckets(f"{len(ends) - 2} bounds make {len(ends) - 1} buckets, not {len(counts)}")
    return [Bucket(ends[i], ends[i + 1], count) for i, count in enumerate(counts) if count]


def exponential(
    scale: int, positive: Iterable[tuple[int, int]], negative: Iterable[tuple[int, int]], max_scale: int
) -> list[Bucket]:
    """The buckets (γ^i, γ^(i+1)] of γ = 2^(2^−scale), mirrored for negatives, from (index i, count) of those that
    are not empty; a finer `scale` than `max_scale` is merged to it, which loses no observation. Raises BadBuckets."""
    if not MIN_SCALE <= scale <= MAX_SCALE:
        raise BadBuckets(f"scale {scale} is not within {MIN_SCALE} to {MAX_SCALE}")
    coarser = max(scale - max_scale, 0)
    buckets = []
    for sign, given in ((-1, negative), (1, positive)):
        merged: dict[int, int] = {}
        for index, count in given:
            if count:
                merged[index >> coarser] = merged.get(index >> coarser, 0) + count
                if len(merged) > MAX_BUCKETS:
                    raise BadBuckets(f"more than {MAX_BUCKETS} buckets")
        for index, count in sorted(merged.items()):
            near, far = _power(index, scale - coarser), _power(index + 1, scale - coarser)
            buckets.append(Bucket(near, far, count) if sign > 0 else Bucket(-far, -near, count))
    return buckets


def zero(threshold: float, count: int) -> list[Bucket]:
    """The bucket around zero of an exponential histogram, when it holds anything."""
    if not (isfinite(threshold) and threshold >= 0):
        raise BadBuckets("the zero threshold must be a number from 0")
    return [Bucket(-threshold, threshold, count)] if count else []


def spread(buckets: Sequence[Bucket], total: float | None, least: float, most: float) -> list[tuple[float, int]]:
    """(value, count) of buckets, none of them empty: each value lies in its bucket and within `least` to `most`
    (infinite when not told), and the values times the counts add up to `total` where that can be.

    All values lie the same fraction of the way through their buckets, but an open last one whose end nobody told has
    no width to go through: it takes what the others, in their middle, leave over.
    """
    if not buckets:
        return []
    filled = sorted(buckets)
    ranges = [_range(bucket.low, bucket.high, least, most) for bucket in filled]
    counts = [bucket.number for bucket in filled]
    values = [(low + high) / 2 for low, high in ranges]
    if total is None:
        return list(zip(values, counts, strict=True))
    missing = _shift(values, ranges, counts, total, rising=filled[-1].high < inf or most < inf)
    if missing > 0 and filled[-1].high == inf and most == inf:
        values[-1] += missing / counts[-1]
    elif missing < 0 and filled[0].low == -inf and least == -inf:
        values[0] += missing / counts[0]
    return list(zip(values, counts, strict=True))


def fixed(low: float, high: float) -> float:
    """What stands for a bucket of a cumulative histogram: its middle, or the one bound of an open bucket."""
    low, high = _range(low, high, -inf, inf)
    return (low + high) / 2


def _range(low: float, high: float, least: float, most: float) -> tuple[float, float]:
    """The finite part of a bucket, as far as it is known. Below a positive first bound there is nothing less than 0:
    durations and sizes are what histograms are made of."""
    first, last = max(low, least), min(high, most)
    if first > last:
        return _range(low, high, -inf, inf)  # what it said of its least and its most was not so
    if first == -inf:
        first = min(last, 0.0)
    if last == inf:
        last = max(first, 0.0) if first == -inf else first
    return first, last


def _shift(
    values: list[float], ranges: Sequence[tuple[float, float]], counts: Sequence[int], total: float, *, rising: bool
) -> float:
    """Moves all values the same part of the way to the ends of their ranges, upwards only when `rising`, so that they
    add up to `total`; what is missing to it afterwards."""
    missing = total - fsum(map(mul, values, counts))
    if missing > 0 and not rising:
        return missing
    ends = [high if missing > 0 else low for low, high in ranges]
    room = fsum(map(mul, ends, counts)) - total + missing
    if not room:
        return missing
    part = min(missing / room, 1.0)
    values[:] = [value + (end - value) * part for value, end in zip(values, ends, strict=True)]
    return missing - room if part == 1.0 else 0.0


def _power(index: int, scale: int) -> float:
    """2^(index · 2^−scale), the bound of an exponential bucket. Raises BadBuckets beyond what a double holds."""
    try:
        if scale <= 0:
            return ldexp(1.0, index << -scale)
        whole, rest = index >> scale, index & ((1 << scale) - 1)
        return ldexp(2.0 ** (rest / (1 << scale)), whole)
    except OverflowError:
        raise BadBuckets(f"bucket {index} of scale {scale} lies beyond any number") from None


def dense(offset: int, counts: Iterable[int]) -> Iterator[tuple[int, int]]:
    """(index, count) of the buckets from `offset` on."""
    return enumerate(counts, offset)
