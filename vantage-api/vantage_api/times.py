"""Times and ranges as clients write them: ms, seconds, or ISO 8601."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import Final

from vantage_common.errors import UserError

SECONDS_BELOW: Final = 1e11
"""A smaller number means seconds: as ms it would lie before March 1973."""
HOUR_MS: Final = 3_600_000
EARLIEST_MS: Final = 946_684_800_000  # 2000-01-01
MAX_RANGE_MS: Final = 3 * 366 * 24 * HOUR_MS
FUTURE_MS: Final = 24 * HOUR_MS
_LOST_PLUS: Final = re.compile(r"(?<=\d) (?=\d\d:?\d\d$)")
_HINT: Final = "give ms or seconds since the epoch, or ISO 8601 such as 2026-05-01T12:00:00Z"


@dataclass(frozen=True, slots=True)
class Range:
    """start_ms ≤ t < end_ms."""

    start_ms: int
    end_ms: int

    @property
    def seconds(self) -> float:
        return (self.end_ms - self.start_ms) / 1000


def parse_time(text: str, name: str) -> int:
    """Milliseconds since the epoch. Raises UserError for what is no time; `name` says which parameter it was."""
    try:
        number = float(text)
    except ValueError:
        return _parse_iso(text, name)
    if not isfinite(number) or number < 0:
        raise _no_time(text, name)
    return round(number * 1000 if number < SECONDS_BELOW else number)


def parse_range(start: str | None, end: str | None, now_ms: int, default_ms: int = HOUR_MS) -> Range:
    """The range asked for: until now, and the last hour, where nothing is given.

    Raises UserError for a reversed or empty range, and for times that no data can have.
    """
    end_ms = now_ms if end is None else parse_time(end, "end")
    start_ms = end_ms - default_ms if start is None else parse_time(start, "start")
    if start_ms >= end_ms:
        raise UserError(
            "bad_range",
            f"start ({_iso(start_ms)}) must lie before end ({_iso(end_ms)})",
            hint="swap the two" if start_ms > end_ms else "leave out end for now",
        )
    if start_ms < EARLIEST_MS or end_ms > now_ms + FUTURE_MS:
        raise UserError(
            "bad_range",
            f"{_iso(start_ms)} to {_iso(end_ms)} reaches beyond what can be stored",
            hint=f"times lie between {_iso(EARLIEST_MS)} and tomorrow; {_HINT}",
        )
    if end_ms - start_ms > MAX_RANGE_MS:
        raise UserError("bad_range", "the range is longer than three years", hint="ask for a part of it")
    return Range(start_ms, end_ms)


def _parse_iso(text: str, name: str) -> int:
    """A `+` of an offset that came as a space was not escaped in the URL: it can only be that."""
    try:
        moment = datetime.fromisoformat(_LOST_PLUS.sub("+", text.strip()))
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        return round(aware.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise _no_time(text, name) from None


def _no_time(text: str, name: str) -> UserError:
    return UserError("bad_time", f"{name}={text[:64]!r} is not a time", hint=_HINT)


def _iso(ms: int) -> str:
    try:
        return datetime.fromtimestamp(ms / 1000, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return f"{ms} ms"
