"""The questions a comparison asks, as plans. No side is read row by row: the store adds up minutes and bins."""

from collections.abc import Mapping
from typing import Final

from vantage_common.model import REQUEST_METRIC, VERSION_TAGS
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

from vantage_api.questions import METRIC_REQUESTS, SPAN_REQUESTS, Requests, Scope

LEAST_VALUE: Final = 1e-6
"""Stands for all below it where a logarithm is taken: a nanosecond, of durations in ms."""
MAX_VERSIONS: Final = 50
_COLUMNS: Final = frozenset({"environment", "instance", "endpoint", "method", "caller", "status_code"})
_TIMESTAMP: Final = Column("timestamp")
_MINUTE: Final = Call("time_bucket", (_TIMESTAMP, Interval(1, "MINUTE")))


def minutes(
    scope: Scope, source: Requests, metric: str, tags: Mapping[str, str], start_ms: int, end_ms: int
) -> QueryPlan:
    """(at, n, total, squares, logs, log_squares, errors, floored, kind), one row a minute with observations."""
    value = source.duration
    logarithm = _logarithm(value)
    failed = Call("count_if", (source.failed,)) if _has_errors(source, metric) else Value(0)
    kind = Call("max", (Column("metric_type"),)) if source.table == "metrics" else Value("")
    return QueryPlan(
        source.table,
        scope.workspace,
        (
            Selected(_MINUTE, "at"),
            Selected(Call("count"), "n"),
            Selected(Call("sum", (value,)), "total"),
            Selected(Call("sum", (Call("*", (value, value)),)), "squares"),
            Selected(Call("sum", (logarithm,)), "logs"),
            Selected(Call("sum", (Call("*", (logarithm, logarithm)),)), "log_squares"),
            Selected(failed, "errors"),
            Selected(Call("count_if", (Call("<", (value, Value(LEAST_VALUE))),)), "floored"),
            Selected(kind, "kind"),
        ),
        where=_observations(scope, source, metric, tags, start_ms, end_ms),
        group_by=(_MINUTE,),
        order_by=(Order(Output("at")),),
        limit=(end_ms - start_ms) // 60_000 + 2,
    )


def histograms(
    scope: Scope,
    source: Requests,
    metric: str,
    tags: Mapping[str, str],
    start_ms: int,
    end_ms: int,
    stretch_minutes: int,
) -> QueryPlan:
    """(stretch, bins): observations by bin of base PULSE_GAMMA, one row a stretch of the range."""
    since_ms = Call("-", (Call("time_ms", (_TIMESTAMP,)), Value(start_ms)))
    stretch = Call("floor", (Call("/", (since_ms, Value(stretch_minutes * 60_000))),))
    return QueryPlan(
        source.table,
        scope.workspace,
        (Selected(stretch, "stretch"), Selected(Call("bins", (source.duration,)), "bins")),
        where=_observations(scope, source, metric, tags, start_ms, end_ms),
        group_by=(stretch,),
        limit=(end_ms - start_ms) // (stretch_minutes * 60_000) + 2,
    )


def versions(scope: Scope, table: str) -> QueryPlan:
    """(version, last_seen) of a service, the newest first."""
    version = version_of("tags" if table == "metrics" else "attributes")
    return QueryPlan(
        table,
        scope.workspace,
        (Selected(version, "version"), Selected(Call("max", (_TIMESTAMP,)), "last_seen")),
        where=all_of(scope.where(), Call("!=", (version, Value("")))),
        group_by=(version,),
        order_by=(Order(Output("last_seen"), descending=True),),
        limit=MAX_VERSIONS,
    )


def version_of(labels: str) -> Expr:
    """The first of the labels a version goes by that is not empty."""
    tag, fallback = (Tag(labels, key) for key in VERSION_TAGS)
    return Call("if", (Call("!=", (tag, Value(""))), tag, fallback))


def _observations(
    scope: Scope, source: Requests, metric: str, tags: Mapping[str, str], start_ms: int, end_ms: int
) -> Expr | None:
    named = source.is_request if source is SPAN_REQUESTS else eq("metric_name", metric)
    fitting = (Call("=", (_label(source, key), Value(value))) for key, value in sorted(tags.items()))
    return all_of(scope.where(), named, between("timestamp", start_ms, end_ms), *fitting)


def _label(source: Requests, key: str) -> Expr:
    if key in VERSION_TAGS:
        return version_of(source.labels)
    if key not in _COLUMNS:
        return Tag(source.labels, key)
    known = {"endpoint": source.endpoint, "method": source.method, "caller": source.caller}
    if key == "status_code":
        return Call("to_string", (Column(key),)) if source is METRIC_REQUESTS else Tag(source.labels, _SPAN_STATUS)
    return known.get(key, Column(key))


_SPAN_STATUS: Final = "http.response.status_code"


def _has_errors(source: Requests, metric: str) -> bool:
    return source is SPAN_REQUESTS or metric == REQUEST_METRIC


def _logarithm(value: Expr) -> Expr:
    least = Value(LEAST_VALUE)
    return Call("ln", (Call("if", (Call(">", (value, least)), value, least)),))
