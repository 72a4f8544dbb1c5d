"""The three WebSockets: who may listen, what a client may say, and one task that writes while another reads."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, TypeVar
from urllib.parse import urlsplit

import msgspec
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from vantage_common.clock import Clock
from vantage_common.errors import UserError
from vantage_common.http.keys import Keyring

from vantage_api.live.channel import RESET, Channel
from vantage_api.live.feed import Live
from vantage_api.live.hub import CityOutbox, Hub, Outbox
from vantage_api.live.outboxes import LogOutbox, MetricsOutbox, filter_of
from vantage_api.live.ring import Event
from vantage_api.metrics import ApiMetrics

AUTH_WITHIN_S: Final = 10.0
GOODBYE_WITHIN_S: Final = 1.0
LOG_BATCH_EVERY_S: Final = 0.25
MAX_MESSAGE: Final = 64 * 1024
_POLICY_VIOLATION: Final = 1008
_TRY_AGAIN_LATER: Final = 1013
_encoder: Final = msgspec.json.Encoder()


class Auth(msgspec.Struct, tag_field="type", tag="auth"):
    api_key: str = ""


class Subscribe(msgspec.Struct, tag_field="type", tag="subscribe"):
    """Which services, environments, severities and text to send; all when left out."""

    services: list[str] | None = None
    environments: list[str] | None = None
    severities: list[Literal["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]] | None = None
    text: str | None = None


class Resume(msgspec.Struct, tag_field="type", tag="resume"):
    """`seq` of the last message the client has had, before it was cut off."""

    seq: str


ClientMessage: TypeAlias = Auth | Subscribe | Resume
Listen: TypeAlias = Callable[[ClientMessage], str | None]
"""Follows what a client says once it is in; what is returned is said back at once."""

_decoder: Final[msgspec.json.Decoder[ClientMessage]] = msgspec.json.Decoder(ClientMessage)
Box = TypeVar("Box", bound=Outbox[Any])
TextBox = TypeVar("TextBox", MetricsOutbox, LogOutbox)


@dataclass(frozen=True, slots=True)
class Door:
    """Who may come in: `origins` are those of other sites' pages; the API's own host always may."""

    keyring: Keyring
    origins: frozenset[str]
    metrics: ApiMetrics

    def admits_origin(self, socket: WebSocket) -> bool:
        """Whether the page that opens the socket is one of ours. A program sends no Origin and is judged by its key.

        Browsers let any page open a WebSocket to any host: without this check every site a developer visits could
        read the city on localhost.
        """
        origin = socket.headers.get("origin")
        if origin is None or "*" in self.origins or origin in self.origins:
            return True
        return urlsplit(origin).netloc == socket.headers.get("host")


def router(live: Live, door: Door, clock: Clock) -> APIRouter:
    routes = APIRouter()

    @routes.websocket("/ws/city")
    async def city(socket: WebSocket) -> None:
        async def enter(workspace: str) -> tuple[CityOutbox, Listen]:
            box = await live.join_city(workspace)
            return box, lambda message: live.tell_again(workspace, box) if isinstance(message, Resume) else None

        await _serve(socket, door, "city", live.city_clients, enter, pause_s=0.0)

    @routes.websocket("/ws/metrics")
    async def metrics(socket: WebSocket) -> None:
        enter = _entrance(live.metric_events, MetricsOutbox, clock)
        await _serve(socket, door, "metrics", live.metric_events, enter, pause_s=0.0)

    @routes.websocket("/ws/logs")
    async def logs(socket: WebSocket) -> None:
        enter = _entrance(live.log_events, LogOutbox, clock)
        await _serve(socket, door, "logs", live.log_events, enter, pause_s=LOG_BATCH_EVERY_S)

    return routes


def _entrance(
    channel: Channel[TextBox], make: Callable[[], TextBox], clock: Clock
) -> Callable[[str], Awaitable[tuple[TextBox, Listen]]]:
    """How a client enters a text stream, and what comes of its words."""

    async def enter(workspace: str) -> tuple[TextBox, Listen]:
        box = make()
        channel.enter(workspace, box, clock.now_ms())
        has_resumed = False

        def listen(message: ClientMessage) -> str | None:
            nonlocal has_resumed
            if isinstance(message, Subscribe):
                box.filter = filter_of(message.services, message.severities, message.text, message.environments)
            elif isinstance(message, Resume):
                if has_resumed:
                    raise UserError("resumed_already", "a connection resumes once, before anything else")
                has_resumed = True
                if not channel.resume(workspace, box, message.seq):
                    return RESET.text
            return None

        return box, listen

    return enter


async def _serve(
    socket: WebSocket,
    door: Door,
    stream: str,
    hub: Hub[Box],
    enter: Callable[[str], Awaitable[tuple[Box, Listen]]],
    *,
    pause_s: float,
) -> None:
    """One client from its first word to its last. Returns when it has left, or was shown out."""
    if not door.admits_origin(socket):
        await socket.close(_POLICY_VIOLATION)
        return
    await socket.accept()
    gauge = door.metrics.sockets.labels(stream)
    with contextlib.suppress(WebSocketDisconnect), gauge.track_inprogress():
        workspace = await _authenticated(socket, door.keyring)
        if workspace is None:
            return
        try:
            hub.check_room(workspace)
        except UserError as error:
            await socket.close(_TRY_AGAIN_LATER, error.code)
            return
        box, listen = await enter(workspace)
        try:
            await _converse(socket, box, listen, pause_s)
        finally:
            hub.leave(workspace, box)


async def _authenticated(socket: WebSocket, keyring: Keyring) -> str | None:
    """The workspace of the key in the first message; None when there was no good one, and the socket is closed."""
    if keyring.is_open:
        return keyring.authenticate(None, "query").workspace
    try:
        async with asyncio.timeout(AUTH_WITHIN_S):
            message = _understood(await _received(socket))
        key = message.api_key if isinstance(message, Auth) else None
        return keyring.authenticate(key, "query").workspace
    except TimeoutError:
        refusal = UserError("missing_key", f"no auth message within {AUTH_WITHIN_S:g} s", status=401)
    except UserError as error:
        refusal = error
    await socket.send_text(_error_text(refusal))
    await socket.close(_POLICY_VIOLATION, refusal.code)
    return None


async def _converse(socket: WebSocket, box: Outbox[Any], listen: Listen, pause_s: float) -> None:
    """Writes and reads until the client leaves, or its outbox is expelled."""
    writing = asyncio.create_task(_write(socket, box, pause_s))
    reading = asyncio.create_task(_read(socket, listen))
    expelled = asyncio.create_task(box.expelled.wait())
    tasks: set[asyncio.Task[object]] = {writing, reading, expelled}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if box.expelled.is_set():
        await _within_goodbye(socket.send_text('{"type":"lagging"}'))
        await _within_goodbye(socket.close(_TRY_AGAIN_LATER, "lagging"))
        return
    for task in (reading, writing):
        if not task.cancelled() and (failure := task.exception()) is not None:
            raise failure


async def _within_goodbye(step: Awaitable[None]) -> None:
    """A client that reads nothing cannot be told so; it is left to the closing of the connection."""
    with contextlib.suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
        async with asyncio.timeout(GOODBYE_WITHIN_S):
            await step


async def _write(socket: WebSocket, box: Outbox[Any], pause_s: float) -> None:
    while True:
        for payload in await box.take():
            if isinstance(payload, bytes):
                await socket.send_bytes(payload)
            else:
                await socket.send_text(payload.text if isinstance(payload, Event) else payload)
        await asyncio.sleep(pause_s)


async def _read(socket: WebSocket, listen: Listen) -> None:
    """Follows what the client says. What is not understood is answered; the socket stays."""
    while True:
        try:
            answer = listen(_understood(await _received(socket)))
        except UserError as error:
            answer = _error_text(error)
        if answer is not None:
            await socket.send_text(answer)


async def _received(socket: WebSocket) -> str | bytes:
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005))
    text: str | None = message.get("text")
    return text if text is not None else bytes(message.get("bytes") or b"")


def _understood(data: str | bytes) -> ClientMessage:
    """The message. Raises UserError for what is none."""
    if len(data) > MAX_MESSAGE:
        raise UserError("message_too_large", f"a message has at most {MAX_MESSAGE} bytes")
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UserError("invalid_message", f"message not understood: {error}") from None


def _error_text(error: UserError) -> str:
    return _encoder.encode(error.as_body()).decode()
