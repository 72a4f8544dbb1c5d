"""psycopg 3: methods of its cursor and connection classes, which are Python above its C implementation, too.

They are found on the class, so connections from before `init_agent` are recorded like later ones.
"""

from __future__ import annotations

import functools
from contextlib import asynccontextmanager, contextmanager
from time import perf_counter_ns
from typing import Any, Optional, Union

from vantage_agent.instrumentation.databases import (
    Database,
    Place,
    Recording,
    TargetOf,
    database,
    database_of,
    number_of,
)
from vantage_agent.instrumentation.patching import Patcher, Wrap
from vantage_agent.operations import operation
from vantage_agent.recorder import Recorder
from vantage_agent.records import Target

IDLE = 0
DEFAULT_PORT = 5432


def install_psycopg(module: Any, patcher: Patcher, recorder: Recorder) -> None:
    recording = Recording(recorder, "psycopg")
    for cursors in (module.Cursor, module.ServerCursor):
        patcher.wrap(cursors, "execute", recording.call(_statement))
        patcher.wrap(cursors, "executemany", recording.call(_statement))
    for cursors in (module.AsyncCursor, module.AsyncServerCursor):
        patcher.wrap(cursors, "execute", recording.coroutine(_statement))
        patcher.wrap(cursors, "executemany", recording.coroutine(_statement))
    patcher.wrap(module.Cursor, "stream", _stream(recording))
    patcher.wrap(module.AsyncCursor, "stream", _stream_async(recording))
    patcher.wrap(module.Cursor, "copy", _copy(recording))
    patcher.wrap(module.AsyncCursor, "copy", _copy_async(recording))
    _install_transactions(module, patcher, recording)
    _install_connect(module, patcher, recording)


def _install_transactions(module: Any, patcher: Patcher, recording: Recording) -> None:
    """These are steps that the sync and the async classes share, and so is a page that a server's cursor fetches."""
    patcher.wrap(module.BaseConnection, "_commit_gen", recording.steps(_if_begun("COMMIT")))
    patcher.wrap(module.BaseConnection, "_rollback_gen", recording.steps(_if_begun("ROLLBACK")))
    for owner in module.Transaction.__mro__:
        patcher.wrap(owner, "_enter_gen", recording.steps(_enter))
        patcher.wrap(owner, "_commit_gen", recording.steps(_leave("COMMIT", "RELEASE")))
        patcher.wrap(owner, "_rollback_gen", recording.steps(_leave("ROLLBACK", "ROLLBACK")))
    for owner in module.ServerCursor.__mro__:
        patcher.wrap(owner, "_fetch_gen", recording.steps(_fetch))


def _install_connect(module: Any, patcher: Patcher, recording: Recording) -> None:
    def described(cls: Any, conninfo: str = "", **kwargs: Any) -> Target:
        known = module.conninfo.conninfo_to_dict(conninfo)
        return connecting("postgresql", {**known, **kwargs})

    def of_class(wrap: Wrap) -> Wrap:
        # What is none any more is somebody else's wrapper, which would not survive this.
        return lambda original: classmethod(wrap(original.__func__)) if type(original) is classmethod else original

    plain = module.Connection.connect
    patcher.wrap(module.Connection, "connect", of_class(recording.call(described)))
    patcher.wrap(module.AsyncConnection, "connect", of_class(recording.coroutine(described)))
    if type(module.connect) is type(plain) and module.connect == plain:
        patcher.wrap(module, "connect", lambda original: module.Connection.connect)


def connecting(system: str, parameters: Any) -> Target:
    """The Target of opening a connection with libpq's parameters."""
    host = parameters.get("host")
    port = number_of(parameters.get("port")) or (DEFAULT_PORT if host else None)
    place = (system, parameters.get("dbname") or parameters.get("user"), host, port)
    return database(place).command("CONNECT")


def text_of(query: Any, context: Any) -> Union[str, bytes]:
    """A statement's text out of what drivers take for one; values that are part of it are left out."""
    if isinstance(query, (str, bytes)):
        return query
    kind = type(query).__name__
    if kind in ("SQL", "Identifier"):
        return str(query.as_string(context))
    if kind == "Interpolation":
        # Of a template string: {table:i} is an identifier, {condition:q} a part of the statement, all else a value.
        if query.format_spec == "i":
            return '"%s"' % query.value
        return text_of(query.value, context) if query.format_spec == "q" else "?"
    if kind in ("Composed", "Template"):
        return "".join(str(text_of(part, context)) for part in query)
    return "?"


def _database(connection: Any) -> Database:
    return database_of(connection, _describe)


def _describe(connection: Any) -> Place:
    info = connection.info
    system = "cockroachdb" if type(connection).__module__.startswith("psycopg.crdb") else "postgresql"
    return system, info.dbname or None, info.host or None, info.port


def _statement(cursor: Any, query: Any, *args: Any, **kwargs: Any) -> Target:
    connection = cursor.connection
    return _database(connection).statement(query if type(query) is str else text_of(query, connection))


def _copied(cursor: Any, statement: Any, *args: Any, **kwargs: Any) -> Target:
    return _statement(cursor, statement)


def _fetch(cursor: Any, number: Any) -> Target:
    return _database(cursor.connection).command("FETCH")


def _if_begun(name: str) -> TargetOf:
    def target(connection: Any) -> Optional[Target]:
        # Otherwise nothing is sent.
        return None if connection.pgconn.transaction_status == IDLE else _database(connection).command(name)

    return target


def _enter(transaction: Any) -> Target:
    outermost = transaction.pgconn.transaction_status == IDLE
    return _database(transaction.connection).command("BEGIN" if outermost else "SAVEPOINT")


def _leave(outermost: str, nested: str) -> TargetOf:
    def target(transaction: Any, *args: Any) -> Target:
        return _database(transaction.connection).command(outermost if transaction._outer_transaction else nested)

    return target


class _Lasting:
    """An operation that the application carries on, row by row, and may do other things in between: it is not the
    current one, so that those are recorded, too."""

    def __init__(self, work: operation) -> None:
        self._work = work.begin()

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        # An iterator that was left before its end has done what it was asked for.
        failed = kind is not None and kind is not GeneratorExit
        self._work.finish(perf_counter_ns(), kind.__qualname__ if failed else None)


def _stream(recording: Recording) -> Wrap:
    def wrap(original: Any) -> Any:
        @functools.wraps(original)
        def stream(*args: Any, **kwargs: Any) -> Any:
            work = recording.begin(_statement, args, kwargs)
            if work is None:
                yield from original(*args, **kwargs)
                return
            with _Lasting(work):
                yield from original(*args, **kwargs)

        return stream

    return wrap


def _stream_async(recording: Recording) -> Wrap:
    def wrap(original: Any) -> Any:
        @functools.wraps(original)
        async def stream(*args: Any, **kwargs: Any) -> Any:
            work = recording.begin(_statement, args, kwargs)
            rows = original(*args, **kwargs)
            try:
                if work is None:
                    async for row in rows:
                        yield row
                    return
                with _Lasting(work):
                    async for row in rows:
                        yield row
            finally:
                # `async for` does not close what it was left in the middle of.
                await rows.aclose()

        return stream

    return wrap


def _copy(recording: Recording) -> Wrap:
    def wrap(original: Any) -> Any:
        @functools.wraps(original)
        @contextmanager
        def copy(*args: Any, **kwargs: Any) -> Any:
            work = recording.begin(_copied, args, kwargs)
            if work is None:
                with original(*args, **kwargs) as copying:
                    yield copying
                return
            with _Lasting(work), original(*args, **kwargs) as copying:
                yield copying

        return copy

    return wrap


def _copy_async(recording: Recording) -> Wrap:
    def wrap(original: Any) -> Any:
        @functools.wraps(original)
        @asynccontextmanager
        async def copy(*args: Any, **kwargs: Any) -> Any:
            work = recording.begin(_copied, args, kwargs)
            if work is None:
                async with original(*args, **kwargs) as copying:
                    yield copying
                return
            with _Lasting(work):
                async with original(*args, **kwargs) as copying:
                    yield copying

        return copy

    return wrap
