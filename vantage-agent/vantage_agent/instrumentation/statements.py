"""A statement in two words: what it does, and to which table. Its text may hold values, so nothing else is kept of it.

This is no parser: it looks for the table where the common dialects have it. Whatever could make it take a part of a
literal for a name (backslashes, quotes that do not end, what is a comment to some only) stops it, and then the table
stays unknown.
"""

from __future__ import annotations

import re
from typing import Dict, List, NamedTuple, Optional, Pattern, Set, Tuple

from vantage_agent.fold import OTHER

TEXT_LIMIT = 16_384
NAME_LIMIT = 100
# Words that statements may begin with. What begins otherwise is no statement that we know.
_WORDS = (
    "ALTER ANALYZE ATTACH BEGIN CALL CHECKPOINT CLOSE COMMENT COMMIT COPY CREATE DEALLOCATE DECLARE DELETE DESCRIBE "
    "DETACH DISCARD DO DROP EXEC EXECUTE EXPLAIN FETCH GRANT INSERT KILL LISTEN LOAD LOCK MERGE MOVE NOTIFY OPTIMIZE "
    "PRAGMA PREPARE REFRESH REINDEX RELEASE REPLACE RESET REVOKE ROLLBACK SAVEPOINT SELECT SET SHOW START TRUNCATE "
    "UNLISTEN UPDATE USE VACUUM VALUES WITH"
)
OPERATIONS = frozenset(_WORDS.split())


class Summary(NamedTuple):
    """`operation` is a member of OPERATIONS or `_OTHER`; `collection` a table's name without quotes, where known."""

    operation: str
    collection: Optional[str]


_PART = r'(?:[^\W\d][\w$]*|"[^"\\]+"|`[^`\\]+`|\[[^\[\]\\\'"]+\])'
# To its end: where the rest of a pattern does not fit it must not be tried again with a shorter name.
_NAME = rf"(?P<table>{_PART}(?:\s*\.\s*{_PART}){{0,3}})(?![\w$.])"
_COMMENT = r"--[^\n]*(?:\n|\Z)|/\*(?:[^*]|\*(?!/))*\*/"

_FIRST_WORD = re.compile(rf"(?:\s|\(|;|{_COMMENT})*([A-Za-z]+)\b").match


def _after(words: str) -> Pattern[str]:
    return re.compile(rf"\s+{words}{_NAME}", re.IGNORECASE)


_INTO = _after(r"(?:\w+\s+){0,3}?INTO\s+(?:TABLE\s+)?")
_TABLE = _after(r"(?:\w+\s+){0,3}?TABLE\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(?:ONLY\s+)?")
_OPTIONAL_TABLE = _after(r"(?:TABLES?\s+)?(?:ONLY\s+)?")
_TABLE_OF: Dict[str, Pattern[str]] = {
    "INSERT": _INTO,
    "REPLACE": _INTO,
    "MERGE": _INTO,
    "DELETE": _after(r"(?:\w+\s+){0,2}?FROM\s+(?:ONLY\s+)?"),
    "UPDATE": _after(r"(?:OR\s+\w+\s+)?(?:ONLY\s+|LOW_PRIORITY\s+|IGNORE\s+)*"),
    "CREATE": _TABLE,
    "DROP": _TABLE,
    "ALTER": _TABLE,
    "TRUNCATE": _OPTIONAL_TABLE,
    "LOCK": _OPTIONAL_TABLE,
    "COPY": _after(""),
}

# A FROM that is no parameter's name and no part of IS DISTINCT FROM.
_FROM = rf"(?<![\w$:@.])(?<!%\()(?<!DISTINCT\s)FROM\s+(?:ONLY\s+|LATERAL\s+)?(?:{_NAME}(?!\s*\())?"
# What looks like code and is none. After two dashes some dialects want a space for a comment to begin.
_SKIP = "|".join(
    (
        r"--(?:[ \t\r][^\n]*|[^\n'\"`]*)(?:\n|\Z)",
        r"/\*(?:[^*]|\*(?!/))*\*/",
        r"'[^']*(?:''[^']*)*'",
        r'"[^"]*"',
        r"`[^`]*`",
        r"\$(?P<tag>[A-Za-z_]\w*|)\$.*?\$(?P=tag)\$",
    )
)
_VERB = r"(?<![\w$:@.])(?:SELECT|INSERT|UPDATE|DELETE|MERGE)\b"
_STOP = r"['\"`\\]|/\*|--|\#(?![>-])|\$(?!\d)"
_TOKEN = re.compile(
    rf"(?P<skip>{_SKIP})|(?P<query>\((?=\s*(?:SELECT|WITH)\b))|(?P<open>\()|(?P<close>\))"
    rf"|(?P<from>{_FROM})|(?P<verb>{_VERB})|(?P<stop>{_STOP})",
    re.IGNORECASE | re.DOTALL,
)
_QUOTES = re.compile(r"[\"`\[\]]|\s*(?=\.)|(?<=\.)\s*")
_WITH_NAME = re.compile(
    rf"(?<![\w$])(?P<table>{_PART})(?![\w$])\s*(?:\([^()]*\)\s*)?\bAS\s+(?:(?:NOT\s+)?MATERIALIZED\s+)?\(",
    re.IGNORECASE,
).finditer


def summary_of(statement: str) -> Summary:
    """What can be told about a statement. Takes time in proportion to its text up to the table's name, TEXT_LIMIT
    characters at most."""
    text = statement[:TEXT_LIMIT]
    first = _FIRST_WORD(text)
    operation = first.group(1).upper() if first else OTHER
    if first is None or operation not in OPERATIONS:
        return Summary(OTHER, None)
    if operation == "SELECT":
        return Summary(operation, _selected(text, first.end(), set()))
    if operation == "WITH":
        return _with(text, first.end())
    return Summary(operation, _changed(operation, text, first.end()))


def _changed(operation: str, text: str, position: int) -> Optional[str]:
    place = _TABLE_OF.get(operation)
    found = place.match(text, position) if place else None
    return _plain(found.group("table")) if found else None


def _with(text: str, position: int) -> Summary:
    """The statement that the queries of a WITH are for."""
    names = {_plain(found.group("table")) for found in _WITH_NAME(text)}
    depth = 0
    for token in _TOKEN.finditer(text, position):
        kind = token.lastgroup
        if _misleads(kind, token.group()):
            break
        if kind in ("open", "query"):
            depth += 1
        elif kind == "close":
            depth -= 1
        elif kind == "verb" and depth == 0:
            operation = token.group().upper()
            if operation == "SELECT":
                table = _selected(text, token.end(), names) or _selected(text, position, names)
                return Summary(operation, table)
            return Summary(operation, _changed(operation, text, token.end()))
    return Summary("WITH", None)


def _selected(text: str, position: int, names: Set[Optional[str]]) -> Optional[str]:
    """The first table of the outermost query that has one; `names` are none."""
    # Whether the parentheses around are a query's: FROM also stands in EXTRACT(YEAR FROM day).
    levels: List[bool] = [True]
    found: Optional[Tuple[int, str]] = None
    for token in _TOKEN.finditer(text, position):
        kind = token.lastgroup
        if _misleads(kind, token.group()):
            break
        if kind in ("open", "query"):
            levels.append(kind == "query")
        elif kind == "close":
            if len(levels) == 1:
                break
            levels.pop()
        elif kind == "from" and levels[-1]:
            table = _plain(token.group("table") or "")
            if table and table not in names and (found is None or len(levels) < found[0]):
                found = (len(levels), table)
                if len(levels) == 1:
                    break
    return found[1] if found else None


def _misleads(kind: Optional[str], token: str) -> bool:
    """Whether it is uncertain where a literal or comment ends: dialects differ in what a backslash means."""
    return kind == "stop" or (kind == "skip" and ("\\" in token or (token[0] == "/" and "/*" in token[1:])))


def _plain(name: str) -> Optional[str]:
    """A name without quotes and space between its parts. None where it is longer than names are."""
    plain = _QUOTES.sub("", name)
    return plain if 0 < len(plain) <= NAME_LIMIT else None
