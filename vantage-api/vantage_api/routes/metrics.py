"""GET /api/metrics and /api/metrics/timeseries."""

from math import ceil, isfinite
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query
from vantage_common.errors import UserError
from vantage_common.model import REQUEST_METRIC
from vantage_common.store.plan import Result

from vantage_api import fleet, questions
from vantage_api.models import MetricInfo, Metrics, Series, Timeseries
from vantage_api.parts import Parts, workspace
from vantage_api.questions import Agg, Scope
from vantage_api.routes.params import End, Environment, OptionalService, Start
from vantage_api.times import HOUR_MS, Range, parse_range

MAX_POINTS: Final = 5000
"""Points of one series."""
MAX_ROWS: Final = 50_000
"""Points of all series together."""
DEFAULT_POINTS: Final = 100
_ZERO_WHERE_EMPTY: Final = frozenset({"count", "sum", "rate"})


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(tags=["metrics"])

    @routes.get("/api/metrics")
    async def list_metrics(
        tenant: Annotated[str, Depends(workspace)],
        service: OptionalService = None,
        start: Start = None,
        end: End = None,
    ) -> Metrics:
        """The metrics that were sent in the range (default: the last day), with their services and tag keys."""
        asked = parse_range(start, end, parts.clock.now_ms(), default_ms=24 * HOUR_MS)
        scope = Scope(tenant, service)
        names = await parts.ask(questions.metric_names(scope, asked.start_ms, asked.end_ms))
        keys = await parts.ask(questions.metric_tag_keys(scope, asked.start_ms, asked.end_ms))
        tag_keys = {row["metric_name"]: sorted(row["tag_keys"]) for row in keys.dicts()}
        return Metrics(
            metrics=[
                MetricInfo(
                    metric_name=row["metric_name"],
                    metric_type=row["metric_type"],
                    services=sorted(row["services"]),
                    tag_keys=tag_keys.get(row["metric_name"], []),
                )
                for row in names.dicts()
            ]
        )

    @routes.get("/api/metrics/timeseries")
    async def timeseries(
        tenant: Annotated[str, Depends(workspace)],
        service: Annotated[str, Query(max_length=200)],
        metric: Annotated[str, Query(max_length=200)] = REQUEST_METRIC,
        start: Start = None,
        end: End = None,
        step: Annotated[int | None, Query(ge=1, le=31_622_400, description="seconds; default: range / 100")] = None,
        agg: Agg = "avg",
        group_by: Annotated[str | None, Query(max_length=200, description="a column or a tag key")] = None,
        environment: Environment = None,
    ) -> Timeseries:
        """One metric over time. Every aggregate honours the weights; the request metric of a service that sends
        only spans is read from its server spans."""
        asked = parse_range(start, end, parts.clock.now_ms())
        step_s = step or max(1, ceil(asked.seconds / DEFAULT_POINTS))
        if asked.seconds / step_s > MAX_POINTS:
            least = ceil(asked.seconds / MAX_POINTS)
            raise UserError(
                "too_many_points",
                f"a step of {step_s} s makes more than {MAX_POINTS} points",
                hint=f"take a step of at least {least} s, or a shorter range",
            )
        scope = Scope(tenant, service, environment)
        result = await _asked(parts, scope, metric, asked, step_s, agg, group_by)
        if not result.rows:
            fleet.choose(await fleet.members(parts, tenant), service, environment)
        return Timeseries(
            service=service,
            metric=metric,
            agg=agg,
            step_s=step_s,
            start=asked.start_ms,
            end=asked.end_ms,
            source=result.source,
            series=series_of(result, asked, step_s, agg, group_by),
        )

    return routes


async def _asked(
    parts: Parts, scope: Scope, metric: str, asked: Range, step_s: int, agg: Agg, group_by: str | None
) -> Result:
    window = (asked.start_ms, asked.end_ms)
    limit = MAX_ROWS + 1
    plan = questions.metric_series(scope, metric, *window, step_s=step_s, agg=agg, group_by=group_by, limit=limit)
    result = await parts.ask(plan)
    if not result.rows and metric == REQUEST_METRIC:
        plan = questions.span_series(scope, *window, step_s=step_s, agg=agg, group_by=group_by, limit=limit)
        result = await parts.ask(plan)
    if len(result.rows) > MAX_ROWS:
        raise _too_many_points()
    return result


def _too_many_points() -> UserError:
    return UserError(
        "too_many_points",
        f"the answer has more than {MAX_ROWS} points",
        hint="take a larger step, or group by something with fewer values",
    )


def series_of(result: Result, asked: Range, step_s: int, agg: str, group_by: str | None) -> list[Series]:
    """The rows as one series a group, every step of the range present: 0 or null where nothing was observed.

    Raises UserError when the steps that are filled in make too much of few rows.
    """
    groups: dict[str, dict[int, float | None]] = {}
    for row in result.dicts():
        groups.setdefault(row.get("group", ""), {})[int(row["at"])] = _finite(row["value"])
    empty = 0.0 if agg in _ZERO_WHERE_EMPTY else None
    step_ms = step_s * 1000
    first = asked.start_ms // step_ms * step_ms
    steps = range(first, asked.end_ms, step_ms)
    if len(groups) * len(steps) > MAX_ROWS:
        raise _too_many_points()
    return [
        Series(
            group={} if group_by is None else {group_by: group},
            points=[(at, found.get(at, empty)) for at in steps],
        )
        for group, found in sorted(groups.items())
    ]


def _finite(value: Any) -> float | None:
    return None if value is None or not isfinite(value) else float(value)
