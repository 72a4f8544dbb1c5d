"""Which plans read cumulative rows as differences, and which rows those need. Pure, and the same for every engine.

A cumulative row counts from its start on, so what happened in its time is the difference to the row of its series
before it. A difference depends on the rows alone, never on the range that is asked for: a chart keeps its shape when
it is zoomed, and hours add up to days. Of a row and the last one of its series (of a histogram: of any of its buckets)
that is older, at most `LOOKBACK` older:

- the value fell, or the row counts from after the older one on: it began anew, so all of it counts;
- else what it has more counts. A bucket that the older one did not have was empty then;
- there is no older one: all of it counts when the row began to count within `LOOKBACK` before, else nothing, for
  nobody knows how much of it is new.

A row that came twice differs by nothing from itself.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from vantage_common.store.catalog import TableInfo
from vantage_common.store.functions import FUNCTIONS, GROWTH, WEIGHTED
from vantage_common.store.plan import Call, Column, Expr, Interval, Output, QueryPlan, Tag

LOOKBACK_MINUTES: Final = 10
LOOKBACK: Final = Interval(LOOKBACK_MINUTES, "MINUTE")
LOOKBACK_MS: Final = LOOKBACK_MINUTES * 60_000
"""Ten intervals of OTLP's default export; Prometheus gives a series up after five minutes."""

_MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}


def needs_differences(plan: QueryPlan, table: TableInfo) -> bool:
    """Whether the plan has an aggregate over observations: one that weighs its rows, or looks at value or weight.

    Those over names and times alone ask what rows there are, and plans without aggregates show them as they came.
    """
    if table.weight is None or not table.identity:
        return False
    looked_at = {"value", table.weight}
    return any(
        aggregate.function.removesuffix("_if") in WEIGHTED or not looked_at.isdisjoint(columns_of(aggregate.args))
        for aggregate in _aggregates(plan)
    )


def grows(plan: QueryPlan) -> bool:
    """Whether the plan asks by how much a value grew."""
    return any(aggregate.function.removesuffix("_if") in GROWTH for aggregate in _aggregates(plan))


def _aggregates(plan: QueryPlan) -> Iterator[Call]:
    shown = [*(item.expr for item in plan.select), *(item.expr for item in plan.order_by)]
    having = [] if plan.having is None else [plan.having]
    for expr in (*shown, *having):
        yield from _aggregates_in(expr)


def _aggregates_in(expr: Expr) -> Iterator[Call]:
    if not isinstance(expr, Call):
        return
    function = FUNCTIONS.get(expr.function)
    if function is not None and function.is_aggregate:
        yield expr
    for arg in expr.args:
        yield from _aggregates_in(arg)


def columns_of(exprs: Iterable[Expr]) -> Iterator[str]:
    """The names of the columns that the expressions mention."""
    for expr in exprs:
        match expr:
            case Column(name) | Tag(name, _):
                yield name
            case Call(_, args, _):
                yield from columns_of(args)


def widened(condition: Expr | None, table: TableInfo) -> Expr | None:
    """A condition that holds for every row that `condition` needs: its own rows and those of their series up to
    `LOOKBACK` before. None where that is every row."""
    match condition:
        case Call("and", args):
            kept = [wide for arg in args if (wide := widened(arg, table)) is not None]
            return None if not kept else kept[0] if len(kept) == 1 else Call("and", tuple(kept))
        case Call("or", args):
            wide_args = [widened(arg, table) for arg in args]
            known = tuple(wide for wide in wide_args if wide is not None)
            return Call("or", known) if len(known) == len(wide_args) else None
        case Call("between", (Column(name), low, high)) if name == table.time and _is_constant(low, high):
            return Call("between", (Column(name), _before(low), high))
        case Call(function, (Column(name), other)) if name == table.time and _is_constant(other):
            return _widened_bound(function, name, other)
        case Call(function, (other, Column(name))) if name == table.time and _is_constant(other):
            return _widened_bound(_MIRRORED.get(function, ""), name, other)
        case Call() if set(columns_of((condition,))) <= table.identity and not _has_output(condition):
            return condition
        case _:
            return None


def _widened_bound(function: str, time: str, bound: Expr) -> Expr | None:
    match function:
        case ">" | ">=":
            return Call(function, (Column(time), _before(bound)))
        case "<" | "<=":
            return Call(function, (Column(time), bound))
        case "=":
            return Call("between", (Column(time), _before(bound), bound))
        case _:
            return None


def _before(bound: Expr) -> Expr:
    return Call("-", (bound, LOOKBACK))


def _is_constant(*exprs: Expr) -> bool:
    return not list(columns_of(exprs)) and not any(_has_output(expr) for expr in exprs)


def _has_output(expr: Expr) -> bool:
    return isinstance(expr, Output) or (isinstance(expr, Call) and any(_has_output(arg) for arg in expr.args))
