"""The copies of a column's name agree: the catalog, the wire row. What the engine makes of the DDL is compared with the
catalog in tests/contract."""

import pytest
from vantage_common.block import COLUMNS, Kind
from vantage_common.store.catalog import TABLES
from vantage_common.store.migrations import load_migrations

VALUES = {"database": "`db`", "retention_raw_days": 90, "retention_spans_days": 30}
STATEMENTS = load_migrations()[0].statements(VALUES)
KINDS: tuple[Kind, ...] = ("metrics", "spans", "logs")
OF_THE_BUS = ("workspace", "_src", "_off", "batch_id", "batch_part")


def ddl(table: str) -> str:
    return next(statement for statement in STATEMENTS if f"`db`.{table} (" in statement)


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_is_its_wire_row_and_where_it_came_from(kind: Kind) -> None:
    names = {column.name for column in TABLES[kind].columns}
    assert names == {*COLUMNS[kind], *OF_THE_BUS}
    assert {column.name for column in TABLES[kind].public_columns} == set(COLUMNS[kind])


def test_every_table_is_in_the_ddl_and_only_made_where_absent() -> None:
    assert set(TABLES) == set(KINDS)
    assert all(statement.startswith("CREATE TABLE IF NOT EXISTS `db`.") for statement in STATEMENTS)
    assert len(STATEMENTS) == len(TABLES)


def test_retention_comes_from_the_settings() -> None:
    assert "INTERVAL 90 DAY" in ddl("metrics")
    assert "INTERVAL 90 DAY" in ddl("logs")
    assert "INTERVAL 30 DAY" in ddl("spans")
