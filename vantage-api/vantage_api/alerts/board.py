"""What every replica knows of the alerts: the evaluator reports its turns on the topic `alerts`, all replicas read."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

import msgspec
from vantage_common.bus.api import ALERTS, Bus, Message, Outgoing
from vantage_common.clock import Clock
from vantage_common.errors import BusUnavailable
from vantage_common.telemetry import get_logger

from vantage_api.alerts.evaluator import Turn
from vantage_api.alerts.states import Alert
from vantage_api.live.pace import pause

CHANGES_TOLD: Final = 200
"""Of a turn; a reader that needs them all asks the history."""
ERRORS_TOLD: Final = 200
_FETCH: Final = 100
_FETCH_WITHIN_S: Final = 1.0
_log = get_logger(__name__)
_encoder: Final = msgspec.json.Encoder()


class Report(msgspec.Struct, frozen=True):
    """One workspace in one turn. `changes` are alerts as `change_of` shows them."""

    workspace: str
    at_ms: int
    firing: int
    errors: dict[str, str] = {}
    changes: list[dict[str, Any]] = []


Watcher = Callable[[str, Report | None], Awaitable[None]]
"""Is told of a workspace's report, and of None when none has come for long."""


class Board:
    """Follows the reports while `run` runs. A report that is older than `memory_ms` says nothing any more."""

    def __init__(self, bus: Bus, clock: Clock, memory_ms: int) -> None:
        self._bus = bus
        self._clock = clock
        self._memory_ms = memory_ms
        self._last: dict[str, Report] = {}
        self._watchers: list[Watcher] = []

    def last(self, workspace: str) -> Report | None:
        """The newest report; None when none has come for long enough that the alerts must be taken to stand still."""
        report = self._last.get(workspace)
        if report is None or self._clock.now_ms() - report.at_ms > self._memory_ms:
            return None
        return report

    def watch(self, watcher: Watcher) -> None:
        self._watchers.append(watcher)

    async def firing(self, workspace: str) -> AsyncIterator[int | None]:
        """How many alerts fire: at once, and whenever that changes. A slow reader misses what is no longer true."""
        changed = asyncio.Event()

        async def watcher(about: str, _report: Report | None) -> None:
            if about == workspace:
                changed.set()

        self._watchers.append(watcher)
        try:
            shown: tuple[int | None] | None = None
            while True:
                report = self.last(workspace)
                now = (None if report is None else report.firing,)
                if now != shown:
                    shown = now
                    yield now[0]
                await changed.wait()
                changed.clear()
        finally:
            self._watchers.remove(watcher)

    async def run(self) -> None:
        """Reads along for ever. A bus that is away is waited for."""
        tail = self._bus.tail([ALERTS])
        await tail.start(self._clock.now_ms() - self._memory_ms)
        try:
            while True:
                try:
                    messages = await tail.fetch(_FETCH, _FETCH_WITHIN_S)
                except BusUnavailable as error:
                    _log.warning("reports of alerts cannot be followed", reason=str(error))
                    await pause()
                    continue
                for message in messages:
                    await self.take(message)
                await self.forget()
        finally:
            await tail.stop()

    async def take(self, message: Message) -> None:
        """A record that cannot be read is passed over: the next report is whole again."""
        try:
            report = msgspec.json.decode(message.value, type=Report)
        except (msgspec.DecodeError, UnicodeDecodeError):
            _log.warning("a report of alerts cannot be read", offset=message.offset)
            return
        self._last[report.workspace] = report
        await self._tell(report.workspace, report)

    async def forget(self) -> None:
        """Drops what is too old to be true."""
        for workspace in [workspace for workspace in self._last if self.last(workspace) is None]:
            del self._last[workspace]
            await self._tell(workspace, None)

    async def _tell(self, workspace: str, report: Report | None) -> None:
        for watcher in list(self._watchers):
            await watcher(workspace, report)


def reports(turn: Turn) -> list[Outgoing]:
    """What a turn is told as, a record for each workspace."""
    return [
        Outgoing(
            ALERTS,
            workspace.encode(),
            _encoder.encode(
                Report(
                    workspace,
                    turn.at_ms,
                    firing,
                    dict(list(turn.errors.get(workspace, {}).items())[:ERRORS_TOLD]),
                    [change_of(alert) for alert in turn.changes if alert.workspace == workspace][:CHANGES_TOLD],
                )
            ),
        )
        for workspace, firing in turn.firing.items()
    ]


def change_of(alert: Alert) -> dict[str, Any]:
    """An alert as live clients are told of it."""
    return {
        "id": alert.id,
        "rule_id": alert.rule_id,
        "rule_name": alert.rule_name,
        "service_name": alert.service,
        "metric": alert.metric,
        "state": alert.state,
        "severity": alert.severity,
        "value": alert.value,
        "threshold": alert.threshold,
        "started": alert.started_ms,
        "at": alert.changed_ms,
        "happening": alert.happening,
    }
