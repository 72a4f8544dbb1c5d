"""OTLP/JSON as msgspec reads it: the same fields under the same names as the protobuf messages, with their defaults.

What differs from protobuf's own JSON: ids are hex, enums are numbers, unknown fields are ignored (OTLP 1.x, "JSON
Protobuf Encoding"). 64-bit numbers come as strings or as numbers. Attributes stay undecoded here as they do in
otlp.py, for the same reason.
"""

from base64 import b64decode
from binascii import Error as Base64Error
from typing import Any

import msgspec


class _Message(msgspec.Struct, rename="camel"):
    """A message that answers the two questions that readers ask a protobuf message about its fields."""

    def HasField(self, name: str) -> bool:  # protobuf's own name
        return getattr(self, name) is not None

    def WhichOneof(self, _: str) -> str | None:  # protobuf's own name
        """The first field that is set, where all of them are None by default."""
        return next((name for name in self.__struct_fields__ if getattr(self, name) is not None), None)


class ArrayValue(_Message):
    values: "list[AnyValue]" = []


class KeyValueList(_Message):
    values: "list[KeyValue]" = []


class AnyValue(_Message):
    string_value: str | None = None
    bool_value: bool | None = None
    int_value: int | None = None
    double_value: float | None = None
    array_value: ArrayValue | None = None
    kvlist_value: KeyValueList | None = None
    bytes_value: str | None = None


class KeyValue(_Message):
    key: str = ""
    value: AnyValue = msgspec.field(default_factory=AnyValue)


Attributes = list[msgspec.Raw]


class Resource(_Message):
    attributes: Attributes = []


class Scope(_Message):
    name: str = ""
    version: str = ""


class Exemplar(_Message):
    as_double: float = 0.0
    as_int: int = 0
    trace_id: str = ""
    span_id: str = ""


class NumberDataPoint(_Message):
    attributes: Attributes = []
    start_time_unix_nano: int = 0
    time_unix_nano: int = 0
    as_double: float | None = None
    as_int: int | None = None
    exemplars: list[Exemplar] = []
    flags: int = 0

    def WhichOneof(self, _: str) -> str | None:  # protobuf's own name
        if self.as_double is not None:
            return "as_double"
        return None if self.as_int is None else "as_int"


class HistogramDataPoint(_Message):
    attributes: Attributes = []
    start_time_unix_nano: int = 0
    time_unix_nano: int = 0
    count: int = 0
    sum: float | None = None
    bucket_counts: list[int] = []
    explicit_bounds: list[float] = []
    exemplars: list[Exemplar] = []
    flags: int = 0
    min: float | None = None
    max: float | None = None


class Buckets(_Message):
    offset: int = 0
    bucket_counts: list[int] = []


class ExponentialHistogramDataPoint(_Message):
    attributes: Attributes = []
    start_time_unix_nano: int = 0
    time_unix_nano: int = 0
    count: int = 0
    sum: float | None = None
    scale: int = 0
    zero_count: int = 0
    positive: Buckets = msgspec.field(default_factory=Buckets)
    negative: Buckets = msgspec.field(default_factory=Buckets)
    flags: int = 0
    exemplars: list[Exemplar] = []
    min: float | None = None
    max: float | None = None
    zero_threshold: float = 0.0


class Quantile(_Message):
    quantile: float = 0.0
    value: float = 0.0


class SummaryDataPoint(_Message):
    attributes: Attributes = []
    start_time_unix_nano: int = 0
    time_unix_nano: int = 0
    count: int = 0
    sum: float = 0.0
    quantile_values: list[Quantile] = []
    flags: int = 0


class Gauge(_Message):
    data_points: list[NumberDataPoint] = []


class Sum(_Message):
    data_points: list[NumberDataPoint] = []
    aggregation_temporality: int = 0
    is_monotonic: bool = False


class Histogram(_Message):
    data_points: list[HistogramDataPoint] = []
    aggregation_temporality: int = 0


class ExponentialHistogram(_Message):
    data_points: list[ExponentialHistogramDataPoint] = []
    aggregation_temporality: int = 0


class Summary(_Message):
    data_points: list[SummaryDataPoint] = []


class Metric(_Message):
    name: str = ""
    unit: str = ""
    gauge: Gauge | None = None
    sum: Sum | None = None
    histogram: Histogram | None = None
    exponential_histogram: ExponentialHistogram | None = None
    summary: Summary | None = None

    def WhichOneof(self, _: str) -> str | None:  # protobuf's own name
        kinds = ("gauge", "sum", "histogram", "exponential_histogram", "summary")
        return next((kind for kind in kinds if getattr(self, kind) is not None), None)


class ScopeMetrics(_Message):
    scope: Scope = msgspec.field(default_factory=Scope)
    metrics: list[Metric] = []


class ResourceMetrics(_Message):
    resource: Resource = msgspec.field(default_factory=Resource)
    scope_metrics: list[ScopeMetrics] = []


class MetricsRequest(_Message):
    resource_metrics: list[ResourceMetrics] = []


class Event(_Message):
    time_unix_nano: int = 0
    name: str = ""
    attributes: Attributes = []


class Link(_Message):
    trace_id: str = ""
    span_id: str = ""


class Status(_Message):
    message: str = ""
    code: int = 0


class Span(_Message):
    trace_id: str = ""
    span_id: str = ""
    trace_state: str = ""
    parent_span_id: str | None = ""
    flags: int = 0
    name: str = ""
    kind: int = 0
    start_time_unix_nano: int = 0
    end_time_unix_nano: int = 0
    attributes: Attributes = []
    events: list[Event] = []
    links: list[Link] = []
    status: Status = msgspec.field(default_factory=Status)


class ScopeSpans(_Message):
    scope: Scope = msgspec.field(default_factory=Scope)
    spans: list[Span] = []


class ResourceSpans(_Message):
    resource: Resource = msgspec.field(default_factory=Resource)
    scope_spans: list[ScopeSpans] = []


class TracesRequest(_Message):
    resource_spans: list[ResourceSpans] = []


class LogRecord(_Message):
    time_unix_nano: int = 0
    observed_time_unix_nano: int = 0
    severity_number: int = 0
    severity_text: str = ""
    body: AnyValue = msgspec.field(default_factory=AnyValue)
    attributes: Attributes = []
    trace_id: str = ""
    span_id: str = ""
    event_name: str = ""


class ScopeLogs(_Message):
    scope: Scope = msgspec.field(default_factory=Scope)
    log_records: list[LogRecord] = []


class ResourceLogs(_Message):
    resource: Resource = msgspec.field(default_factory=Resource)
    scope_logs: list[ScopeLogs] = []


class LogsRequest(_Message):
    resource_logs: list[ResourceLogs] = []


_KEY_VALUE = msgspec.json.Decoder(KeyValue, strict=False)


def key_value(raw: Any) -> KeyValue:
    """An attribute from its bytes. Raises ValueError."""
    return _KEY_VALUE.decode(raw)


def octets(text: str) -> bytes:
    """A bytes value, which OTLP/JSON leaves in base64 as protobuf's JSON has it. Raises ValueError."""
    try:
        return b64decode(text, validate=True)
    except Base64Error as error:
        raise ValueError(str(error)) from None
