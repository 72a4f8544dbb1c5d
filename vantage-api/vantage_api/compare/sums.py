"""What is kept of a side's observations: sums by minute, and blocks of minutes in which both sides have some."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Final, Literal, TypeAlias

JOINED_MINUTES: Final = 5
"""A minute without observations of one side waits this long for one that has them; then it is left out."""
FULL_MINUTE: Final = 50.0
"""With so many observations (harmonic, of both sides) a block has half the weight it can have."""
ROUNDING: Final = 1e-9
"""Relative differences below it are the sums' rounding."""

Scale: TypeAlias = Literal["log", "linear"]


@dataclass(frozen=True, slots=True)
class Sums:
    """Of `n` observations: their sum and sum of squares, both again of their logarithms, how many failed, and how
    many were too small for a logarithm."""

    n: int = 0
    total: float = 0.0
    squares: float = 0.0
    logs: float = 0.0
    log_squares: float = 0.0
    errors: int = 0
    floored: int = 0

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            self.n + other.n,
            self.total + other.total,
            self.squares + other.squares,
            self.logs + other.logs,
            self.log_squares + other.log_squares,
            self.errors + other.errors,
            self.floored + other.floored,
        )

    @property
    def mean(self) -> float:
        return self.total / self.n

    @property
    def variance(self) -> float:
        return _variance(self.n, self.total, self.squares)

    @property
    def error_ratio(self) -> float:
        return self.errors / self.n

    def mean_on(self, scale: Scale) -> float:
        return (self.logs if scale == "log" else self.total) / self.n

    def deviation_on(self, scale: Scale) -> float:
        """Standard deviation of single observations."""
        if scale == "log":
            return sqrt(_variance(self.n, self.logs, self.log_squares))
        return sqrt(self.variance)


def _variance(n: int, total: float, squares: float) -> float:
    return max(0.0, (squares - total * total / n) / (n - 1)) if n > 1 else 0.0


def added(parts: Iterable[Sums]) -> Sums:
    return sum(parts, Sums())


@dataclass(frozen=True, slots=True)
class Block:
    """Both sides in the same minutes. `last` is the number of the last of them, counted from the range's start."""

    last: int
    baseline: Sums
    candidate: Sums

    @property
    def weight(self) -> float:
        """Saturates: what differs between busy minutes is their load, not their number of requests."""
        harmonic = self.baseline.n * self.candidate.n / (self.baseline.n + self.candidate.n)
        return harmonic / (harmonic + FULL_MINUTE)

    def difference(self, scale: Scale, unit: float) -> float:
        """Candidate less baseline in the logarithm, or in units of `unit`."""
        found = (self.candidate.mean_on(scale) - self.baseline.mean_on(scale)) / unit
        return 0.0 if abs(found) < ROUNDING else found

    @property
    def error_difference(self) -> float:
        return self.candidate.error_ratio - self.baseline.error_ratio


def blocks(baseline: Mapping[int, Sums], candidate: Mapping[int, Sums], minutes: int) -> list[Block]:
    """The minutes 0 … `minutes` − 1 as blocks that each have observations of both sides, mostly one minute each.

    A block depends on nothing after it, so a later look at a longer range finds the same ones.
    """
    nothing = Sums()
    found: list[Block] = []
    waiting: list[Block] = []
    for minute in sorted(baseline.keys() | candidate.keys()):
        if not 0 <= minute < minutes:
            continue
        waiting = [part for part in waiting if part.last > minute - JOINED_MINUTES]
        waiting.append(Block(minute, baseline.get(minute, nothing), candidate.get(minute, nothing)))
        joined = waiting[0] if len(waiting) == 1 else _joined(waiting)
        if joined.baseline.n > 0 and joined.candidate.n > 0:
            found.append(joined)
            waiting = []
    return found


def _joined(waiting: list[Block]) -> Block:
    return Block(waiting[-1].last, added(part.baseline for part in waiting), added(part.candidate for part in waiting))
