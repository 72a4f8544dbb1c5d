"""What both engines' `Documents` share: the questions, and documents as rows and back. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from msgspec import json

from vantage_common.store.api import HISTORIES, Document, DocumentTable
from vantage_common.store.catalog import DOCUMENTS

COLUMNS: Final = tuple(column.name for column in next(iter(DOCUMENTS.values())).columns)
MAX_BODY_BYTES: Final = 1 << 20
_json: Final = json.Encoder(order="deterministic")


def columns_of(documents: Sequence[Document]) -> dict[str, list[Any]]:
    """The documents as columns of their table; `at` in ms. Raises ValueError for a body that is too large."""
    bodies = [_json.encode(document.body).decode() for document in documents]
    for document, body in zip(documents, bodies, strict=True):
        if len(body) > MAX_BODY_BYTES:
            raise ValueError(f"document {document.id!r} has {len(body)} bytes, at most {MAX_BODY_BYTES} are kept")
    return {
        "workspace": [document.workspace for document in documents],
        "id": [document.id for document in documents],
        "ver": [document.version for document in documents],
        "at": [document.at_ms for document in documents],
        "author": [document.author for document in documents],
        "deleted": [document.deleted for document in documents],
        "body": bodies,
    }


def documents_of(rows: Iterable[Sequence[Any]]) -> list[Document]:
    """Rows of `COLUMNS`, `at` in ms."""
    return [
        Document(workspace, id_, int(version), int(at_ms), author, json.decode(body), bool(deleted))
        for workspace, id_, version, at_ms, author, deleted, body in rows
    ]


def must_have_history(table: DocumentTable) -> None:
    if table not in HISTORIES:
        raise ValueError(f"of {table} only the newest versions are kept")
