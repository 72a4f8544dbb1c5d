"""The stand-in for a ClickHouse server answers clickhouse-connect as a server does."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import clickhouse_connect
import httpx
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError
from clickhouse_connect.driver.summary import QuerySummary

from tests.clickhouse_http import ROOT, ClickHouseServer, clickhouse_http, read_call, set_statement
from tests.waiting import eventually

ENDLESS = "SELECT sum(sipHash64(number)) FROM numbers(1000000000000)"
COLUMNS = ("id", "text", "at", "labels")
Connect = Callable[..., Client]


@pytest.fixture
def connect(clickhouse_server: ClickHouseServer) -> Iterator[Connect]:
    clients: list[Client] = []

    def make(**options: Any) -> Client:
        options = {"autogenerate_session_id": False} | options
        client = clickhouse_connect.get_client(host=clickhouse_server.host, port=clickhouse_server.port, **options)
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(connect: Connect) -> Client:
    return connect()


@pytest.fixture
def table(client: Client) -> Iterator[str]:
    """A fresh table of `COLUMNS` in a database of its own."""
    client.command("CREATE DATABASE tool")
    client.command(
        "CREATE TABLE tool.rows (id UInt64, text String, at DateTime64(3, 'UTC'), labels Map(String, String)) "
        "ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 100"
    )
    yield "tool.rows"
    client.command("DROP DATABASE tool")


def code_of(call: Callable[[], object]) -> int | None:
    with pytest.raises(DatabaseError) as raised:
        call()
    return raised.value.code


def rows(number: int) -> list[list[Any]]:
    return [[i, f"it's\n\t\\{i}\0", datetime(2026, 9, 22, tzinfo=UTC), {"key": f"v{i % 7}"}] for i in range(number)]


def test_the_handshake_learns_version_and_settings(client: Client) -> None:
    assert client.ping()
    assert client.min_version("26.1")
    assert client.server_settings["max_threads"].readonly == 0


def test_a_command_tells_an_empty_answer_from_none(client: Client) -> None:
    assert client.command("SELECT 1") == 1
    assert client.command("SELECT 1 WHERE 0") == ""
    assert isinstance(client.command("CREATE DATABASE IF NOT EXISTS default"), QuerySummary)


@pytest.mark.parametrize("compression", [False, "lz4", "zstd", "gzip"])
def test_a_native_block_is_stored_as_it_was_sent(connect: Connect, table: str, compression: bool | str) -> None:
    client, sent = connect(compress=compression), rows(20_000)
    assert client.insert(table, sent, COLUMNS).written_rows == 20_000
    read = client.query(f"SELECT * FROM {table} ORDER BY id").result_rows
    assert [[i, text, at.replace(tzinfo=UTC), labels] for i, text, at, labels in read] == sent


def test_an_insert_as_a_stream_and_one_in_the_query_text_are_stored(client: Client, table: str) -> None:
    client.raw_insert(table, ["id", "text"], (part for part in (b"1\ta\n", b"2\tb\n")), fmt="TabSeparated")
    client.command(f"INSERT INTO {table} (id, text) VALUES (3, 'c')")
    assert client.query(f"SELECT id, text FROM {table} ORDER BY id").result_rows == [(1, "a"), (2, "b"), (3, "c")]


def test_settings_of_an_insert_reach_the_engine_and_end_with_it(client: Client, table: str) -> None:
    for _ in range(2):
        client.insert(table, rows(10), COLUMNS, settings={"insert_deduplication_token": "once"})
    assert client.command(f"SELECT count() FROM {table}") == 10
    assert client.command("SELECT getSetting('insert_deduplication_token')") == ""


@pytest.mark.parametrize("length", [1, 20_000], ids=["in the URL", "as a form"])
def test_parameters_are_bound_by_the_engine(client: Client, length: int) -> None:
    words = ["it's \\ a\ttab\nand \0 `more`"] * length
    assert client.query("SELECT {words:Array(String)}", parameters={"words": words}).result_rows == [(words,)]


@pytest.mark.parametrize(
    ("sql", "settings", "code"),
    [
        ("SELECT nothing FROM system.one", {}, 47),
        ("SELEC 1", {}, 62),
        ("SELECT * FROM nowhere", {}, 60),
        ("SELECT 1", {"no_such_setting": 1}, 115),
        (ENDLESS, {"max_execution_time": 0.2}, 159),
        ("SELECT number FROM numbers(100)", {"max_result_rows": 10}, 396),
        ("SELECT groupArray(number) FROM numbers(10000000)", {"max_memory_usage": 10_000_000}, 241),
    ],
)
def test_an_error_carries_the_engines_code(connect: Connect, sql: str, settings: dict[str, Any], code: int) -> None:
    assert code_of(lambda: connect().query(sql, settings=settings)) == code


@pytest.mark.parametrize(("sql", "status"), [("SELECT 1", 200), ("SELEC 1", 400), ("SELECT * FROM nowhere", 404)])
def test_an_error_answers_with_the_status_a_server_gives(
    clickhouse_server: ClickHouseServer, sql: str, status: int
) -> None:
    answer = httpx.post(clickhouse_server.url, content=sql)
    assert answer.status_code == status
    assert ("X-ClickHouse-Exception-Code" in answer.headers) == (status != 200)
    assert answer.text.startswith("1\n" if status == 200 else "Code: ")


def test_a_database_that_is_not_there_is_an_error(connect: Connect) -> None:
    assert code_of(lambda: connect(database="nowhere")) == 81


def test_a_bad_insert_names_its_fault_and_leaves_the_next_alone(client: Client, table: str) -> None:
    assert code_of(lambda: client.raw_insert(table, ["nothing"], b"1\n", fmt="TabSeparated")) == 16
    assert code_of(lambda: client.raw_insert(table, ["id"], b"\x01\x02broken", fmt="Native")) is not None
    client.raw_insert(table, ["id"], b"7\n", fmt="TabSeparated")
    assert client.query(f"SELECT id FROM {table}").result_rows == [(7,)]


def test_a_read_only_client_cannot_write_and_others_still_can(connect: Connect, table: str) -> None:
    reader = connect(settings={"readonly": 2, "max_threads": 2})
    assert code_of(lambda: reader.command(f"DROP TABLE {table}")) == 164
    assert reader.query("SELECT getSetting('max_threads')", settings={"max_execution_time": 5}).result_rows == [(2,)]
    connect().insert(table, rows(1), COLUMNS)


def test_the_database_of_a_client_is_used(connect: Connect, table: str) -> None:
    client = connect(database="tool")
    client.insert("rows", rows(3), COLUMNS)
    assert client.query("SELECT count() FROM rows").result_rows == [(3,)]


def test_a_running_query_delays_nobody_and_is_killed_by_its_comment(
    client: Client, connect: Connect, table: str
) -> None:
    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(lambda: code_of(lambda: connect().query(ENDLESS, settings={"log_comment": "it's slow"})))
        running = "SELECT count() FROM system.processes WHERE Settings['log_comment'] = 'it\\'s slow'"
        eventually(lambda: client.command(running) == 1)
        client.insert(table, rows(5), COLUMNS)
        assert client.command(f"SELECT count() FROM {table}") == 5
        assert not slow.done()
        client.command("KILL QUERY WHERE Settings['log_comment'] = 'it\\'s slow' ASYNC")
        assert slow.result(20) == 394


def test_many_clients_at_once(connect: Connect, table: str) -> None:
    def work(part: int) -> None:
        client = connect()
        for i in range(10):
            client.insert(table, [[part * 10 + i, "", datetime.now(UTC), {}]], COLUMNS)

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(work, range(12)))
    assert connect().query(f"SELECT count(), uniqExact(id) FROM {table}").result_rows == [(120, 120)]


def test_what_was_acknowledged_survives_a_crash_on_the_same_port(tmp_path: Path) -> None:
    with clickhouse_http(tmp_path) as server:
        port = server.port
        client = clickhouse_connect.get_client(host=server.host, port=port)
        client.command("CREATE TABLE kept (id UInt64) ENGINE = MergeTree ORDER BY id")
        client.insert("kept", [[1], [2]], ["id"])
        server.kill()
        server.start()
        assert server.port == port
        assert clickhouse_connect.get_client(host=server.host, port=port).command("SELECT sum(id) FROM kept") == 3


def test_it_ends_with_the_program_that_started_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.clickhouse_http", "--owned", "--path", str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        assert process.poll() is None
        process.stdin.close()
        assert process.wait(20) == 1


def test_a_request_is_read_without_mistaking_names() -> None:
    fields = {
        "query": "INSERT INTO `d`.`t` (`format`) FORMAT Native",
        "param_x": "1",
        "max_threads": "2",
        "query_id": "q",
    }
    call = read_call(fields, b"FORMAT CSV\n", read_only=False)
    assert (call.sql, call.input_format, call.data) == (b"INSERT INTO `d`.`t` (`format`)", "Native", b"FORMAT CSV\n")
    assert (call.parameters, call.settings, call.query_id) == ({"x": "1"}, {"max_threads": "2"}, "q")


def test_get_is_read_only_and_values_are_quoted() -> None:
    call = read_call({"a": "'1\\"}, b"SELECT 1", read_only=True)
    assert set_statement(call.settings) == r"SET `a` = '\'1\\', `readonly` = '2'"
