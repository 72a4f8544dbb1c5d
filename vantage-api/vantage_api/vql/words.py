"""The words of VQL that are not SQL: its functions by the names people type, its units, and its moments."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from vantage_common.store.functions import FUNCTIONS, Function
from vantage_common.store.plan import Interval

OPERATORS = frozenset({"and", "or", "not", "like", "ilike", "in", "between", "is null"})

CALLABLE: Mapping[str, Function] = {
    function.vql.lower(): function
    for function in FUNCTIONS.values()
    if function.vql is not None and function.vql[0].isalpha() and function.name not in OPERATORS
}
"""The functions by their VQL name in lower case."""

BUCKETS: Mapping[str, Interval] = {
    "tostartofsecond": Interval(1, "SECOND"),
    "tostartofminute": Interval(1, "MINUTE"),
    "tostartoffiveminutes": Interval(5, "MINUTE"),
    "tostartoftenminutes": Interval(10, "MINUTE"),
    "tostartoffifteenminutes": Interval(15, "MINUTE"),
    "tostartofhour": Interval(1, "HOUR"),
    "tostartofday": Interval(1, "DAY"),
    "tostartofweek": Interval(1, "WEEK"),
    "tostartofmonth": Interval(1, "MONTH"),
}

NAMES: tuple[str, ...] = (
    *(function.vql for function in CALLABLE.values() if function.vql),
    "now",
    "toStartOfSecond",
    "toStartOfMinute",
    "toStartOfFiveMinutes",
    "toStartOfTenMinutes",
    "toStartOfFifteenMinutes",
    "toStartOfHour",
    "toStartOfDay",
    "toStartOfWeek",
    "toStartOfMonth",
    "p50",
    "p75",
    "p90",
    "p95",
    "p99",
)
"""Every function as it is written, for hints and completion."""

UNIT_MS: Mapping[str, int] = {
    "SECOND": 1_000,
    "MINUTE": 60_000,
    "HOUR": 3_600_000,
    "DAY": 86_400_000,
    "WEEK": 604_800_000,
}
"""The units of fixed length. A MONTH has none."""

UNITS = (*UNIT_MS, "MONTH")
MAX_INTERVAL = 1_000_000
SECONDS_BELOW = 100_000_000_000
"""A number below 10¹¹ is a time in seconds, one above in milliseconds."""

_PERCENTILE = re.compile(r"p(\d\d)(if)?")


def percentile(name: str) -> tuple[str, float] | None:
    """``p95`` → ("quantile", 0.95), ``p95If`` → ("quantileif", 0.95)."""
    match = _PERCENTILE.fullmatch(name.lower())
    return ("quantile" + (match[2] or ""), int(match[1]) / 100) if match else None


def unit(word: str) -> str | None:
    """The unit a word means, singular or plural."""
    upper = word.upper()
    singular = upper.removesuffix("S")
    return singular if singular in UNITS else None


def instant_of_number(value: float) -> int | None:
    """A time given as a number, in ms since the epoch."""
    if not math.isfinite(value) or abs(value) > 1e15:
        return None
    return round(value * 1000) if abs(value) < SECONDS_BELOW else round(value)


def instant_of_text(text: str) -> int | None:
    """A time given as ISO 8601, in ms since the epoch; without an offset it is UTC."""
    try:
        moment = datetime.fromisoformat(text.strip())
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return round(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def interval_ms(interval: Interval) -> int | None:
    """The length of an interval, None when it depends on the calendar."""
    length = UNIT_MS.get(interval.unit)
    return None if length is None else interval.n * length
