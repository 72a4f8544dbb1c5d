"""What the SQLite store keeps beside the contract: its sandbox, its retention, its bounds, and when it is chosen."""

import sqlite3
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from vantage_common.clock import ManualClock
from vantage_common.errors import PermanentError, StoreRejected, UserError
from vantage_common.settings import load_settings
from vantage_common.store import clickhouse, sqlite_functions
from vantage_common.store.api import Held
from vantage_common.store.catalog import ARRIVED, TABLES
from vantage_common.store.open import kind_here, open_store
from vantage_common.store.plan import Call, Column, Expr, Interval, QueryPlan, Selected, Tag, all_of, between, eq
from vantage_common.store.retention import Retention
from vantage_common.store.sqlite import TOKENS_KEPT_MS, SqliteAdmin, SqliteStore, reading_connection
from vantage_common.store.sqlite_render import render_sqlite

from tests.contract.store_rows import NOON_MS, block, rows_of

DAY_MS = 86_400_000
SAMPLE: dict[str, Any] = {
    "timestamp": NOON_MS,
    "service_name": "checkout",
    "metric_name": "m",
    "metric_type": "gauge",
    "value": 1.0,
}
ROWS = Call("rows")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON_MS)


@pytest.fixture
async def store(tmp_path: Path, clock: ManualClock) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "store.sqlite", retention=Retention(raw_days=7, spans_days=3), clock=clock)
    await opened.admin.migrate()
    yield opened
    await opened.close()


async def insert(store: SqliteStore, token: str, *times_ms: int, offset: int = 0, source: int = 1) -> None:
    rows = rows_of("metrics", [{**SAMPLE, "timestamp": at} for at in times_ms])
    await store.writer.insert("metrics", block("metrics", rows, offset=offset, source=source), token=token)


async def ask(store: SqliteStore, expr: Expr, **rest: Any) -> Any:
    answer = await store.reader.query(QueryPlan("metrics", "default", (Selected(expr, "x"),), **rest))
    return answer.rows[0][0]


async def admin(store: SqliteStore, sql: str) -> list[Any]:
    assert isinstance(store.admin, SqliteAdmin)
    return await store.admin.run(lambda connection: connection.execute(sql).fetchall())


async def test_the_file_has_the_tables_of_the_catalog(store: SqliteStore) -> None:
    for table in TABLES.values():
        names = [name for (name,) in await admin(store, f"SELECT name FROM pragma_table_info('{table.name}')")]
        assert names == [*(column.name for column in table.columns), ARRIVED.name, "_day"]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM sqlite_schema",
        "SELECT * FROM migrations",
        "SELECT * FROM tokens",
        "SELECT * FROM pragma_database_list",
        "SELECT load_extension('x')",
        "SELECT readfile('/etc/passwd')",
        "SELECT randomblob(1000000000)",
        "SELECT sqlite_version()",
        "INSERT INTO metrics DEFAULT VALUES",
        "DELETE FROM metrics",
        "DROP TABLE metrics",
        "CREATE TEMP TABLE t (a)",
        "ATTACH DATABASE ':memory:' AS other",
        "PRAGMA query_only = OFF",
        "PRAGMA table_info(metrics)",
        "VACUUM INTO 'copy'",
        "BEGIN IMMEDIATE",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT * FROM n",
        "SELECT * FROM json_tree('[]')",
        "SELECT 1; DROP TABLE metrics",
    ],
)
async def test_a_reader_can_do_nothing_but_read_the_tables(store: SqliteStore, tmp_path: Path, sql: str) -> None:
    await insert(store, "a", NOON_MS)
    connection, _ = reading_connection(tmp_path / "store.sqlite")
    assert connection.execute("SELECT count(*) FROM metrics").fetchall() == [(1,)]
    with pytest.raises((sqlite3.Error, sqlite3.Warning)):
        connection.execute(sql).fetchall()
    connection.close()


async def test_whole_days_past_retention_are_deleted_and_only_they(store: SqliteStore, clock: ManualClock) -> None:
    midnight = NOON_MS // DAY_MS * DAY_MS
    await insert(store, "old", midnight - 7 * DAY_MS - 1, midnight - 7 * DAY_MS, midnight)
    await insert(store, "next", midnight)
    assert await ask(store, ROWS) == 3
    clock.advance(86_400)
    await insert(store, "later", midnight)
    await insert(store, "latest", midnight)
    assert await ask(store, Call("min", (Column("timestamp"),))) == midnight
    assert await ask(store, ROWS) == 4
    assert await admin(store, "SELECT day FROM days") == [(midnight // DAY_MS,)]


async def test_a_large_old_day_goes_piece_by_piece(store: SqliteStore, clock: ManualClock) -> None:
    await insert(store, "old", *[NOON_MS] * 25_000)
    clock.advance(8 * 86_400)
    left = []
    for number in range(3):
        await insert(store, f"t{number}", NOON_MS + 8 * DAY_MS)
        left.append((await admin(store, f"SELECT count(*) FROM metrics WHERE timestamp = {NOON_MS}"))[0][0])
    assert left == [15_000, 5_000, 0]


async def test_a_token_is_remembered_for_a_week(store: SqliteStore, clock: ManualClock) -> None:
    await insert(store, "same", NOON_MS)
    clock.advance(TOKENS_KEPT_MS / 1000 - 1)
    await insert(store, "same", NOON_MS)
    assert await ask(store, ROWS) == 1
    clock.advance(2)
    await insert(store, "other", NOON_MS + 7 * DAY_MS)
    assert await admin(store, "SELECT token FROM tokens") == [("other",)]


async def test_a_refused_block_leaves_neither_rows_nor_token(store: SqliteStore) -> None:
    columns = block("metrics", rows_of("metrics", [SAMPLE, SAMPLE]))
    with pytest.raises(StoreRejected, match="value"):
        await store.writer.insert("metrics", {**columns, "value": [1.0, "two"]}, token="t")
    await insert(store, "t", NOON_MS)
    assert await ask(store, ROWS) == 1


async def test_a_rehearsal_keeps_nothing_and_refuses_what_an_insert_would(store: SqliteStore) -> None:
    columns = block("metrics", rows_of("metrics", [SAMPLE]))
    await store.writer.rehearse("metrics", columns)
    assert await ask(store, ROWS) == 0
    assert await admin(store, "SELECT * FROM days") == []
    with pytest.raises(StoreRejected):
        await store.writer.rehearse("metrics", {**columns, "status_code": [-1]})


async def test_hashes_of_64_bits_are_told_apart(store: SqliteStore) -> None:
    await insert(store, "a", NOON_MS, offset=3, source=2**64 - 1)
    await insert(store, "b", NOON_MS, offset=4, source=2**63)
    assert await store.writer.held("metrics", 2**64 - 1, 0, 2**63) == {Held(3, 20260922)}


async def test_quantiles_of_too_many_rows_are_refused(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_functions, "MAX_VALUES", 10)
    await insert(store, "a", *[NOON_MS] * 11)
    median = Call("quantile", (Column("value"),), (0.5,))
    with pytest.raises(UserError, match="too many rows") as caught:
        await ask(store, median)
    assert caught.value.code == "query_too_large"
    assert await ask(store, Call("avg", (Column("value"),))) == 1


async def test_what_it_lacks_is_named(store: SqliteStore) -> None:
    unique = Call("group_uniq", (Column("endpoint"),))
    with pytest.raises(UserError, match="SQLite store lacks array_join") as caught:
        await ask(store, Call("array_join", (unique,)))
    assert caught.value.code == "store_lacks"
    deep: Expr = Column("service_name")
    for _ in range(45):
        deep = Call("lower", (deep,))
    with pytest.raises(UserError, match="SQLite store lacks expressions nested so deep"):
        await ask(store, deep)


@pytest.mark.parametrize(
    ("table", "where", "found"),
    [
        ("metrics", eq("service_name", "s"), "metrics_by_key (_day=? AND workspace=? AND service_name=?)"),
        (
            "metrics",
            all_of(eq("service_name", "s"), eq("metric_name", "m"), between("timestamp", NOON_MS, NOON_MS + 1)),
            "metrics_by_key (_day=? AND workspace=? AND service_name=? AND metric_name=? AND timestamp>? AND",
        ),
        ("spans", eq("trace_id", "t"), "spans_by_trace (trace_id=?)"),
        ("logs", eq("trace_id", "t"), "logs_by_trace (trace_id=?)"),
    ],
)
async def test_a_question_is_answered_by_an_index(
    store: SqliteStore, tmp_path: Path, table: str, where: Expr, found: str
) -> None:
    rendered = render_sqlite(QueryPlan(table, "default", (Selected(Column("timestamp"), "x"),), where=where))
    with sqlite3.connect(tmp_path / "store.sqlite") as connection:
        steps = connection.execute(f"EXPLAIN QUERY PLAN {rendered.sql}", dict(rendered.params)).fetchall()
    connection.close()
    assert found in steps[0][3]


async def test_differences_look_for_cumulative_rows_alone(store: SqliteStore, tmp_path: Path) -> None:
    rendered = render_sqlite(QueryPlan("metrics", "default", (Selected(Call("avg", (Column("value"),)), "x"),)))
    with sqlite3.connect(tmp_path / "store.sqlite") as connection:
        steps = connection.execute(f"EXPLAIN QUERY PLAN {rendered.sql}", dict(rendered.params)).fetchall()
    connection.close()
    said = [step[3] for step in steps if "metrics_" in step[3]]
    assert [line.split("USING INDEX ")[1].split()[0] for line in said] == ["metrics_by_key", "metrics_cumulative"]


async def test_a_filter_without_time_reads_every_day(store: SqliteStore) -> None:
    await insert(store, "a", NOON_MS, NOON_MS + 3 * DAY_MS)
    where = all_of(eq("service_name", "checkout"), Call("=", (Tag("tags", "k"), Tag("tags", "j"))))
    assert await ask(store, ROWS, where=where) == 2


async def test_a_month_is_a_bucket_of_its_own(store: SqliteStore) -> None:
    await insert(store, "a", NOON_MS)
    month = Call("time_bucket", (Column("timestamp"), Interval(1, "MONTH")))
    assert await ask(store, month) == NOON_MS - 12 * 3_600_000 - 21 * DAY_MS


def test_without_chdb_rows_go_to_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "chdb", None)
    settings = load_settings(data_dir=tmp_path)
    assert kind_here(settings) == "sqlite"
    assert isinstance(open_store(settings), SqliteStore)
    assert kind_here(load_settings(data_dir=tmp_path, clickhouse_host="localhost")) == "clickhouse"


def test_a_chdb_that_cannot_be_loaded_is_replaced_unless_it_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise ImportError("libchdb.so: GLIBC_2.34 not found")

    monkeypatch.setattr(clickhouse, "_import_engine", broken)
    assert open_store(load_settings(data_dir=tmp_path)).name == "sqlite"
    with pytest.raises(PermanentError, match=r"VANTAGE_STORE=chdb.*GLIBC") as caught:
        open_store(load_settings(data_dir=tmp_path, store="chdb"))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_database_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "store.sqlite").write_bytes(b"not a database, but long enough to be looked at" * 20)
    with pytest.raises(PermanentError, match="no database") as caught:
        open_store(load_settings(data_dir=tmp_path, store="sqlite"))
    assert "\n" not in str(caught.value)
