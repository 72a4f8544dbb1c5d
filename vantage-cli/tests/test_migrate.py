"""`vantage migrate`: what would be run is said and not run, what was changed is refused."""

from pathlib import Path

import pytest
from vantage_cli.migrate import migrate_store, report
from vantage_common.errors import VantageError
from vantage_common.settings import Settings, load_settings
from vantage_common.store.migrations import Applied, Migration, load_migrations, steps


@pytest.fixture(params=["chdb", "sqlite"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    return load_settings(data_dir=tmp_path, store=request.param)


async def said(settings: Settings, *, dry_run: bool) -> list[str]:
    lines: list[str] = []
    await migrate_store(settings, lines.append, dry_run=dry_run)
    return lines


async def test_a_dry_run_says_every_statement_and_runs_none(settings: Settings) -> None:
    for _ in range(2):
        lines = await said(settings, dry_run=True)
        assert [line.split()[:2] for line in lines if line.startswith("pending")][-1][1].endswith(".sql")
        assert sum(line.strip().startswith("CREATE TABLE") for line in lines) >= 3
        assert lines[-1].endswith("nothing was run")


async def test_what_is_pending_is_applied_once(settings: Settings) -> None:
    names = [migration.name for migration in load_migrations("sqlite" if settings.store == "sqlite" else "clickhouse")]
    assert await said(settings, dry_run=False) == [
        *(f"applied  {name}" for name in names),
        f"{settings.store} is up to date",
    ]
    assert await said(settings, dry_run=False) == [f"{settings.store} is up to date: nothing to apply"]
    lines = await said(settings, dry_run=True)
    assert [line.split()[:2] for line in lines[:-1]] == [["applied", name] for name in names]
    assert lines[-1].startswith(f"0 of {len(names)} ")


def test_a_file_that_was_changed_or_is_unknown_is_named() -> None:
    known = [Migration(1, "0001_a.sql", "CREATE TABLE a"), Migration(2, "0002_b.sql", "CREATE TABLE b; CREATE TABLE c")]
    applied = [Applied(1, "0001_a.sql", "other"), Applied(9, "0009_z.sql", "later")]
    found = steps(known, applied, lambda migration: migration.statements({}))
    assert [(step.state, step.statements) for step in found] == [
        ("changed", ()),
        ("pending", ("CREATE TABLE b", "CREATE TABLE c")),
        ("unknown", ()),
    ]
    lines: list[str] = []
    with pytest.raises(VantageError, match=r"0001_a\.sql, 0009_z\.sql"):
        report(found, "chdb", lines.append)
    assert "    CREATE TABLE b;" in lines
