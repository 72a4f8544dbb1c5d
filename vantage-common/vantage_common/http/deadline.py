"""uvicorn's HTTP protocol with the deadlines it lacks: a silent or trickling client cannot hold a socket for ever.

The body of a request has its deadline in body.py; here are the times when no request is running.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER_DEADLINE_S = 10.0
"""From the connection, or the first byte of a later request, to the last header."""
LINGER_S = 5.0
"""How long a body may go on after its request was answered (413, 401…). It is read and dropped meanwhile: closing at
once would reset the connection, and many a client would then lose the answer."""

ABORT: Final = "vantage.abort"
"""In ``scope["extensions"]``: ``{"abort": call}`` ends the connection without waiting for what is still to be sent. A
client that has stopped reading would hold a connection that is closed in any other way."""


class DeadlineProtocol(HttpToolsProtocol):
    """Pass as ``http=`` to uvicorn.Config."""

    header_deadline_s = HEADER_DEADLINE_S
    linger_s = LINGER_S
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._close_after(self.header_deadline_s)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._close_after(self.header_deadline_s)

    def on_headers_complete(self) -> None:
        self._disarm()
        self.scope["extensions"] = {ABORT: {"abort": self.transport.abort}}
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete and self.cycle.more_body:
            self._close_after(self.linger_s)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if self.cycle is not None and self.cycle.response_complete:
            # The rest of a body that was answered early has arrived: an idle connection like any other.
            self._close_after(self.timeout_keep_alive)

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def _close_after(self, seconds: float) -> None:
        self._disarm()
        self._timer = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
