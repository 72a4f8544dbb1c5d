"""Attempts to get out of VQL. Each is refused, or answered from the caller's own rows; a file and a table that must
stay as they are watch over it."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from vantage_common.errors import UserError
from vantage_common.store.api import Store
from vantage_common.store.catalog import TABLES
from vantage_common.store.clickhouse import ClickHouseAdmin
from vantage_common.store.plan import Column, QueryPlan, Selected
from vantage_common.store.render import render

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


def spelled(attempt: str, file: Path) -> str:
    r"""The attempt with its canaries and its escapes, ``\n`` and the like, filled in."""
    text = attempt.replace("@FILE", str(file)).replace("@TABLE", "vantage.canary")
    return text.encode("latin-1", "backslashreplace").decode("unicode_escape", "surrogatepass")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("canary") / "canary.txt"
    path.write_text(SECRET)
    return path


@pytest.fixture(scope="module")
def untouched(filled: Store, file: Path, ask: Ask, runner: asyncio.Runner) -> Iterator[Untouched]:
    """Whether the canaries and the tables are as they were."""
    assert isinstance(filled.admin, ClickHouseAdmin)
    admin = filled.admin

    def tell(sql: str) -> object:
        return runner.run(admin.run(lambda client: list(client.query(sql).result_rows)))

    def do(sql: str) -> None:
        runner.run(admin.run(lambda client: client.command(sql)))

    do("CREATE TABLE vantage.canary (a Int8) ENGINE = MergeTree ORDER BY a")
    do("INSERT INTO vantage.canary VALUES (1)")

    def state() -> object:
        counts = [tell(f"SELECT count() FROM vantage.{table}") for table in TABLES]
        tables = tell("SELECT database, name, engine_full FROM system.tables WHERE database = 'vantage' ORDER BY name")
        beside = sorted(path.name for path in file.parent.iterdir())
        return tell("SELECT * FROM vantage.canary"), counts, tables, file.read_text(), beside

    before = state()
    yield lambda: state() == before
    do("DROP TABLE vantage.canary")


def test_there_are_attempts_enough() -> None:
    assert len(ATTEMPTS) >= 150
    assert len(set(ATTEMPTS)) == len(ATTEMPTS)


def test_no_attempt_gets_out(ask: Ask, untouched: Untouched, file: Path) -> None:
    own = _workspaces(ask)
    harmless = 0
    for attempt in ATTEMPTS:
        plan = compiled(spelled(attempt, file), NOW_MS)
        if isinstance(plan, UserError):
            assert plan.code.startswith("vql_"), attempt
            continue
        harmless += 1
        assert plan.workspace == "default", attempt
        assert _is_ours(render(plan, "vantage").sql, attempt), attempt
        try:
            answer = ask(plan)
        except UserError:
            continue
        assert SECRET not in repr(answer.rows), attempt
        assert len(answer.rows) <= own_rows(ask, plan.table), attempt
    assert own == _workspaces(ask)
    assert harmless < len(ATTEMPTS) / 5
    assert untouched()


def test_the_canary_would_sing(filled: Store, untouched: Untouched, file: Path) -> None:
    beside = file.with_name("another")
    beside.write_text("")
    assert not untouched()
    beside.unlink()
    assert untouched()


def own_rows(ask: Ask, table: str) -> int:
    return len(ask(QueryPlan(table, "default", (Selected(Column("service_name"), "s"),))).rows)


def _workspaces(ask: Ask) -> list[tuple[str, int]]:
    return [(table, own_rows(ask, table)) for table in TABLES]


def _is_ours(sql: str, attempt: str) -> bool:
    """The text has our own shape: one SELECT from a table of ours, inside the workspace, no quote, no comment."""
    head, _, rest = sql.partition(" FROM `vantage`.`")
    unquoted = rest.replace("'UTC'", "").replace("= ''", "")
    return (
        head.startswith("SELECT ")
        and rest.split("`", 1)[0] in TABLES
        and "WHERE workspace = {p" in rest
        and not any(mark in unquoted for mark in ("'", ";", "--", "/*", "#", " UNION ", " SETTINGS ", " FORMAT "))
    )
