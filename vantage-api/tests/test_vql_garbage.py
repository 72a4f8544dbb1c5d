"""What a compiled query leaves behind: nothing that only the cyclic collector, which stops everything, can free."""

import gc

import pytest
from vantage_api.vql import compile_vql
from vantage_common.errors import UserError

NOW_MS = 1_790_035_200_000


@pytest.mark.parametrize(
    "query",
    [
        "SELECT p95(value) FROM metrics WHERE service_name = 'a' AND tags['b'] != '' SINCE 1 DAY TIMESERIES 1 HOUR "
        "GROUP BY endpoint",
        "SELECT count(servce_name) FROM metrics",
    ],
    ids=["a plan", "a mistake"],
)
def test_a_query_is_freed_with_its_last_reference(query: str) -> None:
    _compile(query)
    gc.collect()
    gc.disable()
    try:
        _compile(query)
        assert gc.collect() == 0
    finally:
        gc.enable()


def _compile(query: str) -> None:
    try:
        compile_vql(query, "default", NOW_MS)
    except UserError:
        return
