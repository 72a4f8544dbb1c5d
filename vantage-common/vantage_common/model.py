"""The wire rows, declared once: what the collector puts on the bus and the worker puts into the store.

A field here is a column of the table with the same name (``store/catalog.py``; a test compares the two).
Empty strings and zero mean "not given": ClickHouse columns are not nullable.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, TypeAlias

import msgspec

MetricType = Literal["counter", "gauge", "histogram", "summary"]
Temporality = Literal["delta", "cumulative"]
SpanStatus = Literal["ok", "error", "unset"]
PulseSource = Literal["metric", "span"]

Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
UInt16 = Annotated[int, msgspec.Meta(ge=0, le=2**16 - 1)]
Millis = Annotated[int, msgspec.Meta(ge=0, le=4_102_444_800_000)]
"""Milliseconds since the epoch, before the year 2100: what a DateTime64 column takes without wrapping."""

REQUEST_METRIC = "http.request.duration"
"""Inbound request duration in ms: the metric that health, pulses and the city are computed from."""


NAMESPACE_TAGS = ("namespace", "service.namespace", "k8s.namespace.name")
VERSION_TAGS = ("version", "service.version")
"""Labels by which a service names its namespace and its version; the first that is not empty counts."""


def first_of(labels: Mapping[str, str], names: Iterable[str]) -> str:
    """The first of these labels that is not empty, else an empty text."""
    return next((value for name in names if (value := labels.get(name))), "")


class Sample(msgspec.Struct, kw_only=True, gc=False):
    """`count` observations of one series whose mean is `value`, stamped with the last one's time (ms).

    A cumulative sample counts from `start_time` on (ms, 0 when its sender did not say), not from the one before it: a
    counter's `value` is the total so far, a histogram's row is one bucket, whose `count` is the total so far and whose
    `value` stands for the bucket and never changes. Readers difference such rows by series. A gauge has no temporality.
    """

    timestamp: Millis
    service_name: str
    metric_name: str
    metric_type: MetricType
    value: float
    count: Count = 1
    environment: str = ""
    instance: str = ""
    endpoint: str = ""
    method: str = ""
    status_code: UInt16 = 0
    tags: dict[str, str] = {}
    trace_id: str = ""
    span_id: str = ""
    temporality: Temporality = "delta"
    start_time: Millis = 0


class Span(msgspec.Struct, kw_only=True, gc=False):
    """One operation of a trace. `timestamp` is its start in ms, with a fraction; `caller` the calling service."""

    timestamp: Annotated[float, msgspec.Meta(ge=0, le=4_102_444_800_000)]
    trace_id: str
    span_id: str
    service_name: str
    name: str
    kind: str
    duration_ms: float
    status: SpanStatus
    parent_span_id: str = ""
    environment: str = ""
    instance: str = ""
    caller: str = ""
    attributes: dict[str, str] = {}


class LogRecord(msgspec.Struct, kw_only=True, gc=False):
    """One log line. `severity` is one of TRACE DEBUG INFO WARN ERROR FATAL."""

    timestamp: Millis
    service_name: str
    severity: str
    body: str
    environment: str = ""
    instance: str = ""
    attributes: dict[str, str] = {}
    trace_id: str = ""
    span_id: str = ""


Row: TypeAlias = Sample | Span | LogRecord


class Pulse(msgspec.Struct, kw_only=True, gc=False):
    """Requests that one instance of a service answered for one caller within one second of sample time.

    `durations` maps a logarithmic bin of γ = `PULSE_GAMMA` over milliseconds to a number of requests.
    """

    workspace: str
    service: str
    second: int
    count: int
    errors: int
    environment: str = ""
    namespace: str = ""
    caller: str = ""
    instance: str = ""
    version: str = ""
    source: PulseSource = "metric"
    durations: dict[int, int] = {}


PULSE_GAMMA = 1.02
"""Base of the pulses' and the rollups' logarithmic bins: quantiles read from them are within 1 %."""
