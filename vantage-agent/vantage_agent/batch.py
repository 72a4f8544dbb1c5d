"""One flush interval's worth of telemetry: records go in, lists of JSON-ready items come out."""

from __future__ import annotations

import re
from collections import deque
from functools import lru_cache
from typing import Any, Deque, Dict, List, Mapping, Optional, cast

from vantage_agent.config import TAG_LIMIT, TAGS_PER_ITEM, Config
from vantage_agent.context import SAMPLED, caller_of
from vantage_agent.fold import (
    CLIENT_METRIC,
    OTHER,
    OUTAGE_CELL_LIMIT,
    SERVER_METRIC,
    UNMATCHED,
    CellKey,
    Point,
    Window,
    is_sample,
)
from vantage_agent.records import (
    CLIENT,
    INTERNAL,
    LOG,
    METRIC,
    OPERATION,
    SERVER,
    InternalRecord,
    LogRecord,
    MetricRecord,
    OperationRecord,
    Record,
    RequestRecord,
    Tags,
)
from vantage_agent.redact import host_of, without_secrets
from vantage_agent.spans import FinishedSpan, SpanBuffer

Item = Dict[str, Any]

LOG_LIMIT = 1_000
TEXT_LIMIT = 8_192
ROUTE_LIMIT = 256
SPANS_PER_SECOND = 100
MIN_SPANS = 100
OUTAGE_SPAN_LIMIT = 250
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT"})

_METRIC_NAME = re.compile(r"[A-Za-z0-9_.:/-]{1,200}\Z").match


@lru_cache(maxsize=1024)
def caller_tags(tracestate: str) -> Tags:
    caller = caller_of(tracestate)
    return () if caller is None else (("caller", caller),)


class Batch:
    """Folded metrics, chosen spans and logs. Used by the exporter thread alone."""

    def __init__(self, config: Config) -> None:
        limit = max(MIN_SPANS, int(SPANS_PER_SECOND * config.flush_interval_s))
        self.window = Window()
        self.spans = SpanBuffer(limit, examples=config.sample_rate > 0)
        self.logs: Deque[LogRecord] = deque()

    def __bool__(self) -> bool:
        return bool(self.window or self.spans or self.logs)

    def fold(self, record: Record, clock_offset_ns: int) -> None:
        """Take one record. `clock_offset_ns` is wall clock minus perf_counter."""
        kind = record[0]
        if kind in (SERVER, CLIENT):
            self._request(cast(RequestRecord, record), clock_offset_ns)
        elif kind == OPERATION:
            self._operation(cast(OperationRecord, record), clock_offset_ns)
        elif kind == INTERNAL:
            self._internal(cast(InternalRecord, record), clock_offset_ns)
        elif kind == METRIC:
            self._metric(cast(MetricRecord, record))
        elif kind == LOG:
            self._log(cast(LogRecord, record))
        else:
            raise ValueError(f"no record kind {kind}")

    def absorb(self, later: Batch) -> None:
        """Take over what came after this batch, because this one could not be sent."""
        self.window.absorb(later.window)
        self.spans.absorb(later.spans)
        for log in later.logs:
            self._log(log)

    def tighten(self) -> None:
        """Settle down for an outage of unknown length."""
        self.window.max_cells = OUTAGE_CELL_LIMIT
        self.spans.shrink(OUTAGE_SPAN_LIMIT)

    def _request(self, record: RequestRecord, clock_offset_ns: int) -> None:
        kind, start, end, span, status, method, target, error = record
        if method not in METHODS:
            method = OTHER
        if kind == SERVER:
            metric, role = SERVER_METRIC, "server"
            endpoint = UNMATCHED if target is None else target[:ROUTE_LIMIT]
            tags = () if span.tracestate is None else caller_tags(span.tracestate)
            failed: Optional[bool] = error is not None or (status is not None and status >= 500)
        else:
            metric, role, tags = CLIENT_METRIC, "client", ()
            endpoint = host_of(target)
            failed = error is not None or status is None or status >= 400
        duration = end - start
        at_ms = (end + clock_offset_ns) / 1e6
        exemplar = span.flags & SAMPLED
        self.window.add(
            metric, tags, method, endpoint, status, at_ms, duration,
            span.trace_id if exemplar else 0, span.span_id if exemplar else 0,
        )  # fmt: skip
        rank = self.spans.rank(span, bool(failed), duration, role, endpoint, int(at_ms // 1000))
        if rank is None:
            return
        attributes: List[Any] = [("http.request.method", method)]
        attributes.append(("http.route" if kind == SERVER else "server.address", endpoint))
        if status is not None:
            attributes.append(("http.response.status_code", status))
        if error is not None:
            attributes.append(("error.type", error))
        caller = tags[0][1] if tags else None
        name = f"{method} {endpoint}"
        self.spans.add(rank, FinishedSpan(span, role, name, at_ms, duration / 1e6, failed, tuple(attributes), caller))

    def _operation(self, record: OperationRecord, clock_offset_ns: int) -> None:
        _, start, end, span, target, error = record
        at_ms, duration = (end + clock_offset_ns) / 1e6, end - start
        failed = (("error.type", error),) if error is not None else ()
        caller = () if span.tracestate is None or target.kind != "consumer" else caller_tags(span.tracestate)
        exemplar = span.flags & SAMPLED
        self.window.add(
            target.metric, target.tags + failed + caller, None, target.name, None, at_ms, duration,
            span.trace_id if exemplar else 0, span.span_id if exemplar else 0,
        )  # fmt: skip
        rank = self.spans.rank(span, error is not None, duration, target.kind, target.name, int(at_ms // 1000))
        if rank is None:
            return
        attributes = target.attributes + failed
        called_by = caller[0][1] if caller else None
        self.spans.add(
            rank,
            FinishedSpan(span, target.kind, target.name, at_ms, duration / 1e6, bool(failed), attributes, called_by),
        )

    def _internal(self, record: InternalRecord, clock_offset_ns: int) -> None:
        _, start, end, span, name, attributes = record
        at_ms, duration = (end + clock_offset_ns) / 1e6, end - start
        rank = self.spans.rank(span, span.error is not None, duration, "internal", name, int(at_ms // 1000))
        if rank is None:
            return
        kept = [(str(key)[:TAG_LIMIT], _plain(value)) for key, value in list(attributes.items())[:TAGS_PER_ITEM]]
        if span.error is not None:
            kept.append(("error.type", span.error))
        failed = True if span.error is not None else None
        self.spans.add(
            rank, FinishedSpan(span, "internal", name[:ROUTE_LIMIT], at_ms, duration / 1e6, failed, tuple(kept), None)
        )

    def _metric(self, record: MetricRecord) -> None:
        _, at_ms, name, value, metric_type, tags, trace_id, span_id, explicit = record
        if not metric_type or not is_sample(value) or not _METRIC_NAME(name):
            self.window.drop("invalid")
        elif explicit:
            self.window.keep(Point(at_ms, name, metric_type, value, tags, trace_id, span_id))
        elif metric_type == "gauge":
            self.window.keep(Point(at_ms, name, metric_type, value, tags, None, None))
        elif metric_type == "counter":
            self.window.count(name, tags, at_ms, value)
        else:
            trace, span = (int(trace_id, 16), int(span_id, 16)) if trace_id and span_id else (0, 0)
            self.window.add(name, tags, None, None, None, at_ms, value, trace, span)

    def _log(self, record: LogRecord) -> None:
        if len(self.logs) >= LOG_LIMIT:
            self.logs.popleft()
            self.window.drop("log_limit")
        self.logs.append(record)


def take_metrics(window: Window, number: int, config: Config) -> List[Item]:
    """Remove up to `number` folded items from the window, as the collector wants them."""
    items: List[Item] = []
    common = config.item_tags()
    service = config.service_name
    while len(items) < number and window.cells:
        raw, (count, total, at_ms, trace_id, span_id) = window.cells.popitem()
        key = CellKey(*raw)
        mean = total / count
        item: Item = {
            "timestamp": int(at_ms),
            "service_name": service,
            "metric_name": key.metric,
            "metric_type": "histogram",
            "value": mean,
            "count": int(count),
        }
        if key.endpoint is not None:
            item["value"] = item["duration_ms"] = mean / 1e6
            item["endpoint"] = key.endpoint
            if key.method is not None:
                item["method"] = key.method
            if key.status is not None:
                item["status_code"] = key.status
        _add_tags(item, common, key.tags)
        if trace_id:
            item["trace_id"] = "%032x" % int(trace_id)
            item["span_id"] = "%016x" % int(span_id)
        items.append(item)
    while len(items) < number and window.counters:
        (name, tags, _), (value, at_ms) = window.counters.popitem()
        items.append(_point_item(Point(at_ms, name, "counter", value, tags, None, None), service, common))
    while len(items) < number and window.points:
        items.append(_point_item(window.points.popleft(), service, common))
    return items


def take_traced(window: Window, number: int, config: Config) -> List[Item]:
    """Remove up to `number` samples whose trace id the application gave: no span of ours goes with them."""
    common = config.item_tags()
    number = min(number, len(window.traced))
    return [_point_item(window.traced.popleft(), config.service_name, common) for _ in range(number)]


def take_spans(spans: SpanBuffer, number: int, config: Config) -> List[Item]:
    return [_span_item(finished, config.service_name) for finished in spans.take(number)]


def take_logs(logs: Deque[LogRecord], number: int, config: Config) -> List[Item]:
    return [_log_item(logs.popleft(), config.service_name) for _ in range(min(number, len(logs)))]


def _add_tags(item: Item, common: Mapping[str, str], tags: Tags) -> None:
    if tags:
        item["tags"] = {**common, **dict(tags)}
    elif common:
        item["tags"] = common


def _point_item(point: Point, service: str, common: Mapping[str, str]) -> Item:
    item: Item = {
        "timestamp": int(point.at_ms),
        "service_name": service,
        "metric_name": point.name,
        "metric_type": point.type,
        "value": point.value,
    }
    _add_tags(item, common, point.tags)
    if point.trace_id is not None:
        item["trace_id"] = point.trace_id
    if point.span_id is not None:
        item["span_id"] = point.span_id
    return item


def _span_item(finished: FinishedSpan, service: str) -> Item:
    span = finished.span
    item: Item = {
        "trace_id": "%032x" % span.trace_id,
        "span_id": "%016x" % span.span_id,
        "service_name": service,
        "name": finished.name,
        "kind": finished.kind,
        "start_time": round(finished.end_ms - finished.duration_ms, 3),
        "duration_ms": finished.duration_ms,
        "status": {True: "error", False: "ok", None: "unset"}[finished.failed],
        "attributes": dict(finished.attributes),
    }
    if span.parent_id:
        item["parent_span_id"] = "%016x" % span.parent_id
    if finished.caller is not None:
        item["caller"] = finished.caller
    return item


def _log_item(record: LogRecord, service: str) -> Item:
    _, at_ms, severity, text, attributes, span = record
    item: Item = {
        "timestamp": int(at_ms),
        "service_name": service,
        "severity": severity,
        "body": without_secrets(text)[:TEXT_LIMIT],
        "attributes": attributes,
    }
    if span is not None:
        item["trace_id"] = "%032x" % span.trace_id
        item["span_id"] = "%016x" % span.span_id
    return item


def _plain(value: object) -> object:
    """An attribute's value as JSON can carry it."""
    if isinstance(value, (bool, str)):
        return value[:TAG_LIMIT] if isinstance(value, str) else value
    if isinstance(value, (int, float)) and is_sample(value):
        return value
    return str(value)[:TAG_LIMIT]
