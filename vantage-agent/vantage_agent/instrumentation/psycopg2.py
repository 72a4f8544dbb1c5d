"""psycopg2: classes put between its C classes and those that the application uses.

C classes cannot be changed, so connections are made from classes of ours from here on; one that was open before
`init_agent` is not recorded. `type(connection)` differs then, `isinstance` does not.
"""

from __future__ import annotations

from functools import lru_cache, wraps
from typing import Any, Dict, Optional

from vantage_agent.instrumentation.databases import Place, Recording, TargetOf, database_of, log
from vantage_agent.instrumentation.late import was_imported_before
from vantage_agent.instrumentation.patching import Patcher
from vantage_agent.instrumentation.psycopg import connecting, text_of
from vantage_agent.recorder import Recorder
from vantage_agent.records import Target

# psycopg2.extensions.STATUS_BEGIN
BEGUN = 2


def install_psycopg2(module: Any, patcher: Patcher, recorder: Recorder) -> None:
    if was_imported_before(module):
        log.debug("psycopg2: connections that were opened before the agent started are not recorded")
    recording = Recording(recorder, "psycopg2")
    connection_class = _connection_class(module.extensions, recording)

    def described(dsn: Any, **kwargs: Any) -> Target:
        return connecting("postgresql", module.extensions.parse_dsn(dsn))

    def wrap(original: Any) -> Any:
        timed = recording.call(described)(original)

        # Below psycopg2.connect: this is what a `connect` calls that was imported before.
        @wraps(original)
        def _connect(dsn: Any, connection_factory: Any = None, **kwargs: Any) -> Any:
            # An asynchronous connection answers later, which nothing here would notice.
            if not recorder.active or any(kwargs.values()):
                return original(dsn, connection_factory=connection_factory, **kwargs)
            factory = connection_factory or module.extensions.connection
            return timed(dsn, connection_factory=_above(connection_class, factory), **kwargs)

        return _connect

    patcher.wrap(module, "_connect", wrap)


def _above(base: Any, factory: Any) -> Any:
    """A class like `factory`, with `base` right above the C class; `factory` itself where there can be none."""
    try:
        return _class_above(base, factory) if isinstance(factory, type) else factory
    except Exception:
        log.debug("%s cannot be recorded", factory, exc_info=True)
        return factory


@lru_cache(maxsize=64)
def _class_above(base: Any, factory: Any) -> Any:
    plain = base.__mro__[1]
    if not issubclass(factory, plain):
        return factory
    names = {"__module__": factory.__module__, "__qualname__": factory.__qualname__, "__doc__": factory.__doc__}
    return type(factory)(factory.__name__, (base,) if factory is plain else (factory, base), names)


def _connection_class(extensions: Any, recording: Recording) -> Any:
    plain = extensions.connection
    client = _cursor_class(extensions, recording, _STATEMENTS)
    server = _cursor_class(extensions, recording, {**_STATEMENTS, **_FETCHES})

    def cursor(self: Any, name: Any = None, cursor_factory: Any = None, *args: Any, **kwargs: Any) -> Any:
        factory = cursor_factory or self.cursor_factory or extensions.cursor
        return plain.cursor(self, name, _above(client if name is None else server, factory), *args, **kwargs)

    methods = {
        "cursor": wraps(plain.cursor)(cursor),
        "commit": recording.call(_if_begun("COMMIT"))(plain.commit),
        "rollback": recording.call(_if_begun("ROLLBACK"))(plain.rollback),
    }
    return type("connection", (plain,), methods)


def _cursor_class(extensions: Any, recording: Recording, targets: Dict[str, TargetOf]) -> Any:
    plain = extensions.cursor
    methods = {name: recording.call(target)(getattr(plain, name)) for name, target in targets.items()}
    return type("cursor", (plain,), methods)


def _describe(connection: Any) -> Place:
    info = connection.info
    return "postgresql", info.dbname or None, info.host or None, info.port


def _statement(cursor: Any, query: Any, *args: Any, **kwargs: Any) -> Target:
    connection = cursor.connection
    return database_of(connection, _describe).statement(query if type(query) is str else text_of(query, connection))


def _copied(cursor: Any, sql: Any, *args: Any, **kwargs: Any) -> Target:
    return _statement(cursor, sql)


def _command(name: str) -> TargetOf:
    def target(cursor: Any, *args: Any, **kwargs: Any) -> Target:
        return database_of(cursor.connection, _describe).command(name)

    return target


def _table_copied(cursor: Any, file: Any, table: str, *args: Any, **kwargs: Any) -> Target:
    return database_of(cursor.connection, _describe).statement(f'COPY "{table}"')


def _if_begun(name: str) -> TargetOf:
    def target(connection: Any) -> Optional[Target]:
        # Otherwise nothing is sent.
        if connection.status != BEGUN:
            return None
        return database_of(connection, _describe).command(name)

    return target


_STATEMENTS: Dict[str, TargetOf] = {
    "execute": _statement,
    "executemany": _statement,
    "callproc": _command("CALL"),
    "copy_expert": _copied,
    "copy_from": _table_copied,
    "copy_to": _table_copied,
}
_FETCHES: Dict[str, TargetOf] = {name: _command("FETCH") for name in ("fetchone", "fetchmany", "fetchall", "scroll")}
