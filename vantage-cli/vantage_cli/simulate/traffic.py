"""Requests: every one that enters at a gateway is walked through the fleet, so counts, durations and errors agree.

A callee's requests are exactly the calls its callers made, a caller's duration holds its callees', and a failure
reaches as far up as it would. `requests_in` is a pure function of the fleet's state and its generator.
"""

import random
from bisect import bisect
from dataclasses import dataclass
from math import exp
from typing import Literal

from vantage_cli.simulate.blueprint import Route
from vantage_cli.simulate.fleet import Fleet, Service
from vantage_cli.simulate.scenario import FleetState, Pod

INGRESS_TIMEOUT_MS = 4000.0
CALL_TIMEOUT_MS = 1500.0
NETWORK_MS = 0.25
"""One way between two services."""
REFUSED_MS = 0.8
"""Time to learn that nobody listens."""
CLIENT_ERROR_RATE = 0.008
BEFORE_CALLS = 0.35
"""The part of a service's own work that it does before it calls others."""

Fault = Literal["", "internal", "timeout", "upstream_error", "upstream_timeout", "unreachable"]


@dataclass(slots=True, eq=False)
class Request:
    """One request as the service that answered it saw it. `start_ms` counts from the start of the simulated second;
    `parent` is the request on whose behalf it was made, None at the ingress.

    `fault` says why it failed; `culprit` names the callee that failed it, or, without a fault, the one that the
    answer had to do without.
    """

    service: Service
    pod: Pod
    route: Route
    parent: "Request | None"
    start_ms: float
    duration_ms: float = 0.0
    status: int = 200
    fault: Fault = ""
    culprit: str = ""

    @property
    def end_ms(self) -> float:
        return self.start_ms + self.duration_ms

    @property
    def failed(self) -> bool:
        return self.status >= 500

    @property
    def caller(self) -> str:
        return self.parent.service.name if self.parent else ""


def requests_in(fleet: Fleet, state: FleetState, rng: random.Random) -> list[list[Request]]:
    """What enters within one second: one list for each request from outside, itself first, then those it caused."""
    walks: list[list[Request]] = []
    for gateway in fleet.gateways:
        for _ in range(poisson(rng, state.ingress_rps[gateway.name])):
            walk: list[Request] = []
            _Walk(fleet, state, rng, walk).serve(gateway, None, rng.random() * 1000.0, INGRESS_TIMEOUT_MS)
            if walk:
                walks.append(walk)
    return walks


def poisson(rng: random.Random, mean: float) -> int:
    """A Poisson number: arrivals counted one exponential gap at a time, so the cost is the number itself."""
    count = 0
    elapsed = rng.expovariate(1.0)
    while elapsed < mean:
        count += 1
        elapsed += rng.expovariate(1.0)
    return count


@dataclass(slots=True)
class _Walk:
    fleet: Fleet
    state: FleetState
    rng: random.Random
    seen: list[Request]

    def serve(self, service: Service, parent: Request | None, start_ms: float, budget_ms: float) -> Request | None:
        """Answers one request within its caller's patience; None when no pod is there to answer."""
        state, draw = self.state.services[service.name], self.rng.random
        if not state.pods:
            return None
        pod = state.pods[int(draw() * len(state.pods))]
        route = service.routes[min(bisect(service.route_bounds, draw()), len(service.routes) - 1)]
        request = Request(service, pod, route, parent, start_ms)
        self.seen.append(request)
        own_ms = exp(self.rng.gauss(service.mu, service.sigma)) * state.latency_factor * pod.latency_factor
        request.status = 201 if route.method == "POST" and service.role == "service" else 200
        if draw() < CLIENT_ERROR_RATE:
            request.status = 404 if "{" in route.path else 400
            elapsed_ms = own_ms * BEFORE_CALLS
        elif draw() < state.error_rate + pod.error_rate:
            request.status, request.fault = 500, "internal"
            elapsed_ms = own_ms
        else:
            elapsed_ms = self._call_others(request, own_ms * BEFORE_CALLS, budget_ms)
            if not request.fault:
                elapsed_ms += own_ms * (1.0 - BEFORE_CALLS)
        if elapsed_ms >= budget_ms:
            elapsed_ms = budget_ms
            request.status, request.fault = 504, request.fault or "timeout"
        request.duration_ms = elapsed_ms
        return request

    def _call_others(self, request: Request, elapsed_ms: float, budget_ms: float) -> float:
        """Makes the route's calls one after the other until a critical one fails; the time that has then passed."""
        for call in request.route.calls:
            if call.share < 1.0 and self.rng.random() >= call.share:
                continue
            left_ms = budget_ms - elapsed_ms - 2 * NETWORK_MS
            if left_ms <= 0:
                break
            callee = self.fleet.services[call.service]
            answer = self.serve(
                callee, request, request.start_ms + elapsed_ms + NETWORK_MS, min(left_ms, CALL_TIMEOUT_MS)
            )
            elapsed_ms += REFUSED_MS if answer is None else answer.duration_ms + 2 * NETWORK_MS
            if answer is not None and not answer.failed:
                continue
            request.culprit = call.service
            if call.critical:
                request.status, request.fault = _blame(answer)
                break
        return elapsed_ms


def _blame(answer: Request | None) -> tuple[int, Fault]:
    if answer is None:
        return 503, "unreachable"
    return (504, "upstream_timeout") if answer.status == 504 else (502, "upstream_error")
