"""What there is to ask for: the metrics of a workspace, the tags on them and the values of these, as plans. Pure.

Lists go on after a key: the names that follow it in the order of the list.
"""

from collections.abc import Sequence
from typing import Final

from vantage_common.store.catalog import METRICS
from vantage_common.store.plan import Call, Column, Expr, Order, QueryPlan, Selected, all_of, between, eq
from vantage_common.store.plan import Literal as Value

from vantage_api.questions import Scope, metric_group

MAX_NAMES: Final = 1000
"""Of one list, and of the services or tag keys beside a metric."""
LABEL_COLUMNS: Final = ("endpoint", "environment", "instance", "method", "service_name", "status_code")
"""Columns that group and filter as tags do."""


def metric_page(
    scope: Scope, start_ms: int, end_ms: int, *, prefix: str, after: tuple[str, ...] | None, limit: int
) -> QueryPlan:
    """(metric_name, metric_type, services), one row a metric and type, by both."""
    keys = (Column("metric_name"), Column("metric_type"))
    return QueryPlan(
        METRICS.name,
        scope.workspace,
        (
            Selected(keys[0], "metric_name"),
            Selected(keys[1], "metric_type"),
            Selected(Call("group_uniq", (Column("service_name"),), (MAX_NAMES,)), "services"),
        ),
        where=all_of(
            scope.where(),
            between("timestamp", start_ms, end_ms),
            None if after is None else _beyond(keys, after),
            _begins(keys[0], prefix),
        ),
        group_by=keys,
        order_by=tuple(Order(key) for key in keys),
        limit=limit,
    )


def tag_keys(scope: Scope, start_ms: int, end_ms: int, metrics: Sequence[str]) -> QueryPlan:
    """(metric_name, tag_keys), one row for each of the metrics that has any."""
    keys = Call("array_join", (Call("map_keys", (Column("tags"),)),))
    return QueryPlan(
        METRICS.name,
        scope.workspace,
        (
            Selected(Column("metric_name"), "metric_name"),
            Selected(Call("group_uniq", (keys,), (MAX_NAMES,)), "tag_keys"),
        ),
        where=all_of(
            scope.where(),
            between("timestamp", start_ms, end_ms),
            Call("in", (Column("metric_name"), *(Value(name) for name in metrics))),
        ),
        group_by=(Column("metric_name"),),
        limit=MAX_NAMES,
    )


def tag_values(
    scope: Scope,
    metric: str,
    start_ms: int,
    end_ms: int,
    *,
    key: str,
    prefix: str,
    after: tuple[str, ...] | None,
    limit: int,
) -> QueryPlan:
    """(value, count), one row a value that is not empty, by value; `key` is a tag or a column."""
    value = label(key)
    return QueryPlan(
        METRICS.name,
        scope.workspace,
        (Selected(value, "value"), Selected(Call("count"), "count")),
        where=all_of(
            scope.where(),
            eq("metric_name", metric),
            between("timestamp", start_ms, end_ms),
            Call("!=", (value, Value(""))),
            None if after is None else Call(">", (value, Value(after[0]))),
            _begins(value, prefix),
        ),
        group_by=(value,),
        order_by=(Order(value),),
        limit=limit,
    )


def label(key: str) -> Expr:
    """A column or a tag of the metrics table, as text."""
    expr = metric_group(key)
    return expr if key in LABEL_COLUMNS and key != "status_code" else Call("to_string", (expr,))


def _begins(text: Expr, prefix: str) -> Expr | None:
    """Begins with the prefix, in any case."""
    return Call("=", (Call("position_ci", (text, Value(prefix))), Value(1))) if prefix else None


def _beyond(keys: Sequence[Expr], after: Sequence[str]) -> Expr:
    """(key, …) > (after, …), by the first that differs."""
    greater = Call(">", (keys[0], Value(after[0])))
    if len(keys) == 1:
        return greater
    same = Call("=", (keys[0], Value(after[0])))
    return Call("or", (greater, Call("and", (same, _beyond(keys[1:], after[1:])))))
