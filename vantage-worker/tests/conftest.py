"""The embedded log with one partition, a store in memory, and a clock that the test moves."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from vantage_common.bus.api import DEAD_LETTER, METRICS_RAW, Bus
from vantage_common.bus.open import open_bus
from vantage_common.clock import ManualClock
from vantage_common.settings import load_settings

from tests.worker_world import NOW, FaultyStore


@pytest.fixture
async def bus(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Bus]:
    opened = open_bus(load_settings(data_dir=tmp_path, bus="embedded", bus_partitions=1), clock)
    await opened.ensure_topics([METRICS_RAW, DEAD_LETTER])
    yield opened
    await opened.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def store() -> FaultyStore:
    return FaultyStore()
