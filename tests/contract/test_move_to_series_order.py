"""0002 moves the rows of a store that 0001 made into another order. Killed anywhere, it ends where it should."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from vantage_common.store import clickhouse
from vantage_common.store.clickhouse import ClickHouseAdmin, ClickHouseStore, open_chdb
from vantage_common.store.migrations import Migration, load_migrations
from vantage_common.store.plan import Call, Column, QueryPlan, Selected
from vantage_common.store.retention import Retention

FIRST, SECOND = load_migrations()[:2]
KEEP = Retention(raw_days=3650, spans_days=3650)
ROWS = 30_000
OLD_ROWS = (
    "INSERT INTO vantage.metrics (workspace, service_name, metric_name, timestamp, metric_type, environment, instance, "
    "value, count, endpoint, method, status_code, tags, trace_id, span_id, _src, _off, batch_id, batch_part, _at) "
    "SELECT 'default', concat('s', toString(number % 3)), 'm', "
    "toDateTime64('2026-09-20 00:00:00', 3, 'UTC') + INTERVAL number MINUTE, 'gauge', '', '', "
    "number, 1 + number % 4, '/x', 'GET', 200, map('k', toString(number % 5)), '', '', 7, number, "
    "'', 0, toDateTime('2026-09-20 00:00:00', 'UTC') + INTERVAL number MINUTE "
    f"FROM numbers({ROWS}) SETTINGS max_partitions_per_insert_block = 0"
)
EVERYTHING = (
    "SELECT groupBitXor(cityHash64(workspace, service_name, metric_name, timestamp, metric_type, value, count, "
    "endpoint, method, status_code, tags, _src, _off, _at)), count(), uniqExact(_off) FROM vantage.metrics"
)


async def run(store: ClickHouseStore, sql: str) -> Any:
    admin = store.admin
    assert isinstance(admin, ClickHouseAdmin)
    return await admin.run(
        lambda client: client.query(sql).result_rows if sql.startswith("SELECT") else client.command(sql)
    )


def statements(store: ClickHouseStore, migration: Migration) -> list[str]:
    assert isinstance(store.admin, ClickHouseAdmin)
    return store.admin.statements(migration)


@pytest.fixture
async def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ClickHouseStore]:
    """A store of the first schema, with rows of twenty days; the schema files since are there again."""
    store = open_chdb(tmp_path, "vantage", KEEP)
    with monkeypatch.context() as patched:
        patched.setattr(clickhouse, "load_migrations", lambda: [FIRST])
        await store.admin.migrate()
    await run(store, OLD_ROWS)
    yield store
    await store.close()


def number_of_statements() -> int:
    values = {"database": "d", "retention_raw_days": 1, "retention_spans_days": 1}
    return len(SECOND.statements(values))


@pytest.mark.parametrize("survived", range(number_of_statements() + 1))
async def test_killed_after_any_statement_it_starts_over_and_keeps_every_row(
    old: ClickHouseStore, survived: int
) -> None:
    before = await run(old, EVERYTHING)
    for statement in statements(old, SECOND)[:survived]:
        await run(old, statement)
    assert await old.admin.migrate() == [migration.name for migration in load_migrations()[1:]]
    assert await run(old, EVERYTHING) == before
    assert before[0][1:] == (ROWS, ROWS)
    [(key,)] = await run(old, "SELECT sorting_key FROM system.tables WHERE database = 'vantage' AND name = 'metrics'")
    assert "series" in key
    left = await run(old, "SELECT name FROM system.tables WHERE database = 'vantage' AND name LIKE '%moving%'")
    assert left == []
    grown = QueryPlan("metrics", "default", (Selected(Call("increase", (Column("value"),)), "x"),))
    assert (await old.reader.query(grown)).rows[0][0] == sum(n * (1 + n % 4) for n in range(ROWS))


async def test_killed_within_the_copy_it_starts_over(old: ClickHouseStore) -> None:
    before = await run(old, EVERYTHING)
    *first, copy = statements(old, SECOND)[:4]
    for statement in first:
        await run(old, statement)
    assert copy.startswith("INSERT")
    await run(old, copy.replace("SETTINGS", "WHERE _off % 3 = 0 SETTINGS"))
    await old.admin.migrate()
    assert await run(old, EVERYTHING) == before
