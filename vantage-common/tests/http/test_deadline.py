"""On the wire: clients that are silent, slow or too talkative, against a real server."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
import uvicorn
from vantage_common.http.asgi import Receive, Scope, Send
from vantage_common.http.body import BodyMiddleware, ByteBudget
from vantage_common.http.deadline import DeadlineProtocol
from vantage_common.http.errors import ErrorMiddleware
from vantage_common.sockets import bind

HEAD = b"POST / HTTP/1.1\r\nHost: test\r\n"


class Hasty(DeadlineProtocol):
    header_deadline_s = 0.1
    linger_s = 0.2


async def ok(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


@dataclass(frozen=True, slots=True)
class Peer:
    port: int

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    app = ErrorMiddleware(BodyMiddleware(ok, 1000, ByteBudget(10_000), deadline_s=0.1))
    config = uvicorn.Config(app, http=Hasty, lifespan="off", log_config=None, timeout_graceful_shutdown=1)
    listener = bind("127.0.0.1", 0, "-")
    port = listener.getsockname()[1]
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve([listener]))
    yield Peer(port)
    server.should_exit = True
    await serving


async def test_a_silent_connection_is_closed(peer: Peer) -> None:
    reader, writer = await peer.connect()
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


async def test_headers_that_trickle_are_cut_off_also_on_a_second_request(peer: Peer) -> None:
    reader, writer = await peer.connect()
    writer.write(HEAD + b"Content-Length: 0\r\n\r\n")
    assert b"200" in await reader.readuntil(b"\r\n\r\n")
    writer.write(b"POST / HT")
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


async def test_a_body_that_stalls_is_408_and_then_closed(peer: Peer) -> None:
    reader, writer = await peer.connect()
    writer.write(HEAD + b"Content-Length: 100\r\n\r\nhalf")
    assert b" 408 " in await asyncio.wait_for(reader.read(), 5)
    writer.close()


async def test_a_sender_of_too_much_gets_its_413_and_the_connection_lives(peer: Peer) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{peer.port}") as client:
        assert (await client.post("/", content=b"x" * 2_000_000)).status_code == 413
        assert (await client.post("/", content=b"x")).status_code == 200


async def test_a_sender_that_never_ends_is_cut_off(peer: Peer) -> None:
    _, writer = await peer.connect()
    writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")

    async def send_for_ever() -> None:
        while True:
            writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
            await writer.drain()
            await asyncio.sleep(0)

    sending = asyncio.create_task(send_for_ever())
    with pytest.raises(ConnectionError):
        await asyncio.wait_for(sending, 5)
    writer.close()
