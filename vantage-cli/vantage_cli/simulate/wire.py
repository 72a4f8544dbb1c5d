"""The native batches of the collector's API, as a client writes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import msgspec

Signal = Literal["metrics", "traces", "logs"]
"""Also the last part of the path that takes it: ``POST /v1/{signal}``."""


class MetricItem(msgspec.Struct, omit_defaults=True):
    """`count` observations whose mean is `value`, the last at `timestamp` (ms). Whose they are, its batch says."""

    timestamp: int
    metric_name: str
    metric_type: str
    value: float
    count: int = 1
    endpoint: str = ""
    method: str = ""
    status_code: int = 0
    tags: dict[str, str] = {}
    trace_id: str = ""
    span_id: str = ""


class SpanItem(msgspec.Struct, omit_defaults=True):
    """`start_time` in ms with a fraction."""

    service_name: str
    instance: str
    trace_id: str
    span_id: str
    name: str
    kind: str
    start_time: float
    duration_ms: float
    status: str
    parent_span_id: str = ""
    caller: str = ""
    attributes: dict[str, str] = {}


class LogItem(msgspec.Struct, omit_defaults=True):
    """One line at `timestamp` (ms)."""

    service_name: str
    instance: str
    timestamp: int
    severity: str
    body: str
    attributes: dict[str, str] = {}
    trace_id: str = ""
    span_id: str = ""


Item: TypeAlias = MetricItem | SpanItem | LogItem


@dataclass(frozen=True, slots=True)
class Emission:
    """One item and the pod it comes from; nobody could send it before `ready_ms`."""

    ready_ms: float
    service: str
    instance: str
    item: Item


@dataclass(frozen=True, slots=True)
class Batch:
    """What is sent in one request. `service` and `instance` are empty where the items name their own."""

    signal: Signal
    service: str
    instance: str
    items: Sequence[Item]


_KEYS: dict[Signal, str] = {"metrics": "metrics", "traces": "spans", "logs": "logs"}
_encoder = msgspec.json.Encoder()


def signal_of(item: Item) -> Signal:
    if isinstance(item, MetricItem):
        return "metrics"
    return "traces" if isinstance(item, SpanItem) else "logs"


def encode_batch(batch: Batch, *, batch_id: str, environment: str, agent_version: str) -> bytes:
    """The JSON body of a batch."""
    body: dict[str, object] = {"environment": environment, "agent_version": agent_version, "batch_id": batch_id}
    if batch.service:
        body |= {"service_name": batch.service, "instance": batch.instance}
    if batch.signal == "metrics":
        # The traces worth keeping are sent as spans: exemplars on durations must not leave a second one.
        body["spans_sent"] = True
    body[_KEYS[batch.signal]] = batch.items
    return _encoder.encode(body)
