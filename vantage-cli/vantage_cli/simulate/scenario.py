"""What happens to the fleet and when: load, scaling, deploys and incidents, as a pure function of seed and time.

The day of a real system is compressed to `DAY_S`. Events are drawn a minute at a time, each minute from its own
generator, so `state_at` answers for any moment without having lived through the ones before. The first minute holds
a deploy, a slow dependency and a bad deploy. From then on one service is always slow, and in two minutes of three
one fails outright.
"""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, pi, sin
from typing import Literal
from zlib import crc32

from vantage_common.health import Observed, Status, score

from vantage_cli.simulate.fleet import Fleet, Service

DAY_S = 240.0
CYCLE_S = 60.0
ROLL_S = 22.0
"""Time from the first pod of a deploy to the last."""
COLD_S = 8.0
"""A pod is slower for so long after it started."""
COLD_FACTOR = 1.8
RAMP_S = 5.0
SCALE_STEP_S = 10.0
SCALE_DOWN_STEPS = 4
BASE_ERROR_RATE = 0.0008

MAX_TROUBLED = 3
MAX_FAILING = 1
"""Incidents are placed so that together at most so many services are not healthy, and of them so many unhealthy."""

EventKind = Literal["deploy", "bad_deploy", "slow", "outage", "surge"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens to `service` in ``[start, end)``, in seconds since the demo began.

    `error_rate` is what the event adds at its worst, `factor` what it multiplies: latency (slow, bad_deploy) or
    outside traffic (surge). `version` is the one a deploy brings; `previous` the one it replaces.
    """

    kind: EventKind
    service: str
    start: float
    end: float
    error_rate: float = 0.0
    factor: float = 1.0
    version: str = ""
    previous: str = ""

    def strength(self, elapsed_s: float) -> float:
        """0…1: events ramp up and down over `RAMP_S`."""
        return max(0.0, min(1.0, (elapsed_s - self.start) / RAMP_S, (self.end - elapsed_s) / RAMP_S))

    def __str__(self) -> str:
        match self.kind:
            case "deploy":
                return f"{self.service} rolls out {self.version}"
            case "bad_deploy":
                return f"{self.service} rolls out {self.version}, which fails and is rolled back"
            case "slow":
                return (
                    f"{self.service} slows down {self.factor:.0f} times and drops {self.error_rate:.0%} of its requests"
                )
            case "outage":
                return f"{self.service} is down"
            case "surge":
                return f"{self.service} gets {self.factor:.1f} times its traffic"


@dataclass(frozen=True, slots=True)
class Pod:
    """One running instance of a service."""

    name: str
    version: str
    latency_factor: float = 1.0
    error_rate: float = BASE_ERROR_RATE


@dataclass(frozen=True, slots=True)
class ServiceState:
    """`rps` is the load that arrives, `utilisation` its share of what the pods can carry."""

    pods: tuple[Pod, ...]
    rps: float
    utilisation: float
    latency_factor: float = 1.0
    error_rate: float = 0.0

    @property
    def failing(self) -> float:
        """The mean share of requests that fail in the service itself: 1 without pods."""
        if not self.pods:
            return 1.0
        return self.error_rate + sum(pod.error_rate for pod in self.pods) / len(self.pods)


@dataclass(frozen=True, slots=True)
class FleetState:
    """The whole fleet at one moment. `ingress_rps` is outside traffic by gateway."""

    elapsed_s: float
    services: dict[str, ServiceState]
    ingress_rps: dict[str, float]
    active: tuple[Event, ...]


class Timeline:
    """Every event of a fleet, for ever: equal fleets and seeds have equal timelines.

    What was drawn is kept, so asking twice costs once; the answers do not depend on what was asked before.
    """

    def __init__(self, fleet: Fleet, seed: int) -> None:
        self._fleet = fleet
        self._seed = seed
        self._cycles: list[tuple[Event, ...]] = []
        self._deploys: dict[str, list[Event]] = {}
        rng = random.Random(f"{seed}/load")
        self._phase = {gateway.name: rng.uniform(-0.5, 0.4) for gateway in fleet.gateways}

    def events(self, start_s: float, end_s: float) -> list[Event]:
        """Events that begin in ``[start_s, end_s)``, in order."""
        self._draw_until(end_s)
        found = [e for e in _flat(self._cycles[_cycle(start_s) : _cycle(end_s) + 1]) if start_s <= e.start < end_s]
        return sorted(found, key=lambda event: event.start)

    def state_at(self, elapsed_s: float) -> FleetState:
        """The fleet `elapsed_s` seconds into the demo."""
        self._draw_until(elapsed_s)
        active = tuple(e for e in self._recent(elapsed_s) if e.start <= elapsed_s < e.end)
        ingress = self._ingress_rps(elapsed_s)
        load = _load(self._fleet, ingress)
        desired = self._desired_pods(elapsed_s)
        hit: dict[str, list[Event]] = {}
        for event in active:
            hit.setdefault(event.service, []).append(event)
        return FleetState(
            elapsed_s,
            {
                name: self._service_state(service, elapsed_s, load[name], desired[name], hit.get(name, ()))
                for name, service in self._fleet.services.items()
            },
            ingress,
            active,
        )

    # Load and scaling

    def _ingress_rps(self, elapsed_s: float) -> dict[str, float]:
        rps = {g.name: g.ingress_rps * _wave(elapsed_s, self._phase[g.name]) for g in self._fleet.gateways}
        for event in self._recent(elapsed_s):
            if event.kind == "surge":
                rps[event.service] *= 1.0 + (event.factor - 1.0) * event.strength(elapsed_s)
        return rps

    def _desired_pods(self, elapsed_s: float) -> dict[str, int]:
        """What the autoscaler wants: the most that the load needed at its last few looks, so it shrinks slowly."""
        last = int(elapsed_s // SCALE_STEP_S)
        looks = [self._pods_needed(step) for step in range(max(0, last - SCALE_DOWN_STEPS + 1), last + 1)]
        return {name: max(look[name] for look in looks) for name in self._fleet.services}

    @lru_cache(maxsize=16)  # noqa: B019 - a timeline lives as long as the simulation
    def _pods_needed(self, step: int) -> dict[str, int]:
        load = _load(self._fleet, self._ingress_rps(step * SCALE_STEP_S))
        return {
            name: max(service.min_pods, min(3 * service.pods, ceil(load[name] / service.pod_rps)))
            for name, service in self._fleet.services.items()
        }

    # One service

    def _service_state(
        self, service: Service, elapsed_s: float, rps: float, desired: int, events: Iterable[Event]
    ) -> ServiceState:
        events = tuple(events)
        if any(event.kind == "outage" for event in events):
            return ServiceState((), rps, 0.0)
        slow = [event for event in events if event.kind == "slow"]
        utilisation = rps / (desired * service.pod_rps)
        return ServiceState(
            pods=tuple(self._pod(service, elapsed_s, ordinal, desired) for ordinal in range(desired)),
            rps=rps,
            utilisation=utilisation,
            latency_factor=(1.0 + max(0.0, utilisation - 1.0))
            * max([1.0, *(1.0 + (event.factor - 1.0) * event.strength(elapsed_s) for event in slow)]),
            error_rate=sum(event.error_rate * event.strength(elapsed_s) for event in slow),
        )

    def _pod(self, service: Service, elapsed_s: float, ordinal: int, pods: int) -> Pod:
        deploy = next((d for d in reversed(self._deploys.get(service.name, ())) if d.start <= elapsed_s), None)
        if deploy is None:
            version = _text(service.release)
            return Pod(pod_name(service.name, version, ordinal), version)
        turn = (ordinal + 1) / pods * ROLL_S
        since = elapsed_s - deploy.start - turn
        back = elapsed_s - deploy.end + turn if deploy.kind == "bad_deploy" else -1.0
        if since < 0 or back >= 0:
            return Pod(pod_name(service.name, deploy.previous, ordinal), deploy.previous)
        cold = COLD_FACTOR if since < COLD_S else 1.0
        return Pod(
            pod_name(service.name, deploy.version, ordinal),
            deploy.version,
            latency_factor=cold * deploy.factor,
            error_rate=BASE_ERROR_RATE + deploy.error_rate,
        )

    # Drawing events

    def _recent(self, elapsed_s: float) -> Iterable[Event]:
        """Events of this cycle and the two before: none lasts longer."""
        cycle = _cycle(elapsed_s)
        self._draw_until(elapsed_s)
        return _flat(self._cycles[max(0, cycle - 2) : cycle + 1])

    def _draw_until(self, elapsed_s: float) -> None:
        while len(self._cycles) <= _cycle(elapsed_s):
            events = tuple(self._draw(len(self._cycles)))
            self._cycles.append(events)
            for event in sorted(events, key=lambda event: event.start):
                if event.version:
                    self._deploys.setdefault(event.service, []).append(event)

    def _draw(self, cycle: int) -> Iterable[Event]:
        rng = random.Random(f"{self._seed}/events/{cycle}")
        start = cycle * CYCLE_S
        recent = _flat(self._cycles[max(0, cycle - 2) :])
        busy = {event.service for event in recent}

        slow_from = start + rng.uniform(12, 18)
        error_rate, factor = rng.uniform(0.055, 0.075), rng.uniform(5, 8)
        target = self._target(rng, busy, _failing_at(slow_from, recent), error_rate, ("store", "service"))
        slow = Event("slow", target, slow_from, slow_from + CYCLE_S + 10, error_rate, factor)
        yield slow

        worse_from = start + rng.uniform(27, 32)
        beside = _failing_at(worse_from, [*recent, slow])
        match cycle % 3:
            case 0:
                error_rate = rng.uniform(0.3, 0.45)
                target = self._target(rng, busy, beside, error_rate, ("service",))
                yield self._deploy(rng, target, worse_from, "bad_deploy", error_rate)
            case 1:
                target = self._target(rng, busy, beside, 1.0, ("service",))
                yield Event("outage", target, worse_from, worse_from + rng.uniform(36, 44))
            case _:
                gateway = rng.choice(self._fleet.gateways).name
                yield Event("surge", gateway, worse_from, worse_from + 40, factor=rng.uniform(1.6, 2.1))

        for offset in (rng.uniform(3, 8), rng.uniform(38, 46)):
            calm = [name for name in self._fleet.services if name not in busy]
            if calm:
                busy.add(target := rng.choice(calm))
                yield self._deploy(rng, target, start + offset, "deploy", 0.0)

    def _deploy(
        self, rng: random.Random, service: str, start: float, kind: Literal["deploy", "bad_deploy"], error_rate: float
    ) -> Event:
        """The next version of a service: a bad one is rolled back pod by pod until it is gone."""
        previous, version = self._versions(service, minor=rng.random() < 0.25)
        bad = kind == "bad_deploy"
        length = 2 * ROLL_S + 10.0 if bad else ROLL_S + COLD_S
        return Event(kind, service, start, start + length, error_rate, 1.5 if bad else 1.0, version, previous)

    def _versions(self, service: str, *, minor: bool) -> tuple[str, str]:
        """What runs now, and the next number; a number that was rolled back is not used again."""
        running = newest = self._fleet.services[service].release
        for deploy in self._deploys.get(service, ()):
            newest = _parsed(deploy.version)
            running = newest if deploy.kind == "deploy" else running
        following = (newest[0], newest[1] + 1, 0) if minor else (newest[0], newest[1], newest[2] + 1)
        return _text(running), _text(following)

    def _target(
        self, rng: random.Random, busy: set[str], beside: Mapping[str, float], error_rate: float, roles: tuple[str, ...]
    ) -> str:
        """A service whose failure, `beside` the others of its time, stays local; busy from now on.

        Those with some traffic come first: nobody sees the others fail.
        """
        services = self._fleet.services
        visible = 0.5 * sum(service.rps for service in services.values()) / len(services)
        candidates = [n for n, s in services.items() if n not in busy and s.role in roles] or list(services)
        rng.shuffle(candidates)
        candidates.sort(key=lambda name: services[name].rps < visible)
        excess = {}
        for chosen in candidates:
            excess[chosen] = self._excess({**beside, chosen: error_rate})
            if not excess[chosen]:
                break
        else:
            chosen = min(candidates, key=excess.__getitem__)
        busy.add(chosen)
        return chosen

    def _excess(self, own: Mapping[str, float]) -> int:
        """By how many services a set of failures goes beyond what the demo may show at once."""
        statuses = [_status(error) for error in expected_errors(self._fleet, own).values()]
        troubled = len(statuses) - statuses.count("HEALTHY")
        failing = statuses.count("UNHEALTHY")
        return max(0, troubled - MAX_TROUBLED) + max(0, failing - MAX_FAILING)


def expected_errors(fleet: Fleet, own: Mapping[str, float]) -> dict[str, float]:
    """The share of each service's requests that fail, when `own` fail in the services themselves.

    A request fails when its service does or when any critical call of its route does.
    """
    errors: dict[str, float] = {}
    for name, service in reversed(fleet.services.items()):
        succeed = 0.0
        total = sum(route.weight for route in service.routes)
        for route in service.routes:
            through = 1.0
            for call in route.calls:
                if call.critical:
                    through *= 1.0 - call.share * errors[call.service]
            succeed += through * route.weight / total
        errors[name] = 1.0 - (1.0 - own.get(name, 0.0)) * succeed
    return errors


def conditions(fleet: Fleet, state: FleetState) -> dict[str, Status]:
    """The health that the platform should find at this moment: UNKNOWN for a service without pods."""
    errors = expected_errors(fleet, {name: service.failing for name, service in state.services.items()})
    return {name: _status(errors[name]) if state.services[name].pods else "UNKNOWN" for name in fleet.services}


def _status(error_ratio: float) -> Status:
    return score(Observed(1, error_ratio, None, 1.0, 1.0)).status


@lru_cache(maxsize=65536)
def pod_name(service: str, version: str, ordinal: int) -> str:
    """Named as Kubernetes names the pods of a deployment: one hash for the version, one for the pod."""
    return f"{service}-{crc32(f'{service}{version}'.encode()):08x}-{crc32(f'{version}{ordinal}{service}'.encode()):08x}"


def _wave(elapsed_s: float, phase: float) -> float:
    """Traffic relative to its mean: a day's rise and fall with a faster ripple; the demo begins on the rise."""
    return 1.0 + 0.38 * sin(2 * pi * elapsed_s / DAY_S + phase) + 0.07 * sin(2 * pi * elapsed_s / 37 + 5 * phase)


def _load(fleet: Fleet, ingress_rps: Mapping[str, float]) -> dict[str, float]:
    load = dict.fromkeys(fleet.services, 0.0)
    for gateway, rps in ingress_rps.items():
        for name, visits in fleet.visits[gateway].items():
            load[name] += rps * visits
    return load


def _failing_at(elapsed_s: float, events: Iterable[Event]) -> dict[str, float]:
    """The worst share of requests that services fail because of the events that have not ended."""
    return {e.service: 1.0 if e.kind == "outage" else e.error_rate for e in events if e.end > elapsed_s}


def _cycle(elapsed_s: float) -> int:
    return max(0, int(elapsed_s // CYCLE_S))


def _flat(cycles: Iterable[tuple[Event, ...]]) -> list[Event]:
    return [event for cycle in cycles for event in cycle]


def _text(version: tuple[int, int, int]) -> str:
    return f"v{version[0]}.{version[1]}.{version[2]}"


def _parsed(version: str) -> tuple[int, int, int]:
    major, minor, patch = version.removeprefix("v").split(".")
    return int(major), int(minor), int(patch)
