"""The schema as a cluster named `main` gets it. `python -m tests.contract.cluster_schema` writes cluster_schema.sql
anew, which a test compares with the schema files: a change of what a cluster is told shows in a review."""

from pathlib import Path

from vantage_common.store.cluster import on_cluster, sharded_tables
from vantage_common.store.migrations import BOOTSTRAP, load_migrations

CLUSTER = "main"
VALUES = {"database": "`vantage`", "retention_raw_days": 90, "retention_spans_days": 30}
FILE = Path(__file__).with_suffix(".sql")


def statements() -> list[str]:
    """All of them, in order."""
    own = [statement for migration in (BOOTSTRAP, *load_migrations()) for statement in migration.statements(VALUES)]
    sharded = sharded_tables(own)
    return [made for statement in own for made in on_cluster(statement, CLUSTER, sharded)]


def text() -> str:
    return "".join(f"{statement};\n\n" for statement in statements())


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
