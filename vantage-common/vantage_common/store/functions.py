"""Every function and operator a QueryPlan may call, once: its name, its types, and how ClickHouse spells it.

VQL offers the entries that have a `vql` name; the others serve the API's own plans. Each aggregate also exists with
`_if` behind its name, its last argument being the condition. Aggregates are taken over observations: on a table with
a weight column a row stands for as many as its weight says. The one exception is an argument that mentions the weight
column itself, as in ``sum(count)``: such an aggregate is taken over rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import log
from typing import Literal, TypeAlias

from vantage_common.logbins import BIN_SHIFT, BIN_SLACK
from vantage_common.model import PULSE_GAMMA

ValueType: TypeAlias = Literal["string", "number", "integer", "time", "map", "array", "boolean", "interval", "null"]

NUMERIC: frozenset[ValueType] = frozenset({"number", "integer", "boolean"})
TEXT: frozenset[ValueType] = frozenset({"string"})
TIME: frozenset[ValueType] = frozenset({"time"})
SCALAR: frozenset[ValueType] = NUMERIC | TEXT | TIME
MAP: frozenset[ValueType] = frozenset({"map"})
ARRAY: frozenset[ValueType] = frozenset({"array"})
INTERVAL: frozenset[ValueType] = frozenset({"interval"})
NULL: frozenset[ValueType] = frozenset({"null"})
ANY: frozenset[ValueType] = SCALAR | MAP | ARRAY | NULL


@dataclass(frozen=True, slots=True)
class Aggregation:
    """What an aggregate is rendered from, all of it SQL text: `weight` is None where every row counts once."""

    args: tuple[str, ...]
    params: tuple[float, ...]
    weight: str | None
    condition: str | None

    def call(self, name: str, *args: str, params: str = "") -> str:
        """`name` over the arguments, with ClickHouse's If combinator where there is a condition."""
        if self.condition is None:
            return f"{name}{params}({', '.join(args)})"
        return f"{name}If{params}({', '.join((*args, self.condition))})"

    def weighted(self, value: str) -> str:
        return value if self.weight is None else f"({value} * {self.weight})"


ScalarSql: TypeAlias = Callable[[Sequence[str]], str]
AggregateSql: TypeAlias = Callable[[Aggregation], str]


@dataclass(frozen=True, slots=True)
class Function:
    """`accepts` says for each argument which types it takes, the last entry also for those beyond it.

    `result` is a type, or "first" for the type of the first argument, "second" for that of the second.
    `params` is the least and most number of constants. `vql` is the name VQL knows it by, None if it does not.
    """

    name: str
    accepts: tuple[frozenset[ValueType], ...]
    result: ValueType | Literal["first", "second"]
    args: tuple[int, int]
    params: tuple[int, int] = (0, 0)
    vql: str | None = None
    scalar: ScalarSql | None = None
    aggregate: AggregateSql | None = None
    has_condition: bool = False

    @property
    def is_aggregate(self) -> bool:
        return self.aggregate is not None


@dataclass(frozen=True, slots=True)
class Mismatch(Exception):
    """The call does not fit the function. `index` is the argument at fault, None for the call as a whole."""

    message: str
    index: int | None = None


def result_type(function: Function, types: Sequence[ValueType], params: Sequence[float]) -> ValueType:
    """The type of a call. Raises Mismatch when number or types of the arguments do not fit."""
    shown = function.vql or function.name
    _check_number(shown, "argument", len(types), function.args)
    _check_number(shown, "parameter", len(params), function.params)
    for index, found in enumerate(types):
        accepted = function.accepts[min(index, len(function.accepts) - 1)]
        if found not in accepted:
            raise Mismatch(f"{shown} takes {_listed(accepted)} here, not {found}", index)
    if function.name in _COMPARISONS:
        _check_comparable(types)
    if function.name in ("if", "coalesce"):
        _check_alike(types, first=1 if function.name == "if" else 0)
    if function.name in ("+", "-", "time_bucket"):
        return _arithmetic_type(function.name, types)
    if function.result == "first":
        return types[0]
    if function.result == "second":
        return types[1]
    return function.result


def _check_number(shown: str, what: str, found: int, allowed: tuple[int, int]) -> None:
    low, high = allowed
    if not low <= found <= high:
        bounds = str(low) if low == high else f"{low} to {high}" if high < _MANY else f"at least {low}"
        raise Mismatch(f"{shown} takes {bounds} {what}{'' if bounds == '1' else 's'}, not {found}")


def _check_comparable(types: Sequence[ValueType]) -> None:
    for index, found in enumerate(types[1:], start=1):
        same = found == types[0] or {found, types[0]} <= NUMERIC
        if not same and "null" not in (found, types[0]):
            raise Mismatch(f"{types[0]} cannot be compared with {found}", index)


def _check_alike(types: Sequence[ValueType], first: int) -> None:
    """One column holds what either branch gives."""
    for index, found in enumerate(types[first:], start=first):
        same = found == types[first] or {found, types[first]} <= NUMERIC
        if not same and "null" not in (found, types[first]):
            raise Mismatch(f"{types[first]} and {found} have no type in common", index)


def _arithmetic_type(name: str, types: Sequence[ValueType]) -> ValueType:
    """Times move by intervals and differ by nothing; numbers stay numbers."""
    if name == "time_bucket":
        return "time"
    if len(types) == 1:
        if types[0] not in NUMERIC:
            raise Mismatch(f"{name} takes a number here, not {types[0]}", 0)
        return types[0]
    left, right = types
    if left == "time" and right == "interval":
        return "time"
    for index, found in enumerate(types):
        if found not in NUMERIC:
            raise Mismatch(f"{left} {name} {right} is not defined", index)
    return "number" if "number" in types else "integer"


def _listed(types: frozenset[ValueType]) -> str:
    return " or ".join(sorted(types - NULL))


_MANY = 1000
_COMPARISONS = frozenset({"=", "!=", "<", "<=", ">", ">=", "in", "between"})


def _call(name: str) -> ScalarSql:
    return lambda args: f"{name}({', '.join(args)})"


def _infix(operator: str) -> ScalarSql:
    return lambda args: f"({f' {operator} '.join(args)})"


def _minus(args: Sequence[str]) -> str:
    return f"(-{args[0]})" if len(args) == 1 else _infix("-")(args)


def _in(args: Sequence[str]) -> str:
    return f"({args[0]} IN ({', '.join(args[1:])}))"


def _is_null(args: Sequence[str]) -> str:
    return f"isNull({args[0]})"


def _time_bucket(args: Sequence[str]) -> str:
    """Weeks and months come back as a Date; every bucket is a DateTime here."""
    return f"toDateTime(toStartOfInterval({args[0]}, {args[1]}), 'UTC')"


def _time_ms(args: Sequence[str]) -> str:
    return f"(toUnixTimestamp64Micro(toDateTime64({args[0]}, 6, 'UTC')) / 1000)"


def _operators() -> list[Function]:
    def binary(name: str, accepts: frozenset[ValueType], result: ValueType, sql: str) -> Function:
        return Function(name, (accepts,), result, (2, 2), vql=name, scalar=_infix(sql))

    comparable = SCALAR | NULL
    return [
        Function("and", (NUMERIC,), "boolean", (2, _MANY), vql="and", scalar=_infix("AND")),
        Function("or", (NUMERIC,), "boolean", (2, _MANY), vql="or", scalar=_infix("OR")),
        Function("not", (NUMERIC,), "boolean", (1, 1), vql="not", scalar=lambda args: f"(NOT {args[0]})"),
        *(binary(name, comparable, "boolean", name) for name in ("=", "!=", "<", "<=", ">", ">=")),
        binary("like", TEXT, "boolean", "LIKE"),
        binary("ilike", TEXT, "boolean", "ILIKE"),
        Function("in", (comparable,), "boolean", (2, _MANY), vql="in", scalar=_in),
        Function(
            "between",
            (comparable,),
            "boolean",
            (3, 3),
            vql="between",
            scalar=lambda args: f"({args[0]} BETWEEN {args[1]} AND {args[2]})",
        ),
        Function("is null", (ANY,), "boolean", (1, 1), vql="is null", scalar=_is_null),
        Function("+", (NUMERIC | TIME | INTERVAL,), "number", (2, 2), vql="+", scalar=_infix("+")),
        Function("-", (NUMERIC | TIME | INTERVAL,), "number", (1, 2), vql="-", scalar=_minus),
        binary("*", NUMERIC, "number", "*"),
        binary("/", NUMERIC, "number", "/"),
        Function("%", (NUMERIC,), "number", (2, 2), vql="%", scalar=_call("moduloOrNull")),
    ]


def _scalars() -> list[Function]:
    return [
        Function("time_bucket", (TIME, INTERVAL), "time", (2, 2), vql="toStartOfInterval", scalar=_time_bucket),
        Function("time_ms", (TIME,), "number", (1, 1), scalar=_time_ms),
        Function("lower", (TEXT,), "string", (1, 1), vql="lower", scalar=_call("lowerUTF8")),
        Function("upper", (TEXT,), "string", (1, 1), vql="upper", scalar=_call("upperUTF8")),
        Function("length", (TEXT | MAP | ARRAY,), "integer", (1, 1), vql="length", scalar=_call("length")),
        Function("abs", (NUMERIC,), "first", (1, 1), vql="abs", scalar=_call("abs")),
        Function("ln", (NUMERIC,), "number", (1, 1), scalar=_call("log")),
        Function("floor", (NUMERIC,), "first", (1, 1), vql="floor", scalar=_call("floor")),
        Function("ceil", (NUMERIC,), "first", (1, 1), vql="ceil", scalar=_call("ceil")),
        Function("round", (NUMERIC,), "first", (1, 2), vql="round", scalar=_call("round")),
        Function("if", (NUMERIC, ANY), "second", (3, 3), vql="if", scalar=_call("if")),
        Function("coalesce", (ANY,), "first", (1, _MANY), vql="coalesce", scalar=_call("coalesce")),
        Function("to_string", (SCALAR,), "string", (1, 1), vql="toString", scalar=_call("toString")),
        Function("position_ci", (TEXT,), "integer", (2, 2), scalar=_call("positionCaseInsensitiveUTF8")),
        Function("map_keys", (MAP,), "array", (1, 1), scalar=_call("mapKeys")),
        Function("map_values", (MAP,), "array", (1, 1), scalar=_call("mapValues")),
        Function("array_join", (ARRAY,), "string", (1, 1), scalar=_call("arrayJoin")),
    ]


def _avg(a: Aggregation) -> str:
    return a.call("avg", *a.args) if a.weight is None else _weighted_mean(a, a.args[0], a.weight)


def _weighted_mean(a: Aggregation, value: str, weight: str) -> str:
    """Both as doubles: given an integer weight, the engine (26.9) cuts the values down to integers."""
    return a.call("avgWeighted", f"toFloat64({value})", f"toFloat64({weight})")


def _count(a: Aggregation) -> str:
    return a.call("count") if a.weight is None else a.call("sum", a.weight)


def _sum(a: Aggregation) -> str:
    return a.call("sum", a.weighted(a.args[0]))


def _rate(a: Aggregation) -> str:
    """The increase over the seconds in `params`."""
    return f"({_sum(a)} / {a.params[0]!r})"


def _quantile(name: str) -> AggregateSql:
    """Nearest rank: the least value at or below which lies the wanted share of the observations."""

    def sql(a: Aggregation) -> str:
        levels = ", ".join(repr(level) for level in a.params)
        return a.call(f"{name}ExactWeighted", f"toFloat64({a.args[0]})", a.weight or "1", params=f"({levels})")

    return sql


def _stddev(a: Aggregation) -> str:
    """Of the population. ClickHouse has no weighted form, so it is the root of E[x²] − E[x]²."""
    if a.weight is None:
        return a.call("stddevPopStable", *a.args)
    value = f"toFloat64({a.args[0]})"
    mean, square = _weighted_mean(a, value, a.weight), _weighted_mean(a, f"({value} * {value})", a.weight)
    variance = f"{square} - {mean} * {mean}"
    return f"sqrt(if({variance} < 0, 0, {variance}))"


def bin_sql(value: str) -> str:
    """logbins.bin_of with base PULSE_GAMMA."""
    exponent = f"ceil(log(abs({value})) / {log(PULSE_GAMMA)!r} - {BIN_SLACK!r}) + {BIN_SHIFT}"
    return f"if({value} = 0, 0, if({value} > 0, 1, -1) * ({exponent}))"


def _bins(a: Aggregation) -> str:
    """Observations by bin, as text on both sides: so maps are on every engine."""
    counted = a.call("sumMap", f"map(toInt32({bin_sql(a.args[0])}), toUInt64({a.weight or '1'}))")
    return f"CAST({counted}, 'Map(String, String)')"


def _group_uniq(a: Aggregation) -> str:
    return a.call("groupUniqArray", *a.args, params=f"({int(a.params[0])})" if a.params else "")


def _plain(name: str) -> AggregateSql:
    """An aggregate that weights do not change."""
    return lambda a: a.call(name, *a.args)


def _aggregates() -> list[Function]:
    return [
        Function("avg", (NUMERIC,), "number", (1, 1), vql="avg", aggregate=_avg),
        Function("sum", (NUMERIC,), "first", (1, 1), vql="sum", aggregate=_sum),
        Function("count", (ANY,), "integer", (0, 1), vql="count", aggregate=_count),
        Function("rows", (), "integer", (0, 0), aggregate=_plain("count")),
        Function("min", (SCALAR,), "first", (1, 1), vql="min", aggregate=_plain("minOrNull")),
        Function("max", (SCALAR,), "first", (1, 1), vql="max", aggregate=_plain("maxOrNull")),
        Function("quantile", (NUMERIC,), "number", (1, 1), (1, 1), "quantile", aggregate=_quantile("quantile")),
        Function("quantiles", (NUMERIC,), "array", (1, 1), (1, 20), "quantiles", aggregate=_quantile("quantiles")),
        Function("stddev", (NUMERIC,), "number", (1, 1), vql="stddev", aggregate=_stddev),
        Function("increase", (NUMERIC,), "first", (1, 1), vql="increase", aggregate=_sum),
        Function("rate", (NUMERIC,), "number", (1, 1), (1, 1), "rate", aggregate=_rate),
        Function("uniq", (ANY,), "integer", (1, 1), vql="uniq", aggregate=_plain("uniq")),
        Function("uniq_exact", (ANY,), "integer", (1, 1), vql="uniqExact", aggregate=_plain("uniqExact")),
        Function("any", (ANY,), "first", (1, 1), aggregate=_plain("any")),
        Function("arg_max", (ANY, SCALAR), "first", (2, 2), aggregate=_plain("argMax")),
        Function("arg_min", (ANY, SCALAR), "first", (2, 2), aggregate=_plain("argMin")),
        Function("group_uniq", (SCALAR,), "array", (1, 1), (0, 1), aggregate=_group_uniq),
        Function("bins", (NUMERIC,), "map", (1, 1), aggregate=_bins),
        Function("merge_bins", (MAP,), "map", (1, 1), aggregate=_plain("sumMap")),
    ]


def _with_condition(function: Function) -> Function:
    low, high = function.args
    values = tuple(function.accepts[min(i, len(function.accepts) - 1)] for i in range(low))
    return replace(
        function,
        name=f"{function.name}_if",
        accepts=(*values, NUMERIC),
        args=(low + 1, low + 1) if high == low or function.name == "count" else (low + 1, high + 1),
        vql=f"{function.vql}If" if function.vql else None,
        has_condition=True,
    )


def _table() -> dict[str, Function]:
    aggregates = _aggregates()
    every = [*_operators(), *_scalars(), *aggregates, *(_with_condition(function) for function in aggregates)]
    return {function.name: function for function in every}


GROWTH: frozenset[str] = frozenset({"increase", "rate"})
"""Aggregates of how much a value grew: of a cumulative counter they take the differences."""
WEIGHTED: frozenset[str] = GROWTH | {"avg", "sum", "count", "quantile", "quantiles", "stddev", "bins"}
"""Aggregates over observations; the others see rows."""

FUNCTIONS: dict[str, Function] = _table()
"""By the name a `Call` uses: ``FUNCTIONS["quantile_if"]``."""
