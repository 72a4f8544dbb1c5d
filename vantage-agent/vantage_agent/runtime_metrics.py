"""How the process itself is doing: memory, CPU, threads, files, garbage collection and event loops.

The exporter thread samples this once a flush interval, so nothing here runs, and no thread wakes, on its account. What
a platform does not tell (memory and files outside Linux) is left out rather than guessed. Names and units (bytes,
seconds) are OpenTelemetry's where it has one.
"""

from __future__ import annotations

import gc
import os
import threading
import time
from time import perf_counter_ns
from typing import Dict, List, Mapping, Optional, Tuple

from vantage_agent.event_loops import LoopWatch
from vantage_agent.records import METRIC, MetricRecord, Tags
from vantage_agent.tuples import NamedTuple

NS = 1_000_000_000

_USER: Tags = (("cpu.mode", "user"),)
_SYSTEM: Tags = (("cpu.mode", "system"),)
# Places in /proc/self/stat after the program's name, which may contain anything; see proc_pid_stat(5).
_NUM_THREADS, _START_TIME, _RESIDENT_PAGES = 17, 19, 21

_imported_at = time.monotonic()


class Process(NamedTuple):
    """A reading of the kernel; None where it cannot be had."""

    threads: int
    uptime_s: float
    resident_bytes: Optional[int]


def read_process() -> Process:
    try:
        with open("/proc/self/stat", "rb") as file:  # noqa: PTH123 (pathlib would cost its import)
            fields = file.read().rpartition(b")")[2].split()
        started_s = int(fields[_START_TIME]) / os.sysconf("SC_CLK_TCK")
        return Process(
            int(fields[_NUM_THREADS]),
            time.clock_gettime(time.CLOCK_BOOTTIME) - started_s,
            int(fields[_RESIDENT_PAGES]) * os.sysconf("SC_PAGE_SIZE"),
        )
    except (OSError, AttributeError, IndexError, ValueError):
        return Process(threading.active_count(), time.monotonic() - _imported_at, None)


def open_files() -> Optional[int]:
    """File descriptors of this process, or None where there is no way to count them."""
    try:
        # Linux 6.2 and newer tell without a walk through all of them.
        told = os.stat("/proc/self/fd").st_size  # noqa: PTH116
        # Listing a directory takes a descriptor itself.
        return told or len(os.listdir("/proc/self/fd")) - 1  # noqa: PTH208
    except OSError:
        return None


class RuntimeMetrics:
    """`start`, `sample` and `probe` belong to the exporter thread; `close` may be called from anywhere.

    Counters begin at `start`, which is when the process records something for the first time: what a pre-fork parent
    did before is not its children's.
    """

    def __init__(self) -> None:
        self._loops = LoopWatch()
        self._collecting_since_ns = 0
        self._pause_ns = 0
        self._longest_pause_ns = 0
        self._before: Dict[Tuple[str, Tags], float] = {}

    def start(self) -> None:
        """Begin to count, and to time garbage collections."""
        self._loops = LoopWatch()
        self._longest_pause_ns = 0
        self._before = self._counters()
        if self._on_collection not in gc.callbacks:
            gc.callbacks.append(self._on_collection)

    def close(self) -> None:
        """Leave the garbage collector alone again."""
        if self._on_collection in gc.callbacks:
            gc.callbacks.remove(self._on_collection)

    def probe(self) -> None:
        """See LoopWatch.probe."""
        self._loops.probe()

    def sample(self) -> List[MetricRecord]:
        """Levels now, and increments since the last time."""
        if self._on_collection not in gc.callbacks:
            self.start()
        at_ms = time.time() * 1000
        now = self._counters()
        increments = {key: value - self._before.get(key, 0.0) for key, value in now.items()}
        self._before = now
        return [
            *(_record(at_ms, name, value, "gauge", ()) for name, value in self._levels()),
            *(_record(at_ms, name, value, "counter", tags) for (name, tags), value in increments.items()),
            *(_record(at_ms, "asyncio.eventloop.delay", delay, "histogram", ()) for delay in self._loops.take()),
        ]

    def _levels(self) -> List[Tuple[str, float]]:
        process = read_process()
        longest_ns, self._longest_pause_ns = self._longest_pause_ns, 0
        levels: List[Tuple[str, Optional[float]]] = [
            ("process.memory.usage", process.resident_bytes),
            ("process.thread.count", process.threads),
            ("process.open_file_descriptor.count", open_files()),
            ("process.uptime", process.uptime_s),
            ("cpython.gc.pause.max", longest_ns / NS),
        ]
        return [(name, value) for name, value in levels if value is not None]

    def _counters(self) -> Dict[Tuple[str, Tags], float]:
        """What only grows, since the process began."""
        times = os.times()
        collections: Dict[Tuple[str, Tags], float] = {
            ("cpython.gc.collections", (("cpython.gc.generation", str(number)),)): float(generation["collections"])
            for number, generation in enumerate(gc.get_stats())
        }
        return {
            ("process.cpu.time", _USER): times.user,
            ("process.cpu.time", _SYSTEM): times.system,
            ("cpython.gc.pause.time", ()): self._pause_ns / NS,
            **collections,
        }

    def _on_collection(self, phase: str, info: Mapping[str, int]) -> None:
        """Called by the collector, in whatever thread it runs; there is one collection at a time."""
        if phase == "start":
            self._collecting_since_ns = perf_counter_ns()
            return
        pause_ns = perf_counter_ns() - self._collecting_since_ns
        self._pause_ns += pause_ns
        if pause_ns > self._longest_pause_ns:
            self._longest_pause_ns = pause_ns


def _record(at_ms: float, name: str, value: float, kind: str, tags: Tags) -> MetricRecord:
    return (METRIC, at_ms, name, value, kind, tags, None, None, False)
