"""Fan-out: what is sent is encoded once and put into one outbox a client; nobody waits for anybody.

The producer never awaits a send. Each client has a task that empties its outbox as fast as the client reads; what
piles up meanwhile is conflated or dropped by the outbox's own rules, so a frozen client costs a bounded amount of
memory until it is expelled.
"""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeAlias, TypeVar

from vantage_common.errors import UserError

Frame: TypeAlias = str | bytes
Payload = TypeVar("Payload")

PATIENCE_MS: Final = 10_000
"""A client that stayed behind for so long is told and closed."""
MAX_REQUEST_FRAMES: Final = 20
"""Particles of two seconds; older ones would be played too late."""
MAX_WAITING_TEXT: Final = 8 << 20
"""Characters of registry messages: they are never left out, so a client that lets more wait is closed at once."""
MAX_CLIENTS: Final = 1000
MAX_CLIENTS_A_WORKSPACE: Final = 500


@dataclass(slots=True)
class Losses:
    """Messages that a newer one replaced before they were sent, and such as were left out."""

    conflated: int = 0
    dropped: int = 0

    def take(self) -> "Losses":
        """What came together since the last call."""
        taken = Losses(self.conflated, self.dropped)
        self.conflated = self.dropped = 0
        return taken


class Outbox(ABC, Generic[Payload]):
    """What one client has not been sent yet."""

    def __init__(self) -> None:
        self._ready = asyncio.Event()
        self.expelled = asyncio.Event()
        self.losses = Losses()

    async def take(self) -> list[Payload]:
        """Everything there is to send, once there is something; nothing when the client has to go."""
        await self._ready.wait()
        if self.expelled.is_set():
            return []
        self._ready.clear()
        return self._drain()

    def expel(self) -> None:
        self.expelled.set()
        self._ready.set()

    @abstractmethod
    def is_behind(self, now_ms: int) -> bool:
        """Whether the client has not kept up for `PATIENCE_MS`."""

    @abstractmethod
    def _drain(self) -> list[Payload]: ...


class CityOutbox(Outbox[Frame]):
    """Registry messages are kept in order, of status and ticks only the latest counts, particles are dropped when
    there are too many."""

    def __init__(self, hello: str) -> None:
        super().__init__()
        self._texts: list[str] = [hello]
        self._texts_size = len(hello)
        self._status: str | None = None
        self._requests: deque[bytes] = deque()
        self._tick: bytes | None = None
        self._conflated = False
        self._behind_since_ms: int | None = None
        self._ready.set()

    def put(self, now_ms: int, *, registry: str | None, requests: list[bytes], tick: bytes, status: str | None) -> None:
        """One tick's worth of messages."""
        if self._tick is not None:
            self._conflated = True
            self.losses.conflated += 1
            self._behind_since_ms = now_ms if self._behind_since_ms is None else self._behind_since_ms
        if registry is not None:
            self.put_registry(registry)
        if status is not None:
            self._status = status
        room = max(0, MAX_REQUEST_FRAMES - len(self._requests))
        self._requests.extend(requests[:room])
        self.losses.dropped += len(requests[room:])
        self._tick = tick
        self._ready.set()

    def put_registry(self, message: str) -> None:
        self._texts.append(message)
        self._texts_size += len(message)
        self._ready.set()

    def is_behind(self, now_ms: int) -> bool:
        is_slow = self._behind_since_ms is not None and now_ms - self._behind_since_ms >= PATIENCE_MS
        return is_slow or self._texts_size > MAX_WAITING_TEXT

    def _drain(self) -> list[Frame]:
        """The registry first: ticks and particles speak of its slots and edges."""
        if not self._conflated:
            self._behind_since_ms = None
        self._conflated = False
        payloads: list[Frame] = [*self._texts]
        if self._status is not None:
            payloads.append(self._status)
        payloads.extend(self._requests)
        if self._tick is not None:
            payloads.append(self._tick)
        self._texts, self._texts_size, self._status, self._tick = [], 0, None, None
        self._requests.clear()
        return payloads


Box = TypeVar("Box", bound=Outbox[Any])


class Hub(Generic[Box]):
    """The outboxes of every client of one stream, by workspace."""

    def __init__(self) -> None:
        self._boxes: dict[str, set[Box]] = {}
        self._losses = Losses()

    def check_room(self, workspace: str) -> None:
        """Raises UserError 429 when there are too many clients."""
        if len(self) >= MAX_CLIENTS or len(self._boxes.get(workspace, ())) >= MAX_CLIENTS_A_WORKSPACE:
            most = f"{MAX_CLIENTS_A_WORKSPACE} clients a workspace and {MAX_CLIENTS} in all"
            raise UserError("too_many_clients", f"a stream has at most {most}", status=429, retry_after_s=10)

    def join(self, workspace: str, box: Box) -> None:
        self._boxes.setdefault(workspace, set()).add(box)

    def leave(self, workspace: str, box: Box) -> None:
        boxes = self._boxes.get(workspace, set())
        boxes.discard(box)
        self._note(box)
        if not boxes:
            self._boxes.pop(workspace, None)

    def __len__(self) -> int:
        return sum(len(boxes) for boxes in self._boxes.values())

    def of(self, workspace: str) -> frozenset[Box]:
        return frozenset(self._boxes.get(workspace, ()))

    def take_losses(self) -> Losses:
        """What all clients together lost since the last call."""
        for boxes in self._boxes.values():
            for box in boxes:
                self._note(box)
        return self._losses.take()

    def expel_laggards(self, now_ms: int) -> Iterator[Box]:
        """Tells the clients that stayed behind to go, and yields them."""
        for boxes in self._boxes.values():
            for box in boxes:
                if not box.expelled.is_set() and box.is_behind(now_ms):
                    box.expel()
                    yield box

    def _note(self, box: Box) -> None:
        lost = box.losses.take()
        self._losses.conflated += lost.conflated
        self._losses.dropped += lost.dropped
