"""What people make, change and delete: a shelf for each kind of thing, and the trail of who did what.

Only the key of an editor or an admin may change anything. The store keeps what was last put, whoever put it; a client
that says which version it saw is told when somebody else was faster, as far as one process can tell.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from secrets import randbelow, token_hex
from typing import Any, Final, TypeAlias

from fastapi import Request
from vantage_common.clock import Clock
from vantage_common.errors import UserError
from vantage_common.http.asgi import state_of, workspace_of
from vantage_common.store.api import Document, Documents, DocumentTable

MAX_DOCUMENTS: Final = 1000
"""Of one kind in one workspace."""
ANONYMOUS: Final = "anonymous"
_NUMBERS: Final = 1000
"""Versions of a millisecond."""
_MAY_CHANGE: Final = ("editor", "admin")
Shown: TypeAlias = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""From a body to what of it the trail may hold."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who changes something. `name` is the id of the key; `anonymous` while no key is configured."""

    workspace: str
    name: str


def editor(request: Request) -> Author:
    """For routes that change something. Raises UserError 403 when the key's role is only to look."""
    state = state_of(request.scope)
    if state.get("role", "viewer") not in _MAY_CHANGE:
        raise UserError(
            "wrong_role",
            f"the API key {state.get('key_id', '')} may look but not change anything",
            status=403,
            hint="use a key whose role is editor or admin",
        )
    return Author(workspace_of(request.scope), state.get("key_id") or ANONYMOUS)


def admin(request: Request) -> str:
    """For what only admins may see: their workspace. Raises UserError 403."""
    state = state_of(request.scope)
    if state.get("role", "viewer") != "admin":
        raise UserError(
            "wrong_role",
            f"the API key {state.get('key_id', '')} may not see who did what",
            status=403,
            hint="use a key whose role is admin",
        )
    return workspace_of(request.scope)


class Trail:
    """Who did what, as documents of the table `audit`, by the kind and id of the thing."""

    def __init__(self, documents: Documents, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock
        # Two entries of one thing in one millisecond are two; other replicas most likely begin elsewhere.
        self._numbers = count(randbelow(_NUMBERS))

    async def record(
        self, author: Author, action: str, kind: str, id_: str, body: Mapping[str, Any] | None = None
    ) -> None:
        """`action` is a verb such as create, change, delete, acknowledge; `body` what the thing is now."""
        now_ms = self._clock.now_ms()
        told = {"action": action, "kind": kind, "id": id_, **({} if body is None else {"body": body})}
        version = now_ms * _NUMBERS + next(self._numbers) % _NUMBERS
        await self._documents.put(
            "audit", [Document(author.workspace, f"{kind}/{id_}", version, now_ms, author.name, told)]
        )


class Shelf:
    """Things of one kind. `shown` leaves out of the trail what must stay secret. Raises StoreUnavailable when the
    store is away."""

    def __init__(
        self, documents: Documents, table: DocumentTable, kind: str, clock: Clock, *, shown: Shown = lambda body: body
    ) -> None:
        self._documents = documents
        self._table: DocumentTable = table
        self._kind = kind
        self._clock = clock
        self._shown = shown
        self._trail = Trail(documents, clock)

    async def all(self, workspace: str) -> list[Document]:
        """By id."""
        return await self._documents.newest(self._table, workspace)

    async def one(self, workspace: str, id_: str) -> Document:
        """Raises UserError 404."""
        found = await self._documents.newest(self._table, workspace, id_)
        if not found:
            raise UserError("not_found", f"there is no {self._kind} {id_!r}", status=404)
        return found[0]

    async def make(self, author: Author, body: Mapping[str, Any], *, id_: str | None = None) -> Document:
        """Gives it an id where it has none. Raises UserError 409 when there are too many."""
        if len(await self.all(author.workspace)) >= MAX_DOCUMENTS:
            raise UserError(
                "too_many",
                f"a workspace has at most {MAX_DOCUMENTS} of: {self._kind}",
                status=409,
                hint="delete some first",
            )
        draft = Document(author.workspace, id_ or token_hex(8), 0, 0, author.name, body)
        return await self._put(author, "create", draft)

    async def change(
        self, author: Author, id_: str, body: Mapping[str, Any], *, seen_version: int | None = None
    ) -> Document:
        """Raises UserError 404, and 409 when it is no longer the version that was seen."""
        before = await self.one(author.workspace, id_)
        if seen_version is not None and seen_version != before.version:
            raise UserError(
                "changed_meanwhile",
                f"{before.author} has changed the {self._kind} {id_!r} since",
                status=409,
                hint="load it again and repeat your change",
            )
        return await self._put(author, "change", Document(before.workspace, id_, before.version, 0, author.name, body))

    async def drop(self, author: Author, id_: str) -> None:
        """Raises UserError 404."""
        before = await self.one(author.workspace, id_)
        gone = Document(before.workspace, id_, before.version, 0, author.name, before.body, deleted=True)
        await self._put(author, "delete", gone)

    async def _put(self, author: Author, action: str, draft: Document) -> Document:
        """Stamps it with the time and a version after the draft's."""
        now_ms = self._clock.now_ms()
        version = max(now_ms * _NUMBERS, draft.version + 1)
        made = Document(draft.workspace, draft.id, version, now_ms, author.name, draft.body, draft.deleted)
        await self._documents.put(self._table, [made])
        await self._trail.record(author, action, self._kind, made.id, None if made.deleted else self._shown(made.body))
        return made
