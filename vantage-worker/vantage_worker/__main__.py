"""`python -m vantage_worker`: from the bus into the store until SIGTERM."""

import asyncio
import sys

from vantage_common.bus.open import open_bus
from vantage_common.clock import SystemClock
from vantage_common.serving import run_service, serve_http
from vantage_common.settings import Settings
from vantage_common.sockets import bind
from vantage_common.store.open import open_store

from vantage_worker.service import Worker


async def main(settings: Settings, stop: asyncio.Event) -> None:
    listener = bind(settings.worker_host, settings.worker_port, "VANTAGE_WORKER_PORT")
    clock = SystemClock()
    bus = open_bus(settings, clock)
    store = open_store(settings)
    try:
        worker = Worker(settings, bus, store, clock)
        serving = asyncio.create_task(serve_http(worker.http_app(), listener, stop))
        try:
            await worker.run(stop)
        finally:
            stop.set()
            await serving
    finally:
        await bus.close()
        await store.close()


if __name__ == "__main__":
    sys.exit(run_service("worker", main))
