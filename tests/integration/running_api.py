"""The query API on a free port of loopback, over the embedded log and chDB, for tests that speak to it."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from vantage_api.app import create_app
from vantage_api.live.feed import Live
from vantage_api.live.frames import Frame, decode
from vantage_common.bus.api import LOGS_RAW, PULSES, Bus, Outgoing, Publisher
from vantage_common.bus.open import open_bus
from vantage_common.clock import SystemClock
from vantage_common.model import Pulse
from vantage_common.pulses import encode_pulses
from vantage_common.serving import serve_http
from vantage_common.settings import Settings
from vantage_common.sockets import bind
from vantage_common.store.api import Store
from vantage_common.store.open import open_store
from websockets.asyncio.client import ClientConnection

ANSWER_WITHIN_S = 15.0


class SkippingClock(SystemClock):
    """The machine's clock, which a test can move forward."""

    def __init__(self) -> None:
        self.skipped_ms = 0

    def now_ms(self) -> int:
        return super().now_ms() + self.skipped_ms


@dataclass
class RunningApi:
    port: int
    store: Store
    bus: Bus
    publisher: Publisher
    clock: SkippingClock
    live: Live

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def publish(self, *pulses: Pulse) -> None:
        await self.publisher.publish([Outgoing(PULSES, b"default", encode_pulses(pulses))], 5)

    async def publish_logs(self, block: bytes) -> None:
        await self.publisher.publish([Outgoing(LOGS_RAW, b"default", block)], 5)


def settings_for(directory: Path, **overrides: Any) -> Settings:
    """Settings that no environment and no .env file reaches."""
    keep: dict[str, Any] = {"retention_raw_days": 3650, "retention_spans_days": 3650, "trust_loopback": True}
    return Settings(_env_file=None, data_dir=directory, **(keep | overrides))  # type: ignore[call-arg]  # pydantic-settings takes it


@asynccontextmanager
async def running_api(
    directory: Path, *, send_buffer: int | None = None, **overrides: Any
) -> AsyncIterator[RunningApi]:
    """A started API. `send_buffer` makes the server's sockets so small that a client which does not read is felt."""
    settings = settings_for(directory, **overrides)
    clock = SkippingClock()
    bus, store = open_bus(settings, clock), open_store(settings)
    await store.admin.migrate()
    listener = bind("127.0.0.1", 0, "VANTAGE_QUERY_PORT")
    if send_buffer is not None:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    stop = asyncio.Event()
    app = create_app(settings, store, bus, clock)
    serving = asyncio.create_task(serve_http(app, listener, stop))
    publisher = bus.publisher()
    await publisher.start()
    try:
        api = RunningApi(listener.getsockname()[1], store, bus, publisher, clock, app.state.live)
        await _until_started(api)
        yield api
    finally:
        stop.set()
        await serving
        await publisher.stop()
        await store.close()
        await bus.close()


async def _until_started(api: RunningApi) -> None:
    """Its first answer comes after its lifespan has begun, and with it the topics are there."""
    async with httpx.AsyncClient(base_url=api.http, timeout=ANSWER_WITHIN_S) as client:
        (await client.get("/metrics")).raise_for_status()


async def until_counted(api: RunningApi, sample: str) -> None:
    """Returns when the API's own metrics say so."""
    async with httpx.AsyncClient(base_url=api.http) as client, asyncio.timeout(ANSWER_WITHIN_S):
        while f"\n{sample}\n" not in (await client.get("/metrics")).text:
            pass


async def text_like(socket: ClientConnection, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The next text message that fits."""
    async with asyncio.timeout(ANSWER_WITHIN_S):
        while True:
            data = await socket.recv()
            if isinstance(data, str):
                message: dict[str, Any] = json.loads(data)
                if fits(message):
                    return message


async def frame_like(socket: ClientConnection, fits: Callable[[Frame], bool]) -> Frame:
    """The next binary frame that fits."""
    async with asyncio.timeout(ANSWER_WITHIN_S):
        while True:
            data = await socket.recv()
            if isinstance(data, bytes) and fits(frame := decode(data)):
                return frame
