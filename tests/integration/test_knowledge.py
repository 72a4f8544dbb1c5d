"""What the API knows of services is the same before their hours are rolled up and after, when rollups are read."""

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from vantage_api.ask import Ask
from vantage_api.knowledge import Knowledge
from vantage_api.metrics import ApiMetrics
from vantage_common.clock import ManualClock
from vantage_common.model import REQUEST_METRIC
from vantage_common.settings import load_settings
from vantage_common.store.clickhouse import ClickHouseStore
from vantage_common.store.open import open_store
from vantage_common.store.plan import QueryPlan, Result

from tests.contract.test_rollups import HOUR_MS, START_MS, insert, roll, spans

NOW_MS = START_MS + 3 * HOUR_MS + 1_200_000


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[ClickHouseStore]:
    opened = open_store(load_settings(data_dir=tmp_path, store="chdb"))
    assert isinstance(opened, ClickHouseStore)
    await opened.admin.migrate()
    yield opened
    await opened.close()


class Sources(Ask):
    """Remembers what was read for which table."""

    def __init__(self, store: ClickHouseStore) -> None:
        super().__init__(store, ApiMetrics(), ManualClock(NOW_MS))
        self.read: list[tuple[str, str]] = []

    async def __call__(self, plan: QueryPlan) -> Result:
        answer = await super().__call__(plan)
        self.read.append((plan.table, answer.source))
        return answer


def requests(rng: random.Random, service: str, version: str, start_ms: int, hours: float) -> list[dict[str, Any]]:
    return [
        {
            "timestamp": start_ms + rng.randrange(round(hours * HOUR_MS)),
            "service_name": service,
            "metric_name": REQUEST_METRIC,
            "metric_type": "histogram",
            "environment": "production",
            "value": rng.lognormvariate(3, 1),
            "count": rng.randrange(1, 9),
            "status_code": rng.choice((200, 200, 200, 500)),
            "tags": {"version": version, "namespace": "payments"},
        }
        for _ in range(800)
    ]


async def filled(store: ClickHouseStore) -> None:
    rng = random.Random(21)
    await insert(store, "metrics", requests(rng, "checkout", "1.0", START_MS, 1.0))
    await insert(store, "metrics", requests(rng, "checkout", "1.1", START_MS + HOUR_MS, 2.3))
    await insert(store, "metrics", requests(rng, "gone", "7", START_MS, 0.5))
    await insert(store, "spans", spans(rng))


async def rolled_up(store: ClickHouseStore) -> None:
    await roll(store, "metrics")
    await roll(store, "spans")


async def test_services_are_known_by_all_their_rows(store: ClickHouseStore) -> None:
    await filled(store)
    known = await Knowledge(Sources(store), ManualClock(NOW_MS)).stored("default")
    assert {service.key.name for service in known} == {"checkout", "gone", "pay", "mail"}
    assert {service.version for service in known if service.key.name == "checkout"} == {"1.1"}
    assert {service.district for service in known if service.key.name == "gone"} == {"payments"}
    assert known == sorted(known, key=lambda service: service.first_seen_ms)


async def test_baselines_are_the_same_within_the_bins(store: ClickHouseStore) -> None:
    await filled(store)
    before = await Knowledge(Sources(store), ManualClock(NOW_MS)).baselines("default")
    assert {key.name for key in before} >= {"checkout", "gone"}
    await rolled_up(store)
    sources = Sources(store)
    after = await Knowledge(sources, ManualClock(NOW_MS)).baselines("default")
    assert after.keys() == before.keys()
    for key, baseline in after.items():
        assert baseline.p95_ms == pytest.approx(before[key].p95_ms, rel=0.01)
        assert baseline.requests_per_second == before[key].requests_per_second
    assert {source for _, source in sources.read} >= {"metrics_1h + service_1m + metrics", "service_1m + spans"}


async def test_baselines_are_learned_once_a_minute(store: ClickHouseStore) -> None:
    await filled(store)
    sources, clock = Sources(store), ManualClock(NOW_MS + 1)
    knowledge = Knowledge(sources, clock)
    first = await knowledge.baselines("default")
    asked = len(sources.read)
    clock.advance(20)
    assert await knowledge.baselines("default") == first
    assert len(sources.read) == asked
