"""What the trace calls answer. Times are ms since the epoch, durations ms, ratios and shares 0 to 1."""

from typing import Literal

from vantage_api.models import LogLine, Model, TraceSummary
from vantage_api.traces.tree import Place


class TracePage(Model):
    """`next_cursor` leads on where there is more. `sources` are the tables that were read."""

    traces: list[TraceSummary]
    next_cursor: str | None
    sources: list[str]


class TreeSpan(Model):
    """A span in its place: `depth` 0 stands on top. `offset` counts from the trace's begin, `self_ms` is its time
    without children, `critical_ms` how long the trace waited for it. `skew_ms` is how long before its parent it seems
    to begin: the two clocks differ by that much at least, and nothing is shifted."""

    span_id: str
    parent_span_id: str
    service: str
    name: str
    kind: str
    start: float
    offset: float
    duration: float
    status: Literal["ok", "error", "unset"]
    depth: int
    place: Place
    children: int
    self_ms: float
    critical_ms: float
    skew_ms: float


class CriticalStep(Model):
    """From `offset` on the trace waited for this span itself."""

    span_id: str
    service: str
    name: str
    offset: float
    duration: float


class TraceError(Model):
    """A failed span; `is_origin` where none of its children failed."""

    span_id: str
    service: str
    name: str
    offset: float
    is_origin: bool


class ServiceShare(Model):
    """`self_share` is of the time of all spans without their children, `critical_share` of the critical path."""

    service: str
    spans: int
    errors: int
    self_ms: float
    self_share: float
    critical_ms: float
    critical_share: float


class TraceTree(Model):
    """Spans depth first, each with its depth. Where `truncated`, the trace has more spans than were read: these are the
    earliest. `main_span_id` is the top of the tree that the critical path is of."""

    trace_id: str
    start: float
    duration: float
    span_count: int
    error_count: int
    truncated: bool
    root_count: int
    orphan_count: int
    main_span_id: str
    errors: list[TraceError]
    services: list[ServiceShare]
    critical_path: list[CriticalStep]
    spans: list[TreeSpan]


class TraceLogLine(LogLine):
    """`relation` says why the line is there: it names the span, it names the trace, or it was logged near the span by
    the same service."""

    relation: Literal["span", "trace", "near"]


class TraceLogs(Model):
    logs: list[TraceLogLine]
    truncated: bool


class Exemplar(Model):
    """A stored sample with a trace: `count` observations whose mean is `value`; the trace is of one of them."""

    timestamp: int
    value: float
    count: int
    trace_id: str
    span_id: str
    endpoint: str
    method: str
    status_code: int


class Exemplars(Model):
    service: str
    metric: str
    source: Literal["metrics", "spans"]
    exemplars: list[Exemplar]


NodeKind = Literal["service", "queue", "database", "external"]


class MapNode(Model):
    """`id` is kind and name. The figures are of all requests a service answered, or of all calls to what is none; null
    where nobody tells."""

    id: str
    kind: NodeKind
    name: str
    rps: float | None
    error_ratio: float | None
    p95_ms: float | None


class MapEdge(Model):
    """`caller` and `callee` are ids of nodes. `source` says what tells of the calls: the callee's request metric where
    there is one, else spans."""

    caller: str
    callee: str
    kind: Literal["service", "messaging", "queue", "database", "external"]
    source: Literal["metric", "span"]
    count: int
    rps: float
    error_ratio: float
    p50_ms: float | None
    p95_ms: float | None


class ServiceMap(Model):
    """`truncated` where there are more edges than are shown: the busiest are."""

    start: int
    end: int
    nodes: list[MapNode]
    edges: list[MapEdge]
    truncated: bool
    sources: list[str]
