"""The collector as a service: `vantage up` and `python -m vantage_collector` both run `main`."""

import asyncio

from vantage_common.bus.open import open_bus
from vantage_common.clock import SystemClock
from vantage_common.serving import serve_http
from vantage_common.settings import Settings
from vantage_common.sockets import bind

from vantage_collector.app import create_app


async def main(settings: Settings, stop: asyncio.Event) -> None:
    """Serves until `stop`. Raises PermanentError before the first request: a port in use, keys that cannot be read."""
    listener = bind(settings.collector_host, settings.collector_port, "VANTAGE_COLLECTOR_PORT")
    clock = SystemClock()
    bus = open_bus(settings, clock)
    try:
        await serve_http(create_app(settings, bus, clock), listener, stop)
    finally:
        await bus.close()
