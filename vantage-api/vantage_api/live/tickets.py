"""Tickets for SSE: an EventSource can send no header, and a key in a URL would stay in logs and histories.

Whoever has a key gets a ticket by POST and opens one stream with it, within half a minute. A ticket that leaks from a
URL afterwards opens nothing.
"""

import hashlib
import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from vantage_common.clock import Clock
from vantage_common.errors import UserError

TICKET_S: Final = 30
MAX_TICKETS: Final = 1000
MAX_TICKETS_A_WORKSPACE: Final = 200
_MAX_LENGTH: Final = 100


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whom a ticket stands for."""

    workspace: str
    key_id: str


@dataclass(frozen=True, slots=True)
class _Ticket:
    bearer: Bearer
    expires_s: float


class Tickets:
    """Only hashes are kept, oldest first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open: OrderedDict[bytes, _Ticket] = OrderedDict()

    def issue(self, bearer: Bearer) -> str:
        """A new ticket. Raises UserError 429 when too many are waiting to be used."""
        self._drop_expired()
        of_workspace = sum(ticket.bearer.workspace == bearer.workspace for ticket in self._open.values())
        if len(self._open) >= MAX_TICKETS or of_workspace >= MAX_TICKETS_A_WORKSPACE:
            raise UserError(
                "too_many_tickets",
                "too many tickets are waiting to be used",
                status=429,
                hint=f"a ticket opens one stream; unused ones expire after {TICKET_S} s",
                retry_after_s=TICKET_S,
            )
        ticket = secrets.token_urlsafe(32)
        self._open[_digest(ticket)] = _Ticket(bearer, self._clock.monotonic() + TICKET_S)
        return ticket

    def use(self, ticket: str) -> Bearer:
        """Whom the ticket stands for; it is worth nothing afterwards. Raises UserError 401 for one that is no good.

        Every ticket is compared, so the time taken does not tell which one was near.
        """
        self._drop_expired()
        digest = _digest(ticket[:_MAX_LENGTH])
        found = None
        for known in self._open:
            if hmac.compare_digest(known, digest):
                found = known
        if found is None:
            raise UserError(
                "wrong_ticket",
                "this ticket is not known, was used already, or is too old",
                status=401,
                hint=f"POST /api/stream/ticket gives one; it opens one stream within {TICKET_S} s",
            )
        return self._open.pop(found).bearer

    def __len__(self) -> int:
        return len(self._open)

    def _drop_expired(self) -> None:
        now = self._clock.monotonic()
        while self._open and next(iter(self._open.values())).expires_s <= now:
            self._open.popitem(last=False)


def _digest(ticket: str) -> bytes:
    return hashlib.sha256(ticket.encode("utf-8", "surrogatepass")).digest()
