"""What the query API is made of, as a list."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from fastapi import FastAPI
from starlette.routing import compile_path
from vantage_common import __version__
from vantage_common.bus.api import LOGS_RAW, PULSES, Bus
from vantage_common.clock import Clock
from vantage_common.errors import BusUnavailable
from vantage_common.http.audit import RecordSink, RequestRecord
from vantage_common.http.body import ByteBudget
from vantage_common.http.guard import guard
from vantage_common.http.keys import KeyScope, load_keyring
from vantage_common.settings import Settings
from vantage_common.store.api import Store
from vantage_common.telemetry import get_logger

from vantage_api.alerts.channels.open import open_channels
from vantage_api.alerts.open import open_alerts
from vantage_api.ask import Ask
from vantage_api.gone import GiveUpWhenGone
from vantage_api.knowledge import Knowledge
from vantage_api.live.feed import Live
from vantage_api.live.sockets import Door
from vantage_api.live.sockets import router as sockets
from vantage_api.metrics import ApiMetrics
from vantage_api.models import ErrorBody
from vantage_api.parts import Parts
from vantage_api.routes import (
    alerts,
    audit,
    channels,
    city,
    compare,
    dashboards,
    health,
    logs,
    metrics,
    own,
    services,
    streams,
    traces,
    vql,
)

MAX_BODY_BYTES: Final = 64 * 1024
MAX_BODIES_BYTES: Final = 16 * 1024 * 1024
_OPEN_PATHS: Final = frozenset({"/", "/health", "/ready", "/live", "/metrics", "/docs", "/redoc", "/openapi.json"})
_ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": ErrorBody, "description": description}
    for status, description in {
        400: "The request makes no sense; `hint` says what would",
        401: "No API key, or a wrong one",
        403: "The API key may not do this",
        404: "No such thing",
        409: "It cannot be done as things are: somebody was faster, or there are too many",
        413: "The body, or the answer, is too large",
        422: "A parameter or the body is not valid; `details` says which",
        429: "Too many requests; see Retry-After",
        503: "The store or the bus does not answer; see Retry-After",
    }.items()
}
_log = get_logger(__name__)


def create_app(settings: Settings, store: Store, bus: Bus, clock: Clock) -> FastAPI:
    """The API over an open store and bus, which stay the caller's to close. Its lifespan runs the live part."""
    parts = assemble(settings, store, bus, clock)
    app = FastAPI(
        title="Vantage query API",
        version=__version__,
        description="Services, metrics, traces, logs and health of a running system, and what moves right now.",
        lifespan=lambda _: _alive(parts),
        responses=_ERRORS,
        generate_unique_id_function=lambda route: route.name,
    )
    for module in (
        services,
        metrics,
        vql,
        health,
        traces,
        logs,
        city,
        compare,
        streams,
        alerts,
        channels,
        dashboards,
        audit,
        own,
    ):
        app.include_router(module.router(parts))
    app.state.metrics, app.state.live = parts.metrics, parts.live
    door = Door(parts.keyring, frozenset(settings.cors_origin_list), parts.metrics)
    app.include_router(sockets(parts.live, door, clock))
    app.add_middleware(GiveUpWhenGone)
    guard(
        app,
        settings,
        clock,
        keyring=parts.keyring,
        required=needed_scope,
        per_minute=settings.query_rate_limit_per_minute,
        max_body_bytes=MAX_BODY_BYTES,
        budget=ByteBudget(MAX_BODIES_BYTES),
        sinks=[request_counter(parts.metrics, list(app.openapi()["paths"]))],
    )
    return app


def assemble(settings: Settings, store: Store, bus: Bus, clock: Clock) -> Parts:
    """The parts, none of them running yet."""
    api_metrics = ApiMetrics()
    keyring = load_keyring(settings, clock)
    ask = Ask(store, api_metrics, clock)
    knowledge = Knowledge(ask, clock)
    live = Live(bus, knowledge, clock, api_metrics)
    channels = open_channels(settings, store.documents, clock, api_metrics)
    publisher = bus.publisher()
    alerts = open_alerts(settings, bus, publisher, store.documents, ask, live, channels.deliveries, clock)
    return Parts(settings, store, bus, publisher, clock, api_metrics, keyring, ask, knowledge, live, channels, alerts)


def needed_scope(method: str, path: str) -> KeyScope | None:
    """Everything but health, the documentation and preflights needs a key that may query. The streams see to it
    themselves: an EventSource comes with a ticket instead."""
    is_stream = method == "GET" and path.startswith(streams.PREFIX)
    return None if method == "OPTIONS" or path in _OPEN_PATHS or is_stream else "query"


def request_counter(api_metrics: ApiMetrics, templates: list[str]) -> RecordSink:
    """Counts finished requests by route template: a path of a client's own making would be a series of its own."""
    patterns = [(compile_path(template)[0], template) for template in templates]

    def count(record: RequestRecord) -> None:
        route = next((template for pattern, template in patterns if pattern.match(record.path)), "other")
        api_metrics.requests.labels(record.method, route, str(record.status)).inc()

    return count


@asynccontextmanager
async def _alive(parts: Parts) -> AsyncIterator[None]:
    """The live part runs while the API serves. A bus that is away is waited for, not a reason to stay down."""
    await parts.publisher.start()
    try:
        await parts.bus.ensure_topics([PULSES, LOGS_RAW])
    except BusUnavailable as error:
        _log.warning("the bus is away: live data will follow", reason=str(error))
    await parts.live.start()
    await parts.alerts.start()
    try:
        yield
    finally:
        await parts.alerts.stop()
        await parts.channels.deliveries.stop()
        await parts.live.stop()
        await parts.publisher.stop()
