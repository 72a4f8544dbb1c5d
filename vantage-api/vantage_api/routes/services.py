"""GET /api/services and /api/services/{service}."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response
from vantage_common.store.plan import Expr

from vantage_api import fleet, pages, questions
from vantage_api.ask import Ask
from vantage_api.csv_export import CSV_ANSWER, AsCsv, csv_response, iso
from vantage_api.fleet import Member
from vantage_api.kept import KEPT_S, Question
from vantage_api.knowledge import LATELY_S
from vantage_api.models import Caller, Endpoint, ServiceDetail, ServiceLists, Services, ServiceSummary
from vantage_api.pages import CursorText
from vantage_api.parts import Parts, workspace
from vantage_api.questions import MAX_SERVICES, REQUEST_SOURCES, Requests, Scope
from vantage_api.routes.params import End, Environment, ServicePath, Start
from vantage_api.times import Range, parse_range
from vantage_api.views import Made, body_of, json_response, with_fields


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(tags=["services"])

    @routes.get("/api/services", response_model=Services, responses=CSV_ANSWER)
    async def list_services(
        tenant: Annotated[str, Depends(workspace)],
        as_csv: AsCsv,
        environment: Environment = None,
        prefix: Annotated[str, Query(max_length=200, description="only names that begin so, in any case")] = "",
        limit: Annotated[int, Query(ge=1, le=MAX_SERVICES)] = MAX_SERVICES,
        cursor: CursorText = None,
    ) -> Services | Response:
        """Every service that has sent anything, with what it does right now, by name and environment."""
        key = pages.after(cursor, "services", 2)
        kept = [member for member in await fleet.members(parts, tenant) if _fits(member, environment, prefix)]
        rest = [member for member in kept if key is None or _place(member) > key]
        page, next_cursor = pages.cut(rest, _place, "services", limit)
        services = [fleet.summary(member) for member in page]
        if as_csv:
            return csv_response("services", list(ServiceSummary.model_fields), map(_csv_row, services), next_cursor)
        return Services(services=services, total=len(kept), next_cursor=next_cursor)

    @routes.get("/api/services/{service:path}", response_model=ServiceDetail)
    async def get_service(
        service: ServicePath,
        tenant: Annotated[str, Depends(workspace)],
        start: Start = None,
        end: End = None,
        environment: Environment = None,
    ) -> Response:
        """One service; of several environments the busiest, unless one is given. The lists cover the range."""
        asked = parse_range(start, end, parts.clock.now_ms())
        member = await fleet.member(parts, tenant, service, environment)
        scope = Scope(tenant, member.key.name, member.key.environment)

        async def make() -> Made:
            lists = await _lists(parts.ask, scope, asked)
            has_both = bool(lists.endpoints and lists.metrics)
            return Made(lists, whole=bool(lists.endpoints or lists.metrics), most_s=KEPT_S if has_both else LATELY_S)

        question = Question(tenant, ("lists", member.key), asked.start_ms, asked.end_ms)
        return json_response(with_fields(fleet.summary(member), await body_of(parts.ask, question, make)))

    return routes


async def _lists(ask: Ask, scope: Scope, asked: Range) -> ServiceLists:
    """One question after the other: they would only take the engine from each other, and from who waits."""
    endpoints = await _groups(ask, scope, asked, ("endpoint", "method"))
    callers = await _groups(ask, scope, asked, ("caller",))
    metrics = await ask(questions.distinct(scope, "metrics", "metric_name", asked.start_ms, asked.end_ms))
    return ServiceLists(
        endpoints=[Endpoint.model_validate(_with_ratio(row)) for row in endpoints],
        callers=[Caller.model_validate(_with_ratio(row) | {"service_name": row["caller"]}) for row in callers],
        metrics=[row[0] for row in metrics.rows],
        instances=await _instances(ask, scope, asked),
    )


def _fits(member: Member, environment: str | None, prefix: str) -> bool:
    in_environment = environment is None or member.key.environment == environment
    return in_environment and member.key.name.casefold().startswith(prefix.casefold())


def _place(member: Member) -> tuple[str, ...]:
    """What the list is ordered by."""
    return member.key.name, member.key.environment


def _csv_row(service: ServiceSummary) -> list[Any]:
    seen = {"first_seen": iso(service.first_seen), "last_seen": iso(service.last_seen)}
    return list((service.model_dump() | seen).values())


async def _groups(ask: Ask, scope: Scope, asked: Range, by: Sequence[str]) -> list[dict[str, Any]]:
    """The requests of a service in groups: by the metric where there is one, else by its spans."""
    for source in REQUEST_SOURCES:
        plan = questions.request_groups(scope, source, asked.start_ms, asked.end_ms, _named(source, by))
        result = await ask(plan)
        if result.rows:
            return result.dicts()
    return []


def _named(source: Requests, by: Sequence[str]) -> list[tuple[str, Expr]]:
    expressions = {"endpoint": source.endpoint, "method": source.method, "caller": source.caller}
    return [(name, expressions[name]) for name in by]


async def _instances(ask: Ask, scope: Scope, asked: Range) -> list[str]:
    results = [
        await ask(questions.distinct(scope, table, "instance", asked.start_ms, asked.end_ms))
        for table in ("metrics", "spans", "logs")
    ]
    return sorted({row[0] for result in results for row in result.rows if row[0]})


def _with_ratio(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"error_ratio": row["errors"] / row["count"] if row["count"] else 0.0}
