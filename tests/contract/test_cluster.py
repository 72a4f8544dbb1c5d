"""The schema on a cluster. No cluster can be had where the tests run: every statement is parsed by the real engine, and
run by it but for Keeper and the other nodes, the tables in front being over one shard, this process."""

import re
from collections.abc import Iterator
from pathlib import Path

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from vantage_common.settings import load_settings
from vantage_common.store.clickhouse import ClickHouseAdmin
from vantage_common.store.cluster import INSERT_SETTINGS, on_cluster, sharded_tables
from vantage_common.store.migrations import load_migrations
from vantage_common.store.open import open_store

from tests.contract.cluster_schema import CLUSTER, FILE, statements, text

SHARDED = frozenset({"t"})
ONE_SHARD = f"""
<clickhouse>
  <tcp_port>9000</tcp_port>
  <remote_servers><{CLUSTER}><shard>
    <internal_replication>true</internal_replication>
    <replica><host>127.0.0.1</host><port>9000</port></replica>
  </shard></{CLUSTER}></remote_servers>
</clickhouse>
"""
"""A replica on the engine's own port is the engine itself; nothing listens there, and nothing connects."""

FRONT = (
    "CREATE OR REPLACE TABLE `d`.t ON CLUSTER `c` AS `d`.t_local\n"
    "ENGINE = Distributed(`c`, `d`, t_local, cityHash64(workspace, service_name))"
)
REPLICATED = "'/clickhouse/tables/{uuid}/{shard}', '{replica}'"


@pytest.mark.parametrize(
    ("statement", "made"),
    [
        ("CREATE DATABASE IF NOT EXISTS `d`", ["CREATE DATABASE IF NOT EXISTS `d` ON CLUSTER `c`"]),
        (
            "CREATE TABLE IF NOT EXISTS `d`.t (workspace String, service_name String) ENGINE = MergeTree "
            "ORDER BY service_name SETTINGS non_replicated_deduplication_window = 10",
            [
                "CREATE TABLE IF NOT EXISTS `d`.t_local ON CLUSTER `c` (workspace String, service_name String) "
                f"ENGINE = ReplicatedMergeTree({REPLICATED}) ORDER BY service_name "
                "SETTINGS replicated_deduplication_window = 10",
                FRONT,
            ],
        ),
        (
            "CREATE TABLE `d`.t (service_name String) ENGINE = ReplacingMergeTree(ver) ORDER BY service_name",
            [
                "CREATE TABLE `d`.t_local ON CLUSTER `c` (service_name String) "
                f"ENGINE = ReplicatedReplacingMergeTree({REPLICATED}, ver) ORDER BY service_name",
                FRONT,
            ],
        ),
        (
            "CREATE TABLE `d`.small (a Int8) ENGINE = MergeTree ORDER BY a",
            [
                "CREATE TABLE `d`.small ON CLUSTER `c` (a Int8) ENGINE = "
                "ReplicatedMergeTree('/clickhouse/tables/{uuid}/all', '{shard}-{replica}') ORDER BY a"
            ],
        ),
        (
            "ALTER TABLE `d`.t ADD COLUMN a Int8",
            ["ALTER TABLE `d`.t_local ON CLUSTER `c` ADD COLUMN a Int8", FRONT],
        ),
        ("ALTER TABLE `d`.small ADD COLUMN a Int8", ["ALTER TABLE `d`.small ON CLUSTER `c` ADD COLUMN a Int8"]),
        (
            "DROP TABLE IF EXISTS `d`.t SYNC",
            ["DROP TABLE IF EXISTS `d`.t ON CLUSTER `c` SYNC", "DROP TABLE IF EXISTS `d`.t_local ON CLUSTER `c` SYNC"],
        ),
        (
            "EXCHANGE TABLES `d`.t AND `d`.small",
            ["EXCHANGE TABLES `d`.t_local AND `d`.small ON CLUSTER `c`", FRONT],
        ),
        (
            "INSERT INTO `d`.t SELECT * FROM `d`.t SETTINGS max_threads = 1",
            ["INSERT INTO `d`.t SELECT * FROM `d`.t SETTINGS max_threads = 1, distributed_foreground_insert = 1"],
        ),
    ],
)
def test_a_statement_and_what_a_cluster_is_told(statement: str, made: list[str]) -> None:
    assert on_cluster(statement, "c", SHARDED) == made


def test_a_statement_of_another_kind_is_not_guessed() -> None:
    with pytest.raises(ValueError, match="RENAME TABLE"):
        on_cluster("RENAME TABLE `d`.t TO `d`.u", "c", SHARDED)


def test_only_rows_of_a_service_are_sharded() -> None:
    made = ["CREATE TABLE `d`.a (service_name String) ENGINE = MergeTree", "CREATE TABLE `d`.b (x Int8) ENGINE = Log"]
    assert sharded_tables(made) == {"a"}


def test_the_schema_of_a_cluster_is_the_reviewed_one() -> None:
    assert text() == FILE.read_text(encoding="utf-8"), "write it anew: python -m tests.contract.cluster_schema"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Client]:
    configuration = tmp_path / "one_shard.xml"
    configuration.write_text(ONE_SHARD)
    client = clickhouse_connect.get_client(
        interface="chdb", path=str(tmp_path / "chdb"), chdb_options={"config-file": str(configuration)}
    )
    yield client
    client.close()


def test_the_engine_parses_every_statement(engine: Client) -> None:
    for statement in statements():
        assert engine.query(f"EXPLAIN AST {statement}").result_rows, statement
    with pytest.raises(ClickHouseError):
        engine.query("EXPLAIN AST CREATE TABLE t (a Int8) ON CLUSTER c ENGINE = MergeTree ORDER BY a")


def test_the_engine_knows_every_setting(engine: Client) -> None:
    known = {name for (name,) in engine.query("SELECT name FROM system.settings").result_rows}
    assert set(INSERT_SETTINGS) <= known


def test_tables_in_front_take_and_answer_rows_once(engine: Client) -> None:
    """The whole schema from the first file to the last, then rows through the Distributed table."""
    for statement in statements():
        engine.command(_alone(statement))
    insert = (
        "INSERT INTO vantage.metrics (workspace, service_name, metric_name, timestamp, _src, _off) "
        "SETTINGS distributed_foreground_insert = 1, insert_deduplication_token = 't' VALUES ('w', 's', 'm', 5, 1, 2)"
    )
    for _ in range(2):
        engine.command(insert)
    held = "SELECT DISTINCT _off, toYYYYMMDD(timestamp) FROM vantage.metrics WHERE _src = 1"
    assert engine.query(held).result_rows == [(2, 19700101)]
    assert engine.query("SELECT count() FROM vantage.metrics_local").result_rows == [(1,)]
    columns = "SELECT name, type FROM system.columns WHERE database = 'vantage' AND table = '{}' ORDER BY position"
    front = engine.query(columns.format("metrics")).result_rows
    assert front == engine.query(columns.format("metrics_local")).result_rows


def _alone(statement: str) -> str:
    """The statement on a single node without Keeper."""
    here = statement.replace(f" ON CLUSTER `{CLUSTER}`", "")
    engine = re.sub(r"Replicated(\w*MergeTree)\('[^']*', '[^']*'(?:, )?", r"\1(", here)
    return engine.replace("replicated_deduplication_window", "non_replicated_deduplication_window")


async def test_a_dry_run_of_a_cluster_says_its_statements() -> None:
    store = open_store(load_settings(store="clickhouse", clickhouse_host="h", clickhouse_cluster=CLUSTER))
    assert isinstance(store.admin, ClickHouseAdmin)
    made = [statement for migration in load_migrations() for statement in store.admin.statements(migration)]
    assert made == statements()[2:]
    await store.close()
