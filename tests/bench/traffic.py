"""Bodies like an agent's, and gauges that do not merge, in our own JSON, in OTLP's protobuf and in Prometheus'."""

import json
import random
import time
from collections.abc import Sequence
from typing import Any

import cramjam
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Gauge, Metric, NumberDataPoint
from vantage_collector.decode.protobuf import declare

METRICS_A_BODY = 1000
_WRITE = declare(
    "bench",
    {
        "WriteRequest": ("repeated TimeSeries timeseries = 1",),
        "TimeSeries": ("repeated Label labels = 1", "repeated Sample samples = 2"),
        "Label": ("string name = 1", "string value = 2"),
        "Sample": ("double value = 1", "int64 timestamp = 2"),
    },
)
"""Prometheus' messages, as far as a sender of plain samples needs them."""


def gauge_bodies(number: int, seed: int = 1, metrics: int = METRICS_A_BODY) -> list[bytes]:
    """Gauges of 20 services, 50 metric names, four tags. Gauges are stored one row each."""
    return [_batch(service, gauges) for service, gauges in _gauges(number, seed, metrics)]


def otlp_gauge_bodies(number: int, seed: int = 1, metrics: int = METRICS_A_BODY) -> list[bytes]:
    """The same gauges as `gauge_bodies`, one data point each, as an SDK groups them: by resource, scope and metric."""
    return [_otlp(service, gauges) for service, gauges in _gauges(number, seed, metrics)]


def remote_write_bodies(number: int, seed: int = 1, samples: int = METRICS_A_BODY) -> list[bytes]:
    """The same gauges as Prometheus writes them remotely: one sample a series, in snappy's block format."""
    return [_write(service, gauges) for service, gauges in _gauges(number, seed, samples)]


def request_bodies(number: int, seed: int = 1, metrics: int = METRICS_A_BODY) -> list[bytes]:
    """Request durations: one service a body, eight routes, log-normal durations, 2 % errors."""
    rng = random.Random(seed)
    now = int(time.time() * 1000)
    bodies = []
    for index in range(number):
        samples = []
        for _ in range(metrics):
            duration = rng.lognormvariate(3, 0.6)
            samples.append(
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
        bodies.append(_batch(f"service-{index % 20:02d}", samples))
    return bodies


def _gauges(number: int, seed: int, metrics: int) -> list[tuple[str, list[dict[str, Any]]]]:
    rng = random.Random(seed)
    now = int(time.time() * 1000)
    return [
        (
            f"service-{index % 20:02d}",
            [
                {
                    "timestamp": now - rng.randrange(3_600_000),
                    "service_name": f"service-{index % 20:02d}",
                    "metric_name": f"runtime.metric.{rng.randrange(50)}",
                    "metric_type": "gauge",
                    "value": rng.gauss(100, 15),
                    "tags": {"region": rng.choice("abc"), "zone": rng.choice("123"), "version": "1.4.2", "tier": "web"},
                }
                for _ in range(metrics)
            ],
        )
        for index in range(number)
    ]


def _batch(service: str, metrics: Sequence[dict[str, Any]]) -> bytes:
    head = {"service_name": service, "environment": "bench", "agent_version": "bench", "instance": "bench-1"}
    return json.dumps({**head, "metrics": metrics}).encode()


def _otlp(service: str, gauges: Sequence[dict[str, Any]]) -> bytes:
    request = ExportMetricsServiceRequest()
    resource = request.resource_metrics.add()
    about = {"service.name": service, "service.instance.id": "bench-1", "deployment.environment.name": "bench"}
    resource.resource.attributes.extend(_attributes(about))
    scope = resource.scope_metrics.add()
    scope.scope.name = "bench"
    points: dict[str, list[NumberDataPoint]] = {}
    for gauge in gauges:
        point = NumberDataPoint(
            time_unix_nano=gauge["timestamp"] * 1_000_000,
            as_double=gauge["value"],
            attributes=_attributes(gauge["tags"]),
        )
        points.setdefault(gauge["metric_name"], []).append(point)
    scope.metrics.extend(Metric(name=name, gauge=Gauge(data_points=found)) for name, found in points.items())
    return bytes(request.SerializeToString())


def _write(service: str, gauges: Sequence[dict[str, Any]]) -> bytes:
    request = _WRITE["WriteRequest"]()
    for gauge in gauges:
        series = request.timeseries.add()
        name = gauge["metric_name"].replace(".", "_")
        labels = {"__name__": name, "instance": "bench-1", "job": service, **gauge["tags"]}
        for key, value in sorted(labels.items()):
            series.labels.add(name=key, value=value)
        series.samples.add(value=gauge["value"], timestamp=gauge["timestamp"])
    return bytes(cramjam.snappy.compress_raw(request.SerializeToString()))


def _attributes(values: dict[str, str]) -> list[KeyValue]:
    return [KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in values.items()]
