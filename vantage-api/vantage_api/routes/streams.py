"""The live streams as server-sent events, GET /api/stream/…, and the tickets that open them."""

from collections.abc import Callable
from typing import Annotated, Final, Literal, TypeVar

from fastapi import APIRouter, Depends, Header, Query, Request
from starlette.responses import Response
from vantage_common.http.asgi import state_of
from vantage_common.http.keys import presented_key

from vantage_api.live.channel import RESET, Channel
from vantage_api.live.outboxes import AlertOutbox, EventOutbox, Filter, LogOutbox, MetricsOutbox, filter_of
from vantage_api.live.sse import EventStream
from vantage_api.live.tickets import TICKET_S, Bearer, Tickets
from vantage_api.models import Model
from vantage_api.parts import Parts, workspace

PREFIX: Final = "/api/stream/"
MAX_NAMES: Final = 100
Name = Annotated[str, Query(max_length=200)]
Names = Annotated[list[Name] | None, Query(max_length=MAX_NAMES)]
Severity = Literal["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]
Severities = Annotated[list[Severity] | None, Query(max_length=6)]
Since = Annotated[
    str | None, Query(max_length=64, description="id of the last event that was seen; as the header Last-Event-ID")
]
LastEventId = Annotated[str | None, Header(alias="Last-Event-ID", max_length=64)]
TicketText = Annotated[str | None, Query(max_length=100, description="from POST /api/stream/ticket")]
Listener = TypeVar("Listener", bound=EventOutbox)


class EventsBody(Response):
    """What the OpenAPI document says of a stream."""

    media_type = "text/event-stream"


class Ticket(Model):
    ticket: str
    expires_in_s: int


class Listening:
    """What every stream is asked with."""

    def __init__(
        self,
        service: Names = None,
        environment: Names = None,
        since: Since = None,
        ticket: TicketText = None,
        last_event_id: LastEventId = None,
    ) -> None:
        self.services = service
        self.environments = environment
        self.last_id = last_event_id or since
        self.ticket = ticket

    def filter(self, severities: list[Severity] | None = None, text: str | None = None) -> Filter:
        return filter_of(self.services, severities, text, self.environments)


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(tags=["streams"])
    tickets = Tickets(parts.clock)
    desk = _Desk(parts, tickets)

    @routes.post("/api/stream/ticket")
    async def stream_ticket(request: Request, tenant: Annotated[str, Depends(workspace)]) -> Ticket:
        """A ticket that opens one stream within 30 s: an EventSource cannot send a key."""
        key_id = str(state_of(request.scope).get("key_id", ""))
        return Ticket(ticket=tickets.issue(Bearer(tenant, key_id)), expires_in_s=TICKET_S)

    @routes.get("/api/stream/metrics", response_class=EventsBody)
    async def stream_metrics(request: Request, asked: Annotated[Listening, Depends()]) -> Response:
        """What every service shows, once a second: the messages of /ws/metrics."""
        return desk.open(request, asked, "metrics", parts.live.metric_events, MetricsOutbox(asked.filter()))

    @routes.get("/api/stream/logs", response_class=EventsBody)
    async def stream_logs(
        request: Request,
        asked: Annotated[Listening, Depends()],
        severity: Severities = None,
        text: Annotated[str | None, Query(max_length=1000, description="part of the line, in any case")] = None,
    ) -> Response:
        """Log lines as they come, in batches: the messages of /ws/logs."""
        chosen = asked.filter(severity, text)
        return desk.open(request, asked, "logs", parts.live.log_events, LogOutbox(chosen))

    @routes.get("/api/stream/alerts", response_class=EventsBody)
    async def stream_alerts(request: Request, asked: Annotated[Listening, Depends()]) -> Response:
        """What happens to alerts, as it happens."""
        return desk.open(request, asked, "alerts", parts.live.alert_events, AlertOutbox(asked.filter()))

    @routes.get("/api/stream/city", response_class=EventsBody)
    async def stream_city(
        request: Request, since: Since = None, ticket: TicketText = None, last_event_id: LastEventId = None
    ) -> Response:
        """The city in JSON: `hello` and a `tick` with every service, then what changes."""
        tenant = desk.admit(request, ticket)
        channel = parts.live.city_events
        channel.check_room(tenant)
        box = await parts.live.join_deltas(tenant, last_event_id or since)
        return desk.stream("city", box, lambda: channel.leave(tenant, box))

    return routes


class _Desk:
    """Lets clients in, and hands out their streams."""

    def __init__(self, parts: Parts, tickets: Tickets) -> None:
        self._parts = parts
        self._tickets = tickets

    def admit(self, request: Request, ticket: str | None) -> str:
        """The workspace of the ticket or the key. Raises UserError 401 or 403."""
        if ticket is not None:
            bearer = self._tickets.use(ticket)
        else:
            key = self._parts.keyring.authenticate(presented_key(request.scope), "query")
            bearer = Bearer(key.workspace, key.id)
        state_of(request.scope).update(workspace=bearer.workspace, key_id=bearer.key_id)
        return bearer.workspace

    def open(
        self, request: Request, asked: Listening, name: str, channel: Channel[Listener], box: Listener
    ) -> EventStream:
        tenant = self.admit(request, asked.ticket)
        channel.check_room(tenant)
        channel.enter(tenant, box, self._parts.clock.now_ms())
        if asked.last_id is not None and not channel.resume(tenant, box, asked.last_id):
            box.tell(RESET)
        return self.stream(name, box, lambda: channel.leave(tenant, box))

    def stream(self, name: str, box: EventOutbox, leave: Callable[[], None]) -> EventStream:
        metrics = self._parts.metrics
        return EventStream(
            box,
            leave,
            self._parts.clock,
            connections=metrics.event_streams.labels(name),
            expelled=metrics.clients_expelled.labels(name),
        )
