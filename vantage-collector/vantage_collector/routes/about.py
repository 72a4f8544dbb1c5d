"""What the collector says about itself: stats, health, readiness and its Prometheus metrics."""

from collections.abc import Callable, Mapping

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from vantage_common import __version__
from vantage_common.http.asgi import workspace_of
from vantage_common.telemetry import Probe, check_dependencies

from vantage_collector.metrics import CollectorMetrics

Report = Callable[[str], dict[str, object]]
"""From a workspace to the JSON of /v1/stats."""


def about_routes(probes: Mapping[str, Probe], is_ready: Callable[[], bool], report: Report) -> APIRouter:
    """`is_ready` says whether starting has finished; the probes ask each dependency."""
    routes = APIRouter(tags=["about"])

    @routes.get("/v1/stats")
    async def stats(request: Request) -> JSONResponse:
        """Counts since the start, rates of the last minute, what waits for the broker, and the last errors."""
        return JSONResponse(report(workspace_of(request.scope)))

    @routes.get("/health")
    async def health() -> JSONResponse:
        """Each dependency and its state; 503 when one is down."""
        well, dependencies = await check_dependencies(probes)
        body = {"status": "ok" if well else "degraded", "version": __version__, "dependencies": dependencies}
        return JSONResponse(body, 200 if well else 503)

    @routes.get("/ready")
    async def ready() -> JSONResponse:
        """200 when data can be taken in: the topics exist and the broker answers."""
        well, dependencies = await check_dependencies(probes)
        well = well and is_ready()
        return JSONResponse(
            {"status": "ok" if well else "starting", "dependencies": dependencies}, 200 if well else 503
        )

    @routes.get("/live")
    async def live() -> JSONResponse:
        """200 while the process runs."""
        return JSONResponse({"status": "ok"})

    return routes


def metrics_route(metrics: CollectorMetrics) -> APIRouter:
    routes = APIRouter(tags=["about"])

    @routes.get("/metrics", response_class=Response)
    async def prometheus() -> Response:
        """The collector's own metrics, for Prometheus."""
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return routes
