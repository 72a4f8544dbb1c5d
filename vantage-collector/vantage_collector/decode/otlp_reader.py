"""What the readers of OTLP's three signals share: limits, resources, attributes and times.

The items are protobuf messages (otlp.py) or their JSON twins (otlp_json.py), which have the same fields; a `Wire` says
how the few things are read that the two encode differently. One bad item is counted in `Refused` and the others go on.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from msgspec import json
from vantage_common.errors import UserError

from vantage_collector.decode.check import MAX_ATTRIBUTE_BYTES, MAX_TEXT_BYTES, NAME, NAME_RULE, Window, text_fault
from vantage_collector.decode.refused import Refused

MAX_ROWS = 250_000
"""Of one request: a body of 20 MiB can hold a million points, each of which takes more room here than there."""
MAX_PARTS = 250_000
"""Of one request: resources, scopes, metrics and items together, before any is decoded. An empty message is two bytes
on the wire and a hundred in memory, so they are counted first."""
MAX_ITEM_BYTES = 1024 * 1024
"""Of one point, span or log record, encoded: it may be a list of as many nothings."""
MAX_RESOURCE_ATTRIBUTES = 1000
MAX_ATTRIBUTES = 64
"""Of a span or a log line: the first ones are kept."""
MAX_NESTING = 16
MAX_STORED_COUNT = 2**63 - 1
UNKNOWN_SERVICE = "unknown_service"
"""What OpenTelemetry calls a service that has no name."""

NS_PER_MS = 1_000_000
_INSTANCE = ("service.instance.id", "k8s.pod.name")
_ENVIRONMENT = ("deployment.environment.name", "deployment.environment")


class Wire(Protocol):
    """What protobuf and JSON encode differently."""

    def parser(self, message: str) -> Callable[[Any], Any]:
        """What makes a message of that name of one that is nested in another."""
        ...

    def small(self, items: Any) -> Sequence[Any]:
        """Those items that are no larger than `MAX_ITEM_BYTES`."""
        ...

    def raws(self, attributes: Any) -> tuple[bytes, ...]:
        """The attributes undecoded, each as its bytes."""
        ...

    def attribute(self, raw: bytes) -> tuple[str, object]:
        """Key and value of an undecoded attribute. Raises ValueError."""
        ...

    def plain(self, value: Any) -> object:
        """An AnyValue as Python has it. Raises ValueError."""
        ...

    def hex(self, id_: Any, digits: int) -> str:
        """An id in lower-case hex; empty when it is not one of that many digits, or all zeros."""
        ...


@dataclass(frozen=True, slots=True)
class Origin:
    """What a resource says about everything that comes from it. `fault` is why nothing of it can be taken."""

    service: str
    instance: str
    environment: str
    tags: dict[str, str]
    fault: str = ""


Attributes: TypeAlias = tuple[bytes, ...]


class Reader:
    """What the readers of the three signals share; one for each request."""

    def __init__(self, wire: Wire, window: Window) -> None:
        self.refused = Refused()
        self._wire = wire
        self._window = window
        self._attributes: dict[bytes, tuple[str, str]] = {}
        self._parts = 0

    def _each(self, message: str, nested: Any) -> Iterator[Any]:
        """The messages nested in another. Raises UserError 413."""
        self._count(len(nested))
        return map(self._wire.parser(message), nested)

    def _items(self, items: Any) -> Sequence[Any]:
        """Points, spans or log records, not yet parsed; the too large ones refused. Raises UserError 413."""
        self._count(len(items))
        small = self._wire.small(items)
        if len(small) < len(items):
            self.refused.add(f"an item of more than {MAX_ITEM_BYTES} bytes", len(items) - len(small))
        return small

    def _count(self, parts: int) -> None:
        self._parts += parts
        if self._parts > MAX_PARTS:
            raise too_many_rows()

    def _pairs(self, raws: Attributes) -> dict[str, str]:
        """Attributes as text, those without a value left out. Raises ValueError."""
        known = self._attributes
        found = {}
        for raw in raws:
            pair = known.get(raw)
            if pair is None:
                key, value = self._wire.attribute(raw)
                pair = known[raw] = (key, as_text(value)) if value is not None else ("", "")
            if pair[0]:
                found[pair[0]] = pair[1]
        return found

    def _origin(self, resource: Any) -> Origin:
        if len(resource.attributes) > MAX_RESOURCE_ATTRIBUTES:
            return Origin("", "", "", {}, f"a resource of more than {MAX_RESOURCE_ATTRIBUTES} attributes")
        try:
            told = self._pairs(self._wire.raws(resource.attributes))
        except ValueError:
            return Origin("", "", "", {}, "a resource attribute cannot be read")
        service = told.pop("service.name", "") or UNKNOWN_SERVICE
        if not NAME.fullmatch(service):
            return Origin("", "", "", {}, f"service.name {shown(service)} {NAME_RULE}")
        environment = ""
        for name in _ENVIRONMENT:
            environment = environment or told.pop(name, "")
        instance = _instance(told)
        told.pop("service.instance.id", None)
        for text, name in ((environment, "deployment.environment.name"), (instance, "service.instance.id")):
            if fault := text_fault(text, MAX_TEXT_BYTES):
                return Origin("", "", "", {}, f"{name} {fault}")
        return Origin(service, instance, environment, told)

    def _in_window(self, at_ms: float) -> bool:
        return self._window.oldest_ms <= at_ms <= self._window.newest_ms

    def _time_fault(self, at_ms: float) -> str:
        if at_ms <= 0:
            return "the time is missing"
        if at_ms < self._window.oldest_ms:
            return f"the time is before {self._window.oldest_ms} ms, the oldest that is kept"
        return "the time is more than an hour ahead of our clock"

    def _texts(self, own: Mapping[str, str], origin: Origin) -> dict[str, str]:
        """The attributes of a span or a log line, its own first, and what its resource adds."""
        found: dict[str, str] = {}
        for pairs in (own, origin.tags):
            for key, value in pairs.items():
                if len(found) >= MAX_ATTRIBUTES:
                    return found
                if key not in found and text_fault(key, MAX_TEXT_BYTES) is None:
                    found[key] = cut(value, MAX_ATTRIBUTE_BYTES)
        return found


def as_text(value: object) -> str:
    """A value as it is stored: true and false in lower case, bytes in hex, lists and maps as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list | dict):
        return as_json(value)
    return "" if value is None else str(value)


def cut(text: str, max_bytes: int) -> str:
    """The text without NUL, and no longer than that; an ellipsis says that there was more."""
    if "\0" in text:
        text = text.replace("\0", "")
    if len(text) * 4 <= max_bytes or len(octets := text.encode()) <= max_bytes:
        return text
    return octets[: max_bytes - 3].decode(errors="ignore") + "…"


def as_json(value: object) -> str:
    return json.encode(value, enc_hook=lambda odd: odd.hex() if isinstance(odd, bytes) else str(odd)).decode()


def shown(text: str) -> str:
    return repr(cut(text, 60))


def too_many_rows() -> UserError:
    return UserError(
        "batch_too_large",
        f"the request has more than {MAX_ROWS} points, spans or log records",
        status=413,
        hint="send smaller batches",
    )


def _instance(told: Mapping[str, str]) -> str:
    for name in _INSTANCE:
        if told.get(name):
            return told[name]
    host, pid = told.get("host.name", ""), told.get("process.pid", "")
    return f"{host}:{pid}" if host and pid else host
