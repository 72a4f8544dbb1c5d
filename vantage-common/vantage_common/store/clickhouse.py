"""The store on the ClickHouse engine: chDB inside this process, or a server over HTTP. The SQL is the same.

A client of clickhouse-connect serves one call at a time, so there is one to write, several to read and one to
administer, each kept in a pool that lends it out; the blocking calls run in threads. The engine hangs in a forked
child: open the store in the process that uses it, after any fork.
"""

import asyncio
import contextlib
import importlib
import math
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from time import monotonic, perf_counter
from types import MappingProxyType
from typing import Any, Final, TypeVar

import clickhouse_connect
from clickhouse_connect.datatypes.registry import get_from_name
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from clickhouse_connect.driver.insert import InsertContext
from clickhouse_connect.driver.transform import NativeTransform

from vantage_common.errors import StoreRejected, StoreUnavailable, VantageError
from vantage_common.store import rollups
from vantage_common.store.api import (
    Admin,
    Arrivals,
    Document,
    Documents,
    DocumentTable,
    Estimate,
    Explained,
    Held,
    Reader,
    Rollups,
    RollupSource,
    Writer,
)
from vantage_common.store.catalog import DOCUMENTS, ROLLUPS, SERVICES, TABLES, TableInfo
from vantage_common.store.cluster import on_cluster, sharded_tables
from vantage_common.store.documents import COLUMNS, columns_of, documents_of, must_have_history
from vantage_common.store.engine_errors import insert_error, query_error, query_timeout, short_message
from vantage_common.store.intervals import Intervals
from vantage_common.store.memory import release_engine_code
from vantage_common.store.migration_lock import MARK, alone
from vantage_common.store.migrations import (
    BOOTSTRAP,
    Applied,
    Migration,
    Step,
    load_migrations,
    pending,
    steps,
)
from vantage_common.store.plan import QueryPlan, Result, ResultColumn
from vantage_common.store.pool import CLOSE_WITHIN_S, Pool
from vantage_common.store.render import Rendered, render
from vantage_common.store.retention import Retention as Retention
from vantage_common.store.rollup_plan import Fit, Reading, computed_hours, fit, reading
from vantage_common.store.rollup_sql import render_reading, runs_sql
from vantage_common.store.services import SeenService, Services, Sightings

T = TypeVar("T")
Connect = Callable[[], Client]

MAX_QUERY_BYTES = 1 << 30
"""Memory one query may take."""
MAX_DAYS_AN_INSERT = 4000
"""More than any retention keeps. The engine's own limit of 100 would refuse a batch that fills in half a year."""
COMPUTED_FOR_S: Final = 5.0
_EXPLAIN_WITHIN_S = 10.0
_KILL_EVERY_S = 0.25
_KILL_FOR_S = 30.0

CHDB_OPTIONS: Mapping[str, str] = {
    "max_server_memory_usage": str(1_500_000_000),
    "mark_cache_size": str(32 << 20),
    "index_mark_cache_size": str(8 << 20),
    "index_uncompressed_cache_size": str(16 << 20),
    "primary_index_cache_size": str(32 << 20),
    "query_condition_cache_size": str(8 << 20),
    "compiled_expression_cache_size": str(8 << 20),
    "background_pool_size": "2",
    "background_schedule_pool_size": "2",
    "max_thread_pool_free_size": "8",
}
"""An engine sized for a laptop: its own defaults are caches of gigabytes and pools of hundreds of threads."""

_DOCUMENT = ", ".join("toUnixTimestamp64Milli(at)" if name == "at" else name for name in COLUMNS)

READER_SETTINGS: Mapping[str, object] = {
    "max_threads": 2,
    "max_memory_usage": MAX_QUERY_BYTES,
    "prefer_column_name_to_alias": 1,
    "readonly": 2,
}
"""`readonly` is last: nothing can be set after it but the limits of a single query."""

CHDB_READER_SETTINGS: Mapping[str, object] = {"load_marks_asynchronously": 0, **READER_SETTINGS}
"""On a local disk the marks of a part are read sooner than a thread is started for each column of them."""

WRITER_SETTINGS: Mapping[str, object] = {"max_threads": 1, "async_insert": 0}


class ClickHouseStore:
    """A `Store` whose clients are made by `connect` and `connect_reader`, lazily, in threads.

    One event loop uses it, from the first call to `close`.
    """

    def __init__(
        self,
        name: str,
        connect: Connect,
        connect_reader: Connect,
        *,
        database: str,
        retention: Retention,
        readers: int = 4,
        opened: Client | None = None,
        cluster: str = "",
    ) -> None:
        self.name = name
        self._threads = ThreadPoolExecutor(max_workers=readers + 4, thread_name_prefix="store")
        self._writers = Pool(connect, 1, self._threads)
        self._readers = Pool(connect_reader, readers, self._threads)
        self._admins = Pool(connect, 1, self._threads, opened)
        self._rollers = Pool(connect, 1, self._threads)
        self._keepers = Pool(connect, 1, self._threads)
        computed = ComputedHours(database)
        self._reader = ClickHouseReader(self._readers, self._admins, computed, database)
        services = ClickHouseServices(self._keepers, database)
        self.services: Services = services
        self.writer: Writer = ClickHouseWriter(self._writers, services, database)
        self.reader: Reader = self._reader
        self.admin: Admin = ClickHouseAdmin(self._admins, database, retention, cluster, is_shared=name != "chdb")
        self.rollups: Rollups | None = ClickHouseRollups(self._rollers, computed, database)
        self.documents: Documents = ClickHouseDocuments(self._keepers, database)

    async def close(self) -> None:
        """Stops running queries, then closes every handle: the engine must be gone before the process ends."""
        await self._reader.stop()
        for pool in (self._readers, self._writers, self._rollers, self._keepers, self._admins):
            await pool.close()
        self._threads.shutdown(wait=False)


class ClickHouseWriter:
    def __init__(self, pool: Pool[Client], services: "ClickHouseServices", database: str) -> None:
        self._pool = pool
        self._services = services
        self._database = database

    async def insert(self, table: str, columns: Mapping[str, Sequence[Any]], *, token: str) -> int:
        info = TABLES[table]
        rows = _row_number(info, columns)
        if rows:
            await self._pool.run(lambda client: self._insert(client, info, columns, rows, token))
        return rows

    async def rehearse(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        info = TABLES[table]
        if rows := _row_number(info, columns):
            await self._pool.run(lambda client: _send(client, _nowhere(info), info, columns, rows, {}))

    async def held(self, table: str, source_id: int, start: int, end: int) -> frozenset[Held]:
        sql = (
            f"SELECT DISTINCT _off, toYYYYMMDD({TABLES[table].time}) FROM `{self._database}`.`{table}` "
            "WHERE _src = {src:UInt64} AND _off >= {start:UInt64} AND _off < {end:UInt64}"
        )
        rows = await self._rows(sql, {"src": source_id, "start": start, "end": end})
        return frozenset(Held(offset, day) for offset, day in rows)

    async def held_parts(self, table: str, batch_ids: Sequence[str], since_ms: int) -> frozenset[tuple[str, int]]:
        if not batch_ids:
            return frozenset()
        sql = (
            f"SELECT DISTINCT batch_id, batch_part FROM `{self._database}`.`{table}` "
            "WHERE batch_id IN {ids:Array(String)} AND _at >= toDateTime({since:Int64}, 'UTC')"
        )
        rows = await self._rows(sql, {"ids": list(batch_ids), "since": max(since_ms, 0) // 1000})
        return frozenset((batch_id, part) for batch_id, part in rows)

    async def _rows(self, sql: str, parameters: dict[str, Any]) -> Sequence[Sequence[Any]]:
        def work(client: Client) -> Sequence[Sequence[Any]]:
            # A question that fails says nothing about the rows: whatever the code, it is to be asked again.
            with _engine_errors(_open_error):
                return client.query(sql, parameters=parameters).result_rows

        return await self._pool.run(work)

    def _insert(
        self, client: Client, table: TableInfo, columns: Mapping[str, Sequence[Any]], rows: int, token: str
    ) -> None:
        settings = {
            "insert_deduplication_token": token,
            "min_insert_block_size_rows": rows,
            "min_insert_block_size_bytes": 0,
            "max_insert_block_size": rows,
            "max_partitions_per_insert_block": MAX_DAYS_AN_INSERT,
        }
        block = _native_block(table, columns, rows)
        self._services.note(client, table.name, columns)
        _send_block(client, f"`{self._database}`.`{table.name}`", table, block, settings)


class ClickHouseServices:
    """Of the table `services`; its rows merge in the engine, whoever wrote them."""

    def __init__(self, readers: Pool[Client], database: str) -> None:
        self._readers = readers
        self._table = f"`{database}`.services"
        self._sightings = Sightings()

    def note(self, client: Client, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        """Writes down what a block says that is new."""
        now_s = monotonic()
        news = self._sightings.worth_noting(table, columns, now_s)
        if not news:
            return
        fields = {name: [getattr(seen, name) for seen in news] for name in _SEEN}
        given = ", ".join(f"{{{name}:Array({type_})}}" for name, type_ in _SEEN.items())
        sql = (
            f"INSERT INTO {self._table} ({', '.join(column.name for column in SERVICES.columns)}) "
            "SELECT s.1, s.2, s.3, fromUnixTimestamp64Milli(s.4, 'UTC'), fromUnixTimestamp64Milli(s.5, 'UTC'), "
            f"{_named('s.6')}, {_named('s.7')} FROM (SELECT arrayJoin(arrayZip({given})) AS s)"
        )
        _command(client, sql, fields)
        self._sightings.noted(news, now_s)

    async def of(self, workspace: str, name: str | None = None) -> list[SeenService]:
        sql = (
            "SELECT workspace, service_name, environment, toUnixTimestamp64Milli(min(first_seen)) AS first, "
            "toUnixTimestamp64Milli(max(last_seen)), tupleElement(max(namespace), 2), tupleElement(max(version), 2), "
            "toUnixTimestamp64Milli(greatest(tupleElement(max(namespace), 1), tupleElement(max(version), 1))) "
            f"FROM {self._table} WHERE workspace = {{workspace:String}} "
            f"{'' if name is None else 'AND service_name = {name:String} '}"
            "GROUP BY workspace, service_name, environment ORDER BY first, service_name, environment"
        )
        given = {"workspace": workspace} | ({} if name is None else {"name": name})
        return [SeenService(*row) for row in await self._readers.run(lambda client: _query_rows(client, sql, given))]


_SEEN: Final[Mapping[str, str]] = {
    **dict.fromkeys(("workspace", "name", "environment"), "String"),
    **dict.fromkeys(("first_ms", "last_ms"), "Int64"),
    **dict.fromkeys(("namespace", "version"), "String"),
    "named_ms": "Int64",
}
"""The fields of a SeenService by their types, in the order in which `note` gives them."""


def _named(name: str) -> str:
    """A name with the time of who said it, before all others where nobody did."""
    return f"(fromUnixTimestamp64Milli(if({name} = '', 0, s.8), 'UTC'), {name})"


class ClickHouseReader:
    def __init__(self, pool: Pool[Client], admins: Pool[Client], computed: "ComputedHours", database: str) -> None:
        self._pool = pool
        self._admins = admins
        self._computed = computed
        self._database = database
        self._running: dict[str, asyncio.Future[Any]] = {}
        self._killers: set[asyncio.Task[None]] = set()

    def sql(self, plan: QueryPlan) -> str:
        return render(plan, self._database).sql

    async def query(self, plan: QueryPlan, *, timeout_s: float = 30.0) -> Result:
        raw, found = render(plan, self._database), fit(plan)
        tag = secrets.token_hex(16)
        settings = {"log_comment": tag, "max_execution_time": math.ceil(timeout_s)}

        def work(client: Client) -> tuple[tuple[tuple[Any, ...], ...], str]:
            with _engine_errors(query_error):
                chosen = self._chosen(client, plan, found, settings)
                rendered = raw if not chosen.parts else render_reading(plan, self._database, chosen)
                answer = client.query(
                    _cheapest(client, rendered, settings),
                    parameters=dict(rendered.params),
                    settings=settings,
                    query_formats={"DateTime*": "int"},
                    column_oriented=True,
                )
                types = [column.name for column in answer.column_types]
                return _rows(answer.result_columns, rendered.columns, types), chosen.source(plan.table)

        started = perf_counter()
        rows, source = await self._watched(tag, work, timeout_s)
        return Result(raw.columns, rows, (perf_counter() - started) * 1000, source)

    async def explain(self, plan: QueryPlan) -> Explained:
        render(plan, self._database)
        found = fit(plan)
        tag = secrets.token_hex(16)
        settings = {"log_comment": tag, "max_execution_time": math.ceil(_EXPLAIN_WITHIN_S)}

        def work(client: Client) -> Explained:
            with _engine_errors(query_error):
                chosen = self._chosen(client, plan, found, settings)
                rendered = render_reading(plan, self._database, chosen)
                sql = _cheapest(client, rendered, settings)
                tables = _estimates(client, sql, dict(rendered.params), settings, self._database)
                return Explained(sql, chosen.source(plan.table), found.refused, tables)

        return await self._watched(tag, work, _EXPLAIN_WITHIN_S)

    async def rolled_up(self, source: RollupSource) -> Intervals:
        return await self._pool.run(lambda client: self._computed.of(source, partial(_query_rows, client)))

    def _chosen(self, client: Client, plan: QueryPlan, found: Fit, settings: Mapping[str, Any]) -> Reading:
        """What is read of which table, by what is computed now."""
        if not found.rollups:
            return Reading()

        def ask(sql: str, parameters: dict[str, Any]) -> Sequence[Sequence[Any]]:
            return client.query(sql, parameters=parameters, settings=dict(settings)).result_rows

        return reading(found, self._computed.of(plan.table, ask))

    async def stop(self) -> None:
        """Kills what is still running."""
        for tag, future in list(self._running.items()):
            self._kill(tag, future)
        if self._killers:
            await asyncio.wait(self._killers, timeout=CLOSE_WITHIN_S)

    async def _watched(self, tag: str, work: Callable[[Client], T], timeout_s: float) -> T:
        """Runs the query and sees to its end: past its time, or when nobody wants the answer, it is killed.

        The engine's own limit has been seen to run over by minutes, hence a watchdog outside of it.
        """
        try:
            async with asyncio.timeout(timeout_s):
                future = await self._pool.submit(work)
                self._running[tag] = future
                future.add_done_callback(lambda _: self._running.pop(tag, None))
                return await asyncio.shield(future)
        except TimeoutError:
            raise query_timeout(timeout_s) from None
        finally:
            if tag in self._running:
                self._kill(tag, self._running[tag])

    def _kill(self, tag: str, future: "asyncio.Future[Any]") -> None:
        if future.done():
            return
        killer = asyncio.get_running_loop().create_task(self._kill_until_done(tag, future))
        self._killers.add(killer)
        killer.add_done_callback(self._killers.discard)

    async def _kill_until_done(self, tag: str, future: "asyncio.Future[Any]") -> None:
        """Again and again: the first kill may come before the engine has begun."""
        for _ in range(math.ceil(_KILL_FOR_S / _KILL_EVERY_S)):
            with contextlib.suppress(StoreUnavailable):
                await self._admins.run(lambda client: _kill_query(client, tag))
            done, _pending = await asyncio.wait({future}, timeout=_KILL_EVERY_S)
            if done:
                return


class ComputedHours:
    """Of which times rollups stand for raw rows. Nearly every question asks it, and it changes when an hour ends: an
    answer is kept for `COMPUTED_FOR_S`, or until this process itself computes something."""

    def __init__(self, database: str) -> None:
        self._database = database
        self._kept: dict[str, tuple[float, Intervals]] = {}

    def of(self, source: str, ask: Callable[[str, dict[str, Any]], Sequence[Sequence[Any]]]) -> Intervals:
        kept = self._kept
        until_s, computed = kept.get(source, (0.0, ()))
        if monotonic() < until_s:
            return computed
        rows = ask(runs_sql(self._database), {"source": source})
        computed = computed_hours({int(at): int(number) for at, number in rows})
        kept[source] = (monotonic() + COMPUTED_FOR_S, computed)
        return computed

    def forget(self) -> None:
        """An answer that is on its way is forgotten with the others."""
        self._kept = {}


class ClickHouseRollups:
    """On a client of its own: an hour takes seconds, and no insert waits for it."""

    def __init__(self, pool: Pool[Client], computed: ComputedHours, database: str) -> None:
        self._pool = pool
        self._computed = computed
        self._database = database

    async def position(self, source: RollupSource) -> int:
        return await self._run(lambda engine: rollups.position(engine, source))

    async def advance(self, source: RollupSource, position_ms: int) -> None:
        await self._run(lambda engine: rollups.advance(engine, source, position_ms))

    async def arrivals(self, source: RollupSource, since_ms: int) -> Arrivals:
        return await self._run(lambda engine: rollups.arrivals(engine, source, since_ms))

    async def outdate(self, source: RollupSource, hour_ms: int) -> bool:
        return await self._run(lambda engine: rollups.outdate(engine, source, hour_ms))

    async def recompute(self, source: RollupSource, hour_ms: int, now_ms: int) -> bool:
        return await self._run(lambda engine: rollups.recompute(engine, source, hour_ms, now_ms))

    async def _run(self, work: Callable[[rollups.Engine], T]) -> T:
        def with_client(client: Client) -> T:
            return work(
                rollups.Engine(
                    self._database,
                    ask=lambda sql, parameters: _query_rows(client, sql, parameters),
                    tell=lambda sql, parameters: _command(client, sql, parameters),
                )
            )

        try:
            return await self._pool.run(with_client)
        finally:
            self._computed.forget()


class ClickHouseDocuments:
    def __init__(self, pool: Pool[Client], database: str) -> None:
        self._pool = pool
        self._database = database

    async def put(self, table: DocumentTable, documents: Sequence[Document]) -> None:
        columns = columns_of(documents)
        if documents:
            where, info = self._table(table), DOCUMENTS[table]
            await self._pool.run(lambda client: _send(client, where, info, columns, len(documents), {}))

    async def newest(self, table: DocumentTable, workspace: str | None, id_: str | None = None) -> list[Document]:
        filters = {"workspace": workspace, "id": id_}
        given = {name: value for name, value in filters.items() if value is not None}
        where = " AND ".join(f"{name} = {{{name}:String}}" for name in given) or "true"
        versions = f"SELECT * FROM {self._table(table)} WHERE {where} ORDER BY workspace, id, ver DESC"
        sql = f"SELECT {_DOCUMENT} FROM ({versions} LIMIT 1 BY workspace, id) WHERE NOT deleted ORDER BY workspace, id"
        return documents_of(await self._pool.run(lambda client: _query_rows(client, sql, given)))

    async def history(
        self,
        table: DocumentTable,
        workspace: str,
        *,
        start_ms: int,
        end_ms: int,
        id_: str | None = None,
        limit: int = 1000,
        offset: int = 0,
    ) -> list[Document]:
        must_have_history(table)
        params = {"workspace": workspace, "start": start_ms, "end": end_ms, "id": id_ or ""}
        sql = (
            f"SELECT {_DOCUMENT} FROM {self._table(table)} FINAL WHERE workspace = {{workspace:String}} "
            "AND at >= fromUnixTimestamp64Milli({start:Int64}) AND at < fromUnixTimestamp64Milli({end:Int64}) "
            f"{'' if id_ is None else 'AND id = {id:String} '}"
            f"ORDER BY at DESC, ver DESC, id LIMIT {int(limit)} OFFSET {int(offset)}"
        )
        return documents_of(await self._pool.run(lambda client: _query_rows(client, sql, params)))

    def _table(self, table: DocumentTable) -> str:
        return f"`{self._database}`.`{DOCUMENTS[table].name}`"


class ClickHouseAdmin:
    def __init__(
        self, pool: Pool[Client], database: str, retention: Retention, cluster: str = "", *, is_shared: bool = False
    ) -> None:
        self._pool = pool
        self._database = database
        self._retention = retention
        self._cluster = cluster
        self._is_shared = is_shared

    async def run(self, work: Callable[[Client], T]) -> T:
        """Lends the client of the administrator, for what a plan cannot say: tests and operations."""
        return await self._pool.run(work)

    async def migrate(self) -> list[str]:
        return await self._pool.run(self._migrate)

    async def ping(self, timeout_s: float = 5.0) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await self._pool.run(lambda client: _query_rows(client, "SELECT 1"))
        except TimeoutError:
            raise StoreUnavailable(f"the store has not answered within {timeout_s:g} s") from None

    async def table_sizes(self) -> dict[str, tuple[int, int]]:
        sql = (
            "SELECT name, coalesce(total_rows, 0), coalesce(total_bytes, 0) FROM system.tables "
            "WHERE database = {database:String} ORDER BY name"
        )
        rows = await self._pool.run(lambda client: _query_rows(client, sql, {"database": self._database}))
        return {str(name): (int(count), int(size)) for name, count, size in rows}

    async def steps(self) -> list[Step]:
        known = load_migrations()
        applied = await self._pool.run(lambda client: applied_migrations(client, self._database))
        return steps(known if applied else [BOOTSTRAP, *known], applied, self.statements)

    def statements(self, migration: Migration) -> list[str]:
        """What a schema file is made of here: on one server its own statements, on a cluster what they become."""
        own = migration.statements(self._values())
        if not self._cluster:
            return own
        every = [statement for known in load_migrations() for statement in known.statements(self._values())]
        sharded = sharded_tables(every)
        return [made for statement in own for made in on_cluster(statement, self._cluster, sharded)]

    def _migrate(self, client: Client) -> list[str]:
        for statement in self.statements(BOOTSTRAP):
            _command(client, statement)
        todo = pending(load_migrations(), applied_migrations(client, self._database))
        if todo:
            with self._alone(client):
                todo = pending(load_migrations(), applied_migrations(client, self._database))
                self._apply(client, todo)
        self._align_retention(client)
        release_engine_code()
        return [migration.name for migration in todo]

    def _apply(self, client: Client, todo: Sequence[Migration]) -> None:
        settings = {"log_comment": MARK} if self._is_shared else {}
        for migration in todo:
            for statement in self.statements(migration):
                _command(client, statement, settings=settings)
            _command(
                client,
                f"INSERT INTO `{self._database}`.migrations (version, name, checksum) "
                "VALUES ({version:UInt32}, {name:String}, {checksum:String})",
                {"version": migration.version, "name": migration.name, "checksum": migration.checksum},
            )

    def _alone(self, client: Client) -> AbstractContextManager[None]:
        """An embedded engine has one administrator anyway."""
        if not self._is_shared:
            return contextlib.nullcontext()
        return alone(lambda sql: _query_rows(client, sql), lambda sql: _command(client, sql), self._database)

    def _values(self) -> dict[str, object]:
        return {
            "database": f"`{self._database}`",
            "retention_raw_days": self._retention.raw_days,
            "retention_spans_days": self._retention.spans_days,
        }

    def _align_retention(self, client: Client) -> None:
        """A table keeps the retention it was made with; the settings may have changed since."""
        sql = "SELECT name, engine_full FROM system.tables WHERE database = {database:String}"
        for name, engine in _query_rows(client, sql, {"database": self._database}):
            table = name.removesuffix("_local")
            days = self._retention.days_of(table)
            info = TABLES.get(table) or ROLLUPS.get(table)
            if info and " TTL " in engine and f"toIntervalDay({days})" not in engine:
                where = f"`{self._database}`.`{name}`" + (f" ON CLUSTER `{self._cluster}`" if self._cluster else "")
                ttl = f"toDateTime({info.time}) + INTERVAL {days} DAY"
                _command(client, f"ALTER TABLE {where} MODIFY TTL {ttl}")


def open_chdb(path: Path, database: str, retention: Retention, readers: int = 4) -> ClickHouseStore:
    """The store embedded in this process. Raises StoreUnavailable when it cannot be opened, NewerSchema when a newer
    Vantage wrote it."""
    _import_engine()
    connect = _connect_chdb(path, WRITER_SETTINGS)
    client = connect()
    try:
        pending(load_migrations(), applied_migrations(client, database))
    except VantageError:
        client.close()
        raise
    return ClickHouseStore(
        "chdb",
        connect,
        _connect_chdb(path, CHDB_READER_SETTINGS),
        database=database,
        retention=retention,
        readers=readers,
        opened=client,
    )


def _import_engine() -> None:
    """chDB imports pyarrow where it finds it, 40 MB that only its Arrow calls need: it does not find it."""
    if "chdb" in sys.modules or "pyarrow" in sys.modules:
        return
    sys.modules["pyarrow"] = None  # type: ignore[assignment]  # Python's own mark for "cannot be imported"
    try:
        importlib.import_module("chdb")
    finally:
        del sys.modules["pyarrow"]


def _connect_chdb(path: Path, settings: Mapping[str, object]) -> Connect:
    """Clients of the engine embedded in this process, on the directory `path`."""

    def connect() -> Client:
        with _engine_errors(_open_error):
            return clickhouse_connect.get_client(
                interface="chdb", path=str(path), chdb_options=dict(CHDB_OPTIONS), settings=dict(settings)
            )

    return connect


def connect_server(host: str, port: int, user: str, password: str, settings: Mapping[str, object]) -> Connect:
    """Clients of a ClickHouse server. Nothing is sent twice by the client itself."""

    def connect() -> Client:
        with _engine_errors(_open_error):
            return clickhouse_connect.get_client(
                host=host,
                port=port,
                username=user,
                password=password,
                settings=dict(settings),
                query_retries=0,
                connect_timeout=5,
                send_receive_timeout=60,
                autogenerate_session_id=False,
            )

    return connect


def applied_migrations(client: Client, database: str) -> list[Applied]:
    """What the migrations table has; nothing where there is none yet."""
    exists = "SELECT count() FROM system.tables WHERE database = {database:String} AND name = 'migrations'"
    if not _query_rows(client, exists, {"database": database})[0][0]:
        return []
    rows = _query_rows(client, f"SELECT DISTINCT version, name, checksum FROM `{database}`.migrations ORDER BY version")
    return [Applied(int(version), str(name), str(checksum)) for version, name, checksum in rows]


def _row_number(table: TableInfo, columns: Mapping[str, Sequence[Any]]) -> int:
    """Raises StoreRejected unless every column is there, all of one length."""
    lengths = {column.name: len(columns[column.name]) for column in table.columns if column.name in columns}
    missing = [column.name for column in table.columns if column.name not in columns]
    if missing:
        raise StoreRejected(f"a block for {table.name} lacks {', '.join(missing)}")
    if len(set(lengths.values())) > 1:
        raise StoreRejected(f"the columns of a block for {table.name} differ in length: {lengths}")
    return next(iter(lengths.values()), 0)


def _nowhere(table: TableInfo) -> str:
    """A target with the table's columns that keeps no row, for as long as the insert lasts."""
    structure = ", ".join(f"`{column.name}` {column.type}" for column in table.columns)
    return "FUNCTION null('{}')".format(structure.replace("'", "\\'"))


def _send(
    client: Client,
    target: str,
    table: TableInfo,
    columns: Mapping[str, Sequence[Any]],
    rows: int,
    settings: Mapping[str, object],
) -> None:
    _send_block(client, target, table, _native_block(table, columns, rows), settings)


def _send_block(client: Client, target: str, table: TableInfo, block: bytes, settings: Mapping[str, object]) -> None:
    """Sends one Native block. It travels as a generator, which clickhouse-connect cannot rewind: a connection closed
    half-way raises instead of being sent again behind our back."""
    with _engine_errors(insert_error):
        client.raw_insert(
            target,
            column_names=[column.name for column in table.columns],
            insert_block=(part for part in (block,)),
            settings=dict(settings),
            fmt="Native",
        )


def _native_block(table: TableInfo, columns: Mapping[str, Sequence[Any]], rows: int) -> bytes:
    """The rows in ClickHouse's Native format. Raises StoreRejected for a value that its column cannot hold."""
    try:
        data = [_stored(column.type, columns[column.name]) for column in table.columns]
        context = InsertContext(
            table.name,
            [column.name for column in table.columns],
            [get_from_name(column.type) for column in table.columns],
            data=data,
            column_oriented=True,
            block_size=rows,
        )
        block = b"".join(NativeTransform.build_insert(context))
        if context.insert_exception is not None:
            raise context.insert_exception
    except (ClickHouseError, ValueError, TypeError, AttributeError, ArithmeticError) as error:
        raise StoreRejected(f"a value does not fit its column in {table.name}: {error}") from error
    return block[block.index(b"\n") + 1 :]


def _stored(clickhouse_type: str, values: Sequence[Any]) -> Sequence[Any]:
    """Times come in ms; spans keep the microseconds of their fraction."""
    if clickhouse_type.startswith("DateTime64(6"):
        return [round(value * 1000) for value in values]
    return values


def _rows(
    data: Sequence[Sequence[Any]], columns: Sequence[ResultColumn], types: Sequence[str]
) -> tuple[tuple[Any, ...], ...]:
    """The answer's columns as rows of plain values."""
    answers = [_answer(values, column.type, type_) for values, column, type_ in zip(data, columns, types, strict=False)]
    return tuple(zip(*answers, strict=True))


def _answer(values: Sequence[Any], kind: str, clickhouse_type: str) -> Sequence[Any]:
    match kind:
        case "time":
            scale = _ms_scale(clickhouse_type)
            return [None if value is None else round(value * scale) for value in values]
        case "number":
            return [value if value is None or math.isfinite(value) else None for value in values]
        case "boolean":
            return [None if value is None else bool(value) for value in values]
        case "array":
            return [[_finite(item) for item in value] for value in values]
        case _:
            return values


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _ms_scale(clickhouse_type: str) -> float:
    """Milliseconds in a tick of a DateTime or DateTime64."""
    if "DateTime64(6" in clickhouse_type:
        return 0.001
    return 1.0 if "DateTime64(3" in clickhouse_type else 1000.0


def _cheapest(client: Client, rendered: Rendered, settings: Mapping[str, Any]) -> str:
    """The plan's text, or the shorter one where there is nothing to difference."""
    if not rendered.probe:
        return rendered.sql
    found = client.query(rendered.probe, parameters=dict(rendered.params), settings=dict(settings)).result_rows
    return rendered.sql if found else rendered.plain


def _estimates(
    client: Client, sql: str, parameters: dict[str, Any], settings: Mapping[str, Any], database: str
) -> tuple[Estimate, ...]:
    """What the engine expects to read; of a table on a cluster it knows nothing."""
    explained = client.query(f"EXPLAIN ESTIMATE {sql}", parameters=parameters, settings=dict(settings)).result_rows
    sizes = client.query(
        "SELECT name, total_bytes / total_rows FROM system.tables "
        "WHERE database = {database:String} AND total_rows > 0",
        parameters={"database": database},
        settings=dict(settings),
    ).result_rows
    a_row = {str(name): float(size) for name, size in sizes}
    return tuple(
        Estimate(str(table), int(parts), int(rows), round(int(rows) * a_row.get(str(table), 0.0)))
        for _, table, parts, rows, _ in explained
    )


def _query_rows(client: Client, sql: str, parameters: dict[str, Any] | None = None) -> Sequence[Sequence[Any]]:
    with _engine_errors(_open_error):
        return client.query(sql, parameters=parameters).result_rows


def _command(
    client: Client,
    sql: str,
    parameters: dict[str, Any] | None = None,
    settings: Mapping[str, object] = MappingProxyType({}),
) -> None:
    with _engine_errors(_open_error):
        client.command(sql, parameters=parameters, settings=dict(settings))


def _kill_query(client: Client, tag: str) -> None:
    with _engine_errors(_open_error):
        client.command(f"KILL QUERY WHERE Settings['log_comment'] = '{tag}' ASYNC")


def _open_error(error: Exception) -> Exception:
    return StoreUnavailable(f"the store does not answer: {short_message(error)}")


@contextlib.contextmanager
def _engine_errors(convert: Callable[[Exception], Exception]) -> Iterator[None]:
    """Turns what the client raises into our own errors."""
    try:
        yield
    except (ClickHouseError, OSError) as error:
        raise convert(error) from error
