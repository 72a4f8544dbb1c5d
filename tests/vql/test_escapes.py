"""Attempts to get out of VQL. Each is refused, or answered from the caller's own rows; a file and a table that must
stay as they are, and a socket that nobody may knock at, watch over it."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from vantage_common.errors import UserError
from vantage_common.store.api import Store
from vantage_common.store.catalog import TABLES
from vantage_common.store.clickhouse import ClickHouseAdmin
from vantage_common.store.plan import Column, QueryPlan, Selected
from vantage_common.store.sqlite import SqliteAdmin

from tests.contract.store_rows import NOON_MS
from tests.vql.conftest import Ask, compiled

ATTEMPTS = [
    line
    for line in Path(__file__).with_name("escapes.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
SECRET = "canary-7f3a"
NOW_MS = NOON_MS + 3_600_000
Untouched = Callable[[], bool]


class Door:
    """A socket on loopback that counts who knocks, and hangs up."""

    def __init__(self) -> None:
        self.knocks = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._answer, daemon=True).start()

    def _answer(self) -> None:
        with suppress(OSError):
            while True:
                self._socket.accept()[0].close()
                self.knocks += 1

    def close(self) -> None:
        self._socket.close()


def spelled(attempt: str, file: Path, door: Door) -> str:
    r"""The attempt with its canaries and its escapes, ``\n`` and the like, filled in."""
    text = attempt.replace("@FILE", str(file)).replace("@TABLE", "vantage.canary").replace("@SOCKET", door.address)
    return text.encode("latin-1", "backslashreplace").decode("unicode_escape", "surrogatepass")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("canary") / "canary.txt"
    path.write_text(SECRET)
    return path


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door()
    yield door
    door.close()


@pytest.fixture(scope="module")
def untouched(filled: Store, file: Path, ask: Ask, runner: asyncio.Runner) -> Iterator[Untouched]:
    """Whether the canaries and the tables are as they were."""
    tell = partial(_tell, filled, runner)
    if filled.name != "sqlite":
        canary, schema = "vantage.canary", "SELECT name, engine_full FROM system.tables WHERE database = 'vantage'"
        tell(f"CREATE TABLE {canary} (a Int8) ENGINE = MergeTree ORDER BY a")
    else:
        canary, schema = "canary", "SELECT name, sql FROM sqlite_schema"
        tell(f"CREATE TABLE {canary} (a)")
    tell(f"INSERT INTO {canary} VALUES (1)")

    def state() -> object:
        counts = [tell(f"SELECT count(*) FROM {canary.replace('canary', table)}") for table in TABLES]
        beside = sorted(path.name for path in file.parent.iterdir())
        return tell(f"SELECT * FROM {canary}"), counts, tell(f"{schema} ORDER BY name"), file.read_text(), beside

    before = state()
    yield lambda: state() == before
    tell(f"DROP TABLE {canary}")


def _tell(store: Store, runner: asyncio.Runner, sql: str) -> object:
    """The administrator's way, past every guard of a reader."""
    if isinstance(store.admin, ClickHouseAdmin):
        run = store.admin.run
        return runner.run(
            run(lambda client: client.query(sql).result_rows if sql[:6] == "SELECT" else client.command(sql))
        )
    assert isinstance(store.admin, SqliteAdmin)
    return runner.run(store.admin.run(lambda connection: connection.execute(sql).fetchall()))


def test_there_are_attempts_enough() -> None:
    assert len(ATTEMPTS) >= 400
    assert len(set(ATTEMPTS)) == len(ATTEMPTS)


def test_no_attempt_gets_out(ask: Ask, filled: Store, untouched: Untouched, file: Path, door: Door) -> None:
    own = _workspaces(ask)
    harmless = 0
    for attempt in ATTEMPTS:
        plan = compiled(spelled(attempt, file, door), NOW_MS)
        if isinstance(plan, UserError):
            assert plan.code.startswith("vql_"), attempt
            assert plan.hint, attempt
            assert plan.position is not None, attempt
            continue
        harmless += 1
        assert plan.workspace == "default", attempt
        assert _is_ours(filled.reader.sql(plan)), attempt
        try:
            answer = ask(plan)
        except UserError:
            continue
        assert SECRET not in repr(answer.rows), attempt
        assert len(answer.rows) <= own_rows(ask, plan.table), attempt
    assert own == _workspaces(ask)
    assert harmless < len(ATTEMPTS) / 5
    assert untouched()
    assert door.knocks == 0


def test_the_canaries_would_sing(
    filled: Store, untouched: Untouched, file: Path, door: Door, runner: asyncio.Runner
) -> None:
    if filled.name != "sqlite":  # which cannot open one
        with suppress(Exception):
            _tell(
                filled,
                runner,
                f"SELECT * FROM url('http://{door.address}/', 'CSV', 'a String') SETTINGS http_max_tries = 1",
            )
        assert door.knocks > 0
    beside = file.with_name("another")
    beside.write_text("")
    assert not untouched()
    beside.unlink()
    assert untouched()


def own_rows(ask: Ask, table: str) -> int:
    return len(ask(QueryPlan(table, "default", (Selected(Column("service_name"), "s"),))).rows)


def _workspaces(ask: Ask) -> list[tuple[str, int]]:
    return [(table, own_rows(ask, table)) for table in TABLES]


def _is_ours(sql: str) -> bool:
    """The text has our own shape: one SELECT from a table of ours, inside the workspace, no quote, no comment."""
    head, _, rest = sql.partition(" FROM ")
    table = rest.removeprefix("`vantage`.").split(" ", 1)[0].strip('`"')
    unquoted = rest.replace("'UTC'", "").replace("= ''", "").replace(", '')", "").replace("ESCAPE '\\'", "")
    return (
        head.startswith("SELECT ")
        and table in TABLES
        and ("WHERE workspace = {p" in rest or "AND t.workspace = :p" in rest)
        and not any(mark in unquoted for mark in ("'", ";", "--", "/*", "#", " UNION ", " SETTINGS ", " FORMAT "))
    )
