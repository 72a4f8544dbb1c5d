"""The store in one SQLite file, for machines that chDB has no wheel for. Standard library only.

One connection writes, several read, one administers; each is lent to one call at a time and used in threads. Readers
open the file read-only, may call nothing but what a rendered plan needs, and stop when the handler says so that SQLite
asks every thousand steps. An insert is one transaction with its token, synced before it is acknowledged. An insert
also deletes rows of whole days that are past their retention, at least as many as it brings.
"""

import asyncio
import contextlib
import math
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any, Final, TypeVar

import msgspec

from vantage_common.clock import Clock
from vantage_common.errors import (
    PermanentError,
    QueryTimeout,
    StoreRejected,
    StoreUnavailable,
    UserError,
    VantageError,
)
from vantage_common.store.api import (
    HISTORIES,
    Admin,
    Document,
    Documents,
    DocumentTable,
    Explained,
    Held,
    Reader,
    Rollups,
    RollupSource,
    Writer,
)
from vantage_common.store.catalog import DOCUMENTS, TABLES, TableInfo
from vantage_common.store.documents import COLUMNS, columns_of, documents_of, must_have_history
from vantage_common.store.engine_errors import query_timeout
from vantage_common.store.intervals import Intervals
from vantage_common.store.migrations import Applied, Step, load_migrations, pending, steps
from vantage_common.store.plan import QueryPlan, Result
from vantage_common.store.pool import Pool
from vantage_common.store.retention import DOCUMENT_DAYS, Retention
from vantage_common.store.services import SeenService, Services, Sightings
from vantage_common.store.sqlite_functions import FUNCTION_NAMES, Work, register
from vantage_common.store.sqlite_render import DAY_MS, NATIVE_FUNCTIONS, lacks, render_sqlite

T = TypeVar("T")

LEAST_VERSION: Final = (3, 39, 0)
"""Of the SQLite library: HAVING without GROUP BY, strict tables, filters on aggregates."""
MAX_ANSWER_BYTES: Final = 256 << 20
MAX_VALUE_BYTES: Final = 64 << 20
"""Of one value, so also of an array that an aggregate collects."""
TOKENS_KEPT_MS: Final = 7 * DAY_MS
_ROWS_A_DELETE: Final = 10_000
_BUSY_TIMEOUT_S: Final = 10.0
_MAPPED_BYTES: Final = 1 << 30
"""Of the file, for readers: rows found by an index lie all over it."""
_CACHE_KIB: Final = 32 << 10
_WAL_LIMIT_BYTES: Final = 64 << 20
_ASK_EVERY_STEPS: Final = 1000
_ROWS_A_FETCH: Final = 1000
_SIGNED_64: Final = 1 << 63

_BAD_ROWS: Final = frozenset({sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG})
_READABLE: Final = frozenset({*TABLES, "days", "json_each", ""})
_CALLABLE: Final = NATIVE_FUNCTIONS | FUNCTION_NAMES


class SqliteStore:
    """A `Store` on the file `path`, which is made where there is none.

    One event loop uses it, from the first call to `close`; other processes may have the file open as well. Raises
    PermanentError for a file that is no database of ours or a library that is too old, NewerSchema when a newer
    Vantage wrote it, StoreUnavailable when it cannot be opened now.
    """

    name = "sqlite"

    def __init__(self, path: Path, *, retention: Retention, clock: Clock, readers: int = 4) -> None:
        opened = _connect_writer(path)
        self._threads = ThreadPoolExecutor(max_workers=readers + 2, thread_name_prefix="store")
        self._readers = Pool(lambda: _Handle(path), readers, self._threads)
        self._writers = Pool(lambda: _connect_writer(path), 1, self._threads)
        self._admins = Pool(lambda: _connect_writer(path), 1, self._threads, opened)
        self._reader = SqliteReader(self._readers)
        self.writer: Writer = SqliteWriter(self._writers, retention, clock)
        self.reader: Reader = self._reader
        self.admin: Admin = SqliteAdmin(self._admins, clock)
        self.rollups: Rollups | None = None
        self.documents: Documents = SqliteDocuments(self._writers)
        self.services: Services = SqliteServices(self._writers)

    async def close(self) -> None:
        """Stops running queries, then closes every connection; the last one folds the log into the file."""
        self._reader.stop()
        for pool in (self._readers, self._writers, self._admins):
            await pool.close()
        self._threads.shutdown(wait=False)


class SqliteWriter:
    def __init__(self, pool: Pool[sqlite3.Connection], retention: Retention, clock: Clock) -> None:
        self._pool = pool
        self._retention = retention
        self._clock = clock
        self._sightings = Sightings()

    async def insert(self, table: str, columns: Mapping[str, Sequence[Any]], *, token: str) -> int:
        info = TABLES[table]
        now_ms, now_s = self._clock.now_ms(), self._clock.monotonic()

        def work(connection: sqlite3.Connection) -> int:
            rows = stored_rows(info, columns, now_ms // 1000)
            news = self._sightings.worth_noting(table, columns, now_s)
            with _insert_errors(info), _transaction(connection):
                if _is_new(connection, table, token, now_ms):
                    _insert(connection, info, rows)
                    connection.executemany(_NOTE, [astuple(seen) for seen in news])
                self._expire(connection, info, now_ms, len(rows))
            self._sightings.noted(news, now_s)
            return len(rows)

        return await self._pool.run(work)

    async def rehearse(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        info = TABLES[table]

        def work(connection: sqlite3.Connection) -> None:
            rows = stored_rows(info, columns, 0)
            with _insert_errors(info), contextlib.suppress(_Rehearsed), _transaction(connection):
                _insert(connection, info, rows)
                raise _Rehearsed

        await self._pool.run(work)

    async def held(self, table: str, source_id: int, start: int, end: int) -> frozenset[Held]:
        sql = f'SELECT DISTINCT _off, _day FROM "{TABLES[table].name}" WHERE _src = ? AND _off >= ? AND _off < ?'
        bounds = (_signed(source_id), *(min(offset, _SIGNED_64 - 1) for offset in (start, end)))
        rows = await self._pool.run(lambda connection: _fetch(connection, sql, bounds))
        return frozenset(Held(offset, _yyyymmdd(day)) for offset, day in rows)

    async def held_parts(self, table: str, batch_ids: Sequence[str], since_ms: int) -> frozenset[tuple[str, int]]:
        sql = (
            f"SELECT DISTINCT batch_id, batch_part FROM \"{TABLES[table].name}\" WHERE batch_id != '' "
            "AND batch_id IN (SELECT value FROM json_each(?)) AND _at >= ?"
        )
        asked = (msgspec.json.encode(list(batch_ids)).decode(), max(since_ms, 0) // 1000)
        rows = await self._pool.run(lambda connection: _fetch(connection, sql, asked))
        return frozenset((batch_id, part) for batch_id, part in rows)

    def _expire(self, connection: sqlite3.Connection, table: TableInfo, now_ms: int, brought: int) -> None:
        """Deletes the oldest rows of days that ended before the retention began; steadily, so that no insert waits
        for a whole day to go."""
        first_kept = now_ms // DAY_MS - self._retention.days_of(table.name)
        oldest = "SELECT min(day) FROM days WHERE name = ?"
        (day,) = connection.execute(oldest, (table.name,)).fetchone()
        if day is None or day >= first_kept:
            return
        most = max(_ROWS_A_DELETE, 2 * brought)
        delete = f'DELETE FROM "{table.name}" WHERE rowid IN (SELECT rowid FROM "{table.name}" WHERE _day = ? LIMIT ?)'
        if connection.execute(delete, (day, most)).rowcount < most:
            connection.execute("DELETE FROM days WHERE name = ? AND day = ?", (table.name, day))


_NOTE: Final = """
INSERT INTO services AS known VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (workspace, service_name, environment) DO UPDATE SET
    first_seen = min(known.first_seen, excluded.first_seen),
    last_seen = max(known.last_seen, excluded.last_seen),
    namespace = CASE WHEN excluded.namespace = '' OR (known.namespace != '' AND excluded.named < known.named)
        THEN known.namespace ELSE excluded.namespace END,
    version = CASE WHEN excluded.version = '' OR (known.version != '' AND excluded.named < known.named)
        THEN known.version ELSE excluded.version END,
    named = max(known.named, excluded.named)
"""


class SqliteServices:
    def __init__(self, pool: Pool[sqlite3.Connection]) -> None:
        self._pool = pool

    async def of(self, workspace: str, name: str | None = None) -> list[SeenService]:
        sql = (
            f"SELECT * FROM services WHERE workspace = ?{'' if name is None else ' AND service_name = ?'} "
            "ORDER BY first_seen, service_name, environment"
        )
        asked = [workspace, *([] if name is None else [name])]
        return [SeenService(*row) for row in await self._pool.run(lambda connection: _fetch(connection, sql, asked))]


class SqliteDocuments:
    """Older versions go when a newer one comes, but for histories, of which every version stays for its time."""

    def __init__(self, pool: Pool[sqlite3.Connection]) -> None:
        self._pool = pool

    async def put(self, table: DocumentTable, documents: Sequence[Document]) -> None:
        rows = list(zip(*columns_of(documents).values(), strict=True))

        def work(connection: sqlite3.Connection) -> None:
            with _insert_errors(DOCUMENTS[table]), _transaction(connection):
                marks = ", ".join("?" for _ in COLUMNS)
                connection.executemany(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", rows)
                if table in HISTORIES:
                    before = max(document.at_ms for document in documents) - DOCUMENT_DAYS[table] * DAY_MS
                    connection.execute(f"DELETE FROM {table} WHERE at < ?", (before,))
                else:
                    older = f"DELETE FROM {table} WHERE workspace = ? AND id = ? AND ver < ?"
                    connection.executemany(older, [(d.workspace, d.id, d.version) for d in documents])

        if documents:
            await self._pool.run(work)

    async def newest(self, table: DocumentTable, workspace: str | None, id_: str | None = None) -> list[Document]:
        filters = {"workspace": workspace, "id": id_}
        given = {name: value for name, value in filters.items() if value is not None}
        where = "".join(f" AND {name} = ?" for name in given)
        last = f"SELECT max(ver) FROM {table} AS other WHERE other.workspace = own.workspace AND other.id = own.id"
        sql = (
            f"SELECT {', '.join(COLUMNS)} FROM {table} AS own WHERE NOT deleted AND ver = ({last}){where} "
            "ORDER BY workspace, id"
        )
        return documents_of(await self._pool.run(lambda connection: _fetch(connection, sql, list(given.values()))))

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
        sql = (
            f"SELECT {', '.join(COLUMNS)} FROM {table} WHERE workspace = ? AND at >= ? AND at < ? "
            f"{'' if id_ is None else 'AND id = ? '}ORDER BY at DESC, ver DESC, id LIMIT ? OFFSET ?"
        )
        asked = [workspace, start_ms, end_ms, *([] if id_ is None else [id_]), limit, offset]
        return documents_of(await self._pool.run(lambda connection: _fetch(connection, sql, asked)))


class SqliteReader:
    def __init__(self, pool: "Pool[_Handle]") -> None:
        self._pool = pool
        self._running: set[threading.Event] = set()

    def sql(self, plan: QueryPlan) -> str:
        return render_sqlite(plan).sql

    async def explain(self, plan: QueryPlan) -> Explained:
        """SQLite makes no estimates."""
        return Explained(self.sql(plan), plan.table)

    async def rolled_up(self, source: RollupSource) -> Intervals:
        return ()

    async def query(self, plan: QueryPlan, *, timeout_s: float = 30.0) -> Result:
        rendered = render_sqlite(plan)
        kinds = [column.type for column in rendered.columns]
        stop = threading.Event()
        self._running.add(stop)

        def work(handle: _Handle) -> tuple[tuple[Any, ...], ...]:
            return tuple(_answer(row, kinds) for row in handle.ask(rendered.sql, rendered.params, stop))

        started = perf_counter()
        try:
            async with asyncio.timeout(timeout_s):
                rows = await self._pool.run(work)
        except TimeoutError:
            raise query_timeout(timeout_s) from None
        finally:
            stop.set()
            self._running.discard(stop)
        return Result(rendered.columns, rows, (perf_counter() - started) * 1000, plan.table)

    def stop(self) -> None:
        """Stops what is still running."""
        for stop in self._running:
            stop.set()


class SqliteAdmin:
    def __init__(self, pool: Pool[sqlite3.Connection], clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Lends the connection of the administrator, for what a plan cannot say: tests and operations."""
        return await self._pool.run(work)

    async def migrate(self) -> list[str]:
        return await self._pool.run(self._migrate)

    async def steps(self) -> list[Step]:
        known = load_migrations("sqlite")
        applied = await self._pool.run(applied_migrations)
        return steps(known, applied, lambda migration: migration.statements({}))

    async def ping(self, timeout_s: float = 5.0) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await self._pool.run(lambda connection: _fetch(connection, "SELECT 1 FROM sqlite_schema", ()))
        except TimeoutError:
            raise StoreUnavailable(f"the store has not answered within {timeout_s:g} s") from None

    async def table_sizes(self) -> dict[str, tuple[int, int]]:
        """The bytes are those of the file, shared out by rows."""
        return await self._pool.run(_table_sizes)

    def _migrate(self, connection: sqlite3.Connection) -> list[str]:
        """Each schema file in one transaction with its record: SQLite takes back table definitions too."""
        applied = []
        with _open_errors():
            with _transaction(connection):
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, "
                    "checksum TEXT NOT NULL, applied_at_ms INTEGER NOT NULL) STRICT"
                )
            for migration in pending(load_migrations("sqlite"), applied_migrations(connection)):
                with _transaction(connection):
                    for statement in migration.statements({}):
                        connection.execute(statement)
                    row = (migration.version, migration.name, migration.checksum, self._clock.now_ms())
                    connection.execute("INSERT INTO migrations VALUES (?, ?, ?, ?)", row)
                applied.append(migration.name)
        return applied


class _Handle:
    """A connection that can only read, and what stops it."""

    def __init__(self, path: Path) -> None:
        with _open_errors():
            self._connection, self._work = reading_connection(path)
        self._stop = threading.Event()
        self._connection.set_progress_handler(self._is_stopped, _ASK_EVERY_STEPS)

    def ask(self, sql: str, params: Mapping[str, Any], stop: threading.Event) -> Iterator[tuple[Any, ...]]:
        """The rows of an answer. Raises QueryTimeout when `stop` is set, UserError when the answer is too large or
        the question cannot be asked, else StoreUnavailable."""
        self._stop = stop
        self._work.begin()
        size = 0
        with self._errors(), contextlib.closing(self._connection.execute(sql, dict(params))) as cursor:
            while rows := cursor.fetchmany(_ROWS_A_FETCH):
                size += sum(len(value) for row in rows for value in row if isinstance(value, str))
                if size > MAX_ANSWER_BYTES:
                    raise _too_large(f"the answer has more than {MAX_ANSWER_BYTES >> 20} MiB")
                yield from rows

    def close(self) -> None:
        self._connection.close()

    def _is_stopped(self) -> bool:
        return self._stop.is_set()

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            if self._stop.is_set():
                raise QueryTimeout("the query was stopped before it began")
            yield
        except (sqlite3.Error, UnicodeEncodeError) as error:
            if self._work.is_too_large:
                raise _too_large("its quantiles are of too many rows") from error
            raise query_error(error) from error


def reading_connection(path: Path) -> tuple[sqlite3.Connection, Work]:
    """A connection that can read the tables and call what a rendered plan does, and what its aggregates count."""
    connection = _connect(f"{path.resolve().as_uri()}?mode=ro")
    connection.execute("PRAGMA query_only = ON")
    connection.execute(f"PRAGMA mmap_size = {_MAPPED_BYTES}")
    connection.execute("PRAGMA case_sensitive_like = ON")
    connection.execute("SELECT 1 FROM json_each('[]')")  # declares a table of its own, once: forbidden from here on
    work = register(connection)
    for limit, most in ((sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES), (sqlite3.SQLITE_LIMIT_ATTACHED, 0)):
        connection.setlimit(limit, most)
    connection.set_authorizer(_allowed)
    return connection, work


def _allowed(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    """Reading the tables of the catalog and calling the functions of a rendered plan, nothing else."""
    match action:
        case sqlite3.SQLITE_SELECT:
            allowed = True
        case sqlite3.SQLITE_READ:
            allowed = first in _READABLE
        case sqlite3.SQLITE_FUNCTION:
            allowed = second in _CALLABLE
        case _:
            allowed = False
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def query_error(error: Exception) -> VantageError:
    """QueryTimeout when stopped, UserError when the question is at fault or too large, else StoreUnavailable."""
    code = getattr(error, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_INTERRUPT:
        return QueryTimeout("the query ran over its time and was stopped")
    if "stack overflow" in str(error):
        return lacks("expressions nested so deep")
    if code in (sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_NOMEM):
        return _too_large(str(error))
    if isinstance(error, UnicodeEncodeError) or (
        code in (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_AUTH, sqlite3.SQLITE_MISMATCH)
        and "no such table" not in str(error)
    ):
        return UserError("bad_query", f"the store cannot answer this: {error}")
    return StoreUnavailable(f"the store did not answer: {error}")


def _too_large(why: str) -> UserError:
    return UserError(
        "query_too_large",
        f"the query needs more than a query may take: {why}",
        hint="Narrow the time range or group by fewer columns.",
    )


def applied_migrations(connection: sqlite3.Connection) -> list[Applied]:
    """What the migrations table has; nothing where there is none yet."""
    if not _fetch(connection, "SELECT 1 FROM sqlite_schema WHERE name = 'migrations'", ()):
        return []
    rows = _fetch(connection, "SELECT version, name, checksum FROM migrations ORDER BY version", ())
    return [Applied(int(version), str(name), str(checksum)) for version, name, checksum in rows]


def stored_rows(table: TableInfo, columns: Mapping[str, Sequence[Any]], at_s: int) -> list[tuple[Any, ...]]:
    """The rows as the table keeps them. Raises StoreRejected for a value that its column cannot hold."""
    missing = [column.name for column in table.columns if column.name not in columns]
    if missing:
        raise StoreRejected(f"a block for {table.name} lacks {', '.join(missing)}")
    lengths = {column.name: len(columns[column.name]) for column in table.columns}
    if len(set(lengths.values())) > 1:
        raise StoreRejected(f"the columns of a block for {table.name} differ in length: {lengths}")
    data = []
    for column in table.columns:
        try:
            data.append(_stored(column.type, columns[column.name]))
        except (msgspec.ValidationError, ValueError, OverflowError) as error:
            raise StoreRejected(f"a value does not fit {table.name}.{column.name}: {error}") from error
    days = [int(ms // DAY_MS) for ms in data[[column.name for column in table.columns].index(table.time)]]
    return list(zip(*data, [at_s] * len(days), days, strict=True))


_LISTS: Final[Mapping[str, Any]] = {
    **{f"UInt{bits}": list[Annotated[int, msgspec.Meta(ge=0, le=2**bits - 1)]] for bits in (8, 16, 32)},
    "UInt64": list[Annotated[int, msgspec.Meta(ge=0)]],
    "Float64": list[float],
    "String": list[str],
    "LowCardinality(String)": list[str],
}


def _stored(clickhouse_type: str, values: Sequence[Any]) -> list[Any]:
    """The values of a column, checked, as SQLite keeps them. Times come in ms."""
    if clickhouse_type.startswith("Map("):
        return [_packed(value) for value in msgspec.convert(values, list[dict[str, str]])]
    if clickhouse_type.startswith("DateTime64(6"):
        return [round(value * 1000) / 1000 for value in msgspec.convert(values, list[float])]
    if clickhouse_type.startswith("DateTime"):
        return msgspec.convert(values, list[int])
    checked: list[Any] = msgspec.convert(values, _LISTS[clickhouse_type])
    match clickhouse_type:
        case "UInt64":
            return [_signed(value) for value in checked]
        case "Float64":
            return [None if math.isnan(value) else value for value in checked]
        case _:
            return checked


_sorted_json: Final = msgspec.json.Encoder(order="deterministic")
_map: Final = msgspec.json.Decoder(dict[str, str])
_array: Final = msgspec.json.Decoder(list[Any])


def _packed(labels: Mapping[str, str]) -> str:
    return _sorted_json.encode(labels).decode() if labels else "{}"


def _signed(value: int) -> int:
    """An unsigned 64-bit number as the signed one of the same bits."""
    if value >= 2 * _SIGNED_64:
        raise OverflowError(f"{value} has more than 64 bits")
    return value if value < _SIGNED_64 else value - 2 * _SIGNED_64


def _answer(row: tuple[Any, ...], kinds: Sequence[str]) -> tuple[Any, ...]:
    return tuple(None if value is None else _plain(value, kind) for value, kind in zip(row, kinds, strict=True))


def _plain(value: Any, kind: str) -> Any:
    match kind:
        case "time":
            return round(value)
        case "number":
            return float(value) if math.isfinite(value) else None
        case "boolean":
            return bool(value)
        case "map":
            return _map.decode(value)
        case "array":
            return _array.decode(value)
        case _:
            return value


def _yyyymmdd(day: int) -> int:
    return int(datetime.fromtimestamp(day * DAY_MS // 1000, UTC).strftime("%Y%m%d"))


class _Rehearsed(Exception):
    """Takes back what an insert did."""


def _is_new(connection: sqlite3.Connection, table: str, token: str, now_ms: int) -> bool:
    connection.execute("DELETE FROM tokens WHERE at_ms < ?", (now_ms - TOKENS_KEPT_MS,))
    return connection.execute("INSERT OR IGNORE INTO tokens VALUES (?, ?, ?)", (table, token, now_ms)).rowcount == 1


def _insert(connection: sqlite3.Connection, table: TableInfo, rows: Sequence[tuple[Any, ...]]) -> None:
    names = [*(column.name for column in table.columns), "_at", "_day"]
    columns = ", ".join(f'"{name}"' for name in names)
    marks = ", ".join("?" for _ in names)
    connection.executemany(f'INSERT INTO "{table.name}" ({columns}) VALUES ({marks})', rows)
    days = sorted({row[-1] for row in rows})
    connection.executemany("INSERT OR IGNORE INTO days VALUES (?, ?)", [(table.name, day) for day in days])


def _fetch(connection: sqlite3.Connection, sql: str, parameters: Sequence[Any]) -> list[Any]:
    with _open_errors():
        return connection.execute(sql, parameters).fetchall()


def _table_sizes(connection: sqlite3.Connection) -> dict[str, tuple[int, int]]:
    made = {name for (name,) in _fetch(connection, "SELECT name FROM sqlite_schema WHERE type = 'table'", ())}
    counts = {
        name: int(_fetch(connection, f'SELECT count(*) FROM "{name}"', ())[0][0]) for name in TABLES if name in made
    }
    pages = (
        "SELECT (page_count - freelist_count) * page_size "
        "FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
    )
    size, rows = int(_fetch(connection, pages, ())[0][0]), max(sum(counts.values()), 1)
    return {name: (count, size * count // rows) for name, count in counts.items()}


def _connect(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    return connection


def _connect_writer(path: Path) -> sqlite3.Connection:
    if sqlite3.sqlite_version_info < LEAST_VERSION:
        raise PermanentError(
            f"VANTAGE_STORE: this Python's SQLite is {sqlite3.sqlite_version}, the store needs "
            f"{'.'.join(map(str, LEAST_VERSION[:2]))}: use a newer Python, or a ClickHouse server"
        )
    with _open_errors():
        connection = _connect(path.resolve().as_uri())
        try:
            for pragma in ("journal_mode = WAL", "synchronous = FULL", f"journal_size_limit = {_WAL_LIMIT_BYTES}"):
                connection.execute(f"PRAGMA {pragma}")
            pending(load_migrations("sqlite"), applied_migrations(connection))
        except BaseException:
            connection.close()
            raise
    return connection


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """The write lock from the start: two writers wait for one another instead of failing half-way."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def _insert_errors(table: TableInfo) -> Iterator[None]:
    """StoreRejected when the rows are at fault, else StoreUnavailable: a block that could be stored later must never
    end as a dead letter."""
    try:
        yield
    except (OverflowError, UnicodeEncodeError) as error:
        raise StoreRejected(f"a value does not fit its column in {table.name}: {error}") from error
    except sqlite3.Error as error:
        if (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _BAD_ROWS:
            raise StoreRejected(f"the store refused the rows for {table.name}: {error}") from error
        raise StoreUnavailable(f"the store did not take the rows: {error}") from error


@contextlib.contextmanager
def _open_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            raise PermanentError(f"the store's file is damaged or no database: {error}") from error
        raise StoreUnavailable(f"the store does not answer: {error}") from error
