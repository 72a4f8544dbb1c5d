"""VQL as its data files say: queries and their rows, mistakes and what is said about them."""

from typing import Any

import pytest
from vantage_api.vql import compile_vql
from vantage_common.errors import UserError

from tests.contract.store_rows import NOON_MS
from tests.vql.conftest import Ask, load_cases

NOW_MS = NOON_MS + 3_600_000
ANSWERED = [*load_cases("aggregates.yaml"), *load_cases("clauses.yaml")]
REFUSED = load_cases("errors.yaml")


@pytest.mark.parametrize("case", ANSWERED, ids=lambda case: str(case["query"])[:60])
def test_a_query_answers_its_rows(case: dict[str, Any], ask: Ask) -> None:
    answer = ask(compile_vql(case["query"], "default", NOW_MS))
    kinds = [column.type for column in answer.columns]
    expected = [[_cell(cell, kind) for cell, kind in zip(row, kinds, strict=True)] for row in case["rows"]]
    assert [list(row) for row in answer.rows] == [[_about(cell) for cell in row] for row in expected]
    if "columns" in case:
        assert [{"name": column.name, "type": column.type} for column in answer.columns] == case["columns"]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: str(case["query"])[:60])
def test_a_mistake_is_pointed_at(case: dict[str, Any]) -> None:
    with pytest.raises(UserError) as caught:
        compile_vql(case["query"], "default", NOW_MS)
    error = caught.value
    assert (error.code, error.message) == (case["code"], case["message"])
    if "hint" in case:
        assert error.hint == case["hint"]
    if "at" in case:
        start = -1
        for _ in range(case.get("nth", 1)):
            start = case["query"].index(case["at"], start + 1)
        assert error.position == start


def _cell(cell: Any, kind: str) -> Any:
    """Times stand in the files as the time of the one day."""
    if kind != "time":
        return cell
    hours, minutes, seconds = (int(part) for part in str(cell).split(":"))
    return NOON_MS - 12 * 3_600_000 + (hours * 3600 + minutes * 60 + seconds) * 1000


def _about(cell: Any) -> Any:
    return pytest.approx(cell, rel=1e-9) if isinstance(cell, float) else cell
