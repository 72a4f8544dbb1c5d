"""Fewer points for a chart: largest triangle, three buckets.

Source: Sveinn Steinarsson, "Downsampling Time Series for Visual Representation", University of Iceland, 2013, §4.2. Of
every bucket the point is kept that spans the largest triangle with the point kept before it and the mean of the bucket
after it. Here the first and last point, the least and the greatest value and the edges of gaps are kept beforehand,
and the buckets lie between them: so no extreme and no gap is lost.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import Final, TypeAlias

Point: TypeAlias = tuple[int, float | None]
"""(ms, value); None where nothing was observed."""
Known: TypeAlias = tuple[int, float]

LEAST_POINTS: Final = 10
"""First, last, least, greatest, a gap and its edges; fewer points show nothing."""


def downsampled(points: Sequence[Point], most: int) -> list[Point]:
    """At most `most` (at least LEAST_POINTS) of the points, by time.

    A gap is kept as one None between its edges; where there are more gaps than half of `most` can show, the longest.
    """
    if len(points) <= most:
        return list(points)
    kept = sorted(_fixed(points, most))
    stretches = [[i for i in range(a + 1, b) if points[i][1] is not None] for a, b in pairwise(kept)]
    quotas = _shares([len(stretch) for stretch in stretches], most - len(kept))
    scale = max((abs(value) for _, value in points if value is not None), default=0.0) or 1.0
    chosen = set(kept)
    for (a, b), stretch, quota in zip(pairwise(kept), stretches, quotas, strict=True):
        if quota:
            chosen.update(_largest_triangles(points, a, stretch, b, quota, scale))
    return [points[i] for i in sorted(chosen)]


def _fixed(points: Sequence[Point], most: int) -> set[int]:
    """The indexes that are kept whatever the triangles say."""
    known = [i for i, (_, value) in enumerate(points) if value is not None]
    kept = {0, len(points) - 1}
    if known:
        kept |= {min(known, key=lambda i: points[i][1] or 0.0), max(known, key=lambda i: points[i][1] or 0.0)}
    for first, last in sorted(_gaps(points), key=lambda gap: gap[0] - gap[1]):
        with_gap = kept | {max(first - 1, 0), first, min(last + 1, len(points) - 1)}
        if len(with_gap) > max(most // 2, LEAST_POINTS - 2):
            break
        kept = with_gap
    return kept


def _gaps(points: Sequence[Point]) -> Iterator[tuple[int, int]]:
    """First and last index of every run without values."""
    for is_gap, run in groupby(range(len(points)), lambda i: points[i][1] is None):
        if is_gap:
            indexes = list(run)
            yield indexes[0], indexes[-1]


def _shares(sizes: Sequence[int], budget: int) -> list[int]:
    """The budget spread by size, none more than its size; what rounding leaves goes to the largest remainders."""
    total = sum(sizes)
    if total <= budget:
        return list(sizes)
    shares = [size * budget // total for size in sizes]
    by_remainder = sorted(range(len(sizes)), key=lambda i: -(sizes[i] * budget % total))
    for i in by_remainder[: budget - sum(shares)]:
        shares[i] += 1
    return shares


def _largest_triangles(
    points: Sequence[Point], before: int, stretch: Sequence[int], after: int, quota: int, scale: float
) -> Iterator[int]:
    """`quota` of the stretch's indexes, one a bucket, `before` and `after` being kept already. An end without a value
    is taken to be level with its neighbour."""

    def known(i: int, stand_in: int) -> Known:
        at, value = points[i]
        return at, ((points[stand_in][1] if value is None else value) or 0.0) / scale

    buckets = [stretch[k * len(stretch) // quota : (k + 1) * len(stretch) // quota] for k in range(quota)]
    left = known(before, stretch[0])
    for k, bucket in enumerate(buckets):
        is_last = k == quota - 1
        right = known(after, stretch[-1]) if is_last else _mean([known(i, i) for i in buckets[k + 1]])
        best = max(bucket, key=lambda i: _area(left, known(i, i), right))
        yield best
        left = known(best, best)


def _mean(points: Sequence[Known]) -> Known:
    n = len(points)
    return round(sum(at for at, _ in points) / n), sum(value for _, value in points) / n


def _area(a: Known, b: Known, c: Known) -> float:
    """Twice the triangle's area."""
    return abs((a[0] - c[0]) * (b[1] - a[1]) - (a[0] - b[0]) * (c[1] - a[1]))
