"""GET /traces/ and /traces/search."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query
from vantage_common.errors import UserError

from vantage_api import questions
from vantage_api.models import Traces, TraceSpan, TraceSummary
from vantage_api.parts import Parts, workspace
from vantage_api.questions import HOUR_MS, Scope
from vantage_api.routes.params import End, Environment, OptionalService, Start
from vantage_api.times import parse_range

MAX_SPANS: Final = 10_000
_STATUSES: Final = frozenset({"ok", "error", "unset"})


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(prefix="/traces", tags=["traces"])

    @routes.get("/")
    async def get_trace(
        tenant: Annotated[str, Depends(workspace)],
        trace_id: Annotated[str, Query(min_length=1, max_length=64)],
    ) -> list[TraceSpan]:
        """Every span of a trace, by start; an empty list when there is none (yet)."""
        result = await parts.ask(questions.spans_of_trace(tenant, trace_id, MAX_SPANS + 1))
        if len(result.rows) > MAX_SPANS:
            raise UserError(
                "trace_too_large",
                f"the trace has more than {MAX_SPANS} spans",
                status=413,
                hint="read it in parts: SELECT * FROM spans WHERE trace_id = '…' LIMIT 10000",
            )
        return spans_of(result.dicts())

    @routes.get("/search")
    async def search(
        tenant: Annotated[str, Depends(workspace)],
        service: OptionalService = None,
        environment: Environment = None,
        status: Literal["ok", "error"] | None = None,
        min_duration_ms: Annotated[float | None, Query(ge=0, le=1e12, allow_inf_nan=False)] = None,
        start: Start = None,
        end: End = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
    ) -> Traces:
        """The traces with a span that fits every condition, newest first; figures are of the whole trace."""
        asked = parse_range(start, end, parts.clock.now_ms())
        matching = await parts.ask(
            questions.matching_traces(
                Scope(tenant, service, environment),
                asked.start_ms,
                asked.end_ms,
                status=status,
                min_duration_ms=min_duration_ms,
                limit=limit,
            )
        )
        trace_ids = [row[0] for row in matching.rows]
        if not trace_ids:
            return Traces(traces=[])
        around = (asked.start_ms - HOUR_MS, asked.end_ms + HOUR_MS)
        found = await parts.ask(questions.trace_summaries(tenant, trace_ids, *around))
        return Traces(traces=[_summary(row) for row in found.dicts()])

    return routes


def spans_of(rows: list[dict[str, Any]]) -> list[TraceSpan]:
    """The spans, each once: a sender that repeats a batch, or a span derived from a metric, must not double them."""
    seen: dict[str, TraceSpan] = {}
    for row in rows:
        if row["span_id"] not in seen:
            seen[row["span_id"]] = TraceSpan(
                trace_id=row["trace_id"],
                span_id=row["span_id"],
                parent_span_id=row["parent_span_id"],
                service=row["service_name"],
                name=row["name"],
                kind=row["kind"],
                start=round(row["start"], 3),
                duration=row["duration_ms"],
                status=row["status"] if row["status"] in _STATUSES else "unset",
                attributes=row["attributes"],
            )
    return list(seen.values())


def _summary(row: dict[str, Any]) -> TraceSummary:
    return TraceSummary(
        trace_id=row["trace_id"],
        service=row["service"],
        name=row["name"],
        start=round(row["start"], 3),
        duration=round(row["end"] - row["start"], 3),
        span_count=row["span_count"],
        error_count=row["error_count"],
        services=sorted(row["services"]),
    )
