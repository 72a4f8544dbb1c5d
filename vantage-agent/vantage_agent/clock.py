"""Wall-clock time for what was measured on perf_counter.

Telemetry is timed by perf_counter, which never jumps, and gets its wall-clock time when it leaves. A wall clock that
was an hour off in between, or stood in 1970, has then left no mark. One that is wrong for good is told by the `Date`
of the collector's answers: a single sample far from the collector's time would make it refuse a whole body.
"""

from __future__ import annotations

import time

NS = 1_000_000_000
# Below this a difference is taken for a slow answer or ordinary drift.
TOLERANCE_S = 300.0


class Clock:
    """The wall clock as an offset from perf_counter. Used by the exporter thread alone."""

    def __init__(self) -> None:
        self._correction_s = 0.0

    def offset_ns(self) -> int:
        """What to add to a perf_counter_ns reading now, to have nanoseconds since 1970."""
        return time.time_ns() - time.perf_counter_ns() + int(self._correction_s * NS)

    def compare(self, collectors_s: float) -> None:
        """Take note of the collector's time, in seconds since 1970."""
        behind_s = collectors_s - time.time()
        self._correction_s = behind_s if abs(behind_s) > TOLERANCE_S else 0.0


def of_application(at_ms: float, offset_ns: int) -> int:
    """The perf_counter_ns reading of a time that the application's thread took from the wall clock just now.

    Where the two clocks disagree by more than a sample can have waited, the wall clock has jumped, and now is meant.
    """
    now = time.perf_counter_ns()
    at_ns = int(at_ms * 1e6) - offset_ns
    return at_ns if abs(at_ns - now) < TOLERANCE_S * NS else now
