"""QueryPlan → SQLite's SQL. Pure: the same plan gives the same text and the same parameters.

A plan is first checked by the rules of store/render.py, so both engines refuse the same plans in the same words. No
text of a user reaches the SQL: values and map keys are bound. Times are ms, maps and arrays JSON, booleans 0 and 1.

Rows lie by day, and every question names the days it can concern: they are found in its filter, so that an index
which starts with the day serves them all.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import msgspec

from vantage_common.errors import UserError
from vantage_common.store.calls import bounds, call_rows_sqlite
from vantage_common.store.catalog import CALLS, READABLE, ROLLUPS, SPANS, TableInfo
from vantage_common.store.differences import LOOKBACK_MS, columns_of, needs_differences, widened
from vantage_common.store.functions import FUNCTIONS, GROWTH, ValueType
from vantage_common.store.plan import (
    Call,
    Column,
    Expr,
    Interval,
    Literal,
    Order,
    Output,
    QueryPlan,
    Tag,
    Time,
    between,
)
from vantage_common.store.render import Rendered, render, type_of, weighs

DAY_MS: Final = 86_400_000
FIRST_DAY: Final = -(2**31)
LAST_DAY: Final = 2**31
_UNIT_MS: Final = {"SECOND": 1000, "MINUTE": 60_000, "HOUR": 3_600_000, "DAY": DAY_MS, "WEEK": 7 * DAY_MS}
_FIRST_MONDAY: Final = 4 * DAY_MS
"""The epoch was a Thursday."""
_MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}

NATIVE_FUNCTIONS: Final = frozenset(
    {"abs", "coalesce", "count", "instr", "json_array_length", "json_each", "json_extract", "json_group_array"}
    | {"lag", "length", "like", "max", "min", "nullif", "rtrim", "sum", "total"}
)
"""Of SQLite's own functions, those that a rendered plan may call beside sqlite_functions.FUNCTION_NAMES."""


def render_sqlite(plan: QueryPlan) -> Rendered:
    """Raises UserError for a plan that makes no sense, or that asks for what only the other engine has."""
    columns = render(plan, "_").columns
    if plan.table in ROLLUPS:
        raise lacks("rollups")
    plan = _without_outputs(plan)
    _check_grouping(plan)
    table = READABLE[plan.table]
    writer = _Writer(table)
    if table is CALLS:
        source, where = f"({_calls(writer, plan)})", f" WHERE {_filtered(writer, plan.workspace, plan.where)}"
    elif needs_differences(plan, table):
        source, where = f"({_differenced(writer, plan)})", ""
        writer.names, writer.grown = _DIFFERENCED, _GROWN
    else:
        source, where = f'"{table.name}"', f" WHERE {_scoped(writer, plan.workspace, plan.where)}"
    select = ", ".join(f"{writer.sql(item.expr)} AS o{index}" for index, item in enumerate(plan.select))
    clauses: list[str] = []
    if plan.group_by:
        clauses.append(" GROUP BY " + ", ".join(writer.sql(expr) for expr in plan.group_by))
    if plan.having is not None:
        clauses.append(" HAVING " + writer.sql(plan.having))
    if plan.order_by:
        order = (f"{writer.sql(item.expr)}{' DESC' if item.descending else ''} NULLS LAST" for item in plan.order_by)
        clauses.append(" ORDER BY " + ", ".join(order))
    clauses.append(f" LIMIT {int(plan.limit)}" + (f" OFFSET {int(plan.offset)}" if plan.offset else ""))
    head = f"SELECT {'DISTINCT ' if plan.distinct else ''}{select} FROM {', '.join([f'{source} AS t', *writer.joins])}"
    return Rendered("".join([head, where, *clauses]), MappingProxyType(writer.params), columns)


def _calls(writer: "_Writer", plan: QueryPlan) -> str:
    """The rows that the view stands for."""
    start_ms, end_ms = bounds(plan.where)
    spans = replace(writer, table=SPANS)
    return call_rows_sqlite(_scoped(spans, plan.workspace, between(SPANS.time, start_ms, end_ms)))


def _filtered(writer: "_Writer", workspace: str, where: Expr | None) -> str:
    scope = f"t.workspace = {writer.bind(workspace)}"
    return scope if where is None else f"{scope} AND {writer.sql(where)}"


def _scoped(writer: "_Writer", workspace: str, where: Expr | None) -> str:
    """The days and the workspace, then the user's own filter beside them."""
    table = writer.table
    low, high = time_bounds(where, table.time)
    first = FIRST_DAY if low is None else max(math.floor(low / DAY_MS), FIRST_DAY)
    last = LAST_DAY if high is None else min(math.floor(high / DAY_MS), LAST_DAY)
    days = f"SELECT day FROM days WHERE name = {writer.bind(table.name)}"
    day = f"t._day IN ({days} AND day BETWEEN {writer.bind(first)} AND {writer.bind(last)})"
    return f"{day} AND {_filtered(writer, workspace, where)}"


_DIFFERENCED: Final[Mapping[str, str]] = {"count": "_weight"}
_GROWN: Final[Mapping[str, str]] = {"count": "_weight", "value": "_growth"}
"""What columns are called in differenced rows, and what an aggregate of growth takes for them."""


def _differenced(writer: "_Writer", plan: QueryPlan) -> str:
    """The plan's rows with `_weight` and `_growth` by the rules of store/differences.py, in the steps of
    store/render.py: delta rows as they are, cumulative rows less the ones before them."""
    table = writer.table
    filtered = [] if plan.where is None else [plan.where]
    columns = _columns(table, _mentioned(plan, []))
    as_they_are = (
        f'SELECT {columns}t."count" AS _weight, t."value" AS _growth FROM "{table.name}" AS t '
        f"WHERE {_scoped(writer, plan.workspace, plan.where)} AND t.temporality != 'cumulative'"
    )
    read = _columns(table, {*_mentioned(plan, filtered), table.time, "start_time", "value"})
    differences = _differences(read, table, _scoped(writer, plan.workspace, widened(plan.where, table)))
    writer.names = _DIFFERENCED
    where = "" if plan.where is None else f" AND {writer.sql(plan.where)}"
    observed = f"SELECT {columns}t._weight, t._growth FROM ({differences}) AS t WHERE t._weight > 0{where}"
    return f"{as_they_are} UNION ALL {observed}"


def _mentioned(plan: QueryPlan, beside: Sequence[Expr]) -> set[str]:
    """The columns that the plan's answer needs, and the expressions `beside` it."""
    having = [] if plan.having is None else [plan.having]
    order = [item.expr for item in plan.order_by]
    return set(columns_of([*(item.expr for item in plan.select), *plan.group_by, *order, *having, *beside]))


def _columns(table: TableInfo, names: set[str]) -> str:
    """The text that selects the columns, each with a comma behind it; the weight goes by another name."""
    wanted = (column.name for column in table.columns if column.name in names and column.name != table.weight)
    return "".join(f't."{name}", ' for name in wanted)


def _differences(columns: str, table: TableInfo, where: str) -> str:
    """The cumulative rows that `where` lets through. Where there is no row before, its figures are 0."""
    series = ", ".join(f't."{name}"' for name in sorted(table.identity))
    read = (
        f"SELECT {columns}t.\"count\" AS _number, t.metric_type = 'histogram' AS _is_bucket, "
        "lag(t.timestamp, 1, 0) OVER bucket_rows AS _row_ms, lag(t.value, 1, 0) OVER bucket_rows AS _value, "
        'lag(t."count", 1, 0) OVER bucket_rows AS _count, coalesce(max(t.timestamp) OVER points, 0) AS _point_ms '
        f"FROM \"{table.name}\" AS t WHERE {where} AND t.temporality = 'cumulative' "
        f"WINDOW bucket_rows AS (PARTITION BY {series}, CASE WHEN t.metric_type = 'histogram' THEN t.value END "
        'ORDER BY t.timestamp, t.start_time, t.value, t."count"), '
        f"points AS (PARTITION BY {series} ORDER BY t.timestamp RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    )
    told = (
        f"SELECT t.*, CASE WHEN _row_ms >= timestamp - {LOOKBACK_MS} THEN _count ELSE 0 END AS _held, "
        f"max(_row_ms, _point_ms) AS _before FROM ({read}) AS t"
    )
    return (
        f"SELECT {columns}CASE WHEN _is_bucket THEN {_difference('_number', '_held')} ELSE _number END AS _weight, "
        f"CASE WHEN _is_bucket THEN t.value ELSE {_difference('t.value', '_value')} END AS _growth FROM ({told}) AS t"
    )


def _difference(now: str, before: str) -> str:
    """All of a young or restarted total, else what it has more; nothing of one that nobody knows the past of."""
    oldest = f"t.timestamp - {LOOKBACK_MS}"
    return (
        f"(CASE WHEN _before < {oldest} THEN "
        f"(CASE WHEN t.start_time >= {oldest} AND t.start_time < t.timestamp THEN {now} ELSE 0 END) "
        f"WHEN t.start_time > _before OR {now} < {before} THEN {now} ELSE {now} - {before} END)"
    )


Bounds: TypeAlias = tuple[float | None, float | None]


def time_bounds(expr: Expr | None, column: str) -> Bounds:
    """(least, most) ms that the condition lets the time column have; None where it sets no bound."""
    match expr:
        case Call("and", args):
            lows, highs = _ends([time_bounds(arg, column) for arg in args])
            return max(lows, default=None), min(highs, default=None)
        case Call("or", args):
            lows, highs = _ends([time_bounds(arg, column) for arg in args])
            return min(lows) if len(lows) == len(args) else None, max(highs) if len(highs) == len(args) else None
        case Call("between", (Column(name), low, high)) if name == column:
            return _instant(low), _instant(high)
        case Call("in", (Column(name), *times)) if name == column:
            return time_bounds(Call("or", tuple(Call("=", (Column(name), time)) for time in times)), column)
        case Call(function, (Column(name), other)) if name == column:
            return _bounds_of(function, _instant(other))
        case Call(function, (other, Column(name))) if name == column:
            return _bounds_of(_MIRRORED.get(function, ""), _instant(other))
        case _:
            return None, None


def _ends(bounds: Sequence[Bounds]) -> tuple[list[float], list[float]]:
    """The lower and the upper bounds that there are."""
    return [low for low, _ in bounds if low is not None], [high for _, high in bounds if high is not None]


def _instant(expr: Expr) -> int | None:
    """The ms of a time that no row has a part in; None for what a column says, or a calendar."""
    match expr:
        case Time(ms):
            return ms
        case Call("+" | "-" as sign, (left, Interval(n, unit))) if unit in _UNIT_MS:
            at = _instant(left)
            return None if at is None else at + (n if sign == "+" else -n) * _UNIT_MS[unit]
        case _:
            return None


def _bounds_of(function: str, ms: int | None) -> Bounds:
    match function:
        case "=":
            return ms, ms
        case ">" | ">=":
            return ms, None
        case "<" | "<=":
            return None, ms
        case _:
            return None, None


def _without_outputs(plan: QueryPlan) -> QueryPlan:
    """The plan with every reference to an output replaced by what it stands for; `render` saw that it ends."""
    of = {item.name: item.expr for item in reversed(plan.select)}

    def resolved(expr: Expr) -> Expr:
        match expr:
            case Output(name):
                return resolved(of[name])
            case Call(function, args, params):
                return Call(function, tuple(resolved(arg) for arg in args), params)
            case _:
                return expr

    return replace(
        plan,
        select=tuple(replace(item, expr=resolved(item.expr)) for item in plan.select),
        where=None if plan.where is None else resolved(plan.where),
        group_by=tuple(resolved(expr) for expr in plan.group_by),
        having=None if plan.having is None else resolved(plan.having),
        order_by=tuple(Order(resolved(item.expr), item.descending) for item in plan.order_by),
    )


def _check_grouping(plan: QueryPlan) -> None:
    """SQLite would answer a column beside an aggregate with the value of some row."""
    shown = [item.expr for item in plan.select] + [item.expr for item in plan.order_by]
    having = [] if plan.having is None else [plan.having]
    if not plan.group_by and not any(_aggregates(expr) for expr in (*shown, *having)):
        return
    for expr in (*shown, *having):
        loose = _ungrouped(expr, plan.group_by)
        if loose is not None:
            raise _bad(f"{loose} is neither aggregated nor grouped by")


def _aggregates(expr: Expr) -> bool:
    return isinstance(expr, Call) and (
        FUNCTIONS[expr.function].is_aggregate or any(_aggregates(arg) for arg in expr.args)
    )


def _ungrouped(expr: Expr, groups: Sequence[Expr]) -> str | None:
    """The first column that stands outside of every aggregate and is not grouped by."""
    if expr in groups:
        return None
    match expr:
        case Column(name):
            return name
        case Tag(column, key):
            return f"{column}[{key!r}]"
        case Call(function, args) if not FUNCTIONS[function].is_aggregate:
            return next((loose for arg in args if (loose := _ungrouped(arg, groups)) is not None), None)
        case _:
            return None


@dataclass(slots=True)
class _Writer:
    """Renders the expressions of one plan; collects the parameters they bind and the maps they unfold."""

    table: TableInfo
    params: dict[str, Any] = field(default_factory=dict)
    joins: list[str] = field(default_factory=list)
    names: Mapping[str, str] = field(default_factory=dict)
    grown: Mapping[str, str] = field(default_factory=dict)
    _joined: dict[Expr, str] = field(default_factory=dict)

    def bind(self, value: Any) -> str:
        name = f"p{len(self.params)}"
        self.params[name] = value
        return f":{name}"

    def type_of(self, expr: Expr) -> ValueType:
        return type_of(expr, self.table)

    def sql(self, expr: Expr) -> str:
        match expr:
            case Column(name):
                return f't."{self.names.get(name, name)}"'
            case Tag(column, key):
                return self._tag(f't."{column}"', key)
            case Literal(value):
                return "NULL" if value is None else self.bind(int(value) if isinstance(value, bool) else value)
            case Time(ms):
                return self.bind(ms)
            case Call(function, args, params):
                return self._call(function, args, params)
            case _:
                raise _bad("an interval can only be added to a time")

    def join(self, expr: Expr) -> str:
        """One row for each item of `expr`, the keys or the values of a map; the same items are joined once."""
        match expr:
            case Call("map_keys" | "map_values" as part, (Column(name),)):
                alias = self._joined.get(expr)
                if alias is None:
                    alias = self._joined[expr] = f"j{len(self._joined)}"
                    self.joins.append(f'json_each(t."{name}") AS {alias}')
                return f"{alias}.{'key' if part == 'map_keys' else 'value'}"
            case _:
                raise lacks("array_join of anything but the keys or the values of a column")

    def _tag(self, column: str, key: str) -> str:
        """By SQLite's own JSON path where the key can stand in one: it has no escape for a quote."""
        if key and key.isprintable() and not set(key) & {'"', "\\"}:
            path = f'$."{key}"'
            return f"coalesce(json_extract({column}, {self.bind(path)}), '')"
        return f"map_value({column}, {self.bind(key)})"

    def _call(self, name: str, args: tuple[Expr, ...], params: tuple[float, ...]) -> str:
        function = FUNCTIONS[name]
        if not function.is_aggregate:
            spelled = SCALARS.get(name)
            if spelled is None:
                raise lacks(f"the function {function.vql or name}")
            return spelled(self, args)
        base = name.removesuffix("_if")
        if base not in AGGREGATES:
            raise lacks(f"the aggregate {function.vql or name}")
        values, condition = (args[:-1], args[-1]) if function.has_condition else (args, None)
        over_rows = self.table.weight is None or any(weighs(value, self.table.weight) for value in values)
        return AGGREGATES[base](
            _Aggregation(
                writer=self,
                args=self._values(base, values),
                types=tuple(self.type_of(value) for value in values),
                params=params,
                weight=None if over_rows or self.table.weight is None else self.sql(Column(self.table.weight)),
                filter="" if condition is None else f" FILTER (WHERE {self.sql(condition)})",
            )
        )

    def _values(self, function: str, values: tuple[Expr, ...]) -> tuple[str, ...]:
        """What an aggregate is taken over; an aggregate of growth takes differences for values."""
        names = self.names
        if function in GROWTH:
            self.names = self.grown
        rendered = tuple(self.sql(value) for value in values)
        self.names = names
        return rendered


Scalar: TypeAlias = Callable[[_Writer, tuple[Expr, ...]], str]


def _infix(operator: str) -> Scalar:
    return lambda writer, args: f"({f' {operator} '.join(writer.sql(arg) for arg in args)})"


def _chain(function: str) -> Scalar:
    """Without parentheses around links of the same kind: SQLite reads them to a depth of about thirty only."""

    def links(args: Iterable[Expr]) -> Iterable[Expr]:
        for arg in args:
            yield from links(arg.args) if isinstance(arg, Call) and arg.function == function else (arg,)

    return lambda writer, args: f"({f' {function.upper()} '.join(writer.sql(arg) for arg in links(args))})"


def _named(name: str) -> Scalar:
    return lambda writer, args: f"{name}({', '.join(writer.sql(arg) for arg in args)})"


def _in(writer: _Writer, args: tuple[Expr, ...]) -> str:
    return f"({writer.sql(args[0])} IN ({', '.join(writer.sql(arg) for arg in args[1:])}))"


def _between(writer: _Writer, args: tuple[Expr, ...]) -> str:
    value, low, high = (writer.sql(arg) for arg in args)
    return f"({value} BETWEEN {low} AND {high})"


def _is_null(writer: _Writer, args: tuple[Expr, ...]) -> str:
    value = writer.sql(args[0])
    return f"({value} = '')" if writer.type_of(args[0]) == "string" else f"({value} IS NULL)"


def _like(writer: _Writer, args: tuple[Expr, ...]) -> str:
    """The connection is told that LIKE minds the case."""
    text, pattern = writer.sql(args[0]), writer.sql(_pattern(args[1]))
    return f"({text} LIKE {pattern} ESCAPE '\\')"


def _ilike(writer: _Writer, args: tuple[Expr, ...]) -> str:
    text, pattern = writer.sql(args[0]), writer.sql(_pattern(args[1]))
    return f"(lower_utf8({text}) LIKE lower_utf8({pattern}) ESCAPE '\\')"


def _pattern(expr: Expr) -> Expr:
    """A backslash that escapes neither a wildcard nor a backslash stands for itself; SQLite would swallow it."""
    if not isinstance(expr, Literal) or not isinstance(expr.value, str) or "\\" not in expr.value:
        return expr
    pieces: list[str] = []
    rest = expr.value
    while rest:
        if rest[0] == "\\" and rest[1:2] not in ("%", "_", "\\"):
            pieces.append("\\\\")
            rest = rest[1:]
        else:
            taken = 2 if rest[0] == "\\" else 1
            pieces.append(rest[:taken])
            rest = rest[taken:]
    return Literal("".join(pieces))


def _plus(sign: str) -> Scalar:
    def sql(writer: _Writer, args: tuple[Expr, ...]) -> str:
        if len(args) == 1:
            return f"({sign}{writer.sql(args[0])})"
        left = writer.sql(args[0])
        match args[1]:
            case Interval(n, "MONTH"):
                return f"add_months({left}, {sign}{int(n)})"
            case Interval(n, unit):
                return f"({left} {sign} {int(n) * _UNIT_MS[unit]})"
            case _:
                return f"({left} {sign} {writer.sql(args[1])})"

    return sql


def _divide(writer: _Writer, args: tuple[Expr, ...]) -> str:
    return f"(CAST({writer.sql(args[0])} AS REAL) / {writer.sql(args[1])})"


def _modulo(writer: _Writer, args: tuple[Expr, ...]) -> str:
    whole = all(writer.type_of(arg) in ("integer", "boolean") for arg in args)
    return _infix("%")(writer, args) if whole else _named("modulo")(writer, args)


def _time_bucket(writer: _Writer, args: tuple[Expr, ...]) -> str:
    """As ClickHouse cuts: hours are counted from midnight, weeks from the first Monday, months from 1900."""
    time = f"CAST({writer.sql(args[0])} AS INTEGER)"
    match args[1]:
        case Interval(n, "MONTH"):
            return f"month_bucket({time}, {int(n)})"
        case Interval(n, "WEEK"):
            size = int(n) * _UNIT_MS["WEEK"]
            return f"(({time} - {_FIRST_MONDAY}) / {size} * {size} + {_FIRST_MONDAY})"
        case Interval(n, "HOUR") if n > 1:
            size = int(n) * _UNIT_MS["HOUR"]
            return f"({time} / {DAY_MS} * {DAY_MS} + {time} % {DAY_MS} / {size} * {size})"
        case Interval(n, unit):
            size = int(n) * _UNIT_MS[unit]
            return f"({time} / {size} * {size})"
        case _:
            raise _bad("a time bucket has an interval")


def _length(writer: _Writer, args: tuple[Expr, ...]) -> str:
    """Bytes of a text, entries of a map or an array."""
    value = writer.sql(args[0])
    match writer.type_of(args[0]):
        case "map":
            return f"(SELECT count(*) FROM json_each({value}))"
        case "array":
            return f"json_array_length({value})"
        case _:
            return f"length(CAST({value} AS BLOB))"


def _if(writer: _Writer, args: tuple[Expr, ...]) -> str:
    condition, then, otherwise = (writer.sql(arg) for arg in args)
    return f"(CASE WHEN {condition} THEN {then} ELSE {otherwise} END)"


def _coalesce(writer: _Writer, args: tuple[Expr, ...]) -> str:
    return writer.sql(args[0]) if len(args) == 1 else _named("coalesce")(writer, args)


def _to_string(writer: _Writer, args: tuple[Expr, ...]) -> str:
    value = writer.sql(args[0])
    match writer.type_of(args[0]):
        case "string":
            return value
        case "time":
            return f"time_text({value}, {_fraction_digits(args[0], writer.table)})"
        case _:
            return f"number_text({value})"


def _fraction_digits(expr: Expr, table: TableInfo) -> int:
    """Of a second, in the text of a time."""
    match expr:
        case Call("time_bucket"):
            return 0
        case Column(name):
            column = table.column(name)
            return 0 if column is None else 6 if "DateTime64(6" in column.type else 3 if "64" in column.type else 0
        case Call(_, args):
            return max((_fraction_digits(arg, table) for arg in args), default=3)
        case _:
            return 3


def _position(writer: _Writer, args: tuple[Expr, ...]) -> str:
    return f"instr(lower_utf8({writer.sql(args[0])}), lower_utf8({writer.sql(args[1])}))"


SCALARS: Final[dict[str, Scalar]] = {
    **{name: _infix(name) for name in ("=", "!=", "<", "<=", ">", ">=", "*")},
    "and": _chain("and"),
    "or": _chain("or"),
    "not": lambda writer, args: f"(NOT {writer.sql(args[0])})",
    "like": _like,
    "ilike": _ilike,
    "in": _in,
    "between": _between,
    "is null": _is_null,
    "+": _plus("+"),
    "-": _plus("-"),
    "/": _divide,
    "%": _modulo,
    "time_bucket": _time_bucket,
    "time_ms": lambda writer, args: f"CAST({writer.sql(args[0])} AS REAL)",
    "lower": _named("lower_utf8"),
    "upper": _named("upper_utf8"),
    "length": _length,
    "abs": _named("abs"),
    "ln": _named("ln"),
    "floor": _named("round_down"),
    "ceil": _named("round_up"),
    "round": _named("round_to"),
    "if": _if,
    "coalesce": _coalesce,
    "to_string": _to_string,
    "position_ci": _position,
    "map_keys": _named("map_keys"),
    "map_values": _named("map_values"),
    "array_join": lambda writer, args: writer.join(args[0]),
}


@dataclass(frozen=True, slots=True)
class _Aggregation:
    """What an aggregate is rendered from; `weight` is None where every row counts once, `filter` follows the call."""

    writer: _Writer
    args: tuple[str, ...]
    types: tuple[ValueType, ...]
    params: tuple[float, ...]
    weight: str | None
    filter: str

    def call(self, name: str, *args: str) -> str:
        return f"{name}({', '.join(args)}){self.filter}"

    @property
    def weight_or_one(self) -> str:
        return self.weight or "1"


Aggregate: TypeAlias = Callable[[_Aggregation], str]


def _sum(a: _Aggregation) -> str:
    value = a.args[0] if a.weight is None else f"{a.args[0]} * {a.weight}"
    return a.call("total", value) if a.types[0] == "number" else f"coalesce({a.call('sum', value)}, 0)"


def _avg(a: _Aggregation) -> str:
    value = a.args[0]
    weights = a.call("total", f"CASE WHEN {value} IS NOT NULL THEN {a.weight_or_one} END")
    return f"({a.call('total', f'{value} * {a.weight_or_one}')} / nullif({weights}, 0))"


def _count(a: _Aggregation) -> str:
    return a.call("count", "*") if a.weight is None else f"coalesce({a.call('sum', a.weight)}, 0)"


def _rate(a: _Aggregation) -> str:
    return f"(CAST({_sum(a)} AS REAL) / {a.writer.bind(a.params[0])})"


def _quantile(a: _Aggregation) -> str:
    return a.call("quantile", a.args[0], a.weight_or_one, a.writer.bind(a.params[0]))


def _quantiles(a: _Aggregation) -> str:
    found = a.call("quantiles", a.args[0], a.weight_or_one, *(a.writer.bind(level) for level in a.params))
    nothing = msgspec.json.encode([None] * len(a.params)).decode()
    return f"coalesce({found}, {a.writer.bind(nothing)})"


def _group_uniq(a: _Aggregation) -> str:
    items = a.call("json_group_array", f"DISTINCT {a.args[0]}")
    return f"first_items({items}, {int(a.params[0])})" if a.params else items


def _or_default(sql: str, a: _Aggregation) -> str:
    """ClickHouse answers an empty `any` with the empty value of its type."""
    empty = {"string": "''", "map": "'{}'", "array": "'[]'"}.get(a.types[0], "0")
    return f"coalesce({sql}, {empty})"


AGGREGATES: Final[dict[str, Aggregate]] = {
    "avg": _avg,
    "sum": _sum,
    "count": _count,
    "rows": lambda a: a.call("count", "*"),
    "min": lambda a: a.call("min", a.args[0]),
    "max": lambda a: a.call("max", a.args[0]),
    "quantile": _quantile,
    "quantiles": _quantiles,
    "stddev": lambda a: a.call("deviation", a.args[0], a.weight_or_one),
    "increase": _sum,
    "rate": _rate,
    "uniq": lambda a: a.call("count", f"DISTINCT {a.args[0]}"),
    "uniq_exact": lambda a: a.call("count", f"DISTINCT {a.args[0]}"),
    "any": lambda a: _or_default(a.call("min", a.args[0]), a),
    "arg_max": lambda a: _or_default(a.call("arg_max", *a.args), a),
    "arg_min": lambda a: _or_default(a.call("arg_min", *a.args), a),
    "group_uniq": _group_uniq,
    "bins": lambda a: a.call("bins", a.args[0], a.weight_or_one),
}


def lacks(what: str) -> UserError:
    """The refusal of what only the other engine has."""
    return UserError("store_lacks", f"the SQLite store lacks {what}", hint="Run on chDB or a ClickHouse server.")


def _bad(message: str) -> UserError:
    return UserError("bad_query", message)
