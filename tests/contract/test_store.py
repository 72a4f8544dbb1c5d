"""What every store keeps. Run on chDB in this process, on the same engine behind ClickHouse's HTTP interface, and on
SQLite. What only ClickHouse's engine has is tested with `chdb`, what only SQLite has in test_sqlite.py."""

import asyncio
import itertools
import math
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vantage_common.clock import SystemClock
from vantage_common.errors import (
    NewerSchema,
    PermanentError,
    QueryTimeout,
    StoreRejected,
    StoreUnavailable,
    UserError,
    VantageError,
)
from vantage_common.settings import Settings, load_settings
from vantage_common.store.api import Held, Store
from vantage_common.store.catalog import DOCUMENTS, ROLLUPS, SERVICES, TABLES
from vantage_common.store.clickhouse import MAX_DAYS_AN_INSERT, ClickHouseAdmin, ClickHouseStore, Retention, open_chdb
from vantage_common.store.memory import release_engine_code
from vantage_common.store.migrations import Applied, Engine, load_migrations, pending
from vantage_common.store.open import open_store
from vantage_common.store.plan import (
    Call,
    Column,
    Expr,
    Interval,
    Literal,
    Order,
    Output,
    QueryPlan,
    Result,
    Selected,
    Tag,
    Time,
    between,
    eq,
)
from vantage_common.store.sqlite import SqliteAdmin, SqliteStore

from tests.clickhouse_http import clickhouse_http
from tests.contract.store_inserter import ROWS_A_BLOCK
from tests.contract.store_rows import NOON_MS, block, rows_of

ROOT = Path(__file__).resolve().parents[2]
DAY_MS = 86_400_000
SAMPLE: dict[str, Any] = {
    "timestamp": NOON_MS,
    "service_name": "checkout",
    "metric_name": "http.request.duration",
    "metric_type": "histogram",
    "value": 12.5,
}
SPAN: dict[str, Any] = {
    "timestamp": NOON_MS + 0.25,
    "trace_id": "t1",
    "span_id": "s1",
    "service_name": "checkout",
    "name": "GET /cart",
    "kind": "server",
    "duration_ms": 3.5,
    "status": "ok",
    "attributes": {"http.route": "/cart", "naïve": "é'\\\n"},
}
LOG: dict[str, Any] = {"timestamp": NOON_MS, "service_name": "checkout", "severity": "ERROR", "body": "no 'luck'\t☃"}
KEEP = Retention(raw_days=3650, spans_days=3650)


@pytest.fixture(params=["chdb", "clickhouse", "sqlite"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Settings of a store that nobody has opened yet."""
    days: dict[str, Any] = {"retention_raw_days": 3650, "retention_spans_days": 3650}
    if request.param != "clickhouse":
        yield load_settings(data_dir=tmp_path, store=request.param, **days)
        return
    with clickhouse_http(tmp_path) as server:
        yield load_settings(store="clickhouse", clickhouse_host="127.0.0.1", clickhouse_port=server.port, **days)


@pytest.fixture
async def store(where: Settings) -> AsyncIterator[Store]:
    opened = open_store(where)
    await opened.admin.migrate()
    yield opened
    await opened.close()


@pytest.fixture
async def chdb(tmp_path: Path) -> AsyncIterator[ClickHouseStore]:
    """chDB with a single reader: what that one is busy with, everybody waits for."""
    opened = open_chdb(tmp_path, "vantage", KEEP, readers=1)
    await opened.admin.migrate()
    yield opened
    await opened.close()


def open_embedded(engine: str, directory: Path, readers: int) -> Store:
    if engine == "chdb":
        return open_chdb(directory, "vantage", KEEP, readers=readers)
    return SqliteStore(directory / "store.sqlite", retention=KEEP, clock=SystemClock(), readers=readers)


@pytest.fixture(params=["chdb", "sqlite"])
async def embedded(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """A store in this process with a single reader."""
    opened = open_embedded(request.param, tmp_path, readers=1)
    await opened.admin.migrate()
    yield opened
    await opened.close()


async def test_the_engine_has_the_tables_of_the_catalog(chdb: ClickHouseStore) -> None:
    """Migrations from the first to the last make what the catalog says."""
    for table in (*(TABLES | ROLLUPS | DOCUMENTS).values(), SERVICES):
        ours = f"database = 'vantage' AND table = '{table.name}'"
        asked = f"SELECT name, type FROM system.columns WHERE {ours} ORDER BY position"
        assert await ask(chdb, asked) == [(column.name, column.type) for column in (*table.columns, *table.filled)]
        keys = f"SELECT sorting_key, partition_key FROM system.tables WHERE {ours}"
        parted = f"{table.partition}({table.time})" if table.partition else ""
        assert await ask(chdb, keys) == [(", ".join(table.order_by), parted)]


def call(function: str, *args: Expr, params: tuple[float, ...] = ()) -> Call:
    return Call(function, args, params)


def plan(*select: Expr, table: str = "metrics", workspace: str = "default", **rest: Any) -> QueryPlan:
    return QueryPlan(table, workspace, tuple(Selected(expr, f"c{i}") for i, expr in enumerate(select)), **rest)


async def insert_samples(
    store: Store, items: Sequence[dict[str, Any]], *, token: str, offset: int = 0, **rest: Any
) -> int:
    rows = rows_of("metrics", [{**SAMPLE, **item} for item in items])
    return await store.writer.insert("metrics", block("metrics", rows, offset=offset, **rest), token=token)


async def value(store: Store, expr: Expr, **rest: Any) -> Any:
    answer = await store.reader.query(plan(expr, **rest))
    return answer.rows[0][0]


async def ask(store: Store, sql: str) -> list[Any]:
    """Rows of a question about the engine itself."""
    assert isinstance(store.admin, ClickHouseAdmin)
    return await store.admin.run(lambda client: list(client.query(sql).result_rows))


async def test_what_is_inserted_is_read_back(store: Store) -> None:
    tags = {"region": "eu", "empty": ""}
    await insert_samples(store, [{"tags": tags, "count": 7, "status_code": 503, "endpoint": "/cart"}], token="m")
    await store.writer.insert("spans", block("spans", rows_of("spans", [SPAN])), token="s")
    await store.writer.insert("logs", block("logs", rows_of("logs", [LOG])), token="l")

    names = ("timestamp", "value", "count", "status_code", "endpoint", "tags")
    metrics = await store.reader.query(plan(*(Column(name) for name in names)))
    assert metrics.rows == ((NOON_MS, 12.5, 7, 503, "/cart", tags),)
    assert [column.type for column in metrics.columns] == ["time", "number", "integer", "integer", "string", "map"]
    assert metrics.source == "metrics"
    span = await store.reader.query(
        plan(Column("timestamp"), call("time_ms", Column("timestamp")), Column("attributes"), table="spans")
    )
    assert span.rows == ((NOON_MS, NOON_MS + 0.25, SPAN["attributes"]),)
    log = await store.reader.query(plan(Column("body"), Tag("attributes", "absent"), table="logs"))
    assert log.rows == ((LOG["body"], ""),)


async def test_an_insert_with_the_same_token_is_taken_once(store: Store) -> None:
    for _ in range(2):
        assert await insert_samples(store, [{}, {"value": 1}], token="same") == 2
    assert await value(store, call("rows")) == 2


async def test_a_large_block_is_taken_whole(store: Store) -> None:
    items = [{"timestamp": NOON_MS + day * DAY_MS, "value": i} for i in range(40_000) for day in (0, 1)]
    await insert_samples(store, items, token="big")
    sizes = await store.admin.table_sizes()
    assert sizes["metrics"][0] == 80_000
    assert sizes["metrics"][1] > 0
    if store.name == "sqlite":
        return
    parts = "SELECT partition, rows, level FROM system.parts WHERE table = 'metrics' AND active ORDER BY 1"
    assert await ask(store, parts) == [("20260922", 40_000, 0), ("20260923", 40_000, 0)]


async def test_held_names_offset_and_day_of_its_source_alone(store: Store) -> None:
    two_days = [{}, {"timestamp": NOON_MS + DAY_MS}]
    await insert_samples(store, two_days, token="a", offset=5)
    await insert_samples(store, [{}], token="b", offset=9)
    await insert_samples(store, [{}], token="c", offset=6, source=2)
    assert await store.writer.held("metrics", 1, 5, 9) == {Held(5, 20260922), Held(5, 20260923)}
    assert await store.writer.held("metrics", 2, 0, 100) == {Held(6, 20260922)}


async def test_a_block_may_spread_over_as_many_days_as_are_ever_kept(store: Store) -> None:
    await insert_samples(store, [{"timestamp": NOON_MS - day * DAY_MS} for day in range(150)], token="a")
    assert len(await store.writer.held("metrics", 1, 0, 1)) == 150


async def test_held_parts_are_those_taken_in_lately(store: Store) -> None:
    await insert_samples(store, [{}], token="a", batch_id="b-1")
    assert await store.writer.held_parts("metrics", ["b-1", "b-2"], NOON_MS - DAY_MS * 3650) == {("b-1", 0)}
    assert await store.writer.held_parts("metrics", ["b-1"], 4_000_000_000_000) == frozenset()
    assert await store.writer.held_parts("metrics", [], 0) == frozenset()


@pytest.mark.parametrize(
    "column",
    [
        {"value": ["twelve"]},
        {"status_code": [70_000]},
        {"timestamp": [None]},
        {"service_name": ["\ud800"]},
        {"tags": [{"a": 1}]},
        {"value": [1.0, 2.0]},
    ],
    ids=lambda column: next(iter(column)),
)
async def test_rows_that_fit_no_column_are_rejected_for_good(store: Store, column: dict[str, Any]) -> None:
    columns = block("metrics", rows_of("metrics", [SAMPLE]))
    with pytest.raises(StoreRejected, match="metrics"):
        await store.writer.insert("metrics", {**columns, **column}, token="bad")
    assert await value(store, call("rows")) == 0


async def test_a_rehearsal_refuses_what_an_insert_would_and_keeps_nothing(store: Store) -> None:
    columns = block("metrics", rows_of("metrics", [SAMPLE] * 3))
    await store.writer.rehearse("metrics", columns)
    with pytest.raises(StoreRejected, match="metrics"):
        await store.writer.rehearse("metrics", {**columns, "status_code": [200, -1, 200]})
    assert await value(store, call("count")) == 0
    assert await store.writer.insert("metrics", columns, token="t") == 3


async def test_more_days_than_a_block_may_span_are_rejected(chdb: ClickHouseStore) -> None:
    days = range(MAX_DAYS_AN_INSERT + 1)
    with pytest.raises(StoreRejected, match="252"):
        await insert_samples(chdb, [{"timestamp": NOON_MS - day * DAY_MS} for day in days], token="wide")


async def test_a_workspace_sees_its_own_rows_whatever_the_filter(store: Store) -> None:
    await insert_samples(store, [{}], token="a", workspace="a")
    await insert_samples(store, [{}, {}], token="b", workspace="b")
    anything = call("or", Literal(True), eq("service_name", "checkout"))
    assert await value(store, call("rows"), workspace="a", where=anything) == 1
    assert await value(store, call("rows"), workspace="b", where=anything) == 2
    assert await value(store, call("rows"), workspace="a' OR '1'='1", where=anything) == 0


async def test_no_rows_give_none_not_zero_or_nan(store: Store) -> None:
    column = Column("value")
    answer = await store.reader.query(
        plan(*(call(name, column) for name in ("avg", "min", "max", "stddev")), call("quantile", column, params=(0.5,)))
    )
    assert answer.rows == ((None,) * 5,)
    assert await value(store, call("count")) == 0


async def test_a_column_named_like_another_keeps_its_meaning(store: Store) -> None:
    await insert_samples(store, [{"timestamp": NOON_MS + i} for i in range(3)], token="a")
    newest = QueryPlan(
        "metrics",
        "default",
        (Selected(call("max", Column("timestamp")), "timestamp"), Selected(Literal("checkout"), "service_name")),
        where=call("and", eq("service_name", "nobody"), between("timestamp", 0, NOON_MS * 2)),
    )
    assert (await store.reader.query(newest)).rows == ((None, "checkout"),)


async def test_buckets_groups_and_order(store: Store) -> None:
    await insert_samples(
        store, [{"timestamp": NOON_MS + i * 20_000, "tags": {"k": "v", f"k{i % 2}": ""}} for i in range(6)], token="a"
    )
    by_minute = QueryPlan(
        "metrics",
        "default",
        (
            Selected(call("time_bucket", Column("timestamp"), Interval(1, "MINUTE")), "minute"),
            Selected(call("count"), "n"),
        ),
        group_by=(Output("minute"),),
        having=call(">", Output("n"), Literal(0)),
        order_by=(Order(Output("minute"), descending=True),),
    )
    assert (await store.reader.query(by_minute)).rows == ((NOON_MS + 60_000, 3), (NOON_MS, 3))
    keys = call("array_join", call("map_keys", Column("tags")))
    by_key = QueryPlan(
        "metrics", "default", (Selected(keys, "key"), Selected(call("rows"), "n")), group_by=(Output("key"),)
    )
    assert sorted((await store.reader.query(by_key)).rows) == [("k", 6), ("k0", 3), ("k1", 3)]


@pytest.mark.parametrize("unit", ["SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH"])
async def test_every_unit_makes_buckets_of_ms(embedded: Store, unit: str) -> None:
    await insert_samples(embedded, [{}], token="a")
    start = await value(embedded, call("time_bucket", Column("timestamp"), Interval(1, unit)))
    assert NOON_MS - 31 * DAY_MS < start <= NOON_MS
    assert start % 1000 == 0
    moved = call("-", Column("timestamp"), Interval(2, unit))
    assert await value(embedded, moved) < NOON_MS


@pytest.mark.parametrize(
    ("expr", "said"),
    [
        (Column("valeu"), "no column 'valeu'"),
        (Tag("value", "k"), "value has no keys"),
        (call("sleep", Literal(3)), "no function 'sleep'"),
        (call("avg", Column("service_name")), "avg takes"),
        (call("=", Column("service_name"), Literal(1)), "cannot be compared"),
        (call("avg", call("sum", Column("value"))), "aggregate"),
        (Interval(1, "MINUTE"), "interval"),
        (Interval(1, "MINUTE); DROP TABLE metrics"), "interval"),
        (call("quantile", Column("value"), params=(math.nan,)), "finite"),
        (Literal(2**70), "64-bit"),
        (Output("nothing"), "selects no"),
    ],
)
async def test_a_plan_that_makes_no_sense_is_the_users_error(embedded: Store, expr: Expr, said: str) -> None:
    with pytest.raises(UserError, match=said):
        await embedded.reader.query(plan(expr))
    assert await value(embedded, call("rows")) == 0


NUMBERS = st.integers(min_value=-1000, max_value=1000).map(float)
ROWS = st.lists(st.tuples(NUMBERS, st.integers(1, 4), st.sampled_from([200, 503])), min_size=1, max_size=12)
FAILED = eq("status_code", 503)
V = Column("value")
LAWS: tuple[Expr, ...] = (
    call("avg", V),
    call("sum", V),
    call("count"),
    call("min", V),
    call("max", V),
    call("stddev", V),
    call("increase", V),
    call("rate", V, params=(60.0,)),
    call("sum", Column("count")),
    call("rate", Column("count"), params=(60.0,)),
    call("quantiles", V, params=(0.0, 0.25, 0.5, 0.95, 1.0)),
    call("uniq_exact", V),
    *(call(f"{name}_if", V, FAILED) for name in ("avg", "sum", "min", "max", "stddev", "increase", "uniq_exact")),
    call("count_if", FAILED),
    call("quantile_if", V, FAILED, params=(0.5,)),
    call("rate_if", V, FAILED, params=(60.0,)),
)
_workspaces = itertools.count()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
async def test_weighted_rows_answer_like_the_observations_they_stand_for(
    embedded: Store, rows: list[tuple[float, int, int]]
) -> None:
    number = next(_workspaces)
    merged = [{"value": v, "count": n, "status_code": code} for v, n, code in rows]
    single = [{"value": v, "status_code": code} for v, n, code in rows for _ in range(n)]
    await insert_samples(embedded, merged, token=f"merged{number}", workspace=f"merged{number}")
    await insert_samples(embedded, single, token=f"single{number}", workspace=f"single{number}")
    ours = await embedded.reader.query(plan(*LAWS, workspace=f"merged{number}"))
    theirs = await embedded.reader.query(plan(*LAWS, workspace=f"single{number}"))
    for law, left, right in zip(LAWS, ours.rows[0], theirs.rows[0], strict=True):
        assert left == pytest.approx(right, abs=1e-5), law


def slow_plan(columns: int = 60, layers: int = 8) -> QueryPlan:
    """Minutes of work over `slow_rows`, in chunks of a fraction of a second. Each column differs at its root, so
    that the engine cannot compute one for all."""

    def column(number: int) -> Expr:
        text: Expr = call("if", call(">", call("length", Column("body")), Literal(number)), Column("body"), Literal(""))
        for _ in range(layers):
            text = call("lower", call("upper", text))
        return call("sum", call("length", text))

    return plan(*(column(number) for number in range(columns)), table="logs")


async def fill_slow_rows(store: Store) -> None:
    rows = rows_of("logs", [{**LOG, "body": f"{i} Straße " * 2500} for i in range(4000)])
    await store.writer.insert("logs", block("logs", rows), token="slow")


async def test_a_query_over_its_time_is_stopped_and_its_handle_returns(embedded: Store) -> None:
    await fill_slow_rows(embedded)
    with pytest.raises(QueryTimeout, match="longer than"):
        await embedded.reader.query(slow_plan(), timeout_s=0.3)
    answer = await embedded.reader.query(plan(call("rows"), table="logs"), timeout_s=10)
    assert answer.rows == ((4000,),)


async def test_a_cancelled_query_is_stopped_and_its_handle_returns(embedded: Store) -> None:
    await fill_slow_rows(embedded)
    task = asyncio.create_task(embedded.reader.query(slow_plan()))
    done, _ = await asyncio.wait({task}, timeout=0.3)
    assert not done
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    answer = await embedded.reader.query(plan(call("rows"), table="logs"), timeout_s=10)
    assert answer.rows == ((4000,),)


@pytest.mark.parametrize("engine", ["chdb", "sqlite"])
async def test_a_store_closes_while_a_query_runs(tmp_path: Path, engine: str) -> None:
    store = open_embedded(engine, tmp_path, readers=4)
    await store.admin.migrate()
    await fill_slow_rows(store)
    task = asyncio.create_task(store.reader.query(slow_plan()))
    await asyncio.wait({task}, timeout=0.3)
    await store.close()
    with pytest.raises(VantageError):
        await task
    with pytest.raises(StoreUnavailable, match="closed"):
        await store.reader.query(plan(call("rows")))


async def test_readers_do_not_wait_for_one_another_or_for_the_writer(store: Store) -> None:
    async def write() -> None:
        for i in range(5):
            await insert_samples(store, [{"value": i}] * 100, token=f"w{i}")

    async def read() -> Result:
        return await store.reader.query(plan(call("rows"), call("avg", V)))

    answers, _ = await asyncio.gather(asyncio.gather(*(read() for _ in range(20))), write())
    assert all(answer.rows[0][0] % 100 == 0 for answer in answers)
    assert await value(store, call("rows")) == 500


async def test_migrations_run_once(where: Settings) -> None:
    store = open_store(where)
    engine: Engine = "sqlite" if where.store == "sqlite" else "clickhouse"
    assert await store.admin.migrate() == [migration.name for migration in load_migrations(engine)]
    assert await store.admin.migrate() == []
    await store.admin.ping()
    await store.close()


@pytest.mark.parametrize("engine", ["chdb", "sqlite"])
async def test_a_store_of_a_newer_vantage_is_refused(tmp_path: Path, engine: str) -> None:
    settings = load_settings(data_dir=tmp_path, store=engine)
    store = open_store(settings)
    await store.admin.migrate()
    if isinstance(store.admin, ClickHouseAdmin):
        later = "INSERT INTO vantage.migrations (version, name, checksum) VALUES (9999, '9999_later.sql', '')"
        await store.admin.run(lambda client: client.command(later))
    else:
        assert isinstance(store.admin, SqliteAdmin)
        later = "INSERT INTO migrations VALUES (9999, '9999_later.sql', '', 0)"
        await store.admin.run(lambda connection: connection.execute(later))
    with pytest.raises(NewerSchema, match=r"9999.*upgrade"):
        await store.admin.migrate()
    await store.close()
    with pytest.raises(NewerSchema, match="9999"):
        open_store(settings)


def test_a_schema_file_changed_after_it_ran_is_refused() -> None:
    first = load_migrations()[0]
    assert pending([first], [Applied(first.version, first.name, first.checksum)]) == []
    with pytest.raises(StoreRejected, match=first.name):
        pending([first], [Applied(first.version, first.name, "another")])


async def test_retention_follows_the_settings(tmp_path: Path) -> None:
    for days in (40, 7):
        store = open_chdb(tmp_path, "vantage", Retention(raw_days=days, spans_days=days + 1))
        await store.admin.migrate()
        ttl = dict(await ask(store, "SELECT name, engine_full FROM system.tables WHERE database = 'vantage'"))
        await store.close()
        assert f"toIntervalDay({days})" in ttl["metrics"]
        assert f"toIntervalDay({days + 1})" in ttl["spans"]


async def test_acknowledged_rows_survive_close_and_open(where: Settings) -> None:
    for number in range(2):
        store = open_store(where)
        await store.admin.migrate()
        await insert_samples(store, [{}], token=f"t{number}", offset=number)
        assert await value(store, call("rows")) == number + 1
        await store.close()


@pytest.mark.parametrize("engine", ["chdb", "sqlite"])
def test_acknowledged_rows_survive_kill_9(tmp_path: Path, engine: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.contract.store_inserter", str(tmp_path), engine]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT) as process:
        assert process.stdout is not None
        acknowledged = 0
        for line in process.stdout:
            acknowledged = int(line)
            if acknowledged == 20:
                if engine == "chdb":
                    with pytest.raises(StoreUnavailable, match="in use by another process"):
                        open_store(load_settings(data_dir=tmp_path, store="chdb"))
                process.send_signal(signal.SIGKILL)
    rows = asyncio.run(_stored_rows(tmp_path, engine))
    assert acknowledged >= 20
    assert rows in (acknowledged * ROWS_A_BLOCK, (acknowledged + 1) * ROWS_A_BLOCK)


async def _stored_rows(data_dir: Path, engine: str) -> Any:
    store = open_store(load_settings(data_dir=data_dir, store=engine, retention_raw_days=3650))
    await store.admin.migrate()
    rows = await value(store, call("rows"))
    await store.close()
    return rows


@pytest.mark.parametrize("engine", ["chdb", "sqlite"])
def test_a_process_that_used_the_store_exits_cleanly(tmp_path: Path, engine: str) -> None:
    code = (
        "import asyncio, sys; from pathlib import Path\n"
        "from vantage_common.settings import load_settings; from vantage_common.store.open import open_store\n"
        "async def main():\n"
        "    store = open_store(load_settings(data_dir=Path(sys.argv[1]), store=sys.argv[2]))\n"
        "    await store.admin.migrate(); await store.admin.ping(); await store.close()\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path), engine]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("engine", ["chdb", "sqlite"])
def test_a_directory_that_cannot_be_made_is_said_in_one_line(tmp_path: Path, engine: str) -> None:
    (tmp_path / "file").write_text("not a directory")
    with pytest.raises(PermanentError, match="VANTAGE_DATA_DIR") as caught:
        open_store(load_settings(data_dir=tmp_path / "file", store=engine))
    assert "\n" not in str(caught.value)


async def test_a_server_that_is_away_is_unavailable_not_fatal() -> None:
    store = open_store(load_settings(store="clickhouse", clickhouse_host="127.0.0.1", clickhouse_port=1))
    with pytest.raises(StoreUnavailable):
        await store.admin.ping()
    with pytest.raises(StoreUnavailable):
        await insert_samples(store, [{}], token="a")
    with pytest.raises(StoreUnavailable):
        await store.reader.query(plan(Time(0)))
    await store.close()


async def test_an_engine_whose_code_was_let_go_answers_as_before(chdb: ClickHouseStore) -> None:
    await insert_samples(chdb, [{}], token="a")
    assert release_engine_code() > 100 << 20
    assert await value(chdb, call("rows")) == 1


async def test_who_sent_is_known_with_the_first_row_and_merges(store: Store) -> None:
    """A writer of its own, as a worker's after a restart, writes what is known already once more."""
    named = {"tags": {"version": "1.4", "namespace": "shop"}}
    await insert_samples(store, [{"service_name": "it's \\ ünï", "timestamp": NOON_MS}], token="a")
    await insert_samples(store, [{"timestamp": NOON_MS + 5000, **named}], token="b", offset=1)
    await insert_samples(store, [{"timestamp": NOON_MS - 1}], token="c", offset=2)
    await insert_samples(store, [{"timestamp": NOON_MS}], token="d", offset=3, workspace="other")
    known, odd = await store.services.of("default")
    assert (odd.name, odd.first_ms, odd.last_ms, odd.version) == ("it's \\ ünï", NOON_MS, NOON_MS, "")
    assert (known.first_ms, known.last_ms) == (NOON_MS - 1, NOON_MS + 5000)
    assert (known.version, known.namespace, known.named_ms) == ("1.4", "shop", NOON_MS + 5000)
    assert await store.services.of("default", odd.name) == [odd]
    assert await store.services.of("default", "nobody") == []
    assert [seen.workspace for seen in await store.services.of("other")] == ["other"]
