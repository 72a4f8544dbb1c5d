"""Two hundred clients over real sockets, twenty of which have stopped reading: the others miss nothing."""

import asyncio
import contextlib
import json
import socket as sockets
from itertools import pairwise
from pathlib import Path

import httpx
from websockets.asyncio.client import ClientConnection, connect

from tests.integration.running_api import ANSWER_WITHIN_S, RunningApi, running_api
from tests.live_pulses import pulse

LIVELY = 180
FROZEN = 20
SERVICES = 800
BEATS = 12
FROZEN_WITHIN_S = 60


async def freeze(api: RunningApi, request: str) -> sockets.socket:
    """A client that asks for a stream and never reads."""
    raw = sockets.socket()
    raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    raw.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(raw, ("127.0.0.1", api.port))
    await loop.sock_sendall(raw, f"GET {request}\r\nHost: 127.0.0.1:{api.port}\r\n".encode() + b"\r\n")
    return raw


UPGRADE = (
    "/ws/city HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13"
)


async def follow(socket: ClientConnection, beats: int) -> list[int]:
    """The numbers of the messages about the probe, one a beat, until there are so many."""
    numbers: list[int] = []
    while len(numbers) < beats:
        message = json.loads(await socket.recv())
        if message["type"] == "metric_update" and message["data"]["service_name"] == "probe":
            numbers.append(int(message["seq"].partition("-")[2]))
    return numbers


async def until_all_frozen_are_out(api: RunningApi) -> dict[str, float]:
    """The API's own figures, once every frozen client was shown out and nothing is held for it."""
    async with (
        httpx.AsyncClient(base_url=api.http, timeout=ANSWER_WITHIN_S) as client,
        asyncio.timeout(FROZEN_WITHIN_S),
    ):
        while True:
            text = (await client.get("/metrics")).text
            lines = [line for line in text.splitlines() if not line.startswith("#")]
            figures = {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}
            expelled = figures.get('vantage_api_websocket_clients_expelled_total{stream="city"}', 0)
            if expelled >= FROZEN and not len(api.live.city_clients) + len(api.live.city_events):
                return figures
            await asyncio.sleep(0.2)


async def test_twenty_frozen_clients_leave_the_others_every_beat(tmp_path: Path) -> None:
    async with running_api(tmp_path, send_buffer=4096) as api, contextlib.AsyncExitStack() as stack:
        now_s = api.clock.now_ms() // 1000
        frozen = [await freeze(api, UPGRADE if n % 2 else "/api/stream/city HTTP/1.1") for n in range(FROZEN)]
        lively = [
            await stack.enter_async_context(connect(f"{api.ws}/ws/metrics", max_size=None, compression=None))
            for _ in range(LIVELY)
        ]
        for socket in lively:
            await socket.send('{"type":"subscribe","services":["probe"]}')
        fleet = [pulse(now_s, 1, service=f"service-{n}") for n in range(SERVICES - 1)]
        await api.publish(*fleet, pulse(now_s, 5, service="probe"))
        feeding = asyncio.create_task(keep_changing(api))
        async with asyncio.timeout(FROZEN_WITHIN_S):
            seen = await asyncio.gather(*(follow(socket, BEATS) for socket in lively))
        figures = await until_all_frozen_are_out(api)
        feeding.cancel()
        for numbers in seen:
            steps = {after - before for before, after in pairwise(numbers)}
            assert steps == {SERVICES}, "a beat is one message of every service: none was left out"
        assert figures['vantage_api_websocket_clients_expelled_total{stream="city"}'] == FROZEN
        assert figures['vantage_api_stream_messages_conflated_total{stream="city"}'] > 0
        assert figures['vantage_api_stream_messages_conflated_total{stream="metrics"}'] == 0
        assert len(api.live.metric_events) == LIVELY
        for raw in frozen:
            raw.close()


async def keep_changing(api: RunningApi) -> None:
    """Numbers that change with every second, so that deltas are as large as ticks."""
    while True:
        now_s = api.clock.now_ms() // 1000
        await api.publish(*(pulse(now_s, now_s % 7 + 1, service=f"service-{n}") for n in range(SERVICES - 1)))
        await asyncio.sleep(1)
