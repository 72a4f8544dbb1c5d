"""A plan as JSON, for people who want to see what their query became."""

from dataclasses import fields
from typing import Any

from vantage_common.store.plan import Call, Column, Expr, Interval, Literal, Output, QueryPlan, Tag, Time


def explain(plan: QueryPlan) -> dict[str, Any]:
    """The plan in plain dicts and lists. The workspace is left out: it is the key's, not the query's."""
    return {
        "table": plan.table,
        "select": [{"name": item.name, "expr": expression(item.expr)} for item in plan.select],
        "where": None if plan.where is None else expression(plan.where),
        "group_by": [expression(expr) for expr in plan.group_by],
        "having": None if plan.having is None else expression(plan.having),
        "order_by": [{"expr": expression(item.expr), "descending": item.descending} for item in plan.order_by],
        "limit": plan.limit,
        "offset": plan.offset,
        "distinct": plan.distinct,
    }


def expression(expr: Expr) -> dict[str, Any]:
    """``{"call": name, "args": […], "params"?: […]}``, or ``{kind: …}`` for what is not a call."""
    match expr:
        case Call(function, args, params):
            call: dict[str, Any] = {"call": function, "args": [expression(arg) for arg in args]}
            return {**call, "params": list(params)} if params else call
        case Column(name):
            return {"column": name}
        case Output(name):
            return {"output": name}
        case Literal(value):
            return {"literal": value}
        case Time(ms):
            return {"time": ms}
        case Tag() | Interval():
            values = {field.name: getattr(expr, field.name) for field in fields(expr)}
            return {type(expr).__name__.lower(): values}
