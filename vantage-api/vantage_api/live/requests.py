"""Requests of one second become particles: exact in number, even over the second, errors in their true share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil, gcd
from typing import Final

from vantage_common.logbins import representative
from vantage_common.model import PULSE_GAMMA

from vantage_api.live.frames import U16_MAX, RequestEntry

RECORDS_PER_SECOND: Final = 2000
"""Above so many requests a second one particle stands for several."""
GOLDEN: Final = 0.618_033_988_749_895


@dataclass(slots=True)
class Tally:
    """Requests of one second or window. `bins` are logarithmic bins of γ = PULSE_GAMMA over ms."""

    count: int = 0
    errors: int = 0
    bins: dict[int, int] = field(default_factory=dict)

    def add(self, count: int, errors: int, bins: Mapping[int, int]) -> None:
        self.count += count
        self.errors += errors
        for number, requests in bins.items():
            self.bins[number] = self.bins.get(number, 0) + requests

    def remove(self, count: int, errors: int, bins: Mapping[int, int]) -> None:
        """Takes out what was added. Bins without requests do not stay."""
        self.count -= count
        self.errors -= errors
        for number, requests in bins.items():
            left = self.bins[number] - requests
            if left:
                self.bins[number] = left
            else:
                del self.bins[number]


@dataclass(slots=True)
class Carry:
    """Requests of an edge that no particle stands for yet; less than one particle's worth each."""

    successes: int = 0
    errors: int = 0


def sample_of(requests_per_second: float) -> int:
    """How many requests one particle stands for."""
    return max(1, min(U16_MAX, ceil(requests_per_second / RECORDS_PER_SECOND)))


def particles(tally: Tally, edge: int, sample: int, carry: Carry) -> list[RequestEntry]:
    """The particles of one edge in one second, and `carry` brought forward.

    Over any run of calls, `sample` × particles differs from the requests by less than `sample`, for successes and for
    errors each: what one second leaves over the next one shows.
    """
    successes, carry.successes = divmod(tally.count - tally.errors + carry.successes, sample)
    errors, carry.errors = divmod(tally.errors + carry.errors, sample)
    number = successes + errors
    if number == 0:
        return []
    durations = _spread_durations(tally.bins, number)
    phase = edge * GOLDEN % 1.0
    return [
        RequestEntry(
            edge=edge,
            offset_ms=int((k + phase) * 1000 / number),
            duration_ms=durations[k],
            error=(k + 1) * errors // number > k * errors // number,
        )
        for k in range(number)
    ]


def _spread_durations(bins: Mapping[int, int], number: int) -> list[int]:
    """`number` durations that stand for the distribution, its quantiles at even steps, in an order without drift."""
    total = sum(bins.values())
    if total == 0:
        return [0] * number
    ordered = sorted(bins)
    picked: list[int] = []
    position, passed = 0, bins[ordered[0]]
    for k in range(number):
        rank = (2 * k + 1) * total / (2 * number)
        while passed < rank:
            position += 1
            passed += bins[ordered[position]]
        picked.append(min(U16_MAX, round(representative(ordered[position], PULSE_GAMMA))))
    step = _coprime_step(number)
    return [picked[k * step % number] for k in range(number)]


def _coprime_step(number: int) -> int:
    """A step near the golden section of `number` that visits every index before it repeats."""
    step = max(1, round(number * GOLDEN))
    while gcd(step, number) != 1:
        step += 1
    return step
