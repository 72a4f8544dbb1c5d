"""VQL text → one syntax tree of a SELECT, and the clauses SINCE, UNTIL and TIMESERIES that SQL does not have.

sqlglot reads the text as ClickHouse's dialect with every function left anonymous, so nothing is rewritten before
`compile` has looked at it. What it accepts is far more than VQL; the allow-list in `compile` is the language.
"""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from sqlglot import exp
from sqlglot.dialects.clickhouse import ClickHouse
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.parsers.clickhouse import ClickHouseParser
from sqlglot.tokenizer_core import Token, TokenType
from vantage_common.errors import UserError

MAX_TEXT = 10_000
MAX_NESTING = 40
Shorthand = Literal["SINCE", "UNTIL", "TIMESERIES"]
SHORTHANDS: tuple[Shorthand, ...] = ("SINCE", "UNTIL", "TIMESERIES")

_OPENING = (TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE)
_CLOSING = (TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE)
_CLAUSES = (
    TokenType.WHERE,
    TokenType.GROUP_BY,
    TokenType.HAVING,
    TokenType.ORDER_BY,
    TokenType.LIMIT,
    TokenType.OFFSET,
    TokenType.SEMICOLON,
)


class _Parser(ClickHouseParser):
    """ClickHouse's without its functions: every call stays a name and its arguments."""

    FUNCTIONS: ClassVar = {}
    FUNCTION_PARSERS: ClassVar = {}
    NO_PAREN_FUNCTIONS: ClassVar = {}
    NO_PAREN_FUNCTION_PARSERS: ClassVar = {}


class _Dialect(ClickHouse):
    Parser = _Parser


@dataclass(frozen=True, slots=True)
class Clause:
    """The tokens behind a shorthand's keyword."""

    keyword: Shorthand
    position: int
    tokens: tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class Parsed:
    """`tokens` are those of the whole text, for the positions of what the tree has none for."""

    text: str
    select: exp.Select
    clauses: tuple[Clause, ...]
    tokens: tuple[Token, ...]


EXAMPLE = "SELECT avg(value) FROM metrics WHERE service_name = 'api' SINCE 1 HOUR"
KEYWORDS = ("FROM", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", *SHORTHANDS)
_HINTS = {
    "aggregate": "Group by plain columns, and use aggregates in SELECT, HAVING and ORDER BY.",
    "alias_is_column": "Choose another name.",
    "bad_interval": "An interval is a whole number and a unit, as in INTERVAL 5 MINUTE.",
    "bad_limit": "LIMIT 100",
    "bad_number": "Write numbers as 42, 0.95 or 1e3.",
    "not_select": "Start with SELECT; nothing can be changed, and one statement is asked at a time.",
    "syntax": f"A query looks like this: {EXAMPLE}",
    "too_complex": "Ask in several queries, or use IN for a list of values.",
    "too_long": "Ask in several queries.",
    "type": "Texts stand in quotes, numbers do not; the keys of a map are tags['key'].",
    "unknown_function": "Functions are, among others, count, avg, sum, min, max, p95, rate, uniq and countIf.",
    "unsupported": "A query is SELECT … FROM … WHERE … GROUP BY … HAVING … ORDER BY … LIMIT …, with SINCE, UNTIL and "
    "TIMESERIES.",
}
"""What helps with an error of a kind where nothing closer is known."""


def vql_error(kind: str, message: str, position: int | None = None, hint: str | None = None) -> UserError:
    """Every error says where it is: without a better place that is the begin of the query."""
    return UserError(f"vql_{kind}", message, position=position or 0, hint=hint or _HINTS.get(kind, EXAMPLE))


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A hint naming the known word nearest to a mistyped one."""
    by_lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return f"Did you mean {by_lower[near[0]]}?" if near else None


def parse_vql(text: str) -> Parsed:
    """Raises UserError for anything that is not one SELECT statement."""
    if len(text) > MAX_TEXT:
        raise vql_error("too_long", f"a query has at most {MAX_TEXT} characters, this one has {len(text)}")
    found = _tokenize(text)
    if not found:
        raise vql_error("empty", "the query is empty", 0, "SELECT avg(value) FROM metrics SINCE 1 HOUR")
    if found[0].token_type is not TokenType.SELECT:
        hint = did_you_mean(found[0].text, ["SELECT"])
        raise vql_error("not_select", "a query is one SELECT over one table", found[0].start, hint)
    _check_nesting(found)
    clauses, rest = _take_clauses(found)
    try:
        statements = _Dialect().parser().parse(rest, text)
    except ParseError as error:
        raise _syntax_error(error, text, found) from None
    except (SqlglotError, RecursionError, ValueError, TypeError, AttributeError, IndexError, KeyError) as error:
        raise vql_error("syntax", f"the query cannot be read ({type(error).__name__})", 0) from None
    return Parsed(text, _only_select(statements, found), clauses, tuple(found))


def _tokenize(text: str) -> list[Token]:
    try:
        return list(_Dialect().tokenize(text))
    except (SqlglotError, ValueError, IndexError, RecursionError) as error:
        reason = str(error).splitlines()[0] if str(error) else "it is not text"
        raise vql_error("syntax", f"the query cannot be read: {reason[:120]}", 0) from None


def _check_nesting(found: Sequence[Token]) -> None:
    depth = 0
    for token in found:
        depth += (token.token_type in _OPENING) - (token.token_type in _CLOSING)
        if depth > MAX_NESTING:
            raise vql_error("too_complex", f"brackets are nested more than {MAX_NESTING} deep", token.start)


def _take_clauses(found: Sequence[Token]) -> tuple[tuple[Clause, ...], list[Token]]:
    """The shorthand clauses and the tokens of the statement without them."""
    clauses: list[Clause] = []
    rest: list[Token] = []
    taken = 0
    for index in _shorthand_starts(found):
        token = found[index]
        end = index + 1
        while end < len(found) and found[end].token_type not in _CLAUSES and not _is_shorthand(found[end]):
            end += 1
        keyword = next(name for name in SHORTHANDS if name == token.text.upper())
        if any(clause.keyword == keyword for clause in clauses):
            raise vql_error("syntax", f"{keyword} is given twice", token.start)
        clauses.append(Clause(keyword, token.start, tuple(found[index + 1 : end])))
        rest += found[taken:index]
        taken = end
    return tuple(clauses), [*rest, *found[taken:]]


def _shorthand_starts(found: Sequence[Token]) -> list[int]:
    """Where shorthand clauses begin: outside brackets and behind FROM."""
    starts: list[int] = []
    depth, after_from = 0, False
    for index, token in enumerate(found):
        depth += (token.token_type in _OPENING) - (token.token_type in _CLOSING)
        after_from = after_from or token.token_type is TokenType.FROM
        if after_from and depth == 0 and _is_shorthand(token):
            starts.append(index)
    return starts


def _is_shorthand(token: Token) -> bool:
    return token.token_type is TokenType.VAR and token.text.upper() in SHORTHANDS


def _only_select(statements: Sequence[exp.Expr | None], found: Sequence[Token]) -> exp.Select:
    if len(statements) != 1:
        second = next((token for token in found if token.token_type is TokenType.SEMICOLON), found[0])
        raise vql_error("not_select", "one statement at a time", second.start)
    statement = statements[0]
    if not isinstance(statement, exp.Select):
        raise vql_error("not_select", "a query is one SELECT over one table", found[0].start)
    return statement


def _syntax_error(error: ParseError, text: str, found: Sequence[Token]) -> UserError:
    fault = error.errors[0] if error.errors else {}
    message = str(fault.get("description") or "the query cannot be read").partition(" but got <")[0].rstrip(".")
    position = _offset(text, fault.get("line"), fault.get("col"), str(fault.get("highlight") or ""))
    near = str(fault.get("highlight") or "")[:40]
    shown = f"{message} near {near!r}" if near else message
    return vql_error("syntax", shown, position, None if position is None else _meant_keyword(found, position))


def _meant_keyword(found: Sequence[Token], position: int) -> str | None:
    """A hint where a word at the fault, or just before it, is nearly one of the language."""
    at = [index for index, token in enumerate(found) if token.start <= position]
    words = [token.text for token in found[max(at[-1] - 1, 0) : at[-1] + 1]] if at else []
    hints = (did_you_mean(word, KEYWORDS) for word in words if word.upper() not in KEYWORDS)
    return next((hint for hint in hints if hint is not None), None)


def _offset(text: str, line: object, column: object, highlight: str) -> int | None:
    """sqlglot counts lines from 1 and gives the column of the last character of the token at fault."""
    if not isinstance(line, int) or not isinstance(column, int):
        return None
    before = sum(len(row) + 1 for row in text.split("\n")[: line - 1])
    return min(max(before + column - max(len(highlight), 1), 0), len(text))
