"""The worker as a service: the pipeline, its housekeeping, and an HTTP port for health and metrics."""

import asyncio
from collections.abc import Awaitable, Callable

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from vantage_common import __version__
from vantage_common.bus.api import DEAD_LETTER, LOGS_RAW, SPANS_RAW, Bus
from vantage_common.clock import Clock
from vantage_common.errors import BusUnavailable, StoreUnavailable
from vantage_common.settings import Settings
from vantage_common.store.api import Store
from vantage_common.store.retention import Retention
from vantage_common.telemetry import check_dependencies, get_logger

from vantage_worker.metrics import WorkerMetrics
from vantage_worker.pipeline import Pipeline
from vantage_worker.rollups import RollupChore
from vantage_worker.stall import STALLED_S, Alarm

CHORES_EVERY_S = 1.0
TRIM_EVERY_S = 600

log = get_logger("vantage.worker")


class Worker:
    """`run` until `stop`: migrates the store, makes the topics, then moves records from the bus into the store."""

    def __init__(self, settings: Settings, bus: Bus, store: Store, clock: Clock) -> None:
        self._bus = bus
        self._store = store
        self._metrics = WorkerMetrics()
        self._alarm = Alarm(clock)
        self._topics = (settings.kafka_topic, SPANS_RAW, LOGS_RAW)
        self.pipeline = Pipeline(bus, store, clock, self._topics, self._metrics)
        retention = Retention(settings.retention_raw_days, settings.retention_spans_days)
        self._rollups = (
            None
            if store.rollups is None
            else RollupChore(
                store.rollups, clock, retention, self._metrics, is_mine=lambda: self.pipeline.has_first_partition
            )
        )

    async def run(self, stop: asyncio.Event) -> None:
        await until_available("store", self._store.admin.migrate, stop)
        await until_available("bus", lambda: self._bus.ensure_topics((*self._topics, DEAD_LETTER)), stop)
        tasks = [asyncio.create_task(self._chores())]
        if self._rollups is not None:
            tasks.append(asyncio.create_task(self._rollups.run()))
        try:
            if not stop.is_set():
                await self.pipeline.run(stop)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _chores(self) -> None:
        """Lag every second, an alarm when records wait and none is stored, trimming of an embedded log."""
        seconds = 0
        while True:
            await asyncio.sleep(CHORES_EVERY_S)
            try:
                await self.do_chores(seconds)
            except BusUnavailable as error:
                log.warning("log not trimmed", reason=str(error))
            except Exception:  # the next one must not be left undone: they hold the alarm
                log.exception("a chore failed")
            seconds += 1

    async def do_chores(self, seconds: int) -> None:
        self._metrics.stalled.set(self._rings())
        await self.pipeline.measure_lag()
        if seconds % TRIM_EVERY_S == 0:
            await self._bus.trim()

    def _rings(self) -> bool:
        pipeline = self.pipeline
        return self._alarm.check(
            pipeline.stalled_s, lag=pipeline.lag, breaker=pipeline.breaker_state, bus=pipeline.bus_trouble or "ok"
        )

    async def _bus_answers(self) -> None:
        """What the last fetch said: it asks the broker for a sign of life when there is nothing to read."""
        if self.pipeline.bus_trouble is not None:
            raise BusUnavailable(self.pipeline.bus_trouble)

    def http_app(self) -> Starlette:
        """GET /health /ready /live /metrics."""

        async def health(_: Request) -> Response:
            probes = {"bus": self._bus_answers, "store": self._store.admin.ping}
            well, dependencies = await check_dependencies(probes)
            well = well and self.pipeline.stalled_s <= STALLED_S
            body = {
                "status": "ok" if well else "degraded",
                "version": __version__,
                "dependencies": dependencies,
                "breaker": self.pipeline.breaker_state,
                "stalled_s": round(self.pipeline.stalled_s, 1),
                "lag": self.pipeline.lag,
            }
            return JSONResponse(body, status_code=200 if well else 503)

        async def live(_: Request) -> Response:
            return JSONResponse({"status": "ok"})

        async def metrics(_: Request) -> Response:
            return Response(generate_latest(self._metrics.registry), media_type=CONTENT_TYPE_LATEST)

        return Starlette(
            routes=[
                Route("/health", health),
                Route("/ready", health),
                Route("/live", live),
                Route("/metrics", metrics),
            ]
        )


async def until_available(what: str, call: Callable[[], Awaitable[object]], stop: asyncio.Event) -> None:
    """Calls until it succeeds or `stop` is set: a dependency that starts later than this service is no error."""
    wait = 0.2
    while not stop.is_set():
        try:
            await call()
            return
        except (BusUnavailable, StoreUnavailable) as error:
            log.warning("waiting for a dependency", dependency=what, reason=str(error))
            await asyncio.sleep(wait)
            wait = min(wait * 2, 5.0)
