"""GET /api/services and /api/services/{service}."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from vantage_common.store.plan import Expr, Result

from vantage_api import fleet, questions
from vantage_api.models import Caller, Endpoint, ServiceDetail, Services
from vantage_api.parts import Parts, workspace
from vantage_api.questions import REQUEST_SOURCES, Requests, Scope
from vantage_api.routes.params import End, Environment, Start
from vantage_api.times import Range, parse_range


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(tags=["services"])

    @routes.get("/api/services")
    async def list_services(tenant: Annotated[str, Depends(workspace)], environment: Environment = None) -> Services:
        """Every service that has sent anything, with what it does right now."""
        found = await fleet.members(parts, tenant)
        kept = [member for member in found if environment is None or member.key.environment == environment]
        return Services(services=[fleet.summary(member) for member in kept], total=len(kept))

    @routes.get("/api/services/{service}")
    async def get_service(
        service: Annotated[str, Path(max_length=200)],
        tenant: Annotated[str, Depends(workspace)],
        start: Start = None,
        end: End = None,
        environment: Environment = None,
    ) -> ServiceDetail:
        """One service; of several environments the busiest, unless one is given. The lists cover the range."""
        asked = parse_range(start, end, parts.clock.now_ms())
        member = fleet.choose(await fleet.members(parts, tenant), service, environment)
        scope = Scope(tenant, member.key.name, member.key.environment)
        endpoints, callers, metrics, instances = await asyncio.gather(
            _groups(parts, scope, asked, ("endpoint", "method")),
            _groups(parts, scope, asked, ("caller",)),
            parts.ask(questions.distinct(scope, "metrics", "metric_name", asked.start_ms, asked.end_ms)),
            _instances(parts, scope, asked),
        )
        return ServiceDetail(
            **fleet.summary(member).model_dump(),
            endpoints=[Endpoint.model_validate(_with_ratio(row)) for row in endpoints],
            callers=[Caller.model_validate(_with_ratio(row) | {"service_name": row["caller"]}) for row in callers],
            metrics=[row[0] for row in metrics.rows],
            instances=instances,
        )

    return routes


async def _groups(parts: Parts, scope: Scope, asked: Range, by: Sequence[str]) -> list[dict[str, Any]]:
    """The requests of a service in groups: by the metric where there is one, else by its spans."""
    result: Result | None = None
    for source in REQUEST_SOURCES:
        plan = questions.request_groups(scope, source, asked.start_ms, asked.end_ms, _named(source, by))
        result = await parts.ask(plan)
        if result.rows:
            return result.dicts()
    return []


def _named(source: Requests, by: Sequence[str]) -> list[tuple[str, Expr]]:
    expressions = {"endpoint": source.endpoint, "method": source.method, "caller": source.caller}
    return [(name, expressions[name]) for name in by]


async def _instances(parts: Parts, scope: Scope, asked: Range) -> list[str]:
    results = await asyncio.gather(
        *(
            parts.ask(questions.distinct(scope, table, "instance", asked.start_ms, asked.end_ms))
            for table in ("metrics", "spans", "logs")
        )
    )
    return sorted({row[0] for result in results for row in result.rows if row[0]})


def _with_ratio(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"error_ratio": row["errors"] / row["count"] if row["count"] else 0.0}
