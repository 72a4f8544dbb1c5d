"""Running a service: signals that stop gracefully, one line for what a person must mend."""

import asyncio
import contextlib
import gc
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any

import uvicorn
import uvloop

from vantage_common.errors import VantageError
from vantage_common.http.asgi import App, Receive, Scope, Send
from vantage_common.http.deadline import DeadlineProtocol
from vantage_common.settings import Settings, load_settings
from vantage_common.telemetry import configure_logging, get_logger

GC_THRESHOLD = 10_000
"""Objects made before the cyclic garbage collector looks at the young ones; Python's own is 700."""
GRACEFUL_S = 5
"""How long open connections may finish after the stop; WebSockets would otherwise hold a service for ever."""


class _Server(uvicorn.Server):
    """Leaves the signals to `run_service`: one process may run several servers and other tasks beside them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Started:
    """An app that remembers why its lifespan failed: uvicorn only logs it and ends as if nothing had happened."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.failure: Exception | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            if scope["type"] == "lifespan":
                self.failure = error
            raise


async def serve_http(app: App, listener: socket.socket, stop: asyncio.Event) -> None:
    """Serves an ASGI app on a bound socket until `stop`, then lets requests finish for `GRACEFUL_S`.

    Raises what the app's lifespan raised.
    """
    started = _Started(app)
    config = uvicorn.Config(
        started,
        loop="uvloop",
        http=DeadlineProtocol,
        ws="websockets-sansio",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws_per_message_deflate=False,  # a tick is floats: compressed for every client anew, it would hardly shrink
        timeout_graceful_shutdown=GRACEFUL_S,
    )
    server = _Server(config)
    serving = asyncio.create_task(_served(server, listener))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await serving
    finally:
        stopping.cancel()
        stop.set()
    if started.failure is not None:
        raise started.failure


async def _served(server: _Server, listener: socket.socket) -> None:
    """A lifespan that fails makes uvicorn leave the whole process in the middle of the loop: not here."""
    with contextlib.suppress(SystemExit):
        await server.serve(sockets=[listener])


async def together(parts: Sequence[Coroutine[Any, Any, None]], stop: asyncio.Event) -> None:
    """Runs the parts until all have ended; the first failure stops the others and is raised, not a group of them."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        stop.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result


def run_service(
    name: str,
    main: Callable[[Settings, asyncio.Event], Coroutine[Any, Any, None]],
    log_file: Callable[[Settings], Path] | None = None,
) -> int:
    """The exit status of a service: 0 after SIGTERM or Ctrl-C, 1 with one line for what a person must mend.

    It logs to stderr, or to the file that `log_file` chooses.
    """
    try:
        settings = load_settings()
        configure_logging(name, debug=settings.debug, file=log_file(settings) if log_file else None)
        uvloop.run(_until_signalled(lambda stop: main(settings, stop)))
    except VantageError as error:
        sys.stderr.write(f"vantage {name}: {error}\n")
        return 1
    return 0


def tame_collector() -> None:
    """What has been imported lives as long as the process, and rows are strings and numbers in lists, which form no
    cycles: looking through it all at Python's own pace costs a fifth of ingest's CPU time, with small records a third.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)


async def _until_signalled(main: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> None:
    tame_collector()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await main(stop)
    get_logger("vantage").info("stopped")
