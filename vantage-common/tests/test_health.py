"""The health score: its curves, the spreading of weights, and the bound that errors set."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vantage_common import health
from vantage_common.health import Baseline, Observed, on_curve, score

LEARNED = Baseline(p95_ms=100.0, requests_per_second=50.0)


def observed(
    *, errors: float = 0.0, p95: float | None = 100.0, rps: float = 50.0, availability: float = 1.0, requests: int = 500
) -> Observed:
    return Observed(requests, errors, p95, rps, availability)


@pytest.mark.parametrize(
    ("ratio", "points"), [(0, 100), (0.005, 95), (0.01, 90), (0.03, 70), (0.05, 50), (0.125, 25), (0.2, 0), (1, 0)]
)
def test_error_curve(ratio: float, points: float) -> None:
    assert on_curve(health.ERROR_CURVE, ratio) == pytest.approx(points)


@pytest.mark.parametrize(
    ("p95", "normal", "points"),
    [(100, 100, 100), (120, 100, 100), (200, 100, 60), (350, 100, 30), (500, 100, 0), (9, 1, 100), (50, 2, 0)],
)
def test_response_time_is_judged_against_its_baseline(p95: float, normal: float, points: float) -> None:
    factor = score(observed(p95=p95), Baseline(p95_ms=normal)).factors["response_time"]
    assert factor.score == pytest.approx(points)


@pytest.mark.parametrize(("rps", "points"), [(0, 0), (12.5, 50), (25, 100), (100, 100), (250, 50), (500, 0)])
def test_traffic_is_judged_against_its_hour(rps: float, points: float) -> None:
    assert score(observed(rps=rps), LEARNED).factors["request_rate"].score == pytest.approx(points)


@pytest.mark.parametrize(
    ("seen", "baseline", "total", "status"),
    [
        (observed(), LEARNED, 100, "HEALTHY"),
        (observed(errors=0.01), LEARNED, 96, "HEALTHY"),
        (observed(errors=0.05), LEARNED, 79, "DEGRADED"),
        (observed(errors=0.1), LEARNED, 49, "UNHEALTHY"),
        (observed(errors=0.5), LEARNED, 49, "UNHEALTHY"),
        (observed(errors=0.5), Baseline(), 33, "UNHEALTHY"),
        (observed(errors=1.0, availability=0.0), LEARNED, 40, "UNHEALTHY"),
        (observed(p95=500), LEARNED, 70, "DEGRADED"),
        (observed(p95=500, rps=0.0), LEARNED, 60, "DEGRADED"),
        (observed(errors=0.04, p95=300, availability=0.9), LEARNED, 56, "DEGRADED"),
    ],
)
def test_total_and_status(seen: Observed, baseline: Baseline, total: int, status: str) -> None:
    found = score(seen, baseline)
    assert (found.score, found.status) == (total, status)


@pytest.mark.parametrize("seen", [None, observed(requests=0)])
def test_no_data_is_unknown_and_never_100(seen: Observed | None) -> None:
    found = score(seen, LEARNED)
    assert (found.score, found.status) == (None, "UNKNOWN")
    assert {factor.state for factor in found.factors.values()} == {"no_data"}


def test_a_learning_factor_leaves_its_weight_to_the_others() -> None:
    factors = score(observed(), Baseline(requests_per_second=50.0)).factors
    assert factors["response_time"].state == "learning"
    assert factors["response_time"].value == 100.0
    weights = {name: round(factor.weight, 4) for name, factor in factors.items()}
    assert weights == {"error_rate": 0.5714, "response_time": 0.0, "availability": 0.2857, "request_rate": 0.1429}


SEEN = st.builds(
    Observed,
    requests=st.integers(1, 10**6),
    error_ratio=st.floats(0, 1),
    p95_ms=st.none() | st.floats(0, 1e6),
    requests_per_second=st.floats(0, 1e6),
    availability=st.floats(0, 1),
)
BASELINES = st.builds(Baseline, st.none() | st.floats(0, 1e6), st.none() | st.floats(0, 1e6))


@given(SEEN, BASELINES)
def test_weights_add_up_and_scores_stay_in_range(seen: Observed, baseline: Baseline) -> None:
    found = score(seen, baseline)
    assert sum(factor.weight for factor in found.factors.values()) == pytest.approx(1)
    assert found.score is not None
    assert 0 <= found.score <= 100


@given(SEEN, BASELINES, st.floats(0, 1))
def test_more_errors_never_help(seen: Observed, baseline: Baseline, ratio: float) -> None:
    low, high = sorted((seen.error_ratio, ratio))
    worse, better = (
        score(Observed(seen.requests, r, seen.p95_ms, seen.requests_per_second, seen.availability), baseline).score
        for r in (high, low)
    )
    assert worse is not None
    assert better is not None
    assert worse <= better


@given(SEEN, BASELINES)
def test_a_tenth_of_errors_is_unhealthy_whatever_else_is_well(seen: Observed, baseline: Baseline) -> None:
    found = score(seen, baseline)
    assert seen.error_ratio < 0.1 or found.status == "UNHEALTHY"


def test_fleet_score_is_weighted_by_requests() -> None:
    assert health.mean_score([(100, 90.0), (0, 10.0), (None, 1000.0)]) == 90
    assert health.mean_score([(100, 0.0), (50, 0.0)]) == 75
    assert health.mean_score([(None, 1.0)]) is None
