"""Sets of instants as sorted, disjoint, half-open intervals of ms. Pure."""

from collections.abc import Iterable
from typing import Final, TypeAlias

END: Final = 50_000_000 * 86_400_000
BEGIN: Final = -END
"""After and before everything, at a midnight."""

Intervals: TypeAlias = tuple[tuple[int, int], ...]
ALWAYS: Final[Intervals] = ((BEGIN, END),)


def union(parts: Iterable[tuple[int, int]]) -> Intervals:
    """All that lies in any part; parts that touch become one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(parts):
        if start >= end:
            continue
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return tuple(joined)


def intersect(left: Intervals, right: Intervals) -> Intervals:
    return union((max(a, c), min(b, d)) for a, b in left for c, d in right)


def subtract(whole: Intervals, taken: Intervals) -> Intervals:
    edges = [BEGIN, *(edge for part in taken for edge in part), END]
    return intersect(whole, union(zip(edges[::2], edges[1::2], strict=True)))


def whole_slots(parts: Intervals, slot_ms: int) -> Intervals:
    """What of every part is whole slots, which begin at multiples of their length."""
    return union((-(-start // slot_ms) * slot_ms, end // slot_ms * slot_ms) for start, end in parts)


def fewer(parts: Intervals, most: int) -> Intervals:
    """At most so many intervals around all of `parts`: neighbours that are nearest become one."""
    kept = list(parts)
    while len(kept) > most:
        gap = min(range(len(kept) - 1), key=lambda index: kept[index + 1][0] - kept[index][1])
        kept[gap : gap + 2] = [(kept[gap][0], kept[gap + 1][1])]
    return tuple(kept)
