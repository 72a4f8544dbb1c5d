"""Nobody waits: what a client asked for is given up when it goes away.

Cancelling the route cancels what it awaits, down to the store, which kills the query in the engine.
"""

import asyncio
from typing import Final

from vantage_common.http.asgi import App, Message, Receive, Scope, Send
from vantage_common.telemetry import get_logger

_MOST_MESSAGES: Final = 16
_log = get_logger(__name__)


class GiveUpWhenGone:
    """ASGI middleware. It listens for the client until the answer begins; a stream listens for itself from then on."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        messages: asyncio.Queue[Message] = asyncio.Queue(_MOST_MESSAGES)
        is_answering = False

        async def told(message: Message) -> None:
            nonlocal is_answering
            is_answering = True
            await send(message)

        async def heard() -> Message:
            return await messages.get()

        working = asyncio.ensure_future(self._app(scope, heard, told))
        listening = asyncio.create_task(_listen(receive, messages))
        try:
            await asyncio.wait({working, listening}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done() and not is_answering:
                _log.info("given up: the client went away", path=scope["path"])
                working.cancel()
                await asyncio.wait({working})
                return
            await working
        finally:
            listening.cancel()
            if not working.done():
                working.cancel()
                await asyncio.wait({working})


async def _listen(receive: Receive, messages: "asyncio.Queue[Message]") -> None:
    """Passes on what comes, and ends when the client has gone."""
    while True:
        message = await receive()
        await messages.put(message)
        if message["type"] == "http.disconnect":
            return
