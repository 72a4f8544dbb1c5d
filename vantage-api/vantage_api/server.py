"""The query API as a service: its port, and a second one for its own metrics."""

import asyncio

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from vantage_common.bus.open import open_bus
from vantage_common.clock import SystemClock
from vantage_common.serving import serve_http, together
from vantage_common.settings import Settings
from vantage_common.sockets import bind
from vantage_common.store.open import open_store
from vantage_common.telemetry import get_logger

from vantage_api.app import create_app
from vantage_api.metrics import ApiMetrics

_log = get_logger(__name__)


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Serves until `stop`. Raises VantageError with one line for what a person must mend."""
    listener = bind(settings.query_host, settings.query_port, "VANTAGE_QUERY_PORT")
    metrics_listener = bind(settings.query_host, settings.query_metrics_port, "VANTAGE_QUERY_METRICS_PORT")
    store = open_store(settings)
    clock = SystemClock()
    bus = open_bus(settings, clock)
    app = create_app(settings, store, bus, clock)
    _log.info("query API listens", host=settings.query_host, port=settings.query_port)
    try:
        await together(
            [serve_http(app, listener, stop), serve_http(metrics_app(app.state.metrics), metrics_listener, stop)], stop
        )
    finally:
        await store.close()
        await bus.close()


def metrics_app(metrics: ApiMetrics) -> Starlette:
    """GET /metrics alone, for a port of its own that is not offered to users."""

    async def text(_: Request) -> Response:
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return Starlette(routes=[Route("/metrics", text)])
