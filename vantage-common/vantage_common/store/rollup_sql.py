"""A plan's SQL where rollups answer a part of it. Pure.

Every table that is read becomes rows of one shape: the labels that the plan mentions, and figures that add up
(`_count`, `_sum`, `_min`, …). A raw row is one of them, its value in a list of one; so is a row of a rollup, with its
bins as a list of values. The question is then put to all of these rows at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import log
from types import MappingProxyType
from typing import Final

from vantage_common.logbins import BIN_SHIFT
from vantage_common.model import PULSE_GAMMA
from vantage_common.store.catalog import METRICS, TABLES
from vantage_common.store.differences import columns_of, needs_differences
from vantage_common.store.functions import Aggregation, Function
from vantage_common.store.intervals import BEGIN, END, Intervals
from vantage_common.store.plan import Call, Column, Expr, Literal, QueryPlan, ResultColumn, Time, all_of
from vantage_common.store.render import (
    Rendered,
    Writer,
    asked,
    differenced_rows,
    finite,
    render,
    scoped,
    shown_type,
)
from vantage_common.store.rollup_plan import FAILED_METRIC, FAILED_SPAN, HOUR_MS, OUTDATED, Reading, Rollup

_BIN_VALUE: Final = f"if(b = 0, 0, if(b > 0, 1, -1) * exp((abs(b) - {BIN_SHIFT} - 0.5) * {log(PULSE_GAMMA)!r}))"
"""logbins.representative, in SQL."""
_FAILED: Final[Mapping[str, Expr]] = {"metrics": FAILED_METRIC, "spans": FAILED_SPAN}


def render_reading(plan: QueryPlan, database: str, reading: Reading) -> Rendered:
    """As `render`, with what `reading` takes from rollups. Raises UserError as `render` does."""
    if not reading.parts:
        return render(plan, database)
    table = TABLES[plan.table]
    writer = _Merger(table, plan.select, figures=_figures_of(plan))
    columns = tuple(ResultColumn(item.name, shown_type(writer.type_of(item.expr))) for item in plan.select)
    observed = needs_differences(plan, table)
    branches = [
        _rollup_rows(writer, plan, database, rollup, spans, reading.labels, observed) for rollup, spans in reading.parts
    ]
    probe = plain = ""
    if reading.raw:
        branches_of_raw = _raw_rows(writer, plan, database, reading.raw, observed)
        probe = branches_of_raw.probe
        if probe:
            plain = asked(writer, plan, f"({' UNION ALL '.join([*branches, branches_of_raw.plain])})")
        branches.append(branches_of_raw.sql)
    sql = asked(writer, plan, f"({' UNION ALL '.join(branches)})")
    return Rendered(sql, MappingProxyType(writer.params), columns, probe, plain)


@dataclass(frozen=True, slots=True)
class _Figure:
    """A column of the common shape: what fills it from raw rows with a `value`, a `weight` and a `growth`, and what
    from rows of a rollup."""

    raw: str
    rolled: str


_FIGURES: Final[Mapping[str, _Figure]] = {
    "_count": _Figure("toUInt64({weight})", "count"),
    "_sum": _Figure("({value} * {weight})", "sum"),
    "_min": _Figure("{value}", "min"),
    "_max": _Figure("{value}", "max"),
    "_increase": _Figure("({growth} * {weight})", "increase"),
    "_values": _Figure("[toFloat64({value})]", f"arrayMap(b -> {_BIN_VALUE}, mapKeys(buckets))"),
    "_numbers": _Figure("[toUInt64({weight})]", "mapValues(buckets)"),
}
_ERRORS: Final = "_errors"
_NOTHING: Final = "1"
_VALUES: Final = (Column("value"), Column("duration_ms"), Column(METRICS.weight or ""))
"""What figures are taken of."""
_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "count": ("_count",),
    "sum": ("_sum",),
    "avg": ("_sum", "_count"),
    "min": ("_min",),
    "max": ("_max",),
    "increase": ("_increase",),
    "rate": ("_increase",),
    "quantile": ("_values", "_numbers"),
    "quantiles": ("_values", "_numbers"),
}
"""The figures that an aggregate of observations is made from."""


def _figures_of(plan: QueryPlan) -> tuple[str, ...]:
    """The figures that the plan's aggregates need, in the order of the table above."""
    table = TABLES[plan.table]
    needed: set[str] = set()
    exprs = [*(item.expr for item in plan.select), *(item.expr for item in plan.order_by)]
    for call in _calls([*exprs, *([] if plan.having is None else [plan.having])]):
        base = call.function.removesuffix("_if")
        values = call.args[:-1] if call.function != base else call.args
        if is_errors(call, plan.table):
            needed.add(_ERRORS)
        elif base == "count" or (base == "sum" and values == (Column(table.weight or ""),)):
            needed.add("_count")
        elif base in _NEEDED and values and values[0] in _VALUES:
            needed.update(_NEEDED[base])
    return tuple(name for name in (*_FIGURES, _ERRORS) if name in needed)


def _calls(exprs: Sequence[Expr]) -> list[Call]:
    return [found for expr in exprs if isinstance(expr, Call) for found in (expr, *_calls(expr.args))]


def is_errors(call: Call, table: str) -> bool:
    """Whether the call counts failed requests, which rollups of requests count apart."""
    return call.function == "count_if" and call.args[-1] == _FAILED.get(table)


@dataclass(slots=True)
class _Merger(Writer):
    """Writes aggregates of observations over the figures; others see labels, which each row has as it is."""

    figures: tuple[str, ...] = ()

    def aggregate(self, function: Function, args: tuple[Expr, ...], params: tuple[float, ...]) -> str:
        call = Call(function.name, args, params)
        if is_errors(call, self.table.name):
            return f"sum(`{_ERRORS}`)"
        base = function.name.removesuffix("_if")
        values = args[:-1] if function.has_condition else args
        over_weight = base == "sum" and values == (Column(self.table.weight or ""),)
        figures = ("_count",) if over_weight else _NEEDED.get(base)
        is_label = base in ("min", "max") and values[0] not in _VALUES
        if figures is None or is_label:
            return Writer.aggregate(self, function, args, params)
        condition = self._sql(args[-1]) if function.has_condition else None
        return _merged(base, Aggregation(tuple(f"`{name}`" for name in figures), finite(params), None, condition))


def _merged(base: str, a: Aggregation) -> str:
    """The aggregate over the figures in `a.args`."""
    match base:
        case "min" | "max":
            return a.call(f"{base}OrNull", *a.args)
        case "avg":
            return f"({a.call('sum', a.args[0])} / {a.call('sum', a.args[1])})"
        case "rate":
            return f"({a.call('sum', *a.args)} / {a.params[0]!r})"
        case "quantile" | "quantiles":
            levels = ", ".join(repr(level) for level in a.params)
            return a.call(f"{base}ExactWeightedArray", *a.args, params=f"({levels})")
        case _:
            return a.call("sum", *a.args)


def _labels_of(plan: QueryPlan) -> list[str]:
    """The columns that the question itself mentions, outside of its figures."""
    exprs = [*(item.expr for item in plan.select), *plan.group_by, *(item.expr for item in plan.order_by)]
    named = set(_label_names([*exprs, *([] if plan.having is None else [plan.having])], plan.table))
    return [column.name for column in TABLES[plan.table].columns if column.name in named]


def _label_names(exprs: Sequence[Expr], table: str) -> Iterator[str]:
    for expr in exprs:
        if not isinstance(expr, Call):
            yield from columns_of([expr])
        elif expr.function == "count_if":
            yield from () if is_errors(expr, table) else _label_names(expr.args[-1:], table)
        elif expr.function != "count":
            yield from _label_names([arg for arg in expr.args if arg not in _VALUES], table)


def _rollup_rows(
    writer: _Merger,
    plan: QueryPlan,
    database: str,
    rollup: Rollup,
    spans: Intervals,
    labels: Sequence[Expr],
    observed: bool,
) -> str:
    """The rows of a rollup that stand for the plan's rows within `spans`. Where only observations are asked for, those
    that none were made in are none of them."""
    kept = [_with_values(condition, rollup.fixed) for condition in labels if condition != rollup.only]
    within = Writer(rollup.table, (), writer.params)
    shown = [_rolled_label(writer, name, rollup) for name in _labels_of(plan)]
    counted = [f"{_rolled_figure(within, name, rollup)} AS `{name}`" for name in writer.figures]
    conditions = [scoped(within, plan.workspace, all_of(_at_slots(rollup.table.time, spans), *kept))]
    if rollup.requests:
        conditions.append(f"source = {writer.bind(rollup.requests, 'String')}")
    if observed:
        conditions.append("count > 0")
    where = " AND ".join(conditions)
    columns = ", ".join([*shown, *counted]) or _NOTHING
    return f"SELECT {columns} FROM `{database}`.`{rollup.table.name}` FINAL WHERE {where}"


def _with_values(expr: Expr, fixed: Mapping[str, str]) -> Expr:
    """The expression with values for the columns that have one only, which the rollup leaves out."""
    match expr:
        case Column(name) if name in fixed:
            return Literal(fixed[name])
        case Call(function, args, params):
            return Call(function, tuple(_with_values(arg, fixed) for arg in args), params)
        case _:
            return expr


def _rolled_label(writer: _Merger, name: str, rollup: Rollup) -> str:
    """Every branch gives a column one type, whatever its table does."""
    if name in rollup.fixed:
        return f"toLowCardinality({writer.bind(rollup.fixed[name], 'String')}) AS `{name}`"
    if name == rollup.table.time:
        digits = 6 if rollup.of == "spans" else 3
        return f"toDateTime64(`{name}`, {digits}, 'UTC') AS `{name}`"
    return f"`{name}`"


def _rolled_figure(within: Writer, name: str, rollup: Rollup) -> str:
    if name != _ERRORS:
        return _FIGURES[name].rolled
    return "errors" if rollup.requests else f"if({within.sql(_FAILED[rollup.of])}, count, 0)"


@dataclass(frozen=True, slots=True)
class _RawRows:
    sql: str
    probe: str = ""
    plain: str = ""


def _raw_rows(writer: _Merger, plan: QueryPlan, database: str, spans: Intervals, observed: bool) -> _RawRows:
    """The plan's raw rows within `spans`, differenced where the plan asks for it; as `Rendered`."""
    source = f"`{database}`.`{plan.table}`"
    where = all_of(plan.where, _at_slots(writer.table.time, spans))
    one = writer.table.weight is None
    as_they_are = _counted(writer, plan, "1" if one else f"`{writer.table.weight}`", "`value`")
    if not observed:
        return _RawRows(f"SELECT {as_they_are} FROM {source} WHERE {scoped(writer, plan.workspace, where)}")
    rows, probe, plain_where = differenced_rows(writer, replace(plan, where=where), source)
    plain = f"SELECT {as_they_are} FROM {source} WHERE {plain_where}"
    return _RawRows(f"SELECT {_counted(writer, plan, '_weight', '_growth')} FROM ({rows})", probe, plain)


def _counted(writer: _Merger, plan: QueryPlan, weight: str, growth: str) -> str:
    """The labels and figures of raw rows."""
    value = "`duration_ms`" if plan.table == "spans" else "`value`"
    figures = [f"{_raw_figure(writer, name, weight, value, growth)} AS `{name}`" for name in writer.figures]
    return ", ".join([*(f"`{name}`" for name in _labels_of(plan)), *figures]) or _NOTHING


def _raw_figure(writer: _Merger, name: str, weight: str, value: str, growth: str) -> str:
    if name == _ERRORS:
        return f"if({writer.sql(_FAILED[writer.table.name])}, {weight}, 0)"
    return _FIGURES[name].raw.format(weight=weight, value=value, growth=growth)


def _at_slots(time: str, spans: Intervals) -> Expr | None:
    """That a time lies in one of the intervals."""
    return _any_of([all_of(*_bounds(time, start, end)) for start, end in spans])


def _bounds(time: str, start: int, end: int) -> list[Expr | None]:
    return [
        None if start == BEGIN else Call(">=", (Column(time), Time(start))),
        None if end == END else Call("<", (Column(time), Time(end))),
    ]


def _any_of(conditions: Sequence[Expr | None]) -> Expr | None:
    present: list[Expr] = [condition for condition in conditions if condition is not None]
    if len(present) < len(conditions):
        return None
    return present[0] if len(present) == 1 else Call("or", (*present,))


def runs_sql(database: str) -> str:
    """Asks which hours of a `source` are computed: (ms, number). The row of ms 0 has the position as its number, the
    others are of hours after it, and of those that rows came for since they were computed: these have the number 0."""
    runs = f"`{database}`.rollup_runs"
    at = "toUnixTimestamp(hour) * 1000"
    position = f"(SELECT max(rows) FROM {runs} WHERE source = {{source:String}} AND hour = toDateTime(0, 'UTC'))"
    return (
        f"SELECT {at}, rows FROM {runs} FINAL WHERE source = {{source:String}} "
        f"AND (hour = toDateTime(0, 'UTC') OR rows = {OUTDATED} OR {at} + {HOUR_MS} > {position})"
    )
