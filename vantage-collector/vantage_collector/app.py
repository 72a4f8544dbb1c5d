"""What the collector is made of."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from vantage_common import __version__
from vantage_common.block import Kind
from vantage_common.bus.api import LOGS_RAW, PULSES, SPANS_RAW, Bus
from vantage_common.clock import Clock
from vantage_common.errors import BusUnavailable, UserError
from vantage_common.http.asgi import Scope, workspace_of
from vantage_common.http.audit import RequestRecord
from vantage_common.http.body import ByteBudget
from vantage_common.http.guard import PROBES, guard
from vantage_common.http.keys import KeyScope, load_keyring
from vantage_common.settings import Settings
from vantage_common.telemetry import get_logger

from vantage_collector.cardinality import SeriesCap
from vantage_collector.decode.native import Limits
from vantage_collector.decode.otlp import EXPORTS, MEDIA_TYPES
from vantage_collector.intake import Intake
from vantage_collector.metrics import CollectorMetrics
from vantage_collector.openapi import document_schemas
from vantage_collector.publish import PulsePublisher, RawPublisher
from vantage_collector.routes.about import about_routes, metrics_route
from vantage_collector.routes.ingest import MAX_NATIVE_BODY_BYTES, ingest_routes
from vantage_collector.routes.otlp import grpc_routes, is_protobuf, media_type_of, respond
from vantage_collector.routes.remote_write import WRITE_PATH, remote_write_routes
from vantage_collector.stats import Stats

MAX_EXPORT_BODY_BYTES = 20 * 1024 * 1024
"""Of OTLP and remote write, whose senders take a 413 as a reason to drop what they sent."""
MAX_BODIES_BYTES = 128 * 1024 * 1024
PING_TIMEOUT_S = 2.0
PULSE_TIMEOUT_S = 2.0
"""An older pulse moves nothing, and the last ones may not hold up the stop."""
_INGEST = ("/v1/metrics", "/v1/traces", "/v1/logs")
_ALL_INGEST = (*_INGEST, WRITE_PATH, *EXPORTS.values())
_ROUTES = (*_ALL_INGEST, "/v1/stats", "/health", "/ready", "/live", "/metrics", "/docs", "/redoc", "/openapi.json")

log = get_logger("vantage.collector")


def create_app(settings: Settings, bus: Bus, clock: Clock) -> FastAPI:
    """The collector as an ASGI app. Its lifespan starts and stops the publisher; `bus` stays the caller's to close."""
    topics: dict[Kind, str] = {"metrics": settings.kafka_topic, "spans": SPANS_RAW, "logs": LOGS_RAW}
    stats = Stats(clock)
    metrics = CollectorMetrics(_ROUTES)
    budget = ByteBudget(MAX_BODIES_BYTES)
    publisher = bus.publisher()
    raw = RawPublisher(publisher, settings.publish_timeout_s, clock, metrics)
    pulses = PulsePublisher(publisher, PULSE_TIMEOUT_S, on_lost=metrics.pulses_lost.inc)
    ready = asyncio.Event()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await publisher.start()
        tasks = [
            asyncio.create_task(_make_topics(bus, (*topics.values(), PULSES), ready)),
            asyncio.create_task(pulses.run()),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await pulses.stop()
            await publisher.stop()

    def on_request(record: RequestRecord) -> None:
        metrics.observe(record)
        stats.finished()

    def on_capped(workspace: str, service: str, renamed: int, left_out: int) -> None:
        metrics.series_capped.labels("renamed").inc(renamed)
        metrics.series_capped.labels("left_out").inc(left_out)
        stats.capped(workspace, service, renamed + left_out)

    def on_error(scope: Scope, error: UserError) -> None:
        metrics.errors.labels(error.code).inc()
        stats.failed(workspace_of(scope), scope["path"], error)

    app = FastAPI(
        title="Vantage collector",
        version=__version__,
        description="Takes in metrics, spans and logs. 202 means that the broker has them.",
        lifespan=lifespan,
    )
    intake = Intake(
        clock=clock,
        limits=Limits.of(settings),
        topics=topics,
        codec=settings.kafka_compression_type,
        raw=raw,
        pulses=pulses,
        cap=SeriesCap(settings.max_new_series_per_hour, clock, on_capped),
        metrics=metrics,
        stats=stats,
    )
    app.include_router(ingest_routes(intake))
    app.include_router(remote_write_routes(intake))
    app.include_router(grpc_routes(intake))
    app.include_router(
        about_routes(
            probes={"bus": lambda: publisher.ping(PING_TIMEOUT_S)},
            is_ready=ready.is_set,
            report=lambda workspace: stats.report(workspace, raw.held_items, budget.used),
        )
    )
    app.include_router(metrics_route(metrics))
    document_schemas(app)
    guard(
        app,
        settings,
        clock,
        keyring=load_keyring(settings, clock),
        required=required_scope,
        per_minute=settings.rate_limit_per_minute,
        max_body_bytes=max_body_bytes,
        budget=budget,
        routine=PROBES.union(_ALL_INGEST),
        sinks=[on_request],
        on_error=on_error,
        respond=respond,
    )
    return app


def required_scope(method: str, path: str) -> KeyScope | None:
    """Data and stats need a key; probes, metrics and documentation do not."""
    if path in _ALL_INGEST:
        return "ingest"
    return "query" if path == "/v1/stats" else None


def max_body_bytes(scope: Scope) -> int:
    """JSON may turn out to be OTLP, which may be larger; a native body that is goes no further than its route."""
    if scope["path"] in _ALL_INGEST and (is_protobuf(scope) or media_type_of(scope) == MEDIA_TYPES["json"]):
        return MAX_EXPORT_BODY_BYTES
    return MAX_NATIVE_BODY_BYTES


async def _make_topics(bus: Bus, topics: tuple[str, ...], done: asyncio.Event) -> None:
    """Tries until the broker is there: it may start later than we do."""
    wait_s = 0.2
    while not done.is_set():
        try:
            await bus.ensure_topics(topics)
            done.set()
        except BusUnavailable as error:
            log.warning("waiting for the broker", reason=str(error))
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, 5.0)
