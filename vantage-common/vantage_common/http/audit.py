"""One record per finished request, for the audit log and for whoever counts."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from typing import TypeAlias

from vantage_common.clock import Clock
from vantage_common.http.address import AddressReader
from vantage_common.http.asgi import App, Message, Receive, Scope, Send, state_of
from vantage_common.telemetry import get_logger


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """What happened, without anything secret: no query string, no header, no body.

    `status` is 0 when the request ended without an answer (the client went away); `received_bytes` as on the wire.
    """

    method: str
    path: str
    status: int
    workspace: str
    key_id: str
    address: str
    received_bytes: int
    duration_ms: float


RecordSink: TypeAlias = Callable[[RequestRecord], None]


def audit_log(routine: Collection[str]) -> RecordSink:
    """A sink that writes one line a request. JSON escapes control characters, so a path cannot forge a line.

    A request to a `routine` path (probes, ingest) is a line for debugging unless it failed.
    """

    def write(record: RequestRecord) -> None:
        level = _audit.debug if record.path in routine and 0 < record.status < 400 else _audit.info
        level("request", **asdict(record))

    return write


_audit = get_logger("vantage.audit")


class AuditMiddleware:
    """Tells every sink of every finished request; outermost, so that refused ones are seen too."""

    def __init__(self, app: App, clock: Clock, address_of: AddressReader, sinks: Sequence[RecordSink]) -> None:
        self._app = app
        self._clock = clock
        self._address_of = address_of
        self._sinks = tuple(sinks)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = state_of(scope)
        started = self._clock.monotonic()
        status = 0

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            record = RequestRecord(
                method=scope["method"],
                path=scope["path"],
                status=status,
                workspace=state.get("workspace", ""),
                key_id=state.get("key_id", ""),
                address=str(self._address_of(scope) or ""),
                received_bytes=state.get("received_bytes", 0),
                duration_ms=round((self._clock.monotonic() - started) * 1000, 3),
            )
            for sink in self._sinks:
                sink(record)
