"""An always-valid test of paired differences, and the interval that belongs to it.

The evidence after n blocks is the likelihood ratio of a Gaussian location-scale model with an effect of N(0, `PRIOR`)
standard deviations against one without an effect: the scale-invariant mixture of Robbins and Lai, as an e-process by
Wang and Ramdas (2023, "Anytime-valid t-tests and confidence sequences for Gaussian means with unknown variance"). Its
inverse is a p-value that may be looked at after every block (Johari et al. 2017; Ville 1939).

Blocks that follow each other are alike. n is therefore replaced by n/τ, where τ is how many blocks say as much as an
independent one. Of τ only what is near can be estimated; the rest is assumed to fade slowly. docs/compare.md derives
it, and tests/bench/compare.py measures what that is worth.
"""

from dataclasses import dataclass
from math import ceil, inf, sqrt
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

PRIOR: Final = 3.0
"""Variance of the effect, in block variances: large, because few blocks must be able to show a large effect."""
FIRST_LOOK: Final = 20
"""Blocks before which nothing is concluded: alikeness cannot be seen in fewer."""
LAGS: Final = 0.5
"""Autocorrelations up to ⌈LAGS·√n⌉ are estimated."""
FADING: Final = 4.0
"""Beyond them they are taken to fade with a time constant of FADING·⌈LAGS·√n⌉ blocks."""
MARGIN: Final = 1.7
"""Standard errors that the estimated sum of autocorrelations is raised by."""

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sequence:
    """One entry a block: the mean difference so far, the number of independent blocks that the blocks so far are
    worth, the spread of a block's mean difference, and the p-value, the running minimum of 1/evidence. `memory` is how
    many standard errors the autocorrelations of all blocks sum up to."""

    mean: Array
    independent: Array
    spread: Array
    p_value: Array
    memory: float

    @property
    def last_mean(self) -> float:
        return float(self.mean[-1])

    @property
    def last_p_value(self) -> float:
        return float(self.p_value[-1])

    def interval(self, alpha: float) -> tuple[float, float] | None:
        """The means that the evidence after the last block is below 1/alpha against; None where that is all."""
        if len(self.mean) < FIRST_LOOK:
            return None
        half = float(self.spread[-1]) * sqrt(_bound(float(self.independent[-1]), alpha))
        return None if half == inf else (self.last_mean - half, self.last_mean + half)


def sequence(differences: Array, weights: Array) -> Sequence:
    """The test after every block. Of no blocks it is empty; before `FIRST_LOOK` the p-value is 1."""
    n = np.arange(1.0, len(differences) + 1)
    reached = np.cumsum(weights)
    mean = np.cumsum(weights * differences) / reached
    shown = (mean * reached / n) ** 2
    variance = _lagged(0, differences, weights, mean) / n
    variance = np.where(variance > _ROUNDING * shown, variance, 0.0)
    lags = np.minimum(np.ceil(LAGS * np.sqrt(n)), np.maximum(n - 1, 1))
    near = _near_sum(differences, weights, mean, lags, variance * n)
    error = np.sqrt(lags / n)
    independent = n / _alikeness(near + MARGIN * error, lags, n)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(shown == 0.0, 0.0, np.where(variance > 0.0, shown / variance, _MOST))
    p_value = np.exp(-np.clip(_log_evidence(np.minimum(ratio, _MOST), independent), 0.0, _MOST_EVIDENCE))
    p_value[: FIRST_LOOK - 1] = 1.0
    spread = np.sqrt(variance) * n / reached
    memory = float(near[-1] / error[-1]) if len(n) else 0.0
    return Sequence(mean, independent, spread, np.minimum.accumulate(p_value), memory)


_ROUNDING: Final = 1e-12
"""A variance so much smaller than the squared mean is what the running sums were rounded by."""
_MOST: Final = 1e12
_MOST_EVIDENCE: Final = 700.0
"""In logarithm: 1/evidence stays a positive double."""


def _log_evidence(ratio: Array, independent: Array) -> Array:
    """`ratio` is mean²/variance of a block: t²/(n − 1) were the blocks independent."""
    shrinkage = 1.0 + PRIOR * independent
    gained: Array = independent * (np.log1p(ratio) - np.log1p(ratio / shrinkage))
    return 0.5 * (gained - np.log(shrinkage))


def _bound(independent: float, alpha: float) -> float:
    """The `ratio` at which the evidence is 1/alpha; infinite where none is enough."""
    shrinkage = 1.0 + PRIOR * independent
    exponent = 2.0 / independent * np.log(sqrt(shrinkage) / alpha)
    if exponent >= np.log(shrinkage):
        return inf
    needed = float(np.exp(exponent))
    return (needed - 1.0) / (1.0 - needed / shrinkage)


def _alikeness(near: Array, lags: Array, n: Array) -> Array:
    """τ, between 1 and n: how many blocks say as much as an independent one. `near` is the sum of the
    autocorrelations up to `lags`."""
    reach = _reach(lags, n)
    numerator = 1.0 + 2.0 * reach * near
    denominator = 1.0 - 2.0 * reach * (lags - near) / n
    with np.errstate(divide="ignore"):
        found = np.where(denominator > 0.0, numerator / denominator, n)
    alike: Array = np.clip(np.where(numerator > 0.0, found, 1.0), 1.0, n)
    return alike


def _near_sum(differences: Array, weights: Array, mean: Array, lags: Array, squares: Array) -> Array:
    """The sum of the autocorrelations of lag 1 to `lags`, after every block."""
    total = np.zeros_like(mean)
    for lag in range(1, ceil(LAGS * sqrt(max(len(mean), 1))) + 1):
        total += np.where(lag <= lags, _lagged(lag, differences, weights, mean), 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(squares > 0.0, total / squares, 0.0)


def _lagged(lag: int, differences: Array, weights: Array, mean: Array) -> Array:
    """Σ u(i)·u(i − lag) after every block, u being weight × (difference − mean so far)."""
    end = len(differences) - lag
    if end <= 0:
        return np.zeros_like(mean)
    early, late = weights[:end], weights[lag:]
    early_y, late_y = early * differences[:end], late * differences[lag:]
    products = _cumulated(early_y * late_y, lag)
    crossed = _cumulated(early * late_y + late * early_y, lag)
    squared = _cumulated(early * late, lag)
    return products - mean * crossed + mean * mean * squared


def _cumulated(values: Array, lag: int) -> Array:
    return np.concatenate([np.zeros(lag), np.cumsum(values)])


def _reach(lags: Array, n: Array) -> Array:
    """All autocorrelations over those of the first `lags`, were they φ^k with φ = 1 − 1/(FADING·lags); at least 1."""
    fading = 1.0 - 1.0 / (FADING * lags)
    near = fading * (1.0 - fading**lags) / (1.0 - fading)
    every = fading * (n - 1.0 - n * fading + fading**n) / (n * (1.0 - fading) ** 2)
    reach: Array = np.maximum(every / near, 1.0)
    return reach
