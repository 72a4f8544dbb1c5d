"""The query plan: the only thing SQL is ever produced from.

VQL compiles to it, and the API's own questions are written in it. It says what is asked, not how an engine spells it:
aggregates honour the weight column of the table, values are bound, and the workspace is a field of its own that
every engine applies outside the user's filter.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the plan's table."""

    name: str


@dataclass(frozen=True, slots=True)
class Tag:
    """One key of a map column, ``tags['region']``; an absent key is the empty string."""

    column: str
    key: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A value; always bound, never written into the text of a query."""

    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Time:
    """An instant in ms since the epoch."""

    ms: int


@dataclass(frozen=True, slots=True)
class Interval:
    """`unit` is one of SECOND MINUTE HOUR DAY WEEK MONTH."""

    n: int
    unit: str


@dataclass(frozen=True, slots=True)
class Output:
    """A reference to an output column by its name, for ORDER BY, HAVING and GROUP BY."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function or an operator with its arguments; `params` are constants such as quantile levels.

    Operators go by their SQL spelling in lower case: ``and or not = != < <= > >= like ilike in between is null
    + - * / %`` (``not x like y`` is `not` around `like`). Which functions exist is the engine's table.
    """

    function: str
    args: "tuple[Expr, ...]" = ()
    params: tuple[float, ...] = ()


Expr: TypeAlias = Column | Tag | Literal | Time | Interval | Output | Call


@dataclass(frozen=True, slots=True)
class Selected:
    """One column of the answer."""

    expr: Expr
    name: str


@dataclass(frozen=True, slots=True)
class Order:
    expr: Expr
    descending: bool = False


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """One SELECT over one table of the catalog."""

    table: str
    workspace: str
    select: tuple[Selected, ...]
    where: Expr | None = None
    group_by: tuple[Expr, ...] = ()
    having: Expr | None = None
    order_by: tuple[Order, ...] = ()
    limit: int = 1000
    offset: int = 0
    distinct: bool = False


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """`type` is one of string, number, integer, time, map, array, boolean."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Result:
    """`rows` are tuples in the order of `columns`; times are ms since the epoch."""

    columns: tuple[ResultColumn, ...]
    rows: tuple[tuple[Any, ...], ...]
    elapsed_ms: float
    source: str

    def dicts(self) -> list[dict[str, Any]]:
        names = [column.name for column in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.rows]


def all_of(*conditions: Expr | None) -> Expr | None:
    """The conditions joined by AND; absent ones are left out."""
    present = [condition for condition in conditions if condition is not None]
    if not present:
        return None
    joined = present[0]
    for condition in present[1:]:
        joined = Call("and", (joined, condition))
    return joined


def eq(column: str, value: str | int | float | bool) -> Expr:
    return Call("=", (Column(column), Literal(value)))


def between(column: str, start_ms: int, end_ms: int) -> Expr:
    """start ≤ column < end."""
    low = Call(">=", (Column(column), Time(start_ms)))
    return Call("and", (low, Call("<", (Column(column), Time(end_ms)))))
