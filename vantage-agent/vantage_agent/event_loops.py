"""How late asyncio's event loops are.

A loop is noticed when it serves a request. From then on the exporter thread sends a callback through it, a few times a
second at most and only while there is something to export, and looks how long that took. No task and no timer of ours
lives in the loop: nothing that `asyncio.all_tasks` shows, or that a shutdown would wait for, or that wakes a loop in an
idle process.
"""

from __future__ import annotations

import os
from collections import deque
from time import perf_counter_ns
from typing import Any, Callable, Deque, Dict, List, Tuple
from weakref import ref

NS = 1_000_000_000
MIN_GAP_NS = 200_000_000
# More threads with a loop of their own than this serve requests in no process we know.
LOOP_LIMIT = 64

# (process, loop) since the exporter looked last. Not only a loop's first request brings it here: loops that take turns
# do with each. A bounded deque because two threads may do so at once.
_noticed: Deque[Tuple[int, Callable[[], Any]]] = deque(maxlen=LOOP_LIMIT)


def _nothing() -> None:
    return None


_latest: Callable[[], Any] = _nothing


def notice(loop: Any) -> None:
    """Tell of the loop that the caller runs in, None where it is not asyncio's. Costs a tenth of a microsecond."""
    global _latest
    if loop is not None and _latest() is not loop:
        try:
            _latest = ref(loop)
        except TypeError:
            return
        _noticed.append((os.getpid(), _latest))


class LoopWatch:
    """The loops of this process that served requests. Used by the exporter thread alone."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._probes: Dict[int, _Probe] = {}
        self._probed_ns = 0

    def probe(self) -> None:
        """Send a callback through every loop, unless one is under way. Last thing before the thread sleeps: a loop
        that has to wait for the GIL because of us would look late."""
        now = perf_counter_ns()
        if now - self._probed_ns < MIN_GAP_NS:
            return
        self._probed_ns = now
        self._take_noticed()
        gone = [key for key, probe in self._probes.items() if not probe.send()]
        for key in gone:
            del self._probes[key]

    def take(self) -> List[float]:
        """Delays in seconds since the last call."""
        return [delay for probe in self._probes.values() for delay in probe.take()]

    def _take_noticed(self) -> None:
        for _ in range(len(_noticed)):
            pid, loop_ref = _noticed.popleft()
            loop = loop_ref()
            # In a fork's child the parent's loops are still there, and writing to them would wake the parent.
            if pid == self._pid and loop is not None and len(self._probes) < LOOP_LIMIT:
                probe = self._probes.get(id(loop))
                if probe is None or probe.loop() is not loop:
                    self._probes[id(loop)] = _Probe(loop_ref)


class _Probe:
    """One loop and the callback that is on its way through it."""

    def __init__(self, loop: Callable[[], Any]) -> None:
        self.loop = loop
        self._number = 0
        self._arrived = 0
        self._delays: Deque[float] = deque(maxlen=1_000)

    def send(self) -> bool:
        """False once the loop is gone."""
        loop = self.loop()
        if loop is None or loop.is_closed():
            return False
        if not loop.is_running():
            # Between two runs: a callback that waits for the second one is not late.
            self._number += 1
            self._arrived = self._number
        elif self._arrived == self._number:
            self._number += 1
            try:
                loop.call_soon_threadsafe(self._arrive, self._number, perf_counter_ns())
            except RuntimeError:
                return False
        return True

    def _arrive(self, number: int, sent_ns: int) -> None:
        if number == self._number:
            self._delays.append((perf_counter_ns() - sent_ns) / NS)
            self._arrived = number

    def take(self) -> List[float]:
        return [self._delays.popleft() for _ in range(len(self._delays))]
