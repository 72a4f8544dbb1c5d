"""What lies between the worker and the store: passes bytes on, late, cut, held back or not at all."""

import asyncio
import re
import threading
from concurrent.futures import Future
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import unquote

_INSERT = re.compile(rb"POST [^\r\n]*INSERT(?:\+|%20)INTO[^\r\n]* HTTP/1\.1\r\n")
_TOKEN = re.compile(rb"insert_deduplication_token=([^&\s]*)")


@dataclass(slots=True)
class Held:
    """An insert stopped half-way: `seen` once its first half has been passed on; the rest follows `let_go`, and then
    it is `passed`, or never comes: `drop`."""

    seen: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)
    passed: threading.Event = field(default_factory=threading.Event)

    dropped: bool = False

    def let_go(self) -> None:
        self.released.set()

    def drop(self) -> None:
        self.dropped = True
        self.released.set()


class Proxy:
    """A TCP proxy in a thread of its own. The switches may be set at any time, from any thread."""

    host = "127.0.0.1"

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._held: Held | None = None
        self._holds: list[Held] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self._ready: Future[int] = Future()
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self.port = 0
        self.reply_delay_s = 0.0
        self.replies_to_cut = 0
        """So many inserts reach the store, and their answers nobody."""
        self.tokens: list[str] = []
        """The de-duplication token of each insert that came by."""

    def __enter__(self) -> Self:
        self._thread.start()
        self.port = self._ready.result(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.pass_all()
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def hold_next_insert(self) -> Held:
        held = self._held = Held()
        self._holds.append(held)
        return held

    def pass_all(self) -> None:
        self.reply_delay_s, self.replies_to_cut = 0.0, 0
        self._held = None
        for held in self._holds:
            held.let_go()
        self._holds.clear()

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._connected, self.host, 0)
        self._ready.set_result(server.sockets[0].getsockname()[1])
        await self._stop.wait()
        server.close()
        while self._writers:
            for writer in self._writers:
                writer.transport.abort()
            await asyncio.sleep(0.01)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            up_reader, up_writer = await asyncio.open_connection(self.host, self._target_port)
        except OSError:
            writer.transport.abort()
            return
        self._writers.add(writer)
        connection = _Connection(self)
        pumps = [
            asyncio.create_task(connection.requests(reader, up_writer)),
            asyncio.create_task(connection.replies(up_reader, writer)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            for end in (writer, up_writer):
                end.transport.abort()
            self._writers.discard(writer)

    def take_held(self) -> Held | None:
        held, self._held = self._held, None
        return held


class _Connection:
    """One connection. Requests on it come one after the other, so the next bytes back answer the last insert seen."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._is_insert = False

    async def requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held: Held | None = None
        while data := await reader.read(65536):
            if line := _INSERT.match(data):
                self._is_insert = True
                if token := _TOKEN.search(line[0]):
                    self._proxy.tokens.append(unquote(token[1].decode()))
                if held := self._proxy.take_held():
                    data = await _pass_half(data, held, writer)
                    if held.dropped:
                        return
            writer.write(data)
            await writer.drain()
            if held is not None:
                held.passed.set()
                held = None

    async def replies(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if self._is_insert and self._proxy.replies_to_cut > 0:
                self._proxy.replies_to_cut -= 1
                return
            self._is_insert = False
            if self._proxy.reply_delay_s:
                await asyncio.sleep(self._proxy.reply_delay_s)
            writer.write(data)
            await writer.drain()


async def _pass_half(data: bytes, held: Held, writer: asyncio.StreamWriter) -> bytes:
    """As from a sender that stopped in the middle: returns what is still to be sent once it goes on."""
    half = len(data) // 2
    writer.write(data[:half])
    await writer.drain()
    held.seen.set()
    await asyncio.to_thread(held.released.wait)
    return data[half:]
