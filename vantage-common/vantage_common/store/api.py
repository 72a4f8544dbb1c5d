"""What a store is: clickhouse.py on chDB in this process or on a ClickHouse server, sqlite.py on a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol, TypeAlias

from vantage_common.store.intervals import Intervals
from vantage_common.store.migrations import Step
from vantage_common.store.plan import QueryPlan, Result
from vantage_common.store.services import Services


@dataclass(frozen=True, slots=True)
class Held:
    """A (record offset, UTC day number yyyymmdd) of a source whose rows the store already has."""

    offset: int
    day: int


class Writer(Protocol):
    async def insert(self, table: str, columns: Mapping[str, Sequence[Any]], *, token: str) -> int:
        """Inserts the rows as one block, atomic per day partition, and returns their number. `Services` knows of them
        before they are there.

        `columns` has every column of the catalog's table, all of one length; times are ms. `token` lets the engine
        drop a repetition, but is never trusted alone. Raises StoreUnavailable (retry) or StoreRejected (bad rows).
        """
        ...

    async def rehearse(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        """Does all that `insert` does with the rows short of keeping them. Raises what `insert` raises."""
        ...

    async def held(self, table: str, source_id: int, start: int, end: int) -> frozenset[Held]:
        """What the store has of the records `start` ≤ offset < `end` of a source."""
        ...

    async def held_parts(self, table: str, batch_ids: Sequence[str], since_ms: int) -> frozenset[tuple[str, int]]:
        """The (batch_id, part) pairs among `batch_ids` that the store has taken in since `since_ms`."""
        ...


@dataclass(frozen=True, slots=True)
class Estimate:
    """Of one table: the parts on disk and the rows in them that an answer takes, before any filter but its indexes'.
    `size_bytes` is what so many rows take on disk with all their columns."""

    table: str
    parts: int
    rows: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Explained:
    """How a plan would be read: `sql` has its parameters as placeholders, `source` names the tables, `refused` says of
    rollups why they are not among them, `tables` is what the engine expects to read, nothing where it cannot tell."""

    sql: str
    source: str
    refused: tuple[str, ...] = ()
    tables: tuple[Estimate, ...] = ()


class Reader(Protocol):
    async def query(self, plan: QueryPlan, *, timeout_s: float = 30.0) -> Result:
        """Runs the plan. Raises UserError (bad plan), QueryTimeout, StoreUnavailable."""
        ...

    def sql(self, plan: QueryPlan) -> str:
        """The text the plan becomes over raw rows alone, with its parameters as placeholders."""
        ...

    async def explain(self, plan: QueryPlan) -> Explained:
        """What `query` would read, without doing so. Raises as `query` does."""
        ...

    async def rolled_up(self, source: "RollupSource") -> Intervals:
        """Of which times the rollups of a raw table hold all that arrived until ten minutes ago."""
        ...


class Admin(Protocol):
    async def migrate(self) -> list[str]:
        """Brings the schema up to date and returns the migrations applied now. Raises NewerSchema, StoreUnavailable."""
        ...

    async def steps(self) -> list[Step]:
        """What `migrate` would run, and what has run already. Changes nothing. Raises StoreUnavailable."""
        ...

    async def ping(self, timeout_s: float = 5.0) -> None:
        """Raises StoreUnavailable when the engine does not answer."""
        ...

    async def table_sizes(self) -> dict[str, tuple[int, int]]:
        """Rows and bytes on disk of every table."""
        ...


@dataclass(frozen=True, slots=True)
class Arrivals:
    """`hours` are the starts in ms of those that rows arrived in; later arrivals than `until_ms`, on the engine's
    clock, may not have been seen."""

    hours: tuple[int, ...]
    until_ms: int


RollupSource: TypeAlias = Literal["metrics", "spans"]


class Rollups(Protocol):
    """Hours of raw rows, added up. Every call may be repeated, after any crash. Raises StoreUnavailable."""

    async def position(self, source: RollupSource) -> int:
        """Since when arrivals have to be looked at, ms of the engine's clock; 0 at first."""
        ...

    async def advance(self, source: RollupSource, position_ms: int) -> None:
        """Every hour that a row arrived in before is computed."""
        ...

    async def arrivals(self, source: RollupSource, since_ms: int) -> Arrivals:
        """The hours whose rollups may have changed by what arrived since."""
        ...

    async def outdate(self, source: RollupSource, hour_ms: int) -> bool:
        """Has a computed hour read from its raw rows again if they have become more; whether they have."""
        ...

    async def recompute(self, source: RollupSource, hour_ms: int, now_ms: int) -> bool:
        """Computes the hour from its raw rows if they have become more since the last time; whether it did."""
        ...


DocumentTable: TypeAlias = Literal[
    "alert_rules", "silences", "baselines", "dashboards", "alert_channels", "alert_events", "audit"
]
HISTORIES: Final[frozenset[DocumentTable]] = frozenset({"alert_events", "audit"})
"""The tables that keep every version, for as long as `retention.DOCUMENT_DAYS` says; of the others the newest is."""


@dataclass(frozen=True, slots=True)
class Document:
    """One version of something that people or the alerts change. `body` is JSON-able; `at_ms` and `version` are given
    by the caller, who makes a later version larger (ms × 1000 leaves room for several in a millisecond)."""

    workspace: str
    id: str
    version: int
    at_ms: int
    author: str
    body: Mapping[str, Any]
    deleted: bool = False


class Documents(Protocol):
    """Small tables of things with an id, insert-only. What `put` acknowledged is synced. Raises StoreUnavailable."""

    async def put(self, table: DocumentTable, documents: Sequence[Document]) -> None:
        """Keeps the versions, all or none. One that is there already is kept once."""
        ...

    async def newest(self, table: DocumentTable, workspace: str | None, id_: str | None = None) -> list[Document]:
        """The newest version of everything, or of one, that is not deleted, by workspace and id. Without a workspace
        those of all: for the parts of Vantage that serve every tenant, never for a request."""
        ...

    async def history(
        self,
        table: DocumentTable,
        workspace: str,
        *,
        start_ms: int,
        end_ms: int,
        id_: str | None = None,
        limit: int = 1000,
        offset: int = 0,
    ) -> list[Document]:
        """Versions with start ≤ at < end, the newest first; of the tables of `HISTORIES`."""
        ...


class Store(Protocol):
    """`rollups` is None where the engine has none: all is read from raw rows there."""

    name: str
    writer: Writer
    reader: Reader
    admin: Admin
    rollups: Rollups | None
    documents: Documents
    services: Services

    async def close(self) -> None: ...
