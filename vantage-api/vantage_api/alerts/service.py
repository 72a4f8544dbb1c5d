"""The alerts as they run in every replica: one of them evaluates, all of them read along."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from vantage_common.bus.api import Bus, Publisher
from vantage_common.clock import Clock
from vantage_common.errors import BusUnavailable, CommitRejected, VantageError
from vantage_common.telemetry import get_logger

from vantage_api.alerts.board import Board, Report, Watcher, reports
from vantage_api.alerts.evaluator import Evaluator, Turn
from vantage_api.alerts.ownership import MARKS_MISSED, Ownership, Seat
from vantage_api.live.pace import pause

LOOK_S: Final = 1.0
"""How often a member shows its group that it is there."""
STOP_WITHIN_S: Final = 5.0
REPORT_WITHIN_S: Final = 2.0
LEARN_AGAIN_S: Final = 300.0
"""After a failure: learning weeks is the heaviest thing asked here, of a store that has just said no."""
_log = get_logger(__name__)


class Alerts:
    """`interval_s` is how often everything is evaluated; at 0 this replica only reads along."""

    def __init__(self, bus: Bus, publisher: Publisher, clock: Clock, evaluator: Evaluator, interval_s: float) -> None:
        self._bus = bus
        self._publisher = publisher
        self._clock = clock
        self._evaluator = evaluator
        self._interval_s = interval_s
        self._ownership = Ownership(bus, clock, interval_s)
        self._board = Board(bus, clock, round(MARKS_MISSED * max(interval_s, 15.0) * 1000))
        self._seat: Seat | None = None
        self._due_s = 0.0
        self._learning: asyncio.Task[None] | None = None
        self._following: asyncio.Task[None] | None = None
        self._turning: asyncio.Task[None] | None = None
        self._stopping = False
        self._learn_from_s = 0.0

    @property
    def evaluates(self) -> bool:
        """Whether this replica is the one."""
        return self._seat is not None

    def last_report(self, workspace: str) -> Report | None:
        return self._board.last(workspace)

    def firing(self, workspace: str) -> AsyncIterator[int | None]:
        """How many alerts of the workspace fire, at once and whenever that changes; None while nobody evaluates."""
        return self._board.firing(workspace)

    def watch(self, watcher: Watcher) -> None:
        """The watcher is told of the reports of every workspace. The next report waits for it."""
        self._board.watch(watcher)

    async def start(self) -> None:
        self._following = asyncio.create_task(self._board.run())
        if self._interval_s > 0:
            self._turning = asyncio.create_task(self._evaluate())

    async def stop(self) -> None:
        """After the turn that is on: one that was cut short might be told again by the next evaluator."""
        self._stopping = True
        if self._turning is not None:
            await asyncio.wait([self._turning], timeout=STOP_WITHIN_S)
        tasks = [task for task in (self._following, self._turning, self._learning) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._ownership.leave()

    async def _evaluate(self) -> None:
        while not self._stopping:
            try:
                await self.beat(LOOK_S)
            except VantageError as error:
                _log.warning("alerts were not evaluated", reason=str(error))
                await pause()
            except Exception as error:  # somebody has to keep watch, whatever happened
                _log.error("alerts were not evaluated", exc_info=error)
                await pause()

    async def probe(self) -> None:
        """For the health route: raises when one of the loops has died."""
        for task in (self._following, self._turning):
            if task is not None and task.done() and not self._stopping:
                raise AlertsStopped(f"a loop of the alerts has ended: {task.exception()!r}")

    async def beat(self, wait_s: float) -> Turn | None:
        """Stays in the group for about `wait_s`, and evaluates when that is this replica's and due."""
        seat = await self._ownership.look(wait_s)
        now_s = self._clock.monotonic()
        if seat is None:
            self._seat = None
            return None
        if seat is not self._seat:
            seat.told = await self._evaluator.take_over(seat.told)
            await self._ownership.mark(seat)
            self._seat, self._due_s = seat, now_s
        if now_s < self._due_s:
            return None
        self._due_s = max(self._due_s + self._interval_s, now_s)
        return await self._turn(seat)

    async def _turn(self, seat: Seat) -> Turn | None:
        self._learn()
        try:
            turn = await self._evaluator.turn(seat.told, lambda: self._ownership.mark(seat))
            seat.told = turn.told
            await self._ownership.mark(seat)
        except CommitRejected:
            _log.info("another replica evaluates the alerts now")
            self._seat = None
            return None
        try:
            await self._publisher.publish(reports(turn), REPORT_WITHIN_S)
        except BusUnavailable as error:
            _log.warning("a report of alerts was not sent", reason=str(error))
        return turn

    def _learn(self) -> None:
        """Beside the turns: the first time it reads weeks."""
        is_free = self._learning is None or self._learning.done()
        if is_free and self._clock.monotonic() >= self._learn_from_s:
            self._learning = asyncio.create_task(self._learn_once())

    async def _learn_once(self) -> None:
        try:
            await self._evaluator.learn()
        except VantageError as error:
            _log.warning("baselines were not learned", reason=str(error))
            self._learn_from_s = self._clock.monotonic() + LEARN_AGAIN_S


class AlertsStopped(VantageError):
    """A loop of the alerts has ended; its exception is in the message."""
