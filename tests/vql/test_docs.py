"""docs/vql.md names every table, column, function, limit and error of VQL, and none that does not exist."""

import re
from pathlib import Path

from vantage_api import kept
from vantage_api.vql import compile, expressions, parse
from vantage_api.vql.words import NAMES
from vantage_common.store.catalog import TABLES
from vantage_common.store.clickhouse import MAX_QUERY_BYTES
from vantage_common.store.rollup_plan import ROLLUPS_OF

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "vql.md").read_text(encoding="utf-8")


def table_after(mark: str) -> dict[str, str]:
    """The rows of the table behind a comment, by their first cell."""
    lines = PAGE.partition(f"<!-- {mark}:")[2].splitlines()[3:]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[: lines.index("")]]
    return {cells[0]: cells[1] for cells in rows}


def ticked(text: str) -> list[str]:
    return re.findall(r"`(\w+)`", text)


def test_the_tables_are_the_catalogs() -> None:
    shown = {name.strip("`"): ticked(columns) for name, columns in table_after("tables").items()}
    assert shown == {name: [column.name for column in table.public_columns] for name, table in TABLES.items()}


def test_the_functions_are_those_of_the_code() -> None:
    shown = [name for names in table_after("functions").values() for name in ticked(names) if name != "pNN"]
    assert sorted(shown) == sorted(name for name in NAMES if not name.endswith("If"))


def test_the_limits_are_those_of_the_code() -> None:
    assert table_after("limits") == {
        "text of a query": f"{parse.MAX_TEXT} characters",
        "statements": "1",
        "predicates": str(expressions.MAX_PREDICATES),
        "columns of an answer": str(compile.MAX_OUTPUTS),
        "rows of an answer": f"{compile.MAX_LIMIT}, without LIMIT {compile.DEFAULT_LIMIT}",
        "OFFSET": str(compile.MAX_OFFSET),
        "values in IN": str(expressions.MAX_IN),
        "nesting": str(expressions.MAX_DEPTH),
        "time": "30 s",
        "memory": f"{MAX_QUERY_BYTES >> 30} GiB",
    }
    assert f"({kept.MAX_ANSWERS} answers, {kept.MAX_BYTES >> 20} MiB)" in PAGE


def test_every_error_is_there() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in Path(parse.__file__).parent.glob("*.py"))
    raised = {f"vql_{kind}" for kind in re.findall(r'vql_error\(\s*"(\w+)"', sources)}
    assert raised == set(re.findall(r"`(vql_\w+)`", PAGE))


def test_the_rollups_are_those_that_plans_read() -> None:
    section = PAGE.partition("## Rollups")[2].partition("## Explain")[0]
    read = {rollup.table.name for rollups in ROLLUPS_OF.values() for rollup in rollups}
    assert read <= set(ticked(section))
