"""A store server for services that run apart; the broker is the `kafka` fixture of all tests."""

from collections.abc import Iterator

import pytest

from tests.clickhouse_http import ClickHouseServer, clickhouse_http


@pytest.fixture(scope="session")
def clickhouse_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseServer]:
    """A ClickHouse shared by the session: use a database of your own, and start it again if you stop it."""
    with clickhouse_http(tmp_path_factory.mktemp("clickhouse")) as server:
        yield server
