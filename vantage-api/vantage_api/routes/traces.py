"""GET /traces/…, and GET /api/metrics/exemplars, which leads to them."""

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Response
from vantage_common.errors import UserError
from vantage_common.model import REQUEST_METRIC
from vantage_common.store.intervals import intersect

from vantage_api.kept import Question
from vantage_api.models import TraceSpan
from vantage_api.pages import CursorText
from vantage_api.parts import Parts, workspace
from vantage_api.questions import Scope
from vantage_api.routes.params import End, Environment, OptionalService, Start
from vantage_api.times import EARLIEST_MS, FUTURE_MS, Range, parse_range
from vantage_api.traces import exemplars, lookup, service_map
from vantage_api.traces.answer import tree_body
from vantage_api.traces.models import Exemplars, ServiceMap, TraceLogs, TracePage, TraceTree
from vantage_api.traces.search import MAX_TAG, MAX_TAGS, Criteria, Search, Sort, Status, parse_tags
from vantage_api.views import Made, view

MAX_SPANS: Final = 10_000
MAX_TREE_SPANS: Final = 100_000
MAX_NEAR_MS: Final = 60_000
FOUND_S: Final = 5.0
"""How long the traces that were found are fresh: somebody may look for one that has just ended."""

Tenant = Annotated[str, Depends(workspace)]
TraceId = Annotated[str, Path(min_length=1, max_length=64)]
DurationLimit = Annotated[float | None, Query(ge=0, le=1e12, allow_inf_nan=False)]
HintStart = Annotated[
    str | None, Query(max_length=64, description="about when it began, if known: found sooner; with or without end")
]
HintEnd = Annotated[str | None, Query(max_length=64, description="about when it ended; default: an hour after start")]


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(tags=["traces"])
    ask = parts.ask

    @routes.get("/traces/")
    async def get_trace(
        tenant: Tenant,
        trace_id: Annotated[str, Query(min_length=1, max_length=64)],
        start: HintStart = None,
        end: HintEnd = None,
    ) -> list[TraceSpan]:
        """Every span of a trace, by start; an empty list when there is none (yet)."""
        hint = hinted(start, end, parts.clock.now_ms())
        rows = await lookup.rows_of(ask, tenant, trace_id, hint, MAX_SPANS + 1, with_attributes=True)
        if len(rows) > MAX_SPANS:
            raise UserError(
                "trace_too_large",
                f"the trace has more than {MAX_SPANS} spans",
                status=413,
                hint=f"GET /traces/{{trace_id}} shows up to {MAX_TREE_SPANS} of them as a tree",
            )
        return lookup.trace_spans(rows)

    @routes.get("/traces/search", response_model=TracePage)
    async def search(
        tenant: Tenant,
        service: OptionalService = None,
        operation: Annotated[str | None, Query(max_length=1000, description="only spans of this name")] = None,
        environment: Environment = None,
        tag: Annotated[
            list[Annotated[str, Query(max_length=MAX_TAG)]] | None,
            Query(max_length=MAX_TAGS, description="key:value of an attribute; several have to fit together"),
        ] = None,
        status: Status | None = None,
        min_duration_ms: DurationLimit = None,
        max_duration_ms: DurationLimit = None,
        start: Start = None,
        end: End = None,
        sort: Sort = "newest",
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        cursor: CursorText = None,
    ) -> Response:
        """The traces that began in the range and fit. With a service, an operation, an environment or tags one span has
        to fit all of it, status and duration included; without them both are those of the whole trace."""
        criteria = Criteria(
            service or None,
            operation or None,
            environment or None,
            parse_tags(tag or ()),
            status,
            min_duration_ms,
            max_duration_ms,
        )
        asked = parse_range(start, end, parts.clock.now_ms())

        async def make() -> Made:
            rolled_up = await ask.rolled_up("spans") if criteria.is_rolled_up else ()
            page = await Search(ask, parts.clock, tenant, criteria, sort).page(asked, rolled_up, cursor, limit)
            return Made(page, whole=bool(page.traces), most_s=FOUND_S)

        about = ("traces", criteria, sort, limit, cursor)
        return await view(ask, Question(tenant, about, asked.start_ms, asked.end_ms), make)

    @routes.get("/traces/service-map")
    async def get_service_map(
        tenant: Tenant,
        service: OptionalService = None,
        environment: Environment = None,
        start: Start = None,
        end: End = None,
    ) -> ServiceMap:
        """Who calls whom: services, and the queues, databases and addresses they call. With a service only its own
        edges."""
        asked = parse_range(start, end, parts.clock.now_ms())
        rolled_up = intersect(await ask.rolled_up("metrics"), await ask.rolled_up("spans"))
        return await service_map.read(ask, Scope(tenant, service or None, environment), asked, rolled_up)

    @routes.get("/traces/{trace_id:path}/logs")
    async def get_trace_logs(
        tenant: Tenant,
        trace_id: TraceId,
        span_id: Annotated[str | None, Query(max_length=64, description="only lines of this span")] = None,
        near_ms: Annotated[
            int, Query(ge=0, le=MAX_NEAR_MS, description="with span_id: also what its process logged so near to it")
        ] = 0,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    ) -> TraceLogs:
        """The log lines of a trace or of one of its spans, by time."""
        everywhere = Range(EARLIEST_MS, parts.clock.now_ms() + FUTURE_MS)
        found = await lookup.logs(
            ask,
            tenant,
            trace_id,
            span_id=span_id or None,
            near_ms=near_ms,
            everywhere=everywhere,
            limit=limit,
        )
        if found is None:
            raise lookup.unknown_trace(trace_id, parts.settings)
        return found

    @routes.get("/traces/{trace_id:path}", response_model=TraceTree)
    async def get_trace_tree(
        tenant: Tenant,
        trace_id: TraceId,
        start: HintStart = None,
        end: HintEnd = None,
        limit: Annotated[int, Query(ge=1, le=MAX_TREE_SPANS, description="spans, the earliest first")] = 10_000,
    ) -> Response:
        """A trace as a tree: depth, own time, critical path, what failed first, and what each service did of it."""
        hint = hinted(start, end, parts.clock.now_ms())
        rows = await lookup.rows_of(ask, tenant, trace_id, hint, limit + 1, with_attributes=False)
        if not rows:
            raise lookup.unknown_trace(trace_id, parts.settings)
        body = await asyncio.to_thread(tree_body, trace_id, rows[:limit], truncated=len(rows) > limit)
        return Response(body, media_type="application/json")

    @routes.get("/api/metrics/exemplars", tags=["metrics"])
    async def get_exemplars(
        tenant: Tenant,
        service: Annotated[str, Query(min_length=1, max_length=200)],
        metric: Annotated[str, Query(min_length=1, max_length=200)] = REQUEST_METRIC,
        environment: Environment = None,
        start: Start = None,
        end: End = None,
        min_value: Annotated[float | None, Query(ge=-1e300, le=1e300, allow_inf_nan=False)] = None,
        order: exemplars.Spread = "slowest",
        limit: Annotated[int, Query(ge=1, le=500)] = 20,
    ) -> Exemplars:
        """Samples of a metric that lead to a trace: the greatest values, or spread over the range the greatest of each
        part. A stored row may stand for several observations: it keeps the trace of one of them."""
        asked = parse_range(start, end, parts.clock.now_ms())
        scope = Scope(tenant, service, environment)
        return await exemplars.read(ask, scope, metric, asked, least=min_value, order=order, limit=limit)

    return routes


def hinted(start: str | None, end: str | None, now_ms: int) -> Range | None:
    """The range that a client knows a trace to lie in, None where it gives none."""
    if start is None and end is None:
        return None
    if end is None:
        begin = parse_range(start, None, now_ms + FUTURE_MS)
        return Range(begin.start_ms, min(begin.start_ms + 3_600_000, begin.end_ms))
    return parse_range(start, end, now_ms)
