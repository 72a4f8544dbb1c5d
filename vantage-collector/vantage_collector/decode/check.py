"""What a type cannot say about an item: names, sizes, times, and numbers that belong together."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

from vantage_common.errors import Detail

from vantage_collector.decode.items import BatchFields, LogItem, MetricItem, Scalar, SpanItem

MAX_FAULTS = 10
MAX_TAGS = 32
MAX_TEXT_BYTES = 256
MAX_ATTRIBUTE_BYTES = 4096
MAX_LOG_BODY_BYTES = 64 * 1024
MAX_ID_CHARS = 64
MAX_COUNT = 2**32 - 1
MAX_MAGNITUDE = 1e300
"""Of value times count: a request's sums stay finite then, whatever is merged."""
FUTURE_MS = 3_600_000

SEVERITIES = {
    "TRACE": "TRACE",
    "DEBUG": "DEBUG",
    "INFO": "INFO",
    "NOTICE": "INFO",
    "WARN": "WARN",
    "WARNING": "WARN",
    "ERROR": "ERROR",
    "CRITICAL": "FATAL",
    "FATAL": "FATAL",
}
"""What senders write, in upper case, and what it is stored as."""

NAME = re.compile(r"[A-Za-z0-9_.:/-]{1,200}")
NAME_RULE = "must be 1 to 200 letters, digits or _ . : / -"
_BATCH_ID = re.compile(r"[0-9a-f]{32}")
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Window:
    """The sample times that are taken, in ms, both ends included."""

    oldest_ms: int
    newest_ms: int

    @classmethod
    def back(cls, now_ms: int, days: int) -> "Window":
        """From `days` ago to one hour ahead, for clocks that differ."""
        return cls(now_ms - days * _DAY_MS, now_ms + FUTURE_MS)


class Checker:
    """Collects the faults of one batch, the first ten; strings seen before are not checked again.

    `items` is what the batch calls its list, for the `loc` of a fault: ``metrics.3.value``.
    """

    def __init__(self, items: str, window: Window) -> None:
        self.faults: list[Detail] = []
        self._items = items
        self._window = window
        self._names: set[str] = set()
        self._services: set[str | None] = set()
        self._texts: set[str | None] = {None}

    @property
    def is_full(self) -> bool:
        return len(self.faults) >= MAX_FAULTS

    def add(self, loc: str, msg: str) -> None:
        if not self.is_full:
            self.faults.append(Detail(loc, msg))

    def batch(self, fields: BatchFields) -> None:
        """The fields that stand for all items; call it before any item."""
        if fields.service_name:
            self._services.update((None, ""))  # an item need not name one itself
        if fields.service_name and not NAME.fullmatch(fields.service_name):
            self.add("service_name", NAME_RULE)
        if fields.batch_id and not _BATCH_ID.fullmatch(fields.batch_id):
            self.add("batch_id", "must be 32 lower-case hexadecimal digits")
        for name in ("environment", "instance", "agent_version"):
            if fault := text_fault(getattr(fields, name), MAX_TEXT_BYTES):
                self.add(name, fault)

    def metric(self, index: int, item: MetricItem) -> None:
        """The one check whose speed is felt: what was seen before is passed over without a call."""
        if not self._window.oldest_ms <= item.timestamp <= self._window.newest_ms:
            self._time(index, "timestamp", item.timestamp)
        if item.service_name not in self._services:
            self._service(index, item.service_name)
        if item.metric_name not in self._names:
            self._name(index, "metric_name", item.metric_name)
        count = 1 if item.count is None else item.count
        if not 1 <= count <= MAX_COUNT:
            self._fault(index, "count", f"must be from 1 to {MAX_COUNT}")
        elif not abs(item.value) * count <= MAX_MAGNITUDE:
            self._fault(index, "value", f"value times count must stay within ±{MAX_MAGNITUDE:g}")
        if item.status_code and not 100 <= item.status_code <= 999:
            self._fault(index, "status_code", "must be an HTTP status")
        if item.duration_ms is not None:
            self._duration(index, item.duration_ms)
        if item.endpoint not in self._texts:
            self._text(index, "endpoint", item.endpoint)
        if item.method not in self._texts:
            self._text(index, "method", item.method)
        self._common(index, item)
        if item.tags:
            self._labels(index, "tags", item.tags, MAX_TEXT_BYTES)

    def span(self, index: int, item: SpanItem) -> None:
        self._time(index, "start_time", item.start_time)
        self._duration(index, item.duration_ms)
        self._service(index, item.service_name)
        for name in ("trace_id", "span_id", "name"):
            if not getattr(item, name):
                self._fault(index, name, "must not be empty")
        self._text(index, "name", item.name)
        self._text(index, "caller", item.caller)
        self._id(index, "parent_span_id", item.parent_span_id)
        self._common(index, item)
        if item.attributes:
            self._labels(index, "attributes", item.attributes, MAX_ATTRIBUTE_BYTES)

    def log(self, index: int, item: LogItem) -> None:
        self._time(index, "timestamp", item.timestamp)
        self._service(index, item.service_name)
        if item.severity.upper() not in SEVERITIES:
            self._fault(index, "severity", f"must be one of {', '.join(SEVERITIES)}")
        if len(item.body.encode()) > MAX_LOG_BODY_BYTES:
            self._fault(index, "body", f"must be at most {MAX_LOG_BODY_BYTES} bytes")
        self._common(index, item)
        if item.attributes:
            self._labels(index, "attributes", item.attributes, MAX_ATTRIBUTE_BYTES)

    def _common(self, index: int, item: MetricItem | SpanItem | LogItem) -> None:
        if item.environment not in self._texts:
            self._text(index, "environment", item.environment)
        if item.instance not in self._texts:
            self._text(index, "instance", item.instance)
        if item.trace_id:
            self._id(index, "trace_id", item.trace_id)
        if item.span_id:
            self._id(index, "span_id", item.span_id)

    def _fault(self, index: int, field: str, msg: str) -> None:
        self.add(f"{self._items}.{index}.{field}", msg)

    def _time(self, index: int, field: str, at_ms: float) -> None:
        if at_ms < self._window.oldest_ms:
            unit = ": it must be in milliseconds" if 0 < at_ms < 1e11 else ""
            self._fault(index, field, f"is before {self._window.oldest_ms}, the oldest time that is kept{unit}")
        elif at_ms > self._window.newest_ms:
            self._fault(index, field, "is more than an hour ahead of our clock, in milliseconds")

    def _service(self, index: int, name: str | None) -> None:
        if name in self._services:
            return
        if not name:
            self._fault(index, "service_name", "is missing here and in the batch")
        elif NAME.fullmatch(name):
            self._services.add(name)
        else:
            self._fault(index, "service_name", NAME_RULE)

    def _name(self, index: int, field: str, name: str) -> None:
        if NAME.fullmatch(name):
            self._names.add(name)
        else:
            self._fault(index, field, NAME_RULE)

    def _text(self, index: int, field: str, text: str | None) -> None:
        if text in self._texts:
            return
        if fault := text_fault(text, MAX_TEXT_BYTES):
            self._fault(index, field, fault)
        else:
            self._texts.add(text)

    def _id(self, index: int, field: str, text: str | None) -> None:
        if text and (len(text) > MAX_ID_CHARS or "\0" in text):
            self._fault(index, field, f"must be at most {MAX_ID_CHARS} characters, none of them NUL")

    def _duration(self, index: int, duration_ms: float) -> None:
        if not (isfinite(duration_ms) and 0 <= duration_ms <= 1e12):
            self._fault(index, "duration_ms", "must be from 0 to 1e12")

    def _labels(self, index: int, field: str, labels: Mapping[str, Scalar], max_bytes: int) -> None:
        if len(labels) > MAX_TAGS:
            self._fault(index, field, f"has {len(labels)} entries, at most {MAX_TAGS} are taken")
        for key, value in labels.items():
            if key not in self._texts:
                self._text(index, f"{field}.{key[:MAX_TEXT_BYTES]}", key)
            if value not in self._texts and isinstance(value, str):
                if fault := text_fault(value, max_bytes):
                    self._fault(index, f"{field}.{key[:MAX_TEXT_BYTES]}", fault)
                elif max_bytes == MAX_TEXT_BYTES:
                    self._texts.add(value)


def text_fault(text: str | None, max_bytes: int) -> str | None:
    if text is None:
        return None
    if len(text) > max_bytes or (len(text) * 4 > max_bytes and len(text.encode()) > max_bytes):
        return f"must be at most {max_bytes} bytes"
    if "\0" in text:
        return "must not contain NUL"
    return None
