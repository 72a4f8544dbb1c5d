"""Writes the frame fixtures that the dashboard's decoder tests read: ``python -m vantage_api.live.fixtures DIR``."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vantage_api.live.frames import (
    REQUESTS,
    SCHEMA,
    TICK,
    RequestEntry,
    TickEntry,
    decode,
    encode_requests,
    encode_tick,
)

_TIME_MS = 1_790_035_200_123.0

_TICK = encode_tick(
    _TIME_MS,
    [
        TickEntry(0, pods=3, rps=124.5, error_ratio=0.0125, p95_ms=86.25, health=97, status="HEALTHY"),
        TickEntry(1, pods=1, rps=0.5, error_ratio=0.5, p95_ms=1800.0, health=12, status="UNHEALTHY"),
        TickEntry(2, pods=0, rps=0.0, error_ratio=None, p95_ms=None, health=None, status="UNKNOWN"),
        TickEntry(65535, pods=65535, rps=250_000.0, error_ratio=0.0, p95_ms=0.0, health=0, status="DEGRADED"),
        TickEntry(4, pods=12, rps=1.0e-3, error_ratio=1.0, p95_ms=65_000.5, health=100, status="HEALTHY"),
    ],
)

_REQUESTS = encode_requests(
    1_790_035_200_000.0,
    4,
    [
        RequestEntry(0, offset_ms=0, duration_ms=12, error=False),
        RequestEntry(0, offset_ms=500, duration_ms=0, error=True),
        RequestEntry(7, offset_ms=999, duration_ms=70_000, error=False),
        RequestEntry(65535, offset_ms=250, duration_ms=65_535, error=True),
    ],
)


def fixtures() -> dict[str, dict[str, Any]]:
    """File name to ``{"hex", "decoded"}``."""
    return {"city_tick.json": _described(_TICK, TICK), "city_requests.json": _described(_REQUESTS, REQUESTS)}


def render(fixture: dict[str, Any]) -> str:
    return json.dumps(fixture, indent=2) + "\n"


def _described(data: bytes, kind: int) -> dict[str, Any]:
    frame = decode(data)
    header = {"kind": kind, "schema": SCHEMA, "sample": getattr(frame, "sample", 1), "time": frame.time_ms}
    return {"hex": data.hex(), "decoded": header | {"entries": [asdict(entry) for entry in frame.entries]}}


if __name__ == "__main__":
    directory = Path(sys.argv[1])
    for name, fixture in fixtures().items():
        (directory / name).write_text(render(fixture), encoding="utf-8")
