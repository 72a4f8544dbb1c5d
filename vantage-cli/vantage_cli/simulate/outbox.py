"""When what is sent: each pod sends what it gathered on its own beat, as agents do, spread evenly over the period."""

from collections.abc import Iterable, Sequence
from heapq import heappop, heappush
from zlib import crc32

from vantage_cli.simulate.wire import Batch, Emission, Item, Signal, signal_of

PERIODS: dict[Signal, float] = {"metrics": 1.0, "logs": 1.0, "traces": 2.5}
"""Periods of the signals, relative to the flush period: OpenTelemetry's exporters let spans wait longer too."""
MAX_ITEMS = 1000

_Key = tuple[Signal, str, str]


class Outbox:
    """Items wait here from the moment they exist to their pod's next beat. Times are ms since the epoch."""

    def __init__(self, period_s: float) -> None:
        self._period_ms = period_s * 1000.0
        self._held: dict[int, list[Emission]] = {}
        self._gathered: dict[_Key, list[Item]] = {}
        self._beats: list[tuple[float, _Key]] = []

    def add(self, emissions: Iterable[Emission]) -> None:
        """Takes items in; each is held until the second in which it becomes ready has passed."""
        for emission in emissions:
            self._held.setdefault(int(emission.ready_ms // 1000), []).append(emission)

    def take(self, now_ms: float) -> list[Batch]:
        """The batches of the pods whose beat has come, each of at most `MAX_ITEMS` items."""
        self._release(now_ms)
        batches: list[Batch] = []
        while self._beats and self._beats[0][0] <= now_ms:
            batches += self._batches(heappop(self._beats)[1])
        return batches

    def take_all(self, now_ms: float) -> list[Batch]:
        """Everything that is ready, whatever the beat: what an agent does when its process ends."""
        self._release(now_ms)
        self._beats.clear()
        return [batch for key in list(self._gathered) for batch in self._batches(key)]

    def _release(self, now_ms: float) -> None:
        for second in sorted(second for second in self._held if (second + 1) * 1000 <= now_ms):
            for emission in self._held.pop(second):
                key = signal_of(emission.item), emission.service, emission.instance
                items = self._gathered.get(key)
                if items is None:
                    self._gathered[key] = items = []
                    heappush(self._beats, (self._next_beat(key, now_ms), key))
                items.append(emission.item)

    def _next_beat(self, key: _Key, now_ms: float) -> float:
        period_ms = self._period_ms * PERIODS[key[0]]
        phase_ms = crc32("/".join(key).encode()) % 100_000 / 100_000 * period_ms
        return now_ms + (phase_ms - now_ms) % period_ms

    def _batches(self, key: _Key) -> Sequence[Batch]:
        items = self._gathered.pop(key)
        return [Batch(*key, items[at : at + MAX_ITEMS]) for at in range(0, len(items), MAX_ITEMS)]
