"""The worker as a service: what goes on when something beside the pipeline fails."""

import asyncio
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families
from vantage_common.bus.api import METRICS_RAW, RAW_TOPICS, Bus
from vantage_common.bus.open import open_bus
from vantage_common.clock import ManualClock
from vantage_common.settings import load_settings
from vantage_common.store.api import Store
from vantage_worker.service import Worker

from tests.worker_world import FaultyStore, Running, block, publish


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


SAMPLES: tuple[tuple[str, dict[str, str], float | None], ...] = (
    ("vantage_worker_kafka_messages_consumed_total", {"topic": METRICS_RAW}, 2),
    ("vantage_worker_database_inserts_total", {"table": "metrics", "status": "ok"}, 1),
    ("vantage_worker_database_inserts_total", {"table": "metrics", "status": "failed"}, 1),
    ("vantage_worker_rows_total", {"table": "metrics"}, 3),
    ("vantage_worker_batch_size", {"table": "metrics"}, 3),
    ("vantage_worker_db_write_duration_seconds_count", {"table": "metrics"}, 2),
    ("vantage_worker_kafka_lag", {}, 0),
    ("vantage_worker_breaker_state", {}, 0),
    ("vantage_worker_ingestion_stalled", {}, 0),
    ("vantage_worker_assigned_partitions", {}, 3),
    ("vantage_worker_buffered_rows", {}, 0),
    ("vantage_worker_dead_letters_total", {"cause": "unreadable"}, None),
)


async def test_the_metrics_say_what_happened(bus: Bus, store: FaultyStore, clock: ManualClock) -> None:
    served = await ServedWorker.of(bus, store, clock)
    store.fail_before = 1
    await publish(bus, block(1, 2), block(3))
    clock.advance(7)
    registry = served.worker._metrics.registry
    # Counted once it is committed, a moment after the store has the rows.
    await served.running.until(
        lambda: registry.get_sample_value("vantage_worker_rows_total", {"table": "metrics"}) == 3
    )
    await served.running.pipeline.measure_lag()
    text = (await served.get("/metrics")).text
    samples = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    for name, labels, expected in SAMPLES:
        assert samples.get((name, tuple(sorted(labels.items())))) == expected, name
    lag_s = samples["vantage_worker_processing_lag_seconds", (("table", "metrics"),)]
    assert 7 < lag_s < 7 + 60, "from the log's time of the last record to its insert, on the clock of the test"
    await served.running.finish()


async def test_ingestion_that_has_stopped_is_logged_shown_and_answered_503(
    bus: Bus, store: FaultyStore, clock: ManualClock
) -> None:
    served = await ServedWorker.of(bus, store, clock)
    await served.running.until(lambda: served.worker.pipeline.bus_trouble is None)
    assert (await served.get("/health")).status_code == 200
    store.fail_before = 10**6
    await publish(bus, block(1))
    with structlog.testing.capture_logs() as logs:
        pipeline = served.worker.pipeline
        await served.running.until(lambda: pipeline.stalled_s > 30 and store.attempts >= 5)
        await served.worker.do_chores(1)
    assert [entry["breaker"] for entry in logs if entry["event"] == "ingestion has stopped"] in (
        ["open"],
        ["half_open"],
    )
    assert "vantage_worker_ingestion_stalled 1.0" in (await served.get("/metrics")).text
    answer = await served.get("/health")
    assert answer.status_code == 503
    assert answer.json()["breaker"] != "closed"
    assert answer.json()["stalled_s"] > 30
    store.fail_before = 0
    # It goes on once the insert is committed, a moment after the store has the rows.
    await served.running.until(lambda: pipeline.stalled_s == 0)
    assert store.values == [1]
    await served.worker.do_chores(2)
    assert "vantage_worker_ingestion_stalled 0.0" in (await served.get("/metrics")).text
    assert (await served.get("/health")).status_code == 200
    await served.running.finish()


async def test_a_bus_that_does_not_answer_is_a_dependency_that_is_down(
    bus: Bus, store: FaultyStore, clock: ManualClock
) -> None:
    served = await ServedWorker.of(bus, store, clock)
    await served.running.finish()
    served.worker.pipeline.bus_trouble = "no connection"
    answer = await served.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["dependencies"]["bus"] == {"status": "down", "detail": "no connection"}
    assert (await served.get("/live")).status_code == 200


class ServedWorker:
    """A worker whose pipeline runs in the background, and its HTTP port without a socket."""

    def __init__(self, bus: Bus, store: FaultyStore, clock: ManualClock) -> None:
        self.worker = Worker(load_settings(bus="embedded"), bus, cast(Store, Pinged(store)), clock)
        self.running = Running(bus, store, clock, self.worker.pipeline)
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.worker.http_app()), base_url="http://worker"
        )

    @classmethod
    async def of(cls, bus: Bus, store: FaultyStore, clock: ManualClock) -> "ServedWorker":
        await bus.ensure_topics(RAW_TOPICS)
        return cls(bus, store, clock)

    async def get(self, path: str) -> httpx.Response:
        return await self._client.get(path)


class Pinged:
    """The store with an engine that answers."""

    name = "memory"
    rollups = None

    def __init__(self, store: FaultyStore) -> None:
        self.writer = store.writer
        self.admin = self

    async def ping(self, timeout_s: float = 5.0) -> None:
        return None


class NoStore:
    """A store that nothing is written to."""

    writer = reader = rollups = None

    @property
    def admin(self) -> "NoStore":
        return self

    async def migrate(self) -> list[str]:
        return []
