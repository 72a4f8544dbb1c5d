"""The outboxes of the text streams. WebSocket and SSE empty them alike; each has its own rule for who lags."""

from abc import abstractmethod
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from vantage_api.live.hub import PATIENCE_MS, Outbox
from vantage_api.live.ring import Event

MAX_LINES: Final = 200
"""Lines in one batch; what comes faster is counted."""
MAX_WAITING_ALERTS: Final = 1000
MAX_WAITING_REGISTRY: Final = 8 << 20
"""Characters. Neither kind is ever left out: a client that lets more wait is closed, and resumes."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What a client wants to see; None lets everything pass. `text` is sought regardless of case."""

    services: frozenset[str] | None = None
    environments: frozenset[str] | None = None
    severities: frozenset[str] | None = None
    text: str | None = None

    def wants(self, event: Event) -> bool:
        return (
            (self.services is None or event.service in self.services)
            and (self.environments is None or event.environment in self.environments)
            and (self.severities is None or event.severity in self.severities)
            and (self.text is None or self.text in event.line)
        )


EVERYTHING: Final = Filter()


def filter_of(
    services: Sequence[str] | None = None,
    severities: Sequence[str] | None = None,
    text: str | None = None,
    environments: Sequence[str] | None = None,
) -> Filter:
    """The filter of a subscribe message; an empty value clears its part."""
    return Filter(
        services=frozenset(services) if services else None,
        environments=frozenset(environments) if environments else None,
        severities=frozenset(severity.upper() for severity in severities) if severities else None,
        text=text.casefold() if text else None,
    )


class EventOutbox(Outbox[Event]):
    """Behind when what waits has not been taken for `PATIENCE_MS`."""

    def __init__(self, chosen: Filter = EVERYTHING) -> None:
        super().__init__()
        self.filter = chosen
        self.entered_at = 0
        """Where the stream stood when the client came."""
        self._told: list[Event] = []
        self._missed: list[Event] = []
        self._waiting_since_ms: int | None = None

    @abstractmethod
    def put(self, events: Sequence[Event], now_ms: int) -> None:
        """Events of the stream, in their order."""

    def tell(self, event: Event) -> None:
        """A word to this client, ahead of all that waits."""
        self._told.append(event)
        self._ready.set()

    def replay(self, missed: Sequence[Event]) -> None:
        """What was sent before the client came, ahead of what is sent since."""
        self._missed = list(missed)
        self._ready.set()

    def is_behind(self, now_ms: int) -> bool:
        return self._waiting_since_ms is not None and now_ms - self._waiting_since_ms >= PATIENCE_MS

    def _drain(self) -> list[Event]:
        told, missed = self._told, self._missed
        self._told, self._missed, self._waiting_since_ms = [], [], None
        return [*told, *self._arranged(missed), *self._taken()]

    @abstractmethod
    def _arranged(self, missed: Sequence[Event]) -> list[Event]:
        """What is sent of events that the client has missed."""

    @abstractmethod
    def _taken(self) -> list[Event]:
        """What waits, which then waits no more."""

    def _waits(self, now_ms: int) -> None:
        if self._waiting_since_ms is None:
            self._waiting_since_ms = now_ms
        self._ready.set()


class MetricsOutbox(EventOutbox):
    """Of each service only the latest update waits."""

    def __init__(self, chosen: Filter = EVERYTHING) -> None:
        super().__init__(chosen)
        self._updates: Sequence[Event] = ()

    def put(self, events: Sequence[Event], now_ms: int) -> None:
        if self._updates:
            latest = {event.slot: event for event in self._updates}
            for event in events:
                latest.pop(event.slot, None)
                latest[event.slot] = event
            self.losses.conflated += len(self._updates) + len(events) - len(latest)
            self._updates = list(latest.values())
        else:
            self._updates = events
        self._waits(now_ms)

    def _arranged(self, missed: Sequence[Event]) -> list[Event]:
        return [event for event in missed if self.filter.wants(event)]

    def _taken(self) -> list[Event]:
        taken, self._updates = self._arranged(self._updates), ()
        return taken


class LogOutbox(EventOutbox):
    """Lines are sent in batches; those that come faster than they are taken are counted."""

    def __init__(self, chosen: Filter = EVERYTHING) -> None:
        super().__init__(chosen)
        self._lines: list[Event] = []
        self._dropped = 0
        self._newest = ""

    def put(self, events: Sequence[Event], now_ms: int) -> None:
        wanted = [event for event in events if self.filter.wants(event)]
        if not wanted:
            return
        room = MAX_LINES - len(self._lines)
        self._lines.extend(wanted[:room])
        left_out = len(wanted[room:])
        self._dropped += left_out
        self.losses.dropped += left_out
        self._newest = wanted[-1].id
        self._waits(now_ms)

    def _arranged(self, missed: Sequence[Event]) -> list[Event]:
        wanted = [event for event in missed if self.filter.wants(event)]
        batches = [wanted[start : start + MAX_LINES] for start in range(0, len(wanted), MAX_LINES)]
        return [_batch(lines, 0, lines[-1].id) for lines in batches]

    def _taken(self) -> list[Event]:
        if not self._lines:
            return []
        batch = _batch(self._lines, self._dropped, self._newest)
        self._lines, self._dropped = [], 0
        return [batch]


def _batch(lines: Sequence[Event], dropped: int, newest_id: str) -> Event:
    """Lines as one message; a client that resumes after it has had those that were left out counted already."""
    data = ",".join(line.text for line in lines)
    return Event("logs", f'{{"type":"logs","seq":"{newest_id}","dropped":{dropped},"data":[{data}]}}', id=newest_id)


class DeltaOutbox(EventOutbox):
    """The city in JSON: registry messages in order, the latest status, and of every service its latest entry.

    Only the last message that is taken bears an id: one that broke off in between resumes before them all, for of
    those that were merged none can be told apart.
    """

    def __init__(self, chosen: Filter = EVERYTHING) -> None:
        super().__init__(chosen)
        self._waiting: list[Event] = []
        self._waiting_size = 0

    def put(self, events: Sequence[Event], now_ms: int) -> None:
        for event in events:
            if event.name == "registry":
                self._waiting_size += len(event.text)
        self._waiting.extend(events)
        if len(self._waiting) > _MERGE_FROM:
            before = len(self._waiting)
            self._waiting = merged_city(self._waiting)
            self.losses.conflated += before - len(self._waiting)
        self._waits(now_ms)

    def is_behind(self, now_ms: int) -> bool:
        return super().is_behind(now_ms) or self._waiting_size > MAX_WAITING_REGISTRY

    def _arranged(self, missed: Sequence[Event]) -> list[Event]:
        found = [_finished(event) for event in merged_city(missed)]
        return [*(replace(event, id="") for event in found[:-1]), *found[-1:]]

    def _taken(self) -> list[Event]:
        waiting, self._waiting, self._waiting_size = self._waiting, [], 0
        return self._arranged(waiting)


_MERGE_FROM: Final = 8


def merged_city(events: Sequence[Event]) -> list[Event]:
    """The same city in fewer messages: every registry message, the last status, and one tick with the newest entries.

    An entry of before its slot was given to another service is left out: `parts` of a registry message are the slots
    that it is about.
    """
    registry: list[Event] = []
    status: Event | None = None
    tick: Event | None = None
    entries: dict[int, str] = {}
    for event in events:
        match event.name:
            case "registry":
                registry.append(event)
                for slot in event.parts:
                    entries.pop(slot, None)
            case "status":
                status = event
            case _:
                tick = event
                entries |= event.parts
    merged = [*registry, *([] if status is None else [status])]
    return merged if tick is None else [*merged, replace(tick, parts=entries)]


def _finished(event: Event) -> Event:
    """A tick gets its entries; everything else is whole already."""
    if event.name != "tick":
        return event
    return replace(event, text=f"{event.text}{','.join(event.parts.values())}]}}", parts={})


class AlertOutbox(EventOutbox):
    """Nothing is left out: a client that lets too many wait is closed, and resumes."""

    def __init__(self, chosen: Filter = EVERYTHING) -> None:
        super().__init__(chosen)
        self._alerts: deque[Event] = deque()

    def put(self, events: Sequence[Event], now_ms: int) -> None:
        self._alerts.extend(event for event in events if self.filter.wants(event))
        if self._alerts:
            self._waits(now_ms)

    def is_behind(self, now_ms: int) -> bool:
        return super().is_behind(now_ms) or len(self._alerts) > MAX_WAITING_ALERTS

    def _arranged(self, missed: Sequence[Event]) -> list[Event]:
        return [event for event in missed if self.filter.wants(event)]

    def _taken(self) -> list[Event]:
        taken = list(self._alerts)
        self._alerts.clear()
        return taken
