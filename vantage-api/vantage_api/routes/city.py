"""GET /api/city: the live city as one JSON document, the twin of /ws/city."""

from typing import Annotated

from fastapi import APIRouter, Depends

from vantage_api.live.state import ServiceView
from vantage_api.models import CityBody, CityDistrict, CityEdge, CityService
from vantage_api.parts import Parts, workspace


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(tags=["city"])

    @routes.get("/api/city")
    async def city(tenant: Annotated[str, Depends(workspace)]) -> CityBody:
        """Every building with what it shows now, and every edge with its traffic."""
        state = await parts.live.open(tenant)
        now_ms = parts.clock.now_ms()
        return CityBody(
            server_time=now_ms,
            districts=[CityDistrict.model_validate(district) for district in state.registry.districts()],
            services=[_service(view) for view in state.view(now_ms)],
            edges=[CityEdge.model_validate(edge) for edge in state.edges(now_ms)],
        )

    return routes


def _service(view: ServiceView) -> CityService:
    measured = view.measured
    return CityService.model_validate(
        view.building.as_json()
        | {
            "pods": measured.pods,
            "rps": measured.rps,
            "error_ratio": measured.error_ratio,
            "p95_ms": measured.p95_ms,
            "health_score": measured.health.score,
            "status": measured.health.status,
        }
    )
