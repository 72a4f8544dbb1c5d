"""Every table and column, once. The DDL in schema/ is compared with it by a test; VQL, docs and API read it.

A raw table is the workspace, the fields of its wire row, and where the row came from on the bus. What the engine fills
by itself stands apart, in `filled`. Rollups are what hours of raw rows add up to; nobody but `store/rollups.py` writes
them. `CALLS` is a view.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ColumnInfo:
    """`type` is ClickHouse's; `public` columns are offered by VQL and ``SELECT *``."""

    name: str
    type: str
    doc: str
    public: bool = True


@dataclass(frozen=True, slots=True)
class TableInfo:
    """`time` is the column TTL, partitions and SINCE work on; `weight` the one aggregates multiply by. Rows with the
    same values of `identity` belong to one series. `filled` are the columns that no insert mentions."""

    name: str
    columns: tuple[ColumnInfo, ...]
    time: str
    order_by: tuple[str, ...]
    weight: str | None = None
    identity: frozenset[str] = frozenset()
    filled: tuple[ColumnInfo, ...] = ()
    partition: str = "toYYYYMMDD"
    """The function of `time` whose values are the partitions; empty where there is one only."""

    def column(self, name: str) -> ColumnInfo | None:
        return next((column for column in self.columns if column.name == name), None)

    @property
    def public_columns(self) -> tuple[ColumnInfo, ...]:
        return tuple(column for column in self.columns if column.public)


LC = "LowCardinality(String)"
LABELS = "Map(LowCardinality(String), LowCardinality(String))"
_NAMED = "SimpleAggregateFunction(max, Tuple(DateTime64(3, 'UTC'), String))"

_WORKSPACE = ColumnInfo("workspace", LC, "tenant the row belongs to", public=False)
_SOURCE = (
    ColumnInfo("_src", "UInt64", "hash of log incarnation, topic and partition", public=False),
    ColumnInfo("_off", "UInt64", "offset of the bus record the row came in", public=False),
    ColumnInfo(
        "batch_id",
        "String",
        "hash of workspace, route and the sender's batch id; empty when it gave none",
        public=False,
    ),
    ColumnInfo("batch_part", "UInt16", "which record of that batch", public=False),
)

ARRIVED = ColumnInfo("_at", "DateTime('UTC')", "when the store took the row in; filled by the engine", public=False)
SERIES = ColumnInfo(
    "series",
    "UInt64",
    "hash of what tells one series of a metric from another; filled by the engine",
    public=False,
)
BUCKET = ColumnInfo(
    "bucket", "Float64", "which bucket of a cumulative histogram, else 0; filled by the engine", public=False
)

METRICS = TableInfo(
    "metrics",
    (
        _WORKSPACE,
        ColumnInfo("service_name", LC, "service that sent the sample"),
        ColumnInfo("metric_name", LC, "name of the metric"),
        ColumnInfo("timestamp", "DateTime64(3, 'UTC')", "time of the last observation in the row"),
        ColumnInfo("metric_type", LC, "counter, gauge, histogram or summary"),
        ColumnInfo("environment", LC, "deployment environment"),
        ColumnInfo("instance", LC, "process or pod that sent it"),
        ColumnInfo("value", "Float64", "mean of the observations"),
        ColumnInfo("count", "UInt64", "number of observations: the weight"),
        ColumnInfo("endpoint", LC, "route template"),
        ColumnInfo("method", LC, "HTTP method"),
        ColumnInfo("status_code", "UInt16", "HTTP status, 0 when not given"),
        ColumnInfo("tags", LABELS, "labels"),
        ColumnInfo("trace_id", "String", "exemplar trace"),
        ColumnInfo("span_id", "String", "exemplar span"),
        ColumnInfo("temporality", LC, "delta, or cumulative: counting from start_time on"),
        ColumnInfo("start_time", "DateTime64(3, 'UTC')", "since when a cumulative sample counts"),
        *_SOURCE,
    ),
    time="timestamp",
    order_by=(
        *("workspace", "service_name", "metric_name", "toStartOfHour(timestamp)", "series", "bucket", "timestamp"),
    ),
    weight="count",
    identity=frozenset(
        {"service_name", "metric_name", "metric_type", "environment", "instance", "endpoint", "method", "status_code"}
        | {"tags", "temporality"}
    ),
    filled=(ARRIVED, SERIES, BUCKET),
)

SPANS = TableInfo(
    "spans",
    (
        _WORKSPACE,
        ColumnInfo("service_name", LC, "service that did the work"),
        ColumnInfo("timestamp", "DateTime64(6, 'UTC')", "start of the span"),
        ColumnInfo("trace_id", "String", "trace the span belongs to"),
        ColumnInfo("span_id", "String", "the span"),
        ColumnInfo("parent_span_id", "String", "its parent, empty for a root"),
        ColumnInfo("name", LC, "operation"),
        ColumnInfo("kind", LC, "server, client, internal, producer or consumer"),
        ColumnInfo("duration_ms", "Float64", "duration in ms"),
        ColumnInfo("status", LC, "ok, error or unset"),
        ColumnInfo("environment", LC, "deployment environment"),
        ColumnInfo("instance", LC, "process or pod that sent it"),
        ColumnInfo("caller", LC, "calling service"),
        ColumnInfo("attributes", "Map(LowCardinality(String), String)", "attributes"),
        *_SOURCE,
    ),
    time="timestamp",
    order_by=("workspace", "service_name", "timestamp"),
    filled=(ARRIVED,),
)

LOGS = TableInfo(
    "logs",
    (
        _WORKSPACE,
        ColumnInfo("service_name", LC, "service that logged"),
        ColumnInfo("timestamp", "DateTime64(3, 'UTC')", "time of the line"),
        ColumnInfo("severity", LC, "TRACE DEBUG INFO WARN ERROR or FATAL"),
        ColumnInfo("body", "String", "the line"),
        ColumnInfo("environment", LC, "deployment environment"),
        ColumnInfo("instance", LC, "process or pod that sent it"),
        ColumnInfo("attributes", "Map(LowCardinality(String), String)", "attributes"),
        ColumnInfo("trace_id", "String", "trace the line belongs to"),
        ColumnInfo("span_id", "String", "span the line belongs to"),
        *_SOURCE,
    ),
    time="timestamp",
    order_by=("workspace", "service_name", "timestamp"),
    filled=(ARRIVED,),
)

TABLES: dict[str, TableInfo] = {table.name: table for table in (METRICS, SPANS, LOGS)}
"""The raw tables: what senders fill and queries name."""

BUCKETS = "Map(Int32, UInt64)"
_VERSION = ColumnInfo("ver", "UInt64", "of several rows with one key, the one with the highest version counts")
_LABELS = (
    ColumnInfo("series", "UInt64", "hash of what tells one series of a metric from another"),
    ColumnInfo("metric_type", LC, "counter, gauge, histogram or summary"),
    ColumnInfo("temporality", LC, "delta or cumulative"),
    ColumnInfo("environment", LC, "deployment environment"),
    ColumnInfo("instance", LC, "process or pod that sent it"),
    ColumnInfo("endpoint", LC, "route template"),
    ColumnInfo("method", LC, "HTTP method"),
    ColumnInfo("status_code", "UInt16", "HTTP status, 0 when not given"),
    ColumnInfo("tags", LABELS, "labels"),
)
_FIGURES = (
    ColumnInfo("count", "UInt64", "number of observations"),
    ColumnInfo("sum", "Float64", "their sum"),
    ColumnInfo("min", "Float64", "the least; 0 where there were none"),
    ColumnInfo("max", "Float64", "the greatest; 0 where there were none"),
    ColumnInfo("buckets", BUCKETS, "observations by logarithmic bin of logbins.py, base PULSE_GAMMA"),
)


def _series_rollup(name: str) -> TableInfo:
    return TableInfo(
        name,
        (
            _WORKSPACE,
            ColumnInfo("service_name", LC, "service that sent the samples"),
            ColumnInfo("metric_name", LC, "name of the metric"),
            ColumnInfo("timestamp", "DateTime('UTC')", "start of the hour or the day"),
            *_LABELS,
            *_FIGURES,
            ColumnInfo("increase", "Float64", "of a counter the growth, of anything else the sum"),
            _VERSION,
        ),
        time="timestamp",
        order_by=("workspace", "service_name", "metric_name", "timestamp", "series"),
        partition="toYYYYMM",
    )


def _request_rollup(name: str, *rest: ColumnInfo, by: tuple[str, ...] = ()) -> TableInfo:
    """Requests of a service by time; `source` is metric or span, side by side."""
    keys = ("workspace", "service_name", "environment", *by, "timestamp", "source")
    return TableInfo(
        name,
        (
            _WORKSPACE,
            ColumnInfo("service_name", LC, "service that answered"),
            ColumnInfo("environment", LC, "deployment environment"),
            *(ColumnInfo(column, LC, "service that asked") for column in by),
            ColumnInfo("timestamp", "DateTime('UTC')", "start of the slot"),
            ColumnInfo(
                "source", LC, "metric or span: requests are reported twice, a reader takes one; or a kind of call"
            ),
            *_FIGURES,
            ColumnInfo("errors", "UInt64", "failed requests"),
            *rest,
            _VERSION,
        ),
        time="timestamp",
        order_by=keys,
    )


METRICS_1H = _series_rollup("metrics_1h")
METRICS_1D = _series_rollup("metrics_1d")
SERVICE_1M = _request_rollup("service_1m", ColumnInfo("instances", "UInt32", "instances that answered"))
EDGES_1M = _request_rollup("edges_1m", by=("caller",))
CITY_10S = _request_rollup("city_10s")
LONGEST = "Map(LowCardinality(String), Float64)"
TRACES = TableInfo(
    "traces",
    (
        _WORKSPACE,
        ColumnInfo("timestamp", "DateTime('UTC')", "start of the hour"),
        ColumnInfo("trace_id", "String", "the trace"),
        ColumnInfo("start_ms", "Float64", "when its first span of the hour began"),
        ColumnInfo("end_ms", "Float64", "when the last of them ended"),
        ColumnInfo("root_service", LC, "service of its root, or else of the earliest span"),
        ColumnInfo("root_name", LC, "operation of that span"),
        ColumnInfo("root_order", "Float64", "of several such spans the one with the least is the root"),
        ColumnInfo("spans", "UInt64", "number of spans"),
        ColumnInfo("errors", "UInt64", "number of failed spans"),
        ColumnInfo("longest_good", LONGEST, "by service its longest span that did not fail, ms, more than 0"),
        ColumnInfo("longest_failed", LONGEST, "by service its longest span that failed, ms, more than 0"),
        _VERSION,
    ),
    time="timestamp",
    order_by=("workspace", "timestamp", "trace_id"),
)
ROLLUPS: dict[str, TableInfo] = {
    table.name: table for table in (METRICS_1H, METRICS_1D, SERVICE_1M, EDGES_1M, CITY_10S, TRACES)
}

CALLS = TableInfo(
    "calls",
    (
        _WORKSPACE,
        ColumnInfo("service_name", LC, "service that was called, or the name of a database, a queue, an address"),
        ColumnInfo("caller", LC, "service that called"),
        ColumnInfo("environment", LC, "deployment environment of the span that tells of the call"),
        ColumnInfo("kind", LC, "service or messaging between services, else queue, database or external"),
        ColumnInfo("timestamp", "DateTime64(6, 'UTC')", "when it began"),
        ColumnInfo("duration_ms", "Float64", "duration in ms"),
        ColumnInfo("status", LC, "ok or error"),
    ),
    time="timestamp",
    order_by=(),
)
"""A view: its rows are made of spans when they are asked for (calls.py). A plan that reads it names a range of time."""

READABLE: dict[str, TableInfo] = TABLES | ROLLUPS | {CALLS.name: CALLS}
"""What a plan may read. VQL offers `TABLES` alone."""


def _people_table(name: str, *, keeps_all: bool = False) -> TableInfo:
    """Documents: `body` is JSON of a shape that its owner knows. Of one id the highest version counts; where all are
    kept, they are what happened to it."""
    return TableInfo(
        name,
        (
            _WORKSPACE,
            ColumnInfo("id", "String", "which one"),
            ColumnInfo("ver", "UInt64", "version: grows with every change"),
            ColumnInfo("at", "DateTime64(3, 'UTC')", "when it was changed"),
            ColumnInfo("author", "String", "who changed it: a key's name, or the part of Vantage that did"),
            ColumnInfo("deleted", "Bool", "whether it is gone since"),
            ColumnInfo("body", "String", "what it is now"),
        ),
        time="at",
        order_by=("workspace", "id", "ver") if keeps_all else ("workspace", "id"),
        partition="toYYYYMM" if keeps_all else "",
    )


SERVICES = TableInfo(
    "services",
    (
        _WORKSPACE,
        ColumnInfo("service_name", LC, "service"),
        ColumnInfo("environment", LC, "deployment environment"),
        ColumnInfo("first_seen", "SimpleAggregateFunction(min, DateTime64(3, 'UTC'))", "time of its first row"),
        ColumnInfo("last_seen", "SimpleAggregateFunction(max, DateTime64(3, 'UTC'))", "time of its last row"),
        ColumnInfo("namespace", _NAMED, "namespace that it named last, and when"),
        ColumnInfo("version", _NAMED, "version that it named last, and when"),
    ),
    time="last_seen",
    order_by=("workspace", "service_name", "environment"),
    partition="",
)
"""Who sent rows. The writer keeps it beside the raw tables (services.py)."""

DOCUMENTS: dict[str, TableInfo] = {
    table.name: table
    for table in (
        _people_table("alert_rules"),
        _people_table("silences"),
        _people_table("baselines"),
        _people_table("dashboards"),
        _people_table("alert_channels"),
        _people_table("alert_events", keeps_all=True),
        _people_table("audit", keeps_all=True),
    )
}
"""What people change and what happened to it. `store/documents.py` alone reads and writes them."""
