"""The shapes of the native JSON batches, as msgspec reads them; `null` means that a field was left out."""

from typing import Literal, TypeAlias

import msgspec
from vantage_common.model import MetricType, SpanStatus

Scalar: TypeAlias = str | bool | int | float | None
SpanKind = Literal["server", "client", "internal", "producer", "consumer"]


class BatchFields(msgspec.Struct, kw_only=True):
    """What every native batch may say once for all its items; an item's own word wins.

    `batch_id` names the batch, so that a batch sent again after a lost answer is stored once; `spans_sent` says that
    the sender sends the spans of its durations itself.
    """

    service_name: str | None = None
    environment: str | None = None
    instance: str | None = None
    agent_version: str | None = None
    batch_id: str | None = None
    spans_sent: bool | None = None


class MetricItem(msgspec.Struct, kw_only=True, gc=False):
    """`count` observations with the mean `value`, the last of them at `timestamp` (ms). A counter is a delta."""

    timestamp: int | float
    metric_name: str
    metric_type: MetricType
    value: float
    service_name: str | None = None
    tags: dict[str, str] | None = None
    endpoint: str | None = None
    method: str | None = None
    status_code: int | None = None
    duration_ms: float | None = None
    trace_id: str | None = None
    span_id: str | None = None
    count: int | None = None
    environment: str | None = None
    instance: str | None = None


class SpanItem(msgspec.Struct, kw_only=True, gc=False):
    """One operation of a trace, from `start_time` (ms) on."""

    trace_id: str
    span_id: str
    name: str
    start_time: int | float
    duration_ms: float
    kind: SpanKind = "internal"
    status: SpanStatus = "unset"
    service_name: str | None = None
    parent_span_id: str | None = None
    caller: str | None = None
    attributes: dict[str, Scalar] | None = None
    environment: str | None = None
    instance: str | None = None


class LogItem(msgspec.Struct, kw_only=True, gc=False):
    """One log line at `timestamp` (ms)."""

    timestamp: int | float
    severity: str
    body: str
    service_name: str | None = None
    attributes: dict[str, Scalar] | None = None
    trace_id: str | None = None
    span_id: str | None = None
    environment: str | None = None
    instance: str | None = None


class MetricBatch(BatchFields, kw_only=True):
    """Body of POST /v1/metrics."""

    metrics: list[MetricItem]


class SpanBatch(BatchFields, kw_only=True):
    """Body of POST /v1/traces."""

    spans: list[SpanItem]


class LogBatch(BatchFields, kw_only=True):
    """Body of POST /v1/logs."""

    logs: list[LogItem]


Item: TypeAlias = MetricItem | SpanItem | LogItem
