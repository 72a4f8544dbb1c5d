"""The fleet: which services there are, who calls whom, how much traffic each expects and how many pods carry it."""

import random
from dataclasses import dataclass
from functools import cached_property
from graphlib import TopologicalSorter
from itertools import accumulate
from math import exp, log, sqrt

from vantage_common.errors import UserError

from vantage_cli.simulate.blueprint import (
    DEFAULT_FLEET,
    EXTRA_DOMAINS,
    EXTRA_PARTS,
    Blueprint,
    Call,
    Role,
    Route,
    gateway,
    needs,
    wants,
)

MAX_SERVICES = 500
BASE_RPS = 1000.0
"""Requests a second that all services together answer at --rps 1, averaged over the day."""
EXTRA_INGRESS = 4.0
"""Outside traffic of a large fleet's additional gateway, on the scale of `Blueprint.ingress`."""


@dataclass(frozen=True, slots=True)
class Service:
    """One service as it runs: its blueprint and what follows from the traffic it expects.

    `rps` is its mean load, `pods` carry that load, each up to `pod_rps`; `expected_ms` is the mean duration of a
    request including the calls it makes; `release` numbers its first version.
    """

    name: str
    namespace: str
    role: Role
    mu: float
    sigma: float
    routes: tuple[Route, ...]
    route_bounds: tuple[float, ...]
    ingress_rps: float
    rps: float
    pods: int
    min_pods: int
    pod_rps: float
    expected_ms: float
    release: tuple[int, int, int]


@dataclass(frozen=True)
class Fleet:
    """`services` by name, callers before callees; `visits[g][s]` requests reach s for each one that enters at g."""

    services: dict[str, Service]
    visits: dict[str, dict[str, float]]

    @cached_property
    def gateways(self) -> tuple[Service, ...]:
        return tuple(service for service in self.services.values() if service.ingress_rps > 0)


def build_fleet(services: int = 30, seed: int = 1, rps_factor: float = 1.0) -> Fleet:
    """A fleet of `services` services answering about ``1000 × rps_factor`` requests a second together.

    Raises UserError for a number outside 1…500 or a factor that is not positive.
    """
    if not 1 <= services <= MAX_SERVICES:
        raise UserError("bad_fleet", f"a fleet has 1 to {MAX_SERVICES} services, not {services}")
    if not 0 < rps_factor <= 100:
        raise UserError("bad_fleet", f"the traffic factor lies in (0, 100], not {rps_factor}")
    blueprints = _ordered(_chosen(services))
    visits = {b.name: _visits_from(b.name, blueprints) for b in blueprints.values() if b.ingress}
    per_ingress = sum(blueprints[g].ingress * sum(reached.values()) for g, reached in visits.items())
    unit_rps = BASE_RPS * rps_factor / per_ingress
    expected_ms = _expected_ms(blueprints)
    rng = random.Random(f"{seed}/fleet")
    small = 2 if services <= 2 * len(DEFAULT_FLEET) else 1
    return Fleet(
        services={
            name: _service(
                blueprint,
                unit_rps=unit_rps,
                rps=unit_rps * sum(blueprints[g].ingress * reached[name] for g, reached in visits.items()),
                min_pods=small,
                rps_factor=rps_factor,
                expected_ms=expected_ms[name],
                release=(rng.randint(1, 4), rng.randint(0, 20), rng.randint(0, 6)),
            )
            for name, blueprint in blueprints.items()
        },
        visits=visits,
    )


def calls_per_request(service: Blueprint | Service) -> dict[str, float]:
    """Mean number of calls that one request to a service makes, by callee."""
    total = sum(route.weight for route in service.routes)
    mean: dict[str, float] = {}
    for route in service.routes:
        for call in route.calls:
            mean[call.service] = mean.get(call.service, 0.0) + call.share * route.weight / total
    return mean


def _chosen(services: int) -> list[Blueprint]:
    """The first `services` blueprints; calls to services that are left out are dropped from their routes."""
    chosen = [*DEFAULT_FLEET, *_extras(services - len(DEFAULT_FLEET))][:services]
    present = {blueprint.name for blueprint in chosen}
    return [_restricted(blueprint, present) for blueprint in chosen]


def _restricted(blueprint: Blueprint, present: set[str]) -> Blueprint:
    routes = tuple(
        Route(route.method, route.path, route.weight, tuple(c for c in route.calls if c.service in present))
        for route in blueprint.routes
    )
    return Blueprint(
        blueprint.name,
        blueprint.namespace,
        blueprint.role,
        blueprint.median_ms,
        blueprint.sigma,
        routes,
        blueprint.ingress,
    )


def _extras(wanted: int) -> list[Blueprint]:
    """At least `wanted` more services behind one gateway; as many domains as needed, evenly grown."""
    if wanted <= 0:
        return []
    domains = EXTRA_DOMAINS[: max(1, min(len(EXTRA_DOMAINS), wanted // 4))]
    apis = [
        gateway(
            "app-gateway", EXTRA_INGRESS, *(Route("GET", f"/app/{d}", 1.0, (needs(f"{d}-api"),)) for _, d in domains)
        )
    ]
    parts = [
        (namespace, domain, part, role, median) for part, role, median in EXTRA_PARTS for namespace, domain in domains
    ][: wanted - 1]
    siblings: dict[str, list[Call]] = {}
    for _, domain, part, role, _ in parts:
        if part != "api":
            name = f"{domain}-{part}"
            siblings.setdefault(domain, []).append(needs(name, 0.5) if role == "store" else wants(name, 0.3))
    return apis + [
        Blueprint(f"{domain}-{part}", namespace, role, median, 0.5, _extra_routes(domain, part, role, siblings))
        for namespace, domain, part, role, median in parts
    ]


def _extra_routes(domain: str, part: str, role: Role, siblings: dict[str, list[Call]]) -> tuple[Route, ...]:
    if part == "api":
        return (
            Route("GET", f"/v1/{domain}/{{id}}", 3.0, tuple(siblings.get(domain, ()))),
            Route("POST", f"/v1/{domain}", 1.0),
        )
    if role == "store":
        return (Route("POST", "/query", 5.0), Route("POST", "/execute", 1.0))
    return (Route("POST", f"/v1/{part}", 1.0),)


def _ordered(blueprints: list[Blueprint]) -> dict[str, Blueprint]:
    """By name, callers before callees. Raises CycleError when services call each other in a circle."""
    by_name = {blueprint.name: blueprint for blueprint in blueprints}
    callees = {name: list(calls_per_request(blueprint)) for name, blueprint in by_name.items()}
    return {name: by_name[name] for name in reversed(list(TopologicalSorter(callees).static_order()))}


def _visits_from(entry: str, blueprints: dict[str, Blueprint]) -> dict[str, float]:
    visits = dict.fromkeys(blueprints, 0.0)
    visits[entry] = 1.0
    for name, blueprint in blueprints.items():
        for callee, calls in calls_per_request(blueprint).items():
            visits[callee] += visits[name] * calls
    return visits


def _expected_ms(blueprints: dict[str, Blueprint]) -> dict[str, float]:
    expected: dict[str, float] = {}
    for name, blueprint in reversed(blueprints.items()):
        own = blueprint.median_ms * exp(blueprint.sigma**2 / 2)
        expected[name] = own + sum(calls * expected[callee] for callee, calls in calls_per_request(blueprint).items())
    return expected


def _service(
    blueprint: Blueprint,
    *,
    unit_rps: float,
    rps: float,
    min_pods: int,
    rps_factor: float,
    expected_ms: float,
    release: tuple[int, int, int],
) -> Service:
    weights = [route.weight for route in blueprint.routes]
    pods = min(9, max(min_pods, round(1 + sqrt(rps / rps_factor / 10))))
    return Service(
        name=blueprint.name,
        namespace=blueprint.namespace,
        role=blueprint.role,
        mu=log(blueprint.median_ms),
        sigma=blueprint.sigma,
        routes=blueprint.routes,
        route_bounds=tuple(bound / sum(weights) for bound in accumulate(weights)),
        ingress_rps=blueprint.ingress * unit_rps,
        rps=rps,
        pods=pods,
        min_pods=min_pods,
        pod_rps=max(rps, 1e-9) / (pods - 0.4),
        expected_ms=expected_ms,
        release=release,
    )
