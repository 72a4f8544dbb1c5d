"""What a store is. One engine family implements it today (clickhouse.py: chDB in-process or a ClickHouse server)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from vantage_common.store.plan import QueryPlan, Result


@dataclass(frozen=True, slots=True)
class Held:
    """A (record offset, UTC day number yyyymmdd) of a source whose rows the store already has."""

    offset: int
    day: int


class Writer(Protocol):
    async def insert(self, table: str, columns: Mapping[str, Sequence[Any]], *, token: str) -> int:
        """Inserts the rows as one block, atomic per day partition, and returns their number.

        `columns` has every column of the catalog's table, all of one length; times are ms. `token` lets the engine
        drop a repetition, but is never trusted alone. Raises StoreUnavailable (retry) or StoreRejected (bad rows).
        """
        ...

    async def held(self, table: str, source_id: int, start: int, end: int) -> frozenset[Held]:
        """What the store has of the records `start` ≤ offset < `end` of a source."""
        ...

    async def held_parts(self, table: str, batch_ids: Sequence[str], since_ms: int) -> frozenset[tuple[str, int]]:
        """The (batch_id, part) pairs among `batch_ids` that the store has taken in since `since_ms`."""
        ...


class Reader(Protocol):
    async def query(self, plan: QueryPlan, *, timeout_s: float = 30.0) -> Result:
        """Runs the plan. Raises UserError (bad plan), QueryTimeout, StoreUnavailable."""
        ...

    def sql(self, plan: QueryPlan) -> str:
        """The text the plan becomes, with its parameters as placeholders; for explain and for tests."""
        ...


class Admin(Protocol):
    async def migrate(self) -> list[str]:
        """Brings the schema up to date and returns the migrations applied now. Raises NewerSchema, StoreUnavailable."""
        ...

    async def ping(self, timeout_s: float = 5.0) -> None:
        """Raises StoreUnavailable when the engine does not answer."""
        ...

    async def table_sizes(self) -> dict[str, tuple[int, int]]:
        """Rows and bytes on disk of every table."""
        ...


class Store(Protocol):
    name: str
    writer: Writer
    reader: Reader
    admin: Admin

    async def close(self) -> None: ...
