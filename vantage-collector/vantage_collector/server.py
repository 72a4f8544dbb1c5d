"""The collector as a service: `vantage up` and `python -m vantage_collector` both run `main`."""

import asyncio

from vantage_common.bus.open import open_bus
from vantage_common.clock import SystemClock
from vantage_common.http.asgi import App
from vantage_common.serving import serve_http, together
from vantage_common.settings import Settings
from vantage_common.sockets import bind

from vantage_collector.app import create_app
from vantage_collector.otlp_grpc import serve_grpc


async def main(settings: Settings, stop: asyncio.Event) -> None:
    """Serves until `stop`. Raises PermanentError before the first request: a port in use, keys that cannot be read."""
    listener = bind(settings.collector_host, settings.collector_port, "VANTAGE_COLLECTOR_PORT")
    clock = SystemClock()
    bus = open_bus(settings, clock)
    try:
        app = create_app(settings, bus, clock)
        stop_http = asyncio.Event()
        await together([serve_http(app, listener, stop_http), _grpc_first(app, settings, stop, stop_http)], stop)
    finally:
        await bus.close()


async def _grpc_first(app: App, settings: Settings, stop: asyncio.Event, stop_http: asyncio.Event) -> None:
    """Serves gRPC, where it is wanted, until `stop`, then stops HTTP: with it ends the app that gRPC's calls need."""
    try:
        if settings.otlp_grpc_port:
            await serve_grpc(app, settings.collector_host, settings.otlp_grpc_port, stop)
        else:
            await stop.wait()
    finally:
        stop_http.set()
