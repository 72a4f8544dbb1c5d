"""The live city of one workspace: pulses and the store's knowledge in, ticks, particles and messages out.

Pure but for its own memory: every call is told the time, so a test and a replay see what a browser sees.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from vantage_common import health
from vantage_common.health import Baseline
from vantage_common.model import Pulse

from vantage_api.live.frames import RequestEntry, Requests, TickEntry, pack_tick_entry
from vantage_api.live.plan import Founder, ServiceKey
from vantage_api.live.registry import Building, Registry, RegistryFull
from vantage_api.live.requests import particles, sample_of
from vantage_api.live.rolling import WINDOW_S
from vantage_api.live.service import NOTHING, Measured, ServiceNow

LEAVES_AFTER_MS: Final = 15 * 60_000
LEAD_MS: Final = 150
"""Particles leave so long before the second they are played in: more than one tick, less than the delay's margin."""
IDLE_AFTER_MS: Final = 30_000
"""Without a pulse for so long nothing is on its way, and there is no lag to speak of."""


@dataclass(frozen=True, slots=True)
class KnownService:
    """What the store knows of a service."""

    key: ServiceKey
    district: str
    first_seen_ms: int
    last_seen_ms: int


@dataclass(frozen=True, slots=True)
class ServiceView:
    """A resident and what it shows now."""

    building: Building
    measured: Measured
    service: ServiceNow


class _Resident:
    """A service in the city. `packed` is the tick entry of `shown`, made when that changes."""

    __slots__ = ("building", "packed", "present_ms", "service", "shown")

    def __init__(self, building: Building, service: ServiceNow, present_ms: int) -> None:
        self.building = building
        self.service = service
        self.present_ms = present_ms
        self.shown = NOTHING
        self.packed = pack_tick_entry(tick_entry(self.view()))

    def show(self, measured: Measured) -> None:
        self.shown = measured
        self.packed = pack_tick_entry(tick_entry(self.view()))

    def view(self) -> ServiceView:
        return ServiceView(self.building, self.shown, self.service)


class City:
    def __init__(self) -> None:
        self.registry = Registry()
        self.turned_away = 0
        """Pulses of services for which no slot was left."""
        self.alerts_firing: int | None = None
        """None while nothing evaluates alerts."""
        self._founded = False
        self._residents: dict[ServiceKey, _Resident] = {}
        self.baselines: dict[ServiceKey, Baseline] = {}
        self._newest: tuple[int, int] | None = None
        """(newest sample second, when the last pulse arrived)"""

    def learn(self, known: Iterable[KnownService], baselines: dict[ServiceKey, Baseline], now_ms: int) -> None:
        """Takes in what the store knows: founds the plan the first time, and keeps those alive that send anything."""
        services = list(known)
        if not self._founded and not self._residents:
            self.registry.found(Founder(s.key, s.district, s.first_seen_ms) for s in services)
            self._founded = True
        self.baselines = baselines
        for key, resident in self._residents.items():
            resident.service.learn(baselines.get(key, health.LEARNING))
        for service_known in sorted(services, key=lambda s: (s.first_seen_ms, s.key.name, s.key.environment)):
            if now_ms - service_known.last_seen_ms < LEAVES_AFTER_MS:
                self._resident(service_known.key, service_known.district, service_known.last_seen_ms)

    def ingest(self, pulse: Pulse, arrived_ms: int) -> None:
        """Counts a pulse. A service beyond the last free slot is turned away and counted."""
        key = ServiceKey(pulse.environment, pulse.service)
        resident = self._resident(key, pulse.namespace or pulse.environment, arrived_ms)
        if resident is None:
            self.turned_away += 1
            return
        resident.service.ingest(pulse, arrived_ms)
        if not resident.service.clock_off:
            second, at_ms = self._newest or (pulse.second, arrived_ms)
            self._newest = max(pulse.second, second), max(arrived_ms, at_ms)

    def advance(self, now_ms: int) -> None:
        """Drops what is past: once a second is enough."""
        for key, resident in list(self._residents.items()):
            if now_ms - resident.present_ms >= LEAVES_AFTER_MS:
                self.registry.remove(key)
                del self._residents[key]
            else:
                resident.service.forget(now_ms)
        for edge in [e for e in self.registry.edges.values() if now_ms - e.used_ms >= LEAVES_AFTER_MS]:
            self.registry.remove_edge(edge)

    def measure(self, now_ms: int) -> list[ServiceView]:
        """Brings every resident up to date, and returns those that show something else than the last time."""
        changed: list[ServiceView] = []
        for resident in self._residents.values():
            measured = resident.service.measure(now_ms)
            if measured is not resident.shown:
                resident.show(measured)
                changed.append(resident.view())
        return changed

    def packed(self) -> list[bytes]:
        """The tick entries of every resident, as of the last `measure`."""
        return [resident.packed for resident in self._residents.values()]

    def view(self, now_ms: int, name: str | None = None) -> list[ServiceView]:
        """Every resident, or those of that name, by slot."""
        views = [
            ServiceView(resident.building, resident.service.measure(now_ms), resident.service)
            for key, resident in self._residents.items()
            if name is None or key.name == name
        ]
        return sorted(views, key=lambda view: view.building.slot)

    def find(self, key: ServiceKey, now_ms: int) -> ServiceView | None:
        resident = self._residents.get(key)
        if resident is None:
            return None
        return ServiceView(resident.building, resident.service.measure(now_ms), resident.service)

    def requests(self, now_ms: int) -> list[Requests]:
        """The particles due now, one frame for each second they are played in. Edges are made on the way.

        The number of requests a particle stands for follows from the workspace's rate, or from what is due at once
        where that is more.
        """
        due = [
            (start_ms, key, callers)
            for key, resident in self._residents.items()
            for start_ms, callers in resident.service.play(now_ms, LEAD_MS)
        ]
        if not due:
            return []
        at_once = sum(tally.count for _, _, callers in due for tally in callers.values())
        count = sum(resident.service.measure(now_ms).count for resident in self._residents.values())
        sample = sample_of(max(count / WINDOW_S, at_once))
        frames: dict[int, list[RequestEntry]] = {}
        for start_ms, key, callers in due:
            entries = frames.setdefault(start_ms, [])
            for caller, tally in callers.items():
                edge = self.registry.edge(caller, key, now_ms)
                entries.extend(particles(tally, edge.id, sample, edge.carry))
        return [Requests(start_ms, sample, tuple(frames[start_ms])) for start_ms in sorted(frames) if frames[start_ms]]

    def status(self, now_ms: int) -> dict[str, Any]:
        """The `status` message."""
        measured = [resident.service.measure(now_ms) for resident in self._residents.values()]
        count = sum(m.count for m in measured)
        errors = sum(m.errors for m in measured)
        return {
            "type": "status",
            "server_time": now_ms,
            "ingest_lag_ms": self._ingest_lag_ms(now_ms),
            "requests_per_second": sum(m.rps for m in measured),
            "error_ratio": errors / count if count else None,
            "health": health.mean_score([(m.health.score, m.rps) for m in measured]),
            "alerts_firing": self.alerts_firing,
        }

    def edges(self, now_ms: int) -> list[dict[str, Any]]:
        """Every edge with its requests per second and error ratio over the last 10 s."""
        flows: dict[int, list[int]] = {edge.id: [0, 0] for edge in self.registry.edges.values()}
        for key, resident in self._residents.items():
            for caller, tally in resident.service.callers(now_ms).items():
                edge = self.registry.edge(caller, key, now_ms)
                flow = flows.setdefault(edge.id, [0, 0])
                flow[0] += tally.count
                flow[1] += tally.errors
        return [
            edge.as_json()
            | {"rps": flows[edge.id][0] / WINDOW_S, "error_ratio": _ratio(flows[edge.id][1], flows[edge.id][0])}
            for edge in self.registry.edges.values()
        ]

    def _ingest_lag_ms(self, now_ms: int) -> int | None:
        """How old the newest sample was when the last pulse came: a fleet that is quiet does not lag, so it neither
        grows while nothing is sent nor stays when nothing has been for long."""
        if self._newest is None or now_ms - self._newest[1] >= IDLE_AFTER_MS:
            return None
        second, arrived_ms = self._newest
        return max(0, arrived_ms - second * 1000 - 999)

    def _resident(self, key: ServiceKey, district: str, seen_ms: int) -> _Resident | None:
        """The service's state, entered in the registry when it is new; None when the registry is full."""
        resident = self._residents.get(key)
        if resident is not None:
            resident.present_ms = max(seen_ms, resident.present_ms)
            return resident
        try:
            building = self.registry.admit(key, district)
        except RegistryFull:
            return None
        service = ServiceNow(self.baselines.get(key, health.LEARNING))
        resident = self._residents[key] = _Resident(building, service, seen_ms)
        return resident


def tick_entry(view: ServiceView) -> TickEntry:
    measured = view.measured
    return TickEntry(
        slot=view.building.slot,
        pods=measured.pods,
        rps=measured.rps,
        error_ratio=measured.error_ratio,
        p95_ms=measured.p95_ms,
        health=measured.health.score,
        status=measured.health.status,
    )


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
