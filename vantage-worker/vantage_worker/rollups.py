"""When which hour is rolled up. One worker does it, hour by hour, beside the pipeline and never in its way.

An hour is computed once, five minutes after it closed, and again when rows came late, at most every ten minutes; until
then it is marked as outdated, and read from its raw rows. Which hours those are is found from the arrival times that
the store gives its rows; what is still to be done survives a restart as a position: every hour that a row arrived in
before it is computed.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from vantage_common.clock import Clock
from vantage_common.errors import StoreUnavailable, VantageError
from vantage_common.store.api import Rollups, RollupSource
from vantage_common.store.retention import Retention
from vantage_common.telemetry import get_logger

from vantage_worker.metrics import WorkerMetrics

SOURCES: Final[tuple[RollupSource, ...]] = ("metrics", "spans")
TURN_EVERY_S: Final = 30.0
HOUR_MS: Final = 3_600_000
CLOSED_FOR_MS: Final = 5 * 60_000
AGAIN_AFTER_MS: Final = 10 * 60_000
EDGE_MS: Final = 2 * HOUR_MS
"""Rows this close to the end of their retention may be gone already, and what is left adds up to less."""
AHEAD_MS: Final = HOUR_MS
"""Rows this far ahead of our clock are taken in."""
RETRY_AFTER_MS: Final = 60_000
ADVANCE_EVERY_MS: Final = 10 * 60_000
HOURS_A_TURN: Final = 20
"""A store that is new to this takes many turns; between them the hours that close meanwhile come first."""

log = get_logger("vantage.worker.rollups")


@dataclass(slots=True)
class Agenda:
    """Of one raw table: hours to compute, with the position they were found from, and which have to rest until when."""

    position_ms: int
    days: int
    seen_until_ms: int = 0
    waiting: dict[int, int] = field(default_factory=dict)
    rest_until_ms: dict[int, int] = field(default_factory=dict)
    outdated: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.seen_until_ms = self.position_ms

    def found(self, hours: tuple[int, ...], until_ms: int, now_ms: int) -> None:
        """Hours that nothing can have come for yet are left out: the first look names every hour of a day."""
        for hour in hours:
            if hour <= now_ms + AHEAD_MS:
                self.waiting.setdefault(hour, self.seen_until_ms)
        self.seen_until_ms = max(self.seen_until_ms, until_ms)

    def due(self, now_ms: int) -> list[int]:
        """The hours to compute now, the newest first: those are looked at."""
        self._forget(now_ms)
        return sorted((hour for hour in self.waiting if self._is_due(hour, now_ms)), reverse=True)

    def doubtful(self, hours: tuple[int, ...], now_ms: int) -> list[int]:
        """Which of the hours found may have been computed before, and are not known to be outdated."""
        closed = [hour for hour in hours if now_ms >= hour + HOUR_MS + CLOSED_FOR_MS]
        return [hour for hour in closed if hour in self.waiting and hour not in self.outdated]

    def done(self, hour: int, now_ms: int) -> None:
        del self.waiting[hour]
        self.outdated.discard(hour)
        self.rest_until_ms[hour] = now_ms + AGAIN_AFTER_MS

    def failed(self, hour: int, now_ms: int) -> None:
        """Others come first, so that an hour which always fails does not hold them up."""
        self.rest_until_ms[hour] = now_ms + RETRY_AFTER_MS

    def safe_position_ms(self) -> int:
        return min([self.seen_until_ms, *self.waiting.values()])

    def _is_due(self, hour: int, now_ms: int) -> bool:
        return now_ms >= hour + HOUR_MS + CLOSED_FOR_MS and hour not in self.rest_until_ms

    def _forget(self, now_ms: int) -> None:
        kept_since_ms = now_ms - self.days * 24 * HOUR_MS + EDGE_MS
        self.waiting = {hour: position for hour, position in self.waiting.items() if hour >= kept_since_ms}
        self.outdated &= self.waiting.keys()
        self.rest_until_ms = {hour: until for hour, until in self.rest_until_ms.items() if until > now_ms}


class RollupChore:
    """`is_mine` says whether this worker is the one that rolls up; it may change from call to call."""

    def __init__(
        self,
        rollups: Rollups,
        clock: Clock,
        retention: Retention,
        metrics: WorkerMetrics,
        is_mine: Callable[[], bool],
    ) -> None:
        self._rollups = rollups
        self._clock = clock
        self._retention = retention
        self._metrics = metrics
        self._is_mine = is_mine
        self._agendas: dict[RollupSource, Agenda] = {}

    async def run(self) -> None:
        """Takes turns until it is cancelled."""
        while True:
            await self.turn()
            await asyncio.sleep(TURN_EVERY_S)

    async def turn(self) -> None:
        """Looks what arrived and computes what is due. What fails is tried again in the next turn."""
        if not self._is_mine():
            self._agendas.clear()
            return
        for source in SOURCES:
            try:
                await self._turn(source)
            except StoreUnavailable as error:
                log.warning("rollups wait for the store", source=source, reason=str(error))
            except VantageError:
                log.exception("rollups failed", source=source)
        waiting = sum(len(agenda.waiting) for agenda in self._agendas.values())
        self._metrics.rollup_hours_waiting.set(waiting)

    async def _turn(self, source: RollupSource) -> None:
        agenda = self._agendas.get(source)
        if agenda is None:
            position = await self._rollups.position(source)
            agenda = self._agendas[source] = Agenda(position, self._retention.days_of(source))
        arrivals = await self._rollups.arrivals(source, agenda.seen_until_ms)
        agenda.found(arrivals.hours, arrivals.until_ms, self._clock.now_ms())
        due = agenda.due(self._clock.now_ms())[:HOURS_A_TURN]
        for hour in agenda.doubtful(arrivals.hours, self._clock.now_ms()):
            if hour not in due and await self._rollups.outdate(source, hour):
                agenda.outdated.add(hour)
        for hour in due:
            if not self._is_mine():
                return
            await self._compute(source, agenda, hour)
        await self._advance(source, agenda)

    async def _compute(self, source: RollupSource, agenda: Agenda, hour: int) -> None:
        now_ms = self._clock.now_ms()
        try:
            was_changed = await self._rollups.recompute(source, hour, now_ms)
        except VantageError:
            agenda.failed(hour, now_ms)
            raise
        agenda.done(hour, now_ms)
        if was_changed:
            self._metrics.rollup_hours.labels(source).inc()

    async def _advance(self, source: RollupSource, agenda: Agenda) -> None:
        safe_ms = agenda.safe_position_ms()
        if safe_ms - agenda.position_ms >= ADVANCE_EVERY_MS:
            await self._rollups.advance(source, safe_ms)
            agenda.position_ms = safe_ms
