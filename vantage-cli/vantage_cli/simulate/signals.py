"""What the pods report of one second: request metrics folded as an agent folds them, gauges, and sampled traces."""

import random
from collections.abc import Iterable, Mapping, Sequence
from math import ceil
from zlib import crc32

from vantage_common.logbins import bin_of
from vantage_common.model import REQUEST_METRIC

from vantage_cli.simulate.fleet import Fleet
from vantage_cli.simulate.scenario import FleetState
from vantage_cli.simulate.traffic import Request
from vantage_cli.simulate.wire import Emission, MetricItem, SpanItem

FOLD_GAMMA = 1.01
CPU_METRIC = "process.cpu.utilization"
MEMORY_METRIC = "process.memory.usage"
GAUGE_EVERY_S = 10
SAMPLED_TRACES = 4
"""Traces kept of a second, picked evenly; as many of its failed ones come on top, at most `FAILED_TRACES`."""
FAILED_TRACES = 2

Ids = Mapping[Request, tuple[str, str]]
"""Trace and span id of every request that belongs to a sampled trace."""


def sample_traces(walks: Sequence[Sequence[Request]], rng: random.Random, id_rng: random.Random) -> Ids:
    """Picks the traces to keep and names them. `rng` decides which, `id_rng` how they are called."""
    kept = rng.sample(walks, min(SAMPLED_TRACES, len(walks)))
    failed = [walk for walk in walks if walk[0].failed and walk not in kept]
    kept += rng.sample(failed, min(FAILED_TRACES, len(failed)))
    ids: dict[Request, tuple[str, str]] = {}
    for walk in kept:
        trace_id = f"{id_rng.getrandbits(128):032x}"
        for request in walk:
            ids[request] = trace_id, f"{id_rng.getrandbits(64):016x}"
    return ids


def request_metrics(requests: Iterable[Request], second_ms: int, ids: Ids) -> list[Emission]:
    """Durations of the same series that end in the same second and fall in the same logarithmic bin become one item:
    their exact mean, weighted by their number, at the last one's time, with one of their traces."""
    folds: dict[tuple[object, ...], _Fold] = {}
    for request in requests:
        caller = request.caller
        key = (
            request.pod.name,
            id(request.route),
            caller,
            request.status,
            int(request.end_ms // 1000),
            bin_of(request.duration_ms, FOLD_GAMMA),
        )
        fold = folds.get(key)
        if fold is None:
            folds[key] = fold = _Fold(request, caller)
        fold.add(request, ids)
    return [fold.emission(second_ms) for fold in folds.values()]


class _Fold:
    """Requests of one series, second and bin; the last to end stands for them."""

    __slots__ = ("_caller", "_count", "_ids", "_last", "_total_ms")

    def __init__(self, first: Request, caller: str) -> None:
        self._last = first
        self._caller = caller
        self._count = 0
        self._total_ms = 0.0
        self._ids: tuple[str, str] = ("", "")

    def add(self, request: Request, ids: Ids) -> None:
        self._count += 1
        self._total_ms += request.duration_ms
        self._ids = ids.get(request, self._ids)
        if request.end_ms > self._last.end_ms:
            self._last = request

    def emission(self, second_ms: int) -> Emission:
        request = self._last
        service = request.service
        tags = {"namespace": service.namespace, "version": request.pod.version}
        if self._caller:
            tags["caller"] = self._caller
        end_ms = second_ms + request.end_ms
        item = MetricItem(
            timestamp=int(end_ms),
            metric_name=REQUEST_METRIC,
            metric_type="histogram",
            value=round(self._total_ms / self._count, 4),
            count=self._count,
            endpoint=request.route.path,
            method=request.route.method,
            status_code=request.status,
            tags=tags,
            trace_id=self._ids[0],
            span_id=self._ids[1],
        )
        return Emission(end_ms, service.name, request.pod.name, item)


def gauges(fleet: Fleet, state: FleetState, second: int, second_ms: int, rng: random.Random) -> list[Emission]:
    """CPU (share of one core) and memory (bytes) of the pods whose turn it is: each once in `GAUGE_EVERY_S`."""
    emissions = []
    for name, service in state.services.items():
        tags = {"namespace": fleet.services[name].namespace}
        for pod in service.pods:
            identity = crc32(pod.name.encode())
            if (second + identity) % GAUGE_EVERY_S:
                continue
            timestamp = second_ms + identity // GAUGE_EVERY_S % 1000
            cpu = min(1.0, 0.08 + 0.6 * service.utilisation * rng.uniform(0.85, 1.15))
            memory = (
                (180 + identity % 420) * 2**20 * (1.0 + 0.25 * min(service.utilisation, 1.5) * rng.uniform(0.9, 1.1))
            )
            labelled = {**tags, "version": pod.version}
            for metric, value in ((CPU_METRIC, round(cpu, 4)), (MEMORY_METRIC, float(ceil(memory)))):
                item = MetricItem(timestamp, metric, "gauge", value, tags=labelled)
                emissions.append(Emission(float(timestamp), name, pod.name, item))
    return emissions


def spans(ids: Ids, second_ms: int) -> list[Emission]:
    """One server span for each request of a sampled trace, the child of its caller's."""
    return [_span(request, ids, second_ms) for request in ids]


def _span(request: Request, ids: Ids, second_ms: int) -> Emission:
    trace_id, span_id = ids[request]
    attributes = {
        "http.request.method": request.route.method,
        "http.route": request.route.path,
        "http.response.status_code": str(request.status),
        "service.version": request.pod.version,
        "service.namespace": request.service.namespace,
    }
    if request.fault:
        attributes["error.type"] = request.fault
    if request.culprit:
        attributes["peer.service"] = request.culprit
    item = SpanItem(
        service_name=request.service.name,
        instance=request.pod.name,
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=ids[request.parent][1] if request.parent else "",
        name=f"{request.route.method} {request.route.path}",
        kind="server",
        start_time=round(second_ms + request.start_ms, 3),
        duration_ms=round(request.duration_ms, 3),
        status="error" if request.failed else "ok",
        caller=request.caller,
        attributes=attributes,
    )
    return Emission(second_ms + request.end_ms, request.service.name, request.pod.name, item)
