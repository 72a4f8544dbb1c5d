"""Fan-out: what is sent is encoded once and put into one outbox a client; nobody waits for anybody.

The producer never awaits a send. Each client has a task that empties its outbox as fast as the client reads; what
piles up meanwhile is conflated or dropped by the outbox's own rules, so a frozen client costs a bounded amount of
memory until it is expelled.
"""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator
from typing import Final, Generic, TypeAlias, TypeVar

Payload: TypeAlias = str | bytes

PATIENCE_MS: Final = 10_000
"""A client that stayed behind for so long is told and closed."""
MAX_REQUEST_FRAMES: Final = 20
"""Particles of two seconds; older ones would be played too late."""


class Outbox(ABC):
    """What one client has not been sent yet."""

    def __init__(self) -> None:
        self._ready = asyncio.Event()
        self.expelled = asyncio.Event()

    async def take(self) -> list[Payload]:
        """Everything there is to send, once there is something."""
        await self._ready.wait()
        self._ready.clear()
        return self._drain()

    def expel(self) -> None:
        self.expelled.set()

    @abstractmethod
    def is_behind(self, now_ms: int) -> bool:
        """Whether the client has not kept up for `PATIENCE_MS`."""

    @abstractmethod
    def _drain(self) -> list[Payload]: ...


class CityOutbox(Outbox):
    """Registry messages are kept in order, of status and ticks only the latest counts, particles are dropped when
    there are too many."""

    def __init__(self, hello: str) -> None:
        super().__init__()
        self._texts: list[str] = [hello]
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
            self._behind_since_ms = now_ms if self._behind_since_ms is None else self._behind_since_ms
        if registry is not None:
            self._texts.append(registry)
        if status is not None:
            self._status = status
        room = MAX_REQUEST_FRAMES - len(self._requests)
        self._requests.extend(requests[: max(0, room)])
        self._tick = tick
        self._ready.set()

    def put_registry(self, message: str) -> None:
        self._texts.append(message)
        self._ready.set()

    def is_behind(self, now_ms: int) -> bool:
        return self._behind_since_ms is not None and now_ms - self._behind_since_ms >= PATIENCE_MS

    def _drain(self) -> list[Payload]:
        """The registry first: ticks and particles speak of its slots and edges."""
        if not self._conflated:
            self._behind_since_ms = None
        self._conflated = False
        payloads: list[Payload] = [*self._texts]
        if self._status is not None:
            payloads.append(self._status)
        payloads.extend(self._requests)
        if self._tick is not None:
            payloads.append(self._tick)
        self._texts, self._status, self._tick = [], None, None
        self._requests.clear()
        return payloads


Box = TypeVar("Box", bound=Outbox)


class Hub(Generic[Box]):
    """The outboxes of every client, by workspace."""

    def __init__(self) -> None:
        self._boxes: dict[str, set[Box]] = {}
        self.occupied = asyncio.Event()
        """Set while there is a client."""

    def join(self, workspace: str, box: Box) -> None:
        self._boxes.setdefault(workspace, set()).add(box)
        self.occupied.set()

    def leave(self, workspace: str, box: Box) -> None:
        boxes = self._boxes.get(workspace, set())
        boxes.discard(box)
        if not boxes:
            self._boxes.pop(workspace, None)
        if not self._boxes:
            self.occupied.clear()

    def __len__(self) -> int:
        return sum(len(boxes) for boxes in self._boxes.values())

    def of(self, workspace: str) -> frozenset[Box]:
        return frozenset(self._boxes.get(workspace, ()))

    def workspaces(self) -> list[str]:
        return list(self._boxes)

    def expel_laggards(self, now_ms: int) -> Iterator[Box]:
        """Tells the clients that stayed behind to go, and yields them."""
        for boxes in self._boxes.values():
            for box in boxes:
                if not box.expelled.is_set() and box.is_behind(now_ms):
                    box.expel()
                    yield box
