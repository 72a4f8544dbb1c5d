"""The health score: one pure function for the API and the city. docs/health.md says the same for people.

Four factors, each a score 0-100 read from a curve of straight lines between the points below:

=============  ======  ==========================================================================================
factor         weight  value → score
=============  ======  ==========================================================================================
error_rate     .4      share of failed requests: 0 → 100, 1 % → 90, 5 % → 50, 20 % and more → 0
response_time  .3      p95 ÷ learned p95 (both at least 10 ms): up to 1.2 → 100, 2 → 60, 5 and more → 0
availability   .2      share of the time slots with requests in which one succeeded: 1 → 100, .99 → 90, .9 → 50,
                       .5 and less → 0
request_rate   .1      traffic ÷ traffic of this hour in earlier weeks: 0 → 0, .5 to 2 → 100, 5 → 50, 10 and more → 0
=============  ======  ==========================================================================================

The total is the mean of the factors that are known, by weight: a factor without a baseline (`learning`) or without
data leaves its weight to the others. Then one rule bounds it: at 5 % errors and more the total is at most 79, at
10 % and more at most 49. Without it a service that answers half its requests with errors, quickly and at its usual
rate, would keep 60 points; callers that fail are the one thing the other factors cannot make good.

Why these points: 1 % and 5 % are the usual objectives of 99 % and 95 %; the first must still look well and the
second must not. A p95 moves by a fifth from hour to hour without a cause, doubling is what users report, and below
10 ms nobody notices a multiple. Traffic weighs least and is wide, because a sale or a holiday is no illness.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal, TypeAlias

Status: TypeAlias = Literal["UNKNOWN", "HEALTHY", "DEGRADED", "UNHEALTHY"]
FactorState: TypeAlias = Literal["ok", "learning", "no_data"]
FactorName: TypeAlias = Literal["error_rate", "response_time", "availability", "request_rate"]
Curve: TypeAlias = tuple[tuple[float, float], ...]

HEALTHY_FROM: Final = 80
DEGRADED_FROM: Final = 50
WEIGHTS: Final[dict[FactorName, float]] = {
    "error_rate": 0.4,
    "response_time": 0.3,
    "availability": 0.2,
    "request_rate": 0.1,
}
ERROR_CURVE: Final[Curve] = ((0.0, 100.0), (0.01, 90.0), (0.05, 50.0), (0.20, 0.0))
RESPONSE_CURVE: Final[Curve] = ((1.2, 100.0), (2.0, 60.0), (5.0, 0.0))
AVAILABILITY_CURVE: Final[Curve] = ((0.5, 0.0), (0.9, 50.0), (0.99, 90.0), (1.0, 100.0))
TRAFFIC_CURVE: Final[Curve] = ((0.0, 0.0), (0.5, 100.0), (2.0, 100.0), (5.0, 50.0), (10.0, 0.0))
CAPS: Final[tuple[tuple[float, int], ...]] = ((0.10, DEGRADED_FROM - 1), (0.05, HEALTHY_FROM - 1))
"""From this error ratio on, the total is at most this."""
NOTICEABLE_MS: Final = 10.0
"""Response times below are taken as this: nobody notices a multiple of next to nothing."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What a service did in the window that is judged. `requests` = 0 makes the rest meaningless."""

    requests: int
    error_ratio: float
    p95_ms: float | None
    requests_per_second: float
    availability: float


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is normal for the service; None while too little has been seen to tell."""

    p95_ms: float | None = None
    requests_per_second: float | None = None


@dataclass(frozen=True, slots=True)
class Factor:
    """`weight` is the share it had in the total: 0 unless `state` is ok. `value` in the factor's own unit: a ratio
    for error_rate and availability, ms for response_time, requests per second for request_rate."""

    score: float | None
    value: float | None
    weight: float
    state: FactorState


@dataclass(frozen=True, slots=True)
class Health:
    score: int | None
    status: Status
    factors: dict[FactorName, Factor]


LEARNING: Final = Baseline()


def score(observed: Observed | None, baseline: Baseline = LEARNING) -> Health:
    """The health of a service; None or a window without requests is UNKNOWN, never 100."""
    if observed is None or observed.requests <= 0:
        return UNKNOWN
    p95, normal_p95 = observed.p95_ms, baseline.p95_ms
    rate, normal_rate = observed.requests_per_second, baseline.requests_per_second
    factors: dict[FactorName, Factor] = {
        "error_rate": _known("error_rate", observed.error_ratio, on_curve(ERROR_CURVE, observed.error_ratio)),
        "response_time": (
            _unknown(p95, "no_data" if p95 is None else "learning")
            if p95 is None or normal_p95 is None
            else _known("response_time", p95, on_curve(RESPONSE_CURVE, _ratio(p95, normal_p95, NOTICEABLE_MS)))
        ),
        "availability": _known(
            "availability", observed.availability, on_curve(AVAILABILITY_CURVE, observed.availability)
        ),
        "request_rate": (
            _unknown(rate, "learning")
            if not normal_rate
            else _known("request_rate", rate, on_curve(TRAFFIC_CURVE, rate / normal_rate))
        ),
    }
    spread = _spread(factors)
    total = sum(factor.weight * (factor.score or 0.0) for factor in spread.values())
    bounded = min(round(total), cap(observed.error_ratio))
    return Health(bounded, status_of(bounded), spread)


def status_of(total: float | None) -> Status:
    """The band a score lies in."""
    if total is None:
        return "UNKNOWN"
    if total >= HEALTHY_FROM:
        return "HEALTHY"
    return "DEGRADED" if total >= DEGRADED_FROM else "UNHEALTHY"


def cap(error_ratio: float) -> int:
    """The most the total can be at this error ratio."""
    return next((most for ratio, most in CAPS if error_ratio >= ratio), 100)


def on_curve(curve: Curve, value: float) -> float:
    """Straight lines between the points, flat beyond the ends."""
    if value <= curve[0][0]:
        return curve[0][1]
    if value >= curve[-1][0]:
        return curve[-1][1]
    left = bisect_right([x for x, _ in curve], value) - 1
    (x0, y0), (x1, y1) = list(pairwise(curve))[left]
    return y0 + (y1 - y0) * (value - x0) / (x1 - x0)


def mean_score(scored: Sequence[tuple[float | None, float]]) -> int | None:
    """Mean of (score, weight) pairs, for a fleet by its requests; None when nothing has a score.

    Weights of zero count as one where all are zero, so an idle fleet still has its services' mean.
    """
    known = [(value, weight) for value, weight in scored if value is not None]
    if not known:
        return None
    total = sum(weight for _, weight in known)
    if total == 0:
        return round(sum(value for value, _ in known) / len(known))
    return round(sum(value * weight for value, weight in known) / total)


def _ratio(value: float, normal: float, least: float) -> float:
    return max(value, least) / max(normal, least)


def _known(name: FactorName, value: float, points: float) -> Factor:
    return Factor(points, value, WEIGHTS[name], "ok")


def _unknown(value: float | None, state: FactorState) -> Factor:
    return Factor(None, value, 0.0, state)


def _spread(factors: dict[FactorName, Factor]) -> dict[FactorName, Factor]:
    """The weights scaled so that those of the known factors add up to 1."""
    total = sum(factor.weight for factor in factors.values())
    return {
        name: Factor(factor.score, factor.value, factor.weight / total, factor.state)
        for name, factor in factors.items()
    }


UNKNOWN: Final = Health(None, "UNKNOWN", {name: Factor(None, None, 0.0, "no_data") for name in WEIGHTS})
