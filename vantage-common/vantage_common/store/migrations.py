"""Which schema files there are, what statements they hold, and which of them a database still lacks. Pure but for
reading the files of this package."""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from string import Template
from typing import Literal

from vantage_common.errors import NewerSchema, StoreRejected

SCHEMA = files("vantage_common.store.schema")
Engine = Literal["clickhouse", "sqlite"]
_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """One schema file. `template` has ``$database`` and retention days to fill in."""

    version: int
    name: str
    template: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.template.encode()).hexdigest()

    def statements(self, values: Mapping[str, object]) -> list[str]:
        """The file's statements with `values` filled in and comments left out."""
        text = Template(_without_comments(self.template)).substitute(values)
        return [statement.strip() for statement in text.split(";") if statement.strip()]


BOOTSTRAP = Migration(
    0,
    "bootstrap",
    "CREATE DATABASE IF NOT EXISTS $database;"
    "CREATE TABLE IF NOT EXISTS $database.migrations (version UInt32, name String, checksum String, "
    "applied_at DateTime64(3, 'UTC') DEFAULT now64(3)) ENGINE = MergeTree ORDER BY version "
    "SETTINGS fsync_after_insert = 1, fsync_part_directory = 1",
)
"""What a ClickHouse database has before its first schema file: the record of those that were applied."""


@dataclass(frozen=True, slots=True)
class Applied:
    """A row of the migrations table."""

    version: int
    name: str
    checksum: str


State = Literal["applied", "pending", "changed", "unknown"]


@dataclass(frozen=True, slots=True)
class Step:
    """A schema file and what has become of it: applied; still to run its `statements`; changed since it was applied;
    or applied by a newer Vantage and unknown to this one."""

    name: str
    checksum: str
    state: State
    statements: tuple[str, ...] = ()


def load_migrations(engine: Engine = "clickhouse") -> list[Migration]:
    """Every schema file of an engine, in order of its number."""
    folder = SCHEMA if engine == "clickhouse" else SCHEMA / engine
    found = [
        Migration(int(match[1]), entry.name, entry.read_text(encoding="utf-8"))
        for entry in folder.iterdir()
        if (match := _NAME.fullmatch(entry.name))
    ]
    return sorted(found, key=lambda migration: migration.version)


def steps(
    known: Sequence[Migration], applied: Sequence[Applied], statements: Callable[[Migration], Sequence[str]]
) -> list[Step]:
    """What each schema file, known or applied, has become; `statements` says what one would run."""
    checksums = {row.version: row.checksum for row in applied}
    found = []
    for migration in known:
        checksum = checksums.get(migration.version)
        if checksum is None:
            found.append(Step(migration.name, migration.checksum, "pending", tuple(statements(migration))))
        else:
            state: State = "applied" if checksum == migration.checksum else "changed"
            found.append(Step(migration.name, migration.checksum, state))
    versions = {migration.version for migration in known}
    found.extend(Step(row.name, row.checksum, "unknown") for row in applied if row.version not in versions)
    return found


def pending(known: Sequence[Migration], applied: Sequence[Applied]) -> list[Migration]:
    """The migrations still to apply.

    Raises NewerSchema when the database has one that this Vantage does not know, StoreRejected when a file was
    changed after it had been applied.
    """
    by_version = {migration.version: migration for migration in known}
    for row in applied:
        migration = by_version.get(row.version)
        if migration is None:
            raise NewerSchema(f"the store has schema {row.name}, which this Vantage does not know: upgrade it first")
        if migration.checksum != row.checksum:
            raise StoreRejected(
                f"schema file {row.name} was changed after it made this store: restore the released one"
            )
    done = {row.version for row in applied}
    return [migration for migration in known if migration.version not in done]


def _without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("--"))
