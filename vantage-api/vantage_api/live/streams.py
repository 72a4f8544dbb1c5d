"""The outboxes of /ws/metrics and /ws/logs: text messages with a filter of the client's own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from vantage_common.block import BlockBody

from vantage_api.live.hub import PATIENCE_MS, Outbox, Payload
from vantage_api.live.state import ServiceView

MAX_LINES: Final = 200
"""Lines in one batch; what comes faster is counted."""
_LOG_FIELDS: Final = ("timestamp", "service_name", "severity", "body", "attributes", "trace_id", "span_id")
_encoder: Final = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Filter:
    """What a client wants to see; None lets everything pass. `text` is sought regardless of case."""

    services: frozenset[str] | None = None
    severities: frozenset[str] | None = None
    text: str | None = None

    def wants_service(self, name: str) -> bool:
        return self.services is None or name in self.services

    def wants_line(self, severity: str, body: str) -> bool:
        return (self.severities is None or severity in self.severities) and (
            self.text is None or self.text in body.casefold()
        )


def filter_of(services: Sequence[str] | None, severities: Sequence[str] | None, text: str | None) -> Filter:
    """The filter of a subscribe message; an empty value clears its part."""
    return Filter(
        frozenset(services) if services else None,
        frozenset(severity.upper() for severity in severities) if severities else None,
        text.casefold() if text else None,
    )


class FilteredOutbox(Outbox):
    """Behind when what waits has not been taken for `PATIENCE_MS`."""

    def __init__(self) -> None:
        super().__init__()
        self.filter = Filter()
        self._waiting_since_ms: int | None = None

    def is_behind(self, now_ms: int) -> bool:
        return self._waiting_since_ms is not None and now_ms - self._waiting_since_ms >= PATIENCE_MS

    def _waits(self, now_ms: int) -> None:
        if self._waiting_since_ms is None:
            self._waiting_since_ms = now_ms
        self._ready.set()


class LogOutbox(FilteredOutbox):
    def __init__(self) -> None:
        super().__init__()
        self._lines: list[dict[str, Any]] = []
        self._dropped = 0

    def put(self, body: BlockBody, now_ms: int) -> None:
        """The lines of a block that the client wants."""
        columns = body.columns
        for row, service in enumerate(columns["service_name"]):
            if not self.filter.wants_service(service):
                continue
            if not self.filter.wants_line(columns["severity"][row], columns["body"][row]):
                continue
            if len(self._lines) == MAX_LINES:
                self._dropped += 1
            else:
                self._lines.append({name: columns[name][row] for name in _LOG_FIELDS})
        if self._lines:
            self._waits(now_ms)

    def _drain(self) -> list[Payload]:
        message = {"type": "logs", "data": self._lines, "dropped": self._dropped}
        self._lines, self._dropped, self._waiting_since_ms = [], 0, None
        return [_encoder.encode(message).decode()]


class MetricsOutbox(FilteredOutbox):
    """Of each service only the latest update waits."""

    def __init__(self) -> None:
        super().__init__()
        self._updates: dict[int, str] = {}
        self._heartbeat: str | None = None

    def put(self, updates: Sequence["MetricUpdate"], heartbeat: str | None, now_ms: int) -> None:
        wanted = {update.slot: update.text for update in updates if self.filter.wants_service(update.service_name)}
        self._updates |= wanted
        self._heartbeat = heartbeat or self._heartbeat
        if wanted or heartbeat:
            self._waits(now_ms)

    def _drain(self) -> list[Payload]:
        payloads: list[Payload] = [*self._updates.values()]
        if self._heartbeat is not None:
            payloads.append(self._heartbeat)
        self._updates, self._heartbeat, self._waiting_since_ms = {}, None, None
        return payloads


@dataclass(frozen=True, slots=True)
class MetricUpdate:
    """One service's message, encoded once for all clients."""

    slot: int
    service_name: str
    text: str


def metric_update(view: ServiceView, now_ms: int) -> MetricUpdate:
    measured, key = view.measured, view.building.key
    data = {
        "service_name": key.name,
        "environment": key.environment,
        "timestamp": now_ms,
        "requests_per_second": measured.rps,
        "error_ratio": measured.error_ratio,
        "p95_ms": measured.p95_ms,
        "pods": measured.pods,
        "health_score": measured.health.score,
        "status": measured.health.status,
    }
    text = _encoder.encode({"type": "metric_update", "data": data}).decode()
    return MetricUpdate(view.building.slot, key.name, text)


def heartbeat(now_ms: int) -> str:
    return _encoder.encode({"type": "heartbeat", "server_time": now_ms}).decode()
