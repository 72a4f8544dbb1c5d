"""What the API answers, as the OpenAPI document shows it; docs/rest-shapes.md is the summary.

Times are ms since the epoch, durations ms, ratios 0 to 1. None stands where there is nothing to measure.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from vantage_common.health import FactorState, Status


class Model(BaseModel):
    model_config = ConfigDict(ser_json_inf_nan="null")


class ErrorDetail(Model):
    loc: str
    msg: str


class ErrorInfo(Model):
    code: str
    message: str
    hint: str | None = None
    position: int | None = None
    details: list[ErrorDetail] | None = None


class ErrorBody(Model):
    """The one shape of every error."""

    error: ErrorInfo


class Dependency(Model):
    status: Literal["ok", "down"]
    detail: str | None = None


class HealthBody(Model):
    status: Literal["ok", "degraded"]
    version: str
    dependencies: dict[str, Dependency]


class ServiceSummary(Model):
    """A service in one environment. The measured fields are live: the last 10 seconds, pods the last minute."""

    service_name: str
    environment: str
    district: str
    version: str
    first_seen: int
    last_seen: int
    pods: int
    requests_per_second: float
    error_ratio: float | None
    p95_ms: float | None
    health_score: int | None
    status: Status


class Services(Model):
    """`total` counts all pages; `next_cursor` leads to the next one, null on the last."""

    services: list[ServiceSummary]
    total: int
    next_cursor: str | None = None


class Endpoint(Model):
    endpoint: str
    method: str
    count: int
    error_ratio: float
    mean_ms: float
    p95_ms: float


class Caller(Model):
    """`service_name` is empty for requests whose caller is not known."""

    service_name: str
    count: int
    error_ratio: float
    p95_ms: float


class ServiceLists(Model):
    """What the rows of a service say within a range."""

    endpoints: list[Endpoint]
    metrics: list[str]
    callers: list[Caller]
    instances: list[str]


class ServiceDetail(ServiceLists, ServiceSummary):
    """A service with what its rows say within the range."""


class MetricInfo(Model):
    metric_name: str
    metric_type: str
    services: list[str]
    tag_keys: list[str]


class Metrics(Model):
    metrics: list[MetricInfo]
    next_cursor: str | None = None


class TagKeys(Model):
    """`columns` group and filter as tags do."""

    metric: str
    keys: list[str]
    columns: list[str]
    next_cursor: str | None = None


class TagValue(Model):
    value: str
    count: int


class TagValues(Model):
    metric: str
    key: str
    values: list[TagValue]
    next_cursor: str | None = None


class Series(Model):
    """`points` are [ms, value]; the value is null where nothing was observed, 0 for count, sum and rate."""

    group: dict[str, str]
    points: list[tuple[int, float | None]]


class Downsampled(Model):
    """Points of all series, before and after."""

    method: Literal["lttb"]
    from_points: int
    to_points: int


class Timeseries(Model):
    """`service` is the one that was asked for, empty where it was none or several; `downsampled` is null where every
    point is there."""

    service: str
    services: list[str]
    metric: str
    agg: str
    step_s: int
    start: int
    end: int
    source: str
    downsampled: Downsampled | None = None
    series: list[Series]


class VqlQuery(Model):
    query: str = Field(max_length=10_000, examples=["SELECT service_name, count() FROM metrics GROUP BY service_name"])


class VqlColumn(Model):
    name: str
    type: str


class VqlResult(Model):
    columns: list[VqlColumn]
    rows: list[list[Any]]
    row_count: int
    elapsed_ms: float
    source: str
    cached: bool


class VqlTable(Model):
    table: str
    parts: int
    rows: int
    size_bytes: int


class VqlExplanation(Model):
    plan: dict[str, Any]
    source: str
    why: list[str]
    tables: list[VqlTable]
    sql: str


class HealthFactor(Model):
    score: float | None
    value: float | None
    weight: float
    state: FactorState


class HealthFactors(Model):
    error_rate: HealthFactor
    response_time: HealthFactor
    availability: HealthFactor
    request_rate: HealthFactor


class HealthScore(Model):
    service_name: str
    environment: str
    health_score: int | None
    status: Status
    factors: HealthFactors


class FleetHealth(Model):
    """The mean of the services' scores, weighted by their requests."""

    health_score: int | None
    status: Status


class HealthScores(Model):
    scores: list[HealthScore]
    fleet: FleetHealth


class HealthStep(Model):
    """A service from `timestamp` on for a step. Without requests everything but `requests` is unknown."""

    timestamp: int
    health_score: int | None
    status: Status
    requests: int
    error_ratio: float | None
    p95_ms: float | None
    availability: float | None
    requests_per_second: float


class HealthHistory(Model):
    service_name: str
    environment: str
    step_s: int
    start: int
    end: int
    source: str
    points: list[HealthStep]


class FleetHealthStep(Model):
    """The services together from `timestamp` on for a step; `statuses` counts those with requests in the range."""

    timestamp: int
    health_score: int | None
    status: Status
    requests: int
    error_ratio: float | None
    requests_per_second: float
    statuses: dict[Status, int]


class FleetHealthHistory(Model):
    step_s: int
    start: int
    end: int
    source: str
    points: list[FleetHealthStep]


class TraceSpan(Model):
    trace_id: str
    span_id: str
    parent_span_id: str
    service: str
    name: str
    kind: str
    start: float
    duration: float
    status: Literal["ok", "error", "unset"]
    attributes: dict[str, str]


class TraceSummary(Model):
    """`service` and `name` are those of the root, or else of the earliest span."""

    trace_id: str
    service: str
    name: str
    start: float
    duration: float
    span_count: int
    error_count: int
    services: list[str]


class LogLine(Model):
    timestamp: int
    service_name: str
    severity: str
    body: str
    attributes: dict[str, str]
    trace_id: str
    span_id: str


class Logs(Model):
    logs: list[LogLine]
    next_cursor: str | None = None


class CityDistrict(Model):
    name: str
    x: int
    z: int
    width: int
    depth: int


class CityService(Model):
    slot: int
    id: str
    name: str
    environment: str
    district: str
    x: int
    z: int
    pods: int
    rps: float
    error_ratio: float | None
    p95_ms: float | None
    health_score: int | None
    status: Status


class CityEdge(Model):
    """`from` and `to` are slots; `from` is null for requests whose caller is unknown."""

    model_config = ConfigDict(populate_by_name=True)

    id: int
    from_: int | None = Field(alias="from")
    to: int
    rps: float
    error_ratio: float | None


class CityBody(Model):
    server_time: int
    districts: list[CityDistrict]
    services: list[CityService]
    edges: list[CityEdge]
