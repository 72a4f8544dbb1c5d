"""VQL → QueryPlan: the statement around the expressions."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType
from vantage_common.errors import UserError
from vantage_common.store.catalog import TABLES, TableInfo
from vantage_common.store.functions import FUNCTIONS
from vantage_common.store.plan import (
    Call,
    Column,
    Expr,
    Interval,
    Literal,
    Order,
    Output,
    QueryPlan,
    Selected,
    Tag,
    Time,
    all_of,
)

from vantage_api.vql.expressions import Node, Scope, Translator
from vantage_api.vql.parse import KEYWORDS, SHORTHANDS, Clause, Parsed, did_you_mean, parse_vql, vql_error
from vantage_api.vql.print import print_expr
from vantage_api.vql.words import MAX_INTERVAL, UNIT_MS, instant_of_number, instant_of_text, interval_ms, unit

DEFAULT_LIMIT = 1_000
MAX_LIMIT = 10_000
MAX_OFFSET = 1_000_000
MAX_OUTPUTS = 100
TIMESERIES_NAME = "time"

_SELECT_ARGS = frozenset({"expressions", "from_", "where", "group", "having", "order", "limit", "offset", "distinct"})


def compile_vql(text: str, workspace: str, now_ms: int, default_limit: int = DEFAULT_LIMIT) -> QueryPlan:
    """The plan of a query, for the rows of `workspace`; of a query without LIMIT so many rows.

    Raises UserError with a code ``vql_…``, the offset of the character at fault and, where there is one, a hint.
    """
    parsed = parse_vql(text)
    try:
        _check_clauses(parsed.select, parsed)
        return _Statement(parsed, now_ms).plan(workspace, default_limit)
    finally:
        # A tree whose nodes know their parents is garbage in cycles, for which the collector stops everything.
        for node in parsed.select.walk():
            node.parent = None


class _Statement:
    def __init__(self, parsed: Parsed, now_ms: int) -> None:
        self._select = parsed.select
        self._clauses = {clause.keyword: clause for clause in parsed.clauses}
        self._now_ms = now_ms
        self._table = _table(parsed)
        self._translator = Translator(self._table, parsed.tokens, now_ms)

    def plan(self, workspace: str, default_limit: int) -> QueryPlan:
        step = self._timeseries()
        selected = self._selected(step)
        where = all_of(self._where(), self._range())
        group_by = self._group_by(step)
        having = self._having()
        order_by = self._order_by(step)
        distinct = self._distinct()
        _check_grouping(self._translator, selected, group_by, having, order_by)
        seconds = _rate_seconds(group_by, where, selected, self._table.time, self._now_ms)
        rated = tuple(Selected(self._rated(item.expr, seconds), item.name) for item in selected)
        return QueryPlan(
            table=self._table.name,
            workspace=workspace,
            select=rated,
            where=where,
            group_by=group_by,
            having=None if having is None else self._rated(having, seconds),
            order_by=tuple(Order(self._rated(item.expr, seconds), item.descending) for item in order_by),
            limit=self._count("limit", 0, MAX_LIMIT, default_limit),
            offset=self._count("offset", 0, MAX_OFFSET, 0),
            distinct=distinct,
        )

    def _timeseries(self) -> Interval | None:
        clause = self._clauses.get("TIMESERIES")
        if clause is None:
            return None
        step = _amount(clause.tokens)
        if step is None:
            hint = _meant_unit(clause.tokens) or "TIMESERIES 1 MINUTE"
            raise vql_error("bad_interval", "TIMESERIES takes n unit", clause.position, hint)
        return step

    def _selected(self, step: Interval | None) -> tuple[Selected, ...]:
        outputs = self._translator.selected
        if step is not None:
            outputs.append(Selected(Call("time_bucket", (Column(self._table.time), step)), TIMESERIES_NAME))
        for node in self._select.expressions:
            for output, at in self._outputs(node):
                self._check_name(output, at)
                outputs.append(output)
        if len(outputs) > MAX_OUTPUTS:
            raise vql_error("too_complex", f"a query selects at most {MAX_OUTPUTS} columns", 0)
        return tuple(outputs)

    def _outputs(self, node: Node) -> Iterator[tuple[Selected, int | None]]:
        at = self._translator.position(node)
        if type(node) is exp.Star:
            if any(node.args.values()):
                raise vql_error("unsupported", "* stands alone", at)
            yield from ((Selected(Column(column.name), column.name), at) for column in self._table.public_columns)
            return
        alias = ""
        if type(node) is exp.Alias:
            identifier = node.args["alias"]
            alias, at, node = identifier.name, self._translator.position(identifier), node.this
        scope = Scope("SELECT", tuple(self._translator.selected))
        expr = self._translator.expr(node, scope)
        yield Selected(expr, alias or print_expr(expr)), at

    def _check_name(self, output: Selected, at: int | None) -> None:
        name = output.name
        if self._table.column(name) is not None and output.expr != Column(name):
            message = f"the alias {name} is the name of a column"
            raise vql_error("alias_is_column", message, at, "Choose another name.")
        if name.upper() in SHORTHANDS:
            raise vql_error("unsupported", f"{name} is a word of VQL and cannot be an alias", at)
        if not name or len(name) > 200:
            raise vql_error("unsupported", "an alias has 1 to 200 characters", at)
        if any(item.name == name for item in self._translator.selected):
            raise vql_error("duplicate_column", f"two columns are called {name[:60]}", at, "Name one with AS.")
        if self._translator.type_of(output.expr) == "interval":
            raise vql_error("type", "an interval cannot be selected", at)

    def _where(self) -> Expr | None:
        node = self._select.args.get("where")
        return None if node is None else self._condition(node.this, Scope("WHERE"))

    def _having(self) -> Expr | None:
        node = self._select.args.get("having")
        return None if node is None else self._condition(node.this, Scope("HAVING", self._translator.selected))

    def _condition(self, node: Node, scope: Scope) -> Expr:
        condition = self._translator.expr(node, scope)
        if self._translator.type_of(condition) != "boolean":
            raise vql_error("type", f"{scope.clause} takes a condition", self._translator.position(node))
        if scope.clause == "WHERE" and (aggregate := _first_aggregate(condition)) is not None:
            at = self._translator.position_of(aggregate)
            raise vql_error("aggregate", "WHERE cannot use an aggregate", at, "Use HAVING.")
        return condition

    def _range(self) -> Expr | None:
        """SINCE and UNTIL as a condition on the table's time."""
        time = Column(self._table.time)
        since, until = (self._moment(self._clauses.get(word)) for word in ("SINCE", "UNTIL"))
        if since is not None and until is not None and since.ms >= until.ms:
            at = self._clauses["UNTIL"].position
            raise vql_error("bad_time", "UNTIL is not later than SINCE", at, "SINCE 2 HOURS UNTIL 1 HOUR")
        return all_of(
            None if since is None else Call(">=", (time, since)),
            None if until is None else Call("<", (time, until)),
        )

    def _moment(self, clause: Clause | None) -> Time | None:
        """``1 HOUR [AGO]``, ``now()``, a number or a text."""
        if clause is None:
            return None
        words = list(clause.tokens)
        if len(words) == 3 and words[2].text.upper() == "AGO":
            words.pop()
        back = _amount(words)
        if back is not None and (length := interval_ms(back)) is not None:
            return Time(self._now_ms - length)
        if "".join(word.text for word in words).lower() in ("now()", "now"):
            return Time(self._now_ms)
        ms = _instant(words)
        if ms is None:
            hint = _meant_unit(words) or "SINCE 1 HOUR, SINCE '2026-01-31T12:00:00Z', SINCE 1790035200000"
            raise vql_error("bad_time", f"{clause.keyword} takes a time or how long ago", clause.position, hint)
        return Time(ms)

    def _group_by(self, step: Interval | None) -> tuple[Expr, ...]:
        group = self._select.args.get("group")
        keys: list[Expr] = [] if step is None else [Output(TIMESERIES_NAME)]
        if group is not None:
            _no_extras(group, {"expressions"}, "GROUP BY", self._translator)
            keys += [self._key(node, "GROUP BY") for node in group.expressions]
        for key in keys:
            resolved = _resolved(key, self._translator.selected)
            if (aggregate := _first_aggregate(resolved)) is not None:
                at = self._translator.position_of(key) or self._translator.position_of(aggregate)
                raise vql_error("aggregate", "GROUP BY cannot use an aggregate", at)
        return tuple(keys)

    def _order_by(self, step: Interval | None) -> tuple[Order, ...]:
        order = self._select.args.get("order")
        if order is None:
            return () if step is None else (Order(Output(TIMESERIES_NAME)),)
        _no_extras(order, {"expressions"}, "ORDER BY", self._translator)
        return tuple(self._ordered(node) for node in order.expressions)

    def _ordered(self, node: Node) -> Order:
        if type(node) is not exp.Ordered:
            raise vql_error("unsupported", "this is not part of VQL's ORDER BY", self._translator.position(node))
        _no_extras(node, {"this", "desc"}, "ORDER BY", self._translator)
        return Order(self._key(node.this, "ORDER BY"), bool(node.args.get("desc")))

    def _key(self, node: Node, clause: str) -> Expr:
        expr = self._translator.expr(node, Scope(clause, self._translator.selected))
        if isinstance(expr, Literal | Time | Interval):
            hint = "Name a column or an alias; positions are not supported."
            raise vql_error("unsupported", f"{clause} takes no constants", self._translator.position(node), hint)
        return expr

    def _distinct(self) -> bool:
        node = self._select.args.get("distinct")
        if node is None:
            return False
        _no_extras(node, set(), "DISTINCT", self._translator)
        return True

    def _count(self, clause: str, low: int, high: int, default: int) -> int:
        node = self._select.args.get(clause)
        if node is None:
            return default
        shown = clause.upper()
        _no_extras(node, {"expression"}, shown, self._translator)
        value = node.expression
        at = self._translator.position(node)
        if type(value) is not exp.Literal or value.args.get("is_string") or not value.name.isdecimal():
            raise vql_error("bad_limit", f"{shown} takes a whole number", at, f"{shown} 100")
        if len(value.name) > 12 or not low <= int(value.name) <= high:
            raise vql_error("bad_limit", f"{shown} is {low} to {high}", at, f"{shown} {high}")
        return int(value.name)

    def _rated(self, expr: Expr, seconds: float | None) -> Expr:
        """Gives every rate the seconds it divides by."""
        if not isinstance(expr, Call):
            return expr
        if expr.function in ("rate", "rate_if"):
            if seconds is None:
                hint = "Add SINCE 1 HOUR, or TIMESERIES 1 MINUTE."
                raise vql_error("rate_range", "rate needs a time range", self._translator.position_of(expr), hint)
            return replace(expr, params=(seconds,))
        args = tuple(self._rated(arg, seconds) for arg in expr.args)
        return expr if all(new is old for new, old in zip(args, expr.args, strict=True)) else replace(expr, args=args)


def _check_clauses(select: exp.Select, parsed: Parsed) -> None:
    for name, value in select.args.items():
        if value and name not in _SELECT_ARGS:
            shown = name.strip("_").replace("_", " ").upper()
            first = value[0] if isinstance(value, list) else value
            raise vql_error("unsupported", f"{shown} is not part of VQL", _node_start(first, parsed.tokens))
    if not select.expressions:
        raise vql_error("syntax", "SELECT what?", 0, "SELECT avg(value) FROM metrics")


def _node_start(node: object, tokens: Sequence[Token]) -> int | None:
    """Offset of a node; a clause that the tree has no place for counts as behind FROM."""
    if isinstance(node, exp.Expr):
        starts = [found.meta["start"] for found in node.walk() if "start" in found.meta]
        if starts:
            return int(min(starts))
    behind = [token.start for token in tokens if token.token_type is TokenType.FROM]
    return behind[0] if behind else 0


def _table(parsed: Parsed) -> TableInfo:
    tables = ", ".join(TABLES)
    source = parsed.select.args.get("from_")
    if source is None:
        raise vql_error("no_table", "the query names no table", len(parsed.text), f"Tables are {tables}.")
    node = source.this
    at = _node_start(node, parsed.tokens)
    plain = type(node) is exp.Table and type(node.this) is exp.Identifier
    if not plain or any(value for name, value in node.args.items() if name != "this"):
        hint = did_you_mean(node.alias, KEYWORDS) if node.alias else None
        raise vql_error("no_table", "FROM takes the name of one table", at, hint or f"Tables are {tables}.")
    table = TABLES.get(node.name)
    if table is None:
        hint = did_you_mean(node.name, TABLES) or f"Tables are {tables}."
        raise vql_error("unknown_table", f"there is no table {node.name[:60]!r}", at, hint)
    return table


def _no_extras(node: Node, allowed: set[str], clause: str, translator: Translator) -> None:
    for name, value in node.args.items():
        if value and name not in allowed:
            raise vql_error("unsupported", f"this form of {clause} is not part of VQL", translator.position(node))


def _amount(words: Sequence[Token]) -> Interval | None:
    """``5 MINUTE`` as an interval."""
    if len(words) != 2 or words[0].token_type is not TokenType.NUMBER or not words[0].text.isdecimal():
        return None
    named, n = unit(words[1].text), int(words[0].text[:12])
    return Interval(n, named) if named is not None and named in UNIT_MS and 1 <= n <= MAX_INTERVAL else None


def _meant_unit(words: Sequence[Token]) -> str | None:
    """A hint for ``5 MINTUES``."""
    return did_you_mean(words[1].text, [*UNIT_MS, *(f"{named}S" for named in UNIT_MS)]) if len(words) == 2 else None


def _instant(words: Sequence[Token]) -> int | None:
    if len(words) != 1:
        return None
    text = words[0].text
    if words[0].token_type is TokenType.STRING:
        return instant_of_text(text)
    if words[0].token_type is TokenType.NUMBER and len(text) < 20:
        try:
            return instant_of_number(float(text))
        except ValueError:
            return None
    return None


def _resolved(expr: Expr, selected: Sequence[Selected]) -> Expr:
    """The expression behind an output's name."""
    while isinstance(expr, Output):
        name = expr.name
        expr = next(item.expr for item in selected if item.name == name)
    return expr


def _first_aggregate(expr: Expr) -> Call | None:
    if not isinstance(expr, Call):
        return None
    if FUNCTIONS[expr.function].is_aggregate:
        return expr
    return next((found for arg in expr.args if (found := _first_aggregate(arg)) is not None), None)


def _check_grouping(
    translator: Translator,
    selected: Sequence[Selected],
    group_by: Sequence[Expr],
    having: Expr | None,
    order_by: Sequence[Order],
) -> None:
    """In a query that groups, what stands outside of an aggregate must be one of the groups."""
    checked = [item.expr for item in selected] + [item.expr for item in order_by]
    if having is not None:
        checked.append(having)
    groups = [_resolved(key, selected) for key in group_by]
    grouping = bool(groups) or any(_first_aggregate(_resolved(expr, selected)) for expr in checked)
    if having is not None and not grouping:
        raise vql_error(
            "aggregate", "HAVING needs GROUP BY or an aggregate", translator.position_of(having), "Use WHERE."
        )
    for expr in checked:
        _check_aggregates(translator, expr, selected, groups if grouping else None)


def _check_aggregates(
    translator: Translator, expr: Expr, selected: Sequence[Selected], groups: Sequence[Expr] | None
) -> None:
    resolved = _resolved(expr, selected)
    if groups is not None and resolved in groups:
        return
    if isinstance(resolved, Call):
        if FUNCTIONS[resolved.function].is_aggregate:
            for arg in resolved.args:
                if (inner := _aggregate_within(arg, selected)) is not None:
                    raise vql_error("aggregate", "an aggregate cannot hold another", translator.position_of(inner))
            return
        for arg in resolved.args:
            _check_aggregates(translator, arg, selected, groups)
    elif isinstance(resolved, Column | Tag) and groups is not None:
        raise _not_grouped(translator, resolved)


def _aggregate_within(expr: Expr, selected: Sequence[Selected]) -> Call | None:
    resolved = _resolved(expr, selected)
    if not isinstance(resolved, Call):
        return None
    if FUNCTIONS[resolved.function].is_aggregate:
        return resolved
    return next((found for arg in resolved.args if (found := _aggregate_within(arg, selected)) is not None), None)


def _not_grouped(translator: Translator, expr: Column | Tag) -> UserError:
    shown = print_expr(expr)
    hint = f"Add {shown} to GROUP BY, or take an aggregate of it, as in max({shown})."
    return vql_error("not_grouped", f"{shown} is neither grouped nor aggregated", translator.position_of(expr), hint)


def _rate_seconds(
    group_by: Sequence[Expr], where: Expr | None, selected: Sequence[Selected], time: str, now_ms: int
) -> float | None:
    """What a rate divides by: the time bucket when grouped by one, else the length of the time range asked for."""
    for key in group_by:
        resolved = _resolved(key, selected)
        if isinstance(resolved, Call) and resolved.function == "time_bucket":
            step = resolved.args[1]
            length = interval_ms(step) if isinstance(step, Interval) else None
            return None if length is None else length / 1000
    starts = [bound.ms for operator, bound in _time_bounds(where, time) if operator in (">", ">=")]
    ends = [bound.ms for operator, bound in _time_bounds(where, time) if operator in ("<", "<=")]
    if not starts:
        return None
    length = min([*ends, now_ms]) - max(starts)
    return length / 1000 if length > 0 else None


def _time_bounds(where: Expr | None, time: str) -> Iterator[tuple[str, Time]]:
    """The bounds of the time column that hold for every row."""
    if not isinstance(where, Call):
        return
    if where.function == "and":
        for arg in where.args:
            yield from _time_bounds(arg, time)
    elif where.function == "between" and where.args[0] == Column(time):
        low, high = where.args[1:]
        if isinstance(low, Time) and isinstance(high, Time):
            yield ">=", low
            yield "<=", high
    elif where.function in _MIRRORED:
        left, right = where.args
        if left == Column(time) and isinstance(right, Time):
            yield where.function, right
        elif right == Column(time) and isinstance(left, Time):
            yield _MIRRORED[where.function], left


_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
