"""Writes the OpenAPI document: ``python -m vantage_api.openapi > openapi.json``. The dashboard's types come from it."""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from vantage_common.bus.open import open_bus
from vantage_common.clock import SystemClock
from vantage_common.settings import Settings
from vantage_common.telemetry import configure_logging

from vantage_api.app import create_app


def document() -> dict[str, Any]:
    """The document of an app whose store and bus are never used."""
    with tempfile.TemporaryDirectory() as directory:
        settings = Settings(_env_file=None, data_dir=Path(directory))  # type: ignore[call-arg]
        clock = SystemClock()
        return create_app(settings, _NoStore(), open_bus(settings, clock), clock).openapi()


class _NoStore:
    """Stands where a store would: the document needs none, and an engine takes a second to open."""

    name = "none"
    writer: Any = None
    reader: Any = None
    admin: Any = None
    rollups: Any = None
    documents: Any = None
    services: Any = None

    async def close(self) -> None: ...


if __name__ == "__main__":
    configure_logging("openapi")
    sys.stdout.write(json.dumps(document(), indent=2, ensure_ascii=False) + "\n")
