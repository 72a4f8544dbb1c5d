"""Two stored sides → the comparison. Pure. It stands on numpy, so it is imported with the first comparison."""

from collections.abc import Sequence as Items
from dataclasses import dataclass
from math import expm1, sqrt
from typing import Final, Literal

import numpy as np

from vantage_api.compare.histogram import (
    Histograms,
    PercentileShift,
    percentile_shifts,
    rank_test,
    welch_p_value,
)
from vantage_api.compare.models import (
    Comparison,
    ErrorRates,
    FixedSample,
    Interval,
    PercentileChange,
    Side,
    Tested,
    Warned,
)
from vantage_api.compare.sequential import FIRST_LOOK, Sequence, sequence
from vantage_api.compare.sides import MINUTE_MS, Stored
from vantage_api.compare.sums import Block, Scale, Sums, blocks
from vantage_api.compare.verdict import Change, Found, verdict

PERCENTILES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
SHOWN_POINTS: Final = 200
FEW_MINUTES: Final = 30
DIFFERENT_TRAFFIC: Final = 3.0
MEMORY: Final = 3.0
"""Standard errors of autocorrelation from which on a client is told."""
NO_LOGARITHM: Final = 0.01


@dataclass(frozen=True, slots=True)
class Terms:
    """What a comparison goes by; `least_pct` is the smallest difference that matters."""

    metric: str
    lower_is_better: bool
    scale: Scale
    alpha: float
    least_pct: float

    @property
    def sign(self) -> int:
        """What turns candidate less baseline into an improvement."""
        return -1 if self.lower_is_better else 1


def scale_of(metric: str, asked: Literal["auto", "log", "linear"]) -> Scale:
    """By the name alone: looking at the data first would be a look too many."""
    if asked != "auto":
        return asked
    return "log" if any(word in metric.lower() for word in ("duration", "latency")) else "linear"


def judge(baseline: Stored, candidate: Stored, terms: Terms, whole_minutes: int) -> Comparison:
    """`whole_minutes` of the range are over; what has begun since counts for the figures, not for the tests."""
    first, second = baseline.whole, candidate.whole
    found = blocks(baseline.minutes, candidate.minutes, whole_minutes)
    unit = 1.0 if terms.scale == "log" else _unit(first, second)
    tested = sequence(
        np.array([block.difference(terms.scale, unit) for block in found]), np.array([block.weight for block in found])
    )
    change = _tested(terms, tested, unit, first)
    percentiles = _percentiles(terms, baseline, candidate)
    errors = _errors(baseline, candidate, found, terms.alpha)
    mean_pct = _improvement(terms, first.mean, second.mean) if first.n and second.n else None
    weighed = _found(terms, tested, _change(terms, tested, change), mean_pct, errors, percentiles)
    decided = verdict(weighed, terms.alpha, terms.least_pct)
    effect, interval = _effect(terms, tested, unit, first, second)
    return Comparison(
        metric_name=terms.metric,
        scale=terms.scale,
        lower_is_better=terms.lower_is_better,
        alpha=terms.alpha,
        baseline=_side(baseline, first),
        candidate=_side(candidate, second),
        improvement_pct=mean_pct,
        statistical_significance=_last_p(tested) <= terms.alpha,
        p_value=_last_p(tested),
        p_values=_shown(tested, found, candidate),
        significant_since=_significant_since(tested, found, candidate, terms.alpha),
        effect_size=effect,
        confidence_interval=interval,
        tested=change,
        percentiles=percentiles,
        error_rate=errors,
        fixed_sample=_fixed_sample(baseline, candidate, terms),
        minutes=len(found),
        independent_minutes=float(tested.independent[-1]) if found else 0.0,
        recommendation=decided.recommendation,
        reasons=list(decided.reasons),
        warnings=_warnings(baseline, candidate, terms, tested, whole_minutes),
    )


def _found(
    terms: Terms,
    tested: Sequence,
    change: Change,
    mean_pct: float | None,
    errors: ErrorRates | None,
    percentiles: dict[str, PercentileChange],
) -> Found:
    """What the verdict looks at."""
    tails = {name: Change(tail.improvement_pct, tail.low_pct, tail.high_pct) for name, tail in percentiles.items()}
    tails.pop("p50", None)
    return Found(
        blocks=len(tested.mean),
        least_blocks=FIRST_LOOK,
        p_value=_last_p(tested),
        tested=change,
        sign_then=_sign_then(terms, tested),
        mean_pct=mean_pct,
        errors_p_value=1.0 if errors is None else errors.p_value,
        more_errors=0.0 if errors is None else errors.difference,
        tails=tails,
    )


def _last_p(tested: Sequence) -> float:
    return tested.last_p_value if len(tested.mean) else 1.0


def _unit(first: Sums, second: Sums) -> float:
    """What differences on the linear scale are counted in, so that their rounding is told from nothing."""
    return max((abs(side.mean) for side in (first, second) if side.n), default=0.0) or 1.0


def _improvement(terms: Terms, baseline: float, candidate: float) -> float | None:
    """In percent of the baseline, positive for better; None of a baseline of nothing."""
    if baseline == candidate:
        return 0.0
    return 100 * terms.sign * (candidate - baseline) / abs(baseline) if baseline else None


def _tested(terms: Terms, tested: Sequence, unit: float, first: Sums) -> Tested | None:
    """None where no minute has both sides, or where there is nothing that a percentage could be of."""
    if not len(tested.mean) or (terms.scale == "linear" and first.mean == 0.0):
        return None

    def percent(difference: float) -> float:
        if terms.scale == "log":
            return 100 * terms.sign * expm1(min(difference, 700.0))
        return 100 * terms.sign * difference * unit / abs(first.mean)

    bounds = tested.interval(terms.alpha)
    ends = None if bounds is None else sorted(percent(bound) for bound in bounds)
    return Tested(
        quantity="ratio of geometric means" if terms.scale == "log" else "difference of means",
        improvement_pct=percent(tested.last_mean),
        low_pct=None if ends is None else ends[0],
        high_pct=None if ends is None else ends[1],
    )


def _change(terms: Terms, tested: Sequence, answered: Tested | None) -> Change:
    """What is answered; of a baseline of nothing in percent of the candidate's mean, which is the unit then."""
    if answered is not None:
        return Change(answered.improvement_pct, answered.low_pct, answered.high_pct)
    if not len(tested.mean):
        return Change(0.0)
    bounds = tested.interval(terms.alpha)
    ends = (None, None) if bounds is None else sorted(100 * terms.sign * bound for bound in bounds)
    return Change(100 * terms.sign * tested.last_mean, *ends)


def _effect(
    terms: Terms, tested: Sequence, unit: float, first: Sums, second: Sums
) -> tuple[float | None, Interval | None]:
    """Cohen's d with the mean of both variances: the tested difference in deviations of single observations."""
    if not len(tested.mean):
        return None, None
    deviation = sqrt((first.deviation_on(terms.scale) ** 2 + second.deviation_on(terms.scale) ** 2) / 2)
    if deviation == 0.0:
        return (0.0 if tested.last_mean == 0.0 else None), None
    size = terms.sign * unit / deviation
    bounds = tested.interval(terms.alpha)
    if bounds is None:
        return size * tested.last_mean, None
    low, high = sorted(size * bound for bound in bounds)
    return size * tested.last_mean, Interval(low=low, high=high, level=1 - terms.alpha)


def _sign_then(terms: Terms, tested: Sequence) -> int:
    """Of the improvement when the p-value became what it is."""
    if not len(tested.mean):
        return 0
    return int(terms.sign * np.sign(tested.mean[int(np.argmin(tested.p_value))]))


def _end_ms(block: Block, candidate: Stored) -> int:
    return (candidate.named.range.start_ms // MINUTE_MS + block.last + 1) * MINUTE_MS


def _significant_since(tested: Sequence, found: Items[Block], candidate: Stored, alpha: float) -> int | None:
    at = np.flatnonzero(tested.p_value <= alpha)
    return _end_ms(found[int(at[0])], candidate) if len(at) else None


def _shown(tested: Sequence, found: Items[Block], candidate: Stored) -> list[tuple[int, float]]:
    """The p-value over time, as a chart needs it."""
    step = max(1, -(-len(found) // SHOWN_POINTS))
    chosen = [*range(step - 1, len(found), step)]
    if found and (not chosen or chosen[-1] != len(found) - 1):
        chosen.append(len(found) - 1)
    return [(_end_ms(found[index], candidate), float(tested.p_value[index])) for index in chosen]


def _percentiles(terms: Terms, baseline: Stored, candidate: Stored) -> dict[str, PercentileChange]:
    shifts = percentile_shifts(
        Histograms(baseline.stretches), Histograms(candidate.stretches), tuple(PERCENTILES.values())
    )
    names = {q: name for name, q in PERCENTILES.items()}
    changes = {names[shift.q]: _percentile(terms, baseline, shift) for shift in shifts}
    return {name: change for name, change in changes.items() if change is not None}


def _percentile(terms: Terms, baseline: Stored, shift: PercentileShift) -> PercentileChange | None:
    """In percent of the baseline's; None of a percentile of nothing."""
    whole = Histograms(baseline.stretches).percentile(shift.q)
    if not whole:
        return None
    percent = 100 * terms.sign / abs(whole)
    if shift.low is None or shift.high is None:
        return PercentileChange(improvement_pct=percent * shift.difference, low_pct=None, high_pct=None)
    low, high = sorted((percent * shift.low, percent * shift.high))
    return PercentileChange(improvement_pct=percent * shift.difference, low_pct=low, high_pct=high)


def _errors(baseline: Stored, candidate: Stored, found: Items[Block], alpha: float) -> ErrorRates | None:
    if not (found and baseline.has_errors and candidate.has_errors):
        return None
    tested = sequence(
        np.array([block.error_difference for block in found]), np.array([block.weight for block in found])
    )
    bounds = tested.interval(alpha)
    return ErrorRates(
        baseline=baseline.whole.error_ratio,
        candidate=candidate.whole.error_ratio,
        difference=tested.last_mean,
        low=None if bounds is None else bounds[0],
        high=None if bounds is None else bounds[1],
        p_value=tested.last_p_value,
    )


def _fixed_sample(baseline: Stored, candidate: Stored, terms: Terms) -> FixedSample | None:
    first, second = baseline.whole, candidate.whole
    if not (first.n and second.n):
        return None
    ranks = rank_test(Histograms(baseline.stretches).whole, Histograms(candidate.stretches).whole)
    return FixedSample(
        welch_p_value=welch_p_value((first.mean, second.mean), (first.variance, second.variance), (first.n, second.n)),
        mann_whitney_p_value=ranks.p_value,
        probability_better=ranks.lower if terms.lower_is_better else 1 - ranks.lower,
    )


def _side(side: Stored, whole: Sums) -> Side:
    histograms = Histograms(side.stretches)
    return Side(
        service=side.named.service,
        tags=dict(side.named.tags),
        start=side.named.range.start_ms,
        end=side.named.range.end_ms,
        source=side.source,
        n=whole.n,
        minutes=len(side.minutes),
        mean=whole.mean if whole.n else None,
        **{name: histograms.percentile(q) for name, q in PERCENTILES.items()},
        error_ratio=whole.error_ratio if whole.n and side.has_errors else None,
    )


def _warnings(baseline: Stored, candidate: Stored, terms: Terms, tested: Sequence, whole_minutes: int) -> list[Warned]:
    found: list[Warned] = []
    first, second = baseline.whole, candidate.whole
    paired = len(tested.mean)
    if paired < FEW_MINUTES:
        found.append(Warned(code="few_minutes", message=f"only {paired} minutes: only a large effect can show"))
    if paired < whole_minutes / 2:
        message = f"both sides have data in {paired} of {whole_minutes} minutes; the others are not tested"
        found.append(Warned(code="gaps", message=message))
    if max(first.n, second.n) > DIFFERENT_TRAFFIC * min(first.n, second.n):
        found.append(Warned(code="traffic_differs", message=f"{first.n} observations against {second.n}"))
    if paired >= FIRST_LOOK and tested.memory > MEMORY:
        message = f"minutes follow each other: {paired} say as much as {tested.independent[-1]:.0f} independent ones"
        found.append(Warned(code="autocorrelated", message=message))
    if baseline.source != candidate.source and first.n and second.n:
        message = f"the baseline comes from {baseline.source}, the candidate from {candidate.source}"
        found.append(Warned(code="sources_differ", message=message))
    floored = first.floored + second.floored
    if terms.scale == "log" and floored > NO_LOGARITHM * (first.n + second.n):
        message = f"{floored} values have no logarithm and count as the smallest; scale linear takes them as they are"
        found.append(Warned(code="no_logarithm", message=message))
    return found
