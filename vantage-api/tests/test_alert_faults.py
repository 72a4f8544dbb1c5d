"""Adaptive rules find the simulator's faults at least as well as fixed thresholds do."""

import pytest

from tests.alert_faults import Score, Story, firings, score, story
from tests.bench.alerts import FAILURE, LATENCY, adaptive, errors, p95

LEARN_DAYS = 8


@pytest.fixture(scope="module")
def told() -> Story:
    return story(services=14, seed=3, days=12)


def of_latency(told: Story, **condition: float) -> Score:
    return score(told, firings(told, p95(op=">", **condition), LEARN_DAYS), LATENCY, LEARN_DAYS)


def test_slow_services_are_found_better_than_by_any_one_threshold(told: Story) -> None:
    found = score(told, firings(told, adaptive("p95", min_deviation=10), LEARN_DAYS), LATENCY, LEARN_DAYS)
    fixed = [of_latency(told, threshold=ms) for ms in (50, 100, 250, 500, 1000)]
    assert found.faults >= 10
    assert found.f1 >= max(one.f1 for one in fixed)
    assert found.false <= found.alerts // 5


def test_failing_services_are_found_as_well_as_by_five_percent(told: Story) -> None:
    found = score(told, firings(told, adaptive("error_ratio"), LEARN_DAYS), FAILURE, LEARN_DAYS)
    fixed = score(told, firings(told, errors(op=">", threshold=0.05), LEARN_DAYS), FAILURE, LEARN_DAYS)
    assert found.f1 >= fixed.f1
