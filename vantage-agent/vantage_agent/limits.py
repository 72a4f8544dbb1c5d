"""Bounds in time on work that an application can cause without end."""

from __future__ import annotations

from time import perf_counter_ns


class PerSecond:
    """Says yes at most `limit` times a second. Without a lock: threads at the same moment may get a few more."""

    __slots__ = ("_began_ns", "_left", "_limit")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._left = limit
        self._began_ns = perf_counter_ns()

    def take(self) -> bool:
        if self._left <= 0:
            now_ns = perf_counter_ns()
            if now_ns - self._began_ns < 1_000_000_000:
                return False
            self._began_ns, self._left = now_ns, self._limit
        self._left -= 1
        return True
