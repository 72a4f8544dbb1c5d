"""The three WebSockets against a real server: keys, origins, filters, bad messages, and clients that freeze."""

import asyncio
import contextlib
import json
import socket as sockets
from pathlib import Path

import httpx
import pytest
from vantage_api.live.frames import Tick
from vantage_common.block import BlockBody, columns_of, encode_block
from vantage_common.model import LogRecord
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.integration.running_api import ANSWER_WITHIN_S, frame_like, running_api, text_like, until_counted
from tests.live_pulses import pulse


async def test_a_configured_key_must_come_in_the_first_message(tmp_path: Path) -> None:
    async with running_api(tmp_path, api_key="s3cret") as api:
        async with connect(f"{api.ws}/ws/city") as socket:
            await socket.send(json.dumps({"type": "auth", "api_key": "s3cret"}))
            assert (await text_like(socket, lambda message: True))["type"] == "hello"
        for first, code in (
            ({"type": "auth", "api_key": "wrong"}, "wrong_key"),
            ({"type": "subscribe"}, "missing_key"),
        ):
            async with connect(f"{api.ws}/ws/logs") as socket:
                await socket.send(json.dumps(first))
                refusal = await text_like(socket, lambda message: True)
                assert refusal["error"]["code"] == code
                with pytest.raises(ConnectionClosed) as closed:
                    await socket.recv()
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == 1008


@pytest.mark.parametrize(
    ("origin", "is_admitted"),
    [(None, True), ("http://localhost:3000", True), ("SAME", True), ("https://evil.example", False), ("null", False)],
)
async def test_pages_of_other_sites_are_kept_out(tmp_path: Path, origin: str | None, is_admitted: bool) -> None:
    async with running_api(tmp_path) as api:
        shown = f"http://127.0.0.1:{api.port}" if origin == "SAME" else origin
        headers = {} if shown is None else {"Origin": shown}
        if is_admitted:
            async with connect(f"{api.ws}/ws/city", additional_headers=headers) as socket:
                assert (await text_like(socket, lambda message: True))["type"] == "hello"
        else:
            with pytest.raises(InvalidStatus) as refused:
                async with connect(f"{api.ws}/ws/city", additional_headers=headers):
                    pass
            assert refused.value.response.status_code == 403


async def test_what_is_not_understood_is_answered_and_the_socket_stays(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api, connect(f"{api.ws}/ws/metrics") as socket:
        bad: list[str | bytes] = ["{", "[]", '{"type":"dance"}', '{"type":"subscribe","services":7}', b"\xff\x00", ""]
        for message in bad:
            await socket.send(message)
            answer = await text_like(socket, lambda message: "error" in message)
            assert answer["error"]["code"] == "invalid_message"
        await socket.send("x" * 70_000)
        answer = await text_like(socket, lambda message: "error" in message)
        assert answer["error"]["code"] == "message_too_large"
        await socket.send('{"type":"subscribe"}')
        await api.publish(pulse(api.clock.now_ms() // 1000))
        await text_like(socket, lambda message: message.get("type") == "metric_update")


async def test_metrics_are_filtered_by_service(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api, connect(f"{api.ws}/ws/metrics") as socket:
        await socket.send('{"type":"subscribe","services":["cart"]}')
        now_s = api.clock.now_ms() // 1000
        await api.publish(pulse(now_s, 30, service="checkout"), pulse(now_s, 50, service="cart"))
        update = await text_like(
            socket, lambda m: m["type"] == "metric_update" and m["data"]["requests_per_second"] == 5.0
        )
        assert update["data"] | {"timestamp": 0, "p95_ms": 0} == {
            "service_name": "cart",
            "environment": "production",
            "timestamp": 0,
            "requests_per_second": 5.0,
            "error_ratio": 0.0,
            "p95_ms": 0,
            "pods": 1,
            "health_score": 100,
            "status": "HEALTHY",
        }


def log_block(*lines: LogRecord) -> bytes:
    return encode_block(BlockBody("logs", "default", "checkout", len(lines), columns_of("logs", lines)))


async def test_logs_are_followed_and_filtered(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api, connect(f"{api.ws}/ws/logs") as socket:
        await socket.send('{"type":"subscribe","severities":["ERROR"],"text":"BANK"}')
        await until_counted(api, 'vantage_api_websocket_connections{stream="logs"} 1.0')
        line = LogRecord(timestamp=1, service_name="checkout", severity="ERROR", body="the bank is closed")
        other = LogRecord(timestamp=2, service_name="checkout", severity="INFO", body="the bank is open")
        found = None
        while found is None:
            await api.publish_logs(log_block(line, other))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    found = json.loads(await socket.recv())
        assert {entry["body"] for entry in found["data"]} == {"the bank is closed"}
        assert found["dropped"] == 0


async def test_a_frozen_client_is_expelled_and_the_others_see_every_tick(tmp_path: Path) -> None:
    async with running_api(tmp_path, send_buffer=4096) as api:
        now_s = api.clock.now_ms() // 1000
        raw = sockets.socket()
        raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        raw.setblocking(False)
        await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", api.port))
        handshake = (
            f"GET /ws/city HTTP/1.1\r\nHost: 127.0.0.1:{api.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        await asyncio.get_running_loop().sock_sendall(raw, handshake.encode())
        async with (
            connect(f"{api.ws}/ws/city", max_size=None) as lively,
            httpx.AsyncClient(base_url=api.http) as client,
        ):
            await api.publish(*(pulse(now_s, 1, service=f"service-{n}") for n in range(800)))
            await frame_like(lively, lambda frame: isinstance(frame, Tick) and len(frame.entries) == 800)
            for _ in range(15):
                await frame_like(lively, lambda frame: isinstance(frame, Tick))
            api.clock.skipped_ms += 10_000
            async with asyncio.timeout(ANSWER_WITHIN_S):
                while 'connections{stream="city"} 1.0' not in (await client.get("/metrics")).text:
                    await frame_like(lively, lambda frame: isinstance(frame, Tick))
            assert 'clients_expelled_total{stream="city"} 1.0' in (await client.get("/metrics")).text
            await frame_like(lively, lambda frame: isinstance(frame, Tick))
        raw.close()


async def test_a_closed_client_leaves_nothing_behind(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        async with connect(f"{api.ws}/ws/city"):
            await until_counted(api, 'vantage_api_websocket_connections{stream="city"} 1.0')
        await until_counted(api, 'vantage_api_websocket_connections{stream="city"} 0.0')
