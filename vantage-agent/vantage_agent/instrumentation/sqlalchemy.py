"""SQLAlchemy: the methods of a Connection that hand a statement to the driver, which steps aside inside them.

They are found on the class: engines and connections from before `init_agent` are recorded like later ones, and the
asyncio engine and the ORM come through here, too.
"""

from __future__ import annotations

from typing import Any, Optional

from vantage_agent.instrumentation.databases import (
    Database,
    Place,
    Recording,
    TargetOf,
    database,
    database_of,
    number_of,
)
from vantage_agent.instrumentation.patching import Patcher
from vantage_agent.recorder import Recorder
from vantage_agent.records import Target

# By SQLAlchemy's name of the dialect; where OpenTelemetry calls a system by another name, that name.
_SYSTEMS = {"mssql": "microsoft.sql_server", "oracle": "oracle.db"}
_PORTS = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306, "microsoft.sql_server": 1433, "oracle.db": 1521}


def install_connections(module: Any, patcher: Patcher, recorder: Recorder) -> None:
    recording = Recording(recorder, "sqlalchemy")
    connection = module.Connection
    if "_exec_single_context" in vars(connection):
        patcher.wrap(connection, "_exec_single_context", recording.call(_single))
        patcher.wrap(connection, "_exec_insertmany_context", recording.call(_many))
    else:
        # Before 2.0 there is one method for both.
        patcher.wrap(connection, "_execute_context", recording.call(_constructed))
    patcher.wrap(connection, "_cursor_execute", recording.call(_by_default))
    patcher.wrap(connection, "_commit_impl", recording.call(_transaction("COMMIT")))
    patcher.wrap(connection, "_rollback_impl", recording.call(_transaction("ROLLBACK")))


def install_connect(module: Any, patcher: Patcher, recorder: Recorder) -> None:
    patcher.wrap(module.DefaultDialect, "connect", Recording(recorder, "sqlalchemy").call(_connecting))


def _database(connection: Any) -> Database:
    return database_of(connection.engine, _describe)


def _describe(engine: Any) -> Place:
    url = engine.url
    query = getattr(url, "query", {})
    # Sockets are given there.
    host = url.host or query.get("host")
    return _place(engine.dialect.name, url.database, host if isinstance(host, str) else None, url.port)


def _place(dialect: str, namespace: Optional[str], host: Optional[str], port: Optional[Any]) -> Place:
    system = _SYSTEMS.get(dialect, dialect)
    if system == "sqlite":
        # The file's name; where it lies is nobody's business.
        path = (namespace or "").partition("?")[0].replace("\\", "/")
        return system, path.rpartition("/")[2] or ":memory:", None, None
    return system, namespace or None, host or None, number_of(port) or (_PORTS.get(system) if host else None)


def _single(connection: Any, dialect: Any, context: Any, *args: Any, **kwargs: Any) -> Target:
    return _database(connection).statement(context.statement)


def _many(connection: Any, dialect: Any, context: Any) -> Target:
    return _database(connection).statement(context.statement)


def _constructed(connection: Any, dialect: Any, constructor: Any, statement: Any, *args: Any, **kwargs: Any) -> Target:
    return _database(connection).statement(statement if isinstance(statement, str) else str(statement))


def _by_default(connection: Any, cursor: Any, statement: str, *args: Any, **kwargs: Any) -> Target:
    return _database(connection).statement(statement)


def _transaction(name: str) -> TargetOf:
    def target(connection: Any, *args: Any, **kwargs: Any) -> Optional[Target]:
        autocommit = getattr(connection, "_is_autocommit_isolation", None)
        return None if autocommit is not None and autocommit() else _database(connection).command(name)

    return target


def _connecting(dialect: Any, *args: Any, **parameters: Any) -> Target:
    """What drivers take as parameters has a few names; a single string (ODBC's, SQLite's) comes by position."""
    namespace = parameters.get("dbname") or parameters.get("database") or parameters.get("db")
    if dialect.name == "sqlite" and args:
        namespace = str(args[0])
    host = parameters.get("host") or parameters.get("server")
    place = _place(dialect.name, namespace, host if isinstance(host, str) else None, parameters.get("port"))
    return database(place).command("CONNECT")
