"""Which schema files there are, what statements they hold, and which of them a database still lacks. Pure but for
reading the files of this package."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from string import Template

from vantage_common.errors import NewerSchema, StoreRejected

SCHEMA = files("vantage_common.store.schema")
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


@dataclass(frozen=True, slots=True)
class Applied:
    """A row of the migrations table."""

    version: int
    name: str
    checksum: str


def load_migrations() -> list[Migration]:
    """Every schema file, in order of its number."""
    found = [
        Migration(int(match[1]), entry.name, entry.read_text(encoding="utf-8"))
        for entry in SCHEMA.iterdir()
        if (match := _NAME.fullmatch(entry.name))
    ]
    return sorted(found, key=lambda migration: migration.version)


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
