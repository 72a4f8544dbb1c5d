"""The messages of the text streams, encoded once for all clients. What people named is inert: a JSON string."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from vantage_common.block import BlockBody

from vantage_api.live.ring import Event
from vantage_api.live.service import Measured
from vantage_api.live.state import ServiceView

_LOG_FIELDS: Final = (
    "timestamp",
    "service_name",
    "environment",
    "severity",
    "body",
    "attributes",
    "trace_id",
    "span_id",
)
_encoder: Final = msgspec.json.Encoder()


def encoded(message: Mapping[str, Any]) -> str:
    return _encoder.encode(message).decode()


def metric_update(view: ServiceView, now_ms: int) -> Event:
    """What a service shows, for /ws/metrics."""
    key = view.building.key
    head = {"service_name": key.name, "environment": key.environment, "timestamp": now_ms}
    measured = view.measured
    data = head | {
        "requests_per_second": measured.rps,
        "error_ratio": measured.error_ratio,
        "p95_ms": measured.p95_ms,
        "pods": measured.pods,
        "health_score": measured.health.score,
        "status": measured.health.status,
    }
    text = encoded({"type": "metric_update", "data": data})
    return Event("metric_update", text, slot=view.building.slot, service=key.name, environment=key.environment)


def heartbeat(now_ms: int) -> Event:
    return Event("heartbeat", encoded({"type": "heartbeat", "server_time": now_ms}))


def log_lines(body: BlockBody) -> list[Event]:
    """The lines of a block, one event each."""
    columns = body.columns
    return [
        Event(
            "log",
            encoded({name: columns[name][row] for name in _LOG_FIELDS}),
            service=service,
            environment=columns["environment"][row],
            severity=columns["severity"][row],
            line=columns["body"][row].casefold(),
        )
        for row, service in enumerate(columns["service_name"])
    ]


def city_hello(hello: Mapping[str, Any]) -> Event:
    return Event("hello", encoded(hello))


def city_registry(change: Mapping[str, Any]) -> Event:
    """A registry message. `parts` are the slots that it gives to another service or takes from one."""
    services = change["services"]
    slots = [*services["remove"], *(service["slot"] for service in services["upsert"])]
    return Event("registry", encoded(change), parts=dict.fromkeys(slots, ""))


def city_status(status: Mapping[str, Any]) -> Event:
    return Event("status", encoded(status))


def city_tick(views: Iterable[ServiceView], now_ms: int) -> Event:
    """The entries of services that show something else than before; `text` is the beginning, `parts` the entries."""
    parts = {view.building.slot: _entry(view.building.slot, view.measured) for view in views}
    return Event("tick", f'{{"type":"tick","server_time":{now_ms},"services":[', parts=parts)


def whole_tick(views: Iterable[ServiceView], now_ms: int, id_: str) -> Event:
    """Every service's entry, ready to be sent: for one who comes now, and may come back to where the stream stands."""
    entries = ",".join(_entry(view.building.slot, view.measured) for view in views)
    text = f'{{"seq":"{id_}","type":"tick","server_time":{now_ms},"services":[{entries}]}}'
    return Event("tick", text, id=id_)


def alert(event: Mapping[str, Any]) -> Event:
    """What happened to an alert; its `service_name` and `environment`, where it has them, are what filters look at."""
    return Event(
        "alert",
        encoded({"type": "alert", "data": event}),
        service=str(event.get("service_name", "")),
        environment=str(event.get("environment", "")),
    )


def _entry(slot: int, measured: Measured) -> str:
    return encoded(
        {
            "slot": slot,
            "pods": measured.pods,
            "rps": measured.rps,
            "error_ratio": measured.error_ratio,
            "p95_ms": measured.p95_ms,
            "health_score": measured.health.score,
            "status": measured.health.status,
        }
    )
