"""0008 moves the spans of a store that the files before it made into finer granules. Killed anywhere, it ends where it
should."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from vantage_common.store import clickhouse
from vantage_common.store.clickhouse import ClickHouseAdmin, ClickHouseStore, open_chdb
from vantage_common.store.migrations import load_migrations
from vantage_common.store.plan import Column, QueryPlan, Selected, eq
from vantage_common.store.retention import Retention

from tests.contract.store_rows import NOON_MS, block, rows_of

BEFORE, MOVE = load_migrations()[:7], load_migrations()[7]
KEEP = Retention(raw_days=3650, spans_days=3650)
ROWS = 30_000
ROWS_A_DAY = 14_400
COLUMNS = (
    "workspace, service_name, timestamp, trace_id, span_id, parent_span_id, name, kind, duration_ms, status, "
    "environment, instance, caller, attributes, _src, _off, batch_id, batch_part, _at"
)
OLD_ROWS = (
    f"INSERT INTO vantage.spans ({COLUMNS}) SELECT 'default', concat('s', toString(number % 3)), "
    "toDateTime64('2026-09-20 00:00:00', 6, 'UTC') + INTERVAL number * 6 SECOND, "
    "concat('t', toString(intDiv(number, 3))), toString(number), toString(number - 1), 'GET /x', 'server', number, "
    "if(number % 7 = 0, 'error', 'ok'), 'prod', "
    "concat('pod', toString(number % 5)), 'web', map('k', toString(number)), 7, number, toString(number % 100), "
    "number % 9, toDateTime('2026-09-20 00:00:00', 'UTC') + INTERVAL number MINUTE "
    f"FROM numbers({ROWS}) SETTINGS max_partitions_per_insert_block = 0"
)
EVERYTHING = f"SELECT groupBitXor(cityHash64({COLUMNS})), count(), uniqExact(_off) FROM vantage.spans"


def ask(client: Client, sql: str) -> Any:
    return client.query(sql).result_rows


def tell(client: Client, sql: str) -> None:
    client.command(sql)


def admin(store: ClickHouseStore) -> ClickHouseAdmin:
    assert isinstance(store.admin, ClickHouseAdmin)
    return store.admin


async def everything(store: ClickHouseStore) -> Any:
    return await admin(store).run(partial(ask, sql=EVERYTHING))


async def run(store: ClickHouseStore, statements: list[str]) -> None:
    for statement in statements:
        await admin(store).run(partial(tell, sql=statement))


@pytest.fixture
async def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ClickHouseStore]:
    """A store as it was before, with spans of three days; the schema files since are there again."""
    store = open_chdb(tmp_path, "vantage", KEEP)
    with monkeypatch.context() as patched:
        patched.setattr(clickhouse, "load_migrations", lambda: BEFORE)
        await store.admin.migrate()
    await run(store, [OLD_ROWS])
    yield store
    await store.close()


def number_of_statements() -> int:
    return len(MOVE.statements({"database": "d", "retention_raw_days": 1, "retention_spans_days": 1}))


@pytest.mark.parametrize("survived", range(number_of_statements() + 1))
async def test_killed_after_any_statement_it_starts_over_and_keeps_every_span(
    old: ClickHouseStore, survived: int
) -> None:
    before = await everything(old)
    await run(old, admin(old).statements(MOVE)[:survived])
    assert await old.admin.migrate() == [migration.name for migration in load_migrations()[7:]]
    assert await everything(old) == before
    assert before[0][1:] == (ROWS, ROWS)
    tables = "SELECT name, engine_full FROM system.tables WHERE database = 'vantage' AND name LIKE 'spans%'"
    [(name, engine)] = await admin(old).run(partial(ask, sql=tables))
    assert name == "spans"
    assert "index_granularity = 2048" in engine


async def test_killed_within_the_copy_it_starts_over(old: ClickHouseStore) -> None:
    before = await everything(old)
    *first, copy = admin(old).statements(MOVE)[:3]
    assert copy.startswith("INSERT")
    await run(old, [*first, copy.replace("SETTINGS", "WHERE _off % 3 = 0 SETTINGS")])
    await old.admin.migrate()
    assert await everything(old) == before


async def test_a_trace_from_before_is_found_by_reading_less_than_half_of_its_day(old: ClickHouseStore) -> None:
    await old.admin.migrate()
    plan = QueryPlan("spans", "default", (Selected(Column("span_id"), "id"),), where=eq("trace_id", "t4000"))
    assert {row[0] for row in (await old.reader.query(plan)).rows} == {"12000", "12001", "12002"}
    [estimate] = (await old.reader.explain(plan)).tables
    assert estimate.rows < ROWS_A_DAY / 2


async def test_the_moved_table_still_takes_a_token_once(old: ClickHouseStore) -> None:
    await old.admin.migrate()
    item = {
        "timestamp": NOON_MS,
        "service_name": "s",
        "trace_id": "new",
        "span_id": "a",
        "name": "GET /",
        "kind": "server",
        "status": "ok",
        "duration_ms": 1.0,
    }
    columns = block("spans", rows_of("spans", [item]))
    for _ in range(2):
        await old.writer.insert("spans", columns, token="once")
    assert (await everything(old))[0][1] == ROWS + 1
