"""OTLP's resources, scopes and items to wire rows: pure, for protobuf and JSON alike.

The items are protobuf messages (otlp.py) or their JSON twins (otlp_json.py), which have the same fields; a `Wire` says
how the few things are read that the two encode differently. One bad item is counted in `Refused` and the others go on.

Series identity is kept: what a point says that has no column becomes a tag, and a point with too many tags is refused,
for a series that lost a tag would be another one. Spans and log lines have no identity, their long values are cut.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from math import inf, isfinite
from typing import Any, Literal, Protocol, TypeAlias

import msgspec
from msgspec import json
from vantage_common.errors import UserError
from vantage_common.model import REQUEST_METRIC, LogRecord, MetricType, Sample, Span, SpanStatus, Temporality

from vantage_collector.decode import buckets
from vantage_collector.decode.buckets import BadBuckets, Bucket
from vantage_collector.decode.check import (
    MAX_ATTRIBUTE_BYTES,
    MAX_LOG_BODY_BYTES,
    MAX_MAGNITUDE,
    MAX_TAGS,
    MAX_TEXT_BYTES,
    NAME,
    NAME_RULE,
    SEVERITIES,
    Window,
    text_fault,
)
from vantage_collector.decode.refused import Refused

MAX_ROWS = 250_000
"""Of one request: a body of 20 MiB can hold a million points, each of which takes more room here than there."""
MAX_PARTS = 250_000
"""Of one request: resources, scopes, metrics and items together, before any is decoded. An empty message is two bytes
on the wire and a hundred in memory, so they are counted first."""
MAX_ITEM_BYTES = 1024 * 1024
"""Of one point, span or log record, encoded: it may be a list of as many nothings."""
MAX_RESOURCE_ATTRIBUTES = 1000
MAX_ATTRIBUTES = 64
"""Of a span or a log line: the first ones are kept."""
MAX_EVENTS = 8
"""Of a span's events and links, each."""
MAX_NESTING = 16
MAX_STORED_COUNT = 2**63 - 1
UNKNOWN_SERVICE = "unknown_service"
"""What OpenTelemetry calls a service that has no name."""

DELTA, CUMULATIVE = 1, 2
_NO_RECORDED_VALUE = 1
_NS_PER_MS = 1_000_000

_UNITS_MS = {"s": 1000.0, "ms": 1.0, "us": 1e-3, "ns": 1e-6}
_REQUEST_METRICS = {"http.server.request.duration": 1000.0, "http.server.duration": 1.0}
"""OpenTelemetry's names of the request metric, and what makes them ms when their unit does not say."""

Role = Literal["tag", "endpoint", "method", "status", "nothing", "fault"]
_ROLES: dict[str, Role] = {
    "http.route": "endpoint",
    "http.request.method": "method",
    "http.method": "method",
    "http.response.status_code": "status",
    "http.status_code": "status",
}
"""The columns that attributes of a point go to; any other is a tag."""
_RENAMED = {"http.method": "http.request.method", "http.status_code": "http.response.status_code"}
_KINDS = ("internal", "internal", "server", "client", "producer", "consumer")
_STATUSES: tuple[SpanStatus, ...] = ("unset", "ok", "error")
_SEVERITY_STEPS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")

_INSTANCE = ("service.instance.id", "k8s.pod.name")
_ENVIRONMENT = ("deployment.environment.name", "deployment.environment")
_NO_TAGS = ("telemetry.", "process.", "os.", "host.id", "host.image", "host.cpu", "container.id", "container.image")
"""Resource attributes that describe a machine or a build, not what anybody groups by."""
_HTTP_STATUS = re.compile(r"[1-9][0-9]{2}")


class Wire(Protocol):
    """What protobuf and JSON encode differently."""

    def parser(self, message: str) -> Callable[[Any], Any]:
        """What makes a message of that name of one that is nested in another."""
        ...

    def small(self, items: Any) -> Sequence[Any]:
        """Those items that are no larger than `MAX_ITEM_BYTES`."""
        ...

    def raws(self, attributes: Any) -> tuple[bytes, ...]:
        """The attributes undecoded, each as its bytes."""
        ...

    def attribute(self, raw: bytes) -> tuple[str, object]:
        """Key and value of an undecoded attribute. Raises ValueError."""
        ...

    def plain(self, value: Any) -> object:
        """An AnyValue as Python has it. Raises ValueError."""
        ...

    def hex(self, id_: Any, digits: int) -> str:
        """An id in lower-case hex; empty when it is not one of that many digits, or all zeros."""
        ...


class Point(msgspec.Struct, frozen=True):
    """What a set of attributes says about a point."""

    tags: dict[str, str]
    endpoint: str = ""
    method: str = ""
    status_code: int = 0


@dataclass(frozen=True, slots=True)
class Origin:
    """What a resource says about everything that comes from it. `fault` is why nothing of it can be taken."""

    service: str
    instance: str
    environment: str
    tags: dict[str, str]
    fault: str = ""


Attributes: TypeAlias = tuple[bytes, ...]


class _Reader:
    """What the readers of the three signals share; one for each request."""

    def __init__(self, wire: Wire, window: Window) -> None:
        self.refused = Refused()
        self._wire = wire
        self._window = window
        self._attributes: dict[bytes, tuple[str, str]] = {}
        self._parts = 0

    def _each(self, message: str, nested: Any) -> Iterator[Any]:
        """The messages nested in another. Raises UserError 413."""
        self._count(len(nested))
        return map(self._wire.parser(message), nested)

    def _items(self, items: Any) -> Sequence[Any]:
        """Points, spans or log records, not yet parsed; the too large ones refused. Raises UserError 413."""
        self._count(len(items))
        small = self._wire.small(items)
        if len(small) < len(items):
            self.refused.add(f"an item of more than {MAX_ITEM_BYTES} bytes", len(items) - len(small))
        return small

    def _count(self, parts: int) -> None:
        self._parts += parts
        if self._parts > MAX_PARTS:
            raise too_many_rows()

    def _pairs(self, raws: Attributes) -> dict[str, str]:
        """Attributes as text, those without a value left out. Raises ValueError."""
        known = self._attributes
        found = {}
        for raw in raws:
            pair = known.get(raw)
            if pair is None:
                key, value = self._wire.attribute(raw)
                pair = known[raw] = (key, as_text(value)) if value is not None else ("", "")
            if pair[0]:
                found[pair[0]] = pair[1]
        return found

    def _origin(self, resource: Any) -> Origin:
        if len(resource.attributes) > MAX_RESOURCE_ATTRIBUTES:
            return Origin("", "", "", {}, f"a resource of more than {MAX_RESOURCE_ATTRIBUTES} attributes")
        try:
            told = self._pairs(self._wire.raws(resource.attributes))
        except ValueError:
            return Origin("", "", "", {}, "a resource attribute cannot be read")
        service = told.pop("service.name", "") or UNKNOWN_SERVICE
        if not NAME.fullmatch(service):
            return Origin("", "", "", {}, f"service.name {_shown(service)} {NAME_RULE}")
        environment = ""
        for name in _ENVIRONMENT:
            environment = environment or told.pop(name, "")
        instance = _instance(told)
        told.pop("service.instance.id", None)
        for text, name in ((environment, "deployment.environment.name"), (instance, "service.instance.id")):
            if fault := text_fault(text, MAX_TEXT_BYTES):
                return Origin("", "", "", {}, f"{name} {fault}")
        return Origin(service, instance, environment, told)

    def _in_window(self, at_ms: float) -> bool:
        return self._window.oldest_ms <= at_ms <= self._window.newest_ms

    def _time_fault(self, at_ms: float) -> str:
        if at_ms <= 0:
            return "the time is missing"
        if at_ms < self._window.oldest_ms:
            return f"the time is before {self._window.oldest_ms} ms, the oldest that is kept"
        return "the time is more than an hour ahead of our clock"

    def _texts(self, own: Mapping[str, str], origin: Origin) -> dict[str, str]:
        """The attributes of a span or a log line, its own first, and what its resource adds."""
        found: dict[str, str] = {}
        for pairs in (own, origin.tags):
            for key, value in pairs.items():
                if len(found) >= MAX_ATTRIBUTES:
                    return found
                if key not in found and text_fault(key, MAX_TEXT_BYTES) is None:
                    found[key] = cut(value, MAX_ATTRIBUTE_BYTES)
        return found


class MetricReader(_Reader):
    """Reads the points of a request into `samples`; `items` is how many points were taken."""

    def __init__(self, wire: Wire, window: Window) -> None:
        super().__init__(wire, window)
        self.samples: list[Sample] = []
        self.items = 0
        self._points: dict[Attributes, Point | str] = {}
        self._cumulative_points: dict[Attributes, Point | str] = {}
        self._ends: dict[tuple[float, ...], tuple[tuple[float, ...], list[float]]] = {}
        self._roles: dict[bytes, tuple[Role, str, str]] = {}
        self._origin_now = Origin("", "", "", {})
        self._scope = ""

    def read(self, request: Any) -> None:
        """Raises UserError 413 when the request has too many parts or makes too many rows."""
        for resource_metrics in self._each("ResourceMetrics", request.resource_metrics):
            origin = self._origin_now = self._origin(resource_metrics.resource)
            tags = _tags_of_resource(origin.tags)
            self._points = {}
            for scope_metrics in self._each("ScopeMetrics", resource_metrics.scope_metrics):
                self._scope = cut(scope_metrics.scope.name, MAX_TEXT_BYTES)
                self._cumulative_points = {}
                for metric in self._each("Metric", scope_metrics.metrics):
                    self._metric(metric, tags)

    def _metric(self, metric: Any, tags: Mapping[str, str]) -> None:
        kind = metric.WhichOneof("data")
        if kind is None:
            return
        data = getattr(metric, kind)
        points, name = self._items(data.data_points), metric.name
        factor = 1.0
        if name in _REQUEST_METRICS:
            factor = _UNITS_MS.get(metric.unit, _REQUEST_METRICS[name])
            name = REQUEST_METRIC
        temporality = getattr(data, "aggregation_temporality", CUMULATIVE) if kind != "gauge" else DELTA
        fault = self._origin_now.fault
        if not fault and not NAME.fullmatch(name):
            fault = f"the name {_shown(name)} {NAME_RULE}"
        if not fault and temporality not in (DELTA, CUMULATIVE):
            fault = f"{name}: the temporality is neither delta nor cumulative"
        if fault:
            self._refuse(fault, len(points))
        elif kind == "gauge":
            self._numbers(points, name, "gauge", "delta", factor, tags)
        elif kind == "sum":
            monotonic = data.is_monotonic or temporality == DELTA
            if monotonic and temporality == CUMULATIVE:
                self._numbers(points, name, "counter", "cumulative", factor, tags)
            else:
                self._numbers(points, name, "counter" if monotonic else "gauge", "delta", factor, tags)
        elif kind == "summary":
            parsed = map(self._wire.parser("SummaryDataPoint"), points)
            self._distributions(parsed, name, lambda point, at_ms: self._summary(point, at_ms, name, tags))
        else:
            message, read = _HISTOGRAMS[kind]
            parsed = map(self._wire.parser(message), points)
            self._distributions(
                parsed, name, lambda point, at_ms: read(self, point, at_ms, name, factor, temporality, tags)
            )

    def _numbers(
        self,
        points: Sequence[Any],
        name: str,
        metric_type: MetricType,
        temporality: Temporality,
        factor: float,
        tags: Mapping[str, str],
    ) -> None:
        """The hot loop: what can be looked up is, and nothing is called for a point that is well."""
        origin = self._origin_now
        service, instance, environment = origin.service, origin.instance, origin.environment
        oldest, newest = self._window.oldest_ms, self._window.newest_ms
        cumulative = temporality == "cumulative"
        known = self._cumulative_points if cumulative else self._points
        parse, raws_of = self._wire.parser("NumberDataPoint"), self._wire.raws
        samples = self.samples
        before = len(samples)
        if before + len(points) > MAX_ROWS:
            raise too_many_rows()
        for raw in points:
            point = parse(raw)
            if point.flags & _NO_RECORDED_VALUE:
                continue
            raws = raws_of(point.attributes)
            labels = known.get(raws)
            if labels is None:
                labels = known[raws] = self._labels(raws, tags, scoped=cumulative)
            at_ms = point.time_unix_nano // _NS_PER_MS
            value = point.as_double or point.as_int or 0.0
            if isinstance(labels, str) or not oldest <= at_ms <= newest or not -MAX_MAGNITUDE <= value <= MAX_MAGNITUDE:
                self._refuse(f"{name}: {self._number_fault(labels, at_ms, value)}")
                continue
            if not value and point.WhichOneof("value") is None:
                self._refuse(f"{name}: a point without a value")
                continue
            samples.append(
                Sample(
                    timestamp=at_ms,
                    service_name=service,
                    metric_name=name,
                    metric_type=metric_type,
                    value=value * factor,
                    environment=environment,
                    instance=instance,
                    endpoint=labels.endpoint,
                    method=labels.method,
                    status_code=labels.status_code,
                    tags=labels.tags,
                    temporality=temporality,
                    start_time=min(point.start_time_unix_nano // _NS_PER_MS, at_ms) if cumulative else 0,
                )
            )
        self.items += len(samples) - before

    def _number_fault(self, labels: Point | str, at_ms: int, value: float) -> str:
        if isinstance(labels, str):
            return labels
        if not self._in_window(at_ms):
            return self._time_fault(at_ms)
        return f"{value} is no value" if not isfinite(value) else f"the value is beyond ±{MAX_MAGNITUDE:g}"

    def _distributions(self, points: Iterable[Any], name: str, read: Callable[[Any, int], list[Sample]]) -> None:
        for point in points:
            if point.flags & _NO_RECORDED_VALUE:
                continue
            at_ms = point.time_unix_nano // _NS_PER_MS
            if not self._in_window(at_ms):
                self._refuse(f"{name}: {self._time_fault(at_ms)}")
                continue
            try:
                rows = read(point, at_ms)
            except ValueError as fault:
                self._refuse(f"{name}: {fault}")
                continue
            if len(self.samples) + len(rows) > MAX_ROWS:
                raise too_many_rows()
            self.samples += rows
            self.items += 1

    def _explicit(
        self, point: Any, at_ms: int, name: str, factor: float, temporality: int, tags: Mapping[str, str]
    ) -> list[Sample]:
        counts = point.bucket_counts
        ends, stand_ins = self._ends_of(tuple(point.explicit_bounds))
        found = buckets.explicit(ends, counts) if len(counts) else []
        _check_counts(found, point)
        if temporality == DELTA:
            return self._delta(point, found, at_ms, name, factor, tags)
        # An empty bucket too: whoever differences sees it fill from nothing.
        return self._cumulative(point, list(zip(stand_ins, counts, strict=False)), at_ms, name, factor, tags)

    def _ends_of(self, bounds: tuple[float, ...]) -> tuple[tuple[float, ...], list[float]]:
        """The ends of the buckets, and what stands for each: the points of a metric share them."""
        found = self._ends.get(bounds)
        if found is None:
            ends = buckets.edges(bounds)
            found = self._ends[bounds] = ends, [buckets.fixed(low, high) for low, high in pairwise(ends)]
        return found

    def _exponential(
        self, point: Any, at_ms: int, name: str, factor: float, temporality: int, tags: Mapping[str, str]
    ) -> list[Sample]:
        finest = buckets.DELTA_SCALE if temporality == DELTA else buckets.CUMULATIVE_SCALE
        positive = buckets.dense(point.positive.offset, point.positive.bucket_counts)
        negative = buckets.dense(point.negative.offset, point.negative.bucket_counts)
        found = buckets.exponential(point.scale, positive, negative, finest)
        found += buckets.zero(point.zero_threshold, point.zero_count)
        _check_counts(found, point)
        if temporality == DELTA:
            return self._delta(point, found, at_ms, name, factor, tags)
        pairs = [(buckets.fixed(low, high), count) for low, high, count in found]
        return self._cumulative(point, pairs, at_ms, name, factor, tags)

    def _delta(
        self, point: Any, found: Sequence[Bucket], at_ms: int, name: str, factor: float, tags: Mapping[str, str]
    ) -> list[Sample]:
        """A row a bucket that is not empty; all observations as one bucket where none were sent. Raises ValueError."""
        if not point.count:
            return []
        least = point.min if point.HasField("min") else -inf
        most = point.max if point.HasField("max") else inf
        pairs = buckets.spread(found or [Bucket(-inf, inf, point.count)], _sum_of(point), least, most)
        rows = self._weighted(pairs, at_ms, name, factor, self._labelled(point, tags, scoped=False), "delta", 0)
        if len(point.exemplars):
            self._attach(point.exemplars, rows, factor)
        return rows

    def _cumulative(
        self,
        point: Any,
        pairs: Sequence[tuple[float, int]],
        at_ms: int,
        name: str,
        factor: float,
        tags: Mapping[str, str],
    ) -> list[Sample]:
        """A row a bucket, or the two totals where no buckets were sent. Raises ValueError."""
        start_ms = min(point.start_time_unix_nano // _NS_PER_MS, at_ms)
        labels = self._labelled(point, tags, scoped=True)
        if not pairs:
            return self._totals(point.count, _sum_of(point), at_ms, start_ms, name, factor, labels)
        return self._weighted(pairs, at_ms, name, factor, labels, "cumulative", start_ms)

    def _weighted(
        self,
        pairs: Sequence[tuple[float, int]],
        at_ms: int,
        name: str,
        factor: float,
        labels: Point,
        temporality: Temporality,
        start_ms: int,
    ) -> list[Sample]:
        """Histogram rows of (value, count). Raises ValueError when one is beyond what sums can hold."""
        origin = self._origin_now
        service, instance, environment = origin.service, origin.instance, origin.environment
        endpoint, method, status_code, tags = labels.endpoint, labels.method, labels.status_code, labels.tags
        rows = []
        for value, count in pairs:
            if not abs(value * factor) * (count or 1) <= MAX_MAGNITUDE:
                raise BadBuckets(f"value times count is beyond ±{MAX_MAGNITUDE:g}")
            rows.append(
                Sample(
                    timestamp=at_ms,
                    service_name=service,
                    metric_name=name,
                    metric_type="histogram",
                    value=value * factor,
                    count=count,
                    environment=environment,
                    instance=instance,
                    endpoint=endpoint,
                    method=method,
                    status_code=status_code,
                    tags=tags,
                    temporality=temporality,
                    start_time=start_ms,
                )
            )
        return rows

    def _totals(
        self,
        count: int,
        total: float | None,
        at_ms: int,
        start_ms: int,
        name: str,
        factor: float,
        labels: Point,
    ) -> list[Sample]:
        """A cumulative distribution of which only the totals are known: two counters, named as Prometheus would."""
        told = [(f"{name}_count", float(count))] + ([(f"{name}_sum", total * factor)] if total is not None else [])
        return [self._one(at_ms, own, "counter", value, labels, "cumulative", start_ms) for own, value in told]

    def _attach(self, exemplars: Iterable[Any], rows: Sequence[Sample], factor: float) -> None:
        """Gives each row the trace of an exemplar that lies nearest to it."""
        for exemplar in exemplars:
            trace_id = self._wire.hex(exemplar.trace_id, 32)
            if trace_id and rows:
                value = (exemplar.as_double or exemplar.as_int or 0.0) * factor
                nearest = min(rows, key=lambda row: abs(row.value - value))
                nearest.trace_id, nearest.span_id = trace_id, self._wire.hex(exemplar.span_id, 16)

    def _summary(self, point: Any, at_ms: int, name: str, tags: Mapping[str, str]) -> list[Sample]:
        labels = self._labelled(point, tags, scoped=True)
        start_ms = min(point.start_time_unix_nano // _NS_PER_MS, at_ms)
        rows = self._totals(point.count, _checked_sum(point.sum), at_ms, start_ms, name, 1.0, labels)
        for quantile in point.quantile_values:
            if isfinite(quantile.value):
                tagged = {**labels.tags, "quantile": f"{quantile.quantile:g}"}
                own = Point(tagged, labels.endpoint, labels.method, labels.status_code)
                rows.append(self._one(at_ms, name, "gauge", quantile.value, own, "delta", 0))
        return rows

    def _one(
        self,
        at_ms: int,
        name: str,
        metric_type: MetricType,
        value: float,
        labels: Point,
        temporality: Temporality,
        start_ms: int,
    ) -> Sample:
        origin = self._origin_now
        return Sample(
            timestamp=at_ms,
            service_name=origin.service,
            metric_name=name,
            metric_type=metric_type,
            value=value,
            environment=origin.environment,
            instance=origin.instance,
            endpoint=labels.endpoint,
            method=labels.method,
            status_code=labels.status_code,
            tags=labels.tags,
            temporality=temporality,
            start_time=start_ms,
        )

    def _labelled(self, point: Any, tags: Mapping[str, str], *, scoped: bool) -> Point:
        """Raises ValueError with the fault of the point's attributes."""
        raws = self._wire.raws(point.attributes)
        known = self._cumulative_points if scoped else self._points
        labels = known.get(raws)
        if labels is None:
            labels = known[raws] = self._labels(raws, tags, scoped=scoped)
        if isinstance(labels, str):
            raise ValueError(labels)
        return labels

    def _labels(self, raws: Attributes, tags: Mapping[str, str], *, scoped: bool) -> Point | str:
        """What the attributes say, or what is wrong with them.

        Two scopes may count under one name: cumulative series of theirs are told apart by the scope, for the
        difference between the one's total and the other's means nothing. Deltas simply add up.
        """
        own: dict[str, str] = {}
        endpoint = method = ""
        status_code = 0
        known = self._roles
        for raw in raws:
            found = known.get(raw)
            if found is None:
                found = known[raw] = self._role(raw)
            role, key, value = found
            if role == "tag":
                own[key] = value
            elif role == "endpoint":
                endpoint = value
            elif role == "method":
                method = method or value
            elif role == "status":
                status_code = status_code or int(value)
            elif role == "fault":
                return value
        if len(own) > MAX_TAGS:
            return f"{len(own)} attributes, at most {MAX_TAGS} are taken"
        if not status_code and own.get("error.type"):
            own["error"] = "true"
        if scoped and self._scope:
            own["otel.scope.name"] = self._scope
        if len(own) + len(tags) <= MAX_TAGS:
            return Point({**tags, **own}, endpoint, method, status_code)
        room = max(MAX_TAGS - len(own), 0)
        return Point({**dict(islice(tags.items(), room)), **own}, endpoint, method, status_code)

    def _role(self, raw: bytes) -> tuple[Role, str, str]:
        """Where an attribute goes, its key and its value; of a fault, what is wrong."""
        try:
            key, held = self._wire.attribute(raw)
        except ValueError:
            return "fault", "", "an attribute cannot be read"
        if not key or held is None:
            return "nothing", "", ""
        value = as_text(held)
        if fault := text_fault(key, MAX_TEXT_BYTES) or text_fault(value, MAX_TEXT_BYTES):
            return "fault", key, f"attribute {_shown(key)} {fault}"
        role = _ROLES.get(key, "tag")
        if role == "status" and not _HTTP_STATUS.fullmatch(value):
            role = "tag"
        return role, key, value

    def _refuse(self, reason: str, items: int = 1) -> None:
        self.refused.add(reason, items)


_HISTOGRAMS = {
    "histogram": ("HistogramDataPoint", MetricReader._explicit),
    "exponential_histogram": ("ExponentialHistogramDataPoint", MetricReader._exponential),
}


class SpanReader(_Reader):
    """Reads the spans of a request into `spans`."""

    def __init__(self, wire: Wire, window: Window) -> None:
        super().__init__(wire, window)
        self.spans: list[Span] = []

    def read(self, request: Any) -> None:
        """Raises UserError 413 when the request has too many parts or makes too many rows."""
        for resource_spans in self._each("ResourceSpans", request.resource_spans):
            origin = self._origin(resource_spans.resource)
            for scope_spans in self._each("ScopeSpans", resource_spans.scope_spans):
                spans = self._items(scope_spans.spans)
                if origin.fault:
                    self.refused.add(origin.fault, len(spans))
                    continue
                for span in map(self._wire.parser("Span"), spans):
                    self._span(span, origin)

    def _span(self, span: Any, origin: Origin) -> None:
        trace_id, span_id = self._wire.hex(span.trace_id, 32), self._wire.hex(span.span_id, 16)
        start_ms = span.start_time_unix_nano // 1000 / 1000
        if not trace_id or not span_id:
            self.refused.add("a span without a trace id of 16 bytes and a span id of 8")
            return
        if not self._in_window(start_ms):
            self.refused.add(f"span: {self._time_fault(start_ms)}")
            return
        try:
            own = {
                _RENAMED.get(key, key): value for key, value in self._pairs(self._wire.raws(span.attributes)).items()
            }
            told = {**self._told(span), **own}
        except ValueError:
            self.refused.add("an attribute of a span cannot be read")
            return
        kind = _KINDS[span.kind] if 0 <= span.kind < len(_KINDS) else "internal"
        self.spans.append(
            Span(
                timestamp=start_ms,
                trace_id=trace_id,
                span_id=span_id,
                parent_span_id=self._wire.hex(span.parent_span_id, 16),
                service_name=origin.service,
                name=cut(span.name, MAX_TEXT_BYTES) or "unnamed",
                kind=kind,
                duration_ms=max(span.end_time_unix_nano - span.start_time_unix_nano, 0) / _NS_PER_MS,
                status=_STATUSES[span.status.code] if 0 <= span.status.code < len(_STATUSES) else "unset",
                environment=origin.environment,
                instance=origin.instance,
                attributes=self._texts(told, origin),
            )
        )

    def _told(self, span: Any) -> dict[str, str]:
        """What a span says beside its attributes, under OpenTelemetry's names: its status message, the last
        exception, its other events and its links, the first few of each. Raises ValueError."""
        told: dict[str, str] = {}
        if span.status.message:
            told["otel.status_description"] = span.status.message
        events: list[dict[str, object]] = []
        for event in span.events:
            if event.name == "exception":
                pairs = self._pairs(self._wire.raws(event.attributes))
                told |= {key: value for key, value in pairs.items() if key.startswith("exception.")}
            elif len(events) < MAX_EVENTS:
                offset_ms = (event.time_unix_nano - span.start_time_unix_nano) / _NS_PER_MS
                pairs = self._pairs(self._wire.raws(event.attributes))
                events.append({"name": event.name, "offset_ms": offset_ms, "attributes": pairs})
        if events:
            told["otel.events"] = _json(events)
        links = [
            {"trace_id": self._wire.hex(link.trace_id, 32), "span_id": self._wire.hex(link.span_id, 16)}
            for link in span.links[:MAX_EVENTS]
        ]
        if links:
            told["otel.links"] = _json(links)
        return told


class LogReader(_Reader):
    """Reads the log records of a request into `logs`; one without any time is stamped `now_ms`."""

    def __init__(self, wire: Wire, window: Window, now_ms: int) -> None:
        super().__init__(wire, window)
        self.logs: list[LogRecord] = []
        self._now_ms = now_ms

    def read(self, request: Any) -> None:
        """Raises UserError 413 when the request has too many parts or makes too many rows."""
        for resource_logs in self._each("ResourceLogs", request.resource_logs):
            origin = self._origin(resource_logs.resource)
            for scope_logs in self._each("ScopeLogs", resource_logs.scope_logs):
                records = self._items(scope_logs.log_records)
                if origin.fault:
                    self.refused.add(origin.fault, len(records))
                    continue
                for record in map(self._wire.parser("LogRecord"), records):
                    self._log(record, origin, scope_logs.scope.name)

    def _log(self, record: Any, origin: Origin, scope: str) -> None:
        at_ns = record.time_unix_nano or record.observed_time_unix_nano
        at_ms = at_ns // _NS_PER_MS if at_ns else self._now_ms
        if not self._in_window(at_ms):
            self.refused.add(f"log record: {self._time_fault(at_ms)}")
            return
        try:
            own = self._pairs(self._wire.raws(record.attributes))
            body = as_text(self._wire.plain(record.body))
        except ValueError:
            self.refused.add("a log record cannot be read")
            return
        if record.event_name:
            own.setdefault("event.name", record.event_name)
        if scope:
            own.setdefault("logger", scope)
        self.logs.append(
            LogRecord(
                timestamp=at_ms,
                service_name=origin.service,
                severity=_severity(record),
                body=cut(body, MAX_LOG_BODY_BYTES),
                environment=origin.environment,
                instance=origin.instance,
                attributes=self._texts(own, origin),
                trace_id=self._wire.hex(record.trace_id, 32),
                span_id=self._wire.hex(record.span_id, 16),
            )
        )


def as_text(value: object) -> str:
    """A value as it is stored: true and false in lower case, bytes in hex, lists and maps as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list | dict):
        return _json(value)
    return "" if value is None else str(value)


def cut(text: str, max_bytes: int) -> str:
    """The text without NUL, and no longer than that; an ellipsis says that there was more."""
    if "\0" in text:
        text = text.replace("\0", "")
    if len(text) * 4 <= max_bytes or len(octets := text.encode()) <= max_bytes:
        return text
    return octets[: max_bytes - 3].decode(errors="ignore") + "…"


def _json(value: object) -> str:
    return json.encode(value, enc_hook=lambda odd: odd.hex() if isinstance(odd, bytes) else str(odd)).decode()


def _shown(text: str) -> str:
    return repr(cut(text, 60))


def too_many_rows() -> UserError:
    return UserError(
        "batch_too_large",
        f"the request has more than {MAX_ROWS} points, spans or log records",
        status=413,
        hint="send smaller batches",
    )


def _sum_of(point: Any) -> float | None:
    """A histogram's sum, where its sender told it. Raises BadBuckets."""
    return _checked_sum(point.sum) if point.HasField("sum") else None


def _checked_sum(total: float) -> float:
    """Raises BadBuckets for a sum that is no number."""
    if not abs(total) <= MAX_MAGNITUDE:
        raise BadBuckets(f"the sum is {total}")
    return total


def _check_counts(found: Sequence[Bucket], point: Any) -> None:
    """Raises BadBuckets when the buckets are not the point's observations."""
    if not 0 <= point.count <= MAX_STORED_COUNT or any(bucket.number < 0 for bucket in found):
        raise BadBuckets(f"a count is not within 0 to {MAX_STORED_COUNT}")
    if found and sum(bucket.number for bucket in found) != point.count:
        raise BadBuckets("the buckets do not add up to the count")


def _instance(told: Mapping[str, str]) -> str:
    for name in _INSTANCE:
        if told.get(name):
            return told[name]
    host, pid = told.get("host.name", ""), told.get("process.pid", "")
    return f"{host}:{pid}" if host and pid else host


def _tags_of_resource(told: Mapping[str, str]) -> dict[str, str]:
    """Those attributes of a resource that its samples carry as tags; one that no tag can hold stays out."""
    return {
        key: value
        for key, value in told.items()
        if not key.startswith(_NO_TAGS)
        and value
        and text_fault(key, MAX_TEXT_BYTES) is None
        and text_fault(value, MAX_TEXT_BYTES) is None
    }


def _severity(record: Any) -> str:
    number = record.severity_number
    if 1 <= number <= 24:
        return _SEVERITY_STEPS[(number - 1) // 4]
    return SEVERITIES.get(record.severity_text.upper(), "INFO")
