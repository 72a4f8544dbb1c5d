"""Percentiles, their intervals and the rank test, from observations counted in logarithmic bins."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import erfc, sqrt
from typing import Final

import numpy as np
from vantage_common.logbins import merge, quantile, representative
from vantage_common.model import PULSE_GAMMA

LEAST_BATCHES: Final = 8
DRAWS: Final = 200
_SEED: Final = 1


@dataclass(frozen=True, slots=True)
class Histograms:
    """Counts by bin, one a stretch of the range; the same stretches on both sides."""

    batches: Mapping[int, Mapping[int, int]]

    @property
    def whole(self) -> dict[int, int]:
        return merge(self.batches.values())

    def percentile(self, q: float) -> float | None:
        return quantile(self.whole, q, PULSE_GAMMA)


@dataclass(frozen=True, slots=True)
class PercentileShift:
    """Candidate less baseline, in the metric's unit, with its 95 % interval where the range is long enough."""

    q: float
    difference: float
    low: float | None
    high: float | None


def percentile_shifts(baseline: Histograms, candidate: Histograms, qs: tuple[float, ...]) -> list[PercentileShift]:
    """Stretches of the range are drawn anew, both sides of a stretch together, so that what both had in common
    cancels and what follows each other stays together: a block bootstrap (Künsch 1989)."""
    shared = sorted(baseline.batches.keys() & candidate.batches.keys())
    points = [(q, baseline.percentile(q), candidate.percentile(q)) for q in qs]
    if len(shared) < LEAST_BATCHES:
        return [PercentileShift(q, c - b, None, None) for q, b, c in points if b is not None and c is not None]
    chosen = np.random.default_rng(_SEED).multinomial(len(shared), [1 / len(shared)] * len(shared), size=DRAWS)
    drawn = _drawn(candidate, shared, qs, chosen) - _drawn(baseline, shared, qs, chosen)
    halves = student_quantile(0.975, len(shared) - 1) * drawn.std(axis=0, ddof=1)
    return [
        PercentileShift(q, c - b, c - b - float(half), c - b + float(half))
        for (q, b, c), half in zip(points, halves, strict=True)
        if b is not None and c is not None
    ]


def _drawn(
    side: Histograms,
    shared: list[int],
    qs: tuple[float, ...],
    chosen: "np.ndarray[tuple[int, ...], np.dtype[np.int64]]",
) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    """The percentiles of every draw: one row a draw, one column a percentile."""
    bins = sorted(merge(side.batches[batch] for batch in shared))
    place = {number: index for index, number in enumerate(bins)}
    counts = np.zeros((len(shared), len(bins)))
    for row, batch in enumerate(shared):
        for number, count in side.batches[batch].items():
            counts[row, place[number]] = count
    reached = np.cumsum(chosen @ counts, axis=1)
    values = np.array([representative(number, PULSE_GAMMA) for number in bins])
    ranks = np.maximum(np.ceil(np.outer(reached[:, -1], qs)), 1.0)
    return np.stack([values[(reached >= ranks[:, [column]]).argmax(axis=1)] for column in range(len(qs))], axis=1)


@dataclass(frozen=True, slots=True)
class RankTest:
    """`lower` is the chance that an observation of the candidate is below one of the baseline, ties by half."""

    lower: float
    p_value: float


def rank_test(baseline: Mapping[int, int], candidate: Mapping[int, int]) -> RankTest:
    """Mann and Whitney's test (1947) by its normal approximation with ties; each observation as often as it weighs."""
    n_baseline, n_candidate = sum(baseline.values()), sum(candidate.values())
    n = n_baseline + n_candidate
    wins, ties, below = 0.0, 0.0, 0
    for number in sorted(baseline.keys() | candidate.keys()):
        here_baseline, here_candidate = baseline.get(number, 0), candidate.get(number, 0)
        wins += here_baseline * (below + here_candidate / 2)
        below += here_candidate
        ties += float(here_baseline + here_candidate) ** 3 - (here_baseline + here_candidate)
    pairs = float(n_baseline) * n_candidate
    variance = pairs / 12 * (n + 1 - ties / (float(n) * (n - 1))) if n > 1 else 0.0
    z = abs(wins - pairs / 2) / sqrt(variance) if variance > 0 else 0.0
    return RankTest(wins / pairs, erfc(z / sqrt(2)))


def welch_p_value(means: tuple[float, float], variances: tuple[float, float], numbers: tuple[int, int]) -> float:
    """Welch's unequal-variances t-test (1947), two-sided, of observations that are taken to be independent."""
    from scipy.special import stdtr

    if min(numbers) < 2:
        return 1.0
    first, second = (variance / number for variance, number in zip(variances, numbers, strict=True))
    if first + second == 0.0:
        return 1.0 if means[0] == means[1] else 0.0
    t = abs(means[1] - means[0]) / sqrt(first + second)
    freedom = (first + second) ** 2 / (first**2 / (numbers[0] - 1) + second**2 / (numbers[1] - 1))
    return float(2 * stdtr(freedom, -t))


def student_quantile(level: float, freedom: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, level))
