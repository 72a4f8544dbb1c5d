"""Logarithmic bins: quantiles read from them are within the promised error of the true ones."""

from math import ceil, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vantage_common.logbins import bin_of, merge, quantile, representative

VALUES = st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False)


@pytest.mark.parametrize("gamma", [1.01, 1.02])
@given(value=VALUES)
def test_representative_is_within_the_bins_error(gamma: float, value: float) -> None:
    found = representative(bin_of(value, gamma), gamma) if abs(value) < 1e308 else value
    assert found == pytest.approx(value, rel=sqrt(gamma) - 1 + 1e-9)


@given(VALUES, VALUES)
def test_bins_keep_the_order_of_values(a: float, b: float) -> None:
    if a <= b:
        assert bin_of(a, 1.02) <= bin_of(b, 1.02)


@given(st.lists(st.floats(min_value=-1e9, max_value=1e9, allow_subnormal=False), min_size=1), st.floats(0.01, 1.0))
def test_quantile_is_nearest_rank_within_one_percent(values: list[float], q: float) -> None:
    bins = merge({bin_of(v, 1.02): 1} for v in values)
    exact = sorted(values)[max(1, ceil(q * len(values))) - 1]
    assert quantile(bins, q, 1.02) == pytest.approx(exact, rel=0.01)


def test_no_values_have_no_quantile() -> None:
    assert quantile({}, 0.95, 1.02) is None
