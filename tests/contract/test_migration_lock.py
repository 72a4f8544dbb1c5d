"""Workers that start together on one server migrate it one after the other."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from vantage_common.errors import StoreUnavailable
from vantage_common.settings import Settings, load_settings
from vantage_common.store import migration_lock
from vantage_common.store.clickhouse import ClickHouseAdmin, ClickHouseStore
from vantage_common.store.migrations import load_migrations
from vantage_common.store.open import open_store

from tests.clickhouse_http import clickhouse_http


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Settings]:
    with clickhouse_http(tmp_path) as found:
        yield load_settings(store="clickhouse", clickhouse_host="127.0.0.1", clickhouse_port=found.port)


def opened(settings: Settings) -> tuple[ClickHouseStore, ClickHouseAdmin]:
    store = open_store(settings)
    assert isinstance(store, ClickHouseStore)
    assert isinstance(store.admin, ClickHouseAdmin)
    return store, store.admin


async def test_of_workers_that_start_together_each_migration_is_applied_by_one(server: Settings) -> None:
    stores = [opened(server) for _ in range(3)]
    found = await asyncio.gather(*(admin.migrate() for _, admin in stores), return_exceptions=True)
    applied = [names for names in found if isinstance(names, list) and names]
    assert applied == [[migration.name for migration in load_migrations()]]
    assert all(isinstance(other, StoreUnavailable | list) for other in found)
    assert [await admin.migrate() for _, admin in stores] == [[], [], []]
    for store, _ in stores:
        await store.close()


async def test_a_lock_that_was_left_behind_is_taken_over(server: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    store, admin = opened(server)
    await admin.run(lambda client: client.command("CREATE DATABASE vantage"))
    await admin.run(lambda client: client.command("CREATE TABLE vantage.migrating (nothing UInt8) ENGINE = Memory"))
    with pytest.raises(StoreUnavailable, match="another worker"):
        await admin.migrate()
    monkeypatch.setattr(migration_lock, "YOUNG_S", -60)
    monkeypatch.setattr(migration_lock, "LOOKS", 1)
    assert len(await admin.migrate()) == len(load_migrations())
    assert "migrating" not in await admin.table_sizes()
    await store.close()
