"""The core of `vantage up`: worker, query API and dashboard in the one process that owns the store."""

import asyncio

from vantage_api.app import create_app
from vantage_api.dashboard import dashboard_app
from vantage_api.server import metrics_app
from vantage_common.bus.open import open_bus
from vantage_common.clock import SystemClock
from vantage_common.errors import PermanentError, StoreUnavailable
from vantage_common.http.asgi import App
from vantage_common.serving import serve_http, together
from vantage_common.settings import Settings
from vantage_common.sockets import bind
from vantage_common.store.api import Store
from vantage_common.store.open import EmbeddedKind, kind_here, open_store, store_path
from vantage_worker.service import Worker

from vantage_cli.paths import find_dashboard


async def main(settings: Settings, stop: asyncio.Event) -> None:
    listeners = (
        bind(settings.query_host, settings.query_port, "VANTAGE_QUERY_PORT"),
        bind(settings.query_host, settings.query_metrics_port, "VANTAGE_QUERY_METRICS_PORT"),
        bind(settings.dashboard_host, settings.dashboard_port, "VANTAGE_DASHBOARD_PORT"),
        bind(settings.worker_host, settings.worker_port, "VANTAGE_WORKER_PORT"),
    )
    clock = SystemClock()
    bus = open_bus(settings, clock)
    store = await _opened_store(settings)
    try:
        worker = Worker(settings, bus, store, clock)
        api = create_app(settings, store, bus, clock)
        apps: tuple[App, ...] = (
            api,
            metrics_app(api.state.metrics),
            dashboard_app(api, find_dashboard(settings)),
            worker.http_app(),
        )
        await together(
            [worker.run(stop), *(serve_http(app, at, stop) for app, at in zip(apps, listeners, strict=True))], stop
        )
    finally:
        await bus.close()
        await store.close()


async def _opened_store(settings: Settings) -> Store:
    """The embedded store with its tables. Raises PermanentError: a server may come back, a directory does not mend
    itself."""
    store = None
    try:
        store = open_store(settings)
        await store.admin.migrate()
    except StoreUnavailable as error:
        if store is not None:
            await store.close()
        kind: EmbeddedKind = "sqlite" if kind_here(settings) == "sqlite" else "chdb"
        raise PermanentError(
            f"{error}; if {store_path(settings, kind)} is damaged, restore it from a copy, or move it away"
        ) from None
    return store
