"""The live part as it runs: follows the pulses, beats ten times a second, asks the store once a minute."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from vantage_common import __version__
from vantage_common.bus.api import PULSES, Bus, Message, Tail
from vantage_common.clock import Clock
from vantage_common.errors import BusUnavailable, NewerSchema, PoisonRecord, VantageError
from vantage_common.http.asgi import DEFAULT_WORKSPACE
from vantage_common.model import Pulse
from vantage_common.pulses import decode_pulses
from vantage_common.telemetry import get_logger

from vantage_api.knowledge import Knowledge
from vantage_api.live import streams
from vantage_api.live.channel import RESET, Channel
from vantage_api.live.frames import SCHEMA, Requests, encode_requests, tick_of
from vantage_api.live.hub import CityOutbox, Hub
from vantage_api.live.logs import LogFeed
from vantage_api.live.outboxes import AlertOutbox, DeltaOutbox, LogOutbox, MetricsOutbox
from vantage_api.live.pace import beats, pause
from vantage_api.live.ring import Budget, Event
from vantage_api.live.state import City, ServiceView
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
ALERTS_BYTES: Final = 256 << 10
"""Of alert events kept for those who come back."""
_log = get_logger(__name__)


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
        self.city_events: Channel[DeltaOutbox] = Channel()
        self.metric_events: Channel[MetricsOutbox] = Channel()
        self.log_events: Channel[LogOutbox] = Channel()
        self.alert_events: Channel[AlertOutbox] = Channel(ring_bytes=ALERTS_BYTES)
        self._budget = Budget()
        self._logs = LogFeed(bus, clock, self.log_events, metrics)

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
        box = CityOutbox(streams.encoded(self.hello(city)))
        self.city_clients.join(workspace, box)
        return box

    def tell_again(self, workspace: str, box: CityOutbox) -> str:
        """Answers a client that wants to resume: every tick is whole, so it needs the registry alone, from now on."""
        city = self._cities[workspace]
        self._tell_changes(workspace, city)
        box.put_registry(streams.encoded(self.hello(city)))
        return RESET.text

    async def join_deltas(self, workspace: str, last_id: str | None) -> DeltaOutbox:
        """The outbox of a new client of the city in JSON, with what it missed, or all there is in it."""
        city = await self.open(workspace)
        self._tell_changes(workspace, city)
        now_ms = self._clock.now_ms()
        box = DeltaOutbox()
        self.city_events.enter(workspace, box, now_ms)
        if last_id is not None and self.city_events.resume(workspace, box, last_id):
            return box
        if last_id is not None:
            box.tell(RESET)
        box.tell(streams.city_hello(self.hello(city)))
        box.tell(streams.whole_tick(city.view(now_ms), now_ms, self.city_events.ring(workspace, now_ms).newest_id))
        return box

    def workspaces(self) -> list[str]:
        """Those that have a city: that have sent pulses, or been looked at."""
        return list(self._cities)

    def publish_alert(self, workspace: str, event: Mapping[str, Any]) -> None:
        """Sends what happened to an alert to everyone who follows /api/stream/alerts. `event` is JSON-able."""
        self.alert_events.emit(workspace, [streams.alert(event)], self._clock.now_ms())

    async def show_firing(self, workspace: str, number: int | None) -> None:
        """How many alerts fire, for the city's `status`; None while nothing evaluates them."""
        (await self.open(workspace)).alerts_firing = number

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
            self._keep_house(now_ms)
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
        is_recorded = self.city_events.is_recorded(workspace)
        if not boxes and not is_recorded:
            return
        changed = city.measure(now_ms)
        status = city.status(now_ms) if is_full_second else None
        if boxes:
            self._send_frames(boxes, city, now_ms, change, particles, status)
        if is_recorded:
            self._send_deltas(workspace, now_ms, change, changed, status)

    def _send_frames(
        self,
        boxes: frozenset[CityOutbox],
        city: City,
        now_ms: int,
        change: dict[str, Any] | None,
        particles: list[Requests],
        status: dict[str, Any] | None,
    ) -> None:
        registry = None if change is None else streams.encoded(change)
        requests = [encode_requests(frame.time_ms, frame.sample, frame.entries) for frame in particles]
        tick = tick_of(city.packed(), now_ms)
        status_text = None if status is None else streams.encoded(status)
        for box in boxes:
            box.put(now_ms, registry=registry, requests=requests, tick=tick, status=status_text)

    def _send_deltas(
        self,
        workspace: str,
        now_ms: int,
        change: dict[str, Any] | None,
        changed: list[ServiceView],
        status: dict[str, Any] | None,
    ) -> None:
        events: list[Event] = []
        if change is not None:
            events.append(streams.city_registry(change))
        if status is not None:
            events.append(streams.city_status(status))
        if changed:
            events.append(streams.city_tick(changed, now_ms))
        self.city_events.emit(workspace, events, now_ms)

    def _tell_changes(self, workspace: str, city: City) -> None:
        """Sends the pending change to those already there, so that a newcomer's `hello` is not followed by it."""
        change = city.registry.take_changes()
        if change is None:
            return
        for box in self.city_clients.of(workspace):
            box.put_registry(streams.encoded(change))
        if self.city_events.is_recorded(workspace):
            self.city_events.emit(workspace, [streams.city_registry(change)], self._clock.now_ms())

    def _send_metrics(self, workspace: str, city: City, now_ms: int) -> None:
        if not self.metric_events.is_recorded(workspace):
            return
        updates = [streams.metric_update(view, now_ms) for view in city.view(now_ms)]
        self.metric_events.emit(workspace, updates, now_ms)
        if self._beats % (TICK_HZ * HEARTBEAT_S) == 0:
            for box in self.metric_events.of(workspace):
                box.tell(streams.heartbeat(now_ms))

    def _keep_house(self, now_ms: int) -> None:
        """Shows laggards out, counts what clients lost, and lets the rings forget."""
        channels = (self.city_events, self.metric_events, self.log_events, self.alert_events)
        for channel in channels[:3]:
            channel.forget(now_ms)
        self._budget.enforce(ring for channel in channels for ring in channel.rings())
        for name, hub in self._hubs():
            for _ in hub.expel_laggards(now_ms):
                self._metrics.clients_expelled.labels(name).inc()
            lost = hub.take_losses()
            self._metrics.conflated.labels(name).inc(lost.conflated)
            self._metrics.dropped.labels(name).inc(lost.dropped)

    def _hubs(self) -> tuple[tuple[str, Hub[Any]], ...]:
        return (
            ("city", self.city_clients),
            ("city", self.city_events),
            ("metrics", self.metric_events),
            ("logs", self.log_events),
            ("alerts", self.alert_events),
        )

    def _decoded(self, message: Message) -> list[Pulse]:
        try:
            return decode_pulses(message.value)
        except (PoisonRecord, NewerSchema) as error:
            self._metrics.poison.labels(message.topic).inc()
            _log.warning("a record of pulses cannot be read", offset=message.offset, reason=str(error))
            return []


class LiveStopped(VantageError):
    """A live loop has ended; its exception is in the message."""
