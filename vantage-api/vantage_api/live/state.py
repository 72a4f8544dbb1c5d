"""The live city of one workspace: pulses and the store's knowledge in, ticks, particles and messages out.

Pure but for its own memory: every call is told the time, so a test and a replay see what a browser sees.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from vantage_common import health
from vantage_common.health import Baseline
from vantage_common.model import Pulse

from vantage_api.live.frames import RequestEntry, Requests, TickEntry
from vantage_api.live.plan import Founder, ServiceKey
from vantage_api.live.registry import Building, Registry, RegistryFull
from vantage_api.live.requests import particles, sample_of
from vantage_api.live.service import Measured, ServiceNow

LEAVES_AFTER_MS: Final = 15 * 60_000
LEAD_MS: Final = 150
"""Particles leave so long before the second they are played in: more than one tick, less than the delay's margin."""


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


class City:
    def __init__(self) -> None:
        self.registry = Registry()
        self.turned_away = 0
        """Pulses of services for which no slot was left."""
        self._founded = False
        self._services: dict[ServiceKey, ServiceNow] = {}
        self._present_ms: dict[ServiceKey, int] = {}
        self._baselines: dict[ServiceKey, Baseline] = {}
        self._newest_second: int | None = None

    def learn(self, known: Iterable[KnownService], baselines: dict[ServiceKey, Baseline], now_ms: int) -> None:
        """Takes in what the store knows: founds the plan the first time, and keeps those alive that send anything."""
        services = list(known)
        if not self._founded and not self._services:
            self.registry.found(Founder(s.key, s.district, s.first_seen_ms) for s in services)
            self._founded = True
        self._baselines = baselines
        for key, service in self._services.items():
            service.baseline = baselines.get(key, health.LEARNING)
        for service_known in sorted(services, key=lambda s: (s.first_seen_ms, s.key.name, s.key.environment)):
            if now_ms - service_known.last_seen_ms < LEAVES_AFTER_MS:
                self._resident(service_known.key, service_known.district, service_known.last_seen_ms)

    def ingest(self, pulse: Pulse, arrived_ms: int) -> None:
        """Counts a pulse. A service beyond the last free slot is turned away and counted."""
        key = ServiceKey(pulse.environment, pulse.service)
        service = self._resident(key, pulse.namespace or pulse.environment, arrived_ms)
        if service is None:
            self.turned_away += 1
            return
        service.ingest(pulse, arrived_ms)
        if not service.clock_off:
            self._newest_second = max(pulse.second, self._newest_second or 0)

    def advance(self, now_ms: int) -> None:
        """Drops what is past: once a second is enough."""
        for key, present_ms in list(self._present_ms.items()):
            if now_ms - present_ms >= LEAVES_AFTER_MS:
                self.registry.remove(key)
                del self._services[key], self._present_ms[key]
        for service in self._services.values():
            service.forget(now_ms)
        for edge in [e for e in self.registry.edges.values() if now_ms - e.used_ms >= LEAVES_AFTER_MS]:
            self.registry.remove_edge(edge)

    def view(self, now_ms: int) -> list[ServiceView]:
        """Every resident, by slot."""
        views = [
            ServiceView(building, self._services[key].measure(now_ms), self._services[key])
            for key, building in self.registry.buildings.items()
        ]
        return sorted(views, key=lambda view: view.building.slot)

    def find(self, key: ServiceKey, now_ms: int) -> ServiceView | None:
        if key not in self._services:
            return None
        service = self._services[key]
        return ServiceView(self.registry.buildings[key], service.measure(now_ms), service)

    def requests(self, now_ms: int) -> list[Requests]:
        """The particles due now, one frame for each second they are played in. Edges are made on the way.

        The number of requests a particle stands for follows from the workspace's rate, or from what is due at once
        where that is more.
        """
        due = [
            (start_ms, key, callers)
            for key, service in self._services.items()
            for start_ms, callers in service.play(now_ms, LEAD_MS)
        ]
        if not due:
            return []
        at_once = sum(tally.count for _, _, callers in due for tally in callers.values())
        rps = sum(service.measure(now_ms).rps for service in self._services.values())
        sample = sample_of(max(rps, at_once))
        frames: dict[int, list[RequestEntry]] = {}
        for start_ms, key, callers in due:
            entries = frames.setdefault(start_ms, [])
            for caller, tally in callers.items():
                edge = self.registry.edge(caller, key, now_ms)
                entries.extend(particles(tally, edge.id, sample, edge.carry))
        return [Requests(start_ms, sample, tuple(frames[start_ms])) for start_ms in sorted(frames) if frames[start_ms]]

    def status(self, now_ms: int) -> dict[str, Any]:
        """The `status` message."""
        measured = [service.measure(now_ms) for service in self._services.values()]
        count = sum(m.count for m in measured)
        errors = sum(m.errors for m in measured)
        newest = self._newest_second
        return {
            "type": "status",
            "server_time": now_ms,
            "ingest_lag_ms": None if newest is None else max(0, now_ms - newest * 1000 - 999),
            "requests_per_second": sum(m.rps for m in measured),
            "error_ratio": errors / count if count else None,
            "health": health.mean_score([(m.health.score, m.rps) for m in measured]),
            "alerts_firing": None,  # nothing evaluates alerts yet
        }

    def edges(self, now_ms: int) -> list[dict[str, Any]]:
        """Every edge with its requests per second and error ratio over the last 10 s."""
        flows: dict[int, list[int]] = {edge.id: [0, 0] for edge in self.registry.edges.values()}
        for key, service in self._services.items():
            for caller, tally in service.callers(now_ms).items():
                edge = self.registry.edge(caller, key, now_ms)
                flow = flows.setdefault(edge.id, [0, 0])
                flow[0] += tally.count
                flow[1] += tally.errors
        return [
            edge.as_json()
            | {"rps": flows[edge.id][0] / 10, "error_ratio": _ratio(flows[edge.id][1], flows[edge.id][0])}
            for edge in self.registry.edges.values()
        ]

    def _resident(self, key: ServiceKey, district: str, seen_ms: int) -> ServiceNow | None:
        """The service's state, entered in the registry when it is new; None when the registry is full."""
        if key not in self._services:
            try:
                self.registry.admit(key, district)
            except RegistryFull:
                return None
            self._services[key] = ServiceNow()
            self._services[key].baseline = self._baselines.get(key, health.LEARNING)
        self._present_ms[key] = max(seen_ms, self._present_ms.get(key, 0))
        return self._services[key]


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
