"""A target for messages: an HTTP server on loopback that keeps what it gets and answers as it is told."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


def status(code: int, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {code} Answer", "content-length: 0", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


@dataclass
class Target:
    """`answers` are given in turn, the last one for ever; None is silence, bytes are sent as they are."""

    port: int = 0
    answers: Sequence[bytes | None] = (OK,)
    received: list[Received] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            self.received.append(await _request(reader))
            answer = self.answers[min(len(self.received), len(self.answers)) - 1]
            if answer is None:
                await reader.read()
            else:
                writer.write(answer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, ValueError):
            pass
        finally:
            writer.close()

    async def until_received(self, count: int) -> None:
        await until(lambda: len(self.received) >= count)


async def until(holds: Callable[[], bool], within_s: float = 10.0) -> None:
    """Returns when the condition holds, which another task of this loop brings about."""
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110  # the other task knows of no event
            await asyncio.sleep(0.005)


@asynccontextmanager
async def target(*answers: bytes | None, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Target]:
    made = Target(answers=answers or (OK,))
    server = await asyncio.start_server(made.serve, host, port)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()


async def _request(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Received(first.split(" ")[1], headers, await reader.readexactly(int(headers.get("content-length", "0"))))
