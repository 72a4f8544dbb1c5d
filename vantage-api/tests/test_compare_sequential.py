"""The always-valid test against its definition, term by term."""

from math import ceil, inf, sqrt

import numpy as np
import pytest
from scipy import integrate, stats
from vantage_api.compare.sequential import (
    FADING,
    FIRST_LOOK,
    LAGS,
    MARGIN,
    PRIOR,
    Array,
    _bound,
    _log_evidence,
    sequence,
)


def alikeness_by_definition(differences: Array, weights: Array) -> float:
    """τ of all blocks, as docs/compare.md writes it."""
    n = len(differences)
    mean = float(np.sum(weights * differences) / np.sum(weights))
    u = weights * (differences - mean)
    lags = ceil(LAGS * sqrt(n))
    near = sum(float(np.sum(u[k:] * u[: n - k])) for k in range(1, lags + 1)) / float(np.sum(u * u))
    near += MARGIN * sqrt(lags / n)
    phi = 1 - 1 / (FADING * lags)
    every = sum((1 - k / n) * phi**k for k in range(1, n))
    reach = max(1.0, every / sum(phi**k for k in range(1, lags + 1)))
    denominator = 1 - 2 * reach * (lags - near) / n
    found = (1 + 2 * reach * near) / denominator if denominator > 0 else inf
    return min(max(found, 1.0), float(n)) if 1 + 2 * reach * near > 0 else 1.0


@pytest.mark.parametrize("n", [20, 33, 64, 150])
def test_the_running_sums_are_the_definition(n: int) -> None:
    rng = np.random.default_rng(n)
    differences = np.convolve(rng.standard_normal(n + 4), np.ones(5) / 5, mode="valid") + 0.3
    weights = rng.uniform(0.2, 1.0, n)
    found = sequence(differences, weights)
    assert n / found.independent[-1] == pytest.approx(alikeness_by_definition(differences, weights))
    assert found.last_mean == pytest.approx(np.average(differences, weights=weights))


@pytest.mark.parametrize(("n", "t"), [(2, 1.0), (5, 3.0), (12, -2.5), (40, 4.0)])
def test_the_evidence_is_the_mixture_of_noncentral_t_densities(n: int, t: float) -> None:
    def density(effect: float) -> float:
        return float(stats.nct.pdf(t, n - 1, sqrt(n) * effect) * stats.norm.pdf(effect, scale=sqrt(PRIOR)))

    mixed, _ = integrate.quad(density, -40, 40, points=[t / sqrt(n)], limit=400)
    expected = np.log(mixed / stats.t.pdf(t, n - 1))
    assert _log_evidence(np.array([t * t / (n - 1)]), np.array([float(n)]))[0] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("independent", "alpha"), [(4.0, 0.05), (20.0, 0.05), (500.0, 0.01)])
def test_the_interval_ends_where_the_evidence_is_one_over_alpha(independent: float, alpha: float) -> None:
    ratio = _bound(independent, alpha)
    assert _log_evidence(np.array([ratio]), np.array([independent]))[0] == pytest.approx(-np.log(alpha))


def test_of_too_few_independent_blocks_no_interval_is_wide_enough() -> None:
    assert _bound(1.5, 0.05) == inf


def test_the_p_value_falls_only_and_stays_a_probability() -> None:
    rng = np.random.default_rng(1)
    for shift in (0.0, 0.5, 1e6):
        p = sequence(rng.standard_normal(200) + shift, np.ones(200)).p_value
        assert np.all(np.diff(p) <= 0)
        assert np.all((p > 0) & (p <= 1))
        assert np.all(p[: FIRST_LOOK - 1] == 1)


def test_a_later_look_finds_the_same_p_values() -> None:
    rng = np.random.default_rng(2)
    differences, weights = rng.standard_normal(120) + 0.4, rng.uniform(0.1, 1, 120)
    whole = sequence(differences, weights).p_value
    for n in (19, 20, 50, 119):
        assert sequence(differences[:n], weights[:n]).p_value == pytest.approx(whole[:n])


def test_memory_makes_blocks_worth_less() -> None:
    rng = np.random.default_rng(3)
    noise = rng.standard_normal(400)
    slow = np.convolve(rng.standard_normal(419), np.ones(20) / sqrt(20), mode="valid")
    without, with_memory = sequence(noise, np.ones(400)), sequence(slow, np.ones(400))
    assert with_memory.independent[-1] < 0.2 * without.independent[-1]
    assert without.memory < 3 < with_memory.memory


def test_no_difference_at_all_is_no_evidence() -> None:
    found = sequence(np.zeros(100), np.ones(100))
    assert found.last_p_value == 1.0
    assert found.interval(0.05) == (0.0, 0.0)


def test_a_constant_difference_is_evidence_without_noise() -> None:
    found = sequence(np.full(100, 0.1), np.ones(100))
    assert found.last_p_value < 1e-6
    assert found.interval(0.05) == pytest.approx((0.1, 0.1))


def test_of_nothing_there_is_nothing() -> None:
    found = sequence(np.array([]), np.array([]))
    assert len(found.p_value) == 0
    assert found.interval(0.05) is None
