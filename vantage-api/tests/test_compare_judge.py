"""Laws of a whole comparison, whatever the observations are."""

import math
from collections import Counter
from collections.abc import Sequence as Items

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vantage_api.compare.judge import Terms, judge, scale_of
from vantage_api.compare.models import Comparison
from vantage_api.compare.plans import LEAST_VALUE
from vantage_api.compare.sides import MINUTE_MS, Named, Stored, minutes_of
from vantage_api.compare.sums import Scale, Sums, added
from vantage_api.times import Range
from vantage_common.errors import UserError
from vantage_common.logbins import bin_of
from vantage_common.model import PULSE_GAMMA

MINUTES = 40
START_MS = 1_790_000_040_000 // MINUTE_MS * MINUTE_MS
WHEN = Range(START_MS, START_MS + MINUTES * MINUTE_MS)


Rows = Items[tuple[int, float, int, bool]]


def sums(value: float, weight: int, failed: bool) -> Sums:
    logarithm = math.log(max(value, LEAST_VALUE))
    return Sums(
        weight,
        weight * value,
        weight * value * value,
        weight * logarithm,
        weight * logarithm**2,
        weight * failed,
        weight * (value < LEAST_VALUE),
    )


def stored(rows: Rows) -> Stored:
    minutes: dict[int, Sums] = {}
    stretches: dict[int, Counter[int]] = {}
    for minute, value, weight, failed in rows:
        minutes[minute] = added([minutes.get(minute, Sums()), sums(value, weight, failed)])
        stretches.setdefault(minute // 2, Counter())[bin_of(value, PULSE_GAMMA)] += weight
    return Stored(Named("shop", {}, WHEN), "metrics", True, minutes, stretches)


def compared(baseline: Rows, candidate: Rows, scale: Scale = "log", *, lower_is_better: bool = True) -> Comparison:
    return judge(stored(baseline), stored(candidate), Terms("m", lower_is_better, scale, 0.05, 1.0), MINUTES)


VALUES = st.floats(1.0, 1e4)
ROWS = st.lists(
    st.tuples(st.integers(0, MINUTES - 1), VALUES, st.integers(1, 20), st.booleans()), min_size=1, max_size=60
)
FULL = st.lists(st.tuples(VALUES, st.integers(1, 20), st.booleans()), min_size=MINUTES, max_size=MINUTES).map(
    lambda items: [(minute, *item) for minute, item in enumerate(items)]
)
SIDES = ROWS | FULL
SCALES = st.sampled_from(["log", "linear"])
law = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@law
@given(SIDES, SIDES, SCALES)
def test_swapping_the_sides_mirrors_the_answer(baseline: Rows, candidate: Rows, scale: Scale) -> None:
    there, back = compared(baseline, candidate, scale), compared(candidate, baseline, scale)
    assert there.p_value == pytest.approx(back.p_value, rel=1e-6)
    assert (there.effect_size is None) == (back.effect_size is None)
    if there.effect_size is not None and back.effect_size is not None:
        assert there.effect_size == pytest.approx(-back.effect_size, rel=1e-6, abs=1e-9)
    assert there.improvement_pct is not None
    assert back.improvement_pct is not None
    assert (1 - there.improvement_pct / 100) * (1 - back.improvement_pct / 100) == pytest.approx(1)
    assert there.fixed_sample is not None
    assert back.fixed_sample is not None
    assert there.fixed_sample.probability_better == pytest.approx(1 - back.fixed_sample.probability_better)


@law
@given(SIDES, SIDES, SCALES, st.floats(0.01, 100))
def test_another_unit_changes_neither_p_nor_improvement(
    baseline: Rows, candidate: Rows, scale: Scale, factor: float
) -> None:
    def scaled(rows: Rows) -> Rows:
        return [(minute, value * factor, weight, failed) for minute, value, weight, failed in rows]

    plain, other = compared(baseline, candidate, scale), compared(scaled(baseline), scaled(candidate), scale)
    assert other.p_value == pytest.approx(plain.p_value, rel=1e-4)
    assert other.improvement_pct == pytest.approx(plain.improvement_pct, rel=1e-6, abs=1e-6)


@law
@given(SIDES, SIDES, SCALES)
def test_a_row_of_a_weight_is_so_many_rows(baseline: Rows, candidate: Rows, scale: Scale) -> None:
    def repeated(rows: Rows) -> Rows:
        return [(minute, value, 1, failed) for minute, value, weight, failed in rows for _ in range(weight)]

    weighed, apart = compared(baseline, candidate, scale), compared(repeated(baseline), repeated(candidate), scale)
    assert apart.p_value == pytest.approx(weighed.p_value, rel=1e-4)
    assert apart.improvement_pct == pytest.approx(weighed.improvement_pct, abs=1e-6)
    assert apart.percentiles == weighed.percentiles
    assert apart.baseline == weighed.baseline.model_copy(update={"mean": apart.baseline.mean})


@law
@given(SIDES, SIDES, SCALES)
def test_the_p_value_is_the_last_of_a_falling_sequence(baseline: Rows, candidate: Rows, scale: Scale) -> None:
    found = compared(baseline, candidate, scale)
    values = [p for _, p in found.p_values]
    assert values == sorted(values, reverse=True)
    assert all(0 < p <= 1 for p in values)
    assert found.p_value == (values[-1] if values else 1.0)
    assert (found.significant_since is not None) == found.statistical_significance == (found.p_value <= 0.05)


@law
@given(SIDES, SCALES)
def test_identical_data_has_no_effect(rows: Rows, scale: Scale) -> None:
    found = compared(rows, rows, scale)
    assert (found.p_value, found.improvement_pct, found.effect_size) == (1.0, 0.0, 0.0)
    assert found.recommendation in ("HOLD", "INCONCLUSIVE")
    assert found.error_rate is not None
    assert found.error_rate.p_value == 1.0


@law
@given(SIDES, SIDES, SCALES)
def test_every_number_is_one(baseline: Rows, candidate: Rows, scale: Scale) -> None:
    def check(value: object) -> None:
        if isinstance(value, float):
            assert math.isfinite(value)
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            check(item)

    check(compared(baseline, candidate, scale).model_dump())


@law
@given(FULL, FULL)
def test_higher_is_better_turns_the_signs(baseline: Rows, candidate: Rows) -> None:
    lower, higher = compared(baseline, candidate), compared(baseline, candidate, lower_is_better=False)
    assert lower.p_value == higher.p_value
    assert lower.improvement_pct == pytest.approx(-(higher.improvement_pct or 0.0))


def steady(value: float, *, failed: bool = False) -> Rows:
    return [(minute, value * (1 + 0.01 * (minute * 7 % 5)), 10, failed) for minute in range(MINUTES)]


@pytest.mark.parametrize("scale", ["log", "linear"])
def test_nothing_on_one_side_is_inconclusive(scale: Scale) -> None:
    for baseline, candidate in (([], steady(1.0)), (steady(1.0), []), ([], [])):
        found = compared(baseline, candidate, scale)
        assert (found.recommendation, found.p_value, found.improvement_pct) == ("INCONCLUSIVE", 1.0, None)


def test_zeros_and_values_below_are_compared_too() -> None:
    zeros = [(minute, 0.0, 5, False) for minute in range(MINUTES)]
    found = compared(zeros, steady(3.0), "linear")
    assert (found.improvement_pct, found.tested) == (None, None)
    assert found.effect_size is not None
    assert found.recommendation == "ROLLBACK"
    assert compared(zeros, zeros, "linear").recommendation == "HOLD"
    below = compared(steady(-10.0), steady(-12.0), "linear")
    assert below.improvement_pct == pytest.approx(20)
    assert "no_logarithm" in [warning.code for warning in compared(zeros, steady(3.0)).warnings]


def test_the_minute_that_is_not_over_counts_for_the_figures_only() -> None:
    rows = steady(1.0)
    terms = Terms("m", True, "log", 0.05, 1.0)
    found = judge(stored(rows), stored(rows), terms, MINUTES - 1)
    assert (found.minutes, found.baseline.minutes) == (MINUTES - 1, MINUTES)


@pytest.mark.parametrize(
    ("metric", "asked", "expected"),
    [
        ("http.request.duration", "auto", "log"),
        ("db.Latency.p", "auto", "log"),
        ("queue.depth", "auto", "linear"),
        ("queue.depth", "log", "log"),
        ("http.request.duration", "linear", "linear"),
    ],
)
def test_the_scale_goes_by_the_name(metric: str, asked: str, expected: str) -> None:
    assert scale_of(metric, asked) == expected  # type: ignore[arg-type]  # pydantic has checked what a client asks


ROW = {"at": START_MS + 2 * MINUTE_MS, "n": 3, "total": 6.0, "squares": 14.0, "logs": 1.8, "log_squares": 1.7}
MARKS = {"errors": 1, "floored": 0}


def test_minutes_are_counted_from_the_start_and_empty_ones_left_out() -> None:
    rows = [ROW | MARKS, ROW | MARKS | {"at": START_MS, "n": 0}]
    assert minutes_of(rows, START_MS + 30_000) == {2: Sums(3, 6.0, 14.0, 1.8, 1.7, 1, 0)}


def test_values_beyond_their_squares_are_refused() -> None:
    with pytest.raises(UserError, match="too large"):
        minutes_of([ROW | MARKS | {"squares": math.inf}], START_MS)
