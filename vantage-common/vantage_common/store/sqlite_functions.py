"""What SQLite lacks of the other engine's functions, in Python: weighted quantiles and deviation, text beyond ASCII,
months.

They are called for every row while the interpreter's lock is held, so whatever SQLite can say itself
(store/sqlite_render.py) does not come here.
"""

import math
import operator
import sqlite3
from array import array
from bisect import bisect_left
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from itertools import accumulate
from typing import Any, Final

import msgspec

from vantage_common.logbins import bin_of
from vantage_common.model import PULSE_GAMMA

MAX_VALUES: Final = 4_000_000
"""That the quantiles of one query may hold: 16 bytes each, and seconds to sort."""
_MONTHS_A_YEAR: Final = 12
_FIRST_YEAR: Final = 1900
_map: Final = msgspec.json.Decoder(dict[str, str])
_array: Final = msgspec.json.Decoder(list[Any])


class TooManyValues(Exception):
    """The quantiles of a query would need more memory than a query may take."""


class Work:
    """What the query in hand has taken so far; one for each connection.

    SQLite reports any exception of a function in the same words, so the reason is remembered here.
    """

    def __init__(self) -> None:
        self.values = 0
        self.is_too_large = False

    def take(self) -> None:
        self.values += 1
        if self.values > MAX_VALUES:
            self.is_too_large = True
            raise TooManyValues

    def begin(self) -> None:
        self.values = 0
        self.is_too_large = False


class _Weighted:
    """Values with their weights. SQLite makes no aggregate where there is no row: the answer is NULL then."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._values = array("d")
        self._weights = array("q")
        self._levels: tuple[float, ...] = ()

    def step(self, value: float | None, weight: int, *levels: float) -> None:
        self._levels = levels
        if value is not None:
            self._work.take()
            self._values.append(value)
            self._weights.append(weight)

    def quantiles(self) -> list[float | None]:
        """Nearest rank: the least value at which the weights add up to ⌈level × their sum⌉."""
        if not self._values:
            return [None] * len(self._levels)
        order = sorted(range(len(self._values)), key=self._values.__getitem__)
        reached = list(accumulate(self._weights[index] for index in order))
        ranks = (bisect_left(reached, math.ceil(reached[-1] * level)) for level in self._levels)
        return [self._values[order[min(rank, len(order) - 1)]] for rank in ranks]


class Quantile(_Weighted):
    """``quantile(value, weight, level)``."""

    def finalize(self) -> float | None:
        return self.quantiles()[0]


class Quantiles(_Weighted):
    """``quantiles(value, weight, level, …)`` as a JSON array."""

    def finalize(self) -> str:
        return msgspec.json.encode(self.quantiles()).decode()


class Bins:
    """``bins(value, weight)``: observations by bin of logbins.py, base PULSE_GAMMA, as a JSON object of strings."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def step(self, value: float | None, weight: int) -> None:
        if value is not None and weight > 0:
            number = str(bin_of(value, PULSE_GAMMA))
            self._numbers[number] = self._numbers.get(number, 0) + weight

    def finalize(self) -> str:
        return msgspec.json.encode({key: str(count) for key, count in self._numbers.items()}).decode()


class Deviation:
    """``deviation(value, weight)`` of the population, by West's update of mean and squared distance (CACM 22, 1979):
    it does not cancel as E[x²] − E[x]² does."""

    def __init__(self) -> None:
        self._weight = 0
        self._mean = 0.0
        self._distance = 0.0

    def step(self, value: float | None, weight: int) -> None:
        if value is None or weight <= 0:
            return
        self._weight += weight
        delta = value - self._mean
        self._mean += delta * weight / self._weight
        self._distance += weight * delta * (value - self._mean)

    def finalize(self) -> float | None:
        return math.sqrt(max(self._distance, 0.0) / self._weight) if self._weight else None


class _Extreme:
    """The first argument where the second is the first of its extreme ones."""

    def __init__(self, comes_first: Callable[[Any, Any], bool]) -> None:
        self._comes_first = comes_first
        self._found: Any = None
        self._at: Any = None

    def step(self, found: Any, at: Any) -> None:
        if at is not None and (self._at is None or self._comes_first(at, self._at)):
            self._found, self._at = found, at

    def finalize(self) -> Any:
        return self._found


def add_months(ms: float | None, months: int) -> float | None:
    """The same day and time of another month, its last day where it is shorter."""
    if ms is None:
        return None
    day, rest = divmod(ms, 86_400_000)
    at = datetime.fromtimestamp(day * 86_400, UTC)
    month = at.year * _MONTHS_A_YEAR + at.month - 1 + months
    first, following = _month_ms(month), _month_ms(month + 1)
    return min(first + (at.day - 1) * 86_400_000, following - 86_400_000) + rest


def month_bucket(ms: float | None, months: int) -> int | None:
    """Start of the bucket of so many months, counted as ClickHouse does."""
    if ms is None:
        return None
    at = datetime.fromtimestamp(ms // 1000, UTC)
    month = (at.year - _FIRST_YEAR) * _MONTHS_A_YEAR + at.month - 1
    return _month_ms(month // months * months + _FIRST_YEAR * _MONTHS_A_YEAR)


def _month_ms(month: int) -> int:
    year, index = divmod(month, _MONTHS_A_YEAR)
    return round(datetime(min(max(year, 1), 9999), index + 1, 1, tzinfo=UTC).timestamp()) * 1000


def map_value(text: str, key: str) -> str:
    return _map.decode(text).get(key, "")


def map_keys(text: str) -> str:
    return msgspec.json.encode(list(_map.decode(text))).decode()


def map_values(text: str) -> str:
    return msgspec.json.encode(list(_map.decode(text).values())).decode()


def first_items(text: str, number: int) -> str:
    return msgspec.json.encode(_array.decode(text)[:number]).decode()


def modulo(left: float | None, right: float | None) -> float | None:
    """The remainder with the sign of the dividend; none where the divisor is zero."""
    return math.fmod(left, right) if left is not None and right else None


def number_text(value: float | None) -> str | None:
    """As ClickHouse prints a double: no fraction where there is none, exponents beyond 21 digits or below 1e-6."""
    if value is None or isinstance(value, int):
        return None if value is None else str(value)
    if value == 0 or 1e-6 <= abs(value) < 1e21:
        text = format(Decimal(repr(value)), "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    mantissa, _, exponent = repr(value).partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa


def time_text(ms: float | None, digits: int) -> str | None:
    """``2026-09-22 12:00:00.000`` with so many digits of the second's fraction."""
    if ms is None:
        return None
    micros = round(ms * 1000)
    second = datetime.fromtimestamp(micros // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return f"{second}.{micros % 1_000_000:06d}"[: len(second) + (digits + 1 if digits else 0)]


def _of_number(function: Callable[[float], float]) -> Callable[[float | None], float | None]:
    def apply(value: float | None) -> float | None:
        if value is None or isinstance(value, int) or not math.isfinite(value):
            return value
        return float(function(value))

    return apply


def ln(value: float | None) -> float | None:
    """The natural logarithm; none of what has none."""
    return math.log(value) if value is not None and value > 0 else None


def round_to(value: float | None, digits: int = 0) -> float | None:
    """Halves go to the even neighbour, as in ClickHouse."""
    if value is None or (isinstance(value, int) and digits >= 0) or not math.isfinite(value):
        return value
    return round(value, digits)


_SCALARS: Final[tuple[tuple[str, int, Callable[..., Any]], ...]] = (
    ("add_months", 2, add_months),
    ("month_bucket", 2, month_bucket),
    ("map_value", 2, map_value),
    ("map_keys", 1, map_keys),
    ("map_values", 1, map_values),
    ("first_items", 2, first_items),
    ("modulo", 2, modulo),
    ("number_text", 1, number_text),
    ("time_text", 2, time_text),
    ("lower_utf8", 1, lambda text: text.lower() if text is not None else None),
    ("upper_utf8", 1, lambda text: text.upper() if text is not None else None),
    ("ln", 1, ln),
    ("round_down", 1, _of_number(math.floor)),
    ("round_up", 1, _of_number(math.ceil)),
    ("round_to", 1, round_to),
    ("round_to", 2, round_to),
)


def _aggregates(work: Work) -> tuple[tuple[str, int, Callable[[], Any]], ...]:
    """sqlite3 asks for a class and calls it without arguments: what makes the aggregate will do."""
    return (
        ("quantile", 3, lambda: Quantile(work)),
        ("quantiles", -1, lambda: Quantiles(work)),
        ("deviation", 2, Deviation),
        ("bins", 2, Bins),
        ("arg_max", 2, lambda: _Extreme(operator.gt)),
        ("arg_min", 2, lambda: _Extreme(operator.lt)),
    )


FUNCTION_NAMES: Final = frozenset(name for name, _, _ in (*_SCALARS, *_aggregates(Work())))


def register(connection: sqlite3.Connection) -> Work:
    """Makes the functions known to a connection. The answer is what its aggregates count their work in."""
    work = Work()
    for name, arguments, function in _SCALARS:
        connection.create_function(name, arguments, function, deterministic=True)
    for name, arguments, aggregate in _aggregates(work):
        connection.create_aggregate(name, arguments, aggregate)
    return work
