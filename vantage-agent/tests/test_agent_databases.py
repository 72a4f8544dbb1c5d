"""psycopg, psycopg2 and SQLAlchemy against a real PostgreSQL, SQLAlchemy against SQLite, and names of statements.

Each statement is one span and one sample, whatever lies on top of whatever.
"""

from __future__ import annotations

import asyncio
import inspect
import io
import sys
import tempfile
import threading
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, Optional, Tuple
from urllib.parse import parse_qs, urlsplit

import psycopg
import psycopg2  # type: ignore[import-untyped]  # no stubs in the lock
import psycopg2.extras  # type: ignore[import-untyped]  # the same
import psycopg2.pool  # type: ignore[import-untyped]  # the same
import pytest
import sqlalchemy
import vantage_agent
from flask import Flask
from pgserver.postgres_server import PostgresServer
from psycopg import sql
from sqlalchemy import orm
from sqlalchemy.ext.asyncio import create_async_engine
from vantage_agent.instrumentation.databases import DATABASES, NAMES, STATEMENTS, Database, database
from vantage_agent.instrumentation.psycopg import text_of
from vantage_agent.instrumentation.statements import NAME_LIMIT, OPERATIONS, TEXT_LIMIT, Summary, summary_of
from vantage_agent.operations import DB_METRIC

if TYPE_CHECKING:
    from tests.conftest import Item, Sink

Start = Callable[..., None]
ALL = ["sqlalchemy", "psycopg", "psycopg2", "flask"]
SECRET = "s3cret-value"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URI of a PostgreSQL with the tables orders and items."""
    # Not in pytest's own folder: the server runs as another user there where this one is root, and each pytest that
    # starts in the meantime closes that folder to other users.
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder:
        server: Any = PostgresServer(Path(folder).resolve())
        uri = server.get_uri()
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute("CREATE TABLE orders (id serial PRIMARY KEY, note text)")
            connection.execute("CREATE TABLE items (id int UNIQUE)")
            connection.execute("INSERT INTO orders (note) SELECT 'x' FROM generate_series(1, 250)")
        yield uri
        server.cleanup()


@pytest.fixture
def engine(postgres: str) -> Iterator[sqlalchemy.Engine]:
    """An engine over psycopg that has met its server before any agent starts."""
    engine = sqlalchemy.create_engine(with_driver(postgres, "psycopg"))
    with engine.connect():
        pass
    yield engine
    engine.dispose()


def with_driver(uri: str, driver: str) -> str:
    return uri.replace("postgresql://", f"postgresql+{driver}://")


def delivered(sink: Sink) -> Tuple[List[Item], List[Item]]:
    """Statements' spans in their order, and samples."""
    assert vantage_agent.flush()
    spans = [span for span in sink.spans() if "db.system.name" in span.get("attributes", {})]
    return sorted(spans, key=lambda span: float(span["start_time"])), sink.metrics(DB_METRIC)


def statements(sink: Sink) -> List[str]:
    """Names of the statements in their order; a failed one with its error's type. Checks that the samples agree."""
    spans, samples = delivered(sink)
    counts: Dict[str, int] = {}
    for sample in samples:
        counts[sample["endpoint"]] = counts.get(sample["endpoint"], 0) + sample["count"]
    names = [span["name"] for span in spans]
    assert counts == {name: names.count(name) for name in names}
    return [
        f"{span['name']} {span['attributes']['error.type']}" if span["status"] == "error" else span["name"]
        for span in spans
    ]


# What statements are called

SUMMARIES: Dict[str, Tuple[str, Optional[str]]] = {
    "SELECT 1": ("SELECT", None),
    "select * from orders where note = 'x FROM secret'": ("SELECT", "orders"),
    'SELECT a, EXTRACT(YEAR FROM day) FROM "public" . "orders" o': ("SELECT", "public.orders"),
    "SELECT 'it''s FROM secret' FROM orders": ("SELECT", "orders"),
    "SELECT $$ FROM secret $$, $a$ FROM $$ secret $a$ FROM orders": ("SELECT", "orders"),
    "SELECT trim(both FROM note), a IS DISTINCT FROM b\nFROM\n\torders, items": ("SELECT", "orders"),
    "SELECT :from, %(from)s, $1 FROM orders": ("SELECT", "orders"),
    "SELECT (SELECT count(*) FROM items) FROM orders": ("SELECT", "orders"),
    "SELECT * FROM (SELECT * FROM (SELECT 1 FROM deep) z) q": ("SELECT", "deep"),
    "SELECT * FROM generate_series(1, 2)": ("SELECT", None),
    "SELECT * FROM public.rows_of (1)": ("SELECT", None),
    "SELECT `a` FROM `shop`.`orders`": ("SELECT", "shop.orders"),
    "SELECT [a] FROM [dbo].[orders]": ("SELECT", "dbo.orders"),
    "SELECT x FROM ONLY orders": ("SELECT", "orders"),
    "(SELECT id FROM orders) UNION (SELECT id FROM items)": ("SELECT", "orders"),
    "-- FROM secret\n/* FROM secret */ SELECT /* it's */ 1 -- don't FROM\nFROM orders": ("SELECT", "orders"),
    "SELECT größe FROM bäume": ("SELECT", "bäume"),
    "WITH x AS (SELECT * FROM orders), y(n) AS (SELECT 1) SELECT * FROM x": ("SELECT", "orders"),
    "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i FROM n) SELECT * FROM n": ("SELECT", None),
    "WITH x AS MATERIALIZED (SELECT * FROM items) DELETE FROM orders": ("DELETE", "orders"),
    "WITH x AS (DELETE FROM items RETURNING *) INSERT INTO orders SELECT * FROM x": ("INSERT", "orders"),
    "INSERT INTO orders(note) VALUES ('x')": ("INSERT", "orders"),
    "insert or replace into orders values (1)": ("INSERT", "orders"),
    "INSERT IGNORE INTO orders SELECT * FROM items": ("INSERT", "orders"),
    "REPLACE INTO orders VALUES (1)": ("REPLACE", "orders"),
    "MERGE INTO orders USING items ON true": ("MERGE", "orders"),
    "UPDATE ONLY shop.orders SET note = 'x'": ("UPDATE", "shop.orders"),
    "UPDATE OR IGNORE orders SET note = 'x'": ("UPDATE", "orders"),
    "DELETE FROM orders WHERE true": ("DELETE", "orders"),
    "CREATE TEMP TABLE IF NOT EXISTS orders (id int)": ("CREATE", "orders"),
    "CREATE INDEX by_note ON orders (note)": ("CREATE", None),
    "ALTER TABLE IF EXISTS orders ADD x int": ("ALTER", "orders"),
    "DROP TABLE orders": ("DROP", "orders"),
    "TRUNCATE orders": ("TRUNCATE", "orders"),
    "LOCK TABLE orders IN SHARE MODE": ("LOCK", "orders"),
    "COPY orders (note) FROM STDIN": ("COPY", "orders"),
    "COPY (SELECT 1) TO STDOUT": ("COPY", None),
    "SAVEPOINT secret": ("SAVEPOINT", None),
    "CALL secret('x')": ("CALL", None),
    "": ("_OTHER", None),
    "secret": ("_OTHER", None),
    "123": ("_OTHER", None),
}


@pytest.mark.parametrize("text", SUMMARIES)
def test_a_statement_is_summarized(text: str) -> None:
    assert summary_of(text) == Summary(*SUMMARIES[text])


@pytest.mark.parametrize(
    "text",
    [
        r"SELECT 'a\', ' FROM secret' FROM orders",
        r"SELECT 'it\'s FROM secret' FROM orders",
        r"SELECT E'\' FROM secret' FROM orders",
        "SELECT 1, # don't\n' FROM secret'",
        "SELECT 1 --don't\n, ' FROM secret'",
        "SELECT 1 /* a /* b */ FROM secret */",
        "SELECT 1 /* never closed FROM secret",
        "SELECT 'never closed FROM secret",
        "SELECT $$ never closed FROM secret",
        "SELECT " + "1," * TEXT_LIMIT + "1 FROM secret",
        "SELECT 1 FROM " + "secret" * NAME_LIMIT,
        "SELECT 1 FROM 'secret'",
        "INSERT INTO 'secret' VALUES (1)",
    ],
)
def test_where_dialects_read_a_text_differently_no_part_of_it_is_taken_for_a_name(text: str) -> None:
    operation, table = summary_of(text)
    assert operation in OPERATIONS
    assert table is None


@pytest.mark.parametrize(
    "text",
    [
        "SELECT " + "(" * TEXT_LIMIT,
        "SELECT * FROM " + "a" * TEXT_LIMIT + "(",
        "SELECT" + " " * TEXT_LIMIT,
        "SELECT " + "$a$ $b$ " * TEXT_LIMIT,
        "SELECT * FROM " + "a . " * TEXT_LIMIT,
        "WITH x AS (SELECT '" + "A" * TEXT_LIMIT,
        "WITH " + "a (" * TEXT_LIMIT,
        "WITH " + "a" * TEXT_LIMIT,
        "INSERT " + "a " * TEXT_LIMIT,
        "-- \n" * TEXT_LIMIT,
        "/**/" * TEXT_LIMIT,
    ],
)
def test_no_statement_takes_long_to_read(text: str) -> None:
    from time import thread_time

    before = thread_time()
    summary_of(text)
    # A few ms; what tries every end of every name takes minutes.
    assert thread_time() - before < 1.0


def test_names_are_bounded_and_texts_are_not_kept() -> None:
    place = Database(("postgresql", "shop", "db", 5432))
    names = {place.statement(f"SELECT '{SECRET}' FROM table_{number}").name for number in range(NAMES + 50)}
    assert len(names) == NAMES + 1
    assert "SELECT _OTHER" in names
    for number in range(STATEMENTS * 2):
        assert place.statement(f"UPDATE orders SET note = '{SECRET}{number}'").name == "UPDATE _OTHER"
    assert len(place._by_statement) <= STATEMENTS
    assert {type(key) for key in place._by_statement} == {int}


def test_the_same_statement_has_the_same_target_in_all_its_spellings() -> None:
    place = Database(("postgresql", "shop", "db", 5432))
    target = place.statement("SELECT 1 FROM orders")
    assert place.statement(b"SELECT 1 FROM orders") is target
    assert place.statement("select 2 from orders") is target
    assert place.statement("select 2 from orders " + "x" * TEXT_LIMIT) is target
    assert target.attributes == (
        ("db.system.name", "postgresql"),
        ("db.namespace", "shop"),
        ("db.operation.name", "SELECT"),
        ("db.collection.name", "orders"),
        ("server.address", "db"),
        ("server.port", 5432),
    )
    assert target.tags == tuple((name, str(value)) for name, value in target.attributes)


def test_databases_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vantage_agent.instrumentation.databases._databases", {})
    known = {id(database(("postgresql", f"tenant{number}", "db", 5432))) for number in range(DATABASES * 2)}
    assert len(known) == DATABASES + 1
    last = dict(database(("postgresql", "one-more", "db", 5432)).command("SELECT").tags)
    assert last == {
        "db.system.name": "postgresql",
        "db.namespace": "_OTHER",
        "db.operation.name": "SELECT",
        "server.address": "_OTHER",
    }


def test_a_place_is_told_in_text_and_a_port_in_numbers() -> None:
    place: Any = ("redis", 3, Path("/run/socket"), 6379)
    target = Database(place).command("GET")
    assert dict(target.attributes) == {
        "db.system.name": "redis",
        "db.namespace": "3",
        "db.operation.name": "GET",
        "server.address": "/run/socket",
        "server.port": 6379,
    }
    assert dict(target.tags) == {key: str(value) for key, value in target.attributes}


def test_values_in_composed_statements_are_left_out() -> None:
    composed = sql.SQL("SELECT {} FROM {} WHERE {} = {}").format(
        sql.Literal(SECRET), sql.Identifier("public", "orders"), sql.Identifier("note"), sql.Placeholder()
    )
    text = text_of(composed, None)
    assert isinstance(text, str)
    assert SECRET not in text
    assert summary_of(text) == Summary("SELECT", "public.orders")
    assert text_of(object(), None) == "?"


# psycopg 3


def test_a_statement_is_a_span_below_the_request_and_a_sample(sink: Sink, start: Start, postgres: str) -> None:
    start(auto_instrument=ALL)
    app = Flask(__name__)

    @app.get("/orders")
    def orders() -> str:
        with psycopg.connect(postgres) as connection:
            row = connection.execute("SELECT count(*) FROM orders WHERE note <> %s", [SECRET]).fetchone()
        return str(row)

    assert app.test_client().get("/orders").status_code == 200
    assert statements(sink) == ["CONNECT", "SELECT orders", "COMMIT"]
    (request,) = [span for span in sink.spans() if span["kind"] == "server"]
    spans, samples = delivered(sink)
    assert {(span["trace_id"], span["parent_span_id"]) for span in spans} == {(request["trace_id"], request["span_id"])}
    assert {span["kind"] for span in spans} == {"client"}
    socket = parse_qs(urlsplit(postgres).query)["host"][0]
    attributes = {
        "db.system.name": "postgresql",
        "db.namespace": "postgres",
        "db.operation.name": "SELECT",
        "db.collection.name": "orders",
        "server.address": socket,
        "server.port": 5432,
    }
    assert spans[1]["attributes"] == attributes
    (sample,) = [sample for sample in samples if sample["endpoint"] == "SELECT orders"]
    assert sample["tags"] == {name: str(value) for name, value in attributes.items()}
    assert "method" not in sample
    assert "status_code" not in sample
    assert SECRET not in sink.everything()


def test_psycopg_statements_of_every_kind(sink: Sink, start: Start, postgres: str) -> None:
    start(auto_instrument=["psycopg"])
    with psycopg.connect(postgres) as connection:
        with connection.cursor() as cursor:
            assert cursor.execute("SELECT id FROM orders LIMIT 3") is cursor
            assert len(list(cursor)) == 3
            cursor.executemany("INSERT INTO orders (note) VALUES (%s)", [("a",), ("b",)])
            assert len(list(cursor.stream("SELECT id FROM orders LIMIT 3"))) == 3
            with cursor.copy("COPY items FROM STDIN") as copy:
                copy.write_row((1,))
            with cursor.copy(statement="COPY items TO STDOUT") as copy:
                assert [row[0] for row in copy.rows()] == ["1"]
        with psycopg.ClientCursor(connection) as client:
            client.execute(b"UPDATE orders SET note = %s WHERE id = 1", [SECRET])
            client.execute(sql.SQL("DELETE FROM {} WHERE note = {}").format(sql.Identifier("orders"), SECRET))
        connection.rollback()
        # Nothing left to do, and nothing sent.
        connection.rollback()
        connection.commit()
    expected = ["CONNECT", "SELECT orders", "INSERT orders", "SELECT orders", "COPY items", "COPY items"]
    assert statements(sink) == [*expected, "UPDATE orders", "DELETE orders", "ROLLBACK"]
    assert SECRET not in sink.everything()


def test_psycopg_transactions_and_server_side_cursors(sink: Sink, start: Start, postgres: str) -> None:
    start(auto_instrument=["psycopg"])
    with psycopg.connect(postgres) as connection:
        with connection.transaction(), connection.cursor("page") as cursor:
            cursor.execute("SELECT id FROM orders LIMIT 250")
            assert len(list(cursor)) == 250
        with pytest.raises(ZeroDivisionError), connection.transaction(), connection.transaction():
            raise ZeroDivisionError
    # 250 rows in pages of 100.
    selected = ["BEGIN", "SELECT orders", "FETCH", "FETCH", "FETCH", "COMMIT"]
    assert statements(sink) == ["CONNECT", *selected, "BEGIN", "SAVEPOINT", "ROLLBACK", "ROLLBACK"]


async def test_psycopg_asyncio(sink: Sink, start: Start, postgres: str) -> None:
    start(auto_instrument=["psycopg"])
    with vantage_agent.span("page") as page:
        trace_id = page.trace_id
        async with await psycopg.AsyncConnection.connect(postgres) as connection:
            async with connection.cursor() as cursor:
                assert await cursor.execute("SELECT id FROM orders LIMIT 3") is cursor
                assert len([row async for row in cursor]) == 3
                await cursor.executemany("INSERT INTO orders (note) VALUES (%s)", [("a",), ("b",)])
                assert len([row async for row in cursor.stream("SELECT id FROM orders LIMIT 3")]) == 3
                async with cursor.copy("COPY items FROM STDIN") as copy:
                    await copy.write_row((2,))
            async with connection.transaction(), connection.cursor("page") as named:
                await named.execute("SELECT id FROM orders LIMIT 3")
                assert len(await named.fetchall()) == 3
            await connection.rollback()
    expected = ["CONNECT", "SELECT orders", "INSERT orders", "SELECT orders", "COPY items", "SAVEPOINT"]
    assert statements(sink) == [*expected, "SELECT orders", "FETCH", "RELEASE", "ROLLBACK"]
    spans, _ = delivered(sink)
    assert {span["trace_id"] for span in spans} == {trace_id}


async def test_statements_of_tasks_side_by_side_belong_to_their_own_spans(
    sink: Sink, start: Start, postgres: str
) -> None:
    start(auto_instrument=["psycopg"])

    async def ask(name: str) -> None:
        with vantage_agent.span(name):
            async with await psycopg.AsyncConnection.connect(postgres, autocommit=True) as connection:
                for _ in range(5):
                    await connection.execute("SELECT pg_sleep(0.005)")

    await asyncio.gather(*(ask(f"task {number}") for number in range(4)))
    spans, _ = delivered(sink)
    owners = {span["span_id"]: span["name"] for span in sink.spans() if span["kind"] == "internal"}
    asked = [owners[span["parent_span_id"]] for span in spans if span["name"] == "SELECT"]
    assert sorted(asked) == sorted([f"task {number}" for number in range(4)] * 5)


def test_what_the_application_does_while_rows_stream_is_recorded_too(sink: Sink, start: Start, postgres: str) -> None:
    start(auto_instrument=["psycopg"])
    with psycopg.connect(postgres) as reading, psycopg.connect(postgres) as writing:
        for _ in reading.cursor().stream("SELECT id FROM orders LIMIT 2"):
            writing.execute("UPDATE orders SET note = 'y' WHERE id = 1")
        with writing.cursor().copy("COPY items FROM STDIN") as copy:
            reading.execute("SELECT 1")
            copy.write_row((3,))
        for _ in reading.cursor().stream("SELECT id FROM orders LIMIT 200"):
            break
        writing.rollback()
        reading.rollback()
    names = statements(sink)
    assert names == [
        "CONNECT", "CONNECT", "SELECT orders", "UPDATE orders", "UPDATE orders", "COPY items", "SELECT",
        "SELECT orders", "ROLLBACK", "ROLLBACK",
    ]  # fmt: skip


def test_errors_keep_their_shape_and_give_their_type(sink: Sink, start: Start, postgres: str) -> None:
    start(auto_instrument=["psycopg"])
    with psycopg.connect(postgres) as connection:
        with pytest.raises(psycopg.errors.UndefinedTable) as caught:
            connection.execute("SELECT * FROM nowhere")
        connection.rollback()
        # What is wrong with the call is psycopg's to say, in its own words.
        with pytest.raises(TypeError, match="query"):
            connection.cursor().execute()  # type: ignore[call-overload]
        with pytest.raises(psycopg.ProgrammingError), connection.cursor().copy("SELECT 1"):
            pass
    frames = [entry.name for entry in caught.traceback]
    # psycopg cuts its own frames off, and ours with them.
    assert frames == ["test_errors_keep_their_shape_and_give_their_type", "execute"]
    names = statements(sink)
    assert names[:3] == ["CONNECT", "SELECT nowhere UndefinedTable", "ROLLBACK"]
    assert "SELECT ProgrammingError" in names


def test_a_database_that_cannot_be_reached_is_seen(sink: Sink, start: Start) -> None:
    start(auto_instrument=ALL)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect("host=127.0.0.1 port=1 dbname=shop user=me", password=SECRET)
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(f"host=127.0.0.1 port=1 dbname=shop password={SECRET}")
    engine = sqlalchemy.create_engine(f"postgresql+psycopg://me:{SECRET}@127.0.0.1:1/shop")
    with pytest.raises(sqlalchemy.exc.OperationalError), engine.connect():
        pass
    assert statements(sink) == ["CONNECT OperationalError"] * 3
    _, samples = delivered(sink)
    places = {(tag["db.namespace"], tag["server.address"], tag["server.port"]) for tag in (s["tags"] for s in samples)}
    assert places == {("shop", "127.0.0.1", "1")}
    assert SECRET not in sink.everything()


def test_connections_and_cursors_from_before_the_agent_are_recorded(sink: Sink, start: Start, postgres: str) -> None:
    with psycopg.connect(postgres, autocommit=True) as connection:
        cursor, connect = connection.cursor(), psycopg.connect
        start(auto_instrument=["psycopg"])
        cursor.execute("SELECT 1 FROM orders")
        connect(postgres).close()
    # Of a `connect` that was taken out of psycopg before, only what the connection then does.
    assert statements(sink) == ["SELECT orders"]


def test_after_shutdown_everything_is_as_before(sink: Sink, start: Start, postgres: str) -> None:
    owners = (psycopg.Cursor, psycopg.AsyncCursor, psycopg.ServerCursor, psycopg.Connection, psycopg.AsyncConnection)
    before = [dict(vars(owner)) for owner in owners]
    connect, connect2 = psycopg.connect, vars(psycopg2)["_connect"]
    engine_before = dict(vars(sqlalchemy.engine.base.Connection))
    start(auto_instrument=ALL)
    assert inspect.iscoroutinefunction(psycopg.AsyncCursor.execute)
    assert inspect.isasyncgenfunction(psycopg.AsyncCursor.stream)
    assert inspect.signature(psycopg.Cursor.execute) == inspect.signature(before[0]["execute"])
    assert psycopg.connect is not connect
    traced = psycopg2.connect(postgres)
    vantage_agent.shutdown(2.0)
    assert [dict(vars(owner)) for owner in owners] == before
    assert (psycopg.connect, vars(psycopg2)["_connect"]) == (connect, connect2)
    assert dict(vars(sqlalchemy.engine.base.Connection)) == engine_before
    # One that was made in the meantime goes on without us.
    cursor = traced.cursor()
    cursor.execute("SELECT 1 FROM orders")
    assert cursor.fetchone() == (1,)
    traced.close()


# psycopg2


def test_psycopg2_statements_of_every_kind(sink: Sink, start: Start, postgres: str) -> None:
    # Taken out of the module before the agent came.
    connect = psycopg2.connect
    start(auto_instrument=["psycopg2"])
    connection = connect(postgres)
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT id FROM orders ORDER BY id LIMIT 3")
        assert len(list(cursor)) == 3
        cursor.executemany("UPDATE orders SET note = %s WHERE id = %s", [(SECRET, 1), (SECRET, 2)])
        psycopg2.extras.execute_values(cursor, "INSERT INTO items VALUES %s", [(10,), (11,)])
        cursor.copy_from(io.StringIO("12\n"), "items")
        cursor.copy_expert("COPY orders TO STDOUT", io.StringIO())
        cursor.callproc("version")
        query = psycopg2.sql.SQL("DELETE FROM {} WHERE id = {}")
        cursor.execute(query.format(psycopg2.sql.Identifier("items"), psycopg2.sql.Literal(10)))
    with connection.cursor("page") as named:
        named.execute("SELECT id FROM orders LIMIT 30")
        assert len(named.fetchmany(20)) == 20
        assert len(named.fetchall()) == 10
    connection.rollback()
    connection.rollback()
    with connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as rows:
        rows.execute("SELECT id FROM orders WHERE id = 1")
        assert rows.fetchone() == {"id": 1}
    with pytest.raises(psycopg2.errors.UniqueViolation), connection.cursor() as cursor:
        cursor.execute("INSERT INTO items VALUES (11)")
    connection.close()
    written = ["SELECT orders", "UPDATE orders", "INSERT items", "COPY items", "COPY orders", "CALL", "DELETE items"]
    paged = ["SELECT orders", "FETCH", "FETCH", "ROLLBACK"]
    last = ["SELECT orders", "INSERT items UniqueViolation"]
    assert statements(sink) == ["CONNECT", *written, "COMMIT", *paged, *last]
    assert SECRET not in sink.everything()


def test_psycopg2_classes_are_what_the_application_asked_for(sink: Sink, start: Start, postgres: str) -> None:
    class Mine(psycopg2.extensions.connection):  # type: ignore[misc]  # Any: no stubs
        def cursor(self, *args: Any, **kwargs: Any) -> Any:
            kwargs.setdefault("cursor_factory", psycopg2.extras.DictCursor)
            return super().cursor(*args, **kwargs)

    start(auto_instrument=["psycopg2"])
    mine = psycopg2.connect(postgres, connection_factory=Mine)
    plain = psycopg2.connect(postgres, cursor_factory=psycopg2.extras.NamedTupleCursor)
    cursor = mine.cursor()
    assert isinstance(mine, Mine)
    assert isinstance(cursor, psycopg2.extras.DictCursor)
    assert isinstance(plain.cursor(), psycopg2.extras.NamedTupleCursor)
    assert (type(mine).__name__, type(cursor).__qualname__) == ("Mine", "DictCursor")
    cursor.execute("SELECT 1 AS one FROM orders")
    row = cursor.fetchone()
    assert row is not None
    assert row["one"] == 1
    made: List[Any] = []

    def factory(dsn: str) -> psycopg2.extensions.connection:
        made.append(psycopg2.extensions.connection(dsn))
        return made[0]

    # Of a function nobody knows what it makes: its connections stay as they are.
    assert psycopg2.connect(postgres, connection_factory=factory) is made[0]
    for connection in (mine, plain, *made):
        connection.close()
    assert statements(sink) == ["CONNECT", "CONNECT", "SELECT orders", "CONNECT"]


def test_psycopg2_pool_across_threads(sink: Sink, start: Start, postgres: str) -> None:
    start(auto_instrument=["psycopg2"])
    pool = psycopg2.pool.ThreadedConnectionPool(0, 4, postgres)

    def work(number: int) -> None:
        with vantage_agent.span(f"thread {number}"):
            connection = pool.getconn()
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM orders")
            pool.putconn(connection)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pool.closeall()
    spans, _ = delivered(sink)
    owners = {span["span_id"]: span["name"] for span in sink.spans() if span["kind"] == "internal"}
    selected = [owners[span["parent_span_id"]] for span in spans if span["name"] == "SELECT orders"]
    assert sorted(selected) == [f"thread {number}" for number in range(4)]


# SQLAlchemy


class Base(orm.DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    note: orm.Mapped[Optional[str]]


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_sqlalchemy_over_a_driver_counts_once(sink: Sink, start: Start, postgres: str, driver: str) -> None:
    engine = sqlalchemy.create_engine(with_driver(postgres, driver))
    start(auto_instrument=ALL)
    with engine.connect():
        pass
    statements(sink)
    sink.received.clear()
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("SELECT 1 FROM orders"))
        connection.execute(Order.__table__.insert(), [{"note": SECRET}, {"note": SECRET}])  # type: ignore[attr-defined]
    with pytest.raises(sqlalchemy.exc.ProgrammingError), engine.connect() as connection:
        connection.execute(sqlalchemy.text("SELECT * FROM nowhere"))
    engine.dispose()
    names = statements(sink)
    # The last comes from the pool, which has the driver roll back what was left open.
    assert names == ["SELECT orders", "INSERT orders", "COMMIT", "SELECT nowhere ProgrammingError", "ROLLBACK"]
    assert SECRET not in sink.everything()


def test_the_orm_and_savepoints(sink: Sink, start: Start, engine: sqlalchemy.Engine) -> None:
    start(auto_instrument=ALL)
    with orm.Session(engine) as session:
        session.add(Order(note="x"))
        session.flush()
        with session.begin_nested():
            session.scalars(sqlalchemy.select(Order).limit(1)).one().note = "y"
        session.rollback()
    expected = ["INSERT orders", "SAVEPOINT", "SELECT orders", "UPDATE orders", "RELEASE", "ROLLBACK"]
    assert statements(sink) == expected


def test_rows_that_a_server_side_cursor_fetches_are_recorded(
    sink: Sink, start: Start, engine: sqlalchemy.Engine
) -> None:
    start(auto_instrument=ALL)
    with engine.connect() as connection:
        rows = connection.execution_options(yield_per=100).execute(sqlalchemy.text("SELECT id FROM orders LIMIT 150"))
        assert len(rows.all()) == 150
    names = statements(sink)
    assert names[0] == "SELECT orders"
    assert "FETCH" in names


def test_autocommit_sends_no_commit(sink: Sink, start: Start, engine: sqlalchemy.Engine) -> None:
    start(auto_instrument=ALL)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sqlalchemy.text("SELECT 1 FROM orders"))
        connection.commit()
    assert statements(sink) == ["SELECT orders"]


async def test_the_asyncio_engine_keeps_the_request_across_its_greenlets(
    sink: Sink, start: Start, postgres: str
) -> None:
    start(auto_instrument=ALL)
    engine = create_async_engine(with_driver(postgres, "psycopg"))
    async with engine.connect():
        pass
    statements(sink)
    sink.received.clear()

    async def ask(name: str) -> None:
        with vantage_agent.span(name):
            async with engine.begin() as connection:
                for _ in range(3):
                    await connection.execute(sqlalchemy.text("SELECT pg_sleep(0.005) FROM orders LIMIT 1"))
                with vantage_agent.span(name + " after"):
                    pass

    await asyncio.gather(ask("a"), ask("b"))
    await engine.dispose()
    names = statements(sink)
    assert (names.count("SELECT orders"), names.count("COMMIT")) == (6, 2)
    spans, _ = delivered(sink)
    owners = {span["span_id"]: span["name"] for span in sink.spans() if span["kind"] == "internal"}
    assert {owners[span["parent_span_id"]] for span in spans} == {"a", "b"}
    after = {span["name"]: owners[span["parent_span_id"]] for span in sink.spans() if " after" in span["name"]}
    assert after == {"a after": "a", "b after": "b"}


def test_sqlite_goes_by_its_files_name(sink: Sink, start: Start, tmp_path: Path) -> None:
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path}/shop.db")
    start(auto_instrument=ALL)
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.insert(Order).values(note=SECRET))
    with pytest.raises(sqlalchemy.exc.OperationalError), engine.connect() as connection:
        connection.execute(sqlalchemy.text("SELECT * FROM nowhere"))
    engine.dispose()
    names = statements(sink)
    assert names[0] == "CONNECT"
    assert names[-5:] == ["COMMIT", "INSERT orders", "COMMIT", "SELECT nowhere OperationalError", "ROLLBACK"]
    _, samples = delivered(sink)
    tags = [sample["tags"] for sample in samples]
    assert {(tag["db.system.name"], tag["db.namespace"], tag.get("server.address")) for tag in tags} == {
        ("sqlite", "shop.db", None)
    }
    assert str(tmp_path) not in sink.everything()
    assert SECRET not in sink.everything()


# OpenTelemetry


@pytest.mark.parametrize("package", ["psycopg", "psycopg2", "sqlalchemy"])
def test_opentelemetrys_instrumentation_goes_first(
    sink: Sink, start: Start, postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    start(auto_instrument=[package])
    switch_on_opentelemetry(package, monkeypatch)
    run: Dict[str, Callable[[], Any]] = {
        "psycopg": lambda: psycopg.connect(postgres).execute("SELECT 1").connection.close(),
        "psycopg2": lambda: psycopg2.connect(postgres).cursor().execute("SELECT 1"),
        "sqlalchemy": lambda: sqlalchemy.create_engine(f"sqlite:///{tmp_path}/x.db").connect().commit(),
    }
    run[package]()
    assert statements(sink) == []


def switch_on_opentelemetry(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An instrumentor as OpenTelemetry's packages have them: a singleton that knows whether it is on."""

    class Instrumentor:
        _instance: Any = types.SimpleNamespace(is_instrumented_by_opentelemetry=True)

    module: Any = types.ModuleType(f"opentelemetry.instrumentation.{package}")
    module.Instrumentor = Instrumentor
    monkeypatch.setitem(sys.modules, "opentelemetry.instrumentation", types.ModuleType("opentelemetry.instrumentation"))
    monkeypatch.setitem(sys.modules, module.__name__, module)
