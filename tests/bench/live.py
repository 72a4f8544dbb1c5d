"""The live streams: from a pulse on the bus to the frame that shows it, CPU a beat, what frozen clients cost others.

The API runs in a process of its own over the embedded log; pulses are published and frames are read in this one, so its
own share of two busy cores is in every figure. A service's pulse of a second comes at a moment of its own, 1.0 to 2.0 s
after the second began. Its window moves on when it has come: at the next full tenth of a second, by design 50 ms later
on average and 100 ms at most. That wait is in the figures.
"""

import asyncio
import contextlib
import os
import random
import socket as sockets
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec
import psutil
from vantage_api.live.frames import HEADER, TICK, TICK_ENTRY, encode_requests, tick_of
from vantage_api.live.state import City
from vantage_common.bus.api import PULSES, Outgoing, Publisher
from vantage_common.bus.open import open_bus
from vantage_common.clock import SystemClock
from vantage_common.logbins import bin_of
from vantage_common.model import PULSE_GAMMA, Pulse
from vantage_common.pulses import encode_pulses
from vantage_common.settings import Settings
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.bench.machine import cpu_seconds
from tests.bench.services import running
from tests.platform_process import free_ports

GROUPS = 20
"""Services of one group send at the same moment of the second."""
CYCLE = 512
WARM_UP_S = 14
MEASURED_S = 20
CLIENTS_S = 12
CONNECTED_S = 4
LIVELY, FROZEN = 180, 20
REQUESTS_A_SECOND = 20


def run() -> Iterator[str]:
    for services in (1, 100, 1000):
        yield _beat_cpu(services)
    for services in (1, 100, 1000):
        yield asyncio.run(_with_api(services, _pulse_to_frame))
    for services in (100, 1000):
        yield asyncio.run(_with_api(services, _frozen_clients))


def _beat_cpu(services: int) -> str:
    """CPU of state and encoding alone, without bus and sockets, at 20 requests/s a service."""
    chance = random.Random(1)
    city, now_ms = City(), 1_790_000_000_000
    phases = [chance.randrange(1000, 2000) for _ in range(services)]
    spent: list[float] = []
    for step in range(600):
        now_ms += 100
        for number, phase in enumerate(phases):
            if (now_ms - phase) % 1000 < 100:
                city.ingest(_busy_pulse(number, (now_ms - phase) // 1000, chance), now_ms)
        began = time.process_time()
        if step % 10 == 0:
            city.advance(now_ms)
        for frame in city.requests(now_ms):
            encode_requests(frame.time_ms, frame.sample, frame.entries)
        city.registry.take_changes()
        city.measure(now_ms)
        tick_of(city.packed(), now_ms)
        if step >= 200:
            spent.append((time.process_time() - began) * 1000)
    mean = sum(spent) / len(spent)
    load = f"{services} services, {services * REQUESTS_A_SECOND} requests/s"
    return f"beat, {load}: CPU mean {mean:.2f} ms, {_spread(spent)}"


def _busy_pulse(number: int, second: int, chance: random.Random) -> Pulse:
    durations: dict[int, int] = {}
    for _ in range(REQUESTS_A_SECOND):
        bin_number = bin_of(chance.lognormvariate(3, 0.5), PULSE_GAMMA)
        durations[bin_number] = durations.get(bin_number, 0) + 1
    return Pulse(
        workspace="default",
        service=f"s{number}",
        caller=f"s{number // 3}",
        instance="i",
        second=second,
        count=REQUESTS_A_SECOND,
        errors=0,
        durations=durations,
    )


class _Measurement:
    """A running API, the bus it follows, and when which pulse was published."""

    def __init__(self, port: int, process: psutil.Process, publisher: Publisher, services: int) -> None:
        self.url = f"ws://127.0.0.1:{port}/ws/city"
        self.port = port
        self.process = process
        self.services = services
        self.published: dict[tuple[int, int], float] = {}
        self._publisher = publisher

    async def feed(self) -> None:
        """Every second a pulse of every service, each group at its own moment. The counts tell the seconds apart."""
        began = int(time.time()) + 1
        groups = [
            [name for name in range(self.services) if name % GROUPS == group]
            for group in range(min(GROUPS, self.services))
        ]
        second = began
        while True:
            for group, members in enumerate(groups):
                due = second + 1 + (group + 0.37) / GROUPS
                await asyncio.sleep(max(0.0, due - time.time()))
                pulses = [self._pulse(name, second) for name in members]
                self.published[(group, second)] = time.time()
                record = Outgoing(PULSES, b"default", encode_pulses(pulses))
                await self._publisher.publish([record], 5)
            second += 1

    def _pulse(self, number: int, second: int) -> Pulse:
        return Pulse(
            workspace="default", service=f"s{number}", instance="i", second=second, count=_count(second), errors=0
        )


def _count(second: int) -> int:
    return second % CYCLE + 1


Measure: TypeAlias = Callable[[_Measurement], Awaitable[str]]


async def _with_api(services: int, measure: Measure) -> str:
    with tempfile.TemporaryDirectory() as directory:
        port, metrics_port = free_ports(2)
        variables = {
            "VANTAGE_DATA_DIR": directory,
            "VANTAGE_STORE": "sqlite",
            "VANTAGE_BUS": "embedded",
            "VANTAGE_QUERY_PORT": str(port),
            "VANTAGE_QUERY_METRICS_PORT": str(metrics_port),
        }
        settings = Settings(_env_file=None, data_dir=Path(directory), bus="embedded")  # type: ignore[call-arg]  # pydantic-settings takes it
        bus = open_bus(settings, SystemClock())
        await bus.ensure_topics([PULSES])
        publisher = bus.publisher()
        await publisher.start()
        try:
            with running([sys.executable, "-m", "vantage_api"], None, {**os.environ, **variables}) as process:
                found = _Measurement(port, process, publisher, services)
                await _until_served(port)
                feeding = asyncio.create_task(found.feed())
                try:
                    return await measure(found)
                finally:
                    feeding.cancel()
        finally:
            await publisher.stop()
            await bus.close()


async def _pulse_to_frame(found: _Measurement) -> str:
    """From the call that publishes a pulse to the arrival of the first frame whose window ends with it."""
    delays: list[float] = []
    async with connect(found.url, max_size=None, compression=None) as socket:
        names: dict[int, int] = {}
        shown: dict[int, float] = {}
        begins, cpu = time.time() + WARM_UP_S, 0.0
        ends = begins + MEASURED_S
        while (now := time.time()) < ends:
            data = await socket.recv()
            arrived = time.time()
            if isinstance(data, str):
                names |= _names(data)
                continue
            if data[0] != TICK:
                continue
            if now < begins:
                cpu = cpu_seconds(found.process)
            for slot, rps in _rates(data):
                if slot in names and shown.get(slot) != rps:
                    shown[slot] = rps
                    published = found.published.get((names[slot] % GROUPS, _second_of(rps, arrived)))
                    if published is not None and now >= begins:
                        delays.append((arrived - published) * 1000)
        cpu = cpu_seconds(found.process) - cpu
    beats = MEASURED_S * 10
    return (
        f"pulse → frame, {found.services} services, embedded log, 1 client, {len(delays)} pulses: {_spread(delays)}; "
        f"CPU of the whole API {cpu / beats * 1000:.1f} ms a beat"
    )


async def _frozen_clients(found: _Measurement) -> str:
    """How late ticks reach clients that read while others do not, by the server's time in the frame."""
    async with contextlib.AsyncExitStack() as stack:
        frozen = [_frozen(found.port) for _ in range(FROZEN)]
        lively = [
            await stack.enter_async_context(connect(found.url, max_size=None, compression=None)) for _ in range(LIVELY)
        ]
        begins = time.time() + CONNECTED_S
        heard = await asyncio.gather(*(_delays(socket, begins, begins + CLIENTS_S) for socket in lively))
        delays = [delay for of_one in heard for delay in of_one]
        for raw in frozen:
            raw.close()
    return (
        f"tick → client, {LIVELY} clients beside {FROZEN} frozen ones, {found.services} services, "
        f"{len(delays)} ticks of {LIVELY * CLIENTS_S * 10}: {_spread(delays)}, max {max(delays):.0f} ms"
    )


async def _delays(socket: ClientConnection, begins: float, ends: float) -> list[float]:
    """Reads from now on; what waited while the others connected does not count."""
    delays: list[float] = []
    with contextlib.suppress(ConnectionClosed):
        while (now := time.time()) < ends:
            data = await socket.recv()
            if isinstance(data, bytes) and data[0] == TICK and now >= begins:
                delays.append(time.time() * 1000 - HEADER.unpack_from(data)[4])
    return delays


def _frozen(port: int) -> sockets.socket:
    """A client of the city that never reads."""
    raw = sockets.socket()
    raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    raw.connect(("127.0.0.1", port))
    raw.sendall(
        f"GET /ws/city HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    return raw


async def _until_served(port: int) -> None:
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(OSError):
                async with connect(f"ws://127.0.0.1:{port}/ws/city"):
                    return
            await asyncio.sleep(0.1)


def _names(text: str) -> dict[int, int]:
    """Slot to the number in the service's name."""
    message = msgspec.json.decode(text)
    services = message.get("services", [])
    entered = services.get("upsert", []) if isinstance(services, dict) else services
    return {service["slot"]: int(service["name"][1:]) for service in entered}


def _rates(data: bytes) -> Iterator[tuple[int, float]]:
    for fields in TICK_ENTRY.iter_unpack(memoryview(data)[HEADER.size :]):
        yield fields[0], fields[2]


def _second_of(rps: float, now: float) -> int:
    """The second with which a window of that rate ends."""
    total = round(rps * 10)
    for second in range(int(now), int(now) - 20, -1):
        if sum(_count(second - ago) for ago in range(10)) == total:
            return second
    return 0


def _spread(values: Sequence[float]) -> str:
    ordered = sorted(values)
    if not ordered:
        return "nothing measured"
    return f"p50 {ordered[len(ordered) // 2]:.1f} ms, p99 {ordered[int(len(ordered) * 0.99)]:.1f} ms"
