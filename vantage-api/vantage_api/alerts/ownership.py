"""Which replica evaluates: the one that owns partition 0 of the topic `alerts` in one consumer group.

Kafka hands the partition to another member when its owner is gone. The embedded log gives a group to whoever joined
last and to nobody when that one goes; so the owner leaves its mark in the group's commit, turn by turn, and a member
that sees no mark for a while, or reads that the owner has left, joins anew. The commit is also the fence: a member that
has lost the partition cannot make it. And it holds the newest version told to the channels, so that a successor tells
nothing twice.
"""

from dataclasses import dataclass
from secrets import token_hex
from typing import Final

import msgspec
from vantage_common.bus.api import ALERTS, Bus, Commit, GroupHooks, Message, Subscription, TopicPartition
from vantage_common.clock import Clock
from vantage_common.errors import BusUnavailable, CommitRejected
from vantage_common.telemetry import get_logger

GROUP: Final = "vantage-alerts"
SEAT: Final = TopicPartition(ALERTS, 0)
MARKS_MISSED: Final = 4
"""After so many turns without a mark the owner is taken to be gone."""
_log = get_logger(__name__)


class Mark(msgspec.Struct, frozen=True):
    """What an owner leaves in the group's commit."""

    owner: str
    at_ms: int
    told: int
    left: bool = False


@dataclass(slots=True)
class Seat:
    """Held while this replica is the evaluator. `told` is the newest version that the channels have heard of."""

    told: int


class Ownership:
    """`look` is to be called again and again: it keeps the member in its group and says whether it is the one."""

    def __init__(self, bus: Bus, clock: Clock, interval_s: float) -> None:
        self._bus = bus
        self._clock = clock
        self._patience_ms = round(MARKS_MISSED * max(interval_s, 1.0) * 1000)
        self.name = token_hex(4)
        self._member: Subscription | None = None
        self._seat: Seat | None = None
        self._next = 0
        self._joined_ms = 0

    async def look(self, wait_s: float) -> Seat | None:
        """The seat, the same object as long as it is held; None while another holds it. Takes about `wait_s`.
        Raises BusUnavailable."""
        member = await self._joined()
        for message in await member.fetch(100, wait_s):
            self._next = max(self._next, _after(message))
        if SEAT not in member.assignment():
            self._seat = None
            await self._rejoin_if_left()
            return None
        if self._seat is None:
            commit = await member.committed(SEAT)
            mark = _mark(commit)
            self._next = max(self._next, 0 if commit is None else commit.offset)
            self._seat = Seat(0 if mark is None else mark.told)
        return self._seat

    async def mark(self, seat: Seat, *, left: bool = False) -> None:
        """Leaves the owner's mark. Raises CommitRejected when another has taken over, BusUnavailable."""
        if self._member is None or seat is not self._seat or SEAT not in self._member.assignment():
            raise CommitRejected("another evaluator has taken over")
        made = Mark(self.name, self._clock.now_ms(), seat.told, left)
        await self._member.commit({SEAT: Commit(self._next, msgspec.json.encode(made).decode())})

    async def leave(self) -> None:
        """Says that the seat is free, and goes."""
        if self._seat is not None:
            try:
                await self.mark(self._seat, left=True)
            except (BusUnavailable, CommitRejected) as error:
                _log.info("the evaluator leaves without a word", reason=str(error))
        await self._part()

    async def _joined(self) -> Subscription:
        if self._member is None:
            await self._bus.ensure_topics([ALERTS])
            self._member = self._bus.subscription(GROUP, [ALERTS])
            self._joined_ms = self._clock.now_ms()
            await self._member.start(GroupHooks(revoked=self._on_revoked))
        return self._member

    async def _on_revoked(self, sources: frozenset[TopicPartition]) -> None:
        if SEAT in sources:
            self._seat = None

    async def _rejoin_if_left(self) -> None:
        """Joins anew when the owner has left or has not been heard of; a group in which one always comes next to the
        seat is only disturbed by that, so a member first waits as long after it joined."""
        assert self._member is not None
        mark = _mark(await self._member.committed(SEAT))
        now_ms = self._clock.now_ms()
        heard_ms = max(self._joined_ms, 0 if mark is None else mark.at_ms)
        has_left = mark is not None and mark.left and mark.at_ms >= self._joined_ms
        if has_left or now_ms - heard_ms >= self._patience_ms:
            await self._part()

    async def _part(self) -> None:
        member, self._member, self._seat = self._member, None, None
        if member is not None:
            await member.stop()


def _after(message: Message) -> int:
    return message.offset + 1 if message.source == SEAT else 0


def _mark(commit: Commit | None) -> Mark | None:
    """None for a commit that says nothing we understand."""
    if commit is None:
        return None
    try:
        return msgspec.json.decode(commit.metadata, type=Mark)
    except msgspec.DecodeError:
        return None
