"""GET /health/score/{service}, /health/scores, and their history."""

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response
from vantage_common.health import status_of
from vantage_common.store.plan import QueryPlan, Result

from vantage_api import fleet, health_history
from vantage_api.health_history import NOTHING, Course, FleetStep, Step
from vantage_api.kept import Question
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
from vantage_api.times import HOUR_MS, Range, parse_range
from vantage_api.views import Made, view

REMEMBERED_MS: Final = 24 * HOUR_MS
LEARNED_S: Final = 300.0
"""How long what was normal on a day, or in the hours of a week, is known: it changes by rows that come late alone."""
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
        member = await fleet.member(parts, tenant, service, environment)
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

    @routes.get("/history/{service:path}", response_model=HealthHistory)
    async def history_of(
        service: ServicePath,
        tenant: Annotated[str, Depends(workspace)],
        start: Start = None,
        end: End = None,
        step: StepSize = None,
        environment: Environment = None,
    ) -> Response:
        """The score of every step of the range (default: the last day), UNKNOWN where nothing was requested."""
        asked = _range(parts, start, end)
        key = (await fleet.member(parts, tenant, service, environment)).key

        async def make() -> Made:
            course = health_history.course_for(asked, step)
            found, source = await _steps(parts, Scope(tenant, key.name, key.environment), course)
            history = HealthHistory(
                service_name=key.name,
                environment=key.environment,
                step_s=course.step_s,
                start=course.window.start_ms,
                end=course.window.end_ms,
                source=source,
                points=[_point(one) for one in found.get(key) or health_history.idle(course)],
            )
            return Made(history, whole=bool(found))

        return await view(parts.ask, Question(tenant, ("history", key, step), asked.start_ms, asked.end_ms), make)

    @routes.get("/history", response_model=FleetHealthHistory)
    async def history_of_all(
        tenant: Annotated[str, Depends(workspace)],
        start: Start = None,
        end: End = None,
        step: StepSize = None,
        environment: Environment = None,
    ) -> Response:
        """The fleet's score of every step of the range (default: the last day): the services' mean by requests."""
        asked = _range(parts, start, end)

        async def make() -> Made:
            course = health_history.course_for(asked, step)
            found, source = await _steps(parts, Scope(tenant, environment=environment), course)
            history = FleetHealthHistory(
                step_s=course.step_s,
                start=course.window.start_ms,
                end=course.window.end_ms,
                source=source,
                points=[_fleet_point(one) for one in health_history.fleet_steps(course, found)],
            )
            return Made(history, whole=bool(found))

        about = ("history of all", environment, step)
        return await view(parts.ask, Question(tenant, about, asked.start_ms, asked.end_ms), make)

    return routes


def _range(parts: Parts, start: str | None, end: str | None) -> Range:
    return parse_range(start, end, parts.clock.now_ms(), default_ms=REMEMBERED_MS)


async def _steps(parts: Parts, scope: Scope, course: Course) -> tuple[dict[ServiceKey, list[Step]], str]:
    """The steps of every service in the scope, and what they were read from."""
    figures = await asyncio.gather(
        *(parts.ask(health_history.figures_plan(scope, source, course)) for source in REQUEST_SOURCES)
    )
    if not any(result.rows for result in figures):
        return {}, ""
    windows = health_history.may_be_dark(course, figures)
    beside = await asyncio.gather(
        *(
            _beside(parts, scope, source, course, window)
            for source, window in zip(REQUEST_SOURCES, windows, strict=True)
        )
    )
    answers = [(result, *others) for result, others in zip(figures, beside, strict=True)]
    told = dict.fromkeys(result.source for result in figures if result.rows)
    return health_history.steps_of(course, answers), ", ".join(told)


async def _beside(
    parts: Parts, scope: Scope, source: Requests, course: Course, window: Range | None
) -> tuple[Result, Result, Result]:
    """The dark minutes, the days and the weeks."""

    async def dark() -> Result:
        return NOTHING if window is None else await parts.ask(health_history.dark_plan(scope, source, window))

    async def learned(plan: QueryPlan) -> Result:
        return (await parts.ask.kept(plan, even_nothing=True, past_s=LEARNED_S)).result

    days, weeks = health_history.learned_plans(scope, source, course)
    return await asyncio.gather(dark(), learned(days), learned(weeks))


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
