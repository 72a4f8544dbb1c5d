"""Merging loses rows, never facts: sums, counts and averages are exact, quantiles within 1 %, order is irrelevant."""

import random
from math import ceil, fsum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vantage_collector import preaggregate as module
from vantage_collector.series import by_series as told_apart
from vantage_common.model import Sample

MINUTE_MS = 60_000
START_MS = 1_790_035_200_000
VALUES = st.floats(-1e12, 1e12, allow_subnormal=False).filter(lambda value: value == 0 or abs(value) > 1e-12)


def sample(value: float = 1.0, **changes: Any) -> Sample:
    fields = {
        "timestamp": START_MS,
        "service_name": "shop",
        "metric_name": "m",
        "metric_type": "histogram",
        "value": value,
    }
    return Sample(**{**fields, **changes})


samples = st.builds(
    sample,
    VALUES,
    timestamp=st.integers(START_MS, START_MS + 3 * MINUTE_MS),
    metric_type=st.sampled_from(["counter", "gauge", "histogram", "summary"]),
    count=st.integers(1, 1000),
    endpoint=st.sampled_from(["", "/a"]),
    tags=st.sampled_from([{}, {"k": "v"}, {"k": "w"}]),
    trace_id=st.sampled_from(["", "t1", "t2"]),
)


def preaggregate(raw: list[Sample]) -> list[Sample]:
    return module.preaggregate(told_apart(raw))


def series(row: Sample) -> tuple[Any, ...]:
    return row.metric_type, row.endpoint, tuple(row.tags.items()), row.timestamp // MINUTE_MS


def by_series(rows: list[Sample]) -> dict[tuple[Any, ...], list[Sample]]:
    found: dict[tuple[Any, ...], list[Sample]] = {}
    for row in rows:
        found.setdefault(series(row), []).append(row)
    return found


@given(st.lists(samples, max_size=60))
def test_counts_and_sums_are_exact_in_every_series_and_minute(given_samples: list[Sample]) -> None:
    before, after = by_series(given_samples), by_series(preaggregate(given_samples))
    assert before.keys() == after.keys()
    for key, rows in before.items():
        assert sum(row.count for row in after[key]) == sum(row.count for row in rows)
        total = fsum(row.value * row.count for row in rows)
        scale = fsum(abs(row.value) * row.count for row in rows)
        assert fsum(row.value * row.count for row in after[key]) == pytest.approx(total, rel=1e-14, abs=1e-14 * scale)


@given(st.lists(samples, max_size=40), st.randoms())
def test_the_order_of_the_batch_does_not_matter(given_samples: list[Sample], rng: random.Random) -> None:
    shuffled = list(given_samples)
    rng.shuffle(shuffled)
    assert sorted(map(repr, preaggregate(shuffled))) == sorted(map(repr, preaggregate(given_samples)))


def nearest_rank(rows: list[Sample], q: float) -> float:
    ordered = sorted(rows, key=lambda row: row.value)
    rank = max(1, ceil(q * sum(row.count for row in ordered)))
    for row in ordered:
        rank -= row.count
        if rank <= 0:
            return row.value
    raise AssertionError


@given(st.lists(st.tuples(VALUES, st.integers(1, 5)), min_size=1, max_size=200), st.floats(0.01, 1.0))
def test_quantiles_are_within_one_percent(values: list[tuple[float, int]], q: float) -> None:
    raw = [sample(value, count=count) for value, count in values]
    assert nearest_rank(preaggregate(raw), q) == pytest.approx(nearest_rank(raw, q), rel=0.01)


@pytest.mark.parametrize("sign", [1, -1])
def test_quantiles_are_within_one_percent_also_where_values_lie_dense(sign: int) -> None:
    raw = [sample(sign * 100 * 1.0005**n) for n in range(1000)]
    rows = preaggregate(raw)
    for percent in range(1, 101):
        assert nearest_rank(rows, percent / 100) == pytest.approx(nearest_rank(raw, percent / 100), rel=0.01)


def test_a_real_batch_shrinks() -> None:
    rng = random.Random(7)
    raw = [sample(rng.lognormvariate(3, 0.1)) for _ in range(1000)]
    assert len(preaggregate(raw)) < 100


def test_gauges_stay_as_they_came() -> None:
    gauges = [sample(1.0, metric_type="gauge") for _ in range(3)]
    assert preaggregate(gauges) == gauges


@pytest.mark.parametrize("metric_type", ["counter", "histogram"])
def test_cumulative_samples_stay_as_they_came(metric_type: str) -> None:
    """A total plus a total is nothing."""
    totals = [sample(1.0, metric_type=metric_type, temporality="cumulative", count=n) for n in (3, 4, 9)]
    assert preaggregate(totals) == totals


def test_counters_are_one_row_a_minute() -> None:
    deltas = [sample(value, metric_type="counter", timestamp=START_MS + n) for n, value in enumerate((1, 5, -2, 0))]
    (row,) = preaggregate(deltas)
    assert (row.value, row.count, row.timestamp) == (1.0, 4, START_MS + 3)


@pytest.mark.parametrize(
    "change",
    [
        {"service_name": "cart"},
        {"metric_name": "n"},
        {"metric_type": "summary"},
        {"environment": "staging"},
        {"instance": "i"},
        {"endpoint": "/a"},
        {"method": "GET"},
        {"status_code": 200},
        {"tags": {"k": "v"}},
        {"timestamp": START_MS + MINUTE_MS},
        {"value": 1.02},
        {"value": -1.0},
        {"value": 0.0},
    ],
)
def test_what_differs_in_anything_that_names_it_is_not_merged(change: dict[str, Any]) -> None:
    assert len(preaggregate([sample(), sample(), sample(**change)])) == 2


def test_the_row_is_stamped_with_its_last_sample_and_keeps_a_trace() -> None:
    rows = preaggregate(
        [
            sample(timestamp=START_MS + 5, trace_id="early", span_id="1"),
            sample(timestamp=START_MS + 9),
            sample(timestamp=START_MS + 7, trace_id="late", span_id="2"),
        ]
    )
    assert [(row.timestamp, row.trace_id, row.span_id) for row in rows] == [(START_MS + 9, "late", "2")]


def test_a_count_that_no_column_holds_is_left_apart() -> None:
    rows = preaggregate([sample(count=2**32 - 1), sample(count=1)])
    assert sorted(row.count for row in rows) == [1, 2**32 - 1]
