"""The schema's statements as a cluster takes them: the same files, rewritten statement by statement. Pure.

A table of rows that belong to a service becomes two: ``<name>_local`` on every node, replicated within its shard, and
``<name>``, a Distributed table over them all, sharded by workspace and service. A record of the bus has one workspace
and one service, so its rows never part, and rows with one key meet on one shard, where ReplacingMergeTree finds them.
A table without a service is small: it lies whole on every node, replicated over all of them.

The names that queries and inserts use stay. Nodes need the macros ``{shard}`` and ``{replica}`` and a Keeper.
"""

import re
from collections.abc import Iterable
from typing import Final

INSERT_SETTINGS: Final[dict[str, object]] = {
    "distributed_foreground_insert": 1,
    "insert_quorum": "auto",
    "insert_quorum_parallel": 0,
    "select_sequential_consistency": 1,
}
"""Of the worker's connection: an insert is acknowledged when the shards have it, a majority of each; and what it then
reads of its own inserts (`held`) is asked of replicas that have all of them. A Distributed table would else answer at
once and send later, and a replica that lags would let rows be inserted twice."""

_TABLE: Final = r"(?P<database>`\w+`)\.(?P<table>\w+)"
_CREATE: Final = re.compile(rf"CREATE TABLE (?:IF NOT EXISTS )?{_TABLE} \((?P<columns>.*)\)\s*ENGINE = ", re.DOTALL)
_ENGINE: Final = re.compile(r"\bENGINE = (?P<engine>\w*MergeTree)(?:\((?P<arguments>[^()]*)\))?")
_SHARDED: Final = re.compile(r"\bservice_name\b")
_FOREGROUND: Final = "distributed_foreground_insert = 1"


def sharded_tables(statements: Iterable[str]) -> frozenset[str]:
    """Names of the tables among `statements` whose rows belong to a service."""
    made = (match for statement in statements if (match := _CREATE.match(statement)))
    return frozenset(match["table"] for match in made if _SHARDED.search(match["columns"]))


def on_cluster(statement: str, cluster: str, sharded: frozenset[str]) -> list[str]:
    """The statements that do on a cluster what `statement` does on one server. Raises ValueError for one of a kind
    that has no such form yet."""
    kind = " ".join(statement.split(None, 2)[:2])
    tables = [(match["database"], match["table"]) for match in re.finditer(_TABLE, statement)]
    match kind:
        case "CREATE DATABASE":
            return [f"{statement} ON CLUSTER `{cluster}`"]
        case "CREATE TABLE":
            made = _replicated(statement, cluster, tables[0][1] in sharded)
            return [made, *_distributed(*tables[0], cluster, sharded)]
        case "ALTER TABLE":
            return [_everywhere(statement, cluster, sharded), *_distributed(*tables[0], cluster, sharded)]
        case "EXCHANGE TABLES":
            exchanged = _local(statement, sharded) + f" ON CLUSTER `{cluster}`"
            return [exchanged, *(made for table in tables for made in _distributed(*table, cluster, sharded))]
        case "DROP TABLE":
            local = _everywhere(statement, cluster, sharded)
            front = _everywhere(statement, cluster, frozenset())
            return [front, local] if tables[0][1] in sharded else [local]
        case "INSERT INTO":
            return [f"{statement}, {_FOREGROUND}" if "SETTINGS" in statement else f"{statement} SETTINGS {_FOREGROUND}"]
        case _:
            raise ValueError(f"there is no cluster form of a statement that begins with {kind}")


def _replicated(statement: str, cluster: str, is_sharded: bool) -> str:
    """The table on every node. Replicas of all shards hold a table without a service: their names must differ."""
    shard, replica = ("{shard}", "{replica}") if is_sharded else ("all", "{shard}-{replica}")

    def engine(match: re.Match[str]) -> str:
        arguments = [f"'/clickhouse/tables/{{uuid}}/{shard}'", f"'{replica}'"]
        if match["arguments"]:
            arguments.append(match["arguments"])
        return f"ENGINE = Replicated{match['engine']}({', '.join(arguments)})"

    made = _everywhere(statement, cluster, frozenset(_names(statement)) if is_sharded else frozenset())
    return _ENGINE.sub(engine, made, count=1).replace(
        "non_replicated_deduplication_window", "replicated_deduplication_window"
    )


def _distributed(database: str, table: str, cluster: str, sharded: frozenset[str]) -> list[str]:
    """The table in front, made anew whenever the ones behind it changed: it holds nothing itself."""
    if table not in sharded:
        return []
    return [
        f"CREATE OR REPLACE TABLE {database}.{table} ON CLUSTER `{cluster}` AS {database}.{table}_local\n"
        f"ENGINE = Distributed(`{cluster}`, {database}, {table}_local, cityHash64(workspace, service_name))"
    ]


def _everywhere(statement: str, cluster: str, sharded: frozenset[str]) -> str:
    """The statement about the first table it names, on every node."""

    def name(match: re.Match[str]) -> str:
        suffix = "_local" if match["table"] in sharded else ""
        return f"{match['database']}.{match['table']}{suffix} ON CLUSTER `{cluster}`"

    return re.sub(_TABLE, name, statement, count=1)


def _local(statement: str, sharded: frozenset[str]) -> str:
    def name(match: re.Match[str]) -> str:
        return f"{match['database']}.{match['table']}{'_local' if match['table'] in sharded else ''}"

    return re.sub(_TABLE, name, statement)


def _names(statement: str) -> Iterable[str]:
    return (match["table"] for match in re.finditer(_TABLE, statement))
