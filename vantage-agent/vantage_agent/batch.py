"""One flush interval's worth of telemetry: records go in, folded metrics, chosen spans and logs stay.

Records of the same work (kind, route or target, status, error) are gathered first and folded together: what they have
in common is then looked up once for all of them, and their durations are sorted and summed by the interpreter's own
loops. That is worth a factor of three over taking one record after the other.
"""

from __future__ import annotations

import logging
from collections import deque
from functools import lru_cache
from math import isfinite
from typing import (
    Any,
    Deque,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    Optional,
    Sequence,
    Tuple,
    cast,
)

from vantage_agent.clock import NS, of_application
from vantage_agent.config import TAG_LIMIT, TAGS_PER_ITEM, Config, is_name
from vantage_agent.context import SAMPLED, Span, caller_of
from vantage_agent.fold import CLIENT_METRIC, OTHER, SERVER_METRIC, UNMATCHED, Point, Series, Window, is_sample
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
    Target,
    TimedRecord,
)
from vantage_agent.redact import excerpt, host_of
from vantage_agent.spans import Group, SpanBuffer, Work
from vantage_agent.tuples import NamedTuple

log = logging.getLogger("vantage.agent")

LOG_LIMIT = 1_000
LOG_CHARS = 1_000_000
OUTAGE_LOG_CHARS = 250_000
TEXT_LIMIT = 8_192
ROUTE_LIMIT = 256
SPANS_PER_SECOND = 100
MIN_SPANS = 100
OUTAGE_SPAN_LIMIT = 250
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT"})


class Known(NamedTuple):
    """What is known of all records of the same work."""

    series: Series
    work: Work


@lru_cache(maxsize=1024)
def server_work(
    status: Optional[int], method: str, route: Optional[str], error: Optional[str], caller: Optional[str]
) -> Known:
    endpoint = UNMATCHED if route is None else route[:ROUTE_LIMIT]
    tags = () if caller is None else (("caller", caller),)
    failed = error is not None or (status is not None and status >= 500)
    return _request("server", SERVER_METRIC, tags, method, "http.route", endpoint, status, failed, error, caller)


@lru_cache(maxsize=1024)
def client_work(status: Optional[int], method: str, host: str, error: Optional[str]) -> Known:
    failed = error is not None or status is None or status >= 400
    return _request("client", CLIENT_METRIC, (), method, "server.address", host, status, failed, error, None)


def _request(
    kind: str,
    metric: str,
    tags: Tuple[Tuple[str, str], ...],
    method: str,
    place: str,
    endpoint: str,
    status: Optional[int],
    failed: bool,
    error: Optional[str],
    caller: Optional[str],
) -> Known:
    if method not in METHODS:
        method = OTHER
    attributes: List[Tuple[str, object]] = [("http.request.method", method), (place, endpoint)]
    if status is not None:
        attributes.append(("http.response.status_code", status))
    if error is not None:
        attributes.append(("error.type", error))
    work = Work(kind, f"{method} {endpoint}", failed, tuple(attributes), caller)
    return Known(Series(metric, tags, method, endpoint, status), work)


@lru_cache(maxsize=1024)
def operation_work(target: Target, error: Optional[str], caller: Optional[str]) -> Known:
    failed = (("error.type", error),) if error is not None else ()
    called_by = (("caller", caller),) if caller is not None else ()
    # An instrumentation may have put something else than text there, which would cost the whole batch when written.
    name = _text(target.name)
    tags = tuple((_text(key), _text(value)) for key, value in target.tags)
    attributes = tuple((_text(key), _plain(value)) for key, value in target.attributes)
    return Known(
        Series(target.metric, tags + failed + called_by, None, name, None),
        Work(target.kind, name, bool(failed), attributes + failed, caller),
    )


class Line(NamedTuple):
    """A log line without secrets, at a reading of perf_counter."""

    at_ns: int
    severity: str
    text: str
    attributes: Mapping[str, str]
    span: Optional[Span]

    def size(self) -> int:
        return len(self.text) + sum(map(len, self.attributes.values()))


class Batch:
    """Folded metrics, chosen spans and logs. Used by the exporter thread alone."""

    def __init__(self, config: Config) -> None:
        limit = max(MIN_SPANS, int(SPANS_PER_SECOND * config.flush_interval_s))
        self.window = Window()
        self.spans = SpanBuffer(limit, examples=config.sample_rate > 0)
        self.logs: Deque[Line] = deque()
        self._log_chars = 0
        self._log_limit = LOG_CHARS

    def __bool__(self) -> bool:
        return bool(self.window or self.spans or self.logs)

    def fold(self, records: Sequence[Record], offset_ns: int) -> None:
        """Take records in the order they came. `offset_ns` is wall clock minus perf_counter."""
        groups: Dict[object, List[Any]] = {}
        for record in records:
            try:
                kind = record[0]
                if kind == SERVER:
                    identity: object = record[4:]
                elif kind == CLIENT:
                    _, _, _, _, status, method, url, error = cast(RequestRecord, record)
                    identity = (kind, status, method, host_of(url), error)
                elif kind == OPERATION:
                    identity = (kind, id(record[4]), record[5])
                else:
                    self._fold_one(record, offset_ns)
                    continue
                try:
                    groups[identity].append(record)
                except KeyError:
                    groups[identity] = [record]
            except Exception:
                self._refuse(record)
        for alike in groups.values():
            self._fold_alike(alike, offset_ns)

    def absorb(self, later: Batch) -> None:
        """Take over what came after this batch, because this one could not be sent."""
        self.window.absorb(later.window)
        self.spans.absorb(later.spans)
        for line in later.logs:
            self._keep_log(line)

    def tighten(self) -> None:
        """Settle down for an outage of unknown length."""
        self.window.tighten()
        self.spans.shrink(OUTAGE_SPAN_LIMIT)
        self._log_limit = OUTAGE_LOG_CHARS
        self._fit_logs()

    def take_log(self) -> Line:
        """Remove the oldest log line."""
        line = self.logs.popleft()
        self._log_chars -= line.size()
        return line

    def _refuse(self, record: object) -> None:
        log.debug("a record could not be folded", exc_info=True)
        self.window.drop("invalid")

    def _fold_alike(self, records: List[TimedRecord], offset_ns: int) -> None:
        try:
            for known, part in _parts(records):
                self._add(known, part, offset_ns)
        except Exception:
            if len(records) == 1:
                self._refuse(records[0])
                return
            for record in records:
                self._fold_alike([record], offset_ns)

    def _add(self, known: Known, records: Sequence[TimedRecord], offset_ns: int) -> None:
        ends = [record[2] for record in records]
        last = max(ends)
        second = (last + offset_ns) // NS
        if (min(ends) + offset_ns) // NS != second:
            for part in _by_second(records, offset_ns):
                self._add(known, part, offset_ns)
            return
        durations = [end - record[1] for end, record in zip(ends, records)]  # noqa: B905 - 3.10's
        spans = [record[3] for record in records]
        unsampled = any(not flags & SAMPLED for flags in {span.flags for span in spans})
        sampled = [index for index, span in enumerate(spans) if span.flags & SAMPLED] if unsampled else None
        if not known.series.metric:
            pass  # a message that was received: its span is all there is to tell
        elif min(durations) > 0:
            self.window.add_all(known.series, second, last, durations, spans, sampled)
        else:
            for end, duration in zip(ends, durations):  # noqa: B905
                self.window.add(known.series, second, end, duration)
        chosen = range(len(spans)) if sampled is None else sampled
        self.spans.offer(Group(known.work, second, spans, ends, durations, chosen))

    def _fold_one(self, record: Record, offset_ns: int) -> None:
        kind = record[0]
        if kind == INTERNAL:
            self._internal(cast(InternalRecord, record), offset_ns)
        elif kind == METRIC:
            self._metric(cast(MetricRecord, record), offset_ns)
        elif kind == LOG:
            self._log(cast(LogRecord, record), offset_ns)
        else:
            raise ValueError(f"no record kind {kind}")

    def _internal(self, record: InternalRecord, offset_ns: int) -> None:
        _, start, end, span, name, attributes = record
        kept = [(_text(key), _plain(value)) for key, value in list(attributes.items())[:TAGS_PER_ITEM]]
        if span.error is not None:
            kept.append(("error.type", span.error))
        work = Work("internal", name[:ROUTE_LIMIT], True if span.error is not None else None, tuple(kept), None)
        sampled = range(1 if span.flags & SAMPLED else 0)
        self.spans.offer(Group(work, (end + offset_ns) // NS, (span,), (end,), (end - start,), sampled))

    def _metric(self, record: MetricRecord, offset_ns: int) -> None:
        _, at_ms, name, given, metric_type, tags, trace_id, span_id, explicit = record
        at_ns = of_application(at_ms, offset_ns)
        second = (at_ns + offset_ns) // NS
        value = _number(given)
        if not metric_type or value is None or not is_name(name):
            self.window.drop("invalid")
        elif explicit:
            self.window.keep(Point(at_ns, name, metric_type, value, tags, trace_id, span_id))
        elif metric_type == "gauge":
            self.window.keep(Point(at_ns, name, metric_type, value, tags))
        elif metric_type == "counter":
            self.window.count(name, tags, second, at_ns, value)
        else:
            trace, span = (int(trace_id, 16), int(span_id, 16)) if trace_id and span_id else (0, 0)
            self.window.add(Series(name, tags, None, None, None), second, at_ns, value, trace, span)

    def _log(self, record: LogRecord, offset_ns: int) -> None:
        _, at_ms, severity, text, attributes, span = record
        at_ns = of_application(at_ms, offset_ns)
        self._keep_log(Line(at_ns, severity, excerpt(text, TEXT_LIMIT), attributes, span))

    def _keep_log(self, line: Line) -> None:
        self.logs.append(line)
        self._log_chars += line.size()
        self._fit_logs()

    def _fit_logs(self) -> None:
        while self.logs and (len(self.logs) > LOG_LIMIT or self._log_chars > self._log_limit):
            self.take_log()
            self.window.drop("log_limit")


def _parts(records: List[TimedRecord]) -> Iterator[Tuple[Known, List[TimedRecord]]]:
    """Records of the same work by caller, each part with what is known of it."""
    kind = records[0][0]
    if kind == OPERATION:
        _, _, _, _, target, error = cast(OperationRecord, records[0])
        if target.kind != "consumer":
            yield operation_work(target, error, None), records
            return
        for caller, part in _by_caller(records):
            yield operation_work(target, error, caller), part
        return
    _, _, _, _, status, method, place, error = cast(RequestRecord, records[0])
    if kind == CLIENT:
        yield client_work(status, method, host_of(place), error), records
        return
    for caller, part in _by_caller(records):
        yield server_work(status, method, place, error, caller), part


def _by_caller(records: List[TimedRecord]) -> Iterator[Tuple[Optional[str], List[TimedRecord]]]:
    states = {record[3].tracestate for record in records}
    if states == {None}:
        yield None, records
        return
    callers = {state: None if state is None else caller_of(state) for state in states}
    if len(set(callers.values())) == 1:
        yield callers.popitem()[1], records
        return
    parts: Dict[Optional[str], List[TimedRecord]] = {}
    for record in records:
        parts.setdefault(callers[record[3].tracestate], []).append(record)
    yield from parts.items()


def _by_second(records: Sequence[TimedRecord], offset_ns: int) -> Iterable[List[TimedRecord]]:
    """Records by the wall clock's second in which they ended."""
    parts: Dict[int, List[TimedRecord]] = {}
    for record in records:
        parts.setdefault((record[2] + offset_ns) // NS, []).append(record)
    return parts.values()


def _text(value: object) -> str:
    """str() of what the application gave, at most TAG_LIMIT characters; its type's name where that raises."""
    try:
        return str(value)[:TAG_LIMIT]
    except (Exception, SystemExit):
        return f"<{type(value).__name__}>"


def _number(value: object) -> Optional[float]:
    """A finite number of whatever type (numpy's, Decimal), else None."""
    if isinstance(value, (str, bytes)):
        return None
    try:
        number = float(cast(float, value))
    except (TypeError, ValueError, OverflowError):
        return None
    return number if isfinite(number) else None


def _plain(value: object) -> object:
    """An attribute's value as JSON can carry it."""
    return value if isinstance(value, bool) or is_sample(value) else _text(value)
