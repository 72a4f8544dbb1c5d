"""The API's own questions to the store, as plans. Pure: nothing here asks anything.

Requests are stored twice: as the request metric, and as server spans where a sender has no such metric. `Requests`
says where each of the two keeps what; the reader takes the metric where there is one, else the spans.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from vantage_common.store.catalog import LOGS, METRICS, SPANS
from vantage_common.store.intervals import union
from vantage_common.store.plan import (
    Call,
    Column,
    Expr,
    Interval,
    Order,
    Output,
    QueryPlan,
    Selected,
    Tag,
    all_of,
    between,
    eq,
)
from vantage_common.store.plan import Literal as Value
from vantage_common.store.rollup_plan import (
    FAILED_METRIC,
    FAILED_SPAN,
    IS_REQUEST_METRIC,
    IS_REQUEST_SPAN,
)

CALLER_TAG: Final = "caller"
MAX_SERVICES: Final = 10_000
MAX_GROUPS: Final = 1000
MAX_TAG_KEYS: Final = 64
HOUR_MS: Final = 3_600_000
_TIMESTAMP: Final = Column("timestamp")

Agg: TypeAlias = Literal["avg", "sum", "count", "min", "max", "rate", "p50", "p90", "p95", "p99"]
SourceTable: TypeAlias = Literal["metrics", "spans"]


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose rows: a workspace, and within it a service and an environment where they are given."""

    workspace: str
    service: str | None = None
    environment: str | None = None

    def where(self) -> Expr | None:
        return all_of(
            None if self.service is None else eq("service_name", self.service),
            None if self.environment is None else eq("environment", self.environment),
        )


@dataclass(frozen=True, slots=True)
class Requests:
    """One of the two places that requests are stored in."""

    table: SourceTable
    is_request: Expr
    duration: Expr
    failed: Expr
    endpoint: Expr
    method: Expr
    caller: Expr
    labels: str


METRIC_REQUESTS: Final = Requests(
    table="metrics",
    is_request=IS_REQUEST_METRIC,
    duration=Column("value"),
    failed=FAILED_METRIC,
    endpoint=Column("endpoint"),
    method=Column("method"),
    caller=Tag("tags", CALLER_TAG),
    labels="tags",
)
SPAN_REQUESTS: Final = Requests(
    table="spans",
    is_request=IS_REQUEST_SPAN,
    duration=Column("duration_ms"),
    failed=FAILED_SPAN,
    endpoint=Column("name"),
    method=Tag("attributes", "http.request.method"),
    caller=Column("caller"),
    labels="attributes",
)
REQUEST_SOURCES: Final = (METRIC_REQUESTS, SPAN_REQUESTS)

_COUNT: Final = Call("count")


def _p95(source: Requests) -> Expr:
    return Call("quantile", (source.duration,), (0.95,))


def _figures(source: Requests) -> tuple[Selected, ...]:
    return (
        Selected(_COUNT, "count"),
        Selected(Call("count_if", (source.failed,)), "errors"),
        Selected(Call("avg", (source.duration,)), "mean_ms"),
        Selected(_p95(source), "p95_ms"),
    )


def within_hours(hours: Sequence[int]) -> Expr:
    """That the time lies in one of the hours, which are given by their starts."""
    spans = [between("timestamp", start, end) for start, end in union((hour, hour + HOUR_MS) for hour in hours)]
    return Call("or", tuple(spans)) if len(spans) > 1 else spans[0]


def request_figures(scope: Scope, source: Requests, start_ms: int, end_ms: int) -> QueryPlan:
    """(service_name, environment, count, errors, mean_ms, p95_ms), one row a service."""
    keys = (Column("service_name"), Column("environment"))
    return QueryPlan(
        source.table,
        scope.workspace,
        (Selected(keys[0], "service_name"), Selected(keys[1], "environment"), *_figures(source)),
        where=_requests_within(scope, source, start_ms, end_ms),
        group_by=keys,
        limit=MAX_SERVICES,
    )


def request_slots(scope: Scope, source: Requests, start_ms: int, end_ms: int, slot: Interval) -> QueryPlan:
    """(service_name, environment, at, count, errors), one row a service and slot with requests."""
    keys = (Column("service_name"), Column("environment"))
    bucket = Call("time_bucket", (_TIMESTAMP, slot))
    return QueryPlan(
        source.table,
        scope.workspace,
        (
            Selected(keys[0], "service_name"),
            Selected(keys[1], "environment"),
            Selected(bucket, "at"),
            *_figures(source)[:2],
        ),
        where=_requests_within(scope, source, start_ms, end_ms),
        group_by=(*keys, bucket),
        limit=MAX_SERVICES * 10,
    )


def request_groups(
    scope: Scope, source: Requests, start_ms: int, end_ms: int, by: Sequence[tuple[str, Expr]]
) -> QueryPlan:
    """The named expressions of `by`, then (count, errors, mean_ms, p95_ms): one row a group, the largest first."""
    return QueryPlan(
        source.table,
        scope.workspace,
        (*(Selected(expr, name) for name, expr in by), *_figures(source)),
        where=_requests_within(scope, source, start_ms, end_ms),
        group_by=tuple(expr for _, expr in by),
        order_by=(Order(Output("count"), descending=True),),
        limit=MAX_GROUPS,
    )


def distinct(scope: Scope, table: str, column: str, start_ms: int, end_ms: int) -> QueryPlan:
    """The values a column had."""
    return QueryPlan(
        table,
        scope.workspace,
        (Selected(Column(column), column),),
        where=all_of(scope.where(), between("timestamp", start_ms, end_ms)),
        group_by=(Column(column),),
        order_by=(Order(Column(column)),),
        limit=MAX_GROUPS,
    )


def metric_names(scope: Scope, start_ms: int, end_ms: int) -> QueryPlan:
    """(metric_name, metric_type, services), one row a metric and type."""
    keys = (Column("metric_name"), Column("metric_type"))
    return QueryPlan(
        METRICS.name,
        scope.workspace,
        (
            Selected(keys[0], "metric_name"),
            Selected(keys[1], "metric_type"),
            Selected(Call("group_uniq", (Column("service_name"),), (MAX_GROUPS,)), "services"),
        ),
        where=all_of(scope.where(), between("timestamp", start_ms, end_ms)),
        group_by=keys,
        order_by=(Order(keys[0]), Order(keys[1])),
        limit=MAX_GROUPS,
    )


def metric_tag_keys(scope: Scope, start_ms: int, end_ms: int) -> QueryPlan:
    """(metric_name, tag_keys), one row a metric that has any."""
    keys = Call("array_join", (Call("map_keys", (Column("tags"),)),))
    return QueryPlan(
        METRICS.name,
        scope.workspace,
        (
            Selected(Column("metric_name"), "metric_name"),
            Selected(Call("group_uniq", (keys,), (MAX_TAG_KEYS,)), "tag_keys"),
        ),
        where=all_of(scope.where(), between("timestamp", start_ms, end_ms)),
        group_by=(Column("metric_name"),),
        limit=MAX_GROUPS,
    )


def metric_series(
    scope: Scope, metric: str, start_ms: int, end_ms: int, *, step_s: int, agg: Agg, group_by: str | None, limit: int
) -> QueryPlan:
    """(at, value) or (at, group, value), by time."""
    condition = all_of(scope.where(), eq("metric_name", metric), between("timestamp", start_ms, end_ms))
    group = None if group_by is None else metric_group(group_by)
    return _series("metrics", scope, condition, Column("value"), step_s=step_s, agg=agg, group=group, limit=limit)


def span_series(
    scope: Scope, start_ms: int, end_ms: int, *, step_s: int, agg: Agg, group_by: str | None, limit: int
) -> QueryPlan:
    """The request metric of a service that only sends spans; as `metric_series`."""
    condition = _requests_within(scope, SPAN_REQUESTS, start_ms, end_ms)
    group = None if group_by is None else span_group(group_by)
    duration = SPAN_REQUESTS.duration
    return _series("spans", scope, condition, duration, step_s=step_s, agg=agg, group=group, limit=limit)


def metric_group(name: str) -> Expr:
    """A column of the metrics table, or else a tag."""
    column = METRICS.column(name)
    return Column(name) if column is not None and column.public and name != "tags" else Tag("tags", name)


def span_group(name: str) -> Expr:
    """What stands for a column or a tag of the request metric in a span."""
    known = {"endpoint": SPAN_REQUESTS.endpoint, "method": SPAN_REQUESTS.method, CALLER_TAG: SPAN_REQUESTS.caller}
    if name in known:
        return known[name]
    column = SPANS.column(name)
    return Column(name) if column is not None and column.public and name != "attributes" else Tag("attributes", name)


def log_lines(
    scope: Scope,
    start_ms: int,
    end_ms: int,
    *,
    severities: Sequence[str],
    text: str | None,
    trace_id: str | None,
    limit: int,
) -> QueryPlan:
    """The log lines that fit, newest first."""
    names = ("timestamp", "service_name", "severity", "body", "attributes", "trace_id", "span_id")
    by_severity = Call("in", (Column("severity"), *(Value(severity) for severity in severities)))
    by_text = Call(">", (Call("position_ci", (Column("body"), Value(text or ""))), Value(0)))
    return QueryPlan(
        LOGS.name,
        scope.workspace,
        tuple(Selected(Column(name), name) for name in names),
        where=all_of(
            scope.where(),
            between("timestamp", start_ms, end_ms),
            by_severity if severities else None,
            by_text if text else None,
            eq("trace_id", trace_id) if trace_id else None,
        ),
        order_by=(Order(_TIMESTAMP, descending=True),),
        limit=limit,
    )


def _requests_within(scope: Scope, source: Requests, start_ms: int, end_ms: int) -> Expr | None:
    return all_of(scope.where(), source.is_request, between("timestamp", start_ms, end_ms))


def _series(
    table: SourceTable,
    scope: Scope,
    condition: Expr | None,
    value: Expr,
    *,
    step_s: int,
    agg: Agg,
    group: Expr | None,
    limit: int,
) -> QueryPlan:
    bucket = Call("time_bucket", (_TIMESTAMP, Interval(step_s, "SECOND")))
    groups = () if group is None else (Call("to_string", (group,)),)
    return QueryPlan(
        table,
        scope.workspace,
        (
            Selected(bucket, "at"),
            *(Selected(expr, "group") for expr in groups),
            Selected(_aggregate(agg, value, step_s), "value"),
        ),
        where=condition,
        group_by=(bucket, *groups),
        order_by=(Order(Output("at")),),
        limit=limit,
    )


def _aggregate(agg: Agg, value: Expr, step_s: int) -> Expr:
    match agg:
        case "count":
            return _COUNT
        case "rate":
            return Call("rate", (value,), (float(step_s),))
        case "p50" | "p90" | "p95" | "p99":
            return Call("quantile", (value,), (int(agg[1:]) / 100,))
        case _:
            return Call(agg, (value,))


def hours_of_earlier_weeks(now_ms: int, weeks: int) -> Expr:
    """The present hour of the week, one to `weeks` weeks ago."""
    hour = now_ms // HOUR_MS * HOUR_MS
    return within_hours([hour - n * 7 * 24 * HOUR_MS for n in range(1, weeks + 1)])


def same_hour(scope: Scope, source: Requests, now_ms: int, weeks: int) -> QueryPlan:
    """(service_name, environment, at, count): the requests of this hour of the week in earlier weeks."""
    hour = now_ms // HOUR_MS * HOUR_MS
    plan = request_slots(scope, source, hour - weeks * 7 * 24 * HOUR_MS, hour, Interval(1, "HOUR"))
    return QueryPlan(
        plan.table,
        plan.workspace,
        plan.select[:4],
        where=all_of(scope.where(), source.is_request, hours_of_earlier_weeks(now_ms, weeks)),
        group_by=plan.group_by,
        limit=plan.limit,
    )
