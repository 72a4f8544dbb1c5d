"""Connections to an engine that serve one call at a time, lent to calls that run in threads."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, Protocol, TypeVar

from vantage_common.errors import StoreUnavailable


class Closable(Protocol):
    def close(self) -> None: ...


C = TypeVar("C", bound=Closable)
T = TypeVar("T")

CLOSE_WITHIN_S = 10.0


class Pool(Generic[C]):
    """Clients that are lent out one call at a time; the one used last goes first, so an idle store has few.

    `opened` is one that exists already; the others are made when they are first needed.
    """

    def __init__(
        self, connect: Callable[[], C], size: int, threads: ThreadPoolExecutor, opened: C | None = None
    ) -> None:
        self._connect = connect
        self._threads = threads
        self._free: asyncio.LifoQueue[C | None] = asyncio.LifoQueue()
        self._size = size
        self._closed = False
        for client in (*[None] * (size - 1), opened):
            self._free.put_nowait(client)

    async def submit(self, work: Callable[[C], T]) -> "asyncio.Future[T]":
        """Starts `work` with the next free client. The client comes back when the work has ended, even if nobody
        waits for the future any more. Raises StoreUnavailable when the store is closed."""
        self._check_open()
        client = await self._free.get()
        try:
            self._check_open()
        except StoreUnavailable:
            self._free.put_nowait(client)
            raise
        kept: list[C | None] = [client]

        def call() -> T:
            kept[0] = current = kept[0] or self._connect()
            return work(current)

        future = asyncio.get_running_loop().run_in_executor(self._threads, call)
        future.add_done_callback(lambda done: self._give_back(done, kept[0]))
        return future

    async def run(self, work: Callable[[C], T]) -> T:
        """The result of `work`. When the caller is cancelled, the work still ends before its client is lent again."""
        return await asyncio.shield(await self.submit(work))

    async def close(self) -> None:
        """Closes every client, waiting for those at work up to a limit."""
        self._closed = True
        for _ in range(self._size):
            try:
                client = await asyncio.wait_for(self._free.get(), CLOSE_WITHIN_S)
            except TimeoutError:
                return
            if client is not None:
                await asyncio.get_running_loop().run_in_executor(self._threads, client.close)

    def _check_open(self) -> None:
        if self._closed:
            raise StoreUnavailable("the store is closed")

    def _give_back(self, done: "asyncio.Future[Any]", client: C | None) -> None:
        if not done.cancelled():
            done.exception()
        self._free.put_nowait(client)
