"""Syntax tree → plan expressions, node by node, by allow-list: a node or an argument that is not named here is an
error with its position. Nothing passes through unread.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType
from vantage_common.errors import UserError
from vantage_common.store.catalog import TableInfo
from vantage_common.store.functions import FUNCTIONS, Mismatch, ValueType, result_type
from vantage_common.store.plan import Call, Column, Expr, Interval, Literal, Output, Selected, Tag, Time
from vantage_common.store.render import type_of

from vantage_api.vql.parse import did_you_mean, vql_error
from vantage_api.vql.words import (
    BUCKETS,
    CALLABLE,
    MAX_INTERVAL,
    NAMES,
    UNITS,
    instant_of_number,
    instant_of_text,
    interval_ms,
    percentile,
    unit,
)

MAX_PREDICATES = 10
MAX_DEPTH = 40
MAX_IN = 500
MAX_STRING = 4_000

Node: TypeAlias = exp.Expr
_PREDICATES = frozenset({"=", "!=", "<", "<=", ">", ">=", "like", "ilike", "in", "between", "is null"})
_TIME_COMPARISONS = frozenset({"=", "!=", "<", "<=", ">", ">=", "in", "between"})
_BINARY: dict[type[Node], str] = {
    exp.And: "and",
    exp.Or: "or",
    exp.EQ: "=",
    exp.NEQ: "!=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.Like: "like",
    exp.ILike: "ilike",
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
}
_CALLS = (
    exp.Anonymous,
    exp.AnonymousAggFunc,
    exp.CombinedAggFunc,
    exp.ParameterizedAgg,
    exp.CombinedParameterizedAgg,
)
_NAMES_OF_NODES: dict[type[Node], str] = {
    exp.Subquery: "a subquery",
    exp.Select: "a subquery",
    exp.Placeholder: "a placeholder",
    exp.Parameter: "a parameter",
    exp.Lambda: "a lambda",
    exp.Window: "a window",
    exp.Cast: "a cast",
    exp.Case: "CASE",
    exp.Star: "*",
    exp.Tuple: "a tuple",
    exp.Array: "an array",
}


_WORDS: dict[type[Node], str] = {exp.Null: "NULL", exp.Case: "CASE", exp.Star: "*"}
"""Nodes that the tree has no position for, but for which there is a word in the text."""


@dataclass(slots=True)
class Scope:
    """What names mean in a clause: `outputs` are the output columns it may refer to, by name."""

    clause: str
    outputs: Sequence[Selected] = ()


class Translator:
    """Translates the expressions of one query and remembers where each came from."""

    def __init__(self, table: TableInfo, tokens: Sequence[Token], now_ms: int) -> None:
        self.table = table
        self.selected: list[Selected] = []
        self.predicates = 0
        self._tokens = tokens
        self._now_ms = now_ms
        self._depth = 0
        self._nodes: dict[int, tuple[Expr, Node]] = {}

    def expr(self, node: Node, scope: Scope) -> Expr:
        """The plan expression a node means. Raises UserError."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise vql_error("too_complex", f"an expression is nested more than {MAX_DEPTH} deep", self.position(node))
        translate = self._TRANSLATE.get(type(node))
        if translate is None:
            raise self._unsupported(node)
        result = translate(self, node, scope)
        self._nodes[id(result)] = (result, node)
        self._depth -= 1
        return result

    def type_of(self, expr: Expr) -> ValueType:
        return type_of(expr, self.table, self.selected)

    def position_of(self, expr: Expr) -> int | None:
        """Where an expression made by this translator stands in the text."""
        found = self._nodes.get(id(expr))
        return None if found is None else self.position(found[1])

    def position(self, node: Node) -> int | None:
        """Offset of the first character of a node, as far as the tree knows."""
        starts = [found.meta["start"] for found in node.walk() if "start" in found.meta]
        first = min(starts, default=None)
        if first is None and type(node) in _WORDS:
            first = self._word_position(_WORDS[type(node)])
        name = node.this if isinstance(node, _CALLS) else None
        return self._call_position(name, first) if isinstance(name, str) else first

    def _call_position(self, name: str, before: int | None) -> int | None:
        """The tree has no position for a function's name: it is the last one in front of its first argument."""
        found = [
            token.start
            for token, following in zip(self._tokens, self._tokens[1:], strict=False)
            if token.text == name and following.token_type is TokenType.L_PAREN
        ]
        in_front = [start for start in found if before is None or start < before]
        if not in_front:
            return before
        return in_front[0] if before is None else in_front[-1]

    def _word_position(self, word: str) -> int | None:
        """The tree has no position for a unit: it is the first such word."""
        return next((token.start for token in self._tokens if token.text.upper() == word.upper()), None)

    def _column(self, node: Node, scope: Scope) -> Expr:
        self._only(node, "this")
        identifier = node.this
        if not isinstance(identifier, exp.Identifier):
            raise self._unsupported(identifier)
        name = identifier.name
        column = self.table.column(name)
        if column is not None and column.public:
            return Column(name)
        if any(output.name == name for output in scope.outputs):
            return Output(name)
        if any(output.name == name for output in self.selected):
            hint = "An alias can be used in GROUP BY, HAVING and ORDER BY."
            raise vql_error("unknown_column", f"{scope.clause} cannot use the alias {name}", self.position(node), hint)
        known = [*(column.name for column in self.table.public_columns), *(output.name for output in scope.outputs)]
        message = f"{self.table.name} has no column {_shown(name)}"
        hint = did_you_mean(name, known) or f"Columns are {', '.join(c.name for c in self.table.public_columns)}."
        raise vql_error("unknown_column", message, self.position(node), hint)

    def _literal(self, node: Node, _scope: Scope) -> Expr:
        self._only(node, "this", "is_string")
        if node.args.get("is_string"):
            if len(node.name) > MAX_STRING:
                raise vql_error("too_long", f"a string has at most {MAX_STRING} characters", self.position(node))
            return Literal(_text(node.name))
        return Literal(self._number(node))

    def _number(self, node: Node) -> int | float:
        text = node.name
        try:
            number: int | float = int(text) if text.isdecimal() and len(text) < 20 else float(text)
        except ValueError:
            raise vql_error("bad_number", f"{_shown(text)} is not a number", self.position(node)) from None
        if (isinstance(number, float) and abs(number) > 1e300) or not -(2**63) <= number < 2**1000:
            raise vql_error("bad_number", f"{_shown(text)} is too large", self.position(node))
        return float(number) if isinstance(number, int) and number >= 2**63 else number

    def _boolean(self, node: Node, _scope: Scope) -> Expr:
        self._only(node, "this")
        return Literal(bool(node.this))

    def _paren(self, node: Node, scope: Scope) -> Expr:
        self._only(node, "this")
        return self.expr(node.this, scope)

    def _negative(self, node: Node, scope: Scope) -> Expr:
        self._only(node, "this")
        inner = self.expr(node.this, scope)
        if isinstance(inner, Literal) and isinstance(inner.value, int | float) and not isinstance(inner.value, bool):
            return Literal(-inner.value)
        return self._call("-", [inner], node)

    def _not(self, node: Node, scope: Scope) -> Expr:
        self._only(node, "this")
        return self._call("not", [self.expr(node.this, scope)], node)

    def _binary(self, node: Node, scope: Scope) -> Expr:
        self._only(node, "this", "expression", "typed", "safe", "negate")
        name = _BINARY[type(node)]
        args = [self.expr(node.this, scope), self.expr(node.expression, scope)]
        return self._negated(node, self._folded(name, args) or self._call(name, args, node))

    def _folded(self, name: str, args: Sequence[Expr]) -> Expr | None:
        """An instant moved by an interval of fixed length is an instant."""
        left, right = args
        if name in ("+", "-") and isinstance(left, Time) and isinstance(right, Interval):
            length = interval_ms(right)
            return None if length is None else Time(left.ms + length if name == "+" else left.ms - length)
        return None

    def _in(self, node: Node, scope: Scope) -> Expr:
        self._only(node, "this", "expressions", "negate")
        values = node.expressions
        if not 1 <= len(values) <= MAX_IN:
            raise vql_error("unsupported", f"IN takes 1 to {MAX_IN} values", self.position(node))
        args = [self.expr(node.this, scope), *(self._constant(value, scope) for value in values)]
        return self._negated(node, self._call("in", args, node))

    def _constant(self, node: Node, scope: Scope) -> Expr:
        value = self.expr(node, scope)
        if not isinstance(value, Literal | Time):
            raise vql_error("unsupported", "IN takes a list of constants", self.position(node))
        return value

    def _between(self, node: Node, scope: Scope) -> Expr:
        self._only(node, "this", "low", "high", "negate")
        args = [self.expr(part, scope) for part in (node.this, node.args["low"], node.args["high"])]
        return self._negated(node, self._call("between", args, node))

    def _is_null(self, node: Node, scope: Scope) -> Expr:
        self._only(node, "this", "expression", "negate")
        if type(node.expression) is not exp.Null:
            raise vql_error("unsupported", "IS is for NULL only", self.position(node), "Use = to compare.")
        return self._negated(node, self._call("is null", [self.expr(node.this, scope)], node))

    def _negated(self, node: Node, condition: Expr) -> Expr:
        return self._call("not", [condition], node) if node.args.get("negate") else condition

    def _interval(self, node: Node, _scope: Scope) -> Expr:
        self._only(node, "this", "unit")
        amount, named = node.this, node.args.get("unit")
        position = None if named is None else self._word_position(named.name)
        if not (isinstance(amount, exp.Literal) and type(named) is exp.Var):
            raise vql_error("bad_interval", "an interval is INTERVAL n unit", position, "INTERVAL 5 MINUTE")
        known = unit(named.name)
        if known is None:
            hint = did_you_mean(named.name, UNITS) or "Units are SECOND, MINUTE, HOUR, DAY, WEEK and MONTH."
            raise vql_error("bad_interval", f"{_shown(named.name)} is not a unit", position, hint)
        text = amount.name
        if not (text.isascii() and text.isdecimal()) or not 1 <= int(text[:20]) <= MAX_INTERVAL:
            raise vql_error("bad_interval", f"an interval is 1 to {MAX_INTERVAL} {known}", position)
        return Interval(int(text), known)

    def _tag(self, node: Node, _scope: Scope) -> Expr:
        self._only(node, "this", "expressions")
        keys = node.expressions
        if type(node.this) is not exp.Column or len(keys) != 1 or not _is_string(keys[0]):
            raise vql_error("unsupported", "brackets take one key of a map, as in tags['region']", self.position(node))
        column = self._column(node.this, Scope("a map"))
        if not isinstance(column, Column) or self.type_of(column) != "map":
            raise vql_error("type", f"{node.this.name} has no keys", self.position(node))
        return Tag(column.name, _text(keys[0].name))

    def _function(self, node: Node, scope: Scope) -> Expr:
        self._only(node, "this", "expressions", "params")
        name = node.this
        if not isinstance(name, str):
            raise self._unsupported(node)
        lower = name.lower()
        first, second = list(node.expressions), list(node.args.get("params") or [])
        parametrised = isinstance(node, exp.ParameterizedAgg | exp.CombinedParameterizedAgg)
        constants, values = (first, second) if parametrised else ([], first)
        if lower == "now":
            self._no_arguments(node, name, [*constants, *values])
            return Time(self._now_ms)
        if lower in BUCKETS:
            args = [*(self.expr(value, scope) for value in [*constants, *values]), BUCKETS[lower]]
            return self._call("time_bucket", args, node)
        return self._known_function(node, lower, constants, values, scope)

    def _known_function(self, node: Node, lower: str, constants: list[Node], values: list[Node], scope: Scope) -> Expr:
        fixed = percentile(lower)
        levels: list[float] = []
        if fixed is not None:
            lower, levels = fixed[0], [fixed[1]]
        function = CALLABLE.get(lower)
        if function is None:
            message = f"there is no function {_shown(node.this)}"
            raise vql_error("unknown_function", message, self.position(node), did_you_mean(node.this, NAMES))
        if lower in ("count", "countif") and values and type(values[0]) in (exp.Star, exp.Distinct):
            return self._count(node, lower, values, scope)
        takes_levels = function.params != (0, 0) and not function.name.startswith("rate") and fixed is None
        if takes_levels and not constants:
            most = function.params[1]
            while values and len(constants) < most and _is_number(values[0]):
                constants.append(values.pop(0))
        levels += [self._level(constant) for constant in constants]
        if function.name.startswith("rate"):
            levels = [*levels, 1.0]
        return self._call(function.name, [self.expr(value, scope) for value in values], node, tuple(levels))

    def _count(self, node: Node, lower: str, values: list[Node], scope: Scope) -> Expr:
        """``count(*)`` and ``count(DISTINCT x)``."""
        suffix = "_if" if lower.endswith("if") else ""
        head, rest = values[0], [self.expr(value, scope) for value in values[1:]]
        if type(head) is exp.Star:
            self._only(head)
            return self._call(f"count{suffix}", rest, node)
        self._only(head, "expressions")
        distinct = [self.expr(value, scope) for value in head.expressions]
        return self._call(f"uniq_exact{suffix}", [*distinct, *rest], node)

    def _level(self, node: Node) -> float:
        if not _is_number(node):
            raise vql_error("type", "a quantile's level is a number", self.position(node), "quantile(0.95, value)")
        level = float(self._number(node))
        if not 0 <= level <= 1:
            raise vql_error("bad_number", f"a quantile's level is 0 to 1, not {level:g}", self.position(node))
        return level

    def _no_arguments(self, node: Node, name: str, given: Sequence[Node]) -> None:
        if given:
            raise vql_error("type", f"{name} takes 0 arguments, not {len(given)}", self.position(node))

    def _call(self, name: str, args: Sequence[Expr], node: Node, params: tuple[float, ...] = ()) -> Call:
        """The call, its types checked; numbers and texts beside a time become instants."""
        if name in _PREDICATES:
            self._count_predicate(node)
        operands = self._with_instants(name, args)
        try:
            result_type(FUNCTIONS[name], [self.type_of(arg) for arg in operands], params)
        except Mismatch as mismatch:
            at = None if mismatch.index is None else self.position_of(args[mismatch.index])
            raise vql_error("type", mismatch.message, self.position(node) if at is None else at) from None
        return Call(name, tuple(operands), params)

    def _with_instants(self, name: str, args: Sequence[Expr]) -> list[Expr]:
        if name not in _TIME_COMPARISONS or not any(self.type_of(arg) == "time" for arg in args):
            return list(args)
        return [self.instant(arg) if isinstance(arg, Literal) else arg for arg in args]

    def instant(self, literal: Literal) -> Time:
        """The instant a number (ms, or seconds below 10¹¹) or an ISO 8601 text names."""
        value = literal.value
        ms: int | None = None
        if isinstance(value, str):
            ms = instant_of_text(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            ms = instant_of_number(value)
        if ms is None:
            hint = "Use ms or s since the epoch, or a text such as '2026-01-31T12:00:00Z'."
            raise vql_error("bad_time", f"{_shown(str(value))} is not a time", self.position_of(literal), hint)
        return Time(ms)

    def _count_predicate(self, node: Node) -> None:
        self.predicates += 1
        if self.predicates > MAX_PREDICATES:
            message = f"a query has at most {MAX_PREDICATES} predicates"
            raise vql_error("too_complex", message, self.position(node), "Use IN for a list of values.")

    def _only(self, node: Node, *allowed: str) -> None:
        """Refuses a node with an argument that is not read here."""
        for name, value in node.args.items():
            if value and name not in allowed:
                raise self._unsupported(value if isinstance(value, exp.Expr) else node)

    def _unsupported(self, node: Node) -> UserError:
        shown = _NAMES_OF_NODES.get(type(node), type(node).__name__)
        hint = None
        if isinstance(node, exp.Column | exp.Identifier):
            shown, hint = "a qualified name", "Name the column alone; the keys of a map are tags['key']."
        elif isinstance(node, exp.Null):
            shown, hint = "NULL", "Use IS NULL."
        return vql_error("unsupported", f"{shown} is not part of VQL", self.position(node), hint)

    # Of the class, not of each instance: a dictionary of its own methods would make every query garbage in a cycle.
    _TRANSLATE: ClassVar[dict[type[Node], Callable[["Translator", Node, Scope], Expr]]] = {
        exp.Column: _column,
        exp.Literal: _literal,
        exp.Boolean: _boolean,
        exp.Paren: _paren,
        exp.Neg: _negative,
        exp.Not: _not,
        exp.In: _in,
        exp.Between: _between,
        exp.Is: _is_null,
        exp.Interval: _interval,
        exp.Bracket: _tag,
        **dict.fromkeys(_BINARY, _binary),
        **dict.fromkeys(_CALLS, _function),
    }


def _is_string(node: Node) -> bool:
    return type(node) is exp.Literal and bool(node.args.get("is_string"))


def _is_number(node: Node) -> bool:
    return type(node) is exp.Literal and not node.args.get("is_string")


def _text(value: str) -> str:
    """Texts travel as UTF-8, which has no lone surrogates."""
    return value.encode("utf-8", "replace").decode("utf-8")


def _shown(text: str) -> str:
    return repr(text[:60])
