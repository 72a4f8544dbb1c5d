"""Alerts as documents of `alert_events`: each change is a version, and the newest one is what the alert is now.

An alert that is over is put away as deleted, so that what `newest` finds is what is alive, however many there were.
"""

from collections.abc import Iterable
from dataclasses import asdict, fields
from typing import Any, Final

from vantage_common.store.api import Document, Documents

from vantage_api.alerts.states import Alert, Told

EVALUATOR: Final = "vantage"
"""The author of what nobody did by hand."""
_NOT_STORED: Final = frozenset({"id", "workspace", "version", "calm_ms", "untold_ms"})
_STORED: Final = tuple(field.name for field in fields(Alert) if field.name not in _NOT_STORED)
_PAGE: Final = 1000


class Book:
    """Raises StoreUnavailable."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def alive(self, workspace: str | None = None, id_: str | None = None) -> list[Alert]:
        """Everything that is pending, up, or resolved by hand while its cause lasts."""
        return [alert_of(document) for document in await self._documents.newest("alert_events", workspace, id_)]

    async def put(self, alerts: Iterable[Alert], author: str, at_ms: int) -> None:
        await self._documents.put("alert_events", [document_of(alert, author, at_ms) for alert in alerts])

    async def since(self, workspace: str, start_ms: int, end_ms: int) -> list[tuple[Alert, str]]:
        """Every version from then on with its author, the oldest first."""
        found: list[Document] = []
        while True:
            page = await self._documents.history(
                "alert_events", workspace, start_ms=start_ms, end_ms=end_ms, limit=_PAGE, offset=len(found)
            )
            found += page
            if len(page) < _PAGE:
                return [(alert_of(document), document.author) for document in reversed(found)]


def document_of(alert: Alert, author: str, at_ms: int) -> Document:
    body = {name: value for name, value in asdict(alert).items() if name not in _NOT_STORED}
    return Document(alert.workspace, alert.id, alert.version, at_ms, author, body, deleted=is_put_away(alert))


def alert_of(document: Document) -> Alert:
    """Fields that a newer Vantage added are passed over."""
    body: dict[str, Any] = {name: document.body[name] for name in _STORED if name in document.body}
    told = body.pop("told", None)
    return Alert(
        id=document.id,
        workspace=document.workspace,
        version=document.version,
        told=None if told is None else Told(**told | {"channels": tuple(told.get("channels", ()))}),
        **body,
    )


def is_put_away(alert: Alert) -> bool:
    return alert.state == "resolved" and not alert.resolved_by_hand


def next_version(alert: Alert, now_ms: int) -> int:
    return max(now_ms * 1000, alert.version + 1)
