"""A fleet of 200 services in which one fails, and its callers with it: the same from the same seed."""

import random
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

ENVIRONMENT: Final = "production"
GATEWAYS, APPS, BACKENDS = 6, 54, 140
MAX_METRICS: Final = 1000
"""Of one request to the collector."""


@dataclass
class Fleet:
    """`calls` are (caller, service), the caller None for a client. Trouble travels from `cause` to its callers."""

    calls: list[tuple[str | None, str]]
    cause: str
    way: list[str] = field(default_factory=list)
    """From the gateway that clients see fail to the cause, without it."""

    @property
    def services(self) -> set[str]:
        return {service for _, service in self.calls}

    @property
    def sick(self) -> str:
        return self.way[0]

    def error_ratio(self, service: str) -> float:
        if service == self.cause:
            return 0.6
        return 0.35 if service in self.way else 0.0


def seeded(seed: int) -> Fleet:
    """Clients call gateways, these call apps, these call backends; everybody is called by somebody."""
    chance = random.Random(seed)
    gateways = [f"gateway-{n}" for n in range(GATEWAYS)]
    apps = [f"app-{n:02}" for n in range(APPS)]
    backends = [f"backend-{n:03}" for n in range(BACKENDS)]
    calls: list[tuple[str | None, str]] = [(None, gateway) for gateway in gateways]
    calls += [(chance.choice(gateways), app) for app in apps]
    calls += [(chance.choice(apps), backend) for backend in backends]
    cause = chance.choice(backends)
    fleet = Fleet(calls, cause)
    at: str | None = cause
    while at is not None:
        at = next(caller for caller, service in calls if service == at)
        if at is not None:
            fleet.way.insert(0, at)
    return fleet


def requests_of(fleet: Fleet, second: int, *, requests: int = 10, fails: bool = True) -> Iterator[dict[str, Any]]:
    """The request metric of every call within a second, failed and other requests apart."""
    for caller, service in fleet.calls:
        failed = round(requests * fleet.error_ratio(service)) if fails else 0
        for count, status in ((requests - failed, 200), (failed, 500)):
            if count == 0:
                continue
            yield {
                "timestamp": second * 1000,
                "service_name": service,
                "metric_name": "http.request.duration",
                "metric_type": "histogram",
                "value": 20.0,
                "count": count,
                "endpoint": "/work",
                "method": "GET",
                "status_code": status,
                "tags": {"namespace": service.split("-")[0]} | ({} if caller is None else {"caller": caller}),
            }


def send(collector: str, metrics: Iterable[dict[str, Any]]) -> None:
    rows = list(metrics)
    for start in range(0, len(rows), MAX_METRICS):
        part = rows[start : start + MAX_METRICS]
        batch = {"service_name": "fleet", "environment": ENVIRONMENT, "agent_version": "test", "metrics": part}
        httpx.post(f"{collector}/v1/metrics", json=batch, timeout=30).raise_for_status()


class Traffic:
    """Sends every second's requests while it is entered."""

    def __init__(self, collector: str, fleet: Fleet) -> None:
        self._collector = collector
        self._fleet = fleet
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Traffic":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)

    def _run(self) -> None:
        sent = int(time.time())
        while not self._stop.wait(0.2):
            for second in range(sent + 1, int(time.time()) + 1):
                send(self._collector, requests_of(self._fleet, second))
                sent = second
