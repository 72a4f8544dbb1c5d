"""The trace calls' questions to the store, as plans. Pure: nothing here asks anything."""

from collections.abc import Sequence
from typing import Final

from vantage_common.store.catalog import LOGS, METRICS, SPANS, TRACES
from vantage_common.store.plan import (
    Call,
    Column,
    Expr,
    Interval,
    Order,
    Output,
    QueryPlan,
    Selected,
    all_of,
    between,
    eq,
)
from vantage_common.store.plan import Literal as Value

from vantage_api.questions import Scope

TIMESTAMP: Final = Column("timestamp")
BEGAN_MS: Final = Call("time_ms", (TIMESTAMP,))
END_MS: Final = Call("+", (BEGAN_MS, Column("duration_ms")))
_SPAN: Final = ("span_id", "parent_span_id", "service_name", "name", "kind", "duration_ms", "status")
_LINE: Final = ("timestamp", "service_name", "severity", "body", "attributes", "trace_id", "span_id")


BY_START: Final = (Order(TIMESTAMP), Order(Column("span_id")))
MOST_HOURS: Final = 100_000
"""More than are ever kept."""


def spans_of(
    workspace: str, trace_id: str, within: Expr | None, limit: int, *, with_attributes: bool = False
) -> QueryPlan:
    """Every span of a trace, in no order; the same span may come twice."""
    names = ("trace_id", *_SPAN, "attributes") if with_attributes else _SPAN
    return QueryPlan(
        SPANS.name,
        workspace,
        (Selected(BEGAN_MS, "start"), *(Selected(Column(name), name) for name in names)),
        where=all_of(eq("trace_id", trace_id), within),
        limit=limit,
    )


def known_hours_of(workspace: str, trace_id: str) -> QueryPlan:
    """(start, end) of each hour of a trace in epoch milliseconds, as its rollup knows it. To add the few rows up is
    left to who asks: in the engine that is a fifth of the question."""
    return QueryPlan(
        TRACES.name,
        workspace,
        (Selected(Column("start_ms"), "start"), Selected(Column("end_ms"), "end")),
        where=eq("trace_id", trace_id),
        limit=MOST_HOURS,
    )


def logs_of(workspace: str, conditions: Expr, start_ms: int, end_ms: int, limit: int) -> QueryPlan:
    """Lines by time."""
    return QueryPlan(
        LOGS.name,
        workspace,
        tuple(Selected(Column(name), name) for name in _LINE),
        where=all_of(between("timestamp", start_ms, end_ms), conditions),
        order_by=(Order(TIMESTAMP), Order(Column("service_name"))),
        limit=limit,
    )


def extent_of(workspace: str, trace_id: str, span_id: str | None, within: Expr | None) -> QueryPlan:
    """(start, end, service_name, instance) of a trace or of one span, one row; nulls where there is none."""
    return QueryPlan(
        SPANS.name,
        workspace,
        (
            Selected(Call("min", (BEGAN_MS,)), "start"),
            Selected(Call("max", (END_MS,)), "end"),
            *(Selected(Call("any", (Column(name),)), name) for name in ("service_name", "instance")),
        ),
        where=all_of(eq("trace_id", trace_id), None if span_id is None else eq("span_id", span_id), within),
        limit=1,
    )


def metric_exemplars(
    scope: Scope, metric: str, start_ms: int, end_ms: int, *, least: float | None, slot: Interval | None, limit: int
) -> QueryPlan:
    """(timestamp, value, count, trace_id, span_id, endpoint, method, status_code) of samples that keep a trace id: the
    greatest, or the greatest of every slot of time."""
    names = ("timestamp", "value", "count", "trace_id", "span_id", "endpoint", "method", "status_code")
    where = all_of(
        scope.where(),
        eq("metric_name", metric),
        between("timestamp", start_ms, end_ms),
        Call("!=", (Column("trace_id"), Value(""))),
        None if least is None else Call(">=", (Column("value"), Value(least))),
    )
    return _greatest(METRICS.name, scope, tuple((name, Column(name)) for name in names), where, slot, limit)


def span_exemplars(
    scope: Scope, start_ms: int, end_ms: int, *, least: float | None, slot: Interval | None, limit: int
) -> QueryPlan:
    """The same of a service that sends its requests as spans alone."""
    columns: tuple[tuple[str, Expr], ...] = (
        ("timestamp", TIMESTAMP),
        ("value", Column("duration_ms")),
        ("trace_id", Column("trace_id")),
        ("span_id", Column("span_id")),
        ("endpoint", Column("name")),
    )
    where = all_of(
        scope.where(),
        eq("kind", "server"),
        between("timestamp", start_ms, end_ms),
        Call("!=", (Column("trace_id"), Value(""))),
        None if least is None else Call(">=", (Column("duration_ms"), Value(least))),
    )
    return _greatest(SPANS.name, scope, columns, where, slot, limit)


def _greatest(
    table: str,
    scope: Scope,
    columns: Sequence[tuple[str, Expr]],
    where: Expr | None,
    slot: Interval | None,
    limit: int,
) -> QueryPlan:
    value = next(expr for name, expr in columns if name == "value")
    if slot is None:
        select = tuple(Selected(expr, name) for name, expr in columns)
        return QueryPlan(
            table,
            scope.workspace,
            select,
            where=where,
            order_by=(Order(value, descending=True), Order(TIMESTAMP)),
            limit=limit,
        )
    bucket = Call("time_bucket", (TIMESTAMP, slot))
    return QueryPlan(
        table,
        scope.workspace,
        (
            Selected(bucket, "slot"),
            *(Selected(Call("arg_max", (expr, value)), name) for name, expr in columns),
        ),
        where=where,
        group_by=(bucket,),
        order_by=(Order(Output("slot")),),
        limit=limit,
    )
