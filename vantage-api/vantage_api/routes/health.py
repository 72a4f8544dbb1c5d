"""GET /health/score/{service} and /health/scores."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from vantage_api import fleet
from vantage_api.models import HealthScore, HealthScores
from vantage_api.parts import Parts, workspace
from vantage_api.routes.params import Environment


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(prefix="/health", tags=["health"])

    @routes.get("/score/{service}")
    async def score_of(
        service: Annotated[str, Path(max_length=200)],
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

    return routes
