"""GET /api/metrics, its tags and their values, and /api/metrics/timeseries."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field
from starlette.responses import Response
from vantage_common.model import REQUEST_METRIC
from vantage_common.store.plan import QueryPlan, Result

from vantage_api import discovery, fleet, pages, timeseries
from vantage_api.ask import Ask
from vantage_api.csv_export import CSV_ANSWER, AsCsv, csv_response, iso
from vantage_api.discovery import LABEL_COLUMNS, MAX_NAMES
from vantage_api.kept import Question
from vantage_api.lately import kept
from vantage_api.lttb import LEAST_POINTS
from vantage_api.models import MetricInfo, Metrics, TagKeys, TagValue, TagValues, Timeseries
from vantage_api.pages import CursorText
from vantage_api.parts import Parts, workspace
from vantage_api.questions import Agg, Scope
from vantage_api.routes.params import End, Environment, OptionalService, Start
from vantage_api.times import HOUR_MS, Range, parse_range
from vantage_api.timeseries import MAX_POINTS, MAX_SERVICES, MAX_TAGS, SERVICE, Asked
from vantage_api.views import Made, view

DISCOVERED_MS: Final = 24 * HOUR_MS
Tenant = Annotated[str, Depends(workspace)]
MetricName = Annotated[str, Query(max_length=200, description="name of a metric")]
Prefix = Annotated[str, Query(max_length=256, description="only names that begin so, in any case")]
PageSize = Annotated[int, Query(ge=1, le=MAX_NAMES, description="most entries of a page")]


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(tags=["metrics"])

    def range_of(start: str | None, end: str | None) -> Range:
        return parse_range(start, end, parts.clock.now_ms(), default_ms=DISCOVERED_MS)

    @routes.get("/api/metrics", response_model=Metrics)
    async def list_metrics(
        tenant: Tenant,
        service: OptionalService = None,
        start: Start = None,
        end: End = None,
        prefix: Prefix = "",
        limit: PageSize = MAX_NAMES,
        cursor: CursorText = None,
    ) -> Response:
        """The metrics that were sent in the range (default: the last day), with their services and tag keys."""
        asked, scope = range_of(start, end), Scope(tenant, service)
        window = (asked.start_ms, asked.end_ms)
        key = pages.after(cursor, "metrics", 2)

        async def make() -> Made:
            plan = discovery.metric_page(scope, *window, prefix=prefix, after=key, limit=limit + 1)
            page, next_cursor = pages.cut((await parts.ask(plan)).dicts(), _metric_key, "metrics", limit)
            keys = await _tag_keys(parts.ask, scope, asked, [row["metric_name"] for row in page])
            metrics = Metrics(metrics=[_metric(row, keys) for row in page], next_cursor=next_cursor)
            return Made(metrics, whole=bool(page))

        return await view(parts.ask, Question(tenant, ("metrics", service, prefix, key, limit), *window), make)

    @routes.get("/api/metrics/tags")
    async def list_tags(
        tenant: Tenant,
        metric: MetricName = REQUEST_METRIC,
        service: OptionalService = None,
        start: Start = None,
        end: End = None,
        limit: PageSize = MAX_NAMES,
        cursor: CursorText = None,
    ) -> TagKeys:
        """The tags of a metric in the range (default: the last day), and the columns that group and filter alike."""
        key = pages.after(cursor, "tags", 1)
        keys = await _tag_keys(partial(kept, parts.ask), Scope(tenant, service), range_of(start, end), [metric])
        rest = [name for name in keys.get(metric, []) if key is None or name > key[0]]
        page, next_cursor = pages.cut(rest, lambda name: (name,), "tags", limit)
        return TagKeys(metric=metric, keys=page, columns=list(LABEL_COLUMNS), next_cursor=next_cursor)

    @routes.get("/api/metrics/tags/{key:path}/values", response_model=TagValues)
    async def list_tag_values(
        tenant: Tenant,
        key: Annotated[str, Path(max_length=256, description="a tag key or a column")],
        metric: MetricName = REQUEST_METRIC,
        service: OptionalService = None,
        start: Start = None,
        end: End = None,
        prefix: Prefix = "",
        limit: PageSize = 100,
        cursor: CursorText = None,
    ) -> Response:
        """The values of a tag in the range (default: the last day), each with the number of its observations."""
        asked, before = range_of(start, end), pages.after(cursor, "values", 1)
        window = (asked.start_ms, asked.end_ms)
        scope = Scope(tenant, service)

        async def make() -> Made:
            plan = discovery.tag_values(scope, metric, *window, key=key, prefix=prefix, after=before, limit=limit + 1)
            found = [TagValue.model_validate(row) for row in (await parts.ask(plan)).dicts()]
            page, next_cursor = pages.cut(found, lambda value: (value.value,), "values", limit)
            return Made(TagValues(metric=metric, key=key, values=page, next_cursor=next_cursor), whole=bool(page))

        about = ("values", service, metric, key, prefix, before, limit)
        return await view(parts.ask, Question(tenant, about, *window), make)

    @routes.get("/api/metrics/timeseries", response_model=Timeseries, responses=CSV_ANSWER)
    async def get_timeseries(
        tenant: Tenant,
        as_csv: AsCsv,
        service: Annotated[
            list[Annotated[str, Field(max_length=200)]] | None,
            Query(max_length=MAX_SERVICES, description="one service, several by repetition; default: all"),
        ] = None,
        metric: MetricName = REQUEST_METRIC,
        start: Start = None,
        end: End = None,
        step: Annotated[int | None, Query(ge=1, le=31_622_400, description="seconds; default: range / 100")] = None,
        agg: Agg = "avg",
        group_by: Annotated[
            str | None, Query(max_length=500, description="columns and tag keys, several by comma")
        ] = None,
        tag: Annotated[
            list[Annotated[str, Field(max_length=512)]] | None,
            Query(max_length=MAX_TAGS, description="only with this key:value, several by repetition"),
        ] = None,
        environment: Environment = None,
        max_points: Annotated[
            int | None, Query(ge=LEAST_POINTS, le=MAX_POINTS, description="of a series; more are down-sampled by LTTB")
        ] = None,
    ) -> Response:
        """One metric over time. Every aggregate honours the weights; the request metric of a service that sends
        only spans is read from its server spans. Services that are not grouped by are taken together."""
        window = parse_range(start, end, parts.clock.now_ms())
        asked = Asked(
            workspace=tenant,
            services=tuple(dict.fromkeys(service or ())),
            environment=environment,
            metric=metric,
            window=window,
            step_s=timeseries.step_for(window, step, max_points),
            agg=agg,
            group_by=timeseries.parse_keys(group_by),
            tags=timeseries.parse_tags(tag or ()),
        )
        if as_csv:
            series = (await _timeseries(parts, asked, max_points)).series
            rows = ((iso(at), *group, value) for group, (at, value) in timeseries.table(series))
            return csv_response("timeseries", ("time", *asked.group_by, "value"), rows)

        async def make() -> Made:
            chart = await _timeseries(parts, asked, max_points)
            return Made(chart, whole=bool(chart.series))

        about = ("timeseries", replace(asked, window=Range(0, 0)), max_points)
        return await view(parts.ask, Question(tenant, about, window.start_ms, window.end_ms), make)

    return routes


async def _timeseries(parts: Parts, asked: Asked, max_points: int | None) -> Timeseries:
    result = await _answer(parts.ask, asked)
    if not result.rows:
        await _check_services(parts, asked)
    series, fewer = timeseries.for_chart(timeseries.series_of(result.rows, asked), max_points)
    return Timeseries(
        service=asked.services[0] if len(asked.services) == 1 else "",
        services=list(asked.services),
        metric=asked.metric,
        agg=asked.agg,
        step_s=asked.step_s,
        start=asked.window.start_ms,
        end=asked.window.end_ms,
        source=result.source,
        downsampled=fewer,
        series=series,
    )


async def _tag_keys(
    ask: Callable[[QueryPlan], Awaitable[Result]], scope: Scope, asked: Range, metrics: list[str]
) -> dict[str, list[str]]:
    if not metrics:
        return {}
    found = await ask(discovery.tag_keys(scope, asked.start_ms, asked.end_ms, metrics))
    return {row["metric_name"]: sorted(row["tag_keys"]) for row in found.dicts()}


def _metric_key(row: dict[str, Any]) -> tuple[str, str]:
    return row["metric_name"], row["metric_type"]


def _metric(row: dict[str, Any], tag_keys: dict[str, list[str]]) -> MetricInfo:
    return MetricInfo(
        metric_name=row["metric_name"],
        metric_type=row["metric_type"],
        services=sorted(row["services"]),
        tag_keys=tag_keys.get(row["metric_name"], []),
    )


async def _answer(ask: Ask, asked: Asked) -> Result:
    """The rows of the metric. Of requests also those that are known by their spans only: all of them where the metric
    has nothing, and by service where that is asked for."""
    found = await ask(timeseries.plan_for(asked, "metrics"))
    if asked.metric != REQUEST_METRIC or (found.rows and SERVICE not in asked.group_by):
        return found
    spans = timeseries.without_known(await ask(timeseries.plan_for(asked, "spans")), found, asked)
    if not found.rows:
        return spans
    return replace(found, rows=(*found.rows, *spans.rows), source="metrics, spans" if spans.rows else found.source)


async def _check_services(parts: Parts, asked: Asked) -> None:
    """Raises UserError 404 for a service that does not exist: it must not look like an idle one."""
    for service in asked.services:
        await fleet.member(parts, asked.workspace, service, asked.environment)
