"""Bodies like an agent's and gauges that do not merge, made once and sent over and over on one connection."""

import http.client
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing import Process, Queue
from urllib.parse import urlsplit

METRICS_A_BODY = 1000


def gauge_bodies(number: int, seed: int = 1) -> list[bytes]:
    """1000 gauges a body: 20 services, 50 metric names, four tags. Gauges are stored one row each."""
    rng = random.Random(seed)
    now = int(time.time() * 1000)
    bodies = []
    for index in range(number):
        metrics = [
            {
                "timestamp": now - rng.randrange(3_600_000),
                "service_name": f"service-{index % 20:02d}",
                "metric_name": f"runtime.metric.{rng.randrange(50)}",
                "metric_type": "gauge",
                "value": rng.gauss(100, 15),
                "tags": {"region": rng.choice("abc"), "zone": rng.choice("123"), "version": "1.4.2", "tier": "web"},
            }
            for _ in range(METRICS_A_BODY)
        ]
        bodies.append(_batch(f"service-{index % 20:02d}", metrics))
    return bodies


def request_bodies(number: int, seed: int = 1) -> list[bytes]:
    """1000 request durations a body: one service, eight routes, log-normal durations, 2 % errors."""
    rng = random.Random(seed)
    now = int(time.time() * 1000)
    bodies = []
    for index in range(number):
        metrics = []
        for _ in range(METRICS_A_BODY):
            duration = rng.lognormvariate(3, 0.6)
            metrics.append(
                {
                    "timestamp": now - rng.randrange(5000),
                    "service_name": f"service-{index % 20:02d}",
                    "metric_name": "http.request.duration",
                    "metric_type": "histogram",
                    "value": duration,
                    "duration_ms": duration,
                    "endpoint": f"/api/resource-{rng.randrange(8)}/{{id}}",
                    "method": "GET",
                    "status_code": 500 if rng.random() < 0.02 else 200,
                    "tags": {"caller": "gateway"},
                }
            )
        bodies.append(_batch(f"service-{index % 20:02d}", metrics))
    return bodies


def _batch(service: str, metrics: Sequence[dict[str, object]]) -> bytes:
    head = {"service_name": service, "environment": "bench", "agent_version": "bench", "instance": "bench-1"}
    return json.dumps({**head, "metrics": metrics}).encode()


@dataclass
class Sent:
    """What a run of senders saw: seconds it took, bodies answered 202, latencies in ms."""

    seconds: float
    accepted: int
    latencies_ms: list[float] = field(default_factory=list)

    def quantile(self, q: float) -> float:
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def send(url: str, bodies: Sequence[bytes], *, total: int, senders: int, cpu: int | None = None) -> Sent:
    """Posts `total` bodies from `senders` processes, each on one keep-alive connection, one request in flight."""
    results: Queue[tuple[int, list[float]]] = Queue()
    share = total // senders
    processes = [Process(target=_send, args=(url, bodies, share, n, cpu, results)) for n in range(senders)]
    begun = time.monotonic()
    for process in processes:
        process.start()
    answers = [results.get() for _ in processes]
    seconds = time.monotonic() - begun
    for process in processes:
        process.join()
    return Sent(seconds, sum(ok for ok, _ in answers), [ms for _, latencies in answers for ms in latencies])


def _send(
    url: str,
    bodies: Sequence[bytes],
    number: int,
    first: int,
    cpu: int | None,
    results: "Queue[tuple[int, list[float]]]",
) -> None:
    import os

    if cpu is not None:
        os.sched_setaffinity(0, {cpu})
    target = urlsplit(url)
    connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=60)
    accepted = 0
    latencies = []
    for index in range(number):
        body = bodies[(first + index) % len(bodies)]
        started = time.perf_counter()
        connection.request("POST", target.path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read()
        latencies.append((time.perf_counter() - started) * 1000)
        accepted += response.status == 202
    results.put((accepted, latencies))
