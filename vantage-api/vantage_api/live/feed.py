"""The live part as it runs: follows the pulses, beats ten times a second, asks the store once a minute."""

import asyncio
from typing import Any, Final

import msgspec
from vantage_common import __version__
from vantage_common.bus.api import PULSES, Bus, Message, Tail
from vantage_common.clock import Clock
from vantage_common.errors import BusUnavailable, NewerSchema, PoisonRecord, VantageError
from vantage_common.http.asgi import DEFAULT_WORKSPACE
from vantage_common.model import Pulse
from vantage_common.pulses import decode_pulses
from vantage_common.telemetry import get_logger

from vantage_api.knowledge import Knowledge
from vantage_api.live.frames import SCHEMA, encode_requests, encode_tick
from vantage_api.live.hub import CityOutbox, Hub
from vantage_api.live.logs import LogFeed
from vantage_api.live.pace import beats, pause
from vantage_api.live.state import City, tick_entry
from vantage_api.live.streams import LogOutbox, MetricsOutbox, heartbeat, metric_update
from vantage_api.metrics import ApiMetrics

TICK_HZ: Final = 10
REPLAY_MS: Final = 70_000
"""How far back the pulses are read at start: the minute that pods and health look at, and the largest delay."""
HEARTBEAT_S: Final = 30
REFRESH_S: Final = 60
_FETCH: Final = 500
_FETCH_TIMEOUT_S: Final = 1.0
_FIRST_KNOWLEDGE_S: Final = 10.0
"""How long the pulses wait for the store at start: a city founded without it may be laid out differently."""
_log = get_logger(__name__)
_encoder: Final = msgspec.json.Encoder()


class Live:
    """Owns the cities and their clients. `start` returns once the cities are founded."""

    def __init__(self, bus: Bus, knowledge: Knowledge, clock: Clock, metrics: ApiMetrics) -> None:
        self._bus = bus
        self._knowledge = knowledge
        self._clock = clock
        self._metrics = metrics
        self._cities: dict[str, City] = {}
        self._founding = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self._beats = 0
        self.city_clients: Hub[CityOutbox] = Hub()
        self.metric_clients: Hub[MetricsOutbox] = Hub()
        self.log_clients: Hub[LogOutbox] = Hub()
        self._logs = LogFeed(bus, clock, self.log_clients, metrics)

    async def start(self) -> None:
        await self.open(DEFAULT_WORKSPACE)
        loops = (self._follow(), self._beat(), self._refresh_for_ever(), self._logs.run())
        self._tasks = [asyncio.create_task(loop) for loop in loops]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def probe(self) -> None:
        """For the health route: raises when one of the loops has died."""
        for task in self._tasks:
            if task.done():
                raise LiveStopped(f"a live loop has ended: {task.exception()!r}")

    async def open(self, workspace: str) -> City:
        """The workspace's city. At its first use it is founded with what the store knows, before any pulse enters."""
        async with self._founding:
            if workspace not in self._cities:
                city = City()
                try:
                    await asyncio.wait_for(self._learn(workspace, city), _FIRST_KNOWLEDGE_S)
                except TimeoutError:
                    _log.warning("the store is slow: a city is founded without it", waited_s=_FIRST_KNOWLEDGE_S)
                self._cities[workspace] = city
            return self._cities[workspace]

    async def join_city(self, workspace: str) -> CityOutbox:
        """A new client's outbox, with `hello` in it."""
        city = await self.open(workspace)
        self._tell_changes(workspace, city)
        box = CityOutbox(_json(self.hello(city)))
        self.city_clients.join(workspace, box)
        return box

    def hello(self, city: City) -> dict[str, Any]:
        head = {
            "type": "hello",
            "schema": SCHEMA,
            "version": __version__,
            "server_time": self._clock.now_ms(),
            "tick_hz": TICK_HZ,
        }
        return head | city.registry.as_json()

    def beat(self) -> None:
        """One tick: state forward, frames encoded once, outboxes filled. Never waits."""
        now_ms = self._clock.now_ms()
        is_full_second = self._beats % TICK_HZ == 0
        for workspace, city in self._cities.items():
            if is_full_second:
                city.advance(now_ms)
            self._send_city(workspace, city, now_ms, is_full_second)
            if is_full_second:
                self._send_metrics(workspace, city, now_ms)
        if is_full_second:
            self._expel_laggards(now_ms)
        self._beats += 1

    async def refresh(self) -> None:
        """Asks the store what is known of each workspace's services by now."""
        for workspace, city in list(self._cities.items()):
            await self._learn(workspace, city)

    async def take_in(self, message: Message, arrived_ms: int) -> None:
        """The pulses of one bus record. A record that cannot be read is counted: live state does without it."""
        for pulse in self._decoded(message):
            city = self._cities.get(pulse.workspace) or await self.open(pulse.workspace)
            city.ingest(pulse, arrived_ms)
            self._metrics.pulses.inc()

    async def _learn(self, workspace: str, city: City) -> None:
        try:
            services = await self._knowledge.services(workspace)
            baselines = await self._knowledge.baselines(workspace)
        except VantageError as error:
            _log.warning("the store could not be asked for services and baselines", reason=str(error))
            return
        city.learn(services, baselines, self._clock.now_ms())

    async def _follow(self) -> None:
        started_ms = self._clock.now_ms()
        tail = self._bus.tail([PULSES])
        await tail.start(started_ms - REPLAY_MS)
        try:
            while True:
                await self._step(tail, started_ms)
        finally:
            await tail.stop()

    async def _step(self, tail: Tail, started_ms: int) -> None:
        """Takes in what the tail has. A pulse arrives when we get it; when it is replayed, when the log took it."""
        try:
            messages = await tail.fetch(_FETCH, _FETCH_TIMEOUT_S)
        except BusUnavailable as error:
            _log.warning("pulses cannot be followed", reason=str(error))
            await pause()
            return
        now_ms = self._clock.now_ms()
        for message in messages:
            await self.take_in(message, message.timestamp_ms if message.timestamp_ms < started_ms else now_ms)

    async def _beat(self) -> None:
        async for _ in beats(self._clock, TICK_HZ):
            self.beat()

    async def _refresh_for_ever(self) -> None:
        while True:
            await pause(REFRESH_S)
            await self.refresh()

    def _send_city(self, workspace: str, city: City, now_ms: int, is_full_second: bool) -> None:
        """Particles first: they make edges, and the registry must tell of those before the particles travel."""
        particles = city.requests(now_ms)
        change = city.registry.take_changes()
        boxes = self.city_clients.of(workspace)
        if not boxes:
            return
        registry = None if change is None else _json(change)
        requests = [encode_requests(frame.time_ms, frame.sample, frame.entries) for frame in particles]
        tick = encode_tick(now_ms, (tick_entry(view) for view in city.view(now_ms)))
        status = _json(city.status(now_ms)) if is_full_second else None
        for box in boxes:
            box.put(now_ms, registry=registry, requests=requests, tick=tick, status=status)

    def _tell_changes(self, workspace: str, city: City) -> None:
        """Sends the pending change to those already there, so that a newcomer's `hello` is not followed by it."""
        change = city.registry.take_changes()
        if change is not None:
            for box in self.city_clients.of(workspace):
                box.put_registry(_json(change))

    def _send_metrics(self, workspace: str, city: City, now_ms: int) -> None:
        boxes = self.metric_clients.of(workspace)
        if not boxes:
            return
        updates = [metric_update(view, now_ms) for view in city.view(now_ms)]
        beat = heartbeat(now_ms) if self._beats % (TICK_HZ * HEARTBEAT_S) == 0 else None
        for box in boxes:
            box.put(updates, beat, now_ms)

    def _expel_laggards(self, now_ms: int) -> None:
        for name, hub in (("city", self.city_clients), ("metrics", self.metric_clients), ("logs", self.log_clients)):
            for _ in hub.expel_laggards(now_ms):
                self._metrics.clients_expelled.labels(name).inc()

    def _decoded(self, message: Message) -> list[Pulse]:
        try:
            return decode_pulses(message.value)
        except (PoisonRecord, NewerSchema) as error:
            self._metrics.poison.labels(message.topic).inc()
            _log.warning("a record of pulses cannot be read", offset=message.offset, reason=str(error))
            return []


class LiveStopped(VantageError):
    """A live loop has ended; its exception is in the message."""


def _json(message: dict[str, Any]) -> str:
    return _encoder.encode(message).decode()
