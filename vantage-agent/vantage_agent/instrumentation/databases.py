"""What the database clients have in common: where a statement goes, what it is called, and wrappers that record it."""

from __future__ import annotations

import functools
import logging
from contextlib import suppress
from typing import Any, Callable, Dict, Optional, Tuple, Union

from vantage_agent.fold import OTHER
from vantage_agent.instrumentation.opentelemetry import traced_by_opentelemetry
from vantage_agent.instrumentation.patching import Wrap
from vantage_agent.instrumentation.statements import TEXT_LIMIT, summary_of
from vantage_agent.operations import DB_METRIC, operation, within_operation
from vantage_agent.recorder import Recorder
from vantage_agent.records import Target

STATEMENTS = 1_000
NAMES = 300
DATABASES = 100

log = logging.getLogger("vantage.agent")

# System, namespace (None where there is none), host or socket's path, port.
Place = Tuple[str, Optional[str], Optional[str], Optional[int]]
# Told what the wrapped method is called with; None where the call is no operation.
TargetOf = Callable[..., Optional[Target]]


class Database:
    """A database that statements go to, with the Target of each kind of statement.

    Statements are known by their hashes, not their texts: those may be long and hold values.
    """

    __slots__ = ("_by_name", "_by_statement", "_place")

    def __init__(self, place: Place) -> None:
        self._place = place
        self._by_statement: Dict[int, Target] = {}
        self._by_name: Dict[Tuple[str, Optional[str]], Target] = {}

    def statement(self, statement: Union[str, bytes]) -> Target:
        """The Target of an SQL statement."""
        if len(statement) > TEXT_LIMIT:
            statement = statement[:TEXT_LIMIT]
        key = hash(statement)
        return self._by_statement.get(key) or self._admit(key, statement)

    def command(self, name: str, collection: Optional[str] = None) -> Target:
        """The Target of an operation by name, for which a name out of a small set must be given."""
        return self._by_name.get((name, collection)) or self._name(name, collection)

    def _admit(self, key: int, statement: Union[str, bytes]) -> Target:
        text = statement.decode("utf-8", "replace") if isinstance(statement, bytes) else statement
        target = self.command(*summary_of(text))
        if len(self._by_statement) >= STATEMENTS:
            # An application that writes values into its statements; it repeats few of them.
            self._by_statement.clear()
        self._by_statement[key] = target
        return target

    def _name(self, name: str, collection: Optional[str]) -> Target:
        if collection is not None and len(self._by_name) >= NAMES:
            collection = OTHER
        return self._by_name.setdefault((name, collection), _target(self._place, name, collection))


def _target(place: Place, name: str, collection: Optional[str]) -> Target:
    system, namespace, address, port = place
    told = (
        ("db.system.name", system),
        ("db.namespace", namespace),
        ("db.operation.name", name),
        ("db.collection.name", collection),
        ("server.address", address),
        ("server.port", port),
    )
    # Drivers take other objects than texts (a path, say). Only the port is a number.
    attributes = tuple((key, value if key == "server.port" else str(value)) for key, value in told if value is not None)
    tags = tuple((key, str(value)) for key, value in attributes)
    return Target(DB_METRIC, "client", f"{name} {collection}" if collection else name, tags, attributes)


_databases: Dict[Place, Database] = {}


def database(place: Place) -> Database:
    """The database at a place; beyond DATABASES places (one for each tenant, say) those of a system share one."""
    found = _databases.get(place)
    if found is None:
        if len(_databases) >= DATABASES:
            place = (place[0], OTHER, OTHER, None)
        found = _databases.setdefault(place, Database(place))
    return found


def database_of(owner: Any, describe: Callable[[Any], Place]) -> Database:
    """The database of a connection, pool or engine, kept on it: to describe it may cost as much as a statement."""
    found: Optional[Database] = getattr(owner, "_vantage_database", None)
    if found is None:
        found = database(describe(owner))
        # One with __slots__ is asked again next time.
        with suppress(AttributeError):
            owner._vantage_database = found
    return found


def number_of(port: Any) -> Optional[int]:
    """A port as a number; None where none is given, or several."""
    return int(port) if str(port).isdigit() else None


class Recording:
    """Wrappers that make an operation of a call. `package` is the library's name to OpenTelemetry, which goes first."""

    def __init__(self, recorder: Recorder, package: str) -> None:
        self._recorder = recorder
        self._package = package

    def begin(self, target_of: TargetOf, args: Any, kwargs: Any) -> Optional[operation]:
        """An operation to be entered. None where the call is not to be recorded: part of another, for example."""
        if not self._recorder.active or within_operation():
            return None
        if traced_by_opentelemetry(self._package):
            return None
        try:
            target = target_of(*args, **kwargs)
        except Exception:
            log.debug("a call to %s could not be described", self._package, exc_info=True)
            return None
        return None if target is None else operation(self._recorder, target)

    def call(self, target_of: TargetOf) -> Wrap:
        """For functions."""

        def wrap(original: Any) -> Any:
            @functools.wraps(original)
            def recorded(*args: Any, **kwargs: Any) -> Any:
                work = self.begin(target_of, args, kwargs)
                if work is None:
                    return original(*args, **kwargs)
                with work:
                    return original(*args, **kwargs)

            return recorded

        return wrap

    def coroutine(self, target_of: TargetOf) -> Wrap:
        """For coroutine functions."""

        def wrap(original: Any) -> Any:
            @functools.wraps(original)
            async def recorded(*args: Any, **kwargs: Any) -> Any:
                work = self.begin(target_of, args, kwargs)
                if work is None:
                    return await original(*args, **kwargs)
                with work:
                    return await original(*args, **kwargs)

            return recorded

        return wrap

    def steps(self, target_of: TargetOf) -> Wrap:
        """For generators that the library itself drives to their end, such as psycopg's."""

        def wrap(original: Any) -> Any:
            @functools.wraps(original)
            def recorded(*args: Any, **kwargs: Any) -> Any:
                work = self.begin(target_of, args, kwargs)
                if work is None:
                    return (yield from original(*args, **kwargs))
                with work:
                    return (yield from original(*args, **kwargs))

            return recorded

        return wrap
