"""The comparison with the store finds what it looks for, on the real engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from vantage_common.settings import load_settings
from vantage_common.store.open import open_store

from tests.clickhouse_http import ClickHouseServer, clickhouse_http
from tests.faults.load import service_of
from tests.faults.oracle import Batch, Event
from tests.faults.store_check import StoreCheck

DATABASE = "checked"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseServer]:
    with clickhouse_http(tmp_path_factory.mktemp("clickhouse")) as running:
        yield running


@pytest.fixture
async def check(server: ClickHouseServer) -> StoreCheck:
    made = StoreCheck(server.url, DATABASE)
    made.ask(f"DROP DATABASE IF EXISTS {DATABASE}")
    where = {"clickhouse_host": server.host, "clickhouse_port": server.port, "clickhouse_database": DATABASE}
    store = open_store(load_settings(**where))
    await store.admin.migrate()
    await store.close()
    return made


def put(check: StoreCheck, number: int, service: str, times: int = 1) -> None:
    check.ask(
        f"INSERT INTO {DATABASE}.metrics (timestamp, service_name, metric_name, value, count) "
        f"SELECT now64(3) - INTERVAL 1 DAY, '{service}', 'event', {number}, 1 FROM numbers({times})"
    )


def roll(check: StoreCheck, table: str, time: str, count: int) -> None:
    check.ask(
        f"INSERT INTO {DATABASE}.{table} (timestamp, service_name, metric_name, count, sum, min, max, buckets) "
        f"SELECT {time}, service_name, 'event', {count}, value, value, value, map(1, {count}) "
        f"FROM {DATABASE}.metrics LIMIT 1"
    )


async def test_events_are_counted_and_a_mixed_up_row_is_event_0(check: StoreCheck) -> None:
    put(check, 1, service_of(1))
    put(check, 2, service_of(2), times=2)
    put(check, 3, "faulty-99")
    assert check.stored() == {Event("metrics", 1): 1, Event("metrics", 2): 2, Event("metrics", 0): 1}
    assert check.stored((2, 3)) == {Event("metrics", 2): 2}
    assert check.holds(Batch("", "metrics", 1, 3))
    assert not check.holds(Batch("", "metrics", 4, 5))


async def test_rollups_that_lack_hours_or_count_otherwise_are_told(check: StoreCheck, tmp_path: Path) -> None:
    assert check.rollup_faults() == ["no row in a closed hour: nothing to compare"]
    put(check, 5, service_of(5))
    assert check.rollup_faults() == ["metrics_1h: 1 differ from raw", "metrics_1d: 1 differ from raw"]
    roll(check, "metrics_1h", "toStartOfHour(now() - INTERVAL 1 DAY)", 1)
    roll(check, "metrics_1d", "toStartOfDay(now() - INTERVAL 1 DAY)", 1)
    assert check.rollup_faults() == []
    put(check, 5, service_of(5))
    assert check.rollup_faults() == ["metrics_1h: 1 differ from raw", "metrics_1d: 1 differ from raw"]
