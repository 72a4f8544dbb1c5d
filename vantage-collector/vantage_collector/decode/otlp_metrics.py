"""OTLP metrics to samples: pure, for protobuf and JSON alike.

Series identity is kept: what a point says that has no column becomes a tag, and a point with too many tags is refused,
for a series that lost a tag would be another one.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice, pairwise
from math import inf, isfinite
from typing import Any, Literal

import msgspec
from vantage_common.model import REQUEST_METRIC, MetricType, Sample, Temporality

from vantage_collector.decode import buckets
from vantage_collector.decode.buckets import BadBuckets, Bucket
from vantage_collector.decode.check import MAX_MAGNITUDE, MAX_TAGS, MAX_TEXT_BYTES, NAME, NAME_RULE, Window, text_fault
from vantage_collector.decode.otlp_reader import (
    MAX_ROWS,
    MAX_STORED_COUNT,
    NS_PER_MS,
    Attributes,
    Origin,
    Reader,
    Wire,
    as_text,
    cut,
    shown,
    too_many_rows,
)

DELTA, CUMULATIVE = 1, 2
_NO_RECORDED_VALUE = 1

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
_NO_TAGS = ("telemetry.", "process.", "os.", "host.id", "host.image", "host.cpu", "container.id", "container.image")
"""Resource attributes that describe a machine or a build, not what anybody groups by."""
_HTTP_STATUS = re.compile(r"[1-9][0-9]{2}")


class Point(msgspec.Struct, frozen=True):
    """What a set of attributes says about a point."""

    tags: dict[str, str]
    endpoint: str = ""
    method: str = ""
    status_code: int = 0


class MetricReader(Reader):
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
            fault = f"the name {shown(name)} {NAME_RULE}"
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
            at_ms = point.time_unix_nano // NS_PER_MS
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
                    start_time=min(point.start_time_unix_nano // NS_PER_MS, at_ms) if cumulative else 0,
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
            at_ms = point.time_unix_nano // NS_PER_MS
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
        start_ms = min(point.start_time_unix_nano // NS_PER_MS, at_ms)
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
        start_ms = min(point.start_time_unix_nano // NS_PER_MS, at_ms)
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
            return "fault", key, f"attribute {shown(key)} {fault}"
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
