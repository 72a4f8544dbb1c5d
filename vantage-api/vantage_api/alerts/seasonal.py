"""What is normal for a service at an hour of the week: pure functions over hours of a metric.

A metric is looked at in slots as long as the window of the rule that asks, so what is learned is the spread of the very
figure that is judged: a p95 of five minutes is compared with p95s of five minutes. Of each hour the number, mean and
squared deviations of its slots are kept, for up to four weeks; hours of the same hour of the week add up to a cell
(Chan, Golub, LeVeque: updating formulae for pairwise variances, 1979). Normal at an instant is read between the middles
of the two cells around it.

Two things keep this honest. What is out of the ordinary teaches no more than the edge of normal, so that an outage does
not make the next one normal while a lasting change is learned in two or three weeks. And σ has a floor: a line that
was flat may still move a twentieth of its height before anybody is told; and an hour that happened to be calm, or was
seen on one day only, is taken to be as restless as the hours are in the median, within themselves and from day to day.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import hypot, sqrt
from statistics import median
from typing import Final, Literal, TypeAlias

HOUR_MS: Final = 3_600_000
WEEK_HOURS: Final = 168
WEEKS: Final = 4
_MONDAY: Final = 4 * 24
"""The epoch began on a Thursday: hour 0 of the week is Monday, 00:00 UTC."""
MIN_SLOTS: Final = 6
"""Of a cell, to be compared with."""
MIN_DAYS: Final = 4
"""Of the same hour, to tell how days differ."""
MAD_TO_SIGMA: Final = 1.4826
CLIP_SIGMA: Final = 3.0
RELATIVE_FLOOR: Final = 0.05
RATIO_FLOOR: Final = 0.005
"""The least σ of an error ratio: half a percent is not worth a deviation."""

CellState: TypeAlias = Literal["learning", "ok"]


@dataclass(frozen=True, slots=True)
class Spread:
    """`n` slots with their mean and the sum of their squared deviations from it."""

    n: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def plus(self, other: "Spread") -> "Spread":
        n = self.n + other.n
        if n == 0:
            return self
        apart = other.mean - self.mean
        return Spread(
            n,
            self.mean + apart * other.n / n,
            self.squares + other.squares + apart * apart * self.n * other.n / n,
        )

    @property
    def sigma(self) -> float:
        """Of a sample; 0 where there is no telling."""
        return sqrt(self.squares / (self.n - 1)) if self.n > 1 else 0.0


@dataclass(frozen=True, slots=True)
class Cell:
    """An hour of the week. `sigma` has the floor in it."""

    n: int
    mean: float
    sigma: float
    state: CellState


@dataclass(frozen=True, slots=True)
class Band:
    """What is normal at one instant."""

    mean: float
    sigma: float


LEARNING: Final = Cell(0, 0.0, 0.0, "learning")


def spread_of(values: Iterable[float]) -> Spread:
    total = Spread()
    for value in values:
        total = total.plus(Spread(1, value))
    return total


def hour_of(at_ms: int) -> int:
    """Hours since the epoch."""
    return at_ms // HOUR_MS


def week_hour(hour: int) -> int:
    """0 is Monday, 00:00 to 01:00 UTC; 167 is Sunday, 23:00."""
    return (hour - _MONDAY) % WEEK_HOURS


@dataclass(frozen=True, slots=True)
class Season:
    """The 168 cells of a metric of a service, Monday 00:00 UTC first."""

    cells: tuple[Cell, ...]

    def at(self, at_ms: int) -> Band | None:
        """What is normal at an instant; None while it is being learned."""
        hour, into = divmod(at_ms - HOUR_MS // 2, HOUR_MS)
        before, after = self.cells[week_hour(hour)], self.cells[week_hour(hour + 1)]
        if before.state != "ok" or after.state != "ok":
            near = before if into < HOUR_MS // 2 else after
            return Band(near.mean, near.sigma) if near.state == "ok" else None
        share = into / HOUR_MS
        mean = before.mean + (after.mean - before.mean) * share
        variance = before.sigma**2 + (after.sigma**2 - before.sigma**2) * share
        return Band(mean, sqrt(variance))


def season_of(hours: dict[int, Spread], least_sigma: float = 0.0) -> Season:
    """The cells that the hours (by hours since the epoch) add up to. `least_sigma` is in the metric's unit."""
    totals = [Spread()] * WEEK_HOURS
    for hour, spread in hours.items():
        at = week_hour(hour)
        totals[at] = totals[at].plus(spread)
    known = [total for total in totals if total.n >= MIN_SLOTS]
    if not known:
        return Season((LEARNING,) * WEEK_HOURS)
    within = median(total.sigma / abs(total.mean) if total.mean else 0.0 for total in known)
    restless = hypot(within, _day_to_day(hours))
    height = median(abs(total.mean) for total in known)
    return Season(tuple(_cell(total, restless, height, least_sigma) for total in totals))


def _day_to_day(hours: dict[int, Spread]) -> float:
    """How far an hour of the day usually is from the median of the same hour on other days, as a share of that: the
    median absolute deviation, as σ of a normal distribution. Weekends, being fewer, hardly move it."""
    by_hour: dict[int, list[float]] = {}
    for hour, spread in hours.items():
        by_hour.setdefault(hour % 24, []).append(spread.mean)
    apart: list[float] = []
    for means in by_hour.values():
        middle = median(means)
        if middle and len(means) >= MIN_DAYS:
            apart += [abs(mean / middle - 1) for mean in means]
    return MAD_TO_SIGMA * median(apart) if apart else 0.0


def _cell(total: Spread, restless: float, height: float, least_sigma: float) -> Cell:
    """`restless` is the usual σ ÷ mean, `height` the median mean."""
    if total.n < MIN_SLOTS:
        return Cell(total.n, total.mean, 0.0, "learning")
    here = abs(total.mean)
    floor = max(least_sigma, RELATIVE_FLOOR * max(here, height), restless * here)
    return Cell(total.n, total.mean, max(total.sigma, floor), "ok")


def learn(hours: dict[int, Spread], hour: int, values: Sequence[float], season: Season) -> dict[int, Spread]:
    """The hours with one more, without those that are older than four weeks. `season` is what they taught so far."""
    cell = season.cells[week_hour(hour)]
    kept = {known: spread for known, spread in hours.items() if known > hour - WEEKS * WEEK_HOURS}
    if values:
        kept[hour] = spread_of(_clipped(value, cell) for value in values)
    return kept


def _clipped(value: float, cell: Cell) -> float:
    if cell.state != "ok" or cell.sigma == 0:
        return value
    reach = CLIP_SIGMA * cell.sigma
    return min(max(value, cell.mean - reach), cell.mean + reach)
