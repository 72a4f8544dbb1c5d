"""Logarithmic bins: bin k of base γ holds values in (γ^(k-1), γ^k], mirrored for negatives, zero on its own.

The representative of a bin is within a relative √γ − 1 of every value in it (DDSketch, Masson et al., VLDB 2019,
uses the same spacing), so nearest-rank quantiles read from bins are too.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import ceil, exp, log

ZERO_BIN = 0
BIN_SHIFT = 80_000
"""Added to the exponent so that its sign is free for the value's: |exponent| < 75 000 for γ ≥ 1.01 and any double."""
BIN_SLACK = 1e-9
"""Of an exponent: a power of γ falls into the bin that it bounds, whatever its logarithm rounds to."""


def bin_of(value: float, gamma: float) -> int:
    """The signed bin number of a finite value."""
    return bins_of((value,), gamma)[0]


def bins_of(values: Iterable[float], gamma: float) -> Sequence[int]:
    """The signed bin number of each finite value."""
    width, shift, slack = log(gamma), BIN_SHIFT, BIN_SLACK
    return [
        ceil(log(value) / width - slack) + shift
        if value > 0
        else -ceil(log(-value) / width - slack) - shift
        if value
        else ZERO_BIN
        for value in values
    ]


def representative(bin_number: int, gamma: float) -> float:
    """The value that stands for a bin: the geometric middle of its bounds."""
    if bin_number == ZERO_BIN:
        return 0.0
    magnitude = exp((abs(bin_number) - BIN_SHIFT - 0.5) * log(gamma))
    return magnitude if bin_number > 0 else -magnitude


def merge(bins: Iterable[Mapping[int, int]]) -> dict[int, int]:
    """Bins with the numbers of all of them added up."""
    total: dict[int, int] = {}
    for counts in bins:
        for number, count in counts.items():
            total[number] = total.get(number, 0) + count
    return total


def quantile(bins: Mapping[int, int], q: float, gamma: float) -> float | None:
    """Nearest-rank quantile (0 < q ≤ 1) of binned values, None when they are empty."""
    total = sum(bins.values())
    if total == 0:
        return None
    rank = max(1, ceil(q * total))
    seen = 0
    for number in sorted(bins):
        seen += bins[number]
        if seen >= rank:
            return representative(number, gamma)
    raise AssertionError("rank lies beyond the total")
