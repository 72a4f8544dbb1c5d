"""Server-sent events: one client's stream from its first event to its last. The only place that imports sse_starlette.

A client that reads nothing blocks the sending, which ends after `PATIENCE_MS` with its connection; one that reads too
slowly is told `lagging` and closed. An EventSource comes back by itself, with the last id it has seen.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from prometheus_client import Counter, Gauge
from sse_starlette.event import ServerSentEvent
from sse_starlette.sse import EventSourceResponse, SendTimeoutError
from starlette.types import Receive, Scope, Send
from vantage_common.clock import Clock
from vantage_common.http.deadline import ABORT

from vantage_api.live.hub import PATIENCE_MS
from vantage_api.live.outboxes import EventOutbox
from vantage_api.live.ring import Event
from vantage_api.live.streams import heartbeat

HEARTBEAT_S: Final = 15
RETRY_MS: Final = 2000
"""How long an EventSource waits before it comes back."""
LAGGING: Final = Event("lagging", '{"type":"lagging"}')
_SEPARATOR: Final = "\n"


class EventStream(EventSourceResponse):
    """Sends what is put into `box` until the client leaves or is shown out; then calls `leave`, once."""

    def __init__(
        self, box: EventOutbox, leave: Callable[[], None], clock: Clock, *, connections: Gauge, expelled: Counter
    ) -> None:
        super().__init__(
            _events(box),
            ping=HEARTBEAT_S,
            ping_message_factory=lambda: _server_sent(heartbeat(clock.now_ms())),
            send_timeout=PATIENCE_MS / 1000,
            sep=_SEPARATOR,
        )
        self._box = box
        self._leave = leave
        self._connections = connections
        self._expelled = expelled

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with self._connections.track_inprogress():
                await super().__call__(scope, receive, send)
        except SendTimeoutError:
            if not self._box.expelled.is_set():
                self._expelled.inc()
            await _abort(scope)
        finally:
            self._leave()


async def _events(box: EventOutbox) -> AsyncIterator[bytes]:
    yield f"retry: {RETRY_MS}\n\n".encode()
    while not box.expelled.is_set():
        events = await box.take()
        if events:
            yield b"".join(encoded_event(event) for event in events)
    yield encoded_event(LAGGING)


def encoded_event(event: Event) -> bytes:
    """The event as it travels. Its text is JSON, which has no line break of its own."""
    return _server_sent(event).encode()


def _server_sent(event: Event) -> ServerSentEvent:
    return ServerSentEvent(event.text, event=event.name, id=event.id or None, sep=_SEPARATOR)


async def _abort(scope: Scope) -> None:
    """Ends the connection at once: closed in the usual way it would wait for ever for the client to read the rest."""
    extension: dict[str, Any] | None = scope.get("extensions", {}).get(ABORT)
    if extension is not None:
        extension["abort"]()
        await asyncio.sleep(0)  # the server learns of it before the app returns without having finished
