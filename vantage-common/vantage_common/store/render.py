"""QueryPlan → ClickHouse SQL. Pure: the same plan gives the same text and the same parameters.

No text of a user reaches the SQL: values and map keys are bound, output columns are called ``o0, o1, …``, and names of
tables, columns and functions come out of the catalog and the function table. The workspace stands outside the user's
filter, ANDed with it.

A plan that needs differences (differences.py) reads two or three branches: rows as they are, and cumulative ones
differenced by window functions, the workspace and the filter inside each. The engine takes 13 ms to analyze these even
where they find nothing, and 4 ms to be asked first whether there is anything to difference, for the indexes on
`temporality` and `metric_type` skip all that is not (2 cores under load; tests/bench/storage.py). So it is asked.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from vantage_common.errors import UserError
from vantage_common.store.calls import ANSWERED_MS, bounds, call_rows
from vantage_common.store.catalog import CALLS, READABLE, ROLLUPS, SPANS, TableInfo
from vantage_common.store.difference_sql import IS_BUCKET, bucket_rows, counter_rows
from vantage_common.store.differences import LOOKBACK_MS, columns_of, grows, needs_differences, widened
from vantage_common.store.functions import FUNCTIONS, GROWTH, Aggregation, Function, Mismatch, ValueType, result_type
from vantage_common.store.plan import (
    Call,
    Column,
    Expr,
    Interval,
    Literal,
    Output,
    QueryPlan,
    ResultColumn,
    Selected,
    Tag,
    Time,
    between,
)

UNITS = ("SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH")
MAX_DEPTH = 100
"""Of an expression; a deeper one is refused before it can exhaust a stack, ours or the engine's."""
_LEAST_MS, _MOST_MS = -2_208_988_800_000, 10_413_791_999_000
"""What DateTime64 can hold: the years 1900 to 2299."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """`sql` with its `params` as ``{p0:Type}``; `columns` are the answer's, in order. Where `probe`, if there is one,
    finds no row, `plain` answers the same for less."""

    sql: str
    params: Mapping[str, Any]
    columns: tuple[ResultColumn, ...]
    probe: str = ""
    plain: str = ""


def render(plan: QueryPlan, database: str) -> Rendered:
    """Raises UserError for a plan that names what does not exist or does not fit together."""
    table = READABLE.get(plan.table)
    if table is None:
        raise bad_query(f"there is no table {plan.table!r}")
    if not plan.select:
        raise bad_query("the plan selects nothing")
    writer = Writer(table, plan.select)
    columns = tuple(ResultColumn(item.name, shown_type(writer.type_of(item.expr))) for item in plan.select)
    source = _source(writer, plan, database)
    if not needs_differences(plan, table):
        where = scoped(writer, plan.workspace, plan.where)
        return Rendered(asked(writer, plan, f"{source} WHERE {where}"), MappingProxyType(writer.params), columns)
    rows, probe, plain_where = differenced_rows(writer, plan, source)
    plain = asked(writer, plan, f"{source} WHERE {plain_where}")
    writer.names, writer.grown = DIFFERENCED, _GROWN
    sql = asked(writer, plan, f"({rows})")
    return Rendered(sql, MappingProxyType(writer.params), columns, probe, plain)


def _source(writer: "Writer", plan: QueryPlan, database: str) -> str:
    """What the plan reads: a table, of a rollup the newest version of every row, of the view the rows it stands for."""
    if plan.table != CALLS.name:
        return f"`{database}`.`{plan.table}`{' FINAL' if plan.table in ROLLUPS else ''}"
    start_ms, end_ms = bounds(plan.where)
    spans, scope = f"`{database}`.`{SPANS.name}`", scoped(writer, plan.workspace, None)

    def within(low: int, high: int) -> str:
        return writer.sql(between(SPANS.time, low, high))

    around = within(start_ms - LOOKBACK_MS, end_ms + ANSWERED_MS)
    return f"(SELECT * FROM ({call_rows(spans, scope, within(start_ms, end_ms), around)}) WHERE _weight > 0)"


def asked(writer: "Writer", plan: QueryPlan, rows: str) -> str:
    """The plan's question to `rows`, which stand for a table and its filter."""
    select = ", ".join(f"{writer.sql(item.expr)} AS o{index}" for index, item in enumerate(plan.select))
    clauses = [f"SELECT {'DISTINCT ' if plan.distinct else ''}{select}", f"FROM {rows}"]
    if plan.group_by:
        clauses.append("GROUP BY " + ", ".join(writer.sql(expr) for expr in plan.group_by))
    if plan.having is not None:
        clauses.append("HAVING " + writer.sql(plan.having))
    if plan.order_by:
        order = (f"{writer.sql(item.expr)}{' DESC' if item.descending else ''}" for item in plan.order_by)
        clauses.append("ORDER BY " + ", ".join(order))
    clauses.append(f"LIMIT {int(plan.limit)}" + (f" OFFSET {int(plan.offset)}" if plan.offset else ""))
    return " ".join(clauses)


def scoped(writer: "Writer", workspace: str, where: Expr | None) -> str:
    """The filter of a plan's rows: those of the workspace, and of them what `where` lets through."""
    scope = f"workspace = {writer.bind(workspace, 'String')}"
    return scope if where is None else f"{scope} AND {writer.sql(where)}"


DIFFERENCED: Mapping[str, str] = {"count": "_weight"}
_GROWN: Mapping[str, str] = {"count": "_weight", "value": "_growth"}
"""What columns are called in differenced rows, and what an aggregate of growth takes for them."""


def differenced_rows(writer: "Writer", plan: QueryPlan, source: str) -> tuple[str, str, str]:
    """The plan's rows with `_weight`, the observations made in a row's time, and `_growth`, what its value grew by; a
    question for any row that is differenced; and the filter of all others.

    Totals of counters are differenced only where growth is asked for: every other aggregate takes them as they are.
    """
    shown = mentioned(writer.table, plan, [])
    columns = "".join(f"`{name}`, " for name in shown)
    differenced = "temporality = 'cumulative'" if grows(plan) else IS_BUCKET
    others = f"{scoped(writer, plan.workspace, plan.where)} AND NOT ({differenced})"
    wide = scoped(writer, plan.workspace, widened(plan.where, writer.table))
    filtered = mentioned(writer.table, plan, [] if plan.where is None else [plan.where])
    writer.names = DIFFERENCED
    where = "" if plan.where is None else f" AND {writer.sql(plan.where)}"
    writer.names = {}
    branches = [f"SELECT {columns}`count` AS _weight, `value` AS _growth FROM {source} WHERE {others}"]
    for rows_of in (counter_rows, bucket_rows) if grows(plan) else (bucket_rows,):
        rows = rows_of(source, filtered, wide)
        branches.append(f"SELECT {columns}_weight, _growth FROM ({rows}) WHERE _weight > 0{where}")
    return " UNION ALL ".join(branches), f"SELECT 1 FROM {source} WHERE {wide} AND {differenced} LIMIT 1", others


def mentioned(table: TableInfo, plan: QueryPlan, beside: list[Expr]) -> list[str]:
    """The columns that the plan's answer needs, and the expressions `beside` it, in the catalog's order."""
    exprs = [*(item.expr for item in plan.select), *plan.group_by, *(item.expr for item in plan.order_by), *beside]
    named = {*columns_of(exprs), *columns_of([] if plan.having is None else [plan.having])} - {table.weight}
    return [column.name for column in table.columns if column.name in named]


def column_type(clickhouse_type: str) -> ValueType:
    """What a ClickHouse column holds, in the terms of an answer."""
    if clickhouse_type.startswith("Map("):
        return "map"
    if clickhouse_type.startswith("DateTime"):
        return "time"
    if clickhouse_type.startswith(("UInt", "Int")):
        return "integer"
    return "number" if clickhouse_type.startswith("Float") else "string"


def type_of(expr: Expr, table: TableInfo, select: Sequence[Selected] = ()) -> ValueType:
    """The type of an expression over `table`. Raises UserError as `render` does."""
    return Writer(table, tuple(select)).type_of(expr)


def weighs(expr: Expr, weight: str | None) -> bool:
    """Whether the expression mentions the weight column."""
    if isinstance(expr, Call):
        return any(weighs(arg, weight) for arg in expr.args)
    return isinstance(expr, Column) and expr.name == weight


@dataclass(slots=True)
class Writer:
    """Renders the expressions of one plan and collects the parameters they bind."""

    table: TableInfo
    select: tuple[Selected, ...]
    params: dict[str, Any] = field(default_factory=dict)
    depth: int = 0
    names: Mapping[str, str] = field(default_factory=dict)
    grown: Mapping[str, str] = field(default_factory=dict)

    def bind(self, value: Any, clickhouse_type: str) -> str:
        name = f"p{len(self.params)}"
        self.params[name] = value
        return f"{{{name}:{clickhouse_type}}}"

    def sql(self, expr: Expr) -> str:
        self.type_of(expr)
        return self._sql(expr)

    def type_of(self, expr: Expr) -> ValueType:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise bad_query(f"an expression is nested more than {MAX_DEPTH} deep")
        try:
            return self._type(expr)
        finally:
            self.depth -= 1

    def _type(self, expr: Expr) -> ValueType:
        match expr:
            case Column(name):
                return column_type(self._column(name))
            case Tag(column, _):
                if column_type(self._column(column)) != "map":
                    raise bad_query(f"{column} has no keys")
                return "number" if self._column(column).endswith("Float64)") else "string"
            case Literal(value):
                return _literal_type(value)
            case Time():
                return "time"
            case Interval():
                return "interval"
            case Output(name):
                return self.type_of(self.select[self._output(name)].expr)
            case Call(name, args, params):
                try:
                    return result_type(_function(name), [self.type_of(arg) for arg in args], params)
                except Mismatch as mismatch:
                    raise bad_query(mismatch.message) from None

    def _sql(self, expr: Expr) -> str:
        match expr:
            case Column(name):
                return self._name(name)
            case Tag(column, key):
                return f"`{column}`[{self.bind(key, 'String')}]"
            case Literal(value):
                return self._literal(value)
            case Time(ms):
                clamped = min(max(ms, _LEAST_MS), _MOST_MS)
                return f"fromUnixTimestamp64Milli({self.bind(clamped, 'Int64')}, 'UTC')"
            case Interval(n, unit):
                if unit not in UNITS or n < 1:
                    raise bad_query(f"there is no interval of {n} {unit}")
                return f"INTERVAL {int(n)} {unit}"
            case Output(name):
                return f"o{self._output(name)}"
            case Call(name, args, params):
                return self._call(_function(name), args, params)

    def _call(self, function: Function, args: tuple[Expr, ...], params: tuple[float, ...]) -> str:
        if function.name == "is null" and self.type_of(args[0]) == "string":
            return f"({self._sql(args[0])} = '')"
        if function.aggregate is None:
            assert function.scalar is not None, function.name
            return function.scalar(tuple(self._sql(arg) for arg in args))
        return self.aggregate(function, args, params)

    def aggregate(self, function: Function, args: tuple[Expr, ...], params: tuple[float, ...]) -> str:
        assert function.aggregate is not None, function.name
        values = args[:-1] if function.has_condition else args
        over_rows = any(weighs(value, self.table.weight) for value in values)
        return function.aggregate(
            Aggregation(
                args=self._values(function, values),
                params=finite(params),
                weight=None if over_rows or self.table.weight is None else self._name(self.table.weight),
                condition=self._sql(args[-1]) if function.has_condition else None,
            )
        )

    def _values(self, function: Function, values: tuple[Expr, ...]) -> tuple[str, ...]:
        """What an aggregate is taken over; an aggregate of growth takes differences for values."""
        names = self.names
        if function.name.removesuffix("_if") in GROWTH:
            self.names = self.grown
        rendered = tuple(self._sql(value) for value in values)
        self.names = names
        return rendered

    def _literal(self, value: str | int | float | bool | None) -> str:
        match value:
            case None:
                return "NULL"
            case bool():
                return self.bind(value, "Bool")
            case int():
                if not -(2**63) <= value < 2**63:
                    raise bad_query(f"{value} is not a 64-bit integer")
                return self.bind(value, "Int64")
            case float():
                return self.bind(finite((value,))[0], "Float64")
            case str():
                return self.bind(value, "String")

    def _name(self, name: str) -> str:
        self._column(name)
        return f"`{self.names.get(name, name)}`"

    def _column(self, name: str) -> str:
        column = self.table.column(name)
        if column is None:
            raise bad_query(f"{self.table.name} has no column {name!r}")
        return column.type

    def _output(self, name: str) -> int:
        """An output may only be used where its own expression does not mention it again."""
        for index, item in enumerate(self.select):
            if item.name == name:
                return index
        raise bad_query(f"the plan selects no {name!r}")


def _function(name: str) -> Function:
    function = FUNCTIONS.get(name)
    if function is None:
        raise bad_query(f"there is no function {name!r}")
    return function


def _literal_type(value: str | int | float | bool | None) -> ValueType:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"


def shown_type(found: ValueType) -> str:
    if found == "interval":
        raise bad_query("an interval cannot be selected")
    return "string" if found == "null" else found


def finite(params: tuple[float, ...]) -> tuple[float, ...]:
    if not all(math.isfinite(param) for param in params):
        raise bad_query("numbers must be finite")
    return params


def bad_query(message: str) -> UserError:
    return UserError("bad_query", message)
