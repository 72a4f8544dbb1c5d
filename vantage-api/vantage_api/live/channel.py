"""A text stream: its clients, and a ring a workspace of what it has sent lately.

A ring is kept from the first client's coming until a minute after the last one has left: long enough for a page that
is loaded again or a laptop that changes its network, and nothing is encoded for workspaces that nobody watches.
"""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

from vantage_api.live.hub import Hub
from vantage_api.live.outboxes import EventOutbox
from vantage_api.live.ring import RING_BYTES, Event, Ring

LINGER_MS: Final = 60_000
RESET: Final = Event("reset", '{"type":"reset"}')
Listener = TypeVar("Listener", bound=EventOutbox)


class Channel(Hub[Listener]):
    def __init__(self, *, ring_bytes: int = RING_BYTES) -> None:
        super().__init__()
        self._ring_bytes = ring_bytes
        self._rings: dict[str, Ring] = {}
        self._left_ms: dict[str, int] = {}
        self.recording = asyncio.Event()
        """Set while there is a ring."""

    def enter(self, workspace: str, box: Listener, now_ms: int) -> None:
        """A client's coming. It gets what is sent from now on; `resume` gives it what it has missed."""
        ring = self.ring(workspace, now_ms)
        self._left_ms.pop(workspace, None)
        box.entered_at = ring.newest
        self.join(workspace, box)

    def resume(self, workspace: str, box: Listener, last_id: str) -> bool:
        """Hands the client what was sent between `last_id` and its coming; whether that could be told."""
        missed = self._rings[workspace].after(last_id)
        if missed is None:
            return False
        sent_since = self._rings[workspace].newest - box.entered_at
        box.replay(missed[: max(0, len(missed) - sent_since)])
        return True

    def ring(self, workspace: str, now_ms: int) -> Ring:
        """The workspace's ring, begun now when there is none."""
        if workspace not in self._rings:
            self._rings[workspace] = Ring(now_ms, self._ring_bytes)
            self.recording.set()
        return self._rings[workspace]

    def is_recorded(self, workspace: str) -> bool:
        return workspace in self._rings

    def emit(self, workspace: str, events: Sequence[Event], now_ms: int) -> None:
        """Sends the events to every client of the workspace, and keeps them."""
        ring = self.ring(workspace, now_ms)
        sent = [ring.append(event) for event in events]
        if sent:
            for box in self.of(workspace):
                box.put(sent, now_ms)

    def forget(self, now_ms: int) -> None:
        """Drops the rings that nobody has needed for `LINGER_MS`. Call it once a second."""
        for workspace in list(self._rings):
            if self.of(workspace):
                continue
            if now_ms - self._left_ms.setdefault(workspace, now_ms) >= LINGER_MS:
                del self._rings[workspace], self._left_ms[workspace]
        if not self._rings:
            self.recording.clear()

    def rings(self) -> Iterator[Ring]:
        return iter(self._rings.values())
