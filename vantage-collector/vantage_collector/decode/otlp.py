"""OTLP/HTTP and OTLP/gRPC bodies to rows, and the answers: the one place that knows OpenTelemetry's messages.

The messages are OpenTelemetry's own descriptors with one change: what is nested in them many times stays undecoded
until it is asked for (see protobuf.py). A batch repeats its attributes in every point, so they are looked up by their
bytes, which saves most of the time; and messages can be counted before each of them takes its room in memory.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import msgspec
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2
from vantage_common.block import Kind
from vantage_common.errors import UserError
from vantage_common.model import LogRecord, Sample, Span

from vantage_collector.decode import otlp_json
from vantage_collector.decode.check import Window
from vantage_collector.decode.otlp_logs import LogReader
from vantage_collector.decode.otlp_metrics import MetricReader
from vantage_collector.decode.otlp_reader import MAX_ITEM_BYTES, MAX_NESTING, Wire, too_many_rows
from vantage_collector.decode.otlp_spans import SpanReader
from vantage_collector.decode.protobuf import message_classes
from vantage_collector.decode.refused import Refused

Encoding = Literal["protobuf", "json"]
MEDIA_TYPES: dict[Encoding, str] = {"protobuf": "application/x-protobuf", "json": "application/json"}

EXPORTS: dict[Kind, str] = {
    "metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    "spans": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
}
"""The method of gRPC that takes in each kind."""
PATHS: dict[Kind, str] = {"metrics": "/v1/metrics", "spans": "/v1/traces", "logs": "/v1/logs"}

_FILES = (
    common_pb2,
    resource_pb2,
    metrics_pb2,
    trace_pb2,
    logs_pb2,
    metrics_service_pb2,
    trace_service_pb2,
    logs_service_pb2,
)
_UNDECODED = frozenset(
    {"attributes", "metadata", "entity_refs", "resource_metrics", "scope_metrics", "metrics", "data_points"}
    | {"resource_spans", "scope_spans", "spans", "resource_logs", "scope_logs", "log_records"}
)
"""Fields that are the bytes of each message in them."""


def _all_messages(messages: Sequence[DescriptorProto]) -> Iterator[DescriptorProto]:
    for message in messages:
        yield message
        yield from _all_messages(message.nested_type)


def _undecoded() -> dict[str, type[Any]]:
    """OpenTelemetry's messages by their names, with the fields named above undecoded."""
    pool = DescriptorPool()
    names = []
    for file in _FILES:
        proto = FileDescriptorProto.FromString(file.DESCRIPTOR.serialized_pb)
        names += [f"{proto.package}.{message.name}" for message in proto.message_type]
        for message in _all_messages(proto.message_type):
            for field in message.field:
                if field.name in _UNDECODED:
                    field.type = FieldDescriptorProto.TYPE_BYTES
                    field.ClearField("type_name")
        pool.Add(proto)
    return message_classes(pool, names)


_CLASSES = _undecoded()
_KEY_VALUE = _CLASSES["KeyValue"]
_REQUESTS: dict[Kind, type[Any]] = {
    "metrics": _CLASSES["ExportMetricsServiceRequest"],
    "spans": _CLASSES["ExportTraceServiceRequest"],
    "logs": _CLASSES["ExportLogsServiceRequest"],
}
_JSON_REQUESTS: dict[Kind, msgspec.json.Decoder[Any]] = {
    "metrics": msgspec.json.Decoder(otlp_json.MetricsRequest, strict=False),
    "spans": msgspec.json.Decoder(otlp_json.TracesRequest, strict=False),
    "logs": msgspec.json.Decoder(otlp_json.LogsRequest, strict=False),
}
MAX_JSON_OBJECTS = 1_500_000
"""Braces of a body, counted before it is decoded: an honest one of 20 MiB has half as many."""
_JSON_FIRST_KEY = re.compile(rb'\s*\{\s*"(resourceMetrics|resourceSpans|resourceLogs)"\s*:')
_KIND_OF_KEY: dict[bytes, Kind] = {b"resourceMetrics": "metrics", b"resourceSpans": "spans", b"resourceLogs": "logs"}


@dataclass(frozen=True, slots=True)
class Taken:
    """What a request holds: `items` points, spans or log records were taken, the others refused."""

    items: int
    refused: Refused
    samples: Sequence[Sample] = ()
    spans: Sequence[Span] = ()
    logs: Sequence[LogRecord] = ()


def json_kind(body: bytes) -> Kind | None:
    """What an OTLP/JSON body holds, by its first key; None when it is none. Reads no further than that key."""
    found = _JSON_FIRST_KEY.match(body)
    return _KIND_OF_KEY[found[1]] if found else None


def decode_otlp(kind: Kind, encoding: Encoding, body: bytes, window: Window, now_ms: int) -> Taken:
    """The rows of a request. Raises UserError: 400 when it is none, 413 when it makes too many rows."""
    request = _protobuf_request(kind, body) if encoding == "protobuf" else _json_request(kind, body)
    wire: Wire = _PROTOBUF if encoding == "protobuf" else _JSON
    try:
        return _read(kind, wire, request, window, now_ms)
    except DecodeError as error:
        raise _no_protobuf(kind, error) from None


def _read(kind: Kind, wire: Wire, request: Any, window: Window, now_ms: int) -> Taken:
    if kind == "metrics":
        metrics = MetricReader(wire, window)
        metrics.read(request)
        return Taken(metrics.items, metrics.refused, samples=metrics.samples)
    if kind == "spans":
        spans = SpanReader(wire, window)
        spans.read(request)
        return Taken(len(spans.spans), spans.refused, spans=spans.spans)
    logs = LogReader(wire, window, now_ms)
    logs.read(request)
    return Taken(len(logs.logs), logs.refused, logs=logs.logs)


def encode_answer(kind: Kind, encoding: Encoding, refused: Refused) -> bytes:
    """The body of the answer 200, with `partial_success` when something was refused."""
    if encoding == "json":
        if not refused.items:
            return b"{}"
        told = {_REJECTED[kind][1]: str(refused.items), "errorMessage": refused.message()}
        return msgspec.json.encode({"partialSuccess": told})
    answer = _ANSWERS[kind]()
    if refused.items:
        setattr(answer.partial_success, _REJECTED[kind][0], refused.items)
        answer.partial_success.error_message = refused.message()
    return bytes(answer.SerializeToString())


_REJECTED: dict[Kind, tuple[str, str]] = {
    "metrics": ("rejected_data_points", "rejectedDataPoints"),
    "spans": ("rejected_spans", "rejectedSpans"),
    "logs": ("rejected_log_records", "rejectedLogRecords"),
}
"""The field that counts what was refused, and its name in JSON."""
_ANSWERS: dict[Kind, type[Any]] = {
    "metrics": metrics_service_pb2.ExportMetricsServiceResponse,
    "spans": trace_service_pb2.ExportTraceServiceResponse,
    "logs": logs_service_pb2.ExportLogsServiceResponse,
}


def _protobuf_request(kind: Kind, body: bytes) -> Any:
    try:
        return _REQUESTS[kind].FromString(body)
    except DecodeError as error:
        raise _no_protobuf(kind, error) from None


def _no_protobuf(kind: Kind, error: DecodeError) -> UserError:
    return UserError("invalid_protobuf", f"the body is no {_REQUESTS[kind].DESCRIPTOR.name}: {error}")


def _json_request(kind: Kind, body: bytes) -> Any:
    if body.count(b"{") > MAX_JSON_OBJECTS:
        raise too_many_rows()
    try:
        return _JSON_REQUESTS[kind].decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise UserError("invalid_json", f"the body is no OTLP/JSON: {error}") from None


class _ProtobufWire:
    def parser(self, message: str) -> Callable[[bytes], Any]:
        parse: Callable[[bytes], Any] = _CLASSES[message].FromString
        return parse

    def small(self, items: Any) -> Sequence[Any]:
        taken: Sequence[Any] = items
        if not items or max(map(len, items)) <= MAX_ITEM_BYTES:
            return taken
        return [item for item in items if len(item) <= MAX_ITEM_BYTES]

    def raws(self, attributes: Any) -> tuple[bytes, ...]:
        return tuple(attributes)

    def attribute(self, raw: bytes) -> tuple[str, object]:
        try:
            pair = _KEY_VALUE.FromString(raw)
        except DecodeError as error:
            raise ValueError(str(error)) from None
        return pair.key, self.plain(pair.value)

    def plain(self, value: Any) -> object:
        return _plain(value, bytes, MAX_NESTING)

    def hex(self, id_: bytes, digits: int) -> str:
        return id_.hex() if len(id_) * 2 == digits and any(id_) else ""


class _JsonWire:
    def parser(self, _: str) -> Callable[[Any], Any]:
        return _as_it_is

    def small(self, items: Any) -> Sequence[Any]:
        """All: JSON spends a brace on every message, and those have been counted."""
        taken: Sequence[Any] = items
        return taken

    def raws(self, attributes: Any) -> tuple[bytes, ...]:
        return tuple(map(bytes, attributes))

    def attribute(self, raw: bytes) -> tuple[str, object]:
        try:
            pair = otlp_json.key_value(raw)
        except (msgspec.DecodeError, RecursionError) as error:
            raise ValueError(str(error)) from None
        return pair.key, self.plain(pair.value)

    def plain(self, value: Any) -> object:
        return _plain(value, otlp_json.octets, MAX_NESTING)

    def hex(self, id_: str | None, digits: int) -> str:
        text = (id_ or "").lower()
        return text if len(text) == digits and _HEX.fullmatch(text) and text.strip("0") else ""


def _as_it_is(message: Any) -> Any:
    return message


_HEX = re.compile(r"[0-9a-f]+")
_PROTOBUF = _ProtobufWire()
_JSON = _JsonWire()
Octets: TypeAlias = Callable[[Any], bytes]


def _plain(value: Any, octets: Octets, depth: int) -> object:
    """An AnyValue as Python has it; what is nested deeper than `depth` is left out. Raises ValueError."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    held = getattr(value, kind)
    if kind == "bytes_value":
        return octets(held)
    if kind not in ("array_value", "kvlist_value"):
        return held if isinstance(held, str | bool | int | float) else None
    if depth == 0:
        return "…"
    if kind == "array_value":
        return [_plain(item, octets, depth - 1) for item in held.values]
    return {pair.key: _plain(pair.value, octets, depth - 1) for pair in held.values}
