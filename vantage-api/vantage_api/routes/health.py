"""GET /health/score/{service}, /health/scores, and their history."""

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from vantage_common.health import status_of

from vantage_api import fleet, health_history
from vantage_api.health_history import Answers, Course, FleetStep, Step
from vantage_api.lately import kept
from vantage_api.live.plan import ServiceKey
from vantage_api.models import (
    FleetHealthHistory,
    FleetHealthStep,
    HealthHistory,
    HealthScore,
    HealthScores,
    HealthStep,
)
from vantage_api.parts import Parts, workspace
from vantage_api.questions import REQUEST_SOURCES, Requests, Scope
from vantage_api.routes.params import End, Environment, ServicePath, Start
from vantage_api.times import HOUR_MS, parse_range

REMEMBERED_MS: Final = 24 * HOUR_MS
StepSize = Annotated[
    int | None,
    Query(ge=60, le=31_622_400, multiple_of=60, description="seconds, whole minutes; default: range / 100"),
]


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(prefix="/health", tags=["health"])

    @routes.get("/score/{service:path}")
    async def score_of(
        service: ServicePath,
        tenant: Annotated[str, Depends(workspace)],
        environment: Environment = None,
    ) -> HealthScore:
        """The score and what it is made of; of several environments that of the busiest, unless one is given."""
        found = await fleet.members(parts, tenant)
        member = fleet.choose(found, service, environment)
        scores = await fleet.health_of(parts, tenant, [member])
        return fleet.health_score(member.key, scores[member.key])

    @routes.get("/scores")
    async def all_scores(tenant: Annotated[str, Depends(workspace)]) -> HealthScores:
        """Every service's score, and the fleet's."""
        found = await fleet.members(parts, tenant)
        scores = await fleet.health_of(parts, tenant, found)
        return HealthScores(
            scores=[fleet.health_score(member.key, scores[member.key]) for member in found],
            fleet=fleet.fleet_health(found, scores),
        )

    @routes.get("/history/{service:path}")
    async def history_of(
        service: ServicePath,
        tenant: Annotated[str, Depends(workspace)],
        start: Start = None,
        end: End = None,
        step: StepSize = None,
        environment: Environment = None,
    ) -> HealthHistory:
        """The score of every step of the range (default: the last day), UNKNOWN where nothing was requested."""
        course = _course(parts, start, end, step)
        member = fleet.choose(await fleet.members(parts, tenant), service, environment)
        scope = Scope(tenant, member.key.name, member.key.environment)
        found, source = await _steps(parts, scope, course)
        return HealthHistory(
            service_name=member.key.name,
            environment=member.key.environment,
            step_s=course.step_s,
            start=course.window.start_ms,
            end=course.window.end_ms,
            source=source,
            points=[_point(step) for step in found.get(member.key) or health_history.idle(course)],
        )

    @routes.get("/history")
    async def history_of_all(
        tenant: Annotated[str, Depends(workspace)],
        start: Start = None,
        end: End = None,
        step: StepSize = None,
        environment: Environment = None,
    ) -> FleetHealthHistory:
        """The fleet's score of every step of the range (default: the last day): the services' mean by requests."""
        course = _course(parts, start, end, step)
        found, source = await _steps(parts, Scope(tenant, environment=environment), course)
        return FleetHealthHistory(
            step_s=course.step_s,
            start=course.window.start_ms,
            end=course.window.end_ms,
            source=source,
            points=[_fleet_point(step) for step in health_history.fleet_steps(course, found)],
        )

    return routes


def _course(parts: Parts, start: str | None, end: str | None, step_s: int | None) -> Course:
    asked = parse_range(start, end, parts.clock.now_ms(), default_ms=REMEMBERED_MS)
    return health_history.course_for(asked, step_s)


async def _steps(parts: Parts, scope: Scope, course: Course) -> tuple[dict[ServiceKey, list[Step]], str]:
    """The steps of every service in the scope, and what they were read from."""
    answers = await asyncio.gather(*(_answers(parts, scope, source, course) for source in REQUEST_SOURCES))
    told = dict.fromkeys(figures.source for figures, *_ in answers if figures.rows)
    return health_history.steps_of(course, answers), ", ".join(told)


async def _answers(parts: Parts, scope: Scope, source: Requests, course: Course) -> Answers:
    plans = health_history.plans_for(scope, source, course)
    figures = await kept(parts.ask, plans[0])
    dark, days, traffic = await asyncio.gather(*(kept(parts.ask, plan, even_nothing=True) for plan in plans[1:]))
    return figures, dark, days, traffic


def _point(step: Step) -> HealthStep:
    seen = step.observed
    return HealthStep(
        timestamp=step.start_ms,
        health_score=step.health.score,
        status=step.health.status,
        requests=0 if seen is None else seen.requests,
        error_ratio=None if seen is None else seen.error_ratio,
        p95_ms=None if seen is None else seen.p95_ms,
        availability=None if seen is None else seen.availability,
        requests_per_second=0.0 if seen is None else seen.requests_per_second,
    )


def _fleet_point(step: FleetStep) -> FleetHealthStep:
    return FleetHealthStep(
        timestamp=step.start_ms,
        health_score=step.score,
        status=status_of(step.score),
        requests=step.requests,
        error_ratio=step.error_ratio,
        requests_per_second=step.requests_per_second,
        statuses=step.statuses,
    )
