"""QueryPlan → ClickHouse SQL. Pure: the same plan gives the same text and the same parameters.

No text of a user reaches the SQL: values and map keys are bound, output columns are called ``o0, o1, …``, and names of
tables, columns and functions come out of the catalog and the function table. The workspace stands outside the user's
filter, ANDed with it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from vantage_common.errors import UserError
from vantage_common.store.catalog import TABLES, TableInfo
from vantage_common.store.functions import FUNCTIONS, Aggregation, Function, Mismatch, ValueType, result_type
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
)

UNITS = ("SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH")
MAX_DEPTH = 100
"""Of an expression; a deeper one is refused before it can exhaust a stack, ours or the engine's."""
_LEAST_MS, _MOST_MS = -2_208_988_800_000, 10_413_791_999_000
"""What DateTime64 can hold: the years 1900 to 2299."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """`sql` with its `params` as ``{p0:Type}``; `columns` are the answer's, in order."""

    sql: str
    params: Mapping[str, Any]
    columns: tuple[ResultColumn, ...]


def render(plan: QueryPlan, database: str) -> Rendered:
    """Raises UserError for a plan that names what does not exist or does not fit together."""
    table = TABLES.get(plan.table)
    if table is None:
        raise _bad(f"there is no table {plan.table!r}")
    if not plan.select:
        raise _bad("the plan selects nothing")
    writer = _Writer(table, plan.select)
    select = ", ".join(f"{writer.sql(item.expr)} AS o{index}" for index, item in enumerate(plan.select))
    where = f"workspace = {writer.bind(plan.workspace, 'String')}"
    if plan.where is not None:
        where += f" AND {writer.sql(plan.where)}"
    clauses = [
        f"SELECT {'DISTINCT ' if plan.distinct else ''}{select}",
        f"FROM `{database}`.`{table.name}`",
        f"WHERE {where}",
    ]
    if plan.group_by:
        clauses.append("GROUP BY " + ", ".join(writer.sql(expr) for expr in plan.group_by))
    if plan.having is not None:
        clauses.append("HAVING " + writer.sql(plan.having))
    if plan.order_by:
        order = (f"{writer.sql(item.expr)}{' DESC' if item.descending else ''}" for item in plan.order_by)
        clauses.append("ORDER BY " + ", ".join(order))
    clauses.append(f"LIMIT {int(plan.limit)}" + (f" OFFSET {int(plan.offset)}" if plan.offset else ""))
    columns = tuple(ResultColumn(item.name, _shown(writer.type_of(item.expr))) for item in plan.select)
    return Rendered(" ".join(clauses), MappingProxyType(writer.params), columns)


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
    return _Writer(table, tuple(select)).type_of(expr)


def weighs(expr: Expr, weight: str | None) -> bool:
    """Whether the expression mentions the weight column."""
    if isinstance(expr, Call):
        return any(weighs(arg, weight) for arg in expr.args)
    return isinstance(expr, Column) and expr.name == weight


@dataclass(slots=True)
class _Writer:
    """Renders the expressions of one plan and collects the parameters they bind."""

    table: TableInfo
    select: tuple[Selected, ...]
    params: dict[str, Any] = field(default_factory=dict)
    depth: int = 0

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
            raise _bad(f"an expression is nested more than {MAX_DEPTH} deep")
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
                    raise _bad(f"{column} has no keys")
                return "string"
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
                    raise _bad(mismatch.message) from None

    def _sql(self, expr: Expr) -> str:
        match expr:
            case Column(name):
                self._column(name)
                return f"`{name}`"
            case Tag(column, key):
                return f"`{column}`[{self.bind(key, 'String')}]"
            case Literal(value):
                return self._literal(value)
            case Time(ms):
                clamped = min(max(ms, _LEAST_MS), _MOST_MS)
                return f"fromUnixTimestamp64Milli({self.bind(clamped, 'Int64')}, 'UTC')"
            case Interval(n, unit):
                if unit not in UNITS or n < 1:
                    raise _bad(f"there is no interval of {n} {unit}")
                return f"INTERVAL {int(n)} {unit}"
            case Output(name):
                return f"o{self._output(name)}"
            case Call(name, args, params):
                return self._call(_function(name), args, params)

    def _call(self, function: Function, args: tuple[Expr, ...], params: tuple[float, ...]) -> str:
        if function.name == "is null" and self.type_of(args[0]) == "string":
            return f"({self._sql(args[0])} = '')"
        rendered = tuple(self._sql(arg) for arg in args)
        if function.aggregate is None:
            assert function.scalar is not None, function.name
            return function.scalar(rendered)
        values, condition = (args[:-1], rendered[-1]) if function.has_condition else (args, None)
        over_rows = any(weighs(value, self.table.weight) for value in values)
        return function.aggregate(
            Aggregation(
                args=rendered[: len(values)],
                params=_finite(params),
                weight=None if over_rows or self.table.weight is None else f"`{self.table.weight}`",
                condition=condition,
            )
        )

    def _literal(self, value: str | int | float | bool | None) -> str:
        match value:
            case None:
                return "NULL"
            case bool():
                return self.bind(value, "Bool")
            case int():
                if not -(2**63) <= value < 2**63:
                    raise _bad(f"{value} is not a 64-bit integer")
                return self.bind(value, "Int64")
            case float():
                return self.bind(_finite((value,))[0], "Float64")
            case str():
                return self.bind(value, "String")

    def _column(self, name: str) -> str:
        column = self.table.column(name)
        if column is None:
            raise _bad(f"{self.table.name} has no column {name!r}")
        return column.type

    def _output(self, name: str) -> int:
        """An output may only be used where its own expression does not mention it again."""
        for index, item in enumerate(self.select):
            if item.name == name:
                return index
        raise _bad(f"the plan selects no {name!r}")


def _function(name: str) -> Function:
    function = FUNCTIONS.get(name)
    if function is None:
        raise _bad(f"there is no function {name!r}")
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


def _shown(found: ValueType) -> str:
    if found == "interval":
        raise _bad("an interval cannot be selected")
    return "string" if found == "null" else found


def _finite(params: tuple[float, ...]) -> tuple[float, ...]:
    if not all(math.isfinite(param) for param in params):
        raise _bad("numbers must be finite")
    return params


def _bad(message: str) -> UserError:
    return UserError("bad_query", message)
