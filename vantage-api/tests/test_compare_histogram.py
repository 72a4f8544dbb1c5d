"""Percentiles and the fixed-sample tests, against SciPy on the observations themselves."""

from collections import Counter

import numpy as np
import pytest
from scipy import stats
from vantage_api.compare.histogram import Histograms, percentile_shifts, rank_test, welch_p_value
from vantage_common.logbins import bins_of, representative
from vantage_common.model import PULSE_GAMMA

from tests.bench.compare import Array

RNG = np.random.default_rng(7)


def counted(values: Array) -> Counter[int]:
    return Counter(bins_of(values.tolist(), PULSE_GAMMA))


def in_stretches(values: Array, number: int) -> Histograms:
    return Histograms(dict(enumerate(counted(part) for part in np.array_split(values, number))))


def test_the_rank_test_is_scipys_on_the_bins() -> None:
    baseline, candidate = RNG.lognormal(0, 0.5, 400), RNG.lognormal(0.1, 0.5, 300)
    first, second = counted(baseline), counted(candidate)
    found = rank_test(first, second)
    middles = [[representative(number, PULSE_GAMMA) for number in side.elements()] for side in (first, second)]
    expected = stats.mannwhitneyu(middles[0], middles[1], method="asymptotic", use_continuity=False)
    assert found.p_value == pytest.approx(expected.pvalue)
    assert found.lower == pytest.approx(expected.statistic / (400 * 300))


def test_weights_are_repetitions_to_the_rank_test() -> None:
    first, second = {1: 2, 5: 3}, {3: 4, 5: 1}
    rows = [1, 1, 5, 5, 5], [3, 3, 3, 3, 5]
    expected = stats.mannwhitneyu(rows[0], rows[1], method="asymptotic", use_continuity=False)
    assert rank_test(first, second).p_value == pytest.approx(expected.pvalue)


def test_ranks_of_one_value_say_nothing() -> None:
    found = rank_test({4: 10}, {4: 20})
    assert (found.lower, found.p_value) == (0.5, 1.0)


def test_welch_is_scipys() -> None:
    first, second = RNG.normal(0, 1, 30), RNG.normal(0.5, 3, 50)
    means, variances = (first.mean(), second.mean()), (first.var(ddof=1), second.var(ddof=1))
    expected = stats.ttest_ind(first, second, equal_var=False).pvalue
    assert welch_p_value(means, variances, (30, 50)) == pytest.approx(expected)


@pytest.mark.parametrize(("means", "expected"), [((1.0, 1.0), 1.0), ((1.0, 2.0), 0.0)])
def test_welch_without_variance(means: tuple[float, float], expected: float) -> None:
    assert welch_p_value(means, (0.0, 0.0), (9, 9)) == expected
    assert welch_p_value(means, (0.0, 0.0), (1, 9)) == 1.0


def test_percentile_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    """The medians of log-normals with medians 100 and 110 differ by 10; 200 times 20 stretches of 100."""
    held = 0
    for _ in range(200):
        baseline, candidate = (in_stretches(scale * RNG.lognormal(0, 0.5, 2000), 20) for scale in (100.0, 110.0))
        shift = percentile_shifts(baseline, candidate, (0.5,))[0]
        assert shift.low is not None
        assert shift.high is not None
        held += shift.low <= 10 <= shift.high
    assert 0.9 * 200 <= held <= 200


def test_what_both_sides_share_widens_no_interval() -> None:
    load = np.repeat(np.exp(np.linspace(0, 1, 20)), 100)
    values = 100 * RNG.lognormal(0, 0.1, 2000) * load
    shift = percentile_shifts(in_stretches(values, 20), in_stretches(1.1 * values, 20), (0.5,))[0]
    assert shift.low is not None
    assert shift.low > 0


def test_few_stretches_have_percentiles_without_intervals() -> None:
    side = in_stretches(RNG.lognormal(0, 0.5, 70), 7)
    assert [(shift.difference, shift.low) for shift in percentile_shifts(side, side, (0.5, 0.99))] == [(0.0, None)] * 2
    assert percentile_shifts(Histograms({}), side, (0.5,)) == []
