"""The binary frames of /ws/city, declared once. docs/live-streams.md shows the same layouts as tables.

Little endian, a 16-byte header, then entries of one fixed size. The dashboard's decoder is tested against
``tests/contract/fixtures/``, which `vantage_api.live.fixtures` writes from this module.
"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import Final, TypeAlias

from vantage_common.errors import NewerSchema, PermanentError
from vantage_common.health import Status

SCHEMA: Final = 1
TICK: Final = 1
REQUESTS: Final = 2
UNKNOWN_HEALTH: Final = 255
ERROR_FLAG: Final = 1
U16_MAX: Final = 0xFFFF

HEADER: Final = struct.Struct("<BBHId")
TICK_ENTRY: Final = struct.Struct("<HHfffBBH")
REQUEST_ENTRY: Final = struct.Struct("<HHHH")

STATUS_CODES: Final[dict[Status, int]] = {"UNKNOWN": 0, "HEALTHY": 1, "DEGRADED": 2, "UNHEALTHY": 3}
_STATUSES: Final[dict[int, Status]] = {code: status for status, code in STATUS_CODES.items()}


class BadFrame(PermanentError):
    """Bytes that are no frame of this schema."""


@dataclass(frozen=True, slots=True)
class TickEntry:
    """One service now. `rps` over the last 10 s; None where nothing was seen."""

    slot: int
    pods: int
    rps: float
    error_ratio: float | None
    p95_ms: float | None
    health: int | None
    status: Status


@dataclass(frozen=True, slots=True)
class Tick:
    """Every registered service at `time_ms`, the server's clock."""

    time_ms: float
    entries: tuple[TickEntry, ...]


@dataclass(frozen=True, slots=True)
class RequestEntry:
    """One particle: `offset_ms` (0-999) into the second it is played in."""

    edge: int
    offset_ms: int
    duration_ms: int
    error: bool


@dataclass(frozen=True, slots=True)
class Requests:
    """Particles to play in the second that starts at `time_ms`; each stands for `sample` requests."""

    time_ms: float
    sample: int
    entries: tuple[RequestEntry, ...]


Frame: TypeAlias = Tick | Requests


def encode_tick(time_ms: float, entries: Iterable[TickEntry]) -> bytes:
    """A tick frame. Numbers beyond a field's range are clipped to it, never wrapped."""
    return tick_of([pack_tick_entry(entry) for entry in entries], time_ms)


def tick_of(packed: Sequence[bytes], time_ms: float) -> bytes:
    """A tick frame of entries that are packed already."""
    return HEADER.pack(TICK, SCHEMA, 1, len(packed), time_ms) + b"".join(packed)


def encode_requests(time_ms: float, sample: int, entries: Iterable[RequestEntry]) -> bytes:
    """A requests frame. Durations are clipped to 65 535 ms."""
    packed = [
        REQUEST_ENTRY.pack(e.edge, e.offset_ms, _u16(e.duration_ms), ERROR_FLAG if e.error else 0) for e in entries
    ]
    return HEADER.pack(REQUESTS, SCHEMA, _u16(sample), len(packed), time_ms) + b"".join(packed)


def decode(data: bytes) -> Frame:
    """The frame in `data`. Raises NewerSchema for a later schema, BadFrame for bytes that are no frame."""
    if len(data) < HEADER.size:
        raise BadFrame(f"a frame has at least {HEADER.size} bytes, these are {len(data)}")
    kind, schema, sample, count, time_ms = HEADER.unpack_from(data)
    if schema > SCHEMA:
        raise NewerSchema(f"frame schema {schema} is newer than {SCHEMA}")
    if kind not in (TICK, REQUESTS) or schema != SCHEMA:
        raise BadFrame(f"not a frame: kind {kind}, schema {schema}")
    layout = TICK_ENTRY if kind == TICK else REQUEST_ENTRY
    body = data[HEADER.size :]
    if len(body) != count * layout.size:
        raise BadFrame(f"the header says {count} entries of {layout.size} bytes, {len(body)} bytes follow")
    if kind == TICK:
        return Tick(time_ms, tuple(_unpack_tick_entry(fields) for fields in layout.iter_unpack(body)))
    entries = tuple(
        RequestEntry(edge, offset, duration, bool(flags & ERROR_FLAG))
        for edge, offset, duration, flags in layout.iter_unpack(body)
    )
    return Requests(time_ms, sample, entries)


def pack_tick_entry(entry: TickEntry) -> bytes:
    """One entry of a tick frame, clipped as `encode_tick` says."""
    return TICK_ENTRY.pack(
        entry.slot,
        _u16(entry.pods),
        entry.rps,
        nan if entry.error_ratio is None else entry.error_ratio,
        nan if entry.p95_ms is None else entry.p95_ms,
        UNKNOWN_HEALTH if entry.health is None else entry.health,
        STATUS_CODES[entry.status],
        0,
    )


def _unpack_tick_entry(fields: tuple[int, int, float, float, float, int, int, int]) -> TickEntry:
    slot, pods, rps, error_ratio, p95_ms, health, status, _reserved = fields
    if status not in _STATUSES:
        raise BadFrame(f"status {status} of slot {slot} is none of {sorted(_STATUSES)}")
    return TickEntry(
        slot=slot,
        pods=pods,
        rps=rps,
        error_ratio=None if isnan(error_ratio) else error_ratio,
        p95_ms=None if isnan(p95_ms) else p95_ms,
        health=None if health == UNKNOWN_HEALTH else health,
        status=_STATUSES[status],
    )


def _u16(number: float) -> int:
    return max(0, min(U16_MAX, round(number)))
