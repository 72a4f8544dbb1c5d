"""GET /api/audit: who did what, for admins."""

import base64
import binascii
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel
from vantage_common.errors import UserError
from vantage_common.store.api import Document, Documents

from vantage_api.documents import admin
from vantage_api.parts import Parts
from vantage_api.routes.params import End, Start
from vantage_api.times import HOUR_MS, parse_range

DAY_MS: Final = 24 * HOUR_MS
PAGE: Final = 500
MAX_PAGES: Final = 10
"""Read for one answer: a filter that fits nothing ends there and says where to go on."""


class AuditEntry(BaseModel):
    """`body` is what the thing was after the change, without its secrets; null when it was deleted."""

    at: int
    author: str
    action: str
    kind: str
    id: str
    body: dict[str, Any] | None


class Audit(BaseModel):
    """The newest first. `cursor` leads to what is older; null where nothing is."""

    entries: list[AuditEntry]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where to go on: within what had happened before `end_ms`, behind the first `offset`."""

    end_ms: int
    offset: int

    def text(self) -> str:
        return base64.urlsafe_b64encode(f"{self.end_ms}.{self.offset}".encode()).decode().rstrip("=")


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(tags=["audit"])

    @routes.get("/api/audit")
    async def audit(
        tenant: Annotated[str, Depends(admin)],
        start: Start = None,
        end: End = None,
        kind: Annotated[str | None, Query(max_length=100, description="only of this kind, such as dashboard")] = None,
        author: Annotated[str | None, Query(max_length=200, description="only by this key")] = None,
        limit: Annotated[int, Query(ge=1, le=PAGE)] = 100,
        cursor: Annotated[str | None, Query(max_length=60)] = None,
    ) -> Audit:
        """What people and alerts changed, the newest first. Only a key whose role is admin may ask."""
        asked = parse_range(start, end, parts.clock.now_ms(), default_ms=DAY_MS)
        place = Place(asked.end_ms, 0) if cursor is None else read_cursor(cursor)
        found, after = await _entries(parts.store.documents, tenant, asked.start_ms, place, kind, author, limit)
        return Audit(entries=found, cursor=None if after is None else after.text())

    return routes


async def _entries(
    documents: Documents, workspace: str, start_ms: int, place: Place, kind: str | None, author: str | None, limit: int
) -> tuple[list[AuditEntry], Place | None]:
    found: list[AuditEntry] = []
    offset = place.offset
    for _ in range(MAX_PAGES):
        page = await documents.history(
            "audit", workspace, start_ms=start_ms, end_ms=place.end_ms, limit=PAGE, offset=offset
        )
        for entry in map(_entry, page):
            offset += 1
            if (kind is None or entry.kind == kind) and (author is None or entry.author == author):
                found.append(entry)
            if len(found) == limit:
                return found, Place(place.end_ms, offset)
        if len(page) < PAGE:
            return found, None
    return found, Place(place.end_ms, offset)


def read_cursor(text: str) -> Place:
    """Raises UserError for one that no answer had."""
    try:
        end, _, offset = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii").partition(".")
        place = Place(int(end), int(offset))
    except (ValueError, binascii.Error):
        place = Place(-1, -1)
    if not 0 <= place.offset < 1 << 31 or not 0 < place.end_ms < 1 << 53:
        raise UserError("bad_cursor", "this is no cursor of an earlier answer", hint="leave it out to begin anew")
    return place


def _entry(document: Document) -> AuditEntry:
    body = document.body
    return AuditEntry(
        at=document.at_ms,
        author=document.author,
        action=str(body.get("action", "")),
        kind=str(body.get("kind", "")),
        id=str(body.get("id", "")),
        body=body.get("body"),
    )
