"""GET /api/city: the city as one JSON document, now or at a past moment, and /api/city/replay for ranges of moments."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from vantage_api.live.state import ServiceView
from vantage_api.models import CityDistrict, CityEdge, CityService
from vantage_api.parts import Parts, workspace
from vantage_api.routes.params import TIME_DOC, End, Start
from vantage_api.time_travel import when
from vantage_api.time_travel.models import CityMoment, CityReplay
from vantage_api.time_travel.past import PastCity
from vantage_api.times import parse_range, parse_time


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(tags=["city"])
    past = PastCity(parts.live, parts.knowledge, parts.ask, parts.store.reader, parts.clock)
    kept_days = parts.settings.retention_raw_days

    @routes.get("/api/city")
    async def city(
        tenant: Annotated[str, Depends(workspace)],
        at: Annotated[str | None, Query(max_length=64, description=f"a past moment, {TIME_DOC}; default: now")] = None,
    ) -> CityMoment:
        """Every building with what it shows, and every edge with its traffic: now, or as it was."""
        now_ms = parts.clock.now_ms()
        if at is not None:
            return await past.at(tenant, when.moment(parse_time(at, "at"), now_ms, kept_days))
        state = await parts.live.open(tenant)
        return CityMoment(
            server_time=now_ms,
            districts=[CityDistrict.model_validate(district) for district in state.registry.districts()],
            services=[_service(view) for view in state.view(now_ms)],
            edges=[CityEdge.model_validate(edge) for edge in state.edges(now_ms)],
        )

    @routes.get("/api/city/replay")
    async def city_replay(
        tenant: Annotated[str, Depends(workspace)],
        start: Start = None,
        end: End = None,
        step: Annotated[int | None, Query(ge=1, le=86_400, description="seconds; default: what fits")] = None,
    ) -> CityReplay:
        """The city at every step of a range, for a scrubber: at most 600 frames, in pages where services are many."""
        now_ms = parts.clock.now_ms()
        asked = parse_range(start, end, now_ms)
        return await past.replay(tenant, when.steps(asked, step, now_ms, kept_days))

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
