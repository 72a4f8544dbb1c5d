"""Folded telemetry as the JSON text that the collector takes, item by item.

What items of one series have in common is written once; the rest is filled in by formatting. Making dictionaries
for an encoder to take apart again costs several times as much, and most of what the exporter does is this.
"""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import Any, Dict, List, Mapping, Optional, Tuple

from vantage_agent.batch import Batch, Line
from vantage_agent.config import Config
from vantage_agent.fold import Cell, Point, Series, Window
from vantage_agent.records import Tags
from vantage_agent.spans import FinishedSpan, Work

_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
# Half of a pair is what file names that are no UTF-8 leave in a text, and strict decoders refuse a body for it. An
# escaped backslash and whole pairs are matched too, so as to be stepped over.
_SURROGATES = r"\\\\|\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|(\\ud[89a-f][0-9a-f]{2})"


class Item:
    """JSON text in ASCII, so as many bytes as characters, and how many samples it stands for."""

    __slots__ = ("samples", "text")

    def __init__(self, text: str, samples: int) -> None:
        self.text = text
        self.samples = samples


class Writer:
    """Takes items out of a batch. `offset_ns` turns perf_counter's readings into wall-clock time."""

    def __init__(self, config: Config, offset_ns: int) -> None:
        self._service = config.service_name
        self.offset_ns = offset_ns
        self._tags = config.item_tags()
        self._series: Dict[Series, str] = {}
        # By identity, as attributes that the application gave need not be hashable; with the work itself, lest
        # another one comes to lie at its address.
        self._work: Dict[int, Tuple[Work, str]] = {}

    def metrics(self, batch: Batch, number: int) -> List[Item]:
        """Remove up to `number` folded items."""
        window = batch.window
        items: List[Item] = []
        while len(items) < number and window.places:
            series, cell = window.pop()
            total = cell[1]
            # A sum of the application's own values may have overflowed.
            if isfinite(total):
                items.append(self._cell(series, cell))
            else:
                window.drop("invalid", int(cell[0]))
        while len(items) < number and window.counters:
            (name, tags, _), (value, at_ns) = window.counters.popitem()
            self._point(Point(int(at_ns), name, "counter", value, tags), window, items)
        while len(items) < number and window.points:
            self._point(window.points.popleft(), window, items)
        return items

    def traced(self, batch: Batch, number: int) -> List[Item]:
        """Remove up to `number` samples whose trace id the application gave: no span of ours goes with them."""
        window = batch.window
        items: List[Item] = []
        while len(items) < number and window.traced:
            self._point(window.traced.popleft(), window, items)
        return items

    def spans(self, batch: Batch, number: int) -> List[Item]:
        """Remove up to `number` spans."""
        return [self._span(finished) for finished in batch.spans.take(number)]

    def logs(self, batch: Batch, number: int) -> List[Item]:
        """Remove up to `number` log lines."""
        return [self._line(batch.take_log()) for _ in range(min(number, len(batch.logs)))]

    def _ms(self, at_ns: float) -> int:
        return (int(at_ns) + self.offset_ns) // 1_000_000

    def _cell(self, series: Series, cell: Cell) -> Item:
        count, total, at_ns, trace_id, span_id = cell
        common = self._series.get(series)
        if common is None:
            common = self._series[series] = self._common(series)
        mean = total / count
        ids = ',"trace_id":"%032x","span_id":"%016x"' % (int(trace_id), int(span_id)) if trace_id else ""
        if series.endpoint is None:
            values = '"value":%r' % mean
        else:
            mean /= 1e6
            values = '"value":%r,"duration_ms":%r' % (mean, mean)
        return Item('{"timestamp":%d,%s,"count":%d%s,%s}' % (self._ms(at_ns), values, count, ids, common), int(count))

    def _common(self, series: Series) -> str:
        fields: Dict[str, Any] = {
            "service_name": self._service,
            "metric_name": series.metric,
            "metric_type": "histogram",
            "endpoint": series.endpoint,
            "method": series.method,
            "status_code": series.status,
            "tags": self._all_tags(series.tags),
        }
        return _inner({name: value for name, value in fields.items() if value is not None})

    def _point(self, point: Point, window: Window, items: List[Item]) -> None:
        fields: Dict[str, Any] = {
            "timestamp": self._ms(point.at_ns),
            "service_name": self._service,
            "metric_name": point.name,
            "metric_type": point.type,
            "value": point.value,
            "tags": self._all_tags(point.tags),
            "trace_id": point.trace_id,
            "span_id": point.span_id,
        }
        try:
            items.append(Item(to_json({name: value for name, value in fields.items() if value is not None}), 1))
        except ValueError:
            window.drop("invalid")

    def _all_tags(self, tags: Tags) -> Optional[Mapping[str, str]]:
        return {**self._tags, **dict(tags)} if tags else self._tags or None

    def _span(self, finished: FinishedSpan) -> Item:
        span, work, end_ns, duration_ns = finished.span, finished.work, finished.end_ns, finished.duration_ns
        known = self._work.get(id(work))
        if known is None:
            known = self._work[id(work)] = (work, self._described(work))
        start_us = (end_ns - duration_ns + self.offset_ns) // 1_000
        parent = '"parent_span_id":"%016x",' % span.parent_id if span.parent_id else ""
        text = '{"trace_id":"%032x","span_id":"%016x",%s"start_time":%.3f,"duration_ms":%r,%s}' % (
            span.trace_id, span.span_id, parent, start_us / 1_000, duration_ns / 1e6, known[1],
        )  # fmt: skip
        return Item(text, 1)

    def _described(self, work: Work) -> str:
        fields: Dict[str, Any] = {
            "service_name": self._service,
            "name": work.name,
            "kind": work.kind,
            "status": {True: "error", False: "ok", None: "unset"}[work.failed],
            "attributes": dict(work.attributes),
        }
        if work.caller is not None:
            fields["caller"] = work.caller
        return _inner(fields)

    def _line(self, line: Line) -> Item:
        fields: Dict[str, Any] = {
            "timestamp": self._ms(line.at_ns),
            "service_name": self._service,
            "severity": line.severity,
            "body": line.text,
            "attributes": line.attributes,
        }
        if line.span is not None:
            fields["trace_id"] = "%032x" % line.span.trace_id
            fields["span_id"] = "%016x" % line.span.span_id
        return Item(to_json(fields), 1)


def to_json(value: object) -> str:
    """JSON in ASCII; ValueError for numbers it cannot express."""
    text = _encode(value)
    if "\\ud" in text:
        text = re.sub(_SURROGATES, lambda match: "\\ufffd" if match[1] else match[0], text)
    return text


def _inner(fields: Mapping[str, Any]) -> str:
    """JSON of an object without its braces."""
    return to_json(fields)[1:-1]
