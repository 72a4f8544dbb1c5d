"""The worker as a service: what goes on when something beside the pipeline fails."""

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest
from vantage_common.bus.open import open_bus
from vantage_common.clock import ManualClock
from vantage_common.settings import load_settings
from vantage_common.store.api import Store
from vantage_worker.service import Worker


async def test_a_chore_that_fails_does_not_end_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vantage_worker.service.CHORES_EVERY_S", 0.001)
    settings, clock = load_settings(data_dir=tmp_path, bus="embedded"), ManualClock(0)
    bus: Any = open_bus(settings, clock)
    worker = Worker(settings, bus, cast(Store, NoStore()), clock)
    measured = asyncio.Event()

    async def fail_once() -> None:
        monkeypatch.setattr(worker.pipeline, "measure_lag", note)
        raise RuntimeError("a bug")

    async def note() -> None:
        measured.set()

    monkeypatch.setattr(worker.pipeline, "measure_lag", fail_once)
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run(stop))
    async with asyncio.timeout(10):
        await measured.wait()
    stop.set()
    await running
    await bus.close()


class NoStore:
    """A store that nothing is written to."""

    writer = reader = None

    @property
    def admin(self) -> "NoStore":
        return self

    async def migrate(self) -> list[str]:
        return []
