"""What a ClickHouse error code means for the caller: wait, give up, or tell the user. Pure.

Codes are those of ClickHouse's ErrorCodes.cpp. Whatever is not known to be the fault of the rows or of the question
counts as passing: a block that could be stored later must never end as a dead letter.
"""

import re

from vantage_common.errors import QueryTimeout, StoreRejected, StoreUnavailable, UserError, VantageError

_BAD_ROWS = frozenset({6, 26, 27, 33, 38, 41, 53, 69, 70, 72, 117, 131, 349, 407, 1001})
_TOO_MANY_PARTS = 252
_STOPPED = frozenset({159, 160, 394})
_TOO_LARGE = frozenset({158, 191, 307, 396})
_MEMORY = 241
_BAD_QUESTION = frozenset(
    {6, 10, 27, 32, 36, 38, 41, 42, 43, 44, 46, 47, 53, 59, 62, 63, 69, 70, 72, 80, 117, 130, 131, 134, 135, 153, 167}
    | {169, 179, 184, 215, 349, 386, 407, 427, 455, 457, 481}
)
_CODE = re.compile(r"Code: (\d+)")
_PREFIX = re.compile(r"^.*?DB::(?:\w*)Exception: ", re.DOTALL)
_TRAILER = re.compile(r"[:.]? (?:while |While |In scope |\(version ).*$|\([A-Z_]+\)\s*$", re.DOTALL)


def insert_error(error: Exception) -> VantageError:
    """StoreRejected when the rows are at fault, else StoreUnavailable."""
    code, text = engine_code(error), short_message(error)
    if code in _BAD_ROWS or (code == _TOO_MANY_PARTS and "Too many partitions" in str(error)):
        return StoreRejected(f"the store refused the rows ({code}): {text}")
    return StoreUnavailable(f"the store did not take the rows ({code}): {text}")


def query_error(error: Exception) -> VantageError:
    """UserError when the question is at fault or too large, QueryTimeout when stopped, else StoreUnavailable."""
    code, text = engine_code(error), short_message(error)
    if code in _STOPPED:
        return QueryTimeout("the query ran over its time and was stopped")
    if code in _TOO_LARGE or (code == _MEMORY and "(total)" not in str(error)):
        return UserError(
            "query_too_large",
            f"the query needs more than a query may take: {text}",
            hint="Narrow the time range or group by fewer columns.",
        )
    if code in _BAD_QUESTION:
        return UserError("bad_query", text)
    return StoreUnavailable(f"the store did not answer ({code}): {text}")


def query_timeout(timeout_s: float) -> QueryTimeout:
    return QueryTimeout(f"the query ran longer than {timeout_s:g} s and was stopped")


def engine_code(error: Exception) -> int | None:
    code = getattr(error, "code", None)
    if isinstance(code, int):
        return code
    match = _CODE.search(str(error))
    return int(match[1]) if match else None


def short_message(error: Exception) -> str:
    """One line, without the engine's own query text, version and stack."""
    text = _TRAILER.sub("", _PREFIX.sub("", str(error), count=1)).strip()
    return " ".join(text.split())[:300] or type(error).__name__
