"""Who sends what when: senders gather items and send them on a beat of their own, spread evenly over the period.

A pod sends its metrics itself, as an agent does. Logs and spans leave by the shipper of the node that the pod runs on,
as with Fluent Bit or an OpenTelemetry collector beside the pods: pods log little, nodes log all the time.
"""

from collections.abc import Iterable, Sequence
from heapq import heappop, heappush
from zlib import crc32

from vantage_cli.simulate.wire import Batch, Emission, Item, Signal, signal_of

NODES = 3
MAX_ITEMS = 1000

_Key = tuple[Signal, str, str]


class Outbox:
    """Items wait here from the moment they exist to their sender's next beat. Times are ms since the epoch."""

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
        """The batches of the senders whose beat has come, each of at most `MAX_ITEMS` items."""
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
                key = _sender(emission)
                items = self._gathered.get(key)
                if items is None:
                    self._gathered[key] = items = []
                    heappush(self._beats, (self._next_beat(key, now_ms), key))
                items.append(emission.item)

    def _next_beat(self, key: _Key, now_ms: float) -> float:
        phase_ms = crc32("/".join(key).encode()) % 100_000 / 100_000 * self._period_ms
        return now_ms + (phase_ms - now_ms) % self._period_ms

    def _batches(self, key: _Key) -> Sequence[Batch]:
        items = self._gathered.pop(key)
        signal, service, sender = key
        instance = sender if service else ""
        return [Batch(signal, service, instance, items[at : at + MAX_ITEMS]) for at in range(0, len(items), MAX_ITEMS)]


def _sender(emission: Emission) -> _Key:
    """Signal, service and pod, or signal, nothing and node."""
    signal = signal_of(emission.item)
    if signal == "metrics":
        return signal, emission.service, emission.instance
    return signal, "", f"node-{crc32(emission.instance.encode()) % NODES}"
