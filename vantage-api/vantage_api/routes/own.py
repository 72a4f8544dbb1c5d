"""GET /, /health, /ready, /live and /metrics: how the API itself is doing."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST
from vantage_common import __version__
from vantage_common.telemetry import Probe, check_dependencies

from vantage_api.ask import PING_WITHIN_S
from vantage_api.models import Dependency, HealthBody
from vantage_api.parts import Parts


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(tags=["own"])

    async def bus() -> None:
        await parts.publisher.ping(PING_WITHIN_S)

    probes: dict[str, Probe] = {
        "store": parts.ask.check_tables,
        "bus": bus,
        "live": parts.live.probe,
        "alerts": parts.alerts.probe,
    }

    @routes.get("/", name="root", response_model_exclude_none=True)
    @routes.get("/health", response_model_exclude_none=True)
    async def health() -> HealthBody:
        """200 with the state of every dependency: the API answers what it can while one is down."""
        well, states = await check_dependencies(probes)
        return HealthBody(
            status="ok" if well else "degraded",
            version=__version__,
            dependencies={name: Dependency.model_validate(state) for name, state in states.items()},
        )

    @routes.get("/ready", response_model_exclude_none=True, responses={503: {"model": HealthBody}})
    async def ready(response: Response) -> HealthBody:
        """503 while a dependency is down."""
        body = await health()
        response.status_code = 200 if body.status == "ok" else 503
        return body

    @routes.get("/live")
    async def live() -> dict[str, str]:
        """200 while the process runs."""
        return {"status": "ok"}

    @routes.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(parts.metrics.text(), media_type=CONTENT_TYPE_LATEST)

    return routes
