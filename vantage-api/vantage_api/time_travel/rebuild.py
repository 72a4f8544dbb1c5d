"""What services showed at a past moment, from slots of their requests. Pure.

The windows, the health and its baselines are those of the live city, only that time goes in slots instead of seconds:
the window is one slot; where that holds too little to judge, it is a minute.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Final

from vantage_common import health, logbins
from vantage_common.health import Baseline, Health, Observed
from vantage_common.model import PULSE_GAMMA

from vantage_api.live.plan import ServiceKey
from vantage_api.live.requests import Tally
from vantage_api.live.rolling import Total
from vantage_api.live.service import JUDGED_REQUESTS, SILENT_MS
from vantage_api.time_travel.plans import MINUTE_S, PulseSource


@dataclass(frozen=True, slots=True)
class Shown:
    """A service at one moment. `requests` and `errors` are those of the slot that ends there."""

    pods: int
    requests: int
    errors: int
    slot_s: int
    p95_ms: float | None
    health: Health

    @property
    def rps(self) -> float:
        return self.requests / self.slot_s

    @property
    def error_ratio(self) -> float | None:
        return self.errors / self.requests if self.requests else None


@dataclass(slots=True)
class Past:
    """What is stored of one service: its requests by number of the slot, as each source tells them, and the instances
    that answered, by number of the minute or slot."""

    slots: dict[PulseSource, dict[int, Tally]] = field(default_factory=dict)
    instances: dict[int, int] = field(default_factory=dict)


class History:
    """What is stored of a workspace's services, in slots of `slot_s`."""

    def __init__(self, slot_s: int) -> None:
        self.slot_s = slot_s
        self.pods_slot_s = max(slot_s, MINUTE_S)
        self._past: dict[ServiceKey, Past] = {}

    def add_slots(self, source: PulseSource, rows: Iterable[Mapping[str, Any]]) -> None:
        for row in rows:
            slots = self._of(row).slots.setdefault(source, {})
            bins = {int(number): int(count) for number, count in row["bins"].items()}
            slots.setdefault(row["at"] // (self.slot_s * 1000), Tally()).add(row["count"], row["errors"], bins)

    def add_instances(self, rows: Iterable[Mapping[str, Any]], number: int | None = None) -> None:
        """`number` is the slot of rows that have none."""
        for row in rows:
            past = self._of(row)
            slot = row["at"] // (self.pods_slot_s * 1000) if number is None else number
            past.instances[slot] = max(row["instances"], past.instances.get(slot, 0))

    def services(self) -> Iterable[ServiceKey]:
        return self._past.keys()

    def moments(self, key: ServiceKey, at_ms: Iterable[int], baseline: Baseline) -> list[Shown]:
        """What the service showed at each of these moments, ascending multiples of the slot."""
        past = self._past.get(key)
        if past is None:
            return [Shown(0, 0, 0, self.slot_s, None, health.UNKNOWN) for _ in at_ms]
        windows: dict[PulseSource, _Windows] = {s: _Windows(slots, self.slot_s) for s, slots in past.slots.items()}
        return [self._moment(past, windows, moment // 1000, baseline) for moment in at_ms]

    def source(self, key: ServiceKey, at_ms: int) -> PulseSource:
        """Metrics where the service had any within a minute, else its server spans: never both."""
        past = self._past.get(key)
        slots = {} if past is None else past.slots.get("metric", {})
        end = at_ms // 1000 // self.slot_s
        return "metric" if any(number in slots for number in range(end - slots_of(self.slot_s), end)) else "span"

    def _moment(self, past: Past, windows: "Mapping[PulseSource, _Windows]", at_s: int, baseline: Baseline) -> Shown:
        pods = self._pods(past, at_s)
        last = at_s // self.slot_s - 1
        for source in ("metric", "span"):
            found = windows.get(source)
            if found is not None and found.has_any(last):
                return found.shown(last, pods, baseline)
        return Shown(pods, 0, 0, self.slot_s, None, health.UNKNOWN)

    def _pods(self, past: Past, at_s: int) -> int:
        """The most instances of any minute that touches the one before."""
        first, last = (at_s - MINUTE_S) // self.pods_slot_s, (at_s - 1) // self.pods_slot_s
        return max((past.instances.get(number, 0) for number in range(first, last + 1)), default=0)

    def _of(self, row: Mapping[str, Any]) -> Past:
        key = ServiceKey(row["environment"], row["service_name"])
        past = self._past.get(key)
        if past is None:
            past = self._past[key] = Past()
        return past


def slots_of(slot_s: int) -> int:
    """How many slots are judged together: those of a minute."""
    return max(1, MINUTE_S // slot_s)


class _Windows:
    """The slot that is shown, and those that are judged, moving along."""

    def __init__(self, slots: Mapping[int, Tally], slot_s: int) -> None:
        self._slots = slots
        self._slot_s = slot_s
        self._judged = Total(slots, slots_of(slot_s))
        self._silent_slots = ceil(SILENT_MS / 1000 / slot_s)

    def has_any(self, last: int) -> bool:
        self._judged.move_to(last)
        return self._judged.tally.count > 0

    def shown(self, last: int, pods: int, baseline: Baseline) -> Shown:
        slot = self._slots.get(last, _EMPTY)
        p95_ms = _p95(slot)
        observed = None if self._is_silent(last) else self._observed(last, slot, p95_ms)
        return Shown(pods, slot.count, slot.errors, self._slot_s, p95_ms, health.score(observed, baseline))

    def _observed(self, last: int, slot: Tally, p95_ms: float | None) -> Observed:
        is_enough = slot.count >= JUDGED_REQUESTS
        judged = slot if is_enough else self._judged.tally
        seconds = self._slot_s if is_enough else self._slot_s * slots_of(self._slot_s)
        return Observed(
            requests=judged.count,
            error_ratio=judged.errors / judged.count if judged.count else 0.0,
            p95_ms=p95_ms if is_enough else _p95(judged),
            requests_per_second=judged.count / seconds,
            availability=self._availability(last),
        )

    def _availability(self, last: int) -> float:
        """The share of the judged slots with requests in which one succeeded."""
        numbers = range(last - slots_of(self._slot_s) + 1, last + 1)
        with_requests = [slot for number in numbers if (slot := self._slots.get(number)) and slot.count]
        return sum(slot.count > slot.errors for slot in with_requests) / len(with_requests) if with_requests else 1.0

    def _is_silent(self, last: int) -> bool:
        return not any(number in self._slots for number in range(last - self._silent_slots + 1, last + 1))


_EMPTY: Final = Tally()


def _p95(tally: Tally) -> float | None:
    return logbins.quantile(tally.bins, 0.95, PULSE_GAMMA)
