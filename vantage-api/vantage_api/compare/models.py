"""What the comparisons take and answer. Improvements and effects are positive where the candidate is better."""

from typing import Annotated, Literal, TypeAlias

from pydantic import ConfigDict, Field
from vantage_common.model import REQUEST_METRIC

from vantage_api.compare.sums import Scale
from vantage_api.compare.verdict import Recommendation
from vantage_api.models import Model

Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=200)]
Moment: TypeAlias = Annotated[
    float | Annotated[str, Field(max_length=64)], Field(description="ms, seconds (below 10¹¹) or ISO 8601")
]
Tags: TypeAlias = Annotated[dict[Name, Annotated[str, Field(max_length=1000)]], Field(max_length=10)]


class Terms(Model):
    """What every comparison may be told."""

    model_config = ConfigDict(extra="forbid")

    metric_name: Name = REQUEST_METRIC
    lower_is_better: bool = True
    scale: Literal["auto", "log", "linear"] = Field(
        default="auto", description="auto: log where the metric's name says duration or latency, else linear"
    )
    alpha: float = Field(default=0.05, ge=0.0001, le=0.2, description="false positives that are accepted")
    min_effect_pct: float = Field(default=1.0, ge=0, le=100, description="the smallest difference that matters")


class CompareServices(Terms):
    baseline_service: Name
    candidate_service: Name
    time_start: Moment
    time_end: Moment
    baseline_tags: Tags = {}
    candidate_tags: Tags = {}


class CompareVersions(Terms):
    service: Name
    baseline_version: Name
    candidate_version: Name
    time_start: Moment
    time_end: Moment
    tags: Tags = {}


class CompareWindows(Terms):
    """Two windows of one length; minute k of one is set against minute k of the other."""

    service: Name
    baseline_start: Moment
    baseline_end: Moment
    candidate_start: Moment
    candidate_end: Moment
    tags: Tags = {}


class Side(Model):
    """`n` observations in `minutes` minutes; `source` is the table they were read from."""

    service: str
    tags: dict[str, str]
    start: int
    end: int
    source: str
    n: int
    minutes: int
    mean: float | None
    p50: float | None
    p95: float | None
    p99: float | None
    error_ratio: float | None


class Interval(Model):
    low: float
    high: float
    level: float


class Tested(Model):
    """What the p-value is about: on the log scale the ratio of geometric means, on the linear one the difference of
    means, each the mean over minutes. The interval is always-valid."""

    quantity: Literal["ratio of geometric means", "difference of means"]
    improvement_pct: float
    low_pct: float | None
    high_pct: float | None


class PercentileChange(Model):
    """The interval is of level 0.95 and of this one look."""

    improvement_pct: float
    low_pct: float | None
    high_pct: float | None


class ErrorRates(Model):
    """`difference` is candidate less baseline, a mean over minutes; p-value and interval are always-valid."""

    baseline: float
    candidate: float
    difference: float
    low: float | None
    high: float | None
    p_value: float


class FixedSample(Model):
    """Tests of single observations, by weight. They hold for one look only, and only if observations are independent:
    for those who want to compare, not for a verdict."""

    welch_p_value: float
    mann_whitney_p_value: float
    probability_better: float


class Warned(Model):
    code: Literal["few_minutes", "gaps", "traffic_differs", "autocorrelated", "sources_differ", "no_logarithm"]
    message: str


class Comparison(Model):
    """`p_value` is safe to look at as often as one likes while the range's start stays. `confidence_interval` is that
    of `effect_size`: the tested difference in standard deviations of single observations."""

    metric_name: str
    scale: Scale
    lower_is_better: bool
    alpha: float
    baseline: Side
    candidate: Side
    improvement_pct: float | None
    statistical_significance: bool
    p_value: float
    p_values: list[tuple[int, float]]
    significant_since: int | None
    effect_size: float | None
    confidence_interval: Interval | None
    tested: Tested | None
    percentiles: dict[str, PercentileChange]
    error_rate: ErrorRates | None
    fixed_sample: FixedSample | None
    minutes: int
    independent_minutes: float
    recommendation: Recommendation
    reasons: list[str]
    warnings: list[Warned]
