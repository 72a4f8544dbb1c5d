"""What a stream has sent lately, so that a client that comes back gets what it missed.

A ring is bounded in bytes, not in messages; what all rings of the process hold together is bounded too. A message's
id is the ring's beginning and the message's number, ``1790035200123-42``: an id of another ring, of an API that was
restarted since, is recognised as such and never taken for one of this.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final

RING_BYTES: Final = 4 << 20
"""Of one stream in one workspace."""
ALL_RINGS_BYTES: Final = 64 << 20
OVERHEAD_BYTES: Final = 200
"""Of a message beside its text."""


@dataclass(frozen=True, slots=True)
class Event:
    """One message of a text stream, encoded once for all clients.

    `text` is JSON. `name` is its type, and the event of an SSE stream. Of those with one `slot` only the newest counts.
    `service` to `line` are what a client's filter looks at; `line` is in lower case. `parts` are a tick's entries.
    """

    name: str
    text: str
    slot: int | None = None
    service: str = ""
    environment: str = ""
    severity: str = ""
    line: str = ""
    parts: dict[int, str] = field(default_factory=dict)
    id: str = ""
    """Empty for what is no part of the stream: a hello, a heartbeat."""

    def with_id(self, id_: str) -> "Event":
        """`text` is an object with at least one key."""
        text = f'{{"seq":"{id_}",{self.text[1:]}' if self.text else ""
        return replace(self, id=id_, text=text)

    @property
    def size(self) -> int:
        return OVERHEAD_BYTES + len(self.text) + len(self.line) + sum(map(len, self.parts.values()))


class Ring:
    def __init__(self, began_ms: int, most_bytes: int = RING_BYTES) -> None:
        self._began_ms = began_ms
        self._most_bytes = most_bytes
        self._kept: deque[Event] = deque()
        self.newest = 0
        self.bytes = 0

    @property
    def newest_id(self) -> str:
        """Where the stream stands."""
        return f"{self._began_ms}-{self.newest}"

    def append(self, event: Event) -> Event:
        """Keeps the message, and returns it with its id, as `seq` in the text too."""
        self.newest += 1
        kept = event.with_id(self.newest_id)
        self._kept.append(kept)
        self.bytes += kept.size
        while self.bytes > self._most_bytes:
            self.drop_oldest()
        return kept

    def drop_oldest(self) -> None:
        self.bytes -= self._kept.popleft().size

    def after(self, last_id: str) -> list[Event] | None:
        """What followed the message with that id; None when that cannot be told any more."""
        began, _, number = last_id.partition("-")
        if began != str(self._began_ms) or not (number.isascii() and number.isdecimal()) or len(number) > 18:
            return None
        missed = self.newest - int(number)
        if not 0 <= missed <= len(self._kept):
            return None
        return list(islice(self._kept, len(self._kept) - missed, None))

    def __len__(self) -> int:
        return len(self._kept)


class Budget:
    """Keeps all rings together within their bytes: the largest one forgets first."""

    def __init__(self, most_bytes: int = ALL_RINGS_BYTES) -> None:
        self._most_bytes = most_bytes

    def enforce(self, rings: Iterable[Ring]) -> None:
        held = list(rings)
        excess = sum(ring.bytes for ring in held) - self._most_bytes
        while excess > 0:
            largest = max(held, key=lambda ring: ring.bytes)
            before = largest.bytes
            largest.drop_oldest()
            excess -= before - largest.bytes
